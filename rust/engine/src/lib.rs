//! Many connections: the runtime, handles, the connect loop, cancel and the trace. Knows neither Java nor JMeter.

mod cancel;
mod engine;
mod error_codes;
mod outcome;
mod run;
mod slab;
pub mod spec;
mod timeline;
mod trace_file;
mod variables;

pub use engine::{Engine, Misuse, ShutdownError};
pub use error_codes::ErrorCode;
pub use slab::Handle;
pub use variables::{VARIABLES, Variable};

/// Version of the boundary to Java: natives, specs and results. Changes with every change that is not an addition.
pub const ABI: i64 = 2;
