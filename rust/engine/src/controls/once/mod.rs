//! One fetch for all: who fetches, who waits, and the times of that.

pub mod flight;
pub mod flights;
