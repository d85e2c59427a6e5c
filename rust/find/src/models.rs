//! The models: what each kind of limit, with its window or rate given, asks of its other figure so that a decision can be as it was.
//!
//! A pass says "the limit is at least so much", a refusal "it is at most so much"; which value contradicts the fewest stands in
//! [`crate::level`]. The state is always taken from what was observed, never from what the model would have decided before.

use crate::blocks::blocks;
use crate::counters::{on_a_clock, on_no_clock};
use crate::level::{Level, level};
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
    pub(crate) cap: i64,
}

/// Those of all decisions. A cap counts all others: who passed is itself among those that passed.
pub(crate) fn each(
    seen: &Seen,
    counted: bool,
    need: impl Fn(&One) -> i64,
    cap: impl Fn(&One) -> i64,
) -> Vec<Demand> {
    let demand = |one: &One| Demand {
        passed: one.passed,
        need: need(one),
        cap: cap(one) - i64::from(one.passed || counted),
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
        |one| passes.sent_before(one.answered) - ended(one.sent - END_LATE),
    )
}

/// The windows that begin with an attempt: when each begins at the earliest and at the latest.
pub(crate) fn windows(seen: &Seen, window: Micros) -> Vec<(Micros, Micros)> {
    let refused = seen.refused().filter(|_| !seen.unsorted);
    let passed: Vec<&One> = seen.passed().collect();
    rows(&passed, refused, window, seen.length)
}

/// Spans of a length that begin with the first of these that comes when the one before is over, which it also is where one of the others
/// came between: when each begins at the earliest and at the latest. Those that may begin one stand in the order of their answers.
pub(crate) fn rows<'a>(
    by_answer: &[&'a One],
    others: impl Iterator<Item = &'a One>,
    length: Micros,
    end: Micros,
) -> Vec<(Micros, Micros)> {
    let mut by_sent: Vec<&One> = by_answer.to_vec();
    by_sent.sort_unstable_by_key(|one| one.sent);
    // For each place in the order of sending: the earliest answer from there on; in that of answers, the earliest request.
    let mut answers = vec![Micros::MAX; by_sent.len() + 1];
    for (nth, one) in by_sent.iter().enumerate().rev() {
        answers[nth] = answers[nth + 1].min(one.answered);
    }
    let mut requests = vec![Micros::MAX; by_answer.len() + 1];
    for (nth, one) in by_answer.iter().enumerate().rev() {
        requests[nth] = requests[nth + 1].min(one.sent);
    }
    let reopened = reopened(others, &by_sent);
    let mut begins = Vec::new();
    let (mut earliest, mut latest) = (Micros::MIN / 4, Micros::MIN / 4);
    loop {
        let after = by_answer.partition_point(|one| one.answered < earliest + length);
        if after == by_answer.len() {
            return begins;
        }
        let first = requests[after].max(earliest + length);
        let surely = by_sent.partition_point(|one| one.sent < latest + length);
        // Where the last ones are all in doubt, the span begins with the last of them at the latest.
        let again = reopened.partition_point(|other| *other < latest);
        let last = answers[surely].min(answers[again]).min(end).max(first);
        begins.push((first, last));
        (earliest, latest) = (first, last);
    }
}

/// For each of those that may begin a span, in the order of sending: when the latest of the others that came before it was sent. One that
/// comes behind such a one of the same span, as one that is let in behind a refusal of the same window, is in a new one.
fn reopened<'a>(others: impl Iterator<Item = &'a One>, by_sent: &[&One]) -> Vec<Micros> {
    let mut others = others.peekable();
    let mut latest = Micros::MIN / 4;
    let behind = |one: &&One| {
        while let Some(other) = others.next_if(|other| other.answered <= one.sent) {
            latest = latest.max(other.sent);
        }
        latest
    };
    by_sent.iter().map(behind).collect()
}

/// The windows in which a decision may have fallen.
pub(crate) fn windows_of<'a>(
    begins: &'a [(Micros, Micros)],
    one: &One,
    window: Micros,
) -> &'a [(Micros, Micros)] {
    let from = begins.partition_point(|(_, latest)| latest + window <= one.sent);
    let until = begins.partition_point(|(earliest, _)| *earliest <= one.answered);
    &begins[from.min(until)..until]
}

