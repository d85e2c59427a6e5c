//! What a server's hint is and what it counts for: the policy of hints, their sources, and a hint as read.

use crate::body::BodyPattern;
use crate::words::{UnknownWord, words};
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

words! {
    /// A place where a server can say how long to wait. Header names are matched in any letter case; of a repeated header
    /// the first counts.
    ///
    /// The three `-reset` headers report the running quota window, on many servers with every answer. So they count only after
    /// a status of the throttle set; all others count after every answer that is retried.
    HintSource {
        /// `retry-after-ms`: milliseconds (Azure, OpenAI).
        RetryAfterMs = "retry-after-ms",
        /// `x-ms-retry-after-ms`: milliseconds (Azure).
        XMsRetryAfterMs = "x-ms-retry-after-ms",
        /// `retry-after` (RFC 9110 section 10.2.3): seconds, with a fraction or not, or one of the three HTTP dates of section 5.6.7,
        /// which count from the answer's own `Date`, so that a wrong clock does no harm.
        RetryAfter = "retry-after",
        /// `ratelimit` (draft-ietf-httpapi-ratelimit-headers): the longest `t` of those items whose `r` is 0.
        RateLimit = "ratelimit",
        /// `inin-ratelimit-reset` (Genesys Cloud): seconds until the window ends.
        IninRateLimitReset = "inin-ratelimit-reset",
        /// `x-ratelimit-reset`: seconds, or seconds since 1970 when above 10^9.
        XRateLimitReset = "x-ratelimit-reset",
        /// `ratelimit-reset`: likewise.
        RateLimitReset = "ratelimit-reset",
        /// The answer's body, or the reason of a close frame, by the policy's pattern.
        Body = "body",
    }
}

impl HintSource {
    /// Whether this source reports the quota window rather than an advice about this refusal.
    #[must_use]
    pub const fn reports_window(self) -> bool {
        matches!(
            self,
            Self::IninRateLimitReset | Self::XRateLimitReset | Self::RateLimitReset
        )
    }

    /// Reads sources in their order from a text like `retry-after-ms,retry-after,body`.
    ///
    /// # Errors
    /// The first word that names no source.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, UnknownWord> {
        text.split(',').map(str::parse).collect()
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
    /// Its text, at most 256 characters; for a body what the pattern matched.
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
    /// Neither a plain decimal number nor, where dates are allowed, one of the three HTTP dates.
    #[error("not a number or date")]
    Malformed,
    /// Not a structured field of the form that the draft asks for.
    #[error("not a RateLimit field")]
    NotRateLimit,
    /// A `RateLimit` field that reports quota left: it is no reason to wait.
    #[error("quota left")]
    QuotaLeft,
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
