//! What stands behind a handle: one connection from before its first attempt to its end, who uses it, and its cancel.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use websocket::{Canceller, Connection};

use crate::cancel::Cancel;
use crate::connecting::reconnect::Lifeline;
use crate::failure::Failure;
use crate::spec::Keeping;
use crate::talking::queue::Queue;

/// The most that one look reads: a server that sends without end must not hold a sample up.
const LOOKED_AT: usize = 64;

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

/// A connection that was opened, with all that belongs to it.
pub struct Live {
    /// The socket; may have ended.
    pub connection: Connection,
    /// Messages that nobody has asked for yet.
    pub queue: Queue,
    /// What happens between samples.
    pub keeping: Keeping,
    /// Makes it anew when it is lost, if its user wants that.
    pub lifeline: Option<Box<Lifeline>>,
    /// Why the keeper ended it.
    pub verdict: Option<Failure>,
    /// When its end was noticed.
    pub ended: Option<Instant>,
    /// A `Close` of ours ended it.
    pub closed_here: bool,
    /// Whether the keeper has it in its books.
    pub kept: bool,
    /// How often it was made; tells the keeper that the socket is another one.
    pub serial: u64,
}

impl Live {
    /// A connection just opened.
    pub fn new(connection: Connection, keeping: Keeping, lifeline: Option<Lifeline>) -> Self {
        Live {
            connection,
            queue: Queue::new(keeping.queue),
            keeping,
            lifeline: lifeline.map(Box::new),
            verdict: None,
            ended: None,
            closed_here: false,
            kept: false,
            serial: 0,
        }
    }

    /// Another socket takes the place of the one that was lost; what was queued stays.
    pub fn renew(&mut self, connection: Connection) {
        self.connection = connection;
        self.serial += 1;
        self.verdict = None;
        self.ended = None;
    }

    /// Reads what has come, without a wait: messages to the queue, and an end that nobody has noticed yet becomes known.
    pub fn look(&mut self) {
        for _ in 0..LOOKED_AT {
            match self.connection.poll() {
                Ok(Some(message)) if message.kind.is_control() => {}
                Ok(Some(message)) => {
                    self.queue.push(message);
                }
                Ok(None) | Err(_) => break,
            }
        }
        self.note_end();
    }

    /// Takes note of the connection's end, if it has ended.
    pub fn note_end(&mut self) {
        if !self.connection.is_open() {
            self.ended.get_or_insert_with(Instant::now);
        }
    }
}

/// A caller's hold on a slot; ends when dropped.
pub struct Call<'a> {
    slot: &'a Slot,
    /// The connection, once there was one.
    pub live: MutexGuard<'a, Option<Live>>,
}

impl Slot {
    /// Begins a call. `None`: another thread is in one. The keeper may hold the lock meanwhile, for microseconds.
    pub fn enter(&self) -> Option<Call<'_>> {
        let free = self
            .in_call
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        free.is_ok().then(|| Call {
            slot: self,
            live: lock(&self.live),
        })
    }

    /// Whether a call is under way, or about to begin.
    pub fn is_in_call(&self) -> bool {
        self.in_call.load(Ordering::Acquire)
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
        match self.live.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The connection, tried for a bounded time; `std` has no timed lock.
    pub fn live_within(&self, limit: Duration) -> Option<MutexGuard<'_, Option<Live>>> {
        let begun = Instant::now();
        loop {
            match self.live.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if begun.elapsed() >= limit => return None,
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            }
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
        let busy = self.is_in_call();
        let first = self.cancel.cancel();
        if let Some(canceller) = &*lock(&self.canceller) {
            canceller.cancel();
        }
        busy && first
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.slot.uses.fetch_add(1, Ordering::Relaxed);
        self.slot.in_call.store(false, Ordering::Release);
    }
}

/// A panic under one of these locks leaves an absent value at worst, never half of one.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
