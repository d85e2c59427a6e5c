//! The crate against scripted peers on raw sockets; one file a subject.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod addresses;
mod messages;
mod proxy;
mod redirects;
mod requests;
mod support;
mod tls;
mod upgrades;
