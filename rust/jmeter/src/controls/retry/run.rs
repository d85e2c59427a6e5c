//! One time through a RetryController: its attempts, what is made of their failed samples, and the waits between them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backoff::{
    Attempts, Class, FailureKind, Finding, Next, Policy, Refusal, Seen, Smell, Step, StopReason, Stream,
    Verdict,
};
use tokio::time::{Instant, sleep_until};

use super::messages::{FailedSample, Reply};
use crate::connect::{gate, quota_by, quota_key};
use crate::controls::sample::{finds_nobody, reading, traced};
use crate::controls::{Scene, Waited};
use crate::cures;
use crate::values::{Invalid, Values};
use engine::clock::Clock;
use engine::codes::GATE_TIMEOUT;
use engine::connecting::run::GateWait;
use engine::gates::crowd::{Member, Took};
use engine::gates::gate::{Gates, Place};
use engine::signs::Signs;
use engine::tracing::events::{TraceEvent, TracedCode, Tracer};
use engine::tracing::files::TraceFiles;
use engine::tracing::records;

/// See the file's sentence.
pub struct RetryRun {
    /// Counts from its begin, also for the machine.
    pub clock: Clock,
    seed: Option<u64>,
    /// How often the user came to the controller before.
    ordinal: u64,
    /// As it was before the attempt that is under way.
    machine: Attempts,
    /// The verdict on the attempt that is under way; a later sample may bring another one.
    pub judged: Option<Judged>,
    place: Option<Place>,
    /// Its place is at the gate of all, not at one that the plan asks for.
    lined_up: bool,
    /// One of all who try at the quota, once that is known.
    member: Option<Member>,
    /// Of what those find out together.
    units: Stream,
    /// What the gate stands before, as far as it is known.
    target: Option<String>,
    attempt: Attempt,
    pub attempts: u64,
    pub throttled: u64,
    pub waited: Duration,
    pub hint: Option<Duration>,
    pub status: Option<u16>,
    /// The latest wait at the gate.
    pub gate: Option<GateWait>,
    /// For the log, told with the next answer.
    pub warning: Option<String>,
    max_elapsed: Duration,
}

/// The attempt that is under way.
struct Attempt {
    at: SystemTime,
    begun: Instant,
    /// The wait at the gate before it.
    gate: Option<GateWait>,
}

impl Attempt {
    fn begin(gate: Option<GateWait>) -> Self {
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
    machine: Attempts,
    verdict: Verdict,
    refusal: Refusal,
    status: Option<u16>,
    /// What follows the attempt.
    next: Step,
    /// Whether it decides if no other sample follows only.
    provisional: bool,
    /// Nothing failed, as far as the server is concerned.
    is_success: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// An attempt succeeded.
    Succeeded,
    /// None did, and no further one follows.
    Stopped(StopReason),
    /// None did, and the last one ran no sample.
    NoSample,
}

impl End {
    /// The word for variables and the trace.
    pub fn name(self) -> &'static str {
        match self {
            End::Succeeded => "succeeded",
            End::Stopped(reason) => reason.as_str(),
            End::NoSample => "no-sample",
        }
    }
}

impl RetryRun {
    /// A run that has not begun its first attempt.
    pub fn new(policy: &Arc<Policy>, seed: Option<u64>, ordinal: u64) -> Self {
        let mut machine = Attempts::new(policy.clone(), seed);
        machine.begin(Duration::ZERO);
        RetryRun {
            clock: Clock::start(),
            seed,
            ordinal,
            machine,
            judged: None,
            place: None,
            lined_up: false,
            member: None,
            // Not the streams of the policy or the gate: equal numbers in two of them would bind what they decide.
            units: Stream::new(seed.map(|seed| backoff::stream_seed(seed, "crowd", 0))),
            target: None,
            attempt: Attempt::begin(None),
            attempts: 0,
            throttled: 0,
            waited: Duration::ZERO,
            hint: None,
            status: None,
            gate: None,
            warning: None,
            max_elapsed: policy.max_elapsed,
        }
    }

