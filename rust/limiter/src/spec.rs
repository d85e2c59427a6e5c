//! What a limit is, as people write it: `token-bucket rate=50 burst=50`, and the bound that it sets on a herd.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use units::{DURATION_FORMS, format_duration, parse_duration};

/// The slowest token bucket: one token in about eleven days.
pub const SMALLEST_RATE: f64 = 1e-6;
/// The fastest token bucket, in tokens a second.
pub const LARGEST_RATE: f64 = 1e6;

const SHORTEST_WINDOW: Duration = Duration::from_millis(1);

/// The rules as they may be written, one a line, for help texts and messages.
pub const RULE_FORMS: &[&str] = &[
    "token-bucket rate=50 burst=50",
    "fixed-window limit=120 window=60s",
    "sliding-window limit=50 window=10s",
    "concurrency limit=20",
    "none",
];

/// The kind of a limit and its figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// `burst` tokens at most, `rate` new ones a second, one for each that is let in.
    TokenBucket {
        /// Tokens a second, [`SMALLEST_RATE`] to [`LARGEST_RATE`].
        rate: f64,
        /// Tokens in the full bucket, at least 1.
        burst: u32,
    },
    /// `limit` in each window. A window starts with the first attempt after the last window ended.
    FixedWindow {
        /// How many are let in; 0 refuses all.
        limit: u32,
        /// How long a window lasts, 1 ms at least.
        window: Duration,
    },
    /// `limit` in any span of length `window`, exactly: each has its own time stamp.
    SlidingWindow {
        /// How many are let in; 0 refuses all.
        limit: u32,
        /// How long one counts, 1 ms at least.
        window: Duration,
    },
    /// `limit` at the same time.
    Concurrency {
        /// How many are let in; 0 refuses all.
        limit: u32,
    },
    /// No limit.
    Unlimited,
}

impl Rule {
    /// The word that a text starts with.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::TokenBucket { .. } => "token-bucket",
            Self::FixedWindow { .. } => "fixed-window",
            Self::SlidingWindow { .. } => "sliding-window",
            Self::Concurrency { .. } => "concurrency",
            Self::Unlimited => "none",
        }
    }
}

/// A limit as a server is configured with it.
///
/// `reject_counts` makes refused attempts count too, which starves clients that hammer:
/// - sliding window: each attempt is logged, so one passes only after less than `limit` attempts in the last `window`
///   (HAProxy's `http_req_rate` behaves so);
/// - token bucket: a refused attempt takes what is in the bucket, down to zero and not below, so one passes only after
///   `1 / rate` without an attempt;
/// - fixed window: a refused attempt starts the full window's time anew, without emptying it (a counter in a store whose
///   expiry each further hit renews), so one passes only after a `window` without an attempt;
/// - concurrency and none: no meaning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitSpec {
    /// Kind and figures.
    pub rule: Rule,
    /// Whether refused attempts count.
    pub reject_counts: bool,
}

impl Default for LimitSpec {
    fn default() -> Self {
        Rule::Unlimited.into()
    }
}

impl From<Rule> for LimitSpec {
    fn from(rule: Rule) -> Self {
        Self {
            rule,
            reject_counts: false,
        }
    }
}

/// Why a text or a [`LimitSpec`] is no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The first word names no rule.
    #[error("\"{0}\" is no limit: allowed are {rules}", rules = quoted(RULE_FORMS))]
    Rule(String),
    /// A word that the rule does not know, or no `name=value`.
    #[error("\"{word}\" is not for {rule}: allowed are {allowed}")]
    Word {
        /// The word as written.
        word: String,
        /// The rule.
        rule: &'static str,
        /// What the rule takes.
        allowed: &'static str,
    },
    /// A word stands twice.
    #[error("{0} stands twice")]
    Twice(&'static str),
    /// A word is missing.
    #[error("{rule} needs {word}: {allowed}")]
    Missing {
        /// The rule.
        rule: &'static str,
        /// What is missing.
        word: &'static str,
        /// What it may be.
        allowed: String,
    },
    /// The value of a word is not allowed.
    #[error("{word}=\"{value}\" is not allowed: {allowed}")]
    Value {
        /// The word.
        word: &'static str,
        /// The value as written.
        value: String,
        /// What it may be.
        allowed: String,
    },
}

