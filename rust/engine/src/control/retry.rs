//! The retries of a RetryController: it is told how the samples of an attempt ended, says whether there is another attempt, and
//! waits for it. One control a controller and thread, one [`Run`] each time the thread comes to it.

mod messages;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backoff::{Answer, Backoff, Class, Next, PacerMode, PacerState, Policy, Seen, StatusSet, Verdict};
use regex::Regex;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until};
use websocket::Target;

pub use messages::{Event, FailedSample, Reply};

use super::sample::{Reading, headers, reading};
use super::{ControlRequest, Scene, Waited};
use crate::error_codes::{CANCELLED, SPEC_INVALID};
use crate::failure::Failure;
use crate::gate::{Gates, Place};
use crate::spec::{Invalid, Values, gate, policy, quota_of};
use crate::variables::{self, VARIABLES};

/// Answers of success that an assertion failed; they are worth another attempt unless the properties say otherwise.
const FAILED_BY_ASSERTION: &str = "200-399";

/// Which samples of an attempt decide.
#[derive(Debug, Clone)]
enum Counts {
    /// The last one.
    Last,
    /// Each; the first that fails.
    Any,
    /// Those whose label matches; the first that fails.
    Matching(Regex),
}

/// The words for how failed samples are shown that another attempt follows.
const SHOWN: &[(&str, &str)] = &[("keep", "keep"), ("ignore", "ignore"), ("success", "success")];

/// See the file's sentence.
pub struct Retry {
    values: Values,
    policy: Arc<Policy>,
    seed: Option<u64>,
    /// Of the user and the controller together.
    who: String,
    ordinal: u64,
    counts: Counts,
    shown: &'static str,
    prefix: String,
    /// Whether there is a gate.
    gated: bool,
    run: Option<Run>,
}

/// One time through the controller.
struct Run {
    began: Instant,
    seed: Option<u64>,
    /// As it was before the attempt that is under way.
    backoff: Backoff,
    /// The verdict on the attempt that is under way; a later sample may bring another one.
    judged: Option<Judged>,
    place: Option<Place>,
    attempts: u64,
    throttled: u64,
    waited: Duration,
    hint: Option<Duration>,
    status: Option<u16>,
    gate: Option<PacerState>,
}

/// A failed sample, judged. Nobody is told before the attempt is over.
struct Judged {
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
enum Stop {
    /// An attempt succeeded.
    Succeeded,
    /// The policy gave up.
    Policy(backoff::Stop),
    /// The thread's schedule ends before the next attempt.
    ScheduleEnd,
    /// JMeter's Stop.
    Cancelled,
}

impl Stop {
    fn name(self) -> String {
        match self {
            Stop::Succeeded => "succeeded".to_owned(),
            Stop::Policy(stop) => stop.to_string(),
            Stop::ScheduleEnd => "schedule-end".to_owned(),
            Stop::Cancelled => CANCELLED.code.to_owned(),
        }
    }
}

impl Retry {
    /// Its name in the table of keys.
    pub const ELEMENT: &'static str = variables::RETRY_CONTROLLER;

    /// Checks the properties.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn new(request: ControlRequest) -> Result<Self, Invalid> {
        let values = Values::new(request.properties)?;
        let mut policy = policy(&values)?;
        let assertions = values.word(
            "wsb.retry.failedAssertions",
            &[("transient", true), ("fatal", false)],
        )?;
        if assertions {
            policy.transient = with_failed_assertions(&policy.transient);
        }
        let seed = values.optional("wsb.retry.seed", "a whole number from 0 to 18446744073709551615")?;
        Ok(Retry {
            counts: counts(&values)?,
            shown: values.word("wsb.retry.attemptsShown", SHOWN)?,
            prefix: values.text("wsb.retry.prefix").to_owned(),
            gated: values.choice::<PacerMode>("wsb.shared.mode")? != PacerMode::Off,
            values,
            policy: Arc::new(policy),
            seed,
            who: format!("{} {}", request.user, request.name),
            ordinal: request.ordinal,
            run: None,
        })
    }

