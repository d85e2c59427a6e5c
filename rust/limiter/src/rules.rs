//! One state machine a rule; [`crate::Limiter`] chooses among them and keeps their time monotone.
//!
//! Each is looked at first (`look` takes nothing), and told afterwards what became of the attempt: with several limits at once the
//! one must not take what the other refuses.

use crate::Decision;
use crate::spec::{LARGEST_RATE, SMALLEST_RATE, WindowClock, since_begin};
use std::collections::VecDeque;
use std::time::Duration;

/// Attoseconds: fine enough that `1 / rate` rounded to them is exact in `f64` terms, and `u128` still holds ages of them.
const ATTOS_PER_SECOND: f64 = 1e18;
const ATTOS_PER_NANO: u128 = 1_000_000_000;

/// Attoseconds between two at a rate, rounded up so that never more than `rate` pass.
fn attos_between(rate: f64) -> u128 {
    let rate = if rate.is_nan() {
        SMALLEST_RATE
    } else {
        rate.clamp(SMALLEST_RATE, LARGEST_RATE)
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // between 1e12 and 1e24: the rate is clamped
    let between = (ATTOS_PER_SECOND / rate).ceil() as u128;
    between
}

fn attos(now: Duration) -> u128 {
    now.as_nanos() * ATTOS_PER_NANO
}

fn reject(retry_in: Duration) -> Decision {
    Decision::Reject {
        retry_in: Some(retry_in),
    }
}

const NEVER: Decision = Decision::Reject { retry_in: None };

/// A token bucket, kept as the moment at which it will be full again (the generic cell rate algorithm, ITU-T I.371):
/// two numbers instead of a token count that drifts.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    /// Attoseconds in which one token trickles in.
    token: u128,
    /// Attoseconds in which the whole bucket fills.
    capacity: u128,
    /// When the bucket is full again.
    full_at: u128,
}

impl Bucket {
    pub(crate) fn new(rate: f64, burst: u32) -> Self {
        let token = attos_between(rate);
        Self {
            token,
            capacity: token * u128::from(burst.max(1)),
            full_at: 0,
        }
    }

    pub(crate) fn look(&self, now: Duration) -> Decision {
        let now = attos(now);
        if self.full_at.max(now) + self.token <= now + self.capacity {
            return Decision::Pass;
        }
        let wait = self.full_at + self.token - self.capacity - now;
        reject(nanos(wait.div_ceil(ATTOS_PER_NANO)))
    }

    pub(crate) fn take(&mut self, now: Duration) {
        self.full_at = self.full_at.max(attos(now)) + self.token;
    }

    /// The attempt takes what is in the bucket, up to one token, but leaves no debt behind.
    pub(crate) fn count_refused(&mut self, now: Duration) {
        let now = attos(now);
        self.full_at = (self.full_at.max(now) + self.token).min(now + self.capacity);
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
}

impl Fixed {
    pub(crate) fn new(limit: u32, window: Duration) -> Self {
        Self {
            limit,
            window,
            began: None,
            passed: 0,
        }
    }

    /// The begin of the window that is open now.
    fn open(&self, now: Duration) -> Option<Duration> {
        self.began.filter(|&began| now - began < self.window)
    }

    pub(crate) fn look(&self, now: Duration) -> Decision {
        match self.open(now) {
            _ if self.limit == 0 => NEVER,
            Some(began) if self.passed >= self.limit => reject(self.window - (now - began)),
            _ => Decision::Pass,
        }
    }

    pub(crate) fn take(&mut self, now: Duration) {
        if self.open(now).is_none() {
            (self.began, self.passed) = (Some(now), 0);
        }
        self.passed = self.passed.saturating_add(1);
    }

    pub(crate) fn count_refused(&mut self, now: Duration) {
        if self.open(now).is_some() && self.passed >= self.limit {
            self.began = Some(now);
        } else {
            self.take(now);
        }
    }
}

/// A counter of windows that lie on the clock.
#[derive(Debug, Clone)]
pub(crate) struct Aligned {
    limit: u32,
    window: Duration,
    offset: Duration,
    /// Of the window that was counted in last.
    began: Option<Duration>,
    passed: u32,
}

impl Aligned {
    pub(crate) fn new(limit: u32, window: Duration, offset: Duration) -> Self {
        let window = window.max(Duration::from_nanos(1));
        Self {
            limit,
            window,
            offset: since_begin(offset, window, Duration::ZERO),
            began: None,
            passed: 0,
        }
    }

    fn turn(&mut self, now: Duration) -> Duration {
        let since = since_begin(now, self.window, self.offset);
        // The first window may have begun before the clock did.
        let began = now.checked_sub(since);
        if began != self.began {
            (self.began, self.passed) = (began, 0);
        }
        since
    }

    pub(crate) fn look(&self, now: Duration) -> Decision {
        let mut then = self.clone();
        let since = then.turn(now);
        match self.limit {
            0 => NEVER,
            limit if then.passed < limit => Decision::Pass,
            _ => reject(self.window - since),
        }
    }

    pub(crate) fn take(&mut self, now: Duration) {
        self.turn(now);
        self.passed = self.passed.saturating_add(1);
    }
}

/// A log of the latest attempts. More than `limit` of them never matter: the oldest one of those decides.
#[derive(Debug, Clone)]
pub(crate) struct Sliding {
    limit: usize,
    window: Duration,
    log: VecDeque<Duration>,
}

impl Sliding {
    pub(crate) fn new(limit: u32, window: Duration) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            limit,
            window,
            log: VecDeque::new(),
        }
    }

    pub(crate) fn look(&self, now: Duration) -> Decision {
        if self.limit == 0 {
            return NEVER;
        }
        // One that is over stays in the log until another takes its place, so that a log which is full has as many as may pass.
        match self.log.front() {
            Some(&oldest) if self.log.len() >= self.limit && now - oldest < self.window => {
                reject(self.window - (now - oldest))
            }
            _ => Decision::Pass,
        }
    }

    pub(crate) fn take(&mut self, now: Duration) {
        if self.limit == 0 {
            return;
        }
        if self.log.len() >= self.limit {
            self.log.pop_front();
        }
        self.log.push_back(now);
    }
}

