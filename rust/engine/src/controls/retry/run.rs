//! One time through a RetryController: its attempts, what is made of their failed samples, and the waits between them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backoff::{Backoff, Class, HttpAnswer, Next, PacerMode, Policy, Seen, Verdict};
use tokio::time::{Instant, sleep_until};
use websocket::Target;

use super::messages::{FailedSample, Reply};
use crate::connecting::run::GateNote;
use crate::controls::sample::{Reading, headers, reading};
use crate::controls::{Scene, Waited};
use crate::error_codes::CANCELLED;
use crate::gates::gate::{Gates, Place};
use crate::spec::{Invalid, Values, gate, quota_of};
use crate::tracing::events::{TraceEvent, Tracer};
use crate::tracing::files::TraceFiles;
use crate::tracing::records;

/// See the file's sentence.
pub struct Run {
    pub began: Instant,
    seed: Option<u64>,
    /// How often the user came to the controller before.
    ordinal: u64,
    /// As it was before the attempt that is under way.
    backoff: Backoff,
    /// The verdict on the attempt that is under way; a later sample may bring another one.
    pub judged: Option<Judged>,
    place: Option<Place>,
    /// What the gate stands before, as far as it is known.
    target: Option<String>,
    attempt: Attempt,
    pub attempts: u64,
    pub throttled: u64,
    pub waited: Duration,
    pub hint: Option<Duration>,
    pub status: Option<u16>,
    /// The latest wait at the gate.
    pub gate: Option<GateNote>,
}

/// The attempt that is under way.
struct Attempt {
    at: SystemTime,
    begun: Instant,
    /// The wait at the gate before it.
    gate: Option<GateNote>,
}

impl Attempt {
    fn begin(gate: Option<GateNote>) -> Self {
        Attempt {
            at: SystemTime::now(),
            begun: Instant::now(),
            gate,
        }
    }
}

/// A failed sample, judged. Nobody is told before the attempt is over.
pub struct Judged {
    label: String,
    code: String,
    /// As it is after the verdict.
    backoff: Backoff,
    verdict: Verdict,
    at: Instant,
    status: Option<u16>,
    next: Then,
    /// Whether it decides if no other sample follows only.
    provisional: bool,
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Another one, so long after the failure.
    Wait(Duration),
    /// Another one, when the gate says so.
    Turn,
    /// None.
    Stop(Stop),
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// An attempt succeeded.
    Succeeded,
    /// The policy gave up.
    Policy(backoff::StopReason),
    /// The thread's schedule ends before the next attempt.
    ScheduleEnd,
    /// JMeter's Stop.
    Cancelled,
}

impl Stop {
    /// The word for variables and the trace.
    pub fn name(self) -> String {
        match self {
            Stop::Succeeded => "succeeded".to_owned(),
            Stop::Policy(stop) => stop.to_string(),
            Stop::ScheduleEnd => "schedule-end".to_owned(),
            Stop::Cancelled => CANCELLED.code.to_owned(),
        }
    }
}

impl Run {
    /// A run that has not begun its first attempt.
    pub fn new(policy: &Arc<Policy>, seed: Option<u64>, ordinal: u64) -> Self {
        Run {
            began: Instant::now(),
            seed,
            ordinal,
            backoff: Backoff::new(policy.clone(), seed),
            judged: None,
            place: None,
            target: None,
            attempt: Attempt::begin(None),
            attempts: 0,
            throttled: 0,
            waited: Duration::ZERO,
            hint: None,
            status: None,
            gate: None,
        }
    }

    /// Chooses the gate by the run's first sample and keeps to it, so that its place in the queue lasts.
    pub fn find_place(&mut self, values: &Values, target: &str, gates: &Gates) -> Result<(), Invalid> {
        if self.place.is_none() {
            let quota = Target::parse(target).map_or_else(|_| target.to_owned(), |url| quota_of(&url));
            self.place = gate(values, &quota, gates)?.map(|gate| gate.place(self.seed));
            self.target = Some(target.to_owned());
        }
        Ok(())
    }

