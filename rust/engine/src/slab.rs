//! Handles: numbers that stand for values. A number that was freed never finds the value that took its place.

use std::sync::{Arc, PoisonError};

use crate::locks::{Mutex, MutexGuard};

/// Slot in the low 32 bits, generation in the high 32. 0 is no handle.
pub type Handle = u64;

/// Values by handle. A look-up clones the `Arc` and lets go of the lock, so nobody waits under it.
#[derive(Debug)]
pub struct Slab<T> {
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<Arc<T>>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab {
            inner: Mutex::new(Inner {
                slots: Vec::new(),
                free: Vec::new(),
            }),
        }
    }
}

impl<T> Slab<T> {
    /// Stores a value and answers its handle, never 0.
    pub fn insert(&self, value: Arc<T>) -> Handle {
        let mut inner = self.lock();
        let index = inner.free.pop().unwrap_or_else(|| {
            // Generation 0 is never given out: a handle is never 0, not even in slot 0.
            inner.slots.push(Slot {
                generation: 0,
                value: None,
            });
            u32::try_from(inner.slots.len() - 1).expect("memory ends long before 2^32 connections")
        });
        let slot = &mut inner.slots[index as usize];
        slot.generation = slot.generation.wrapping_add(1).max(1);
        slot.value = Some(value);
        u64::from(slot.generation) << 32 | u64::from(index)
    }

    /// The value of a handle; `None` for 0, for one that was removed and for one that never was.
    pub fn get(&self, handle: Handle) -> Option<Arc<T>> {
        let (index, generation) = split(handle);
        let inner = self.lock();
        let slot = inner
            .slots
            .get(index)
            .filter(|slot| slot.generation == generation)?;
        slot.value.clone()
    }

    /// Takes a value out; its handle is stale from now on.
    pub fn remove(&self, handle: Handle) -> Option<Arc<T>> {
        let (index, generation) = split(handle);
        let mut inner = self.lock();
        let slot = inner
            .slots
            .get_mut(index)
            .filter(|slot| slot.generation == generation)?;
        let value = slot.value.take()?;
        inner.free.push(u32::try_from(index).expect("came from 32 bits"));
        Some(value)
    }

    /// Takes all values out.
    pub fn drain(&self) -> Vec<Arc<T>> {
        let mut inner = self.lock();
        let mut values = Vec::new();
        let mut freed = Vec::new();
        for (index, slot) in (0..).zip(&mut inner.slots) {
            if let Some(value) = slot.value.take() {
                values.push(value);
                freed.push(index);
            }
        }
        inner.free.extend(freed);
        values
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        let inner = self.lock();
        inner.slots.len() - inner.free.len()
    }

    // Every change above is whole before anything can panic, so a poisoned lock hides no half-made state.
    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn split(handle: Handle) -> (usize, u32) {
    let index = usize::try_from(handle & 0xffff_ffff).expect("32 bits");
    (index, u32::try_from(handle >> 32).expect("32 bits"))
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
    fn drained_slots_are_used_again() {
        let slab = Slab::default();
        let handles: Vec<_> = (0..10).map(|n| slab.insert(Arc::new(n))).collect();
        assert_eq!(slab.len(), 10);
        assert_eq!(slab.drain().len(), 10);
        assert_eq!(slab.len(), 0);
        assert!(handles.iter().all(|&handle| slab.get(handle).is_none()));
        for n in 0..10 {
            slab.insert(Arc::new(n));
        }
        assert_eq!(slab.lock().slots.len(), 10);
    }
}
