//! Does an operation on an open connection, blocking on the calling thread: drives [`conversation::talk`] over the socket. The messages
//! between operations are one stream, whether the keeper has read them already or they still lie in the socket.
//!
//! An exchange looks at the socket before it sends, by a read that does not block: one system call more than sending and receiving.
//! Nothing cheaper tells what had come from what answers: how much one read gave does not, as a push may follow the last answer by
//! microseconds, and neither does whether the read after the sending had to wait, as an answer may be as quick. The read costs as
//! much as `poll`, `FIONREAD` or `MSG_PEEK` do (0.5 us, where an echo over loopback takes 30; some 400 of an echo's 4,450
//! instructions of ours), and takes what it finds along. Nor does a condition on the message spare the look: a push from before may
//! meet it as well, unless it names something of this very message, which nobody here can know.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use conversation::talk::{Act, End, Step, Talk};
use websocket::{Closed, Code, Error, MessageKind, Outgoing, Received};

use crate::codes::MESSAGE_UNEXPECTED;
use crate::failure::Failure;
use crate::keeping::live::Live;
use crate::talking::figures::{Figures, Outcome};
use crate::talking::operation::{Action, CloseSpec, Operation, Payload};

/// Does it. Answers the message that came, or that was the last one awaited; empty where there is none. What the sample has to say
/// beside stands behind it, see [`Figures::note`].
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
    let own = own_ping(&operation.action);
    let act = match act(&operation.action, given, &own) {
        Ok(act) => act,
        Err(goodbye) => return close(live, goodbye, operation.timeout, figures),
    };
    let start = start(begun, figures);
    let mut talk = Talk::new(act, operation.timeout, start, &mut figures.tally);
    let broken = drive(live, &mut talk, operation.timeout).err();
    let ended = Ended::new(talk);
    conclude(ended, broken, begun, figures)
}

/// What an action is to the conversation; a close is none of its acts. `own` is a ping's payload where the plan gives none.
pub(super) fn act<'a>(
    action: &'a Action,
    given: Option<&'a [u8]>,
    own: &'a [u8],
) -> Result<Act<'a>, &'a CloseSpec> {
    Ok(match action {
        Action::Send(payload) => Act::Send(outgoing(payload, payload.of(given))),
        Action::Receive(awaited) => Act::Receive(awaited),
        Action::Exchange(payload, awaited, repeat) => {
            Act::Exchange(outgoing(payload, payload.of(given)), awaited, *repeat)
        }
        Action::Ping(payload) => {
            let bytes = payload.of(given);
            // An empty pong could be anybody's.
            Act::Ping(if bytes.is_empty() { own } else { bytes })
        }
        Action::Close(goodbye) => return Err(goodbye),
    })
}

/// From when on an operation's time runs.
pub(super) fn start(begun: Instant, figures: &Figures) -> Instant {
    // The clock was just looked at, unless a reconnect lies between.
    if figures.reconnects == 0 {
        begun
    } else {
        Instant::now()
    }
}

/// What a talk left.
pub(super) struct Ended {
    dropped: Vec<Received>,
    end: Option<End>,
    last: Option<Received>,
    note: String,
}

impl Ended {
    pub(super) fn new(mut talk: Talk<'_>) -> Self {
        let dropped = talk.take_dropped();
        let (end, last, note) = talk.end();
        Ended {
            dropped,
            end,
            last,
            note,
        }
    }
}

/// What an operation answers that ended so, or by what the connection failed it.
pub(super) fn conclude(
    ended: Ended,
    broken: Option<Failure>,
    begun: Instant,
    figures: &mut Figures,
) -> Result<Vec<u8>, Failure> {
    let Ended {
        dropped,
        end,
        last,
        note,
    } = ended;
    figures.dropped_messages = dropped;
    if let Some(first_byte) = figures.tally.first_byte {
        let since_begin = first_byte.saturating_duration_since(begun);
        figures.latency = since_begin.saturating_sub(figures.waited);
    }
    match (broken, end) {
        (Some(failure), _) => return Err(failure.noting(&note)),
        (None, Some(End::TimedOut(detail))) => {
            return Err(Failure::coded(Code::MessageTimeout, detail).noting(&note));
        }
        (None, Some(End::Unexpected(detail))) => {
            return Err(Failure::new(MESSAGE_UNEXPECTED, detail).noting(&note));
        }
        (None, Some(End::NoMessage)) => figures.outcome = Outcome::NoMessage,
        (None, Some(End::Done) | None) => {}
    }
    let mut payload = Vec::new();
    if let Some(message) = last {
        figures.kind = Some(message.kind);
        figures.age = begun.saturating_duration_since(message.at);
        payload = message.payload;
    }
    if !note.is_empty() {
        figures.note = note.len();
        payload.extend_from_slice(note.as_bytes());
    }
    Ok(payload)
}

