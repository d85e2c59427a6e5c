//! What a peer must not send, and the close code that tells it so. The words for users are the business of who drives.

/// A peer broke the protocol or a bound; nothing that it sends is read after that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A frame that RFC 6455 does not allow, or not here.
    #[error("{0}")]
    Protocol(String),
    /// Text, or a reason to close, that is not UTF-8.
    #[error("{0}")]
    Utf8(String),
    /// A compressed message is damaged.
    #[error("a compressed message cannot be inflated: {0}")]
    Deflate(String),
    /// A message over the bound.
    #[error("{0}")]
    TooLarge(String),
}

impl Violation {
    /// The code to close with (RFC 6455 section 7.4.1).
    #[must_use]
    pub const fn close_code(&self) -> u16 {
        match self {
            Violation::Protocol(_) => 1002,
            Violation::Utf8(_) | Violation::Deflate(_) => 1007,
            Violation::TooLarge(_) => 1009,
        }
    }
}
