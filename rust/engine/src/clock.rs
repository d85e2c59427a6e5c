//! The time since a start, as the pure machines count it: `backoff::Attempts` knows no other.

use std::time::Duration;

use tokio::time::Instant;

/// Counts from its start.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// Counts from now.
    pub fn start() -> Self {
        Clock(Instant::now())
    }

    /// The time now.
    pub fn now(self) -> Duration {
        self.0.elapsed()
    }

    /// So much later than now.
    pub fn after(self, left: Duration) -> Duration {
        self.now().saturating_add(left)
    }

    /// The moment of a time, for timers.
    pub fn at(self, time: Duration) -> Instant {
        self.0 + time.min(FARTHEST)
    }
}

/// A sum of this and any start can be counted everywhere; no timer of ours lives for 30 years.
const FARTHEST: Duration = Duration::from_secs(30 * 365 * 86_400);
