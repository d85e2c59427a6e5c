//! The models: what each kind of limit, with its window or rate given, asks of its other figure so that a decision can be as it was.
//!
//! A pass says "the limit is at least so much", a refusal "it is at most so much"; which value contradicts the fewest stands in
//! [`crate::level`]. The state is always taken from what was observed, never from what the model would have decided before.

use crate::blocks::blocks;
use crate::counted::{counted_bucket, counted_fixed};
use crate::counters::{on_a_clock, on_no_clock};
use crate::level::{Level, level};
use crate::rows::{Begin, spans_of};
use crate::seen::{Micros, One, Seen, Spans};

/// A kind with all of its figures but the one that is counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    /// Tokens a second; the level is the burst.
    Bucket {
        rate: f64,
    },
    /// Like a bucket, answered late; the level is the burst and one.
    Queue {
        rate: f64,
    },
    /// From its first attempt.
    Fixed {
        window: Micros,
    },
    /// On a clock; `phase` is a begin, since the first request.
    Aligned {
        window: Micros,
        phase: Micros,
    },
    Sliding {
        window: Micros,
    },
    Counter {
        window: Micros,
        phase: Micros,
    },
    /// Two counters whose windows begin with an attempt: the first one here, as far as that can be.
    CounterFirst {
        window: Micros,
        first: Micros,
    },
    /// From its first attempt, or without an end where none is given; whoever is refused is refused for so long.
    Blocks {
        block: Micros,
        window: Option<Micros>,
    },
    /// At the same time, by the ends that were written down.
    Open,
    /// At the same time, each one for so long; nobody wrote ends down.
    Held {
        time: Micros,
    },
}

impl Shape {
    /// The window in microseconds, or the rate a second; and a begin of its windows where they lie on a clock.
    pub(crate) fn figure_and_begin(self) -> (f64, Micros) {
        match self {
            Shape::Bucket { rate } | Shape::Queue { rate } => (rate, 0),
            Shape::Aligned { window, phase } | Shape::Counter { window, phase } => (window as f64, phase),
            Shape::CounterFirst { window, first } => (window as f64, first),
            Shape::Fixed { window } | Shape::Sliding { window } | Shape::Held { time: window } => {
                (window as f64, 0)
            }
            Shape::Blocks { block, window } => (block as f64, window.unwrap_or(0)),
            Shape::Open => (1.0, 0),
        }
    }

    /// The window in microseconds, or the rate a second.
    pub(crate) fn figure(self) -> f64 {
        self.figure_and_begin().0
    }
}

/// A shape with the best level for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fit {
    pub(crate) shape: Shape,
    /// Whether refusals count.
    pub(crate) counted: bool,
    pub(crate) level: Level,
}

/// The end of a connection reaches the server a little later than the client's record says, or it knew before.
const END_EARLY: Micros = 30_000;
const END_LATE: Micros = 50_000;

/// What each decision asks of the level: as a pass at least `need`, as a refusal at most `cap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) passed: bool,
    pub(crate) need: i64,
    /// What it needs as a pass together with those that were let in until its answer, whichever of them was the last; never less.
    pub(crate) least: i64,
    pub(crate) cap: i64,
}

/// Those of all decisions. `need`: by those that were let in before its request for certain; `least`: by those until its answer, itself
/// among them. A cap counts all others: who passed is itself among those that passed.
pub(crate) fn each(
    seen: &Seen,
    counted: bool,
    need: impl Fn(&One) -> i64,
    least: impl Fn(&One) -> i64,
    cap: impl Fn(&One) -> i64,
) -> Vec<Demand> {
    let demand = |one: &One| {
        let need = need(one);
        Demand {
            passed: one.passed,
            need,
            least: if one.passed { need.max(least(one)) } else { need },
            cap: cap(one) - i64::from(one.passed || counted),
        }
    };
    seen.judged.iter().map(demand).collect()
}

