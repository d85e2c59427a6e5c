//! One state machine a rule; [`crate::Limiter`] chooses among them and keeps their time monotone.

use crate::Decision;
use crate::spec::{LARGEST_RATE, SMALLEST_RATE};
use std::collections::VecDeque;
use std::time::Duration;

/// Attoseconds: fine enough that `1 / rate` rounded to them is exact in `f64` terms, and `u128` still holds ages of them.
const ATTOS_PER_SECOND: f64 = 1e18;
const ATTOS_PER_NANO: u128 = 1_000_000_000;

/// A token bucket, kept as the moment at which it will be full again (the generic cell rate algorithm, ITU-T I.371):
/// two numbers instead of a token count that drifts.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    /// Attoseconds in which one token trickles in, rounded up so that never more than `rate` pass.
    token: u128,
    /// Attoseconds in which the whole bucket fills.
    capacity: u128,
    /// When the bucket is full again.
    full_at: u128,
    counted: bool,
}

impl Bucket {
    pub(crate) fn new(rate: f64, burst: u32, counted: bool) -> Self {
        let rate = if rate.is_nan() {
            SMALLEST_RATE
        } else {
            rate.clamp(SMALLEST_RATE, LARGEST_RATE)
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // between 1e12 and 1e24: the rate is clamped
        let token = (ATTOS_PER_SECOND / rate).ceil() as u128;
        Self {
            token,
            capacity: token * u128::from(burst.max(1)),
            full_at: 0,
            counted,
        }
    }

    pub(crate) fn try_pass(&mut self, now: Duration) -> Decision {
        let now = now.as_nanos() * ATTOS_PER_NANO;
        let full_at = self.full_at.max(now) + self.token;
        if full_at <= now + self.capacity {
            self.full_at = full_at;
            return Decision::Pass;
        }
        if self.counted {
            // The attempt takes what is in the bucket, but leaves no debt behind.
            self.full_at = now + self.capacity;
        }
        let wait = self.full_at + self.token - self.capacity - now;
        Decision::Reject {
            retry_in: Some(nanos(wait.div_ceil(ATTOS_PER_NANO))),
        }
    }
}

/// A counter that starts anew with the first attempt after its window ended.
#[derive(Debug, Clone)]
pub(crate) struct Fixed {
    limit: u32,
    window: Duration,
    /// When the window began. A difference of times never overflows, a window's end would.
    began: Option<Duration>,
    passed: u32,
    counted: bool,
}

impl Fixed {
    pub(crate) fn new(limit: u32, window: Duration, counted: bool) -> Self {
        Self {
            limit,
            window,
            began: None,
            passed: 0,
            counted,
        }
    }

    pub(crate) fn try_pass(&mut self, now: Duration) -> Decision {
        if self.limit == 0 {
            return Decision::Reject { retry_in: None };
        }
        let began = match self.began {
            Some(began) if now - began < self.window => began,
            _ => {
                self.passed = 0;
                now
            }
        };
        self.began = Some(began);
        if self.passed < self.limit {
            self.passed += 1;
            return Decision::Pass;
        }
        if self.counted {
            self.began = Some(now);
            return Decision::Reject {
                retry_in: Some(self.window),
            };
        }
        Decision::Reject {
            retry_in: Some(self.window - (now - began)),
        }
    }
}

/// A log of the latest attempts. More than `limit` of them never matter: the oldest one of those decides.
#[derive(Debug, Clone)]
pub(crate) struct Sliding {
    limit: usize,
    window: Duration,
    log: VecDeque<Duration>,
    counted: bool,
}

impl Sliding {
    pub(crate) fn new(limit: u32, window: Duration, counted: bool) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            limit,
            window,
            log: VecDeque::new(),
            counted,
        }
    }

    pub(crate) fn try_pass(&mut self, now: Duration) -> Decision {
        if self.limit == 0 {
            return Decision::Reject { retry_in: None };
        }
        while self
            .log
            .front()
            .is_some_and(|&oldest| now - oldest >= self.window)
        {
            self.log.pop_front();
        }
        if self.log.len() < self.limit {
            self.log.push_back(now);
            return Decision::Pass;
        }
        if self.counted {
            self.log.pop_front();
            self.log.push_back(now);
        }
        let oldest = self.log.front().copied().unwrap_or(now);
        Decision::Reject {
            retry_in: Some(self.window - (now - oldest)),
        }
    }
}

/// A number of slots.
#[derive(Debug, Clone)]
pub(crate) struct Concurrent {
    limit: u32,
    taken: u32,
}

impl Concurrent {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, taken: 0 }
    }

    pub(crate) fn try_pass(&mut self) -> Decision {
        if self.taken < self.limit {
            self.taken += 1;
            return Decision::Pass;
        }
        Decision::Reject { retry_in: None }
    }

    pub(crate) fn release(&mut self) {
        self.taken = self.taken.saturating_sub(1);
    }
}

/// `Duration::from_nanos` for sums that may pass 584 years.
fn nanos(count: u128) -> Duration {
    let seconds = u64::try_from(count / 1_000_000_000).unwrap_or(u64::MAX);
    Duration::new(
        seconds,
        u32::try_from(count % 1_000_000_000).expect("a remainder below 10^9"),
    )
}
