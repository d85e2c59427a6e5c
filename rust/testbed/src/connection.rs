//! The life of one TCP connection: TLS, requests, the limit's decision, the answer, and then perhaps a WebSocket.

use crate::answers::{self, Refusal};
use crate::config::Config;
use crate::fault::{Chooser, Effect, Fault};
use crate::log::{Line, Log};
use crate::request::{self, Kind, Request, Upgrade};
use crate::server::Stopped;
use crate::stats::{Stats, Tally, unix_micros};
use crate::stream::Stream;
use crate::{echo, misbehave};
use limiter::{Decision, Limiter};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// How long the peer may take to end its side after a refusal.
const LINGER: Duration = Duration::from_secs(2);
/// How many connections slow and silent faults may hold at a time; further ones are closed at once.
const MOST_HELD: u64 = 4_096;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) log: Option<Log>,
    tally: Tally,
    limiter: Mutex<Limiter>,
    chooser: Chooser,
    held: AtomicU64,
}

impl Shared {
    pub(crate) fn new(config: Config, log: Option<Log>) -> Self {
        Self {
            limiter: Mutex::new(Limiter::new(config.limit)),
            chooser: Chooser::new(config.seed, config.faults.clone()),
            tally: Tally::new(),
            held: AtomicU64::new(0),
            config,
            log,
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.tally.snapshot(self.held.load(Ordering::Relaxed))
    }

    pub(crate) fn accept_failed(&self) {
        self.tally.accept_failed();
    }

    fn limiter(&self) -> MutexGuard<'_, Limiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the limit: a seat, or after how long to come back.
    fn pass(self: &Arc<Self>) -> Result<Seat, Option<Duration>> {
        let mut limiter = self.limiter();
        // Read under the lock, so that the limit sees time in order.
        match limiter.try_pass(self.tally.elapsed()) {
            Decision::Pass => Ok(Seat {
                shared: Arc::clone(self),
                open: false,
            }),
            Decision::Reject { retry_in } => Err(retry_in),
        }
    }

    /// A place among the held connections, if there is one left.
    pub(crate) fn hold(&self) -> Option<Held<'_>> {
        let before = self.held.fetch_add(1, Ordering::Relaxed);
        let held = Held(self);
        (before < MOST_HELD).then_some(held)
    }
}

/// Counts a connection as held for as long as it lives.
pub(crate) struct Held<'a>(&'a Shared);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What an attempt that the limit let in occupies until its connection has ended.
#[derive(Debug)]
struct Seat {
    shared: Arc<Shared>,
    open: bool,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.open {
            self.shared.tally.closed();
        }
        self.shared.limiter().release(self.shared.tally.elapsed());
    }
}

/// An attempt on its way to an answer: it is counted, and gets its line in the log with the answer, or without one when
/// it is dropped.
pub(crate) struct Attempt {
    shared: Arc<Shared>,
    line: Option<Line>,
}

impl Attempt {
    pub(crate) fn struck_by(&mut self, fault: Fault) {
        self.shared.tally.faulted();
        if let Some(line) = &mut self.line {
            line.fault = Some(fault.name());
        }
    }

    /// To be called when the answer is on its way.
    pub(crate) fn answered(&mut self, status: u16) {
        if status == 101 {
            self.shared.tally.accepted();
        } else {
            self.shared.tally.refused();
        }
        self.write(Some(status));
    }

    fn write(&mut self, status: Option<u16>) {
        if let (Some(log), Some(mut line)) = (&self.shared.log, self.line.take()) {
            line.status = status;
            line.answered_us = status.map(|_| unix_micros(SystemTime::now()));
            log.write(line);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.write(None);
    }
}

/// How a connection goes on after an answer.
enum Next {
    /// As a WebSocket, until `cut_after`.
    Open { seat: Seat, cut_after: Option<Duration> },
    /// With another request.
    Again,
    /// Not at all.
    Done,
}

/// A connection in the hands of one task.
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tcp: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) accepted_at: SystemTime,
}

impl Connection {
    /// Serves the connection to its end, or until the server stops.
    pub(crate) async fn serve(self, acceptor: Option<TlsAcceptor>, mut stop: Stopped) {
        let opened = tokio::select! {
            biased;
            () = stop.wait() => return,
            opened = self.negotiate(acceptor) => opened,
        };
        let Some((stream, early, seat, cut_after)) = opened else {
            return;
        };
        let echo = echo::serve(stream, early, stop, &seat.shared.tally);
        match cut_after {
            // The stream is dropped in the middle of it: no close frame.
            Some(after) => _ = timeout(after, echo).await,
            None => echo.await,
        }
        drop(seat);
    }

    /// Answers requests until one opens a WebSocket.
    async fn negotiate(
        self,
        acceptor: Option<TlsAcceptor>,
    ) -> Option<(Stream, Vec<u8>, Seat, Option<Duration>)> {
        let Self {
            shared,
            tcp,
            peer,
            accepted_at,
        } = self;
        let patience = shared.config.patience;
        let mut stream = match acceptor {
            None => Stream::Plain(tcp),
            Some(acceptor) => Stream::Tls(Box::new(
                timeout(patience, acceptor.accept(tcp)).await.ok()?.ok()?,
            )),
        };
        let mut buffer = Vec::with_capacity(1024);
        loop {
            let request = match timeout(patience, request::read(&mut stream, &mut buffer))
                .await
                .ok()?
            {
                Ok(request) => request?,
                Err(refused) => {
                    finish(&mut stream, &refused.answer().bytes()).await;
                    return None;
                }
            };
            let origin = Origin {
                shared: &shared,
                peer,
                accepted_at,
            };
            match timeout(patience, origin.respond(&mut stream, request))
                .await
                .ok()?
            {
                Next::Open { seat, cut_after } => return Some((stream, buffer, seat, cut_after)),
                Next::Again => {}
                Next::Done => return None,
            }
        }
    }
}

