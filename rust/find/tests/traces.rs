//! Traces of real limiters, and small made-up ones: what is named, what is told beside it, and when nothing is.
//!
//! The traces were recorded with release 0.1.0, 200 users, each against a limiter of other make; they hold no ends of connections.

use find::{Decision, Finding, Kind, Observations, Outcome, find};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

fn found(name: &str) -> Finding {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/traces/{name}.jsonl.gz"));
    let file = BufReader::new(MultiGzDecoder::new(
        File::open(path).expect("a trace beside the tests"),
    ));
    let mut observations = Observations::new();
    for record in trace::Reader::new(file) {
        observations.add_record(0, &record.expect("a whole trace"));
    }
    find(&observations)
}

#[test]
fn a_real_bucket_is_named_with_its_figures() {
    let found = found("go-xrate");
    assert_eq!(
        (found.kind, found.contradicted),
        (Kind::TokenBucket, 0),
        "{found:?}"
    );
    assert_eq!(found.refusals_count, Some(false));
    let limit = found.limit_spec.as_ref().map(ToString::to_string);
    assert_eq!(limit.as_deref(), Some("token-bucket rate=10 burst=20"));
    assert_eq!(
        found.sentence(),
        "the limit: token bucket, 20 at once and 10 a second from then on, refusals do not count"
    );
}

#[test]
fn a_real_window_is_named_and_what_is_as_possible_told() {
    let found = found("express-draft7");
    assert_eq!(
        (found.kind, found.limit),
        (Kind::FixedWindow, Some(40)),
        "{found:?}"
    );
    let [low, high] = found.intervals["windowMs"];
    assert!(low <= 5_000.0 && 5_000.0 <= high, "{found:?}");
    assert!(found.also_possible.contains(&Kind::SlidingWindow), "{found:?}");
    assert!(!found.also_possible.contains(&Kind::SlidingCounter), "{found:?}");
}

#[test]
fn a_window_on_the_clock_of_the_server_is_told_from_one_of_the_first_attempt() {
    let found = found("tomcat-ratelimitfilter");
    assert_eq!(
        (found.kind, found.limit),
        (Kind::FixedWindow, Some(41)),
        "{found:?}"
    );
    assert!(
        found.sentence().contains("on the server's clock"),
        "{}",
        found.sentence()
    );
    let window = found.window_ms.unwrap();
    assert!((window / 4_096.0 - 1.0).abs() < 0.01, "{window}");
}

#[test]
fn connections_at_the_same_time_are_told_from_a_window_though_nobody_wrote_their_ends_down() {
    let found = found("traefik-inflight");
    assert_eq!(
        (found.kind, found.limit),
        (Kind::Concurrency, Some(20)),
        "{found:?}"
    );
}

#[test]
fn connections_whose_ends_nobody_wrote_down_are_not_named_alone_where_a_block_explains_as_much() {
    let found = found("rlflexible-block");
    let told = |kind| found.kind == kind || found.also_possible.contains(&kind);
    assert!(
        found.kind != Kind::Concurrency || told(Kind::FixedWindow),
        "{found:?}"
    );
    let open = found.cannot_tell.iter();
    assert!(
        open.clone()
            .any(|open| open.contains("a block of whoever is refused")),
        "{found:?}"
    );
}

#[test]
fn a_queue_is_known_by_its_late_answers() {
    let found = found("nginx-limit_req-queue");
    assert_eq!((found.kind, found.burst), (Kind::Queue, Some(30)), "{found:?}");
    assert!(
        (found.rate_per_second.unwrap() / 10.0 - 1.0).abs() < 0.02,
        "{found:?}"
    );
}

#[test]
fn where_nobody_is_let_in_again_nothing_is_named() {
    let found = found("haproxy-conn_rate");
    assert_eq!(
        (found.kind, &found.limit_spec),
        (Kind::Unknown, &None),
        "{found:?}"
    );
    assert!(found.cannot_tell[0].contains("no opening was seen"), "{found:?}");
}

#[test]
fn who_is_refused_before_the_request_is_refused() {
    // The server ends the connection as soon as it is there, or in the midst of the TLS handshake.
    let line = |nth: u64| {
        let at = 1_795_824_000_000_000 + 40_000 * nth;
        let what = match nth % 20 {
            0..10 => r#""sentUs":900,"headUs":2000,"status":101"#,
            nth if nth % 2 == 0 => r#""error":"upgrade.reset","class":"transient""#,
            _ => r#""error":"tls.closed","class":"transient""#,
        };
        format!(
            r#"{{"at":{at},"target":"ws://a/","user":"{nth}","ordinal":0,"attempt":1,"totalUs":2500,{what}}}"#
        )
    };
    let lines: Vec<String> = (0..400).map(line).collect();
    let mut observations = Observations::new();
    for record in trace::Reader::new(lines.join("\n").as_bytes()) {
        observations.add_record(0, &record.expect("a whole line"));
    }
    assert_eq!(observations.aside(), 0);
    let refused = observations
        .decisions()
        .into_iter()
        .filter(|one| one.outcome == Outcome::Refused);
    for one in refused {
        assert!(
            one.sent < one.answered && one.answered - one.sent <= 2_500,
            "{one:?}"
        );
    }
    assert_eq!(find(&observations).kind, Kind::FixedWindow);
}

