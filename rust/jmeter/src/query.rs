//! Stateless questions, JSON in and JSON out: the next delay for a script, the bands of delays for a panel, the parts of an address.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backoff::{Backoff, Band, HintSource, HttpAnswer, Next, Policy, Seen, StatusSet, Strategy};
use serde::{Deserialize, Serialize};

use self::address::address;
use crate::connect::policy;
use crate::engine::Misuse;
use crate::values::{Invalid, Values};

/// More failures in a row are a slip; walking so many waits takes milliseconds.
const MOST_FAILURES: u32 = 100_000;

/// The status that stands for a throttle where only that it is one matters.
const THROTTLED: u16 = 429;

/// How many waits the line names.
const NAMED: usize = 5;

/// A question; `ask` says which.
#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "camelCase", deny_unknown_fields)]
enum Question {
    /// How long to wait after so many failed attempts.
    Delay {
        /// 1 is: after the first failure.
        attempt: String,
        /// As `Policy` reads it; blank: the defaults.
        policy: String,
        /// A `Retry-After` value; blank: none.
        #[serde(default)]
        hint: String,
    },
    /// What a policy's waits look like.
    Bands {
        /// `wsb.*` properties, those that are set.
        properties: BTreeMap<String, String>,
        /// Keys that are set, to a value that is not known yet.
        #[serde(default)]
        later: Vec<String>,
        /// How many bands at most.
        #[serde(default = "few")]
        attempts: usize,
    },
    /// How long one user waits who is refused each time, as drawn with the policy's seed.
    Waits {
        /// `wsb.*` properties, those that are set.
        properties: BTreeMap<String, String>,
        /// Keys that are set, to a value that is not known yet.
        #[serde(default)]
        later: Vec<String>,
        /// Who it is: JMeter's thread name.
        #[serde(default)]
        user: String,
        /// How many attempts at most.
        #[serde(default = "few")]
        attempts: usize,
    },
    /// What an address consists of.
    Url {
        /// As `wsb.url` has it.
        url: String,
        /// As `wsb.baseUrl` has it; blank: none.
        #[serde(default)]
        base: String,
    },
}

/// The answer to `delay`.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Delay {
    /// Whole milliseconds, rounded up, so that the wait is not below a hint; -1: no further attempt.
    ms: Option<i64>,
    /// Why there is no further attempt.
    stop: Option<&'static str>,
    /// Why the hint counts for nothing.
    ignored: Option<String>,
    /// What is wrong with the question; nothing else is there then.
    problem: Option<String>,
}

/// The answer to `bands`.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Bands {
    /// For people; empty when the waits are not known.
    line: String,
    /// By attempt, those that the time in all may leave room for.
    bands: Vec<BandJson>,
    /// What is wrong, one text a property.
    problems: Vec<String>,
    /// The keys of `later` without which nothing can be said.
    unknown: Vec<String>,
}

/// One wait.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct BandJson {
    /// 1: the wait after the first attempt.
    attempt: usize,
    lowest_ms: u64,
    median_ms: u64,
    highest_ms: u64,
}

const fn few() -> usize {
    10
}

/// Answers a question: `{"ask":"delay","attempt":"2","policy":"full base=1s","hint":"5"}`,
/// `{"ask":"bands","properties":{"wsb.retry.base":"2s"},"later":["wsb.retry.cap"],"attempts":10}`,
/// `{"ask":"waits","properties":{"wsb.retry.seed":"7"},"user":"Thread Group 1-1","attempts":10}` or
/// `{"ask":"url","url":"/chat room","base":"wss://host"}`, which gives `scheme`, `host`, `port`, `path`, `query` and `httpUrl`.
///
/// # Errors
/// JSON that is no question. What is wrong within a question is in the answer.
pub fn query(json: &[u8]) -> Result<Vec<u8>, Misuse> {
    answer(json, SystemTime::now())
}

