//! The shared gate at work: `backoff::Pacer` with a clock and a timer, one for all users of a quota, and each user's place in it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use backoff::{LockedOut, Pacer, PacerMode, PacerSettings, PacerState, Refusal, Stream, Ticket};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use super::crowd::Crowd;
use super::shelf::Shelf;
use crate::locks::{Mutex, MutexGuard};

/// The gates of a test, by the quota that they stand before.
#[derive(Debug, Default)]
pub struct Gates {
    by_key: Mutex<Shelf<Gate>>,
    /// Those who try at each quota, whether they want a gate or not.
    crowds: Mutex<Shelf<Crowd>>,
}

impl Gates {
    /// The gate of a key; the first to ask makes it.
    ///
    /// # Errors
    /// The settings of the gate that is there, when they are others.
    pub fn get(&self, key: &str, settings: PacerSettings) -> Result<Arc<Gate>, PacerSettings> {
        let mut gates = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.get(key, || Gate::new(settings));
        if gate.settings == settings {
            Ok(gate)
        } else {
            Err(gate.settings)
        }
    }

    /// Those who try at the quota of a key; the first to ask makes them.
    pub fn crowd(&self, key: &str) -> Arc<Crowd> {
        let mut crowds = self.crowds.lock().unwrap_or_else(PoisonError::into_inner);
        crowds.get(key, Crowd::default)
    }

    /// What all gates do at the moment, each behind its key, in order.
    pub fn figures(&self) -> Vec<(String, PacerState)> {
        let shelf = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let gates: Vec<_> = shelf
            .all()
            .map(|(key, gate)| (key.to_owned(), gate.clone()))
            .collect();
        drop(shelf);
        let figures = gates.into_iter().map(|(key, gate)| (key, gate.figures()));
        let mut figures: Vec<_> = figures.collect();
        figures.sort_by(|one, other| one.0.cmp(&other.0));
        figures
    }

