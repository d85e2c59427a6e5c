//! What was tried and what came of it, in the order in which the server met it.

use crate::state::State;
use limiter::Decision;
use std::time::Duration;

/// A server may take so long to notice that a connection is closed.
pub const NOTICED: Duration = Duration::from_millis(400);

/// Where models' time stands when the experiment begins: others had used limits before.
pub(crate) const BEGIN: Duration = Duration::from_secs(4 * 3_600);

/// A decision may lie so much beside the middle of its way, besides what its way took longer than others: cores are shared.
const LEAST_SLACK: Duration = Duration::from_millis(3);
/// An answer that comes so much later than others was made to wait in a queue. Not by less: a bucket may have its last token waited for,
/// as Traefik does for up to 50 ms.
const LATE: Duration = Duration::from_millis(70);
/// A queue lets out one after the other. Answers that all come late and at the same moment, though their requests did not, waited for a
/// server that stood still: one later than usual by so much, another's answer so near, their requests so far apart.
const HELD_UP: Duration = Duration::from_millis(5);
const TOGETHER: Duration = Duration::from_millis(1);
const APART: Duration = Duration::from_millis(2);
/// How much a delay may be beside what a model says, besides a tenth of it.
pub(crate) const DELAY_SLACK: Duration = Duration::from_millis(60);

/// What the server said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Let in.
    Passed,
    /// Turned away: by a status, an end of the connection, or silence.
    Refused,
}

impl Verdict {
    /// Whether it was let in.
    #[must_use]
    pub fn passed(self) -> bool {
        self == Verdict::Passed
    }
}

/// One try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Try {
    /// When the request was written.
    pub sent: Duration,
    /// When the first byte of the answer came, or was given up.
    pub answered: Duration,
    /// What it said.
    pub verdict: Verdict,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    Tried {
        at: Duration,
        /// How far before or behind `at` the server may have decided.
        slack: Duration,
        verdict: Verdict,
        /// How much later than usual it was answered.
        late: Duration,
    },
    Released {
        at: Duration,
        count: u32,
    },
}

/// How many tries and releases there were.
pub(crate) type Mark = (usize, usize);

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct History {
    tries: Vec<Try>,
    releases: Vec<(Duration, u32)>,
    /// How many tries and releases were made before it all began anew.
    old: Mark,
    /// The same, as models are asked; made anew when a try shows another usual time.
    before: Vec<Event>,
    events: Vec<Event>,
}

impl History {
    pub(crate) fn push(&mut self, tried: Try) {
        self.tries.push(tried);
        self.rebuild();
    }

    pub(crate) fn release(&mut self, at: Duration, count: u32) {
        self.releases.push((BEGIN + at + NOTICED / 2, count));
        self.rebuild();
    }

