//! Prints what the users of the default policy meet at each kind of limit, alone and with the gate `pace`: how many are lost, the
//! makespan as a multiple of the bound, attempts a user; a star where it is more than issue 13's table asks for.
//!
//! `cargo run --release -p simulate --example matrix [WORD] [SEEDS] [USERS]...`: only the kinds with the word in their name (`""`: all),
//! means over so many seeds (10), for so many users (200; several: one table each).

use backoff::{PacerMode, PacerSettings};
use simulate::{Hint, Look, Storm, Summary};
use std::time::Duration;

/// A kind of limit.
struct Kind {
    name: &'static str,
    limit: &'static str,
    look: Look,
    hint: Hint,
    /// The most that is asked for: multiple of the bound alone, the same with the gate, attempts with the gate.
    most: (f64, f64, f64),
}

const fn kind(
    name: &'static str,
    limit: &'static str,
    look: Look,
    hint: Hint,
    most: (f64, f64, f64),
) -> Kind {
    Kind {
        name,
        limit,
        look,
        hint,
        most,
    }
}

const BUCKET: (f64, f64, f64) = (1.8, 1.1, 1.1);
const HINTED: (f64, f64, f64) = (1.9, 1.3, 1.05);
const UNHINTED: (f64, f64, f64) = (2.3, 1.5, 1.1);
const COUNTED: (f64, f64, f64) = (4.0, 1.6, 1.1);
const HELD: (f64, f64, f64) = (2.0, 1.3, 1.3);
const R429: Look = Look::Status(429);
const R503: Look = Look::Status(503);

