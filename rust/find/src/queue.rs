//! A queue that answers late: its decisions fall when the request comes, and the answer's delay says how many were ahead.

use crate::models::Shape;
use crate::search::{Family, Found, search};
use crate::seen::{Micros, One, Seen};

/// An answer that comes so much later than the quick ones was delayed.
const LATE: Micros = 150_000;

/// One in so many at least waits where places are short.
const MANY: usize = 3;

/// Beside what the delays told, one in so many decisions may be contradicted, or so many of a few.
const MISSED: usize = 30;
const MISSED_AT_LEAST: usize = 3;

/// Within this time, in microseconds, a place that got free is given to one who waits for it.
const SOON: Micros = 10_000;

/// Nearer than this a delay is told right: threads wake late.
const NEAR: f64 = 120_000.0;

/// What was found.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) found: Found,
    /// The decisions as a queue makes them.
    pub(crate) seen: Seen,
    /// How many did not wait though others were ahead.
    pub(crate) delay: i64,
    /// Nobody was refused: it may be longer.
    pub(crate) at_least: bool,
}

/// Looks for a queue where answers came late; `None`: they did not, or no rate tells how late.
pub(crate) fn queue(seen: &Seen) -> Option<Queued> {
    let quick = quick(seen)?;
    let late: Vec<&One> = seen
        .passed()
        .filter(|one| one.answered - one.sent > quick + LATE)
        .collect();
    if late.len() < 5 {
        return None;
    }
    let arrived = at_arrival(seen, quick + LATE / 3);
    let refused = arrived.counts().1;
    let mut rates = vec![spacing(&late)?];
    let all = search(&arrived, Family::Queue, false).into_iter();
    let fitted = all
        .min_by_key(|found| found.fit.level.cost())
        .filter(|_| refused > 0);
    rates.extend(fitted.iter().map(|found| found.range.0));
    if let Some(Shape::Queue { rate }) = fitted.map(|found| found.fit.shape) {
        rates.push(rate);
    }
    rates.extend(
        rates
            .clone()
            .into_iter()
            .flat_map(|rate| [rate.round(), (10.0 * rate).round() / 10.0]),
    );
    rates.retain(|rate| *rate > 0.0);
    let (rate, told, delay) = rates
        .into_iter()
        .map(|rate| delays(seen, &arrived, rate, quick))
        .max_by(|one, other| one.1.total_cmp(&other.1))?;
    if told < 0.75 {
        return None;
    }
    let mut found =
        fitted.filter(|found| found.missed() <= (arrived.all.len() / MISSED).max(MISSED_AT_LEAST));
    if found.is_none() && refused == 0 {
        let fit = crate::models::fit(&arrived, Shape::Queue { rate }, false);
        let levels = (fit.level.low, fit.level.high);
        found = Some(Found {
            family: Family::Queue,
            fit,
            range: (0.98 * rate, 1.02 * rate),
            levels,
            begins: 1.0,
            unbounded: false,
        });
    }
    found.map(|found| Queued {
        found,
        seen: arrived,
        delay,
        at_least: refused == 0,
    })
}

/// How long the quick answers take: of refusals, which never wait, or else the quickest of all.
fn quick(seen: &Seen) -> Option<Micros> {
    let mut times: Vec<Micros> = seen
        .refused()
        .filter(|one| !one.silent)
        .map(|one| one.answered - one.sent)
        .collect();
    times.sort_unstable();
    if times.len() >= 5 {
        return times.get(times.len() * 9 / 10).copied();
    }
    let mut times: Vec<Micros> = seen.passed().map(|one| one.answered - one.sent).collect();
    times.sort_unstable();
    times.get(times.len() / 50).copied()
}

