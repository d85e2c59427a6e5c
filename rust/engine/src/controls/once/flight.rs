//! One value that many need and one fetches: who may, who waits, and what they are told. A state machine; time comes in
//! as an argument, and who waits is woken by a [`Notify`] of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use backoff::{Attempts, FailureKind, Policy, Seen, Step, StopReason, Verdict};
use tokio::sync::Notify;
use tokio::time::Instant;

/// A value as its fetcher left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// By name.
    pub values: BTreeMap<String, String>,
    /// From then on it is fetched anew; `None`: never.
    pub due: Option<Instant>,
    /// Until then it can be used; `None`: for good.
    pub until: Option<Instant>,
}

impl Fetched {
    fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    fn is_over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// What whoever fetches brings with it.
#[derive(Debug, Clone)]
pub struct Terms {
    /// How long one fetch may take before the next in the queue takes over.
    pub lease: Duration,
    /// When a failed fetch is tried again.
    pub policy: Arc<Policy>,
    /// Seed of the waits; `None`: random.
    pub seed: Option<u64>,
}

/// A place in the queue, by order of arrival.
pub type Ticket = u64;

/// A fetch; those that were overtaken have a smaller number than the one that counts.
pub type Fetch = u64;

/// What somebody who needs the value is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Here it is.
    Use(Arc<Fetched>),
    /// Fetch it, and say what came of it.
    Fetch(Fetch),
    /// The policy gave up on it.
    Failed(StopReason),
}

/// What somebody in the queue finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// The wait is over.
    Told(Told),
    /// Nothing yet; to be looked at again when woken, or then.
    Nothing(Option<Instant>),
}

/// The state of one key.
///
/// While the value can be used, nobody waits: one fetches it anew once it is due, all others use what is there. Without one
/// the first of the queue fetches, and all others wait. At most one fetch counts at any time; one that takes longer than its lease counts
/// as a failure, and counts no more.
#[derive(Debug, Default)]
pub struct Flight {
    value: Option<Arc<Fetched>>,
    fetching: Option<Lease>,
    /// Who waits, and what wakes each.
    queue: BTreeMap<Ticket, Arc<Notify>>,
    /// Who was told, and has not looked yet.
    told: BTreeMap<Ticket, Told>,
    /// The failures since the last success.
    round: Option<Round>,
    /// No fetch starts before.
    not_before: Option<Instant>,
    issued: u64,
}

#[derive(Debug)]
struct Lease {
    fetch: Fetch,
    ends: Instant,
}

#[derive(Debug)]
struct Round {
    attempts: Attempts,
    /// From which its times count.
    began: Instant,
    /// How long nobody fetches after the policy gave up: else those who still need the value would hammer, one after the other.
    rest: Duration,
}

impl Flight {
    /// Somebody needs the value: told at once, or a place in the queue and what will wake it there.
    pub fn arrive(&mut self, terms: &Terms, now: Instant) -> Result<Told, (Ticket, Arc<Notify>)> {
        self.expire(now);
        if let Some(value) = self.usable(now) {
            let fetches = value.is_due(now) && self.may_fetch(now);
            return Ok(if fetches {
                Told::Fetch(self.begin(terms, now))
            } else {
                Told::Use(value)
            });
        }
        self.issued += 1;
        let wake = Arc::new(Notify::new());
        self.queue.insert(self.issued, wake.clone());
        Err((self.issued, wake))
    }

    /// The value, while it can be used.
    pub fn usable(&self, now: Instant) -> Option<Arc<Fetched>> {
        self.value.clone().filter(|value| !value.is_over(now))
    }

    /// What somebody in the queue finds now. With [`Found::Told`] it has left the queue.
    pub fn look(&mut self, ticket: Ticket, terms: &Terms, now: Instant) -> Found {
        self.expire(now);
        if let Some(told) = self.told.remove(&ticket) {
            return Found::Told(told);
        }
        if self.first() != Some(ticket) {
            return Found::Nothing(None);
        }
        if self.may_fetch(now) {
            self.queue.remove(&ticket);
            return Found::Told(Told::Fetch(self.begin(terms, now)));
        }
        let lease_ends = self.fetching.as_ref().map(|lease| lease.ends);
        Found::Nothing(lease_ends.or(self.not_before))
    }

