//! One fetch for all: the controller that lets one thread run its children, while the others wait for the variables that they set.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backoff::{FailureKind, Next, Seen, StopReason, Stream, Verdict};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::retry::with_failed_assertions;
use super::sample::{reading, traced};
use super::{ControlRequest, Scene, Waited, tracer};
use crate::connect::policy;
use crate::error_codes::SPEC_INVALID;
use crate::values::{Invalid, Values};
use crate::variables::{ONCE_RESULT, ONCE_STOP, ONCE_WAITED_MS};
use engine::Failure;
use engine::codes::CANCELLED;
use engine::controls::once::flight::{Fetched, Terms};
use engine::controls::once::flights::{Answer, Clash, Fetching, Party};
use engine::tracing::events::{TraceEvent, Tracer};

pub use engine::controls::once::flights::Flights;

/// What a thread tells its controller.
#[derive(Debug, Deserialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Event {
    /// It comes by, and needs the values.
    Enter {
        /// What is left of the thread's schedule; absent: it has no end.
        left_ms: Option<u64>,
    },
    /// Its children have run.
    Done {
        /// Those of the wanted variables that are set.
        variables: BTreeMap<String, String>,
        /// The last child's sample; absent: none ran.
        sample: Option<Sample>,
        /// As of `Enter`.
        left_ms: Option<u64>,
    },
    /// Its children were broken off.
    Leave {
        /// Their last sample; absent: none ran.
        sample: Option<Sample>,
    },
}

/// The sample that decides.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sample {
    /// Whether JMeter and the assertions are content.
    ok: bool,
    /// The response code.
    code: String,
    /// The response headers, as JMeter keeps them.
    #[serde(default)]
    headers: String,
    /// The response, where the policy has a pattern for it.
    #[serde(default)]
    body: String,
    /// How long ago it began: no value of it is older.
    age_ms: u64,
}

impl Sample {
    /// Shows it to the policy.
    fn tell(&self, fetching: Fetching) -> Option<Verdict> {
        reading(&self.code).show(&self.headers, &self.body, |seen| fetching.failed(seen))
    }
}

/// What the thread does now.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// Whether to run the children (again).
    run: bool,
    /// Whether the policy looks at the bodies of failed samples.
    wants_body: bool,
    /// The variables whose values it is to bring when the children have run.
    wants: Vec<String>,
    /// Variables to set now.
    variables: BTreeMap<String, String>,
    /// Whether the thread's schedule is over.
    end_thread: bool,
    /// For the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    /// What cannot be used.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "crate::failure::serialize"
    )]
    failure: Option<Failure>,
}

/// How a pass of one thread ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Got {
    Fetched,
    Kept,
    Nothing,
}

impl Got {
    fn name(self) -> &'static str {
        match self {
            Got::Fetched => "fetched",
            Got::Kept => "kept",
            Got::Nothing => "none",
        }
    }
}

/// The checked properties.
#[derive(Debug)]
struct OnceSpec {
    key: String,
    party: Party,
    variables: Vec<String>,
    ttl: Option<Duration>,
    expires_in: Option<String>,
    /// Which share of a lifetime before its end a value is fetched anew: at least, at most.
    early: (f64, f64),
    timeout: Duration,
    terms: Terms,
}

/// One thread's controller.
#[derive(Debug)]
pub struct Once {
    spec: OnceSpec,
    stream: Stream,
    fetching: Option<Fetching>,
    /// When it began to fetch.
    began: SystemTime,
    /// How long the thread waited in this pass.
    waited: Duration,
    /// How often it came by, this pass included.
    passes: u64,
    /// How often it fetched in this pass.
    fetches: u64,
    tracer: Tracer,
}

impl Once {
    /// The element's class name.
    pub const ELEMENT: &'static str = "OnceController";

    /// The controller of one thread.
    ///
    /// # Errors
    /// The first property that cannot be used.
    pub fn new(request: ControlRequest) -> Result<Self, Invalid> {
        let (tracer, passes) = (tracer(&request), request.ordinal);
        let spec = OnceSpec::new(request)?;
        let stream = Stream::new(spec.terms.seed.map(|seed| backoff::stream_seed(seed, "early", 0)));
        Ok(Once {
            spec,
            stream,
            fetching: None,
            began: SystemTime::UNIX_EPOCH,
            waited: Duration::ZERO,
            passes,
            fetches: 0,
            tracer,
        })
    }

