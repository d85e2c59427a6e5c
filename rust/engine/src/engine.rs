//! The engine: handles for connections, one shared runtime, calls that block the caller, and an orderly end.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backoff::{Attempts, Finding, Smell};
use tokio::runtime::Runtime;
use trace::ClosedBy;

use crate::clock::Clock;
use crate::codes::CONNECTION_NONE;
use crate::connecting::drive;
use crate::connecting::reconnect::Lifeline;
use crate::connecting::run::ConnectRun;
use crate::connecting::signs;
use crate::connecting::spec::ConnectSpec;
use crate::failure::Failure;
use crate::gates::gate::Gates;
use crate::keeping::farewell::{self, DRAIN};
use crate::keeping::keeper::Keeper;
use crate::keeping::live::Live;
use crate::keeping::memory::QueueMemory;
use crate::keeping::slot::{Hold, Slot};
use crate::keeping::story::Story;
use crate::locks::lock;
use crate::notices::{Detail, Notice, Notices};
use crate::runtime::SharedRuntime;
use crate::signs::Signs;
use crate::slab::{Handle, Slab};
use crate::talking::operation::CloseSpec;
use crate::tracing::files::TraceFiles;
use crate::watching::board::Board;
use crate::watching::history::History;
use crate::watching::moment::Moment;
use crate::watching::overload::Overload;

mod parked;
mod performing;

pub use parked::elsewhere;
pub use performing::Asked;

/// Close code of a connection that has done its work (RFC 6455 section 7.4.1).
const NORMAL: u16 = 1000;

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

/// Everything native that lives in this process.
pub struct Engine {
    slots: Slab<Slot>,
    runtime: SharedRuntime,
    keeper: Keeper,
    traces: Arc<TraceFiles>,
    notices: Arc<Notices>,
    queued: Arc<QueueMemory>,
    gates: Arc<Gates>,
    board: Mutex<Arc<Board>>,
    overload: Overload,
}

impl Default for Engine {
    fn default() -> Self {
        let notices = Arc::default();
        Engine {
            traces: Arc::new(TraceFiles::new(&notices)),
            notices,
            queued: Arc::default(),
            slots: Slab::default(),
            runtime: SharedRuntime::default(),
            keeper: Keeper::default(),
            gates: Arc::default(),
            board: Mutex::default(),
            overload: Overload::default(),
        }
    }
}

/// What a connect call gave.
#[derive(Debug)]
pub struct ConnectDone {
    /// Its attempts; the connection is behind the handle.
    pub run: ConnectRun,
    /// What they tell together.
    pub signs: Signs,
    /// What the server agreed to, as it wrote it; empty where there is no connection.
    pub extensions: String,
    /// Why the trace is not whole.
    pub warning: Option<String>,
}

/// Sees the figures of one test, from any thread, also when it is over.
#[derive(Debug, Clone)]
pub struct Watcher {
    board: Arc<Board>,
    gates: Arc<Gates>,
}

impl Watcher {
    /// The figures now, or as they were when the test ended.
    pub fn moment(&self) -> Moment {
        self.board.moment(&self.gates)
    }

    /// How they went.
    pub fn history(&self) -> History {
        self.board.history()
    }
}

/// How a connection that nobody uses any more is left.
struct Goodbye {
    spec: CloseSpec,
    timeout: Duration,
}

impl Engine {
    /// A new handle with nothing behind it yet, so that a cancel can reach the connect that follows.
    pub fn open(&self) -> Handle {
        self.slots.insert(Arc::new(Slot::default()))
    }

    /// The gates of the test, which specifications refer to.
    pub fn gates(&self) -> &Gates {
        &self.gates
    }

    /// The trace files of the test.
    pub fn traces(&self) -> &TraceFiles {
        &self.traces
    }

    /// The runtime of the test, for what waits outside of it.
    ///
    /// # Errors
    /// [`Misuse::Runtime`].
    pub fn runtime(&self) -> Result<Arc<Runtime>, Misuse> {
        self.runtime.get().map_err(Misuse::Runtime)
    }

    /// A test begins: its figures are counted from nothing on, and how they go is kept.
    ///
    /// # Errors
    /// [`Misuse::Runtime`].
    pub fn begin(&self) -> Result<(), Misuse> {
        let board: Arc<Board> = Arc::default();
        *lock(&self.board) = board.clone();
        self.overload.begin_again();
        self.runtime()?.spawn(board.watch(self.gates.clone()));
        Ok(())
    }

    /// The board of the test that runs, or of the last one.
    pub fn board(&self) -> Arc<Board> {
        lock(&self.board).clone()
    }

