//! Prints what users find out together (`backoff::Crowd`), above all that they lock each other out: over the limits, refusals counted and
//! not, by hints until there is room, of the whole window and none; users lost in the mean, multiple of the bound and attempts, each by
//! itself and together, and in how many storms a lock-out was found.
//!
//! `cargo run --release -p simulate --example lockout [SEEDS] [USERS]...`: 10 seeds; 20, 50, 200 and 1,000 users.

use backoff::Policy;
use simulate::{Hint, Storm};
use std::sync::Arc;

const LIMITS: &[&str] = &[
    "sliding-window limit=20 window=4s reject-counts=true",
    "sliding-window limit=45 window=9s reject-counts=true",
    "sliding-window limit=50 window=10s reject-counts=true",
    "sliding-counter limit=40 window=5s reject-counts=true",
    "fixed-window limit=40 window=5s reject-counts=true",
    "sliding-window limit=60 window=15s reject-counts=true",
    "token-bucket rate=10 burst=20 reject-counts=true",
    "token-bucket rate=10 burst=20",
    "token-bucket rate=5 burst=20",
    "token-bucket rate=5 burst=1",
    "fixed-window limit=40 window=5s",
    "fixed-window limit=100 window=60s",
    "fixed-window limit=100 window=60s clock=aligned offset=20s",
    "sliding-window limit=40 window=5s",
    "sliding-window limit=30 window=10s",
    "sliding-counter limit=40 window=5s",
    "fixed-window limit=60 window=30s",
    "sliding-window limit=60 window=15s",
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let long = words.iter().any(|word| word == "long");
    let mut numbers = words.iter().filter_map(|word| word.parse::<usize>().ok());
    let seeds = numbers.next().unwrap_or(10);
    let given: Vec<usize> = numbers.collect();
    let users = if given.is_empty() {
        vec![20, 50, 200, 1_000]
    } else {
        given
    };
    for users in users {
        println!("{users} users, mean of {seeds} seeds: each by itself -> together (unavoidable)");
        for limit in LIMITS {
            for hint in [Hint::Seconds, Hint::WholeWindow, Hint::None] {
                println!("{}", row(limit, hint, users, seeds, long));
            }
        }
    }
}

fn row(limit: &str, hint: Hint, users: usize, seeds: usize, long: bool) -> String {
    let mut storm = Storm::new(limit.parse().expect("the table's limits are legal"), users);
    (storm.hint, storm.together) = (hint, false);
    if long {
        storm.policy = Arc::new(Policy {
            max_elapsed: storm.time_for_all(1.5).max(Policy::default().max_elapsed),
            ..Policy::default()
        });
    }
    let seeds = seeds.max(1) as u64;
    let without = storm.run_all(seeds);
    storm.together = true;
    let with = storm.run_all(seeds);
    let mean = |lost: usize| lost as f64 / seeds as f64;
    format!(
        "{limit:58} {:11} lost {:6.1} -> {:6.1} ({:5.1})  {:5.2}x -> {:5.2}x  attempts {:5.2} -> {:5.2}  found in {}",
        format!("{hint:?}"),
        mean(without.lost),
        mean(with.lost),
        mean(with.unavoidable),
        without.times_bound,
        with.times_bound,
        without.attempts,
        with.attempts,
        with.lockouts,
    )
}
