//! The policy as a value: everything a user can set about retries, with the defaults that hold without a word.

use crate::hint::HintPolicy;
use crate::status::StatusSet;
use crate::strategy::Strategy;
use std::time::Duration;

/// Attempts in all when [`Policy::max_attempts`] sets no limit: a guard against loops without waits.
pub const ATTEMPT_GUARD: u32 = 1000;

/// When and how long to wait between the attempts of one connect. [`Policy::check`] says whether the figures fit together.
///
/// It is also a text, `decorrelated base=500ms cap=10s`, see its [`FromStr`](#impl-FromStr-for-Policy).
///
/// A policy that was not checked still never makes a wait that panics, is negative or passes the cap (plus hint).
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// How waits grow and spread.
    pub strategy: Strategy,
    /// The first wait after a throttle, `b` of the formulas; it also scales the jitter on top of hints.
    pub base: Duration,
    /// No wait without a hint is longer, jitter included; nor is what is added to a hint.
    pub cap: Duration,
    /// Growth per failure; `None` is 2, for `decorrelated` 3. Unused by `none`, `fixed`, `linear`, `table`, `decorrelated-v2`,
    /// but for the growing jitter on top of hints, which every strategy has.
    pub multiplier: Option<f64>,
    /// 0 to 1: the share that `plus-minus` spreads, and half of the bases that `additive` adds. Other strategies have their own spread.
    pub jitter: f64,
    /// For [`Strategy::Table`] alone: the nth wait, for throttles and transient failures alike; the last one repeats.
    pub table: Vec<Duration>,
    /// Takes the place of [`Policy::base`] after a transient failure; where it is above the cap, the cap holds.
    pub transient_base: Duration,
    /// The time from the first attempt's start after which nothing is started any more.
    pub max_elapsed: Duration,
    /// Attempts in all: 1 is no retry, 0 no limit but [`ATTEMPT_GUARD`].
    pub max_attempts: u32,
    /// The longest that one attempt may take; cut to what `max_elapsed` leaves.
    pub attempt_timeout: Duration,
    /// What says "too many": statuses, close codes, and network failures or time-outs where a limiter refuses with these.
    pub throttle: StatusSet,
    /// Failures that may pass by themselves; what stands in both sets is a throttle. A status in neither is fatal; a close code
    /// in neither counts as `network` does.
    pub transient: StatusSet,
    /// What the server's hints count for.
    pub hints: HintPolicy,
}

impl Default for Policy {
    /// Decorrelated jitter, 1 s to 30 s, for 120 s, hints as a floor.
    fn default() -> Self {
        Self {
            strategy: Strategy::Decorrelated,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            multiplier: None,
            jitter: 0.5,
            table: Vec::new(),
            transient_base: Duration::from_millis(250),
            max_elapsed: Duration::from_secs(120),
            max_attempts: 0,
            attempt_timeout: Duration::from_secs(20),
            throttle: StatusSet::of(&[429, 503]),
            transient: StatusSet::of(&[408, 425, 500, 502, 503, 504]).with_failures(),
            hints: HintPolicy::default(),
        }
    }
}

impl Policy {
    /// The multiplier of the strategy's formula: the set one, else the strategy's own.
    #[must_use]
    pub fn effective_multiplier(&self) -> f64 {
        self.multiplier.unwrap_or(self.strategy.default_multiplier())
    }

    /// How the growing jitter on top of hints grows per failure: the set multiplier, else 2, whatever the strategy. The 3 of
    /// `decorrelated` is the width of its draw; as a growth per failure it takes a storm of 200 past twice its bound.
    #[must_use]
    pub fn hint_multiplier(&self) -> f64 {
        self.multiplier.unwrap_or(2.0)
    }

    /// The number of attempts after which it is over.
    #[must_use]
    pub fn attempt_limit(&self) -> u32 {
        if self.max_attempts == 0 {
            ATTEMPT_GUARD
        } else {
            self.max_attempts
        }
    }
}

/// A figure that cannot be, or that does not fit to another one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {value} is not allowed; allowed: {allowed}")]
pub struct PolicyError {
    /// The name that plans use behind `wsb.retry.` (`base`, `maxElapsed`), or `hint.max`, `shared.rate` and such behind `wsb.`.
    pub field: &'static str,
    /// The wrong value, in the form that plans use.
    pub value: String,
    /// What would be right.
    pub allowed: String,
}
