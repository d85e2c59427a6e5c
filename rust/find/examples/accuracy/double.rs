//! Storms against two limits at once, and which of the two the users met: one that never refused by itself cannot be seen.

use crate::storms::{Chance, drawn, watched};
use crate::verdict::Score;
use backoff::PacerMode;
use find::find;
use limiter::{Decision, Limit, LimitSpec, Limiter};
use simulate::{Answer, Attempt, Hint};
use std::time::Duration;

/// Who refused so often by itself can be seen.
const SEEN: usize = 8;
/// Who refused less often may be told or not.
const UNSEEN: usize = 1;

const PAIRS: [&str; 9] = [
    "bucket + window",
    "bucket + aligned",
    "window + window",
    "aligned + aligned",
    "sliding + sliding",
    "bucket + bucket",
    "bucket + sliding",
    "sliding + window",
    "bucket + cap",
];

/// Two limits of the kinds: a fast one, and a slow one with more room.
fn limits(pair: &str, chance: &mut Chance) -> String {
    let rate = chance.of(&[8.0, 10.0, 12.0, 15.0, 20.0]);
    let burst = chance.of(&[1, 5, 10, 15, 20]);
    let short = chance.of(&[1, 1, 2]);
    let quick = (f64::from(short) * rate).round();
    let long = chance.of(&[10_u64, 15, 20, 30, 60]);
    // The slow one lets in some part of what the fast one would.
    let share = chance.of(&[0.25, 0.4, 0.5, 0.6]);
    let slow = (long as f64 * rate * share / 5.0).round() * 5.0;
    let (first, second) = pair.split_once(" + ").expect("two kinds");
    let fast = match first {
        "bucket" => format!("token-bucket rate={rate} burst={burst}"),
        "window" => format!("fixed-window limit={quick} window={short}s"),
        "aligned" => format!("fixed-window limit={quick} window={short}s clock=aligned"),
        _ => format!("sliding-window limit={quick} window={short}s"),
    };
    let other = match second {
        "bucket" => format!("token-bucket rate={} burst={}", rate * share, slow.min(60.0)),
        "window" => format!("fixed-window limit={slow} window={long}s"),
        "aligned" => format!("fixed-window limit={slow} window={long}s clock=aligned"),
        "cap" => format!("concurrency limit={}", chance.of(&[10, 15, 20, 25])),
        _ => format!("sliding-window limit={slow} window={long}s"),
    };
    format!("{fast} + {other}")
}

/// How often each limit refused who would have been let in by the other.
fn alone(truth: &LimitSpec, attempts: &[Attempt]) -> Vec<usize> {
    let mut limiters: Vec<Limiter> = truth
        .limits
        .iter()
        .map(|limit| Limiter::new(&(*limit).into()))
        .collect();
    let mut alone = vec![0; limiters.len()];
    let mut decided: Vec<(Duration, &Attempt)> = attempts
        .iter()
        .filter_map(|one| one.decided.map(|at| (at, one)))
        .collect();
    decided.sort_by_key(|(at, _)| *at);
    let mut leaving: Vec<Duration> = attempts.iter().filter_map(|one| one.left).collect();
    leaving.sort_unstable();
    let mut leaving = leaving.into_iter().peekable();
    for (at, one) in decided {
        while let Some(left) = leaving.next_if(|left| *left <= at) {
            limiters.iter_mut().for_each(|limiter| limiter.release(left));
        }
        let answers: Vec<Decision> = limiters.iter().map(|limiter| limiter.look(at)).collect();
        if one.answer == Answer::In {
            for limiter in &mut limiters {
                limiter.try_pass(at);
            }
        } else {
            let refusing: Vec<usize> = (0..answers.len()).filter(|nth| !answers[*nth].passed()).collect();
            if let [only] = refusing[..] {
                alone[only] += 1;
            }
        }
    }
    alone
}

/// The limits that were seen; `None`: one of them was hardly.
fn met(truth: &LimitSpec, attempts: &[Attempt]) -> Option<LimitSpec> {
    let alone = alone(truth, attempts);
    if alone.iter().any(|count| (UNSEEN + 1..SEEN).contains(count)) {
        return None;
    }
    let seen = truth.limits.iter().zip(alone).filter(|(_, count)| *count >= SEEN);
    let limits: Vec<Limit> = seen.map(|(limit, _)| *limit).collect();
    (!limits.is_empty()).then_some(LimitSpec { limits })
}

pub(crate) fn score(limits_each: u64, seed: u64) -> Score {
    let mut chance = Chance(seed);
    let mut all = Score::default();
    for pair in PAIRS {
        let mut of_pair = Score::default();
        let mut double = 0;
        for _ in 0..limits_each {
            let text = limits(pair, &mut chance);
            let truth: LimitSpec = text.parse().expect("two limits of the table");
            for mode in [PacerMode::Off, PacerMode::Pace] {
                let users = chance.of(&[100, 160, 200, 300]);
                let hint = chance.of(&[Hint::None, Hint::Seconds]);
                let storm = drawn(&truth, users, hint, mode, &mut chance);
                let mut attempts = Vec::new();
                let observed = watched(&storm, &mut chance, &[], &mut |one| attempts.push(one.clone()));
                let Some(met) = met(&truth, &attempts) else {
                    continue;
                };
                double += usize::from(met.limits.len() == 2);
                let found = find(&observed);
                of_pair.judge(&format!("{users} users {mode:?} {hint:?}"), &[met], &found);
            }
        }
        println!("{pair}: {} ({double} of them saw both)", of_pair.line());
        all.add(of_pair);
    }
    all
}
