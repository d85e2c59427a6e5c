//! Does an operation on an open connection, blocking on the calling thread; the messages between are one stream, whether
//! the keeper has read them already or they still lie in the socket.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use websocket::{Code, Error, MessageKind, Outgoing, Received};

use crate::codes::MESSAGE_UNEXPECTED;
use crate::failure::Failure;
use crate::keeping::live::Live;
use crate::talking::figures::{Figures, Outcome, Spread};
use crate::talking::operation::{Action, Goodbye, Operation, Others, Payload, Wait};

/// Of a message that fails a sample, so much is shown.
const SHOWN: usize = 1_000;

/// Does it. Answers the message that came, or that was the last one awaited; empty where there is none.
///
/// # Errors
/// Why it was not done as asked; what was done is in `figures` all the same.
pub fn perform(
    live: &mut Live,
    operation: &Operation,
    given: Option<&[u8]>,
    begun: Instant,
    figures: &mut Figures,
) -> Result<Vec<u8>, Failure> {
    let mut talk = Talk {
        live,
        timeout: operation.timeout,
        begun,
        kept: 0,
        figures,
    };
    match &operation.action {
        Action::Send(payload) => talk.send(payload, given).map(|()| Vec::new()),
        Action::Receive(wait) => talk.receive(wait),
        Action::Exchange(payload, wait, repeat) => talk.exchange(payload, given, wait, *repeat),
        Action::Ping(payload) => talk.ping(payload, given),
        Action::Close(goodbye) => talk.close(goodbye),
    }
}

struct Talk<'a> {
    live: &'a mut Live,
    timeout: Duration,
    /// The sample's.
    begun: Instant,
    /// Messages at the front of the queue that did not match and stay there; looked at once, also with repeat.
    kept: usize,
    figures: &'a mut Figures,
}

