//! What a user can set about the shared gate, with the defaults that hold without a word.

use crate::policy::PolicyError;
use crate::words::words;
use std::time::Duration;
use units::{LONGEST, format_duration};

/// The slowest rate that may be set, in attempts a second: one in 1000 s.
pub const SLOWEST_PACE: f64 = 0.001;
/// The fastest rate that may be set, in attempts a second.
pub const FASTEST_PACE: f64 = 100_000.0;
/// The largest burst that may be set.
pub const LARGEST_BURST: u64 = 1_000_000;

words! {
    /// What a gate does to those who want to connect.
    PacerMode {
        /// Nothing: everybody goes at once, and nothing is learnt.
        Off = "off",
        /// Everybody goes at once; rate and hold are kept as `pace` would keep them, to be looked at.
        Observe = "observe",
        /// Everybody waits for the latest hint, and then a share of [`PacerSettings::spread`]; there is no rate.
        Pause = "pause",
        /// Everybody goes in turn, at a rate that grows slowly and is cut by every refusal; nobody while a hint holds.
        Pace = "pace",
        /// Everybody goes in turn, at [`PacerSettings::rate`] and [`PacerSettings::burst`], whatever the server says.
        Fixed = "fixed",
    }
}

impl PacerMode {
    /// The words of those that ask the server how fast: all but `fixed`.
    pub const HEARING: &'static [&'static str] = Self::NAMES.split_at(Self::NAMES.len() - 1).0;
}

/// The figures of a gate. [`PacerSettings::check`] says whether they fit together.
///
/// A gate of settings that were not checked draws them to the nearest that would pass, and never panics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PacerSettings {
    /// What the gate does.
    pub mode: PacerMode,
    /// Attempts a second at the start; `fixed`: for ever.
    pub rate: f64,
    /// `fixed`: how many may go at once after a pause, from 1 on.
    pub burst: u64,
    /// What a cut leaves of the rate: above 0, below 1.
    pub beta: f64,
    /// Attempts a second that a second of successes adds.
    pub increase: f64,
    /// Attempts a second below which no cut goes.
    pub min_rate: f64,
    /// Attempts a second above which no success goes.
    pub max_rate: f64,
    /// There is at most one cut in this time, nor in `1 / rate` where that is longer: refusals come in bunches.
    pub cut_gap: Duration,
    /// `pause`: the time after a hint over which those who waited for it are spread.
    pub spread: Duration,
    /// The longest time that one hint holds the gate; a longer hint counts as this.
    pub max_hold: Duration,
}

impl Default for PacerSettings {
    /// Off. With another mode: from 50/s, halved at most every 200 ms, growing by 0.5/s each second, within 0.2/s to 200/s.
    fn default() -> Self {
        Self {
            mode: PacerMode::Off,
            rate: 50.0,
            burst: 1,
            beta: 0.5,
            increase: 0.5,
            min_rate: 0.2,
            max_rate: 200.0,
            cut_gap: Duration::from_millis(200),
            spread: Duration::from_secs(1),
            max_hold: Duration::from_secs(180),
        }
    }
}

impl PacerSettings {
    /// The defaults, with this mode.
    #[must_use]
    pub fn of(mode: PacerMode) -> Self {
        Self {
            mode,
            ..Self::default()
        }
    }

    /// So many attempts a second, and so many at once after a pause.
    #[must_use]
    pub fn fixed(rate: f64, burst: u64) -> Self {
        Self {
            rate,
            burst,
            min_rate: SLOWEST_PACE,
            max_rate: FASTEST_PACE,
            ..Self::of(PacerMode::Fixed)
        }
    }

    /// Whether a run can start with these settings.
    ///
    /// # Errors
    /// The first field that is wrong, with its value and what is allowed: rates outside [`SLOWEST_PACE`] to [`FASTEST_PACE`],
    /// a lowest rate above the highest, a start outside of both, beta outside 0 to 1 or on its edge, an increase outside 0 to
    /// [`FASTEST_PACE`], a burst of 0 or above [`LARGEST_BURST`], durations above 366 days, a longest hold of zero.
    pub fn check(&self) -> Result<(), PolicyError> {
        let rates = format!("{SLOWEST_PACE} to {FASTEST_PACE} a second");
        for (field, rate) in [
            ("shared.minRate", self.min_rate),
            ("shared.maxRate", self.max_rate),
        ] {
            if !(SLOWEST_PACE..=FASTEST_PACE).contains(&rate) {
                return Err(wrong(field, rate.to_string(), rates));
            }
        }
        if self.min_rate > self.max_rate {
            let allowed = format!("at most maxRate, {}", self.max_rate);
            return Err(wrong("shared.minRate", self.min_rate.to_string(), allowed));
        }
        if !(self.min_rate..=self.max_rate).contains(&self.rate) {
            let allowed = format!("minRate to maxRate, {} to {}", self.min_rate, self.max_rate);
            return Err(wrong("shared.rate", self.rate.to_string(), allowed));
        }
        // What is less than normal rounds away, so it counts as 0.
        if !(self.beta >= f64::MIN_POSITIVE && self.beta < 1.0) {
            return Err(wrong(
                "shared.beta",
                self.beta.to_string(),
                "above 0, below 1".to_owned(),
            ));
        }
        if !(0.0..=FASTEST_PACE).contains(&self.increase) {
            let allowed = format!("0 to {FASTEST_PACE}");
            return Err(wrong("shared.increase", self.increase.to_string(), allowed));
        }
        if !(1..=LARGEST_BURST).contains(&self.burst) {
            let allowed = format!("1 to {LARGEST_BURST}");
            return Err(wrong("shared.burst", self.burst.to_string(), allowed));
        }
        for (field, value, lowest) in [
            ("shared.cutGap", self.cut_gap, Duration::ZERO),
            ("shared.spread", self.spread, Duration::ZERO),
            ("shared.maxHold", self.max_hold, Duration::from_millis(1)),
        ] {
            if !(lowest..=LONGEST).contains(&value) {
                let allowed = format!("{} up to 366 days", format_duration(lowest));
                return Err(wrong(field, format_duration(value), allowed));
            }
        }
        Ok(())
    }

    /// The nearest settings that pass the check.
    pub(super) fn drawn(self) -> Self {
        let defaults = Self::default();
        let within = |value: f64, low: f64, high: f64, instead: f64| {
            if value.is_nan() { instead } else { value }.clamp(low, high)
        };
        let max_rate = within(self.max_rate, SLOWEST_PACE, FASTEST_PACE, defaults.max_rate);
        let min_rate = within(self.min_rate, SLOWEST_PACE, max_rate, SLOWEST_PACE);
        Self {
            mode: self.mode,
            rate: within(self.rate, min_rate, max_rate, max_rate),
            burst: self.burst.clamp(1, LARGEST_BURST),
            beta: within(self.beta, f64::MIN_POSITIVE, 1.0 - f64::EPSILON, defaults.beta),
            increase: within(self.increase, 0.0, FASTEST_PACE, defaults.increase),
            min_rate,
            max_rate,
            cut_gap: self.cut_gap.min(LONGEST),
            spread: self.spread.min(LONGEST),
            max_hold: self.max_hold.clamp(Duration::from_millis(1), LONGEST),
        }
    }
}

fn wrong(field: &'static str, value: String, allowed: String) -> PolicyError {
    PolicyError {
        field,
        value,
        allowed,
    }
}
