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
mod state;
mod text;

pub use spec::{LARGEST_RATE, Limit, LimitError, LimitSpec, MOST_LIMITS, Rule, SMALLEST_RATE, WindowClock};
pub use text::RULE_FORMS;

use state::State;
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
    states: Vec<State>,
    latest: Duration,
}

impl Limiter {
    /// A limit that has seen nobody yet: a full bucket, no window begun, no slot taken.
    ///
    /// Figures that [`LimitSpec::check`] would refuse are drawn to the nearest that it takes.
    #[must_use]
    pub fn new(spec: &LimitSpec) -> Self {
        Self {
            states: spec.limits.iter().map(State::new).collect(),
            latest: Duration::ZERO,
        }
    }

    /// What it would say to an attempt at `now`; nothing is taken, and an attempt at an earlier time may follow.
    #[must_use]
    pub fn look(&self, now: Duration) -> Decision {
        let now = self.latest.max(now);
        if let [alone] = &self.states[..] {
            return alone.look(now);
        }
        let looks = self.states.iter().map(|state| state.look(now));
        looks.fold(Decision::Pass, both)
    }

    /// Decides on an attempt at `now`.
    pub fn try_pass(&mut self, now: Duration) -> Decision {
        let decision = self.look(now);
        self.take_in(now, decision);
        if decision.passed() {
            return decision;
        }
        match self.look(now) {
            counted @ Decision::Reject { .. } => counted,
            // Cannot be: what refused before refuses still. Should a rule forget that, the first word stands.
            Decision::Pass | Decision::PassLate { .. } => decision,
        }
    }

    /// Takes in an attempt at `now` to which [`Limiter::look`] said this: [`Limiter::try_pass`] for whoever has looked already.
    pub fn take_in(&mut self, now: Duration, decision: Decision) {
        self.latest = self.latest.max(now);
        let now = self.latest;
        if decision.passed() {
            self.states.iter_mut().for_each(|state| state.take(now));
        } else {
            self.states.iter_mut().for_each(|state| state.refused(now));
        }
    }

    /// Says that one whom the limiter had let in left at `now`. Only a concurrency cap cares.
    pub fn release(&mut self, now: Duration) {
        self.latest = self.latest.max(now);
        self.states.iter_mut().for_each(State::release);
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
