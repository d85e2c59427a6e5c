//! A quota that was found closed: what a refusal says of it, when the next probe goes, and what the closing was when one gets in.
//!
//! Not here: the rate while it is open.

use super::{FEW, Learner, Open, STEADY};
use std::time::Duration;

/// A closing that is shorter, or shorter than [`GAPS`] of the gaps before it, tells nothing of a window.
const SHORTEST_CLOSING: Duration = Duration::from_millis(500);
const GAPS: f64 = 6.0;
/// A hint of this length says more than the least that whole seconds can say.
const TELLING_HINT: Duration = Duration::from_millis(1_500);
/// Without one, so many probes do.
const TELLING_PROBES: u32 = 2;
/// Bounds of a window's length that are so near need no further probe between them.
const NEAR: f64 = 1.4;
/// A bucket lets in for so many gaps between two refusals; a window that looked like one stays closed for longer.
const LONG_GAPS: f64 = 20.0;
/// A window that each refusal begins anew looks nearly as long as if none did.
const CONSISTENT: f64 = 0.9;
/// Ways differ: so much more than was enough.
const QUIETER: f64 = 1.02;
/// Where less is enough it is not worth a trial.
const LONG_QUIET: Duration = Duration::from_secs(2);
/// What comes back of the rate that worked before, where the window may open as slowly as it was filled.
const BACK: f64 = 0.8;
/// After a refusal in the midst of successes the rate comes back to this share of what was too much.
const SAFE: f64 = 0.85;
/// So many that got in behind a refused one say that it was refused for its own sake, whatever the quota is.
const BEHIND: u64 = 2;
/// A window that let in less than this share of the one before.
const UNEVEN: f64 = 0.6;
/// Or so often in a row fewer than the one before, however few fewer: a window that is weighed against the one before, with hints
/// shorter than itself.
const FALLING: u32 = 3;
/// What of the mean rate such windows are gone through with.
const EVENLY: f64 = 0.92;

/// The quota was found closed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Closed {
    /// When the first one that was refused was sent, and when that was heard.
    pub(super) since: Duration,
    pub(super) heard: Duration,
    rate_before: f64,
    /// What was open before.
    before: Open,
    /// When the latest refused one was sent, of those that were sent since and of all.
    last: Duration,
    latest: Duration,
    /// Refused since it was heard.
    probes: u32,
    /// How many got in that were sent behind the refused one.
    behind: u64,
    longest_hint: Duration,
}

/// What a refusal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// The quota is closed.
    Closed,
    /// It still is.
    Probed,
    /// Nothing as yet: no refusal begins its window anew, or another one has to say whether it is closed.
    Trial,
    /// Nothing: it was sent before that was known.
    Old,
}

impl Closed {
    pub(super) fn was_probed(&self) -> bool {
        self.probes > 0
    }

    /// Others than this gate did, often enough to tell a window by.
    pub(super) fn probed_in_vain(&mut self) {
        self.probes = self.probes.max(TELLING_PROBES);
    }
}

