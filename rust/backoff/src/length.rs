//! What a text of a server says about a time to wait: a number, a number with its unit, a time since 1970 or a date.

use crate::hint::HintFault;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a number without a unit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
}

/// From here on a number is a time since 1970 and no length: 10^9 s are 31 years, 10^11 ms are 3.
const EPOCH_SECONDS: f64 = 1e9;
const EPOCH_MILLISECONDS: f64 = 1e11;
const EPOCH_MICROSECONDS: f64 = 1e14;
const EPOCH_NANOSECONDS: f64 = 1e17;

/// No date and no length with a unit is longer; plain numbers may be.
const LONGEST_FORM: usize = 64;

/// How long to wait. `now`: the server's time when it answered, or ours; asked only for a point in time.
///
/// Read are plain decimals; `68.7ms`, `2s`, `1m30s` (as Go, Java and ISO 8601 write lengths); times since 1970 in seconds,
/// milliseconds, microseconds or nanoseconds, told apart by their size; the three HTTP dates (RFC 9110 section 5.6.7), also with `UTC`
/// or an offset in place of `GMT`; ISO 8601 dates, without an offset taken for UTC. Of several with a comma and a space between,
/// as proxies join repeated headers, the longest.
///
/// # Errors
/// Why it is no hint.
pub(crate) fn wait(text: &str, unit: Unit, now: impl Fn() -> SystemTime) -> Result<Duration, HintFault> {
    match one(text, unit, &now) {
        Err(HintFault::Malformed) if text.contains(", ") => {
            let waits: Vec<_> = text.split(", ").map(|part| one(part, unit, &now)).collect();
            if waits.contains(&Err(HintFault::Malformed)) {
                return Err(HintFault::Malformed);
            }
            // Of faults the first is told.
            let best = waits.iter().flatten().max().copied();
            best.map_or_else(|| waits[0], Ok)
        }
        wait => wait,
    }
}

/// A wait that no server means is none.
pub(crate) fn believable(wait: Duration) -> Result<Duration, HintFault> {
    match wait {
        Duration::ZERO => Err(HintFault::Zero),
        wait if wait > units::LONGEST => Err(HintFault::Absurd),
        wait => Ok(wait),
    }
}

fn one(text: &str, unit: Unit, now: &impl Fn() -> SystemTime) -> Result<Duration, HintFault> {
    let text = text.trim_matches([' ', '\t']);
    match number(text) {
        Err(HintFault::Malformed) if text.len() <= LONGEST_FORM => match date(text) {
            Some(date) => until(date, now()),
            None => with_unit(text),
        },
        number => length_or_epoch(number?, unit, now),
    }
}

/// A plain decimal above zero, maybe infinite when it has hundreds of digits. By hand, because `f64` would also take
/// `inf`, `nan`, `1e9` and `+5`; HTTP knows digits.
fn number(text: &str) -> Result<f64, HintFault> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
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

fn length_or_epoch(number: f64, unit: Unit, now: &impl Fn() -> SystemTime) -> Result<Duration, HintFault> {
    let since_1970 = match number {
        n if n >= EPOCH_NANOSECONDS => n / 1e9,
        n if n >= EPOCH_MICROSECONDS => n / 1e6,
        n if n >= EPOCH_MILLISECONDS => n / 1e3,
        n if n > EPOCH_SECONDS && unit == Unit::Seconds => n,
        length => {
            let seconds = if unit == Unit::Seconds {
                length
            } else {
                length / 1e3
            };
            return believable(Duration::try_from_secs_f64(seconds).map_err(|_| HintFault::Absurd)?);
        }
    };
    let since_1970 = Duration::try_from_secs_f64(since_1970).map_err(|_| HintFault::Absurd)?;
    until(
        UNIX_EPOCH.checked_add(since_1970).ok_or(HintFault::Absurd)?,
        now(),
    )
}

fn with_unit(text: &str) -> Result<Duration, HintFault> {
    // Without a digit in front jiff would take signs, and a length that is over (`2s ago`).
    let starts = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'P');
    let length: SignedDuration = Some(text)
        .filter(|text| text.as_bytes().first().is_some_and(starts))
        .and_then(|text| text.parse().ok())
        .ok_or(HintFault::Malformed)?;
    believable(Duration::try_from(length).map_err(|_| HintFault::Negative)?)
}

/// An HTTP date, or one of those that servers write in its place.
pub(crate) fn date(text: &str) -> Option<SystemTime> {
    // Go's time.RFC1123 says UTC.
    let in_utc = text.strip_suffix(" UTC").map(|date| format!("{date} GMT"));
    if let Ok(date) = httpdate::parse_http_date(in_utc.as_deref().unwrap_or(text)) {
        return Some(date);
    }
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        let offset = text
            .bytes()
            .rev()
            .nth(4)
            .is_some_and(|sign| matches!(sign, b'+' | b'-'));
        return offset
            .then(|| rfc2822::DateTimeParser::new().parse_timestamp(text).ok())?
            .map(system_time);
    }
    let exact = text.parse::<Timestamp>().ok();
    let in_utc = || Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    exact.or_else(in_utc).map(system_time)
}

/// What lies before 1970 is over, like 1970.
fn system_time(time: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::try_from(time.as_duration()).unwrap_or_default()
}

/// From the server's time to one that it named: its clock may be wrong, or ours, the difference is right.
fn until(time: SystemTime, now: SystemTime) -> Result<Duration, HintFault> {
    time.duration_since(now)
        .map_err(|_| HintFault::Past)
        .and_then(believable)
}
