//! Reading a hint out of an answer: which text a source holds, and what that text means.

use crate::body::Found;
use crate::connect::HttpAnswer;
use crate::hint::{HintFault, HintMode, HintPolicy, HintReading, HintSource, TooLong};
use crate::ratelimit;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// A reset above this is a time since 1970 and no length: 10^9 s are 31 years.
const EPOCH_FROM: f64 = 1e9;

/// Asks the policy's sources in order; `throttled`: the status is one of the throttle set, so the window headers count.
pub(crate) fn read(policy: &HintPolicy, answer: &HttpAnswer<'_>, throttled: bool) -> Hints {
    decide(policy, |source| {
        if source.reports_window() && !throttled {
            return None;
        }
        read_source(source, policy, answer)
    })
}

/// The hint in the reason of a close frame: what [`HintSource::Body`] finds there.
pub(crate) fn reason(policy: &HintPolicy, reason: &str) -> Hints {
    decide(policy, |source| {
        if source != HintSource::Body {
            return None;
        }
        read_body(policy, reason.as_bytes())
    })
}

/// A source's text and what it means.
type Reading = (String, Result<Duration, HintFault>);

/// The first source that asks for something decides; else the first that is there is told.
fn decide(policy: &HintPolicy, read: impl Fn(HintSource) -> Option<Reading>) -> Hints {
    let mut hints = Hints::default();
    for &source in &policy.sources {
        let Some((raw, value)) = read(source) else {
            continue;
        };
        let (value, demand) = judge(policy, value);
        let reading = HintReading {
            source,
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

/// The text of a source and its meaning; `None`: the answer has no such thing.
fn read_source(source: HintSource, policy: &HintPolicy, answer: &HttpAnswer<'_>) -> Option<Reading> {
    if source == HintSource::Body {
        return read_body(policy, answer.body);
    }
    let raw = match source {
        // A list may be spread over several lines (RFC 9651 section 4.2).
        HintSource::RateLimit => joined(answer, source.as_str())?,
        _ => first(answer, source.as_str())?.to_string(),
    };
    let text = raw.trim_matches([' ', '\t']);
    let value = match source {
        HintSource::RetryAfterMs | HintSource::XMsRetryAfterMs => milliseconds(text),
        HintSource::RetryAfter => seconds_or_date(text, answer),
        HintSource::RateLimit => ratelimit::wait(text).and_then(believable),
        HintSource::XRateLimitReset | HintSource::RateLimitReset => seconds_or_epoch(text, answer),
        HintSource::IninRateLimitReset | HintSource::Body => seconds(text),
    };
    Some((raw, value))
}

fn read_body(policy: &HintPolicy, body: &[u8]) -> Option<Reading> {
    let Found { raw, number } = policy.body_pattern.as_ref()?.find(body)?;
    let value = number.and_then(|(text, ms)| if ms { milliseconds(&text) } else { seconds(&text) });
    Some((raw, value))
}

fn named<'a>(answer: &HttpAnswer<'a>, name: &'static str) -> impl Iterator<Item = &'a str> {
    let headers = answer.headers.iter();
    headers
        .filter(move |(header, _)| header.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

fn first<'a>(answer: &HttpAnswer<'a>, name: &'static str) -> Option<&'a str> {
    named(answer, name).next()
}

fn joined(answer: &HttpAnswer<'_>, name: &'static str) -> Option<String> {
    let lines: Vec<&str> = named(answer, name).take(64).collect();
    if lines.is_empty() {
        None
    } else {
        Some(lines.join(", "))
    }
}

fn milliseconds(text: &str) -> Result<Duration, HintFault> {
    length(number(text)? / 1000.0)
}

fn seconds(text: &str) -> Result<Duration, HintFault> {
    length(number(text)?)
}

fn seconds_or_date(text: &str, answer: &HttpAnswer<'_>) -> Result<Duration, HintFault> {
    match number(text) {
        Err(HintFault::Malformed) => {
            let date = httpdate::parse_http_date(text).map_err(|_| HintFault::Malformed)?;
            until(date, answer)
        }
        number => length(number?),
    }
}

fn seconds_or_epoch(text: &str, answer: &HttpAnswer<'_>) -> Result<Duration, HintFault> {
    let number = number(text)?;
    if number <= EPOCH_FROM {
        return length(number);
    }
    let since_1970 = Duration::try_from_secs_f64(number).map_err(|_| HintFault::Absurd)?;
    until(
        UNIX_EPOCH.checked_add(since_1970).ok_or(HintFault::Absurd)?,
        answer,
    )
}

/// From the answer's own `Date` to a time that the same server named: its clock may be wrong, or ours, the difference is right.
/// Without a readable `Date` our clock has to do.
fn until(time: SystemTime, answer: &HttpAnswer<'_>) -> Result<Duration, HintFault> {
    let date = first(answer, "date").and_then(|date| httpdate::parse_http_date(date).ok());
    match time.duration_since(date.unwrap_or(answer.now)) {
        Ok(Duration::ZERO) => Err(HintFault::Zero),
        Ok(wait) => believable(wait),
        Err(_) => Err(HintFault::Past),
    }
}

/// A plain decimal above zero, maybe infinite when it has hundreds of digits.
fn number(text: &str) -> Result<f64, HintFault> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    // `f64` would also take `inf`, `nan`, `1e9` and `+5`; HTTP knows digits.
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value: f64 = digits
        .parse()
        .ok()
        .filter(|_| plain)
        .ok_or(HintFault::Malformed)?;
    match value {
        0.0 => Err(HintFault::Zero),
        _ if negative => Err(HintFault::Negative),
        _ => Ok(value),
    }
}

fn length(seconds: f64) -> Result<Duration, HintFault> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(Duration::ZERO) => Err(HintFault::Zero),
        Ok(wait) => believable(wait),
        Err(_) => Err(HintFault::Absurd),
    }
}

fn believable(wait: Duration) -> Result<Duration, HintFault> {
    if wait > units::LONGEST {
        Err(HintFault::Absurd)
    } else {
        Ok(wait)
    }
}
