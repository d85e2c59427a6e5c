//! `Notify` and `oneshot` as the gate uses tokio's, on shuttle's locks.

use std::future::poll_fn;
use std::task::{Poll, Waker};

use crate::locks::{Mutex, MutexGuard};

/// Tells one task that something changed; a word that nobody waits for is kept, but only one.
#[derive(Debug, Default)]
pub struct Notify {
    state: Mutex<Word>,
}

#[derive(Debug, Default)]
struct Word {
    said: bool,
    waiting: Option<Waker>,
}

impl Notify {
    /// Nothing is said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes who waits, or the next to wait.
    pub fn notify_one(&self) {
        let waiting = {
            let mut word = lock(&self.state);
            word.said = true;
            word.waiting.take()
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// Waits for the word, and takes it. One task at a time may wait: the gate has no more.
    pub async fn notified(&self) {
        poll_fn(|cx| {
            let mut word = lock(&self.state);
            if std::mem::take(&mut word.said) {
                return Poll::Ready(());
            }
            word.waiting = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics under it")
}

pub mod oneshot {
    //! A value from one task to another.

    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    use super::lock;
    use crate::locks::Mutex;

    #[derive(Debug)]
    struct Slot<T> {
        value: Option<T>,
        has_sender: bool,
        has_receiver: bool,
        waiting: Option<Waker>,
    }

    /// The end to send from.
    #[derive(Debug)]
    pub struct Sender<T> {
        slot: Arc<Mutex<Slot<T>>>,
    }

    /// The end to wait at; an error says that the sender is gone.
    #[derive(Debug)]
    pub struct Receiver<T> {
        slot: Arc<Mutex<Slot<T>>>,
    }

    /// Two ends.
    #[must_use]
    pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
        let slot = Arc::new(Mutex::new(Slot {
            value: None,
            has_sender: true,
            has_receiver: true,
            waiting: None,
        }));
        (Sender { slot: slot.clone() }, Receiver { slot })
    }

    impl<T> Sender<T> {
        /// Hands the value over.
        ///
        /// # Errors
        /// The value, when nobody waits any more.
        pub fn send(self, value: T) -> Result<(), T> {
            let mut slot = lock(&self.slot);
            if !slot.has_receiver {
                return Err(value);
            }
            slot.value = Some(value);
            Ok(()) // the drop wakes
        }
    }

    impl<T> Drop for Sender<T> {
        fn drop(&mut self) {
            let waiting = {
                let mut slot = lock(&self.slot);
                slot.has_sender = false;
                slot.waiting.take()
            };
            if let Some(waker) = waiting {
                waker.wake();
            }
        }
    }

    impl<T> Future for Receiver<T> {
        type Output = Result<T, ()>;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
            let mut slot = lock(&self.slot);
            if let Some(value) = slot.value.take() {
                return Poll::Ready(Ok(value));
            }
            if !slot.has_sender {
                return Poll::Ready(Err(()));
            }
            slot.waiting = Some(cx.waker().clone());
            Poll::Pending
        }
    }

    impl<T> Drop for Receiver<T> {
        fn drop(&mut self) {
            lock(&self.slot).has_receiver = false;
        }
    }
}
