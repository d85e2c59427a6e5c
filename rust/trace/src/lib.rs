//! The trace record: one shape for every line of a trace file, its version, and a reader of lines. Written by the engine, read
//! by tests and commands.
//!
//! Here live the names and units of what is traced, in both directions. Not here: who writes when, files and their threads (the
//! engine's `tracing`), and what can be found out from a trace (the commands).
//!
//! A file is JSON, one object a line. The first line says the version ([`StartRecord`]); files to which several processes append
//! hold several such lines, at any place, and those of the first release hold none. Fields may be added at any time and are skipped by
//! readers that do not know them; a change of what a field means, or of its unit, is another version.
//!
//! [`jtl`] reads what JMeter itself writes, for those who have no trace.

pub mod jtl;
mod reader;
mod record;
mod sizes;

pub use reader::{ReadError, Reader, Unreadable};
pub use record::{
    AttemptRecord, ClosedBy, ClosedRecord, EventRecord, GateRecord, HintRecord, Record, StartRecord,
    micros_of, milliseconds, since_1970,
};

/// The name in a file's first line.
pub const FORMAT: &str = "ws-backoff";

/// The version of the lines that are written, and the only one that is read.
pub const VERSION: u64 = 1;

/// The largest number that a line may hold, in whatever unit: the microseconds until the year 2255. What reads lines can add some of
/// them up without a look at the largest of all numbers.
pub const LARGEST: u64 = 1 << 53;
