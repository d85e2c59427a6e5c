//! What a server can say, and what is made of it: one table of answers, and the policy's modes around it.

use backoff::{
    Answer, Backoff, Class, HintFault, HintJitter, HintMode, HintPolicy, HintReading, HintSource, Next,
    Policy, Seen, Stop, TooLong, Verdict,
};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use HintFault::{Absurd, Malformed, Negative, Past, Zero};

type Headers = &'static [(&'static str, &'static str)];

/// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110: the client's clock in all tests.
const NOW: u64 = 784_111_777;

const DATE: (&str, &str) = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn verdict(policy: Policy, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Verdict {
    policy.check().expect("the tests' policies are legal");
    let headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let answer = Answer {
        status,
        headers: &headers,
        body,
        now: UNIX_EPOCH + secs(NOW),
    };
    Backoff::new(Arc::new(policy), Some(1)).after(&Seen::Answer(answer), Duration::ZERO)
}

fn reading(headers: &[(&str, &str)]) -> Option<HintReading> {
    let policy = Policy {
        max_elapsed: secs(10_000),
        ..Policy::default()
    };
    verdict(policy, 429, headers, b"").hint
}

/// One answer a line: its headers, parted by ` | `, then the source that is told of and what it says. `\t` is a tab.
const TABLE: &str = r#"
# Seconds.
Retry-After: 20 => retry-after: 20000 ms
Retry-After: 1 => retry-after: 1000 ms
Retry-After: 0020 => retry-after: 20000 ms
Retry-After: 2.5 => retry-after: 2500 ms
Retry-After: 0.25 => retry-after: 250 ms
Retry-After: .5 => retry-after: 500 ms
Retry-After: \t20\t => retry-after: 20000 ms
Retry-After:    20  => retry-after: 20000 ms
Retry-After: 179 => retry-after: 179000 ms
Retry-After: 180 => retry-after: 180000 ms
Retry-After: 181 => retry-after: 181000 ms
# Letter case, repeats, company.
retry-after: 20 => retry-after: 20000 ms
RETRY-AFTER: 20 => retry-after: 20000 ms
rEtRy-AfTeR: 20 => retry-after: 20000 ms
Retry-After: 20 | Retry-After: 60 => retry-after: 20000 ms
Server: x | Retry-After-Not: 9 | Retry-After: 20 => retry-after: 20000 ms
# The three dates of RFC 9110 section 5.6.7, with and without the answer's own.
Retry-After: Sun, 06 Nov 1994 08:50:07 GMT => retry-after: 30000 ms
Retry-After: Sunday, 06-Nov-94 08:50:07 GMT => retry-after: 30000 ms
Retry-After: Sun Nov  6 08:50:07 1994 => retry-after: 30000 ms
Retry-After: \tSun, 06 Nov 1994 08:50:07 GMT  => retry-after: 30000 ms
Date: Sun, 06 Nov 1994 08:49:37 GMT | Retry-After: Sun, 06 Nov 1994 08:50:07 GMT => retry-after: 30000 ms
Retry-After: Sun Nov  6 08:50:07 1994 | Date: Sun, 06 Nov 1994 08:49:37 GMT => retry-after: 30000 ms
Date: Sun, 06 Nov 1994 08:59:37 GMT | Retry-After: Sun, 06 Nov 1994 09:00:07 GMT => retry-after: 30000 ms
Date: Sun, 06 Nov 1994 08:39:37 GMT | Retry-After: Sun, 06 Nov 1994 08:40:07 GMT => retry-after: 30000 ms
date: Sunday, 06-Nov-94 08:59:37 GMT | retry-after: Sun Nov  6 09:00:07 1994 => retry-after: 30000 ms
Date: yesterday | Retry-After: Sun, 06 Nov 1994 08:50:07 GMT => retry-after: 30000 ms
# A clock 10 minutes off without a Date to correct it: the client's own has to do.
Retry-After: Sun, 06 Nov 1994 09:00:07 GMT => retry-after: 630000 ms
# Milliseconds, and who goes first.
retry-after-ms: 1500 => retry-after-ms: 1500 ms
Retry-After-Ms: 0.5 | Retry-After: 9 => retry-after-ms: 0.5 ms
Retry-After: 2 | retry-after-ms: 1500 => retry-after-ms: 1500 ms
x-ms-retry-after-ms: 700 => x-ms-retry-after-ms: 700 ms
x-ms-retry-after-ms: 700 | retry-after-ms: 1500 => retry-after-ms: 1500 ms
retry-after-ms: 0 | Retry-After: 2 => retry-after: 2000 ms
retry-after-ms: soon | x-ms-retry-after-ms: -1 | Retry-After: 2 => retry-after: 2000 ms
# RateLimit.
RateLimit: "default";r=0;t=30 => ratelimit: 30000 ms
ratelimit: "burst";r=0;t=5, "daily";r=7;t=90 => ratelimit: 5000 ms
RateLimit: "burst";r=0;t=5 | RateLimit: "daily";r=0;t=90 => ratelimit: 90000 ms
RateLimit: "default";r=0;t=30 | Retry-After: 4 => retry-after: 4000 ms
RateLimit: "default";r=0;t=30 | Retry-After: 0 => ratelimit: 30000 ms
# Windows: a length, or a time since 1970.
inin-ratelimit-reset: 45 => inin-ratelimit-reset: 45000 ms
ININ-RateLimit-Reset: 45 | X-RateLimit-Reset: 50 => inin-ratelimit-reset: 45000 ms
X-RateLimit-Reset: 45 => x-ratelimit-reset: 45000 ms
X-RateLimit-Reset: 12.5 => x-ratelimit-reset: 12500 ms
RateLimit-Reset: 45 => ratelimit-reset: 45000 ms
RateLimit: "default";r=50;t=30 | RateLimit-Reset: 45 => ratelimit-reset: 45000 ms
Date: Fri, 14 Nov 2025 12:00:00 GMT | X-RateLimit-Reset: 1763121660 => x-ratelimit-reset: 60000 ms
Date: Fri, 14 Nov 2025 12:00:00 GMT | RateLimit-Reset: 1763121600.5 => ratelimit-reset: 500 ms
# Not usable: zero, negative, garbage.
Retry-After: 0 => retry-after: zero
Retry-After: 0.0 => retry-after: zero
Retry-After: -0 => retry-after: zero
Retry-After: 0.0000000000001 => retry-after: zero
Retry-After: -10 => retry-after: negative
Retry-After: -2.5 => retry-after: negative
Retry-After: => retry-after: not a number or date
Retry-After:  \t  => retry-after: not a number or date
Retry-After: inf => retry-after: not a number or date
Retry-After: -inf => retry-after: not a number or date
Retry-After: infinity => retry-after: not a number or date
Retry-After: nan => retry-after: not a number or date
Retry-After: NaN => retry-after: not a number or date
Retry-After: 1e3 => retry-after: not a number or date
Retry-After: +5 => retry-after: not a number or date
Retry-After: --5 => retry-after: not a number or date
Retry-After: - => retry-after: not a number or date
Retry-After: . => retry-after: not a number or date
Retry-After: 1.2.3 => retry-after: not a number or date
Retry-After: 1,5 => retry-after: not a number or date
Retry-After: 5, 10 => retry-after: not a number or date
Retry-After: 5 s => retry-after: not a number or date
Retry-After: 0x10 => retry-after: not a number or date
Retry-After: ٤٢ => retry-after: not a number or date
Retry-After: soon => retry-after: not a number or date
Retry-After: soon | Retry-After: 5 => retry-after: not a number or date
Retry-After: 100000000000000000000000000000000000 => retry-after: longer than 366 days
Retry-After: 31622401 => retry-after: longer than 366 days
Retry-After: 784111807 => retry-after: longer than 366 days
retry-after-ms: 99999999999999999999999999999999999999 => retry-after-ms: longer than 366 days
# Dates.
Retry-After: Sun, 06 Nov 1994 08:49:36 GMT => retry-after: in the past
Retry-After: Sun, 06 Nov 1994 08:49:37 GMT => retry-after: zero
Date: Sun, 06 Nov 1994 08:59:37 GMT | Retry-After: Sun, 06 Nov 1994 08:50:07 GMT => retry-after: in the past
Retry-After: Thu, 01 Jan 1970 00:00:00 GMT => retry-after: in the past
Retry-After: Mon, 06 Nov 1994 08:50:07 GMT => retry-after: not a number or date
Retry-After: Sun, 06 Nov 1994 08:50:07 CET => retry-after: not a number or date
Retry-After: Sun, 06 Nov 1994 08:50:07 +0000 => retry-after: not a number or date
Retry-After: Sun, 06 Nov 1994 08:50:07 => retry-after: not a number or date
Retry-After: Fri, 32 Dec 1994 08:50:07 GMT => retry-after: not a number or date
Retry-After: Thu, 30 Feb 1995 08:50:07 GMT => retry-after: not a number or date
Retry-After: Sun, 06 Nov 1994 24:00:00 GMT => retry-after: not a number or date
Retry-After: Sun, 06 Nov 100000 08:50:07 GMT => retry-after: not a number or date
Retry-After: Fri, 31 Dec 9999 23:59:59 GMT => retry-after: longer than 366 days
Retry-After: Sat, 01 Jan 0000 00:00:00 GMT => retry-after: not a number or date
Retry-After: 1994-11-06T08:50:07Z => retry-after: not a number or date
Retry-After: Sun, 06 Növ 1994 08:50:07 GMT => retry-after: not a number or date
# Others.
retry-after-ms: 0 => retry-after-ms: zero
retry-after-ms: Sun, 06 Nov 1994 08:50:07 GMT => retry-after-ms: not a number or date
RateLimit: "default";r=50;t=30 => ratelimit: quota left
RateLimit: "default";r=0;t=0 => ratelimit: zero
RateLimit: "default";r=0;t=-1 => ratelimit: negative
RateLimit: "default";r=0;t=999999999999999 => ratelimit: longer than 366 days
RateLimit: limit=10, remaining=0, reset=30 => ratelimit: not a RateLimit field
RateLimit: "default;r=0;t=30 => ratelimit: not a RateLimit field
RateLimit: "a";r=0;t=30 | RateLimit: % => ratelimit: not a RateLimit field
inin-ratelimit-reset: 784111807 => inin-ratelimit-reset: longer than 366 days
X-RateLimit-Reset: 1000000000 => x-ratelimit-reset: longer than 366 days
Date: Fri, 14 Nov 2025 12:00:00 GMT | X-RateLimit-Reset: 1763121540 => x-ratelimit-reset: in the past
Date: Fri, 14 Nov 2025 12:00:00 GMT | X-RateLimit-Reset: 1763121600 => x-ratelimit-reset: zero
X-RateLimit-Reset: 1763121660000 => x-ratelimit-reset: longer than 366 days
X-RateLimit-Reset: 99999999999999999999999999999999999 => x-ratelimit-reset: longer than 366 days
# The first that was there is the one that is told of.
Retry-After: 0 | retry-after-ms: soon => retry-after-ms: not a number or date
X-RateLimit-Reset: -1 | Retry-After: 0 => retry-after: zero
"#;

#[test]
fn reads_the_table_as_it_says() {
    let rows: Vec<(&str, &str)> = TABLE.lines().filter_map(|line| line.split_once(" => ")).collect();
    assert!(rows.len() >= 60, "{}", rows.len());
    let without = verdict(Policy::default(), 429, &[], b"").next;
    for (headers, expected) in rows {
        let headers = headers.replace("\\t", "\t");
        let headers: Vec<(&str, &str)> = headers
            .split(" | ")
            .map(|line| line.split_once(':').expect("name: value"))
            .map(|(name, value)| (name, value.strip_prefix(' ').unwrap_or(value)))
            .collect();
        let verdict = verdict(Policy::default(), 429, &headers, b"");
        let HintReading { source, value, .. } = verdict.hint.unwrap_or_else(|| panic!("{headers:?}"));
        let seen = match value {
            Ok(wait) => format!("{source}: {} ms", wait.as_secs_f64() * 1_000.0),
            Err(fault) => format!("{source}: {fault}"),
        };
        assert_eq!(seen, expected, "{headers:?}");
        assert_eq!(verdict.class, Class::Throttle);
        // What is no hint changes nothing.
        assert!(value.is_ok() || verdict.next == without, "{headers:?}");
    }
}

#[test]
fn no_hint_is_no_reading() {
    for headers in [
        &[] as Headers,
        &[DATE, ("Retry-Before", "5"), ("X-RateLimit-Limit", "5")],
    ] {
        assert_eq!(reading(headers), None);
    }
}

#[test]
fn the_raw_text_is_kept_as_it_stood_up_to_256_characters() {
    assert_eq!(reading(&[("Retry-After", "\t20 ")]).unwrap().raw, "\t20 ");
    let long = "\u{fc}".repeat(5_000);
    assert_eq!(
        reading(&[("Retry-After", &long)]).unwrap().raw,
        "\u{fc}".repeat(256)
    );
    // What is cut for the trace is still read whole.
    let padded = format!("{}20", "0".repeat(300));
    assert_eq!(reading(&[("Retry-After", &padded)]).unwrap().value, Ok(secs(20)));
}

#[test]
fn a_clock_before_1970_or_far_ahead_does_no_harm() {
    let headers = [(
        "Retry-After".to_string(),
        "Sun, 06 Nov 1994 08:50:07 GMT".to_string(),
    )];
    for (now, fault) in [
        (UNIX_EPOCH - secs(1 << 40), Absurd),
        (UNIX_EPOCH + secs(1 << 40), Past),
        (UNIX_EPOCH, Absurd),
    ] {
        let answer = Answer {
            status: 429,
            headers: &headers,
            body: b"",
            now,
        };
        let verdict = Backoff::new(Arc::default(), Some(1)).after(&Seen::Answer(answer), Duration::ZERO);
        assert_eq!(verdict.hint.unwrap().value, Err(fault));
    }
}

#[test]
fn the_body_is_read_by_the_pattern() {
    let genesys = "Retry the request in \\[(\\d+)\\] seconds";
    let json = "\"retryAfter\"\\s*:\\s*(?<seconds>-?[0-9.]+)|\"retryAfterMs\":(?<ms>\\d+)";
    for (pattern, body, expected) in [
        (
            genesys,
            "Rate limit exceeded. Retry the request in [12] seconds",
            Some(Ok(12_000)),
        ),
        (genesys, "Retry the request in [0] seconds", Some(Err(Zero))),
        (
            genesys,
            "Retry the request in [99999999999999999999] seconds",
            Some(Err(Absurd)),
        ),
        (genesys, "Retry the request in [soon] seconds", None),
        (genesys, "", None),
        (json, "{\"code\":429,\"retryAfter\" : 7.5}", Some(Ok(7_500))),
        (json, "{\"code\":429,\"retryAfter\":-7}", Some(Err(Negative))),
        (json, "{\"retryAfterMs\":350}", Some(Ok(350))),
        ("wait(?: (\\d+))?", "please wait", Some(Err(Malformed))),
        ("wait (.+)", "wait 5\u{b5}s", Some(Err(Malformed))),
        ("(?-u:\\xff)(\\d)", "5", None),
    ] {
        let hints = HintPolicy {
            body_pattern: Some(pattern.parse().unwrap()),
            ..HintPolicy::default()
        };
        let reading = verdict(
            Policy {
                hints,
                ..Policy::default()
            },
            429,
            &[],
            body.as_bytes(),
        )
        .hint;
        if let Some(reading) = &reading {
            assert_eq!(reading.source, HintSource::Body);
            assert!(
                !reading.raw.is_empty() && body.contains(&reading.raw),
                "{reading:?}"
            );
        }
        let value = reading.map(|reading| reading.value.map(|wait| wait.as_millis()));
        assert_eq!(value, expected, "{pattern} in {body}");
    }
    let bytes = verdict(
        Policy {
            hints: HintPolicy {
                body_pattern: Some("(?-u:\\xff)(\\d)".parse().unwrap()),
                ..HintPolicy::default()
            },
            ..Policy::default()
        },
        429,
        &[],
        b"\xfe\xff5",
    );
    assert_eq!(bytes.hint.unwrap().value, Ok(secs(5)));
}

#[test]
fn sources_are_asked_in_the_order_of_the_policy_and_no_others() {
    let headers = [
        ("Retry-After", "5"),
        ("X-RateLimit-Reset", "9"),
        ("retry-after-ms", "100"),
    ];
    for (sources, expected) in [
        (
            "x-ratelimit-reset,retry-after",
            Some((HintSource::XRateLimitReset, 9_000)),
        ),
        (
            " Retry-After , retry-after-ms",
            Some((HintSource::RetryAfter, 5_000)),
        ),
        ("inin-ratelimit-reset,body", None),
    ] {
        let hints = HintPolicy {
            sources: HintSource::parse_list(sources).unwrap(),
            ..HintPolicy::default()
        };
        let hint = verdict(
            Policy {
                hints,
                ..Policy::default()
            },
            429,
            &headers,
            b"",
        )
        .hint;
        let found = hint.map(|hint| (hint.source, hint.value.unwrap().as_millis()));
        assert_eq!(found, expected, "{sources}");
    }
    assert!(HintSource::parse_list("retry-after,").is_err());
}

fn with_hints(change: impl FnOnce(&mut HintPolicy)) -> Policy {
    let mut policy = Policy {
        max_elapsed: secs(100_000),
        ..Policy::default()
    };
    change(&mut policy.hints);
    policy
}

fn waited(verdict: &Verdict) -> f64 {
    match verdict.next {
        Next::Wait(wait) => wait.as_secs_f64(),
        Next::Stop(stop) => panic!("stopped: {stop}"),
    }
}

#[test]
fn a_hint_is_a_floor_or_a_replacement_or_ignored() {
    // A fixed wait of 10 s is longer than the first hint and shorter than the second.
    for (mode, hint, low, high) in [
        (HintMode::Floor, "2", 10.0, 10.0),
        (HintMode::Floor, "20", 20.0, 30.0),
        (HintMode::Replace, "2", 2.0, 9.999),
        (HintMode::Replace, "20", 20.0, 30.0),
        (HintMode::Ignore, "2", 10.0, 10.0),
        (HintMode::Ignore, "20", 10.0, 10.0),
    ] {
        let policy = Policy {
            strategy: backoff::Strategy::Fixed,
            base: secs(10),
            hints: HintPolicy {
                mode,
                ..HintPolicy::default()
            },
            ..Policy::default()
        };
        let verdict = verdict(policy, 429, &[("Retry-After", hint)], b"");
        assert!(
            (low..=high).contains(&waited(&verdict)),
            "{mode} {hint}: {verdict:?}"
        );
        let value = verdict.hint.unwrap().value;
        assert_eq!(
            value.err(),
            (mode == HintMode::Ignore).then_some(HintFault::Ignored)
        );
    }
}

#[test]
fn jitter_on_a_hint_only_goes_up() {
    for (jitter, hint, low, high) in [
        (HintJitter::None, "10", 10.0, 10.0),
        (HintJitter::Growing, "10", 10.0, 11.0),
        (HintJitter::Proportional, "10", 10.0, 15.0),
        // Half of 100 s would be more than the cap.
        (HintJitter::Proportional, "100", 100.0, 130.0),
    ] {
        let policy = with_hints(|hints| hints.jitter = jitter);
        let waits: Vec<f64> = (0..1_000)
            .map(|seed| {
                let headers = [("Retry-After".to_string(), hint.to_string())];
                let answer = Answer {
                    status: 429,
                    headers: &headers,
                    body: b"",
                    now: SystemTime::now(),
                };
                let seen = Seen::Answer(answer);
                waited(&Backoff::new(Arc::new(policy.clone()), Some(seed)).after(&seen, Duration::ZERO))
            })
            .collect();
        let least = waits.iter().copied().fold(f64::INFINITY, f64::min);
        let most = waits.iter().copied().fold(0.0, f64::max);
        let slack = (high - low) * 0.02;
        assert!(least >= low && least <= low + slack, "{jitter} {hint}: {least}");
        assert!(most <= high && most >= high - slack, "{jitter} {hint}: {most}");
    }
}

#[test]
fn a_hint_above_the_limit_fails_is_clamped_or_ignored() {
    let long: Headers = &[("Retry-After", "181"), ("X-RateLimit-Reset", "200")];
    for (on_too_long, headers, value, stops) in [
        (
            TooLong::Fail,
            &[("Retry-After", "180")] as Headers,
            Ok(secs(180)),
            false,
        ),
        (TooLong::Fail, long, Ok(secs(181)), true),
        (TooLong::Clamp, long, Ok(secs(180)), false),
        (TooLong::Ignore, long, Err(HintFault::AboveLimit), false),
        // The next source is asked.
        (
            TooLong::Ignore,
            &[("Retry-After", "181"), ("X-RateLimit-Reset", "60")],
            Ok(secs(60)),
            false,
        ),
    ] {
        let verdict = verdict(
            with_hints(|hints| hints.on_too_long = on_too_long),
            429,
            headers,
            b"",
        );
        assert_eq!(
            verdict.hint.as_ref().unwrap().value,
            value,
            "{on_too_long} {headers:?}"
        );
        assert_eq!(
            verdict.next == Next::Stop(Stop::HintTooLong),
            stops,
            "{on_too_long} {headers:?}"
        );
        if !stops {
            assert!(waited(&verdict) >= value.unwrap_or_default().as_secs_f64());
        }
    }
}

#[test]
fn hints_count_on_every_retried_answer_but_windows_on_throttles_only() {
    for (status, header, class, hinted) in [
        (429, "Retry-After", Class::Throttle, true),
        (429, "X-RateLimit-Reset", Class::Throttle, true),
        (429, "inin-ratelimit-reset", Class::Throttle, true),
        (503, "Retry-After", Class::Throttle, true),
        (503, "RateLimit", Class::Throttle, true),
        (503, "Server", Class::Transient, false),
        // Genesys and others report the window with every answer: it says nothing about this failure.
        (503, "inin-ratelimit-reset", Class::Transient, false),
        (503, "X-RateLimit-Reset", Class::Transient, false),
        (500, "Retry-After", Class::Transient, true),
        (502, "x-ratelimit-reset", Class::Transient, false),
        (401, "Retry-After", Class::Fatal, false),
        (404, "Retry-After", Class::Fatal, false),
    ] {
        let verdict = verdict(
            Policy::default(),
            status,
            &[(
                header,
                if header == "RateLimit" {
                    "\"default\";r=0;t=50"
                } else {
                    "50"
                },
            )],
            b"",
        );
        assert_eq!(
            (verdict.class, verdict.hint.is_some()),
            (class, hinted),
            "{status} {header}"
        );
        match class {
            Class::Fatal => assert_eq!(verdict.next, Next::Stop(Stop::Fatal)),
            // 50 s and up to the base for the jitter, for a 500 too.
            _ if hinted => assert!(
                (50.0..=51.0).contains(&waited(&verdict)),
                "{status} {header}: {verdict:?}"
            ),
            _ => assert!(waited(&verdict) <= 0.75, "{status} {header}: {verdict:?}"),
        }
    }
}

#[test]
fn a_503_without_a_usable_hint_stays_transient() {
    for (mode, value) in [
        (HintMode::Floor, "0"),
        (HintMode::Floor, "soon"),
        (HintMode::Ignore, "5"),
    ] {
        let verdict = verdict(
            with_hints(|hints| hints.mode = mode),
            503,
            &[("Retry-After", value)],
            b"",
        );
        assert_eq!(verdict.class, Class::Transient, "{mode} {value}");
        assert!(verdict.hint.unwrap().value.is_err());
    }
}
