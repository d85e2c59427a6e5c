//! Every attempt of a storm can be seen: what is shown agrees with what comes out.

use limiter::Limiter;
use simulate::{Answer, Attempt, Hint, Look, Storm};
use std::time::Duration;

fn watched(storm: &Storm) -> (simulate::Outcome, Vec<Attempt>) {
    let mut seen = Vec::new();
    let outcome = storm.run_watched(5, &mut |attempt| seen.push(attempt));
    (outcome, seen)
}

#[test]
fn the_limit_decides_on_what_is_shown_as_it_did_in_the_storm() {
    for limit in [
        "token-bucket rate=10 burst=20",
        "fixed-window limit=40 window=5s",
        "sliding-window limit=50 window=10s reject-counts=true",
        "queue rate=10 burst=60",
    ] {
        let storm = Storm::new(limit.parse().unwrap(), 100);
        let (outcome, mut seen) = watched(&storm);
        assert_eq!(seen.len() as u64, outcome.attempts, "{limit}");
        assert!(seen.is_sorted_by_key(|attempt| attempt.answered));
        seen.sort_by_key(|attempt| attempt.decided);
        let mut limiter = Limiter::new(&storm.limit);
        for attempt in &seen {
            let decided = attempt.decided.expect("nobody's time was over");
            assert!(attempt.sent < decided && decided < attempt.answered);
            let passed = limiter.try_pass(decided).passed();
            assert_eq!(passed, attempt.answer == Answer::In, "{limit}: {attempt:?}");
            assert_eq!(
                !passed,
                matches!(&attempt.answer, Answer::Refused(Some((name, _))) if name == "Retry-After")
            );
        }
        let mut of_one: Vec<_> = seen.iter().filter(|attempt| attempt.user == 7).collect();
        of_one.sort_by_key(|attempt| attempt.sent);
        let numbers: Vec<u64> = of_one.iter().map(|attempt| attempt.nth).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
        assert_eq!(of_one.last().unwrap().answer, Answer::In);
    }
}

#[test]
fn who_stays_for_a_while_is_seen_to_leave() {
    let storm = Storm {
        held: Some(Duration::from_secs(2)),
        hint: Hint::None,
        ..Storm::new("concurrency limit=20".parse().unwrap(), 60)
    };
    let (_, seen) = watched(&storm);
    let mut changes: Vec<(Duration, i32)> = Vec::new();
    for attempt in &seen {
        assert_eq!(attempt.left.is_some(), attempt.answer == Answer::In);
        changes.extend(attempt.left.iter().map(|left| (*left, -1)));
        changes.extend(attempt.left.and(attempt.decided).map(|at| (at, 1)));
    }
    changes.sort_unstable();
    let inside = changes.iter().scan(0, |inside, (_, change)| {
        *inside += change;
        Some(*inside)
    });
    assert_eq!(inside.max(), Some(20));
}

#[test]
fn silence_is_seen_as_a_time_that_is_over() {
    let storm = Storm {
        look: Look::Silence,
        ..Storm::new("token-bucket rate=10 burst=5".parse().unwrap(), 10)
    };
    let (_, seen) = watched(&storm);
    let silent: Vec<_> = seen
        .iter()
        .filter(|attempt| attempt.answer != Answer::In)
        .collect();
    assert!(!silent.is_empty());
    for attempt in silent {
        assert_eq!(attempt.answer, Answer::TimedOut);
        assert_eq!(attempt.answered - attempt.sent, storm.policy.attempt_timeout);
    }
}
