//! Users who each try by themselves, and find out together what they meet: nobody is lost and nobody waits long for nothing, at any kind of
//! limit; and what is not there is not found.

#[path = "../examples/matrix/kinds.rs"]
mod kinds;

use backoff::{Policy, Strategy};
use kinds::KINDS;
use simulate::{Hint, Look, Storm};
use std::sync::Arc;
use std::time::Duration;

const COUNTS: &str = "sliding-window limit=20 window=4s reject-counts=true";

#[test]
fn at_each_kind_of_limit_all_get_in_within_what_is_asked_for() {
    for kind in KINDS {
        let sum = kind.storm(200).run_all(5);
        assert!(
            sum.lost == 0 && sum.times_bound <= kind.most.0,
            "{} {:?}: {sum:?}",
            kind.name,
            kind.hint
        );
    }
}

#[test]
fn what_all_see_costs_next_to_no_attempts() {
    for kind in KINDS {
        let mut storm = kind.storm(200);
        let together = storm.run_all(5);
        storm.together = false;
        let each = storm.run_all(5);
        assert!(
            together.attempts <= each.attempts * 1.3,
            "{} {:?}: {together:?} {each:?}",
            kind.name,
            kind.hint
        );
    }
}

#[test]
fn a_window_that_each_refusal_begins_anew_is_left_alone_for_long_enough() {
    for (hint, most) in [(Hint::None, 4.0), (Hint::Seconds, 2.0)] {
        let mut storm = Storm::new(
            "fixed-window limit=40 window=5s reject-counts=true"
                .parse()
                .unwrap(),
            200,
        );
        storm.hint = hint;
        let sum = storm.run_all(10);
        assert!(sum.lost == 0 && sum.times_bound <= most, "{hint:?}: {sum:?}");
        storm.together = false;
        assert!(storm.run_all(2).lost >= 240, "it is what saves them");
    }
}

#[test]
fn who_timed_out_in_a_queue_comes_back_when_it_is_nearly_through() {
    for (limit, users) in [("queue rate=5 burst=400", 200), ("queue rate=2 burst=100", 80)] {
        let mut storm = Storm::new(limit.parse().unwrap(), users);
        (storm.look, storm.hint) = (Look::Status(503), Hint::None);
        let sum = storm.run_all(10);
        assert!(
            sum.lost == 0 && sum.times_bound <= 1.8 && sum.attempts <= 2.0,
            "{limit}: {sum:?}"
        );
        storm.together = false;
        let each = storm.run_all(10);
        assert!(sum.makespan < each.makespan / 1.5, "{limit}: {sum:?} {each:?}");
    }
}

#[test]
fn a_lock_out_is_found_where_there_is_one_and_nowhere_else() {
    let seen = |limit: &str, hint, users| {
        let mut storm = Storm::new(limit.parse().unwrap(), users);
        storm.hint = hint;
        storm.run_all(10).lockouts
    };
    for hint in [Hint::Seconds, Hint::WholeWindow, Hint::None] {
        assert_eq!(seen(COUNTS, hint, 200), 10, "{hint:?}");
        for limit in [
            "token-bucket rate=10 burst=20",
            "token-bucket rate=5 burst=1",
            "fixed-window limit=40 window=5s",
            "sliding-window limit=30 window=10s",
            "sliding-counter limit=40 window=5s",
            "queue rate=10 burst=20",
            "none",
        ] {
            for users in [20, 200] {
                assert_eq!(seen(limit, hint, users), 0, "{limit} {hint:?} {users}");
            }
        }
    }
}

#[test]
fn every_other_strategy_keeps_to_its_formula_even_where_they_lock_each_other_out() {
    for limit in ["token-bucket rate=10 burst=20", COUNTS] {
        for strategy in [Strategy::Full, Strategy::Exponential, Strategy::DecorrelatedV2] {
            let mut storm = Storm::new(limit.parse().unwrap(), 200);
            storm.policy = Arc::new(Policy {
                strategy,
                ..Policy::default()
            });
            let together = storm.run(1);
            storm.together = false;
            assert_eq!(together, storm.run(1), "{limit} {strategy}");
        }
    }
}

#[test]
fn who_comes_to_those_who_are_banned_is_let_in_at_once() {
    let mut storm = Storm::new("none".parse().unwrap(), 100);
    (storm.banned, storm.ramp) = (50, Duration::from_secs(4_000));
    storm.policy = Arc::new(Policy {
        max_elapsed: storm.ramp,
        ..Policy::default()
    });
    let outcome = storm.run(1);
    assert!(outcome.lockout_seen.is_some(), "the banned line up");
    assert_eq!((outcome.lost(), outcome.attempts), (0, 50));
    assert!(
        outcome
            .times
            .iter()
            .all(|time| *time < Duration::from_millis(100)),
        "{:?}",
        outcome.times.last()
    );
}

#[test]
fn one_who_is_always_refused_does_not_hammer_when_the_others_are_in() {
    let mut storm = Storm::new("token-bucket rate=10 burst=20".parse().unwrap(), 200);
    storm.banned = 1;
    storm.schedule = Some(Duration::from_secs(120));
    let mut tries = Vec::new();
    let banned = |attempts: &[(usize, Duration)], user: usize| {
        attempts.iter().filter(|(other, _)| *other == user).count()
    };
    let outcome = storm.run_watched(1, &mut |attempt| tries.push((attempt.user, attempt.sent)));
    assert_eq!(outcome.lost(), 0);
    let most = (0..200).map(|user| banned(&tries, user)).max();
    // A try in a second at most, and that no longer than the storm takes.
    assert!(most.is_some_and(|most| most <= 25), "{most:?}");
}

#[test]
fn several_processes_that_know_nothing_of_one_another_lose_nobody_either() {
    for limit in ["token-bucket rate=10 burst=20", COUNTS] {
        let mut storm = Storm::new(limit.parse().unwrap(), 60);
        (storm.processes, storm.hint) = (3, Hint::None);
        let sum = storm.run_all(5);
        assert_eq!(sum.lost, 0, "{limit}: {sum:?}");
    }
}
