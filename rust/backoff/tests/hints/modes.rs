//! What the policy's modes make of a hint that was read.

use backoff::{
    Backoff, Class, HintFault, HintJitter, HintMode, HintPolicy, HttpAnswer, Next, Policy, Seen, StatusSet,
    StopReason, TooLong, Verdict,
};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::{Headers, secs, verdict};

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
                let answer = HttpAnswer {
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
            verdict.next == Next::Stop(StopReason::HintTooLong),
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
        (503, "X-RateLimit-Reset", Class::Throttle, true),
        (500, "Retry-After", Class::Transient, true),
        (500, "Server", Class::Transient, false),
        // Genesys and others report the window with every answer: it says nothing about this failure.
        (500, "inin-ratelimit-reset", Class::Transient, false),
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
            Class::Fatal => assert_eq!(verdict.next, Next::Stop(StopReason::Fatal)),
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
fn a_503_of_the_transient_set_without_a_usable_hint_stays_transient() {
    for (mode, value) in [
        (HintMode::Floor, "0"),
        (HintMode::Floor, "soon"),
        (HintMode::Ignore, "5"),
    ] {
        let verdict = verdict(
            Policy {
                throttle: StatusSet::of(&[429]),
                ..with_hints(|hints| hints.mode = mode)
            },
            503,
            &[("Retry-After", value)],
            b"",
        );
        assert_eq!(verdict.class, Class::Transient, "{mode} {value}");
        assert!(verdict.hint.unwrap().value.is_err());
    }
}
