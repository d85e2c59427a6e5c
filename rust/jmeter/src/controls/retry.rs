//! The retries of a RetryController: it is told how the samples of an attempt ended, says whether there is another attempt, and
//! waits for it. One control a controller and thread, one [`RetryRun`] each time the thread comes to it.

mod messages;
mod run;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use backoff::{PacerMode, Policy, StatusSet, StopReason};
use regex::Regex;
use serde_json::{Map, Value};

pub use messages::{Event, Reply};

use super::{ControlRequest, Scene};
use crate::connect::policy;
use crate::error_codes::SPEC_INVALID;
use crate::values::{Invalid, Values};
use crate::variables::{self, VARIABLES};
use engine::Failure;
use engine::tracing::events::Tracer;
use engine::tracing::files::TraceFiles;
use run::{End, Over, RetryRun};

/// Answers of success that an assertion failed; they are worth another attempt unless the properties say otherwise.
const FAILED_BY_ASSERTION: &str = "200-399";

/// Whether a success is followed by another attempt.
const WHILE: &str = "wsb.retry.while";

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
    run: Option<RetryRun>,
    tracer: Tracer,
}

impl Retry {
    /// Its name in the table of keys.
    pub const ELEMENT: &'static str = variables::RETRY_CONTROLLER;

    /// Checks the properties.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn new(request: ControlRequest) -> Result<Self, Invalid> {
        let tracer = super::tracer(&request);
        let who = request.who();
        let values = Values::new(request.properties)?;
        let mut policy = policy(&values)?;
        let assertions = values.word(
            "wsb.retry.failedAssertions",
            &[("transient", true), ("fatal", false)],
        )?;
        if assertions {
            policy.transient = with_failed_assertions(&policy.transient);
        }
        values.choice::<PacerMode>("wsb.shared.mode")?;
        // Only a constant comes with the properties; what is no constant is told after each attempt.
        match values.text(WHILE) {
            "" => {}
            constant => _ = holds(constant)?,
        }
        let seed = values.optional("wsb.retry.seed", "a whole number from 0 to 18446744073709551615")?;
        Ok(Retry {
            counts: counts(&values)?,
            shown: values.word("wsb.retry.attemptsShown", SHOWN)?,
            prefix: values.text("wsb.retry.prefix").to_owned(),
            values,
            policy: Arc::new(policy),
            seed,
            who,
            ordinal: request.ordinal,
            run: None,
            tracer,
        })
    }

    /// Takes note of an event, waits where it asks for that, and says what to do. `begin` comes first; without it there is nothing to do.
    pub async fn step(&mut self, event: Event, scene: Scene<'_>) -> Reply {
        if matches!(event, Event::Begin) {
            return self.begin(scene);
        }
        let Some(run) = &mut self.run else {
            return Reply::default();
        };
        match event {
            Event::Begin => unreachable!("answered above"),
            Event::Turn {
                target,
                base,
                left_ms,
            } => {
                let limit = left_ms.map(Duration::from_millis);
                match run.find_place(&self.values, &target, &base, scene.gates) {
                    Ok(()) => run.turn(limit, scene, &self.tracer).await,
                    Err(invalid) => self.refuse(&invalid),
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
                    run.judge(&sample, provisional);
                }
                run.verdict(self.shown)
            }
            Event::Over {
                ok,
                code,
                condition,
                left_ms,
            } => {
                let again = match condition.as_deref().map(holds).transpose() {
                    Ok(again) => again.unwrap_or(false),
                    Err(invalid) => return self.refuse(&invalid),
                };
                let failed = match self.counts {
                    Counts::Last => !ok,
                    Counts::Any | Counts::Matching(_) => run.judged.is_some(),
                };
                let limit = left_ms.map(Duration::from_millis);
                let over = Over { failed, again, code };
                let end = run.over(over, limit, scene, &self.tracer).await;
                self.reply_after(end)
            }
            Event::NoSample => {
                let end = run.empty(scene.traces, &self.tracer);
                self.reply_after(Some(end))
            }
        }
    }

    /// A property turns out to be wrong in the middle of a run.
    fn refuse(&self, invalid: &Invalid) -> Reply {
        Reply {
            failure: Some(Failure::new(SPEC_INVALID, invalid.to_string())),
            variables: refused_variables(&self.prefix),
            ..Reply::default()
        }
    }

    /// After an attempt, and its wait; `end`: it was the last one.
    fn reply_after(&mut self, end: Option<End>) -> Reply {
        let reply = Reply {
            go: end.is_none(),
            stop: end.map(End::name).unwrap_or_default().to_owned(),
            end_thread: end == Some(End::Stopped(StopReason::ScheduleEnd)),
            variables: self.variables(end),
            warning: self.run.as_mut().and_then(|run| run.warning.take()),
            ..Reply::shown(self.shown)
        };
        if end.is_some() {
            self.run = None;
        }
        reply
    }

    /// The thread goes, or comes afresh: what is not over stays so.
    pub fn leave(&mut self, traces: &TraceFiles) {
        if let Some(mut run) = self.run.take() {
            run.leave(traces, &self.tracer);
        }
    }

    fn begin(&mut self, scene: Scene<'_>) -> Reply {
        self.leave(scene.traces);
        let seed = self
            .seed
            .map(|seed| backoff::stream_seed(seed, &self.who, self.ordinal));
        self.run = Some(RetryRun::new(&self.policy, seed, self.ordinal));
        self.ordinal += 1;
        Reply::shown(self.shown)
    }

    /// The variables after an attempt; `end`: it was the last one.
    fn variables(&self, end: Option<End>) -> Map<String, Value> {
        let run = self.run.as_ref().expect("asked for after an attempt of it");
        let succeeded = end == Some(End::Succeeded);
        let ms = |time: Duration| time.as_millis().to_string();
        let value = |name: &str| match name {
            variables::ATTEMPTS => run.attempts.to_string(),
            variables::THROTTLED => run.throttled.to_string(),
            variables::WAITED_MS => ms(run.waited),
            variables::TIME_TO_SUCCESS_MS if succeeded => ms(run.clock.now()),
            variables::HINT_MS => run.hint.map(ms).unwrap_or_default(),
            variables::STOP => end.map(End::name).unwrap_or_default().to_owned(),
            variables::LAST_STATUS => run.status.map(|status| status.to_string()).unwrap_or_default(),
            variables::RATE => {
                let rate = run.gate.and_then(|gate| gate.state.rate);
                rate.map(|rate| format!("{rate:.3}")).unwrap_or_default()
            }
            variables::GATE_QUEUE => run
                .gate
                .map(|gate| gate.state.queue.to_string())
                .unwrap_or_default(),
            _ => String::new(),
        };
        own_variables(&self.prefix, value)
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

/// Whether the condition holds under which a success is followed by another attempt.
fn holds(condition: &str) -> Result<bool, Invalid> {
    let text = condition.trim();
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Invalid::new(
            WHILE,
            text,
            if text.is_empty() {
                "empty when it is asked, as a function is that fails"
            } else {
                "neither true nor false"
            },
            "what becomes true or false, as ${__jexl3(\"${status}\" != \"done\")}",
        )),
    }
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
