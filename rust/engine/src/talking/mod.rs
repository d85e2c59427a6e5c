//! Talking: operations on an open connection, what they wait for, and the messages that nobody asked for yet.

pub mod figures;
pub mod operation;
pub(crate) mod parked;
pub(crate) mod talk;
