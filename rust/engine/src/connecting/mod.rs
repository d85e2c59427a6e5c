//! Connecting: the loop of attempts and waits, connecting anew, and what is told of both.

pub mod outcome;
pub mod reconnect;
pub mod run;
pub mod timeline;
