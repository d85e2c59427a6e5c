//! What is answered without anybody asking for it: pings, and messages that an application sends as its heartbeats.

use std::sync::Arc;

use crate::Received;
use crate::awaited::Condition;

/// What a conversation answers by itself.
#[derive(Debug, Clone)]
pub struct Answers {
    /// Whether pings get their pong, as RFC 6455 section 5.5.2 asks for.
    pub pings: bool,
    /// Messages that get a reply; of several whose condition is met the first counts.
    pub replies: Arc<[Reply]>,
}

impl Default for Answers {
    /// Pings only.
    fn default() -> Self {
        Answers {
            pings: true,
            replies: Arc::default(),
        }
    }
}

/// A message that is answered at once, and then is nobody's any more.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Which message.
    pub to: Condition,
    /// The answer's bytes; its kind is that of the message.
    pub payload: Vec<u8>,
}

impl Answers {
    /// The reply that a data message gets.
    pub(crate) fn reply_to(&self, message: &Received) -> Option<&Reply> {
        self.replies.iter().find(|reply| reply.to.is_met(message))
    }
}
