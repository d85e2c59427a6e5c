//! How often the experiment is right, over random limits of each kind, in virtual time.
//!
//! `cargo run --release -p probe --example probe_accuracy [LIMITS A KIND] [WORD] [steps] [used] [others] [set=NTH] [limit=TEXT]`: so many of each (5), only of kinds with
//! the word in their text; each step; others used some of the quota before; or servers that do as no limit of text; the limits of another set by chance (0); or
//! this limit so many times.

use limiter::{Limit, LimitSpec, Limiter, Rule};
use probe::rehearsal::{FreedLate, Way, rehearse, used};
use probe::{Budget, Candidate, Class, Ending, Probe};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::time::{Duration, Instant};

fn limit(kind: usize, random: &mut Xoshiro256PlusPlus) -> String {
    let count = [5, 8, 10, 12, 20, 25, 30, 37, 40, 50, 60, 80, 100][random.random_range(0..13)];
    let window =
        ["1s", "2s", "3s", "5s", "7s", "10s", "15s", "30s", "60s", "4096ms"][random.random_range(0..10)];
    let rate = [0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 30.0][random.random_range(0..10)];
    match kind {
        0 => format!("token-bucket rate={rate} burst={count}"),
        1 => format!("fixed-window limit={count} window={window}"),
        2 => format!("fixed-window limit={count} window={window} clock=aligned"),
        3 => format!("sliding-window limit={count} window={window}"),
        4 => format!("sliding-counter limit={count} window={window}"),
        5 => format!("queue rate={rate} burst={count}"),
        6 => format!("concurrency limit={count}"),
        7 => format!("sliding-window limit={count} window={window} reject-counts=true"),
        8 => format!("token-bucket rate={rate} burst={count} reject-counts=true"),
        _ => format!("fixed-window limit={count} window={window} reject-counts=true"),
    }
}

fn is_right(class: Class, limit: &LimitSpec) -> bool {
    let counts = limit.limits[0].reject_counts;
    let kind = match limit.limits[0].rule {
        Rule::TokenBucket { .. } => matches!(class, Class::Bucket | Class::BucketCounts),
        Rule::FixedWindow { .. } => matches!(class, Class::Fixed | Class::Aligned | Class::FixedCounts),
        Rule::SlidingWindow { .. } => matches!(class, Class::Sliding | Class::SlidingCounts),
        Rule::SlidingCounter { .. } => matches!(class, Class::Counter | Class::CounterCounts),
        Rule::Queue { .. } => class == Class::Queue,
        Rule::Concurrency { .. } => class == Class::Concurrency,
        Rule::Unlimited => false,
    };
    let blocks = limit.limits[0].block.is_some();
    (kind && !blocks || class.blocks() && blocks) && class.refusals_count() == counts
}

/// Whether count and window or rate are within 5 %.
fn is_near(found: &LimitSpec, limit: &LimitSpec) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 0.05 * b;
    let (fc, fs) = figures(found);
    let (c, s) = figures(limit);
    near(fc, c) && near(fs, s)
}

/// The count, and the rate or the window; of one that blocks, which hides its window, the time of the block.
fn figures(limit: &LimitSpec) -> (f64, f64) {
    let block = limit.limits[0].block;
    match limit.limits[0].rule {
        Rule::FixedWindow { limit, .. } | Rule::SlidingWindow { limit, .. } if block.is_some() => {
            (f64::from(limit), block.unwrap_or_default().as_secs_f64())
        }
        Rule::TokenBucket { rate, burst } | Rule::Queue { rate, burst, .. } => (f64::from(burst), rate),
        Rule::FixedWindow { limit, window, .. }
        | Rule::SlidingWindow { limit, window }
        | Rule::SlidingCounter { limit, window, .. } => (f64::from(limit), window.as_secs_f64()),
        Rule::Concurrency { limit } => (f64::from(limit), 1.0),
        Rule::Unlimited => (0.0, 0.0),
    }
}

