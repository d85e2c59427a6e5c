//! What users store in their plans: the table of keys, its readers, and the texts made from it.

mod connect;
mod describe;
mod encoding;
mod keys;
mod operation;
mod values;

pub use connect::{CallRequest, ConnectPlan, ConnectRequest, ConnectSpec, ElapsedMode, Keeping};
pub(crate) use connect::{gate, gate_of_mode, join, policy, quota_by};
pub use describe::{describe_json, describe_markdown};
pub use keys::{KEYS, Key, Kind, SECTIONS, Section};
pub use operation::{Action, Goodbye, Operation, OperationRequest, Others, Payload, Wait};
pub use values::{Invalid, Values};
