//! The engine that Java holds: handles for connections, one shared runtime, calls that block the caller, and an orderly end.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use once_cell::sync::Lazy;
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use websocket::{Canceller, Connection};

use crate::cancel::Cancel;
use crate::outcome::ConnectResult;
use crate::run;
use crate::slab::{Handle, Slab};
use crate::spec::{ConnectRequest, ConnectSpec, Invalid};
use crate::trace_file::TraceFiles;

/// Threads that serve sockets and timers; the work itself runs on the callers' threads.
const WORKERS: usize = 2;
/// Name look-ups that may run side by side.
const BLOCKING_THREADS: usize = 16;
/// The longest that `shutdown` waits for calls that were cancelled; each ends within 100 ms.
const DRAIN: Duration = Duration::from_secs(3);
/// How long a close waits for the peer's answer when the caller does not say.
const CLOSE_TIMEOUT_MS: u64 = 1_000;
/// The most that `shutdown` spends on telling all open peers that it goes.
const FAREWELL: Duration = Duration::from_millis(500);
/// Close code "going away" (RFC 6455, 7.4.1).
const GOING_AWAY: u16 = 1001;

/// A call that makes no sense; a defect of the caller.
#[derive(Debug, thiserror::Error)]
pub enum Misuse {
    /// The handle was closed, or never given out.
    #[error("unknown or closed connection handle {0:#x}")]
    UnknownHandle(Handle),
    /// Another thread is using the connection.
    #[error("connection handle {0:#x} is in use by another thread")]
    Busy(Handle),
    /// `connect` on a handle that is connected.
    #[error("connection handle {0:#x} is already connected")]
    Connected(Handle),
    /// The JSON of a call cannot be read.
    #[error("malformed call: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The operating system gives no threads or no event queue.
    #[error("cannot start the runtime: {0}")]
    Runtime(io::Error),
}

/// What could not be ended in order.
#[derive(Debug, thiserror::Error)]
pub enum ShutdownError {
    /// A trace file is not whole.
    #[error("a trace file could not be written: {0}")]
    Trace(io::Error),
    /// Calls went on in spite of the cancel.
    #[error("{0} connection(s) did not end within 3 s")]
    Hanging(usize),
}

/// One connection, from before its first attempt to its close.
#[derive(Default)]
struct Slot {
    cancel: Cancel,
    /// Held during a call.
    connection: Mutex<Option<Connection>>,
    /// Reaches a call that blocks on the open socket.
    canceller: Mutex<Option<Canceller>>,
    /// Whether a call is under way, for the answer of `cancel`.
    busy: AtomicBool,
}

/// Everything native that lives in this process.
#[derive(Default)]
pub struct Engine {
    slots: Slab<Slot>,
    runtime: Mutex<Option<Arc<Runtime>>>,
    traces: TraceFiles,
}

/// How a connection is to be closed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct CloseRequest {
    code: u16,
    reason: String,
    timeout_ms: u64,
    abort: bool,
}

impl Default for CloseRequest {
    fn default() -> Self {
        CloseRequest {
            code: 1000,
            reason: String::new(),
            timeout_ms: CLOSE_TIMEOUT_MS,
            abort: false,
        }
    }
}

/// How a connection was closed.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct CloseResult {
    /// Whether the peer answered the close.
    closed: bool,
    /// The peer's close code.
    code: Option<u16>,
    /// The peer's reason.
    reason: String,
    /// Error code where the peer did not answer.
    error: Option<&'static str>,
}

