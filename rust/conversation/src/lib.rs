//! One conversation over a WebSocket without its socket; pure.

pub mod liveness;
