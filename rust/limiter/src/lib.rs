//! Limits as servers apply them: token bucket, fixed and sliding window, two counters for a sliding one, a queue that delays,
//! concurrency cap, and several of them at once.
//!
//! Not here: how a refusal looks on the wire (`testbed`), and what a refused one does (`backoff`).
//!
//! Pure: no clock, no I/O, no threads. Time is a [`Duration`] since any start that the caller likes, handed in with each
//! attempt, and never runs backwards (an earlier time counts as the latest one seen). So the same code decides in the
//! test server, where time is real, and in the simulator, where it is not.
//!
//! ```
//! use limiter::{Decision, LimitSpec, Limiter};
//! use std::time::Duration;
//!
//! let spec: LimitSpec = "token-bucket rate=10 burst=1".parse()?;
//! let mut limiter = Limiter::new(&spec);
//! assert_eq!(limiter.try_pass(Duration::ZERO), Decision::Pass);
//! let Decision::Reject { retry_in } = limiter.try_pass(Duration::from_millis(30)) else { unreachable!() };
//! assert_eq!(retry_in, Some(Duration::from_millis(70)));
//! # Ok::<(), limiter::LimitError>(())
//! ```

mod bound;
mod rules;
mod spec;
mod text;

pub use spec::{LARGEST_RATE, Limit, LimitError, LimitSpec, MOST_LIMITS, Rule, SMALLEST_RATE, WindowClock};
pub use text::RULE_FORMS;

use rules::{Aligned, Bucket, Concurrent, Counter, Fixed, Queue, Sliding};
use std::time::Duration;

/// What the limiter says to one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The attempt is let in.
    Pass,
    /// The attempt is let in, and answered late.
    PassLate {
        /// After how long it is answered.
        delay: Duration,
    },
    /// The attempt is refused.
    Reject {
        /// After how long an attempt passes if nobody else comes in between; not a nanosecond earlier. `None` when nobody
        /// can know: a concurrency cap waits for someone to leave, and a limit of 0 never lets anyone in.
        retry_in: Option<Duration>,
    },
}

impl Decision {
    /// Whether the attempt was let in, at once or late.
    #[must_use]
    pub fn passed(self) -> bool {
        !matches!(self, Self::Reject { .. })
    }
}

/// The state of one limit, or of several that stand one behind the other.
#[derive(Debug, Clone)]
pub struct Limiter {
    states: Vec<(State, bool)>,
    latest: Duration,
}

#[derive(Debug, Clone)]
enum State {
    Bucket(Bucket),
    Fixed(Fixed),
    Aligned(Aligned),
    Sliding(Sliding),
    Counter(Counter),
    Queue(Queue),
    Concurrent(Concurrent),
    Unlimited,
}

impl State {
    fn new(rule: Rule) -> Self {
        match rule {
            Rule::TokenBucket { rate, burst } => Self::Bucket(Bucket::new(rate, burst)),
            Rule::FixedWindow {
                limit,
                window,
                clock: WindowClock::First,
            } => Self::Fixed(Fixed::new(limit, window)),
            Rule::FixedWindow {
                limit,
                window,
                clock: WindowClock::Aligned { offset },
            } => Self::Aligned(Aligned::new(limit, window, offset)),
            Rule::SlidingWindow { limit, window } => Self::Sliding(Sliding::new(limit, window)),
            Rule::SlidingCounter {
                limit,
                window,
                offset,
            } => Self::Counter(Counter::new(limit, window, offset)),
            Rule::Queue { rate, burst, delay } => Self::Queue(Queue::new(rate, burst, delay)),
            Rule::Concurrency { limit } => Self::Concurrent(Concurrent::new(limit)),
            Rule::Unlimited => Self::Unlimited,
        }
    }

