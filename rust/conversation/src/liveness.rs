//! Whether the peer is still there: when a ping is due, by when its pong, and what forgives it. No clock, no socket.

use std::time::{Duration, Instant};

/// Whoever judges later than this was held up: a process that was stopped, a machine without processor time.
const HELD_UP: Duration = Duration::from_millis(250);

/// So much longer a pong may take, once, when it was us who were held up: it may have been under way as long as we were.
const GRACE: Duration = Duration::from_secs(1);

/// See the file's sentence. Only bytes that came forgive a pong that is due, never a use of the connection: a peer that is gone takes
/// whatever is sent to it, for minutes.
///
/// Found dead within `keep_alive + pong_timeout` from the last bytes, and as long as the one who asks is late; [`GRACE`] on top
/// when that is long.
#[derive(Debug, Clone)]
pub struct Liveness {
    /// Silence before a ping; zero: none is ever due.
    keep_alive: Duration,
    /// How long a pong may take.
    pong_timeout: Duration,
    /// When the newest bytes came.
    heard: Instant,
    /// Not answered so far.
    ping: Option<Ping>,
}

#[derive(Debug, Clone, Copy)]
struct Ping {
    sent: Instant,
    answer_by: Instant,
    has_grace: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Nothing before [`Liveness::due`].
    Wait,
    /// A ping is to be sent now. What cannot be sent counts as sent: the peer takes nothing, the missing pong tells.
    Ping,
    /// The peer is gone.
    GiveUp,
}

impl Liveness {
    /// Of a connection that was opened at a time. `keep_alive` zero: the peer is never asked, and never dead.
    #[must_use]
    pub fn new(keep_alive: Duration, pong_timeout: Duration, opened: Instant) -> Self {
        Liveness {
            keep_alive,
            pong_timeout,
            heard: opened,
            ping: None,
        }
    }

    /// The newest bytes came at this time; older news changes nothing.
    pub fn heard(&mut self, at: Instant) {
        self.heard = self.heard.max(at);
        if self.ping.is_some_and(|ping| at > ping.sent) {
            self.ping = None;
        }
    }

    /// When to ask again; `None`: never.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        if self.keep_alive.is_zero() {
            return None;
        }
        match self.ping {
            Some(ping) => Some(ping.answer_by),
            // A time that no clock reaches is never.
            None => self.heard.checked_add(self.keep_alive),
        }
    }

    /// What is to be done now. Whoever asks has just read what was there, and told by [`Liveness::heard`] if there was anything:
    /// read first, then judge.
    pub fn duty(&mut self, now: Instant) -> Duty {
        match self.due() {
            Some(due) if now >= due => {}
            _ => return Duty::Wait,
        }
        match &mut self.ping {
            None => {
                self.ping = Some(Ping {
                    sent: now,
                    answer_by: now + self.pong_timeout,
                    has_grace: false,
                });
                Duty::Ping
            }
            Some(ping) if !ping.has_grace && now > ping.answer_by + HELD_UP => {
                ping.has_grace = true;
                ping.answer_by = now + GRACE.min(self.pong_timeout);
                Duty::Wait
            }
            Some(_) => Duty::GiveUp,
        }
    }
}

#[cfg(test)]
mod tests;
