//! What stands beside a limit, or before it: a limit of each user, proxies, clocks that are set, refusals for other reasons.

use find::{Decision, Finding, Kind, MOST_KEPT, Observations, Outcome, find};
use limiter::{LimitSpec, Limiter};
use std::fmt::Write as _;
use std::time::Duration;

/// Microseconds since 1970.
const BEGIN: u64 = 1_795_824_000_000_000;

fn read(lines: &str) -> Observations {
    let mut observations = Observations::new();
    for record in trace::Reader::new(lines.as_bytes()) {
        observations.add_record(0, &record.expect("a whole line"));
    }
    observations
}

/// Users who try again and again, each before a limiter of its own.
fn of_each(limit: &str, users: u32) -> Observations {
    let limit: LimitSpec = limit.parse().expect("a limit");
    let mut observations = Observations::new();
    for user in 0..users {
        let mut limiter = Limiter::new(&limit);
        for nth in 0..150_u64 {
            let sent = BEGIN + 410_000 * nth + 37_000 * u64::from(user) + 1_000 * (nth * nth % 89);
            let passed = limiter.try_pass(Duration::from_micros(sent + 2_000)).passed();
            observations.add(Decision {
                sent,
                answered: sent + 5_000,
                outcome: if passed { Outcome::Passed } else { Outcome::Refused },
                user,
                target: 0,
                status: Some(if passed { 101 } else { 429 }),
                hint: None,
                ended: None,
            });
        }
    }
    observations
}

#[test]
fn a_limit_of_each_user_is_told_as_theirs_and_not_as_a_shared_one() {
    let found = find(&of_each("token-bucket rate=0.5 burst=4", 8));
    assert_eq!(
        (found.kind, &found.limit_spec),
        (Kind::TokenBucket, &None),
        "{found:?}"
    );
    let rate = found.rate_per_second.expect("a rate");
    assert!((rate / 0.5 - 1.0).abs() < 0.005, "{found:?}");
    let told = found.sentence();
    assert!(
        told.contains("each user has its own, token bucket, 4 at once"),
        "{told}"
    );
    let json = serde_json::to_value(&found).expect("JSON");
    let text = json["eachUser"]["limitText"].as_str().expect("a text");
    let figures = text.starts_with("token-bucket rate=0.5") && text.ends_with(" burst=4");
    assert!(figures, "{text}");
    // One user alone has what it has.
    let alone = find(&of_each("token-bucket rate=0.5 burst=4", 1));
    assert_eq!(
        (alone.kind, &alone.each_user),
        (Kind::TokenBucket, &None),
        "{alone:?}"
    );
}

#[test]
fn two_limits_that_all_share_are_not_taken_for_one_of_each_user() {
    let limit: LimitSpec = "token-bucket rate=50 burst=20 + fixed-window limit=1500 window=60s"
        .parse()
        .expect("two limits");
    let mut limiter = Limiter::new(&limit);
    let mut observations = Observations::new();
    let mut sent = BEGIN;
    for nth in 0..60_000_u64 {
        sent += 1 + nth.wrapping_mul(2_654_435_761) % 6_000;
        let passed = limiter.try_pass(Duration::from_micros(sent + 500)).passed();
        observations.add(Decision {
            sent,
            answered: sent + 1_200,
            outcome: if passed { Outcome::Passed } else { Outcome::Refused },
            user: u32::try_from(nth % 200).expect("a few"),
            target: 0,
            status: Some(if passed { 101 } else { 429 }),
            hint: None,
            ended: None,
        });
    }
    let found = find(&observations);
    assert_eq!(found.each_user, None, "{found:?}");
    let both = found.second.as_ref().map(|second| (found.kind, second.kind));
    assert!(
        found.kind == Kind::Unknown || both == Some((Kind::FixedWindow, Kind::TokenBucket)),
        "{found:?}"
    );
}

/// An attempt every 40 ms, half a second's worth of each is let in by what stands first.
fn limited(nth: u64, refused: &str, passed: &str) -> String {
    let at = BEGIN + 40_000 * nth;
    let what = if nth % 20 < 10 { passed } else { refused };
    format!(
        r#"{{"at":{at},"target":"ws://a/","user":"{nth}","ordinal":0,"attempt":1,"totalUs":9000,{what}}}"#
    ) + "\n"
}

const IN: &str = r#""dnsUs":100,"tcpUs":200,"proxyUs":3000,"sentUs":3400,"headUs":6000,"status":101"#;
const BY_PROXY: &str =
    r#""dnsUs":100,"tcpUs":200,"proxyUs":3000,"status":429,"error":"proxy.unavailable","class":"throttle""#;
