//! The locks of slab and gate. `rust/models` compiles the two with others in their place, and tries all orders of their users.

pub use std::sync::{Mutex, MutexGuard};

/// A panic under one of this crate's locks leaves an absent value at worst, never half of one.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
