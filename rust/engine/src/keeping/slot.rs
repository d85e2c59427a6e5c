//! What stands behind a handle: one connection from before its first attempt to its end, who uses it, and its cancel.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use websocket::{Canceller, Connection};

use crate::cancel::Cancel;
use crate::keeping::live::Live;
use crate::locks::lock;

/// See the file's sentence.
#[derive(Default)]
pub struct Slot {
    /// Thrown once, for good.
    pub cancel: Cancel,
    /// Reaches a call that blocks on the open socket.
    canceller: Mutex<Option<Canceller>>,
    /// Whether a caller is at work. The keeper is no caller: it holds `live` for microseconds only.
    in_call: AtomicBool,
    /// Calls that ended; the keeper sees by it that a connection was used.
    uses: AtomicU32,
    live: Mutex<Option<Live>>,
}

/// A caller's hold on a slot; ends when dropped.
pub struct Call<'a> {
    slot: &'a Slot,
    /// The connection, once there was one.
    pub live: MutexGuard<'a, Option<Live>>,
}

/// A call that goes from thread to thread: nobody else is in one, and the lock is taken for moments only.
pub struct Hold(Arc<Slot>);

impl Slot {
    /// Begins a call. `None`: another thread is in one. The keeper may hold the lock meanwhile, for microseconds.
    pub fn enter(&self) -> Option<Call<'_>> {
        self.claim().then(|| Call {
            slot: self,
            live: lock(&self.live),
        })
    }

    /// Begins a call that does not stay on its thread. `None`: there is another one.
    pub fn hold(self: &Arc<Self>) -> Option<Hold> {
        self.claim().then(|| Hold(self.clone()))
    }

    fn claim(&self) -> bool {
        self.in_call
            .compare_exchange(false, true, Ordering::SeqCst, Ordering::Relaxed)
            .is_ok()
    }

    fn leave(&self) {
        self.uses.fetch_add(1, Ordering::Relaxed);
        self.in_call.store(false, Ordering::Release);
    }

    /// Whether a call is under way, or about to begin. One that begins after a cancel sees the cancel: who cancels, cancels first
    /// and looks then, and who calls, enters first and looks then.
    pub fn is_in_call(&self) -> bool {
        self.in_call.load(Ordering::SeqCst)
    }

    /// How many calls have ended; wraps.
    pub fn uses(&self) -> u32 {
        self.uses.load(Ordering::Relaxed)
    }

    /// The connection, unless somebody is using it.
    pub fn try_live(&self) -> Option<MutexGuard<'_, Option<Live>>> {
        if self.is_in_call() {
            return None;
        }
        let live = match self.live.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        // One that holds the lock for moments only may have begun meanwhile: what is read here would pass by it.
        (!self.is_in_call()).then_some(live)
    }

    /// The connection, once no call is under way, tried for a bounded time; `std` has no timed lock.
    pub fn live_within(&self, limit: Duration) -> Option<MutexGuard<'_, Option<Live>>> {
        let begun = Instant::now();
        loop {
            if let Some(live) = self.try_live() {
                return Some(live);
            }
            if begun.elapsed() >= limit {
                return None;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets a cancel reach a socket that was just opened.
    pub fn watch(&self, connection: &Connection) {
        let canceller = connection.canceller();
        *lock(&self.canceller) = Some(canceller.clone());
        // A cancel between the opening and this line found no canceller.
        if self.cancel.is_cancelled() {
            canceller.cancel();
        }
    }

    /// Ends whatever is done with it, now and later. False: nothing was.
    pub fn cancel(&self) -> bool {
        // Looked at before, as a quick caller is gone after; and after, as one that has just begun sees the cancel too.
        let was_busy = self.is_in_call();
        let first = self.cancel.cancel();
        let busy = was_busy || self.is_in_call();
        if let Some(canceller) = &*lock(&self.canceller) {
            canceller.cancel();
        }
        busy && first
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.slot.leave();
    }
}

impl Hold {
    pub fn slot(&self) -> &Arc<Slot> {
        &self.0
    }

    /// The connection, once there was one. Not to be kept over a wait.
    pub fn live(&self) -> MutexGuard<'_, Option<Live>> {
        lock(&self.0.live)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.leave();
    }
}