/// Where a request came from.
struct Origin<'a> {
    shared: &'a Arc<Shared>,
    peer: SocketAddr,
    accepted_at: SystemTime,
}

impl Origin<'_> {
    async fn respond(&self, stream: &mut Stream, request: Request) -> Next {
        match request.kind {
            Kind::Plain { get } => {
                let answer = self.plain(get, &request.path);
                finish(stream, &answer.bytes()).await;
                Next::Done
            }
            Kind::BadUpgrade(refused) => {
                let (mut attempt, _) = self.begin(request.path);
                attempt.answered(refused.status);
                finish(stream, &refused.answer().bytes()).await;
                Next::Done
            }
            Kind::Upgrade(upgrade) => self.decide(stream, request.path, &upgrade).await,
        }
    }

    /// Counts an attempt; gives its ordinal, too.
    fn begin(&self, path: String) -> (Attempt, u64) {
        let ordinal = self.shared.tally.attempt();
        let line = self.shared.log.is_some().then(|| Line {
            accepted_us: unix_micros(self.accepted_at),
            head_us: unix_micros(SystemTime::now()),
            answered_us: None,
            status: None,
            path,
            peer: self.peer,
            fault: None,
        });
        (
            Attempt {
                shared: Arc::clone(self.shared),
                line,
            },
            ordinal,
        )
    }

    async fn decide(&self, stream: &mut Stream, path: String, upgrade: &Upgrade) -> Next {
        let shared = self.shared;
        let place = if shared.config.faults.is_empty() {
            String::new()
        } else {
            path.clone()
        };
        let (mut attempt, ordinal) = self.begin(path);
        let fault = shared.chooser.choose(ordinal);
        match fault.and_then(|fault| Some((fault, fault.effect()?))) {
            Some((fault, Effect::Refuses)) => {
                attempt.struck_by(fault);
                match misbehave::refuse(fault, shared, stream, &mut attempt, &place).await {
                    misbehave::After::Again => Next::Again,
                    misbehave::After::Done => Next::Done,
                }
            }
            Some((fault, Effect::Breaks)) => {
                attempt.struck_by(fault);
                misbehave::go_wrong(fault, shared, stream).await;
                Next::Done
            }
            Some((fault, Effect::Accepts)) => self.ask(stream, attempt, upgrade, Some(fault)).await,
            None => self.ask(stream, attempt, upgrade, None).await,
        }
    }

    /// Lets the limit decide, and answers so.
    async fn ask(
        &self,
        stream: &mut Stream,
        mut attempt: Attempt,
        upgrade: &Upgrade,
        fault: Option<Fault>,
    ) -> Next {
        let mut seat = match self.shared.pass() {
            Ok(seat) => seat,
            Err(retry_in) => {
                let refusal = Refusal::throttled(&self.shared.config, retry_in).with("Connection: close\r\n");
                attempt.answered(refusal.status);
                finish(stream, &refusal.bytes()).await;
                return Next::Done;
            }
        };
        let written = match fault {
            None => stream
                .write_all(&answers::accepted(upgrade, "Upgrade", ""))
                .await
                .is_ok(),
            Some(fault) => {
                attempt.struck_by(fault);
                misbehave::accept(fault, self.shared, stream, upgrade).await
            }
        };
        if !written {
            return Next::Done;
        }
        attempt.answered(101);
        seat.open = true;
        let cut_after = (fault == Some(Fault::DropAfter)).then_some(misbehave::MOMENT);
        Next::Open { seat, cut_after }
    }

    /// The answer to a request that asks for no upgrade.
    fn plain(&self, get: bool, path: &str) -> Refusal {
        let text = "text/plain; charset=utf-8";
        let answer = match path.split('?').next() {
            Some("/stats") if get => {
                let stats = serde_json::to_vec(&self.shared.stats()).expect("numbers and fixed names");
                Refusal::new(200, stats, "application/json").with("Cache-Control: no-store\r\n")
            }
            Some("/") if get => Refusal::new(200, introduction(&self.shared.config).into_bytes(), text),
            _ => {
                let body = b"This is a WebSocket server: ask for an upgrade, or GET /stats.\n".to_vec();
                return Refusal::new(426, body, text)
                    .with("Upgrade: websocket\r\nConnection: Upgrade, close\r\n");
            }
        };
        answer.with("Connection: close\r\n")
    }
}

fn introduction(config: &Config) -> String {
    let faults: Vec<_> = config.faults.iter().map(ToString::to_string).collect();
    format!(
        "The test server of ws-backoff: a WebSocket echo that throttles and misbehaves on request.\n\
         limit: {}\nrefusals: status {}, retry-after {}\nfaults: {}\nfigures: GET /stats\n",
        config.limit,
        config.status,
        config.retry_after,
        if faults.is_empty() {
            "none".to_owned()
        } else {
            faults.join(" ")
        },
    )
}

/// Writes the last bytes of a connection and closes it in a way that lets the peer read them: it ends this side and reads
/// on until the peer ends its own, as closing with unread bytes would reset the connection under the answer.
pub(crate) async fn finish(stream: &mut Stream, bytes: &[u8]) {
    if stream.write_all(bytes).await.is_err() || stream.shutdown().await.is_err() {
        return;
    }
    let _ = timeout(LINGER, discard(stream)).await;
}

/// Reads to the peer's end.
pub(crate) async fn discard(stream: &mut Stream) {
    let mut bytes = [0; 512];
    while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
}
