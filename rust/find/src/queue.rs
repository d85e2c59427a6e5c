//! A queue that answers late: its decisions fall when the request comes, and the answer's delay says how many were ahead.

use crate::figures::roundest;
use crate::models::{Shape, fit};
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

/// So many steps up and down rates are tried, and by how much one is off whose answers are this much farther from when they should come
/// than those of the best one, and by so many microseconds.
const WALK: i32 = 80;
const STEP: f64 = 1.002;
/// What a machine's clock tells of a rate is known no better than by this factor, the steps between among it.
const BESIDE: f64 = 1.0035;
const AS_NEAR: f64 = 1.5;
const LATE_BY: f64 = 2_000.0;

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
    let answers = Answers::of(seen, &arrived, quick);
    let by_spacing = spacing(&late)?;
    let all = search(&arrived, Family::Queue, false).into_iter();
    let fitted = all
        .min_by_key(|found| found.fit.level.cost())
        .filter(|_| refused > 0);
    let mut rates = vec![by_spacing];
    rates.extend(
        fitted
            .iter()
            .flat_map(|found| [found.range.0, found.fit.shape.figure()]),
    );
    rates.extend(
        rates
            .clone()
            .into_iter()
            .flat_map(|rate| [rate.round(), (10.0 * rate).round() / 10.0]),
    );
    rates.retain(|rate| *rate > 0.0);
    let best = rates
        .into_iter()
        .map(|rate| answers.by(rate))
        .max_by(|one, other| one.told.total_cmp(&other.told))?;
    if best.told < 0.75 {
        return None;
    }
    let few = |found: &Found| found.missed() <= (arrived.all.len() / MISSED).max(MISSED_AT_LEAST);
    let by_decisions = fitted.filter(few);
    if by_decisions.is_none() && refused > 0 {
        return None;
    }
    Some(Queued {
        found: answers.narrowed(&arrived, best.rate, by_decisions),
        seen: arrived,
        delay: best.delay,
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

/// What a rate makes of the answers that came late.
#[derive(Debug, Clone, Copy)]
struct ByRate {
    rate: f64,
    /// Which share of them came when they should.
    told: f64,
    /// How far they were from that in the mean, in microseconds.
    beside: f64,
    /// How many need not wait.
    delay: i64,
}

/// Who was let in, in the order of sending: when that was, and how much later than quick answers the answer came, where one did.
struct Answers(Vec<(Micros, Option<Micros>)>);

impl Answers {
    fn of(seen: &Seen, arrived: &Seen, quick: Micros) -> Self {
        let mut order: Vec<&One> = arrived.passed().collect();
        order.sort_by_key(|one| one.sent);
        let mut observed: Vec<(Micros, Micros)> = seen.passed().map(|one| (one.sent, one.answered)).collect();
        observed.sort_unstable();
        let mut observed = observed.into_iter();
        let mut later = |one: &One| {
            let found = observed.find(|(sent, _)| *sent == one.sent);
            let answered = found.map_or(one.answered, |(_, answered)| answered);
            answered - one.sent - quick.min(50_000)
        };
        let answers = order
            .into_iter()
            .map(|one| (one.sent, (!one.silent).then(|| later(one))));
        Self(answers.collect())
    }

    /// Replays the queue at a rate.
    fn by(&self, rate: f64) -> ByRate {
        let gap = 1e6 / rate;
        let mut next = f64::MIN;
        let mut pairs = Vec::new();
        for (sent, later) in &self.0 {
            let at = (*sent as f64).max(next);
            next = at + gap;
            if let Some(later) = later {
                pairs.push((at - *sent as f64, *later as f64));
            }
        }
        // Those whose answer came at once though the rate would have had them wait.
        let prompt = pairs.iter().filter(|(_, real)| *real < LATE as f64 / 2.0);
        let free = prompt.map(|(ahead, _)| *ahead).fold(0.0, f64::max);
        let late: Vec<&(f64, f64)> = pairs.iter().filter(|(_, real)| *real > LATE as f64).collect();
        let beside = |free: f64, (ahead, real): &(f64, f64)| ((ahead - free).max(0.0) - real).abs();
        let right = |free: f64| {
            let told = |pair: &&&(f64, f64)| beside(free, pair) < NEAR + 0.1 * pair.1;
            late.iter().filter(told).count()
        };
        // One that was prompt by chance says nothing of the others.
        let free = if free > 1.5 * gap && right(free) > right(0.0) {
            free
        } else {
            0.0
        };
        let all: f64 = late.iter().map(|pair| beside(free, pair)).sum();
        let count = late.len().max(1) as f64;
        #[allow(clippy::cast_possible_truncation)] // some gaps
        let delay = (free / gap).round() as i64;
        ByRate {
            rate,
            told: right(free) as f64 / count,
            beside: all / count,
            delay,
        }
    }

    /// The rates by which the answers came about as late as they did, from one that is near to them.
    fn range(&self, near: f64) -> (f64, f64) {
        let tried = (-WALK..=WALK).map(|nth| self.by(near * STEP.powi(nth)));
        let tried: Vec<ByRate> = tried.collect();
        let least = tried.iter().map(|one| one.beside).fold(f64::INFINITY, f64::min);
        let good = tried.iter().filter(|one| one.beside <= least * AS_NEAR + LATE_BY);
        good.fold((f64::INFINITY, 0.0_f64), |(low, high), one| {
            (low.min(one.rate / BESIDE), high.max(one.rate * BESIDE))
        })
    }

    /// The queue whose rate both the decisions and the delays of answers tell; where these do not agree, the delays, of which each tells
    /// more than who was refused.
    fn narrowed(&self, arrived: &Seen, near: f64, by_decisions: Option<Found>) -> Found {
        let (low, high) = self.range(near);
        let agrees = |found: &Found| found.range.0 <= high && low <= found.range.1;
        if let Some(found) = by_decisions.filter(agrees) {
            let range = (found.range.0.max(low), found.range.1.min(high));
            let rate = found.fit.shape.figure();
            if (range.0..=range.1).contains(&rate) {
                return Found { range, ..found };
            }
        }
        let rate = roundest(Family::Queue, low, high).unwrap_or((low * high).sqrt());
        let fit = fit(arrived, Shape::Queue { rate }, false);
        Found {
            family: Family::Queue,
            fit,
            range: (low, high),
            levels: (fit.level.low, fit.level.high),
            begins: 1.0,
            unbounded: false,
        }
    }
}
