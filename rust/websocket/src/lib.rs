//! One WebSocket connection: dialling (DNS, TCP, proxy, TLS), the upgrade, messages, and a trace of every stage.
//! Knows no retry.
//!
//! Here live sockets, proxies, TLS and HTTP of the upgrade, with a stable code for each way to fail. Not here: frames and what is waited for
//! (`conversation`), a second attempt (`backoff`, `engine`), and what a user can do about a failure (the adapters).
//!
//! [`open`] is async and meant to be polled by `Handle::block_on` on the thread that wants the connection; what it
//! returns is a [`Connection`] that blocks on that thread, with no reactor behind it.

mod answer;
mod connection;
mod content;
mod cookies;
mod deadline;
mod deflate;
mod dial;
mod error;
mod header;
mod login;
mod meter;
mod names;
mod os;
mod proxy;
mod socks;
mod sources;
mod target;
mod tcp;
mod tls;
mod trace;
mod upgrade;
mod wire;

pub use connection::{Connection, Goodbye, Messages};
pub use conversation::{Answers, Closed, MessageKind, Outgoing, Received, Sending};
pub use cookies::{Cookie, Cookies};
pub use dial::{Dial, open};
pub use error::{Code, Error, Kind, Stage};
pub use header::{HeaderError, check_header, check_subprotocol, is_implied};
pub use login::Login;
pub use names::{NameError, Names, USUAL_TTL};
pub use os::{Interest, Readiness};
pub use proxy::{Proxy, ProxyError};
pub use sources::{SourceError, Sources};
pub use target::{Target, UrlError};
pub use tls::{Identity, Resume, Sessions, Tls, TlsOptions, lacks_roots, trust_for_want_of_system_roots};
pub use trace::{Answer, Attempt, Trace};
pub use wire::{Canceller, Traffic};
