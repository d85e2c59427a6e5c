//! How long something took, many times over: counted as it happens, told as quantiles and as counts up to bounds.

use std::sync::Mutex;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::locks::lock;

/// Digits that count: a quantile is right within one in a hundred.
const DIGITS: u8 = 2;
/// In microseconds; what is longer counts as this.
const LONGEST: u64 = 24 * 3_600 * 1_000_000;

/// Up to which the lengths are counted, in milliseconds.
pub const BOUNDS: [u64; 16] = [
    5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000,
];

/// Takes lengths from any thread.
#[derive(Debug)]
pub struct Spread(Mutex<Counted>);

#[derive(Debug)]
struct Counted {
    micros: Histogram<u64>,
    sum: Duration,
}

/// What a [`Spread`] has taken.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Lengths {
    /// How many there were.
    pub count: u64,
    /// All of them together.
    pub sum: Duration,
    /// Half of them are shorter.
    pub median: Duration,
    /// 19 of 20 are shorter.
    pub p95: Duration,
    /// The longest.
    pub longest: Duration,
    /// How many are no longer than each of [`BOUNDS`].
    pub up_to: [u64; BOUNDS.len()],
}

impl Default for Spread {
    fn default() -> Self {
        Spread(Mutex::new(Counted {
            micros: Histogram::new_with_max(LONGEST, DIGITS).expect("the bounds are in order"),
            sum: Duration::ZERO,
        }))
    }
}

impl Spread {
    /// Takes one.
    pub fn add(&self, length: Duration) {
        let mut counted = lock(&self.0);
        counted.micros.saturating_record(trace::micros_of(length));
        counted.sum += length;
    }

    /// All that came so far.
    pub fn lengths(&self) -> Lengths {
        let counted = lock(&self.0);
        let micros = &counted.micros;
        let quantile = |share| Duration::from_micros(micros.value_at_quantile(share));
        if micros.is_empty() {
            return Lengths::default();
        }
        Lengths {
            count: micros.len(),
            sum: counted.sum,
            median: quantile(0.5),
            p95: quantile(0.95),
            longest: quantile(1.0),
            up_to: BOUNDS.map(|bound| micros.count_between(0, bound * 1_000)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_within_one_in_a_hundred_and_counts_grow_to_all() {
        let spread = Spread::default();
        assert_eq!(spread.lengths(), Lengths::default());
        for millis in 1..=1_000 {
            spread.add(Duration::from_millis(millis));
        }
        let lengths = spread.lengths();
        for (told, truth) in [
            (lengths.median, 500),
            (lengths.p95, 950),
            (lengths.longest, 1_000),
        ] {
            let share = told.as_secs_f64() * 1_000.0 / f64::from(truth);
            assert!((0.99..=1.01).contains(&share), "{told:?} for {truth} ms");
        }
        assert_eq!(lengths.count, 1_000);
        assert_eq!(lengths.sum, Duration::from_millis(500_500));
        assert!(lengths.up_to.is_sorted());
        // 1 s is in the bound of 1 s, however the histogram rounds.
        assert_eq!(lengths.up_to[7], 1_000);
        assert!((4..=6).contains(&lengths.up_to[0]), "{lengths:?}");
        spread.add(Duration::from_secs(1 << 40));
        assert_eq!(spread.lengths().count, 1_001);
    }
}
