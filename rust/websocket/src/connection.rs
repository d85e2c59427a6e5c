//! An open connection: blocking messages on the calling thread, a cancel from any other.

use std::time::Duration;

use crate::{Answer, Error};

/// A WebSocket message or control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// Ping, at most 125 bytes. Those received were answered already.
    Ping(Vec<u8>),
    /// Pong, at most 125 bytes.
    Pong(Vec<u8>),
    /// The peer's close frame; it was answered already. Not to be sent: see [`Connection::close`].
    Close(Closed),
}

/// The peer's close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Its status code (RFC 6455 section 7.4); 1005 when it had none.
    pub code: u16,
    /// Its reason; may be empty.
    pub reason: String,
}

/// An open WebSocket. Blocks the calling thread; `Send`, so it may wander between threads.
#[derive(Debug)]
pub struct Connection {}

/// Ends a connection's waits from another thread. Does not keep the socket open.
#[derive(Clone, Debug)]
pub struct Canceller {}

impl Canceller {
    /// Shuts the socket down: what blocks on the connection, and all later calls, fail with `cancelled`.
    pub fn cancel(&self) {}
}

impl Connection {
    /// The 101.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        todo!()
    }

    /// The subprotocol that the server chose.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        None
    }

    /// Sends one message; returns when the operating system has all of it.
    ///
    /// # Errors
    /// `message.timeout`, `message.too-large`, `connection.lost`, `connection.closed`, `cancelled`.
    pub fn send(&mut self, message: Message, timeout: Duration) -> Result<(), Error> {
        let _ = (message, timeout);
        Err(Error::Cancelled)
    }

    /// Waits for the next message, control frames included; a total deadline.
    ///
    /// # Errors
    /// `message.timeout` (the connection stays usable), `message.too-large`, `connection.lost`, `connection.closed`,
    /// `protocol.*`, `cancelled`.
    pub fn receive(&mut self, timeout: Duration) -> Result<Message, Error> {
        let _ = timeout;
        Err(Error::Cancelled)
    }

    /// Sends a close frame, waits at most `timeout` for the peer's, then ends TCP.
    ///
    /// # Errors
    /// `close.timeout`, `connection.lost`, `cancelled`; the connection is ended in each case.
    pub fn close(&mut self, code: u16, reason: &str, timeout: Duration) -> Result<Closed, Error> {
        let _ = (code, reason, timeout);
        Err(Error::Cancelled)
    }

    /// A handle to end this connection's waits from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller {}
    }
}
