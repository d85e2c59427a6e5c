//! Two processes at one quota, each with a gate of its own that knows nothing of the other: the share of the one that gets less.

use backoff::{PacerMode, PacerSettings};
use simulate::{Hint, Storm};
use std::time::Duration;

/// Users of each process.
const USERS: usize = 100;
/// What a gate of another kind might do: what a second of successes adds to its rate, and what a refusal leaves of it.
const GATES: &[(f64, f64)] = &[
    (0.5, 0.5),
    (1.0, 0.5),
    (2.0, 0.5),
    (0.5, 0.3),
    (0.5, 0.7),
    (2.0, 0.7),
];
/// Round trip, and how much later the second process comes.
const WAYS: &[(u64, u64)] = &[(1, 0), (50, 0), (50, 500)];

pub fn shared(seeds: u64) {
    println!(
        "2 x {USERS} users, a gate a process: the least of three ways and lags of the mean share of the weaker; times the bound, attempts (at most); of one process those of {} users",
        2 * USERS
    );
    for (limit, hint) in [
        ("token-bucket rate=10 burst=20", Hint::None),
        ("token-bucket rate=5 burst=11", Hint::None),
        ("token-bucket rate=10 burst=20", Hint::Seconds),
        ("fixed-window limit=30 window=10s", Hint::Seconds),
    ] {
        for &(increase, beta) in GATES {
            println!("{}", row(limit, hint, increase, beta, seeds));
        }
    }
}

fn row(limit: &str, hint: Hint, increase: f64, beta: f64, seeds: u64) -> String {
    let limit_spec = limit.parse().expect("the table's limits are legal");
    let mut storm = Storm::new(limit_spec, 2 * USERS);
    storm.hint = hint;
    storm.gate = PacerSettings {
        increase,
        beta,
        ..PacerSettings::of(PacerMode::Pace)
    };
    let one = storm.run_all(seeds);
    (storm.processes, storm.users) = (2, USERS);
    let mut worst = (1.0_f64, 0.0_f64, 0.0_f64);
    for &(round_trip, lag) in WAYS {
        storm.round_trip = Duration::from_millis(round_trip);
        storm.lag = Duration::from_millis(lag);
        let sum = storm.run_all(seeds);
        worst = (
            worst.0.min(sum.least_share),
            worst.1.max(sum.times_bound),
            worst.2.max(sum.attempts),
        );
    }
    format!(
        "{limit:33} {:8} +{increase}/s x{beta}  {:.2}  {:.2} {:.2}  one: {:.2} {:.2}",
        format!("{hint:?}"),
        worst.0,
        worst.1,
        worst.2,
        one.times_bound,
        one.attempts
    )
}
