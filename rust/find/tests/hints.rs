//! Waits that refusals told, where the decisions alone leave a figure open.

use find::{Decision, Finding, Honesty, Observations, Outcome, find};

/// Microseconds since 1970.
const BEGIN: u64 = 1_795_824_000_000_000;

fn decision(at: u64, user: u32, wait: Option<f64>) -> Decision {
    Decision {
        sent: BEGIN + 1_000 * at,
        answered: BEGIN + 1_000 * at + 2_000,
        outcome: if wait.is_none() {
            Outcome::Passed
        } else {
            Outcome::Refused
        },
        user,
        target: 0,
        status: Some(if wait.is_none() { 101 } else { 429 }),
        hint: wait.map(|ms| (ms, 0)),
        // They stay to the end.
        ended: wait.is_none().then_some(BEGIN + 60_000_000),
    }
}

/// Twenty are let in at once; the others are told to wait so long, a few of them try too early, and all are let in much later. The
/// length of the window is between the two.
fn of_one_opening(wait: f64) -> Finding {
    let mut observations = Observations::new();
    for user in 0..32 {
        let at = 13 * u64::from(user);
        if user < 20 {
            observations.add(decision(at, user, None));
            continue;
        }
        observations.add(decision(at, user, Some(wait)));
        if user < 26 {
            observations.add(decision(2_600 + at - 260, user, Some(wait)));
        }
        observations.add(decision(6_200 + at, user, None));
    }
    find(&observations)
}

#[test]
fn a_wait_that_all_refusals_tell_is_the_window_where_the_decisions_leave_it_open() {
    // A round figure, 5 s, would do as well.
    for wait in [3_000.0, 3_500.0, 4_000.0, 4_321.0, 6_000.0] {
        let found = of_one_opening(wait);
        assert_eq!(
            (found.limit, found.window_ms, found.contradicted),
            (Some(20), Some(wait), 0),
            "{wait}: {found:?}"
        );
        let [low, high] = found.intervals["windowMs"];
        assert!(low < 3_000.0 && high >= 6_000.0, "{wait}: {found:?}");
        assert_eq!(found.hints.honesty, Honesty::Honest, "{wait}: {found:?}");
    }
}

#[test]
fn a_wait_that_the_decisions_exclude_or_that_many_servers_tell_whatever_they_limit_is_none() {
    for wait in [1_000.0, 2_000.0, 9_000.0] {
        let found = of_one_opening(wait);
        assert_eq!(
            (found.limit, found.window_ms),
            (Some(20), Some(5_000.0)),
            "{wait}: {found:?}"
        );
        let honesty = if wait > 6_000.0 {
            Honesty::TooLong
        } else {
            Honesty::TooShort
        };
        assert_eq!(found.hints.honesty, honesty, "{wait}: {found:?}");
    }
}