fn quoted(forms: &[&str]) -> String {
    forms
        .iter()
        .map(|form| format!("\"{form}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What the value of a word may be.
fn allowed(word: &str) -> String {
    match word {
        "rate" => format!("a number of tokens a second, {SMALLEST_RATE} to {LARGEST_RATE}"),
        "burst" => format!("a whole number, 1 to {}", u32::MAX),
        "limit" => format!("a whole number, 0 to {} (0 refuses all)", u32::MAX),
        "window" => format!("a duration of at least 1ms: {DURATION_FORMS}"),
        _ => "true or false".to_owned(),
    }
}

impl LimitSpec {
    /// Checks the figures of a limit that was put together in code.
    ///
    /// # Errors
    /// [`LimitError::Value`] for a rate outside of its bounds, a burst of 0 or a window below 1 ms.
    pub fn check(&self) -> Result<(), LimitError> {
        let refuse = |word: &'static str, value: String| {
            Err(LimitError::Value {
                word,
                value,
                allowed: allowed(word),
            })
        };
        match self.rule {
            Rule::TokenBucket { rate, .. } if !(SMALLEST_RATE..=LARGEST_RATE).contains(&rate) => {
                refuse("rate", rate.to_string())
            }
            Rule::TokenBucket { burst: 0, .. } => refuse("burst", "0".to_owned()),
            Rule::FixedWindow { window, .. } | Rule::SlidingWindow { window, .. }
                if window < SHORTEST_WINDOW =>
            {
                refuse("window", format_duration(window))
            }
            _ => Ok(()),
        }
    }

    /// The time that physics asks for until `users` who all start at once are all let in, however clever they wait:
    /// `(N - B) / R` for a token bucket, `(ceil(N / Q) - 1) * W` for a window. `None` when it is never, or nobody can know.
    #[must_use]
    pub fn bound(&self, users: u32) -> Option<Duration> {
        match self.rule {
            Rule::TokenBucket { rate, burst } => {
                Duration::try_from_secs_f64(f64::from(users.saturating_sub(burst)) / rate).ok()
            }
            Rule::FixedWindow { limit, window } | Rule::SlidingWindow { limit, window } => {
                match (users, limit) {
                    (0, _) => Some(Duration::ZERO),
                    (_, 0) => None,
                    _ => window.checked_mul(users.div_ceil(limit) - 1),
                }
            }
            Rule::Concurrency { limit } => (users <= limit).then_some(Duration::ZERO),
            Rule::Unlimited => Some(Duration::ZERO),
        }
    }
}

impl fmt::Display for LimitSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.rule.word();
        match self.rule {
            Rule::TokenBucket { rate, burst } => write!(f, "{word} rate={rate} burst={burst}")?,
            Rule::FixedWindow { limit, window } | Rule::SlidingWindow { limit, window } => {
                write!(f, "{word} limit={limit} window={}", exact(window))?;
            }
            Rule::Concurrency { limit } => return write!(f, "{word} limit={limit}"),
            Rule::Unlimited => return f.write_str(word),
        }
        if self.reject_counts {
            f.write_str(" reject-counts=true")
        } else {
            Ok(())
        }
    }
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

/// The words of a text behind the rule, each at most once.
#[derive(Default)]
struct Words<'a> {
    rate: Option<&'a str>,
    burst: Option<&'a str>,
    limit: Option<&'a str>,
    window: Option<&'a str>,
    reject_counts: Option<&'a str>,
}

