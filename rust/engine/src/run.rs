//! The connect loop: attempts by `websocket`, decisions by `backoff`, waits in between, and a record of all of it.

use std::time::{Duration, Instant, SystemTime};

use backoff::{Backoff, Class, Failure, HintReading, Next, Seen, Verdict};
use tokio::time::sleep;
use websocket::{Connection, Kind, Trace};

use crate::cancel::Cancel;
use crate::error_codes::{CANCELLED, ErrorCode};
use crate::spec::ConnectSpec;

/// Why a connect call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The socket is open.
    Connected,
    /// The policy gave up.
    Policy(backoff::Stop),
    /// JMeter's Stop.
    Cancelled,
}

impl Stop {
    /// The word for variables and the trace.
    pub fn name(self) -> String {
        match self {
            Stop::Connected => "connected".to_owned(),
            Stop::Policy(stop) => stop.to_string(),
            Stop::Cancelled => CANCELLED.code.to_owned(),
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
}

impl From<ErrorCode> for Fault {
    fn from(code: ErrorCode) -> Self {
        Fault {
            code: code.code,
            message: code.message,
            detail: code.message.to_owned(),
        }
    }
}

/// One attempt and what came of it.
#[derive(Debug)]
pub struct AttemptRecord {
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
    /// The pause that was planned after it.
    pub wait: Option<Duration>,
    /// The pause that was made; shorter when cancelled.
    pub waited: Duration,
    /// Set on the last attempt.
    pub stop: Option<Stop>,
}

impl AttemptRecord {
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
    /// The pauses made, in all.
    pub fn waited(&self) -> Duration {
        self.attempts.iter().map(|attempt| attempt.waited).sum()
    }

    /// The attempt that decided.
    pub fn last(&self) -> &AttemptRecord {
        self.attempts.last().expect("a run has at least one attempt")
    }
}

/// Connects, waits and tries again until the socket is open, the policy gives up or `cancel` is thrown.
///
/// Cancel safe: dropping it closes what it had opened.
pub async fn connect(spec: &ConnectSpec, backoff: &mut Backoff, cancel: &Cancel) -> Run {
    let started = Instant::now();
    let mut attempts = Vec::with_capacity(1);
    loop {
        let offset = started.elapsed();
        let timeout = backoff.attempt_timeout(offset);
        let (mut record, connection, verdict) = attempt(spec, cancel, offset, timeout, |seen| {
            backoff.after(seen, started.elapsed())
        })
        .await;
        if let Some(Verdict { class, hint, next }) = verdict {
            record.class = Some(class);
            record.hint = hint;
            match next {
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
        () = cancel.cancelled() => None,
        done = websocket::open(&spec.dial, timeout) => Some(done),
    };
    let record = |trace, fault, stop| AttemptRecord {
        offset,
        trace,
        fault,
        class: None,
        hint: None,
        wait: None,
        waited: Duration::ZERO,
        stop,
    };
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
            };
            (record(done.trace, Some(fault), None), None, Some(verdict))
        }
    }
}

/// What the policy is shown of a failed attempt.
fn seen(kind: Kind, trace: &Trace) -> Seen<'_> {
    match (kind, &trace.answer) {
        (Kind::Answer, Some(answer)) => Seen::Answer(backoff::Answer {
            status: answer.status,
            headers: &answer.headers,
            body: &answer.body,
            now: SystemTime::now(),
        }),
        (Kind::Network, _) => Seen::Failure(Failure::Network),
        (Kind::Timeout, _) => Seen::Failure(Failure::Timeout),
        (Kind::Answer | Kind::Fatal, _) => Seen::Failure(Failure::Fatal),
    }
}
