//! What an answer promises: the best setting of the gate is near the bound, and the ramp-up needs no retry.

use simulate::{Hint, Starts, Storm};
use std::time::Duration;
use tune::{Answer, Goal, Note, Question, tune};

fn question(limit: &str, hint: Hint, goal: Goal) -> Question {
    let mut storm = Storm::new(limit.parse().expect("the tests' limits are legal"), 200);
    storm.ramp = Duration::from_secs(4);
    storm.starts = Starts::InTurn;
    storm.round_trip = Duration::from_millis(20);
    storm.hint = hint;
    storm.held = limit
        .contains("concurrency")
        .then_some(Duration::from_millis(1_500));
    Question {
        seeds: 10,
        ..Question::new(storm, goal)
    }
}

fn asked(limit: &str, hint: Hint) -> Answer {
    tune(&question(limit, hint, Goal::Soonest), &mut || true).expect("nobody stops it")
}

/// The last figure is what the limiter allows: 1.05 where the gate only has to keep to a rate, or is told to the millisecond when a window
/// opens. A hint in whole seconds costs up to one a window.
#[test]
fn the_best_of_the_gate_is_near_the_bound_and_the_ramp_up_needs_no_retry() {
    for (limit, hint, most) in [
        ("token-bucket rate=10 burst=20", Hint::Seconds, 1.05),
        ("queue rate=10 burst=50", Hint::None, 1.05),
        ("fixed-window limit=120 window=60s", Hint::Seconds, 1.05),
        ("sliding-window limit=50 window=10s", Hint::Exact, 1.05),
        ("fixed-window limit=40 window=5s", Hint::Seconds, 1.15),
    ] {
        let answer = asked(limit, hint);
        let pace = answer.best_in_pace().expect("it is worth having");
        let times = pace.figures.times_bound.expect("nobody is lost").mean;
        assert!(times <= most, "{limit} {hint:?}: {times:.3} with {}", pace.habit);
        let calm = answer.calm().expect("there is a ramp-up");
        assert_eq!(calm.figures.refused.most, 0.0, "{limit}: {:?}", calm.ramp);
        assert_eq!(calm.figures.lost.most, 0.0, "{limit}");
        assert!((2..=5).contains(&answer.settings.len()), "{limit}");
    }
}

#[test]
fn the_goal_decides_what_comes_first() {
    let first = |goal| {
        let question = Question {
            seeds: 4,
            ..question("token-bucket rate=10 burst=20", Hint::Seconds, goal)
        };
        tune(&question, &mut || true)
            .expect("nobody stops it")
            .settings
            .remove(0)
    };
    let (soonest, fewest) = (first(Goal::Soonest).figures, first(Goal::FewestAttempts).figures);
    assert!(soonest.makespan.mean <= fewest.makespan.mean);
    assert!(fewest.attempts_per_user.mean <= soonest.attempts_per_user.mean);
    assert!(fewest.attempts_per_user.mean < 1.01);
}

#[test]
fn what_no_setting_can_help_is_said() {
    let mut few = question("fixed-window limit=5 window=60s", Hint::Seconds, Goal::Soonest);
    (few.storm.users, few.seeds) = (30, 3);
    let answer = tune(&few, &mut || true).expect("nobody stops it");
    let too_short =
        |note: &Note| matches!(note, Note::MaxElapsed { needed, .. } if *needed >= Duration::from_secs(300));
    assert!(answer.notes.iter().any(too_short), "{:?}", answer.notes);
    for setting in &answer.settings {
        assert_eq!(setting.figures.lost.most, 0.0, "{}", setting.habit);
    }
    assert_eq!(answer.today.figures.lost.mean, 25.0);

    let mut counts = question(
        "sliding-window limit=10 window=5s reject-counts=true",
        Hint::Seconds,
        Goal::Soonest,
    );
    (counts.storm.users, counts.seeds) = (40, 3);
    let answer = tune(&counts, &mut || true).expect("nobody stops it");
    let slower = |note: &Note| matches!(note, Note::RefusalsCount { times, .. } if *times > 1.2);
    assert!(answer.notes.iter().any(slower), "{:?}", answer.notes);

    let mut easy = question("none", Hint::None, Goal::Soonest);
    (easy.storm.users, easy.seeds) = (20, 2);
    let answer = tune(&easy, &mut || true).expect("nobody stops it");
    assert_eq!(answer.notes, [Note::NothingToDo]);
}

#[test]
fn a_stop_ends_the_search() {
    let mut storms = 0;
    let mut question = question("token-bucket rate=10 burst=20", Hint::Seconds, Goal::Steady);
    question.storm.users = 10;
    let stopped = tune(&question, &mut || {
        storms += 1;
        storms < 30
    });
    assert_eq!((stopped, storms), (None, 30));
}

#[test]
fn what_is_usual_is_judged_without_a_search() {
    let storm = Storm::new("token-bucket rate=10 burst=20".parse().expect("a limit"), 60);
    let question = Question {
        seeds: 3,
        ..Question::new(storm, Goal::Soonest)
    };
    let (mut few, mut many) = (0, 0);
    let count = |storms: &mut u32| {
        *storms += 1;
        true
    };
    let answer = tune::usual(&question, &mut || count(&mut few)).expect("nobody stops it");
    assert!(tune(&question, &mut || count(&mut many)).is_some());
    assert!(4 * few < many, "{few} storms, and {many} of a search");
    let best = answer.best_in_pace().expect("the gate is worth having");
    assert_eq!(best.figures.lost.most, 0.0);
    assert_eq!(
        tune::properties(&best.habit),
        [("wsb.shared.mode", "pace".to_owned())]
    );
    assert!(answer.calm().is_some());
}