    /// Somebody gives its place up. One that was told in this instant, and does not know, leaves nothing behind.
    pub fn leave(&mut self, ticket: Ticket) {
        let was_first = self.first() == Some(ticket);
        self.told.remove(&ticket);
        if self.queue.remove(&ticket).is_some() && was_first {
            self.wake_first();
        }
    }

    /// A fetch brought the value: all who wait get it, even if its time is over already. A fetch that was overtaken is used too,
    /// unless a usable value came in the meantime.
    pub fn succeed(&mut self, fetch: Fetch, value: Arc<Fetched>, now: Instant) {
        let counts = self.counts(fetch);
        if counts {
            self.fetching = None;
        } else if self.usable(now).is_some() {
            return;
        }
        self.value = Some(value.clone());
        (self.round, self.not_before) = (None, None);
        self.tell_all(&Told::Use(value));
    }

    /// A fetch failed: the next in the queue may start when the policy says so, or all are told that it gave up. `None`: the fetch was
    /// overtaken, and what it met counts no more.
    pub fn fail(&mut self, fetch: Fetch, seen: &Seen<'_>, now: Instant) -> Option<Verdict> {
        if !self.counts(fetch) {
            return None;
        }
        self.fetching = None;
        let round = self.round.as_mut()?;
        let (at, rest) = (now - round.began, round.rest);
        let (_, verdict) = round.attempts.failed(seen, at);
        match round.attempts.step(at) {
            Step::Stop(reason) => {
                (self.round, self.not_before) = (None, Some(now + rest));
                self.tell_all(&Told::Failed(reason));
            }
            step => {
                let until = if let Step::Pause { until } = step {
                    until
                } else {
                    at
                };
                self.not_before = Some(round.began + until);
                self.wake_first();
            }
        }
        Some(verdict)
    }

    /// A fetch was broken off by its own side: no fault of the server's, so the next in the queue takes over at once.
    pub fn abandon(&mut self, fetch: Fetch) {
        if self.counts(fetch) {
            self.fetching = None;
            self.wake_first();
        }
    }

    fn counts(&self, fetch: Fetch) -> bool {
        self.fetching.as_ref().is_some_and(|lease| lease.fetch == fetch)
    }

    fn may_fetch(&self, now: Instant) -> bool {
        self.fetching.is_none() && self.not_before.is_none_or(|start| start <= now)
    }

    fn begin(&mut self, terms: &Terms, now: Instant) -> Fetch {
        self.issued += 1;
        self.fetching = Some(Lease {
            fetch: self.issued,
            ends: now + terms.lease,
        });
        self.round.get_or_insert_with(|| {
            let mut attempts = Attempts::new(terms.policy.clone(), terms.seed);
            attempts.begin(Duration::ZERO);
            Round {
                attempts,
                began: now,
                rest: terms.policy.base,
            }
        });
        // The new first of the queue watches over this lease.
        self.wake_first();
        self.issued
    }

    fn expire(&mut self, now: Instant) {
        if let Some(lease) = self.fetching.as_ref().filter(|lease| lease.ends <= now) {
            self.fail(lease.fetch, &Seen::Failure(FailureKind::Timeout), now);
        }
    }

    fn first(&self) -> Option<Ticket> {
        self.queue.first_key_value().map(|(ticket, _)| *ticket)
    }

    fn wake_first(&self) {
        if let Some((_, wake)) = self.queue.first_key_value() {
            wake.notify_one();
        }
    }

    fn tell_all(&mut self, told: &Told) {
        for (ticket, wake) in std::mem::take(&mut self.queue) {
            self.told.insert(ticket, told.clone());
            wake.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
