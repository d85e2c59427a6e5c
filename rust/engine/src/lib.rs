//! Many connections: handles, one runtime, calls that block the caller, and an orderly end.
//!
//! Here lives what goes on between connections and over time, a room each: `connecting` (attempts, pauses, connecting anew), `talking`
//! (operations on an open connection), `keeping` (what stands behind a handle, and who looks after it), `gates` (queues before a
//! quota), `controls` (what several threads share besides: fetched values, fixed rates), `reactor` (calls that do not block their
//! callers), `tracing` (who writes the trace), `watching` (what
//! goes on in numbers).
//!
//! Not here: one connection (`websocket`), the rules of waiting (`backoff`), and whoever drives all this: names of properties, of elements and
//! of variables, what a failure is called elsewhere, JSON of requests and replies (the adapters).

pub mod cancel;
pub mod clock;
pub mod codes;
pub mod connecting;
pub mod controls;
mod engine;
mod failure;
pub mod gates;
mod keeping;
pub mod locks;
pub mod notices;
pub mod reactor;
mod runtime;
pub mod signs;
mod slab;
pub mod talking;
pub mod tracing;
pub mod watching;

pub use engine::{Asked, ConnectDone, Engine, Misuse, ShutdownError, Watcher, elsewhere};
pub use failure::{Failure, Remark};
pub use slab::{Handle, Slab};
