//! Connecting: the loop of attempts and waits, connecting anew, and what is told of both.

pub mod drive;
pub mod reconnect;
pub mod run;
mod settle;
pub mod signs;
pub mod spec;
pub mod timeline;
