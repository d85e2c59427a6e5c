//! A connection that somebody drives who waits for many: nothing here blocks. Between two calls he waits for what
//! [`Connection::interest`] says.

use std::io::ErrorKind;

use conversation::{Closed, End, Sending};

use super::Connection;
use crate::os::Interest;
use crate::wire::Wait;
use crate::{Error, MessageKind, Outgoing, Received};

/// So many messages in a row are passed over while the peer's close frame is awaited: a peer that sends without end must not hold up
/// the others.
const PASSED_OVER: usize = 64;

impl Connection {
    /// What to wait for before the next call: room to write, too, while something waits to go out.
    #[must_use]
    pub fn interest(&self) -> Interest {
        if self.has_unsent() {
            Interest::ReadOrWrite
        } else {
            Interest::Read
        }
    }

    /// Begins to send a message; [`Connection::advance`] does it. `None`: what waits before it is not out yet.
    ///
    /// # Errors
    /// As of [`Connection::send`], without `message.timeout`.
    pub fn begin<'a>(&mut self, message: &Outgoing<'a>) -> Result<Option<Sending<'a>>, Error> {
        self.may_send(message)?;
        if !self.flush_now()? {
            return Ok(None);
        }
        self.messages.sent += u64::from(!message.kind.is_control());
        Ok(Some(self.conversation.begin(message)))
    }

    /// Sends more of a message. True: the operating system has all of it.
    ///
    /// # Errors
    /// As of [`Connection::send`], without `message.timeout`.
    pub fn advance(&mut self, sending: &mut Sending<'_>) -> Result<bool, Error> {
        self.usable()?;
        if !self.flush_now()? {
            return Ok(false);
        }
        while !sending.is_whole() {
            self.conversation.fill(sending);
            if !self.flush_now()? {
                return Ok(false);
            }
        }
        self.conversation.trim();
        Ok(true)
    }

    /// The time for a message is up: what is left of it goes out before the next one, as a frame cannot be broken off.
    pub fn give_up(&mut self, sending: Sending<'_>) {
        self.conversation.keep(sending);
    }

    /// The next message if it is there, for somebody who waits for it: as [`Connection::poll`], but that a violation ends the
    /// connection at once.
    ///
    /// # Errors
    /// As of [`Connection::receive`], without `message.timeout`.
    pub fn receive_now(&mut self) -> Result<Option<Received>, Error> {
        self.next_now(false)
    }

    /// Says goodbye, in the first call, and looks for the peer's close frame. Then [`Connection::has_parted`] until that is so, for
    /// a moment at most, and [`Connection::part`].
    ///
    /// # Errors
    /// As of [`Connection::close`], without `close.timeout`; the connection is ended.
    pub fn close_now(&mut self, code: u16, reason: &str) -> Result<Option<Closed>, Error> {
        if let (Some(End::Peer(closed)), false) = (self.conversation.end(), self.is_over) {
            return Ok(Some(closed.clone()));
        }
        self.usable()?;
        if !self.conversation.has_sent_close() {
            self.unsent_goodbye = self.conversation.say_close(code, reason);
        }
        self.flush_now()?;
        for _ in 0..PASSED_OVER {
            if !self.has_unsent() {
                // What the peer does not take was not sent.
                self.goodbye.sent += std::mem::take(&mut self.unsent_goodbye);
            }
            let Some(received) = self.receive_now()? else {
                return Ok(None);
            };
            // Messages under way are of no use any more.
            self.goodbye.received += received.wire_bytes;
            if let MessageKind::Close = received.kind {
                return Ok(received.close);
            }
        }
        self.is_behind = true;
        Ok(None)
    }

    /// Whether the peer has ended TCP, after both close frames: the side that is first keeps the port (RFC 6455 section 7.1.1).
    pub fn has_parted(&mut self) -> bool {
        self.wire.set_wait(Wait::Never);
        self.wire.say_end();
        self.wire
            .flush_out()
            .is_err_and(|error| error.kind() != ErrorKind::WouldBlock)
            || self.wire.has_ended()
    }

    /// Ends TCP.
    pub fn part(&mut self) {
        self.finish(End::Ours);
    }

    /// Writes what waits. True: all of it is out.
    fn flush_now(&mut self) -> Result<bool, Error> {
        self.wire.set_wait(Wait::Never);
        match self.write_out() {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock && !self.wire.is_cancelled() => Ok(false),
            Err(error) => Err(self.lost(&error)),
        }
    }
}
