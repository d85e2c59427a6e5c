//! Tracing: the lines that attempts, controllers and timers leave, and the files that take them.

pub mod events;
pub mod files;
pub mod records;
mod secrets;
mod writer;
