//! Prints how near to the bound anybody could come who has to live with the same ways, time-outs and hints.
//!
//! `cargo run --release -p simulate --example reach [told|alone|banned|obeying|shared] [SEEDS]`: means over so many seeds (4), 200 users.
//!
//! - `told`: a gate that is told kind, rate and burst of a bucket, and only has to choose how far below that rate it stays. The best of a
//!   searched family (shares 0.80 to 1.04 of the rate), not a proof; a gate has to find out what this one is told. Windows and caps are not
//!   here: who is told those sends all at the moment of opening, and is at the bound.
//! - `alone`: one user who knows of no other (`backoff::Crowd` does), and so cannot know which limit it is: one policy for all limits. The best of a searched family
//!   (strategy, base, multiplier, cap; at most a quarter more attempts than the default's) at each limit that the default policy misses,
//!   and the one policy whose worst limit is best.
//! - `banned`: what users who are always refused cost the others at a gate, against the time of as many who are let in, and against that
//!   of the others alone. Whoever is tried twice before he is known costs at least two turns: `(n + k) / (n - k)` alone, where a turn
//!   is all that anybody costs.
//! - `obeying`: the best of those who obey a hint of twice the window (HAProxy's `http_req_rate(10s)`, fifty, a date 20 s ahead). It goes at
//!   some rate until it is refused for the first time, is told everything at that moment, waits as it was asked, and then goes whenever
//!   one is let in. No gate can be sooner: that is a proof, as it has no family to search.
//! - `shared`: two processes at one quota, by how fast their gates climb and how far they fall.

#[path = "../matrix/kinds.rs"]
mod kinds;
mod shared;

use backoff::{PacerMode, PacerSettings, Policy, Strategy};
use kinds::{KINDS, Kind};
use limiter::{Decision, LimitSpec, Limiter, Rule};
use simulate::{Hint, Look, Storm, Summary};
use std::sync::Arc;
use std::time::Duration;

const USERS: usize = 200;

fn main() {
    let mut words = std::env::args().skip(1);
    let part = words.next().unwrap_or_default();
    let seeds = words.next().and_then(|word| word.parse().ok()).unwrap_or(4);
    for (name, print) in [
        ("told", told as fn(u64)),
        ("alone", alone),
        ("banned", banned),
        ("obeying", |_| obeying()),
        ("shared", shared::shared),
    ] {
        if part.is_empty() || part == name {
            print(seeds);
        }
    }
}

/// Who tries ever so often is in soon, and hammers: a policy may need so many times the attempts of the default.
const MORE_ATTEMPTS: f64 = 1.25;

/// As a multiple of what is asked for; infinite where somebody is lost.
fn against(sum: &Summary, asked: f64) -> f64 {
    if sum.lost > 0 {
        f64::INFINITY
    } else {
        sum.times_bound / asked
    }
}

fn told(seeds: u64) {
    println!("told rate and burst: the best share of the rate, times the bound, attempts; asked for");
    for kind in KINDS {
        let storm = kind.storm(USERS);
        let [limit] = storm.limit.limits[..] else { continue };
        let Rule::TokenBucket { rate, burst } = limit.rule else {
            continue;
        };
        let tries = (80..=104).map(|percent| {
            let share = f64::from(percent) / 100.0;
            let mut storm = storm.clone();
            storm.gate = PacerSettings::fixed(rate * share, burst.into());
            (share, storm.run_all(seeds))
        });
        let best = tries.min_by(|(_, one), (_, other)| against(one, 1.0).total_cmp(&against(other, 1.0)));
        let (share, sum) = best.expect("there are shares");
        println!(
            "{:26} {:9} {share:.2} {:6.2} {:6.2}   ({}, {})",
            kind.name,
            format!("{:.9?}", kind.hint),
            sum.times_bound,
            sum.attempts,
            kind.most.1,
            kind.most.2
        );
    }
}

fn family() -> Vec<Policy> {
    let mut family = vec![Policy::default()];
    for strategy in [Strategy::Full, Strategy::Equal, Strategy::Decorrelated] {
        for base in [500, 1_000, 2_000, 4_000, 8_000] {
            for multiplier in [1.2, 2.0, 3.0] {
                for cap in [5, 10, 20, 40] {
                    family.push(Policy {
                        strategy,
                        base: Duration::from_millis(base),
                        transient_base: Duration::from_millis(base),
                        multiplier: Some(multiplier),
                        cap: Duration::from_secs(cap),
                        ..Policy::default()
                    });
                }
            }
        }
    }
    family
}

