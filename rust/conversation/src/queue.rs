//! Messages that nobody has asked for yet: pushes between operations, and those that an operation kept. Bounded. And the answers that
//! are still to come to exchanges whose time ran out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::awaited::{Awaited, Condition};
use crate::matcher::Matcher;
use crate::{MessageKind, Received};

/// Exchanges whose answers are still waited for. Of more, the oldest are forgotten.
const MOST_OWED: usize = 16;

/// How much a queue may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Messages.
    pub messages: usize,
    /// Payload bytes of all messages together.
    pub bytes: usize,
}

/// Messages in the order of their arrival.
#[derive(Debug)]
pub struct Queue {
    messages: VecDeque<Received>,
    bytes: usize,
    bounds: Bounds,
    dropped: u64,
    /// Empty unless an exchange of this connection went without its answer.
    owed: Vec<Owed>,
}

/// Answers that an exchange went without.
#[derive(Debug)]
struct Owed {
    matcher: Matcher,
    kind: Option<MessageKind>,
    discard: Vec<Condition>,
    count: u64,
    /// When the exchange gave up, and after which time.
    since: Instant,
    patience: Duration,
    /// They may never come: the next message that could be one is taken for what it is waited for, and that is said.
    is_doubtful: bool,
    /// When the newest message of all came, or the exchange gave up.
    newest: Instant,
}

/// What a message may be beside what an exchange takes it for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Debt {
    /// Nobody before waited for such a one.
    None,
    /// The answer to an earlier exchange: a server that answers in order sends that first.
    Owed,
    /// The answer to an earlier exchange, or to this one.
    Doubtful,
}

impl Queue {
    /// Empty; it allocates nothing before the first message.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Queue {
            messages: VecDeque::new(),
            bytes: 0,
            bounds,
            dropped: 0,
            owed: Vec::new(),
        }
    }

    /// Adds the newest message, as it comes from the socket; the oldest ones go while there are too many. Answers how many went.
    pub fn push(&mut self, message: Received) -> usize {
        self.settle(&message);
        self.keep(message)
    }

    /// Adds a message that was looked at before.
    pub(crate) fn keep(&mut self, message: Received) -> usize {
        self.bytes += message.payload.len();
        self.messages.push_back(message);
        let mut gone = 0;
        while self.messages.len() > self.bounds.messages || self.bytes > self.bounds.bytes {
            self.take(0);
            gone += 1;
        }
        self.dropped += gone as u64;
        gone
    }

    /// All messages, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Received> {
        self.messages.iter()
    }

    /// The message at a place, 0 is the oldest.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Received> {
        self.messages.get(index)
    }

    /// Takes the message at a place out.
    pub fn take(&mut self, index: usize) -> Option<Received> {
        let message = self.messages.remove(index)?;
        self.bytes -= message.payload.len();
        if self.messages.is_empty() {
            // Thousands of idle connections must not keep the room of their worst moment.
            self.messages = VecDeque::new();
        }
        Some(message)
    }

    /// Lets the oldest message go unread; false: there was none.
    pub fn drop_oldest(&mut self) -> bool {
        let is_gone = self.take(0).is_some();
        self.dropped += u64::from(is_gone);
        is_gone
    }

    /// Payload bytes of all messages.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// How many went unread, ever.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Another connection takes the place of the one before, whose answers nobody will send any more.
    pub fn forgive(&mut self) {
        self.owed = Vec::new();
    }

    /// An exchange gave up at `since` after `patience`, with `count` answers missing.
    pub(crate) fn owe(&mut self, awaited: &Awaited, count: u64, since: Instant, patience: Duration) {
        if self.owed.len() == MOST_OWED {
            self.owed.remove(0);
        }
        self.owed.push(Owed {
            matcher: awaited.matcher.clone(),
            kind: awaited.kind,
            discard: awaited.discard.clone(),
            count,
            since,
            patience,
            is_doubtful: false,
            newest: since,
        });
    }

    /// Whether the answers still to come will come cannot be told any more.
    pub(crate) fn doubt(&mut self) {
        for owed in &mut self.owed {
            owed.is_doubtful = true;
        }
    }

    /// An exchange is about to send; nothing is left unread. Answers that did not come for as long again after the last exchange
    /// gave up become doubtful, and when all was quiet for twice as long, they will not come.
    pub(crate) fn age(&mut self, now: Instant) {
        let Some(gave_up) = self.owed.iter().map(|owed| owed.since).max() else {
            return;
        };
        self.owed.retain_mut(|owed| {
            owed.is_doubtful |= now.saturating_duration_since(gave_up) >= owed.patience;
            now.saturating_duration_since(owed.newest.max(gave_up)) < owed.patience * 2
        });
    }

    /// A message came that no exchange waits for: it may be one that is owed.
    pub(crate) fn settle(&mut self, message: &Received) {
        if !self.owed.is_empty() {
            self.debt(message, true);
        }
    }

    /// A message came while an exchange waits.
    pub(crate) fn arrived(&mut self, message: &Received) -> Debt {
        if self.owed.is_empty() {
            return Debt::None;
        }
        self.debt(message, false)
    }

    fn debt(&mut self, message: &Received, pays_doubtful: bool) -> Debt {
        let mut debt = Debt::None;
        for place in 0..self.owed.len() {
            let owed = &mut self.owed[place];
            owed.newest = owed.newest.max(message.at);
            if debt == Debt::None && owed.is_for(message) {
                debt = if owed.is_doubtful {
                    Debt::Doubtful
                } else {
                    Debt::Owed
                };
                if pays_doubtful || !owed.is_doubtful {
                    owed.count -= 1;
                }
            }
        }
        self.owed.retain(|owed| owed.count > 0);
        debt
    }
}

