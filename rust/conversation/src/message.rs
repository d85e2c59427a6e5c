//! What goes over an open connection: messages, control frames and the close. Plain data.

use std::time::Instant;

/// What a message or control frame is (RFC 6455 section 5.6 and 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// UTF-8 text.
    Text,
    /// Bytes.
    Binary,
    /// Ping, at most 125 bytes. Those received were answered already.
    Ping,
    /// Pong, at most 125 bytes.
    Pong,
    /// A close frame: status code and reason, or nothing. One received was answered already.
    Close,
}

impl MessageKind {
    /// Whether it is a control frame: at most 125 bytes, never in fragments.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, MessageKind::Ping | MessageKind::Pong | MessageKind::Close)
    }
}

/// A message to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// What it is. A close frame begins to close; the close of a connection does all of it.
    pub kind: MessageKind,
    /// Its bytes; of a text, UTF-8 (not checked: a test may want to send what is not).
    pub payload: &'a [u8],
    /// Send it in frames of so many bytes (at least 1; of a compressed message, compressed bytes). Control frames are never cut.
    pub fragment: Option<usize>,
}

impl<'a> Outgoing<'a> {
    /// A message in one frame.
    #[must_use]
    pub const fn new(kind: MessageKind, payload: &'a [u8]) -> Self {
        Outgoing {
            kind,
            payload,
            fragment: None,
        }
    }

    /// Text in one frame.
    #[must_use]
    pub const fn text(text: &'a str) -> Self {
        Outgoing::new(MessageKind::Text, text.as_bytes())
    }
}

/// A whole message, or a control frame, that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// What it is.
    pub kind: MessageKind,
    /// Its bytes: fragments put together, inflated; of a text, valid UTF-8.
    pub payload: Vec<u8>,
    /// Code and reason, when it is a close frame.
    pub close: Option<Closed>,
    /// When the first byte of its first frame was read.
    pub first_byte: Instant,
    /// When its last byte was read.
    pub at: Instant,
    /// Bytes of its frames, headers included, as they came out of TCP or TLS.
    pub wire_bytes: u64,
    /// It got its reply by [`crate::Answers`].
    pub is_answered: bool,
}

impl Received {
    /// Whether nobody waits for it: a control frame, or a message that was answered already.
    #[must_use]
    pub fn is_dealt_with(&self) -> bool {
        self.kind.is_control() || self.is_answered
    }

    /// The payload of a text message.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self.kind {
            MessageKind::Text => std::str::from_utf8(&self.payload).ok(),
            _ => None,
        }
    }
}

/// A close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Its status code (RFC 6455 section 7.4); 1005 when it has none.
    pub code: u16,
    /// Its reason; may be empty.
    pub reason: String,
}