    /// Chooses the quota by the run's first sample and keeps to it, so that its place in the queue lasts.
    pub fn find_place(
        &mut self,
        values: &Values,
        target: &str,
        base: &str,
        gates: &Gates,
    ) -> Result<(), Invalid> {
        if self.member.is_none() {
            let quota = quota_by(target, base);
            // Not those who connect: a connect inside would be one more user of it, and let in twice.
            let crowd = gates.crowd(&format!("retried {}", quota_key(values, &quota)));
            self.member = Some(crowd.enter(self.max_elapsed));
            self.place = gate(values, &quota, gates)?.map(|gate| gate.place(self.seed));
            let mode = self.place.as_ref().map(|place| place.gate().mode());
            self.machine.set_gate(mode);
            self.target = Some(if target.is_empty() { base } else { target }.to_owned());
        }
        Ok(())
    }

    /// When the thread's schedule ends, by what is left of it.
    fn end(&self, left: Option<Duration>) -> Option<Duration> {
        left.map(|left| self.clock.after(left))
    }

    /// Waits for the attempt's turn at the gate, if there is one.
    pub async fn turn(&mut self, left: Option<Duration>, scene: Scene<'_>, tracer: &Tracer) -> Reply {
        self.machine.set_end(self.end(left));
        self.line_up();
        let missed = loop {
            match (self.machine.step(self.clock.now()), &mut self.place) {
                (
                    Step::Turn {
                        not_before,
                        give_up_at,
                    },
                    Some(place),
                ) => {
                    let _held = scene.board.holds();
                    let begun = self.clock.now();
                    let turn = place.turn(self.clock.at(not_before));
                    match scene.wait(turn, Some(give_up_at - begun)).await {
                        Waited::Done(()) => self.machine.turn_came(),
                        Waited::Cancelled => self.machine.cancel(),
                        Waited::Overdue => {}
                    }
                    let note = GateWait::new(place.gate(), self.clock.now() - begun);
                    self.waited += note.waited;
                    self.gate = Some(note);
                    self.attempt = Attempt::begin(Some(note));
                }
                (Step::Stop(reason), _) => break Some(reason),
                (Step::Turn { .. } | Step::Attempt { .. } | Step::Pause { .. }, _) => break None,
            }
        };
        let go = Reply {
            go: true,
            ..Reply::default()
        };
        let end = match missed {
            None => return go,
            Some(reason @ (StopReason::Cancelled | StopReason::ScheduleEnd)) => End::Stopped(reason),
            Some(_) => {
                // Each attempt leaves a sample, and only the request itself makes one: it goes out without a turn.
                self.machine.set_gate(None);
                let warned = self.place.take().map(|_| {
                    if self.lined_up {
                        cures::no_turn()
                    } else {
                        GATE_TIMEOUT.message.to_owned()
                    }
                });
                return Reply {
                    warning: warned,
                    ..go
                };
            }
        };
        let event = TraceEvent {
            attempt: Some(self.attempts + 1),
            stop: Some(end.name().to_owned()),
            ..self.event("no-turn")
        };
        tracer.write(scene.traces, &event);
        Reply {
            stop: end.name().to_owned(),
            end_thread: end == End::Stopped(StopReason::ScheduleEnd),
            ..Reply::default()
        }
    }

    /// At the gate of all who try at the quota, where they lock each other out and this run has none. Its first attempt is made at once.
    fn line_up(&mut self) {
        if self.attempts == 0 || !self.machine.is_led() {
            return;
        }
        let gate = self.member.as_ref().and_then(Member::gate);
        if let (Some(gate), None) = (gate, &self.place) {
            self.machine.set_gate(Some(gate.mode()));
            self.place = Some(gate.place(self.seed));
            self.lined_up = true;
        }
    }