    /// Waits for the attempt's turn at the gate, if there is one.
    pub async fn turn(
        &mut self,
        max_elapsed: Duration,
        left: Option<Duration>,
        scene: Scene<'_>,
        tracer: &Tracer,
    ) -> Reply {
        let go = Reply {
            go: true,
            ..Reply::default()
        };
        let Some(place) = &mut self.place else {
            return go;
        };
        let begun = Instant::now();
        let patience = max_elapsed.saturating_sub(self.began.elapsed());
        let limit = left.map_or(patience, |left| left.min(patience));
        let waited = scene.wait(place.turn(), Some(limit)).await;
        let note = GateNote::new(place.gate(), begun.elapsed());
        self.waited += note.waited;
        self.gate = Some(note);
        self.attempt = Attempt::begin(Some(note));
        let stop = match waited {
            Waited::Done(()) => return go,
            Waited::Cancelled => Stop::Cancelled,
            Waited::Overdue if left.is_some_and(|left| left <= patience) => Stop::ScheduleEnd,
            Waited::Overdue => {
                // Each attempt leaves a sample, and only the request itself makes one: it goes out without a turn.
                self.place = None;
                return Reply {
                    warning: Some(crate::error_codes::GATE_TIMEOUT.message.to_owned()),
                    ..go
                };
            }
        };
        let event = TraceEvent {
            attempt: Some(self.attempts + 1),
            stop: Some(stop.name()),
            ..self.event("no-turn")
        };
        tracer.write(scene.traces, &event);
        Reply {
            stop: stop.name(),
            end_thread: stop == Stop::ScheduleEnd,
            ..Reply::default()
        }
    }

    /// Judges a failed sample, in place of what was judged before in this attempt.
    pub fn judge(&mut self, policy: &Policy, sample: &FailedSample, provisional: bool) {
        let elapsed = self.began.elapsed();
        let left = sample.left_ms.map(Duration::from_millis);
        let mut backoff = self.backoff.clone();
        let headers = headers(&sample.headers);
        let (seen, status) = match reading(&sample.code) {
            Reading::Status(status) => {
                let answer = HttpAnswer {
                    status,
                    headers: &headers,
                    body: sample.body.as_bytes(),
                    now: SystemTime::now(),
                };
                (Seen::Answer(answer), Some(status))
            }
            Reading::Failure(failure) => (Seen::Failure(failure), None),
        };
        let verdict = backoff.after(&seen, elapsed);
        let paced = self
            .place
            .as_ref()
            .is_some_and(|place| place.gate().mode() == PacerMode::Pace)
            && verdict.class == Class::Throttle;
        let asked = verdict.usable_hint().unwrap_or_default();
        let next = match verdict.next {
            Next::Wait(_) if paced => Then::Turn,
            // Its own wait would have been too long; the gate's may not be.
            Next::Stop(backoff::StopReason::MaxElapsed) if paced && elapsed + asked < policy.max_elapsed => {
                Then::Turn
            }
            Next::Wait(wait) if left.is_some_and(|left| wait >= left) => Then::Stop(Stop::ScheduleEnd),
            Next::Wait(wait) => Then::Wait(wait),
            Next::Stop(stop) => Then::Stop(Stop::Policy(stop)),
        };
        self.judged = Some(Judged {
            label: sample.label.clone(),
            code: sample.code.clone(),
            backoff,
            verdict,
            at: Instant::now(),
            status,
            next,
            provisional,
        });
    }

    /// What a failed sample is shown as.
    pub fn verdict(&self, shown: &'static str) -> Reply {
        let Some(judged) = &self.judged else {
            return Reply::shown("keep");
        };
        match judged.next {
            Then::Stop(stop) => Reply {
                stop: stop.name(),
                ..Reply::shown("keep")
            },
            Then::Wait(_) | Then::Turn => Reply {
                go: true,
                code: format!(
                    "retried {}",
                    judged
                        .status
                        .map_or_else(|| "-".to_owned(), |status| status.to_string())
                ),
                ..Reply::shown(if judged.provisional { "keep" } else { shown })
            },
        }
    }

