//! Messages that nobody has asked for yet: pushes between samplers, and those that a sampler kept. Bounded; pure.

use std::collections::VecDeque;

use websocket::Received;

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
}

impl Queue {
    /// Empty; it allocates nothing before the first message.
    pub fn new(bounds: Bounds) -> Self {
        Queue {
            messages: VecDeque::new(),
            bytes: 0,
            bounds,
            dropped: 0,
        }
    }

    /// Adds the newest message; the oldest ones go while there are too many. Answers how many went.
    pub fn push(&mut self, message: Received) -> usize {
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

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// How many went unread, ever.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use websocket::MessageKind;

    use super::*;

    fn message(payload: &[u8]) -> Received {
        Received {
            kind: MessageKind::Text,
            payload: payload.to_vec(),
            close: None,
            first_byte: Instant::now(),
            at: Instant::now(),
            wire_bytes: 0,
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
