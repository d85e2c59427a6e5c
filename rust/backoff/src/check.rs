//! The check of a policy: every figure in its range, and the figures fitting together.

use crate::hint::HintMode;
use crate::policy::{Policy, PolicyError};
use crate::source::HintSource;
use crate::strategy::Strategy;
use std::time::Duration;
use units::{LONGEST, format_duration};

/// A larger factor is a slip of the keyboard, most likely milliseconds.
const LARGEST_MULTIPLIER: f64 = 1000.0;

impl Policy {
    /// Whether a run can start with this policy.
    ///
    /// # Errors
    /// The first field that is wrong, with its value and what is allowed: durations above 366 days, `base` above `cap`,
    /// a multiplier outside 1 to 1000, jitter outside 0 to 1, a table that is empty though the strategy needs it or has an
    /// entry above `cap`, zero for `maxElapsed`, `attemptTimeout` or `hint.max`, a hint source twice.
    pub fn check(&self) -> Result<(), PolicyError> {
        self.check_durations()?;
        self.check_growth()?;
        self.check_sources()
    }

    fn check_durations(&self) -> Result<(), PolicyError> {
        for (field, value, zero_allowed) in [
            ("base", self.base, true),
            ("cap", self.cap, true),
            ("transientBase", self.transient_base, true),
            ("maxElapsed", self.max_elapsed, false),
            ("attemptTimeout", self.attempt_timeout, false),
            ("hint.max", self.hints.max, false),
        ] {
            if value > LONGEST || (value.is_zero() && !zero_allowed) {
                let lowest = if zero_allowed { "0ms" } else { "more than 0ms," };
                return Err(wrong(
                    field,
                    format_duration(value),
                    format!("{lowest} up to 366 days"),
                ));
            }
        }
        if self.base > self.cap {
            let allowed = format!("at most the cap, {}", format_duration(self.cap));
            return Err(wrong("base", format_duration(self.base), allowed));
        }
        Ok(())
    }

    fn check_growth(&self) -> Result<(), PolicyError> {
        if let Some(multiplier) = self.multiplier {
            if !(1.0..=LARGEST_MULTIPLIER).contains(&multiplier) {
                return Err(wrong(
                    "multiplier",
                    multiplier.to_string(),
                    format!("1 to {LARGEST_MULTIPLIER}"),
                ));
            }
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err(wrong("jitter", self.jitter.to_string(), "0 to 1".to_string()));
        }
        if self.strategy != Strategy::Table {
            return Ok(());
        }
        if self.table.is_empty() {
            return Err(wrong(
                "table",
                "an empty table".to_string(),
                "at least one duration: 1s,5s,30s".to_string(),
            ));
        }
        self.table
            .iter()
            .find(|entry| **entry > self.cap)
            .map_or(Ok(()), |entry: &Duration| {
                let allowed = format!("at most the cap, {}", format_duration(self.cap));
                Err(wrong("table", format_duration(*entry), allowed))
            })
    }

    fn check_sources(&self) -> Result<(), PolicyError> {
        let sources = &self.hints.sources;
        for (nth, source) in sources.iter().enumerate() {
            if sources[..nth].contains(source) {
                return Err(wrong(
                    "hint.sources",
                    format!("{source} twice"),
                    "every source once".to_string(),
                ));
            }
        }
        if sources.is_empty() && self.hints.mode != HintMode::Ignore {
            let allowed = format!(
                "at least one of {}, or hint.mode ignore",
                HintSource::FORMS.join(", ")
            );
            return Err(wrong("hint.sources", "an empty list".to_string(), allowed));
        }
        Ok(())
    }
}

fn wrong(field: &'static str, value: String, allowed: String) -> PolicyError {
    PolicyError {
        field,
        value,
        allowed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_is_fine() {
        assert_eq!(Policy::default().check(), Ok(()));
    }

    #[test]
    fn the_edges_are_fine() {
        let second = Duration::from_secs(1);
        let edges: [fn(&mut Policy); 8] = [
            |policy| policy.base = Duration::ZERO,
            |policy| (policy.base, policy.cap) = (Duration::ZERO, Duration::ZERO),
            |policy| policy.cap = policy.base,
            |policy| policy.transient_base = policy.cap * 2,
            |policy| policy.multiplier = Some(1.0),
            |policy| policy.jitter = 0.0,
            |policy| policy.jitter = 1.0,
            |policy| (policy.hints.mode, policy.hints.sources) = (HintMode::Ignore, vec![]),
        ];
        for edge in edges {
            let mut policy = Policy {
                table: vec![second],
                ..Policy::default()
            };
            edge(&mut policy);
            assert_eq!(policy.check(), Ok(()), "{policy:?}");
        }
    }

    #[test]
    fn names_the_wrong_field_its_value_and_what_is_allowed() {
        type Spoil = fn(&mut Policy);
        let table: [(Spoil, &str); 20] = [
            (
                |p| p.base = p.cap + p.base,
                "base: 31s is not allowed; allowed: at most the cap, 30s",
            ),
            (
                |p| p.cap = Duration::ZERO,
                "base: 1s is not allowed; allowed: at most the cap, 0ms",
            ),
            (|p| p.cap = Duration::MAX, "cap: "),
            (|p| p.transient_base = Duration::MAX, "transientBase: "),
            (
                |p| p.multiplier = Some(0.99),
                "multiplier: 0.99 is not allowed; allowed: 1 to 1000",
            ),
            (|p| p.multiplier = Some(f64::NAN), "multiplier: NaN"),
            (|p| p.multiplier = Some(f64::INFINITY), "multiplier: inf"),
            (|p| p.multiplier = Some(-2.0), "multiplier: -2"),
            (|p| p.multiplier = Some(2000.0), "multiplier: 2000"),
            (
                |p| p.jitter = -0.1,
                "jitter: -0.1 is not allowed; allowed: 0 to 1",
            ),
            (|p| p.jitter = 1.1, "jitter: 1.1"),
            (|p| p.jitter = f64::NAN, "jitter: NaN"),
            (|p| p.strategy = Strategy::Table, "table: an empty table"),
            (
                |p| (p.strategy, p.table) = (Strategy::Table, vec![p.base, p.cap * 2]),
                "table: 1m is not allowed; allowed: at most the cap, 30s",
            ),
            (
                |p| p.max_elapsed = Duration::ZERO,
                "maxElapsed: 0ms is not allowed; allowed: more than 0ms, up to",
            ),
            (|p| p.max_elapsed = Duration::MAX, "maxElapsed: "),
            (|p| p.attempt_timeout = Duration::ZERO, "attemptTimeout: 0ms"),
            (|p| p.hints.max = Duration::ZERO, "hint.max: 0ms"),
            (
                |p| p.hints.sources = vec![HintSource::Body; 2],
                "hint.sources: body twice",
            ),
            (|p| p.hints.sources = vec![], "hint.sources: an empty list"),
        ];
        for (spoil, message) in table {
            let mut policy = Policy::default();
            spoil(&mut policy);
            let error = policy.check().unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
