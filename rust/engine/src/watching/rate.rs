//! How often something has happened a second, lately: counted without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// So many seconds back it looks, the one that runs included.
pub const LOOK_BACK: u64 = 10;
/// More than it looks back, so that no second is counted where another one is read.
const PLACES: usize = 16;

/// See the file's sentence.
#[derive(Debug, Default)]
pub struct Rate {
    /// By second: in the upper half which one, in the lower half how often.
    seconds: [AtomicU64; PLACES],
}

impl Rate {
    /// It happens, so long after the start.
    pub fn count(&self, now: Duration) {
        let second = now.as_secs();
        let begun = second << 32;
        let place = &self.seconds[place(second)];
        // Whoever is late by a whole round finds a later second there, and is not counted.
        let _ = place.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |old| {
            (old >> 32 <= second).then_some(if old >> 32 == second { old + 1 } else { begun + 1 })
        });
    }

    /// Times a second in the last ten seconds, or since the start where that is less.
    pub fn per_second(&self, now: Duration) -> f64 {
        let second = now.as_secs();
        let first = second.saturating_sub(LOOK_BACK - 1);
        let times: u64 = (first..=second)
            .map(|second| {
                let held = self.seconds[place(second)].load(Ordering::Relaxed);
                if held >> 32 == second {
                    held & 0xffff_ffff
                } else {
                    0
                }
            })
            .sum();
        let over = (now - Duration::from_secs(first)).max(Duration::from_secs(1));
        times as f64 / over.as_secs_f64()
    }
}

fn place(second: u64) -> usize {
    usize::try_from(second % PLACES as u64).expect("a small number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_the_last_ten_seconds_and_forgets_what_was_before() {
        let rate = Rate::default();
        let at = Duration::from_millis;
        assert!(rate.per_second(at(0)) < f64::EPSILON);
        for time in (0..60_000).step_by(250) {
            rate.count(at(time));
        }
        for (now, expected) in [
            (60_000, 36.0 / 9.0),
            (65_000, 16.0 / 9.0),
            (69_500, 0.0),
            (500_000, 0.0),
        ] {
            let told = rate.per_second(at(now));
            assert!((told - expected).abs() < 0.001, "{told} at {now} ms");
        }
        let rate = Rate::default();
        (0..5).for_each(|_| rate.count(at(100)));
        assert!(
            (rate.per_second(at(200)) - 5.0).abs() < 0.001,
            "no more than was counted"
        );
    }
}
