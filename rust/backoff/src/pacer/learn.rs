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
use super::spacing::Spacing;
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
/// By so much with each success.
const CLIMB: f64 = 1.1;
/// So many passes between two refusals show the rate of a bucket, and this share of it is kept to where refusals are costly.
const COUNTED: u64 = 10;
const STEADY: f64 = 0.97;
/// So many that got in behind a refused one say that it was refused for its own sake, whatever the quota is.
const BEHIND: u64 = 2;
/// A window that let in less than this share of the one before.
const UNEVEN: f64 = 0.6;
/// What of the mean rate such windows are gone through with.
const EVENLY: f64 = 0.92;
/// Every so often a window whose end is known is tried beyond it.
const TRUSTED: u32 = 3;

/// How far a gap between two turns spreads around `1 / rate`: by so much of it, up and down. Without it two gates on one quota
/// fall into step, and the one that is a moment earlier at every token gets most of them.
const GAP_SPREAD: f64 = 0.15;
/// Where a quota asks for the gap itself.
const EVEN_SPREAD: f64 = 0.01;

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
enum News {
    /// The quota is closed.
    Closed,
    /// It still is.
    Probed,
    /// No refusal begins its window anew.
    Trial,
    /// Nothing: it was sent before that was known.
    Old,
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
    spacing: Spacing,
    /// A window let in far fewer than the one before: whoever comes all at once has used up the next one too, as where two windows
    /// are weighed against each other.
    uneven: bool,
    /// How many windows were found closed and open again.
    windows: u32,
    /// When the first that passed was sent, and how many did in all.
    first: Option<Duration>,
    passes: u64,
    /// Refusals were heard by their silence: each costs its user a time-out.
    costly: bool,
    /// Where it is so: since which refusal passes are counted, how many there were by then, and the rate that came out of that.
    mark: Option<(Duration, u64)>,
    steady: Option<f64>,
    /// The shortest time without an attempt after which a window was found open, and whether each refusal may begin a window anew.
    quiet: Option<Duration>,
    may_renew: bool,
    /// When the latest turn was due.
    due: Duration,
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
            spacing: Spacing::default(),
            uneven: false,
            windows: 0,
            first: None,
            passes: 0,
            costly: false,
            mark: None,
            steady: None,
            quiet: None,
            may_renew: true,
            due: Duration::ZERO,
        }
    }

    /// A turn was given that was due then; `unit` of U(0, 1) says where in its spread the gap to the next one lies.
    pub(super) fn went(&mut self, due: Duration, unit: f64) {
        let spread = if self.spacing.gap().is_some() {
            EVEN_SPREAD
        } else {
            GAP_SPREAD
        };
        self.due = due;
        self.next = due.saturating_add(self.gap(1.0 + spread * (2.0 * unit - 1.0)));
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
        self.passes += 1;
        self.first.get_or_insert(sent);
        self.spacing.passed(sent);
        match self.closed {
            Some(closed) if sent >= closed.heard => self.opened(closed, sent),
            // It was under way when the quota closed.
            Some(closed) if sent > closed.since => self.passed_behind(closed),
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
        if let Some(gap) = self.spacing.gap() {
            self.keep(1.0 / gap.as_secs_f64());
            self.next = self.due.saturating_add(self.gap(1.0));
            return;
        }
        if let Some(steady) = self.steady {
            self.keep(steady);
            return;
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

    fn keep(&mut self, rate: f64) {
        let (least, most) = (self.settings.min_rate, self.settings.max_rate);
        if !rate.is_nan() {
            self.rate = rate.clamp(least, most);
        }
    }

    /// What a cut leaves of the rate. Where a probe costs a time-out, it is worth more than to go by twice the time.
    fn beta(&self) -> f64 {
        let beta = self.settings.beta;
        if self.costly && self.rate < 1.0 {
            beta.sqrt()
        } else {
            beta
        }
    }

    /// A refusal that nobody told, of one that was sent then, is as good as heard.
    pub(super) fn silent(&mut self, now: Duration, sent: Duration) {
        self.costly = true;
        self.refused(now, sent, None);
    }

    /// Between two refusals of a bucket as many pass as trickle in, but for one.
    fn count(&mut self, sent: Duration) {
        let Some((since, before)) = self.mark else {
            self.mark = Some((sent, self.passes));
            return;
        };
        let (passes, time) = (self.passes - before, sent.saturating_sub(since).as_secs_f64());
        if passes > 0 && time > 0.0 {
            let most = (passes + 1) as f64 / time;
            self.keep(self.rate.min(most));
            if passes >= COUNTED {
                self.steady = Some((passes - 1) as f64 / time * STEADY);
            }
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
            if self.is_open_still(&closed) {
                self.go_on(&closed);
            }
            return;
        }
        if self.trickles && lasted.as_secs_f64() * closed.rate_before < LONG_GAPS {
            return;
        }
        self.trickles = false;
        let passes = closed.before.passes;
        if closed.longest_hint.is_zero() {
            let quiet = sent
                .saturating_sub(closed.latest)
                .min(units::LONGEST)
                .mul_f64(QUIETER);
            self.quiet = Some(self.quiet.map_or(quiet, |known| known.min(quiet)));
            self.may_renew &= quiet >= LONG_QUIET;
        }
        let same = self.quota.is_some_and(|quota| quota.abs_diff(passes) <= 1);
        // The second window says less: another process may have come while the first was open.
        let share = if self.windows >= 2 { UNEVEN } else { UNEVEN / 2.0 };
        self.uneven |= self
            .quota
            .is_some_and(|quota| (passes as f64) < quota as f64 * share);
        self.windows += 1;
        self.same = if same { self.same + 1 } else { 0 };
        self.quota = Some(passes);
        if let (Some(first), true) = (closed.before.since, closed.longest_hint.is_zero()) {
            let least = closed.last.saturating_sub(first);
            let most = sent.saturating_sub(first).min(units::LONGEST);
            self.length = Some((least.min(most), most));
        }
        if let Some(even) = self.even(&closed, sent) {
            self.keep(even);
        } else {
            (self.open.start, self.open.fallback) = (Some(2), Some(self.rate));
            let back = if closed.longest_hint.is_zero() { BACK } else { 1.0 };
            self.rate = self.rate.max(closed.rate_before * back);
        }
        // The probe had the longest gap behind it.
        self.next = sent.saturating_add(self.gap(1.0));
    }

    /// It was sent behind one that was refused, before that was heard.
    fn passed_behind(&mut self, mut closed: Closed) {
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

    /// Where it is better not to go all at once when a window opens: the rate for that.
    fn even(&mut self, closed: &Closed, sent: Duration) -> Option<f64> {
        let since = |first: Duration| sent.saturating_sub(first).as_secs_f64();
        if let (true, Some(first)) = (self.costly, closed.before.since) {
            // All at once would end in the next silence.
            let least = closed.last.saturating_sub(first).as_secs_f64();
            let length = (least + since(first)) / 2.0;
            (self.mark, self.steady) = (None, Some(closed.before.passes as f64 / length * STEADY));
            return self.steady;
        }
        let first = self.first.filter(|_| self.uneven)?;
        Some(self.passes as f64 / since(first) * EVENLY)
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
        if self.cuts == 0 {
            self.spacing.first_refusal(self.open.passes, hint);
        }
        self.spacing.refused(sent);
        let known = self.cut.is_some_and(|cut| {
            sent < cut || now < cut.saturating_add(self.settings.cut_gap.max(self.gap(1.0)))
        });
        let news = self.heard(now, sent, hint);
        // An attempt from before the last cut says nothing about the rate after it.
        if news == News::Probed || (!known && news != News::Trial) {
            self.cut_rate(now, news);
        }
        let gap = self.gap(f64::from(1_u32 << self.doublings));
        let longest = self.settings.max_hold.max(self.gap(1.0));
        let mut at = now.saturating_add(gap.min(longest));
        if let (Some(closed), None, true) = (&self.closed, hint, news != News::Old) {
            at = at.max(self.expected(closed).unwrap_or_default());
        }
        self.next = self.next.max(at);
        if let (Some(gap), Some(next), 0) = (self.spacing.gap(), self.spacing.next(), self.doublings) {
            self.keep(1.0 / gap.as_secs_f64());
            self.next = next.max(now);
        }
        (self.cuts > cuts).then_some(Cut {
            before,
            nth: self.cuts,
            taken_back,
        })
    }

    fn heard(&mut self, now: Duration, sent: Duration, hint: Option<Duration>) -> News {
        let Some(closed) = &mut self.closed else {
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

    fn cut_rate(&mut self, now: Duration, news: News) {
        self.cut = Some(now);
        self.cuts += 1;
        if news == News::Probed {
            self.steady = None;
        }
        if self.steady.is_none() {
            self.keep(self.rate * self.beta());
        }
        let dry = *self.dry.get_or_insert(now);
        if now - dry >= PATIENCE {
            self.doublings = (self.doublings + 1).min(MOST_DOUBLINGS);
        }
    }

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

    /// When the next probe goes, by what is known of the window's length: between its bounds, at the upper one, and then ever later.
    fn expected(&self, closed: &Closed) -> Option<Duration> {
        let (least, most) = self.length?;
        let first = closed.before.since?;
        if closed.before.passes < FEW {
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