/// The best level for a shape.
pub(crate) fn fit(seen: &Seen, shape: Shape, counted: bool) -> Fit {
    let level = match shape {
        Shape::Bucket { rate } if counted => counted_bucket(seen, rate),
        Shape::Fixed { window } if counted => counted_fixed(seen, window),
        _ => level(&demands(seen, shape, counted)),
    };
    Fit {
        shape,
        counted,
        level,
    }
}

/// What the decisions ask of the level of a shape; for refusals that count only where the level does not change what counts.
pub(crate) fn demands(seen: &Seen, shape: Shape, counted: bool) -> Vec<Demand> {
    if !seen.parts.is_empty() {
        let parts = seen.parts.iter();
        return parts.flat_map(|part| demands(part, shape, counted)).collect();
    }
    let set = if counted { &seen.attempts } else { &seen.passes };
    match shape {
        Shape::Bucket { rate } | Shape::Queue { rate } => bucket(seen, rate),
        Shape::Fixed { window } => fixed(seen, window),
        Shape::Aligned { window, phase } => aligned(seen, window, phase),
        Shape::Sliding { window } => sliding(seen, set, counted, window),
        Shape::Counter { window, phase } => on_a_clock(seen, set, counted, window, phase),
        Shape::CounterFirst { window, first } => on_no_clock(seen, set, counted, window, first),
        Shape::Blocks { block, window } => blocks(seen, counted, block, window),
        Shape::Open => open(seen),
        Shape::Held { time } => held(seen, time),
    }
}

fn sliding(seen: &Seen, set: &Spans, counted: bool, window: Micros) -> Vec<Demand> {
    each(
        seen,
        counted,
        |one| 1 + (set.decided_before(one.sent) - set.sent_before(one.answered - window + 1)).max(0),
        |one| seen.passes.surely(one.answered - window + 1, one.answered + 1),
        |one| set.could(one.sent - window, one.answered),
    )
}

fn held(seen: &Seen, time: Micros) -> Vec<Demand> {
    let passes = &seen.passes;
    each(
        seen,
        false,
        // Those who came in so late that they cannot have left.
        |one| 1 + (passes.decided_before(one.sent) - passes.sent_before(one.answered - time + 1)).max(0),
        |one| passes.surely(one.answered - time + 1, one.answered + 1),
        |one| passes.could(one.sent - time - seen.held_longer, one.answered),
    )
}

fn open(seen: &Seen) -> Vec<Demand> {
    let mut ends: Vec<Micros> = seen.passed().filter_map(|one| one.ended).collect();
    ends.sort_unstable();
    let ended = |time: Micros| i64::try_from(ends.partition_point(|end| *end < time)).unwrap_or(i64::MAX);
    let passes = &seen.passes;
    each(
        seen,
        false,
        |one| 1 + (passes.decided_before(one.sent) - ended(one.answered + END_EARLY)).max(0),
        |one| passes.decided_before(one.answered + 1) - ended(one.answered + END_EARLY),
        |one| passes.sent_before(one.answered) - ended(one.sent - END_LATE),
    )
}

fn fixed(seen: &Seen, window: Micros) -> Vec<Demand> {
    let begins = seen.windows().begins(window);
    let passes = &seen.passes;
    let of = |one: &One| spans_of(&begins, one, window).iter();
    each(
        seen,
        false,
        |one| {
            let needs = of(one).map(|begin| passes.surely(begin.latest, one.sent.max(begin.earliest)));
            1 + needs.min().unwrap_or(0)
        },
        |one| {
            let until = |begin: &Begin| (one.answered + 1).min(begin.earliest + window);
            let leasts = of(one).map(|begin| passes.surely(begin.since, until(begin)));
            leasts.min().unwrap_or(0)
        },
        |one| {
            let until = |begin: &Begin| one.answered.min(begin.latest + window);
            let caps = of(one).map(|begin| passes.could(begin.earliest, until(begin)));
            caps.max().unwrap_or(0)
        },
    )
}

