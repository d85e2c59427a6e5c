//! Where a server can say how long to wait: the headers that are known by name, the body, and headers that a plan names itself.

use crate::words::UnknownWord;
use std::fmt;
use std::str::FromStr;

/// A place where a server can say how long to wait, written in lower case. Header names are matched in any letter case; of a
/// repeated header the longest usable wait counts.
///
/// Every header may hold a number, a number with its unit (`68.7ms`, `2s`, `1m30s`), a time since 1970 or a date; the sources
/// differ in what a plain number counts, see [`HintSource::counts_milliseconds`].
///
/// Those that report the running quota window do so on many servers with every answer. So they count only after a throttle,
/// see [`HintSource::reports_window`]; all others count after every answer that is retried.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HintSource {
    /// `retry-after-ms`: milliseconds (Azure, OpenAI).
    RetryAfterMs,
    /// `x-ms-retry-after-ms`: milliseconds (Azure).
    XMsRetryAfterMs,
    /// `retry-after` (RFC 9110 section 10.2.3): seconds, with a fraction or not, or one of the three HTTP dates of section 5.6.7.
    /// Dates count from the answer's own `Date`, so that a wrong clock does no harm.
    RetryAfter,
    /// `ratelimit` (draft-ietf-httpapi-ratelimit-headers): the longest time of those policies whose quota is used up.
    RateLimit,
    /// `inin-ratelimit-reset` (Genesys Cloud): seconds until the window ends.
    IninRateLimitReset,
    /// `x-ratelimit-reset`: seconds, or a time since 1970.
    XRateLimitReset,
    /// `ratelimit-reset`: likewise.
    RateLimitReset,
    /// The answer's body, or the reason of a close frame, by the policy's pattern.
    Body,
    /// Any other header, by its name in lower case; made by [`HintSource::from_str`].
    Header(String),
}

/// A header's name is longer only by a slip.
const LONGEST_NAME: usize = 100;

impl HintSource {
    /// The words of those that are known, in the order in which they are asked by default.
    pub const NAMES: &'static [&'static str] = &[
        "retry-after-ms",
        "x-ms-retry-after-ms",
        "retry-after",
        "ratelimit",
        "inin-ratelimit-reset",
        "x-ratelimit-reset",
        "ratelimit-reset",
        "body",
    ];

    /// Those that are known, in the order of [`Self::NAMES`].
    pub const ALL: &'static [HintSource] = &[
        HintSource::RetryAfterMs,
        HintSource::XMsRetryAfterMs,
        HintSource::RetryAfter,
        HintSource::RateLimit,
        HintSource::IninRateLimitReset,
        HintSource::XRateLimitReset,
        HintSource::RateLimitReset,
        HintSource::Body,
    ];

    /// What may be written, for messages.
    pub const FORMS: &'static [&'static str] = &[
        "retry-after-ms",
        "x-ms-retry-after-ms",
        "retry-after",
        "ratelimit",
        "inin-ratelimit-reset",
        "x-ratelimit-reset",
        "ratelimit-reset",
        "body",
        "any other header's name",
    ];

    /// The word of this source: but for the body the header's name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if let Self::Header(name) = self {
            return name;
        }
        let known = Self::ALL.iter().position(|known| known == self);
        Self::NAMES[known.expect("all but Header are listed")]
    }

    /// Whether this source reports the quota window rather than an advice about this refusal: `inin-ratelimit-reset`,
    /// `x-ratelimit-reset`, `ratelimit-reset` and every other header with `reset` in its name.
    #[must_use]
    pub fn reports_window(&self) -> bool {
        match self {
            Self::IninRateLimitReset | Self::XRateLimitReset | Self::RateLimitReset => true,
            Self::Header(name) => name.contains("reset"),
            _ => false,
        }
    }

    /// Whether a plain number counts milliseconds: where the name ends in `-ms`. Everywhere else it counts seconds.
    #[must_use]
    pub fn counts_milliseconds(&self) -> bool {
        match self {
            Self::RetryAfterMs | Self::XMsRetryAfterMs => true,
            Self::Header(name) => name.ends_with("-ms"),
            _ => false,
        }
    }

    /// Reads sources in their order from a text like `retry-after-ms,x-retry-in,body`.
    ///
    /// # Errors
    /// The first word that names no source.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, UnknownWord> {
        text.split(',').map(str::parse).collect()
    }
}

impl fmt::Display for HintSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl FromStr for HintSource {
    type Err = UnknownWord;

    /// Reads a word in any letter case, with spaces around. A header's name that is one slip of the keyboard away from a known
    /// source is refused: nobody would notice that it is never there.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.trim().to_ascii_lowercase();
        if let Some(known) = Self::NAMES.iter().position(|name| *name == word) {
            return Ok(Self::ALL[known].clone());
        }
        let plain = !word.is_empty() && word.len() <= LONGEST_NAME && word.bytes().all(is_token);
        if plain && !Self::NAMES.iter().any(|name| is_slip(&word, name)) {
            return Ok(Self::Header(word));
        }
        Err(UnknownWord {
            word: text.trim().chars().take(64).collect(),
            allowed: Self::FORMS,
        })
    }
}

/// What a header's name consists of (RFC 9110 section 5.6.2). By hand, as one line needs no HTTP library.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// One letter too many, missing, wrong or swapped with its neighbour. Hyphens are no slips: servers do send `rate-limit-reset`.
fn is_slip(word: &str, known: &str) -> bool {
    strsim::osa_distance(word, known) == 1 && word.replace('-', "") != known.replace('-', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_source_reads_back_in_any_letter_case() {
        assert_eq!(HintSource::ALL.len(), HintSource::NAMES.len());
        assert_eq!(&HintSource::FORMS[..HintSource::NAMES.len()], HintSource::NAMES);
        for (source, name) in HintSource::ALL.iter().zip(HintSource::NAMES) {
            assert_eq!(source.to_string(), *name);
            assert_eq!(format!(" {} ", name.to_uppercase()).parse().as_ref(), Ok(source));
        }
    }

    #[test]
    fn any_header_may_be_a_source_and_slips_of_known_ones_may_not() {
        for name in [
            "X-Retry-In",
            "X-Rate-Limit-Retry-After-Seconds",
            "Rate-Limit-Reset",
            "x-retry-after",
            "Backoff",
        ] {
            let source: HintSource = name.parse().unwrap();
            assert_eq!(source, HintSource::Header(name.to_ascii_lowercase()));
            assert_eq!(source.to_string().parse(), Ok(source));
        }
        let long = "x".repeat(101);
        for name in [
            "",
            "retry after",
            "retry-aftre",
            "retry-afte",
            "boddy",
            "ratelimits",
            "x:y",
            "\u{fc}",
            &long,
        ] {
            let error = name.parse::<HintSource>().unwrap_err().to_string();
            assert!(
                error.contains("retry-after") && error.contains("any other header's name"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_name_tells_the_unit_and_whether_it_is_a_window() {
        for (name, milliseconds, window) in [
            ("x-retry-in", false, false),
            ("x-wait-ms", true, false),
            ("x-quota-reset", false, true),
            ("x-quota-reset-ms", true, true),
            ("retry-after-ms", true, false),
            ("ratelimit-reset", false, true),
            ("ratelimit", false, false),
        ] {
            let source: HintSource = name.parse().unwrap();
            assert_eq!(
                (source.counts_milliseconds(), source.reports_window()),
                (milliseconds, window),
                "{name}"
            );
        }
    }
}
