//! The policy as a line of text, `decorrelated base=1s cap=30s`: read and written by one table of words.

use crate::hint::{HintJitter, HintMode, TooLong};
use crate::policy::{Policy, PolicyError};
use crate::source::HintSource;
use crate::strategy::Strategy;
use crate::words::UnknownWord;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use units::{DURATION_FORMS, format_duration, parse_duration};

/// Policies as they may be written, one a line, for help texts.
pub const POLICY_FORMS: &[&str] = &[
    "decorrelated",
    "decorrelated base=1s cap=30s max-elapsed=2m hint=floor hint-jitter=growing",
    "additive cap=1m max-attempts=5",
    "table table=1s,5s,30s jitter=0",
    "full base=500ms transient=500-599,network hint-body-pattern=\"in \\[(\\d+)\\] seconds\"",
    "none",
];

/// Why a text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyTextError {
    /// The first word names no strategy.
    #[error("the first word must name the strategy: {0}")]
    Strategy(#[from] UnknownWord),
    /// A word that no policy has, or no `name=value`.
    #[error("{word:?} is not for a policy; allowed are {allowed}, each as name=value")]
    Word {
        /// The word, at most 64 characters of it.
        word: String,
        /// The names of all words.
        allowed: String,
    },
    /// A seed belongs to a run, not to its policy: it goes to [`crate::Backoff::new`].
    #[error("seed is not for a policy: it belongs to the run and is set beside it")]
    Seed,
    /// A word stands twice.
    #[error("{0} stands twice")]
    Twice(&'static str),
    /// A value begins with a quotation mark, and does not end with one that a space or the end follows.
    #[error("{0}: the quotation marks do not match; a quotation mark within is written twice")]
    Quotes(&'static str),
    /// The value of a word is not allowed, by itself or beside the others.
    #[error("{word}={value:?} is not allowed: {problem}; allowed: {allowed}")]
    Value {
        /// The word.
        word: &'static str,
        /// Its value, at most 256 characters of it.
        value: String,
        /// What is wrong with it.
        problem: String,
        /// What it may be.
        allowed: String,
    },
}

/// A word of the text and its field of the policy.
struct Word {
    name: &'static str,
    /// As [`Policy::check`] names it.
    field: &'static str,
    allowed: Allowed,
    /// Puts the value into the policy, or says what is wrong with it.
    read: fn(&mut Policy, &str) -> Result<(), String>,
    /// The value as text; `None`: there is none, which no text says.
    write: fn(&Policy) -> Option<String>,
}

/// What a value may be.
enum Allowed {
    Text(&'static str),
    OneOf(&'static [&'static str]),
    ListOf(&'static [&'static str]),
}

impl fmt::Display for Allowed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::OneOf(words) => write!(out, "one of {}", words.join(", ")),
            Self::ListOf(words) => write!(
                out,
                "none, or with commas between them any of {}",
                words.join(", ")
            ),
        }
    }
}

const DURATION: Allowed = Allowed::Text(DURATION_FORMS);
const STATUSES: Allowed = Allowed::Text(
    "statuses (429), ranges (500-503), classes (5xx), close codes (closed.1013), network and timeout with commas between them, or none",
);

/// A word whose value is the field's own text: a duration, or an enum of words.
macro_rules! word {
    ($name:literal, $stored:literal, duration $($field:ident).+) => {
        Word {
            name: $name,
            field: $stored,
            allowed: DURATION,
            read: |policy, text| put(&mut policy.$($field).+, duration(text)),
            write: |policy| Some(exact(policy.$($field).+)),
        }
    };
    ($name:literal, $stored:literal, $allowed:expr, parsed $($field:ident).+) => {
        Word {
            name: $name,
            field: $stored,
            allowed: $allowed,
            read: |policy, text| put(&mut policy.$($field).+, text.parse().map_err(said)),
            write: |policy| Some(policy.$($field).+.to_string()),
        }
    };
}

