//! The test server as its users start it: the program `ws-backoff serve` in a process of its own, watched over its
//! `/stats` and its log.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use crate::process::{Ended, Process};
use crate::{Error, Result, during, repository, trace};

/// How long the server may take to listen, to answer, to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// Takes a free port.
const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

/// All ways in which it can misbehave.
pub const FAULTS: [&str; 22] = [
    "drip",
    "early-hints",
    "frame-with-101",
    "keep-alive-upgrade",
    "bad-accept",
    "bad-subprotocol",
    "bad-extension",
    "drop-after",
    "drip-refusal",
    "tarpit",
    "keep-open",
    "http10",
    "chunked",
    "no-length",
    "huge-headers",
    "huge-body",
    "endless-body",
    "redirect",
    "silent",
    "reset",
    "half-close",
    "garbage",
];

/// A running server. Dropping it ends it.
pub struct Serve {
    process: Process,
    address: SocketAddr,
    log: Option<PathBuf>,
}

/// The answer of `/stats`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Requests for an upgrade or a plain answer.
    pub attempts: u64,
    /// Answered with 101 or 200.
    pub accepted: u64,
    /// Answered with the limit's status.
    pub refused: u64,
    /// Answered with a fault.
    pub faulted: u64,
    /// Messages sent back.
    pub echoed: u64,
    /// Open connections now.
    pub open: u64,
    /// The most that were open at once.
    pub peak_open: u64,
    /// The first request, milliseconds since 1970.
    pub first_attempt_ms: Option<u64>,
    /// The last 101, milliseconds since 1970.
    pub last_accepted_ms: Option<u64>,
    /// The busiest second's requests.
    pub peak_attempts_per_second: u64,
    /// Second by second from the first request.
    pub history: Vec<Second>,
    /// Path by path.
    pub paths: Vec<PathStats>,
    /// Where a path gives tokens.
    pub token: Option<TokenStats>,
}

/// The requests for one path.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathStats {
    /// The path.
    pub path: String,
    /// All of them.
    pub attempts: u64,
    /// Answered with 101 or 200.
    pub accepted: u64,
    /// Answered with anything else.
    pub refused: u64,
    /// The last one that was accepted, milliseconds since 1970.
    pub last_accepted_ms: Option<u64>,
    /// The busiest second's.
    pub peak_attempts_per_second: u64,
}

/// The requests for tokens, and those without.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenStats {
    /// Tokens given.
    pub issued: u64,
    /// The most requests for one at a time.
    pub most_at_once: u64,
    /// Requests elsewhere that had none, or an old one.
    pub unauthorized: u64,
}

/// One second of the history.
#[derive(Debug, Clone, Deserialize)]
pub struct Second {
    /// From the first request, which is in second 0.
    pub second: u64,
    /// Requests in this second.
    pub attempts: u64,
    /// Accepted in this second.
    pub accepted: u64,
    /// Refused in this second.
    pub refused: u64,
    /// Connections open at its end.
    pub open: u64,
}

impl Stats {
    /// From the first request until now; zero before it.
    #[must_use]
    pub fn since_first_attempt(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.first_attempt_ms.map_or(Duration::ZERO, |first| {
            now.saturating_sub(Duration::from_millis(first))
        })
    }

    /// From the first request to the last 101.
    #[must_use]
    pub fn last_connect(&self) -> Option<Duration> {
        Some(Duration::from_millis(
            self.last_accepted_ms?.checked_sub(self.first_attempt_ms?)?,
        ))
    }
}

/// A line of the server's log: one request with the server's own time stamps, microseconds since 1970.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Logged {
    /// The TCP connection was accepted.
    pub accepted_us: u64,
    /// The request's head was complete.
    pub head_us: Option<u64>,
    /// The answer was written.
    pub answered_us: Option<u64>,
    /// Its status.
    pub status: Option<u16>,
    /// The request's path.
    pub path: Option<String>,
    /// The client's address.
    pub peer: String,
    /// The fault that was played, if any.
    pub fault: Option<String>,
}

