//! The connect loop: attempts by `websocket`, decisions by `backoff`, waits in between, and a record of all of it.

use std::time::{Duration, Instant, SystemTime};

use backoff::{Backoff, Class, FailureKind, HintReading, Next, PacerMode, PacerState, Seen, Verdict};
use tokio::time::sleep;
use websocket::{Connection, Kind, Trace};

use crate::cancel::Cancel;
use crate::error_codes::{CANCELLED, ErrorCode, GATE_TIMEOUT};
use crate::gates::gate::{Gate, Place};
use crate::spec::ConnectSpec;

/// Why a connect call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The socket is open.
    Connected,
    /// The policy gave up.
    Policy(backoff::StopReason),
    /// JMeter's Stop.
    Cancelled,
}

impl Stop {
    /// The word for variables and the trace.
    pub fn name(self) -> &'static str {
        match self {
            Stop::Connected => "connected",
            Stop::Policy(stop) => stop.as_str(),
            Stop::Cancelled => CANCELLED.code,
        }
    }
}

/// Why an attempt did not open the socket.
#[derive(Debug)]
pub struct Fault {
    /// Stable code.
    pub code: &'static str,
    /// Constant text for the code.
    pub message: &'static str,
    /// With hosts, ports and the system's words.
    pub detail: String,
    /// What its user can do.
    pub help: &'static str,
}

impl From<ErrorCode> for Fault {
    fn from(code: ErrorCode) -> Self {
        Fault {
            code: code.code,
            message: code.message,
            detail: code.message.to_owned(),
            help: code.help,
        }
    }
}

/// A wait at the shared gate.
#[derive(Debug, Clone, Copy)]
pub struct GateNote {
    /// Which kind of gate it is.
    pub mode: PacerMode,
    /// How long it took until the turn came, or was given up.
    pub waited: Duration,
    /// The gate when the turn came.
    pub state: PacerState,
}

