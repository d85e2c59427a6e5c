//! What users store in their plans: the table of keys, its readers, and the texts made from it.

mod connect;
mod describe;
mod keys;
mod values;

pub use connect::{ConnectRequest, ConnectSpec, ElapsedMode};
pub use describe::{describe_json, describe_markdown};
pub use keys::{KEYS, Key, Kind, SECTIONS, Section};
pub use values::{Invalid, Values};
