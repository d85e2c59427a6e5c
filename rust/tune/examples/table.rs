//! What the answers promise, limit by limit: how near the best setting of the gate comes to the bound, and that the ramp-up needs no retry.
//!
//! `cargo run --release -p tune --example table [WORD]`: only limits with the word in their text. Where the best of the gate is farther from
//! the bound than promised, the last column says how near a gate comes that is told one rate for ever, whichever is best.

use backoff::{PacerMode, PacerSettings, Policy};
use simulate::{Habit, Hint, Look, Starts, Storm};
use std::time::Duration;
use tune::{Goal, Question, tune};

/// So near, as a multiple of the bound, the gate is to come.
const PROMISED: f64 = 1.05;
const SEEDS: u64 = 20;

const CASES: [(&str, Hint, u16); 12] = [
    ("token-bucket rate=10 burst=20", Hint::Seconds, 429),
    ("token-bucket rate=20 burst=1", Hint::None, 503),
    ("token-bucket rate=15 burst=50", Hint::None, 429),
    ("fixed-window limit=120 window=60s", Hint::Seconds, 429),
    ("fixed-window limit=50 window=10s", Hint::Exact, 429),
    ("fixed-window limit=40 window=5s clock=aligned", Hint::Exact, 429),
    ("sliding-window limit=50 window=10s", Hint::Exact, 429),
    ("sliding-counter limit=40 window=5s", Hint::Exact, 429),
    ("queue rate=10 burst=50", Hint::None, 503),
    (
        "token-bucket rate=20 burst=20 + fixed-window limit=100 window=20s",
        Hint::Exact,
        429,
    ),
    ("concurrency limit=20", Hint::None, 503),
    ("concurrency limit=50", Hint::None, 429),
];

fn main() {
    let word = std::env::args().nth(1).unwrap_or_default();
    println!(
        "{:66} {:>7} {:>6} {:>8} {:>8} {:>10}",
        "200 users over 4 s, 20 ms away; refused by", "bound", "pace", "ramp-up", "refused", "told rate"
    );
    for (limit, hint, status) in CASES.into_iter().filter(|case| case.0.contains(&word)) {
        let storm = storm(limit, hint, status);
        let question = Question {
            seeds: SEEDS,
            ..Question::new(storm.clone(), Goal::Soonest)
        };
        let answer = tune(&question, &mut || true).expect("nobody stops it");
        let bound = answer.today.figures.bound.map_or(f64::NAN, |bound| bound.mean);
        let pace = answer.best_in_pace().and_then(|pace| pace.figures.times_bound);
        let pace = pace.map_or(f64::NAN, |times| times.mean);
        let (ramp, refused) = answer.calm().map_or((f64::NAN, f64::NAN), |calm| {
            (calm.ramp.as_secs_f64(), calm.figures.refused.most)
        });
        let told = if pace > PROMISED { told(&storm) } else { None };
        let told = told.map_or(String::new(), |(times, rate)| {
            format!("{times:.3} at {rate:.2}/s")
        });
        println!(
            "{:66} {bound:>6.1}s {pace:>6.3} {ramp:>7}s {refused:>8} {told:>10}",
            format!("{limit}, {hint:?} {status}")
        );
    }
}

fn storm(limit: &str, hint: Hint, status: u16) -> Storm {
    let mut storm = Storm::new(limit.parse().expect("these limits are legal"), 200);
    storm.ramp = Duration::from_secs(4);
    storm.starts = Starts::InTurn;
    storm.round_trip = Duration::from_millis(20);
    storm.hint = hint;
    storm.look = Look::Status(status);
    storm.held = limit
        .contains("concurrency")
        .then_some(Duration::from_millis(1_500));
    storm
}

/// The least multiple of the bound at which a gate of one rate gets all in, and that rate.
fn told(storm: &Storm) -> Option<(f64, f64)> {
    let bound = |users: u32| storm.limit.bound_from(users, Duration::ZERO, storm.held);
    let time = bound(60_000)?.checked_sub(bound(10_000)?)?.as_secs_f64();
    let reached = (80..=130).filter_map(|percent| {
        let rate = 50_000.0 / time * f64::from(percent) / 100.0;
        let gate = PacerSettings {
            rate,
            min_rate: rate,
            max_rate: rate,
            ..PacerSettings::of(PacerMode::Pace)
        };
        let storm = storm.clone().of(&Habit::new(Policy::default(), gate));
        let outcomes: Vec<_> = (0..SEEDS).map(|seed| storm.run(seed)).collect();
        let figures = simulate::Figures::of(&outcomes);
        Some((figures.times_bound?.mean, rate))
    });
    reached.min_by(|one, other| one.0.total_cmp(&other.0))
}
