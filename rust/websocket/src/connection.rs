//! An open connection: drives a [`Conversation`] over its socket on the calling thread, blocking or not.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use conversation::{Agreed, Agreement, Answers, Budget, Closed, Conversation, End, MAX_CONTROL, Violation};

use crate::meter::Io;
use crate::wire::{Canceller, Wait, Wire};
use crate::{Answer, Code, Error, Outgoing, Received};

mod ending;
mod stepping;

/// How long a peer that answered our close frame is given to close TCP before we do.
const END_PATIENCE: Duration = Duration::from_millis(200);

/// How often a receive tries again to write what the peer does not take. Both may have filled the other's buffers.
const TURN: Duration = Duration::from_millis(20);

/// An open WebSocket. Blocks the calling thread; `Send`, so it may wander between threads. Dropping it ends TCP at once.
pub struct Connection {
    answer: Arc<Answer>,
    subprotocol: Option<String>,
    extensions: String,
    max_message: usize,
    wire: Wire,
    conversation: Conversation,
    /// Nothing can be sent or received any more, not even a close frame.
    is_over: bool,
    goodbye: Goodbye,
    /// Bytes of our close frame that is on its way to the system.
    unsent_goodbye: u64,
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
    pub(crate) answers: Answers,
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
            conversation: Conversation::new(Agreement {
                max_message: opened.max_message,
                deflate: agreed,
                leftover: opened.leftover,
                at: Instant::now(),
                mask: || rand::random::<u32>().to_ne_bytes(),
                answers: opened.answers,
            }),
            is_over: false,
            goodbye: Goodbye::default(),
            unsent_goodbye: 0,
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
        self.conversation.is_open() && !self.wire.is_cancelled()
    }

    /// The peer's close frame, once it was received.
    #[must_use]
    pub fn close_info(&self) -> Option<&Closed> {
        match self.conversation.end() {
            Some(End::Peer(closed)) => Some(closed),
            _ => None,
        }
    }

    /// Whether something waits to be written that the peer does not take: a pong, or what a timed-out send left. `receive` and
    /// `poll` try again; nothing else does.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        self.conversation.is_waiting() || self.wire.is_writing()
    }

    /// Whether a message, or a part of its head, has been read in part: what comes next of it was under way before.
    #[must_use]
    pub fn is_amid(&self) -> bool {
        self.conversation.is_amid()
    }

    /// Whether [`Connection::poll`] has come across a violation that it holds back for a second, so that the answer to the message
    /// before it still goes out. Nothing more is read meanwhile; a later poll, or whoever receives first, ends the connection.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.conversation.is_held()
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
        self.may_send(message)?;
        self.wire.set_wait(Wait::since(start, timeout));
        let late = |begun| Error::SendTimeout {
            length,
            begun,
            after: timeout,
        };
        if self.has_unsent() {
            if let Err(error) = self.write_out() {
                return Err(self.broken(&error, || late(false)));
            }
        }
        self.messages.sent += u64::from(!message.kind.is_control());
        let mut sending = self.conversation.begin(message);
        while !sending.is_whole() {
            self.conversation.fill(&mut sending);
            if let Err(error) = self.write_out() {
                // A part of it is on its way: a frame cannot be broken off.
                self.conversation.keep(sending);
                return Err(self.broken(&error, || late(true)));
            }
        }
        self.conversation.trim();
        Ok(sending.wire_bytes())
    }

    /// Whether a message can be sent now, or why not.
    fn may_send(&mut self, message: &Outgoing<'_>) -> Result<(), Error> {
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
        if self.conversation.has_sent_close() {
            return Err(closed_by_us());
        }
        Ok(())
    }

    /// Writes all that waits.
    fn write_out(&mut self) -> io::Result<()> {
        loop {
            let unsent = self.conversation.unsent();
            if unsent.is_empty() {
                return self.wire.flush_out();
            }
            match self.wire.write(unsent)? {
                0 => return Err(ErrorKind::WriteZero.into()),
                taken => self.conversation.taken(taken),
            }
        }
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

    /// The next message if it is there already; never blocks, and reads no more than [`Budget::LOOK`]: a peer that sends without
    /// end must not hold up whoever looks. Like [`Connection::receive`] it answers pings and keeps what came of an incomplete
    /// message. `None` means that all that was there has been read, unless [`Connection::is_behind`]: wait for readiness before
    /// the next call.
    ///
    /// # Errors
    /// As of `receive`, without `message.timeout`.
    pub fn poll(&mut self) -> Result<Option<Received>, Error> {
        self.next_now(true)
    }

    /// See [`Connection::poll`]; `holds`: a violation is held back for a moment.
    fn next_now(&mut self, holds: bool) -> Result<Option<Received>, Error> {
        self.usable()?;
        let mut budget = Budget::LOOK;
        self.is_behind = false;
        loop {
            let found = if holds {
                let now = if self.conversation.is_held() {
                    Instant::now()
                } else {
                    self.wire.read_at()
                };
                self.conversation.look(&mut budget, now)
            } else {
                self.conversation.next(&mut budget)
            };
            self.write_waiting();
            match found {
                Ok(Some(received)) => {
                    self.count(&received);
                    return Ok(Some(received));
                }
                Ok(None) if budget.is_spent() || self.conversation.is_held() => {
                    self.is_behind = budget.is_spent();
                    return Ok(None);
                }
                Ok(None) => {}
                Err(violation) => {
                    self.finish(End::Ours);
                    return Err(violation.into());
                }
            }
            self.wire.set_wait(Wait::Never);
            match self.read() {
                Ok(read) => budget.bytes = budget.bytes.saturating_sub(read),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(self.lost(&error)),
            }
        }
    }

    /// Whether the last poll that gave nothing has left something unread: no readiness will tell of it.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.is_behind
    }

    fn receive_until(&mut self, wait: Wait, timeout: Duration) -> Result<Received, Error> {
        self.usable()?;
        loop {
            match self.conversation.next(&mut Budget::UNBOUNDED.clone()) {
                Ok(found) => {
                    let blocked = self.write_waiting();
                    if let Some(received) = found {
                        self.count(&received);
                        return Ok(received);
                    }
                    let turn = if blocked {
                        wait.at_most(TURN)
                    } else if self.conversation.has_sent_close() {
                        // As long as the wait for the end of TCP that follows, so that one setting of the socket serves both.
                        wait.at_most(END_PATIENCE)
                    } else {
                        wait
                    };
                    self.wire.set_wait(turn);
                }
                Err(violation) => return Err(self.violated(violation, wait)),
            }
            match self.read() {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && !wait.is_over() => {}
                Err(error) => return Err(self.broken(&error, || Error::MessageTimeout { after: timeout })),
            }
        }
    }

    fn count(&mut self, received: &Received) {
        self.messages.received += u64::from(!received.kind.is_control());
    }

    /// Reads what there is; never 0 bytes.
    fn read(&mut self) -> io::Result<usize> {
        match self.wire.read(self.conversation.space())? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            read => {
                self.conversation.filled(read, self.wire.read_at());
                Ok(read)
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
        self.write_out().is_err()
    }

    /// Sends a close frame, waits at most `timeout` for the peer's, then ends TCP. `code` 0 or 1005: a frame without code. After
    /// the peer's close frame, or a second time, it only ends TCP.
    ///
    /// # Errors
    /// `close.timeout`, `connection.lost`, `connection.closed`, `protocol.*`, `cancelled`; the connection is ended in each case.
    pub fn close(&mut self, code: u16, reason: &str, timeout: Duration) -> Result<Closed, Error> {
        let began = Instant::now();
        let wait = Wait::since(began, timeout);
        let closed = match self.conversation.end() {
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
        let late = || Error::CloseTimeout { after: timeout };
        if !self.conversation.has_sent_close() {
            let size = self.conversation.say_close(code, reason);
            self.wire.set_wait(wait);
            if let Err(error) = self.write_out() {
                return Err(self.broken(&error, late));
            }
            self.goodbye.sent = size;
        }
        loop {
            // Messages under way are of no use any more.
            let received = self.receive_until(wait, timeout).map_err(|error| match error {
                Error::MessageTimeout { .. } => late(),
                error => error,
            })?;
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
            self.wire.abort();
            self.finish(End::Cancelled);
            return Err(Error::Cancelled);
        }
        Err(match self.conversation.end() {
            None => return Ok(()),
            Some(End::Peer(Closed { code, reason })) => Error::Closed {
                what: format!("the server closed with {code} {reason}")
                    .trim_end()
                    .into(),
            },
            Some(End::Violated(violation)) => violation.clone().into(),
            Some(End::Cancelled) => Error::Cancelled,
            Some(End::Lost(how)) => Error::Lost {
                what: format!("the connection was lost before: {how}"),
            },
            Some(End::Ours) => closed_by_us(),
        })
    }

    /// What an error of the socket means; `late` at the deadline, anything else ends the connection.
    fn broken(&mut self, error: &io::Error, late: impl FnOnce() -> Error) -> Error {
        if error.kind() == ErrorKind::WouldBlock && !self.wire.is_cancelled() {
            return late();
        }
        self.lost(error)
    }

    fn lost(&mut self, error: &io::Error) -> Error {
        if self.wire.is_cancelled() {
            self.wire.abort();
            self.finish(End::Cancelled);
            return Error::Cancelled;
        }
        let what = match error.kind() {
            ErrorKind::UnexpectedEof => "the server ended the connection without a close frame".into(),
            _ => error.to_string(),
        };
        self.finish(End::Lost(what.clone()));
        Error::Lost { what }
    }

    /// Ends the connection of a peer that broke the protocol, after it was told so. What it still sends is read for a moment: a socket
    /// that is closed with bytes unread is reset, and a reset may take back what was sent just before.
    fn violated(&mut self, violation: Violation, wait: Wait) -> Error {
        if !self.write_waiting() {
            if let Wait::Until { end, .. } = wait {
                let left = end.saturating_duration_since(self.wire.read_at());
                self.wire.await_end(left.min(END_PATIENCE));
            }
        }
        self.finish(End::Ours);
        violation.into()
    }

    /// Ends TCP and gives the memory back; what ended it first counts.
    fn finish(&mut self, end: End) {
        if !self.is_over {
            self.is_over = true;
            self.wire.end();
            self.conversation.finish(end);
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
            .field("end", &self.conversation.end())
            .finish_non_exhaustive()
    }
}
