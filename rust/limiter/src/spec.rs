//! What a limit is: its kind, its figures, and the bound that it sets on a herd.

use crate::text::{RULE_FORMS, allowed, quoted};
use std::time::Duration;
use units::format_duration;

/// The slowest token bucket: one token in about eleven days.
pub const SMALLEST_RATE: f64 = 1e-6;
/// The fastest token bucket, in tokens a second.
pub const LARGEST_RATE: f64 = 1e6;

const SHORTEST_WINDOW: Duration = Duration::from_millis(1);

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

#[cfg(test)]
mod tests {
    use super::*;

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