fn aligned(seen: &Seen, window: Micros, phase: Micros) -> Vec<Demand> {
    let passes = &seen.passes;
    let begin = |time: Micros| time - (time - phase).rem_euclid(window);
    each(
        seen,
        false,
        |one| {
            let from = begin(one.sent);
            // In the next window there was room.
            let next = one.answered >= from + window;
            if next {
                1
            } else {
                1 + passes.surely(from, one.sent)
            }
        },
        |one| {
            let from = begin(one.sent);
            if one.answered >= from + window {
                1
            } else {
                passes.surely(from, one.answered + 1)
            }
        },
        |one| {
            let (first, last) = (begin(one.sent), begin(one.answered));
            let until = one.answered.min(first + window);
            let in_first = passes.could(first, until);
            if last == first {
                in_first
            } else {
                in_first.max(passes.could(last, one.answered))
            }
        },
    )
}

/// Floats stand for counts and shares of them here: far below 2^52.
fn whole(value: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation)]
    let whole = value as i64;
    whole
}

/// The generic cell rate algorithm over all passes: when the bucket is full again, at the earliest and at the latest.
fn bucket(seen: &Seen, rate: f64) -> Vec<Demand> {
    let token = 1e6 / rate;
    let states = |times: &[Micros]| {
        let mut states = vec![f64::MIN];
        for at in times {
            states.push(states[states.len() - 1].max(*at as f64) + token);
        }
        states
    };
    // Those that were under way together may have been decided in the order in which they were sent.
    let (early, late) = (states(seen.passes.begins()), states(seen.passes.ends()));
    let state = |states: &[f64], count: i64| states[usize::try_from(count).unwrap_or(0)];
    each(
        seen,
        false,
        |one| {
            let full = state(&early, seen.passes.decided_before(one.sent));
            let ahead = (full - one.answered as f64).max(0.0) / token;
            whole((1.0 + ahead - 1e-6).ceil())
        },
        |one| {
            let full = state(&early, seen.passes.decided_before(one.answered + 1));
            whole(((full - one.answered as f64) / token - 1e-6).ceil())
        },
        |one| {
            let decided = seen.passes.decided_before(one.sent + 1);
            let more = seen.passes.sent_before(one.answered) - decided;
            let ahead = (state(&late, decided) - one.sent as f64).max(0.0) / token;
            whole((1.0 + ahead + more as f64 - 1e-6).ceil()) - 1
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All came at once and nobody was answered before the last of them had come; the first so many were let in.
    fn at_once(passed: i64, refused: i64) -> Seen {
        let one = |nth: i64| One {
            sent: 10 * nth,
            answered: 50_000 + 10 * nth,
            passed: nth < passed,
            silent: false,
            ended: None,
            elsewhere: false,
            group: 0,
        };
        Seen::of((0..passed + refused).map(one).collect(), 1_795_824_000_123_456)
    }

    #[test]
    fn as_many_as_were_let_in_at_once_are_the_least_that_a_limit_lets_in() {
        let (window, second) = (4_000_000, 1_000_000);
        for shape in [
            Shape::Bucket { rate: 2.0 },
            Shape::Queue { rate: 2.0 },
            Shape::Fixed { window },
            Shape::Aligned {
                window,
                phase: -second,
            },
            Shape::Sliding { window },
            Shape::Counter {
                window,
                phase: -second,
            },
            Shape::CounterFirst {
                window,
                first: 25_000,
            },
            Shape::Blocks {
                block: window,
                window: None,
            },
            Shape::Blocks {
                block: window,
                window: Some(second),
            },
            Shape::Open,
            Shape::Held { time: window },
        ] {
            let level = fit(&at_once(16, 30), shape, false).level;
            assert_eq!(
                (level.low, level.high, level.missed()),
                (16, 16, 0),
                "{shape:?}: {level:?}"
            );
        }
    }
}
