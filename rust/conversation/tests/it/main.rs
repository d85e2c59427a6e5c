//! The conversation without a socket: what came is bytes in an array, and time is a number.

mod purity;
mod state;
mod support;
mod talking;
