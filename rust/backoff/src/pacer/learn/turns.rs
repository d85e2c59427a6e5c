//! How those take turns who locked each other out: refusals seem to count against the quota, so each that can be spared is. At first nobody
//! goes for ever longer times, until one is let in; then as many as are let in at once, which shows how many that are; and from the next
//! opening on they go evenly, by so many in the time between the two. A quota of any kind that counts refusals lets those in who come
//! evenly, below its rate, without a single refusal: a window that slides, one that begins anew, a bucket. Where windows are few and long
//! they go in rounds (module `rounds`).
//!
//! Faster than what held they go only where that would save all who wait more than a refusal costs.
//!
//! Nobody knows at first whether it was not an outage that kept them out. Then the time until somebody was let in says nothing of a
//! window, and to keep to it would waste most of a bucket. So the first one to be refused after that is followed by a trial, soon: who gets
//! in by it contradicts a window, and what trickles in between two refusals is what they keep to. And where next to nobody gets in at
//! once, there is no window whose refusals could be spared: `super` goes on by itself.
//!
//! What [`super`] learns by itself is made for users who come to a gate first, and have lost nothing yet: it asks a quota more often than
//! this, and is quicker where refusals are free. A thousand users of 20 per 4 s where refusals count, and nothing is hinted, took 1.36 times
//! the bound by that and take 1.11 by this (`cargo run --release -p simulate --example lockout 10 1000 long`).

use super::rounds::Rounds;
use std::time::Duration;

/// Without a hint nobody goes for so long at first, and then for so many times as long each time. Where a window slides, the whole of these
/// times counts; where each refusal begins it anew, only the latest.
const FIRST_SILENCE: Duration = Duration::from_secs(2);
const SHORTEST_SILENCE: Duration = Duration::from_millis(100);
const LONGER: f64 = 1.6;
/// Where refusals do not keep it closed, for so many times as long: the opening is met sooner.
const LITTLE_LONGER: f64 = 1.2;
/// But not for longer than this before so much time is over: where refusals are free after all, the opening of a window is missed by that.
const LONG_SILENCE: Duration = Duration::from_secs(6);
const PATIENCE: Duration = Duration::from_secs(90);
const LONGEST_SILENCE: Duration = Duration::from_secs(600);
/// Ways differ: so much more than what was enough.
const SURE: f64 = 1.02;
/// Where refusals do not keep it closed, one goes in so many times the gap of those who are let in: more would take the quota.
const PROBING: f64 = 4.0;
/// And while nothing is known of that, after this share of what was not enough.
const SHARE: f64 = 0.3;
/// Attempts a second that show how many are let in at once.
const AT_ONCE: f64 = 50.0;
/// So many passes at least show that a rate holds.
const FEW: u64 = 4;
/// How much faster is tried than what held, and how much slower where nothing is known to hold.
const STEP: f64 = 1.1;
/// A rate that is told, or was too fast, is kept below; and less than this is not tried.
const BELOW: f64 = 0.97;
const WORTH: f64 = 1.02;
/// A refusal costs so many silences.
const COST: f64 = 1.5;
/// After so many probes in vain the trial is worth it: it costs where each refusal begins a window anew.
const LONG: u32 = 2;
/// And after so many what was enough at last says nothing: the server was down, perhaps.
const OUTAGE: u32 = 4;
/// So soon the trial goes.
const TRIAL: Duration = Duration::from_millis(500);
/// Whatever is open again as soon as this is filled all the time: the first who were let in had a burst.
const SOON: Duration = Duration::from_millis(1_200);

/// What followed when one was refused for the first time since it opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    /// Nobody was.
    NotYet,
    /// Another one goes; when that one was sent.
    Goes(Duration),
    /// It was refused, so much later.
    InVain(Duration),
    /// It was let in.
    LetIn,
}

