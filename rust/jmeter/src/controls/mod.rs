//! Controls: what controllers and timers remember between the samples of their thread, behind handles of their own, and how
//! their waits are ended. What to wait for, each kind decides in a file of its own.

mod once;
mod pace;
mod retry;
pub mod sample;
#[cfg(test)]
mod stage;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::sleep;

use crate::error_codes::SPEC_INVALID;
use crate::values::Invalid;
use engine::Failure;
use engine::cancel::Cancel;
use engine::gates::gate::Gates;
use engine::locks::lock;
use engine::tracing::events::Tracer;
use engine::tracing::files::TraceFiles;
use engine::watching::board::Board;
use engine::{Handle, Slab};
use once::{Flights, Once};
use pace::Pace;
use retry::Retry;

/// One controller or timer of one thread, as Java sends it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlRequest {
    /// Simple class name of the element.
    pub element: String,
    /// What its user calls it.
    #[serde(default)]
    pub name: String,
    /// Tells it from others of that name, and is the same in all threads of a test: only what is the same element shares.
    #[serde(default)]
    pub identity: String,
    /// How many of its kind and name stand before it in the plan: with the name, stable from run to run, it gives each element of a
    /// user a stream of chance of its own.
    #[serde(default)]
    pub place: u64,
    /// Its `wsb.*` properties.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// Whose it is, stable from run to run: JMeter's thread name.
    #[serde(default)]
    pub user: String,
    /// How often this user went through it before, from 0.
    #[serde(default)]
    pub ordinal: u64,
    /// Where its events are traced to, if anywhere.
    #[serde(default)]
    pub trace: Option<PathBuf>,
}

impl ControlRequest {
    /// What stands for this element of the plan, and for no other.
    fn element_text(&self) -> String {
        if self.identity.is_empty() {
            self.name.clone()
        } else {
            format!("{} {}", self.name, self.identity)
        }
    }

    /// Whose chance it is, stable from run to run: another one for each user and each element.
    fn who(&self) -> String {
        match self.place {
            0 => format!("{} {}", self.user, self.name),
            place => format!("{} {}\n{place}", self.user, self.name),
        }
    }
}

/// No control is known for an element of this name.
#[derive(Debug)]
pub struct UnknownElement(pub String);

/// The controls of a test.
#[derive(Default)]
pub struct Controls {
    slots: Slab<Control>,
    shared: Arc<Shared>,
}

/// What controls of several threads share.
#[derive(Debug, Default)]
struct Shared {
    flights: Flights,
}

impl Controls {
    /// Makes a control. A trace that cannot be written is a property that cannot be used.
    ///
    /// # Errors
    /// No element of this name has one.
    pub fn open(&self, request: ControlRequest, traces: &TraceFiles) -> Result<Handle, UnknownElement> {
        Ok(self.slots.insert(Arc::new(Control {
            kind: tokio::sync::Mutex::new(Kind::new(request, traces)?),
            switch: Switch::default(),
            shared: self.shared.clone(),
        })))
    }

    /// The control of a handle.
    pub fn get(&self, handle: Handle) -> Option<Arc<Control>> {
        self.slots.get(handle)
    }

    /// Forgets a control. False: there is none.
    pub fn release(&self, handle: Handle, traces: &TraceFiles) -> bool {
        let removed = self.slots.remove(handle);
        if let Some(control) = &removed {
            control.leave(traces);
        }
        removed.is_some()
    }

    /// The end of a test: ends all waits, forgets all controls.
    pub fn end(&self) {
        for control in self.slots.drain() {
            control.switch.end();
        }
        self.shared.flights.clear();
    }
}

/// What stands behind a handle.
pub struct Control {
    /// Kept over the waits of a step, which may go from thread to thread.
    kind: tokio::sync::Mutex<Kind>,
    switch: Switch,
    shared: Arc<Shared>,
}

/// The kinds of controls; a file each.
enum Kind {
    Once(Box<Once>),
    Pace(Box<Pace>),
    Retry(Box<Retry>),
    /// Properties that cannot be used: every step answers with this.
    Invalid(Vec<u8>),
}

impl Kind {
    fn new(request: ControlRequest, traces: &TraceFiles) -> Result<Self, UnknownElement> {
        let variables = match request.element.as_str() {
            Retry::ELEMENT => retry::invalid_variables(&request.properties),
            _ => Map::new(),
        };
        let trace = request.trace.clone();
        let made = match request.element.as_str() {
            Once::ELEMENT => Once::new(request).map(|once| Kind::Once(Box::new(once))),
            Pace::ELEMENT => Pace::new(request).map(|pace| Kind::Pace(Box::new(pace))),
            Retry::ELEMENT => Retry::new(request).map(|retry| Kind::Retry(Box::new(retry))),
            _ => return Err(UnknownElement(request.element)),
        };
        let made = made.and_then(|kind| {
            if let Some(path) = trace {
                traces
                    .open(&path)
                    .map_err(|error| Invalid::trace(&path, &error))?;
            }
            Ok(kind)
        });
        Ok(made.unwrap_or_else(|invalid| Kind::Invalid(refusal(&invalid, variables))))
    }

