//! The engine that Java holds: handles for connections, one shared runtime, calls that block the caller, and an orderly end.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backoff::Attempts;
use once_cell::sync::Lazy;
use serde::Deserialize;
use trace::ClosedBy;

use crate::clock::Clock;
use crate::connecting::outcome::Connected;
use crate::connecting::reconnect::Lifeline;
use crate::connecting::run::{self, ConnectRun};
use crate::controls::{ControlRequest, Controls, UnknownElement};
use crate::error_codes::{CANCELLED, CONNECTION_NONE};
use crate::failure::Failure;
use crate::gates::gate::Gates;
use crate::keeping::farewell::{self, DRAIN};
use crate::keeping::keeper::Keeper;
use crate::keeping::live::Live;
use crate::keeping::slot::{Call, Slot};
use crate::keeping::story::Story;
use crate::notices::{NEWS, Notices};
use crate::runtime::SharedRuntime;
use crate::slab::{Handle, Slab};
use crate::spec::{
    Action, CallRequest, ConnectPlan, ConnectRequest, ConnectSpec, Invalid, Operation, OperationRequest,
};
use crate::talking::figures::{FIGURES, Figures, Outcome};
use crate::talking::talk;
use crate::tracing::files::TraceFiles;

/// The element that connects; all others do something with an open connection.
const CONNECT: &str = crate::variables::CONNECT_SAMPLER;

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
    /// The operation was discarded, or never prepared.
    #[error("unknown or discarded operation {0:#x}")]
    UnknownOperation(Handle),
    /// No element with operations has this name.
    #[error("no operations for the element {0:?}")]
    UnknownElement(String),
    /// The control was released, or never made.
    #[error("unknown or released control {0:#x}")]
    UnknownControl(Handle),
    /// Another thread is in a step of the control.
    #[error("control {0:#x} is in use by another thread")]
    BusyControl(Handle),
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

/// Everything native that lives in this process.
#[derive(Default)]
pub struct Engine {
    slots: Slab<Slot>,
    prepared: Slab<Prepared>,
    runtime: SharedRuntime,
    keeper: Keeper,
    traces: Arc<TraceFiles>,
    notices: Arc<Notices>,
    gates: Gates,
    controls: Controls,
}

/// What an element does, read and checked once.
enum Prepared {
    Connect(Prospect),
    Operation(Result<Operation, Invalid>),
}

/// A connect to come.
struct Prospect {
    plan: Result<ConnectPlan, Invalid>,
    /// The address as users wrote it, for calls that come to nothing.
    url: String,
}

/// What is only this call's of an operation.
struct Asked<'a> {
    payload: Option<&'a [u8]>,
    /// Of the thread's schedule.
    left: Option<Duration>,
    begun: Instant,
}

/// What an operation gave.
#[derive(Debug)]
pub struct Performed {
    /// The numbers, see [`Figures::places`].
    pub figures: [i64; FIGURES],
    /// The message, if there is one; of a failure, why, as JSON.
    pub payload: Vec<u8>,
}

impl Performed {
    /// Whether there is a message (which may be empty), or the reason of a failure.
    #[must_use]
    pub fn has_payload(&self) -> bool {
        self.figures[0] == Outcome::Failed as i64 || self.figures[1] != 0
    }
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

    /// Reads what an element is to do; `spec` is as JSON a [`ConnectRequest`] for the element that connects, else an
    /// [`OperationRequest`]. What cannot be used is told when it is done.
    ///
    /// # Errors
    /// Misuse only.
    pub fn prepare(&self, spec: &[u8]) -> Result<Handle, Misuse> {
        #[derive(Deserialize)]
        struct Kind {
            element: String,
        }
        let Kind { element } = serde_json::from_slice(spec)?;
        let prepared = if element == CONNECT {
            let request: ConnectRequest = serde_json::from_slice(spec)?;
            let url = request.properties.get("wsb.url").cloned().unwrap_or_default();
            let plan = ConnectPlan::new(request, &self.gates);
            Prepared::Connect(Prospect { plan, url })
        } else {
            let request: OperationRequest = serde_json::from_slice(spec)?;
            Prepared::Operation(Operation::new(request).ok_or(Misuse::UnknownElement(element))?)
        };
        Ok(self.prepared.insert(Arc::new(prepared)))
    }

