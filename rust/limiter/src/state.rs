//! What one limit keeps in mind: the counts of its rule, and since when it blocks. Several at once are put together in the crate's root.

use crate::Decision;
use crate::rules::{Aligned, Bucket, Concurrent, Counter, Fixed, Queue, Sliding};
use crate::spec::{Limit, Rule, WindowClock};
use std::time::Duration;

/// One limit's state.
#[derive(Debug, Clone)]
pub(crate) struct State {
    limit: Limit,
    counts: Counts,
    /// Until when it refuses whoever comes.
    blocks_until: Duration,
}

impl State {
    pub(crate) fn new(limit: &Limit) -> Self {
        Self {
            limit: *limit,
            counts: Counts::new(limit.rule),
            blocks_until: Duration::ZERO,
        }
    }

    /// What it would say now. Nothing is taken.
    pub(crate) fn look(&self, now: Duration) -> Decision {
        if now < self.blocks_until {
            return Decision::Reject {
                retry_in: Some(self.blocks_until - now),
            };
        }
        self.counts.look(now)
    }

    /// An attempt that it just let in is let in by all others, too.
    pub(crate) fn take(&mut self, now: Duration) {
        self.counts.take(now);
    }

    /// An attempt was refused, by this one or another.
    pub(crate) fn refused(&mut self, now: Duration) {
        let counts = self.limit.reject_counts;
        let blocks = now < self.blocks_until;
        match self.limit.block {
            Some(block) if blocks && counts || !blocks && self.is_full(now) => {
                self.counts = Counts::new(self.limit.rule);
                self.blocks_until = now.saturating_add(block);
            }
            Some(_) if blocks => {}
            _ if counts => self.counts.count_refused(now),
            _ => {}
        }
    }

    /// Whether it refuses for now; a limit of 0 always does, and has nothing to begin anew.
    fn is_full(&self, now: Duration) -> bool {
        matches!(self.counts.look(now), Decision::Reject { retry_in: Some(_) })
    }

    /// One that was let in is gone.
    pub(crate) fn release(&mut self) {
        if let Counts::Concurrent(slots) = &mut self.counts {
            slots.release();
        }
    }
}

#[derive(Debug, Clone)]
enum Counts {
    Bucket(Bucket),
    Fixed(Fixed),
    Aligned(Aligned),
    Sliding(Sliding),
    Counter(Counter),
    Queue(Queue),
    Concurrent(Concurrent),
    Unlimited,
}

impl Counts {
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
            Rule::SlidingCounter { limit, window, clock } => {
                Self::Counter(Counter::new(limit, window, clock))
            }
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
