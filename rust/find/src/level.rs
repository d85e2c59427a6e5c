//! The level that contradicts the fewest: passes say "at least", refusals "at most".

use crate::models::Demand;

/// The best levels of a shape, and what they contradict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    /// The lowest that contradicts no more than the others.
    pub(crate) low: i64,
    /// The highest; [`i64::MAX`] where nothing says how high.
    pub(crate) high: i64,
    /// Passes that are contradicted.
    pub(crate) passes: usize,
    /// Refusals that are.
    pub(crate) refusals: usize,
    /// Decisions that could have been the other way, too.
    pub(crate) open: usize,
}

/// What a contradicted decision costs, where one that the model leaves open costs 1: bits, so to speak.
const CONTRADICTED: usize = 50;

/// So near to its level a count is as good as there.
const MOST_SLACK: i64 = 5;

impl Level {
    /// How many decisions are contradicted.
    pub(crate) fn missed(&self) -> usize {
        self.passes + self.refusals
    }

    /// How badly the decisions are explained: a model that allows everything contradicts nothing, and explains nothing either.
    pub(crate) fn cost(&self) -> usize {
        CONTRADICTED * self.missed() + self.open
    }
}

/// The best levels for these demands: the longest row of equally good ones. At least 1.
pub(crate) fn level(demands: &[Demand]) -> Level {
    let mut needs: Vec<i64> = demands
        .iter()
        .filter(|one| one.passed)
        .map(|one| one.least)
        .collect();
    let mut caps: Vec<i64> = demands
        .iter()
        .filter(|one| !one.passed)
        .map(|one| one.cap)
        .collect();
    needs.sort_unstable();
    caps.sort_unstable();
    let cost = |level: i64| {
        let passes = needs.len() - needs.partition_point(|need| *need <= level);
        (passes, caps.partition_point(|cap| *cap < level))
    };
    // The cost falls where a need is met, and rises behind a cap.
    let mut best = Level {
        low: 1,
        high: 1,
        passes: usize::MAX / 2,
        refusals: 0,
        open: 0,
    };
    let mut tried: Vec<i64> = needs
        .iter()
        .copied()
        .chain([1])
        .filter(|need| *need >= 1)
        .collect();
    tried.sort_unstable();
    tried.dedup();
    for low in tried {
        let (passes, refusals) = cost(low);
        if passes + refusals > best.missed() {
            continue;
        }
        let next_need = needs.get(needs.partition_point(|need| *need <= low)).copied();
        let cap = caps.get(caps.partition_point(|cap| *cap < low)).copied();
        let high = match (next_need.map(|need| need - 1), cap) {
            (Some(need), Some(cap)) => need.min(cap),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => i64::MAX,
        };
        let longer = high.saturating_sub(low) > best.high.saturating_sub(best.low);
        if passes + refusals < best.missed() || longer {
            best = Level {
                low,
                high,
                passes,
                refusals,
                open: 0,
            };
        }
    }
    // One that nobody knows on which side of a window's begin it fell must not open the whole window.
    let open = |level: i64| {
        let slack = (level / 10).min(MOST_SLACK);
        let both =
            |one: &&Demand| one.need <= level.saturating_sub(slack) && level.saturating_add(slack) <= one.cap;
        demands.iter().filter(both).count()
    };
    best.open = open(best.low).min(open(best.high));
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_lies_between_what_passes_need_and_refusals_allow() {
        for (needs, caps, low, high, passes, refusals) in [
            (vec![1, 2, 3], vec![3, 5], 3, 3, 0, 0),
            (vec![1, 2, 3], vec![7, 5], 3, 5, 0, 0),
            (vec![1, 2, 3], vec![], 3, i64::MAX, 0, 0),
            (vec![], vec![4], 1, 4, 0, 0),
            (vec![1, 2, 9], vec![4, 5, 5], 2, 4, 1, 0),
            (vec![1, 9, 9], vec![4], 9, i64::MAX, 0, 1),
            (vec![2], vec![0], 2, i64::MAX, 0, 1),
        ] {
            let pass = |need| Demand {
                passed: true,
                need,
                least: need,
                cap: 0,
            };
            let refusal = |cap| Demand {
                passed: false,
                need: i64::MAX,
                least: i64::MAX,
                cap,
            };
            let demands: Vec<Demand> = needs
                .into_iter()
                .map(pass)
                .chain(caps.into_iter().map(refusal))
                .collect();
            let found = level(&demands);
            let expected = Level {
                low,
                high,
                passes,
                refusals,
                open: found.open,
            };
            assert_eq!(found, expected, "{demands:?}");
        }
    }
}
