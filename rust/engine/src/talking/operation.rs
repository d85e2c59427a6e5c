//! What can be done on an open connection, checked.

use std::time::Duration;

use websocket::MessageKind;

use crate::talking::matcher::Matcher;

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
    Receive(Wait),
    /// Send a message, wait for its answer, so many times.
    Exchange(Payload, Wait, u64),
    /// Send a ping, wait for its pong.
    Ping(Payload),
    /// Close.
    Close(Goodbye),
}

/// How a connection is closed.
#[derive(Debug)]
pub struct Goodbye {
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

/// What to wait for.
#[derive(Debug)]
pub struct Wait {
    /// Which message.
    pub matcher: Matcher,
    /// Of which kind; `None`: any.
    pub kind: Option<MessageKind>,
    /// How many.
    pub count: u64,
    /// What happens to those that do not match.
    pub others: Others,
    /// Whether none at all is a success.
    pub optional: bool,
}

/// What happens to messages that do not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// They are dropped.
    Discard,
    /// They are kept for a later operation.
    Keep,
    /// They fail this one.
    Fail,
}
