//! An open connection: messages on the calling thread, blocking or not.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::deflate::{Agreed, Deflater, Inflater};
use crate::frame::{MAX_CONTROL, write_close};
use crate::inbox::Inbox;
use crate::meter::Io;
use crate::outbox::Outbox;
use crate::wire::{Canceller, Wait, Wire};
use crate::{Answer, Closed, Code, Error, MessageKind, Outgoing, Received};

mod ending;

/// How long a peer that answered our close frame is given to close TCP before we do.
const END_PATIENCE: Duration = Duration::from_millis(200);

/// What a poll reads at once, in pieces of at most 64 KiB; a message that is larger is read in several polls.
const AT_ONCE: u32 = 16;

/// How often a receive tries again to write what the peer does not take. Both may have filled the other's buffers.
const TURN: Duration = Duration::from_millis(20);

/// Close codes for a peer that broke the protocol (RFC 6455 section 7.4.1).
const PROTOCOL_ERROR: u16 = 1002;
const INVALID_DATA: u16 = 1007;
const TOO_LARGE: u16 = 1009;

/// An open WebSocket. Blocks the calling thread; `Send`, so it may wander between threads. Dropping it ends TCP at once.
pub struct Connection {
    answer: Arc<Answer>,
    subprotocol: Option<String>,
    extensions: String,
    max_message: usize,
    wire: Wire,
    inbox: Inbox,
    outbox: Outbox,
    has_sent_close: bool,
    /// The peer's close frame, or why the connection cannot be used any more.
    end: Option<End>,
    /// Nothing can be sent or received any more, not even a close frame.
    is_over: bool,
    goodbye: Goodbye,
    /// The last poll stopped although there may be more.
    is_behind: bool,
    messages: Messages,
}

/// Data messages that went over a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// Sent, or begun.
    pub sent: u64,
    /// Received whole.
    pub received: u64,
}

/// Bytes of whole frames, headers included, that a close took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goodbye {
    /// Our close frame; 0 if it was sent before.
    pub sent: u64,
    /// The peer's close frame, and messages before it that nobody read any more.
    pub received: u64,
}

#[derive(Debug)]
enum End {
    Peer(Closed),
    Ours,
    Lost,
    Cancelled,
}

/// What the upgrade led to.
pub(crate) struct Opened {
    pub(crate) io: Io,
    /// Bytes that came behind the 101.
    pub(crate) leftover: Vec<u8>,
    pub(crate) answer: Arc<Answer>,
    pub(crate) subprotocol: Option<String>,
    /// permessage-deflate, and how the server wrote it.
    pub(crate) deflate: Option<(Agreed, String)>,
    pub(crate) max_message: usize,
}

impl Connection {
    /// Goes on where the upgrade stopped.
    pub(crate) fn new(opened: Opened) -> Result<Self, Error> {
        let wire = Wire::new(opened.io).map_err(|error| Error::Upgrade {
            code: Code::UpgradeFailed,
            what: error.to_string(),
        })?;
        let (agreed, extensions) = opened.deflate.unzip();
        Ok(Connection {
            answer: opened.answer,
            subprotocol: opened.subprotocol,
            extensions: extensions.unwrap_or_default(),
            max_message: opened.max_message,
            wire,
            inbox: Inbox::new(opened.max_message, agreed.map(Inflater::new), opened.leftover),
            outbox: Outbox::new(agreed.and_then(Deflater::new)),
            has_sent_close: false,
            end: None,
            is_over: false,
            goodbye: Goodbye::default(),
            is_behind: false,
            messages: Messages::default(),
        })
    }

    /// The 101.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The subprotocol that the server chose.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// The extensions agreed on, as the server wrote them; empty when there are none.
    #[must_use]
    pub fn extensions(&self) -> &str {
        &self.extensions
    }

