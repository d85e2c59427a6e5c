//! How long the nth wait can be before anything has failed: what a panel draws of a policy. Hints are not in it.

use crate::policy::Policy;
use crate::seed::{Stream, stream_seed};
use crate::strategy::{Memory, Strategy, own_wait};
use std::time::Duration;

/// Between what and what one wait of a policy lies, after throttles without a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// No such wait is shorter. Exact.
    pub lowest: Duration,
    /// Half of the waits are shorter: exact, but where a wait hangs on the one before or may be drawn anew below the cap. There it is
    /// that of [`CHAINS`] users drawn with fixed seeds.
    pub median: Duration,
    /// No such wait is longer. Exact.
    pub highest: Duration,
}

/// How many users are drawn for what has no closed form; an odd number, so that one of them is in the middle.
const CHAINS: u64 = 2001;

impl Policy {
    /// The bands of the first `count` waits; none where the strategy is `none`. The stop rules are not asked.
    #[must_use]
    pub fn bands(&self, count: usize) -> Vec<Band> {
        if self.strategy == Strategy::None {
            return Vec::new();
        }
        let medians = self.medians(count);
        let bounds = (0_u64..).map(|nth| self.bounds(nth));
        medians
            .into_iter()
            .zip(bounds)
            .map(|(median, (lowest, highest))| Band {
                lowest,
                median,
                highest,
            })
            .collect()
    }

    /// The median over users of how many waits fit into `max_elapsed` and the count of attempts, attempts taking no time.
    #[must_use]
    pub fn typical_waits(&self) -> u32 {
        let most = self.attempt_limit().saturating_sub(1).min(crate::ATTEMPT_GUARD);
        if self.strategy == Strategy::None {
            return 0;
        }
        let mut counts: Vec<u32> = self
            .chains()
            .map(|chain| {
                let mut elapsed = Duration::ZERO;
                let fits = |wait: &Duration| {
                    elapsed = elapsed.saturating_add(*wait);
                    elapsed < self.max_elapsed
                };
                let waits = chain.take(most as usize).take_while(fits).count();
                u32::try_from(waits).expect("at most the guard")
            })
            .collect();
        middle(&mut counts)
    }

    /// Every formula grows with its number of U(0, 1), and with those before it, but for `decorrelated-v2`, which falls
    /// with the one before: so the edges of the numbers give the edges of the wait. A draw anew lies between them.
    fn bounds(&self, nth: u64) -> (Duration, Duration) {
        let edge = |before: f64, last: f64| {
            let mut memory = Memory::default();
            // Once at the cap, or past the guard, nothing changes any more.
            let from = nth.saturating_sub(u64::from(crate::ATTEMPT_GUARD));
            for a in from..nth {
                own_wait(self, self.base, a, before, &mut memory);
            }
            own_wait(self, self.base, nth, last, &mut memory)
        };
        if self.strategy == Strategy::DecorrelatedV2 {
            (edge(1.0, 0.0), edge(0.0, 1.0))
        } else {
            (edge(0.0, 0.0), edge(1.0, 1.0))
        }
    }

    fn medians(&self, count: usize) -> Vec<Duration> {
        let chained = matches!(self.strategy, Strategy::Decorrelated | Strategy::DecorrelatedV2);
        let redrawn = |nth| {
            chained
                || matches!(self.strategy, Strategy::PlusMinus | Strategy::Additive) && {
                    let (lowest, highest) = self.bounds(nth);
                    lowest < highest && highest == self.cap
                }
        };
        let half = |nth| own_wait(self, self.base, nth, 0.5, &mut Memory::default());
        let first_is_exact = self.bounds(0).1 < self.cap;
        if !(0_u64..).take(count).any(redrawn) {
            return (0_u64..).take(count).map(half).collect();
        }
        let mut drawn = vec![Vec::new(); count];
        for chain in self.chains() {
            for (waits, wait) in drawn.iter_mut().zip(chain) {
                waits.push(wait);
            }
        }
        (0_u64..)
            .zip(&mut drawn)
            .map(|(nth, waits)| {
                if (nth == 0 && first_is_exact) || !redrawn(nth) {
                    half(nth)
                } else {
                    middle(waits)
                }
            })
            .collect()
    }

    /// The waits of each of [`CHAINS`] users, without end.
    fn chains(&self) -> impl Iterator<Item = impl Iterator<Item = Duration>> {
        (0..CHAINS).map(move |user| {
            let mut stream = Stream::new(Some(stream_seed(0, "bands", user)));
            let mut memory = Memory::default();
            (0_u64..).map(move |nth| own_wait(self, self.base, nth, stream.unit(), &mut memory))
        })
    }
}

/// The median of an odd number of values.
fn middle<T: Ord + Copy>(values: &mut [T]) -> T {
    let half = values.len() / 2;
    *values.select_nth_unstable(half).1
}