    /// Connects as prepared, on the calling thread; `ordinal` is how many connects this user made before, `own` what is only
    /// this call's, a [`CallRequest`] as JSON, `left` what is left of the thread's schedule, if that has an end.
    ///
    /// # Errors
    /// Misuse only: whatever server, network or plan do is in the result.
    pub fn connect(
        &self,
        handle: Handle,
        prepared: Handle,
        ordinal: u64,
        own: Option<&[u8]>,
        left: Option<Duration>,
    ) -> Result<Connected, Misuse> {
        let slot = self.slots.get(handle).ok_or(Misuse::UnknownHandle(handle))?;
        let found = self.prepared.get(prepared);
        let Some(Prepared::Connect(prospect)) = found.as_deref() else {
            return Err(Misuse::UnknownOperation(prepared));
        };
        let own = own.map_or_else(|| Ok(CallRequest::default()), serde_json::from_slice)?;
        let mut call = slot.enter().ok_or(Misuse::Busy(handle))?;
        if call.live.is_some() {
            return Err(Misuse::Connected(handle));
        }
        let spec = match self.call(prospect, ordinal, own) {
            Ok(spec) => spec,
            Err(invalid) => return Ok(Connected::invalid(&invalid, &prospect.url)),
        };
        let clock = Clock::start();
        let mut attempts = Attempts::new(spec.policy.clone(), spec.seed);
        attempts.set_end(left);
        let runtime = self.runtime.get().map_err(Misuse::Runtime)?;
        let run = runtime
            .handle()
            .block_on(run::connect(&spec, &mut attempts, clock, &slot.cancel));
        let mut warning = self.trace(&spec, &run).unwrap_or_default();
        self.note_limits(&run);
        let news = self.notices.take();
        if !warning.is_empty() && !news.is_empty() {
            warning.push('\n');
        }
        warning.push_str(&news);
        let connected = Connected::new(&spec, &run, &warning);
        if let Some(connection) = run.connection {
            slot.watch(&connection);
            let (keeping, spec) = (spec.keeping, Arc::new(spec));
            let story = Story::new(&self.notices, &self.traces, &spec);
            let lifeline = keeping.reconnect.then(|| Lifeline::new(spec, attempts, clock));
            let mut live = Live::new(connection, keeping, lifeline, story);
            live.kept = true;
            *call.live = Some(live);
            self.keeper.add(&slot, &self.notices);
        }
        Ok(connected)
    }

    /// Forgets an operation; one that is being done is done to its end.
    ///
    /// # Errors
    /// There is no such operation.
    pub fn discard(&self, operation: Handle) -> Result<(), Misuse> {
        let removed = self.prepared.remove(operation);
        removed.map(|_| ()).ok_or(Misuse::UnknownOperation(operation))
    }

    /// Does an operation on a connection, on the calling thread. `payload` stands in for the operation's own, in the form
    /// that its properties say; `left` is what is left of the thread's schedule, if that has an end.
    ///
    /// # Errors
    /// Misuse only: whatever server, network or plan do is in the result.
    pub fn perform(
        &self,
        connection: Handle,
        operation: Handle,
        payload: Option<&[u8]>,
        left: Option<Duration>,
    ) -> Result<Performed, Misuse> {
        let begun = Instant::now();
        let found = self.prepared.get(operation);
        let Some(Prepared::Operation(prepared)) = found.as_deref() else {
            return Err(Misuse::UnknownOperation(operation));
        };
        let mut figures = Figures::default();
        let done = match (prepared, self.slots.get(connection)) {
            (Err(invalid), _) => Err(invalid.into()),
            (Ok(_), None) => Err(Failure::new(CONNECTION_NONE, CONNECTION_NONE.message)),
            (Ok(operation), Some(slot)) => {
                let mut call = slot.enter().ok_or(Misuse::Busy(connection))?;
                let asked = Asked { payload, left, begun };
                let done = self.talk(&slot, &mut call, operation, &asked, &mut figures);
                if let Some(live) = &mut *call.live {
                    if live.closed_here && figures.close_code != 0 {
                        live.close_code = Some(figures.close_code);
                    }
                    live.note_failure(done.as_ref().err());
                    figures.queued = live.queue.len();
                    figures.dropped = live.queue.dropped();
                    if let Some(closed) = live.connection.close_info() {
                        figures.close_code = closed.code;
                    }
                }
                done
            }
        };
        let payload = done.unwrap_or_else(|failure| {
            figures.outcome = Outcome::Failed;
            figures.kind = None;
            failure.to_json()
        });
        figures.elapsed = begun.elapsed();
        let mut figures = figures.places();
        figures[NEWS] = i64::from(self.notices.has_news());
        Ok(Performed { figures, payload })
    }