    /// Takes note of an event, waits where it asks for that, and says what to do. `begin` comes first; without it there is nothing to do.
    pub async fn step(&mut self, event: Event, scene: Scene<'_>) -> Reply {
        if matches!(event, Event::Begin) {
            return self.begin();
        }
        let Some(run) = &mut self.run else {
            return Reply::default();
        };
        match event {
            Event::Begin => unreachable!("answered above"),
            Event::Turn { target, left_ms } => {
                let limit = left_ms.map(Duration::from_millis);
                match run.find_place(&self.values, &target, scene.gates) {
                    Ok(()) => run.turn(self.policy.max_elapsed, limit, scene).await,
                    Err(invalid) => Reply {
                        failure: Some(Failure::new(SPEC_INVALID, invalid.to_string())),
                        variables: refused_variables(&self.prefix),
                        ..Reply::default()
                    },
                }
            }
            Event::Failed(sample) => {
                let provisional = match &self.counts {
                    Counts::Last => !sample.last,
                    Counts::Any => false,
                    Counts::Matching(pattern) if pattern.is_match(&sample.label) => false,
                    Counts::Matching(_) => return Reply::shown("keep"),
                };
                let first_decides = !matches!(self.counts, Counts::Last);
                if !(first_decides && run.judged.is_some()) {
                    run.judge(&self.policy, &sample, provisional);
                }
                run.verdict(self.shown)
            }
            Event::Over { ok, code, left_ms } => {
                let failed = match self.counts {
                    Counts::Last => !ok,
                    Counts::Any | Counts::Matching(_) => run.judged.is_some(),
                };
                let limit = left_ms.map(Duration::from_millis);
                let stop = run.over(&self.policy, failed, code, limit, scene).await;
                self.reply_after(stop)
            }
        }
    }

    /// After an attempt, and its wait; `stop`: it was the last one.
    fn reply_after(&mut self, stop: Option<Stop>) -> Reply {
        let reply = Reply {
            go: stop.is_none(),
            stop: stop.map(Stop::name).unwrap_or_default(),
            end_thread: stop == Some(Stop::ScheduleEnd),
            variables: self.variables(stop),
            ..Reply::shown(self.shown)
        };
        if stop.is_some() {
            self.run = None;
        }
        reply
    }

    fn begin(&mut self) -> Reply {
        let seed = self
            .seed
            .map(|seed| backoff::stream_seed(seed, &self.who, self.ordinal));
        self.ordinal += 1;
        self.run = Some(Run {
            began: Instant::now(),
            seed,
            backoff: Backoff::new(self.policy.clone(), seed),
            judged: None,
            place: None,
            attempts: 0,
            throttled: 0,
            waited: Duration::ZERO,
            hint: None,
            status: None,
            gate: None,
        });
        Reply {
            go: self.gated,
            ..Reply::shown(self.shown)
        }
    }

    /// The variables after an attempt; `stop`: it was the last one.
    fn variables(&self, stop: Option<Stop>) -> Map<String, Value> {
        let run = self.run.as_ref().expect("asked for after an attempt of it");
        let succeeded = stop == Some(Stop::Succeeded);
        let ms = |time: Duration| time.as_millis().to_string();
        let value = |name: &str| match name {
            variables::ATTEMPTS => run.attempts.to_string(),
            variables::THROTTLED => run.throttled.to_string(),
            variables::WAITED_MS => ms(run.waited),
            variables::TIME_TO_SUCCESS_MS if succeeded => ms(run.began.elapsed()),
            variables::HINT_MS => run.hint.map(ms).unwrap_or_default(),
            variables::STOP => stop.map(Stop::name).unwrap_or_default(),
            variables::LAST_STATUS => run.status.map(|status| status.to_string()).unwrap_or_default(),
            variables::RATE => {
                let rate = run.gate.and_then(|gate| gate.rate);
                rate.map(|rate| format!("{rate:.3}")).unwrap_or_default()
            }
            variables::GATE_QUEUE => run.gate.map(|gate| gate.queue.to_string()).unwrap_or_default(),
            _ => String::new(),
        };
        own_variables(&self.prefix, value)
    }
}

impl Run {
    /// Chooses the gate by the run's first sample and keeps to it, so that its place in the queue lasts.
    fn find_place(&mut self, values: &Values, target: &str, gates: &Gates) -> Result<(), Invalid> {
        if self.place.is_none() {
            let quota = Target::parse(target).map_or_else(|_| target.to_owned(), |url| quota_of(&url));
            self.place = gate(values, &quota, gates)?.map(|gate| gate.place(self.seed));
        }
        Ok(())
    }

    async fn turn(&mut self, max_elapsed: Duration, left: Option<Duration>, scene: Scene<'_>) -> Reply {
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
        self.waited += begun.elapsed();
        self.gate = Some(place.gate().figures());
        let stopped = |stop: Stop| Reply {
            stop: stop.name(),
            end_thread: stop == Stop::ScheduleEnd,
            ..Reply::default()
        };
        match waited {
            Waited::Done(()) => go,
            Waited::Cancelled => stopped(Stop::Cancelled),
            Waited::Overdue if left.is_some_and(|left| left <= patience) => stopped(Stop::ScheduleEnd),
            Waited::Overdue => {
                // Each attempt leaves a sample, and only the request itself makes one: it goes out without a turn.
                self.place = None;
                Reply {
                    warning: Some(crate::error_codes::GATE_TIMEOUT.message.to_owned()),
                    ..go
                }
            }
        }
    }

