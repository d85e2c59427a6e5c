//! Where chance comes from: a seed for every user's every connect, and the stream of numbers that it starts.

use rand::{Rng, SeedableRng, rngs::Xoshiro256PlusPlus};

/// The seed of one connect of one user, for [`crate::Backoff::new`].
///
/// `user` names the virtual user (a thread name), `ordinal` counts its connects so far. The value depends on nothing
/// else (no platform, no version of Rust or of this crate), so that a run with a set seed repeats.
///
/// The mixing: FNV-1a (64 bit) over the name, then the finisher of SplitMix64 after each of seed, name and ordinal.
#[must_use]
pub fn stream_seed(seed: u64, user: &str, ordinal: u64) -> u64 {
    let name = user.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut state = finish(seed);
    state = finish(state ^ name);
    finish(state ^ ordinal)
}

/// One step of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit. By hand, like FNV above: a seed that
/// stands in a plan gives the same waits for ever, and no library promises its mixing that long.
fn finish(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A stream of uniform numbers: that of a [`crate::Backoff`], or one beside it for what a [`crate::Pacer`] asks for.
///
/// Xoshiro256++ is one of rand's named portable generators: the same seed gives the same
/// numbers on every platform and in every later version, which `StdRng` and `SmallRng` do not promise.
#[derive(Debug, Clone)]
pub struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// `None`: a seed from the operating system.
    #[must_use]
    pub fn new(seed: Option<u64>) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(
            seed.unwrap_or_else(rand::random),
        ))
    }

    /// The next number of U(0, 1): 53 bits, 0 included, 1 not. Made by hand, because rand may change how its
    /// distributions turn bits into floats.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Computed apart from this code; a change here changes every run that users have set a seed for.
    const SEEDS: &[(u64, &str, u64, u64)] = &[
        (0, "", 0, 12_014_417_281_350_144_652),
        (42, "Thread Group 1-1", 0, 6_421_779_927_121_029_159),
        (42, "Thread Group 1-1", 1, 13_101_521_605_622_042_425),
        (42, "Thread Group 1-2", 0, 285_165_434_447_381_009),
        (43, "Thread Group 1-1", 0, 12_196_336_343_356_304_147),
        (u64::MAX, "Nutzer \u{fc}", u64::MAX, 14_337_418_180_163_747_806),
    ];

    #[test]
    fn seeds_are_the_same_in_every_version() {
        for (seed, user, ordinal, expected) in SEEDS {
            assert_eq!(
                stream_seed(*seed, user, *ordinal),
                *expected,
                "{seed} {user:?} {ordinal}"
            );
        }
    }

    #[test]
    fn seeds_differ_between_users_connects_and_runs() {
        let mut seen = HashSet::new();
        for seed in 0..10 {
            for user in 0..100 {
                for ordinal in 0..10 {
                    assert!(seen.insert(stream_seed(seed, &format!("Thread Group 1-{user}"), ordinal)));
                }
            }
        }
    }

    #[test]
    fn a_stream_is_uniform_and_repeats() {
        let mut stream = Stream::new(Some(1));
        let numbers: Vec<f64> = (0..100_000).map(|_| stream.unit()).collect();
        assert!(numbers.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = numbers.iter().sum::<f64>() / 100_000.0;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        let mut again = Stream::new(Some(1));
        assert!(numbers.iter().all(|u| *u == again.unit()));
        assert_ne!(Stream::new(None).unit(), Stream::new(None).unit());
    }
}