/// Servers that block who was refused, also anew at each try, and caps whose places get free late.
fn others(first: usize, each: usize) {
    for (world, class) in [Class::Blocks, Class::BlocksAnew, Class::Late]
        .into_iter()
        .enumerate()
    {
        let (mut right, mut misled) = (0, 0);
        for nth in first..first + each {
            let mut random = Xoshiro256PlusPlus::seed_from_u64((world * 1_000 + nth) as u64);
            let count = [5, 8, 10, 12, 20, 30, 50][random.random_range(0..7)];
            let window = [1, 2, 3, 5, 10][random.random_range(0..5)];
            let seconds = [0.7, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0][random.random_range(0..8)];
            let way = Way {
                round_trip: Duration::from_millis([1, 5, 50][random.random_range(0..3)]),
                hiccup: Duration::from_millis(10),
                stall: Duration::ZERO,
            };
            let word = ["fixed-window", "sliding-window"][random.random_range(0..2)];
            let text = match class {
                Class::Late => format!("concurrency limit={count}"),
                _ => format!("{word} limit={count} window={window}s"),
            };
            let limit: LimitSpec = text.parse().expect("a limit");
            let time = Duration::from_secs_f64(seconds);
            let mut probe = Probe::new(
                Budget {
                    tries: 300,
                    time: Duration::from_secs(600),
                },
                nth as u64,
            );
            let since = Duration::from_secs(1_795_000_000);
            let seed = nth as u64;
            let (ending, _) = match class {
                Class::Late => {
                    let late = FreedLate::new(&limit, time);
                    rehearse(&mut probe, late, since, way, seed, |_, _, _| {})
                }
                _ => {
                    let blocking = Limit {
                        block: Some(time),
                        reject_counts: class == Class::BlocksAnew,
                        ..limit.limits[0]
                    };
                    rehearse(
                        &mut probe,
                        Limiter::new(&blocking.into()),
                        since,
                        way,
                        seed,
                        |_, _, _| {},
                    )
                }
            };
            let found = probe.candidates();
            let first = found.first().filter(|first| first.explains);
            // Where it is freed soon a cap is what it is.
            let soon = class == Class::Late && seconds <= 1.0;
            let is = |one: &Candidate| one.class == class || soon && one.class == Class::Concurrency;
            let told = first.is_some_and(is);
            let open = |one: &Candidate| {
                is(one) && first.is_some_and(|first| one.contradicted <= first.contradicted)
            };
            let wrong = first.is_some() && !found.iter().any(open) && ending == Ending::Known;
            right += u32::from(told);
            misled += u32::from(wrong && !told);
            println!(
                "{} {text}, {seconds} s: {ending:?}, {} tries, {}",
                if told { "right" } else { "other" },
                probe.tries_made(),
                first.map_or_else(
                    || "cannot tell".to_owned(),
                    |first| format!("{:?} {}", first.class, first.limit)
                )
            );
        }
        println!("{class:?}: {right} of {each} right, {misled} known but wrong");
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let each: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(5);
    let word = arguments.next().unwrap_or_default();
    let more: Vec<String> = arguments.collect();
    let says = |word: &str| more.iter().any(|other| other == word);
    let (steps, used_before) = (says("steps"), says("used"));
    // Other limits of the same kinds.
    let set = more.iter().find_map(|word| word.strip_prefix("set="));
    let first = set.and_then(|set| set.parse().ok()).unwrap_or(0_usize) * 100;
    let (mut right, mut cannot, mut wrong, mut near, mut sure) = (0, 0, 0, 0, 0);
    let mut tries = Vec::new();
    if says("others") {
        others(first, each);
        return;
    }
    let given = more.iter().find_map(|word| word.strip_prefix("limit="));
    for kind in 0..if given.is_some() { 1 } else { 10 } {
        for nth in first..first + each {
            let mut random = Xoshiro256PlusPlus::seed_from_u64((kind * 1_000 + nth) as u64);
            let drawn = limit(kind, &mut random);
            let text = given.map_or(drawn, str::to_owned);
            let seed: u64 = random.random();
            let way = Way {
                round_trip: Duration::from_millis([1, 5, 50][random.random_range(0..3)]),
                hiccup: Duration::from_millis(10),
                stall: Duration::ZERO,
            };
            if !text.contains(&word) {
                continue;
            }
            let spec: LimitSpec = text.parse().expect("a limit");
            let budget = Budget {
                tries: 300,
                time: Duration::from_secs(600),
            };
            let began = Instant::now();
            let mut probe = Probe::new(budget, seed);
            let since = Duration::from_secs_f64(1_795_000_000.0 + 60.0 * random.random::<f64>());
            let begin = if used_before {
                let (count, scale) = figures(&spec);
                let span = if text.contains("window") {
                    scale
                } else {
                    count / scale
                };
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a small count
                let count = (count * random.random::<f64>()).round() as u32;
                let span = Duration::from_secs_f64(span * random.random::<f64>());
                used(&spec, since, count, span, random.random())
            } else {
                Limiter::new(&spec)
            };
            let (ending, took) = rehearse(&mut probe, begin, since, way, seed, |step, at, probe| {
                if steps {
                    println!(
                        "    {:>8.2} s, {} tries: {step:?}",
                        at.as_secs_f64(),
                        probe.tries_made()
                    );
                }
            });
            let found: Vec<Candidate> = probe.candidates();
            tries.push(probe.tries_made());
            let verdict = match &found[..] {
                [] => "cannot tell",
                [first, ..] if !first.explains => "cannot tell",
                [first, ..] if is_right(first.class, &spec) => "right",
                [_, others @ ..] if others.iter().any(|other| is_right(other.class, &spec)) => "cannot tell",
                _ => "WRONG",
            };
            let misled = ending == Ending::Known && !(verdict == "right" && is_near(&found[0].limit, &spec));
            sure += u32::from(misled);
            match verdict {
                "right" => {
                    right += 1;
                    near += u32::from(is_near(&found[0].limit, &spec));
                }
                "WRONG" => wrong += 1,
                _ => cannot += 1,
            }
            println!(
                "{verdict:<12}{}{text:<62} {ending:?}, {} tries, {:.0} s (computed {:.1} s), {} ms",
                if misled { "(known but wrong) " } else { "" },
                probe.tries_made(),
                took.as_secs_f64(),
                began.elapsed().as_secs_f64(),
                way.round_trip.as_millis()
            );
            for candidate in found.iter().take(3) {
                println!(
                    "              {} ({} contradicted; {:?}, {:?})",
                    candidate.limit, candidate.contradicted, candidate.counts, candidate.scale
                );
            }
        }
    }
    tries.sort_unstable();
    println!(
        "{right} right ({near} of them with figures within 5 %), {cannot} cannot tell, {wrong} wrong, {sure} known but wrong; {} tries in the median",
        tries.get(tries.len() / 2).copied().unwrap_or_default()
    );
}
