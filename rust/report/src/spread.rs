//! Lengths of time as a distribution, and things counted by a name of which there may be too many.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

/// Lengths in microseconds, to three digits.
#[derive(Debug, Clone)]
pub(crate) struct Spread(Histogram<u64>);

impl Default for Spread {
    fn default() -> Self {
        Spread(Histogram::new(3).expect("three digits are allowed"))
    }
}

/// A week: nothing that is measured here takes longer, and a damaged line must not ask for memory.
const LONGEST: u64 = 7 * 24 * 3_600 * 1_000_000;

/// Slots of a distribution between 1 and 10.
const SLOTS: f64 = 6.0;

impl Spread {
    pub(crate) fn add(&mut self, micros: u64) {
        let taken = self.0.record(micros.min(LONGEST));
        debug_assert!(taken.is_ok(), "the histogram grows up to a week: {taken:?}");
    }

    pub(crate) fn add_ms(&mut self, milliseconds: f64) {
        self.add(micros(milliseconds));
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// In seconds, so many of a hundred are not longer; 0 where there is none.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        self.0.value_at_percentile(percent) as f64 / 1e6
    }

    pub(crate) fn longest(&self) -> f64 {
        self.0.max() as f64 / 1e6
    }

    /// How many there are of each length: begins of slots in seconds, that grow evenly by powers of ten, and an empty one at the end.
    pub(crate) fn slots(&self) -> Vec<(f64, f64)> {
        let mut counts = BTreeMap::<i32, u64>::new();
        for value in self.0.iter_recorded() {
            // What took no whole microsecond stands with what took one.
            let place = (value.value_iterated_to().max(1) as f64).log10() * SLOTS;
            #[allow(clippy::cast_possible_truncation)] // at most 12 decades
            let slot = place.floor() as i32;
            *counts.entry(slot).or_default() += value.count_at_value();
        }
        let (Some(first), Some(last)) = (counts.keys().next(), counts.keys().next_back()) else {
            return Vec::new();
        };
        (*first..=*last + 1)
            .map(|slot| {
                let begin = 10f64.powf(f64::from(slot) / SLOTS) / 1e6;
                (begin, counts.get(&slot).copied().unwrap_or(0) as f64)
            })
            .collect()
    }
}

/// Whole microseconds; what is no length is none.
pub(crate) fn micros(milliseconds: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates, and NaN is 0
    {
        (milliseconds * 1e3).round() as u64
    }
}

/// Things by their name. Of a trace's own names there are few; those beyond the bound go into one rest.
#[derive(Debug, Clone)]
pub(crate) struct Named<T> {
    things: BTreeMap<String, T>,
    bound: usize,
}

/// Under which the rest stands.
const REST: &str = "(others)";
/// Longer names are cut.
const NAME: usize = 200;

impl<T: Default> Named<T> {
    pub(crate) fn up_to(bound: usize) -> Self {
        Named {
            things: BTreeMap::new(),
            bound,
        }
    }

    pub(crate) fn of(&mut self, name: &str) -> &mut T {
        let name = name
            .char_indices()
            .nth(NAME)
            .map_or(name, |(end, _)| &name[..end]);
        let full = self.things.len() >= self.bound && !self.things.contains_key(name);
        let name = if full { REST } else { name };
        self.things.entry(name.to_owned()).or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.things.iter().map(|(name, thing)| (name.as_str(), thing))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// The largest first, by what is asked for.
    pub(crate) fn sorted(&self, by: impl Fn(&T) -> u64) -> Vec<(&str, &T)> {
        let mut sorted: Vec<(&str, &T)> = self.iter().collect();
        sorted.sort_by_key(|(_, thing)| std::cmp::Reverse(by(thing)));
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_stand_in_slots_that_grow_by_powers_of_ten() {
        let mut spread = Spread::default();
        for micros in [0, 1, 1_500, 1_600, 1_000_000, u64::MAX] {
            spread.add(micros);
        }
        let slots = spread.slots();
        let sum: f64 = slots.iter().map(|(_, count)| count).sum();
        assert!((sum - 6.0).abs() < 1e-9, "{slots:?}");
        assert!((slots.last().unwrap().1).abs() < 1e-9, "{slots:?}");
        for pair in slots.windows(2) {
            assert!(
                (pair[1].0 / pair[0].0 - 10f64.powf(1.0 / SLOTS)).abs() < 1e-6,
                "{slots:?}"
            );
        }
        assert!(Spread::default().slots().is_empty());
    }

    #[test]
    fn lengths_that_are_none_count_as_nothing() {
        for (milliseconds, whole) in [(1.5, 1_500), (-1.0, 0), (f64::NAN, 0), (f64::INFINITY, u64::MAX)] {
            assert_eq!(micros(milliseconds), whole, "{milliseconds}");
        }
    }

    #[test]
    fn names_beyond_the_bound_are_one_rest() {
        let mut named = Named::<u64>::up_to(3);
        for name in 0..10_000 {
            *named.of(&name.to_string()) += 1;
        }
        *named.of("1") += 1;
        let counts: Vec<(&str, u64)> = named.iter().map(|(name, count)| (name, *count)).collect();
        assert_eq!(counts, [("(others)", 9_997), ("0", 1), ("1", 2), ("2", 1)]);
        let long = "ü".repeat(1_000);
        *Named::<u64>::up_to(3).of(&long) += 1;
    }
}
