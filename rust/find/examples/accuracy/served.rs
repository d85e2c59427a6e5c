//! Storms against each kind of limit that the test server takes, judged by the limit as text: who gives it to the server again gets the
//! same one, or was told what of it is open.

use crate::storms::{Chance, drawn, first_in, watched};
use backoff::PacerMode;
use find::{Finding, find};
use limiter::{Limit, LimitSpec, Rule, WindowClock};
use simulate::Hint;
use std::time::Duration;

/// Each with what is drawn for it: `L`, `W`, `O`, `R`, `B` and `K` are a limit, a window, an offset in it, a rate, a burst and a block.
const FORMS: [&str; 17] = [
    "token-bucket rate=R burst=B",
    "token-bucket rate=R burst=B reject-counts=true",
    "fixed-window limit=L window=W",
    "fixed-window limit=L window=W reject-counts=true",
    "fixed-window limit=L window=W clock=aligned offset=O",
    "sliding-window limit=L window=W",
    "sliding-window limit=L window=W reject-counts=true",
    "sliding-counter limit=L window=W offset=O",
    "sliding-counter limit=L window=W offset=O reject-counts=true",
    "sliding-counter limit=L window=W clock=first",
    "sliding-counter limit=L window=W clock=first reject-counts=true",
    "queue rate=R burst=B",
    "queue rate=R burst=B delay=3",
    "concurrency limit=B",
    "fixed-window limit=L window=W block=K",
    "fixed-window limit=L window=W block=K reject-counts=true",
    "token-bucket rate=R burst=B block=K",
];

const NEAR: f64 = 0.05;
/// How near the begin of windows on a clock is told, as a share of a window.
const BEGINS: f64 = 0.05;

fn limit(form: &str, chance: &mut Chance) -> LimitSpec {
    let window = chance.of(&[2, 3, 4, 5, 6, 8, 10, 12, 15]);
    let level = (window as f64 * chance.of(&[3.0, 4.0, 5.0, 8.0])).round();
    let mut text = form.to_owned();
    for (name, value) in [
        ("=L", level.to_string()),
        ("=W", format!("{window}s")),
        ("=O", format!("{}ms", chance.below(1_000 * window))),
        ("=R", chance.of(&[2.0, 3.0, 5.0, 7.5, 10.0, 15.0]).to_string()),
        ("=B", chance.of(&[5, 10, 15, 20, 30]).to_string()),
        ("=K", format!("{}s", chance.of(&[2, 3, 5, 6, 8, 10, 15]))),
    ] {
        text = text.replace(name, &format!("={value}"));
    }
    text.parse().expect("a limit of the table")
}

/// What became of a limit on its way through a storm and back to text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trip {
    Same,
    /// What differs was told to be open.
    Open,
    CannotTell,
    Wrong,
}

/// What differs is open where another kind is told to be as possible, a figure has a wide interval, or the words say so.
fn trip(truth: &Limit, found: &Finding) -> Trip {
    let Some(spec) = &found.limit_spec else {
        return Trip::CannotTell;
    };
    let told = spec.limits[0];
    let text = spec.to_string();
    assert_eq!(text.parse().as_ref(), Ok(spec), "reads back as it was written");
    if spec.limits.len() > 1 {
        return Trip::Wrong;
    }
    let says = |word: &str| found.cannot_tell.iter().any(|text| text.contains(word));
    let also = |word: &str| found.also_possible.iter().any(|kind| kind.word() == word);
    if told.rule.word() != truth.rule.word() {
        return if also(truth.rule.word()) {
            Trip::Open
        } else {
            Trip::Wrong
        };
    }
    let mut open = false;
    for (same, told_open) in [
        (told.block.is_some() == truth.block.is_some(), says("block")),
        (clock_of(&told.rule) == clock_of(&truth.rule), says("clock")),
        (
            told.reject_counts == truth.reject_counts,
            found.refusals_count.is_none(),
        ),
        (figures_are_near(&told, truth), is_wide(found)),
        (begins_are_near(&told.rule, &truth.rule), is_wide(found)),
    ] {
        if !same && !told_open {
            return Trip::Wrong;
        }
        open |= !same;
    }
    if open { Trip::Open } else { Trip::Same }
}

/// Whether windows lie on a clock.
fn clock_of(rule: &Rule) -> Option<bool> {
    match rule {
        Rule::FixedWindow { clock, .. } | Rule::SlidingCounter { clock, .. } => {
            Some(matches!(clock, WindowClock::Aligned { .. }))
        }
        _ => None,
    }
}

