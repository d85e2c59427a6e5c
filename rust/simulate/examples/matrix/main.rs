//! Prints what the users of the default policy meet at each kind of limit, alone and with the gate `pace`: how many are lost, beside
//! those that the limit loses whatever they do (unavoidable), the makespan as a multiple of the bound, attempts a user; a star where it is
//! more than issue 13's table asks for.
//!
//! `cargo run --release -p simulate --example matrix [WORD] [SEEDS] [USERS]...`: only the kinds with the word in their name (`""`: all),
//! means over so many seeds (10), for so many users (200; several: one table each).

mod kinds;

use backoff::{PacerMode, PacerSettings};
use kinds::{KINDS, Kind};
use simulate::{Hint, Summary};

fn main() {
    let mut words = std::env::args().skip(1);
    let filter = words.next().unwrap_or_default();
    let seeds = words.next().and_then(|word| word.parse().ok()).unwrap_or(10);
    let mut users: Vec<usize> = words.filter_map(|word| word.parse().ok()).collect();
    if users.is_empty() {
        users.push(200);
    }
    for users in users {
        println!(
            "{users} users, mean of {seeds} seeds; of multiples and attempts in brackets the most that is asked for"
        );
        println!(
            "{:26} {:9} | {:>11} | alone: {:>9} {:>12} {:>8} | pace: {:>6} {:>12} {:>13}",
            "limit",
            "refusal",
            "unavoidable",
            "lost",
            "times bound",
            "attempts",
            "lost",
            "times bound",
            "attempts"
        );
        for kind in KINDS.iter().filter(|kind| kind.name.contains(&filter)) {
            println!("{}", row(kind, users, seeds));
        }
    }
}

fn row(kind: &Kind, users: usize, seeds: u64) -> String {
    let mut storm = kind.storm(users);
    let alone = storm.run_all(seeds);
    storm.gate = PacerSettings::of(PacerMode::Pace);
    let pace = storm.run_all(seeds);
    let (most_alone, most_pace, most_attempts) = kind.most;
    let refusal = match kind.hint {
        Hint::None => format!("{:?}", kind.look),
        hint => format!("{hint:?}"),
    };
    format!(
        "{:26} {:9.9} | {:>11} | {:>16} {} {:>8.2} | {:>12} {} {}",
        kind.name,
        refusal,
        mean(alone.unavoidable, &alone),
        mean(alone.lost, &alone),
        against(alone.times_bound, most_alone),
        alone.attempts,
        mean(pace.lost, &pace),
        against(pace.times_bound, most_pace),
        against(pace.attempts, most_attempts),
    )
}

/// Of the mean storm.
fn mean(users: usize, sum: &Summary) -> String {
    format!("{:.1}", users as f64 / sum.storms.max(1) as f64)
}

fn against(value: f64, most: f64) -> String {
    let star = if value > most + 0.005 { "*" } else { " " };
    format!("{value:>6.2}{star}({most:>3})")
}
