//! The tries themselves: each a thread for as long as it takes, over the engine, which also writes the trace.

use crate::{Failure, StopToken};
use backoff::Policy;
use conversation::queue::Bounds;
use engine::connecting::run::{ConnectRun, End};
use engine::connecting::spec::{ConnectSpec, Keeping};
use engine::{Engine, Handle};
use probe::{Leg, Until};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use websocket::{Cookies, Dial};

/// How long a connection that was let in is watched for a close at once, which is how some servers refuse.
const SETTLE: Duration = Duration::from_millis(30);
/// How long a server may take to answer a close.
const GOODBYE: Duration = Duration::from_millis(200);
/// So many goodbyes are said at a time.
const AT_A_TIME: usize = 32;
/// How soon a Stop is noticed.
const LOOK: Duration = Duration::from_millis(50);

/// What came of a try; times are since the begin.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) sent: Duration,
    pub(super) answered: Duration,
    pub(super) status: Option<u16>,
    /// Let in.
    pub(super) open: bool,
    /// It failed before the server had a word in it.
    pub(super) local: bool,
    /// Why it failed.
    pub(super) told: String,
}

/// See the file's head.
pub(super) struct Sockets {
    engine: Arc<Engine>,
    spec: ConnectSpec,
    begun: (Instant, SystemTime),
    ordinal: u64,
    open: Vec<Handle>,
    stop: StopToken,
    sender: Sender<Done>,
    receiver: Receiver<Done>,
}

struct Done {
    handle: Handle,
    answer: Answer,
}

impl Sockets {
    pub(super) fn open(
        dial: Dial,
        trace: &Path,
        timeout: Duration,
        stop: StopToken,
    ) -> Result<Self, Failure> {
        let engine = Arc::new(Engine::default());
        engine
            .traces()
            .open(trace)
            .map_err(|error| Failure(format!("cannot write the trace {}: {error}", trace.display())))?;
        let policy = Policy {
            max_attempts: 1,
            attempt_timeout: timeout,
            ..Policy::default()
        };
        let bounds = Bounds {
            messages: 100,
            bytes: 1 << 20,
        };
        let spec = ConnectSpec {
            cookies: Cookies::default(),
            keeping: Keeping {
                keep_alive: Duration::ZERO,
                pong_timeout: timeout,
                queue: bounds,
                queue_total: 1 << 26,
                reconnect: false,
            },
            settle: if dial.plain { Duration::ZERO } else { SETTLE },
            asks: false,
            policy: Arc::new(policy),
            seed: Some(0),
            user: "probe".into(),
            ordinal: 0,
            gate: None,
            crowd: engine.gates().crowd("probe"),
            keep_texts: false,
            trace: Some(trace.into()),
            element: "probe",
            connection: "main".into(),
            dial: Arc::new(dial),
        };
        let (sender, receiver) = channel();
        Ok(Sockets {
            engine,
            spec,
            begun: (Instant::now(), SystemTime::now()),
            ordinal: 0,
            open: Vec::new(),
            stop,
            sender,
            receiver,
        })
    }

    /// Since the begin.
    pub(super) fn now(&self) -> Duration {
        self.begun.0.elapsed()
    }

    /// Makes a series of tries and waits for the answers of all; they come in the order in which they were sent.
    pub(super) fn tries(&mut self, leg: Leg) -> Vec<Answer> {
        let first = self.ordinal;
        let mut done: Vec<Done> = Vec::new();
        let mut next = Instant::now() + leg.after;
        let ends = |done: &[Done]| {
            done.iter().any(|done| match leg.until {
                Until::Never => false,
                Until::Passed => done.answer.open,
                Until::Refused => !done.answer.open,
            })
        };
        for _ in 0..leg.count {
            if !self.wait(next, &mut done, &ends) {
                break;
            }
            self.start();
            next = next.max(Instant::now()) + leg.gap;
        }
        while (done.len() as u64) < self.ordinal - first {
            match self.receiver.recv() {
                Ok(one) => done.push(one),
                Err(_) => break,
            }
        }
        done.sort_by_key(|done| done.answer.sent);
        for one in &done {
            if one.answer.open {
                self.open.push(one.handle);
            } else {
                // There is nothing behind it.
                let _ = self.engine.close(one.handle, None);
            }
        }
        done.into_iter().map(|done| done.answer).collect()
    }

    /// Until it is time; false: the series, or all, ends before.
    fn wait(&self, next: Instant, done: &mut Vec<Done>, ends: &dyn Fn(&[Done]) -> bool) -> bool {
        loop {
            if self.stop.wait(Duration::ZERO) {
                return false;
            }
            let left = next.saturating_duration_since(Instant::now());
            match self.receiver.recv_timeout(left.min(LOOK)) {
                Ok(one) => done.push(one),
                Err(RecvTimeoutError::Timeout) if left <= LOOK => return !ends(done),
                Err(_) => {}
            }
            if ends(done) {
                return false;
            }
        }
    }

    fn start(&mut self) {
        let spec = Arc::new(ConnectSpec {
            ordinal: self.ordinal,
            ..self.spec.clone()
        });
        let (engine, sender) = (self.engine.clone(), self.sender.clone());
        let begun = self.begun.1;
        self.ordinal += 1;
        thread::spawn(move || {
            let handle = engine.open();
            let answer = match engine.connect(handle, &spec, None) {
                Ok(connected) => answer(&connected.run, spec.dial.plain, begun),
                Err(misuse) => Answer {
                    sent: Duration::ZERO,
                    answered: Duration::ZERO,
                    status: None,
                    open: false,
                    local: true,
                    told: misuse.to_string(),
                },
            };
            // Nobody waits for it any more after a Stop.
            let _ = sender.send(Done { handle, answer });
        });
    }

    /// Closes so many connections, the oldest first; how many there were.
    pub(super) fn release(&mut self, count: u32) -> u32 {
        let count = self.open.len().min(count as usize);
        let closing: Vec<Handle> = self.open.drain(..count).collect();
        for some in closing.chunks(AT_A_TIME) {
            thread::scope(|scope| {
                for &handle in some {
                    let engine = &self.engine;
                    scope.spawn(move || engine.close(handle, Some(GOODBYE)));
                }
            });
        }
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Closes all connections and writes the trace out.
    pub(super) fn close(mut self) -> Result<(), Failure> {
        self.release(u32::MAX);
        let ended = self.engine.shutdown();
        ended.map_err(|error| Failure(error.to_string()))
    }
}

fn answer(run: &ConnectRun, plain: bool, begun: SystemTime) -> Answer {
    let attempt = run.last();
    let trace = &attempt.trace;
    let since = trace.started.duration_since(begun).unwrap_or_default();
    let status = attempt.status();
    Answer {
        sent: since + trace.sent.unwrap_or_default(),
        answered: since + trace.head.unwrap_or(trace.total),
        status,
        open: run.end == End::Connected || plain && status.is_some_and(|status| status < 300),
        local: trace.sent.is_none(),
        told: attempt
            .fault
            .as_ref()
            .map_or_else(String::new, |fault| fault.detail.clone()),
    }
}