/// Where the windows of both lie on a clock.
fn begins_are_near(told: &Rule, truth: &Rule) -> bool {
    let of = |rule: &Rule| match *rule {
        Rule::FixedWindow {
            window,
            clock: WindowClock::Aligned { offset },
            ..
        }
        | Rule::SlidingCounter {
            window,
            clock: WindowClock::Aligned { offset },
            ..
        } => Some(offset.as_secs_f64() / window.as_secs_f64()),
        _ => None,
    };
    let both = of(told).zip(of(truth));
    both.is_none_or(|(told, real)| {
        let apart = (told - real).rem_euclid(1.0);
        apart.min(1.0 - apart) <= BEGINS
    })
}

fn is_wide(found: &Finding) -> bool {
    found
        .intervals
        .values()
        .any(|[low, high]| *high > 1.1 * low + 1.0)
}

fn figures_are_near(told: &Limit, truth: &Limit) -> bool {
    let near = |told: f64, real: f64| (told - real).abs() <= NEAR * real;
    let count = |told: u32, real: u32| told.abs_diff(real) <= 1 || near(told.into(), real.into());
    let long = |told: Duration, real: Duration| near(told.as_secs_f64(), real.as_secs_f64());
    let rules = match (told.rule, truth.rule) {
        (
            Rule::TokenBucket { rate, burst },
            Rule::TokenBucket {
                rate: real,
                burst: most,
            },
        )
        | (
            Rule::Queue { rate, burst, .. },
            Rule::Queue {
                rate: real,
                burst: most,
                ..
            },
        ) => near(rate, real) && count(burst, most),
        (
            Rule::FixedWindow { limit, window, .. },
            Rule::FixedWindow {
                limit: most,
                window: real,
                ..
            },
        )
        | (
            Rule::SlidingWindow { limit, window },
            Rule::SlidingWindow {
                limit: most,
                window: real,
            },
        )
        | (
            Rule::SlidingCounter { limit, window, .. },
            Rule::SlidingCounter {
                limit: most,
                window: real,
                ..
            },
        ) => long(window, real) && count(limit, most),
        (Rule::Concurrency { limit }, Rule::Concurrency { limit: most }) => count(limit, most),
        (one, other) => one == other,
    };
    rules
        && told
            .block
            .zip(truth.block)
            .is_none_or(|(told, real)| long(told, real))
}

/// Prints each limit that came back as another one; how many of all that were.
pub(crate) fn score(limits: u64, seed: u64, only: Option<&str>) -> (usize, usize) {
    let mut chance = Chance(seed);
    let mut counts = (0, 0);
    for form in FORMS {
        let mut of_form = [0; 4];
        for _ in 0..limits {
            let truth = limit(form, &mut chance);
            for mode in [PacerMode::Off, PacerMode::Pace] {
                let users = chance.of(&[60, 80, 120, 200]).max(2 * first_in(&truth));
                let hint = chance.of(&[Hint::None, Hint::Seconds]);
                let mut storm = drawn(&truth, users, hint, mode, &mut chance);
                // When the server's clock stands is chance, too.
                storm.clock = Some(Duration::from_millis(chance.below(60_000)));
                let mut own = Chance(chance.next());
                if only.is_some_and(|only| only != form) {
                    continue;
                }
                let found = find(&watched(&storm, &mut own, &[], &mut |_| {}));
                let trip = trip(&truth.limits[0], &found);
                of_form[trip as usize] += 1;
                if trip != Trip::Same {
                    let also: Vec<&str> = found.also_possible.iter().map(|kind| kind.word()).collect();
                    println!(
                        "{trip:?} {users} users {mode:?} {hint:?} ({truth}): {} | {} (also {}; {}) {}",
                        found.sentence(),
                        found
                            .limit_spec
                            .as_ref()
                            .map(ToString::to_string)
                            .unwrap_or_default(),
                        also.join(", "),
                        found.cannot_tell.join("; "),
                        found.contradicted,
                    );
                }
            }
        }
        let [same, open, cannot, wrong] = of_form;
        println!("{form}: the same {same}, open {open}, cannot tell {cannot}, WRONG {wrong}");
        counts = (counts.0 + wrong, counts.1 + of_form.iter().sum::<usize>());
    }
    counts
}
