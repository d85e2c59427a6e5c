//! Keeping: what stands behind a handle, who looks after it while nobody uses it, and its end.

pub mod farewell;
pub mod keeper;
pub mod live;
pub mod memory;
pub mod slot;
pub mod story;
