//! Reading a hint out of an answer: which text a source holds, and what that text means.

use crate::body::Found;
use crate::connect::HttpAnswer;
use crate::hint::{HintFault, HintMode, HintPolicy, HintReading, TooLong};
use crate::length::{self, Unit, believable};
use crate::ratelimit;
use crate::source::HintSource;
use std::time::{Duration, SystemTime};

/// What the hints of an answer come to.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Hints {
    /// The one that decided, else the first that was there but unusable.
    pub(crate) reading: Option<HintReading>,
    /// What it asks for.
    pub(crate) demand: Demand,
}

/// What a server asks for.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Demand {
    /// Nothing that could be used.
    #[default]
    Nothing,
    /// To stay away at least this long.
    Wait(Duration),
    /// To stay away for longer than the policy has patience.
    TooLong,
}

/// Asks the policy's sources in order; `throttled`: the status is one of the throttle set, so the window headers count.
pub(crate) fn read(policy: &HintPolicy, answer: &HttpAnswer<'_>, throttled: bool) -> Hints {
    decide(policy, |source| {
        if source.reports_window() && !throttled {
            return None;
        }
        match source {
            HintSource::Body => read_body(policy, answer.body, || server_time(answer)),
            HintSource::RateLimit => read_rate_limit(answer),
            header => read_header(header, answer),
        }
    })
}

/// The hint in the reason of a close frame: what [`HintSource::Body`] finds there. It came without a clock to ask, so that a point
/// in time is none.
pub(crate) fn reason(policy: &HintPolicy, reason: &str) -> Hints {
    decide(policy, |source| {
        if *source != HintSource::Body {
            return None;
        }
        read_body(policy, reason.as_bytes(), || SystemTime::UNIX_EPOCH)
    })
}

/// A source's text and what it means.
type Reading = (String, Result<Duration, HintFault>);

/// The first source that asks for something decides; else the first that is there is told.
fn decide(policy: &HintPolicy, read: impl Fn(&HintSource) -> Option<Reading>) -> Hints {
    let mut hints = Hints::default();
    for source in &policy.sources {
        let Some((raw, value)) = read(source) else {
            continue;
        };
        let (value, demand) = judge(policy, value);
        let reading = HintReading {
            source: source.clone(),
            raw: raw.chars().take(256).collect(),
            value,
        };
        if demand != Demand::Nothing {
            return Hints {
                reading: Some(reading),
                demand,
            };
        }
        hints.reading.get_or_insert(reading);
    }
    hints
}

/// Holds a hint against the policy's mode and limit.
fn judge(policy: &HintPolicy, value: Result<Duration, HintFault>) -> (Result<Duration, HintFault>, Demand) {
    let Ok(wait) = value else {
        return (value, Demand::Nothing);
    };
    if policy.mode == HintMode::Ignore {
        return (Err(HintFault::Ignored), Demand::Nothing);
    }
    if wait <= policy.max {
        return (Ok(wait), Demand::Wait(wait));
    }
    match policy.on_too_long {
        TooLong::Fail => (Ok(wait), Demand::TooLong),
        TooLong::Clamp => (Ok(policy.max), Demand::Wait(policy.max)),
        TooLong::Ignore => (Err(HintFault::AboveLimit), Demand::Nothing),
    }
}

/// What the pattern finds in a body.
fn read_body(policy: &HintPolicy, body: &[u8], now: impl Fn() -> SystemTime) -> Option<Reading> {
    let Found { raw, number } = policy.body_pattern.as_ref()?.find(body)?;
    let value = number.and_then(|(text, unit)| length::wait(&text, unit, now));
    Some((raw, value))
}

/// A list may be spread over several lines (RFC 9651 section 4.2).
fn read_rate_limit(answer: &HttpAnswer<'_>) -> Option<Reading> {
    let joined = |name| {
        let lines: Vec<&str> = named(answer, name).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    };
    let raw = joined(HintSource::RateLimit.as_str())?;
    let alone = ratelimit::wait(trimmed(&raw), None);
    let (raw, value) = match (alone, joined(RATE_LIMIT_POLICY)) {
        (Err(HintFault::NoTime), Some(windows)) => {
            let value = ratelimit::wait(trimmed(&raw), Some(trimmed(&windows)));
            (format!("{raw} of {windows}"), value)
        }
        _ => (raw, alone),
    };
    Some((raw, value.and_then(believable)))
}

/// The second field of the same draft.
const RATE_LIMIT_POLICY: &str = "ratelimit-policy";

/// Of a repeated header the line with the longest wait; without one the first.
fn read_header(source: &HintSource, answer: &HttpAnswer<'_>) -> Option<Reading> {
    let unit = if source.counts_milliseconds() {
        Unit::Milliseconds
    } else {
        Unit::Seconds
    };
    let readings = named(answer, source.as_str()).map(|raw| {
        let value = length::wait(trimmed(raw), unit, || server_time(answer));
        (raw, value)
    });
    let (raw, value) = readings.reduce(|best, line| if longer(line.1, best.1) { line } else { best })?;
    Some((raw.to_owned(), value))
}

fn longer(one: Result<Duration, HintFault>, other: Result<Duration, HintFault>) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => one > other,
        (one, other) => one.is_ok() && other.is_err(),
    }
}

/// No honest server repeats a header more often.
const MOST_LINES: usize = 64;

fn named<'a>(answer: &HttpAnswer<'a>, name: &str) -> impl Iterator<Item = &'a str> {
    let headers = answer.headers.iter();
    headers
        .filter(move |(header, _)| header.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
        .take(MOST_LINES)
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The answer's own `Date`: a point in time that the same server names counts from it, and its clock may be wrong, or ours.
/// Without a readable one our clock has to do.
fn server_time(answer: &HttpAnswer<'_>) -> SystemTime {
    let date = named(answer, "date").next().and_then(length::date);
    date.unwrap_or(answer.now)
}
