//! The connect loop: drives `backoff::Attempts`, which says what now, with attempts by `websocket` and pauses of a clock, and keeps
//! a record of all of it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backoff::{
    Attempts, Class, FailureKind, HintReading, HttpAnswer, LockedOut, Next, PacerMode, PacerState, Refusal,
    Seen, Step, StopReason, Stream, Verdict,
};
use tokio::time::{Instant, sleep_until};
use websocket::{Answer, Closed, Connection, Error, Kind, Received, Trace};

use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::codes::{CANCELLED, ErrorCode, GATE_TIMEOUT, SCHEDULE_END};
use crate::connecting::settle::{Settled, settle};
use crate::connecting::spec::ConnectSpec;
use crate::failure::Failure;
use crate::gates::crowd::Member;
use crate::gates::gate::Gate;

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
            End::Connected => "connected",
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
    /// The users of the quota lock each other out, and its pause was drawn by that.
    pub locked_out: Option<LockedOut>,
    /// Set on the last attempt.
    pub end: Option<End>,
}

/// What a call has of the others who try at its quota.
struct Tries {
    member: Member,
    units: Stream,
}

impl AttemptRecord {
    fn new(offset: Duration, trace: Trace, fault: Option<Fault>) -> Self {
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
            locked_out: None,
            end: None,
        }
    }

    /// Of an attempt that could not start.
    fn not_made(offset: Duration, reason: StopReason) -> Self {
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
struct Records {
    made: Vec<AttemptRecord>,
    set_cookies: Vec<(String, String)>,
    /// For texts of attempts that others follow.
    room: usize,
}

impl Records {
    fn new(spec: &ConnectSpec) -> Self {
        Records {
            made: Vec::with_capacity(1),
            set_cookies: Vec::new(),
            room: if spec.keep_texts { MOST_TEXT } else { 0 },
        }
    }

    fn push(&mut self, mut record: AttemptRecord) {
        self.set_cookies.append(&mut record.trace.set_cookies);
        let too_many = self.set_cookies.len().saturating_sub(MOST_SET_COOKIES);
        self.set_cookies.drain(..too_many);
        if let Some(before) = self.made.last_mut().filter(|_| record.made) {
            before.keep_texts_within(&mut self.room);
        }
        self.made.push(record);
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

/// Connects, pauses and tries again until the socket is open, there is a reason to stop or `cancel` is thrown. `clock` is the one of the
/// machine's times.
///
/// Cancel safe: dropping it closes what it had opened, and gives up its place at the gate.
pub async fn connect(
    spec: &ConnectSpec,
    attempts: &mut Attempts,
    clock: Clock,
    cancel: &Cancel,
) -> ConnectRun {
    let started = clock.now();
    let mut place = spec.gate.as_ref().map(|gate| gate.place(spec.seed));
    let mut tries = Tries {
        member: spec.crowd.enter(),
        // Not the streams of the policy or the gate: equal numbers in two of them would bind what they decide.
        units: Stream::new(spec.seed.map(|seed| backoff::stream_seed(seed, "crowd", 0))),
    };
    attempts.set_gate(place.as_ref().map(|place| place.gate().mode()));
    let mut records = Records::new(spec);
    // The wait at the gate before the attempt to come.
    let mut note = None;
    let mut connection = None;
    let mut early = Vec::new();
    let reason = loop {
        let now = clock.now();
        match (attempts.step(now), &mut place) {
            (Step::Turn { .. }, None) => unreachable!("no gate, no turns"),
            (
                Step::Turn {
                    not_before,
                    give_up_at,
                },
                Some(place),
            ) => {
                let begun = Instant::now();
                tokio::select! {
                    () = cancel.cancelled() => attempts.cancel(),
                    () = place.turn(clock.at(not_before)) => attempts.turn_came(),
                    () = sleep_until(clock.at(give_up_at)) => {}
                }
                note = Some(GateNote::new(place.gate(), begun.elapsed()));
            }
            (Step::Attempt { deadline }, place) => {
                if let Some(place) = place {
                    place.answers_by(deadline.saturating_sub(now));
                }
                let mut tried = attempt(spec, cancel, deadline.saturating_sub(now)).await;
                tried.record.offset = now.saturating_sub(started);
                tried.record.gate = note.take();
                (connection, early) = (tried.connection, tried.early);
                let judged = tried
                    .record
                    .judge(tried.failed.as_ref(), attempts, &mut tries, clock);
                records.push(tried.record);
                match (place, &connection, judged) {
                    (Some(place), Some(_), _) => place.passed(),
                    (Some(place), None, Some(refusal)) => place.refused(&refusal),
                    _ => {}
                }
                if connection.is_some() {
                    tries.member.passed();
                    break None;
                }
            }
            (Step::Pause { until }, _) => {
                let whole = tokio::select! {
                    () = cancel.cancelled() => false,
                    () = sleep_until(clock.at(until)) => true,
                };
                if !whole {
                    attempts.cancel();
                }
                if let Some(last) = records.made.last_mut() {
                    last.waited = clock.now().saturating_sub(now);
                }
            }
            (Step::Stop(reason), _) => break Some(reason),
        }
    };
    if let Some(reason) = reason.filter(|_| note.is_some() || records.made.is_empty()) {
        let mut missed = AttemptRecord::not_made(clock.now().saturating_sub(started), reason);
        missed.gate = note;
        records.push(missed);
    }
    let end = reason.map_or(End::Connected, End::Stopped);
    if let Some(last) = records.made.last_mut() {
        last.end = Some(end);
    }
    ConnectRun {
        attempts: records.made,
        connection,
        early,
        end,
        elapsed: clock.now().saturating_sub(started),
        set_cookies: records.set_cookies,
    }
}

/// One attempt and what it left.
struct Tried {
    record: AttemptRecord,
    connection: Option<Connection>,
    early: Vec<Received>,
    /// `None`: it succeeded, or was cancelled.
    failed: Option<Failed>,
}

/// What an attempt failed by.
enum Failed {
    /// An error of this kind.
    Kind(Kind),
    /// The server let it in and closed.
    Closed(Closed),
}

impl Tried {
    fn failed(trace: Trace, fault: Fault, failed: Option<Failed>) -> Self {
        Tried {
            record: AttemptRecord::new(Duration::ZERO, trace, Some(fault)),
            connection: None,
            early: Vec::new(),
            failed,
        }
    }

    fn by(trace: Trace, error: &Error) -> Self {
        let code = error.code();
        let fault = Fault {
            code: code.as_str().into(),
            message: code.message(),
            detail: error.detail(),
        };
        Tried::failed(trace, fault, Some(Failed::Kind(error.kind())))
    }
}

async fn attempt(spec: &ConnectSpec, cancel: &Cancel, timeout: Duration) -> Tried {
    let wall = SystemTime::now();
    let begun = Instant::now();
    let done = tokio::select! {
        // A Stop that came before must not dial: a near server is asked and has answered within one look.
        biased;
        () = cancel.cancelled() => None,
        done = websocket::open(&spec.dial, &spec.cookies, timeout) => Some(done),
    };
    let whole = |trace: Trace| Trace {
        total: begun.elapsed(),
        ..trace
    };
    let Some(done) = done else {
        return Tried::failed(whole(Trace::new(wall)), CANCELLED.into(), None);
    };
    let mut connection = match done.result {
        Ok(connection) => connection,
        Err(error) => return Tried::by(done.trace, &error),
    };
    let time = spec.settle.min(timeout.saturating_sub(begun.elapsed()));
    let settled = if time.is_zero() {
        Settled::Stays(Vec::new())
    } else {
        settle(&mut connection, time, cancel).await
    };
    match settled {
        Settled::Stays(early) => Tried {
            record: AttemptRecord::new(Duration::ZERO, done.trace, None),
            connection: Some(connection),
            early,
            failed: None,
        },
        Settled::Closed(closed) => {
            let Failure {
                code,
                message,
                detail,
                ..
            } = Failure::closed(&closed);
            let fault = Fault {
                code,
                message,
                detail,
            };
            Tried::failed(whole(done.trace), fault, Some(Failed::Closed(closed)))
        }
        Settled::Lost(error) => Tried::by(whole(done.trace), &error),
        Settled::Cancelled => Tried::failed(whole(done.trace), CANCELLED.into(), None),
    }
}

impl AttemptRecord {
    /// Tells the machine that the attempt failed, or was cancelled; notes what it says, and gives on what the
    /// gate is to be told.
    fn judge(
        &mut self,
        failed: Option<&Failed>,
        attempts: &mut Attempts,
        tries: &mut Tries,
        clock: Clock,
    ) -> Option<Refusal> {
        let Some(failed) = failed else {
            if self.fault.is_some() {
                attempts.cancel();
            }
            return None;
        };
        let now = clock.now();
        let (refusal, Verdict { class, hint, next }) = attempts.failed(&seen(failed, &self.trace), now);
        self.class = Some(class);
        self.hint = hint;
        if let Some(found) = tries.member.refused(&refusal)
            && let (Next::Wait(_), Step::Pause { .. }) = (next, attempts.step(now))
        {
            self.locked_out = Some(found);
            attempts.spread(refusal.hint, found.spread, tries.units.unit(), now);
        }
        self.wait = match (next, attempts.step(now)) {
            // The gate says when.
            (_, Step::Turn { .. } | Step::Stop(_)) | (Next::Stop(_), _) => None,
            (_, Step::Pause { until }) if self.locked_out.is_some() => Some(until.saturating_sub(now)),
            (Next::Wait(wait), _) => Some(wait),
        };
        Some(refusal)
    }
}

/// What the policy is shown of a failed attempt.
fn seen<'a>(failed: &'a Failed, trace: &'a Trace) -> Seen<'a> {
    let kind = match failed {
        Failed::Closed(closed) => {
            return Seen::Closed {
                code: closed.code,
                reason: &closed.reason,
            };
        }
        Failed::Kind(kind) => *kind,
    };
    match (kind, &trace.answer) {
        (Kind::Answer, Some(answer)) => Seen::Answer(HttpAnswer {
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
