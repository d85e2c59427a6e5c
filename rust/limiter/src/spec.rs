//! What a limit is: its kind and its figures.

use crate::text::{RULE_FORMS, allowed, quoted};
use std::time::Duration;
use units::format_duration;

/// The slowest token bucket: one token in about eleven days.
pub const SMALLEST_RATE: f64 = 1e-6;
/// The fastest token bucket, in tokens a second.
pub const LARGEST_RATE: f64 = 1e6;
/// So many limits may stand one behind the other.
pub const MOST_LIMITS: usize = 4;

const SHORTEST_WINDOW: Duration = Duration::from_millis(1);

/// When the windows of a [`Rule::FixedWindow`] or a [`Rule::SlidingCounter`] begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WindowClock {
    /// With the first attempt after the last window ended. Of two counters, when none counted in two windows: HAProxy's, which leave
    /// out what is less than a whole attempt of those that they reckon with, so that one is let in as soon as a window begins.
    #[default]
    First,
    /// At the multiples of the window's length on the limiter's clock, plus `offset`. A limiter that is asked with the time since
    /// 1970 behaves as servers do that cut the wall clock into windows.
    Aligned {
        /// Shorter than the window.
        offset: Duration,
    },
}

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
    /// `limit` in each window.
    FixedWindow {
        /// How many are let in; 0 refuses all.
        limit: u32,
        /// How long a window lasts, 1 ms at least.
        window: Duration,
        /// When one begins.
        clock: WindowClock,
    },
    /// `limit` in any span of length `window`, exactly: each has its own time stamp.
    SlidingWindow {
        /// How many are let in; 0 refuses all.
        limit: u32,
        /// How long one counts, 1 ms at least.
        window: Duration,
    },
    /// `limit` in any span of length `window` as gateways approximate it with two counters: what is let in of an aligned window counts
    /// fully in it, and in the next one by the share that a span ending now has of it (Cloudflare, go-chi/httprate, Kong).
    SlidingCounter {
        /// How many are let in; 0 refuses all.
        limit: u32,
        /// How long a window lasts, 1 ms at least.
        window: Duration,
        /// When one begins.
        clock: WindowClock,
    },
    /// A queue that is served at `rate`: `delay` above the rate are answered at once, up to `burst` late, the others are refused
    /// (nginx `limit_req` without `nodelay`).
    Queue {
        /// Answers a second, [`SMALLEST_RATE`] to [`LARGEST_RATE`].
        rate: f64,
        /// How many may be ahead of the rate.
        burst: u32,
        /// How many of those do not wait; at most `burst`.
        delay: u32,
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
            Self::SlidingCounter { .. } => "sliding-counter",
            Self::Queue { .. } => "queue",
            Self::Concurrency { .. } => "concurrency",
            Self::Unlimited => "none",
        }
    }
}

/// One limit as a server is configured with it.
///
/// `reject_counts` makes refused attempts count too, which starves clients that hammer:
/// - sliding window and sliding counter: each attempt is logged, so one passes only after less than `limit` attempts in the last
///   `window` (HAProxy's `http_req_rate` behaves so);
/// - token bucket: a refused attempt takes what is in the bucket, down to zero and not below, so one passes only after
///   `1 / rate` without an attempt;
/// - fixed window from the first attempt: a refused attempt starts the full window's time anew, without emptying it (a counter in a
///   store whose expiry each further hit renews), so one passes only after a `window` without an attempt;
/// - aligned window: only what another limit refuses makes a difference;
/// - where refusals block: each attempt meanwhile puts the end off;
/// - queue, concurrency and none: no meaning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Kind and figures.
    pub rule: Rule,
    /// Whether refused attempts count.
    pub reject_counts: bool,
    /// Whoever it refuses begins a time of this length, 1 ms at least, in which it refuses all; behind that it begins anew as if nobody
    /// had come (rate-limiter-flexible's `blockDuration`; a ban of an address). Buckets and windows alone do so.
    pub block: Option<Duration>,
}

impl From<Rule> for Limit {
    fn from(rule: Rule) -> Self {
        Self {
            rule,
            reject_counts: false,
            block: None,
        }
    }
}