impl Serve {
    /// Starts a server on a free port with these options of `serve`.
    ///
    /// # Errors
    /// When the program is not built, does not start, or refuses an option.
    pub fn start(options: &[&str]) -> Result<Self> {
        Self::start_at(ANY_PORT, options)
    }

    /// The same on an address of the caller's: where another one listened before, as after a restart.
    ///
    /// # Errors
    /// As [`Serve::start`], and when something else listens there.
    pub fn start_at(address: SocketAddr, options: &[&str]) -> Result<Self> {
        let mut command = Command::new(repository::program()?);
        command
            .args(["serve", "--listen", &address.to_string()])
            .args(options);
        Self::launch(&mut command, None)
    }

    /// The same with a log, which [`Serve::stop_and_read_log`] reads.
    ///
    /// # Errors
    /// As [`Serve::start_at`].
    pub fn start_at_with_log(address: SocketAddr, options: &[&str], log: &Path) -> Result<Self> {
        let mut command = Command::new(repository::program()?);
        command
            .args(["serve", "--listen", &address.to_string(), "--log"])
            .arg(log)
            .args(options);
        Self::launch(&mut command, Some(log.to_owned()))
    }

    /// The same on a free port, with a log, which [`Serve::stop_and_read_log`] reads.
    ///
    /// # Errors
    /// As [`Serve::start`].
    pub fn start_with_log(options: &[&str], log: &Path) -> Result<Self> {
        Self::start_at_with_log(ANY_PORT, options, log)
    }

    /// Starts a server by any command that ends in the program's `serve`, such as the jar's.
    ///
    /// # Errors
    /// When the first line does not come or names no address.
    pub fn launch(command: &mut Command, log: Option<PathBuf>) -> Result<Self> {
        let process = Process::start("serve", command)?;
        let line = process.wait_for_line("listening on ", PATIENCE)?.text;
        let address = line
            .split("://")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|address| address.trim_end_matches('/').parse().ok())
            .ok_or_else(|| Error::Content {
                what: "the first line of serve".to_owned(),
                why: line.clone(),
            })?;
        Ok(Self {
            process,
            address,
            log,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A `ws` address on it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// A `wss` address on it, by the name that its own certificate is for.
    #[must_use]
    pub fn tls_url(&self, path: &str) -> String {
        format!("wss://localhost:{}{path}", self.address.port())
    }

    /// What it counted until now; not for a server with TLS.
    ///
    /// # Errors
    /// When it does not answer as agreed.
    pub fn stats(&self) -> Result<Stats> {
        let what = format!("http://{}/stats", self.address);
        let answer = get(self.address, "/stats").map_err(during(what.clone()))?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| Error::Content {
            what: what.clone(),
            why: "no head".to_owned(),
        })?;
        if !head.starts_with("HTTP/1.1 200") {
            return Err(Error::Content {
                what,
                why: head.lines().next().unwrap_or_default().to_owned(),
            });
        }
        serde_json::from_str(body).map_err(|error| Error::Content {
            what,
            why: error.to_string(),
        })
    }

    /// The server's process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it as a user would, with SIGTERM, and returns how it ended.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn stop(self) -> Result<Ended> {
        self.process.terminate()?;
        self.process.wait(PATIENCE)
    }

    /// Ends it and reads its log.
    ///
    /// # Errors
    /// When it was started without a log, or when the log is not as agreed.
    pub fn stop_and_read_log(mut self) -> Result<Vec<Logged>> {
        let Some(log) = self.log.take() else {
            return Err(Error::Content {
                what: "serve".to_owned(),
                why: "started without --log".to_owned(),
            });
        };
        self.stop()?;
        trace::json_lines(&log)
    }
}

/// Asks any HTTP server of this machine; its whole answer, which has to be text.
///
/// # Errors
/// The socket's.
pub fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
