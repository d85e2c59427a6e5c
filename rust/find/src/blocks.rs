//! Limits that block for a time whoever was refused: what decisions ask of how many are let in before.

use crate::models::{Demand, Shape, each, fit};
use crate::rows::{Begin, spans_of};
use crate::search::Found;
use crate::seen::{Micros, One, Seen};

/// As much as no limit is: what it explains that all are refused, and twice as much that nobody could be let in.
const NEVER: i64 = 1 << 40;

/// The times in which all are refused: each begins with a refusal, at the earliest and at the latest then.
struct Blocks {
    begins: Vec<Begin>,
    length: Micros,
}

impl Blocks {
    fn of(seen: &Seen, length: Micros) -> Self {
        Self {
            begins: seen.blocks().begins(length),
            length,
        }
    }

    /// Where each refusal puts the end off, as if another one began with it.
    fn put_off(seen: &Seen, length: Micros) -> Self {
        let refused = seen.refused().map(|one| (one.sent, one.answered));
        let (mut sent, mut answered): (Vec<Micros>, Vec<Micros>) = refused.unzip();
        sent.sort_unstable();
        answered.sort_unstable();
        let begin = |(earliest, latest)| Begin {
            earliest,
            latest,
            since: latest,
        };
        let begins = sent.into_iter().zip(answered).map(begin).collect();
        Self { begins, length }
    }

    /// Those in which a decision may have fallen, as numbers.
    fn of_one(&self, one: &One) -> std::ops::Range<usize> {
        let from = self
            .begins
            .partition_point(|begin| begin.latest + self.length <= one.sent);
        let until = self
            .begins
            .partition_point(|begin| begin.earliest <= one.answered);
        from.min(until)..until
    }

    /// It was decided while all are refused.
    fn surely_in(&self, one: &One) -> bool {
        let begun = self.begins.partition_point(|begin| begin.latest <= one.sent);
        let last = begun.checked_sub(1).map(|nth| self.begins[nth].earliest);
        last.is_some_and(|earliest| one.answered < earliest + self.length)
    }

    /// Those behind whose end a decision may have fallen that was not made in one, with nothing between; a begin of all stands for none.
    fn before(&self, one: &One) -> impl DoubleEndedIterator<Item = (Micros, Micros)> + '_ {
        let surely = self.begins.partition_point(|begin| begin.latest <= one.sent);
        let perhaps = self
            .begins
            .partition_point(|begin| begin.earliest + self.length <= one.answered);
        (surely..=perhaps.max(surely)).map(|nth| match nth.checked_sub(1) {
            Some(nth) => (self.begins[nth].earliest, self.begins[nth].latest),
            None => (Micros::MIN / 4, Micros::MIN / 4),
        })
    }
}

/// So many are let in, within a window where one is given, until the first is refused, and with him all for a time, which each attempt
/// in it puts off where refusals count.
pub(crate) fn blocks(seen: &Seen, counted: bool, length: Micros, window: Option<Micros>) -> Vec<Demand> {
    let blocks = if counted {
        Blocks::put_off(seen, length)
    } else {
        Blocks::of(seen, length)
    };
    let passes = &seen.passes;
    let open = window.map(|window| (seen.windows().begins(window), window));
    // Of each begin, who was let in since the last block, or in the window that was open, until then.
    let surely = |one: &One, until: Micros| match &open {
        Some((begins, window)) => {
            let of = spans_of(begins, one, *window).iter();
            let end = |begin: &Begin| until.max(begin.earliest).min(begin.earliest + window);
            of.map(|begin| passes.surely(begin.since, end(begin))).min()
        }
        None => blocks
            .before(one)
            .next_back()
            .map(|(_, latest)| passes.surely(latest, until)),
    };
    let could = |one: &One| match &open {
        Some((begins, window)) => {
            let of = spans_of(begins, one, *window).iter();
            of.map(|begin| passes.could(begin.earliest, one.answered.min(begin.latest + window)))
                .max()
        }
        None => blocks
            .before(one)
            .next()
            .map(|(earliest, _)| passes.could(earliest, one.answered)),
    };
    each(
        seen,
        false,
        |one| {
            if blocks.surely_in(one) || !one.passed && !blocks.of_one(one).is_empty() {
                2 * NEVER
            } else {
                1 + surely(one, one.sent).unwrap_or(0)
            }
        },
        |one| surely(one, one.answered + 1).unwrap_or(0),
        |one| {
            // One of those that were under way when it began is the one with whom it began.
            let begun = |nth: usize| one.sent > blocks.begins[nth].latest;
            if !one.passed && blocks.of_one(one).next().is_some_and(begun) {
                NEVER
            } else {
                could(one).unwrap_or(0)
            }
        },
    )
}

/// From which window before a block to which, in microseconds, the decisions are explained as well as by the one that was found; `None`:
/// it is not one that blocks.
pub(crate) fn as_good_windows(seen: &Seen, found: &Found) -> Option<(f64, f64)> {
    /// Nobody limits by shorter ones.
    const SHORTEST: f64 = 300_000.0;
    const STEP: f64 = 1.1;
    let Shape::Blocks { block, window } = found.fit.shape else {
        return None;
    };
    let slack = seen.all.len() / 200;
    let as_good = |window: Option<Micros>| {
        let level = fit(seen, Shape::Blocks { block, window }, found.fit.counted).level;
        let same = level.low <= found.fit.level.high && found.fit.level.low <= level.high;
        same && level.cost() <= found.fit.level.cost() + slack
    };
    #[allow(clippy::cast_possible_truncation)] // microseconds, far below 2^52
    let finite = std::iter::successors(Some(SHORTEST), |window| Some(window * STEP))
        .take_while(|window| *window < block as f64)
        .filter(|window| as_good(Some(*window as Micros)));
    let own = window.map(|window| window as f64);
    let endless = as_good(None).then_some(f64::INFINITY);
    let good: Vec<f64> = finite.chain(own).chain(endless).collect();
    let shortest = good.iter().copied().fold(block as f64, f64::min);
    let longest = good.iter().copied().fold(shortest, f64::max);
    // What lies between two that were tried may do as well.
    Some((shortest / STEP, longest * STEP))
}
