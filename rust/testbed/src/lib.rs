//! A WebSocket echo server that throttles its upgrades and misbehaves on request: the other side of a load test.
//!
//! It lets attempts in by one of the rules of [`limiter`], refuses the others with the status, hint and body that it is
//! told, and plays any of the faults of [`Fault::ALL`]. `GET /stats` on the same port answers what it has seen.
//!
//! ```no_run
//! let config = testbed::Config { limit: "token-bucket rate=10 burst=20".parse()?, ..Default::default() };
//! let server = testbed::Server::start(config)?;
//! println!("{} has seen {} attempts", server.url(), server.stats().attempts);
//! server.stop();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answers;
mod config;
mod connection;
mod echo;
mod fault;
mod log;
mod misbehave;
mod request;
mod server;
mod stats;
mod stream;
mod tls;

pub use config::{Config, ConfigError, RetryAfter};
pub use fault::{Effect, Fault, FaultError, FaultShare};
pub use server::Server;
pub use stats::{Second, Stats};