/// In the order in which they are written.
const WORDS: &[Word] = &[
    word!("base", "base", duration base),
    word!("cap", "cap", duration cap),
    Word {
        name: "multiplier",
        field: "multiplier",
        allowed: Allowed::Text("a number, 1 to 1000"),
        read: |policy, text| put(&mut policy.multiplier, decimal(text).map(Some)),
        write: |policy| policy.multiplier.map(|multiplier| multiplier.to_string()),
    },
    Word {
        name: "jitter",
        field: "jitter",
        allowed: Allowed::Text("a number, 0 to 1"),
        read: |policy, text| put(&mut policy.jitter, decimal(text)),
        write: |policy| Some(policy.jitter.to_string()),
    },
    Word {
        name: "table",
        field: "table",
        allowed: Allowed::Text("durations with commas between them: 1s,5s,30s"),
        read: |policy, text| put(&mut policy.table, text.split(',').map(duration).collect()),
        write: |policy| list(policy.table.iter().map(|entry| exact(*entry))),
    },
    word!("transient-base", "transientBase", duration transient_base),
    word!("max-elapsed", "maxElapsed", duration max_elapsed),
    Word {
        name: "max-attempts",
        field: "maxAttempts",
        allowed: Allowed::Text("a whole number; 0 is no limit"),
        read: |policy, text| put(&mut policy.max_attempts, whole(text)),
        write: |policy| Some(policy.max_attempts.to_string()),
    },
    word!("attempt-timeout", "attemptTimeout", duration attempt_timeout),
    word!("throttle", "throttle", STATUSES, parsed throttle),
    word!("transient", "transient", STATUSES, parsed transient),
    word!("hint", "hint.mode", Allowed::OneOf(HintMode::NAMES), parsed hints.mode),
    word!("hint-jitter", "hint.jitter", Allowed::OneOf(HintJitter::NAMES), parsed hints.jitter),
    word!("hint-max", "hint.max", duration hints.max),
    word!("hint-on-too-long", "hint.onTooLong", Allowed::OneOf(TooLong::NAMES), parsed hints.on_too_long),
    Word {
        name: "hint-sources",
        field: "hint.sources",
        allowed: Allowed::ListOf(HintSource::FORMS),
        read: |policy, text| put(&mut policy.hints.sources, sources(text)),
        write: |policy| {
            let words = policy.hints.sources.iter().map(ToString::to_string);
            list(words).or_else(|| Some("none".to_owned()))
        },
    },
    Word {
        name: "hint-body-pattern",
        field: "hint.bodyPattern",
        allowed: Allowed::Text(
            "a regular expression with a group for the number, in quotation marks if it has spaces",
        ),
        read: |policy, text| {
            put(
                &mut policy.hints.body_pattern,
                text.parse().map(Some).map_err(said),
            )
        },
        write: |policy| policy.hints.body_pattern.as_ref().map(ToString::to_string),
    },
];

fn put<T>(place: &mut T, value: Result<T, String>) -> Result<(), String> {
    *place = value?;
    Ok(())
}

fn said(error: impl fmt::Display) -> String {
    error.to_string()
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| format!("{} is {error}", shown(text, 64)))
}

/// A plain decimal: `f64` would also take `inf`, `1e9` and `+5`.
fn decimal(text: &str) -> Result<f64, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse()
        .ok()
        .filter(|_| plain)
        .ok_or_else(|| "not a plain number".to_owned())
}

fn whole(text: &str) -> Result<u32, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| format!("not a whole number up to {}", u32::MAX))
}

fn sources(text: &str) -> Result<Vec<HintSource>, String> {
    if text == "none" {
        return Ok(Vec::new());
    }
    HintSource::parse_list(text).map_err(|error| format!("{:?} is no source", error.word))
}

/// With commas between; `None` when there is nothing.
fn list(words: impl Iterator<Item = String>) -> Option<String> {
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| words.join(","))
}

/// The short form of a duration where it reads back as the same, else milliseconds with all digits.
fn exact(duration: Duration) -> String {
    let short = format_duration(duration);
    if parse_duration(&short) == Ok(duration) {
        return short;
    }
    let micros = duration.as_micros();
    format!("{}.{:03}ms", micros / 1_000, micros % 1_000)
}

fn shown(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Splits the first word off: its name, its value without quotation marks, and what is left of the text.
fn split(text: &str) -> Result<(&'static Word, Cow<'_, str>, &str), PolicyTextError> {
    let end = text
        .find(|c: char| c == '=' || c.is_whitespace())
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let known = WORDS
        .iter()
        // The stored name of `hint` has its kind behind it, as those of the other hint words have.
        .find(|word| word.name == name || (word.name == "hint" && name == "hint-mode"));
    let (Some(word), Some(value)) = (known, rest.strip_prefix('=')) else {
        return Err(if name == "seed" {
            PolicyTextError::Seed
        } else {
            let end = text.find(char::is_whitespace).unwrap_or(text.len());
            let names: Vec<&str> = WORDS.iter().map(|word| word.name).collect();
            PolicyTextError::Word {
                word: shown(&text[..end], 64),
                allowed: names.join(", "),
            }
        });
    };
    let Some(quoted) = value.strip_prefix('"') else {
        let end = value.find(char::is_whitespace).unwrap_or(value.len());
        return Ok((word, Cow::Borrowed(&value[..end]), &value[end..]));
    };
    let end = closing(quoted).ok_or(PolicyTextError::Quotes(word.name))?;
    Ok((
        word,
        Cow::Owned(quoted[..end].replace("\"\"", "\"")),
        &quoted[end + 1..],
    ))
}

/// Where the quotation mark stands that ends a value: one that is not doubled, before a space or the end.
fn closing(quoted: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let end = from + quoted[from..].find('"')?;
        match quoted[end + 1..].chars().next() {
            Some('"') => from = end + 2,
            None => return Some(end),
            Some(next) => return next.is_whitespace().then_some(end),
        }
    }
}

