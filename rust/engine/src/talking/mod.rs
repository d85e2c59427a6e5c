//! Talking: operations on an open connection, what they wait for, and the messages that nobody asked for yet.

pub mod figures;
pub mod matcher;
pub mod operation;
pub(crate) mod queue;
pub(crate) mod talk;

pub use queue::Bounds;