impl Engine {
    /// The engine of this process (of this copy of the library).
    pub fn global() -> &'static Engine {
        static ENGINE: Lazy<Engine> = Lazy::new(Engine::default);
        &ENGINE
    }

    /// A new handle with nothing behind it yet, so that a cancel can reach the connect that follows.
    pub fn open(&self) -> Handle {
        self.slots.insert(Arc::new(Slot::default()))
    }

    /// Connects, on the calling thread; `spec` is a [`ConnectRequest`] as JSON, the answer a result as JSON.
    ///
    /// # Errors
    /// Misuse only: whatever server, network or plan do is in the result.
    pub fn connect(&self, handle: Handle, spec: &[u8]) -> Result<Vec<u8>, Misuse> {
        let slot = self.slot(handle)?;
        let request: ConnectRequest = serde_json::from_slice(spec)?;
        let mut connection = lock_for_call(&slot, handle)?;
        if connection.is_some() {
            return Err(Misuse::Connected(handle));
        }
        let url = request.properties.get("wsb.url").cloned().unwrap_or_default();
        let spec = match self.checked(request) {
            Ok(spec) => spec,
            Err(invalid) => return Ok(ConnectResult::invalid(&invalid, &url).to_json()),
        };
        let runtime = self.runtime()?;
        slot.busy.store(true, Ordering::SeqCst);
        let mut run = runtime.handle().block_on(run::connect(&spec, &slot.cancel));
        slot.busy.store(false, Ordering::SeqCst);
        let mut result = ConnectResult::new(&spec, &run);
        if let Some(path) = &spec.trace {
            if let Err(error) = self.traces.record(path, &spec, &run) {
                result.warn(format!("trace file {}: {error}", path.display()));
            }
        }
        if let Some(open) = run.connection.take() {
            *lock(&slot.canceller) = Some(open.canceller());
            *connection = Some(open);
        }
        Ok(result.to_json())
    }

    /// Ends whatever a handle's connection is doing, from any thread, and for good. False: there was nothing to end.
    pub fn cancel(&self, handle: Handle) -> bool {
        self.slots.get(handle).is_some_and(|slot| slot.cancel())
    }

    /// Closes a connection and frees its handle; `spec` and answer are JSON.
    ///
    /// # Errors
    /// Misuse only; a peer that does not answer is in the result.
    pub fn close(&self, handle: Handle, spec: &[u8]) -> Result<Vec<u8>, Misuse> {
        let request: CloseRequest = serde_json::from_slice(spec)?;
        let slot = self.slots.remove(handle).ok_or(Misuse::UnknownHandle(handle))?;
        let taken = lock_for_call(&slot, handle)?.take();
        let mut result = CloseResult::default();
        if let Some(mut connection) = taken.filter(|_| !request.abort) {
            let timeout = Duration::from_millis(request.timeout_ms);
            match connection.close(request.code, &request.reason, timeout) {
                Ok(closed) => {
                    result.closed = true;
                    result.code = Some(closed.code);
                    result.reason = closed.reason;
                }
                Err(error) => result.error = Some(error.code().as_str()),
            }
        }
        Ok(serde_json::to_vec(&result).expect("plain texts and numbers"))
    }

    /// How many handles there are.
    pub fn handles(&self) -> usize {
        self.slots.len()
    }

    /// The end of a test: cancels what runs, tells the peers of open connections, writes traces out, stops the
    /// runtime. The engine can be used again afterwards.
    ///
    /// # Errors
    /// What could not be ended in order; everything else was.
    pub fn shutdown(&self) -> Result<(), ShutdownError> {
        let slots = self.slots.drain();
        for slot in &slots {
            if slot.busy.load(Ordering::SeqCst) {
                slot.cancel();
            } else {
                // The flag alone: the socket of an idle connection is still wanted for the farewell.
                slot.cancel.cancel();
            }
        }
        let drained = farewell(&slots);
        if let Some(runtime) = lock(&self.runtime).take() {
            stop(runtime);
        }
        self.traces.close().map_err(ShutdownError::Trace)?;
        drained
    }

    fn checked(&self, request: ConnectRequest) -> Result<ConnectSpec, Invalid> {
        let spec = ConnectSpec::new(request)?;
        if let Some(path) = &spec.trace {
            self.traces.open(path).map_err(|error| {
                Invalid::new(
                    "wsb.trace",
                    path.display().to_string(),
                    error.to_string(),
                    "a file that can be written",
                )
            })?;
        }
        Ok(spec)
    }

    fn slot(&self, handle: Handle) -> Result<Arc<Slot>, Misuse> {
        self.slots.get(handle).ok_or(Misuse::UnknownHandle(handle))
    }

    fn runtime(&self) -> Result<Arc<Runtime>, Misuse> {
        let mut runtime = lock(&self.runtime);
        if let Some(running) = &*runtime {
            return Ok(running.clone());
        }
        let started = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("wsb-io")
            .enable_all()
            .build()
            .map_err(Misuse::Runtime)?;
        Ok(runtime.insert(Arc::new(started)).clone())
    }
}

impl Slot {
    fn cancel(&self) -> bool {
        let busy = self.busy.load(Ordering::SeqCst);
        let first = self.cancel.cancel();
        if let Some(canceller) = &*lock(&self.canceller) {
            canceller.cancel();
        }
        busy && first
    }
}

/// Sends every open peer a close and waits for the calls that still run.
fn farewell(slots: &[Arc<Slot>]) -> Result<(), ShutdownError> {
    let begun = Instant::now();
    let mut hanging = 0;
    for slot in slots {
        let Some(mut connection) = lock_within(&slot.connection, DRAIN.saturating_sub(begun.elapsed()))
        else {
            hanging += 1;
            continue;
        };
        if let Some(mut open) = connection.take() {
            if begun.elapsed() < FAREWELL {
                // Nobody waits for the answer: the test is over.
                let _ = open.close(GOING_AWAY, "test ended", Duration::ZERO);
            }
        }
    }
    if hanging == 0 {
        Ok(())
    } else {
        Err(ShutdownError::Hanging(hanging))
    }
}

/// Stops a runtime, unless a call that hangs still holds it: a runtime must never end under a thread that blocks on it.
fn stop(mut runtime: Arc<Runtime>) {
    let begun = Instant::now();
    loop {
        match Arc::try_unwrap(runtime) {
            Ok(last) => return last.shutdown_timeout(Duration::from_secs(1)),
            Err(_) if begun.elapsed() > DRAIN => return,
            Err(held) => runtime = held,
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The connection, for the length of a call; only one call at a time may hold it.
fn lock_for_call(slot: &Slot, handle: Handle) -> Result<MutexGuard<'_, Option<Connection>>, Misuse> {
    match slot.connection.try_lock() {
        Ok(guard) => Ok(guard),
        Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => Err(Misuse::Busy(handle)),
    }
}

/// Tries for a bounded time; `std` has no timed lock.
fn lock_within<T>(mutex: &Mutex<T>, limit: Duration) -> Option<MutexGuard<'_, T>> {
    let begun = Instant::now();
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if begun.elapsed() >= limit => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// A panic under one of these locks leaves an absent value at worst, never half of one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
