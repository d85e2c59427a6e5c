//! Sets of refusals, for what throttles and for what is worth a retry: status codes, close codes, and the words for failures
//! without either.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The statuses that a refused upgrade can have.
const LOWEST: u16 = 200;
const HIGHEST: u16 = 599;

/// The close codes that an endpoint may send or see (RFC 6455 section 7.4.2).
const LOWEST_CLOSE: u16 = 1000;
const HIGHEST_CLOSE: u16 = 4999;

/// What a close code is written behind, as in the error codes of samples.
const CLOSED: &str = "closed.";

/// A set of status codes (200 to 599), close codes (1000 to 4999) and the words `network` and `timeout`, written like
/// `408,425,500,502-504,5xx,closed.1013,closed.4000-4999,closed.*,network,timeout`; `none` is the empty set, `any` all of them and
/// what another attempt seldom heals, too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusSet {
    /// Statuses: inclusive, sorted, neither overlapping nor touching.
    ranges: Vec<(u16, u16)>,
    /// Close codes, likewise.
    closes: Vec<(u16, u16)>,
    /// Failures below HTTP: DNS, TCP, TLS, a connection cut before the answer.
    pub network: bool,
    /// Attempts that ran into their time limit.
    pub timeout: bool,
    /// What another attempt seldom heals: certificates, wrong accept keys. Only `any` holds these.
    pub hopeless: bool,
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
    /// A close code outside 1000 to 4999.
    #[error("{0:?} is outside {CLOSED}{LOWEST_CLOSE} to {CLOSED}{HIGHEST_CLOSE}")]
    OutsideCloses(String),
    /// A range whose end lies before its start.
    #[error("{0:?} ends before it starts")]
    Backwards(String),
}

const FORMS: &str = "codes (429), ranges (502-504), classes (5xx), close codes (closed.1013, closed.4000-4999, closed.*), network, timeout, or any";

impl StatusSet {
    /// Whether a status code is in the set.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        holds(&self.ranges, status)
    }

    /// Whether a close code is in the set.
    #[must_use]
    pub fn contains_close(&self, code: u16) -> bool {
        holds(&self.closes, code)
    }

    /// Whether any close code is in the set.
    #[must_use]
    pub fn has_closes(&self) -> bool {
        !self.closes.is_empty()
    }

    /// The set of these codes alone; codes outside 200 to 599 are harmless: no refused upgrade has them.
    #[must_use]
    pub fn of(codes: &[u16]) -> Self {
        Self {
            ranges: merged(codes.iter().map(|&code| (code, code)).collect()),
            ..Self::default()
        }
    }

    /// Every failure that there is.
    fn any() -> Self {
        Self {
            ranges: vec![(LOWEST, HIGHEST)],
            closes: vec![(LOWEST_CLOSE, HIGHEST_CLOSE)],
            network: true,
            timeout: true,
            hopeless: true,
        }
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
}

fn holds(ranges: &[(u16, u16)], code: u16) -> bool {
    ranges.iter().any(|&(first, last)| (first..=last).contains(&code))
}

/// Sorted, and those that overlap or touch as one.
fn merged(mut ranges: Vec<(u16, u16)>) -> Vec<(u16, u16)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u16, u16)> = Vec::new();
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

impl FromStr for StatusSet {
    type Err = StatusSetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().eq_ignore_ascii_case("none") {
            return Ok(Self::default());
        }
        let (mut ranges, mut closes, mut network, mut timeout) = (Vec::new(), Vec::new(), false, false);
        let mut any = false;
        for token in text.split(',') {
            let token = token.trim().to_ascii_lowercase();
            match token.as_str() {
                "" => return Err(StatusSetError::Empty),
                "network" => network = true,
                "timeout" => timeout = true,
                "any" => any = true,
                _ => match token.strip_prefix(CLOSED) {
                    Some(codes) => closes.push(parse_closes(codes, &token)?),
                    None => ranges.push(parse_statuses(&token)?),
                },
            }
        }
        if any {
            return Ok(Self::any());
        }
        Ok(Self {
            ranges: merged(ranges),
            closes: merged(closes),
            network,
            timeout,
            hopeless: false,
        })
    }
}

/// What stands behind `closed.`: a code, a range, or a star for all.
fn parse_closes(codes: &str, token: &str) -> Result<(u16, u16), StatusSetError> {
    if codes == "*" {
        return Ok((LOWEST_CLOSE, HIGHEST_CLOSE));
    }
    parse_range(
        codes,
        token,
        LOWEST_CLOSE..=HIGHEST_CLOSE,
        StatusSetError::OutsideCloses,
    )
}

