//! The trace file: JSON lines, one an attempt or what else an element has to tell, written by a thread of its own so that no sample waits for a disk.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use trace::{Record, StartRecord};

use crate::connecting::run::ConnectRun;
use crate::connecting::spec::ConnectSpec;
use crate::tracing::records;

/// Lines that may wait for the disk; a writer that falls further behind slows the samples, but loses nothing.
const QUEUE: usize = 65_536;
/// The longest that a line stays in memory while nothing follows it.
const FLUSH_AFTER: Duration = Duration::from_millis(200);

/// The open trace files by path.
#[derive(Debug, Default)]
pub struct TraceFiles {
    writers: Mutex<HashMap<PathBuf, Writer>>,
}

#[derive(Debug)]
struct Writer {
    lines: SyncSender<String>,
    thread: JoinHandle<io::Result<()>>,
}

impl TraceFiles {
    /// Opens a file for appending, unless it is open already; tells early what would fail late.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(&self, path: &Path) -> io::Result<()> {
        self.sender(path).map(|_| ())
    }

    /// Queues the lines of a run.
    ///
    /// # Errors
    /// As for [`TraceFiles::write`].
    pub fn record(&self, path: &Path, spec: &ConnectSpec, run: &ConnectRun) -> io::Result<()> {
        let target = spec.dial.target.to_string();
        let mut lines = String::with_capacity(512 * run.attempts.len());
        for (number, attempt) in (1..).zip(&run.attempts) {
            records::attempt(spec, &target, number, attempt).append_to(&mut lines);
        }
        self.write(path, lines)
    }

    /// Queues whole lines.
    ///
    /// # Errors
    /// The file cannot be opened, or an earlier line could not be written.
    pub fn write(&self, path: &Path, lines: String) -> io::Result<()> {
        let sender = self.sender(path)?;
        // The other end goes away only after a failed write, which `close` reports.
        sender
            .send(lines)
            .map_err(|_| io::Error::other("an earlier line could not be written"))
    }

    /// Writes out what is queued and closes all files.
    ///
    /// # Errors
    /// A file is not whole.
    pub fn close(&self) -> io::Result<()> {
        let writers = std::mem::take(&mut *self.writers.lock().unwrap_or_else(PoisonError::into_inner));
        let mut result = Ok(());
        for (_, Writer { lines, thread }) in writers {
            drop(lines);
            let written = thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the trace writer panicked")));
            result = result.and(written);
        }
        result
    }

    fn sender(&self, path: &Path) -> io::Result<SyncSender<String>> {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writers.get(path) {
            return Ok(writer.lines.clone());
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let (lines, queue) = sync_channel(QUEUE);
        // Also where other processes wrote before: their lines may be of another version.
        let start = Record::Start(StartRecord::new(env!("CARGO_PKG_VERSION"))).line();
        lines
            .send(start)
            .expect("a queue has room for its first entry, and its other end is here");
        let thread = std::thread::Builder::new()
            .name("wsb-trace".to_owned())
            .spawn(move || write(file, &queue))?;
        writers.insert(
            path.to_owned(),
            Writer {
                lines: lines.clone(),
                thread,
            },
        );
        Ok(lines)
    }
}

fn write(file: File, queue: &Receiver<String>) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(64 * 1024, file);
    loop {
        match queue.recv_timeout(FLUSH_AFTER) {
            Ok(lines) => file.write_all(lines.as_bytes())?,
            Err(RecvTimeoutError::Timeout) => file.flush()?,
            Err(RecvTimeoutError::Disconnected) => return file.flush(),
        }
    }
}
