//! The trace file: JSON lines, one an attempt or what else an element has to tell, written by a thread of its own so that no sample waits for a disk.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use backoff::HintReading;
use serde::Serialize;

use crate::connecting::outcome::micros;
use crate::connecting::run::{AttemptRecord, GateNote, Run, Stop};
use crate::spec::{ConnectSpec, Invalid};
use crate::variables::CONNECT_SAMPLER;

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
    pub fn open(&self, path: &Path) -> Result<(), Invalid> {
        let opened = self.sender(path).map(|_| ());
        opened.map_err(|error| {
            Invalid::new(
                "wsb.trace",
                path.display().to_string(),
                error.to_string(),
                "a file that can be written",
            )
        })
    }

    /// Queues the lines of a run.
    pub fn record(&self, path: &Path, spec: &ConnectSpec, run: &Run) -> io::Result<()> {
        let attempts = (1..).zip(&run.attempts);
        let lines = attempts.map(|(number, attempt)| line(spec, number, attempt));
        self.write(path, lines.collect())
    }

    /// Queues whole lines.
    pub fn write(&self, path: &Path, lines: String) -> io::Result<()> {
        let sender = self.sender(path)?;
        // The other end goes away only after a failed write, which `close` reports.
        sender
            .send(lines)
            .map_err(|_| io::Error::other("an earlier line could not be written"))
    }

    /// Writes out what is queued and closes all files.
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

/// One attempt. Times in microseconds, unless the name says `Ms`; `sentUs` and `headUs` count from `at`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    at: u64,
    element: &'static str,
    target: String,
    user: &'a str,
    ordinal: u64,
    attempt: usize,
    dns_us: Option<u64>,
    /// Before the lookup, in our own queue for threads.
    dns_queue_us: Option<u64>,
    tcp_us: Option<u64>,
    proxy_us: Option<u64>,
    tls_us: Option<u64>,
    sent_us: Option<u64>,
    head_us: Option<u64>,
    /// Followed; each was a request of its own, and the stages are those of the last.
    redirects: usize,
    total_us: u64,
    status: Option<u16>,
    error: Option<&'static str>,
    class: Option<String>,
    hint: Option<HintLine<'a>>,
    /// The wait before the attempt.
    gate: Option<GateLine>,
    /// Planned.
    wait_ms: Option<f64>,
    /// Made.
    waited_ms: Option<f64>,
    stop: Option<&'static str>,
}

/// What a server asked for.
#[derive(Debug, Serialize)]
pub struct HintLine<'a> {
    source: String,
    raw: &'a str,
    ms: Option<f64>,
    ignored: Option<String>,
}

impl<'a> From<&'a HintReading> for HintLine<'a> {
    fn from(hint: &'a HintReading) -> Self {
        HintLine {
            source: hint.source.to_string(),
            raw: &hint.raw,
            ms: hint.value.as_ref().ok().copied().map(milliseconds),
            ignored: hint.value.as_ref().err().map(ToString::to_string),
        }
    }
}

/// A wait at a gate, and the gate's figures behind it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GateLine {
    mode: String,
    waited_ms: f64,
    rate: Option<f64>,
    queue: usize,
    hold_ms: f64,
}

impl GateLine {
    /// A wait at a gate that holds at a fixed rate, a second.
    pub fn fixed(waited: Duration, rate: f64, queue: usize) -> Self {
        GateLine {
            mode: "fixed".to_owned(),
            waited_ms: milliseconds(waited),
            rate: Some(rate),
            queue,
            hold_ms: 0.0,
        }
    }
}

impl From<GateNote> for GateLine {
    fn from(gate: GateNote) -> Self {
        GateLine {
            mode: gate.mode.to_string(),
            waited_ms: milliseconds(gate.waited),
            rate: gate.state.rate,
            queue: gate.state.queue,
            hold_ms: milliseconds(gate.state.hold),
        }
    }
}

fn line(spec: &ConnectSpec, number: usize, attempt: &AttemptRecord) -> String {
    let trace = &attempt.trace;
    let us = |length: Option<Duration>| length.map(micros);
    let line = Line {
        at: since_1970(trace.started),
        element: CONNECT_SAMPLER,
        target: spec.dial.target.to_string(),
        user: &spec.user,
        ordinal: spec.ordinal,
        attempt: number,
        dns_us: us(trace.dns),
        dns_queue_us: us(trace.dns_queue),
        tcp_us: us(trace.tcp),
        proxy_us: us(trace.proxy),
        tls_us: us(trace.tls),
        sent_us: us(trace.sent),
        head_us: us(trace.head),
        redirects: trace.redirects.len(),
        total_us: micros(trace.total),
        status: attempt.status(),
        error: attempt.fault.as_ref().map(|fault| fault.code),
        class: attempt.class.map(|class| class.to_string()),
        hint: attempt.hint.as_ref().map(HintLine::from),
        gate: attempt.gate.map(GateLine::from),
        wait_ms: attempt.wait.map(milliseconds),
        waited_ms: attempt.wait.map(|_| milliseconds(attempt.waited)),
        stop: attempt.stop.map(Stop::name),
    };
    serde_json::to_string(&line).expect("plain texts and numbers") + "\n"
}

/// In microseconds.
pub fn since_1970(time: SystemTime) -> u64 {
    micros(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// With microseconds behind the point.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
