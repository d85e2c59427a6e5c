//! The engine as the elements use it: what was prepared behind handles, requests and results in the forms that cross the boundary.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use engine::codes::MESSAGE_UNEXPECTED;
use engine::connecting::spec::ConnectSpec;
use engine::locks::lock;
use engine::reactor::Reactor;
use engine::talking::figures::{FIGURES, Figures, NOTE, Outcome, SHOWN};
use engine::{Asked, Failure, Handle, ShutdownError, Slab};
use serde::Deserialize;
use websocket::{MessageKind, Received};

use crate::assertion::Assertion;
use crate::connect::{CallRequest, ConnectPlan, ConnectRequest, ShownAs};
use crate::controls::{ControlRequest, Controls, UnknownElement};
use crate::failure;
use crate::live;
use crate::notices;
use crate::operation::{Operation, OperationRequest};
use crate::outcome::{self, Connected};
use crate::values::Invalid;
use crate::variables::CONNECT_SAMPLER;

mod parked;

/// A call that makes no sense; a defect of the caller.
#[derive(Debug, thiserror::Error)]
pub enum Misuse {
    /// Of a connection's handle, or the system gives no threads.
    #[error(transparent)]
    Engine(#[from] engine::Misuse),
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
    /// The call is under way, or was never made.
    #[error("nothing to take by ticket {0:#x}")]
    UnknownTicket(engine::reactor::Ticket),
    /// The JSON of a call cannot be read.
    #[error("malformed call: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// Everything native that lives in this process.
#[derive(Default)]
pub struct Engine {
    engine: Arc<engine::Engine>,
    prepared: Slab<Prepared>,
    controls: Controls,
    metrics: Mutex<Option<live::Endpoint>>,
    reactor: Reactor<Result<Taken, Misuse>>,
}

/// What a call gave, of whatever kind.
#[derive(Debug, Default)]
pub struct Taken {
    /// The numbers of a connect or an operation.
    pub figures: Option<[i64; FIGURES]>,
    /// Texts of a connect, message of an operation, answer of a control; `None`: there are none.
    pub bytes: Option<Vec<u8>>,
}

/// The place among the figures of how long ago a call was done when it was taken, us: what its thread waited for a processor.
pub const SCHEDULING: usize = 28;

/// The place among the figures that says, by 1, that a call is under way and its ticket will be told.
pub const PARKED: usize = 29;

/// What an element does, read and checked once.
enum Prepared {
    Connect(Prospect),
    Operation(Result<Operation, Invalid>),
    Assertion(Result<Assertion, Invalid>),
}

/// A connect as it is made this time.
enum Called {
    Valid(Valid),
    /// Properties that cannot be used.
    Invalid(Box<Connected>),
}

struct Valid {
    spec: Arc<ConnectSpec>,
    shown: ShownAs,
    /// What there is to tell of what was left out.
    left_out: Option<String>,
}

/// A connect to come.
struct Prospect {
    plan: Result<ConnectPlan, Invalid>,
    /// The address as users wrote it, for calls that come to nothing.
    url: String,
}

/// What an operation gave.
#[derive(Debug)]
pub struct Performed {
    /// The numbers, see [`Figures::places`].
    pub figures: [i64; FIGURES],
    /// The message, if there is one, and behind it what there is to say beside; of a failure, why, as JSON. Then messages that were
    /// dropped and are to be shown, see [`put_messages`].
    pub payload: Vec<u8>,
}

impl From<Performed> for Taken {
    fn from(done: Performed) -> Self {
        Taken {
            figures: Some(done.figures),
            bytes: done.has_payload().then_some(done.payload),
        }
    }
}

impl From<Connected> for Taken {
    fn from(done: Connected) -> Self {
        Taken {
            figures: Some(done.figures),
            bytes: Some(done.texts.into_bytes()),
        }
    }
}

impl Performed {
    /// Whether there is a message (which may be empty), the reason of a failure, or something to say beside.
    #[must_use]
    pub fn has_payload(&self) -> bool {
        self.figures[0] == Outcome::Failed as i64
            || self.figures[1] != 0
            || self.figures[NOTE] != 0
            || self.figures[SHOWN] != 0
    }
}

impl Engine {
    /// The engine of this process (of this copy of the library).
    pub fn global() -> &'static Engine {
        static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::default);
        &ENGINE
    }

