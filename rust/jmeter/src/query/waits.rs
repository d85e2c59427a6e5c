//! What one user of a policy does who is refused each time: the waits that a run with this seed draws.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backoff::{Backoff, HttpAnswer, Next, Seen, StatusSet};
use serde::Serialize;

use super::{MOST_BANDS, THROTTLED, checked, missing, whole_ms};
use crate::values::{Invalid, Values};

/// The answer to `waits`.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Waits {
    /// The attempts, as if each were refused at once, without a hint.
    attempts: Vec<AttemptJson>,
    /// Why there is no further attempt; absent where there would be.
    stop: Option<&'static str>,
    /// Whether the same is drawn in every run.
    seeded: bool,
    /// As in [`Bands`].
    problems: Vec<String>,
    /// As in [`Bands`].
    unknown: Vec<String>,
}

/// One attempt.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptJson {
    /// From 1.
    attempt: usize,
    /// When it begins, after the first one.
    at_ms: u64,
    /// The wait after it; absent where none follows.
    wait_ms: Option<u64>,
}

/// As Java asks; `later` are keys that are set to what only the run knows.
pub(super) fn waits(
    properties: BTreeMap<String, String>,
    later: &[String],
    user: &str,
    attempts: usize,
) -> Waits {
    let seed = seed(&properties);
    let (mut policy, seed) = match (checked(properties), seed) {
        (Ok(policy), Ok(seed)) => (policy, seed),
        (policy, seed) => {
            let mut problems = policy.err().unwrap_or_default();
            problems.extend(seed.err().map(|invalid| invalid.to_string()));
            return Waits {
                problems,
                ..Waits::default()
            };
        }
    };
    let unknown = missing(later, policy.strategy);
    if !unknown.is_empty() {
        return Waits {
            unknown,
            ..Waits::default()
        };
    }
    policy.throttle = StatusSet::of(&[THROTTLED]); // whatever the policy takes for one
    // The first connect of this user, as `ConnectPlan::call` seeds it.
    let stream = seed.map(|seed| backoff::stream_seed(seed, user, 0));
    let mut drawn = draw(Backoff::new(Arc::new(policy), stream), attempts.min(MOST_BANDS));
    drawn.seeded = seed.is_some();
    drawn
}

fn draw(mut backoff: Backoff, most: usize) -> Waits {
    let refused = Seen::Answer(HttpAnswer {
        status: THROTTLED,
        headers: &[],
        body: b"",
        now: SystemTime::UNIX_EPOCH,
    });
    let mut drawn = Waits::default();
    let mut at = Duration::ZERO;
    for attempt in 1..=most {
        let (wait, stop) = match backoff.after(&refused, at).next {
            Next::Wait(wait) => (Some(wait), None),
            Next::Stop(stop) => (None, Some(stop.as_str())),
        };
        drawn.attempts.push(AttemptJson {
            attempt,
            at_ms: rounded(at),
            wait_ms: wait.map(rounded),
        });
        drawn.stop = stop;
        let Some(wait) = wait else { break };
        at = at.saturating_add(wait);
    }
    drawn
}

fn rounded(time: Duration) -> u64 {
    whole_ms(time).unsigned_abs()
}

fn seed(properties: &BTreeMap<String, String>) -> Result<Option<u64>, Invalid> {
    const KEY: &str = "wsb.retry.seed";
    let own = properties.get_key_value(KEY);
    let own = own.map(|(key, value)| (key.clone(), value.clone()));
    Values::new(own.into_iter().collect())?.optional(KEY, "a whole number from 0 to 18446744073709551615")
}
