//! What is kept of a connect call: its attempts, its waits, its end. How it goes on stands in `drive`.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backoff::{Class, Finding, HintReading, PacerMode, PacerState, StopReason};
use websocket::{Answer, Connection, Received, Trace};

use crate::codes::{CANCELLED, ErrorCode, GATE_TIMEOUT, SCHEDULE_END};
use crate::connecting::spec::ConnectSpec;
use crate::gates::gate::Gate;
use crate::watching::board::CONNECTED;
use crate::watching::moment::Fate;

/// How a connect call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The socket is open.
    Connected,
    /// It is not, and no further attempt follows.
    Stopped(StopReason),
}

impl End {
    /// The word for variables and the trace.
    pub fn name(self) -> &'static str {
        match self {
            End::Connected => CONNECTED,
            End::Stopped(reason) => reason.as_str(),
        }
    }
}

/// Why an attempt did not open the socket.
#[derive(Debug)]
pub struct Fault {
    /// Stable code; `closed.` is followed by the server's close code.
    pub code: Cow<'static, str>,
    /// Constant text for the code.
    pub message: &'static str,
    /// With hosts, ports and the system's words.
    pub detail: String,
}

impl From<ErrorCode> for Fault {
    fn from(code: ErrorCode) -> Self {
        Fault {
            code: code.code.into(),
            message: code.message,
            detail: code.message.to_owned(),
        }
    }
}

/// A wait at the shared gate.
#[derive(Debug, Clone, Copy)]
pub struct GateWait {
    /// Which kind of gate it is.
    pub mode: PacerMode,
    /// How long it took until the turn came, or was given up.
    pub waited: Duration,
    /// The gate when the turn came.
    pub state: PacerState,
}

impl GateWait {
    /// Of a wait that took so long, and the gate's figures now.
    pub fn new(gate: &Gate, waited: Duration) -> Self {
        GateWait {
            mode: gate.mode(),
            waited,
            state: gate.figures(),
        }
    }
}

/// One attempt and what came of it.
#[derive(Debug)]
pub struct AttemptRecord {
    /// False: it waited at the gate and never started.
    pub made: bool,
    /// Begin, since the first attempt's.
    pub offset: Duration,
    /// Stages, sizes and heads.
    pub trace: Trace,
    /// `None`: the socket is open.
    pub fault: Option<Fault>,
    /// What the policy took the failure for; `None` for success and cancel.
    pub class: Option<Class>,
    /// The hint that counted, or why none did.
    pub hint: Option<HintReading>,
    /// The wait at the shared gate before it, and the gate's figures then.
    pub gate: Option<GateWait>,
    /// The pause that was planned after it; `None` where the gate says when.
    pub wait: Option<Duration>,
    /// The pause that was made; shorter when cancelled.
    pub waited: Duration,
    /// What all users of the quota had found out, where the pause after it follows that.
    pub found: Option<Finding>,
    /// Set on the last attempt.
    pub end: Option<End>,
}

impl AttemptRecord {
    pub(super) fn new(offset: Duration, trace: Trace, fault: Option<Fault>) -> Self {
        AttemptRecord {
            made: true,
            offset,
            trace,
            fault,
            class: None,
            hint: None,
            gate: None,
            wait: None,
            waited: Duration::ZERO,
            found: None,
            end: None,
        }
    }

    /// Of an attempt that could not start.
    pub(super) fn not_made(offset: Duration, reason: StopReason) -> Self {
        let fault = match reason {
            StopReason::Cancelled => CANCELLED,
            StopReason::ScheduleEnd => SCHEDULE_END,
            _ => GATE_TIMEOUT,
        };
        AttemptRecord {
            made: false,
            ..AttemptRecord::new(offset, Trace::new(SystemTime::now()), Some(fault.into()))
        }
    }

    /// Once another attempt follows only its figures count, unless the texts are to be shown, too, and there is room for them: 2,000
    /// refusals with a page each would fill the memory.
    fn keep_texts_within(&mut self, room: &mut usize) {
        let Some(answer) = &self.trace.answer else { return };
        let size = self.trace.request_head.len() + answer.head.len() * 2 + answer.body.len();
        match room.checked_sub(size) {
            Some(left) => *room = left,
            None => {
                self.trace.request_head = String::new();
                self.trace.answer = Some(Arc::new(Answer {
                    version: answer.version,
                    status: answer.status,
                    reason: answer.reason.clone(),
                    headers: Vec::new(),
                    head: String::new(),
                    body: Vec::new(),
                    body_cut: true,
                }));
            }
        }
    }

