//! Two limits at once: both are told where both were seen, and none is where the other refused nobody by itself.

use find::{Decision, Finding, Kind, Observations, Outcome, find};
use simulate::{Answer, Attempt, Storm};
use std::time::Duration;

/// What users who all come within a moment see of a limit.
fn found(limit: &str, users: usize) -> Finding {
    let origin = 1_795_824_000_000_000;
    let micros = |time: Duration| origin + u64::try_from(time.as_micros()).expect("far below 2^64");
    let mut storm = Storm::new(limit.parse().expect("a limit"), users);
    storm.round_trip = Duration::from_millis(10);
    let mut observations = Observations::new();
    storm.run_watched(1, &mut |attempt: Attempt| {
        observations.add(Decision {
            sent: micros(attempt.sent),
            answered: micros(attempt.answered),
            outcome: if attempt.answer == Answer::In {
                Outcome::Passed
            } else {
                Outcome::Refused
            },
            user: u32::try_from(attempt.user).expect("a few"),
            target: 0,
            status: None,
            hint: None,
            ended: None,
        });
    });
    find(&observations)
}

#[test]
fn two_limits_are_both_told_the_one_that_lets_in_less_first() {
    for (limit, first, second) in [
        (
            "token-bucket rate=10 burst=10 + fixed-window limit=60 window=20s",
            Kind::FixedWindow,
            Kind::TokenBucket,
        ),
        (
            "token-bucket rate=10 burst=10 + token-bucket rate=4 burst=60",
            Kind::TokenBucket,
            Kind::TokenBucket,
        ),
    ] {
        let found = found(limit, 200);
        let beside = found
            .second
            .as_ref()
            .unwrap_or_else(|| panic!("{limit}: {found:?}"));
        assert_eq!((found.kind, beside.kind), (first, second), "{limit}: {found:?}");
        let told = found.limit_spec.as_ref().map(ToString::to_string);
        let (one, other) = limit.split_once(" + ").expect("two limits");
        assert_eq!(told, Some(format!("{other} + {one}")), "{found:?}");
        let json = serde_json::to_value(&found).expect("JSON");
        assert_eq!(json["second"]["kind"], "token-bucket");
        assert_eq!(json["second"]["ratePerSecond"], 10.0);
        assert_eq!(json["second"]["limit"], serde_json::Value::Null);
        assert!(
            found.sentence().contains(" and token bucket, 10 at once"),
            "{}",
            found.sentence()
        );
    }
}

#[test]
fn a_limit_that_the_other_one_hides_is_not_told() {
    let found = found(
        "token-bucket rate=10 burst=10 + fixed-window limit=900 window=60s",
        200,
    );
    assert_eq!(
        (found.kind, &found.second),
        (Kind::TokenBucket, &None),
        "{found:?}"
    );
}
