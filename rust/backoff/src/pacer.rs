//! The shared gate: one queue for all users of one quota, and a rate that learns from what the server says.
//!
//! A state machine without a clock: time comes in as a [`Duration`] since any start that the caller likes, and never runs
//! backwards (an earlier time counts as the latest one seen). Its owner keeps one timer, for the moment of [`Pacer::ready`],
//! and asks anew after each call that changes the gate.
//!
//! ```
//! use backoff::{Class, Form, Pacer, PacerMode, PacerSettings, Refusal};
//! use std::time::Duration;
//!
//! let mut gate = Pacer::new(PacerSettings::of(PacerMode::Pace));
//! let (first, second) = (gate.enter(0.5), gate.enter(0.5));
//! let start = Duration::ZERO;
//! assert_eq!(gate.take(start), Some(first));
//! // The server refuses and asks for 2 s: nobody goes before, and then another one first.
//! let refusal = Refusal { class: Class::Throttle, form: Form::Status(429), hint: Some(Duration::from_secs(2)) };
//! gate.refused(start, first, &refusal);
//! gate.again(first, 0.5, start);
//! let turn = gate.ready().expect("two wait");
//! assert_eq!((turn.at, turn.ticket), (Duration::from_secs(2), second));
//! ```

mod blame;
mod flight;
mod learn;
mod queue;
mod settings;
mod spacing;

pub use settings::{FASTEST_PACE, LARGEST_BURST, PacerMode, PacerSettings, SLOWEST_PACE};

use crate::attempts::{Form, Refusal};
use crate::connect::Class;
use crate::crowd::LockedOut;
use blame::Blame;
use flight::{Flight, Sent};
use learn::{Cut, Learner, Others};
use queue::Queue;
use spacing::End;
use std::collections::HashMap;
use std::time::Duration;

/// A timer that fires this late costs no pace: the next turn counts from when this one was due. So at most two go closer
/// together than the rate says; more than that would be a burst, which a server without one takes for hammering.
const LATENESS: Duration = Duration::from_millis(10);

/// A place in the order of first waits. It stays the same over all attempts of one connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticket(u64);

/// Who goes next, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The moment; one that is over means now.
    pub at: Duration,
    /// Who is first.
    pub ticket: Ticket,
}

/// The figures of a gate, for variables and traces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PacerState {
    /// Attempts a second; `None` in the modes that have no rate, off and pause.
    pub rate: Option<f64>,
    /// How many wait.
    pub queue: usize,
    /// How much longer the latest hint holds.
    pub hold: Duration,
}

/// One gate. Every operation takes `O(log n)` of those who wait.
///
/// The life of a ticket: [`Pacer::enter`], then [`Pacer::take`] hands it out when its turn has come; the attempt is made, and
/// its end told by [`Pacer::passed`] or [`Pacer::refused`]; for the next attempt of the same connect [`Pacer::again`]. Who makes no
/// further one, waiting or not, says [`Pacer::leave`].
///
/// Order: by first wait, in every mode. A refused one lets two of the others get in, and then comes back before the line. Whom something
/// of its own keeps out (see the module `blame`) comes back after its own backoff, behind others but for one turn in eight, and its refusals
/// say nothing to the gate and cost it no turn. After its own backoff, too, comes back who is refused again before anybody else got in. So nobody starves,
/// those who are always refused starve nobody, and they do not hammer when nobody else waits.
///
/// The rate of `pace` (additive increase, multiplicative decrease): a success adds `increase / rate`, which is `increase` for each
/// second of successes; a refusal leaves `beta` of it, once for all refusals of attempts that were under way. A hint holds all.
/// How windows are told from buckets, see the module `learn`.
#[derive(Debug, Clone)]
pub struct Pacer {
    settings: PacerSettings,
    learner: Learner,
    queue: Queue,
    flight: Flight,
    blame: Blame,
    /// What their refusals cut of the rate, of those who have not got in since.
    cuts: HashMap<Ticket, Vec<Cut>>,
    /// The latest answer that may be the quota's or its user's own, if nobody got in since.
    suspicion: Option<Ticket>,
    issued: u64,
    latest: Duration,
}

impl Pacer {
    /// A gate that nobody has come to yet.
    #[must_use]
    pub fn new(settings: PacerSettings) -> Self {
        let settings = settings.drawn();
        Self {
            settings,
            learner: Learner::new(settings),
            queue: Queue::default(),
            flight: Flight::default(),
            blame: Blame::default(),
            cuts: HashMap::new(),
            suspicion: None,
            issued: 0,
            latest: Duration::ZERO,
        }
    }

