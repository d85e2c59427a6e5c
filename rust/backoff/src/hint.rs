//! What a server's hint counts for: the policy of hints, and a hint as read.

use crate::body::BodyPattern;
use crate::source::HintSource;
use crate::words::words;
use std::time::Duration;

words! {
    /// What a hint does to the policy's own wait.
    HintMode {
        /// The wait is at least the hint with its jitter, and at least the policy's own wait.
        Floor = "floor",
        /// The hint with its jitter takes the place of the policy's own wait.
        Replace = "replace",
        /// Hints are noted, but change nothing.
        Ignore = "ignore",
    }
}

words! {
    /// What is added to a hint, so that those who were refused together do not return together. Never less than the hint.
    HintJitter {
        /// `hint + U(0, min(cap, base*multiplier^a))`, the multiplier being 2 unless set: it widens with every failure.
        Growing = "growing",
        /// `hint + U(0, min(cap, hint/2))`, Envoy's `U(1, 1.5)` times the hint, held to the cap.
        Proportional = "proportional",
        /// Nothing.
        None = "none",
    }
}

words! {
    /// What happens to a hint above [`HintPolicy::max`].
    TooLong {
        /// The connect ends with [`crate::StopReason::HintTooLong`].
        Fail = "fail",
        /// The limit takes its place.
        Clamp = "clamp",
        /// It is no hint; the next source is asked.
        Ignore = "ignore",
    }
}

/// What the server's hints count for.
#[derive(Debug, Clone, PartialEq)]
pub struct HintPolicy {
    /// What a hint does to the policy's own wait.
    pub mode: HintMode,
    /// What is added to a hint.
    pub jitter: HintJitter,
    /// The longest hint that is believed.
    pub max: Duration,
    /// What happens to a longer one.
    pub on_too_long: TooLong,
    /// Asked in this order; the first usable one decides.
    pub sources: Vec<HintSource>,
    /// What [`HintSource::Body`] looks for; `None`: nothing.
    pub body_pattern: Option<BodyPattern>,
}

impl Default for HintPolicy {
    /// A floor with growing jitter, at most 180 s, from all sources in the order of [`HintSource::ALL`]; no body pattern.
    fn default() -> Self {
        Self {
            mode: HintMode::Floor,
            jitter: HintJitter::Growing,
            max: Duration::from_secs(180),
            on_too_long: TooLong::Fail,
            sources: HintSource::ALL.to_vec(),
            body_pattern: None,
        }
    }
}

/// A hint as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintReading {
    /// Where it stood.
    pub source: HintSource,
    /// Its text, at most 256 characters; for a body what the pattern matched. Where `RateLimit` says no time, `RateLimit-Policy`
    /// stands behind it.
    pub raw: String,
    /// The time to wait from the answer's receipt, or why it is no hint. A clamped hint shows the limit, one that ended
    /// the connect its full length.
    pub value: Result<Duration, HintFault>,
}

/// Why a text is no hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum HintFault {
    /// Zero says nothing: taken at its word, everybody would return at once.
    #[error("zero")]
    Zero,
    /// Below zero.
    #[error("negative")]
    Negative,
    /// Neither a plain decimal number nor a number with its unit nor a date.
    #[error("not a number or date")]
    Malformed,
    /// Not a structured field of the form that the draft asks for.
    #[error("not a RateLimit field")]
    NotRateLimit,
    /// A `RateLimit` field that reports quota left: it is no reason to wait.
    #[error("quota left")]
    QuotaLeft,
    /// Quota that is used up, without a word for how long.
    #[error("no time in it")]
    NoTime,
    /// A date that is over.
    #[error("in the past")]
    Past,
    /// Above the policy's limit, which says to ignore such.
    #[error("above the limit")]
    AboveLimit,
    /// More than 366 days: no server means that.
    #[error("longer than 366 days")]
    Absurd,
    /// Readable or not, the policy ignores hints.
    #[error("ignored by the policy")]
    Ignored,
}
