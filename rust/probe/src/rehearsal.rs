//! An experiment in virtual time, with a limiter in the place of a server: for tests, and to measure how often it is right.

use crate::{Leg, Probe, Step, Try, Until, Verdict, most_unanswered};
use limiter::{Decision, LimitSpec, Limiter};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

/// The way to a server.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// There and back, in the mean.
    pub round_trip: Duration,
    /// A way may take so much longer at times.
    pub hiccup: Duration,
    /// For so long, at times, one of the server's two threads gets no processor: what came to it meanwhile is decided and answered at once
    /// when it goes on.
    pub stall: Duration,
}

/// What decides in the place of a server.
pub trait Limits {
    /// On an attempt at `now`, which is not before the one before it.
    fn try_pass(&mut self, now: Duration) -> Decision;
    /// A connection that was let in is closed.
    fn release(&mut self, now: Duration);
}

impl Limits for Limiter {
    fn try_pass(&mut self, now: Duration) -> Decision {
        Limiter::try_pass(self, now)
    }

    fn release(&mut self, now: Duration) {
        Limiter::release(self, now);
    }
}

/// So many at a time; a place gets free a while after its connection was closed.
#[derive(Debug)]
pub struct FreedLate {
    limiter: Limiter,
    time: Duration,
    due: Vec<Duration>,
}

impl FreedLate {
    /// Of a cap.
    #[must_use]
    pub fn new(limit: &LimitSpec, time: Duration) -> Self {
        Self {
            limiter: Limiter::new(limit),
            time,
            due: Vec::new(),
        }
    }
}

impl Limits for FreedLate {
    fn try_pass(&mut self, now: Duration) -> Decision {
        let (free, due): (Vec<_>, Vec<_>) = self.due.iter().partition(|at| **at <= now);
        free.into_iter().for_each(|at| self.limiter.release(at));
        self.due = due;
        self.limiter.try_pass(now)
    }

    fn release(&mut self, now: Duration) {
        self.due.push(now + self.time);
    }
}

struct Server<L> {
    limiter: L,
    way: Way,
    stalled_until: Duration,
    random: Xoshiro256PlusPlus,
}

/// How often a thread stalls, by tries, and how many of the tries come to it.
const STALLS: f64 = 0.03;
const TO_STALLED: f64 = 0.5;

struct Sent {
    at: Duration,
    decided: Duration,
    answer: Option<(Duration, Verdict)>,
}

impl<L: Limits> Server<L> {
    fn way(&mut self) -> Duration {
        let share = 0.45 + 0.2 * self.random.random::<f64>();
        let hiccup = if self.random.random_bool(0.03) {
            self.random.random::<f64>()
        } else {
            0.0
        };
        self.way.round_trip.mul_f64(share) + self.way.hiccup.mul_f64(hiccup)
    }

    /// When it comes to decide on what is sent at `now`.
    fn reached(&mut self, now: Duration) -> Duration {
        let reached = now + self.way();
        if self.way.stall.is_zero() {
            return reached;
        }
        if now >= self.stalled_until && self.random.random_bool(STALLS) {
            self.stalled_until = now + self.way.stall;
        }
        if reached < self.stalled_until && self.random.random_bool(TO_STALLED) {
            return self.stalled_until;
        }
        reached
    }

    /// Decides on all that came until `now`, in the order in which they came.
    fn decide(&mut self, sent: &mut [Sent], now: Duration) {
        let mut due: Vec<usize> = (0..sent.len())
            .filter(|&nth| sent[nth].answer.is_none() && sent[nth].decided <= now)
            .collect();
        due.sort_by_key(|&nth| sent[nth].decided);
        for nth in due {
            let at = sent[nth].decided;
            let (verdict, delay) = match self.limiter.try_pass(at) {
                Decision::Pass => (Verdict::Passed, Duration::ZERO),
                Decision::PassLate { delay } => (Verdict::Passed, delay),
                Decision::Reject { .. } => (Verdict::Refused, Duration::ZERO),
            };
            sent[nth].answer = Some((at + delay + self.way(), verdict));
        }
    }

