//! The conversation without a socket: what came is bytes in an array, and time is a number.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod purity;
mod state;
mod support;
mod talking;
