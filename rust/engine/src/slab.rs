//! Handles: numbers that stand for values. A number that was freed never finds the value that took its place.

use std::sync::{Arc, OnceLock, PoisonError};

use crate::locks::{Mutex, MutexGuard};

/// Slot in the low 32 bits, generation in the high 32. 0 is no handle.
pub type Handle = u64;

/// Slots of the first block; each block has twice as many as the one before it.
const FIRST_BLOCK: u64 = 64;
/// With these, 2^32 slots.
const BLOCKS: usize = 27;

/// Values by handle. Slots never move, and each has a lock and a cache line of its own: threads that look up different handles
/// have nothing to do with each other, on however many cores. A look-up clones the `Arc` and lets go of the lock, so nobody
/// waits under it.
#[derive(Debug)]
pub struct Slab<T> {
    blocks: [OnceLock<Box<[Slot<T>]>>; BLOCKS],
    book: Mutex<Book>,
}

/// Which slots there are. Its lock is never taken under a slot's, nor a slot's under it.
#[derive(Debug, Default)]
struct Book {
    made: u32,
    free: Vec<u32>,
}

#[derive(Debug)]
#[repr(align(64))]
struct Slot<T>(Mutex<Entry<T>>);

#[derive(Debug)]
struct Entry<T> {
    generation: u32,
    value: Option<Arc<T>>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab {
            blocks: [const { OnceLock::new() }; BLOCKS],
            book: Mutex::new(Book::default()),
        }
    }
}

impl<T> Slab<T> {
    /// Stores a value and answers its handle, never 0.
    pub fn insert(&self, value: Arc<T>) -> Handle {
        let index = self.reserve();
        let mut entry = self.entry(index).expect("a slot that was reserved is there");
        // Generation 0 is never given out: a handle is never 0, not even in slot 0.
        entry.generation = entry.generation.wrapping_add(1).max(1);
        entry.value = Some(value);
        u64::from(entry.generation) << 32 | u64::from(index)
    }

    /// The value of a handle; `None` for 0, for one that was removed and for one that never was.
    pub fn get(&self, handle: Handle) -> Option<Arc<T>> {
        let (index, generation) = split(handle);
        let entry = self.entry(index)?;
        if entry.generation != generation {
            return None;
        }
        entry.value.clone()
    }

    /// Takes a value out; its handle is stale from now on.
    pub fn remove(&self, handle: Handle) -> Option<Arc<T>> {
        let (index, generation) = split(handle);
        let mut entry = self.entry(index)?;
        if entry.generation != generation {
            return None;
        }
        let value = entry.value.take()?;
        drop(entry);
        self.book().free.push(index);
        Some(value)
    }

    /// Takes all values out.
    pub fn drain(&self) -> Vec<Arc<T>> {
        let made = self.book().made;
        let mut values = Vec::new();
        let mut freed = Vec::new();
        for index in 0..made {
            if let Some(value) = self.entry(index).and_then(|mut entry| entry.value.take()) {
                values.push(value);
                freed.push(index);
            }
        }
        self.book().free.extend(freed);
        values
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        let book = self.book();
        book.made as usize - book.free.len()
    }

    /// A slot for one value; a new one where none is free.
    fn reserve(&self) -> u32 {
        let mut book = self.book();
        if let Some(index) = book.free.pop() {
            return index;
        }
        let index = book.made;
        book.made = index
            .checked_add(1)
            .expect("memory ends long before 2^32 connections");
        let (block, _) = place(index);
        self.blocks[block].get_or_init(|| {
            let empty = || Entry {
                generation: 0,
                value: None,
            };
            (0..FIRST_BLOCK << block)
                .map(|_| Slot(Mutex::new(empty())))
                .collect()
        });
        index
    }

    /// `None`: there is no such slot yet.
    fn entry(&self, index: u32) -> Option<MutexGuard<'_, Entry<T>>> {
        let (block, at) = place(index);
        let slot = &self.blocks[block].get()?[at];
        Some(whole(slot.0.lock()))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        whole(self.book.lock())
    }
}

/// Every change above is whole before anything can panic, so a poisoned lock hides no half-made state.
fn whole<G>(locked: Result<G, PoisonError<G>>) -> G {
    locked.unwrap_or_else(PoisonError::into_inner)
}

/// A slot's block, and where it is in it.
fn place(index: u32) -> (usize, usize) {
    let number = u64::from(index) + FIRST_BLOCK;
    let block = number.ilog2() - FIRST_BLOCK.ilog2();
    let before = FIRST_BLOCK << block;
    let at = usize::try_from(number - before).expect("less than 2^32");
    (block as usize, at)
}

fn split(handle: Handle) -> (u32, u32) {
    let [low, high] = [handle & 0xffff_ffff, handle >> 32];
    (
        u32::try_from(low).expect("32 bits"),
        u32::try_from(high).expect("32 bits"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_handle_finds_nothing_even_when_its_slot_is_taken_again() {
        let slab = Slab::default();
        let first = slab.insert(Arc::new("first"));
        assert_eq!(slab.remove(first).as_deref(), Some(&"first"));
        let second = slab.insert(Arc::new("second"));
        assert_eq!(
            first & 0xffff_ffff,
            second & 0xffff_ffff,
            "the slot is used again"
        );
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.get(second).as_deref(), Some(&"second"));
    }

    #[test]
    fn numbers_that_never_were_handles_find_nothing() {
        let slab = Slab::default();
        let handle = slab.insert(Arc::new(()));
        for wrong in [0, 1, handle + 1, handle ^ (1 << 63), u64::MAX] {
            assert!(slab.get(wrong).is_none(), "{wrong:x}");
        }
    }

    #[test]
    fn slots_lie_one_behind_another_to_the_last_one() {
        for (index, expected) in [
            (0, (0, 0)),
            (63, (0, 63)),
            (64, (1, 0)),
            (191, (1, 127)),
            (192, (2, 0)),
            (u32::MAX - 64, (25, (1 << 31) - 1)),
            (u32::MAX, (26, 63)),
        ] {
            assert_eq!(place(index), expected, "{index}");
        }
        assert_eq!(place(u32::MAX).0 + 1, BLOCKS);
        let slab = Slab::default();
        let handles: Vec<_> = (0..1_000).map(|n| slab.insert(Arc::new(n))).collect();
        assert_eq!(slab.count(), 1_000);
        for (n, &handle) in (0..).zip(&handles) {
            assert_eq!(slab.get(handle).as_deref(), Some(&n));
        }
    }

    #[test]
    fn drained_slots_are_used_again() {
        let slab = Slab::default();
        let handles: Vec<_> = (0..10).map(|n| slab.insert(Arc::new(n))).collect();
        assert_eq!(slab.count(), 10);
        assert_eq!(slab.drain().len(), 10);
        assert_eq!(slab.count(), 0);
        assert!(handles.iter().all(|&handle| slab.get(handle).is_none()));
        for n in 0..10 {
            slab.insert(Arc::new(n));
        }
        assert_eq!(slab.book().made, 10);
    }
}
