//! Limits that each user, or each address, has for itself: what all saw together explains no limit, and what each saw explains the same.

use crate::judge::{Rated, Verdict, candidates, is_odd_window, judge};
use crate::observations::{Decision, Observations};
use crate::seen::Seen;
use std::collections::HashMap;

/// By how many bits a limit of each must be heavier than a shared one.
const CLEARLY: f64 = 20.0;
/// So many who passed and were refused at least, and so many passes of each in the mean: fewer show no figures.
const GROUPS: usize = 2;
const PASSES: usize = 3;
/// One in so many decisions may be contradicted.
const MISSED: usize = 100;

/// A limit that each has for itself.
pub(crate) struct Own {
    /// All users of a file are one, as those of one load generator are for a limit by address.
    pub(crate) by_address: bool,
    pub(crate) seen: Seen,
    pub(crate) verdict: Verdict,
    pub(crate) bits: f64,
}

/// The limit of each. `None`: a shared one explains as much, or none does.
pub(crate) fn each(
    observations: &Observations,
    decisions: &[Decision],
    denied: bool,
    alone: &[Rated],
) -> Option<Own> {
    let shared = best(alone);
    let address = |one: &Decision| u32::try_from(observations.source_of(one.user)).unwrap_or(u32::MAX);
    let of_user = judged(decisions, denied, observations.ends_told(), |one| one.user);
    let of_address = judged(decisions, denied, observations.ends_told(), address);
    let all = [(false, of_user), (true, of_address)];
    let told = all
        .into_iter()
        .filter_map(|(by_address, told)| told.map(|told| (by_address, told)));
    let (by_address, (bits, seen, verdict)) = told
        .filter(|(_, (bits, ..))| *bits >= shared + CLEARLY)
        .max_by(|(_, one), (_, other)| one.0.total_cmp(&other.0))?;
    Some(Own {
        by_address,
        seen,
        verdict,
        bits,
    })
}

fn best(rated: &[Rated]) -> f64 {
    rated.iter().map(Rated::by_decisions).fold(f64::MIN, f64::max)
}

fn judged(
    decisions: &[Decision],
    denied: bool,
    ends_told: bool,
    of: impl Fn(&Decision) -> u32,
) -> Option<(f64, Seen, Verdict)> {
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    for one in decisions {
        let next = u32::try_from(numbers.len() + 1).unwrap_or(u32::MAX);
        numbers.entry(of(one)).or_insert(next);
    }
    let seen = Seen::grouped(decisions, denied, |one| {
        numbers.get(&of(one)).copied().unwrap_or(0)
    });
    let limited = seen.parts.iter().map(Seen::counts);
    let limited = limited.filter(|(passed, refused)| *passed > 0 && *refused > 0);
    if limited.count() < GROUPS || seen.parts.len() < 2 || seen.counts().0 < PASSES * seen.parts.len() {
        return None;
    }
    let rated = candidates(&seen, None, &[], ends_told);
    let verdict = judge(&seen, &rated, ends_told);
    // What two shared limits do looks to each user like a window of any odd length.
    let named = verdict.named.filter(|found| !is_odd_window(found))?;
    (named.missed() <= seen.all.len() / MISSED).then(|| (best(&rated), seen, verdict))
}
