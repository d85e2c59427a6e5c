//! What the server is told: address, limit, the shape of its refusals, faults.

use crate::fault::FaultShare;
use limiter::{LimitError, LimitSpec};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use units::format_duration;

/// All settings of a [`crate::Server`]. The default listens on a free port of 127.0.0.1, lets everyone in and behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Who is let in. It decides when the request head is complete.
    pub limit: LimitSpec,
    /// Limits of their own for some paths; of those that cover a path the longest decides, of none [`Config::limit`].
    pub limits_at: Vec<PathLimit>,
    /// How long a plain request that is let in takes; the token's has its own time.
    pub delay: Duration,
    /// Whether one path gives access tokens.
    pub token: Option<TokenConfig>,
    /// How a refusal says when to come back.
    pub retry_after: RetryAfter,
    /// Status of a refusal, 400 to 599.
    pub status: u16,
    /// What a refused upgrade sees of it.
    pub refusal: Refusal,
    /// Whether a refused connection stays open for another request. Else the server ends it first.
    pub keep_alive_refusals: bool,
    /// Body of a refusal; `{seconds}` and `{ms}` become the time after which to come back. `None`: a short JSON text.
    pub body: Option<String>,
    /// Whether to speak TLS, with a certificate made at start.
    pub tls: bool,
    /// Faults and the share of attempts that each strikes. Shares that sum up to more than 1 are scaled down to 1.
    pub faults: Vec<FaultShare>,
    /// Decides which attempts the faults strike: the same seed, the same attempts by their order.
    pub seed: u64,
    /// Where to write one JSON line an attempt.
    pub log: Option<PathBuf>,
    /// Threads that serve; `None`: as many as there are cores.
    pub workers: Option<usize>,
    /// Pause between two bytes of the dripping faults.
    pub drip_pace: Duration,
    /// How long a connection may stay in any state other than an open WebSocket.
    pub patience: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            limit: LimitSpec::default(),
            limits_at: Vec::new(),
            delay: Duration::ZERO,
            token: None,
            retry_after: RetryAfter::Seconds,
            status: 429,
            refusal: Refusal::Answer,
            keep_alive_refusals: false,
            body: None,
            tls: false,
            faults: Vec::new(),
            seed: 0,
            log: None,
            workers: None,
            drip_pace: Duration::from_millis(50),
            patience: Duration::from_secs(60),
        }
    }
}

/// A limit of its own for a path and those below it; written `/oauth/token token-bucket rate=5 burst=10`.
#[derive(Debug, Clone, PartialEq)]
pub struct PathLimit {
    /// Begins with `/` and, but for `/` itself, does not end with one. `/api` covers `/api/calls` and not `/apis`.
    pub path: String,
    /// Who is let in there.
    pub limit: LimitSpec,
}

impl PathLimit {
    /// Whether a path without its query is this one or below it.
    pub(crate) fn covers(&self, path: &str) -> bool {
        let below = path.strip_prefix(self.path.trim_end_matches('/'));
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl FromStr for PathLimit {
    type Err = PathLimitError;

    fn from_str(text: &str) -> Result<Self, PathLimitError> {
        let (path, limit) = text
            .trim()
            .split_once(char::is_whitespace)
            .unwrap_or((text.trim(), ""));
        if !is_path(path) {
            return Err(PathLimitError::Path(path.to_owned()));
        }
        let trimmed = path.trim_end_matches('/');
        Ok(Self {
            path: if trimmed.is_empty() { "/" } else { trimmed }.to_owned(),
            limit: limit.parse()?,
        })
    }
}

impl fmt::Display for PathLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.limit)
    }
}

/// Why a text is no [`PathLimit`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathLimitError {
    /// The first word is no path.
    #[error(
        "\"{0}\" is no path: first a path that begins with / and has no query, then its limit, as in \"/oauth/token token-bucket rate=5 burst=10\""
    )]
    Path(String),
    /// The rest is no limit.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains(['?', '#', ' '])
}

/// An endpoint that gives access tokens, as OAuth 2.0 does (RFC 6749 section 5.1), to whoever its limit lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenConfig {
    /// Its path, the very one.
    pub path: String,
    /// How long a token is good; at least a second.
    pub ttl: Duration,
    /// How long it takes to give one.
    pub delay: Duration,
    /// Whether all other attempts need a token that is good; else they are answered with 401, and no limit sees them.
    pub required: bool,
}

impl TokenConfig {
    fn check(&self) -> Result<(), ConfigError> {
        if !is_path(&self.path) || ["/", "/stats"].contains(&self.path.as_str()) {
            return Err(ConfigError::TokenPath(self.path.clone()));
        }
        if self.ttl < Duration::from_secs(1) {
            return Err(ConfigError::TokenTtl);
        }
        Ok(())
    }
}

