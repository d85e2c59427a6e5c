//! The crate against scripted peers on raw sockets; one file a subject.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod addresses;
mod compression;
mod cookies;
mod deadlines;
mod endings;
mod frames;
mod identity;
mod login;
mod messages;
mod plain;
mod polling;
mod proxy;
mod redirects;
mod refusals;
mod requests;
mod script;
mod socks;
mod sources;
mod support;
mod tls;
mod upgrades;
