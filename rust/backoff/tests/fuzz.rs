//! Broken inputs: policies as text, and answers with hints.

use backoff::{
    Backoff, BodyPattern, HintMode, HintPolicy, HttpAnswer, Next, Policy, Seen, StopReason, TooLong,
};
use fuzz::Fuzz;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

fn corpus(name: &str) -> String {
    format!("{}/tests/corpus/{name}.txt", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_text_is_a_legal_policy_that_can_be_written_or_an_error_that_names_something() {
    Fuzz::new(corpus("policy"), 5_000).run(|input| {
        let text = String::from_utf8_lossy(input);
        match text.parse::<Policy>() {
            Ok(policy) => {
                policy.check().expect("what was read is legal");
                let written = policy.to_string();
                let again: Policy = written.parse().expect("what was written can be read");
                assert_eq!(again.to_string(), written);
                waits_are_bounded(policy);
            }
            Err(error) => {
                let error = error.to_string();
                assert!(error.len() > 10, "{error:?} names nothing");
                // It shows the words, but not a text of any length.
                assert!(error.len() < 4_096, "{} characters", error.len());
            }
        }
    });
}

/// Fails ten times.
fn waits_are_bounded(policy: Policy) {
    let longest = policy
        .cap
        .max(policy.base)
        .max(policy.transient_base)
        .max(policy.table.iter().max().copied().unwrap_or_default());
    let mut backoff = Backoff::new(Arc::new(policy), Some(1));
    for _ in 0..10 {
        let answer = HttpAnswer {
            status: 429,
            headers: &[],
            body: b"",
            now: UNIX_EPOCH,
        };
        if let Next::Wait(wait) = backoff.after(&Seen::Answer(answer), Duration::ZERO).next {
            assert!(wait <= longest, "{wait:?} is above {longest:?}");
        }
    }
}

#[test]
fn whatever_a_server_says_a_wait_is_within_its_hint_and_its_bounds() {
    let pattern: BodyPattern = r"(?:in|wait) (?<seconds>[^ ]+) s|(?<millis>\S+) ms"
        .parse()
        .or_else(|_| r"(?:in|wait) (\S+)".parse())
        .expect("the second has one group");
    let policies = [
        (HintMode::Floor, TooLong::Fail),
        (HintMode::Replace, TooLong::Clamp),
        (HintMode::Floor, TooLong::Ignore),
    ]
    .map(|(mode, on_too_long)| {
        Arc::new(Policy {
            hints: HintPolicy {
                mode,
                on_too_long,
                body_pattern: Some(pattern.clone()),
                ..HintPolicy::default()
            },
            max_elapsed: Duration::from_secs(86_400),
            ..Policy::default()
        })
    });
    Fuzz::new(corpus("hints"), 20_000).run(|input| {
        let text = String::from_utf8_lossy(input);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let headers: Vec<(String, String)> = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        for (policy, status) in policies.iter().zip([429, 503, 429]) {
            let answer = HttpAnswer {
                status,
                headers: &headers,
                body: body.as_bytes(),
                now: UNIX_EPOCH + Duration::from_secs(784_111_777),
            };
            let verdict = Backoff::new(policy.clone(), Some(7)).after(&Seen::Answer(answer), Duration::ZERO);
            if let Some(hint) = &verdict.hint {
                assert!(hint.raw.chars().count() <= 256, "{} characters", hint.raw.len());
            }
            match verdict.next {
                Next::Wait(wait) => {
                    let hint = verdict.usable_hint().unwrap_or_default();
                    assert!(hint <= policy.hints.max, "{hint:?} is believed");
                    assert!(wait >= hint, "{wait:?} is below the hint {hint:?}");
                    assert!(wait <= policy.hints.max + policy.cap, "{wait:?} for {hint:?}");
                }
                Next::Stop(stop) => assert_eq!(
                    (stop, policy.hints.on_too_long),
                    (StopReason::HintTooLong, TooLong::Fail)
                ),
            }
        }
    });
}
