//! A connection that was opened, with all that belongs to it: what it reads for its queue, whether its peer is still there, and its
//! end. Who may use it is not decided here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use conversation::liveness::{Duty, Liveness};
use conversation::queue::Queue;
use trace::ClosedBy;
use websocket::{Code, Connection, Error, MessageKind, Outgoing, Received};

use crate::connecting::reconnect::Lifeline;
use crate::connecting::spec::Keeping;
use crate::failure::Failure;
use crate::keeping::memory::{QueueMemory, Share};
use crate::keeping::story::{Ending, Story};

/// The most that one look reads: a server that sends without end must not hold up a sample, nor the keeper.
const LOOKED_AT: usize = 64;

/// What a keep-alive ping carries.
const PING: &[u8] = b"keep-alive";

/// How long a peer that was told of the end is given to end TCP before we do: whoever is first keeps the port (RFC 6455
/// section 7.1.1).
const LINGER: Duration = Duration::from_millis(200);

/// See the file's sentence.
pub struct Live {
    /// The socket; may have ended.
    pub connection: Connection,
    /// Messages that nobody has asked for yet.
    pub queue: Queue,
    /// What happens between samples.
    pub keeping: Keeping,
    /// Makes it anew when it is lost, if its user wants that.
    pub lifeline: Option<Box<Lifeline>>,
    /// Why it ended, where no later call on it could find out.
    pub verdict: Option<Failure>,
    /// When its end was noticed.
    pub ended: Option<Instant>,
    /// A `Close` of ours ended it.
    pub closed_here: bool,
    /// The code that its close handshake came to.
    pub close_code: Option<u16>,
    /// Whether the keeper has it in its books.
    pub kept: bool,
    /// How often it was made; tells the keeper that the socket is another one.
    pub serial: u64,
    /// Whether the reactor has been asked about this socket before.
    pub is_known_to_reactor: bool,
    liveness: Liveness,
    /// The keep-alive ended it.
    is_given_up: bool,
    share: Share,
    story: Story,
}

impl Live {
    /// A connection just opened.
    pub fn new(
        connection: Connection,
        keeping: Keeping,
        lifeline: Option<Lifeline>,
        story: Story,
        memory: &Arc<QueueMemory>,
    ) -> Self {
        Live {
            liveness: watched(&connection, &keeping),
            connection,
            queue: Queue::new(keeping.queue),
            keeping,
            lifeline: lifeline.map(Box::new),
            verdict: None,
            ended: None,
            closed_here: false,
            close_code: None,
            kept: false,
            serial: 0,
            is_known_to_reactor: false,
            is_given_up: false,
            share: Share::new(memory),
            story,
        }
    }

    /// Queues messages that came before anybody looked.
    pub fn keep(&mut self, messages: Vec<Received>) {
        for message in messages {
            self.queue.push(message);
        }
    }

    /// Another socket takes the place of the one that was lost; what was queued stays.
    pub fn renew(&mut self, connection: Connection) {
        self.liveness = watched(&connection, &self.keeping);
        self.connection = connection;
        self.queue.forgive();
        self.serial += 1;
        self.is_known_to_reactor = false;
        self.verdict = None;
        self.ended = None;
        self.is_given_up = false;
        self.story.begin_again();
    }

    /// Reads what has come, without a wait, as long as `go_on` says so: messages to the queue, and an end that nobody has noticed
    /// yet becomes known. True: there may be more, of which no readiness will tell.
    pub fn look(&mut self, go_on: impl Fn() -> bool) -> bool {
        let mut is_behind = true;
        for _ in 0..LOOKED_AT {
            match self.connection.poll() {
                Ok(Some(message)) if message.is_dealt_with() => {}
                Ok(Some(message)) => {
                    self.queue.push(message);
                }
                Ok(None) => {
                    is_behind = self.connection.is_behind();
                    break;
                }
                Err(error) => self.judge_by(&error),
            }
            if !self.connection.is_open() || !go_on() {
                break;
            }
        }
        self.settle_queue();
        self.note_end();
        is_behind && self.connection.is_open()
    }

    /// Reckons with what the queue holds, after each change.
    pub fn settle_queue(&mut self) {
        let limit = self.keeping.queue_total;
        self.share.settle(&mut self.queue, limit, self.story.notices());
    }

    /// What the end says now no later call can find out; a close frame stays with the connection.
    fn judge_by(&mut self, error: &Error) {
        if self.verdict.is_none() && !self.connection.is_open() && self.connection.close_info().is_none() {
            self.verdict = Some(Failure::of(error, &self.connection));
        }
    }

