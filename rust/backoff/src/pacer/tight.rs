//! A quota that saves nothing up: a bucket of one, as GCRA or nginx `limit_req` without a burst. Each gap between two attempts stands
//! for itself there, so the gap is sought between the longest that was refused and the shortest that was let in, and then kept.
//!
//! Jitter of the way makes a gap arrive shorter than it was sent, and that cannot be told from a slower quota: the gap settles at the
//! quota's own plus about the jitter.

use std::time::Duration;

/// So many closings in a row that let in next to nobody before say that nothing is saved up.
const CLOSINGS: u32 = 2;
/// Bounds so near leave nothing to seek.
const NEAR: f64 = 1.06;
/// So many let in at a gap that is tried make it the upper bound.
const TRIED: u32 = 2;
/// A gap that was found and is refused grows by so much, and shrinks by so much with each who is let in: one refusal in sixty.
const STEP: f64 = 1.03;
const EASE: f64 = 0.9997;
/// Where a refusal holds all for longer than a gap, by its hint, it is not worth a try to be that exact.
const NEAR_IF_DEAR: f64 = 1.12;
const EASE_IF_DEAR: f64 = 1.0;
/// Refused so often in a row, it is something else.
const ELSE: u32 = 4;
/// An attempt so much later than the gap says nothing of it.
const LATER: f64 = 1.15;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tight {
    /// Closings in a row.
    closings: u32,
    found: Option<Gap>,
}

/// All in seconds.
#[derive(Debug, Clone, Copy)]
struct Gap {
    least: f64,
    most: f64,
    now: f64,
    /// Let in at this gap, and refused in a row.
    passes: u32,
    refusals: u32,
    /// Each refusal holds all for longer than this gap.
    dear: bool,
}

impl Gap {
    fn seek(&mut self) {
        self.passes = 0;
        self.now = if self.is_found() {
            self.most
        } else {
            (self.least * self.most).sqrt()
        };
    }

    fn is_found(&self) -> bool {
        self.most <= self.least * if self.dear { NEAR_IF_DEAR } else { NEAR }
    }
}

impl Tight {
    /// The time between two attempts, where it is such a quota.
    pub(super) fn gap(&self) -> Option<Duration> {
        self.found.map(|gap| Duration::from_secs_f64(gap.now))
    }

    /// A closing ended: whether it had let in next to nobody, and how long after the last one that got in the last refused one and this
    /// one were sent; and the longest hint.
    pub(super) fn opened(&mut self, few: bool, refused: Duration, passed: Duration, hint: Duration) {
        self.closings = if few { self.closings + 1 } else { 0 };
        if self.closings < CLOSINGS || refused.is_zero() || passed <= refused {
            return;
        }
        let mut gap = Gap {
            least: refused.as_secs_f64(),
            most: passed.as_secs_f64(),
            now: 0.0,
            passes: 0,
            refusals: 0,
            dear: hint > refused,
        };
        gap.seek();
        self.found = Some(gap);
    }

    /// One got in that was sent so long after the one before.
    pub(super) fn passed(&mut self, after: Duration) {
        let Some(gap) = &mut self.found else { return };
        gap.refusals = 0;
        if after.as_secs_f64() > gap.now * LATER {
            return;
        }
        gap.passes += 1;
        if gap.is_found() {
            gap.now *= if gap.dear { EASE_IF_DEAR } else { EASE };
        } else if gap.passes >= TRIED {
            gap.most = gap.now;
            gap.seek();
        }
    }

    /// One was refused that was sent so long after the last who got in.
    pub(super) fn refused(&mut self, after: Duration) {
        let Some(gap) = &mut self.found else { return };
        gap.refusals += 1;
        if gap.refusals >= ELSE {
            *self = Self::default();
        } else if gap.is_found() {
            gap.now *= STEP;
            (gap.least, gap.most) = (gap.now, gap.now);
        } else {
            gap.least = gap.least.max(after.as_secs_f64());
            gap.most = gap.most.max(gap.least * STEP);
            gap.seek();
        }
    }
}
