//! Sets of answers that are worth a retry: status codes, and the words for failures without a status.

use std::fmt;
use std::str::FromStr;

/// The statuses that a refused upgrade can have.
const LOWEST: u16 = 200;
const HIGHEST: u16 = 599;

/// A set of status codes (200 to 599) and of the words `network` and `timeout`, written like `408,425,500,502-504,5xx,network,timeout`;
/// `none` is the empty set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusSet {
    /// Inclusive, sorted, neither overlapping nor touching.
    ranges: Vec<(u16, u16)>,
    /// Failures below HTTP: DNS, TCP, TLS, a connection cut before the answer.
    pub network: bool,
    /// Attempts that ran into their time limit.
    pub timeout: bool,
}

/// A part of the text that is nothing a set can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatusSetError {
    /// An empty text or an empty part between two commas.
    #[error("an empty entry; write {FORMS}, or none")]
    Empty,
    /// Neither a code, a range, a class nor a word.
    #[error("{0:?} is no status; write {FORMS}")]
    Unknown(String),
    /// A code outside 200 to 599.
    #[error("{0:?} is outside {LOWEST} to {HIGHEST}")]
    Outside(String),
    /// A range whose end lies before its start.
    #[error("{0:?} ends before it starts")]
    Backwards(String),
}

const FORMS: &str = "codes (429), ranges (502-504), classes (5xx), network, timeout";

impl StatusSet {
    /// Whether a status code is in the set.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.ranges
            .iter()
            .any(|&(first, last)| (first..=last).contains(&status))
    }

    /// The set of these codes alone; codes outside 200 to 599 are harmless: no refused upgrade has them.
    #[must_use]
    pub fn of(codes: &[u16]) -> Self {
        Self::from_ranges(codes.iter().map(|&code| (code, code)).collect())
    }

    /// The same set with `network` and `timeout` in it.
    #[must_use]
    pub fn with_failures(self) -> Self {
        Self {
            network: true,
            timeout: true,
            ..self
        }
    }

    fn from_ranges(mut ranges: Vec<(u16, u16)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Self {
            ranges: merged,
            ..Self::default()
        }
    }
}

impl FromStr for StatusSet {
    type Err = StatusSetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().eq_ignore_ascii_case("none") {
            return Ok(Self::default());
        }
        let (mut ranges, mut network, mut timeout) = (Vec::new(), false, false);
        for token in text.split(',') {
            let token = token.trim().to_ascii_lowercase();
            match token.as_str() {
                "" => return Err(StatusSetError::Empty),
                "network" => network = true,
                "timeout" => timeout = true,
                _ => ranges.push(parse_range(&token)?),
            }
        }
        Ok(Self {
            network,
            timeout,
            ..Self::from_ranges(ranges)
        })
    }
}

fn parse_range(token: &str) -> Result<(u16, u16), StatusSetError> {
    let shown = || token.chars().take(64).collect::<String>();
    let code = |text: &str| -> Result<u16, StatusSetError> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(StatusSetError::Unknown(shown()));
        }
        let value = text
            .parse()
            .ok()
            .filter(|value| (LOWEST..=HIGHEST).contains(value));
        value.ok_or_else(|| StatusSetError::Outside(shown()))
    };
    if let Some(class) = token.strip_suffix("xx") {
        let first = code(&format!("{}00", class.trim_end()))?;
        return if class.len() == 1 {
            Ok((first, first + 99))
        } else {
            Err(StatusSetError::Unknown(shown()))
        };
    }
    match token.split_once('-') {
        None => code(token).map(|only| (only, only)),
        Some((first, last)) => {
            let (first, last) = (code(first)?, code(last)?);
            if first <= last {
                Ok((first, last))
            } else {
                Err(StatusSetError::Backwards(shown()))
            }
        }
    }
}

impl fmt::Display for StatusSet {
    /// The shortest text that reads back as this set.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        for &(first, last) in &self.ranges {
            parts.push(match (first, last) {
                (one, same) if one == same => one.to_string(),
                (start, end) if start % 100 == 0 && end == start + 99 => format!("{}xx", start / 100),
                (start, end) => format!("{start}-{end}"),
            });
        }
        parts.extend(self.network.then(|| "network".to_string()));
        parts.extend(self.timeout.then(|| "timeout".to_string()));
        out.write_str(
            if parts.is_empty() {
                "none".to_string()
            } else {
                parts.join(",")
            }
            .as_str(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_codes_ranges_classes_and_words() {
        let set: StatusSet = " 408, 425,500,502-504 ,4XX,Network ".parse().unwrap();
        for status in [400, 408, 425, 499, 500, 502, 503, 504] {
            assert!(set.contains(status), "{status}");
        }
        for status in [0, 101, 200, 399, 501, 505, 599, u16::MAX] {
            assert!(!set.contains(status), "{status}");
        }
        assert!(set.network && !set.timeout);
    }

    #[test]
    fn prints_what_it_reads_back() {
        for (text, shown) in [
            (
                "408,425,500,502-504,network,timeout",
                "408,425,500,502-504,network,timeout",
            ),
            ("504,503,502,500,timeout", "500,502-504,timeout"),
            ("5xx,4xx", "400-599"),
            ("4xx,429", "4xx"),
            ("429", "429"),
            ("none", "none"),
            ("NETWORK", "network"),
            ("500 - 501", "500-501"),
        ] {
            let set: StatusSet = text.parse().unwrap();
            assert_eq!(set.to_string(), shown);
            assert_eq!(set.to_string().parse(), Ok(set));
        }
        assert_eq!(StatusSet::of(&[429]), "429".parse().unwrap());
    }

    #[test]
    fn names_the_bad_part() {
        for (text, message) in [
            ("", "an empty entry"),
            ("429,", "an empty entry"),
            ("429,,503", "an empty entry"),
            ("429,teapot", "\"teapot\" is no status"),
            ("42x", "\"42x\" is no status"),
            ("xx", "\"xx\" is outside"),
            ("9xx", "\"9xx\" is outside"),
            ("0xx", "\"0xx\" is outside"),
            ("04xx", "\"04xx\" is no status"),
            ("04 xx", "\"04 xx\" is no status"),
            ("101", "\"101\" is outside 200 to 599"),
            ("600", "\"600\" is outside"),
            ("99999999999999999999", "is outside"),
            ("-429", "\"-429\" is no status"),
            ("504-502", "\"504-502\" ends before it starts"),
            ("502-", "\"502-\" is no status"),
            ("502-503-504", "is no status"),
            ("5\u{f6}x", "is no status"),
            ("4.29", "is no status"),
            ("429;503", "is no status"),
            ("none,429", "\"none\" is no status"),
        ] {
            let error = text.parse::<StatusSet>().unwrap_err().to_string();
            assert!(error.contains(message), "{text:?}: {error}");
        }
    }
}