    /// Takes what the thread tells; waits until it is known what the thread does now.
    pub async fn step(&mut self, event: Event, scene: Scene<'_>) -> Reply {
        match event {
            Event::Enter { left_ms } => {
                self.fetching = None;
                self.waited = Duration::ZERO;
                self.fetches = 0;
                self.passes += 1;
                self.ask(left_ms, scene).await
            }
            Event::Done {
                variables,
                sample,
                left_ms,
            } => self.done(variables, sample, left_ms, scene).await,
            Event::Leave { sample } => {
                self.leave(sample.as_ref(), scene);
                Reply::default()
            }
        }
    }

    async fn ask(&mut self, left_ms: Option<u64>, scene: Scene<'_>) -> Reply {
        let flight = match scene.flights.join(&self.spec.key, &self.spec.party) {
            Ok(flight) => flight,
            Err(clash) => return self.refused(&clash),
        };
        let patience = self.spec.timeout.saturating_sub(self.waited);
        let limit = left_ms.map_or(patience, |left| patience.min(Duration::from_millis(left)));
        let begun = Instant::now();
        let waited = scene.wait(flight.ask(&self.spec.terms), Some(limit)).await;
        self.waited += begun.elapsed();
        let stop = match waited {
            Waited::Done(Answer::Use(value)) => {
                if self.waited >= LEAST_WAIT {
                    self.trace(scene, &self.event("waited"));
                }
                return Reply {
                    variables: self.variables(Got::Kept, "", Some(&value)),
                    ..Reply::default()
                };
            }
            Waited::Done(Answer::Fetch(fetching)) => {
                self.fetching = Some(fetching);
                self.began = SystemTime::now();
                self.fetches += 1;
                self.trace(scene, &self.event("fetch"));
                return self.run();
            }
            Waited::Done(Answer::Failed(stop)) => stop.to_string(),
            Waited::Overdue if limit < patience => SCHEDULE_END.to_owned(),
            Waited::Overdue => "timeout".to_owned(),
            Waited::Cancelled => CANCELLED.code.to_owned(),
        };
        let event = TraceEvent {
            stop: Some(stop.clone()),
            ..self.event("without")
        };
        self.trace(scene, &event);
        Reply {
            end_thread: stop == SCHEDULE_END,
            ..self.without(&stop)
        }
    }

    async fn done(
        &mut self,
        variables: BTreeMap<String, String>,
        sample: Option<Sample>,
        left_ms: Option<u64>,
        scene: Scene<'_>,
    ) -> Reply {
        let Some(fetching) = self.fetching.take() else {
            return Reply::default();
        };
        let took = fetching.began().elapsed();
        let missing = self
            .spec
            .variables
            .iter()
            .find(|name| !variables.contains_key(*name));
        let (verdict, warning) = match (&sample, missing) {
            (Some(sample), _) if !sample.ok => (sample.tell(fetching), None),
            (_, Some(missing)) => {
                let warning = format!("{missing} is not set after the children have run");
                (fetching.failed(&Seen::Failure(FailureKind::Fatal)), Some(warning))
            }
            (sample, None) => {
                let age = sample.as_ref().map_or(0, |sample| sample.age_ms);
                self.trace(scene, &self.end("fetched", took, sample.as_ref(), None));
                return self.keep(fetching, variables, Duration::from_millis(age));
            }
        };
        self.trace(scene, &self.end("failed", took, sample.as_ref(), Some(&verdict)));
        let reply = match verdict.map(|verdict| verdict.next) {
            Some(Next::Stop(stop)) => self.gave_up(stop, scene),
            // Back to the end of the queue, and there it waits with the others.
            Some(Next::Wait(_)) | None => self.ask(left_ms, scene).await,
        };
        Reply {
            warning: warning.or(reply.warning),
            ..reply
        }
    }

