//! Prints what users find out together (`backoff::Crowd`), above all that they lock each other out: over the limits, refusals counted and
//! not, by hints until there is room, of the whole window and none; users lost in the mean, multiple of the bound and attempts, each by
//! itself and together, and in how many storms a lock-out was found.
//!
//! `cargo run --release -p simulate --example lockout [SEEDS] [USERS]...`: 10 seeds; 20, 50, 200 and 1,000 users.

use simulate::{Hint, Storm};

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
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse::<usize>().ok());
    let seeds = numbers.next().unwrap_or(10);
    let given: Vec<usize> = numbers.collect();
    let users = if given.is_empty() {
        vec![20, 50, 200, 1_000]
    } else {
        given
    };
    for users in users {
        println!("{users} users, mean of {seeds} seeds: each by itself -> together");
        for limit in LIMITS {
            for hint in [Hint::Seconds, Hint::WholeWindow, Hint::None] {
                println!("{}", row(limit, hint, users, seeds));
            }
        }
    }
}

fn row(limit: &str, hint: Hint, users: usize, seeds: usize) -> String {
    let mut storm = Storm::new(limit.parse().expect("the table's limits are legal"), users);
    (storm.hint, storm.together) = (hint, false);
    let seeds = seeds.max(1) as u64;
    let without = storm.run_all(seeds);
    storm.together = true;
    let with = storm.run_all(seeds);
    let lost = |lost: usize| lost as f64 / seeds as f64;
    format!(
        "{limit:58} {:11} lost {:6.1} -> {:6.1}  {:5.2}x -> {:5.2}x  attempts {:5.2} -> {:5.2}  found in {}",
        format!("{hint:?}"),
        lost(without.lost),
        lost(with.lost),
        without.times_bound,
        with.times_bound,
        without.attempts,
        with.attempts,
        with.lockouts,
    )
}
