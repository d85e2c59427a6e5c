//! A server for WebSockets and plain HTTP that throttles and misbehaves on request: the other side of a load test.
//! Not here: the rules of limits (`limiter`), and anything of the client's.
//!
//! It lets attempts in by the rules of [`limiter`], one for all paths or some for paths of their own; it refuses the others
//! in the way that it is told (an answer with status, hint and body, a reset, silence ...), and plays any of the faults of [`Fault::ALL`]. A WebSocket is an echo; a
//! plain request is answered with a short JSON text, or with an access token. `GET /stats` on the same port answers what it
//! has seen.
//!
//! ```no_run
//! let config = testbed::Config { limit: "token-bucket rate=10 burst=20".parse()?, ..Default::default() };
//! let server = testbed::Server::start(config)?;
//! println!("{} has seen {} attempts", server.url(), server.stats().attempts);
//! server.stop();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answers;
mod body;
mod config;
mod connection;
mod echo;
mod fault;
mod log;
mod misbehave;
mod plain;
mod request;
mod server;
mod shared;
mod stats;
mod stream;
mod tls;
mod token;
mod upgrade;

pub use config::{Config, ConfigError, PathLimit, PathLimitError, Refusal, RetryAfter, TokenConfig};
pub use fault::{Effect, Fault, FaultError, FaultShare};
pub use server::Server;
pub use stats::{PathStats, Second, Stats, TokenStats};
