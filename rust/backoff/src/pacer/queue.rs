//! The order of those who wait: by first wait, but a refused one lets others try first, and one who alone is refused waits by itself.

use super::Ticket;
use super::blame::OTHERS;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// One who alone was refused has one turn in so many, as long as others wait who were not refused yet, and then every other one.
const SHARE: u32 = 8;

/// A refused one comes back by chance within so many turns: always right behind one who got in it would find less than its share.
const CHANCE: f64 = 3.0;

/// Where a ticket stands.
#[derive(Debug, Clone, Copy)]
enum Stand {
    /// In line.
    Line,
    /// Behind the line until so many got in; among its like by the order of refusals.
    Yields(u64, u64),
    /// Before the line from this turn on.
    Back(u64),
    /// Behind all others until then.
    Rests(Duration),
    /// It has rested; among its like by the order in which they had.
    Rested(u64),
}

/// Who waits. Every operation takes `O(log n)`.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    /// With the number of U(0, 1) that each brought.
    stands: HashMap<Ticket, (Stand, f64)>,
    line: BTreeSet<Ticket>,
    yielding: BTreeSet<(u64, u64, Ticket)>,
    back: BTreeSet<(u64, Ticket)>,
    resting: BTreeSet<(Duration, Ticket)>,
    rested: BTreeSet<(u64, Ticket)>,
    /// How many have rested.
    rests: u64,
    /// How many turns there were, and how many of them since one had a turn who has rested.
    turns: u64,
    others: u32,
    /// The first turn for which nobody is to come back yet.
    free: u64,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.stands.len()
    }

    #[cfg(test)]
    pub(super) fn contains(&self, ticket: Ticket) -> bool {
        self.stands.contains_key(&ticket)
    }

    /// At its place by first wait.
    pub(super) fn line_up(&mut self, ticket: Ticket, unit: f64) {
        self.stand(ticket, unit, Stand::Line);
    }

    /// Behind the others until [`OTHERS`] more got in than `passes`.
    pub(super) fn give_way(&mut self, ticket: Ticket, unit: f64, passes: u64, refusals: u64) {
        self.stand(ticket, unit, Stand::Yields(passes + OTHERS, refusals));
    }

    /// Behind the others until then.
    pub(super) fn rest(&mut self, ticket: Ticket, unit: f64, until: Duration) {
        self.stand(ticket, unit, Stand::Rests(until));
    }

    fn stand(&mut self, ticket: Ticket, unit: f64, stand: Stand) {
        self.remove(ticket);
        match stand {
            Stand::Line => _ = self.line.insert(ticket),
            Stand::Yields(passes, refusals) => _ = self.yielding.insert((passes, refusals, ticket)),
            Stand::Back(turn) => _ = self.back.insert((turn, ticket)),
            Stand::Rests(until) => _ = self.resting.insert((until, ticket)),
            Stand::Rested(nth) => _ = self.rested.insert((nth, ticket)),
        }
        self.stands.insert(ticket, (stand, unit));
    }

    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<f64> {
        let (stand, unit) = self.stands.remove(&ticket)?;
        match stand {
            Stand::Line => _ = self.line.remove(&ticket),
            Stand::Yields(passes, refusals) => _ = self.yielding.remove(&(passes, refusals, ticket)),
            Stand::Back(turn) => _ = self.back.remove(&(turn, ticket)),
            Stand::Rests(until) => _ = self.resting.remove(&(until, ticket)),
            Stand::Rested(nth) => _ = self.rested.remove(&(nth, ticket)),
        }
        Some(unit)
    }

    /// Who is next, its number, and not before when by its own backoff. Who probes a quota that was probed in vain is one who was not
    /// refused yet: one who was may be kept out by something of its own, and would be refused by an open one, too. Not the first probe,
    /// which a bucket always lets in: it would never be one who comes back.
    pub(super) fn first(&self, probing: bool) -> Option<(Ticket, f64, Duration)> {
        let back = |until: u64| {
            let first = self.back.first().filter(|(turn, _)| *turn <= until);
            first.map(|&(_, ticket)| ticket)
        };
        let rested = || self.rested.first().map(|&(_, ticket)| ticket);
        let share = if self.line.is_empty() { 1 } else { SHARE };
        let due = if self.others >= share { rested() } else { None };
        let fresh = if probing { self.line.first().copied() } else { None };
        let now = fresh
            .or(due)
            .or_else(|| back(self.turns))
            .or_else(|| self.line.first().copied())
            .or_else(|| back(u64::MAX))
            .or_else(|| self.yielding.first().map(|&(_, _, ticket)| ticket))
            .or_else(rested)
            .map(|ticket| (ticket, Duration::ZERO));
        let resting = || self.resting.first().map(|&(until, ticket)| (ticket, until));
        let (ticket, until) = now.or_else(resting)?;
        Some((ticket, self.stands[&ticket].1, until))
    }

    /// The first one has its turn.
    pub(super) fn take(&mut self, ticket: Ticket) -> Option<f64> {
        self.turns += 1;
        self.others = if matches!(self.stands.get(&ticket), Some((Stand::Rested(_), _))) {
            0
        } else {
            self.others.saturating_add(1)
        };
        self.remove(ticket)
    }

    /// So many have got in: those who gave way for long enough come back soon, one after the other.
    pub(super) fn let_back(&mut self, passes: u64) {
        while let Some(&(until, _, ticket)) = self.yielding.first() {
            if until > passes {
                return;
            }
            if let Some(unit) = self.remove(ticket) {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 2
                let later = (unit * CHANCE) as u64;
                let turn = self.free.max(self.turns) + later.min(2);
                self.free = turn + 1;
                self.stand(ticket, unit, Stand::Back(turn));
            }
        }
    }

    /// Ends the rest of those who rested for long enough.
    pub(super) fn settle(&mut self, now: Duration) {
        while let Some(&(until, ticket)) = self.resting.first() {
            if until > now {
                return;
            }
            if let Some(unit) = self.remove(ticket) {
                self.rests += 1;
                self.stand(ticket, unit, Stand::Rested(self.rests));
            }
        }
    }
}
