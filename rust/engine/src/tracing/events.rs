//! What controls tell the trace file: who they are, and a line for each event that matters.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use backoff::Verdict;
use trace::{EventRecord, GateRecord, Record, micros_of, milliseconds, since_1970};

use crate::tracing::files::TraceFiles;
use crate::tracing::records;

/// Whose lines they are, and where they go.
#[derive(Debug, Default)]
pub struct Tracer {
    /// The file; `None`: nothing is wanted.
    pub path: Option<PathBuf>,
    /// What the trace calls its kind.
    pub element: String,
    /// What its user calls it.
    pub name: String,
    /// Whose it is.
    pub user: String,
}

/// What a sample ended with.
#[derive(Debug, Clone, Copy)]
pub enum TracedCode<'a> {
    /// An HTTP status.
    Status(u16),
    /// Anything else.
    Text(&'a str),
}

impl Tracer {
    /// Writes an event down, if that is wanted.
    pub fn write(&self, files: &TraceFiles, event: &TraceEvent<'_>) {
        let Some(path) = &self.path else { return };
        let (status, error) = match event.code {
            Some(TracedCode::Status(status)) => (Some(status), None),
            Some(TracedCode::Text(code)) => (None, Some(code)),
            None => (None, None),
        };
        let verdict = event.verdict;
        let record = Record::Event(EventRecord {
            at: since_1970(event.at.unwrap_or_else(SystemTime::now)),
            element: (&self.element).into(),
            name: (&self.name).into(),
            user: (&self.user).into(),
            ordinal: event.ordinal,
            event: event.event.into(),
            target: event.target.map(|target| files.shown(target)),
            label: event.label.map(Into::into),
            unmet: event.unmet,
            attempt: event.attempt,
            total_us: event.total.map(micros_of),
            status,
            error: error.map(Into::into),
            class: verdict.map(|verdict| verdict.class.to_string().into()),
            hint: verdict
                .and_then(|verdict| verdict.hint.as_ref())
                .map(records::hint),
            gate: event.gate.clone(),
            wait_ms: event.wait.map(milliseconds),
            waited_ms: event.waited.map(milliseconds),
            stop: event.stop.as_deref().map(Into::into),
        });
        // A line that cannot be written makes the end of the test say so; a wait must not fail for it.
        let _ = files.write(path, record.line());
    }
}

/// An event; what does not apply stays `None`.
#[derive(Debug, Default)]
pub struct TraceEvent<'a> {
    /// Its name.
    pub event: &'static str,
    /// When it began; `None`: it is of this moment.
    pub at: Option<SystemTime>,
    /// How often the user came to the control before.
    pub ordinal: u64,
    /// What the gate stands before, where there is one.
    pub target: Option<&'a str>,
    /// The label of the sample that decided.
    pub label: Option<&'a str>,
    /// It succeeded, and was not yet what its user waits for.
    pub unmet: bool,
    /// From 1.
    pub attempt: Option<u64>,
    /// From its begin to its end, the children of a controller.
    pub total: Option<Duration>,
    /// What the sample that decided ended with.
    pub code: Option<TracedCode<'a>>,
    /// What the policy says of it.
    pub verdict: Option<&'a Verdict>,
    /// The wait at the gate before it.
    pub gate: Option<GateRecord<'static>>,
    /// A planned wait after it.
    pub wait: Option<Duration>,
    /// A wait that was made.
    pub waited: Option<Duration>,
    /// Why nothing follows.
    pub stop: Option<String>,
}
