//! The spread of many round trips, to three digits.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The spread of many round trips, to three digits.
#[derive(Debug)]
pub(crate) struct Spread(Histogram<u32>);

impl Spread {
    /// Nothing recorded.
    pub(crate) fn new() -> Self {
        const LONGEST: u64 = 3_600_000_000_000;
        Spread(Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order"))
    }

    /// Takes note of one; more than an hour counts as an hour.
    pub(crate) fn record(&mut self, length: Duration) {
        self.0.saturating_record(nanos(length));
    }

    /// Min, mean, p50, p90, p99, max in nanoseconds; zeros when there was none.
    pub(crate) fn figures(&self) -> [u64; 6] {
        if self.0.is_empty() {
            return [0; 6];
        }
        let at = |quantile| self.0.value_at_quantile(quantile);
        // A mean of whole nanoseconds is precise enough.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let mean = self.0.mean().round() as u64;
        [self.0.min(), mean, at(0.5), at(0.9), at(0.99), self.0.max()]
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_right_to_three_digits() {
        let mut spread = Spread::new();
        assert_eq!(spread.figures(), [0; 6]);
        for us in 1..=1000 {
            spread.record(Duration::from_micros(us));
        }
        let expected = [1_000, 500_500, 500_000, 900_000, 990_000, 1_000_000];
        for (found, expected) in spread.figures().into_iter().zip(expected) {
            assert!(found.abs_diff(expected) <= expected / 500, "{found} {expected}");
        }
    }
}