    fn talk(
        &self,
        slot: &Arc<Slot>,
        call: &mut Call<'_>,
        operation: &Operation,
        asked: &Asked<'_>,
        figures: &mut Figures,
    ) -> Result<Vec<u8>, Failure> {
        if slot.cancel.is_cancelled() {
            return Err(Failure::new(CANCELLED, CANCELLED.message));
        }
        let Some(live) = &mut *call.live else {
            return Err(Failure::new(CONNECTION_NONE, CONNECTION_NONE.message));
        };
        let closes = matches!(operation.action, Action::Close(_));
        if !closes && live.due().is_some_and(|due| due <= asked.begun) && !live.look(|| true) {
            live.keep_alive(); // the keeper finds a busy connection's lock taken
        }
        if wants_reconnect(live, &operation.action) {
            live.look(|| true); // the keeper sees an end up to 100 ms later
            if !live.connection.is_open() {
                self.reconnect(slot, live, asked.left, figures)?;
            }
        }
        talk::perform(live, operation, asked.payload, asked.begun, figures)
    }

    /// Puts a new connection in the place of the lost one.
    fn reconnect(
        &self,
        slot: &Arc<Slot>,
        live: &mut Live,
        left: Option<Duration>,
        figures: &mut Figures,
    ) -> Result<(), Failure> {
        let Some(lifeline) = &mut live.lifeline else {
            return Ok(());
        };
        let lost = live.ended.unwrap_or_else(Instant::now);
        let runtime = self.runtime.get();
        let runtime =
            runtime.map_err(|error| Failure::coded(websocket::Code::ConnectionLost, error.to_string()))?;
        let reconnect = lifeline.reconnect(lost, left, &slot.cancel);
        let mut done = runtime.handle().block_on(reconnect);
        figures.waited = done.waited();
        if let Some(run) = &mut done.run {
            figures.connect = run.last().connect_time();
            // A trace that cannot be written was told by the connect, and is told again at the end of the test.
            let _ = self.trace(lifeline.spec(), run);
            self.note_limits(run);
            if let Some(connection) = run.connection.take() {
                slot.watch(&connection);
                figures.reconnects = 1;
                self.notices
                    .count("reconnect", || "a lost connection was made anew".to_owned());
                live.renew(connection);
                if !live.kept {
                    live.kept = true;
                    self.keeper.add(slot, &self.notices);
                }
            }
        }
        done.failure.map_or(Ok(()), Err)
    }

    /// Makes what a controller or a timer remembers; `spec` is a [`ControlRequest`] as JSON. What cannot be used makes a control
    /// whose steps say so.
    ///
    /// # Errors
    /// Misuse only.
    pub fn control(&self, spec: &[u8]) -> Result<Handle, Misuse> {
        let request: ControlRequest = serde_json::from_slice(spec)?;
        let opened = self.controls.open(request, &self.traces);
        opened.map_err(|UnknownElement(element)| Misuse::UnknownElement(element))
    }

    /// Tells a control what happened, on the calling thread, which waits as long as the control says; event and answer are JSON
    /// of the control's kind.
    ///
    /// # Errors
    /// Misuse only: wrong properties are in the answer.
    pub fn step(&self, control: Handle, event: &[u8]) -> Result<Vec<u8>, Misuse> {
        let found = self
            .controls
            .get(control)
            .ok_or(Misuse::UnknownControl(control))?;
        let runtime = self.runtime.get().map_err(Misuse::Runtime)?;
        let step = found.step(event, &self.gates, &self.traces, runtime.handle());
        Ok(step.ok_or(Misuse::BusyControl(control))??)
    }