    /// Judges a failed sample, in place of what was judged before in this attempt.
    pub fn judge(&mut self, sample: &FailedSample, provisional: bool) {
        let now = self.clock.now();
        let mut machine = self.machine.clone();
        machine.set_end(self.end(sample.left_ms.map(Duration::from_millis)));
        let read = reading(&sample.code);
        let (refusal, verdict) = read.show(&sample.headers, &sample.body, |seen| machine.failed(seen, now));
        self.judged = Some(Judged {
            label: sample.label.clone(),
            code: sample.code.clone(),
            next: machine.step(now),
            machine,
            verdict,
            refusal,
            status: read.status(),
            provisional,
            is_success: false,
        });
    }

    /// Judges an attempt that succeeded and is not what its user waits for.
    fn unmet(&mut self, code: &str, left: Option<Duration>) {
        let now = self.clock.now();
        let mut machine = self.machine.clone();
        machine.set_end(self.end(left));
        let (refusal, verdict) = machine.failed(&Seen::Failure(FailureKind::Unmet), now);
        self.judged = Some(Judged {
            label: String::new(),
            code: code.to_owned(),
            next: machine.step(now),
            machine,
            verdict,
            refusal,
            status: reading(code).status(),
            provisional: false,
            is_success: true,
        });
    }

