//! The attempt: its stages in order under one deadline, redirects, and the trace of it all.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use crate::{Attempt, Error, Proxy, Target, Tls, Trace};

/// All that one attempt needs.
#[derive(Clone, Debug)]
pub struct Dial {
    /// Where to.
    pub target: Target,
    /// The user's headers in order, checked by [`crate::check_header`]; sent in the case given. `Host` replaces ours.
    pub headers: Vec<(String, String)>,
    /// Subprotocols to ask for, most wanted first.
    pub subprotocols: Vec<String>,
    /// Addresses of the target's host; not empty: no lookup is made. Unused with a proxy, which looks the host up itself.
    pub addresses: Vec<IpAddr>,
    /// CONNECT through this proxy.
    pub proxy: Option<Proxy>,
    /// Used for `wss`.
    pub tls: Tls,
    /// For DNS, TCP, proxy and TLS together, of each hop.
    pub connect_timeout: Duration,
    /// How many redirects are followed.
    pub max_redirects: u32,
}

/// Makes one attempt: at most `timeout` long, redirects included.
///
/// Cancel safe: dropping the future closes the socket.
pub async fn open(dial: &Dial, timeout: Duration) -> Attempt {
    let _ = (dial, timeout);
    let trace = Trace {
        started: SystemTime::now(),
        dns: None,
        tcp: None,
        proxy: None,
        tls: None,
        sent: None,
        head: None,
        total: Duration::ZERO,
        remote: None,
        sent_bytes: 0,
        head_bytes: 0,
        body_bytes: 0,
        request_head: String::new(),
        answer: None,
        redirects: Vec::new(),
    };
    Attempt {
        trace,
        result: Err(Error::Cancelled),
    }
}
