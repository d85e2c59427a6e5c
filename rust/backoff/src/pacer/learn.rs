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

mod closing;
mod rounds;
mod turns;

use super::PacerSettings;
use super::spacing::{End, Spacing};
use closing::{Closed, News};
use std::time::Duration;
use turns::Turns;

/// After this long with refusals and not one success, each refusal doubles the gap: a quota that counts refusals may be
/// smaller than the lowest rate, and would never open again under it (five logins a minute, say).
const PATIENCE: Duration = Duration::from_secs(60);
/// By then every gap is longer than any hold.
const MOST_DOUBLINGS: u32 = 31;
/// A window that lets in fewer than this is as good as a bucket.
const FEW: u64 = 4;
/// A slow start is over by so many under way.
const MANY: usize = 64;
/// By so much with each success.
const CLIMB: f64 = 1.1;
/// Where users were refused for their own sake, the rate comes back to so many times the mean of all seconds, once there were so many.
/// The mean alone loses a few of 200 where a quarter is banned; with 1.3 the second of two processes gets less than its share.
const FASTER: f64 = 1.2;
const SETTLED: f64 = 1.0;
/// But for less than this share of all who were refused, a bucket may have refused one twice by chance.
const SOME: f64 = 0.2;
/// So many passes between two refusals show the rate of a bucket, and this share of it is kept to where refusals are costly.
const COUNTED: u64 = 10;
const STEADY: f64 = 0.97;
/// Every so often a window whose end is known is tried beyond it.
const TRUSTED: u32 = 3;

/// Before a quota that many tried in vain: for the time of the hint, or for so long, nobody goes, then for twice as long each time. Twice
/// this is what users who lock each other out take a window for first.
const FIRST_SILENCE: Duration = Duration::from_millis(3_500);
const SHORTEST_SILENCE: Duration = Duration::from_millis(100);

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
    /// One was refused in the slow start.
    doubted: bool,
}

/// What is known of the others when one is let in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Others {
    /// Of those who were refused once, the share that something of its own keeps out.
    pub(super) own: f64,
    /// The rate at which all who wait, and those whose answers do not come, are in when the last of the latter is back; infinite where
    /// none is missing.
    pub(super) enough: f64,
    /// How many wait.
    pub(super) waiting: usize,
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
    pub(super) spacing: Spacing,
    /// A window let in far fewer than the one before: whoever comes all at once has used up the next one too, as where two windows
    /// are weighed against each other.
    uneven: bool,
    /// How often in a row it let in fewer than the one before.
    falling: u32,
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
    /// Where many tried in vain before there was a gate.
    turns: Option<Turns>,
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
            falling: 0,
            windows: 0,
            first: None,
            passes: 0,
            costly: false,
            mark: None,
            steady: None,
            quiet: None,
            may_renew: true,
            due: Duration::ZERO,
            turns: None,
        }
    }

    /// The quota let in so many, and then nobody while many tried: as after a window, but nobody knows since when it is closed.
    pub(super) fn begin_closed(&mut self, now: Duration, quota: u64, hint: Option<Duration>) {
        self.open.passes = quota;
        self.refused(now, now, hint);
        if let Some(closed) = &mut self.closed {
            closed.probed_in_vain();
        }
        let silence = hint.unwrap_or(FIRST_SILENCE).max(SHORTEST_SILENCE);
        self.keep(1.0 / silence.as_secs_f64());
        self.next = now.saturating_add(silence);
    }

    /// The same, where many windows' users wait: they take turns that spare each refusal. It costs a window or two until those are found.
    pub(super) fn begin_turns(&mut self, now: Duration, hint: Option<Duration>) {
        let hint = self.hold_for(now, hint);
        self.follow(Turns::new(now, hint));
    }

    /// Goes by turns, where many tried in vain before there was a gate.
    fn follow(&mut self, turns: Turns) {
        self.rate = turns.rate();
        self.next = self.next.max(turns.next());
        self.turns = Some(turns);
    }

    /// A turn was given that was due then; `unit` of U(0, 1) says where in its spread the gap to the next one lies.
    pub(super) fn went(&mut self, due: Duration, unit: f64) {
        let spread = if self.spacing.gap().is_some() || self.turns.is_some() {
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
        if let Some(turns) = &self.turns {
            return turns.most();
        }
        if self.spacing.gap().is_some() {
            return None;
        }
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

    /// Whether it is known that nobody gets in.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// Likewise, and at least one probe was in vain.
    pub(super) fn stays_closed(&self) -> bool {
        self.closed.is_some_and(|closed| closed.was_probed())
    }

    /// One that was sent then was let in.
    pub(super) fn passed(&mut self, sent: Duration, others: &Others) {
        self.spacing.ended(sent, End::Passed);
        if let Some(mut turns) = self.turns.take() {
            let was_closed = turns.is_closed();
            turns.passed(sent, others.waiting);
            self.follow(turns);
            if was_closed {
                // The probe's own gap was one of before.
                self.next = self.next.max(sent.saturating_add(self.gap(1.0)));
            }
            return;
        }
        (self.dry, self.doublings) = (None, 0);
        self.passes += 1;
        self.first.get_or_insert(sent);
        match self.closed {
            Some(closed) if sent >= closed.heard => self.opened(closed, sent, others.enough),
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
        let ceiling = self.ceiling.max(self.proven(sent, others.own));
        if self.rate < ceiling {
            self.rate = (self.rate * CLIMB).min(ceiling);
        }
        self.foresee(sent);
    }

    /// What all have passed at, where some of the cuts were by those whom nobody but themselves kept out: what is left of these would
    /// have to grow back.
    fn proven(&self, sent: Duration, own: f64) -> f64 {
        let first = self.first.filter(|_| self.taken_back > 0);
        let time = first.map_or(0.0, |first| sent.saturating_sub(first).as_secs_f64());
        if time < SETTLED || own < SOME {
            return 0.0;
        }
        (self.passes as f64 / time * FASTER).min(self.settings.max_rate)
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
        if let Some(mut turns) = self.turns.take() {
            let Some((since, passes)) = turns.trickles() else {
                turns.refused(now, sent, hint);
                self.follow(turns);
                self.spacing.ended(sent, End::Own);
                return None;
            };
            // No window: a bucket, as far as it goes.
            (self.first, self.passes) = (Some(since), passes);
            self.open = Open {
                since: Some(since),
                passes,
                ..Open::default()
            };
        }
        if self.cuts == 0 {
            self.spacing.first_refusal(self.open.passes, hint);
        }
        self.spacing.ended(sent, End::Refused);
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

    /// One whom nobody but itself keeps out took nothing of the quota: another one goes for it.
    pub(super) fn give_back(&mut self, now: Duration) {
        if self.closed.is_none() && self.turns.is_none() {
            self.next = self.next.saturating_sub(self.gap(1.0)).max(now);
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