    /// Until fewer are without an answer than may be.
    fn wait_for_room(&mut self, sent: &mut [Sent], now: &mut Duration) {
        loop {
            self.decide(sent, *now);
            let answered = |one: &&Sent| one.answer.is_some_and(|(answered, _)| answered <= *now);
            let answered = u32::try_from(sent.iter().filter(answered).count()).unwrap_or(u32::MAX);
            let on_the_way = u32::try_from(sent.len()).unwrap_or(u32::MAX) - answered;
            if on_the_way < most_unanswered(answered) {
                return;
            }
            let next = |one: &Sent| one.answer.map_or(one.decided, |(answered, _)| answered);
            *now = sent
                .iter()
                .map(next)
                .filter(|at| at > now)
                .min()
                .expect("one is on its way");
        }
    }

    fn leg(&mut self, leg: Leg, now: &mut Duration) -> Vec<Try> {
        *now += leg.after;
        let mut sent: Vec<Sent> = Vec::new();
        for nth in 0..leg.count {
            let answered = *now;
            if nth > 0 {
                *now += leg.gap;
            }
            self.wait_for_room(&mut sent, now);
            let ended = |sent: &Sent| {
                sent.answer.is_some_and(|(answered, verdict)| {
                    answered <= *now
                        && match leg.until {
                            Until::Never => false,
                            Until::Passed => verdict.passed(),
                            Until::Refused => !verdict.passed(),
                        }
                })
            };
            if sent.iter().any(ended) {
                // Nobody waits for the time of one that is not sent.
                *now = answered;
                break;
            }
            let decided = self.reached(*now);
            sent.push(Sent {
                at: *now,
                decided,
                answer: None,
            });
        }
        self.decide(&mut sent, Duration::MAX);
        let tries: Vec<Try> = sent
            .iter()
            .filter_map(|sent| {
                let (answered, verdict) = sent.answer?;
                Some(Try {
                    sent: sent.at,
                    answered,
                    verdict,
                })
            })
            .collect();
        *now = tries.iter().map(|t| t.answered).max().unwrap_or(*now).max(*now);
        tries
    }
}

/// A limiter of which others used some until `now`: `count` times at most within `span`, at once at its begin or `spread` over it.
#[must_use]
pub fn used(limit: &LimitSpec, now: Duration, count: u32, span: Duration, spread: bool) -> Limiter {
    let mut limiter = Limiter::new(limit);
    let begin = now.saturating_sub(span);
    for nth in 0..count {
        let at = if spread { begin + span * nth / count } else { begin };
        let passed = limiter.try_pass(at).passed();
        if passed {
            limiter.release(now);
        }
    }
    limiter
}

/// Lets the experiment find out the limit of `limiter`, whose clock is at `since` when it begins, and which others may have used until
/// then; `watch` is told of each step. Gives how it ended and
/// how long it took.
pub fn rehearse(
    probe: &mut Probe,
    limiter: impl Limits,
    since: Duration,
    way: Way,
    seed: u64,
    mut watch: impl FnMut(&Step, Duration, &Probe),
) -> (crate::Ending, Duration) {
    let mut server = Server {
        limiter,
        way,
        stalled_until: Duration::ZERO,
        random: Xoshiro256PlusPlus::seed_from_u64(seed),
    };
    let mut now = since;
    let mut open = 0;
    loop {
        let step = probe.next(now - since);
        watch(&step, now - since, probe);
        match step {
            Step::Done(ending) => return (ending, now - since),
            Step::Release(count) => {
                let count = count.min(open);
                open -= count;
                (0..count).for_each(|_| server.limiter.release(now));
                probe.released(now - since, count);
                now += crate::history::NOTICED;
            }
            Step::Tries { legs, hold, .. } => {
                for leg in legs {
                    for tried in server.leg(leg, &mut now) {
                        if tried.verdict.passed() {
                            open += 1;
                        }
                        probe.seen(Try {
                            sent: tried.sent - since,
                            answered: tried.answered - since,
                            ..tried
                        });
                    }
                    if !hold {
                        (0..open).for_each(|_| server.limiter.release(now));
                        probe.released(now - since, open);
                        open = 0;
                    }
                }
            }
        }
    }
}
