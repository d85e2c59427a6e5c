//! The waits that refusals told, against those of a limit: how well they agree, and which lengths of a window they leave.

use crate::figures::roundest;
use crate::limit::spec;
use crate::search::{Family, Found, at_figure};
use crate::seen::{Micros, Seen};
use limiter::{Decision as Answer, Limiter};
use std::collections::BTreeMap;
use std::time::Duration;

/// A wait that a refusal told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    /// Of the refusal, microseconds since the first request.
    pub(crate) sent: Micros,
    pub(crate) answered: Micros,
    /// In milliseconds.
    pub(crate) wait: f64,
}

/// So many bits the waits weigh at most.
const MOST_BITS: f64 = 10.0;
/// Refusals within so many microseconds tell much the same: all of them one thing.
const MOMENT: Micros = 1_000_000;
/// What a moment weighs, in bits, whose waits are those of the limit, and what one whose waits are others: few servers tell wrong ones.
const RIGHT: f64 = 1.0;
const WRONG: f64 = 3.0;
/// How waits are told: by so many milliseconds one may be shorter and longer than the model's, and how many bits less likely that way
/// of telling is. In parts of a second; in seconds, rounded up; as a date less another one; in seconds that are cut.
const EXACT: [(f64, f64, f64); 1] = [(150.0, 250.0, 0.0)];
const IN_SECONDS: [(f64, f64, f64); 3] = [
    (300.0, 1_300.0, 0.0),
    (300.0, 2_300.0, 1.0),
    (1_300.0, 300.0, 2.0),
];
/// Lengths that agree by so many bits less are left.
const AS_WELL: f64 = 1.0;
/// So many a constant one that is the window's length.
const OF_LENGTH: f64 = 3.0;
/// Refusals over so long a time, in microseconds, that tell the same wait do not tell what is left: in seconds, and in parts of one.
const SAME_FOR: Micros = 1_500_000;
const EXACTLY_SAME_FOR: Micros = 300_000;

fn is_window(family: Family) -> bool {
    matches!(
        family,
        Family::Fixed
            | Family::Aligned
            | Family::Sliding
            | Family::Counter
            | Family::CounterFirst
            | Family::Blocks
    )
}

/// The wait that all refusals told. A second at most says nothing of a window: many servers tell it whatever they limit.
fn only_wait(told: &[Told]) -> Option<f64> {
    let first = told.first()?;
    let same = told.iter().all(|one| (one.wait - first.wait).abs() < 1.0);
    (same && first.wait > 1_000.0).then_some(first.wait)
}

/// The wait that all refusals told, over a time in which what is left of any window changed.
fn constant(told: &[Told]) -> Option<f64> {
    let over = told.last()?.answered - told.first()?.sent;
    let least = |wait: f64| {
        if wait % 1_000.0 == 0.0 {
            SAME_FOR
        } else {
            EXACTLY_SAME_FOR
        }
    };
    only_wait(told).filter(|wait| over > least(*wait))
}

/// How well the waits that were told are those of the limit, in bits.
pub(crate) fn agreement(seen: &Seen, told: &[Told], found: &Found) -> f64 {
    let Some(spec) = spec(seen, found).filter(|_| told.len() >= 2) else {
        return 0.0;
    };
    if let Some(wait) = constant(told) {
        // Many servers tell the length of their window, whatever is left of it.
        let (low, high) = found.range;
        let is_length = is_window(found.family) && (low * 0.99..=high * 1.01).contains(&(1e3 * wait));
        return if is_length { OF_LENGTH } else { 0.0 };
    }
    let (mut limiter, mut asked) = (Limiter::new(&spec), told.iter().peekable());
    let exact = told.iter().any(|one| one.wait % 1_000.0 != 0.0);
    let ways: &[(f64, f64, f64)] = if exact { &EXACT } else { &IN_SECONDS };
    let since = |time: Micros| Duration::from_micros(seen.origin.saturating_add_signed(time));
    // The limit's wait beside the one that was told, by moments.
    let mut moments: BTreeMap<Micros, Vec<(f64, f64)>> = BTreeMap::new();
    for one in &seen.all {
        while let Some(told) = asked.next_if(|told| told.answered <= one.answered) {
            let at = told.sent + (told.answered - told.sent) / 2;
            match limiter.look(since(at)) {
                Answer::Reject { retry_in: Some(wait) } => {
                    let moment = moments.entry(told.sent / MOMENT).or_default();
                    moment.push((1e3 * wait.as_secs_f64(), told.wait));
                }
                // Whoever has no place tells anything.
                Answer::Reject { retry_in: None } | Answer::Pass | Answer::PassLate { .. } => {}
            }
        }
        if one.passed || found.fit.counted || found.family == Family::Blocks {
            limiter.try_pass(since(one.sent + (one.answered - one.sent) / 2));
        }
    }
    let by = |way: &(f64, f64, f64)| {
        let each = moments.values().map(|pairs| agreement_by(*way, pairs));
        each.sum::<f64>().clamp(-MOST_BITS, MOST_BITS) - way.2
    };
    ways.iter().map(by).fold(-MOST_BITS, f64::max)
}