    /// A handle to end this connection's waits from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.wire.canceller()
    }

    /// Whether messages can still be sent: neither side has closed, and no loss was noticed so far.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.end.is_none() && !self.has_sent_close && !self.wire.is_cancelled()
    }

    /// The peer's close frame, once it was received.
    #[must_use]
    pub fn close_info(&self) -> Option<&Closed> {
        match &self.end {
            Some(End::Peer(closed)) => Some(closed),
            _ => None,
        }
    }

    /// Whether something waits to be written that the peer does not take: a pong, or what a timed-out send left. `receive` and
    /// `poll` try again; nothing else does.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        self.outbox.is_waiting(&self.wire)
    }

    /// Sends one message; returns when the operating system has all of it, with the bytes of its frames. A timeout of zero never
    /// blocks.
    ///
    /// # Errors
    /// `message.too-large`, `connection.lost`, `connection.closed`, `cancelled`; `message.timeout`: what is left of the message
    /// goes out before the next one, as a frame cannot be broken off.
    pub fn send(&mut self, message: &Outgoing<'_>, timeout: Duration) -> Result<u64, Error> {
        self.send_since(Instant::now(), message, timeout)
    }

    /// [`Connection::send`] whose time has run since `start`.
    ///
    /// # Errors
    /// As of `send`.
    pub fn send_since(
        &mut self,
        start: Instant,
        message: &Outgoing<'_>,
        timeout: Duration,
    ) -> Result<u64, Error> {
        let length = message.payload.len();
        let bound = if message.kind.is_control() {
            MAX_CONTROL
        } else {
            self.max_message
        };
        if length > bound {
            return Err(Error::MessageTooLarge {
                what: format!("{length} bytes to send, allowed are {bound}"),
            });
        }
        self.usable()?;
        if self.has_sent_close {
            return Err(closed_by_us());
        }
        self.wire.set_wait(Wait::since(start, timeout));
        let sent = self.outbox.send(message, &mut self.wire);
        self.messages.sent += u64::from(!message.kind.is_control());
        // A part of it is on its way even if a deadline came first.
        self.has_sent_close = message.kind == MessageKind::Close;
        sent.map_err(|error| self.broken(&error, timeout))
    }

    /// Waits for the next message, control frames included, for at most `timeout` in all. Pings are answered, and returned too.
    ///
    /// # Errors
    /// `message.timeout` (what came so far is kept, the connection stays usable), `message.too-large`, `connection.lost`,
    /// `connection.closed`, `protocol.*`, `cancelled`.
    pub fn receive(&mut self, timeout: Duration) -> Result<Received, Error> {
        self.receive_since(Instant::now(), timeout)
    }

    /// [`Connection::receive`] whose time has run since `start`.
    ///
    /// # Errors
    /// As of `receive`.
    pub fn receive_since(&mut self, start: Instant, timeout: Duration) -> Result<Received, Error> {
        self.receive_until(Wait::since(start, timeout), timeout)
    }

    /// The next message if it is there already; never blocks, and reads no more than [`AT_ONCE`] pieces: a peer that sends without
    /// end must not hold up whoever looks. Like [`Connection::receive`] it answers pings and keeps what came of an incomplete
    /// message. `None` means that all that was there has been read, unless [`Connection::is_behind`]: wait for readiness before
    /// the next call.
    ///
    /// # Errors
    /// As of `receive`, without `message.timeout`.
    pub fn poll(&mut self) -> Result<Option<Received>, Error> {
        match self.receive_until(Wait::Never, Duration::ZERO) {
            Ok(received) => Ok(Some(received)),
            Err(Error::MessageTimeout { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the last poll that gave nothing has left something unread: no readiness will tell of it.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.is_behind
    }

    fn receive_until(&mut self, wait: Wait, timeout: Duration) -> Result<Received, Error> {
        self.usable()?;
        self.is_behind = false;
        let mut pieces = 0;
        loop {
            match self.inbox.next() {
                Ok(Some(received)) => return Ok(self.arrived(received)),
                Ok(None) => {}
                Err(error) => return Err(self.violated(error)),
            }
            if wait == Wait::Never && pieces == AT_ONCE {
                self.is_behind = true;
                return Err(Error::MessageTimeout { after: timeout });
            }
            pieces += 1;
            let turn = if self.write_waiting() {
                wait.at_most(TURN)
            } else if self.has_sent_close {
                // As long as the wait for the end of TCP that follows, so that one setting of the socket serves both.
                wait.at_most(END_PATIENCE)
            } else {
                wait
            };
            self.wire.set_wait(turn);
            match self.wire.read(self.inbox.space()) {
                Ok(0) => return Err(self.broken(&ErrorKind::UnexpectedEof.into(), timeout)),
                Ok(read) => {
                    if let Err(error) = self.inbox.filled(read, self.wire.read_at()) {
                        return Err(self.violated(error));
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock && !wait.is_over() => {}
                Err(error) => return Err(self.broken(&error, timeout)),
            }
        }
    }

    /// Writes what waits, without blocking; true when some of it still does.
    fn write_waiting(&mut self) -> bool {
        if !self.has_unsent() {
            return false;
        }
        self.wire.set_wait(Wait::Never);
        // A socket that is broken says so to the read that follows.
        self.outbox.flush(&mut self.wire).is_err()
    }

    /// Gives control frames their answer.
    fn arrived(&mut self, received: Received) -> Received {
        self.messages.received += u64::from(!received.kind.is_control());
        if received.kind == MessageKind::Ping && !self.has_sent_close {
            self.outbox.answer(&received.payload);
            self.write_waiting();
        }
        if let Some(closed) = &received.close {
            if !self.has_sent_close {
                self.say_close(closed.code);
            }
            self.end = Some(End::Peer(closed.clone()));
        }
        received
    }

    /// Sends a close frame if the socket takes it now.
    fn say_close(&mut self, code: u16) {
        let payload = write_close(code, "");
        self.wire.set_wait(Wait::Never);
        let _ = self
            .outbox
            .send(&Outgoing::new(MessageKind::Close, &payload), &mut self.wire);
        self.has_sent_close = true;
    }

    /// Sends a close frame, waits at most `timeout` for the peer's, then ends TCP. `code` 0 or 1005: a frame without code. After
    /// the peer's close frame, or a second time, it only ends TCP.
    ///
    /// # Errors
    /// `close.timeout`, `connection.lost`, `connection.closed`, `protocol.*`, `cancelled`; the connection is ended in each case.
    pub fn close(&mut self, code: u16, reason: &str, timeout: Duration) -> Result<Closed, Error> {
        let began = Instant::now();
        let wait = Wait::since(began, timeout);
        let closed = match &self.end {
            Some(End::Peer(closed)) if !self.is_over => Ok(closed.clone()),
            _ => self.close_handshake(code, reason, wait, timeout),
        };
        if closed.is_ok() {
            let left = timeout.saturating_sub(began.elapsed());
            self.wire.await_end(left.min(END_PATIENCE));
        }
        self.finish(End::Ours);
        closed
    }

    fn close_handshake(
        &mut self,
        code: u16,
        reason: &str,
        wait: Wait,
        timeout: Duration,
    ) -> Result<Closed, Error> {
        self.usable()?;
        let late = |error| match error {
            Error::MessageTimeout { .. } => Error::CloseTimeout { after: timeout },
            error => error,
        };
        if !self.has_sent_close {
            let payload = write_close(code, reason);
            self.wire.set_wait(wait);
            self.has_sent_close = true;
            let sent = self
                .outbox
                .send(&Outgoing::new(MessageKind::Close, &payload), &mut self.wire);
            self.goodbye.sent = sent.map_err(|error| late(self.broken(&error, timeout)))?;
        }
        loop {
            // Messages under way are of no use any more.
            let received = self.receive_until(wait, timeout).map_err(late)?;
            self.goodbye.received += received.wire_bytes;
            if let Some(closed) = received.close {
                return Ok(closed);
            }
        }
    }

    /// What [`Connection::close`] has put on the wire and read from it, also when it failed.
    #[must_use]
    pub fn goodbye(&self) -> Goodbye {
        self.goodbye
    }

    /// Ends TCP at once, by a reset and without a close frame.
    pub fn abort(&mut self) {
        if !self.is_over {
            self.wire.abort();
        }
        self.finish(End::Ours);
    }

    /// Whether the connection can be used, or why not.
    fn usable(&mut self) -> Result<(), Error> {
        if self.wire.is_cancelled() && !self.is_over {
            self.end = None;
            self.wire.abort();
            self.finish(End::Cancelled);
        }
        match &self.end {
            None => Ok(()),
            Some(End::Peer(Closed { code, reason })) => Err(Error::Closed {
                what: format!("the server closed with {code} {reason}")
                    .trim_end()
                    .into(),
            }),
            Some(End::Cancelled) => Err(Error::Cancelled),
            Some(End::Lost) => Err(Error::Lost {
                what: "the connection was lost before".into(),
            }),
            Some(End::Ours) => Err(closed_by_us()),
        }
    }

    /// What an error of the socket means; ends the connection unless it is the deadline.
    fn broken(&mut self, error: &io::Error, timeout: Duration) -> Error {
        if self.wire.is_cancelled() {
            self.wire.abort();
            self.finish(End::Cancelled);
            return Error::Cancelled;
        }
        let what = match error.kind() {
            ErrorKind::WouldBlock => return Error::MessageTimeout { after: timeout },
            ErrorKind::UnexpectedEof => "the server ended the connection without a close frame".into(),
            _ => error.to_string(),
        };
        self.finish(End::Lost);
        Error::Lost { what }
    }

    /// Fails the connection as RFC 6455 section 7.1.7 has it, and says why if the peer can still hear it.
    fn violated(&mut self, error: Error) -> Error {
        if !self.has_sent_close {
            self.say_close(match error.code() {
                Code::MessageTooLarge => TOO_LARGE,
                Code::ProtocolUtf8 | Code::ProtocolDeflate => INVALID_DATA,
                _ => PROTOCOL_ERROR,
            });
        }
        self.finish(End::Lost);
        error
    }

    /// Ends TCP and gives the memory back; what ended it first counts.
    fn finish(&mut self, end: End) {
        self.end.get_or_insert(end);
        if !self.is_over {
            self.is_over = true;
            self.wire.end();
            self.inbox.clear();
            self.outbox.clear();
        }
    }
}

fn closed_by_us() -> Error {
    Error::Closed {
        what: "it was closed from this side before".into(),
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("wire", &self.wire)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}
