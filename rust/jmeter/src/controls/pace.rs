//! The turns of a PaceTimer: each sample waits for one, at the shared gate that learns from what came of the samples, or at a
//! fixed rate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use backoff::{Class, FASTEST_PACE, LARGEST_BURST, PacerMode, PacerSettings, Policy, Refusal, SLOWEST_PACE};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::sample::{reading, traced};
use super::{ControlRequest, Scene, Waited, tracer};
use crate::connect::{gate_of_mode, policy, quota_by};
use crate::error_codes::SPEC_INVALID;
use crate::values::{Invalid, Values};
use crate::variables::{GATE_QUEUE, PACE_TIMER, PACE_WAITED_MS, RATE};
use engine::Failure;
use engine::codes::CANCELLED;
use engine::connecting::run::GateWait;
use engine::gates::gate::{Gate, Gates, Place};
use engine::tracing::events::{TraceEvent, Tracer};
use engine::tracing::records;

/// What a thread tells its timer.
#[derive(Debug, Deserialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Event {
    /// A sample is about to be sent; waits for its turn.
    Turn {
        /// Its URL, or its label where it has none; only asked for where each target has a gate of its own.
        #[serde(default)]
        target: String,
        /// What the URL is a part of, where it is none by itself.
        #[serde(default)]
        base: String,
        /// What is left of the thread's schedule; absent: it has no end.
        left_ms: Option<u64>,
    },
    /// What came of it.
    Sampled {
        /// Whether JMeter is content so far.
        ok: bool,
        /// The response code.
        code: String,
        /// The response headers, as JMeter keeps them.
        #[serde(default)]
        headers: String,
        /// The response, where the policy has a pattern for it.
        #[serde(default)]
        body: String,
    },
}

/// What a step answers.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// Whether the turn came.
    go: bool,
    /// Whether the thread's schedule is over, before it came.
    end_thread: bool,
    /// Why there was no turn; empty where there was one.
    stop: String,
    /// Whether to tell what came of the sample.
    listens: bool,
    /// Whether the policy looks at bodies.
    wants_body: bool,
    /// JMeter variables to set.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    variables: BTreeMap<&'static str, String>,
    /// What cannot be used.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "crate::failure::serialize"
    )]
    failure: Option<Failure>,
}

/// What holds the samples back.
enum Mode {
    /// The shared gate.
    Pace(Option<Place>),
    /// So many a second, and so many at once.
    Fixed(f64, u64),
}

/// Which samples share a gate.
#[derive(Debug, Clone, Copy)]
enum Scope {
    /// All that the timer holds, and all others of its `wsb.shared.key`.
    Timer,
    /// Those to one target.
    Target,
}

/// One thread's timer.
pub struct Pace {
    values: Values,
    policy: Arc<Policy>,
    mode: Mode,
    scope: Scope,
    /// This timer of the plan, and no other.
    element: String,
    /// Of this thread and timer.
    seed: Option<u64>,
    turns: u64,
    /// How long the latest turn took to come.
    waited: Duration,
    tracer: Tracer,
}

impl Pace {
    /// Its name in the table of keys.
    pub const ELEMENT: &'static str = PACE_TIMER;

