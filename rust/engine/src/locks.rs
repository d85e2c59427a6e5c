//! The locks of slab and gate. `rust/models` compiles the two with others in their place, and tries all orders of their users.

pub use std::sync::{Mutex, MutexGuard};
