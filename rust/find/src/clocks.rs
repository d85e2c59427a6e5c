//! Traces of several processes whose clocks are apart: by how much, as far as the decisions of all fit one limit then.

use crate::judge::{Rated, Verdict, candidates, cost, judge};
use crate::models::{Shape, fit};
use crate::observations::{Decision, Observations};
use crate::search::{Family, Found, shapes};
use crate::seen::Seen;
use crate::told::Told;

/// Of more processes nothing is looked for.
const MOST: usize = 6;
/// So far apart clocks may be, and the steps in which that is looked for at first and at last, in microseconds.
const FARTHEST: i64 = 30_000_000;
const COARSE: i64 = 1_000_000;
const FINE: i64 = 5_000;
/// Nearer clocks are not told from decisions that took their time.
const NEAR: i64 = 50_000;
/// By which kinds clocks are looked for, in which steps of their figures, and by how many passes and decisions.
const FAMILIES: [Family; 3] = [Family::Bucket, Family::Fixed, Family::Sliding];
const STEP: f64 = 1.12;
const PASSES: usize = 1_500;
const JUDGED: usize = 300;
/// So many of the best shapes are kept for finer looks.
const SHAPES: usize = 6;
/// What a clock costs, in bits, and by how many bits a limit must be heavier with the clocks set right.
const CLOCK: f64 = 8.0;
const CLEARLY: f64 = 15.0;
/// By how many bits so that it is in doubt.
const SEEMS: f64 = 0.0;
/// Below so many bits there is nothing for clocks to explain.
pub(crate) const TO_EXPLAIN: f64 = 10.0;
/// One in so many decisions may be contradicted.
const MISSED: usize = 100;

/// What is known of the clocks of several files.
pub(crate) enum Clocks {
    /// There is one, or they agree as far as anybody can see.
    Even,
    /// They are apart, and with that one limit explains the decisions.
    Apart(Box<Apart>),
    /// They seem to be, and no limit is clear in spite of that.
    Unclear,
}

/// Clocks that are set right.
pub(crate) struct Apart {
    /// By how many microseconds the clock of each file is ahead of the first.
    pub(crate) ahead: Vec<(usize, i64)>,
    pub(crate) seen: Seen,
    pub(crate) verdict: Verdict,
    /// What the limit weighs then, less what the clocks cost.
    pub(crate) bits: f64,
}

/// Looks whether the clocks of several files agree.
pub(crate) fn clocks(
    observations: &Observations,
    decisions: &[Decision],
    denied: bool,
    waits: impl Fn(&[Decision], &Seen) -> Vec<Told>,
    alone: &[Rated],
) -> Clocks {
    let source = |one: &Decision| observations.source_of(one.user);
    let mut sources: Vec<usize> = decisions.iter().map(source).collect();
    sources.sort_unstable();
    sources.dedup();
    if sources.len() < 2 || sources.len() > MOST {
        return Clocks::Even;
    }
    let mut ahead: Vec<(usize, i64)> = sources.into_iter().map(|source| (source, 0)).collect();
    for nth in 1..ahead.len() {
        // Clocks that are not looked at yet would only be in the way.
        let looked: Vec<Decision> = decisions
            .iter()
            .filter(|one| ahead[..=nth].iter().any(|(known, _)| *known == source(one)))
            .copied()
            .collect();
        ahead[nth].1 = of_one(&looked, denied, &ahead[..=nth], nth, source);
    }
    if ahead.iter().all(|(_, by)| by.abs() < NEAR) {
        return Clocks::Even;
    }
    let mut right = shifted(decisions, &ahead, source);
    right.sort_by_key(|one| (one.answered, one.sent));
    let seen = Seen::new(&right, denied);
    let rated = candidates(&seen, None, &waits(&right, &seen), observations.ends_told());
    let best = |rated: &[Rated]| rated.iter().map(Rated::by_decisions).fold(f64::MIN, f64::max);
    let verdict = judge(&seen, &rated, observations.ends_told());
    let bits = best(&rated) - CLOCK * (ahead.len() - 1) as f64;
    let few = |named: &Found| named.missed() <= seen.all.len() / MISSED;
    if bits < best(alone) + SEEMS {
        Clocks::Even
    } else if bits >= best(alone) + CLEARLY && verdict.named.as_ref().is_some_and(few) {
        Clocks::Apart(Box::new(Apart {
            ahead,
            seen,
            verdict,
            bits,
        }))
    } else {
        Clocks::Unclear
    }
}

fn shifted(
    decisions: &[Decision],
    ahead: &[(usize, i64)],
    source: impl Fn(&Decision) -> usize,
) -> Vec<Decision> {
    let by = |one: &Decision| {
        let of = ahead.iter().find(|(known, _)| *known == source(one));
        of.map_or(0, |(_, by)| -by)
    };
    let moved = |one: &Decision| Decision {
        sent: one.sent.saturating_add_signed(by(one)),
        answered: one.answered.saturating_add_signed(by(one)),
        ended: one.ended.map(|end| end.saturating_add_signed(by(one))),
        ..*one
    };
    decisions.iter().map(moved).collect()
}

/// By how much one clock is ahead so that the fewest decisions are contradicted.
fn of_one(
    decisions: &[Decision],
    denied: bool,
    ahead: &[(usize, i64)],
    nth: usize,
    source: impl Fn(&Decision) -> usize + Copy,
) -> i64 {
    let view = |by: i64| {
        let mut ahead = ahead.to_vec();
        ahead[nth].1 = by;
        let seen = Seen::new(&shifted(decisions, &ahead, source), denied);
        seen.begin_of_passes(PASSES).judged_by(JUDGED)
    };
    let cost_of = |seen: &Seen, shape: &Shape| {
        let level = fit(seen, *shape, false).level;
        cost(level.missed(), level.open)
    };
    let mut best: Vec<(f64, i64, Shape)> = Vec::new();
    for step in -FARTHEST / COARSE..=FARTHEST / COARSE {
        let seen = view(step * COARSE);
        let all = FAMILIES.iter().flat_map(|family| shapes(&seen, *family, STEP));
        best.extend(all.map(|shape| (cost_of(&seen, &shape), step * COARSE, shape)));
        best.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.abs().cmp(&other.1.abs())));
        best.truncate(SHAPES);
    }
    let mut step = COARSE / 2;
    while step >= FINE {
        let mut finer = best.clone();
        for (_, by, shape) in &best {
            for by in [by - step, by + step] {
                finer.push((cost_of(&view(by), shape), by, *shape));
            }
        }
        finer.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.abs().cmp(&other.1.abs())));
        finer.truncate(SHAPES);
        best = finer;
        step /= 2;
    }
    best.first().map_or(0, |(_, by, _)| *by)
}
