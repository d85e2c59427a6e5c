//! Storms of users who know nothing of one another: the default policy must let everybody in soon, without hammering.

use backoff::{Policy, StopReason, Strategy};
use simulate::{Hint, Storm, Summary};
use std::sync::Arc;
use std::time::Duration;

fn storm(limit: &str, hint: Hint) -> Storm {
    Storm {
        hint,
        ramp: Duration::ZERO,
        ..Storm::new(limit.parse().expect("the tests' limits are legal"), 200)
    }
}

fn sum(limit: &str, hint: Hint, seeds: u64) -> Summary {
    storm(limit, hint).run_all(seeds)
}

const FAST: &str = "token-bucket rate=10 burst=20";
const SLOW: &str = "token-bucket rate=5 burst=20";

#[test]
fn the_default_policy_keeps_its_figures_on_a_bucket_over_many_seeds() {
    // Within twice the bound, (N - B) / R, and 5.5 attempts, also where nobody sees more than its own refusals.
    for (limit, hint, together, seconds, attempts) in [
        (FAST, Hint::None, false, 30.6, 3.43),
        (FAST, Hint::Seconds, false, 29.8, 3.29),
        (SLOW, Hint::None, false, 52.1, 4.55),
        (SLOW, Hint::Seconds, false, 53.1, 4.21),
        (FAST, Hint::None, true, 18.6, 3.48),
        (FAST, Hint::Seconds, true, 18.6, 3.48),
        (SLOW, Hint::None, true, 36.6, 4.27),
        (SLOW, Hint::Seconds, true, 36.6, 4.23),
    ] {
        let storm = Storm {
            together,
            ..storm(limit, hint)
        };
        let sum = storm.run_all(200);
        assert_eq!(sum.lost, 0, "{sum:?}");
        assert!(
            (sum.makespan - seconds).abs() < 1.0 && (sum.attempts - attempts).abs() < 0.05,
            "{limit} {hint:?} {together}: {sum:?}"
        );
    }
}

#[test]
fn a_hint_brings_everybody_in_right_after_the_window() {
    for seed in 1..=3 {
        let outcome = storm("fixed-window limit=100 window=60s", Hint::Seconds).run(seed);
        assert_eq!(outcome.lost(), 0, "{outcome:?}");
        assert!(outcome.makespan <= Duration::from_secs(70), "{outcome:?}");
        assert!(outcome.attempts_per_user() <= 2.0, "{outcome:?}");
    }
}

#[test]
fn a_window_without_hints_needs_more_attempts_but_leaves_nobody_out() {
    let sum = sum("fixed-window limit=120 window=60s", Hint::None, 3);
    assert!(
        sum.lost == 0 && sum.makespan <= 95.0 && sum.attempts <= 5.5,
        "{sum:?}"
    );
}

#[test]
fn three_fixed_pauses_leave_out_forty_percent() {
    // The story of the team: 500 ms three times, while the window lets in 120 of 200.
    let mut story = storm("fixed-window limit=120 window=60s", Hint::None);
    story.policy = Arc::new(Policy {
        strategy: Strategy::Fixed,
        base: Duration::from_millis(500),
        max_attempts: 4,
        ..Policy::default()
    });
    let outcome = story.run(1);
    assert_eq!(outcome.gave_up, vec![Some(StopReason::MaxAttempts); 80]);
    assert_eq!(outcome.times.len(), 120);
    assert!(outcome.percentile(1.0) < Duration::from_millis(100));
}

#[test]
fn a_storm_repeats_to_the_digit() {
    let run = |seed| storm(FAST, Hint::Seconds).run(seed);
    assert_eq!(run(9), run(9));
    assert_ne!(run(9).makespan, run(10).makespan);
}
