//! When calls that wait are to be looked at, ready or not.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::reactor::Ticket;

/// Times, the soonest first, and how long the reactor sleeps.
#[derive(Debug, Default)]
pub(super) struct Timers {
    times: BTreeSet<(Instant, Ticket)>,
    /// Until when those that drive the reactor sleep; `None`: one at least is awake.
    asleep: Option<Instant>,
}

impl Timers {
    /// True: whoever sleeps would sleep too long.
    pub(super) fn add(&mut self, until: Instant, ticket: Ticket) -> bool {
        self.times.insert((until, ticket));
        self.asleep.is_some_and(|asleep| until < asleep)
    }

    pub(super) fn remove(&mut self, until: Instant, ticket: Ticket) {
        self.times.remove(&(until, ticket));
    }

    /// Takes out those whose time has come.
    pub(super) fn expire(&mut self, tickets: &mut Vec<Ticket>, now: Instant) {
        while let Some(&(until, ticket)) = self.times.first() {
            if until > now {
                return;
            }
            self.times.pop_first();
            tickets.push(ticket);
        }
    }

    /// How long to sleep from `now` on, at most so long.
    pub(super) fn sleep_from(&mut self, now: Instant, longest: Duration) -> Duration {
        let next = self
            .times
            .first()
            .map(|&(until, _)| until.saturating_duration_since(now));
        let sleep = next.map_or(longest, |next| next.min(longest));
        self.asleep = Some(now + sleep);
        sleep
    }

    pub(super) fn is_awake(&mut self) {
        self.asleep = None;
    }
}