    /// Sees the figures of the test that runs, or those that the last one ended with.
    pub fn watcher(&self) -> Watcher {
        Watcher {
            board: self.board(),
            gates: self.gates.clone(),
        }
    }

    /// Connects, on the calling thread; `left` is what is left of the thread's schedule, if that has an end.
    ///
    /// # Errors
    /// Misuse only: whatever server and network do is in the result.
    pub fn connect(
        &self,
        handle: Handle,
        spec: &Arc<ConnectSpec>,
        left: Option<Duration>,
    ) -> Result<ConnectDone, Misuse> {
        let hold = self.hold_new(handle)?;
        let runtime = self.runtime()?;
        Ok(runtime.handle().block_on(self.connecting(&hold, spec, left)))
    }

    /// A handle's slot with nothing behind it yet.
    fn hold_new(&self, handle: Handle) -> Result<Hold, Misuse> {
        let slot = self.slots.get(handle).ok_or(Misuse::UnknownHandle(handle))?;
        let hold = slot.hold().ok_or(Misuse::Busy(handle))?;
        if hold.live().is_some() {
            return Err(Misuse::Connected(handle));
        }
        Ok(hold)
    }

    async fn connecting(&self, hold: &Hold, spec: &Arc<ConnectSpec>, left: Option<Duration>) -> ConnectDone {
        let slot = hold.slot();
        let clock = Clock::start();
        let mut attempts = Attempts::new(spec.policy.clone(), spec.seed);
        attempts.set_end(left);
        let board = if spec.apart { Arc::default() } else { self.board() };
        let mut run = drive::connect(spec, &mut attempts, clock, &slot.cancel, &board).await;
        let warning = self.trace(spec, &run);
        let signs = signs::of(spec, &run);
        if !spec.apart {
            self.note_limits(&run, &signs);
        }
        let mut extensions = String::new();
        if let Some(connection) = run.connection.take() {
            connection.extensions().clone_into(&mut extensions);
            slot.watch(&connection);
            let keeping = spec.keeping.clone();
            let story = Story::new(&self.notices, &self.traces, &board, spec);
            let lifeline = keeping
                .reconnect
                .then(|| Lifeline::new(spec.clone(), attempts, clock));
            let mut live = Live::new(connection, keeping, lifeline, story, &self.queued);
            live.keep(std::mem::take(&mut run.early));
            live.kept = true;
            *hold.live() = Some(live);
            self.keeper.add(slot, &self.notices);
        }
        ConnectDone {
            run,
            signs,
            extensions,
            warning,
        }
    }

    /// Says by what a lost connection is made anew, when it is next used; `change` makes it from what it was made by. Where nothing
    /// would make it anew, nothing is done.
    ///
    /// # Errors
    /// Misuse; within, that of `change`.
    pub fn renew<E>(
        &self,
        handle: Handle,
        change: impl FnOnce(&ConnectSpec) -> Result<ConnectSpec, E>,
    ) -> Result<Result<(), E>, Misuse> {
        let slot = self.slots.get(handle).ok_or(Misuse::UnknownHandle(handle))?;
        let mut call = slot.enter().ok_or(Misuse::Busy(handle))?;
        let Some(lifeline) = call.live.as_mut().and_then(|live| live.lifeline.as_mut()) else {
            return Ok(Ok(()));
        };
        Ok(change(lifeline.spec()).map(|spec| lifeline.renew(Arc::new(spec))))
    }

    /// Takes the `Set-Cookie` lines that the last reconnect of a connection got, each behind the address that sent it.
    ///
    /// # Errors
    /// Misuse only.
    pub fn take_cookies(&self, handle: Handle) -> Result<Vec<(String, String)>, Misuse> {
        let slot = self.slots.get(handle).ok_or(Misuse::UnknownHandle(handle))?;
        let mut call = slot.enter().ok_or(Misuse::Busy(handle))?;
        let lifeline = call.live.as_mut().and_then(|live| live.lifeline.as_mut());
        Ok(lifeline
            .map(|lifeline| lifeline.take_cookies())
            .unwrap_or_default())
    }

    /// Ends whatever a handle's connection is doing, from any thread, and for good. False: there was nothing to end.
    pub fn cancel(&self, handle: Handle) -> bool {
        self.slots.get(handle).is_some_and(|slot| slot.cancel())
    }

    /// Whether a handle's connection can still be used, as far as is known: a drop is noticed within 100 ms.
    pub fn is_open(&self, handle: Handle) -> bool {
        let Some(slot) = self.slots.get(handle) else {
            return false;
        };
        let Some(call) = slot.enter() else {
            return false; // another thread's: not for the one that asks
        };
        !slot.cancel.is_cancelled() && call.live.as_ref().is_some_and(|live| live.connection.is_open())
    }

