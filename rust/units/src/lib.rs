//! Durations as people write them in a test plan or on a command line: `1500` (milliseconds), `250ms`, `1.5s`, `2m`, `1h`, `30d`;
//! and sizes: `65536` (bytes), `64k`, `16M`.
//!
//! Here live the two notations, both ways, and what is allowed in words for error messages. Not here: which value may stand where.

mod size;

use std::time::Duration;

pub use size::{LARGEST, SIZE_FORMS, SizeError, parse_size};

/// The longest duration that any setting takes; it keeps every later sum far from overflow.
pub const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// What a duration may look like, for error messages.
pub const DURATION_FORMS: &str =
    "milliseconds (1500) or a number with a unit: ms, s, m, h, d (250ms, 1.5s, 2m)";

/// Why a text is no duration. The message repeats no input: the caller names key and value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not a number with an optional unit.
    #[error("not a duration")]
    Form,
    /// Below zero.
    #[error("negative")]
    Negative,
    /// Above [`LONGEST`].
    #[error("longer than 366 days")]
    TooLong,
}

/// Reads a duration. A bare number counts milliseconds; a unit may follow the number, with or without a space.
///
/// # Errors
/// Anything else than a finite, non-negative number with one of the units; more than [`LONGEST`].
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let milliseconds_each = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return Err(DurationError::Form),
    };
    let number = number.trim();
    // `f64` would also take "+1", ".5e3" and the like; a plan says plain decimals.
    let (sign, digits) = number
        .strip_prefix('-')
        .map_or((1.0, number), |rest| (-1.0, rest));
    let plain =
        digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') && digits.bytes().any(|b| b.is_ascii_digit());
    if !plain {
        return Err(DurationError::Form);
    }
    let value: f64 = digits.parse().map_err(|_| DurationError::Form)?;
    if sign < 0.0 && value > 0.0 {
        return Err(DurationError::Negative);
    }
    let seconds = value * milliseconds_each / 1_000.0;
    if seconds > LONGEST.as_secs_f64() {
        return Err(DurationError::TooLong);
    }
    // Rounded to microseconds, so that 0.1s is 100 ms and not 99.999999 ms.
    let rounded = Duration::from_secs_f64(seconds).as_nanos() + 500;
    Ok(Duration::from_micros(
        u64::try_from(rounded / 1_000).expect("bounded by LONGEST"),
    ))
}

/// Writes a duration in the shortest of the forms that [`parse_duration`] reads back: `0ms`, `250ms`, `1.5s`, `2m`, `1h`.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1_000.0;
    let whole = |unit: u128| duration.as_nanos() > 0 && duration.as_nanos() % (unit * 1_000_000) == 0;
    if whole(3_600_000) {
        format!("{}h", duration.as_secs() / 3_600)
    } else if whole(60_000) {
        format!("{}m", duration.as_secs() / 60)
    } else if duration < Duration::from_secs(1) {
        format!("{}ms", round3(ms))
    } else {
        format!("{}s", round3(ms / 1_000.0))
    }
}

/// At most three digits behind the point, none that say nothing.
fn round3(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        for (text, ms) in [
            ("1500", 1_500),
            (" 250ms ", 250),
            ("1.5s", 1_500),
            ("0.1s", 100),
            ("2m", 120_000),
            ("1 h", 3_600_000),
            ("30d", 2_592_000_000),
            ("0.5 D", 43_200_000),
            ("0", 0),
            ("-0", 0),
            ("2S", 2_000),
            (".5s", 500),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for (text, why) in [
            ("", DurationError::Form),
            ("soon", DurationError::Form),
            ("1.2.3", DurationError::Form),
            ("1e9", DurationError::Form),
            ("inf", DurationError::Form),
            ("NaN", DurationError::Form),
            ("5 days", DurationError::Form),
            ("+5", DurationError::Form),
            ("1m30s", DurationError::Form),
            ("-5", DurationError::Negative),
            ("-1.5s", DurationError::Negative),
            ("99999999h", DurationError::TooLong),
            ("367d", DurationError::TooLong),
            ("1000000000000000000000000000000000000", DurationError::TooLong),
        ] {
            assert_eq!(parse_duration(text), Err(why), "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["0ms", "250ms", "1.5s", "2m", "1h", "90.5s", "0.25ms"] {
            let duration = parse_duration(text).unwrap();
            assert_eq!(format_duration(duration), text);
            assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }
    }
}
