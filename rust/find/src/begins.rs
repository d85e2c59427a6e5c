//! When windows begin that lie on a clock, or that the first attempt begins: which begins are tried, and how far one can be moved.

use crate::search::{Family, Point, Search};
use crate::seen::{Micros, Seen};

/// So many begins of two counters' windows are tried.
const COUNTER_BEGINS: i32 = 10;

/// Whether a begin is to be looked for, too.
pub(crate) fn has_begin(family: Family) -> bool {
    matches!(family, Family::Aligned | Family::Counter | Family::CounterFirst)
}

impl Search<'_> {
    /// Begins of windows of this length that are tried: a closed window opens at its begin; two counters show no begin, so all are.
    pub(crate) fn begins(&self, openings: &[(Micros, Micros)], window: f64) -> Vec<Micros> {
        let mut begins = vec![self.epoch()];
        match self.family {
            Family::Aligned => {
                for (from, until) in openings.iter().take(2) {
                    let width = until - from;
                    begins.extend([*until - width / 8, from + width / 3]);
                }
            }
            Family::Counter => {
                #[allow(clippy::cast_possible_truncation)] // microseconds, far below 2^52
                let step = (window / f64::from(COUNTER_BEGINS)) as Micros;
                begins.extend((0..COUNTER_BEGINS).map(|nth| step * Micros::from(nth)));
            }
            Family::CounterFirst => return self.first(),
            Family::Blocks => return before_a_block(window),
            _ => return vec![0],
        }
        begins
    }

    /// When the first attempt that counts may have been decided.
    fn first(&self) -> Vec<Micros> {
        let seen = self.seen;
        let set = if self.counted {
            &seen.attempts
        } else {
            &seen.passes
        };
        let first = set.begins().first().zip(set.ends().first());
        first.map_or_else(
            || vec![0],
            |(sent, answered)| vec![*sent, sent + (answered - sent) / 2, *answered],
        )
    }

    /// The latest full day before the first request.
    pub(crate) fn epoch(&self) -> Micros {
        let day = 86_400_000_000;
        -Micros::try_from(self.seen.origin % day).unwrap_or(0)
    }

    /// The begin that does best for this figure, from one that is near.
    pub(crate) fn settle(&self, figure: f64, from: Micros) -> Micros {
        let mut best = self.at(figure, from);
        if !has_begin(self.family) {
            return from;
        }
        #[allow(clippy::cast_possible_truncation)] // microseconds, far below 2^52
        let mut shift = (figure / 6.0) as Micros;
        while shift > 500 {
            let moved = [best.begin - shift, best.begin + shift].map(|begin| self.at(figure, begin));
            match moved.into_iter().min_by_key(|point| point.fit.level.cost()) {
                Some(better) if better.fit.level.cost() < best.fit.level.cost() => best = better,
                _ => shift /= 2,
            }
        }
        best.begin
    }

    /// By how much the begin of windows can be moved, as a share of a window; and to where at the earliest and at the latest.
    pub(crate) fn share_of_begins(&self, from: Point) -> (f64, Micros, Micros) {
        // One that an attempt begins begins with it.
        if !has_begin(self.family) || self.family == Family::CounterFirst {
            return (1.0, from.begin, from.begin);
        }
        let good = |begin: Micros| {
            self.at(from.figure, begin).fit.level.cost() <= from.fit.level.cost() + self.slack()
        };
        let reach = |sign: Micros| {
            let shifts = (0..12).map(|nth| 2_000_i64 << nth);
            shifts.take_while(|shift| good(from.begin + sign * shift)).last()
        };
        let (later, earlier) = (reach(1), reach(-1));
        let moved = (later.unwrap_or(1_000) + earlier.unwrap_or(1_000)) as f64;
        let share = (moved / from.figure).clamp(1e-4, 1.0);
        let (later, earlier) = (later.unwrap_or(0), earlier.unwrap_or(0));
        (share, from.begin - earlier, from.begin + later)
    }
}

/// A begin of windows in the middle: other lengths then turn about it. What an attempt begins begins with it.
pub(crate) fn mid_run(seen: &Seen, family: Family, window: f64, begin: Micros) -> Micros {
    if matches!(family, Family::CounterFirst | Family::Blocks) {
        return begin;
    }
    let windows = ((seen.length / 2 - begin) as f64 / window).round();
    #[allow(clippy::cast_possible_truncation)] // microseconds, far below 2^52
    let shift = (windows * window) as Micros;
    begin + shift
}

/// Windows before a block of this length: none, or a shorter one; of a longer one nothing is seen, for the block ends it.
fn before_a_block(block: f64) -> Vec<Micros> {
    const SECONDS: [Micros; 5] = [1, 2, 5, 10, 30];
    let windows = SECONDS.into_iter().map(|seconds| 1_000_000 * seconds);
    [0].into_iter()
        .chain(windows.filter(|window| *window as f64 <= block))
        .collect()
}