    /// Judges a failed sample, in place of what was judged before in this attempt.
    fn judge(&mut self, policy: &Policy, sample: &FailedSample, provisional: bool) {
        let elapsed = self.began.elapsed();
        let left = sample.left_ms.map(Duration::from_millis);
        let mut backoff = self.backoff.clone();
        let headers = headers(&sample.headers);
        let (seen, status) = match reading(&sample.code) {
            Reading::Status(status) => {
                let answer = Answer {
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
            Next::Stop(backoff::Stop::MaxElapsed) if paced && elapsed + asked < policy.max_elapsed => {
                Then::Turn
            }
            Next::Wait(wait) if left.is_some_and(|left| wait >= left) => Then::Stop(Stop::ScheduleEnd),
            Next::Wait(wait) => Then::Wait(wait),
            Next::Stop(stop) => Then::Stop(Stop::Policy(stop)),
        };
        self.judged = Some(Judged {
            backoff,
            verdict,
            at: Instant::now(),
            status,
            next,
            provisional,
        });
    }

    /// What a failed sample is shown as.
    fn verdict(&self, shown: &'static str) -> Reply {
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
    async fn over(
        &mut self,
        policy: &Policy,
        failed: bool,
        code: String,
        left: Option<Duration>,
        scene: Scene<'_>,
    ) -> Option<Stop> {
        self.attempts += 1;
        if failed && self.judged.is_none() {
            // Its sample was a success: an assertion of what holds the sample failed.
            let sample = FailedSample {
                code: code.clone(),
                ..FailedSample::default()
            };
            self.judge(policy, &sample, false);
        }
        let judged = self.judged.take().filter(|_| failed);
        let Some(judged) = judged else {
            self.status = match reading(&code) {
                Reading::Status(status) => Some(status),
                Reading::Failure(_) => None,
            };
            if let Some(place) = &mut self.place {
                place.passed();
            }
            return Some(Stop::Succeeded);
        };
        self.status = judged.status;
        self.hint = judged.verdict.usable_hint().or(self.hint);
        self.backoff = judged.backoff;
        if judged.verdict.class == Class::Throttle {
            self.throttled += 1;
            if let Some(place) = &mut self.place {
                // A hint that the policy does not believe, because it is too long, must not hold all the others.
                let hint = judged.verdict.usable_hint();
                place.throttled(hint.filter(|&hint| hint <= policy.hints.max));
            }
        }
        match judged.next {
            Then::Stop(stop) => Some(stop),
            Then::Turn => None,
            Then::Wait(wait) => {
                let begun = Instant::now();
                let waited = scene.wait(sleep_until(judged.at + wait), left).await;
                self.waited += begun.elapsed();
                match waited {
                    Waited::Done(()) => None,
                    Waited::Cancelled => Some(Stop::Cancelled),
                    Waited::Overdue => Some(Stop::ScheduleEnd),
                }
            }
        }
    }
}

pub fn with_failed_assertions(transient: &StatusSet) -> StatusSet {
    let text = transient.to_string();
    let both = if text == "none" {
        FAILED_BY_ASSERTION.to_owned()
    } else {
        format!("{text},{FAILED_BY_ASSERTION}")
    };
    both.parse().expect("two sets of statuses are one")
}

fn counts(values: &Values) -> Result<Counts, Invalid> {
    const LABEL: &str = "wsb.retry.label";
    const ALLOWED: &str = "a regular expression that finds the labels of the samples that count";
    let words = [("last", None), ("any", Some(false)), ("matching", Some(true))];
    Ok(match values.word("wsb.retry.counts", &words)? {
        None => Counts::Last,
        Some(false) => Counts::Any,
        Some(true) => {
            let missing = || Invalid::new(LABEL, "", "empty, but wsb.retry.counts is matching", ALLOWED);
            Counts::Matching(values.optional(LABEL, ALLOWED)?.ok_or_else(missing)?)
        }
    })
}

/// The controller's variables under its prefix.
fn own_variables(prefix: &str, value: impl Fn(&str) -> String) -> Map<String, Value> {
    VARIABLES
        .iter()
        .filter(|variable| variable.elements.contains(&variables::RETRY_CONTROLLER))
        .map(|variable| {
            let name = variable.name.trim_start_matches("wsb.");
            (format!("{prefix}{name}"), value(variable.name).into())
        })
        .collect()
}

/// The controller's variables where a property cannot be used.
pub fn invalid_variables(properties: &BTreeMap<String, String>) -> Map<String, Value> {
    let set = properties.get("wsb.retry.prefix").map(|prefix| prefix.trim());
    refused_variables(set.filter(|prefix| !prefix.is_empty()).unwrap_or("wsb."))
}

fn refused_variables(prefix: &str) -> Map<String, Value> {
    own_variables(prefix, |name| {
        String::from(if name == variables::STOP { "invalid" } else { "" })
    })
}

#[cfg(test)]
mod tests;