    /// Checks the properties.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn new(request: ControlRequest) -> Result<Self, Invalid> {
        let tracer = tracer(&request);
        let element = request.element_text();
        let who = request.who();
        let values = Values::new(request.properties)?;
        let fixed = values.word("wsb.pace.mode", &[("pace", false), ("fixed", true)])?;
        let seed: Option<u64> =
            values.optional("wsb.retry.seed", "a whole number from 0 to 18446744073709551615")?;
        Ok(Pace {
            policy: Arc::new(policy(&values)?),
            mode: if fixed {
                Mode::Fixed(rate(&values)?, burst(&values)?)
            } else {
                Mode::Pace(None)
            },
            scope: values.word(
                "wsb.pace.scope",
                &[("timer", Scope::Timer), ("target", Scope::Target)],
            )?,
            values,
            element,
            seed: seed.map(|seed| backoff::stream_seed(seed, &who, request.ordinal)),
            turns: 0,
            waited: Duration::ZERO,
            tracer,
        })
    }

    /// Takes what the thread tells, and waits for the turn if it wants one.
    pub async fn step(&mut self, event: Event, scene: Scene<'_>) -> Reply {
        match event {
            Event::Turn {
                target,
                base,
                left_ms,
            } => {
                let left = left_ms.map(Duration::from_millis);
                self.turn(&target, &base, left, scene)
                    .await
                    .unwrap_or_else(|invalid| Reply {
                        failure: Some(Failure::new(SPEC_INVALID, invalid.to_string())),
                        ..Reply::default()
                    })
            }
            Event::Sampled {
                ok,
                code,
                headers,
                body,
            } => {
                self.sampled(ok, &code, &headers, &body, scene);
                Reply::default()
            }
        }
    }

    async fn turn(
        &mut self,
        target: &str,
        base: &str,
        left: Option<Duration>,
        scene: Scene<'_>,
    ) -> Result<Reply, Invalid> {
        let quota = match self.scope {
            Scope::Timer => match self.values.text("wsb.shared.key") {
                "" => format!("the timer {:?}", self.element),
                key => format!("the timers of {key:?}"),
            },
            Scope::Target => quota_by(target, base),
        };
        let begun = Instant::now();
        self.turns += 1;
        let gate = match &mut self.mode {
            Mode::Fixed(per_second, burst) => {
                let key = format!("{quota} {}", self.values.text("wsb.shared.key"));
                fixed_gate(&key, *per_second, *burst, scene.gates)?
            }
            Mode::Pace(place) => {
                // Out of the queue first; the next place is one at its end, as the samples of a timer follow each other for ever, and one
                // that is always refused must not always be the first.
                *place = None;
                gate_of_mode(&self.values, PacerMode::Pace, &quota, scene.gates)?
            }
        };
        let seed = self
            .seed
            .map(|seed| backoff::stream_seed(seed, "turn", self.turns));
        let mut new = gate.place(seed);
        let held = scene.board.holds();
        let waited = scene.wait(new.turn(begun), left).await;
        drop(held);
        match &mut self.mode {
            Mode::Pace(place) => *place = (waited == Waited::Done(())).then_some(new),
            Mode::Fixed(..) => drop(new),
        }
        let note = GateWait::new(&gate, begun.elapsed());
        let rate = note.state.rate.map(|rate| format!("{rate:.3}"));
        self.waited = begun.elapsed();
        let variables = [
            (RATE, rate.unwrap_or_default()),
            (GATE_QUEUE, note.state.queue.to_string()),
            (PACE_WAITED_MS, self.waited.as_millis().to_string()),
        ];
        let stop = match waited {
            Waited::Done(()) => "",
            Waited::Cancelled => CANCELLED.code,
            Waited::Overdue => "schedule-end",
        };
        let event = TraceEvent {
            event: "turn",
            ordinal: self.turns - 1,
            target: Some(&quota),
            gate: Some(records::gate(note)),
            stop: (!stop.is_empty()).then(|| stop.to_owned()),
            ..TraceEvent::default()
        };
        self.tracer.write(scene.traces, &event);
        Ok(Reply {
            go: waited == Waited::Done(()),
            end_thread: waited == Waited::Overdue,
            stop: stop.to_owned(),
            listens: matches!(self.mode, Mode::Pace(_)),
            wants_body: self.policy.hints.body_pattern.is_some(),
            variables: variables.into(),
            failure: None,
        })
    }

    /// Tells the gate what its quota did.
    fn sampled(&mut self, ok: bool, code: &str, head: &str, body: &str, scene: Scene<'_>) {
        let Mode::Pace(Some(place)) = &mut self.mode else {
            return;
        };
        let (refusal, verdict) = reading(code).show(head, body, |seen| Refusal::read(&self.policy, seen));
        let throttled = verdict.class == Class::Throttle;
        if ok && !throttled {
            place.passed();
        } else {
            place.refused(&refusal);
        }
        if throttled {
            let event = TraceEvent {
                event: "throttled",
                ordinal: self.turns - 1,
                code: Some(traced(code)),
                verdict: Some(&verdict),
                gate: Some(records::gate(GateWait::new(place.gate(), self.waited))),
                ..TraceEvent::default()
            };
            self.tracer.write(scene.traces, &event);
        }
    }
}

/// The gate of a fixed rate, which is no gate that learns before the same quota.
fn fixed_gate(key: &str, rate: f64, burst: u64, gates: &Gates) -> Result<Arc<Gate>, Invalid> {
    let gate = gates.get(&format!("{key} (fixed)"), PacerSettings::fixed(rate, burst));
    gate.map_err(|there| {
        Invalid::new(
            "wsb.pace.rate",
            rate.to_string(),
            format!(
                "{key} already has {}/s, burst {}, by another timer or by this one earlier",
                there.rate, there.burst
            ),
            "one rate and one burst for all timers of a gate and for the whole test; a wsb.shared.key of its own for each rate",
        )
    })
}

fn rate(values: &Values) -> Result<f64, Invalid> {
    const NAME: &str = "wsb.pace.rate";
    let allowed = format!("samples a second, from {SLOWEST_PACE} to {FASTEST_PACE}");
    let rate: f64 = values.parse(NAME, &allowed)?;
    if (SLOWEST_PACE..=FASTEST_PACE).contains(&rate) {
        Ok(rate)
    } else {
        Err(Invalid::new(NAME, values.text(NAME), "out of bounds", allowed))
    }
}

fn burst(values: &Values) -> Result<u64, Invalid> {
    const NAME: &str = "wsb.pace.burst";
    let burst = values.positive(NAME)?;
    if burst <= LARGEST_BURST {
        return Ok(burst);
    }
    let allowed = format!("a whole number from 1 to {LARGEST_BURST}");
    Err(Invalid::new(NAME, values.text(NAME), "out of bounds", allowed))
}

#[cfg(test)]
mod tests;
