//! Limits as servers apply them: token bucket, fixed and sliding window, concurrency cap.
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
//! let mut limiter = Limiter::new(spec);
//! assert_eq!(limiter.try_pass(Duration::ZERO), Decision::Pass);
//! let Decision::Reject { retry_in } = limiter.try_pass(Duration::from_millis(30)) else { unreachable!() };
//! assert_eq!(retry_in, Some(Duration::from_millis(70)));
//! # Ok::<(), limiter::LimitError>(())
//! ```

mod rules;
mod spec;
mod text;

pub use spec::{LARGEST_RATE, LimitError, LimitSpec, Rule, SMALLEST_RATE};
pub use text::RULE_FORMS;

use rules::{Bucket, Concurrent, Fixed, Sliding};
use std::time::Duration;

/// What the limiter says to one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The attempt is let in.
    Pass,
    /// The attempt is refused.
    Reject {
        /// After how long an attempt passes if nobody else comes in between; not a nanosecond earlier. `None` when nobody
        /// can know: a concurrency cap waits for someone to leave, and a limit of 0 never lets anyone in.
        retry_in: Option<Duration>,
    },
}

impl Decision {
    /// Whether the attempt was let in.
    #[must_use]
    pub fn passed(self) -> bool {
        self == Self::Pass
    }
}

/// The state of one limit.
#[derive(Debug, Clone)]
pub struct Limiter {
    state: State,
    latest: Duration,
}

#[derive(Debug, Clone)]
enum State {
    Bucket(Bucket),
    Fixed(Fixed),
    Sliding(Sliding),
    Concurrent(Concurrent),
    Unlimited,
}

impl Limiter {
    /// A limit that has seen nobody yet: a full bucket, no window begun, no slot taken.
    ///
    /// Figures that [`LimitSpec::check`] would refuse are drawn to the nearest that it takes.
    #[must_use]
    pub fn new(spec: LimitSpec) -> Self {
        let counted = spec.reject_counts;
        let state = match spec.rule {
            Rule::TokenBucket { rate, burst } => State::Bucket(Bucket::new(rate, burst, counted)),
            Rule::FixedWindow { limit, window } => State::Fixed(Fixed::new(limit, window, counted)),
            Rule::SlidingWindow { limit, window } => State::Sliding(Sliding::new(limit, window, counted)),
            Rule::Concurrency { limit } => State::Concurrent(Concurrent::new(limit)),
            Rule::Unlimited => State::Unlimited,
        };
        Self {
            state,
            latest: Duration::ZERO,
        }
    }

    /// Decides on an attempt at `now`.
    pub fn try_pass(&mut self, now: Duration) -> Decision {
        self.latest = self.latest.max(now);
        let now = self.latest;
        match &mut self.state {
            State::Bucket(bucket) => bucket.try_pass(now),
            State::Fixed(window) => window.try_pass(now),
            State::Sliding(window) => window.try_pass(now),
            State::Concurrent(slots) => slots.try_pass(),
            State::Unlimited => Decision::Pass,
        }
    }

    /// Says that one whom the limiter had let in left at `now`. Only a concurrency cap cares.
    pub fn release(&mut self, now: Duration) {
        self.latest = self.latest.max(now);
        if let State::Concurrent(slots) = &mut self.state {
            slots.release();
        }
    }
}