    /// What a failed sample is shown as.
    pub fn verdict(&self, shown: &'static str) -> Reply {
        let Some(judged) = &self.judged else {
            return Reply::shown("keep");
        };
        match judged.next {
            Step::Stop(reason) => Reply {
                stop: reason.to_string(),
                ..Reply::shown("keep")
            },
            Step::Pause { .. } | Step::Turn { .. } | Step::Attempt { .. } => Reply {
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

    /// Closes the attempt's account and waits for the next one; says how it ended if there is none.
    pub async fn over(
        &mut self,
        over: Over,
        left: Option<Duration>,
        scene: Scene<'_>,
        tracer: &Tracer,
    ) -> Option<End> {
        self.attempts += 1;
        let Over { failed, again, code } = over;
        if failed && self.judged.is_none() {
            // Its sample was a success: an assertion of what holds the sample failed.
            let sample = FailedSample {
                code: code.clone(),
                ..FailedSample::default()
            };
            self.judge(&sample, false);
        }
        if !failed && again {
            self.unmet(&code, left);
        }
        let total = self.attempt.begun.elapsed();
        let Some(judged) = self.judged.take().filter(|_| failed || again) else {
            self.succeeded(&code, total);
            let event = TraceEvent {
                attempt: Some(self.attempts),
                total: Some(total),
                code: status_of(&code),
                stop: Some(End::Succeeded.name().to_owned()),
                ..self.event("attempt")
            };
            tracer.write(scene.traces, &event);
            return Some(End::Succeeded);
        };
        self.failed(&judged, total);
        self.machine.set_end(self.end(left));
        let planned = self.planned(&judged, total);
        let (waited, reason) = self.pause(scene).await;
        let mut event = TraceEvent {
            attempt: Some(self.attempts),
            total: Some(total),
            stop: reason.map(|reason| reason.to_string()),
            ..self.failure("attempt", &judged)
        };
        if let Some(planned) = planned {
            (event.wait, event.waited) = (Some(planned), Some(waited));
        }
        tracer.write(scene.traces, &event);
        self.waited += waited;
        self.attempt = Attempt::begin(None);
        reason.map(End::Stopped)
    }

    /// What all who try at the quota found out; the first of them tells the log.
    fn find(&mut self, refusal: &Refusal, took: Took) -> Option<Finding> {
        let member = self.member.as_ref()?;
        let found = member.refused(refusal, took)?;
        if matches!(found, Finding::LockedOut(_)) && !self.machine.is_led() {
            return None;
        }
        if member.is_first_to_tell(&found) {
            let signs = Signs {
                smells: Vec::new(),
                found: Some(found),
                max_elapsed: self.max_elapsed,
            };
            self.warning = Some(match found {
                Finding::Flow(lead) => cures::flow(&lead),
                Finding::Queue(_) => cures::smell(Smell::Queue, &signs),
                Finding::LockedOut(_) => cures::smell(Smell::RefusalsCount, &signs),
            });
        }
        Some(found)
    }

    /// The pause after an attempt; `None`: there is none. Where all who try at the quota know better, it is drawn anew by that.
    fn planned(&mut self, judged: &Judged, took: Duration) -> Option<Duration> {
        let found = if judged.is_success {
            None
        } else {
            let took = Took {
                reached: !finds_nobody(&judged.code),
                ..untimed(took)
            };
            self.find(&judged.refusal, took)
        };
        let (Step::Pause { .. }, Next::Wait(wait)) = (judged.next, judged.verdict.next) else {
            return None;
        };
        let Some(found) = found else { return Some(wait) };
        let now = self.clock.now();
        let unit = self.units.unit();
        self.machine.lead(&found, &judged.refusal, unit, now);
        match self.machine.step(now) {
            Step::Pause { until } => Some(until.saturating_sub(now)),
            Step::Turn { .. } | Step::Attempt { .. } | Step::Stop(_) => None,
        }
    }

    /// Waits until the next attempt may begin, or ask for its turn; how long it took, and why there is none.
    async fn pause(&mut self, scene: Scene<'_>) -> (Duration, Option<StopReason>) {
        let _held = scene.board.holds();
        let begun = self.clock.now();
        let reason = loop {
            match self.machine.step(self.clock.now()) {
                Step::Pause { until } => {
                    let whole = scene.wait(sleep_until(self.clock.at(until)), None).await;
                    if whole == Waited::Cancelled {
                        self.machine.cancel();
                    }
                }
                Step::Stop(reason) => break Some(reason),
                Step::Turn { .. } | Step::Attempt { .. } => break None,
            }
        };
        (self.clock.now() - begun, reason)
    }

    fn succeeded(&mut self, code: &str, took: Duration) {
        self.status = reading(code).status();
        self.let_in(took);
    }

    /// The server took the attempt, whatever its user makes of that.
    fn let_in(&mut self, took: Duration) {
        if let Some(place) = &mut self.place {
            place.passed();
        }
        if let Some(member) = &self.member {
            member.passed(untimed(took));
        }
    }

    fn failed(&mut self, judged: &Judged, took: Duration) {
        self.status = judged.status;
        self.hint = judged.verdict.usable_hint().or(self.hint);
        self.machine = judged.machine.clone();
        self.throttled += u64::from(judged.verdict.class == Class::Throttle);
        if judged.is_success {
            self.let_in(took);
            // What it waits for next is another request: others go first, else it would keep the place of its first one for ever.
            if let Some(place) = &mut self.place {
                place.give_up();
            }
        } else if let Some(place) = &mut self.place {
            place.refused(&judged.refusal);
        }
    }

    /// The attempt that is under way ran no sample: there is nothing to go on for.
    pub fn empty(&self, traces: &TraceFiles, tracer: &Tracer) -> End {
        let end = End::NoSample;
        let event = TraceEvent {
            attempt: Some(self.attempts + 1),
            stop: Some(end.name().to_owned()),
            ..self.event("no-sample")
        };
        tracer.write(traces, &event);
        end
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
        if judged.is_success {
            return TraceEvent {
                unmet: true,
                code: status_of(&judged.code),
                ..self.event(name)
            };
        }
        TraceEvent {
            label: (!judged.label.is_empty()).then_some(&judged.label),
            code: Some(traced(&judged.code)),
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

/// What holds for the attempt's samples, only their elements know.
fn untimed(time: Duration) -> Took {
    Took {
        time,
        limit: None,
        reached: true,
    }
}

/// What the trace tells of a success: a code that is no status would be an error there.
fn status_of(code: &str) -> Option<TracedCode<'_>> {
    reading(code).status().map(TracedCode::Status)
}

/// How an attempt ended.
pub struct Over {
    /// Whether one of the samples that decide failed.
    pub failed: bool,
    /// Whether a success is to be followed by another attempt.
    pub again: bool,
    /// The last sample's response code.
    pub code: String,
}
