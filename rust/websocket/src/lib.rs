//! One WebSocket connection: dialling (DNS, TCP, proxy, TLS), the upgrade, messages, and a trace of every stage.
//! Knows no retry.
//!
//! [`open`] is async and meant to be polled by `Handle::block_on` on the thread that wants the connection; what it
//! returns is a [`Connection`] that blocks on that thread, with no reactor behind it.

mod connection;
mod dial;
mod error;
mod header;
mod proxy;
mod target;
mod tls;
mod trace;

pub use connection::{Canceller, Closed, Connection, Message};
pub use dial::{Dial, open};
pub use error::{Code, Error, Kind, Stage};
pub use header::{HeaderError, check_header, check_subprotocol};
pub use proxy::{Proxy, ProxyError};
pub use target::{Target, UrlError};
pub use tls::{Tls, TlsOptions};
pub use trace::{Answer, Attempt, Trace};
