//! A switch that one thread throws and another, deep in a wait, notices at once.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Once set, set for good.
#[derive(Debug, Default)]
pub struct Cancel {
    set: AtomicBool,
    wake: Notify,
}

impl Cancel {
    /// Ends every wait on this switch, now and later. Answers whether this call was the one that did it.
    pub fn cancel(&self) -> bool {
        let first = !self.set.swap(true, Ordering::SeqCst);
        self.wake.notify_waiters();
        first
    }

    /// Whether it was thrown.
    pub fn is_cancelled(&self) -> bool {
        self.set.load(Ordering::SeqCst)
    }

    /// Ends when the switch is thrown. Cancel safe: it keeps no state between polls but its place in the queue.
    pub async fn cancelled(&self) {
        let wake = self.wake.notified();
        tokio::pin!(wake);
        // Registered before the look: a cancel between the two is not missed.
        wake.as_mut().enable();
        if !self.is_cancelled() {
            wake.await;
        }
    }
}
