//! Gates: the shared queues before a quota, with a clock and a timer.

pub mod crowd;
pub mod gate;
mod shelf;
