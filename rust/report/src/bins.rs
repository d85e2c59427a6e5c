//! Counts over time, in slots that double their width when there are too many of them.

use std::collections::BTreeMap;

/// At first, in microseconds; doubled, it makes whole seconds.
const FINEST: u64 = 62_500;
/// Slots that are kept at most.
const MOST: usize = 2_048;

/// The year 3000: a damaged line must not leave room for no sum.
const LATEST: u64 = 32_503_680_000_000_000;

/// A moment that can be reckoned with.
pub(crate) fn moment(micros: u64) -> u64 {
    micros.min(LATEST)
}

/// What can be put together when slots are.
pub(crate) trait Merge: Default {
    fn merge(&mut self, other: &Self);
}

/// Values by when they were seen, microseconds since 1970, in any order.
#[derive(Debug, Clone)]
pub(crate) struct Bins<T> {
    width: u64,
    slots: BTreeMap<u64, T>,
}

impl<T> Default for Bins<T> {
    fn default() -> Self {
        Bins {
            width: FINEST,
            slots: BTreeMap::new(),
        }
    }
}

impl<T: Merge> Bins<T> {
    /// What stands at that time.
    pub(crate) fn at(&mut self, micros: u64) -> &mut T {
        let micros = moment(micros);
        while self.slots.len() >= MOST && !self.slots.contains_key(&(micros / self.width)) {
            self.coarsen(2);
        }
        self.slots.entry(micros / self.width).or_default()
    }

    fn coarsen(&mut self, times: u64) {
        let fine = std::mem::take(&mut self.slots);
        self.width *= times;
        for (index, value) in fine {
            self.slots.entry(index / times).or_default().merge(&value);
        }
    }

    /// Each slot that holds something: its begin, and what it holds.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.slots
            .iter()
            .map(|(index, value)| (index * self.width, value))
    }

    /// Begin of the first slot, and end of the last.
    pub(crate) fn span(&self) -> Option<(u64, u64)> {
        let (first, _) = self.slots.first_key_value()?;
        let (last, _) = self.slots.last_key_value()?;
        Some((first * self.width, (last + 1) * self.width))
    }

    /// The most of something in any slot at least so wide, and how wide that is.
    pub(crate) fn most(&self, least_width: u64, of: impl Fn(&T) -> u64) -> (u64, u64) {
        let width = self.width.max(least_width);
        let mut sums = BTreeMap::<u64, u64>::new();
        for (begin, value) in self.iter() {
            *sums.entry(begin / width).or_default() += of(value);
        }
        (width, sums.into_values().max().unwrap_or(0))
    }

    /// In at most so many slots from the first to the last, each at least so wide in microseconds: their width, then begins and values,
    /// also of those that hold nothing.
    pub(crate) fn even(&self, most: u64, least_width: u64) -> (u64, Vec<(u64, T)>) {
        let Some((from, to)) = self.span() else {
            return (least_width, Vec::new());
        };
        let mut width = self.width;
        while width < least_width || (to - from) / width >= most {
            width *= 2;
        }
        let first = from / width;
        let count = (to - 1) / width - first + 1;
        let mut even: Vec<(u64, T)> = (0..count)
            .map(|index| ((first + index) * width, T::default()))
            .collect();
        for (begin, value) in self.iter() {
            let index = usize::try_from(begin / width - first).expect("few slots");
            even[index].1.merge(value);
        }
        (width, even)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Merge for u64 {
        fn merge(&mut self, other: &u64) {
            *self += other;
        }
    }

    #[test]
    fn nothing_is_lost_and_slots_stay_few_whatever_the_times_are() {
        let mut bins = Bins::<u64>::default();
        let start = 1_795_887_319_494_764;
        for index in 0..200_000u64 {
            *bins.at(start + index.wrapping_mul(2_654_435_761) % 7_200_000_000) += 1;
        }
        *bins.at(0) += 1;
        *bins.at(u64::MAX) += 1;
        assert!(bins.slots.len() <= MOST, "{}", bins.slots.len());
        assert_eq!(bins.iter().map(|(_, count)| count).sum::<u64>(), 200_002);
        let (_, even) = bins.even(100, 1_000_000);
        assert!(even.len() <= 101, "{}", even.len());
        assert_eq!(even.iter().map(|(_, count)| count).sum::<u64>(), 200_002);
    }

    #[test]
    fn even_slots_have_no_gap() {
        let mut bins = Bins::<u64>::default();
        for second in [0, 1, 1, 30] {
            *bins.at(second * 1_000_000) += 1;
        }
        let (width, even) = bins.even(1_000, 1_000_000);
        assert_eq!(width, 1_000_000);
        assert!(even.windows(2).all(|pair| pair[1].0 - pair[0].0 == width));
        assert_eq!(even.iter().map(|(_, count)| *count).max(), Some(2));
        assert!(Bins::<u64>::default().even(10, 5).1.is_empty());
    }
}
