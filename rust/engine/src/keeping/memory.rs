//! One bound for the whole process on messages that connections have queued: each has bounds of its own, but ten thousand of them may
//! be open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::notices::{Notice, Notices};
use conversation::queue::Queue;

/// What a message takes beside its payload: its entry, its times, what the allocator adds.
const ENTRY: usize = 128;

/// What all queues of the process hold, in bytes.
#[derive(Debug, Default)]
pub struct QueueMemory {
    held: AtomicUsize,
    is_told: AtomicBool,
}

impl QueueMemory {
    /// The next test is told anew.
    pub fn begin_again(&self) {
        self.is_told.store(false, Ordering::Relaxed);
    }
}

/// One connection's part of it; given back when dropped.
#[derive(Debug)]
pub struct Share {
    memory: Arc<QueueMemory>,
    held: usize,
}

impl Share {
    /// Nothing so far.
    pub fn new(memory: &Arc<QueueMemory>) -> Self {
        Share {
            memory: memory.clone(),
            held: 0,
        }
    }

    /// Reckons with what the queue holds now. While all queues together hold more than `limit`, this one's oldest messages go: told
    /// the first time, counted in the queue.
    pub fn settle(&mut self, queue: &mut Queue, limit: usize, notices: &Notices) {
        if self.held == 0 && queue.is_empty() {
            return;
        }
        self.hold(size(queue));
        if self.memory.held.load(Ordering::Relaxed) <= limit {
            return;
        }
        while self.memory.held.load(Ordering::Relaxed) > limit && queue.drop_oldest() {
            self.hold(size(queue));
        }
        if !self.memory.is_told.swap(true, Ordering::Relaxed) {
            notices.tell(Notice::QueuesFull { limit });
        }
    }

    fn hold(&mut self, now: usize) {
        if now >= self.held {
            self.memory.held.fetch_add(now - self.held, Ordering::Relaxed);
        } else {
            self.memory.held.fetch_sub(self.held - now, Ordering::Relaxed);
        }
        self.held = now;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.hold(0);
    }
}

fn size(queue: &Queue) -> usize {
    queue.bytes() + queue.len() * ENTRY
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use websocket::{MessageKind, Received};

    use super::*;
    use conversation::queue::Bounds;

    fn message(bytes: usize) -> Received {
        Received {
            kind: MessageKind::Binary,
            payload: vec![0; bytes],
            close: None,
            first_byte: Instant::now(),
            at: Instant::now(),
            wire_bytes: 0,
            is_answered: false,
        }
    }

    #[test]
    fn all_queues_together_keep_to_the_bound_and_it_is_told_once() {
        let memory = Arc::new(QueueMemory::default());
        let notices = Notices::default();
        let roomy = Bounds {
            messages: 1_000,
            bytes: 1 << 30,
        };
        let limit = 10 * (1_000 + ENTRY);
        let mut all: Vec<_> = (0..4).map(|_| (Share::new(&memory), Queue::new(roomy))).collect();
        for _ in 0..10 {
            for (share, queue) in &mut all {
                queue.push(message(1_000));
                share.settle(queue, limit, &notices);
                assert!(memory.held.load(Ordering::Relaxed) <= limit);
            }
        }
        let kept: usize = all.iter().map(|(_, queue)| queue.len()).sum();
        let dropped: u64 = all.iter().map(|(_, queue)| queue.dropped()).sum();
        assert_eq!((kept, dropped), (10, 30));
        assert_eq!(notices.take(), [Notice::QueuesFull { limit }]);
        let (share, queue) = &mut all[0];
        while queue.take(0).is_some() {}
        share.settle(queue, limit, &notices);
        all.pop();
        all.pop();
        let (_, left) = &all[1];
        assert_eq!(memory.held.load(Ordering::Relaxed), size(left));
        all.clear();
        assert_eq!(memory.held.load(Ordering::Relaxed), 0);
    }
}
