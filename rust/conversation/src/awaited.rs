//! What an operation waits for.

use crate::matcher::{Matcher, Verdict};
use crate::{MessageKind, Received};

/// Messages that an operation waits for, and what becomes of the others.
#[derive(Debug)]
pub struct Awaited {
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

impl Awaited {
    /// Whether a message is one of those waited for.
    #[must_use]
    pub fn wants(&self, message: &Received) -> bool {
        self.judge(message) == Verdict::Match
    }

    /// The same with the reason why not.
    pub(crate) fn judge(&self, message: &Received) -> Verdict {
        match self.kind {
            Some(kind) if kind != message.kind => Verdict::Other,
            _ => self.matcher.judge(&message.payload),
        }
    }
}
