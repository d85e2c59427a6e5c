//! The tries themselves: each a thread for as long as it takes, over the engine, which also writes the trace.

use crate::probe::stops;
use crate::{Failure, StopToken};
use backoff::{Policy, StopReason};
use conversation::queue::Bounds;
use engine::connecting::run::{ConnectRun, End};
use engine::connecting::spec::{ConnectSpec, Farewell, Keeping};
use engine::{Engine, Handle};
use probe::{Leg, Until, most_unanswered};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use websocket::{Cookies, Dial, Target};

/// How long a connection that was let in is watched for a close at once, which is how some servers refuse.
const SETTLE: Duration = Duration::from_millis(30);
/// How long a server may take to answer a close.
const GOODBYE: Duration = Duration::from_millis(200);
/// So many goodbyes are said at a time.
const AT_A_TIME: usize = 32;
/// So many tries wait for their answers at most.
const MOST_RUNNING: usize = 256;
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
    /// It failed without a connection, so that the server had no word in it.
    pub(super) local: bool,
    /// Why it failed, and what can be done about it.
    pub(super) told: String,
    pub(super) cure: String,
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
    /// `None`: broken off.
    answer: Option<Answer>,
}

/// A series of tries under way.
struct Series {
    until: Until,
    running: Vec<Handle>,
    done: Vec<Done>,
}