    /// The children were broken off.
    fn leave(&mut self, sample: Option<&Sample>, scene: Scene<'_>) {
        let Some(fetching) = self.fetching.take() else {
            return;
        };
        let took = fetching.began().elapsed();
        let failed = sample.filter(|sample| !sample.ok);
        let verdict = failed.map(|failed| failed.tell(fetching));
        self.trace(scene, &self.end("left", took, sample, verdict.as_ref()));
    }

    fn trace(&self, scene: Scene<'_>, event: &TraceEvent<'_>) {
        self.tracer.write(scene.traces, event);
    }

    /// An event of this moment.
    fn event(&self, name: &'static str) -> TraceEvent<'_> {
        TraceEvent {
            event: name,
            ordinal: self.passes.saturating_sub(1),
            target: Some(&self.spec.key),
            attempt: (self.fetches > 0).then_some(self.fetches),
            waited: Some(self.waited),
            ..TraceEvent::default()
        }
    }

    /// The end of a fetch; `verdict`: on a failure, `None` within where it was overtaken.
    fn end<'a>(
        &'a self,
        name: &'static str,
        took: Duration,
        sample: Option<&'a Sample>,
        verdict: Option<&'a Option<Verdict>>,
    ) -> TraceEvent<'a> {
        let judged = verdict.and_then(Option::as_ref);
        let (wait, stop) = match judged.map(|verdict| verdict.next) {
            Some(Next::Wait(wait)) => (Some(wait), None),
            Some(Next::Stop(stop)) => (None, Some(stop.to_string())),
            None => (None, verdict.map(|_| "overtaken".to_owned())),
        };
        TraceEvent {
            at: Some(self.began),
            total: Some(took),
            code: sample.map(|sample| traced(&sample.code)),
            verdict: judged,
            wait,
            waited: None,
            stop,
            ..self.event(name)
        }
    }

    /// What is left when the policy gave up: the old values, while they can be used.
    fn gave_up(&self, stop: StopReason, scene: Scene<'_>) -> Reply {
        let Some(value) = scene.flights.get(&self.spec.key).usable() else {
            return self.without(&stop.to_string());
        };
        Reply {
            variables: self.variables(Got::Kept, "", Some(&value)),
            warning: Some(format!(
                "not fetched anew ({stop}); the old values are used meanwhile"
            )),
            ..Reply::default()
        }
    }

    /// The children brought the values: from now on they are everybody's.
    fn keep(&mut self, fetching: Fetching, mut variables: BTreeMap<String, String>, age: Duration) -> Reply {
        let mut warning = None;
        let told = self.spec.expires_in.as_ref().map(|name| {
            let text = variables.get(name).map_or("", |text| text.trim());
            let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds >= 0.0);
            let told = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.min(LONGEST)).ok());
            if told.is_none() {
                warning = Some(format!("{name} holds no number of seconds: {text:?}"));
            }
            told
        });
        let lifetime = told.flatten().or(self.spec.ttl);
        if let Some(name) = &self.spec.expires_in
            && !self.spec.variables.contains(name)
        {
            variables.remove(name);
        }
        let (least, most) = self.spec.early;
        let early = least + (most - least) * self.stream.unit();
        // Counted from the begin of its sample: the server's clock of it started later.
        let from = fetching
            .began()
            .max(Instant::now().checked_sub(age).unwrap_or(fetching.began()));
        let value = Arc::new(Fetched {
            values: variables,
            due: lifetime.map(|lifetime| from + lifetime.mul_f64(1.0 - early)),
            until: lifetime.map(|lifetime| from + lifetime),
        });
        fetching.succeeded(value.clone());
        Reply {
            variables: self.variables(Got::Fetched, "", Some(&value)),
            warning,
            ..Reply::default()
        }
    }

    fn run(&self) -> Reply {
        let expires_in = self.spec.expires_in.iter();
        Reply {
            run: true,
            wants_body: self.spec.terms.policy.hints.body_pattern.is_some(),
            wants: self.spec.variables.iter().chain(expires_in).cloned().collect(),
            ..Reply::default()
        }
    }

    /// Another controller of the key sets other variables: neither can use what the other fetches.
    fn refused(&self, clash: &Clash) -> Reply {
        let [one, other] = [&clash.first, &clash.other].map(|party| {
            let variables = party.variables.iter().map(String::as_str).collect::<Vec<_>>();
            format!("{:?} sets {}", party.element, variables.join(","))
        });
        let invalid = Invalid::new(
            "wsb.once.variables",
            self.spec.variables.join(","),
            format!(
                "of the controllers that share {:?}, {one} and {other}",
                self.spec.key
            ),
            "the same variables in all controllers of one wsb.once.key, or a key for each",
        );
        Reply {
            failure: Some(Failure::new(SPEC_INVALID, invalid.to_string())),
            ..self.without("invalid")
        }
    }

    fn without(&self, stop: &str) -> Reply {
        Reply {
            variables: self.variables(Got::Nothing, stop, None),
            ..Reply::default()
        }
    }

    fn variables(&self, got: Got, stop: &str, value: Option<&Fetched>) -> BTreeMap<String, String> {
        let mut all = value.map(|value| value.values.clone()).unwrap_or_default();
        all.insert(ONCE_RESULT.to_owned(), got.name().to_owned());
        all.insert(ONCE_STOP.to_owned(), stop.to_owned());
        all.insert(ONCE_WAITED_MS.to_owned(), self.waited.as_millis().to_string());
        all
    }
}