fn alone(seeds: u64) {
    println!("alone: the default | the best policy for this limit (the most that is asked for)");
    let family = family();
    let at = |kind: &Kind, policy: &Policy| {
        let mut storm = kind.storm(USERS);
        storm.policy = Arc::new(policy.clone());
        storm.together = false;
        storm.run_all(seeds)
    };
    let mut worst = vec![0.0_f64; family.len()];
    for kind in KINDS {
        let sums: Vec<Summary> = family.iter().map(|policy| at(kind, policy)).collect();
        let most = sums[0].attempts * MORE_ATTEMPTS;
        let share = |sum: &Summary| {
            if sum.attempts <= most {
                against(sum, kind.most.0)
            } else {
                f64::INFINITY
            }
        };
        let shares: Vec<f64> = sums.iter().map(share).collect();
        for (worst, share) in worst.iter_mut().zip(&shares) {
            *worst = worst.max(*share);
        }
        if shares[0] <= 1.0 {
            continue;
        }
        let best = lowest(&shares);
        println!(
            "{:26} {:9} lost {:5.1}, {:5.2}, {:4.2} attempts | lost {:5.1}, {:5.2}, {:4.2} attempts ({}) by {}",
            kind.name,
            format!("{:.9?}", kind.hint),
            sums[0].lost as f64 / seeds as f64,
            sums[0].times_bound,
            sums[0].attempts,
            sums[best].lost as f64 / seeds as f64,
            sums[best].times_bound,
            sums[best].attempts,
            kind.most.0,
            family[best]
        );
    }
    let best = lowest(&worst);
    println!(
        "one policy for all: its worst limit is {:.2} times what is asked for (the default's {:.2}): {}",
        worst[best], worst[0], family[best]
    );
}

fn lowest(values: &[f64]) -> usize {
    let all = values.iter().enumerate();
    let lowest = all.min_by(|(_, one), (_, other)| one.total_cmp(other));
    lowest.map_or(0, |(nth, _)| nth)
}

fn banned(seeds: u64) {
    println!(
        "banned, of {USERS}: makespan at the gate `pace` against none banned, and against the others alone"
    );
    let shares = [1, 10, 20, 50];
    for (limit, look, hint) in [
        ("none", Look::Status(429), Hint::None),
        ("token-bucket rate=10 burst=60", Look::Status(429), Hint::None),
        ("token-bucket rate=10 burst=20", Look::Status(429), Hint::Seconds),
        ("token-bucket rate=5 burst=20", Look::Status(429), Hint::None),
        ("fixed-window limit=100 window=5s", Look::Status(429), Hint::None),
        ("fixed-window limit=40 window=5s", Look::Status(429), Hint::None),
        (
            "fixed-window limit=40 window=5s",
            Look::Status(429),
            Hint::Seconds,
        ),
        ("concurrency limit=20", Look::Status(503), Hint::None),
    ] {
        let mut storm = Storm::new(limit.parse().expect("the table's limits are legal"), USERS);
        (storm.look, storm.hint) = (look, hint);
        storm.held = limit
            .contains("concurrency")
            .then_some(Duration::from_millis(1_500));
        storm.gate = PacerSettings::of(PacerMode::Pace);
        let without = storm.run_all(seeds);
        let row: Vec<String> = shares
            .iter()
            .map(|&banned| {
                storm.banned = banned;
                let with = storm.run_all(seeds);
                let lost = with.lost as f64 / seeds as f64;
                (storm.banned, storm.users) = (0, USERS - banned);
                let alone = storm.run_all(seeds);
                storm.users = USERS;
                format!(
                    "{banned}: {:.2} {:.2} lost {lost:.1}",
                    with.makespan / without.makespan,
                    with.makespan / alone.makespan
                )
            })
            .collect();
        println!("{limit:36} {:9} {}", format!("{hint:?}"), row.join("  "));
    }
}

/// Fifty in ten seconds and three times fifty more: so many seconds later, at the earliest, however they are let in.
const FOUR_TIMES_FIFTY: f64 = 30.0;

fn obeying() {
    println!(
        "obeying \"in 20 s\", by the rate until the first refusal: seconds until {USERS} are in, of {FOUR_TIMES_FIFTY}"
    );
    for rate in [4.9, 10.0, 50.0, 200.0, 10_000.0] {
        let took = obeys(rate, Duration::from_secs(20)).as_secs_f64();
        println!("{rate:8} a second: {took:5.1} {:5.2}", took / FOUR_TIMES_FIFTY);
    }
}

fn obeys(rate: f64, hint: Duration) -> Duration {
    let limit = |offset: Duration| {
        let text = format!(
            "sliding-counter limit=50 window=10s offset={}ms reject-counts=true",
            offset.as_millis() % 10_000
        );
        Limiter::new(&text.parse::<LimitSpec>().expect("the text is a limit"))
    };
    let mut before = limit(Duration::ZERO);
    let (mut now, mut inside) = (Duration::ZERO, 0);
    while inside < USERS && before.try_pass(now) == Decision::Pass {
        inside += 1;
        now += Duration::from_secs_f64(1.0 / rate);
    }
    if inside == USERS {
        return now;
    }
    now += hint;
    // After two empty windows HAProxy begins one with whoever comes first.
    let mut after = limit(now);
    for _ in inside..USERS {
        while let Decision::Reject { retry_in } = after.look(now) {
            now += retry_in.expect("the limit lets somebody in");
        }
        after.try_pass(now);
    }
    now
}
