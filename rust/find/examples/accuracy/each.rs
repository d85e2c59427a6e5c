//! Users who connect again and again, before a limit that each has for itself, that all of a process share, or that all share.

use crate::storms::Chance;
use crate::verdict::Score;
use find::{Decision, Observations, Outcome, find};
use limiter::{LimitSpec, Limiter};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

const KINDS: [&str; 4] = [
    "token-bucket",
    "fixed-window",
    "sliding-window",
    "fixed-window aligned",
];

/// What one user alone meets now and then.
fn limit(kind: &str, users: u64, chance: &mut Chance) -> String {
    let window = chance.of(&[5, 10, 15, 20]);
    let level = users * chance.of(&[3, 4, 5, 8]);
    match kind {
        "token-bucket" => format!(
            "token-bucket rate={} burst={level}",
            users as f64 * chance.of(&[0.2, 0.25, 0.5])
        ),
        "fixed-window aligned" => format!("fixed-window limit={level} window={window}s clock=aligned"),
        _ => format!("{kind} limit={level} window={window}s"),
    }
}

/// Who has a limit for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    User,
    Address,
}

struct World {
    users: u32,
    /// Users of each process.
    each: u32,
    /// How long a user waits before the next connect.
    think: u64,
    /// Microseconds.
    length: u64,
}

/// Users who hammer a little: after a pass they think, after a refusal they wait for longer and longer.
fn seen(world: &World, truth: &LimitSpec, whose: Option<Whose>, chance: &mut Chance) -> Observations {
    let of = |user: u32| match whose {
        Some(Whose::User) => user,
        Some(Whose::Address) => user / world.each,
        None => 0,
    };
    let mut limiters: Vec<Limiter> = (0..world.users).map(|_| Limiter::new(truth)).collect();
    let origin: u64 = 1_795_824_000_000_000;
    let mut due = BinaryHeap::new();
    for user in 0..world.users {
        due.push(Reverse((chance.below(1_000_000), user, 0_u32)));
    }
    let mut observations = Observations::new();
    while let Some(Reverse((at, user, refused))) = due.pop() {
        if at > world.length {
            continue;
        }
        let limiter = &mut limiters[usize::try_from(of(user)).expect("a user")];
        let passed = limiter.try_pass(Duration::from_micros(origin + at)).passed();
        let early = 1_000 + chance.below(4_000);
        let late = 1_000 + chance.below(4_000);
        let source = usize::try_from(user / world.each).expect("a process");
        observations.add_of(
            source,
            Decision {
                sent: origin + at - early,
                answered: origin + at + late,
                outcome: if passed { Outcome::Passed } else { Outcome::Refused },
                user,
                target: 0,
                status: Some(if passed { 101 } else { 429 }),
                hint: None,
                ended: None,
            },
        );
        let wait = if passed {
            world.think / 2 + chance.below(world.think)
        } else {
            (300_000 << refused.min(4)) + chance.below(400_000)
        };
        due.push(Reverse((
            at + wait.max(10_000),
            user,
            if passed { 0 } else { refused + 1 },
        )));
    }
    observations
}

pub(crate) fn score(limits: u64, seed: u64) -> Score {
    let mut chance = Chance(seed);
    let mut all = Score::default();
    for whose in [Some(Whose::User), Some(Whose::Address), None] {
        for kind in KINDS {
            let mut of_kind = Score::default();
            for _ in 0..limits {
                let users = chance.of(&[6, 12, 24]);
                let each = users / chance.of(&[2, 3]);
                let who = match whose {
                    Some(Whose::User) => 1,
                    Some(Whose::Address) => each,
                    None => users,
                };
                let truth: LimitSpec = limit(kind, u64::from(who), &mut chance)
                    .parse()
                    .expect("a limit of the table");
                let world = World {
                    users,
                    each,
                    think: chance.of(&[200_000, 500_000, 1_000_000]),
                    length: chance.of(&[60_000_000, 120_000_000]),
                };
                let found = find(&seen(&world, &truth, whose, &mut chance));
                let what = format!("{users} users, {each} a process, {whose:?}");
                of_kind.judge_of(
                    &what,
                    std::slice::from_ref(&truth),
                    whose == Some(Whose::User),
                    &found,
                );
            }
            println!("{kind} {whose:?}: {}", of_kind.line());
            all.add(of_kind);
        }
    }
    all
}
