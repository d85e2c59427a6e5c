//! The shared gate: one queue for all users of one quota, and a rate that learns from what the server says.
//!
//! A state machine without a clock: time comes in as a [`Duration`] since any start that the caller likes, and never runs
//! backwards (an earlier time counts as the latest one seen). Its owner keeps one timer, for the moment of [`Pacer::ready`],
//! and asks anew after each call that changes the gate.
//!
//! ```
//! use backoff::{Pacer, PacerMode, PacerSettings};
//! use std::time::Duration;
//!
//! let mut gate = Pacer::new(PacerSettings::of(PacerMode::Pace));
//! let (first, second) = (gate.enter(0.5), gate.enter(0.5));
//! let start = Duration::ZERO;
//! assert_eq!(gate.take(start), Some(first));
//! // The server refuses and asks for 2 s: nobody goes before, then the refused one before all others.
//! gate.throttled(start, start, Some(Duration::from_secs(2)));
//! gate.again(first, 0.5);
//! let turn = gate.ready().expect("two wait");
//! assert_eq!((turn.at, turn.ticket), (Duration::from_secs(2), first));
//! # let _ = second;
//! ```

mod settings;

pub use settings::{FASTEST_PACE, PacerMode, PacerSettings, SLOWEST_PACE};

use std::collections::BTreeMap;
use std::time::Duration;

/// A timer that fires this late costs no pace: the next turn counts from when this one was due. So at most two go closer
/// together than the rate says; more than that would be a burst, which a server without one takes for hammering.
const LATENESS: Duration = Duration::from_millis(10);

/// How far a gap between two turns spreads around `1 / rate`: half of it, up and down. Without it two gates on one quota
/// fall into step, and the one that is a moment earlier at every token gets most of them.
const GAP_SPREAD: f64 = 0.5;

/// After this long with refusals and not one success, each refusal doubles the gap: a quota that counts refusals may be
/// smaller than the lowest rate, and would never open again under it (five logins a minute, say).
const PATIENCE: Duration = Duration::from_secs(60);

/// By then every gap is longer than any hold.
const MOST_DOUBLINGS: u32 = 31;

