//! The attempt log: one JSON line an attempt, written by a thread of its own.

use serde::Serialize;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// After how long without a new line the file is flushed, so that a reader sees the run go on.
const QUIET: Duration = Duration::from_millis(200);

/// One attempt. Times are Unix microseconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    /// TCP connection accepted.
    pub(crate) accepted_us: u64,
    /// Request head complete: when the limit decided.
    pub(crate) head_us: u64,
    /// Answer written; null without an answer.
    pub(crate) answered_us: Option<u64>,
    /// Null without an answer.
    pub(crate) status: Option<u16>,
    pub(crate) path: String,
    pub(crate) peer: SocketAddr,
    pub(crate) fault: Option<&'static str>,
}

enum Message {
    Line(Line),
    Finish,
}

/// The way to the writing thread.
#[derive(Debug)]
pub(crate) struct Log {
    sender: Sender<Message>,
    writer: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

impl Log {
    /// Creates (or empties) the file and starts the thread.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(64 * 1024, File::create(path)?);
        let (sender, receiver) = channel();
        let writer = std::thread::Builder::new().name("testbed-log".to_owned());
        let writer = writer.spawn(move || write_all(file, &receiver))?;
        Ok(Self {
            sender,
            writer: Mutex::new(Some(writer)),
        })
    }

    /// Hands a line over; never blocks. Lines after [`Log::finish`] are lost.
    pub(crate) fn write(&self, line: Line) {
        let _ = self.sender.send(Message::Line(line));
    }

    /// Waits until all lines are in the file; says what went wrong with any of them.
    pub(crate) fn finish(&self) -> io::Result<()> {
        let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        let _ = self.sender.send(Message::Finish);
        writer
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the log's thread panicked")))
    }
}

fn write_all(mut file: BufWriter<File>, messages: &Receiver<Message>) -> io::Result<()> {
    loop {
        match messages.recv_timeout(QUIET) {
            Ok(Message::Line(line)) => {
                serde_json::to_writer(&mut file, &line)?;
                file.write_all(b"\n")?;
            }
            Err(RecvTimeoutError::Timeout) => file.flush()?,
            Ok(Message::Finish) | Err(RecvTimeoutError::Disconnected) => return file.flush(),
        }
    }
}