impl<'a> Words<'a> {
    fn read(
        rule: &'static str,
        takes: &'static str,
        words: impl Iterator<Item = &'a str>,
    ) -> Result<Self, LimitError> {
        let mut read = Self::default();
        for word in words {
            let unknown = || LimitError::Word {
                word: word.to_owned(),
                rule,
                allowed: takes,
            };
            let (name, value) = word.split_once('=').ok_or_else(unknown)?;
            let Some(known) = takes.split(", ").find(|known| *known == name) else {
                return Err(unknown());
            };
            let place = match known {
                "rate" => &mut read.rate,
                "burst" => &mut read.burst,
                "limit" => &mut read.limit,
                "window" => &mut read.window,
                _ => &mut read.reject_counts,
            };
            if place.replace(value).is_some() {
                return Err(LimitError::Twice(known));
            }
        }
        Ok(read)
    }
}

/// The value of a word that must be there.
fn value<T>(
    rule: &'static str,
    word: &'static str,
    text: Option<&str>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, LimitError> {
    let text = text.ok_or_else(|| LimitError::Missing {
        rule,
        word,
        allowed: allowed(word),
    })?;
    read(text).ok_or_else(|| LimitError::Value {
        word,
        value: text.to_owned(),
        allowed: allowed(word),
    })
}

/// A plain decimal: `f64` alone would also take `inf`, `NaN` and `1e3`.
fn decimal(text: &str) -> Option<f64> {
    text.bytes()
        .all(|b| b.is_ascii_digit() || b == b'.')
        .then(|| text.parse().ok())?
}

fn whole(text: &str) -> Option<u32> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

impl FromStr for LimitSpec {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let mut words = text.split_whitespace();
        let first = words.next().unwrap_or_default();
        let (rule, takes) = match first {
            "token-bucket" => ("token-bucket", "rate, burst, reject-counts"),
            "fixed-window" => ("fixed-window", "limit, window, reject-counts"),
            "sliding-window" => ("sliding-window", "limit, window, reject-counts"),
            "concurrency" => ("concurrency", "limit"),
            "none" => ("none", "no further words"),
            _ => return Err(LimitError::Rule(first.to_owned())),
        };
        let words = Words::read(rule, takes, words)?;
        let limit = || value(rule, "limit", words.limit, whole);
        let window = || value(rule, "window", words.window, |text| parse_duration(text).ok());
        let kind = match rule {
            "token-bucket" => Rule::TokenBucket {
                rate: value(rule, "rate", words.rate, decimal)?,
                burst: value(rule, "burst", words.burst, whole)?,
            },
            "fixed-window" => Rule::FixedWindow {
                limit: limit()?,
                window: window()?,
            },
            "sliding-window" => Rule::SlidingWindow {
                limit: limit()?,
                window: window()?,
            },
            "concurrency" => Rule::Concurrency { limit: limit()? },
            _ => Rule::Unlimited,
        };
        let reject_counts = value(
            rule,
            "reject-counts",
            words.reject_counts.or(Some("false")),
            |text| text.parse().ok(),
        )?;
        let spec = Self {
            rule: kind,
            reject_counts,
        };
        spec.check()?;
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_reads() {
        for text in [
            "token-bucket rate=50 burst=50",
            "token-bucket rate=0.000001 burst=1 reject-counts=true",
            "token-bucket rate=0.1 burst=4294967295",
            "fixed-window limit=120 window=1m",
            "fixed-window limit=0 window=1ms",
            "sliding-window limit=50 window=10s reject-counts=true",
            "sliding-window limit=50 window=1000.500ms",
            "concurrency limit=5",
            "none",
        ] {
            let spec: LimitSpec = text.parse().unwrap();
            assert_eq!(spec.to_string(), text);
        }
    }

    #[test]
    fn takes_words_in_any_order_and_spacing() {
        let spec: LimitSpec = "  fixed-window\twindow=60s  reject-counts=false limit=120 "
            .parse()
            .unwrap();
        assert_eq!(
            spec,
            Rule::FixedWindow {
                limit: 120,
                window: Duration::from_secs(60)
            }
            .into()
        );
    }

    #[test]
    fn a_wrong_text_is_told_with_word_value_and_what_is_allowed() {
        for (text, said) in [
            (
                "",
                vec!["\"\" is no limit", "token-bucket rate=50 burst=50", "none"],
            ),
            (
                "leaky-bucket rate=5",
                vec!["\"leaky-bucket\" is no limit", "sliding-window"],
            ),
            (
                "token-bucket rate=5",
                vec!["token-bucket needs burst", "1 to 4294967295"],
            ),
            (
                "token-bucket rate=x burst=5",
                vec!["rate=\"x\"", "tokens a second"],
            ),
            (
                "token-bucket rate=0 burst=5",
                vec!["rate=\"0\"", "0.000001 to 1000000"],
            ),
            ("token-bucket rate=-1 burst=5", vec!["rate=\"-1\""]),
            ("token-bucket rate=inf burst=5", vec!["rate=\"inf\""]),
            ("token-bucket rate=NaN burst=5", vec!["rate=\"NaN\""]),
            ("token-bucket rate=1e3 burst=5", vec!["rate=\"1e3\""]),
            ("token-bucket rate= burst=5", vec!["rate=\"\""]),
            ("token-bucket rate=5 burst=0", vec!["burst=\"0\""]),
            ("token-bucket rate=5 burst=+3", vec!["burst=\"+3\""]),
            (
                "fixed-window limit=-1 window=1s",
                vec!["limit=\"-1\"", "0 to 4294967295"],
            ),
            (
                "fixed-window limit=4294967296 window=1s",
                vec!["limit=\"4294967296\""],
            ),
            (
                "fixed-window limit=3 window=0",
                vec!["window=\"0ms\"", "at least 1ms"],
            ),
            (
                "fixed-window limit=3 window=soon",
                vec!["window=\"soon\"", "1.5s"],
            ),
            (
                "fixed-window limit=3 limit=4 window=1s",
                vec!["limit stands twice"],
            ),
            (
                "fixed-window limit=3 window=1s burst=3",
                vec!["\"burst=3\" is not for fixed-window", "limit, window"],
            ),
            (
                "sliding-window limit=3 window=1s reject-counts=yes",
                vec!["reject-counts=\"yes\"", "true or false"],
            ),
            (
                "concurrency limit=3 reject-counts=true",
                vec!["\"reject-counts=true\" is not for concurrency"],
            ),
            ("concurrency 3", vec!["\"3\" is not for concurrency", "limit"]),
            (
                "none limit=3",
                vec!["\"limit=3\" is not for none", "no further words"],
            ),
        ] {
            let message = text.parse::<LimitSpec>().unwrap_err().to_string();
            for part in said {
                assert!(message.contains(part), "{text}: {message}");
            }
        }
    }

    #[test]
    fn the_forms_that_help_shows_are_limits() {
        for form in RULE_FORMS {
            form.parse::<LimitSpec>().unwrap();
        }
    }

    #[test]
    fn the_bound_is_what_physics_asks_for() {
        for (text, users, seconds) in [
            ("token-bucket rate=10 burst=20", 200, Some(18.0)),
            ("token-bucket rate=5 burst=20", 200, Some(36.0)),
            ("token-bucket rate=5 burst=20", 10, Some(0.0)),
            ("fixed-window limit=100 window=60s", 200, Some(60.0)),
            ("fixed-window limit=120 window=60s", 200, Some(60.0)),
            ("fixed-window limit=120 window=60s", 120, Some(0.0)),
            ("sliding-window limit=30 window=10s", 200, Some(60.0)),
            ("fixed-window limit=0 window=10s", 1, None),
            ("fixed-window limit=0 window=10s", 0, Some(0.0)),
            ("concurrency limit=5", 5, Some(0.0)),
            ("concurrency limit=5", 6, None),
            ("none", 1_000, Some(0.0)),
        ] {
            let spec: LimitSpec = text.parse().unwrap();
            assert_eq!(
                spec.bound(users),
                seconds.map(Duration::from_secs_f64),
                "{text} for {users}"
            );
        }
    }
}