#[rustfmt::skip] // one kind a line
const KINDS: &[Kind] = &[
    kind("bucket10", "token-bucket rate=10 burst=20", R429, Hint::Seconds, BUCKET),
    kind("bucket10", "token-bucket rate=10 burst=20", R429, Hint::None, BUCKET),
    kind("bucket5", "token-bucket rate=5 burst=20", R503, Hint::None, BUCKET),
    kind("bucket5", "token-bucket rate=5 burst=20", R503, Hint::Seconds, BUCKET),
    kind("bucket5 reset", "token-bucket rate=5 burst=20", Look::Reset, Hint::None, BUCKET),
    kind("bucket5 silence", "token-bucket rate=5 burst=20", Look::Silence, Hint::None, BUCKET),
    kind("bucket5 accept", "token-bucket rate=5 burst=20", Look::AcceptAndClose(1013), Hint::None, BUCKET),
    kind("gcra 10", "token-bucket rate=10 burst=1", R429, Hint::None, BUCKET),
    kind("gcra 5", "token-bucket rate=5 burst=1", R429, Hint::Seconds, BUCKET),
    kind("leaky nginx", "token-bucket rate=5 burst=11", R503, Hint::None, BUCKET),
    kind("queue 10/20", "queue rate=10 burst=20", R503, Hint::None, BUCKET),
    kind("queue 10/400", "queue rate=10 burst=400", R503, Hint::None, BUCKET),
    kind("queue 5/400", "queue rate=5 burst=400", R503, Hint::None, BUCKET),
    kind("fixed 40/5 first hint", "fixed-window limit=40 window=5s", R429, Hint::Seconds, HINTED),
    kind("fixed 40/5 aligned hint", "fixed-window limit=40 window=5s clock=aligned offset=3s", R429, Hint::Seconds, HINTED),
    kind("fixed 100/60 hint", "fixed-window limit=100 window=60s", R429, Hint::Seconds, HINTED),
    kind("fixed 100/60 whole", "fixed-window limit=100 window=60s clock=aligned", R429, Hint::WholeWindow, HINTED),
    kind("fixed 30/10 hint", "fixed-window limit=30 window=10s", R429, Hint::Date, HINTED),
    kind("fixed 40/5 first", "fixed-window limit=40 window=5s", R429, Hint::None, UNHINTED),
    kind("fixed 40/5 aligned", "fixed-window limit=40 window=5s clock=aligned offset=3s", R429, Hint::None, UNHINTED),
    kind("fixed 41/4.096 al", "fixed-window limit=41 window=4096ms clock=aligned offset=1s", R429, Hint::None, UNHINTED),
    kind("fixed 120/60", "fixed-window limit=120 window=60s", R429, Hint::None, UNHINTED),
    kind("sliding 40/5", "sliding-window limit=40 window=5s", R429, Hint::None, UNHINTED),
    kind("sliding 40/5 hint", "sliding-window limit=40 window=5s", R429, Hint::Seconds, UNHINTED),
    kind("counter 40/5", "sliding-counter limit=40 window=5s offset=2s", R429, Hint::None, UNHINTED),
    kind("counter 40/5 hint", "sliding-counter limit=40 window=5s offset=2s", R429, Hint::WholeWindow, UNHINTED),
    kind("counts 50/10 hint", "sliding-window limit=50 window=10s reject-counts=true", R429, Hint::Seconds, COUNTED),
    kind("counts 50/10", "sliding-window limit=50 window=10s reject-counts=true", R429, Hint::None, COUNTED),
    kind("counts 50/10 reset", "sliding-window limit=50 window=10s reject-counts=true", Look::Reset, Hint::None, COUNTED),
    kind("counts 50/10 silence", "sliding-window limit=50 window=10s reject-counts=true", Look::Silence, Hint::None, COUNTED),
    kind("counts 45/9 hint", "sliding-window limit=45 window=9s reject-counts=true", R429, Hint::Seconds, COUNTED),
    kind("counts 20/4 hint", "sliding-window limit=20 window=4s reject-counts=true", R429, Hint::Seconds, COUNTED),
    kind("counts 20/4 whole", "sliding-window limit=20 window=4s reject-counts=true", R429, Hint::WholeWindow, COUNTED),
    kind("counts 20/4", "sliding-window limit=20 window=4s reject-counts=true", R429, Hint::None, COUNTED),
    kind("counts fixed 40/5", "fixed-window limit=40 window=5s reject-counts=true", R429, Hint::None, COUNTED),
    kind("counts bucket 10/20", "token-bucket rate=10 burst=20 reject-counts=true", R429, Hint::None, COUNTED),
    kind("counts counter 40/5", "sliding-counter limit=40 window=5s reject-counts=true", R429, Hint::None, COUNTED),
    kind("concurrency 20", "concurrency limit=20", R503, Hint::None, HELD),
    kind("two", "token-bucket rate=20 burst=20 + fixed-window limit=100 window=30s", R429, Hint::Seconds, HINTED),
];

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
            "{:26} {:9} | alone: {:>9} {:>12} {:>8} | pace: {:>6} {:>12} {:>13}",
            "limit", "refusal", "lost", "times bound", "attempts", "lost", "times bound", "attempts"
        );
        for kind in KINDS.iter().filter(|kind| kind.name.contains(&filter)) {
            println!("{}", row(kind, users, seeds));
        }
    }
}

fn row(kind: &Kind, users: usize, seeds: u64) -> String {
    let limit = kind.limit.parse().expect("the table's limits are legal");
    let mut storm = Storm::new(limit, users);
    (storm.look, storm.hint) = (kind.look, kind.hint);
    storm.held = kind
        .limit
        .contains("concurrency")
        .then_some(Duration::from_millis(1_500));
    let alone = storm.run_all(seeds);
    storm.gate = PacerSettings::of(PacerMode::Pace);
    let pace = storm.run_all(seeds);
    let (most_alone, most_pace, most_attempts) = kind.most;
    let refusal = match kind.hint {
        Hint::None => format!("{:?}", kind.look),
        hint => format!("{hint:?}"),
    };
    format!(
        "{:26} {:9.9} | {:>16} {} {:>8.2} | {:>12} {} {}",
        kind.name,
        refusal,
        lost(&alone),
        against(alone.times_bound, most_alone),
        alone.attempts,
        lost(&pace),
        against(pace.times_bound, most_pace),
        against(pace.attempts, most_attempts),
    )
}

/// Of the mean storm.
fn lost(sum: &Summary) -> String {
    format!("{:.1}", sum.lost as f64 / sum.storms.max(1) as f64)
}

fn against(value: f64, most: f64) -> String {
    let star = if value > most + 0.005 { "*" } else { " " };
    format!("{value:>6.2}{star}({most:>3})")
}
