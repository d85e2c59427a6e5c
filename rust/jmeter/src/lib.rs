//! The adapter between JMeter's elements and the engine: what their users store and read.
//!
//! Here live the table of `wsb.*` keys with the elements that have them, the reading of their values, the variables, what each failure is
//! called in JMeter and what can be done about it, the JSON of requests and replies, and the version of the boundary to Java.
//!
//! Not here: anything that dials, waits or keeps by itself (the engine), and conversions of Java's values (`jni`).

mod assertion;
mod connect;
mod controls;
mod cures;
mod dashboard;
mod describe;
mod encoding;
mod engine;
mod error_codes;
mod failure;
mod keys;
mod live;
mod matching;
mod notices;
mod operation;
mod outcome;
mod query;
mod trust;
mod values;
mod variables;

pub use ::engine::talking::figures::{FIGURES, Outcome};
pub use ::engine::{Handle, Misuse as EngineMisuse, ShutdownError};
pub use connect::{CallRequest, ConnectRequest, IdentityRequest, LoginRequest};
pub use controls::ControlRequest;
pub use dashboard::dashboard_properties;
pub use describe::{Page, describe_json};
pub use engine::{Engine, Misuse, PARKED, Performed, SCHEDULING, Taken};
pub use error_codes::{Code, codes};
pub use keys::{KEYS, Key, Kind, SECTIONS, Section};
pub use operation::OperationRequest;
pub use outcome::{Connected, Ending, FIRST_LENGTH, TEXTS};
pub use query::query;
pub use trust::{lacks_roots, trust};
pub use values::{Invalid, Values};
pub use variables::{VARIABLES, Variable};

/// Version of the boundary to Java: natives, specs and results. Changes with every change that is not an addition.
pub const ABI: i64 = 9;
