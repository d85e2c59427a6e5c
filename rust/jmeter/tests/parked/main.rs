//! All conversations of the target `it` once more, made as virtual threads make them: see `it/parked.rs`.

// Tests and their helpers may fail as tests do.
#![allow(clippy::unwrap_used)]

#[path = "../it/cancelling.rs"]
mod cancelling;
#[path = "../it/closing.rs"]
mod closing;
#[path = "../it/dialling.rs"]
mod dialling;
#[path = "../it/endings.rs"]
mod endings;
#[path = "../it/extras.rs"]
mod extras;
#[path = "../it/hostile.rs"]
mod hostile;
#[path = "../it/keeping.rs"]
mod keeping;
#[path = "../it/liveness.rs"]
mod liveness;
#[path = "../it/matching.rs"]
mod matching;
#[path = "../it/operations.rs"]
mod operations;
#[path = "../it/reconnecting.rs"]
mod reconnecting;
#[path = "../it/settling.rs"]
mod settling;
#[path = "../it/support.rs"]
mod support;

mod crowds;
