//! Refusals that count where what they do hangs on the limit's figure: each figure that may be is tried by itself.

use crate::level::Level;
use crate::seen::{Micros, Seen};

/// Where refusals take what is in the bucket, its state hangs on its size: each size that may be is tried.
pub(crate) fn counted_bucket(seen: &Seen, rate: f64) -> Level {
    let token = 1e6 / rate;
    best_of(near(first_burst(seen, token), seen), |burst, most| {
        missed_by_counted_bucket(seen, token, burst, most)
    })
}

/// What a bucket of this size misses; no more is looked at where that is more than `most`.
fn missed_by_counted_bucket(seen: &Seen, token: f64, burst: i64, most: usize) -> Missed {
    let capacity = token * burst as f64;
    let step = |full: f64, at: Micros, passed: bool| {
        let at = at as f64;
        let taken = full.max(at) + token;
        if passed { taken } else { taken.min(at + capacity) }
    };
    let (mut early, mut late) = (vec![f64::MIN], vec![f64::MIN]);
    for ((sent, passed), one) in seen.by_sent().iter().zip(&seen.all) {
        early.push(step(early[early.len() - 1], *sent, *passed));
        late.push(step(late[late.len() - 1], one.answered, one.passed));
    }
    let state = |states: &[f64], count: i64| states[usize::try_from(count).unwrap_or(0)];
    let mut missed = Missed::default();
    for (one, around) in seen.all.iter().zip(seen.around()) {
        let full = state(&early, around.before);
        let may_pass = full.max(one.answered as f64) + token <= one.answered as f64 + capacity + 1.0;
        let more = (around.under_way - around.decided - 1).max(0);
        let full = state(&late, around.decided).max(one.sent as f64) + more as f64 * token;
        let may_be_refused = full + token > one.sent as f64 + capacity;
        missed.passes += usize::from(one.passed && !may_pass);
        missed.refusals += usize::from(!one.passed && !may_be_refused);
        missed.open += usize::from(may_pass && may_be_refused);
        if missed.passes + missed.refusals > most {
            break;
        }
    }
    missed
}

/// Where a moment is known to such a share of a window, it is no freedom of the window on which side of its end the moment is.
const AT_ITS_END: Micros = 10;

/// Each attempt at a full window begins its time anew: one passes again only when nobody came for a whole window.
pub(crate) fn counted_fixed(seen: &Seen, window: Micros) -> Level {
    best_of(near(first_window(seen, window), seen), |limit, _| {
        missed_by_counted_fixed(seen, window, limit)
    })
}

fn missed_by_counted_fixed(seen: &Seen, window: Micros, limit: i64) -> Missed {
    let mut missed = Missed::default();
    // The window's begin, or the latest refusal in it, at the earliest and at the latest; how many passed in it; and when the first
    // refusal in it was answered.
    let (mut earliest, mut latest, mut count) = (Micros::MIN / 4, Micros::MIN / 4, 0);
    let mut closed: Option<Micros> = None;
    for one in &seen.all {
        let may_be_over = one.answered >= earliest + window;
        let is_over = one.sent >= latest + window;
        let in_flight = seen.passes.sent_before(one.answered) - seen.passes.decided_before(one.answered);
        // Who was under way together with the first who was refused may have been the last who passed.
        let has_room = count < limit && closed.is_none_or(|closed| one.sent <= closed);
        let may_pass = may_be_over || has_room;
        let full = closed.is_some() || count + in_flight - i64::from(one.passed) >= limit;
        let may_be_refused = !is_over && full;
        missed.passes += usize::from(one.passed && !may_pass);
        missed.refusals += usize::from(!one.passed && !may_be_refused);
        let at_its_end = !has_room && one.answered - one.sent + latest - earliest < window / AT_ITS_END;
        missed.open += usize::from(may_pass && may_be_refused && !at_its_end);
        if !one.passed {
            // At a full window only; it then begins anew.
            (earliest, latest) = (earliest.max(one.sent), latest.max(one.answered));
            closed = closed.or(Some(one.answered));
        } else if is_over || (may_be_over && !has_room) {
            (earliest, latest, count, closed) = (one.sent, one.answered, 1, None);
        } else {
            count += 1;
        }
    }
    missed
}

/// Figures near to the one that passes before the first refusal need for certain, and near to how many those are: where all came at once
/// more of them may have taken from what was there than is certain.
fn near(needed: i64, seen: &Seen) -> impl Iterator<Item = i64> {
    let passed = seen.passes.decided_before(first_refusal(seen)).max(1);
    let from = |figure: i64| (figure - 2).max(1);
    (from(needed)..=needed + 2).chain(from(passed).max(needed + 3)..=passed + 2)
}

/// When the first refusal was answered: until then refusals change nothing, and a figure can be read from passes alone.
fn first_refusal(seen: &Seen) -> Micros {
    let answered = seen.refused().map(|one| one.answered);
    answered.min().unwrap_or(Micros::MAX)
}

/// The burst that the passes before the first refusal need.
fn first_burst(seen: &Seen, token: f64) -> i64 {
    let until = first_refusal(seen);
    let (mut full, mut most) = (f64::MIN, 1.0_f64);
    for (sent, answered) in seen.passes.begins().iter().zip(seen.passes.ends()) {
        if *answered >= until {
            break;
        }
        full = full.max(*sent as f64) + token;
        most = most.max((full - *answered as f64) / token);
    }
    #[allow(clippy::cast_possible_truncation)] // a count
    let burst = (most - 1e-6).ceil() as i64;
    burst
}

/// The most passes in a window before the first refusal.
fn first_window(seen: &Seen, window: Micros) -> i64 {
    let until = first_refusal(seen);
    let begins = seen.windows().begins(window).into_iter();
    let passed = begins.take_while(|begin| begin.earliest < until).map(|begin| {
        seen.passes
            .surely(begin.since, until.min(begin.earliest + window))
    });
    passed.max().unwrap_or(0).max(1)
}

/// What a model misses at one level.
#[derive(Debug, Default)]
struct Missed {
    passes: usize,
    refusals: usize,
    /// See [`Level::open`].
    open: usize,
}

/// The level with the fewest that are contradicted, by what each misses, of which no more has to be told than that it is more than so many.
fn best_of(tried: impl Iterator<Item = i64>, missed: impl Fn(i64, usize) -> Missed) -> Level {
    let mut best: Option<Level> = None;
    for value in tried {
        let fewest = best.map_or(usize::MAX, |best| best.missed());
        let Missed {
            passes,
            refusals,
            open,
        } = missed(value, fewest);
        if passes + refusals < fewest {
            best = Some(Level {
                low: value,
                high: value,
                passes,
                refusals,
                open,
            });
        } else if passes + refusals == fewest {
            if let Some(best) = &mut best {
                best.high = value;
            }
        }
    }
    best.expect("each range of levels that is tried has one")
}