impl Learner {
    fn close(&mut self, now: Duration, sent: Duration, hint: Option<Duration>) {
        let before = self.open;
        if let Some(fallback) = before.fallback.filter(|_| before.passes < FEW) {
            // The slow start was wrong.
            self.trickles = true;
            (self.length, self.quota) = (None, None);
            self.rate = self.rate.min(fallback / self.settings.beta);
        }
        if self.costly {
            self.count(sent);
        }
        if self.quota.is_some_and(|quota| before.passes + 1 < quota) {
            // A window that is begun anew lets in as many as before.
            self.may_renew = false;
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
            latest: sent,
            probes: 0,
            behind: 0,
            longest_hint: hint.unwrap_or_default(),
        });
    }

    pub(super) fn heard(&mut self, now: Duration, sent: Duration, hint: Option<Duration>) -> News {
        let Some(closed) = &mut self.closed else {
            let starts = self.open.fallback.is_some() && self.open.passes < FEW;
            if starts && !self.open.doubted && hint.is_none() {
                // It may have been for its own sake: a start that was wrong shows again at once.
                self.open.doubted = true;
                return News::Trial;
            }
            self.close(now, sent, hint);
            return News::Closed;
        };
        closed.longest_hint = closed.longest_hint.max(hint.unwrap_or_default());
        let quiet = sent.saturating_sub(closed.latest);
        closed.latest = sent.max(closed.latest);
        if sent < closed.heard {
            return News::Old;
        }
        closed.last = sent.max(closed.last);
        if self.may_renew && self.quiet.is_some_and(|known| quiet >= known) {
            // It stayed closed though nobody tried for as long as it took before.
            self.may_renew = false;
            return News::Trial;
        }
        closed.probes += 1;
        News::Probed
    }

    /// When the next probe goes, by what is known of the window's length: between its bounds, at the upper one, and then ever later.
    pub(super) fn expected(&self, closed: &Closed) -> Option<Duration> {
        let (least, most) = self.length?;
        let first = closed.before.since?;
        if closed.before.passes < FEW {
            return None;
        }
        let early = self
            .quota
            .is_some_and(|quota| closed.before.passes + FEW <= quota);
        if (early || closed.probes > 0) && self.taken_back > 0 {
            // Some are refused for their own sake, and it let in more before, or was due: a probe soon is cheaper than the rest of a window.
            return None;
        }
        if let Some(quiet) = self.quiet.filter(|_| self.may_renew) {
            let renewed = closed.latest.saturating_add(quiet);
            if renewed >= first.saturating_add(least.mul_f64(CONSISTENT)) {
                return Some(renewed);
            }
        }
        let narrow = most.as_secs_f64() <= least.as_secs_f64() * NEAR;
        match closed.probes + u32::from(narrow) {
            0 => Some(first.saturating_add((least + most) / 2)),
            1 => Some(first.saturating_add(most)),
            // Where each refusal begins the window anew, only a whole one without an attempt helps.
            nth => Some(closed.last.saturating_add(most.mul_f64(f64::from(nth) / 2.0))),
        }
    }

    pub(super) fn opened(&mut self, closed: Closed, sent: Duration, enough: f64) {
        let lasted = sent.saturating_sub(closed.since);
        let long = lasted >= SHORTEST_CLOSING && lasted.as_secs_f64() * closed.rate_before >= GAPS;
        let told =
            closed.longest_hint >= TELLING_HINT || closed.probes >= TELLING_PROBES || self.length.is_some();
        let hinted = closed.longest_hint >= TELLING_HINT;
        // Where others took most of a window, a hint tells of it none the less.
        let window = long && told && (hinted || closed.before.passes >= FEW);
        self.open = Open {
            since: Some(sent),
            passes: 1,
            start: None,
            fallback: None,
            doubted: false,
        };
        self.closed = None;
        if !window {
            if self.is_open_still(&closed) {
                self.go_on(&closed);
            }
            return;
        }
        let passes = closed.before.passes;
        // A bucket that names a constant hint stays closed as long as that whatever the rate is.
        if self.trickles && (passes < FEW || lasted.as_secs_f64() * closed.rate_before < LONG_GAPS) {
            return;
        }
        self.trickles = false;
        if closed.longest_hint.is_zero() {
            let quiet = sent
                .saturating_sub(closed.latest)
                .min(units::LONGEST)
                .mul_f64(QUIETER);
            self.quiet = Some(self.quiet.map_or(quiet, |known| known.min(quiet)));
            self.may_renew &= quiet >= LONG_QUIET;
        }
        self.compare(passes);
        if let (Some(first), true) = (closed.before.since, closed.longest_hint.is_zero()) {
            let least = closed.last.saturating_sub(first);
            let most = sent.saturating_sub(first).min(units::LONGEST);
            self.length = Some((least.min(most), most));
        }
        if let Some(even) = self.even(&closed, sent, enough) {
            self.keep(even);
        } else {
            (self.open.start, self.open.fallback) = (Some(2), Some(self.rate));
            let back = if closed.longest_hint.is_zero() { BACK } else { 1.0 };
            self.rate = self.rate.max(closed.rate_before * back);
        }
        // The probe had the longest gap behind it.
        self.next = sent.saturating_add(self.gap(1.0));
    }

    /// A window let in so many: what that says beside those of before.
    fn compare(&mut self, passes: u64) {
        let same = self.quota.is_some_and(|quota| quota.abs_diff(passes) <= 1);
        // The second window says less: another process may have come while the first was open.
        let share = if self.windows >= 2 { UNEVEN } else { UNEVEN / 2.0 };
        self.uneven |= self
            .quota
            .is_some_and(|quota| (passes as f64) < quota as f64 * share);
        let fewer = self.quota.is_some_and(|quota| passes + 1 < quota);
        self.falling = if fewer { self.falling + 1 } else { 0 };
        self.uneven |= self.falling >= FALLING;
        self.windows += 1;
        self.same = if same { self.same + 1 } else { 0 };
        self.quota = Some(passes);
    }

    /// It was sent behind one that was refused, before that was heard.
    pub(super) fn passed_behind(&mut self, mut closed: Closed) {
        closed.behind += 1;
        self.closed = Some(closed);
        if self.is_open_still(&closed) || (self.windows == 0 && closed.probes == 0 && closed.behind >= BEHIND)
        {
            self.go_on(&closed);
        }
    }

    /// One got in though one before it was refused. A window that is closed stays so: that one was refused for its own sake.
    fn is_open_still(&self, closed: &Closed) -> bool {
        closed.probes == 0 && self.quota.is_some() && !self.trickles
    }

    /// As if nobody had been refused.
    fn go_on(&mut self, closed: &Closed) {
        self.closed = None;
        self.open = Open {
            passes: closed.before.passes + closed.behind.max(1),
            ..closed.before
        };
        self.rate = self.rate.max(closed.rate_before);
        self.next = self.due.saturating_add(self.gap(1.0));
    }

    /// Where it is better not to go all at once when a window opens: the rate for that. Where a refusal costs a time-out, all at once
    /// would end in the next one; `enough` brings in all who wait before the last of those is back who have to wait for theirs, and
    /// more than that would only risk another.
    fn even(&mut self, closed: &Closed, sent: Duration, enough: f64) -> Option<f64> {
        let since = |first: Duration| sent.saturating_sub(first).as_secs_f64();
        if let (true, Some(first)) = (self.costly, closed.before.since) {
            let least = closed.last.saturating_sub(first).as_secs_f64();
            let last = closed.before.passes as f64 / ((least + since(first)) / 2.0);
            // The window's clock may have begun long before its first: it opened for what was left of it.
            let mean = self.first.map_or(0.0, |first| self.passes as f64 / since(first));
            (self.mark, self.steady) = (None, Some(enough.min(last.max(mean) * STEADY)));
            return self.steady;
        }
        let first = self.first.filter(|_| self.uneven)?;
        Some(self.passes as f64 / since(first) * EVENLY)
    }
}
