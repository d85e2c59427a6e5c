//! The connect loop: drives `backoff::Attempts`, which says what now, with turns at the gate, attempts by `websocket` and pauses of a
//! clock. What is kept of it stands in `run`.

use std::time::{Duration, SystemTime};

use backoff::{
    Attempts, FailureKind, Finding, HttpAnswer, Next, Refusal, Seen, Step, StopReason, Stream, Verdict,
};
use tokio::time::{Instant, sleep_until};
use websocket::{Closed, Connection, Error, Kind, Received, Trace};

use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::codes::CANCELLED;
use crate::connecting::run::{AttemptRecord, ConnectRun, End, Fault, GateWait, Records};
use crate::connecting::settle::{Settled, settle};
use crate::connecting::spec::ConnectSpec;
use crate::failure::Failure;
use crate::gates::crowd::{Member, Took};
use crate::gates::gate::Place;
use crate::watching::board::Board;

/// Connects, pauses and tries again until the socket is open, there is a reason to stop or `cancel` is thrown. `clock` is the one of the
/// machine's times; all that happens is counted on `board`.
///
/// Cancel safe: dropping it closes what it had opened, and gives up its place at the gate.
pub async fn connect(
    spec: &ConnectSpec,
    attempts: &mut Attempts,
    clock: Clock,
    cancel: &Cancel,
    board: &Board,
) -> ConnectRun {
    let place = spec.gate.as_ref().map(|gate| gate.place(spec.seed));
    attempts.set_gate(place.as_ref().map(|place| place.gate().mode()));
    let mut course = Course {
        spec,
        attempts,
        clock,
        cancel,
        board,
        started: clock.now(),
        place,
        tries: Tries {
            member: spec.crowd.enter(spec.policy.max_elapsed),
            // Not the streams of the policy or the gate: equal numbers in two of them would bind what they decide.
            units: Stream::new(spec.seed.map(|seed| backoff::stream_seed(seed, "crowd", 0))),
        },
        records: Records::new(spec),
        waited: None,
        connection: None,
        early: Vec::new(),
    };
    let reason = course.run().await;
    course.end(reason)
}

/// A call under way.
struct Course<'a> {
    spec: &'a ConnectSpec,
    attempts: &'a mut Attempts,
    clock: Clock,
    cancel: &'a Cancel,
    board: &'a Board,
    started: Duration,
    place: Option<Place>,
    tries: Tries,
    records: Records,
    /// The wait at the gate before the attempt to come.
    waited: Option<GateWait>,
    connection: Option<Connection>,
    early: Vec<Received>,
}

/// What a call has of the others who try at its quota.
struct Tries {
    member: Member,
    units: Stream,
}

impl Course<'_> {
    /// Does what the machine says; why no further attempt follows, or nothing when the socket is open.
    async fn run(&mut self) -> Option<StopReason> {
        loop {
            self.line_up();
            let now = self.clock.now();
            match self.attempts.step(now) {
                Step::Turn {
                    not_before,
                    give_up_at,
                } => self.turn(not_before, give_up_at).await,
                Step::Attempt { deadline } => {
                    self.attempt(now, deadline.saturating_sub(now)).await;
                    if self.connection.is_some() {
                        return None;
                    }
                }
                Step::Pause { until } => self.pause(now, until).await,
                Step::Stop(reason) => return Some(reason),
            }
        }
    }

    /// At the gate of all, where they lock each other out and this user has none of its own. Who has not tried yet does so at once: those
    /// who are refused may be so for something of their own.
    fn line_up(&mut self) {
        if self.place.is_some() || self.records.is_empty() || !self.attempts.is_led() {
            return;
        }
        if let Some(gate) = self.tries.member.gate() {
            self.attempts.set_gate(Some(gate.mode()));
            self.place = Some(gate.place(self.spec.seed));
        }
    }

    async fn turn(&mut self, not_before: Duration, give_up_at: Duration) {
        let place = self.place.as_mut().expect("without a gate there are no turns");
        let begun = Instant::now();
        let _waits = self.board.waits();
        tokio::select! {
            () = self.cancel.cancelled() => self.attempts.cancel(),
            () = place.turn(self.clock.at(not_before)) => self.attempts.turn_came(),
            () = sleep_until(self.clock.at(give_up_at)) => {}
        }
        let waited = begun.elapsed();
        self.board.waited(waited);
        self.waited = Some(GateWait::new(place.gate(), waited));
    }

    async fn attempt(&mut self, now: Duration, timeout: Duration) {
        let _connects = self.board.connects();
        if let Some(place) = &mut self.place {
            place.answers_by(timeout);
        }
        let mut tried = attempt(self.spec, self.cancel, timeout).await;
        tried.record.offset = now.saturating_sub(self.started);
        tried.record.gate = self.waited.take();
        (self.connection, self.early) = (tried.connection, tried.early);
        let took = Took {
            time: tried.record.trace.total,
            limit: Some(timeout),
            reached: tried.record.trace.remote.is_some(),
        };
        let failed = tried.failed.as_ref();
        let judged = tried
            .record
            .judge(failed, took, self.attempts, &mut self.tries, self.clock);
        self.board
            .attempted(tried.record.fate(), tried.record.usable_hint());
        self.records.push(tried.record);
        match (&mut self.place, &self.connection, judged) {
            (Some(place), Some(_), _) => place.passed(),
            (Some(place), None, Some(refusal)) => place.refused(&refusal),
            _ => {}
        }
        if self.connection.is_some() {
            self.tries.member.passed(took);
        }
    }

    async fn pause(&mut self, now: Duration, until: Duration) {
        let _waits = self.board.waits();
        tokio::select! {
            () = self.cancel.cancelled() => self.attempts.cancel(),
            () = sleep_until(self.clock.at(until)) => {}
        }
        let waited = self.clock.now().saturating_sub(now);
        self.board.waited(waited);
        self.records.waited(waited);
    }

    fn end(mut self, reason: Option<StopReason>) -> ConnectRun {
        let elapsed = self.clock.now().saturating_sub(self.started);
        // Where the plan has no gate, its turn that never came was a pause: what the server said last is the result.
        if let (Some(gate), None) = (self.waited.filter(|_| !self.records.is_empty()), &self.spec.gate) {
            self.records.waited(gate.waited);
            self.waited = None;
        }
        if let Some(reason) = reason.filter(|_| self.waited.is_some() || self.records.is_empty()) {
            let mut missed = AttemptRecord::not_made(elapsed, reason);
            missed.gate = self.waited;
            self.records.push(missed);
        }
        match reason {
            None => self.board.got_in(&self.spec.user, elapsed),
            Some(reason) => self.board.stopped(&self.spec.user, reason),
        }
        ConnectRun {
            connection: self.connection,
            early: self.early,
            elapsed,
            ..self.records.end(reason.map_or(End::Connected, End::Stopped))
        }
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
        took: Took,
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
        let found = tries.member.refused(&refusal, took);
        self.found = found.filter(|found| match found {
            Finding::Flow(_) | Finding::Queue(_) => attempts.lead(found, &refusal, tries.units.unit(), now),
            Finding::LockedOut(_) => attempts.is_led() && matches!(attempts.step(now), Step::Pause { .. }),
        });
        self.wait = match (next, attempts.step(now)) {
            (_, Step::Pause { until }) if self.found.is_some() => Some(until.saturating_sub(now)),
            // The gate says when.
            (_, Step::Turn { .. } | Step::Stop(_)) | (Next::Stop(_), _) => None,
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