/// Whoever got the values sooner did not wait for them.
const LEAST_WAIT: Duration = Duration::from_millis(1);

/// Why a thread has no values: its schedule ends.
const SCHEDULE_END: &str = "schedule-end";

/// Lifetimes in seconds end here, a year: what is longer means for ever, and must not run over.
const LONGEST: f64 = 31_536_000.0;

impl OnceSpec {
    fn new(request: ControlRequest) -> Result<Self, Invalid> {
        let element = request.element_text();
        let who = request.who();
        let values = Values::new(request.properties)?;
        let mut policy = policy(&values)?;
        policy.transient = with_failed_assertions(&policy.transient);
        let seed: Option<u64> =
            values.optional("wsb.retry.seed", "a whole number from 0 to 18446744073709551615")?;
        let key = match values.text("wsb.once.key") {
            "" => element,
            key => key.to_owned(),
        };
        let variables: Vec<String> = values.list("wsb.once.variables").map(str::to_owned).collect();
        let ttl = match values.text("wsb.once.ttl") {
            "" => None,
            _ => Some(values.positive_duration("wsb.once.ttl")?),
        };
        let expires_in = values.text("wsb.once.expiresIn");
        Ok(OnceSpec {
            key,
            party: Party {
                element: request.name,
                variables: variables.iter().cloned().collect(),
            },
            variables,
            ttl,
            expires_in: (!expires_in.is_empty()).then(|| expires_in.to_owned()),
            early: early(&values)?,
            timeout: values.positive_duration("wsb.once.timeout")?,
            terms: Terms {
                lease: values.positive_duration("wsb.once.lease")?,
                policy: Arc::new(policy),
                seed: seed.map(|seed| backoff::stream_seed(seed, &who, request.ordinal)),
            },
        })
    }
}

/// Two percentages with a dash between them, or one.
fn early(values: &Values) -> Result<(f64, f64), Invalid> {
    const NAME: &str = "wsb.once.early";
    let text = values.text(NAME);
    let wrong = |problem: &str| {
        Invalid::new(
            NAME,
            text,
            problem,
            "one percentage, or two with a dash between them, from 0 to 90, as in 5-15",
        )
    };
    let percent = |text: &str| {
        let number: f64 = text
            .trim()
            .trim_end_matches('%')
            .trim_end()
            .parse()
            .map_err(|_| wrong("not a percentage"))?;
        if (0.0..=90.0).contains(&number) {
            Ok(number / 100.0)
        } else {
            Err(wrong("out of bounds"))
        }
    };
    let (least, most) = match text.split_once('-') {
        Some((least, most)) => (percent(least)?, percent(most)?),
        None => (percent(text)?, percent(text)?),
    };
    if least > most {
        return Err(wrong("the first is greater than the second"));
    }
    Ok((least, most))
}

#[cfg(test)]
mod tests;
