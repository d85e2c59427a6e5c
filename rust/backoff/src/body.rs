//! The pattern that finds a hint in the body of a refusal.

use crate::hint::HintFault;
use crate::length::Unit;
use regex::bytes::{Captures, Regex, RegexBuilder};
use std::fmt;
use std::str::FromStr;

/// A regular expression for bodies like `Retry the request in [12] seconds`.
///
/// The number stands in the group named `ms` (milliseconds) or `seconds`, else in the first group (seconds); a unit that stands
/// in the group with it (`2s`) counts. The engine has no
/// backtracking: the time of a search grows with the body's length alone, and the size of the compiled pattern is bounded.
#[derive(Debug, Clone)]
pub struct BodyPattern {
    regex: Regex,
}

/// Why a text is no body pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyPatternError {
    /// Longer than 1000 bytes, or too large when compiled.
    #[error("the pattern is too large")]
    TooLarge,
    /// Without a group there is no number to read.
    #[error("the pattern has no group for the number, like in: in \\[(\\d+)\\] seconds")]
    NoGroup,
    /// The syntax of regular expressions is broken.
    #[error("no regular expression: {0}")]
    Syntax(String),
}

const LONGEST_PATTERN: usize = 1000;
const LARGEST_PROGRAM: usize = 1 << 20;
const LONGEST_BODY: usize = 64 * 1024;

/// What a pattern found.
pub(crate) struct Found {
    /// The whole match.
    pub(crate) raw: String,
    /// The text of the number, and what it counts if it does not say so itself.
    pub(crate) number: Result<(String, Unit), HintFault>,
}

impl BodyPattern {
    /// The first match within the first 64 KiB.
    pub(crate) fn find(&self, body: &[u8]) -> Option<Found> {
        let captures = self.regex.captures(&body[..body.len().min(LONGEST_BODY)])?;
        let whole = captures.get(0).expect("group 0 is the match").as_bytes();
        Some(Found {
            raw: text(&whole[..whole.len().min(1024)]),
            number: number(&captures),
        })
    }
}

fn number(captures: &Captures<'_>) -> Result<(String, Unit), HintFault> {
    let named = |name| captures.name(name).map(|group| text(group.as_bytes()));
    if let Some(milliseconds) = named("ms") {
        return Ok((milliseconds, Unit::Milliseconds));
    }
    let seconds = named("seconds").or_else(|| captures.get(1).map(|group| text(group.as_bytes())));
    // A group in an alternative that was not taken holds nothing.
    seconds
        .map(|seconds| (seconds, Unit::Seconds))
        .ok_or(HintFault::Malformed)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl FromStr for BodyPattern {
    type Err = BodyPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST_PATTERN {
            return Err(BodyPatternError::TooLarge);
        }
        let built = RegexBuilder::new(text)
            .size_limit(LARGEST_PROGRAM)
            .dfa_size_limit(LARGEST_PROGRAM)
            .build();
        let regex = built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => BodyPatternError::TooLarge,
            // The crate draws the place over several lines; the last one names the fault.
            other => BodyPatternError::Syntax(
                other
                    .to_string()
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ")
                    .to_string(),
            ),
        })?;
        if regex.captures_len() < 2 {
            return Err(BodyPatternError::NoGroup);
        }
        Ok(Self { regex })
    }
}

impl fmt::Display for BodyPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.regex.as_str())
    }
}

impl PartialEq for BodyPattern {
    /// Patterns are equal when their texts are.
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_cannot_be_searched() {
        for (pattern, message) in [
            ("", "no group"),
            ("in \\d+ seconds", "no group"),
            ("(?:\\d+)", "no group"),
            ("(\\d+", "no regular expression: unclosed group"),
            (
                "(a)\\1",
                "no regular expression: backreferences are not supported",
            ),
            ("(?:\\w{500}){500}(\\d)", "too large"),
        ] {
            let error = pattern.parse::<BodyPattern>().unwrap_err().to_string();
            assert!(error.contains(message), "{pattern}: {error}");
        }
        assert_eq!(
            format!("({})", "x".repeat(1000)).parse::<BodyPattern>(),
            Err(BodyPatternError::TooLarge)
        );
    }

    #[test]
    fn prints_as_written() {
        let pattern: BodyPattern = "in \\[(?<seconds>\\d+)\\]".parse().unwrap();
        assert_eq!(pattern.to_string(), "in \\[(?<seconds>\\d+)\\]");
        assert_eq!(pattern, pattern.to_string().parse().unwrap());
        assert_ne!(pattern, "(\\d+)".parse().unwrap());
    }

    #[test]
    fn searches_the_first_64_kib_only_and_in_linear_time() {
        let pattern: BodyPattern = "(?:a*)*b(\\d+)".parse().unwrap();
        let mut body = vec![b'a'; 64 * 1024];
        body.extend_from_slice(b"b17");
        assert!(pattern.find(&body).is_none());
        assert!(pattern.find(b"ab17").is_some());
    }
}