    /// What came of it.
    pub fn fate(&self) -> Fate {
        match &self.fault {
            None => Fate::Connected,
            Some(_) => Fate::of(self.class),
        }
    }

    /// What the server asked for, if it can be used.
    pub fn usable_hint(&self) -> Option<Duration> {
        self.hint
            .as_ref()
            .and_then(|hint| hint.value.as_ref().ok().copied())
    }

    /// The HTTP status, when there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.trace.answer.as_ref().map(|answer| answer.status)
    }

    /// DNS, TCP, proxy and TLS together.
    pub fn connect_time(&self) -> Duration {
        let trace = &self.trace;
        let stages = [trace.dns, trace.tcp, trace.proxy, trace.tls];
        stages.into_iter().flatten().sum()
    }
}

/// All attempts of a finished connect call.
#[derive(Debug)]
pub struct ConnectRun {
    /// At least one.
    pub attempts: Vec<AttemptRecord>,
    /// The open socket of the last attempt.
    pub connection: Option<Connection>,
    /// What came while it settled.
    pub early: Vec<Received>,
    /// How it ended.
    pub end: End,
    /// From the first attempt's begin to the end of the last.
    pub elapsed: Duration,
    /// `Set-Cookie` lines in order, each behind the address that sent it; the oldest go when they are too many.
    pub set_cookies: Vec<(String, String)>,
}

/// What the texts of all attempts of a run may take together: those of the first ones are shown, where all are asked for.
const MOST_TEXT: usize = 4 << 20;

/// A server that sets a new cookie with each refusal says nothing new by it.
const MOST_SET_COOKIES: usize = 200;

/// The attempts made so far.
pub(super) struct Records {
    made: Vec<AttemptRecord>,
    set_cookies: Vec<(String, String)>,
    /// For texts of attempts that others follow.
    room: usize,
}

impl Records {
    pub(super) fn new(spec: &ConnectSpec) -> Self {
        Records {
            made: Vec::with_capacity(1),
            set_cookies: Vec::new(),
            room: if spec.keep_texts { MOST_TEXT } else { 0 },
        }
    }

    pub(super) fn push(&mut self, mut record: AttemptRecord) {
        self.set_cookies.append(&mut record.trace.set_cookies);
        let too_many = self.set_cookies.len().saturating_sub(MOST_SET_COOKIES);
        self.set_cookies.drain(..too_many);
        if let Some(before) = self.made.last_mut().filter(|_| record.made) {
            before.keep_texts_within(&mut self.room);
        }
        self.made.push(record);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.made.is_empty()
    }

    /// The pause after the latest one took so long, or so much longer.
    pub(super) fn waited(&mut self, waited: Duration) {
        if let Some(last) = self.made.last_mut() {
            last.waited += waited;
        }
    }

    /// A run without its connection and its length.
    pub(super) fn end(mut self, end: End) -> ConnectRun {
        if let Some(last) = self.made.last_mut() {
            last.end = Some(end);
        }
        ConnectRun {
            attempts: self.made,
            connection: None,
            early: Vec::new(),
            end,
            elapsed: Duration::ZERO,
            set_cookies: self.set_cookies,
        }
    }
}

impl ConnectRun {
    /// The pauses made, those at the gate included, and those for bodies that did not come: no server worked then.
    pub fn waited(&self) -> Duration {
        let at_gate = |attempt: &AttemptRecord| attempt.gate.map_or(Duration::ZERO, |gate| gate.waited);
        self.attempts
            .iter()
            .map(|attempt| attempt.waited + attempt.trace.stalled + at_gate(attempt))
            .sum()
    }

    /// How many attempts were made; one whose turn at the gate never came was not.
    pub fn made(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.made).count()
    }

    /// The failure that its user can do something about, if there is one: a refusal speaks for itself, a Stop needs no cure.
    #[must_use]
    pub fn curable(&self) -> Option<&Fault> {
        self.last().fault.as_ref().filter(|fault| {
            let is_told = matches!(self.end, End::Stopped(reason) if reason != StopReason::Cancelled);
            is_told && fault.code != websocket::Code::UpgradeStatus.as_str()
        })
    }

    /// The attempt that decided.
    pub fn last(&self) -> &AttemptRecord {
        self.attempts.last().expect("a run has at least one attempt")
    }
}