impl Config {
    /// Checks all figures; [`crate::Server::start`] does so too.
    ///
    /// # Errors
    /// The first setting that is out of its bounds.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.limit.check()?;
        for (n, own) in self.limits_at.iter().enumerate() {
            own.limit.check()?;
            if self.limits_at[..n].iter().any(|other| other.path == own.path) {
                return Err(ConfigError::TwoLimits(own.path.clone()));
            }
        }
        if let Some(token) = &self.token {
            token.check()?;
        }
        if !(400..=599).contains(&self.status) {
            return Err(ConfigError::Status(self.status));
        }
        if let Refusal::AcceptAndClose(code) = self.refusal
            && !(1000..=4999).contains(&code)
        {
            return Err(ConfigError::CloseCode(code));
        }
        if let Some(wrong) = self
            .faults
            .iter()
            .find(|fault| !(0.0..=1.0).contains(&fault.share))
        {
            return Err(ConfigError::Share {
                fault: wrong.fault.name(),
                share: wrong.share,
            });
        }
        if self.workers == Some(0) {
            return Err(ConfigError::NoWorkers);
        }
        if self.patience.is_zero() {
            return Err(ConfigError::NoPatience);
        }
        let token_delay = self.token.as_ref().map_or(Duration::ZERO, |token| token.delay);
        if self.delay.max(token_delay) >= self.patience {
            return Err(ConfigError::Delay {
                patience: self.patience,
            });
        }
        Ok(())
    }
}

/// A setting out of its bounds.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// See [`limiter::LimitSpec::check`].
    #[error("limit: {0}")]
    Limit(#[from] LimitError),
    /// See [`Config::limits_at`].
    #[error("{0} has two limits")]
    TwoLimits(String),
    /// See [`TokenConfig::path`].
    #[error("token path \"{0}\": allowed is a path that begins with / and is neither / nor /stats")]
    TokenPath(String),
    /// See [`TokenConfig::ttl`].
    #[error("token ttl: a token lives for at least 1s, as its expires_in is whole seconds")]
    TokenTtl,
    /// See [`Config::delay`].
    #[error("a delay must be shorter than the patience of {}", format_duration(*patience))]
    Delay {
        /// The patience.
        patience: Duration,
    },
    /// See [`Config::status`].
    #[error("status {0} is no refusal: allowed are 400 to 599")]
    Status(u16),
    /// See [`Config::refusal`].
    #[error("close code {0}: allowed are 1000 to 4999")]
    CloseCode(u16),
    /// See [`FaultShare::share`].
    #[error("fault {fault}: share {share} is not within 0 to 1")]
    Share {
        /// The fault's name.
        fault: &'static str,
        /// What was set.
        share: f64,
    },
    /// See [`Config::workers`].
    #[error("workers 0: at least 1 is needed")]
    NoWorkers,
    /// See [`Config::patience`].
    #[error("patience 0: a connection needs some time")]
    NoPatience,
}

/// What a refused upgrade sees of its refusal. Plain requests see all of them but the last, in place of which they are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Refusal {
    /// An answer with status, hint and body.
    #[default]
    Answer,
    /// A TCP reset.
    Reset,
    /// The end of the connection, without an answer.
    Close,
    /// Nothing, until the client gives up.
    Silence,
    /// A 101, and then at once a close frame with this code.
    AcceptAndClose(u16),
}

impl Refusal {
    /// The forms as they may be written.
    pub const FORMS: &[&str] = &["answer", "reset", "close", "silence", "accept:1013"];
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer => f.write_str("answer"),
            Self::Reset => f.write_str("reset"),
            Self::Close => f.write_str("close"),
            Self::Silence => f.write_str("silence"),
            Self::AcceptAndClose(code) => write!(f, "accept:{code}"),
        }
    }
}

impl FromStr for Refusal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "answer" => Self::Answer,
            "reset" => Self::Reset,
            "close" => Self::Close,
            "silence" => Self::Silence,
            _ => {
                let code = text.strip_prefix("accept:").and_then(|code| code.parse().ok());
                let code = code.filter(|code| (1000..=4999).contains(code));
                Self::AcceptAndClose(code.ok_or_else(|| {
                    format!(
                        "\"{text}\" is no way to refuse: allowed are {}, with a close code from 1000 to 4999",
                        Self::FORMS.join(", ")
                    )
                })?)
            }
        })
    }
}

/// How a refusal says when to come back. Where nobody can know (a concurrency cap, a refusal that is a fault) it says one
/// second, as servers do that have to say something; [`RetryAfter::None`] is for those that do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RetryAfter {
    /// `Retry-After: 7`, rounded up, at least 1 (RFC 9110 section 10.2.3).
    #[default]
    Seconds,
    /// `Retry-After: Fri, 31 Dec 1999 23:59:59 GMT`, rounded up to the next second.
    Date,
    /// `retry-after-ms: 6800`, rounded up, at least 1.
    Milliseconds,
    /// No hint.
    None,
    /// `Retry-After: 0`.
    Zero,
    /// `Retry-After: soon`, which is neither a number nor a date.
    Wrong,
}

impl RetryAfter {
    /// All forms.
    pub const ALL: &[Self] = &[
        Self::Seconds,
        Self::Date,
        Self::Milliseconds,
        Self::None,
        Self::Zero,
        Self::Wrong,
    ];
    /// The words for them, in the same order.
    pub const NAMES: &[&str] = &["seconds", "date", "ms", "none", "zero", "wrong"];
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES[*self as usize])
    }
}