impl Owed {
    fn is_for(&self, message: &Received) -> bool {
        self.kind.is_none_or(|kind| kind == message.kind)
            && self.matcher.matches(&message.payload)
            && !self.discard.iter().any(|condition| condition.is_met(message))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use crate::MessageKind;

    use super::*;

    fn message(payload: &[u8]) -> Received {
        Received {
            kind: MessageKind::Text,
            payload: payload.to_vec(),
            close: None,
            first_byte: Instant::now(),
            at: Instant::now(),
            wire_bytes: 0,
            is_answered: false,
        }
    }

    fn payloads(queue: &Queue) -> Vec<&[u8]> {
        queue.iter().map(|message| message.payload.as_slice()).collect()
    }

    #[test]
    fn the_oldest_go_first_when_there_are_too_many() {
        let mut queue = Queue::new(Bounds {
            messages: 2,
            bytes: 100,
        });
        for payload in [b"a", b"b", b"c"] {
            queue.push(message(payload));
        }
        assert_eq!(payloads(&queue), [b"b", b"c"]);
        assert_eq!(queue.dropped(), 1);
    }

    #[test]
    fn the_bytes_are_bounded_too() {
        let mut queue = Queue::new(Bounds {
            messages: 100,
            bytes: 10,
        });
        queue.push(message(b"1234"));
        queue.push(message(b"5678"));
        assert_eq!(queue.push(message(b"90ab")), 1);
        assert_eq!(payloads(&queue), [b"5678", b"90ab"]);
        assert_eq!(queue.push(message(b"far more than ten")), 3, "itself as well");
        assert_eq!((queue.len(), queue.dropped()), (0, 4));
        queue.push(message(b"fits"));
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn a_message_is_taken_from_the_middle() {
        let mut queue = Queue::new(Bounds {
            messages: 9,
            bytes: 9,
        });
        for payload in [b"a", b"b", b"c"] {
            queue.push(message(payload));
        }
        assert_eq!(queue.take(1).unwrap().payload, b"b");
        assert_eq!(payloads(&queue), [b"a", b"c"]);
        assert_eq!(queue.take(2), None);
    }
}
