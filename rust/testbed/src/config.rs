//! What the server is told: address, limit, the shape of its refusals, faults.

use crate::fault::FaultShare;
use limiter::{LimitError, LimitSpec};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// All settings of a [`crate::Server`]. The default listens on a free port of 127.0.0.1, lets everyone in and behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Who is let in. It decides when the request head is complete.
    pub limit: LimitSpec,
    /// How a refusal says when to come back.
    pub retry_after: RetryAfter,
    /// Status of a refusal, 400 to 599.
    pub status: u16,
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
            retry_after: RetryAfter::Seconds,
            status: 429,
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

impl Config {
    /// Checks all figures; [`crate::Server::start`] does so too.
    ///
    /// # Errors
    /// The first setting that is out of its bounds.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.limit.check()?;
        if !(400..=599).contains(&self.status) {
            return Err(ConfigError::Status(self.status));
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
    /// See [`Config::status`].
    #[error("status {0} is no refusal: allowed are 400 to 599")]
    Status(u16),
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
        ] {
            let message = config.check().unwrap_err().to_string();
            assert!(message.contains(said), "{message}");
        }
        good().check().unwrap();
    }
}