    /// Its thread goes.
    fn leave(&mut self, traces: &TraceFiles) {
        if let Kind::Retry(retry) = self {
            retry.leave(traces);
        }
    }

    async fn step(&mut self, event: &[u8], scene: Scene<'_>) -> serde_json::Result<Vec<u8>> {
        match self {
            Kind::Once(once) => Ok(json(&once.step(serde_json::from_slice(event)?, scene).await)),
            Kind::Pace(pace) => Ok(json(&pace.step(serde_json::from_slice(event)?, scene).await)),
            Kind::Retry(retry) => Ok(json(&retry.step(serde_json::from_slice(event)?, scene).await)),
            Kind::Invalid(answer) => Ok(answer.clone()),
        }
    }
}

impl Control {
    /// Does a step, which may wait. `None`: another thread is in one. A panic in an earlier step leaves a run that the next `begin`
    /// replaces.
    pub async fn step(
        &self,
        event: &[u8],
        gates: &Gates,
        traces: &TraceFiles,
        board: &Board,
    ) -> Option<serde_json::Result<Vec<u8>>> {
        let mut kind = self.kind.try_lock().ok()?;
        let cancel = self.switch.arm();
        let scene = Scene {
            gates,
            flights: &self.shared.flights,
            traces,
            board,
            cancel: &cancel,
        };
        let answer = kind.step(event, scene).await;
        self.switch.disarm();
        Some(answer)
    }

    /// Writes down what is not over yet. A step that is under way goes on, and what it leaves is lost.
    fn leave(&self, traces: &TraceFiles) {
        if let Ok(mut kind) = self.kind.try_lock() {
            kind.leave(traces);
        }
    }

    /// Ends the wait of the step that is under way. False: none is.
    pub fn cancel(&self) -> bool {
        self.switch.cancel()
    }
}

/// A cancel for each step in turn, and one for good at the end of the test.
#[derive(Default)]
struct Switch {
    current: Mutex<Option<Arc<Cancel>>>,
    ended: AtomicBool,
}

impl Switch {
    fn arm(&self) -> Arc<Cancel> {
        let cancel = Arc::new(Cancel::default());
        *lock(&self.current) = Some(cancel.clone());
        // An end between the look-up of the handle and this line found nothing to cancel.
        if self.ended.load(Ordering::SeqCst) {
            cancel.cancel();
        }
        cancel
    }

    fn disarm(&self) {
        *lock(&self.current) = None;
    }

    fn cancel(&self) -> bool {
        let current = lock(&self.current);
        current.as_ref().is_some_and(|cancel| cancel.cancel())
    }

    fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.cancel();
    }
}

/// Whose lines a control's are in the trace.
fn tracer(request: &ControlRequest) -> Tracer {
    Tracer {
        path: request.trace.clone(),
        element: request.element.clone(),
        name: request.name.clone(),
        user: request.user.clone(),
    }
}

/// What a step of any kind may use.
#[derive(Clone, Copy)]
struct Scene<'a> {
    gates: &'a Gates,
    flights: &'a Flights,
    traces: &'a TraceFiles,
    board: &'a Board,
    cancel: &'a Cancel,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waited<T> {
    /// As it should.
    Done(T),
    /// By [`Control::cancel`], or the end of the test.
    Cancelled,
    /// Its limit came first.
    Overdue,
}

impl Scene<'_> {
    /// Waits for what is awaited, until `limit` at most, unless cancelled. A cancel that came before ends it at once.
    ///
    /// Cancel safe if `awaited` is: it is dropped when it comes too late.
    async fn wait<T>(&self, awaited: impl Future<Output = T>, limit: Option<Duration>) -> Waited<T> {
        let overdue = async {
            match limit {
                Some(limit) => sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Waited::Cancelled,
            done = awaited => Waited::Done(done),
            () = overdue => Waited::Overdue,
        }
    }
}

/// What every step of a control with wrong properties answers.
#[derive(Serialize)]
struct Refusal {
    #[serde(serialize_with = "crate::failure::serialize")]
    failure: Option<Failure>,
    /// JMeter variables to set.
    variables: Map<String, Value>,
}

fn refusal(invalid: &Invalid, variables: Map<String, Value>) -> Vec<u8> {
    json(&Refusal {
        failure: Some(Failure::new(SPEC_INVALID, invalid.to_string())),
        variables,
    })
}

fn json(answer: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).expect("plain texts and numbers")
}