/// A place in the order of first waits. It stays the same over all attempts of one connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// Who goes next, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The moment; one that is over means now.
    pub at: Duration,
    /// Who has waited for the longest.
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
/// its end told by [`Pacer::passed`] or [`Pacer::throttled`] (any other end is not the quota's and need not be told); for the next
/// attempt of the same connect [`Pacer::again`]. Who gives up says [`Pacer::leave`]; one that was handed out needs no goodbye.
///
/// Order: by first wait, in every mode, so that a refused user comes before all who came later, and nobody starves.
///
/// The rate of `pace` (additive increase, multiplicative decrease): a success adds `increase / rate`, which is `increase` for each
/// second of successes; a refusal leaves `beta` of it, once for all refusals of attempts that were under way. A hint holds all.
#[derive(Debug, Clone)]
pub struct Pacer {
    settings: PacerSettings,
    /// Attempts a second.
    rate: f64,
    /// `pace`: no turn before this. `pause`: the last turn, or the end of the hold.
    next: Duration,
    /// Until when the latest hint holds; `None` before the first hint.
    hold: Option<Duration>,
    /// When the rate was cut last.
    cut: Option<Duration>,
    /// The first refusal since the last success.
    dry: Option<Duration>,
    /// How often the gap was doubled since the last success.
    doublings: u32,
    /// Who waits, with the number of U(0, 1) that each brought.
    waiting: BTreeMap<Ticket, f64>,
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
            rate: settings.rate,
            next: Duration::ZERO,
            hold: None,
            cut: None,
            dry: None,
            doublings: 0,
            waiting: BTreeMap::new(),
            issued: 0,
            latest: Duration::ZERO,
        }
    }

    /// The first wait of a connect: at the end of the queue.
    ///
    /// `unit` is a number of U(0, 1) out of a [`crate::Stream`] of the user's own: it spreads `pause` after a hint, and the gaps of `pace`.
    pub fn enter(&mut self, unit: f64) -> Ticket {
        self.issued += 1;
        let ticket = Ticket(self.issued);
        self.again(ticket, unit);
        ticket
    }

    /// A further wait of the same connect: at its old place, before all who came later.
    pub fn again(&mut self, ticket: Ticket, unit: f64) {
        let unit = if unit.is_nan() { 0.5 } else { unit.clamp(0.0, 1.0) };
        self.waiting.insert(ticket, unit);
    }

    /// Gives the wait up, at any moment; whose turn it is not, or no more, may say so too. True: it waited.
    pub fn leave(&mut self, ticket: Ticket) -> bool {
        self.waiting.remove(&ticket).is_some()
    }

    /// Who goes next and when, if nothing changes: the gate's one deadline. `None`: nobody waits.
    #[must_use]
    pub fn ready(&self) -> Option<Turn> {
        let (&ticket, &unit) = self.waiting.first_key_value()?;
        let at = match (self.settings.mode, self.hold) {
            (PacerMode::Off | PacerMode::Observe, _) | (PacerMode::Pause, None) => Duration::ZERO,
            (PacerMode::Pause, Some(hold)) => self.next_after_pause(hold, unit),
            (PacerMode::Pace, hold) => self.next.max(hold.unwrap_or_default()),
        };
        Some(Turn { at, ticket })
    }

    /// `U(0, spread)` after the hint for each of those who waited for it, drawn one after the other in their order: of `n` numbers in
    /// what is left of the spread the smallest lies at `1 / (n + 1)` of it in the mean.
    fn next_after_pause(&self, hold: Duration, unit: f64) -> Duration {
        let end = hold.saturating_add(self.settings.spread);
        let from = self.next.clamp(hold, end);
        let share = 2.0 * unit / (self.waiting.len() as f64 + 1.0);
        from.saturating_add((end - from).mul_f64(share.min(1.0)))
    }

    /// The one whose turn has come, who must start its attempt now. `None`: nobody's has.
    pub fn take(&mut self, now: Duration) -> Option<Ticket> {
        let now = self.monotone(now);
        let turn = self.ready().filter(|turn| turn.at <= now)?;
        let unit = self.waiting.remove(&turn.ticket)?;
        let due = turn.at.max(now.saturating_sub(LATENESS));
        self.next = match self.settings.mode {
            PacerMode::Pace => due.saturating_add(self.gap(1.0 + GAP_SPREAD * (2.0 * unit - 1.0))),
            PacerMode::Off | PacerMode::Observe | PacerMode::Pause => turn.at,
        };
        Some(turn.ticket)
    }

    /// The server let an attempt in.
    pub fn passed(&mut self) {
        if self.settings.mode != PacerMode::Off {
            self.rate = (self.rate + self.settings.increase / self.rate).min(self.settings.max_rate);
            (self.dry, self.doublings) = (None, 0);
        }
    }

    /// The server refused an attempt as one too many. `sent`: when [`Pacer::take`] gave its ticket out; `hint`: how long the server
    /// asks to stay away, if the policy believes it. Where nobody knows when it was sent, `now` does.
    pub fn throttled(&mut self, now: Duration, sent: Duration, hint: Option<Duration>) {
        let now = self.monotone(now);
        if self.settings.mode == PacerMode::Off {
            return;
        }
        if let Some(hint) = hint {
            let until = now.saturating_add(hint.min(self.settings.max_hold));
            self.hold = Some(self.hold.map_or(until, |hold| hold.max(until)));
        }
        if self.settings.mode == PacerMode::Pause {
            return;
        }
        // An attempt from before the last cut says nothing about the rate after it.
        let known = self.cut.is_some_and(|cut| {
            sent < cut || now < cut.saturating_add(self.settings.cut_gap.max(self.gap(1.0)))
        });
        if !known {
            self.cut = Some(now);
            self.rate = (self.rate * self.settings.beta).max(self.settings.min_rate);
            let dry = *self.dry.get_or_insert(now);
            if now - dry >= PATIENCE {
                self.doublings = (self.doublings + 1).min(MOST_DOUBLINGS);
            }
        }
        let gap = self.gap(f64::from(1_u32 << self.doublings));
        let longest = self.settings.max_hold.max(self.gap(1.0));
        self.next = self.next.max(now.saturating_add(gap.min(longest)));
    }

    /// The figures of this moment.
    #[must_use]
    pub fn state(&self, now: Duration) -> PacerState {
        let now = now.max(self.latest);
        PacerState {
            rate: matches!(self.settings.mode, PacerMode::Observe | PacerMode::Pace).then_some(self.rate),
            queue: self.waiting.len(),
            hold: self.hold.unwrap_or_default().saturating_sub(now),
        }
    }

    /// The settings in force: those given, drawn to what is possible.
    #[must_use]
    pub fn settings(&self) -> &PacerSettings {
        &self.settings
    }

    /// So many times the time between two turns.
    fn gap(&self, times: f64) -> Duration {
        Duration::from_secs_f64(times / self.rate)
    }

    fn monotone(&mut self, now: Duration) -> Duration {
        self.latest = self.latest.max(now);
        self.latest
    }
}

#[cfg(test)]
mod tests;
