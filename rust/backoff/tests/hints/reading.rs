//! One table of answers, and what is read out of them.

use backoff::{Backoff, Class, HintFault, HintPolicy, HintReading, HintSource, HttpAnswer, Policy, Seen};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use HintFault::{Absurd, Malformed, Negative, Past, Zero};

use crate::{Headers, secs, verdict};

const DATE: (&str, &str) = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");

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
# Of several the longest, be they lines or, as proxies join them, a list.
Retry-After: 20 | Retry-After: 60 => retry-after: 60000 ms
Retry-After: 60 | Retry-After: 20 => retry-after: 60000 ms
Retry-After: soon | Retry-After: 5 => retry-after: 5000 ms
Retry-After: 5 | Retry-After: 0 => retry-after: 5000 ms
Retry-After: 5, 10 => retry-after: 10000 ms
Retry-After: 5, 0, 2s => retry-after: 5000 ms
X-RateLimit-Reset: 45 | X-RateLimit-Reset: 50 => x-ratelimit-reset: 50000 ms
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
# Dates as other servers write them: UTC in place of GMT, an offset, ISO 8601.
Retry-After: Sun, 06 Nov 1994 08:50:07 UTC => retry-after: 30000 ms
Retry-After: Sun, 06 Nov 1994 08:50:07 +0000 => retry-after: 30000 ms
Retry-After: Sun, 06 Nov 1994 10:50:07 +0200 => retry-after: 30000 ms
Retry-After: 1994-11-06T08:50:07Z => retry-after: 30000 ms
Retry-After: 1994-11-06T08:50:07.5Z => retry-after: 30500 ms
Retry-After: 1994-11-06T10:50:07+02:00 => retry-after: 30000 ms
Retry-After: 1994-11-06 08:50:07 => retry-after: 30000 ms
X-RateLimit-Reset: 1994-11-06T08:50:07Z => x-ratelimit-reset: 30000 ms
RateLimit-Reset: Sun, 06 Nov 1994 08:50:07 GMT => ratelimit-reset: 30000 ms
Date: Sun, 06 Nov 1994 08:59:37 UTC | Retry-After: Sun, 06 Nov 1994 09:00:07 UTC => retry-after: 30000 ms
# Lengths with their unit.
Retry-After: 2s => retry-after: 2000 ms
Retry-After: 5 s => retry-after: 5000 ms
Retry-After: 68.7ms => retry-after: 68.7 ms
Retry-After: 1m30s => retry-after: 90000 ms
Retry-After: 1m2.5s => retry-after: 62500 ms
Retry-After: PT5S => retry-after: 5000 ms
Retry-After: 00:00:05 => retry-after: 5000 ms
retry-after-ms: 2s => retry-after-ms: 2000 ms
X-RateLimit-Reset: 6m0s => x-ratelimit-reset: 360000 ms
Retry-After: 0s => retry-after: zero
Retry-After: -2s => retry-after: negative
Retry-After: 9000h => retry-after: longer than 366 days
# Times since 1970 in seconds, milliseconds, microseconds and nanoseconds.
Date: Fri, 14 Nov 2025 12:00:00 GMT | Retry-After: 1763121660 => retry-after: 60000 ms
Date: Fri, 14 Nov 2025 12:00:00 GMT | X-RateLimit-Reset: 1763121660000 => x-ratelimit-reset: 60000 ms
Date: Fri, 14 Nov 2025 12:00:00 GMT | X-RateLimit-Reset: 1763121600500 => x-ratelimit-reset: 500 ms
Date: Fri, 14 Nov 2025 12:00:00 GMT | retry-after-ms: 1763121660000 => retry-after-ms: 60000 ms
Date: Fri, 14 Nov 2025 12:00:00 GMT | RateLimit-Reset: 1763121660000000 => ratelimit-reset: 60000 ms
Date: Fri, 14 Nov 2025 12:00:00 GMT | RateLimit-Reset: 1763121660000000000 => ratelimit-reset: 60000 ms
Date: Fri, 14 Nov 2025 12:00:00 GMT | X-RateLimit-Reset: 1763121540000 => x-ratelimit-reset: in the past
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
RateLimit: limit=40, remaining=0, reset=5 => ratelimit: 5000 ms
RateLimit: "ws"; r=0; t=5 => ratelimit: 5000 ms
RateLimit: "burst";r=4;t=1, "day";r=0;t=90 => ratelimit: 90000 ms
RateLimit: "fast-1";r=0 | RateLimit-Policy: "fast-1";q=41;w=4 => ratelimit: 4000 ms
RateLimit: "fast-1";r=0 | RateLimit-Policy: "day";q=9;w=86400 | ratelimit-policy: "fast-1";q=41;w=4 => ratelimit: 4000 ms
RateLimit: "fast-1";r=7 | RateLimit-Policy: "fast-1";q=41;w=4 => ratelimit: quota left
RateLimit: "fast-1";r=0 => ratelimit: no time in it
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
Retry-After: 5, soon => retry-after: not a number or date
Retry-After: 5,10, 7 => retry-after: not a number or date
Retry-After: 5, => retry-after: not a number or date
Retry-After: soon, 5s => retry-after: not a number or date
Retry-After: s => retry-after: not a number or date
Retry-After: 5 parsecs => retry-after: not a number or date
Retry-After: +2s => retry-after: not a number or date
Retry-After: 1994-11-06T08:50:07+99:00 => retry-after: not a number or date
Retry-After: 1994-13-06T08:50:07Z => retry-after: not a number or date
Retry-After: Sun, 06 Nov 1994 08:50:07 +9999 => retry-after: not a number or date
Retry-After: Mon, 06 Nov 1994 08:50:07 UTC => retry-after: not a number or date
Retry-After: 0x10 => retry-after: not a number or date
Retry-After: ٤٢ => retry-after: not a number or date
Retry-After: soon => retry-after: not a number or date
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
Retry-After: Sun, 06 Nov 1994 08:50:07 => retry-after: not a number or date
Retry-After: Fri, 32 Dec 1994 08:50:07 GMT => retry-after: not a number or date
Retry-After: Thu, 30 Feb 1995 08:50:07 GMT => retry-after: not a number or date
Retry-After: Sun, 06 Nov 1994 24:00:00 GMT => retry-after: not a number or date
Retry-After: Sun, 06 Nov 100000 08:50:07 GMT => retry-after: not a number or date
Retry-After: Fri, 31 Dec 9999 23:59:59 GMT => retry-after: longer than 366 days
Retry-After: Sat, 01 Jan 0000 00:00:00 GMT => retry-after: not a number or date
Retry-After: Sun, 06 Növ 1994 08:50:07 GMT => retry-after: not a number or date
# Others.
retry-after-ms: 0 => retry-after-ms: zero
RateLimit: "default";r=50;t=30 => ratelimit: quota left
RateLimit: "default";r=0;t=0 => ratelimit: zero
RateLimit: "default";r=0;t=-1 => ratelimit: negative
RateLimit: "default";r=0;t=999999999999999 => ratelimit: longer than 366 days
RateLimit: "default;r=0;t=30 => ratelimit: not a RateLimit field
RateLimit: "a";r=0;t=30 | RateLimit: % => ratelimit: not a RateLimit field
RateLimit: limit=10, remaining=4, reset=30 => ratelimit: quota left
RateLimit: limit=10, remaining=soon, reset=30 => ratelimit: not a RateLimit field
RateLimit: limit=10, remaining=0 => ratelimit: no time in it
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
        let answer = HttpAnswer {
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
        ("wait (.+)", "wait 5\u{b5}", Some(Err(Malformed))),
        ("wait (\\S+)", "please wait 2.5s", Some(Ok(2_500))),
        ("after (?<ms>\\S+)", "after 2s", Some(Ok(2_000))),
        ("until (.+)", "until 1994-11-06T08:50:07Z", Some(Ok(30_000))),
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

#[test]
fn a_header_of_ones_own_is_read_by_its_name_and_its_value() {
    let own = |name: &'static str, value: &'static str| {
        let hints = HintPolicy {
            sources: HintSource::parse_list(name).unwrap(),
            ..HintPolicy::default()
        };
        let policy = Policy {
            hints,
            ..Policy::default()
        };
        verdict(policy, 429, &[("Retry-After", "100"), (name, value)], b"").hint
    };
    for (name, value, expected) in [
        // Traefik, bucket4j, and what else was seen.
        ("X-Retry-In", "68.7ms", Ok(68_700)),
        ("X-Rate-Limit-Retry-After-Seconds", "3", Ok(3_000_000)),
        ("X-Rate-Limit-Retry-After-Seconds", "0", Err(Zero)),
        ("X-Retry-In", "1m2.5s", Ok(62_500_000)),
        ("X-Retry-In", "250\u{b5}s", Ok(250)),
        ("X-Wait-Ms", "1500", Ok(1_500_000)),
        ("X-Wait-Ms", "1.5s", Ok(1_500_000)),
        ("X-Wait", "784111807", Err(Absurd)),
        ("X-Wait", "Sun, 06 Nov 1994 08:50:07 UTC", Ok(30_000_000)),
        ("X-Wait", "soon", Err(Malformed)),
        ("X-Wait", "-1s", Err(Negative)),
        ("X-Wait", "1994-11-06T08:49:36Z", Err(Past)),
    ] {
        let reading = own(name, value).unwrap();
        assert_eq!(reading.source.as_str(), name.to_ascii_lowercase());
        assert_eq!(reading.raw, value);
        assert_eq!(
            reading.value.map(|wait| wait.as_micros()),
            expected,
            "{name}: {value}"
        );
    }
    // One that reports the window, after a failure that is no throttle.
    let hints = HintPolicy {
        sources: HintSource::parse_list("x-quota-reset,x-wait").unwrap(),
        ..HintPolicy::default()
    };
    for (status, source) in [(429, "x-quota-reset"), (500, "x-wait")] {
        let policy = Policy {
            hints: hints.clone(),
            ..Policy::default()
        };
        let headers = [("X-Quota-Reset", "9"), ("X-Wait", "5")];
        assert_eq!(
            verdict(policy, status, &headers, b"")
                .hint
                .unwrap()
                .source
                .as_str(),
            source
        );
    }
}