impl Talk<'_> {
    fn send(&mut self, payload: &Payload, given: Option<&[u8]>) -> Result<(), Failure> {
        let bytes = payload.of(given);
        self.send_bytes(payload, bytes, self.start())
    }

    /// When what follows begins: the clock was just looked at, unless a reconnect lies between.
    fn start(&self) -> Instant {
        if self.figures.reconnects == 0 {
            self.begun
        } else {
            Instant::now()
        }
    }

    fn send_bytes(&mut self, payload: &Payload, bytes: &[u8], start: Instant) -> Result<(), Failure> {
        let message = Outgoing {
            kind: payload.kind,
            payload: bytes,
            fragment: payload.fragment,
        };
        self.send_message(&message, start)
    }

    fn send_message(&mut self, message: &Outgoing<'_>, start: Instant) -> Result<(), Failure> {
        let sent = self.live.connection.send_since(start, message, self.timeout);
        self.figures.sent_bytes += sent.map_err(|error| self.failed(&error))?;
        Ok(())
    }

    fn receive(&mut self, wait: &Wait) -> Result<Vec<u8>, Failure> {
        let found = self.matching(wait, self.start())?;
        Ok(self.deliver(found))
    }

    fn exchange(
        &mut self,
        payload: &Payload,
        given: Option<&[u8]>,
        wait: &Wait,
        repeat: u64,
    ) -> Result<Vec<u8>, Failure> {
        let bytes = payload.of(given);
        if repeat == 1 {
            let found = self.round(payload, bytes, wait, self.start())?;
            return Ok(self.deliver(found));
        }
        let mut spread = Spread::new();
        let mut total = Duration::ZERO;
        let mut last = Ok(None);
        for _ in 0..repeat {
            last = self.round(payload, bytes, wait, Instant::now());
            if !matches!(last, Ok(Some(_))) {
                break;
            }
            spread.record(self.figures.round_trip);
            total += self.figures.round_trip;
        }
        let rounds = u32::try_from(self.figures.rounds).unwrap_or(u32::MAX);
        self.figures.round_trip = total.checked_div(rounds).unwrap_or_default();
        self.figures.spread = spread.figures();
        Ok(self.deliver(last?))
    }

    /// One message and what it is answered with. `None`: nothing, and that is no failure.
    fn round(
        &mut self,
        payload: &Payload,
        bytes: &[u8],
        wait: &Wait,
        start: Instant,
    ) -> Result<Option<Received>, Failure> {
        self.send_bytes(payload, bytes, start)?;
        let found = self.matching(wait, start)?;
        if let Some(found) = &found {
            self.figures.round_trip = found.at.saturating_duration_since(start);
            self.figures.rounds += 1;
        }
        Ok(found)
    }

    /// Waits for as many matching messages as are wanted; answers the last one.
    fn matching(&mut self, wait: &Wait, start: Instant) -> Result<Option<Received>, Failure> {
        let mut seen = Seen::default();
        while seen.matching < wait.count {
            match self.next(wait, start)? {
                Some(message) if wait.wants(&message) => {
                    if self.figures.messages == 0 {
                        self.first_byte(&message);
                    }
                    self.figures.received_bytes += message.wire_bytes;
                    self.figures.messages += 1;
                    seen.matching += 1;
                    seen.last = Some(message);
                }
                Some(message) => self.other(wait.others, message)?,
                None if wait.optional => {
                    self.figures.outcome = Outcome::NoMessage;
                    return Ok(seen.last);
                }
                None => return Err(self.timed_out(wait, &seen)),
            }
        }
        Ok(seen.last)
    }

    /// The next message of the stream that was not seen yet. `None`: the time is up.
    fn next(&mut self, wait: &Wait, start: Instant) -> Result<Option<Received>, Failure> {
        while let Some(message) = self.live.queue.get(self.kept) {
            // Taking out and putting back would move all that is behind it.
            if wait.others != Others::Keep || wait.wants(message) {
                return Ok(self.live.queue.take(self.kept));
            }
            self.figures.skipped += 1;
            self.kept += 1;
        }
        loop {
            let Some(message) = self.read(start)? else {
                return Ok(None);
            };
            if !message.kind.is_control() {
                return Ok(Some(message));
            }
            self.figures.received_bytes += message.wire_bytes;
        }
    }

    /// The next message or control frame from the socket. `None`: the time is up.
    fn read(&mut self, start: Instant) -> Result<Option<Received>, Failure> {
        match self.live.receive(start, self.timeout) {
            Ok(Received {
                close: Some(closed), ..
            }) => Err(Failure::closed(&closed)),
            Ok(message) => Ok(Some(message)),
            Err(Error::MessageTimeout { .. }) => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn other(&mut self, others: Others, message: Received) -> Result<(), Failure> {
        self.figures.skipped += 1;
        match others {
            Others::Discard => self.figures.received_bytes += message.wire_bytes,
            Others::Keep => {
                // The queue was looked through before, so all that is in it was seen.
                let gone = self.live.queue.push(message);
                self.kept = (self.kept + 1).saturating_sub(gone);
            }
            Others::Fail => {
                self.figures.received_bytes += message.wire_bytes;
                let shown = &message.payload[..message.payload.len().min(SHOWN)];
                let detail = format!(
                    "{} bytes of {:?}:\n{}",
                    message.payload.len(),
                    message.kind,
                    String::from_utf8_lossy(shown)
                );
                return Err(Failure::new(MESSAGE_UNEXPECTED, detail));
            }
        }
        Ok(())
    }

    fn ping(&mut self, payload: &Payload, given: Option<&[u8]>) -> Result<Vec<u8>, Failure> {
        let own = own_ping();
        let bytes = payload.of(given);
        // An empty pong could be anybody's.
        let bytes: &[u8] = if bytes.is_empty() { &own } else { bytes };
        let start = Instant::now();
        self.send_message(&Outgoing::new(MessageKind::Ping, bytes), start)?;
        loop {
            let Some(message) = self.read(start)? else {
                let detail = format!("no pong within {} ms", self.timeout.as_millis());
                return Err(Failure::coded(Code::MessageTimeout, detail));
            };
            match message.kind {
                MessageKind::Text | MessageKind::Binary => {
                    self.live.queue.push(message);
                }
                MessageKind::Pong if message.payload == bytes => {
                    self.first_byte(&message);
                    self.figures.received_bytes += message.wire_bytes;
                    self.figures.round_trip = message.at.saturating_duration_since(start);
                    return Ok(Vec::new());
                }
                _ => self.figures.received_bytes += message.wire_bytes,
            }
        }
    }

    fn close(&mut self, goodbye: &Goodbye) -> Result<Vec<u8>, Failure> {
        self.live.closed_here = true;
        if goodbye.abort {
            self.live.connection.abort();
            return Ok(Vec::new());
        }
        let connection = &mut self.live.connection;
        let closed = connection.close(goodbye.code, &goodbye.reason, self.timeout);
        let bytes = connection.goodbye();
        self.figures.sent_bytes += bytes.sent;
        self.figures.received_bytes += bytes.received;
        let closed = closed.map_err(|error| self.failed(&error))?;
        self.figures.close_code = closed.code;
        if !closed.reason.is_empty() {
            self.figures.kind = Some(MessageKind::Text);
        }
        Ok(closed.reason.into_bytes())
    }

    fn first_byte(&mut self, message: &Received) {
        let since_begin = message.first_byte.saturating_duration_since(self.begun);
        self.figures.latency = since_begin.saturating_sub(self.figures.waited);
    }

    fn deliver(&mut self, message: Option<Received>) -> Vec<u8> {
        let Some(message) = message else {
            return Vec::new();
        };
        self.figures.kind = Some(message.kind);
        self.figures.age = self.begun.saturating_duration_since(message.at);
        message.payload
    }

    fn timed_out(&self, wait: &Wait, seen: &Seen) -> Failure {
        let detail = format!(
            "{} of {} matching within {} ms; {} others came",
            seen.matching,
            wait.count,
            self.timeout.as_millis(),
            self.figures.skipped
        );
        Failure::coded(Code::MessageTimeout, detail)
    }

    fn failed(&self, error: &Error) -> Failure {
        match (&self.live.verdict, error.code()) {
            (Some(verdict), Code::ConnectionLost | Code::ConnectionClosed) => verdict.clone(),
            _ => Failure::of(error, &self.live.connection),
        }
    }
}

impl Wait {
    /// Whether a message is one of those waited for.
    pub fn wants(&self, message: &Received) -> bool {
        self.kind.is_none_or(|kind| kind == message.kind) && self.matcher.matches(&message.payload)
    }
}

/// What one wait has come across.
#[derive(Default)]
struct Seen {
    matching: u64,
    last: Option<Received>,
}

/// A payload that no other ping of this process has.
fn own_ping() -> [u8; 8] {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes()
}