    /// A gate that those come to who locked each other out ([`LockedOut`]): its quota is closed now.
    #[must_use]
    pub fn closed(settings: PacerSettings, now: Duration, found: &LockedOut, hint: Option<Duration>) -> Self {
        let mut gate = Self::new(settings);
        let now = gate.monotone(now);
        if found.fills_many_windows() {
            gate.learner.begin_turns(now, hint);
        } else {
            let quota = u64::try_from(found.quota).unwrap_or(u64::MAX);
            gate.learner.begin_closed(now, quota, hint);
        }
        gate
    }

    /// The first wait of a connect: at the end of the queue.
    ///
    /// `unit` is a number of U(0, 1) out of a [`crate::Stream`] of the user's own: it spreads `pause` after a hint, and the gaps of `pace`.
    pub fn enter(&mut self, unit: f64) -> Ticket {
        self.issued += 1;
        let ticket = Ticket(self.issued);
        self.queue.line_up(ticket, sound(unit));
        ticket
    }

    /// A further wait of the same connect. `not_before`: by the user's own backoff, which counts where its refusals are its own.
    pub fn again(&mut self, ticket: Ticket, unit: f64, not_before: Duration) {
        self.forget(ticket);
        let unit = sound(unit);
        match self.blame.refused_at(ticket) {
            Some(_) if self.blame.rests(ticket) => {
                self.queue.rest(ticket, unit, not_before);
            }
            Some((passes, refusals)) if self.settings.mode == PacerMode::Pace => {
                self.queue.give_way(ticket, unit, passes, refusals);
            }
            _ => self.queue.line_up(ticket, unit),
        }
        self.queue.settle(self.latest);
    }

    /// Makes no further attempt, whether it waits or not. True: it waited.
    pub fn leave(&mut self, ticket: Ticket) -> bool {
        self.forget(ticket);
        self.blame.forget(ticket);
        self.cuts.remove(&ticket);
        self.queue.remove(ticket).is_some()
    }

    /// What becomes of its attempt under way is not told.
    fn forget(&mut self, ticket: Ticket) {
        if let Some(sent) = self.flight.end(ticket) {
            self.learner.spacing.ended(sent.at, End::Unknown);
        }
    }

    /// Who goes next and when, if nothing changes: the gate's one deadline. `None`: nobody waits.
    #[must_use]
    pub fn ready(&self) -> Option<Turn> {
        let (ticket, unit, not_before) = self.queue.first(self.learner.stays_closed())?;
        let at = match (self.settings.mode, self.learner.hold) {
            (PacerMode::Off | PacerMode::Observe, _) | (PacerMode::Pause, None) => not_before,
            (PacerMode::Pause, Some(hold)) => self.next_after_pause(hold, unit).max(not_before),
            // When it would be due without a burst (GCRA's theoretical arrival time), and as much sooner as a burst may be.
            (PacerMode::Fixed, _) => {
                let sooner = self.learner.gap((self.settings.burst - 1) as f64);
                self.learner.next.saturating_sub(sooner)
            }
            (PacerMode::Pace, hold) => {
                let most = [self.learner.most(self.flight.awaited()), self.flight.most()];
                let most = most.into_iter().flatten().min();
                let room = most.and_then(|most| self.flight.down_to(most.saturating_sub(1)));
                let held = hold.unwrap_or_default().max(room.unwrap_or_default());
                self.flight
                    .beyond_doubt(self.learner.next.max(held))
                    .max(not_before)
            }
        };
        Some(Turn { at, ticket })
    }

    /// `U(0, spread)` after the hint for each of those who waited for it, drawn one after the other in their order: of `n` numbers in
    /// what is left of the spread the smallest lies at `1 / (n + 1)` of it in the mean.
    fn next_after_pause(&self, hold: Duration, unit: f64) -> Duration {
        let end = hold.saturating_add(self.settings.spread);
        let from = self.learner.next.clamp(hold, end);
        let share = 2.0 * unit / (self.queue.len() as f64 + 1.0);
        from.saturating_add((end - from).mul_f64(share.min(1.0)))
    }

    /// The one whose turn has come, who must start its attempt now. `None`: nobody's has; [`Pacer::ready`] may have changed.
    pub fn take(&mut self, now: Duration) -> Option<Ticket> {
        let now = self.monotone(now);
        if self.settings.mode == PacerMode::Pace {
            self.hear_silence(now);
        }
        let turn = self.ready().filter(|turn| turn.at <= now)?;
        let unit = self.queue.take(turn.ticket)?;
        let due = turn.at.max(now.saturating_sub(LATENESS));
        match self.settings.mode {
            PacerMode::Pace => self.learner.went(due, unit),
            PacerMode::Fixed => {
                let from = self.learner.next.max(now.saturating_sub(LATENESS));
                self.learner.next = from.saturating_add(self.learner.gap(1.0));
            }
            PacerMode::Off | PacerMode::Observe | PacerMode::Pause => self.learner.next = turn.at,
        }
        if !self.is_deaf() {
            self.forget(turn.ticket);
            self.flight.begin(turn.ticket, now);
            self.learner.spacing.begins(now);
        }
        self.queue.settle(now);
        Some(turn.ticket)
    }