/// In quotation marks where the text could not be told from the words around it.
fn quoted(value: &str) -> Cow<'_, str> {
    if value.is_empty() || value.contains(|c: char| c == '"' || c.is_whitespace()) {
        Cow::Owned(format!("\"{}\"", value.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(value)
    }
}

/// A policy is written as one line: the strategy, then words `name=value` in any order, each at most once. A word that is
/// not there has its default. The names are those that plans store, in kebab case:
///
/// | word | stored as | value |
/// |---|---|---|
/// | (the first) | `wsb.retry.strategy` | one of [`Strategy::NAMES`] |
/// | `base` | `wsb.retry.base` | duration |
/// | `cap` | `wsb.retry.cap` | duration |
/// | `multiplier` | `wsb.retry.multiplier` | number, 1 to 1000; left out: 2, for `decorrelated` 3 |
/// | `jitter` | `wsb.retry.jitter` | number, 0 to 1 |
/// | `table` | `wsb.retry.table` | durations: `1s,5s,30s` |
/// | `transient-base` | `wsb.retry.transientBase` | duration |
/// | `max-elapsed` | `wsb.retry.maxElapsed` | duration above 0 |
/// | `max-attempts` | `wsb.retry.maxAttempts` | whole number, 0 is no limit |
/// | `attempt-timeout` | `wsb.retry.attemptTimeout` | duration above 0 |
/// | `throttle` | `wsb.retry.throttle` | statuses, close codes, `network`, `timeout`: `429,503,closed.1013`, or `none` |
/// | `transient` | `wsb.retry.transient` | likewise |
/// | `hint` | `wsb.hint.mode` | one of [`HintMode::NAMES`]; the word may be `hint-mode` too |
/// | `hint-jitter` | `wsb.hint.jitter` | one of [`HintJitter::NAMES`] |
/// | `hint-max` | `wsb.hint.max` | duration above 0 |
/// | `hint-on-too-long` | `wsb.hint.onTooLong` | one of [`TooLong::NAMES`] |
/// | `hint-sources` | `wsb.hint.sources` | [`HintSource::FORMS`] in their order: `retry-after,x-retry-in,body`, or `none` |
/// | `hint-body-pattern` | `wsb.hint.bodyPattern` | regular expression |
///
/// Durations are `1500` (milliseconds), `1.5s`, `2m`, in whole microseconds. A value with spaces or quotation marks stands in
/// quotation marks, and those within it are doubled: `hint-body-pattern="wait (\d+) ""s"""`. There is no word for the seed.
impl FromStr for Policy {
    type Err = PolicyTextError;

    /// Reads and checks a policy.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (first, mut rest) = text.split_at(end);
        let mut policy = Self {
            strategy: first.parse::<Strategy>()?,
            ..Self::default()
        };
        let mut seen: Vec<&str> = Vec::new();
        while !rest.trim_start().is_empty() {
            let (word, value, behind) = split(rest.trim_start())?;
            if seen.contains(&word.name) {
                return Err(PolicyTextError::Twice(word.name));
            }
            (word.read)(&mut policy, &value).map_err(|problem| PolicyTextError::Value {
                word: word.name,
                value: shown(&value, 256),
                problem,
                allowed: word.allowed.to_string(),
            })?;
            seen.push(word.name);
            rest = behind;
        }
        policy.check().map_err(misfit)?;
        Ok(policy)
    }
}

/// The check speaks of stored names, the text of words.
fn misfit(error: PolicyError) -> PolicyTextError {
    let word = WORDS.iter().find(|word| word.field == error.field);
    PolicyTextError::Value {
        word: word.map_or(error.field, |word| word.name),
        value: error.value,
        problem: "it does not fit".to_owned(),
        allowed: error.allowed,
    }
}

impl fmt::Display for Policy {
    /// The strategy and what differs from the defaults; with `{:#}` all words. Either reads back as the same policy, if
    /// that passes [`Policy::check`] and its durations are whole microseconds.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = Self::default();
        write!(out, "{}", self.strategy)?;
        for word in WORDS {
            let Some(value) = (word.write)(self) else { continue };
            if out.alternate() || (word.write)(&default).as_ref() != Some(&value) {
                write!(out, " {}={}", word.name, quoted(&value))?;
            }
        }
        Ok(())
    }
}