/// Two counters: of the window that is open, and of the one before it.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    limit: u32,
    window: Duration,
    clock: WindowClock,
    /// When the window begins that is open, in nanoseconds since one window before the clock's begin, which the first one may touch.
    began: Option<u128>,
    current: u32,
    previous: u32,
}

impl Counter {
    pub(crate) fn new(limit: u32, window: Duration, clock: WindowClock) -> Self {
        let window = window.max(Duration::from_nanos(1));
        let clock = match clock {
            WindowClock::First => clock,
            WindowClock::Aligned { offset } => WindowClock::Aligned {
                offset: since_begin(offset, window, Duration::ZERO),
            },
        };
        Self {
            limit,
            window,
            clock,
            began: None,
            current: 0,
            previous: 0,
        }
    }

    /// Opens the window of this moment; how long it is open.
    fn turn(&mut self, now: Duration) -> u128 {
        let window = self.window.as_nanos();
        let now = now.as_nanos() + window;
        let over = self.began.map(|began| (began, divided(now - began, window).0));
        let began = match (over, self.clock) {
            (Some((began, 0)), _) => began,
            (Some((began, 1)), _) => {
                (self.previous, self.current) = (self.current, 0);
                began + window
            }
            (_, clock) => {
                (self.previous, self.current) = (0, 0);
                match clock {
                    WindowClock::First => now,
                    WindowClock::Aligned { offset } => now - divided(now - offset.as_nanos(), window).1,
                }
            }
        };
        self.began = Some(began);
        now - began
    }

    pub(crate) fn look(&self, now: Duration) -> Decision {
        let mut then = self.clone();
        let since = then.turn(now);
        let Some(room) = self.limit.checked_sub(1) else {
            return NEVER;
        };
        let window = self.window.as_nanos();
        // From when on in a window one more fits beside `current`, of which `previous` were let in before it.
        let fits = |previous: u32, current: u32| {
            let free = u128::from(room.checked_sub(current)?);
            let previous = u128::from(previous.max(1));
            let most = match self.clock {
                WindowClock::Aligned { .. } => divided(free * window, previous).0,
                // Whole ones are reckoned with, so that one less than whole takes no room.
                WindowClock::First => ((free + 1) * window).div_ceil(previous) - 1,
            };
            Some(window.saturating_sub(most))
        };
        let wait = match fits(then.previous, then.current) {
            Some(_) if then.previous == 0 => 0,
            Some(from) => from.saturating_sub(since),
            None => window - since + fits(then.current, 0).unwrap_or(0),
        };
        if wait == 0 {
            Decision::Pass
        } else {
            reject(nanos(wait))
        }
    }

    pub(crate) fn take(&mut self, now: Duration) {
        self.turn(now);
        self.current = self.current.saturating_add(1);
    }
}

/// nginx's `limit_req`: the excess over the rate, kept as the moment at which it is worked off.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    /// Attoseconds between two answers.
    gap: u128,
    /// Attoseconds that the queue holds, and those of them that nobody waits for.
    longest: u128,
    free: u128,
    /// When the latest one that was let in would be answered at the very rate.
    booked: Option<u128>,
}

impl Queue {
    pub(crate) fn new(rate: f64, burst: u32, delay: u32) -> Self {
        let gap = attos_between(rate);
        Self {
            gap,
            longest: gap * u128::from(burst),
            free: gap * u128::from(delay.min(burst)),
            booked: None,
        }
    }

    fn next(&self, now: u128) -> u128 {
        self.booked.map_or(now, |booked| now.max(booked + self.gap))
    }

    pub(crate) fn look(&self, now: Duration) -> Decision {
        let now = attos(now);
        let ahead = self.next(now) - now;
        if ahead > self.longest {
            return reject(nanos((ahead - self.longest).div_ceil(ATTOS_PER_NANO)));
        }
        match ahead.saturating_sub(self.free).div_ceil(ATTOS_PER_NANO) {
            0 => Decision::Pass,
            delay => Decision::PassLate { delay: nanos(delay) },
        }
    }

    pub(crate) fn take(&mut self, now: Duration) {
        self.booked = Some(self.next(attos(now)));
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

    pub(crate) fn look(&self) -> Decision {
        if self.taken < self.limit {
            Decision::Pass
        } else {
            NEVER
        }
    }

    pub(crate) fn take(&mut self) {
        self.taken += 1;
    }

    pub(crate) fn release(&mut self) {
        self.taken = self.taken.saturating_sub(1);
    }
}

/// `Duration::from_nanos` for sums that may pass 584 years.
pub(crate) fn nanos(count: u128) -> Duration {
    if let Ok(count) = u64::try_from(count) {
        return Duration::from_nanos(count);
    }
    let seconds = u64::try_from(count / 1_000_000_000).unwrap_or(u64::MAX);
    Duration::new(
        seconds,
        u32::try_from(count % 1_000_000_000).expect("a remainder below 10^9"),
    )
}

/// How often one is in the other, and what is left. Divisions of 128 bits are dear, and hardly ever needed.
pub(crate) fn divided(count: u128, by: u128) -> (u128, u128) {
    match (u64::try_from(count), u64::try_from(by)) {
        (Ok(count), Ok(by)) => ((count / by).into(), (count % by).into()),
        _ => (count / by, count % by),
    }
}