impl Series {
    fn new(leg: Leg) -> Self {
        Series {
            until: leg.until,
            running: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Whether what was answered so far ends it.
    fn ends(&self) -> bool {
        let answers = || self.done.iter().filter_map(|done| done.answer.as_ref());
        let wanted = answers().any(|answer| match self.until {
            Until::Never => false,
            Until::Passed => answer.open,
            Until::Refused => !answer.open,
        });
        wanted || stops::forbids_more(answers())
    }
}

impl Sockets {
    pub(super) fn open(
        dial: Dial,
        trace: &Path,
        timeout: Duration,
        stop: StopToken,
    ) -> Result<Self, Failure> {
        let engine = Arc::new(Engine::default());
        engine.traces().open(trace).map_err(|error| {
            Failure(format!(
                "cannot write the trace {}: {error}; name another file with --trace",
                trace.display()
            ))
        })?;
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
                farewell: Farewell::default(),
            },
            settle: if dial.plain { Duration::ZERO } else { SETTLE },
            asks: false,
            policy: Arc::new(policy),
            seed: Some(0),
            user: "probe".into(),
            ordinal: 0,
            gate: None,
            crowd: engine.gates().crowd("probe"),
            apart: false,
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

    /// Makes a series of tries and waits for the answers of all; they come in the order in which they were sent. A Stop, or an answer
    /// that forbids more of them, ends it early; those that a Stop broke off have no answer.
    pub(super) fn tries(&mut self, leg: Leg) -> Vec<Answer> {
        let mut series = Series::new(leg);
        let mut next = Instant::now() + leg.after;
        for _ in 0..leg.count {
            if !self.wait(next, &mut series) {
                break;
            }
            series.running.push(self.start());
            next = next.max(Instant::now()) + leg.gap;
        }
        while !series.running.is_empty() {
            if self.stop.wait(Duration::ZERO) {
                series
                    .running
                    .iter()
                    .for_each(|&handle| _ = self.engine.cancel(handle));
            }
            self.hear(LOOK, &mut series);
        }
        let mut done = series.done;
        done.sort_by_key(|done| done.answer.as_ref().map(|answer| answer.sent));
        for one in &done {
            if one.answer.as_ref().is_some_and(|answer| answer.open) {
                self.open.push(one.handle);
            } else {
                // There is nothing behind it.
                let _ = self.engine.close(one.handle, None);
            }
        }
        done.into_iter().filter_map(|done| done.answer).collect()
    }

    /// Until it is time, and there is room for one more; false: the series, or all, ends before.
    fn wait(&self, next: Instant, series: &mut Series) -> bool {
        loop {
            if self.stop.wait(Duration::ZERO) || series.ends() {
                return false;
            }
            let left = next.saturating_duration_since(Instant::now());
            let answered = u32::try_from(series.done.len()).unwrap_or(u32::MAX);
            let most = MOST_RUNNING.min(most_unanswered(answered) as usize);
            let is_full = series.running.len() >= most;
            if left.is_zero() && !is_full {
                return true;
            }
            self.hear(if is_full { LOOK } else { left.min(LOOK) }, series);
        }
    }

    /// Takes in the next answer, if one comes within `time`.
    fn hear(&self, time: Duration, series: &mut Series) {
        if let Ok(one) = self.receiver.recv_timeout(time) {
            series.running.retain(|&handle| handle != one.handle);
            series.done.push(one);
        }
    }

    fn start(&mut self) -> Handle {
        let spec = Arc::new(ConnectSpec {
            ordinal: self.ordinal,
            ..self.spec.clone()
        });
        let (engine, sender) = (self.engine.clone(), self.sender.clone());
        let begun = self.begun.1;
        let handle = engine.open();
        self.ordinal += 1;
        thread::spawn(move || {
            let connected = panic::catch_unwind(AssertUnwindSafe(|| engine.connect(handle, &spec, None)));
            let answer = match connected {
                Ok(Ok(connected)) => answer(&connected.run, &spec.dial, begun),
                Ok(Err(misuse)) => Some(Answer::of_ours(misuse.to_string())),
                Err(_) => Some(Answer::of_ours("a defect of this program".to_owned())),
            };
            // Whoever waited for it is there until it has come.
            let _ = sender.send(Done { handle, answer });
        });
        handle
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

impl Answer {
    /// Of a try that failed on this side.
    fn of_ours(told: String) -> Answer {
        Answer {
            sent: Duration::ZERO,
            answered: Duration::ZERO,
            status: None,
            open: false,
            local: true,
            told,
            cure: "Ask once more, and report it if it stays so".to_owned(),
        }
    }
}

/// `None`: the try was broken off.
fn answer(run: &ConnectRun, dial: &Dial, begun: SystemTime) -> Option<Answer> {
    if run.end == End::Stopped(StopReason::Cancelled) {
        return None;
    }
    let attempt = run.last();
    let trace = &attempt.trace;
    let since = trace.started.duration_since(begun).unwrap_or_default();
    let status = attempt.status();
    let fault = attempt.fault.as_ref();
    let let_in = dial.plain && status.is_some_and(|status| status < 300);
    Some(Answer {
        sent: since + trace.sent.unwrap_or_default(),
        answered: since + trace.head.unwrap_or(trace.total),
        status,
        open: run.end == End::Connected || let_in,
        local: fault.is_some_and(|fault| is_local(&fault.code)),
        told: fault.map(|fault| fault.detail.clone()).unwrap_or_default(),
        cure: fault
            .map(|fault| cure(&fault.code, status, &dial.target))
            .unwrap_or_default(),
    })
}

/// What can be done where nobody is let in.
fn cure(code: &str, status: Option<u16>, target: &Target) -> String {
    if status.is_some_and(|status| status >= 500) {
        return "Look at its log, and ask again when it is well".to_owned();
    }
    if code == "tls.certificate" {
        return "The certificate is not trusted for this host: correct the host, or accept any with --insecure".to_owned();
    }
    let known = jmeter::codes().iter().find(|known| known.code == code);
    let help = known.map_or("Check host and port, and that the server is up", |known| {
        known.help
    });
    let help = help.trim_end_matches('.');
    // What stands behind an IPv6 address is in brackets.
    let named = target
        .authority()
        .rsplit(']')
        .next()
        .is_some_and(|rest| rest.contains(':'));
    if named || !is_local(code) || code.starts_with("dns.") {
        return help.to_owned();
    }
    format!("{help}; the URL names no port, so {} was taken", target.port())
}

/// Whether this says that there was no connection. Servers that reset when they accept may be heard of before the request is
/// written, and before the connect is known to be done.
fn is_local(code: &str) -> bool {
    code.starts_with("dns.") || code.starts_with("tcp.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_comes_with_what_can_be_done() {
        for (url, code, status, parts) in [
            (
                "ws://127.0.0.1/",
                "tcp.refused",
                None,
                vec!["server is up", "no port, so 80"],
            ),
            (
                "wss://[::1]/",
                "tcp.timeout",
                None,
                vec!["firewall", "no port, so 443"],
            ),
            ("ws://[::1]:9/", "tcp.refused", None, vec!["host and port"]),
            ("wss://127.0.0.1/", "tls.certificate", None, vec!["--insecure"]),
            ("ws://127.0.0.1/", "upgrade.status", Some(500), vec!["log"]),
            ("ws://127.0.0.1/", "upgrade.malformed", None, vec!["wss://"]),
        ] {
            let cure = cure(code, status, &Target::parse(url).unwrap());
            assert!(
                parts.iter().all(|part| cure.contains(part)),
                "{url} {code}: {cure}"
            );
            let says_port = parts.iter().any(|part| part.starts_with("no port"));
            assert_eq!(cure.contains("no port"), says_port, "{url} {code}: {cure}");
        }
    }

    #[test]
    fn a_reset_at_the_accept_is_the_servers_word_and_a_closed_port_is_not() {
        for (code, local) in [
            ("dns.not-found", true),
            ("tcp.refused", true),
            ("upgrade.reset", false),
            ("tls.closed", false),
        ] {
            assert!(jmeter::codes().iter().any(|known| known.code == code), "{code}");
            assert_eq!(is_local(code), local, "{code}");
        }
    }
}
