//! What one attempt to connect looked like: times, bytes, heads and answer. Plain data.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::{Connection, Error};

/// The outcome of [`crate::open`].
#[derive(Debug)]
pub struct Attempt {
    /// What happened, whether it worked or not.
    pub trace: Trace,
    /// The connection, or why there is none.
    pub result: Result<Connection, Error>,
}

/// Times and bytes of one attempt. After a redirect or a challenge, the stages, bytes and heads are those of the last hop, while
/// `sent`, `head` and `total` still count from the start of the attempt.
#[derive(Clone, Debug)]
pub struct Trace {
    /// When the attempt began.
    pub started: SystemTime,
    /// How long the host name lookup was waited for, its own or one under way; `None` when it was not needed (IP literal,
    /// addresses given, an answer that was kept).
    pub dns: Option<Duration>,
    /// How long the lookup stood in our own queue before that, as every thread for lookups was busy.
    pub dns_queue: Option<Duration>,
    /// Length of the TCP connect, over all addresses.
    pub tcp: Option<Duration>,
    /// Length of the proxy's CONNECT.
    pub proxy: Option<Duration>,
    /// Length of the TLS handshake.
    pub tls: Option<Duration>,
    /// When the whole request was written, since `started`.
    pub sent: Option<Duration>,
    /// When the first byte of the answer came, since `started`.
    pub head: Option<Duration>,
    /// How long the rest of a refusal's body was waited for in vain; it is not the server's answer time, and not in `total`.
    pub stalled: Duration,
    /// Length of the whole attempt, less `stalled`.
    pub total: Duration,
    /// The address connected to (the proxy's when there is one).
    pub remote: Option<SocketAddr>,
    /// Bytes of the request, as handed to TCP or TLS.
    pub sent_bytes: u64,
    /// Bytes of the answer's head, its empty line included.
    pub head_bytes: u64,
    /// Bytes after the head that were read, chunk framing included; 0 after a 101.
    pub body_bytes: u64,
    /// The request's head as sent; empty when none was sent.
    pub request_head: String,
    /// The answer, refusal or 101, or the proxy's refusal of the tunnel; `None` when no whole head came.
    pub answer: Option<Arc<Answer>>,
    /// Redirects that were followed: status and `Location`.
    pub redirects: Vec<(u16, String)>,
    /// How often a challenge for a login was answered; each was a request of its own, as redirects are.
    pub challenges: u64,
    /// The `Set-Cookie` lines of all hops in order, each behind the address that sent it.
    pub set_cookies: Vec<(String, String)>,
}

impl Trace {
    /// The trace of an attempt in which nothing has happened yet.
    #[must_use]
    pub fn new(started: SystemTime) -> Self {
        Trace {
            started,
            dns: None,
            dns_queue: None,
            tcp: None,
            proxy: None,
            tls: None,
            sent: None,
            head: None,
            stalled: Duration::ZERO,
            total: Duration::ZERO,
            remote: None,
            sent_bytes: 0,
            head_bytes: 0,
            body_bytes: 0,
            request_head: String::new(),
            answer: None,
            redirects: Vec::new(),
            challenges: 0,
            set_cookies: Vec::new(),
        }
    }

    /// Makes room for the figures of the next hop.
    pub(crate) fn forget_hop(&mut self) {
        let redirects = std::mem::take(&mut self.redirects);
        let set_cookies = std::mem::take(&mut self.set_cookies);
        *self = Trace {
            redirects,
            challenges: self.challenges,
            set_cookies,
            ..Trace::new(self.started)
        };
    }
}

/// An HTTP answer as it was on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub version: &'static str,
    /// The status code.
    pub status: u16,
    /// The reason phrase, as sent; may be empty.
    pub reason: String,
    /// Name and value in the order, case and number of the wire; a value that is not UTF-8 is read as Latin-1.
    pub headers: Vec<(String, String)>,
    /// The raw head, its empty line included; a line that is not UTF-8 is read as Latin-1.
    pub head: String,
    /// The body without chunk framing and content codings, at most 64 KiB.
    pub body: Vec<u8>,
    /// Whether the body is incomplete: over 64 KiB, too slow, damaged or broken off.
    pub body_cut: bool,
}

impl Answer {
    /// The values of a header, in order; the name in any case.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}
