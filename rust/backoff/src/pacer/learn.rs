//! What a gate learns of its quota: the rate, and, where the quota is a window, that a closed one is one event, how many it lets in
//! and when it opens.
//!
//! Two kinds of limit look alike at the first refusal and ask for the opposite:
//! - a **bucket** lets in as many a second as it always does: the rate must come down, and stay down;
//! - a **window** lets nobody in until it opens, and then as fast as before: the rate must come back with the first success, or the
//!   next window is half over before its quota is used.
//!
//! So a refusal closes the gate, and single probes go, each after twice the gap of the one before. What the closing was, is judged
//! when a probe gets in: soon, and it was a bucket; after many of the gaps, with some let in before it, and it may have been a window.
//! Then the old rate is tried by a slow start (1, 2, 4 ... under way at a time), which costs two refusals where it was a bucket after
//! all, and is remembered.

use super::PacerSettings;
use std::time::Duration;

/// After this long with refusals and not one success, each refusal doubles the gap: a quota that counts refusals may be
/// smaller than the lowest rate, and would never open again under it (five logins a minute, say).
const PATIENCE: Duration = Duration::from_secs(60);
/// By then every gap is longer than any hold.
const MOST_DOUBLINGS: u32 = 31;
/// A window that lets in fewer than this is as good as a bucket.
const FEW: u64 = 4;
/// A closing that is shorter, or shorter than [`GAPS`] of the gaps before it, tells nothing of a window.
const SHORTEST_CLOSING: Duration = Duration::from_millis(500);
const GAPS: f64 = 6.0;
/// A hint of this length says more than the least that whole seconds can say.
const TELLING_HINT: Duration = Duration::from_millis(1_500);
/// A slow start is over by so many under way.
const MANY: usize = 64;
/// Bounds of a window's length that are so near need no further probe between them.
const NEAR: f64 = 1.4;
/// A bucket lets in for so many gaps between two refusals; a window that looked like one stays closed for longer.
const LONG_GAPS: f64 = 20.0;
/// What comes back of the rate that worked before, where the window may open as slowly as it was filled.
const BACK: f64 = 0.8;
/// After a refusal in the midst of successes the rate comes back to this share of what was too much.
const SAFE: f64 = 0.85;
/// By so much with each success.
const CLIMB: f64 = 1.1;
/// Every so often a window whose end is known is tried beyond it.
const TRUSTED: u32 = 3;

/// Since the quota was last found open.
#[derive(Debug, Clone, Copy, Default)]
struct Open {
    /// When the first one that got in was sent.
    since: Option<Duration>,
    passes: u64,
    /// How many may be under way at a time, while it starts slowly.
    start: Option<usize>,
    /// The rate to go back to if the start was wrong.
    fallback: Option<f64>,
}

/// The quota was found closed.
#[derive(Debug, Clone, Copy)]
struct Closed {
    /// When the first one that was refused was sent, and when that was heard.
    since: Duration,
    heard: Duration,
    rate_before: f64,
    /// What was open before.
    before: Open,
    /// When the latest refused one was sent.
    last: Duration,
    /// Refused since it was heard.
    probes: u32,
    longest_hint: Duration,
}

/// A cut of the rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    before: f64,
    nth: u64,
    /// How many had been taken back by then.
    taken_back: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Learner {
    settings: PacerSettings,
    /// Attempts a second.
    pub(super) rate: f64,
    /// No turn before this.
    pub(super) next: Duration,
    /// Until when the latest hint holds; `None` before the first hint.
    pub(super) hold: Option<Duration>,
    /// When the rate was cut last, and how often it was.
    cut: Option<Duration>,
    cuts: u64,
    taken_back: u64,
    /// The first refusal since the last success.
    dry: Option<Duration>,
    /// How often the gap was doubled since the last success.
    doublings: u32,
    open: Open,
    closed: Option<Closed>,
    /// Bounds of the time from the first of a window to the next window.
    length: Option<(Duration, Duration)>,
    /// How many a window let in.
    quota: Option<u64>,
    /// A slow start found nothing: it is a bucket.
    trickles: bool,
    /// Where the rate comes back to soon.
    ceiling: f64,
    /// How often in a row a window let in as many as the one before.
    same: u32,
}