    /// The end of a test: the next one finds gates that know nothing.
    pub fn clear(&self) {
        self.crowds.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// One quota's gate.
#[derive(Debug)]
pub struct Gate {
    settings: PacerSettings,
    start: Instant,
    state: Mutex<State>,
    /// The next turn is sooner than the one that is waited for.
    sooner: Notify,
}

#[derive(Debug)]
struct State {
    pacer: Pacer,
    /// How to tell a waiter that its turn has come.
    waiting: HashMap<Ticket, oneshot::Sender<()>>,
    /// The moment that the gate's one task waits for, since the gate's start; `None`: there is no task.
    deadline: Option<Duration>,
}

impl State {
    /// Whether the task must be told of a change. A turn that has moved away, or is gone, it finds out by itself at the moment
    /// that it waits for: thousands who give up, or refusals in a bunch, wake nobody.
    fn is_sooner(&self) -> bool {
        let next = self.pacer.ready();
        next.is_some_and(|turn| self.deadline.is_some_and(|deadline| turn.at < deadline))
    }
}

impl Gate {
    fn new(settings: PacerSettings) -> Self {
        Gate::of(settings, Pacer::new(settings))
    }

    /// Of `pace`, for those who locked each other out.
    pub(super) fn closed(found: &LockedOut, hint: Option<Duration>) -> Self {
        let settings = PacerSettings::of(PacerMode::Pace);
        Gate::of(settings, Pacer::closed(settings, Duration::ZERO, found, hint))
    }

    fn of(settings: PacerSettings, pacer: Pacer) -> Self {
        let state = State {
            pacer,
            waiting: HashMap::new(),
            deadline: None,
        };
        Gate {
            settings,
            start: Instant::now(),
            state: Mutex::new(state),
            sooner: Notify::new(),
        }
    }

    /// What the gate does.
    pub fn mode(&self) -> PacerMode {
        self.settings.mode
    }

    /// Its figures now.
    pub fn figures(&self) -> PacerState {
        self.lock().pacer.state(self.now())
    }

    /// A user's place, not in the queue yet; `seed` makes what it draws repeat.
    pub fn place(self: &Arc<Self>, seed: Option<u64>) -> Place {
        // Not the stream that the policy draws from: equal numbers in both would bind waits to gaps.
        let stream = Stream::new(seed.map(|seed| backoff::stream_seed(seed, "gate", 0)));
        Place {
            gate: self.clone(),
            stream,
            ticket: None,
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Hands out turns as they come due, until nobody waits: the one timer of all who do.
    async fn drive(self: Arc<Self>) {
        loop {
            let Some(at) = self.hand_out() else { return };
            // The longest hold is bounded, so the sum cannot run over.
            let due = sleep_until(self.start + at);
            tokio::select! {
                () = due => {}
                () = self.sooner.notified() => {}
            }
        }
    }

    /// Tells those whose turn it is; the moment of the next turn, or `None` when nobody waits any more.
    fn hand_out(&self) -> Option<Duration> {
        let mut state = self.lock();
        while let Some(ticket) = state.pacer.take(self.now()) {
            if let Some(turn) = state.waiting.remove(&ticket) {
                // Whoever went away in this instant loses its turn; the others do not notice.
                let _ = turn.send(());
            }
        }
        state.deadline = state.pacer.ready().map(|turn| turn.at);
        state.deadline
    }

    /// Makes a change, and tells the task if the next turn comes sooner by it.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let done = change(&mut state);
        let sooner = state.is_sooner();
        drop(state);
        if sooner {
            self.sooner.notify_one();
        }
        done
    }

    // Every change under the lock is whole before anything can panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connect's place at a gate, kept over all its attempts. Dropping it gives the place up.
#[derive(Debug)]
pub struct Place {
    gate: Arc<Gate>,
    stream: Stream,
    ticket: Option<Ticket>,
}

impl Place {
    /// Waits for this user's turn; needs a tokio runtime. The attempt must start at once when it returns. `not_before`: by the
    /// user's own backoff, which the gate asks for where only this user is refused.
    ///
    /// Cancel safe: dropping it leaves the queue at the next [`Place::turn`] or with the place.
    pub async fn turn(&mut self, not_before: Instant) {
        let not_before = not_before.saturating_duration_since(self.gate.start);
        let (turn, told) = oneshot::channel();
        let unit = self.stream.unit();
        let old = self.ticket;
        let (ticket, starts) = self.gate.change(|state| {
            let ticket = match old {
                Some(ticket) => {
                    state.pacer.again(ticket, unit, not_before);
                    ticket
                }
                None => state.pacer.enter(unit),
            };
            state.waiting.insert(ticket, turn);
            let starts = state.deadline.is_none();
            // The task looks at once; until then nobody needs to tell it anything.
            state.deadline.get_or_insert(Duration::ZERO);
            (ticket, starts)
        });
        self.ticket = Some(ticket);
        if starts {
            tokio::spawn(self.gate.clone().drive());
        }
        // An error would mean that the runtime ends, and then the call is cancelled too.
        let _ = told.await;
    }

    /// The attempt that just began ends after `limit`, even without an answer.
    pub fn answers_by(&mut self, limit: Duration) {
        if let Some(ticket) = self.ticket {
            self.gate.change(|state| state.pacer.answers_by(ticket, limit));
        }
    }

    /// The server let this user in.
    pub fn passed(&mut self) {
        let now = self.gate.now();
        if let Some(ticket) = self.ticket {
            self.gate.change(|state| state.pacer.passed(now, ticket));
        }
    }

    /// An attempt of this user failed; what that says of the quota, the gate decides.
    pub fn refused(&mut self, refusal: &Refusal) {
        let now = self.gate.now();
        if let Some(ticket) = self.ticket {
            self.gate
                .change(|state| state.pacer.refused(now, ticket, refusal));
        }
    }

    /// Gives the place up: the next turn is waited for at the end of the queue.
    pub fn give_up(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        self.gate.change(|state| {
            if state.pacer.leave(ticket) {
                state.waiting.remove(&ticket);
            }
        });
    }

    /// The gate.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.give_up();
    }
}

// By its path, as `models` takes this file by its own.
#[cfg(test)]
#[path = "gate/tests.rs"]
mod tests;