/// Where answers come late because a place has to get free first, they were decided when they were answered; refusals, too, come
/// when the wait for a place was over. `None`: they did not come late.
pub(crate) fn at_answer(seen: &Seen) -> Option<Seen> {
    let mut times: Vec<Micros> = seen.all.iter().map(|one| one.answered - one.sent).collect();
    times.sort_unstable();
    let quick = times.get(times.len() / 50).copied()?;
    let late = |one: &One| !one.silent && one.answered - one.sent > quick + LATE;
    // A busy server is late, too, but only where many come at once.
    let behind: Vec<&One> = seen.passed().skip(seen.counts().0 / 2).collect();
    let waited = behind.iter().filter(|one| late(one)).count();
    if waited < 5 || MANY * waited < behind.len() {
        return None;
    }
    let all = seen.all.iter().map(|one| One {
        sent: if late(one) { one.answered - quick } else { one.sent },
        ..*one
    });
    let mut served = Seen::of(all.collect(), seen.origin);
    (served.held_longer, served.at_answers) = (SOON, true);
    Some(served)
}

/// Decided when it came. Who got no answer waits in the queue, too.
fn at_arrival(seen: &Seen, within: Micros) -> Seen {
    let all = seen.all.iter().map(|one| One {
        answered: one.answered.min(one.sent + within),
        passed: one.passed || one.silent,
        ..*one
    });
    Seen::of(all.collect(), seen.origin)
}

/// The rate at which late answers come: of those that followed each other, the usual gap.
fn spacing(late: &[&One]) -> Option<f64> {
    let mut answers: Vec<Micros> = late.iter().map(|one| one.answered).collect();
    answers.sort_unstable();
    let apart = 8.min(answers.len() - 1);
    let mut gaps: Vec<Micros> = answers
        .windows(apart + 1)
        .map(|span| span[apart] - span[0])
        .collect();
    gaps.sort_unstable();
    let gap = gaps.get(gaps.len() / 2)?;
    (*gap > 0).then(|| 1e6 * apart as f64 / *gap as f64)
}

/// Replays the queue at a rate: which share of the late answers came when they should, and how many need not wait.
fn delays(seen: &Seen, arrived: &Seen, rate: f64, quick: Micros) -> (f64, f64, i64) {
    let gap = 1e6 / rate;
    let mut order: Vec<(&One, bool)> = arrived.all.iter().map(|one| (one, true)).collect();
    order.sort_by_key(|(one, _)| one.sent);
    let mut observed: Vec<(Micros, Micros)> = seen.passed().map(|one| (one.sent, one.answered)).collect();
    observed.sort_unstable();
    let mut observed = observed.into_iter().peekable();
    let mut next = f64::MIN;
    let mut pairs = Vec::new();
    for (one, _) in order {
        if !one.passed {
            continue;
        }
        let at = (one.sent as f64).max(next);
        next = at + gap;
        if !one.silent {
            let answered = observed
                .find(|(sent, _)| *sent == one.sent)
                .map_or(one.answered, |(_, answered)| answered);
            pairs.push((
                at - one.sent as f64,
                (answered - one.sent - quick.min(50_000)) as f64,
            ));
        }
    }
    // Those whose answer came at once though the rate would have had them wait.
    let prompt = pairs.iter().filter(|(_, real)| *real < LATE as f64 / 2.0);
    let free = prompt.map(|(ahead, _)| *ahead).fold(0.0, f64::max);
    let late: Vec<&(f64, f64)> = pairs.iter().filter(|(_, real)| *real > LATE as f64).collect();
    let right = |free: f64| {
        let told = |(ahead, real): &&&(f64, f64)| ((ahead - free).max(0.0) - real).abs() < NEAR + 0.1 * real;
        late.iter().filter(told).count()
    };
    // One that was prompt by chance says nothing of the others.
    let free = if free > 1.5 * gap && right(free) > right(0.0) {
        free
    } else {
        0.0
    };
    #[allow(clippy::cast_possible_truncation)] // some gaps
    let delay = (free / gap).round() as i64;
    (rate, right(free) as f64 / late.len().max(1) as f64, delay)
}