/// As [`query`]; a hint that is a date counts from `now`.
fn answer(json: &[u8], now: SystemTime) -> Result<Vec<u8>, Misuse> {
    let answer = match serde_json::from_slice(json)? {
        Question::Delay {
            attempt,
            policy,
            hint,
        } => serde_json::to_vec(
            &delay(&attempt, &policy, &hint, now).unwrap_or_else(|problem| Delay {
                problem: Some(problem),
                ..Delay::default()
            }),
        ),
        Question::Bands {
            properties,
            later,
            attempts,
        } => serde_json::to_vec(&bands(properties, &later, attempts)),
        Question::Waits {
            properties,
            later,
            user,
            attempts,
        } => serde_json::to_vec(&waits::waits(properties, &later, &user, attempts)),
        Question::Url { url, base } => serde_json::to_vec(&address(url.trim(), base.trim())),
    };
    Ok(answer?)
}

fn delay(attempt: &str, policy: &str, hint: &str, now: SystemTime) -> Result<Delay, String> {
    let failures = failures(attempt)?;
    let mut policy = match policy.trim() {
        "" => Policy::default(),
        text => text.parse().map_err(|error| format!("policy: {error}"))?,
    };
    // Whoever asks has judged the failure already, and knows what the server said.
    policy.throttle = StatusSet::of(&[THROTTLED]);
    policy.hints.sources = vec![HintSource::RetryAfter];
    let limit = policy.attempt_limit();
    let mut backoff = Backoff::new(Arc::new(policy), None);
    let refused = |headers| {
        Seen::Answer(HttpAnswer {
            status: THROTTLED,
            headers,
            body: b"",
            now,
        })
    };
    // Waits depend on those before them; past the limit every answer is the same.
    for _ in 1..failures.min(limit) {
        backoff.after(&refused(&[]), Duration::ZERO);
    }
    let hint = [("retry-after".to_owned(), hint.trim().to_owned())];
    let headers = if hint[0].1.is_empty() { &[][..] } else { &hint[..] };
    let verdict = backoff.after(&refused(headers), Duration::ZERO);
    let (ms, stop) = match verdict.next {
        Next::Wait(wait) => (whole_ms(wait), None),
        Next::Stop(stop) => (-1, Some(stop.as_str())),
    };
    let ignored = verdict.hint.and_then(|hint| hint.value.err());
    Ok(Delay {
        ms: Some(ms),
        stop,
        ignored: ignored.map(|fault| fault.to_string()),
        problem: None,
    })
}

fn failures(text: &str) -> Result<u32, String> {
    let text = text.trim();
    let number = text.parse().ok();
    number.filter(|n| (1..=MOST_FAILURES).contains(n)).ok_or_else(|| {
        Invalid::new(
            "attempt",
            text,
            "not such a number",
            format!("1 (after the first failed attempt) to {MOST_FAILURES}"),
        )
        .to_string()
    })
}

fn whole_ms(wait: Duration) -> i64 {
    i64::try_from(wait.as_nanos().div_ceil(1_000_000)).expect("waits are bounded by days")
}

fn bands(properties: BTreeMap<String, String>, later: &[String], attempts: usize) -> Bands {
    let policy = match checked(properties) {
        Ok(policy) => policy,
        Err(problems) => {
            return Bands {
                problems,
                ..Bands::default()
            };
        }
    };
    let unknown = missing(later, policy.strategy);
    if !unknown.is_empty() {
        return Bands {
            unknown,
            ..Bands::default()
        };
    }
    let all = startable(&policy, attempts.min(MOST_BANDS));
    Bands {
        line: line(&policy, &all),
        bands: (1..).zip(&all).map(|(nth, band)| band_json(nth, band)).collect(),
        ..Bands::default()
    }
}

/// A panel has no room for more.
const MOST_BANDS: usize = 100;

const STRATEGY: &str = "wsb.retry.strategy";

/// Those of the keys that are not known yet without which the waits are not known either.
fn missing(later: &[String], strategy: Strategy) -> Vec<String> {
    let strategy_unknown = later.iter().any(|key| key == STRATEGY);
    later
        .iter()
        .filter(|key| shapes_waits(key, (!strategy_unknown).then_some(strategy)))
        .cloned()
        .collect()
}

/// Whether the line or the bands depend on a key; `None`: the strategy is not known either.
fn shapes_waits(key: &str, strategy: Option<Strategy>) -> bool {
    match key {
        "wsb.retry.table" => strategy.is_none_or(|s| s == Strategy::Table),
        "wsb.retry.jitter" => strategy.is_none_or(|s| matches!(s, Strategy::PlusMinus | Strategy::Additive)),
        STRATEGY
        | "wsb.retry.base"
        | "wsb.retry.cap"
        | "wsb.retry.multiplier"
        | "wsb.retry.maxElapsed"
        | "wsb.retry.maxAttempts" => true,
        _ => false,
    }
}