    /// When keep-alive has something to do next; `None`: never.
    pub fn due(&mut self) -> Option<Instant> {
        self.liveness.heard(self.connection.traffic().heard);
        self.liveness.due()
    }

    /// Pings a silent peer, or gives up one whose pong is overdue. What was there must have been read just now: a stall of ours is
    /// not the peer's death.
    pub fn keep_alive(&mut self) {
        if !self.connection.is_open() {
            return;
        }
        self.liveness.heard(self.connection.traffic().heard);
        match self.liveness.duty(Instant::now()) {
            Duty::Wait => {}
            Duty::Ping => {
                // What cannot be sent at once shows a peer that does not read; the missing pong tells.
                let _ = self
                    .connection
                    .send(&Outgoing::new(MessageKind::Ping, PING), Duration::ZERO);
            }
            Duty::GiveUp => {
                let limit = self.keeping.pong_timeout.as_millis();
                let detail = format!("no answer to a keep-alive ping within {limit} ms");
                self.verdict = Some(Failure::coded(Code::ConnectionLost, detail));
                self.connection.abort();
                self.is_given_up = true;
            }
        }
        self.note_end();
    }

    /// Waits for the next message or control frame, at most `timeout` from `start`, and keeps the connection alive meanwhile.
    ///
    /// # Errors
    /// As of [`Connection::receive`].
    pub fn receive(&mut self, start: Instant, timeout: Duration) -> Result<Received, Error> {
        let end = start.checked_add(timeout);
        loop {
            let due = self.due().filter(|&due| end.is_none_or(|end| due < end));
            let done = match due.map(|due| due.saturating_duration_since(start)) {
                None => self.connection.receive_since(start, timeout),
                Some(due) => match self.connection.receive_since(start, due) {
                    Err(Error::MessageTimeout { .. }) => {
                        self.keep_alive();
                        continue;
                    }
                    done => done,
                },
            };
            if !done.as_ref().is_ok_and(answers_keep_alive) {
                return done;
            }
        }
    }

    /// The next message or control frame, if it is there.
    ///
    /// # Errors
    /// As of [`Connection::receive_now`].
    pub fn receive_now(&mut self) -> Result<Option<Received>, Error> {
        loop {
            match self.connection.receive_now()? {
                Some(received) if answers_keep_alive(&received) => {}
                found => return Ok(found),
            }
        }
    }

    /// Takes note of the connection's end, if it has ended.
    pub fn note_end(&mut self) {
        self.note_failure(None);
    }

    /// As [`Live::note_end`], after a call that failed for this reason.
    pub fn note_failure(&mut self, failure: Option<&Failure>) {
        if self.connection.is_open() || self.ended.is_some() {
            return;
        }
        self.ended = Some(Instant::now());
        let peers = self.connection.close_info().map(|closed| closed.code);
        let by = match peers {
            _ if self.connection.is_cancelled() => ClosedBy::Cancelled,
            _ if self.is_given_up => ClosedBy::Keeper,
            _ if self.closed_here => ClosedBy::Client,
            Some(_) => ClosedBy::Server,
            None => ClosedBy::Lost,
        };
        let why = self.verdict.as_ref().or(failure);
        let ending = Ending {
            by,
            code: peers.or(self.close_code),
            error: why.map(|why| &*why.code),
            detail: why.map_or("", |why| &why.detail),
        };
        self.story.end(&ending, &self.connection);
    }

    /// Takes note that we are about to end the connection, if it has not ended before.
    pub fn leave(&mut self, by: ClosedBy, code: Option<u16>) {
        self.note_end();
        if self.ended.is_none() {
            self.ended = Some(Instant::now());
            let ending = Ending {
                by,
                code,
                error: None,
                detail: "",
            };
            self.story.end(&ending, &self.connection);
        }
    }

    /// Gives the socket of an ended connection back as soon as the peer is done; its queue and the reason stay. True: it is back.
    pub fn settle(&mut self) -> bool {
        let patience_is_over = self.ended.is_some_and(|at| at.elapsed() >= LINGER);
        self.connection.settle(patience_is_over)
    }
}

/// The answer to a ping of ours is nobody's business.
fn answers_keep_alive(received: &Received) -> bool {
    received.kind == MessageKind::Pong && received.payload == PING
}

/// Keep-alive for a connection just opened. The system watches over what is sent, too: no ping gets out while a send blocks.
fn watched(connection: &Connection, keeping: &Keeping) -> Liveness {
    if !keeping.keep_alive.is_zero() {
        connection.give_up_after(keeping.keep_alive.saturating_add(keeping.pong_timeout));
    }
    Liveness::new(keeping.keep_alive, keeping.pong_timeout, Instant::now())
}
