//! The whole system under test: plans in the assembled JMeter, against the test server in a process of its own. Each test
//! leaves its files in `build/tests/<test>`. Start them all at once (`--test-threads=999`): they sort out between them who runs
//! beside whom.

// All of it is test code, the helpers too.
#![allow(clippy::unwrap_used)]

mod autobahn;
mod clock;
mod connecting;
mod contract;
mod conversation;
mod elements;
mod exhaustion;
mod figures;
mod finding;
mod foreign;
mod foreign_limits;
mod herd;
mod hostile;
mod http;
mod idle;
mod input;
mod jar;
mod leaks;
mod live;
mod loading;
mod migrate;
mod names;
mod parking;
mod plugins_manager;
mod probing;
mod raw;
mod recipes;
mod recorder;
mod recordings;
mod remote;
mod reports;
mod restarts;
mod retry;
mod seen;
mod soak;
mod stopping;
mod support;
mod turns;
mod upgrades;
mod virtual_users;
mod world;
