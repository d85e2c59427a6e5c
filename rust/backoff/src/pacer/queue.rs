//! The order of those who wait: by first wait, but a refused one lets others try first, and one who alone is refused waits by itself.

use super::Ticket;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// One who alone was refused has one turn in so many, as long as others wait.
const SHARE: u32 = 8;

/// So many of the others get in before a refused one tries again, as far as others wait: what refuses it may be its own.
const YIELDS: u64 = 3;

/// Where a ticket stands.
#[derive(Debug, Clone, Copy)]
enum Stand {
    /// In line.
    Line,
    /// Behind the line until so many got in; among its like by the order of refusals.
    Yields(u64, u64),
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
    resting: BTreeSet<(Duration, Ticket)>,
    rested: BTreeSet<(u64, Ticket)>,
    /// How many have rested.
    rests: u64,
    /// Turns of the others since one had a turn who has rested.
    turns: u32,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.stands.len()
    }

    #[cfg(test)]
    pub(super) fn contains(&self, ticket: Ticket) -> bool {
        self.stands.contains_key(&ticket)
    }

    /// Whether any waits that was not found to be refused alone.
    pub(super) fn others_wait(&self) -> bool {
        !self.line.is_empty() || !self.yielding.is_empty()
    }

    /// At its place by first wait.
    pub(super) fn line_up(&mut self, ticket: Ticket, unit: f64) {
        self.stand(ticket, unit, Stand::Line);
    }

    /// Behind the others until [`YIELDS`] more got in than `passes`.
    pub(super) fn give_way(&mut self, ticket: Ticket, unit: f64, passes: u64, refusals: u64) {
        self.stand(ticket, unit, Stand::Yields(passes + YIELDS, refusals));
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
            Stand::Rests(until) => _ = self.resting.remove(&(until, ticket)),
            Stand::Rested(nth) => _ = self.rested.remove(&(nth, ticket)),
        }
        Some(unit)
    }

    /// Who is next, its number, and not before when by its own backoff.
    pub(super) fn first(&self) -> Option<(Ticket, f64, Duration)> {
        let in_line = self.line.first().map(|&ticket| (ticket, Duration::ZERO));
        let yielding = || {
            self.yielding
                .first()
                .map(|&(_, _, ticket)| (ticket, Duration::ZERO))
        };
        let resting = || self.resting.first().map(|&(until, ticket)| (ticket, until));
        let rested = || self.rested.first().map(|&(_, ticket)| (ticket, Duration::ZERO));
        let due = if self.turns >= SHARE { rested() } else { None };
        let first = due.or(in_line).or_else(yielding).or_else(rested);
        let (ticket, until) = first.or_else(resting)?;
        Some((ticket, self.stands[&ticket].1, until))
    }

    /// The first one has its turn.
    pub(super) fn take(&mut self, ticket: Ticket) -> Option<f64> {
        self.turns = if matches!(self.stands.get(&ticket), Some((Stand::Rested(_), _))) {
            0
        } else {
            self.turns.saturating_add(1)
        };
        self.remove(ticket)
    }

    /// Back into the line with those who gave way for long enough; ends the rest of those who rested for long enough.
    pub(super) fn settle(&mut self, passes: u64, now: Duration) {
        while let Some(&(until, _, ticket)) = self.yielding.first()
            && until <= passes
        {
            if let Some(unit) = self.remove(ticket) {
                self.line_up(ticket, unit);
            }
        }
        while let Some(&(until, ticket)) = self.resting.first()
            && until <= now
        {
            if let Some(unit) = self.remove(ticket) {
                self.rests += 1;
                self.stand(ticket, unit, Stand::Rested(self.rests));
            }
        }
    }
}