/// That of one moment, by one way of telling.
fn agreement_by((before, behind, _): (f64, f64, f64), pairs: &[(f64, f64)]) -> f64 {
    let (mut right, mut wrong) = (0.0, 0.0);
    for (wait, told) in pairs {
        let near = *told >= wait - before && *told <= wait + behind;
        // Where both are short they agree whatever they are.
        let short = wait.max(*told) <= before + behind;
        match (near, short) {
            (true, true) => {}
            (true, false) => right += 1.0,
            (false, _) => wrong += 1.0,
        }
    }
    if right + wrong == 0.0 {
        return 0.0;
    }
    (RIGHT * right - WRONG * wrong) / (right + wrong)
}

/// Where all refusals told the same wait, and it may be the length of the window: the window of that length.
fn of_that_length(seen: &Seen, told: &[Told], found: &Found, (low, high): (f64, f64)) -> Option<Found> {
    let length = 1e3 * only_wait(told)?;
    let as_long = (low..=high)
        .contains(&length)
        .then(|| at_figure(seen, found, length))?;
    let (level, before) = (as_long.fit.level, found.fit.level);
    let as_good = level.missed() <= before.missed() && level.cost() <= before.cost() + seen.all.len() / 200;
    as_good.then_some(as_long)
}

/// Where a window's length is open and refusals told waits: the lengths that agree with them.
pub(crate) fn narrowed(seen: &Seen, told: &[Told], found: &Found) -> Found {
    const STEPS: u32 = 24;
    let (low, high) = found.range;
    if !is_window(found.family) || told.len() < 2 || high < 1.05 * low {
        return *found;
    }
    let round = (1..=600)
        .map(|half| 500_000.0 * f64::from(half))
        .filter(|figure| (low..=high).contains(figure));
    let even = (0..=STEPS).map(|nth| low * (high / low).powf(f64::from(nth) / f64::from(STEPS)));
    let tried = even.chain(round).map(|figure| at_figure(seen, found, figure));
    let rated: Vec<(f64, f64, Found)> = tried
        .filter(|one| one.fit.level.cost() <= found.fit.level.cost() + seen.all.len() / 200)
        .map(|one| (agreement(seen, told, &one), one.fit.shape.figure(), one))
        .collect();
    let most = rated.iter().map(|(agreed, ..)| *agreed).fold(0.0, f64::max);
    let kept: Vec<&(f64, f64, Found)> = rated
        .iter()
        .filter(|(agreed, ..)| *agreed >= most - AS_WELL)
        .collect();
    if most <= 0.0 || kept.is_empty() {
        return *found;
    }
    let low = kept
        .iter()
        .map(|(_, figure, _)| *figure)
        .fold(f64::INFINITY, f64::min);
    let high = kept.iter().map(|(_, figure, _)| *figure).fold(0.0, f64::max);
    let roundest = || roundest(found.family, low, high).map(|figure| at_figure(seen, found, figure));
    let best = of_that_length(seen, told, found, (low, high)).or_else(roundest);
    let fit = best.unwrap_or(kept[0].2).fit;
    Found {
        fit,
        range: (low, high),
        levels: (fit.level.low, fit.level.high),
        unbounded: false,
        ..*found
    }
}
