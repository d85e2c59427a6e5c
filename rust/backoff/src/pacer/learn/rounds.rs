//! Turns in rounds: as many at once as a window lets in, and then nobody until the next one opens. Where windows are long and few, to go
//! evenly would cost a whole one of them: the last of a window's users would come at its end, not at its begin.

use std::time::Duration;

/// A round costs the time in which its users go at so many a second, and so long until it is found that its window is open.
const AT_ONCE: f64 = 50.0;
const FOUND: f64 = 0.5;
/// To go evenly costs this share of all windows beside the one.
const EVENLY: f64 = 0.05;
/// Bounds so near are as good as one.
const NEAR: f64 = 0.95;

#[derive(Debug, Clone)]
pub(super) struct Rounds {
    /// How many a window lets in.
    quota: u64,
    /// When the first of this round was sent, and how many were let in since.
    first: Duration,
    passes: u64,
    /// Bounds of the time from a window's first to the next window.
    least: Duration,
    most: Duration,
}

impl Rounds {
    /// From the window on whose first was just let in, where that costs less than to go evenly.
    pub(super) fn from(
        first: Duration,
        quota: u64,
        (least, most): (Duration, Duration),
        waiting: usize,
    ) -> Option<Self> {
        let windows = waiting as f64 / quota as f64;
        let cost = (quota as f64 / AT_ONCE + FOUND) / most.as_secs_f64();
        (cost < 1.0 / windows + EVENLY).then_some(Self {
            quota,
            first,
            passes: 0,
            least,
            most,
        })
    }

    /// How many are let in still.
    pub(super) fn left(&self) -> u64 {
        self.quota.saturating_sub(self.passes)
    }

    pub(super) fn passed(&mut self) {
        self.passes += 1;
    }

    /// The first of the next round was let in.
    pub(super) fn opened(&mut self, sent: Duration) {
        self.most = self.most.min(sent.saturating_sub(self.first));
        self.least = self.least.min(self.most);
        (self.first, self.passes) = (sent, 0);
    }

    /// It came too soon.
    pub(super) fn refused(&mut self, sent: Duration) {
        self.least = self.least.max(sent.saturating_sub(self.first)).min(self.most);
    }

    /// When a window is open for certain, as far as it is known.
    pub(super) fn certain(&self) -> Duration {
        self.first.saturating_add(self.most)
    }

    /// When the next round is tried; `dear`: one that comes too soon may cost a window.
    pub(super) fn next(&self, dear: bool) -> Duration {
        if dear || self.least >= self.most.mul_f64(NEAR) {
            return self.certain();
        }
        self.first.saturating_add((self.least + self.most) / 2)
    }

    /// The rate to go evenly.
    pub(super) fn rate(&self) -> f64 {
        self.quota as f64 / self.most.as_secs_f64()
    }
}
