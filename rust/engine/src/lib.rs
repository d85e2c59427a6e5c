//! Many connections: the runtime, handles, the connect loop, cancel and the trace. Knows neither Java nor JMeter.

mod cancel;
mod control;
mod engine;
mod error_codes;
mod failure;
mod farewell;
mod figures;
mod gate;
mod keeper;
mod locks;
mod matcher;
mod outcome;
mod query;
mod queue;
mod readiness;
mod reconnect;
mod run;
mod runtime;
mod slab;
mod slot;
pub mod spec;
mod talk;
mod timeline;
mod trace_file;
mod variables;

pub use control::{ControlRequest, UnknownElement};
pub use engine::{Engine, Misuse, Performed, ShutdownError};
pub use error_codes::ErrorCode;
pub use figures::{FIGURES, Figures, Outcome};
pub use outcome::{Connected, Ending, FIRST_LENGTH, TEXTS};
pub use query::query;
pub use slab::Handle;
pub use variables::{VARIABLES, Variable};

/// Version of the boundary to Java: natives, specs and results. Changes with every change that is not an addition.
pub const ABI: i64 = 3;
