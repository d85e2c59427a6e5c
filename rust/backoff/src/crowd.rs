//! What the users of one process find out together of a quota that each of them tries at by itself. One user sees its own refusals;
//! all of them see how many wait, how many are let in a second, and whether anybody is.
//!
//! Three things follow, and whatever is none of them changes nothing:
//! - **a flow**: refused ones are let in at some rate. Whoever comes back draws its pause so that all who wait try some times as often as
//!   that: neither as a herd at first nor, when few are left, with pauses that were meant for many (module `flow`).
//! - **a queue**: answers come ever later, until attempts time out. More tries make it longer; whoever timed out comes back when the server
//!   is nearly through with it (module `flow`).
//! - **a lock-out**: nobody is let in, although many try and wait as long as asked. Refusals seem to count, and only turns that are taken
//!   help: all line up at a gate, as `pace` has it (module `lockout`).
//!
//! Found by simulation, `cargo run --release -p simulate --example matrix` (200 users, 10 seeds, default policy): lost, multiple of the
//! bound, attempts a user:
//!
//! | limit | each by itself | together |
//! |---|---|---|
//! | 10/s, burst 1 | 0, 3.25, 4.6 | 0, 1.70, 4.5 |
//! | 10/s, burst 20 | 0, 1.73, 3.4 | 0, 1.03, 3.5 |
//! | queue of 5/s | 33, -, 3.1 | 0, 1.50, 1.5 |
//! | 40 per 5 s, hint | 0, 2.11, 2.9 | 0, 1.21, 3.0 |
//! | 5/s by silence | 0, 3.15, 1.9 | 0, 1.63, 2.0 |
//! | 20 users at a time | 0, 2.18, 3.4 | 0, 1.21, 3.5 |
//! | 40 per 5 s, each refusal begins it anew | 160, -, 10.4 | 0, 3.11, 4.6 |
//!
//! No clock, no I/O: time comes in as a [`Duration`] since any start that the caller likes.

mod flow;
mod lockout;

pub use lockout::LockedOut;

use crate::attempts::{Form, Refusal};
use crate::connect::Class;
use flow::Flow;
use lockout::Lockout;
use std::time::Duration;

/// Statuses from here on are errors.
const FIRST_ERROR: u16 = 400;

/// What the users of one process know together of one quota.
#[derive(Debug, Clone, Default)]
pub struct Crowd {
    /// How many try.
    users: usize,
    /// For how long at most, the latest of them.
    time: Duration,
    flow: Flow,
    lockout: Lockout,
}

/// What all found out, for one of them who was just refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Those who come back are let in at some rate.
    Flow(Lead),
    /// The server lets them wait for its answer, for longer than an attempt may take.
    Queue(Lead),
    /// They lock each other out.
    LockedOut(LockedOut),
}

/// When to come back, by what all see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lead {
    /// How many try.
    pub users: usize,
    /// Not before this time is over.
    pub after: Duration,
    /// And then somewhere in this time.
    pub width: Duration,
    /// Who was refused more often may be kept out by something of its own.
    pub by_chance: u64,
}

impl Crowd {
    /// Nobody has tried yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more user begins to try, for so long at most.
    pub fn begins(&mut self, time: Duration) {
        self.users += 1;
        self.time = time;
    }

    /// A user tries no more, in or not. When nobody does, what was found out is forgotten: who comes later may meet another state of things.
    pub fn ends(&mut self) {
        self.users = self.users.saturating_sub(1);
        if self.users == 0 {
            self.flow = Flow::default();
            self.lockout.forget();
        }
    }

    /// Whether nobody tries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users == 0
    }

    /// A user was let in, after an attempt that took so long of the time that it had; `limit` is `None` where nobody knows that.
    pub fn passed(&mut self, now: Duration, took: Duration, limit: Option<Duration>) {
        self.flow.passed(now, took, limit);
        self.lockout.passed(now);
    }

    /// A user was refused, likewise. What no other attempt can heal says nothing of a quota, nor does an answer that only its user did not
    /// want: the server let it in. A bare 503 is how some proxies throttle.
    pub fn refused(
        &mut self,
        now: Duration,
        refusal: &Refusal,
        took: Duration,
        limit: Option<Duration>,
    ) -> Option<Finding> {
        let is_error = !matches!(refusal.form, Form::Status(status) if status < FIRST_ERROR);
        let counts = refusal.class == Class::Throttle || (refusal.class == Class::Transient && is_error);
        if !counts {
            return None;
        }
        let users = self.users;
        let lead = self.flow.refused(now, refusal, took, limit, users);
        let locked_out = self.lockout.refused(now, refusal.hint, users, self.time);
        locked_out.map(Finding::LockedOut).or(lead)
    }
}
