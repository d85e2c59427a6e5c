//! The figures of one moment, plain numbers: what a running test counts, and what a trace tells of one that is over.

use std::collections::BTreeMap;
use std::time::Duration;

use backoff::{Class, PacerState};
use trace::ClosedBy;

use crate::watching::lengths::Lengths;

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The socket is open.
    Connected,
    /// The policy took it for a throttle.
    Throttled,
    /// Worth another attempt.
    Transient,
    /// Worth none.
    Fatal,
    /// Its user was stopped.
    Cancelled,
}

impl Fate {
    /// All, in the order of [`Moment::attempts`].
    pub const ALL: [Fate; 5] = [
        Fate::Connected,
        Fate::Throttled,
        Fate::Transient,
        Fate::Fatal,
        Fate::Cancelled,
    ];

    /// Of an attempt that failed, or was cancelled, by what the policy took it for.
    pub fn of(class: Option<Class>) -> Self {
        match class {
            Some(Class::Throttle) => Fate::Throttled,
            Some(Class::Transient) => Fate::Transient,
            Some(Class::Fatal) => Fate::Fatal,
            None => Fate::Cancelled,
        }
    }

    /// The word for labels.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Connected => "connected",
            Fate::Throttled => "throttled",
            Fate::Transient => "transient",
            Fate::Fatal => "fatal",
            Fate::Cancelled => "cancelled",
        }
    }
}

/// Where users are. Nobody is in two places with one connect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crowd {
    /// Connections that are open.
    pub connected: u64,
    /// Connects with an attempt under way.
    pub connecting: u64,
    /// Connects in a pause or at a gate.
    pub waiting: u64,
    /// Users whose latest connect gave up.
    pub lost: u64,
    /// Users whom a controller or a timer holds: between the attempts of others' samples, or until a turn.
    pub held: u64,
}

impl Crowd {
    /// All who are connected or want to be.
    pub fn users(&self) -> u64 {
        self.connected + self.connecting + self.waiting + self.lost
    }
}

/// A gate.
#[derive(Debug, Clone, PartialEq)]
pub struct GateFigures {
    /// What it stands before.
    pub key: String,
    /// Its rate, its queue and its hold.
    pub state: PacerState,
}

impl From<(String, PacerState)> for GateFigures {
    fn from((key, state): (String, PacerState)) -> Self {
        GateFigures { key, state }
    }
}

/// See the file's sentence.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// Since the test began.
    pub at: Duration,
    /// Where users are.
    pub crowd: Crowd,
    /// Attempts so far by [`Fate`].
    pub attempts: [u64; Fate::ALL.len()],
    /// Attempts a second, lately.
    pub rate: f64,
    /// How much longer the longest hint of a server holds.
    pub hint: Duration,
    /// Connects so far by how they ended, in the words of the trace.
    pub connects: BTreeMap<String, u64>,
    /// Ends of connections so far, in the order of [`ClosedBy::ALL`].
    pub ends: [u64; ClosedBy::ALL.len()],
    /// From the first attempt to the open socket, waits included.
    pub to_connect: Lengths,
    /// Each pause, and each wait at a gate.
    pub waits: Lengths,
    /// In the order of their keys.
    pub gates: Vec<GateFigures>,
}

impl Moment {
    /// The gate at which most wait.
    pub fn busiest(&self) -> Option<&GateFigures> {
        self.gates.iter().max_by_key(|gate| gate.state.queue)
    }
}