    pub(crate) fn tries(&self) -> u32 {
        u32::try_from(self.tries.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn was_refused(&self) -> bool {
        self.first_refusal().is_some()
    }

    /// Where it stands.
    pub(crate) fn mark(&self) -> Mark {
        (self.tries.len(), self.releases.len())
    }

    /// What was seen since then began with a quota that nobody used; what was seen before, with one that others may have used.
    pub(crate) fn begin_anew(&mut self, mark: Mark) {
        self.old = mark;
        self.rebuild();
    }

    /// Whether it began with a refusal: others had used all of it.
    pub(crate) fn begins_refused(&self) -> bool {
        self.first_refusal().is_some_and(|(_, passes)| passes.is_empty())
    }

    /// Tries since it began, or began anew.
    pub(crate) fn tries_since(&self) -> u32 {
        u32::try_from(self.tries.len() - self.old.0).unwrap_or(u32::MAX)
    }

    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    /// The way there and back, where nobody waits.
    pub(crate) fn round_trip(&self) -> Duration {
        let ways = self.tries.iter().map(|tried| tried.answered - tried.sent);
        ways.min().unwrap_or_default()
    }

    /// How far from the middle of its way a decision usually is.
    pub(crate) fn slack(&self) -> Duration {
        let slack = |event: &Event| match *event {
            Event::Tried { slack, .. } => Some(slack),
            Event::Released { .. } => None,
        };
        let mut all: Vec<Duration> = self.events.iter().filter_map(slack).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or(LEAST_SLACK)
    }

    /// What was seen before it began anew.
    pub(crate) fn before(&self) -> &[Event] {
        &self.before
    }

    /// When the first one was refused, and when those before it were let in.
    pub(crate) fn first_refusal(&self) -> Option<(Duration, Vec<Duration>)> {
        let mut passes = Vec::new();
        for event in &self.events {
            match *event {
                Event::Tried { at, verdict, .. } if verdict.passed() => passes.push(at),
                Event::Tried { at, .. } => return Some((at, passes)),
                Event::Released { .. } => {}
            }
        }
        None
    }

    /// How many of the last tries were refused.
    pub(crate) fn refused_last(&self) -> u32 {
        let refused = self.tries.iter().skip(self.old.0).rev();
        let refused = refused.take_while(|tried| !tried.verdict.passed()).count();
        u32::try_from(refused).unwrap_or(u32::MAX)
    }

    /// When the quota was last used, where refusals count in it and where not.
    pub(crate) fn last_use(&self, counts: bool) -> Duration {
        let uses = |event: &Event| match *event {
            Event::Tried { at, verdict, .. } => (verdict.passed() || counts).then_some(at),
            Event::Released { .. } => None,
        };
        let all = self.before.iter().chain(&self.events);
        all.filter_map(uses).max().unwrap_or(BEGIN)
    }

    /// When the last one was decided about.
    pub(crate) fn last(&self) -> Duration {
        let tried = self.tries.last();
        BEGIN + tried.map(|tried| tried.answered).unwrap_or_default()
    }

    /// Between which times it opened: one was refused, and the next one let in.
    pub(crate) fn openings(&self) -> Vec<(Duration, Duration)> {
        let tried = self.events.iter().filter_map(|event| match *event {
            Event::Tried { at, verdict, .. } => Some((at, verdict)),
            Event::Released { .. } => None,
        });
        let tried: Vec<(Duration, Verdict)> = tried.collect();
        let pairs = tried.windows(2);
        let opens = pairs.filter(|pair| !pair[0].1.passed() && pair[1].1.passed());
        opens.map(|pair| (pair[0].0, pair[1].0.max(pair[0].0))).collect()
    }

    /// Whether an answer came late together with others.
    fn was_held_up(&self, tried: &Try, fastest: Duration) -> bool {
        self.tries.iter().any(|other| {
            other.answered - other.sent > fastest + HELD_UP
                && other.answered.abs_diff(tried.answered) <= TOGETHER
                && other.sent.abs_diff(tried.sent) >= APART
        })
    }

    fn rebuild(&mut self) {
        let fastest = self.round_trip();
        let tried: Vec<Event> = self
            .tries
            .iter()
            .map(|tried| {
                let way = tried.answered - tried.sent;
                let longer = way - fastest;
                // One that was made to wait was decided about when it came; one that was held up, some time in between.
                let (late, longer) = if longer > LATE && !self.was_held_up(tried, fastest) {
                    (longer, Duration::ZERO)
                } else {
                    (Duration::ZERO, longer)
                };
                Event::Tried {
                    at: BEGIN + tried.sent + (fastest + longer) / 2,
                    slack: fastest / 8 + longer / 2 + LEAST_SLACK,
                    verdict: tried.verdict,
                    late,
                }
            })
            .collect();
        let released = self.releases.iter();
        let released: Vec<Event> = released
            .map(|&(at, count)| Event::Released { at, count })
            .collect();
        let (old_tries, tries) = tried.split_at(self.old.0);
        let (old_releases, releases) = released.split_at(self.old.1);
        self.before = in_order(old_tries, old_releases);
        self.events = in_order(tries, releases);
    }
}

fn in_order(tries: &[Event], releases: &[Event]) -> Vec<Event> {
    let mut events = [tries, releases].concat();
    // Of two that may have come in either order, the one that was let in came first.
    events.sort_by_key(|event| match *event {
        Event::Released { at, .. } => at,
        Event::Tried {
            at, slack, verdict, ..
        } if verdict.passed() => at.saturating_sub(slack),
        Event::Tried { at, slack, .. } => at + slack,
    });
    events
}

/// In tenths: what a decision counts that a model would have made otherwise, and one that it would have made a little earlier
/// or later. Without the second, models that change their mind all the time would fit anything.
pub(crate) const MISS: u32 = 10;
pub(crate) const NEAR_TIE: u32 = 2;

/// Lets a model see what happened, and tells how much it disagrees.
pub(crate) fn disagrees(model: &mut State, event: &Event) -> u32 {
    match *event {
        Event::Released { at, count } => {
            (0..count).for_each(|_| model.release(at));
            0
        }
        Event::Tried {
            at,
            slack,
            verdict,
            late,
        } => {
            let agrees = |decision: Decision| match (decision, verdict) {
                (Decision::Reject { .. }, Verdict::Refused) => true,
                (Decision::Pass, Verdict::Passed) => late.is_zero(),
                (Decision::PassLate { delay }, Verdict::Passed) => {
                    delay.abs_diff(late) <= DELAY_SLACK + slack + delay / 10
                }
                _ => false,
            };
            let said = model.look(at);
            let (when, said, disagrees) = if agrees(said) {
                (at, said, 0)
            } else {
                let other = match verdict {
                    // One that comes later is let in rather.
                    Verdict::Passed => at + slack,
                    Verdict::Refused => at.saturating_sub(slack),
                };
                let said_then = model.look(other);
                if agrees(said_then) {
                    (other, said_then, NEAR_TIE)
                } else {
                    (at, said, MISS)
                }
            };
            model.take_in(when, said);
            disagrees
        }
    }
}

/// The same where others may have used some of the quota: they explain any refusal, but not that more were let in than the model allows.
/// `counts`: refusals count in it.
pub(crate) fn forbids(model: &mut State, event: &Event, counts: bool) -> u32 {
    match *event {
        Event::Released { .. } => disagrees(model, event),
        Event::Tried {
            at, slack, verdict, ..
        } => {
            let looks = [at, at + slack].map(|when| (when, model.look(when)));
            let passes = looks.into_iter().find(|(_, said)| said.passed());
            if verdict.passed() || counts {
                let (when, said) = passes.unwrap_or(looks[0]);
                model.take_in(when, said);
            }
            if verdict.passed() && passes.is_none() {
                MISS
            } else {
                0
            }
        }
    }
}
