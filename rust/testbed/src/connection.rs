//! The life of one TCP connection: TLS, requests, the limit's decision, the answer, and then perhaps a WebSocket.

use crate::answers::{self, Answer};
use crate::config::Refusal;
use crate::fault::{Effect, Fault};
use crate::log::Line;
use crate::request::{self, Kind, Request};
use crate::server::Stopped;
use crate::shared::{Attempt, Denied, Seat, Shared};
use crate::stats::unix_micros;
use crate::stream::Stream;
use crate::upgrade::Upgrade;
use crate::{echo, misbehave, plain};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// How long the peer may take to end its side after the last answer.
const LINGER: Duration = Duration::from_secs(2);

/// How a connection goes on after an answer.
pub(crate) enum Next {
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
        let Some((stream, seat, cut_after)) = opened else {
            return;
        };
        let echo = echo::serve(stream, stop, &seat.shared.tally);
        match cut_after {
            // The stream is dropped in the middle of it: no close frame.
            Some(after) => _ = timeout(after, echo).await,
            None => echo.await,
        }
        drop(seat);
    }

    /// Answers requests until one opens a WebSocket.
    async fn negotiate(self, acceptor: Option<TlsAcceptor>) -> Option<(Stream, Seat, Option<Duration>)> {
        let Self {
            shared,
            tcp,
            peer,
            accepted_at,
        } = self;
        let patience = shared.config.patience;
        let mut stream = match acceptor {
            None => Stream::plain(tcp),
            Some(acceptor) => Stream::tls(timeout(patience, acceptor.accept(tcp)).await.ok()?.ok()?),
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
            match timeout(
                shared.patience(),
                origin.respond(&mut stream, &mut buffer, request),
            )
            .await
            .ok()?
            {
                Next::Open { seat, cut_after } => {
                    stream.unread(buffer);
                    return Some((stream, seat, cut_after));
                }
                Next::Again => {}
                Next::Done => return None,
            }
        }
    }
}

/// Where a request came from.
pub(crate) struct Origin<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    peer: SocketAddr,
    accepted_at: SystemTime,
}

impl Origin<'_> {
    async fn respond(&self, stream: &mut Stream, buffer: &mut Vec<u8>, request: Request) -> Next {
        match &request.kind {
            Kind::Plain(asked) => plain::respond(self, stream, buffer, &request, asked).await,
            Kind::BadUpgrade(refused) => {
                let (mut attempt, _) = self.begin(&request.path);
                attempt.answered(refused.status);
                finish(stream, &refused.answer().bytes()).await;
                Next::Done
            }
            Kind::Upgrade(upgrade) => self.decide(stream, &request, upgrade).await,
        }
    }

    /// Counts an attempt; gives its ordinal, too.
    pub(crate) fn begin(&self, path: &str) -> (Attempt, u64) {
        let line = self.shared.log.is_some().then(|| Line {
            accepted_us: unix_micros(self.accepted_at),
            head_us: unix_micros(SystemTime::now()),
            answered_us: None,
            status: None,
            path: path.to_owned(),
            peer: self.peer,
            fault: None,
        });
        Attempt::begin(self.shared, path, line)
    }

    async fn decide(&self, stream: &mut Stream, request: &Request, upgrade: &Upgrade) -> Next {
        let shared = self.shared;
        let (attempt, ordinal) = self.begin(&request.path);
        let fault = shared.chooser.choose(ordinal);
        match fault.and_then(|fault| Some((fault, fault.effect()?))) {
            Some((fault, effect)) if effect != Effect::Accepts => {
                misbehave::fail(fault, effect, shared, stream, attempt, &request.path).await
            }
            fault => {
                let fault = fault.map(|(fault, _)| fault);
                self.ask(stream, attempt, request, upgrade, fault).await
            }
        }
    }

    /// Lets the limit decide, and answers so.
    async fn ask(
        &self,
        stream: &mut Stream,
        mut attempt: Attempt,
        request: &Request,
        upgrade: &Upgrade,
        fault: Option<Fault>,
    ) -> Next {
        let mut seat = match self.shared.admit(&request.path, request.bearer.as_deref()) {
            Ok(seat) => seat,
            Err(Denied::NoToken(refusal)) => return refuse(stream, attempt, refusal, false).await,
            Err(Denied::Throttled(refusal)) => {
                let config = &self.shared.config;
                if config.refusal == Refusal::Answer {
                    return refuse(stream, attempt, refusal, config.keep_alive_refusals).await;
                }
                let upgrade = Some(upgrade);
                return misbehave::refuse_oddly(self.shared, stream, attempt, upgrade).await;
            }
        };
        if !seat.delay.is_zero() {
            sleep(seat.delay).await;
        }
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
}

/// Answers a refusal; `stays`: whether the client may go on with another request.
async fn refuse(stream: &mut Stream, mut attempt: Attempt, refusal: Answer, stays: bool) -> Next {
    attempt.answered(refusal.status);
    if !stays {
        finish(stream, &refusal.with("Connection: close\r\n").bytes()).await;
        return Next::Done;
    }
    let sent = stream.write_all(&refusal.bytes()).await.is_ok() && stream.flush().await.is_ok();
    if sent { Next::Again } else { Next::Done }
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
