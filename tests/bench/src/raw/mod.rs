//! The raw bound: what a plain Rust program gets out of the same server, with a blocking thread for each connection or
//! with one asynchronous worker for all.

mod one_worker;
mod threads;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use system::{Error, Result};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::case::{Case, Client, Work};
use crate::server::{Server, Trust};

pub use one_worker::{HOLDING, hold};

/// tungstenite's own 128 KiB halve the rate of connects.
const READ_BUFFER: usize = 4 * 1024;

/// What a raw client is to do, until when.
#[derive(Clone)]
struct Job {
    address: SocketAddr,
    url: String,
    trust: Option<Trust>,
    work: Work,
    until: Instant,
}

/// A raw client at work.
pub struct Raw {
    workers: Vec<JoinHandle<Outcome>>,
}

/// How long each opening took, or what went wrong.
type Outcome = std::result::Result<Vec<Duration>, tungstenite::Error>;

impl Raw {
    /// Starts it for so long.
    pub fn start(client: Client, case: &Case, server: &Server, length: Duration) -> Self {
        let job = Job {
            address: server.address(),
            url: server.url(),
            trust: server.trust().cloned(),
            work: case.work,
            until: Instant::now() + length,
        };
        let workers = if client == Client::RawAsync {
            let tasks = case.threads;
            vec![std::thread::spawn(move || one_worker::run(&job, tasks))]
        } else {
            let job = Arc::new(job);
            (0..case.threads)
                .map(|_| {
                    let job = Arc::clone(&job);
                    std::thread::spawn(move || threads::run(&job))
                })
                .collect()
        };
        Self { workers }
    }

    /// Waits for its end; how long each opening took.
    ///
    /// # Errors
    /// When a connection fails: the raw client has to do all of its work.
    pub fn finish(self) -> Result<Vec<Duration>> {
        let mut openings = Vec::new();
        for worker in self.workers {
            let outcome = worker.join().expect("a raw client does not panic");
            openings.extend(outcome.map_err(|error| failed(&error))?);
        }
        Ok(openings)
    }
}

fn failed(error: &tungstenite::Error) -> Error {
    Error::Content {
        what: "the raw client".to_owned(),
        why: error.to_string(),
    }
}

fn settings() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(READ_BUFFER)
}

/// A text of so many bytes.
pub fn text(bytes: usize) -> String {
    "abcdefghijklmnopqrstuvwxyz012345"
        .chars()
        .cycle()
        .take(bytes)
        .collect()
}

fn message(bytes: usize) -> Message {
    Message::text(text(bytes))
}

/// Whether an error says no more than that the connection was closed in order.
fn closed(error: &tungstenite::Error) -> bool {
    matches!(
        error,
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed
    )
}
