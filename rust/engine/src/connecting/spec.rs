//! What a connect call is given, checked: all that its attempts need, and what happens between uses afterwards.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backoff::Policy;
use websocket::{Cookies, Dial};

use crate::gates::crowd::Crowd;
use crate::gates::gate::Gate;
use conversation::queue::Bounds;

/// A checked connect call. Cheap to clone: what is large is shared.
#[derive(Debug, Clone)]
pub struct ConnectSpec {
    /// All that one attempt needs.
    pub dial: Arc<Dial>,
    /// The cookies of this call; they stay with the connection for when it is made anew.
    pub cookies: Cookies,
    /// What happens between uses.
    pub keeping: Keeping,
    /// How long a connection that was let in is watched for a close by the server, which counts as a refusal; zero: not at all.
    pub settle: Duration,
    /// Whether whoever uses the connection is asked, before it is made anew, by what; see [`crate::Engine::renew`].
    pub asks: bool,
    /// When to try again.
    pub policy: Arc<Policy>,
    /// Seed of this connect's own random stream; `None`: random.
    pub seed: Option<u64>,
    /// Who connects.
    pub user: Arc<str>,
    /// How many connects this user made before.
    pub ordinal: u64,
    /// The gate that it waits at, if any.
    pub gate: Option<Arc<Gate>>,
    /// All who try at the same quota.
    pub crowd: Arc<Crowd>,
    /// Whether it is no part of the test: no figure counts it, and what it meets is told to nobody but its caller.
    pub apart: bool,
    /// Whether heads and bodies of earlier attempts are kept, as far as there is room; else those of the last one.
    pub keep_texts: bool,
    /// Where attempts are traced to; opened before, see [`crate::Engine::traces`].
    pub trace: Option<Arc<Path>>,
    /// What the trace calls that which connects.
    pub element: &'static str,
    /// What its user calls the connection.
    pub connection: Arc<str>,
}

/// How a connection is kept between uses.
#[derive(Debug, Clone)]
pub struct Keeping {
    /// Silence before a ping; zero: none.
    pub keep_alive: Duration,
    /// How long a pong may take.
    pub pong_timeout: Duration,
    /// How many messages may wait.
    pub queue: Bounds,
    /// How many bytes all connections of the process may queue together.
    pub queue_total: usize,
    /// Whether a lost connection is made anew when it is next used.
    pub reconnect: bool,
    /// How it is left when nobody needs it any more.
    pub farewell: Farewell,
}

/// How a connection is left at the end of its thread, iteration or test, or where another takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Farewell {
    /// By a close frame with this reason, of at most 123 bytes (RFC 6455, section 5.5); empty: the caller's own.
    Close(Arc<str>),
    /// By the end of TCP alone.
    Abort,
}

impl Default for Farewell {
    fn default() -> Self {
        Farewell::Close(Arc::default())
    }
}

impl Farewell {
    /// The reason in its close frame, in place of an empty one that of the caller; none: there is no frame.
    #[must_use]
    pub fn reason<'a>(&'a self, own: &'a str) -> Option<&'a str> {
        match self {
            Farewell::Close(reason) if reason.is_empty() => Some(own),
            Farewell::Close(reason) => Some(reason),
            Farewell::Abort => None,
        }
    }
}
