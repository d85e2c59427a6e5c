//! Conversations as Java has them, against scripted peers on raw sockets: a file an idea.

// Tests and their helpers may fail as tests do.
#![allow(clippy::unwrap_used)]

mod cancelling;
mod closing;
mod controls;
mod dialling;
mod endings;
mod extras;
mod hostile;
mod keeping;
mod live;
mod liveness;
mod matching;
mod operations;
mod reconnecting;
mod settling;
mod support;
mod tracing;