    /// Closes the attempt's account and waits for the next one; says why there is none.
    pub async fn over(
        &mut self,
        policy: &Policy,
        end: End,
        left: Option<Duration>,
        scene: Scene<'_>,
        tracer: &Tracer,
    ) -> Option<Stop> {
        self.attempts += 1;
        let End { failed, code } = end;
        if failed && self.judged.is_none() {
            // Its sample was a success: an assertion of what holds the sample failed.
            let sample = FailedSample {
                code: code.clone(),
                ..FailedSample::default()
            };
            self.judge(policy, &sample, false);
        }
        let total = self.attempt.begun.elapsed();
        let judged = self.judged.take().filter(|_| failed);
        let Some(judged) = judged else {
            self.succeeded(&code);
            let event = TraceEvent {
                attempt: Some(self.attempts),
                total: Some(total),
                code: Some(&code),
                stop: Some(Stop::Succeeded.name()),
                ..self.event("attempt")
            };
            tracer.write(scene.traces, &event);
            return Some(Stop::Succeeded);
        };
        self.failed(policy, &judged);
        let mut event = TraceEvent {
            attempt: Some(self.attempts),
            total: Some(total),
            ..self.failure("attempt", &judged)
        };
        let stop = match judged.next {
            Then::Stop(stop) => Some(stop),
            Then::Turn => None,
            Then::Wait(wait) => {
                let begun = Instant::now();
                let waited = scene.wait(sleep_until(judged.at + wait), left).await;
                event.wait = Some(wait);
                event.waited = Some(begun.elapsed());
                match waited {
                    Waited::Done(()) => None,
                    Waited::Cancelled => Some(Stop::Cancelled),
                    Waited::Overdue => Some(Stop::ScheduleEnd),
                }
            }
        };
        event.stop = stop.map(Stop::name);
        tracer.write(scene.traces, &event);
        self.waited += event.waited.unwrap_or_default();
        self.attempt = Attempt::begin(None);
        stop
    }

    fn succeeded(&mut self, code: &str) {
        self.status = match reading(code) {
            Reading::Status(status) => Some(status),
            Reading::Failure(_) => None,
        };
        if let Some(place) = &mut self.place {
            place.passed();
        }
    }

    fn failed(&mut self, policy: &Policy, judged: &Judged) {
        self.status = judged.status;
        self.hint = judged.verdict.usable_hint().or(self.hint);
        self.backoff = judged.backoff.clone();
        if judged.verdict.class == Class::Throttle {
            self.throttled += 1;
            if let Some(place) = &mut self.place {
                // A hint that the policy does not believe, because it is too long, must not hold all the others.
                let hint = judged.verdict.usable_hint();
                place.throttled(hint.filter(|&hint| hint <= policy.hints.max));
            }
        }
    }

    /// The thread goes elsewhere: an attempt with a failed sample is told, as nothing else will.
    pub fn leave(&mut self, traces: &TraceFiles, tracer: &Tracer) {
        if let Some(judged) = self.judged.take() {
            let event = TraceEvent {
                attempt: Some(self.attempts + 1),
                total: Some(self.attempt.begun.elapsed()),
                stop: Some("left".to_owned()),
                ..self.failure("attempt", &judged)
            };
            tracer.write(traces, &event);
        }
    }

    fn failure<'a>(&'a self, name: &'static str, judged: &'a Judged) -> TraceEvent<'a> {
        TraceEvent {
            label: (!judged.label.is_empty()).then_some(&judged.label),
            code: Some(&judged.code),
            verdict: Some(&judged.verdict),
            ..self.event(name)
        }
    }

    fn event(&self, name: &'static str) -> TraceEvent<'_> {
        TraceEvent {
            event: name,
            at: Some(self.attempt.at),
            ordinal: self.ordinal,
            target: self.target.as_deref(),
            gate: self.attempt.gate.map(records::gate),
            ..TraceEvent::default()
        }
    }
}

/// How an attempt ended.
pub struct End {
    /// Whether one of the samples that decide failed.
    pub failed: bool,
    /// The last sample's response code.
    pub code: String,
}