    /// What it would say now. Nothing is taken.
    fn look(&self, now: Duration) -> Decision {
        match self {
            Self::Bucket(bucket) => bucket.look(now),
            Self::Fixed(window) => window.look(now),
            Self::Aligned(window) => window.look(now),
            Self::Sliding(window) => window.look(now),
            Self::Counter(window) => window.look(now),
            Self::Queue(queue) => queue.look(now),
            Self::Concurrent(slots) => slots.look(),
            Self::Unlimited => Decision::Pass,
        }
    }

    /// An attempt that it just let in is let in by all others, too.
    fn take(&mut self, now: Duration) {
        match self {
            Self::Bucket(bucket) => bucket.take(now),
            Self::Fixed(window) => window.take(now),
            Self::Aligned(window) => window.take(now),
            Self::Sliding(window) => window.take(now),
            Self::Counter(window) => window.take(now),
            Self::Queue(queue) => queue.take(now),
            Self::Concurrent(slots) => slots.take(),
            Self::Unlimited => {}
        }
    }

    /// An attempt was refused, by this one or another, and refusals count.
    fn count_refused(&mut self, now: Duration) {
        match self {
            Self::Bucket(bucket) => bucket.count_refused(now),
            Self::Fixed(window) => window.count_refused(now),
            Self::Aligned(window) => window.take(now),
            Self::Sliding(window) => window.take(now),
            Self::Counter(window) => window.take(now),
            Self::Queue(_) | Self::Concurrent(_) | Self::Unlimited => {}
        }
    }
}

impl Limiter {
    /// A limit that has seen nobody yet: a full bucket, no window begun, no slot taken.
    ///
    /// Figures that [`LimitSpec::check`] would refuse are drawn to the nearest that it takes.
    #[must_use]
    pub fn new(spec: &LimitSpec) -> Self {
        let state = |limit: &Limit| (State::new(limit.rule), limit.reject_counts);
        Self {
            states: spec.limits.iter().map(state).collect(),
            latest: Duration::ZERO,
        }
    }

    /// What it would say to an attempt at `now`; nothing is taken, and an attempt at an earlier time may follow.
    #[must_use]
    pub fn look(&self, now: Duration) -> Decision {
        let now = self.latest.max(now);
        let looks = self.states.iter().map(|(state, _)| state.look(now));
        looks.fold(Decision::Pass, both)
    }

    /// Decides on an attempt at `now`.
    pub fn try_pass(&mut self, now: Duration) -> Decision {
        self.latest = self.latest.max(now);
        let now = self.latest;
        let decision = self.look(now);
        if decision.passed() {
            self.states.iter_mut().for_each(|(state, _)| state.take(now));
            return decision;
        }
        let mut counted = Decision::Pass;
        for (state, counts) in &mut self.states {
            if *counts {
                state.count_refused(now);
            }
            counted = both(counted, state.look(now));
        }
        match counted {
            Decision::Reject { .. } => counted,
            // Cannot be: what refused before refuses still. Should a rule forget that, the first word stands.
            Decision::Pass | Decision::PassLate { .. } => decision,
        }
    }

    /// Says that one whom the limiter had let in left at `now`. Only a concurrency cap cares.
    pub fn release(&mut self, now: Duration) {
        self.latest = self.latest.max(now);
        for (state, _) in &mut self.states {
            if let State::Concurrent(slots) = state {
                slots.release();
            }
        }
    }
}

/// What two limits say together: the longest wait, the longest delay; and nobody knows where one does not.
fn both(one: Decision, other: Decision) -> Decision {
    use Decision::{Pass, PassLate, Reject};
    match (one, other) {
        (Reject { retry_in: a }, Reject { retry_in: b }) => Reject {
            retry_in: a.zip(b).map(|(a, b)| a.max(b)),
        },
        (refused @ Reject { .. }, _) | (_, refused @ Reject { .. }) => refused,
        (PassLate { delay: a }, PassLate { delay: b }) => PassLate { delay: a.max(b) },
        (late @ PassLate { .. }, Pass) | (Pass, late @ PassLate { .. }) => late,
        (Pass, Pass) => Pass,
    }
}