impl FromStr for RetryAfter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let place = Self::NAMES.iter().position(|name| *name == text);
        place
            .map(|place| Self::ALL[place])
            .ok_or_else(|| format!("\"{text}\" is no form: allowed are {}", Self::NAMES.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    #[test]
    fn the_forms_of_retry_after_read_back() {
        for (form, name) in RetryAfter::ALL.iter().zip(RetryAfter::NAMES) {
            assert_eq!(form.to_string(), *name);
            assert_eq!(name.parse(), Ok(*form));
        }
        assert_eq!(RetryAfter::ALL.len(), RetryAfter::NAMES.len());
        let message = "later".parse::<RetryAfter>().unwrap_err();
        assert!(
            message.contains("\"later\"") && message.contains("seconds, date, ms"),
            "{message}"
        );
    }

    #[test]
    fn the_ways_to_refuse_read_back() {
        for form in Refusal::FORMS {
            assert_eq!(form.parse::<Refusal>().unwrap().to_string(), *form);
        }
        for wrong in ["", "accept", "accept:999", "accept:5000", "accept:x", "drop"] {
            let message = wrong.parse::<Refusal>().unwrap_err();
            assert!(message.contains("answer, reset, close, silence"), "{message}");
        }
    }

    #[test]
    fn a_limit_of_a_path_covers_it_and_what_is_below() {
        let own: PathLimit = "/api/v2/  fixed-window limit=1 window=1s".parse().unwrap();
        assert_eq!(own.path, "/api/v2");
        assert_eq!(own.limit.to_string(), "fixed-window limit=1 window=1s");
        for (path, covered) in [
            ("/api/v2", true),
            ("/api/v2/", true),
            ("/api/v2/calls", true),
            ("/api/v20", false),
            ("/api", false),
            ("/", false),
        ] {
            assert_eq!(own.covers(path), covered, "{path}");
        }
        let all: PathLimit = "/ none".parse().unwrap();
        assert_eq!(
            (all.path.as_str(), all.covers("/"), all.covers("/x/y")),
            ("/", true, true)
        );
    }

    #[test]
    fn a_text_that_is_no_limit_of_a_path_is_refused_with_the_part_that_is_wrong() {
        for (text, said) in [
            ("none", "\"none\" is no path"),
            ("/x?y=1 none", "\"/x?y=1\" is no path"),
            ("/x", "a limit is missing"),
            ("/x leaky", "\"leaky\" is no limit"),
            ("/x concurrency limit=x", "limit=\"x\""),
            ("", "is no path"),
        ] {
            let message = text.parse::<PathLimit>().unwrap_err().to_string();
            assert!(message.contains(said), "{text}: {message}");
        }
    }

    fn with_token(path: &str, ttl: u64, delay: u64) -> Config {
        Config {
            token: Some(TokenConfig {
                path: path.to_owned(),
                ttl: Duration::from_secs(ttl),
                delay: Duration::from_secs(delay),
                required: false,
            }),
            ..Config::default()
        }
    }

    #[test]
    fn settings_out_of_bounds_are_refused() {
        let good = Config::default;
        for (config, said) in [
            (
                Config {
                    status: 200,
                    ..good()
                },
                "status 200",
            ),
            (
                Config {
                    status: 600,
                    ..good()
                },
                "status 600",
            ),
            (
                Config {
                    refusal: Refusal::AcceptAndClose(999),
                    ..good()
                },
                "close code 999",
            ),
            (
                Config {
                    faults: vec![FaultShare {
                        fault: Fault::Drip,
                        share: 1.5,
                    }],
                    ..good()
                },
                "fault drip: share 1.5",
            ),
            (
                Config {
                    faults: vec![FaultShare {
                        fault: Fault::Drip,
                        share: f64::NAN,
                    }],
                    ..good()
                },
                "share NaN",
            ),
            (
                Config {
                    workers: Some(0),
                    ..good()
                },
                "workers 0",
            ),
            (
                Config {
                    patience: Duration::ZERO,
                    ..good()
                },
                "patience 0",
            ),
            (
                Config {
                    limit: limiter::Rule::TokenBucket { rate: 0.0, burst: 1 }.into(),
                    ..good()
                },
                "rate=\"0\"",
            ),
            (
                Config {
                    limits_at: vec![
                        "/x none".parse().unwrap(),
                        "/x/ concurrency limit=1".parse().unwrap(),
                    ],
                    ..good()
                },
                "/x has two limits",
            ),
            (with_token("/stats", 5, 0), "token path \"/stats\""),
            (with_token("token", 5, 0), "token path \"token\""),
            (with_token("/token", 0, 0), "at least 1s"),
            (with_token("/token", 5, 60), "shorter than the patience of 1m"),
            (
                Config {
                    delay: Duration::from_secs(60),
                    ..good()
                },
                "shorter than the patience",
            ),
        ] {
            let message = config.check().unwrap_err().to_string();
            assert!(message.contains(said), "{message}");
        }
        good().check().unwrap();
    }
}
