//! The attempts that are under way: since when, and which of them are late.

use super::Ticket;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// So many times as long as the slowest of the answers so far, and no answer: it does not come.
const LATE: u32 = 4;
/// By so many times as long it is in doubt whether it comes.
const DOUBT: u32 = 2;
const SOONEST_DOUBT: Duration = Duration::from_millis(100);
/// No answer is called late before.
const SOONEST_LATE: Duration = Duration::from_millis(300);
/// Where nobody said when an answer is due, it is not waited for any longer.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// So many answers show what is usual.
const USUAL: u32 = 3;

/// One attempt under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) at: Duration,
    /// After this it ends without an answer; `None`: it may take as long as it likes, and is never late.
    pub(super) limit: Option<Duration>,
    /// It was taken for one that gets no answer.
    pub(super) late: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Flight {
    sent: HashMap<Ticket, Sent>,
    /// Those of them that an answer is still waited for.
    awaited: BTreeSet<(Duration, Ticket)>,
    /// How long the slowest of the answers took, those of long ago counting less.
    slowest: Duration,
    answers: u32,
    /// When somebody got in last, the mean time between two of those while answers were waited for, and the time that an attempt has.
    last: Duration,
    between: Duration,
    limit: Option<Duration>,
}

impl Flight {
    pub(super) fn begin(&mut self, ticket: Ticket, at: Duration) {
        self.end(ticket);
        self.sent.insert(
            ticket,
            Sent {
                at,
                limit: None,
                late: false,
            },
        );
        self.awaited.insert((at, ticket));
    }

    pub(super) fn limit(&mut self, ticket: Ticket, limit: Duration) {
        if let Some(sent) = self.sent.get_mut(&ticket) {
            sent.limit = Some(limit);
        }
    }

    pub(super) fn end(&mut self, ticket: Ticket) -> Option<Sent> {
        let sent = self.sent.remove(&ticket)?;
        self.awaited.remove(&(sent.at, ticket));
        Some(sent)
    }

    /// An attempt was answered after so long.
    pub(super) fn answered(&mut self, now: Duration, took: Duration, limit: Option<Duration>) {
        let between = took.min(now.saturating_sub(self.last));
        self.between = if self.answers == 0 {
            between
        } else {
            self.between
                .saturating_sub(self.between / 8)
                .saturating_add(between / 8)
        };
        (self.last, self.limit) = (now, limit);
        self.answers = self.answers.saturating_add(1);
        self.slowest = took.max(self.slowest - self.slowest / 32);
    }

    /// How many answers are waited for.
    pub(super) fn awaited(&self) -> usize {
        self.awaited.len()
    }

    /// How many may be under way so that none is answered later than a quarter of the time that it has: where a queue lets them in,
    /// more of them only makes all wait.
    pub(super) fn most(&self) -> Option<usize> {
        let limit = self.limit.filter(|_| self.answers >= USUAL)?;
        let most = (limit / 4).as_nanos() / self.between.as_nanos().max(1);
        Some(usize::try_from(most).unwrap_or(usize::MAX).max(1))
    }

    /// When no more than `most` are waited for, if none comes.
    pub(super) fn down_to(&self, most: usize) -> Option<Duration> {
        let over = self.awaited.len().checked_sub(most)?.checked_sub(1)?;
        let (at, ticket) = self.awaited.iter().nth(over)?;
        Some(at.saturating_add(self.patience(self.sent[ticket].limit.is_some())))
    }

    /// Nobody goes while the oldest answer that is waited for is in doubt: this moment, or the one at which that is over if none comes.
    pub(super) fn beyond_doubt(&self, at: Duration) -> Duration {
        let Some(&(oldest, ticket)) = self.awaited.first() else {
            return at;
        };
        if self.answers < USUAL || self.sent[&ticket].limit.is_none() {
            return at;
        }
        let usual = self.slowest.saturating_mul(DOUBT).max(SOONEST_DOUBT);
        if at < oldest.saturating_add(usual) {
            at
        } else {
            at.max(oldest.saturating_add(self.patience(true)))
        }
    }

    /// One for which no answer is waited for any more: its time of sending, if it was one of those that are late by that.
    pub(super) fn give_up(&mut self, now: Duration) -> Option<Option<Duration>> {
        let &(at, ticket) = self.awaited.first()?;
        let sent = self.sent.get_mut(&ticket)?;
        let timed = sent.limit.is_some() && self.answers >= USUAL;
        if now < at.saturating_add(self.patience(timed)) {
            return None;
        }
        if let Some(sent) = self.sent.get_mut(&ticket) {
            sent.late = timed;
        }
        self.awaited.remove(&(at, ticket));
        Some(timed.then_some(at))
    }

    /// How many there are whose answers do not come, and when the last of them is back; `None`: none is missing.
    pub(super) fn back(&self) -> Option<(usize, Duration)> {
        let late = self.sent.values().filter(|sent| sent.late);
        let ends = late.map(|sent| sent.at.saturating_add(sent.limit.unwrap_or_default()));
        ends.fold(None, |back: Option<(usize, Duration)>, end| {
            let (count, last) = back.unwrap_or_default();
            Some((count + 1, last.max(end)))
        })
    }

    /// How long an answer is waited for.
    pub(super) fn patience(&self, timed: bool) -> Duration {
        let usual = self.slowest.saturating_mul(LATE);
        if timed && self.answers >= USUAL {
            usual.max(SOONEST_LATE)
        } else {
            usual.max(LONGEST_WAIT)
        }
    }
}
