//! Sliding windows of two counters: what decisions ask of their limit, with windows on a clock and with windows that an attempt begins.

use crate::models::{Demand, each};
use crate::seen::{Micros, One, Seen, Spans};

/// Floats stand for counts and shares of them here: far below 2^52.
fn whole(value: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation)]
    let whole = value as i64;
    whole
}

/// A count with the share of another one, whole ones alone: what a sum of floats is short of by its last digits is there.
fn estimate(current: i64, previous: i64, left: f64) -> i64 {
    whole((current as f64 + previous as f64 * left + 1e-9).floor())
}

/// Windows on a clock.
pub(crate) fn on_a_clock(
    seen: &Seen,
    set: &Spans,
    counted: bool,
    window: Micros,
    phase: Micros,
) -> Vec<Demand> {
    let begin = |time: Micros| time - (time - phase).rem_euclid(window);
    let left = |time: Micros| 1.0 - (time - phase).rem_euclid(window) as f64 / window as f64;
    each(
        seen,
        counted,
        |one| {
            let from = begin(one.sent);
            let current = set.surely(from, one.sent);
            if one.answered >= from + window {
                // At the begin of the next window all of this one still counts, later in it less.
                let left = if one.answered >= from + 2 * window {
                    0.0
                } else {
                    left(one.answered)
                };
                return estimate(0, current, left) + 1;
            }
            // Some round the estimate down, some up, some to the nearest.
            estimate(current, set.surely(from - window, from), left(one.answered)) + 1
        },
        |one| {
            let from = begin(one.sent);
            if one.answered >= from + window {
                return 1;
            }
            let current = seen.passes.surely(from, one.answered + 1);
            estimate(current, set.surely(from - window, from), left(one.answered))
        },
        |one| {
            let most = |from: Micros, at: Micros, until: Micros| {
                let current = set.could(from, until);
                current as f64 + set.could(from - window, from) as f64 * left(at)
            };
            let (first, last) = (begin(one.sent), begin(one.answered));
            let mut refusing = most(first, one.sent, one.answered.min(first + window));
            if last > first {
                refusing = refusing.max(most(last, last, one.answered));
            }
            whole((1.0 + refusing - 1e-9).ceil()) - 1
        },
    )
}

/// A window that an attempt began, or that follows such a one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    /// When it begins, at the earliest and at the latest.
    earliest: Micros,
    latest: Micros,
    /// Whoever counts and was sent from then on is in it or behind it: one that an attempt begins has nobody before it.
    since: Micros,
    /// It follows another one, whose attempts count in it by what is left of them.
    follows: bool,
}

/// Where nobody counted in a whole window, the next one to count begins anew. The first one began at this moment, or as near to it as
/// the first attempt can have been decided.
fn windows(set: &Spans, window: Micros, first: Micros) -> Vec<Window> {
    let mut windows = Vec::new();
    let (begins, ends) = (set.begins(), set.ends());
    let mut nth = 0;
    while let (Some(&earliest), Some(&latest)) = (begins.get(nth), ends.get(nth)) {
        let mut next = Window {
            earliest,
            latest,
            since: earliest,
            follows: false,
        };
        if nth == 0 {
            let begin = first.clamp(earliest, latest);
            (next.earliest, next.latest) = (begin, begin);
        }
        loop {
            windows.push(next);
            next = Window {
                earliest: next.earliest + window,
                latest: next.latest + window,
                since: next.latest + window,
                follows: true,
            };
            if set.could(next.earliest, next.latest + window) == 0 {
                windows.push(next);
                break;
            }
        }
        // Those that are left were all sent behind the empty window, so that the first of each row is the first of them.
        nth = begins.partition_point(|sent| *sent < next.latest + window);
    }
    windows
}

/// Windows that begin with an attempt, in which whole attempts alone count.
pub(crate) fn on_no_clock(
    seen: &Seen,
    set: &Spans,
    counted: bool,
    window: Micros,
    first: Micros,
) -> Vec<Demand> {
    let windows = windows(set, window, first);
    let of = |one: &One| {
        let from = windows.partition_point(|w| w.latest + window <= one.sent);
        let until = windows.partition_point(|w| w.earliest <= one.answered);
        from.min(until)..until
    };
    let left = |since: Micros| 1.0 - since.clamp(0, window) as f64 / window as f64;
    let before = |nth: usize| windows[nth].follows.then(|| windows[nth - 1]);
    let surely_before = |nth: usize| {
        let counted = |before: Window| set.surely(before.since, windows[nth].earliest);
        before(nth).map_or(0, counted)
    };
    each(
        seen,
        counted,
        |one| {
            let need = |nth: usize| {
                let Window { earliest, since, .. } = windows[nth];
                let current = set.surely(since, one.sent.max(earliest));
                estimate(current, surely_before(nth), left(one.answered - earliest))
            };
            1 + of(one).map(need).min().unwrap_or(0)
        },
        |one| {
            let least = |nth: usize| {
                let Window { earliest, since, .. } = windows[nth];
                let current = seen
                    .passes
                    .surely(since, (one.answered + 1).min(earliest + window));
                estimate(current, surely_before(nth), left(one.answered - earliest))
            };
            of(one).map(least).min().unwrap_or(0)
        },
        |one| {
            let cap = |nth: usize| {
                let Window { earliest, latest, .. } = windows[nth];
                let current = set.could(earliest, one.answered.min(latest + window));
                let previous = before(nth).map_or(0, |before| set.could(before.earliest, latest));
                estimate(current, previous, left(one.sent.max(earliest) - latest))
            };
            of(one).map(cap).max().unwrap_or(0)
        },
    )
}
