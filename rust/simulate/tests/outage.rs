//! An outage after somebody was let in looks like users who lock each other out. To take it for that must cost nobody.

use simulate::{Hint, Look, Storm, Summary};
use std::time::Duration;

/// What becomes of so many users, each by itself and together, where the server is down.
fn sums(limit: &str, hint: Hint, users: usize, ramp: u64, down: (u64, u64)) -> (Summary, Summary) {
    let mut storm = Storm::new(limit.parse().expect("the tests' limits are legal"), users);
    (storm.look, storm.hint) = (Look::Status(503), hint);
    storm.ramp = Duration::from_millis(ramp);
    storm.down = Some((Duration::from_millis(down.0), Duration::from_secs(down.1)));
    storm.held = limit
        .contains("concurrency")
        .then_some(Duration::from_millis(1_500));
    let together = storm.run_all(5);
    storm.together = false;
    (storm.run_all(5), together)
}

#[test]
fn whoever_gets_in_after_an_outage_by_itself_does_so_together_too() {
    for limit in [
        "none",
        "token-bucket rate=10 burst=20",
        "token-bucket rate=5 burst=20",
        "token-bucket rate=10 burst=1",
        "fixed-window limit=40 window=5s",
        "sliding-window limit=40 window=5s",
        "concurrency limit=20",
    ] {
        for hint in [Hint::None, Hint::Seconds] {
            for (ramp, from) in [
                (20, 30),
                (20, 3_000),
                (15_000, 5_000),
                (30_000, 1_000),
                (30_000, 10_000),
            ] {
                for length in [10, 30, 60] {
                    let (each, together) = sums(limit, hint, 200, ramp, (from, length));
                    assert!(
                        together.lost <= each.lost && together.makespan <= each.makespan * 1.25,
                        "{limit} {hint:?} ramp {ramp} down {length} s after {from}: {each:?} {together:?}"
                    );
                }
            }
        }
    }
}

/// A quota without a burst that names a constant hint stays closed for as long after each refusal, as a window would.
#[test]
fn a_constant_hint_after_an_outage_makes_no_window_of_a_bucket() {
    let hint = Hint::Always(Duration::from_secs(5));
    for (ramp, from) in [(20, 30), (20, 3_000), (15_000, 5_000)] {
        for length in [10, 30] {
            let (each, together) = sums("token-bucket rate=10 burst=1", hint, 200, ramp, (from, length));
            assert!(
                together.lost <= each.lost + 5 * 3 && together.makespan <= each.makespan * 1.05,
                "ramp {ramp} down {length} s after {from}: {each:?} {together:?}"
            );
        }
    }
}

#[test]
fn a_thousand_lose_few_more_at_a_bucket_that_was_down() {
    for limit in ["token-bucket rate=10 burst=20", "token-bucket rate=10 burst=1"] {
        for length in [10, 30, 60] {
            let (each, together) = sums(limit, Hint::None, 1_000, 20, (30, length));
            assert!(
                together.lost <= each.lost + 5 * 120,
                "{limit} {length} s: {each:?} {together:?}"
            );
        }
    }
}