impl GateNote {
    /// Of a wait that took so long, and the gate's figures now.
    pub fn new(gate: &Gate, waited: Duration) -> Self {
        GateNote {
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
    pub gate: Option<GateNote>,
    /// The pause that was planned after it; `None` where the gate says when.
    pub wait: Option<Duration>,
    /// The pause that was made; shorter when cancelled.
    pub waited: Duration,
    /// Set on the last attempt.
    pub stop: Option<Stop>,
}

impl AttemptRecord {
    fn new(offset: Duration, trace: Trace, fault: Option<Fault>, stop: Option<Stop>) -> Self {
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
            stop,
        }
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

/// A finished connect call.
#[derive(Debug)]
pub struct Run {
    /// At least one.
    pub attempts: Vec<AttemptRecord>,
    /// The open socket of the last attempt.
    pub connection: Option<Connection>,
    /// Why it ended.
    pub stop: Stop,
    /// From the first attempt's begin to the end of the last.
    pub elapsed: Duration,
}

impl Run {
    /// The pauses made, those at the gate included.
    pub fn waited(&self) -> Duration {
        let at_gate = |attempt: &AttemptRecord| attempt.gate.map_or(Duration::ZERO, |gate| gate.waited);
        self.attempts
            .iter()
            .map(|attempt| attempt.waited + at_gate(attempt))
            .sum()
    }

    /// How many attempts were made; one whose turn at the gate never came was not.
    pub fn made(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.made).count()
    }

    /// The attempt that decided.
    pub fn last(&self) -> &AttemptRecord {
        self.attempts.last().expect("a run has at least one attempt")
    }
}

/// Connects, waits and tries again until the socket is open, the policy gives up or `cancel` is thrown.
///
/// Cancel safe: dropping it closes what it had opened, and gives up its place at the gate.
pub async fn connect(spec: &ConnectSpec, backoff: &mut Backoff, cancel: &Cancel) -> Run {
    let started = Instant::now();
    let mut attempts = Vec::with_capacity(1);
    let mut place = spec.gate.as_ref().map(|gate| gate.place(spec.seed));
    loop {
        let (gate, missed) = turn(spec, place.as_mut(), started, cancel).await;
        let offset = started.elapsed();
        let timeout = backoff.attempt_timeout(offset);
        let (mut record, connection, verdict) = match missed {
            Some(missed) => (not_sent(offset, missed), None, None),
            None => {
                attempt(spec, cancel, offset, timeout, |seen| {
                    backoff.after(seen, started.elapsed())
                })
                .await
            }
        };
        record.gate = gate;
        if let Some(place) = &mut place {
            tell(place, spec, &record, verdict.as_ref());
        }
        if let Some(Verdict { class, hint, next }) = verdict {
            record.class = Some(class);
            record.hint = hint;
            match next {
                _ if paced(spec, class, next, &record.hint, started) => {}
                Next::Stop(stop) => record.stop = Some(Stop::Policy(stop)),
                Next::Wait(wait) => {
                    record.wait = Some(wait);
                    if !pause(&mut record, wait, cancel).await {
                        record.stop = Some(Stop::Cancelled);
                    }
                }
            }
        }
        let stop = record.stop;
        attempts.push(record);
        if let Some(stop) = stop {
            return Run {
                attempts,
                connection,
                stop,
                elapsed: started.elapsed(),
            };
        }
    }
}

/// Waits for the turn at the gate; says why there was none.
async fn turn(
    spec: &ConnectSpec,
    place: Option<&mut Place>,
    started: Instant,
    cancel: &Cancel,
) -> (Option<GateNote>, Option<Stop>) {
    let Some(place) = place else {
        return (None, None);
    };
    let begun = Instant::now();
    let left = spec.policy.max_elapsed.saturating_sub(started.elapsed());
    let missed = tokio::select! {
        () = cancel.cancelled() => Some(Stop::Cancelled),
        () = place.turn() => None,
        () = sleep(left) => Some(Stop::Policy(backoff::StopReason::MaxElapsed)),
    };
    (Some(GateNote::new(place.gate(), begun.elapsed())), missed)
}

/// Tells the gate what its quota did.
fn tell(place: &mut Place, spec: &ConnectSpec, record: &AttemptRecord, verdict: Option<&Verdict>) {
    if record.stop == Some(Stop::Connected) {
        place.passed();
    }
    if let Some(verdict) = verdict.filter(|verdict| verdict.class == Class::Throttle) {
        let hint = verdict.hint.as_ref().and_then(|hint| hint.value.ok());
        // A hint that the policy does not believe, because it is too long, must not hold all the others.
        place.throttled(hint.filter(|&hint| hint <= spec.policy.hints.max));
    }
}

/// Whether the gate says when the next attempt may start: after a throttle, in place of the user's own wait, as long as there is
/// time. The policy's other reasons to stop stay.
fn paced(spec: &ConnectSpec, class: Class, next: Next, hint: &Option<HintReading>, started: Instant) -> bool {
    if spec
        .gate
        .as_ref()
        .is_none_or(|gate| gate.mode() != PacerMode::Pace)
        || class != Class::Throttle
    {
        return false;
    }
    let asked = hint.as_ref().and_then(|hint| hint.value.ok()).unwrap_or_default();
    match next {
        Next::Wait(_) => true,
        // Its own wait would have been too long; the gate's may not be.
        Next::Stop(backoff::StopReason::MaxElapsed) => started.elapsed() + asked < spec.policy.max_elapsed,
        Next::Stop(_) => false,
    }
}

/// The record of an attempt whose turn never came.
fn not_sent(offset: Duration, stop: Stop) -> AttemptRecord {
    let fault = if stop == Stop::Cancelled {
        CANCELLED
    } else {
        GATE_TIMEOUT
    };
    AttemptRecord {
        made: false,
        ..AttemptRecord::new(
            offset,
            Trace::new(SystemTime::now()),
            Some(fault.into()),
            Some(stop),
        )
    }
}

/// Waits; answers whether the time ran out by itself.
async fn pause(record: &mut AttemptRecord, wait: Duration, cancel: &Cancel) -> bool {
    let begun = Instant::now();
    let whole = tokio::select! {
        () = cancel.cancelled() => false,
        () = sleep(wait) => true,
    };
    record.waited = begun.elapsed();
    whole
}

/// One attempt, and the policy's verdict where it failed.
async fn attempt(
    spec: &ConnectSpec,
    cancel: &Cancel,
    offset: Duration,
    timeout: Duration,
    judge: impl FnOnce(&Seen<'_>) -> Verdict,
) -> (AttemptRecord, Option<Connection>, Option<Verdict>) {
    let wall = SystemTime::now();
    let begun = Instant::now();
    let done = tokio::select! {
        // A Stop that came before must not dial: a near server is asked and has answered within one look.
        biased;
        () = cancel.cancelled() => None,
        done = websocket::open(&spec.dial, timeout) => Some(done),
    };
    let record = |trace, fault, stop| AttemptRecord::new(offset, trace, fault, stop);
    let Some(done) = done else {
        let trace = Trace {
            total: begun.elapsed(),
            ..Trace::new(wall)
        };
        return (
            record(trace, Some(CANCELLED.into()), Some(Stop::Cancelled)),
            None,
            None,
        );
    };
    match done.result {
        Ok(connection) => (
            record(done.trace, None, Some(Stop::Connected)),
            Some(connection),
            None,
        ),
        Err(error) => {
            let code = error.code();
            let verdict = judge(&seen(code.kind(), &done.trace));
            let fault = Fault {
                code: code.as_str(),
                message: code.message(),
                detail: error.detail(),
                help: code.help(),
            };
            (record(done.trace, Some(fault), None), None, Some(verdict))
        }
    }
}

/// What the policy is shown of a failed attempt.
fn seen(kind: Kind, trace: &Trace) -> Seen<'_> {
    match (kind, &trace.answer) {
        (Kind::Answer, Some(answer)) => Seen::Answer(backoff::HttpAnswer {
            status: answer.status,
            headers: &answer.headers,
            body: &answer.body,
            now: SystemTime::now(),
        }),
        (Kind::Network, _) => Seen::Failure(FailureKind::Network),
        (Kind::Timeout, _) => Seen::Failure(FailureKind::Timeout),
        (Kind::Answer | Kind::Fatal, _) => Seen::Failure(FailureKind::Fatal),
    }
}