/// What an attempt has to pass: one limit, or several at once, as per second and per minute.
///
/// An attempt that one of them refuses takes nothing of the others, but where refusals count for them.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitSpec {
    /// 1 to [`MOST_LIMITS`].
    pub limits: Vec<Limit>,
}

impl Default for LimitSpec {
    fn default() -> Self {
        Rule::Unlimited.into()
    }
}

impl From<Rule> for LimitSpec {
    fn from(rule: Rule) -> Self {
        Limit::from(rule).into()
    }
}

impl From<Limit> for LimitSpec {
    fn from(limit: Limit) -> Self {
        Self { limits: vec![limit] }
    }
}

/// Why a text or a [`LimitSpec`] is no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The first word names no rule.
    #[error("\"{0}\" is no limit: allowed are {rules}", rules = quoted(RULE_FORMS))]
    Rule(String),
    /// There is none, in the whole text or beside a plus.
    #[error("a limit is missing{0}: allowed are {rules}", rules = quoted(RULE_FORMS))]
    Nothing(&'static str),
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
    /// None, or too many.
    #[error("{0} limits at once: allowed are 1 to {MOST_LIMITS}")]
    Count(usize),
}

impl Limit {
    fn check(&self) -> Result<(), LimitError> {
        let refuse = |word: &'static str, value: String| {
            Err(LimitError::Value {
                word,
                value,
                allowed: allowed(word),
            })
        };
        if let Some(block) = self.block.filter(|block| *block < SHORTEST_WINDOW) {
            return refuse("block", format_duration(block));
        }
        match self.rule {
            Rule::TokenBucket { rate, .. } | Rule::Queue { rate, .. }
                if !(SMALLEST_RATE..=LARGEST_RATE).contains(&rate) =>
            {
                refuse("rate", rate.to_string())
            }
            Rule::TokenBucket { burst: 0, .. } => refuse("burst", "0".to_owned()),
            Rule::Queue { burst, delay, .. } if delay > burst => refuse("delay", delay.to_string()),
            Rule::FixedWindow { window, .. }
            | Rule::SlidingWindow { window, .. }
            | Rule::SlidingCounter { window, .. }
                if window < SHORTEST_WINDOW =>
            {
                refuse("window", format_duration(window))
            }
            Rule::FixedWindow {
                window,
                clock: WindowClock::Aligned { offset },
                ..
            }
            | Rule::SlidingCounter {
                window,
                clock: WindowClock::Aligned { offset },
                ..
            } if offset >= window => refuse("offset", format_duration(offset)),
            _ => Ok(()),
        }
    }
}

/// From `now` to the next begin of a window; a whole window where one begins just now.
pub(crate) fn to_next(now: Duration, window: Duration, offset: Duration) -> Duration {
    window - since_begin(now, window, offset)
}

/// Since the begin of the window that `now` lies in.
pub(crate) fn since_begin(now: Duration, window: Duration, offset: Duration) -> Duration {
    let shifted = now.as_nanos() + window.as_nanos() - offset.as_nanos();
    crate::rules::nanos(crate::rules::divided(shifted, window.as_nanos()).1)
}

impl LimitSpec {
    /// Checks the figures of a limit that was put together in code.
    ///
    /// # Errors
    /// [`LimitError::Value`] for a rate outside of its bounds, a burst of 0, a delay above the burst, a window or a block below 1 ms,
    /// an offset that is not shorter than its window; [`LimitError::Count`] for no limit or too many.
    pub fn check(&self) -> Result<(), LimitError> {
        if self.limits.is_empty() || self.limits.len() > MOST_LIMITS {
            return Err(LimitError::Count(self.limits.len()));
        }
        self.limits.iter().try_for_each(Limit::check)
    }

    /// The longest that one who is let in waits for the answer.
    #[must_use]
    pub fn longest_delay(&self) -> Duration {
        let delay = |limit: &Limit| match limit.rule {
            Rule::Queue { rate, burst, delay } => {
                let seconds = f64::from(burst.saturating_sub(delay)) / rate.max(SMALLEST_RATE);
                Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
            }
            _ => Duration::ZERO,
        };
        self.limits.iter().map(delay).max().unwrap_or_default()
    }
}
