//! Whether this machine keeps up with its virtual users: what their threads wait for a processor once their calls are done.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A thread that waits longer is late.
const LATE: Duration = Duration::from_millis(10);

/// Of fewer calls nothing is said: a test that begins warms up.
const FEWEST: u64 = 1_000;

/// See the file's sentence.
#[derive(Debug, Default)]
pub struct Overload {
    calls: AtomicU64,
    late: AtomicU64,
    told: AtomicBool,
}

impl Overload {
    /// A thread had a processor so long after its call was done. True, once: more than one in a hundred was late.
    pub fn scheduled(&self, waited: Duration) -> bool {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if waited <= LATE {
            return false;
        }
        let late = self.late.fetch_add(1, Ordering::Relaxed) + 1;
        calls >= FEWEST && late.saturating_mul(100) > calls && !self.told.swap(true, Ordering::Relaxed)
    }

    /// Another test begins.
    pub fn begin_again(&self) {
        self.calls.store(0, Ordering::Relaxed);
        self.late.store(0, Ordering::Relaxed);
        self.told.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_when_more_than_one_in_a_hundred_is_late() {
        let overload = Overload::default();
        let (quick, late) = (Duration::from_millis(10), Duration::from_millis(11));
        let mut told = 0;
        for call in 0..2_000 {
            // Exactly one in a hundred.
            let waited = if call % 100 == 99 { late } else { quick };
            told += u32::from(overload.scheduled(waited));
        }
        assert_eq!(told, 0);
        for _ in 0..3 {
            told += u32::from(overload.scheduled(late));
        }
        assert_eq!(told, 1);
        overload.begin_again();
        for _ in 0..999 {
            assert!(!overload.scheduled(late), "a test that begins warms up");
        }
        assert!(overload.scheduled(late));
    }
}
