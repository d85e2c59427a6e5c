//! The trace file: JSON lines, one an attempt or what else an element has to tell, written by a thread of its own so that no sample waits for a disk.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use trace::{Record, StartRecord};

use crate::connecting::run::ConnectRun;
use crate::connecting::spec::ConnectSpec;
use crate::notices::{Notice, Notices};
use crate::tracing::{records, secrets, writer};

/// Lines that may wait for the disk; a writer that falls further behind slows the samples, but loses nothing.
const QUEUE: usize = 65_536;

/// The open trace files by path.
#[derive(Debug, Default)]
pub struct TraceFiles {
    writers: Mutex<HashMap<PathBuf, Writer>>,
    shows_all: AtomicBool,
    notices: Arc<Notices>,
}

#[derive(Debug)]
struct Writer {
    lines: SyncSender<String>,
    /// Answers how many lines could not be written.
    thread: JoinHandle<u64>,
}

impl TraceFiles {
    /// None is open; what cannot be written is told there.
    pub fn new(notices: &Arc<Notices>) -> Self {
        TraceFiles {
            notices: notices.clone(),
            ..TraceFiles::default()
        }
    }

    /// Addresses are written as they are from now on, secrets included.
    pub fn show_all(&self) {
        self.shows_all.store(true, Ordering::Relaxed);
    }

    /// An address as it may be written down.
    pub fn shown<'a>(&self, address: &'a str) -> Cow<'a, str> {
        if self.shows_all.load(Ordering::Relaxed) {
            Cow::Borrowed(address)
        } else {
            secrets::hidden(address)
        }
    }

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
        let target = self.shown(&target);
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
        // The other end stays until the end, also when it can write no more: that was told.
        sender
            .send(lines)
            .map_err(|_| io::Error::other("the trace writer panicked"))
    }

    /// Writes out what is queued and closes all files.
    ///
    /// # Errors
    /// A file is not whole.
    pub fn close(&self) -> io::Result<()> {
        let writers = std::mem::take(&mut *self.writers.lock().unwrap_or_else(PoisonError::into_inner));
        let mut result = Ok(());
        for (path, Writer { lines, thread }) in writers {
            drop(lines);
            match thread.join() {
                Ok(0) => {}
                Ok(lost) => self.notices.tell(Notice::Text(format!(
                    "trace file {}: {lost} lines could not be written",
                    path.display()
                ))),
                Err(_) => result = Err(io::Error::other("the trace writer panicked")),
            }
        }
        result
    }

    fn sender(&self, path: &Path) -> io::Result<SyncSender<String>> {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writers.get(path) {
            return Ok(writer.lines.clone());
        }
        let file = writer::open(path)?;
        let (lines, queue) = sync_channel(QUEUE);
        // Also where other processes wrote before: their lines may be of another version.
        let start = Record::Start(StartRecord::new(env!("CARGO_PKG_VERSION"))).line();
        lines
            .send(start)
            .expect("a queue has room for its first entry, and its other end is here");
        let (notices, shown) = (self.notices.clone(), path.display().to_string());
        let told = move |error: &io::Error| {
            notices.tell(Notice::Text(format!(
                "trace file {shown}: {error}; nothing more is written to it in this test"
            )));
        };
        let thread = std::thread::Builder::new()
            .name("wsb-trace".to_owned())
            .spawn(move || writer::write(file, &queue, told))?;
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
