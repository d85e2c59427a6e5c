//! Many connections: the runtime, handles, the connect loop, cancel and the trace. Knows neither Java nor JMeter.

mod cancel;
mod clock;
mod connecting;
mod controls;
mod engine;
mod error_codes;
mod failure;
mod gates;
mod keeping;
mod locks;
mod notices;
mod query;
mod runtime;
mod slab;
pub mod spec;
mod talking;
mod tracing;
mod variables;

pub use connecting::outcome::{Connected, Ending, FIRST_LENGTH, TEXTS};
pub use controls::{ControlRequest, UnknownElement};
pub use engine::{Engine, Misuse, Performed, ShutdownError};
pub use error_codes::ErrorCode;
pub use query::query;
pub use slab::Handle;
pub use talking::figures::{FIGURES, Figures, Outcome};
pub use variables::{VARIABLES, Variable};

/// Version of the boundary to Java: natives, specs and results. Changes with every change that is not an addition.
pub const ABI: i64 = 5;