/// A status, a range of them, or a class.
fn parse_statuses(token: &str) -> Result<(u16, u16), StatusSetError> {
    let all = LOWEST..=HIGHEST;
    let Some(class) = token.strip_suffix("xx") else {
        return parse_range(token, token, all, StatusSetError::Outside);
    };
    let first = format!("{}00", class.trim_end());
    let (first, _) = parse_range(&first, token, all, StatusSetError::Outside)?;
    if class.len() == 1 {
        Ok((first, first + 99))
    } else {
        Err(StatusSetError::Unknown(shown(token)))
    }
}

/// One number or two with a hyphen between, within `all`; faults name the whole `token`.
fn parse_range(
    text: &str,
    token: &str,
    all: RangeInclusive<u16>,
    outside: fn(String) -> StatusSetError,
) -> Result<(u16, u16), StatusSetError> {
    let code = |text: &str| -> Result<u16, StatusSetError> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(StatusSetError::Unknown(shown(token)));
        }
        let value = text.parse().ok().filter(|value| all.contains(value));
        value.ok_or_else(|| outside(shown(token)))
    };
    let Some((first, last)) = text.split_once('-') else {
        return code(text).map(|only| (only, only));
    };
    let (first, last) = (code(first)?, code(last)?);
    if first <= last {
        Ok((first, last))
    } else {
        Err(StatusSetError::Backwards(shown(token)))
    }
}

fn shown(token: &str) -> String {
    token.chars().take(64).collect()
}

impl fmt::Display for StatusSet {
    /// The shortest text that reads back as this set.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hopeless {
            return out.write_str("any");
        }
        let mut parts: Vec<String> = Vec::new();
        for &(first, last) in &self.ranges {
            parts.push(match (first, last) {
                (one, same) if one == same => one.to_string(),
                (start, end) if start % 100 == 0 && end == start + 99 => format!("{}xx", start / 100),
                (start, end) => format!("{start}-{end}"),
            });
        }
        parts.extend(self.closes.iter().map(|&(first, last)| match (first, last) {
            (LOWEST_CLOSE, HIGHEST_CLOSE) => format!("{CLOSED}*"),
            (one, same) if one == same => format!("{CLOSED}{one}"),
            (start, end) => format!("{CLOSED}{start}-{end}"),
        }));
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
    fn close_codes_are_apart_from_statuses() {
        let set: StatusSet = "429,closed.1008,closed.4000-4100".parse().unwrap();
        for code in [1008, 4000, 4029, 4100] {
            assert!(set.contains_close(code), "{code}");
        }
        for code in [0, 429, 1000, 1013, 3999, 4101, u16::MAX] {
            assert!(!set.contains_close(code), "{code}");
        }
        assert!(set.has_closes() && !set.contains(1008));
        assert!(!StatusSet::of(&[429]).has_closes());
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
            ("closed.1013,429,network", "429,closed.1013,network"),
            (
                "Closed.4001, closed.4000,closed.1008",
                "closed.1008,closed.4000-4001",
            ),
            ("closed.4029,closed.*", "closed.*"),
            ("closed.1000 - 4999", "closed.*"),
            ("Any", "any"),
            ("429,any", "any"),
        ] {
            let set: StatusSet = text.parse().unwrap();
            assert_eq!(set.to_string(), shown);
            assert_eq!(set.to_string().parse(), Ok(set));
        }
        assert_eq!(StatusSet::of(&[429]), "429".parse().unwrap());
    }

    #[test]
    fn any_holds_every_failure() {
        let set: StatusSet = "any".parse().unwrap();
        assert!(set.network && set.timeout && set.hopeless);
        assert!([200, 302, 404, 599].iter().all(|&status| set.contains(status)));
        assert!([1000, 1006, 4999].iter().all(|&code| set.contains_close(code)));
        let all: StatusSet = "200-599,closed.*,network,timeout".parse().unwrap();
        assert!(!all.hopeless, "a certificate is none of these");
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
            ("closed.", "\"closed.\" is no status"),
            ("closed.1x", "\"closed.1x\" is no status"),
            ("closed.4xx", "\"closed.4xx\" is no status"),
            (
                "closed.999",
                "\"closed.999\" is outside closed.1000 to closed.4999",
            ),
            ("closed.5000", "\"closed.5000\" is outside closed.1000"),
            ("closed.1013-1008", "\"closed.1013-1008\" ends before it starts"),
            ("closed1013", "\"closed1013\" is no status"),
        ] {
            let error = text.parse::<StatusSet>().unwrap_err().to_string();
            assert!(error.contains(message), "{text:?}: {error}");
        }
    }
}