const BY_SERVER: &str = r#""dnsUs":100,"tcpUs":200,"proxyUs":3000,"sentUs":3400,"headUs":6000,"status":429,"error":"upgrade.status""#;

fn noted(found: &Finding, text: &str) -> bool {
    found.notes.iter().any(|note| note.contains(text))
}

#[test]
fn what_a_proxy_refuses_is_told_apart_from_what_the_server_does() {
    let lines: String = (0..400).map(|nth| limited(nth, BY_PROXY, IN)).collect();
    let observations = read(&lines);
    let found = find(&observations);
    assert_eq!(
        (found.kind, found.limit),
        (Kind::FixedWindow, Some(10)),
        "{found:?}"
    );
    assert_eq!(
        (found.proxy_refusals, observations.aside()),
        (200, 0),
        "{found:?}"
    );
    assert!(noted(&found, "this is the proxy's limit"), "{found:?}");
    // A proxy that refuses some at its own will does not spoil what the server's limit is.
    let some = |nth| match nth % 7 {
        0 => limited(nth, BY_PROXY, BY_PROXY),
        _ => String::new(),
    };
    let lines: String = (0..400)
        .map(|nth| limited(nth, BY_SERVER, IN) + &some(nth))
        .collect();
    let found = find(&read(&lines));
    assert_eq!(
        (found.kind, found.limit),
        (Kind::FixedWindow, Some(10)),
        "{found:?}"
    );
    assert_eq!((found.decisions, found.proxy_refusals), (400, 58), "{found:?}");
    assert!(
        noted(&found, "58 attempts were refused by the proxy"),
        "{found:?}"
    );
}

#[test]
fn a_clock_that_is_set_during_the_run_is_recognised_and_nothing_is_named() {
    // Users wait two seconds after each refusal, by a clock that nobody sets.
    let lines = |by: i64| {
        let mut lines = String::new();
        for user in 0..30_u64 {
            for attempt in 0..8_u64 {
                let at = BEGIN + 20_000 * user + 2_001_000 * attempt;
                let at = if attempt < 4 {
                    at
                } else {
                    at.saturating_add_signed(by)
                };
                let status = if (user + attempt) % 8 == 7 { 101 } else { 429 };
                let _ = writeln!(
                    lines,
                    r#"{{"at":{at},"target":"ws://a/","user":"{user}","ordinal":0,"attempt":{},"sentUs":300,"headUs":900,"totalUs":1000,"status":{status},"waitedMs":2000.0}}"#,
                    attempt + 1
                );
            }
        }
        lines
    };
    for (by, said) in [
        (5_000_000, "set ahead by about 5.0 s"),
        (2_000_000, "set ahead by about 2.0 s"),
        (-1_500_000, "set back by about 1.5 s"),
    ] {
        let found = find(&read(&lines(by)));
        assert_eq!(found.kind, Kind::Unknown, "{found:?}");
        assert!(found.sentence().contains(said), "{}", found.sentence());
    }
    assert_eq!(read(&lines(0)).steps(), [], "an even clock");
    assert_eq!(read(&lines(400_000)).steps(), [], "a machine that was late");
}

#[test]
fn a_user_who_is_denied_for_another_reason_does_not_spoil_the_answer() {
    for (limit, kind) in [
        ("token-bucket rate=1.5 burst=4", Kind::TokenBucket),
        ("none", Kind::Other),
    ] {
        let mut observations = of_each(limit, 1);
        for nth in 0..40_u64 {
            let sent = BEGIN + 1_300_000 * nth + 11_000;
            observations.add(Decision {
                sent,
                answered: sent + 5_000,
                outcome: Outcome::Denied,
                user: 77,
                target: 0,
                status: Some(401),
                hint: None,
                ended: None,
            });
        }
        let found = find(&observations);
        assert_eq!((found.kind, found.decisions), (kind, 150), "{limit}: {found:?}");
        assert!(
            noted(
                &found,
                "40 attempts of 1 user were refused each time (401), for another reason"
            ),
            "{found:?}"
        );
    }
}

#[test]
fn names_of_what_is_not_kept_are_not_kept_either() {
    let mut observations = Observations::new();
    let one = of_each("none", 1).decisions()[0];
    for _ in 0..MOST_KEPT {
        observations.add(one);
    }
    for nth in 0..20 {
        let line = limited(nth, BY_SERVER, BY_SERVER).replace("ws://a/", &format!("ws://{nth}/"));
        for record in trace::Reader::new(line.as_bytes()) {
            observations.add_record(0, &record.expect("a whole line"));
        }
    }
    assert_eq!((observations.left_out(), observations.targets().len()), (20, 0));
}