impl Learner {
    pub(super) fn new(settings: PacerSettings) -> Self {
        Self {
            rate: settings.rate,
            settings,
            next: Duration::ZERO,
            hold: None,
            cut: None,
            cuts: 0,
            taken_back: 0,
            dry: None,
            doublings: 0,
            open: Open::default(),
            closed: None,
            length: None,
            quota: None,
            trickles: false,
            ceiling: 0.0,
            same: 0,
        }
    }

    /// So many times the time between two turns.
    pub(super) fn gap(&self, times: f64) -> Duration {
        Duration::from_secs_f64(times / self.rate)
    }

    /// How many may be under way at a time now; `None`: as many as the rate makes.
    pub(super) fn most(&self, awaited: usize) -> Option<usize> {
        if self.closed.is_some() {
            return Some(1);
        }
        let under_way = u64::try_from(awaited).unwrap_or(u64::MAX);
        let full = |quota: &u64| self.open.passes.saturating_add(under_way) >= *quota;
        if self.same > 0 && self.quota.as_ref().is_some_and(full) {
            return Some(1);
        }
        self.open.start
    }

    /// One that was sent then was let in.
    pub(super) fn passed(&mut self, sent: Duration) {
        (self.dry, self.doublings) = (None, 0);
        match self.closed {
            Some(closed) if sent >= closed.heard => self.opened(closed, sent),
            // It was under way when the quota closed.
            Some(_) => {}
            None => {
                self.open.since.get_or_insert(sent);
                self.open.passes += 1;
                if let Some(most) = &mut self.open.start {
                    *most += 1;
                }
                if self.open.start.is_some_and(|most| most > MANY) {
                    (self.open.start, self.open.fallback) = (None, None);
                }
                // It let in more than a window of before: nobody knows where this one ends.
                if self.quota.is_some_and(|quota| self.open.passes > quota + FEW) {
                    self.quota = None;
                }
            }
        }
        self.rate = (self.rate + self.settings.increase / self.rate).min(self.settings.max_rate);
        if self.rate < self.ceiling {
            self.rate = (self.rate * CLIMB).min(self.ceiling);
        }
        self.foresee(sent);
    }

    /// A window of known length that let in as many as each time before is closed now: no refusal is needed to know.
    fn foresee(&mut self, sent: Duration) {
        let (Some(quota), Some((_, most)), Some(first)) = (self.quota, self.length, self.open.since) else {
            return;
        };
        if self.closed.is_none() && self.open.passes >= quota && self.same > 0 && self.same % TRUSTED != 0 {
            self.same += 1;
            self.next = self.next.max(first.saturating_add(most)).max(sent);
            self.open = Open {
                start: Some(2),
                ..Open::default()
            };
        }
    }

    fn opened(&mut self, closed: Closed, sent: Duration) {
        let lasted = sent.saturating_sub(closed.since);
        let long = lasted >= SHORTEST_CLOSING && lasted.as_secs_f64() * closed.rate_before >= GAPS;
        let told = closed.longest_hint >= TELLING_HINT || closed.probes >= 2 || self.length.is_some();
        let hinted = closed.longest_hint >= TELLING_HINT;
        // Where others took most of a window, a hint tells of it none the less.
        let window = long && told && (hinted || closed.before.passes >= FEW);
        self.open = Open {
            since: Some(sent),
            passes: 1,
            start: None,
            fallback: None,
        };
        self.closed = None;
        if !window {
            return;
        }
        if self.trickles && lasted.as_secs_f64() * closed.rate_before < LONG_GAPS {
            return;
        }
        self.trickles = false;
        let passes = closed.before.passes;
        let same = self.quota.is_some_and(|quota| quota.abs_diff(passes) <= 1);
        self.same = if same { self.same + 1 } else { 0 };
        self.quota = Some(passes);
        if let (Some(first), true) = (closed.before.since, closed.longest_hint.is_zero()) {
            let least = closed.last.saturating_sub(first);
            let most = sent.saturating_sub(first).min(units::LONGEST);
            self.length = Some((least.min(most), most));
        }
        (self.open.start, self.open.fallback) = (Some(2), Some(self.rate));
        let back = if closed.longest_hint.is_zero() { BACK } else { 1.0 };
        self.rate = self.rate.max(closed.rate_before * back);
        // The probe had the longest gap behind it.
        self.next = sent.saturating_add(self.gap(1.0));
    }