/// The policy, or every property that is wrong by itself, and the first that does not fit to the others.
fn checked(mut properties: BTreeMap<String, String>) -> Result<Policy, Vec<String>> {
    let mut problems = Vec::new();
    loop {
        let read = Values::new(properties.clone()).and_then(|values| policy(&values));
        let invalid = match read {
            Ok(policy) if problems.is_empty() => return Ok(policy),
            Ok(_) => return Err(problems),
            Err(invalid) => invalid,
        };
        problems.push(invalid.to_string());
        // Without the wrong value its default holds, which may show what else is wrong.
        if properties.remove(&invalid.key).is_none() {
            return Err(problems);
        }
    }
}

/// The bands of those waits that the stop rules leave room for.
fn startable(policy: &Policy, attempts: usize) -> Vec<Band> {
    let most = usize::try_from(policy.attempt_limit() - 1).unwrap_or(usize::MAX);
    let mut least_elapsed = Duration::ZERO;
    let mut bands = policy.bands(attempts.min(most));
    bands.retain(|band| {
        least_elapsed = least_elapsed.saturating_add(band.lowest);
        least_elapsed < policy.max_elapsed
    });
    bands
}

fn band_json(attempt: usize, band: &Band) -> BandJson {
    let ms = |wait: Duration| u64::try_from(wait.as_millis()).expect("waits are bounded by days");
    BandJson {
        attempt,
        lowest_ms: ms(band.lowest),
        median_ms: ms(band.median),
        highest_ms: ms(band.highest),
    }
}

/// What the policy does, in a sentence.
fn line(policy: &Policy, bands: &[Band]) -> String {
    let limit = spoken(policy.max_elapsed);
    if policy.strategy == Strategy::None || policy.max_attempts == 1 {
        return "No retry: the first refusal is final.".to_owned();
    }
    let typical = policy.typical_waits();
    if bands.is_empty() {
        return format!("Gives up at the first refusal: a wait would cross the {limit} in all.");
    }
    let drawn = bands.iter().any(|band| band.lowest < band.highest);
    // A few more than the typical user makes are drawn, not told.
    let reached = bands.len().min((typical as usize).max(1));
    let named = &bands[..reached.min(NAMED)];
    let more = if typical as usize > named.len() {
        " ..."
    } else {
        ""
    };
    let about = if drawn { "about " } else { "" };
    format!(
        "Waits {about}{}{more}; {}.",
        listed(named),
        ends(policy, typical + 1)
    )
}

/// When a policy gives up, `typical` being the attempts that half of the users get at least.
fn ends(policy: &Policy, typical: u32) -> String {
    let limit = spoken(policy.max_elapsed);
    let most = policy.attempt_limit();
    if typical >= most {
        return format!("gives up after {most} attempts, or {limit}");
    }
    let attempts = if typical == 1 { "attempt" } else { "attempts" };
    let at_most = match policy.max_attempts {
        0 => String::new(),
        most => format!(", at most {most}"),
    };
    format!("gives up after {limit}, about {typical} {attempts}{at_most}")
}

/// The medians with their unit behind the last one.
fn listed(bands: &[Band]) -> String {
    let in_ms = bands.iter().all(|band| band.median < Duration::from_secs(1));
    let numbers: Vec<String> = bands
        .iter()
        .map(|band| {
            let seconds = band.median.as_secs_f64();
            short(if in_ms { seconds * 1_000.0 } else { seconds })
        })
        .collect();
    format!("{} {}", numbers.join(", "), if in_ms { "ms" } else { "s" })
}

/// About two digits that count.
fn short(value: f64) -> String {
    let digits = match value {
        v if v >= 9.95 => 0,
        v if v >= 0.995 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A duration as people say it.
fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let (number, unit) = match duration.as_secs() {
        0 => (seconds * 1_000.0, "ms"),
        1..600 => (seconds, "s"),
        600..7_200 => (seconds / 60.0, "min"),
        _ => (seconds / 3_600.0, "h"),
    };
    format!("{} {unit}", (number * 10.0).round() / 10.0)
}

mod address;
#[cfg(test)]
mod tests;
mod waits;