    /// Ends the wait that a control's step is in, from any thread; the next step may wait again. False: none was under way.
    pub fn cancel_control(&self, control: Handle) -> bool {
        self.controls.get(control).is_some_and(|control| control.cancel())
    }

    /// Forgets a control; a step that is under way ends first.
    ///
    /// # Errors
    /// There is no such control.
    pub fn release(&self, control: Handle) -> Result<(), Misuse> {
        let released = self.controls.release(control, &self.traces);
        released.then_some(()).ok_or(Misuse::UnknownControl(control))
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
    /// a word.
    ///
    /// # Errors
    /// Misuse only; a peer that does not answer is none.
    pub fn close(&self, handle: Handle, goodbye: Option<Duration>) -> Result<(), Misuse> {
        let slot = self.slots.remove(handle).ok_or(Misuse::UnknownHandle(handle))?;
        let taken = slot.enter().ok_or(Misuse::Busy(handle))?.live.take();
        if let Some(mut live) = taken {
            live.leave(ClosedBy::Client, goodbye.map(|_| NORMAL));
            if let Some(timeout) = goodbye {
                // Nobody can do more about a peer that does not answer.
                let _ = live.connection.close(NORMAL, "", timeout);
            }
        }
        Ok(())
    }

    /// How many handles there are.
    pub fn handles(&self) -> usize {
        self.slots.len()
    }

    /// The end of a test: cancels what runs, tells the peers of open connections, forgets operations, writes traces out,
    /// stops keeper and runtime. The engine can be used again afterwards.
    ///
    /// # Errors
    /// What could not be ended in order; everything else was.
    pub fn shutdown(&self) -> Result<(), ShutdownError> {
        let slots = self.slots.drain();
        farewell::cancel(&slots);
        self.controls.end();
        // Its sockets end before it is waited for.
        self.keeper.halt();
        let hanging = farewell::say(&slots);
        self.keeper.stop();
        self.prepared.drain();
        self.runtime.stop(DRAIN);
        self.gates.clear();
        self.notices.end();
        websocket::Sessions::forget_all();
        self.traces.close().map_err(ShutdownError::Trace)?;
        if hanging == 0 {
            Ok(())
        } else {
            Err(ShutdownError::Hanging(hanging))
        }
    }

    /// What the log is to be told now, a line each: what happened the first time, and at the end of a test how often.
    pub fn news(&self) -> String {
        self.notices.take()
    }

    /// What the generator itself ran out of looks like a slow server to whoever is not told.
    fn note_limits(&self, run: &ConnectRun) {
        let limits = [websocket::Code::TcpNoFiles, websocket::Code::TcpNoPorts].map(websocket::Code::as_str);
        for fault in run.attempts.iter().filter_map(|attempt| attempt.fault.as_ref()) {
            if limits.contains(&fault.code) {
                let told = || format!("{} ({})", fault.help.trim_end_matches('.'), fault.detail);
                self.notices.count(fault.code, told);
            }
        }
    }

    fn call(&self, prospect: &Prospect, ordinal: u64, own: CallRequest) -> Result<ConnectSpec, Invalid> {
        let spec = prospect
            .plan
            .as_ref()
            .map_err(Invalid::clone)?
            .call(ordinal, own)?;
        if let Some(path) = &spec.trace {
            self.traces.open(path)?;
        }
        Ok(spec)
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

/// A lost connection is made anew for whatever needs the server; a close does not, and messages that were kept come first.
fn wants_reconnect(live: &Live, action: &Action) -> bool {
    let needs_server = match action {
        Action::Close(_) => false,
        Action::Receive(wait) => !live.queue.iter().any(|message| wait.wants(message)),
        Action::Send(_) | Action::Exchange(..) | Action::Ping(_) => true,
    };
    live.lifeline.is_some() && !live.closed_here && needs_server
}