    /// Nobody goes before the end of the hint; gives back how long that is.
    pub(super) fn hold_for(&mut self, now: Duration, hint: Option<Duration>) -> Option<Duration> {
        let hint = hint?.min(self.settings.max_hold);
        let until = now.saturating_add(hint);
        self.hold = Some(self.hold.map_or(until, |hold| hold.max(until)));
        Some(hint)
    }

    /// One that was sent then was refused, which is heard now; gives back the cut that it made of the rate.
    pub(super) fn refused(&mut self, now: Duration, sent: Duration, hint: Option<Duration>) -> Option<Cut> {
        let (before, cuts, taken_back) = (self.rate, self.cuts, self.taken_back);
        let hint = self.hold_for(now, hint);
        let known = self.cut.is_some_and(|cut| {
            sent < cut || now < cut.saturating_add(self.settings.cut_gap.max(self.gap(1.0)))
        });
        let probed = match &mut self.closed {
            Some(closed) => {
                closed.longest_hint = closed.longest_hint.max(hint.unwrap_or_default());
                let probe = sent >= closed.heard;
                if probe {
                    closed.probes += 1;
                    closed.last = closed.last.max(sent);
                }
                probe
            }
            None => {
                self.close(now, sent, hint);
                true
            }
        };
        let probe = probed && self.closed.is_some_and(|closed| closed.probes > 0);
        // An attempt from before the last cut says nothing about the rate after it.
        if !known || probe {
            self.cut = Some(now);
            self.cuts += 1;
            self.rate = (self.rate * self.settings.beta).max(self.settings.min_rate);
            let dry = *self.dry.get_or_insert(now);
            if now - dry >= PATIENCE {
                self.doublings = (self.doublings + 1).min(MOST_DOUBLINGS);
            }
        }
        let gap = self.gap(f64::from(1_u32 << self.doublings));
        let longest = self.settings.max_hold.max(self.gap(1.0));
        let mut at = now.saturating_add(gap.min(longest));
        if let (Some(closed), None, true) = (&self.closed, hint, probed) {
            at = at.max(self.expected(closed).unwrap_or_default());
        }
        self.next = self.next.max(at);
        (self.cuts > cuts).then_some(Cut {
            before,
            nth: self.cuts,
            taken_back,
        })
    }

    fn close(&mut self, now: Duration, sent: Duration, hint: Option<Duration>) {
        let before = self.open;
        if let Some(fallback) = before.fallback.filter(|_| before.passes < FEW) {
            // The slow start was wrong.
            self.trickles = true;
            (self.length, self.quota) = (None, None);
            self.rate = self.rate.min(fallback / self.settings.beta);
        }
        self.ceiling = if before.passes >= 2 * FEW && before.since.is_some() && self.cuts > 0 {
            self.rate * SAFE
        } else {
            0.0
        };
        self.closed = Some(Closed {
            since: sent,
            heard: now,
            rate_before: self.rate,
            before,
            last: sent,
            probes: 0,
            longest_hint: hint.unwrap_or_default(),
        });
    }

    /// When the next probe goes, by what is known of the window's length: between its bounds, at the upper one, and then ever later.
    fn expected(&self, closed: &Closed) -> Option<Duration> {
        let (least, most) = self.length?;
        let first = closed.before.since?;
        if closed.before.passes < FEW {
            return None;
        }
        let narrow = most.as_secs_f64() <= least.as_secs_f64() * NEAR;
        match closed.probes + u32::from(narrow) {
            0 => Some(first.saturating_add((least + most) / 2)),
            1 => Some(first.saturating_add(most)),
            // Where each refusal begins the window anew, only a whole one without an attempt helps.
            nth => Some(closed.last.saturating_add(most.mul_f64(f64::from(nth) / 2.0))),
        }
    }

    /// A cut was by one whom nobody but itself kept out.
    pub(super) fn take_back(&mut self, cut: Cut) {
        // Others may have been taken back since that had lowered the rate before it.
        let others = i32::try_from(self.taken_back - cut.taken_back).unwrap_or(i32::MAX);
        let before = (cut.before / self.settings.beta.powi(others)).min(self.settings.max_rate);
        self.rate = (self.rate / self.settings.beta).min(before).max(self.rate);
        self.taken_back += 1;
        if cut.nth == self.cuts {
            self.closed = None;
        }
    }
}