fn fixed(seen: &Seen, window: Micros) -> Vec<Demand> {
    let begins = windows(seen, window);
    let passes = &seen.passes;
    each(
        seen,
        false,
        |one| {
            let needs = windows_of(&begins, one, window).iter().map(|(earliest, latest)| {
                passes.decided_before(one.sent.max(*earliest)) - passes.sent_before(*latest)
            });
            1 + needs.min().unwrap_or(0).max(0)
        },
        |one| {
            let caps = windows_of(&begins, one, window)
                .iter()
                .map(|(earliest, latest)| passes.could(*earliest, one.answered.min(latest + window)));
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
            let decided = seen.passes.decided_before(one.sent + 1);
            let more = seen.passes.sent_before(one.answered) - decided;
            let ahead = (state(&late, decided) - one.sent as f64).max(0.0) / token;
            whole((1.0 + ahead + more as f64 - 1e-6).ceil()) - 1
        },
    )
}

/// Where refusals take what is in the bucket, its state hangs on its size: each size that may be is tried.
fn counted_bucket(seen: &Seen, rate: f64) -> Level {
    let token = 1e6 / rate;
    let burst = first_block(seen);
    let tried = (burst - 2).max(1)..=burst + 2;
    let missed = tried.map(|burst| (burst, missed_by_counted_bucket(seen, token, burst)));
    best_of(missed)
}

fn missed_by_counted_bucket(seen: &Seen, token: f64, burst: i64) -> Missed {
    let capacity = token * burst as f64;
    let step = |full: f64, at: Micros, passed: bool| {
        let at = at as f64;
        let taken = full.max(at) + token;
        if passed { taken } else { taken.min(at + capacity) }
    };
    let (mut early, mut late) = (vec![f64::MIN], vec![f64::MIN]);
    let mut by_sent: Vec<&One> = seen.all.iter().collect();
    by_sent.sort_unstable_by_key(|one| one.sent);
    for (first, one) in by_sent.into_iter().zip(&seen.all) {
        early.push(step(early[early.len() - 1], first.sent, first.passed));
        late.push(step(late[late.len() - 1], one.answered, one.passed));
    }
    let state = |states: &[f64], count: i64| states[usize::try_from(count).unwrap_or(0)];
    let mut missed = Missed::default();
    for one in &seen.all {
        let full = state(&early, seen.attempts.decided_before(one.sent));
        let may_pass = full.max(one.answered as f64) + token <= one.answered as f64 + capacity + 1.0;
        let decided = seen.attempts.decided_before(one.sent + i64::from(!one.passed));
        let more = (seen.attempts.sent_before(one.answered) - decided - 1).max(0);
        let full = state(&late, decided).max(one.sent as f64) + more as f64 * token;
        let may_be_refused = full + token > one.sent as f64 + capacity;
        missed.passes += usize::from(one.passed && !may_pass);
        missed.refusals += usize::from(!one.passed && !may_be_refused);
        missed.open += usize::from(may_pass && may_be_refused);
    }
    missed
}

/// Where a moment is known to such a share of a window, it is no freedom of the window on which side of its end the moment is.
const AT_ITS_END: Micros = 10;

/// Each attempt at a full window begins its time anew: one passes again only when nobody came for a whole window.
fn counted_fixed(seen: &Seen, window: Micros) -> Level {
    let burst = first_block(seen);
    let tried = (burst - 2).max(1)..=burst + 2;
    best_of(tried.map(|limit| (limit, missed_by_counted_fixed(seen, window, limit))))
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

/// How many passed before the first refusal that came before another pass.
pub(crate) fn first_block(seen: &Seen) -> i64 {
    let first = seen
        .refused()
        .map(|one| one.answered)
        .min()
        .unwrap_or(Micros::MAX);
    seen.passes.decided_before(first).max(1)
}

/// What a model misses at one level.
#[derive(Debug, Default)]
struct Missed {
    passes: usize,
    refusals: usize,
    /// See [`Level::open`].
    open: usize,
}

/// The level with the fewest that are contradicted.
fn best_of(tried: impl Iterator<Item = (i64, Missed)>) -> Level {
    let mut best: Option<Level> = None;
    for (
        value,
        Missed {
            passes,
            refusals,
            open,
        },
    ) in tried
    {
        let fewest = best.map_or(usize::MAX, |best| best.missed());
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