#[derive(Debug, Clone)]
pub(super) struct Turns {
    /// Attempts a second.
    rate: f64,
    /// The highest rate that held, and the lowest that did not.
    held: Option<f64>,
    refused: Option<f64>,
    /// Since it was heard that the quota is closed; `None`: it is open.
    closed: Option<Duration>,
    /// When it was first found closed, of those times since somebody was let in.
    dry: Duration,
    /// When the latest attempt was sent, of those that are answered.
    latest: Duration,
    silence: Duration,
    /// The longest hint: of a window's length, perhaps.
    hint: Option<Duration>,
    /// The shortest time without an attempt after which somebody was let in.
    enough: Option<Duration>,
    /// Whether each refusal may begin the quota's window anew: it was never closed still after that time.
    may_renew: bool,
    /// The latest refused attempt that was sent when it was known to be closed.
    probe: Option<Duration>,
    /// When the first of those was sent who were let in at once.
    first: Option<Duration>,
    /// How many they were, when that is known.
    quota: Option<u64>,
    /// How many were let in since it opened, or since the rate was changed.
    passes: u64,
    /// Where they go in rounds.
    rounds: Option<Rounds>,
    /// How many went in vain until it opened.
    in_vain: u32,
    trial: Trial,
}

impl Turns {
    /// The quota is closed now.
    pub(super) fn new(now: Duration, hint: Option<Duration>) -> Self {
        Self {
            rate: AT_ONCE,
            held: None,
            refused: None,
            closed: Some(now),
            dry: now,
            latest: now,
            silence: hint.unwrap_or(FIRST_SILENCE).max(SHORTEST_SILENCE),
            hint,
            enough: None,
            may_renew: true,
            probe: None,
            first: None,
            quota: None,
            passes: 0,
            rounds: None,
            in_vain: 0,
            trial: Trial::NotYet,
        }
    }

    /// Where one is refused now: when the first one was sent of those who were let in before, and how many they were, if they are so few
    /// that there is no window.
    pub(super) fn trickles(&self) -> Option<(Duration, u64)> {
        let first = self
            .first
            .filter(|_| self.closed.is_none() && self.quota.is_none())?;
        (self.passes < FEW).then_some((first, self.passes))
    }

    /// Attempts a second.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// Whether it is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// How many may be under way at a time; `None`: as many as the rate makes.
    pub(super) fn most(&self) -> Option<usize> {
        if self.is_closed() {
            return Some(1);
        }
        let left = self.rounds.as_ref()?.left();
        Some(usize::try_from(left).unwrap_or(usize::MAX))
    }

    /// No turn before this; where it is open, as the rate has it.
    pub(super) fn next(&self) -> Duration {
        self.closed
            .map_or(Duration::ZERO, |_| self.latest.saturating_add(self.silence))
    }

    /// One that was sent then was let in, and so many wait.
    pub(super) fn passed(&mut self, sent: Duration, waiting: usize) {
        if self.closed.is_some_and(|heard| sent < heard) {
            // It was under way when the quota closed.
            return;
        }
        if self.closed.take().is_some() {
            self.opened(sent, waiting);
        }
        self.latest = self.latest.max(sent);
        self.passes += 1;
        if let Some(rounds) = &mut self.rounds {
            rounds.passed();
            if rounds.left() == 0 {
                // It is closed now: no refusal is needed to know.
                (self.closed, self.dry, self.probe) = (Some(sent), sent, None);
                self.silence = rounds.next(self.may_renew).saturating_sub(self.latest);
            }
        } else if self.quota.is_some_and(|quota| self.passes >= quota.max(FEW)) {
            self.held = Some(self.rate);
            self.passes = 0;
            self.go_faster(waiting);
        }
    }

    fn opened(&mut self, sent: Duration, waiting: usize) {
        let was_down = self.first.is_none() && self.in_vain >= OUTAGE;
        if self.may_renew && self.rounds.is_none() && !was_down {
            let quiet = sent.saturating_sub(self.latest).mul_f64(SURE);
            self.enough = Some(self.enough.map_or(quiet, |enough| enough.min(quiet)));
        }
        match (self.first, &mut self.rounds) {
            (None, _) => self.first = Some(sent),
            (Some(_), Some(rounds)) => rounds.opened(sent),
            (Some(_), None) if matches!(self.trial, Trial::Goes(refused) if sent <= refused + SOON) => {
                (self.first, self.trial) = (Some(sent), Trial::LetIn);
            }
            (Some(first), None) if self.quota.is_none() => self.learn(first, sent, waiting),
            (Some(_), None) => {}
        }
        self.passes = 0;
    }