fn outgoing<'a>(payload: &Payload, bytes: &'a [u8]) -> Outgoing<'a> {
    Outgoing {
        kind: payload.kind,
        payload: bytes,
        fragment: payload.fragment,
    }
}

/// Takes the steps of an operation, until it is done or the connection fails it.
fn drive(live: &mut Live, talk: &mut Talk<'_>, timeout: Duration) -> Result<(), Failure> {
    loop {
        match talk.step(&mut live.queue) {
            Step::Look => while look(live, talk, timeout)? == Looked::Behind {},
            Step::Send(message) => match live.connection.send_since(talk.start(), &message, timeout) {
                Ok(wire_bytes) => talk.sent(wire_bytes),
                Err(error) => {
                    if let Error::SendTimeout { begun, .. } = error {
                        talk.not_sent(begun, &mut live.queue);
                    }
                    return Err(failed(live, &error));
                }
            },
            Step::Wait => match live.receive(talk.start(), timeout) {
                Ok(Received {
                    close: Some(closed), ..
                }) => return Err(Failure::closed(&closed)),
                Ok(message) => talk.came(message, &mut live.queue),
                Err(Error::MessageTimeout { .. }) => talk.late(&mut live.queue),
                Err(error) => return Err(failed(live, &error)),
            },
            Step::Again => talk.again(Instant::now()),
            Step::Done => return Ok(()),
        }
    }
}

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looked {
    /// Nothing more is there, or nothing more is wanted.
    All,
    /// A peer that sends without end has more, for another look.
    Behind,
}

/// Reads what was there before a sending, as long as there is time for it.
pub(super) fn look(live: &mut Live, talk: &mut Talk<'_>, timeout: Duration) -> Result<Looked, Failure> {
    while !talk.is_done() {
        match live.connection.poll() {
            Ok(Some(Received {
                close: Some(closed), ..
            })) => return Err(Failure::closed(&closed)),
            Ok(Some(message)) => {
                let is_late = message.at.saturating_duration_since(talk.start()) >= timeout;
                talk.found(message, &mut live.queue);
                // Of a peer that sends faster than anybody reads there is always one more.
                if is_late && !talk.is_done() {
                    talk.late(&mut live.queue);
                }
            }
            Ok(None) if !live.connection.is_behind() => {
                talk.looked(live.connection.is_amid(), &mut live.queue);
                return Ok(Looked::All);
            }
            Ok(None) if talk.start().elapsed() >= timeout => talk.late(&mut live.queue),
            Ok(None) => return Ok(Looked::Behind),
            Err(error) => return Err(failed(live, &error)),
        }
    }
    Ok(Looked::All)
}

fn close(
    live: &mut Live,
    goodbye: &CloseSpec,
    timeout: Duration,
    figures: &mut Figures,
) -> Result<Vec<u8>, Failure> {
    live.closed_here = true;
    if goodbye.abort {
        live.connection.abort();
        return Ok(Vec::new());
    }
    let closed = live.connection.close(goodbye.code, &goodbye.reason, timeout);
    said_goodbye(live, closed, figures)
}

/// What a close answers that came to this.
pub(super) fn said_goodbye(
    live: &Live,
    closed: Result<Closed, Error>,
    figures: &mut Figures,
) -> Result<Vec<u8>, Failure> {
    let bytes = live.connection.goodbye();
    figures.tally.sent_bytes += bytes.sent;
    figures.tally.received_bytes += bytes.received;
    let closed = closed.map_err(|error| failed(live, &error))?;
    figures.close_code = closed.code;
    if !closed.reason.is_empty() {
        figures.kind = Some(MessageKind::Text);
    }
    Ok(closed.reason.into_bytes())
}

pub(super) fn failed(live: &Live, error: &Error) -> Failure {
    match (&live.verdict, error.code()) {
        (Some(verdict), Code::ConnectionLost | Code::ConnectionClosed) => verdict.clone(),
        _ => Failure::of(error, &live.connection),
    }
}

/// For a ping, a payload that no other ping of this process has.
pub(super) fn own_ping(action: &Action) -> [u8; 8] {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    match action {
        Action::Ping(_) => COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes(),
        _ => [0; 8],
    }
}