#[test]
fn the_makers_of_limits_that_look_alike_are_told() {
    for (name, makers) in [
        ("tomcat-ratelimitfilter", &["Tomcat RateLimitFilter"][..]),
        ("express-draft7", &["express-rate-limit"]),
        ("traefik-inflight", &["Traefik InFlightReq"]),
        ("nginx-limit_req-queue", &["nginx limit_req"]),
        // A bucket of Go's own library, of which its refusals say nothing.
        ("go-xrate", &["Envoy local rate limit", "AWS API Gateway"]),
        ("haproxy-conn_rate", &[]),
    ] {
        let found = found(name);
        assert_eq!(found.likely_makers, makers, "{name}: {found:?}");
    }
}

#[test]
fn counters_that_an_attempt_begins_are_no_gateways_whose_windows_lie_on_a_clock() {
    for (limit, tells, makers) in [
        (
            "sliding-counter limit=60 window=5s",
            true,
            &["go-chi/httprate", "Cloudflare"][..],
        ),
        ("sliding-counter limit=60 window=5s clock=first", true, &[]),
        ("sliding-counter limit=60 window=5s clock=first", false, &[]),
        (
            "sliding-counter limit=60 window=5s clock=first reject-counts=true",
            false,
            &["HAProxy stick table"],
        ),
        ("fixed-window limit=60 window=5s block=9s", true, &[]),
    ] {
        let mut found = found("go-xrate");
        let spec: limiter::LimitSpec = limit.parse().expect("a limit of the table");
        let own = spec.limits[0];
        found.kind = match own.block {
            Some(_) => Kind::FixedWindow,
            None => Kind::SlidingCounter,
        };
        found.block_ms = own.block.map(|block| 1e3 * block.as_secs_f64());
        (found.window_ms, found.refusals_count) = (Some(5_000.0), Some(own.reject_counts));
        found.limit_spec = Some(spec);
        found.hints.given = if tells { found.hints.refusals } else { 0 };
        found.hints.sources = if tells {
            vec!["retry-after".to_owned()]
        } else {
            Vec::new()
        };
        assert_eq!(find::likely_makers(&found), makers, "{limit}");
    }
}

/// One attempt every 50 ms, each decided within 10.
fn attempts(outcomes: impl IntoIterator<Item = Outcome>) -> Observations {
    let mut observations = Observations::new();
    for (nth, outcome) in (0..).zip(outcomes) {
        let sent = 1_795_824_000_000_000 + 50_000 * nth;
        observations.add(Decision {
            sent,
            answered: sent + 10_000,
            outcome,
            user: 0,
            target: 0,
            status: None,
            hint: None,
            ended: None,
        });
    }
    observations
}

#[test]
fn without_refusals_there_is_no_limit_and_without_attempts_no_answer() {
    let found = find(&attempts([Outcome::Passed; 100]));
    assert_eq!(found.kind, Kind::None, "{found:?}");
    assert_eq!(found.sentence(), "the limit: none seen, nobody was refused");
    let found = find(&attempts([Outcome::Passed; 3]));
    assert_eq!(found.kind, Kind::Unknown, "{found:?}");
    assert_eq!(
        found.sentence(),
        "the limit: cannot tell, only 3 attempts were seen; 10 are the least: a run with more users, or a probe would tell"
    );
    assert_eq!(find(&Observations::new()).kind, Kind::Unknown);
}

#[test]
fn who_is_denied_at_random_is_denied_for_another_reason() {
    for seed in 0..4_u64 {
        // SplitMix64: a simpler hash spreads its hits evenly, as a limit does.
        let denied = |nth: u64| {
            let z = (seed * 1_000 + nth + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % 10 < 3
        };
        let outcome = |nth| {
            if denied(nth) {
                Outcome::Denied
            } else {
                Outcome::Passed
            }
        };
        let found = find(&attempts((0..300).map(outcome)));
        assert_eq!(found.kind, Kind::Other, "{seed}: {found:?}");
    }
}

#[test]
fn the_top_level_of_the_json_is_as_it_is_promised() {
    let json = serde_json::to_value(found("go-xrate")).unwrap();
    for field in [
        "kind",
        "ratePerSecond",
        "burst",
        "limit",
        "windowMs",
        "refusalsCount",
        "decisions",
        "contradicted",
        "alsoPossible",
        "intervals",
        "ruledOut",
        "hints",
    ] {
        assert!(json.get(field).is_some(), "{field} in {json}");
    }
    assert_eq!(json["kind"], "token-bucket");
    assert_eq!(json["limit"], serde_json::Value::Null);
    assert_eq!(json["intervals"]["burst"], serde_json::json!([20.0, 20.0]));
    assert_eq!(json.get("second"), Some(&serde_json::Value::Null));
    assert_eq!(json["limitText"], "token-bucket rate=10 burst=20");
}