    /// The attempt of this ticket, which just started, ends after `limit` without an answer. Only of such attempts the gate expects
    /// that an answer takes about as long as the others did; a sample may take as long as it likes.
    pub fn answers_by(&mut self, ticket: Ticket, limit: Duration) {
        self.flight.limit(ticket, limit);
    }

    /// Answers that do not come although all others came sooner are refusals by silence.
    fn hear_silence(&mut self, now: Duration) {
        while let Some(late) = self.flight.give_up(now) {
            if let Some(sent) = late {
                self.learner.silent(now, sent);
            }
        }
    }

    /// The server let an attempt in.
    pub fn passed(&mut self, now: Duration, ticket: Ticket) {
        let now = self.monotone(now);
        if self.is_deaf() {
            return;
        }
        self.blame.passed(ticket);
        self.cuts.remove(&ticket);
        let sent = self.flight.end(ticket);
        let took = sent.map_or(Duration::ZERO, |sent| now.saturating_sub(sent.at));
        self.flight.answered(now, took, sent.and_then(|sent| sent.limit));
        self.learner.spacing.took(took);
        self.suspicion = None;
        let sent = sent.map_or(now, |sent| sent.at);
        let others = Others {
            own: self.blame.own_of_refused(),
            enough: self.enough(now),
            waiting: self.queue.len(),
        };
        self.learner.passed(sent, &others);
        self.queue.let_back(self.blame.passes());
        self.queue.settle(now);
    }

    /// See [`Others::enough`]; it matters only to one who gets in at a quota that was found closed.
    fn enough(&self, now: Duration) -> f64 {
        let back = self.learner.is_closed().then(|| self.flight.back()).flatten();
        let (missing, last) = back.unwrap_or_default();
        let time = last.saturating_sub(now).as_secs_f64();
        if time > 0.0 {
            (self.queue.len() + missing) as f64 / time
        } else {
            f64::INFINITY
        }
    }

    /// An attempt failed. What the policy takes for a throttle is a refusal of the quota, and so is no answer at all, in whatever form;
    /// an answer that may pass by itself is one if others get such too. What no other attempt can heal never is, nor what is the
    /// user's own.
    pub fn refused(&mut self, now: Duration, ticket: Ticket, refusal: &Refusal) {
        let now = self.monotone(now);
        let sent = self.flight.end(ticket);
        let heard = self.hear(now, ticket, sent, refusal);
        if let Some(sent) = sent.filter(|_| !heard) {
            self.learner.spacing.ended(sent.at, End::Own);
        }
    }

    /// Whether it was taken for the quota's.
    fn hear(&mut self, now: Duration, ticket: Ticket, sent: Option<Sent>, refusal: &Refusal) -> bool {
        if self.is_deaf() || refusal.class == Class::Fatal {
            return false;
        }
        if refusal.class == Class::Transient && matches!(refusal.form, Form::Status(_)) {
            let others = self
                .suspicion
                .replace(ticket)
                .is_some_and(|other| other != ticket);
            if !others {
                return false;
            }
        }
        if sent.is_some_and(|sent| sent.late) {
            // Its silence was heard.
            return true;
        }
        if self.settings.mode == PacerMode::Pause {
            self.learner.hold_for(now, refusal.hint);
            return false;
        }
        let at = sent.map_or(now, |sent| sent.at);
        let heard = self.blame.refused(ticket, self.learner.spacing.explains(at));
        if heard {
            if let Some(cut) = self.learner.refused(now, at, refusal.hint) {
                self.cuts.entry(ticket).or_default().push(cut);
            }
        } else {
            self.learner.give_back(now);
            let cuts = self.cuts.remove(&ticket).unwrap_or_default();
            cuts.into_iter().rev().for_each(|cut| self.learner.take_back(cut));
        }
        heard
    }

    /// The figures of this moment.
    #[must_use]
    pub fn state(&self, now: Duration) -> PacerState {
        let now = now.max(self.latest);
        let has_rate = !matches!(self.settings.mode, PacerMode::Off | PacerMode::Pause);
        PacerState {
            rate: has_rate.then_some(self.learner.rate),
            queue: self.queue.len(),
            hold: self.learner.hold.unwrap_or_default().saturating_sub(now),
        }
    }

    /// The settings in force: those given, drawn to what is possible.
    #[must_use]
    pub fn settings(&self) -> &PacerSettings {
        &self.settings
    }

    /// Whether what comes of attempts means nothing to it.
    fn is_deaf(&self) -> bool {
        matches!(self.settings.mode, PacerMode::Off | PacerMode::Fixed)
    }

    fn monotone(&mut self, now: Duration) -> Duration {
        self.latest = self.latest.max(now);
        self.latest
    }
}

fn sound(unit: f64) -> f64 {
    if unit.is_nan() { 0.5 } else { unit.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests;
