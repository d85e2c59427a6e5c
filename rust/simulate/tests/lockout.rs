//! Where refusals count against the quota, users who obey every hint must not lock each other out; where they are free, nothing changes.

use simulate::{Hint, Storm, Summary};

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