    /// A test begins; `settings` and answer are JSON, a [`live::BeginRequest`] and a [`live::Begun`].
    ///
    /// # Errors
    /// Misuse only: settings that cannot be used are told in the answer.
    pub fn begin(&self, settings: &[u8]) -> Result<Vec<u8>, Misuse> {
        let request: live::BeginRequest = serde_json::from_slice(settings)?;
        self.engine.begin()?;
        let mut begun = live::Begun::new(&request);
        let runtime = self.engine.runtime()?;
        self.close_metrics(); // an earlier one gives its port back first
        *lock(&self.metrics) = begun.serve(&request, runtime.handle(), self.engine.watcher());
        Ok(serde_json::to_vec(&begun)?)
    }

    fn close_metrics(&self) {
        if let Some(endpoint) = lock(&self.metrics).take() {
            endpoint.close();
        }
    }

    /// Answers a question to the figures of a test, from any thread; both are JSON, see [`live::LiveQuestion`].
    ///
    /// # Errors
    /// Misuse only.
    pub fn live(&self, question: &[u8]) -> Result<Vec<u8>, Misuse> {
        let answer = live::answer(serde_json::from_slice(question)?, &self.engine.watcher());
        Ok(serde_json::to_vec(&answer)?)
    }

    /// A new handle with nothing behind it yet, so that a cancel can reach the connect that follows.
    pub fn open(&self) -> Handle {
        self.engine.open()
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
        let prepared = if element == CONNECT_SAMPLER {
            let request: ConnectRequest = serde_json::from_slice(spec)?;
            if request.trace_show == "all" {
                self.engine.traces().show_all();
            }
            let url = request.properties.get("wsb.url").cloned().unwrap_or_default();
            let plan = ConnectPlan::new(request, self.engine.gates());
            Prepared::Connect(Prospect { plan, url })
        } else if element == Assertion::ELEMENT {
            let request: OperationRequest = serde_json::from_slice(spec)?;
            Prepared::Assertion(Assertion::new(request.properties))
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
        match self.called(prepared, ordinal, own)? {
            Called::Invalid(connected) => Ok(*connected),
            Called::Valid(called) => {
                let done = self.engine.connect(handle, &called.spec, left)?;
                Ok(connected(&self.engine, &called, &done))
            }
        }
    }

    /// What a connect is made by now.
    fn called(&self, prepared: Handle, ordinal: u64, own: Option<&[u8]>) -> Result<Called, Misuse> {
        let found = self.prepared.get(prepared);
        let Some(Prepared::Connect(prospect)) = found.as_deref() else {
            return Err(Misuse::UnknownOperation(prepared));
        };
        let mut own = own.map_or_else(|| Ok(CallRequest::default()), serde_json::from_slice)?;
        let left_out = own.leave_out();
        let plan = prospect.plan.as_ref().map_err(Invalid::clone);
        let call = plan.and_then(|plan| {
            let spec = plan.call(ordinal, own)?;
            if let Some(path) = &spec.trace {
                self.open_trace(path)?;
            }
            Ok((plan, spec))
        });
        Ok(match call {
            Err(invalid) => Called::Invalid(Box::new(Connected::invalid(&invalid, &prospect.url))),
            Ok((plan, spec)) => Called::Valid(Valid {
                spec: Arc::new(spec),
                shown: plan.shown,
                left_out,
            }),
        })
    }

    /// What the log is to be told now, a line each: what happened the first time, and at the end of a test how often.
    pub fn news(&self) -> String {
        news(&self.engine)
    }

    /// Opens a trace file early, so that what would fail late is told at once.
    fn open_trace(&self, path: &Path) -> Result<(), Invalid> {
        let opened = self.engine.traces().open(path);
        opened.map_err(|error| Invalid::trace(path, &error))
    }

    /// Forgets an operation; one that is being done is done to its end.
    ///
    /// # Errors
    /// There is no such operation.
    pub fn discard(&self, operation: Handle) -> Result<(), Misuse> {
        let removed = self.prepared.remove(operation);
        removed.map(|_| ()).ok_or(Misuse::UnknownOperation(operation))
    }

    /// Says, before a connection is opened for it, why an operation cannot be done with this payload, as JSON; `None`: nothing is
    /// known against it.
    ///
    /// # Errors
    /// Misuse only.
    pub fn check(&self, operation: Handle, payload: Option<&[u8]>) -> Result<Option<Vec<u8>>, Misuse> {
        let found = self.prepared.get(operation);
        let Some(Prepared::Operation(prepared)) = found.as_deref() else {
            return Err(Misuse::UnknownOperation(operation));
        };
        Ok(ready(prepared, payload)
            .err()
            .map(|invalid| failure::to_json(&failure::invalid(&invalid))))
    }

    /// Says what a prepared assertion has against the data of a response, as JSON; `None`: nothing.
    ///
    /// # Errors
    /// Misuse only.
    pub fn judge(&self, assertion: Handle, data: &[u8]) -> Result<Option<Vec<u8>>, Misuse> {
        let found = self.prepared.get(assertion);
        let Some(Prepared::Assertion(prepared)) = found.as_deref() else {
            return Err(Misuse::UnknownOperation(assertion));
        };
        let failure = match prepared {
            Ok(assertion) => assertion
                .judge(data)
                .map(|problem| Failure::new(MESSAGE_UNEXPECTED, problem)),
            Err(invalid) => Some(failure::invalid_assertion(invalid)),
        };
        Ok(failure.as_ref().map(failure::to_json))
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
        let done = match ready(prepared, payload) {
            Ok((operation, payload)) => {
                let asked = Asked {
                    payload: payload.as_deref(),
                    left,
                    begun,
                };
                self.engine
                    .perform(connection, &operation.checked, asked, &mut figures)?
            }
            Err(invalid) => cannot_be_done(&invalid, begun, &mut figures),
        };
        Ok(performed(&self.engine, done, begun, figures))
    }

    /// Says by what a lost connection is made anew when the operation that [asked](Outcome::Ask) is done again; `own` is a
    /// [`CallRequest`] as JSON. `None`: so it will be made; else why not, as JSON.
    ///
    /// # Errors
    /// Misuse only.
    pub fn renew(&self, connection: Handle, own: &[u8]) -> Result<Option<Vec<u8>>, Misuse> {
        let mut own: CallRequest = serde_json::from_slice(own)?;
        // What is left out was told by the connect.
        let _ = own.leave_out();
        let renewed = self.engine.renew(connection, |made_by| own.renewed(made_by))?;
        Ok(renewed
            .err()
            .map(|invalid| failure::to_json(&failure::invalid(&invalid))))
    }

    /// What servers set in the last reconnect of a connection, once: two lines for each cookie, as a connect's result has them.
    ///
    /// # Errors
    /// Misuse only.
    pub fn take_cookies(&self, connection: Handle) -> Result<String, Misuse> {
        let mut lines = String::new();
        outcome::put_cookies(&mut lines, &self.engine.take_cookies(connection)?);
        Ok(lines)
    }

    /// Makes what a controller or a timer remembers; `spec` is a [`ControlRequest`] as JSON. What cannot be used makes a control
    /// whose steps say so.
    ///
    /// # Errors
    /// Misuse only.
    pub fn control(&self, spec: &[u8]) -> Result<Handle, Misuse> {
        let request: ControlRequest = serde_json::from_slice(spec)?;
        let opened = self.controls.open(request, self.engine.traces());
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
        let runtime = self.engine.runtime()?;
        let board = self.engine.board();
        let (gates, traces) = (self.engine.gates(), self.engine.traces());
        let step = runtime
            .handle()
            .block_on(found.step(event, gates, traces, &board));
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
        let released = self.controls.release(control, self.engine.traces());
        released.then_some(()).ok_or(Misuse::UnknownControl(control))
    }

    /// Ends whatever a handle's connection is doing, from any thread, and for good. False: there was nothing to end.
    pub fn cancel(&self, handle: Handle) -> bool {
        self.engine.cancel(handle)
    }

    /// Whether a handle's connection can still be used, as far as is known: a drop is noticed within 100 ms.
    pub fn is_open(&self, handle: Handle) -> bool {
        self.engine.is_open(handle)
    }

    /// Closes a connection and frees its handle: says goodbye and waits for the peer's answer, at most so long; `None`: without
    /// a word.
    ///
    /// # Errors
    /// Misuse only; a peer that does not answer is none.
    pub fn close(&self, handle: Handle, goodbye: Option<Duration>) -> Result<(), Misuse> {
        Ok(self.engine.close(handle, goodbye)?)
    }

    /// How many connection handles there are.
    pub fn handles(&self) -> usize {
        self.engine.handles()
    }

    /// The end of a test: cancels what runs, tells the peers of open connections, forgets operations, writes traces out,
    /// stops keeper and runtime. The engine can be used again afterwards.
    ///
    /// # Errors
    /// What could not be ended in order; everything else was.
    pub fn shutdown(&self) -> Result<(), ShutdownError> {
        self.controls.end();
        self.close_metrics();
        let ended = self.engine.shutdown();
        self.reactor.stop();
        self.prepared.drain();
        ended
    }
}

/// Appends messages: of each its kind (1 text, 2 binary), when it came (ms since the begin, below 0: before), how many bytes it has,
/// as numbers of 1, 8 and 4 bytes in network order, and the bytes. Answers how much was appended.
fn put_messages(payload: &mut Vec<u8>, messages: &[Received], begun: Instant) -> usize {
    let before = payload.len();
    for message in messages {
        let came = match message.at.checked_duration_since(begun) {
            Some(later) => millis(later),
            None => -millis(begun.saturating_duration_since(message.at)),
        };
        let length = u32::try_from(message.payload.len()).expect("what is shown is bounded far below");
        payload.push(if message.kind == MessageKind::Text { 1 } else { 2 });
        payload.extend_from_slice(&came.to_be_bytes());
        payload.extend_from_slice(&length.to_be_bytes());
        payload.extend_from_slice(&message.payload);
    }
    payload.len() - before
}

fn news(engine: &engine::Engine) -> String {
    let told = engine.notices().take();
    told.iter().map(notices::line).collect::<Vec<_>>().join("\n")
}

/// What a connect is to Java, and what the log is to be told now.
fn connected(engine: &engine::Engine, called: &Valid, done: &engine::ConnectDone) -> Connected {
    let news = engine.notices().has_news().then(|| news(engine));
    let left_out = called.left_out.clone().into_iter();
    let log = left_out.chain(done.warning.clone()).chain(news);
    let log = log.collect::<Vec<String>>().join("\n");
    Connected::new(&called.spec, called.shown, done, &log)
}

/// What an operation is to Java.
fn performed(
    engine: &engine::Engine,
    done: Result<Vec<u8>, Failure>,
    begun: Instant,
    mut figures: Figures,
) -> Performed {
    figures.has_news = engine.notices().has_news();
    let mut payload = done.unwrap_or_else(|failure| failure::to_json(&failure));
    figures.shown = put_messages(&mut payload, &figures.dropped_messages, begun);
    Performed {
        figures: figures.places(),
        payload,
    }
}

/// Properties that cannot be used.
fn cannot_be_done(invalid: &Invalid, begun: Instant, figures: &mut Figures) -> Result<Vec<u8>, Failure> {
    figures.outcome = Outcome::Failed;
    figures.elapsed = begun.elapsed();
    Err(failure::invalid(invalid))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// An operation, and the payload of one call.
type Ready<'a> = (&'a Operation, Option<Cow<'a, [u8]>>);

/// An operation with the payload of one call, unless one of both cannot be used.
fn ready<'a>(
    prepared: &'a Result<Operation, Invalid>,
    payload: Option<&'a [u8]>,
) -> Result<Ready<'a>, Invalid> {
    let operation = prepared.as_ref().map_err(Invalid::clone)?;
    Ok((operation, operation.read(payload)?))
}
