//! Where refusals count against the quota, users who obey every hint must not lock each other out; where they are free, nothing changes.

use backoff::{PacerMode, PacerSettings, Policy};
use simulate::{Hint, Storm, Summary};
use std::sync::Arc;

fn sums(limit: &str, hint: Hint, users: usize) -> (Summary, Summary) {
    let mut storm = Storm::new(limit.parse().expect("the tests' limits are legal"), users);
    storm.hint = hint;
    let with = storm.run_all(10);
    storm.together = false;
    (storm.run_all(10), with)
}

#[test]
fn users_who_obey_their_hints_do_not_lock_each_other_out_where_refusals_count() {
    for limit in [
        "sliding-window limit=20 window=4s reject-counts=true",
        "sliding-window limit=45 window=9s reject-counts=true",
        "sliding-window limit=50 window=10s reject-counts=true",
        "sliding-counter limit=40 window=5s reject-counts=true",
    ] {
        for hint in [Hint::Seconds, Hint::WholeWindow, Hint::None] {
            let (_, with) = sums(limit, hint, 200);
            assert!(
                with.lost == 0 && with.times_bound <= 4.0,
                "{limit} {hint:?}: {with:?}"
            );
        }
    }
    let (without, _) = sums(
        "sliding-window limit=20 window=4s reject-counts=true",
        Hint::Seconds,
        200,
    );
    assert!(without.lost > 1_000, "the rule is what saves them: {without:?}");
}

#[test]
fn a_time_that_is_too_short_for_all_is_used_by_as_many_as_can() {
    let (without, with) = sums(
        "sliding-window limit=20 window=4s reject-counts=true",
        Hint::None,
        1_000,
    );
    assert!(with.lost + 2_000 < without.lost, "{without:?} {with:?}");
}

const COUNTED: [&str; 7] = [
    "sliding-window limit=20 window=4s reject-counts=true",
    "sliding-window limit=45 window=9s reject-counts=true",
    "sliding-window limit=50 window=10s reject-counts=true",
    "sliding-window limit=60 window=15s reject-counts=true",
    "sliding-counter limit=40 window=5s reject-counts=true",
    "fixed-window limit=40 window=5s reject-counts=true",
    "token-bucket rate=10 burst=20 reject-counts=true",
];
const FREE: [&str; 6] = [
    "fixed-window limit=40 window=5s",
    "sliding-window limit=30 window=10s",
    "sliding-window limit=60 window=15s",
    "fixed-window limit=60 window=30s",
    "fixed-window limit=100 window=60s",
    "token-bucket rate=5 burst=20",
];

/// A thousand users, with or without time enough for all.
fn thousand(limit: &str, hint: Hint, enough: bool) -> Storm {
    let mut storm = Storm::new(limit.parse().expect("the tests' limits are legal"), 1_000);
    storm.hint = hint;
    if enough {
        storm.policy = Arc::new(Policy {
            max_elapsed: storm.time_for_all(1.5).max(Policy::default().max_elapsed),
            ..Policy::default()
        });
    }
    storm
}

#[test]
fn a_thousand_whom_refusals_count_against_all_get_in_where_their_time_is_enough() {
    for limit in COUNTED {
        for hint in [Hint::Seconds, Hint::WholeWindow, Hint::None] {
            let sum = thousand(limit, hint, true).run_all(3);
            assert!(
                sum.lost == 0 && sum.unavoidable == 0 && sum.times_bound <= 1.35,
                "{limit} {hint:?}: {sum:?}"
            );
        }
    }
}

#[test]
fn where_a_thousand_have_too_little_time_few_are_lost_that_need_not_be() {
    // What is left is the time until they know, and the window's first that come evenly.
    for limit in COUNTED {
        for hint in [Hint::Seconds, Hint::WholeWindow, Hint::None] {
            let sum = thousand(limit, hint, false).run_all(3);
            let most = if limit.contains("limit=40") { 230 } else { 150 };
            assert!(
                sum.lost - sum.unavoidable <= 3 * most,
                "{limit} {hint:?}: {sum:?}"
            );
        }
    }
}

#[test]
fn a_thousand_lose_next_to_nobody_and_no_time_by_lining_up_where_refusals_are_free() {
    for limit in FREE {
        for hint in [Hint::Seconds, Hint::None] {
            for enough in [false, true] {
                let mut storm = thousand(limit, hint, enough);
                let with = storm.run_all(3);
                storm.together = false;
                let without = storm.run_all(3);
                let in_time = !enough || with.makespan <= without.makespan * 1.05;
                assert!(
                    with.lost <= without.lost + 3 * 50 && in_time,
                    "{limit} {hint:?} {enough}: {without:?} {with:?}"
                );
            }
        }
    }
}

#[test]
fn nobody_beats_what_is_unavoidable() {
    for limit in COUNTED.iter().chain(&FREE) {
        for mode in [PacerMode::Off, PacerMode::Pace] {
            let mut storm = thousand(limit, Hint::Seconds, false);
            storm.gate = PacerSettings::of(mode);
            let sum = storm.run_all(2);
            assert!(sum.lost >= sum.unavoidable, "{limit} {mode:?}: {sum:?}");
        }
    }
}

#[test]
fn where_refusals_are_free_the_rule_changes_next_to_nothing() {
    for limit in [
        "token-bucket rate=10 burst=20",
        "token-bucket rate=5 burst=20",
        "fixed-window limit=40 window=5s",
        "sliding-window limit=40 window=5s",
        "sliding-counter limit=40 window=5s",
        "sliding-window limit=30 window=10s",
        "sliding-window limit=60 window=15s",
        "fixed-window limit=60 window=30s",
        "fixed-window limit=100 window=60s",
    ] {
        for users in [20, 50, 200] {
            for hint in [Hint::Seconds, Hint::WholeWindow, Hint::None] {
                let (without, with) = sums(limit, hint, users);
                assert!(
                    with.lost <= without.lost && with.makespan <= without.makespan * 1.05,
                    "{limit} {hint:?} {users}: {without:?} {with:?}"
                );
            }
        }
    }
}
