//! Prints what an outage does to users who find out together what they meet (`backoff::Crowd`): they may take it for refusals that count. Over
//! limits, hints, ramps and lengths of the outage (0: none): users lost in the mean, each by itself and together, when the last one was in,
//! and in how many storms a lock-out was found. A star where more are lost together, or it takes a twentieth longer.
//!
//! `cargo run --release -p simulate --example outage [SEEDS] [USERS]`: 10 seeds, 200 users.

use simulate::{Hint, Look, Storm};
use std::time::Duration;

const LIMITS: &[&str] = &[
    "none",
    "token-bucket rate=10 burst=20",
    "token-bucket rate=5 burst=20",
    "token-bucket rate=10 burst=1",
    "fixed-window limit=40 window=5s",
    "sliding-window limit=40 window=5s",
    "sliding-window limit=30 window=10s",
    "sliding-counter limit=40 window=5s",
    "fixed-window limit=100 window=60s",
    "concurrency limit=20",
    "sliding-window limit=20 window=4s reject-counts=true",
    "token-bucket rate=10 burst=20 reject-counts=true",
];
/// Over how many milliseconds they start, and after how many the server is down.
const STARTS: &[(u64, u64)] = &[
    (20, 30),
    (20, 3_000),
    (15_000, 5_000),
    (30_000, 1_000),
    (30_000, 10_000),
];
const LENGTHS: &[u64] = &[0, 10, 20, 30, 60];

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse().ok());
    let seeds = numbers.next().unwrap_or(10_usize).max(1);
    let users = numbers.next().unwrap_or(200);
    println!("{users} users, mean of {seeds} seeds: each by itself -> together");
    for limit in LIMITS {
        for hint in [Hint::None, Hint::Seconds] {
            for &(ramp, from) in STARTS {
                let mut storm = Storm::new(limit.parse().expect("the table's limits are legal"), users);
                (storm.look, storm.hint) = (Look::Status(503), hint);
                storm.ramp = Duration::from_millis(ramp);
                storm.held = limit
                    .contains("concurrency")
                    .then_some(Duration::from_millis(1_500));
                for &length in LENGTHS {
                    storm.down = Some((Duration::from_millis(from), Duration::from_secs(length)));
                    println!("{}", row(&mut storm, limit, seeds as u64));
                }
            }
        }
    }
}

fn row(storm: &mut Storm, limit: &str, seeds: u64) -> String {
    storm.together = false;
    let each = storm.run_all(seeds);
    storm.together = true;
    let all = storm.run_all(seeds);
    let mean = |lost: usize| lost as f64 / seeds as f64;
    let (from, length) = storm.down.unwrap_or_default();
    let star = if all.lost > each.lost || (each.lost == 0 && all.makespan > each.makespan * 1.05) {
        "*"
    } else {
        " "
    };
    format!(
        "{star} {limit:52} {:8} ramp {:5.2} s, down {:2} s after {:5.2}: lost {:6.1} -> {:6.1}  last in {:6.1} -> {:6.1} s  found in {}",
        format!("{:?}", storm.hint),
        storm.ramp.as_secs_f64(),
        length.as_secs(),
        from.as_secs_f64(),
        mean(each.lost),
        mean(all.lost),
        each.makespan,
        all.makespan,
        all.lockouts,
    )
}
