//! What can be done on an open connection, checked.

use std::time::Duration;

use conversation::awaited::Awaited;
use websocket::MessageKind;

/// What is to be done on an open connection.
#[derive(Debug)]
pub struct Operation {
    /// The act itself.
    pub action: Action,
    /// For the whole of it; with repeat, for each exchange.
    pub timeout: Duration,
}

/// An act on an open connection.
#[derive(Debug)]
pub enum Action {
    /// Send a message.
    Send(Payload),
    /// Wait for messages.
    Receive(Awaited),
    /// Send a message, wait for its answer, so many times.
    Exchange(Payload, Awaited, u64),
    /// Send a ping, wait for its pong.
    Ping(Payload),
    /// Close.
    Close(CloseSpec),
}

/// How a connection is closed.
#[derive(Debug)]
pub struct CloseSpec {
    /// Close code; 0 sends none.
    pub code: u16,
    /// Reason.
    pub reason: String,
    /// Without a close frame.
    pub abort: bool,
}

/// What to send.
#[derive(Debug)]
pub struct Payload {
    /// Of the message.
    pub kind: MessageKind,
    /// Where a call does not bring its own.
    pub bytes: Vec<u8>,
    /// Bytes a frame.
    pub fragment: Option<usize>,
}

impl Payload {
    /// What is sent: what the call brings, else the operation's own.
    #[must_use]
    pub fn of<'a>(&'a self, given: Option<&'a [u8]>) -> &'a [u8] {
        given.unwrap_or(&self.bytes)
    }
}