    /// Closes a connection and frees its handle: says goodbye and waits for the peer's answer, at most so long; `None`: without
    /// a word, as where the connection's [`Farewell`](crate::connecting::spec::Farewell) has none.
    ///
    /// # Errors
    /// Misuse only; a peer that does not answer is none.
    pub fn close(&self, handle: Handle, goodbye: Option<Duration>) -> Result<(), Misuse> {
        if let Some((mut live, goodbye)) = self.leave(handle, goodbye)? {
            // Nobody can do more about a peer that does not answer.
            let _ = live
                .connection
                .close(goodbye.spec.code, &goodbye.spec.reason, goodbye.timeout);
        }
        Ok(())
    }

    /// Frees a handle; its connection, where it is to say goodbye, and how.
    fn leave(&self, handle: Handle, patience: Option<Duration>) -> Result<Option<(Live, Goodbye)>, Misuse> {
        let slot = self.slots.remove(handle).ok_or(Misuse::UnknownHandle(handle))?;
        let taken = slot.enter().ok_or(Misuse::Busy(handle))?.live.take();
        Ok(taken.and_then(|mut live| {
            let farewell = live.keeping.farewell.clone();
            let goodbye = patience.zip(farewell.reason(""));
            live.leave(ClosedBy::Client, goodbye.map(|_| NORMAL));
            goodbye.map(|(timeout, reason)| {
                let spec = CloseSpec {
                    code: NORMAL,
                    reason: reason.to_owned(),
                    abort: false,
                };
                (live, Goodbye { spec, timeout })
            })
        }))
    }

    /// How many handles there are.
    pub fn handles(&self) -> usize {
        self.slots.count()
    }

    /// The end of a test: cancels what runs, tells the peers of open connections, writes traces out,
    /// stops keeper and runtime. The engine can be used again afterwards.
    ///
    /// # Errors
    /// What could not be ended in order; everything else was.
    pub fn shutdown(&self) -> Result<(), ShutdownError> {
        let slots = self.slots.drain();
        farewell::cancel(&slots);
        // Its sockets end before it is waited for.
        self.keeper.halt();
        let hanging = farewell::say(&slots);
        self.board().end(&self.gates);
        self.keeper.stop();
        self.runtime.stop(DRAIN);
        self.gates.clear();
        let traced = self.traces.close();
        self.notices.end();
        self.queued.begin_again();
        websocket::Sessions::forget_all();
        traced.map_err(ShutdownError::Trace)?;
        if hanging == 0 {
            Ok(())
        } else {
            Err(ShutdownError::Hanging(hanging))
        }
    }

    /// A thread that parked had a processor so long after its call was done; if many wait long, that is told once.
    pub fn scheduled(&self, waited: Duration) {
        if self.overload.scheduled(waited) {
            self.notices.tell(Notice::Overload);
        }
    }

    /// What the log is to be told, see [`Notices`].
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// What the generator itself ran out of looks like a slow server to whoever is not told, and what all users of a server meet
    /// nobody reads in a thousand samples.
    fn note_limits(&self, run: &ConnectRun, signs: &Signs) {
        let limits = [websocket::Code::TcpNoFiles, websocket::Code::TcpNoPorts].map(websocket::Code::as_str);
        for fault in run.attempts.iter().filter_map(|attempt| attempt.fault.as_ref()) {
            if limits.contains(&&*fault.code) {
                self.notices.count(&fault.code, || fault.detail.clone());
            }
        }
        for &smell in &signs.smells {
            let kind = match smell {
                Smell::Queue => "late answers",
                Smell::RefusalsCount => match signs.found {
                    Some(Finding::LockedOut(found)) if !found.proven => "users who line up",
                    _ => "refusals that count",
                },
                // A refusal of one user, which its own sample tells.
                Smell::WaitingRoom | Smell::ForbiddenLimit => continue,
            };
            self.notices.count(kind, || Detail::Smell(smell, signs.clone()));
        }
        if let Some(Finding::Flow(lead)) = signs.found {
            self.notices.count("shared quota", || Detail::Flow(lead));
        }
    }

    /// Writes the attempts down, if that is wanted; answers what went wrong.
    fn trace(&self, spec: &ConnectSpec, run: &ConnectRun) -> Option<String> {
        let path = spec.trace.as_ref()?;
        let recorded = self.traces.record(path, spec, run);
        recorded
            .err()
            .map(|error| format!("trace file {}: {error}", path.display()))
    }
}

fn no_connection() -> Failure {
    Failure::new(CONNECTION_NONE, CONNECTION_NONE.message)
}

fn no_runtime(error: &io::Error) -> Failure {
    Failure::coded(websocket::Code::ConnectionLost, error.to_string())
}
