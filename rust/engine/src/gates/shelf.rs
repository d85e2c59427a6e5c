//! What a test keeps by names that may be new with every sample, as paths are: bounded, and nothing is forgotten that is in use.

use std::collections::HashMap;
use std::sync::Arc;

/// How many are kept that nobody uses.
const MOST_IDLE: usize = 4_096;

/// Shared things by name.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    by_key: HashMap<String, Kept<T>>,
    /// How often it was asked.
    asked: u64,
    /// How many there may be before it looks for idle ones again.
    room: usize,
}

#[derive(Debug)]
struct Kept<T> {
    thing: Arc<T>,
    /// Which question asked for it last.
    asked: u64,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            by_key: HashMap::new(),
            asked: 0,
            room: MOST_IDLE,
        }
    }
}

impl<T> Shelf<T> {
    /// What has this name; the first to ask makes it.
    pub(super) fn get(&mut self, key: &str, make: impl FnOnce() -> T) -> Arc<T> {
        self.asked += 1;
        if let Some(kept) = self.by_key.get_mut(key) {
            kept.asked = self.asked;
            return kept.thing.clone();
        }
        if self.by_key.len() >= self.room {
            self.forget_idle();
        }
        let thing = Arc::new(make());
        let kept = Kept {
            thing: thing.clone(),
            asked: self.asked,
        };
        self.by_key.insert(key.to_owned(), kept);
        thing
    }

    /// All that it has, each with its name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Arc<T>)> {
        self.by_key.iter().map(|(key, kept)| (&**key, &kept.thing))
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Of those that nobody uses the half that was asked for last stays. However many are in use: room for as many again, so that
    /// looking through all of them costs little each time somebody asks.
    fn forget_idle(&mut self) {
        let is_idle = |kept: &Kept<T>| Arc::strong_count(&kept.thing) == 1;
        let idle = self.by_key.values().filter(|kept| is_idle(kept));
        let mut asked: Vec<u64> = idle.map(|kept| kept.asked).collect();
        asked.sort_unstable();
        if let Some(&since) = asked.get(asked.len() / 2) {
            self.by_key
                .retain(|_, kept| !is_idle(kept) || kept.asked >= since);
        }
        self.room = self.by_key.len() + MOST_IDLE / 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_names_there_are_only_those_in_use_and_the_latest_are_kept() {
        let mut shelf = Shelf::default();
        let held: Vec<Arc<usize>> = (0..100)
            .map(|number| shelf.get(&format!("held {number}"), || number))
            .collect();
        for number in 0..20 * MOST_IDLE {
            shelf.get(&number.to_string(), || number);
            shelf.get("asked for again and again", || 7);
            assert!(
                shelf.by_key.len() <= held.len() + MOST_IDLE,
                "{}",
                shelf.by_key.len()
            );
        }
        for (number, held) in held.iter().enumerate() {
            let again = shelf.get(&format!("held {number}"), || usize::MAX);
            assert!(Arc::ptr_eq(held, &again), "{number} was forgotten in use");
        }
        assert_eq!(*shelf.get("asked for again and again", || 8), 7);
        let last = 20 * MOST_IDLE - 1;
        assert_eq!(*shelf.get(&last.to_string(), || 0), last);
        assert_eq!(*shelf.get("0", || 9), 9, "the first is long forgotten");
    }
}