    /// The quota was seen, from its first on, and its next opening.
    fn learn(&mut self, first: Duration, sent: Duration, waiting: usize) {
        let quota = self.passes.max(1);
        self.quota = Some(quota);
        // The next opening came after the latest probe that was refused, if there was one.
        let most = sent.saturating_sub(first);
        let least = self.probe.map(|probe| probe.saturating_sub(first));
        self.rounds = Rounds::from(sent, quota, (least.unwrap_or_default(), most), waiting);
        if self.rounds.is_some() {
            self.rate = AT_ONCE;
            return;
        }
        let length = match (least, self.trial) {
            (Some(least), _) => (least.as_secs_f64() * most.as_secs_f64()).sqrt(),
            // As if there had been no trial: it may have begun the window anew.
            (None, Trial::InVain(later)) => most.saturating_sub(later).as_secs_f64(),
            (None, _) => most.as_secs_f64(),
        };
        let told = self.hint.map_or(length, |hint| hint.as_secs_f64() / BELOW);
        self.held = Some(quota as f64 / most.as_secs_f64());
        self.rate = quota as f64 / length.min(told);
    }

    /// One that was sent then was refused, which is heard now.
    pub(super) fn refused(&mut self, now: Duration, sent: Duration, hint: Option<Duration>) {
        let quiet = sent.saturating_sub(self.latest);
        self.latest = self.latest.max(sent);
        self.hint = self.hint.max(hint);
        match self.closed {
            Some(heard) if sent < heard => {}
            Some(_) if matches!(self.trial, Trial::Goes(_)) && self.silence == TRIAL => {
                self.trial = Trial::InVain(quiet);
                self.silence = hint
                    .or(self.enough)
                    .unwrap_or(FIRST_SILENCE)
                    .max(SHORTEST_SILENCE);
            }
            Some(_) => {
                self.probe = Some(sent);
                self.probed_in_vain(now, quiet);
                if let Some(rounds) = &mut self.rounds {
                    rounds.refused(sent);
                    let left = rounds.certain().saturating_sub(sent);
                    if !self.may_renew && !left.is_zero() {
                        self.silence = left;
                    }
                }
            }
            None => {
                (self.closed, self.dry, self.probe) = (Some(now), now, None);
                self.silence = hint
                    .or_else(|| self.usual())
                    .unwrap_or(FIRST_SILENCE)
                    .max(SHORTEST_SILENCE);
                if self.trial == Trial::NotYet && self.first.is_some() {
                    self.trial = Trial::Goes(sent);
                    if hint.is_none() && self.in_vain >= LONG {
                        self.silence = TRIAL;
                    }
                }
                if let Some(rounds) = self.rounds.take() {
                    // The quota is not what it seemed.
                    self.rate = rounds.rate();
                } else if self.quota.is_some() {
                    self.go_slower();
                }
            }
        }
    }

    /// How long nobody goes without a hint, as far as it is known.
    fn usual(&self) -> Option<Duration> {
        if self.may_renew || self.quota.is_none() {
            return self.enough;
        }
        let gap = PROBING / self.held.unwrap_or(self.rate);
        self.enough.map(|enough| enough.min(Duration::from_secs_f64(gap)))
    }

    fn probed_in_vain(&mut self, now: Duration, quiet: Duration) {
        self.in_vain += 1;
        if self.may_renew && self.enough.is_some_and(|enough| quiet >= enough) {
            // It is not the refusals that keep it closed: one more costs no more than itself.
            self.may_renew = false;
            self.silence = self.silence.mul_f64(SHARE);
            return;
        }
        let longest = if now.saturating_sub(self.dry) < PATIENCE {
            LONG_SILENCE.max(self.silence)
        } else {
            LONGEST_SILENCE
        };
        let longer = if self.may_renew { LONGER } else { LITTLE_LONGER };
        self.silence = self.silence.mul_f64(longer).min(longest);
    }

    fn go_slower(&mut self) {
        self.refused = Some(self.refused.map_or(self.rate, |refused| refused.min(self.rate)));
        self.held = self.held.filter(|held| *held < self.rate);
        self.rate = self.held.unwrap_or(self.rate / STEP);
    }

    fn go_faster(&mut self, waiting: usize) {
        let next = self.rate * STEP;
        let faster = match self.refused {
            Some(refused) if next >= refused * BELOW => (self.rate + refused) / 2.0,
            _ => next,
        };
        let saved = waiting as f64 / self.rate - waiting as f64 / faster;
        if faster >= self.rate * WORTH && saved >= self.silence.as_secs_f64() * COST {
            self.rate = faster;
        }
    }
}
