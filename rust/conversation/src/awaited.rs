//! What an operation waits for.

use crate::matcher::{Matcher, Verdict};
use crate::{MessageKind, Received};

/// Messages that an operation waits for, and what becomes of the others.
#[derive(Debug)]
pub struct Awaited {
    /// Which message.
    pub matcher: Matcher,
    /// Messages that meet one of these are dropped, whatever else holds for them.
    pub discard: Vec<Condition>,
    /// Whether messages that are dropped are handed over beside.
    pub shows_dropped: bool,
    /// Of which kind; `None`: any.
    pub kind: Option<MessageKind>,
    /// How many.
    pub count: u64,
    /// What happens to those that do not match.
    pub others: Others,
    /// Whether none at all is a success.
    pub optional: bool,
}

/// A condition on one message, its kind included.
#[derive(Debug, Clone)]
pub struct Condition {
    /// Only messages of this kind meet it; `None`: those of any.
    pub kind: Option<MessageKind>,
    /// What their bytes are to be.
    pub matcher: Matcher,
    /// They are to be anything but that.
    pub is_negated: bool,
}

impl Condition {
    /// Whether a message meets it.
    #[must_use]
    pub fn is_met(&self, message: &Received) -> bool {
        self.kind.is_none_or(|kind| kind == message.kind)
            && self.matcher.matches(&message.payload) != self.is_negated
    }
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
        if self.drops(message) {
            return Verdict::Unwanted;
        }
        match self.kind {
            Some(kind) if kind != message.kind => Verdict::Other,
            _ => self.matcher.judge(&message.payload),
        }
    }

    /// Whether a message is dropped wherever it is met.
    pub(crate) fn drops(&self, message: &Received) -> bool {
        self.discard.iter().any(|condition| condition.is_met(message))
    }

    /// What happens to a message that is not the awaited one.
    pub(crate) fn fate(&self, message: &Received) -> Others {
        if self.drops(message) {
            Others::Discard
        } else {
            self.others
        }
    }
}
