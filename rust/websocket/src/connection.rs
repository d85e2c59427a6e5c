//! An open connection: blocking messages on the calling thread.

use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::error::{Error as Fault, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{
    CloseFrame, Message as Frame, Role, WebSocket, WebSocketConfig,
};

use crate::meter::Io;
use crate::wire::{Canceller, Wire};
use crate::{Answer, Code, Error};

/// Allocated for each connection, so small: thousands are held open.
const READ_BUFFER: usize = 8 * 1024;

/// Bound of a message, in either direction.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// RFC 6455 section 5.5.
const MAX_CONTROL: usize = 125;

/// How long a peer that answered our close frame is given to close TCP before we do.
const END_PATIENCE: Duration = Duration::from_millis(200);

/// For telling a peer that broke the protocol, when it may not be listening.
const LAST_WORD: Duration = Duration::from_millis(50);

/// No status code was in the close frame (RFC 6455 section 7.4.1); never sent.
const NO_STATUS: u16 = 1005;

/// A WebSocket message or control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// Ping, at most 125 bytes. Those received were answered already.
    Ping(Vec<u8>),
    /// Pong, at most 125 bytes.
    Pong(Vec<u8>),
    /// The peer's close frame; it was answered already. Sending one begins to close; [`Connection::close`] does all of it.
    Close(Closed),
}

/// A close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Its status code (RFC 6455 section 7.4); 1005 when it has none.
    pub code: u16,
    /// Its reason; may be empty.
    pub reason: String,
}

/// An open WebSocket. Blocks the calling thread; `Send`, so it may wander between threads. Dropping it ends TCP at once.
pub struct Connection {
    answer: Arc<Answer>,
    subprotocol: Option<String>,
    canceller: Canceller,
    /// `None` once TCP was ended.
    socket: Option<WebSocket<Wire>>,
    /// The peer's close frame, or why the connection cannot be used any more.
    end: Option<End>,
}

#[derive(Debug)]
enum End {
    Peer(Closed),
    Ours,
    Lost,
    Cancelled,
}

impl Connection {
    /// Goes on where the upgrade stopped; `leftover` are bytes that came behind the 101.
    pub(crate) fn new(
        io: Io,
        leftover: Vec<u8>,
        answer: Arc<Answer>,
        subprotocol: Option<String>,
    ) -> Result<Self, Error> {
        let wire = Wire::new(io).map_err(|error| Error::Upgrade {
            code: Code::UpgradeFailed,
            what: error.to_string(),
        })?;
        let canceller = wire.canceller();
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let socket = WebSocket::from_partially_read(wire, leftover, Role::Client, Some(config));
        Ok(Connection {
            answer,
            subprotocol,
            canceller,
            socket: Some(socket),
            end: None,
        })
    }

    /// The 101.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The subprotocol that the server chose.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// A handle to end this connection's waits from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Sends one message; returns when the operating system has all of it.
    ///
    /// # Errors
    /// `message.too-large`, `connection.lost`, `connection.closed`, `cancelled`; `message.timeout`: what is left of the message
    /// goes out before the next one, as a frame cannot be broken off.
    pub fn send(&mut self, message: Message, timeout: Duration) -> Result<(), Error> {
        let frame = outgoing(message)?;
        let socket = self.usable(timeout)?;
        // First what an earlier timeout left behind, so that at most one message is ever kept.
        let sent = socket.flush().and_then(|()| socket.send(frame));
        sent.map_err(|fault| self.failed(fault, timeout))
    }

    /// Waits for the next message, control frames included, for at most `timeout` in all.
    ///
    /// # Errors
    /// `message.timeout` (the connection stays usable), `message.too-large`, `connection.lost`, `connection.closed`,
    /// `protocol.*`, `cancelled`.
    pub fn receive(&mut self, timeout: Duration) -> Result<Message, Error> {
        let socket = self.usable(timeout)?;
        let frame = socket.read().map_err(|fault| self.failed(fault, timeout))?;
        let message = incoming(frame);
        if let Message::Close(closed) = &message {
            self.end = Some(End::Peer(closed.clone()));
        }
        if matches!(message, Message::Ping(_) | Message::Close(_)) {
            // The answer is queued; a failure shows in the next call.
            if let Some(socket) = &mut self.socket {
                let _ = socket.flush();
            }
        }
        Ok(message)
    }

    /// Sends a close frame, waits at most `timeout` for the peer's, then ends TCP. `code` 0 or 1005: a frame without code. After
    /// the peer's close frame, or a second time, it only ends TCP.
    ///
    /// # Errors
    /// `close.timeout`, `connection.lost`, `connection.closed`, `protocol.*`, `cancelled`; the connection is ended in each case.
    pub fn close(&mut self, code: u16, reason: &str, timeout: Duration) -> Result<Closed, Error> {
        let begun = Instant::now();
        let closed = match &self.end {
            Some(End::Peer(closed)) if self.socket.is_some() => Ok(closed.clone()),
            _ => self.close_handshake(code, reason, timeout),
        };
        if let (Some(mut socket), Ok(_)) = (self.socket.take(), &closed) {
            let left = timeout.saturating_sub(begun.elapsed());
            socket.get_mut().await_end(left.min(END_PATIENCE));
        }
        if self.end.is_none() {
            self.end = Some(End::Ours);
        }
        closed
    }

    fn close_handshake(&mut self, code: u16, reason: &str, timeout: Duration) -> Result<Closed, Error> {
        let socket = self.usable(timeout)?;
        let mut step = socket.close(close_frame(code, reason)).map(|()| None);
        loop {
            match step {
                Ok(Some(Frame::Close(frame))) => return Ok(closed(frame)),
                // Messages under way are of no use any more.
                Ok(_) => {}
                Err(fault) => {
                    let error = self.failed(fault, timeout);
                    let timed_out = matches!(error, Error::MessageTimeout { .. });
                    return Err(if timed_out {
                        Error::CloseTimeout { after: timeout }
                    } else {
                        error
                    });
                }
            }
            let Some(socket) = &mut self.socket else {
                return Err(self.ended());
            };
            step = socket.read().map(Some);
        }
    }

    /// The socket with its deadline set, or why there is none.
    fn usable(&mut self, timeout: Duration) -> Result<&mut WebSocket<Wire>, Error> {
        if self.is_cancelled() {
            self.end = Some(End::Cancelled);
            self.socket = None;
        }
        if self.end.is_some() {
            return Err(self.ended());
        }
        let socket = self
            .socket
            .as_mut()
            .expect("the socket is only given up together with an end");
        socket.get_mut().set_timeout(timeout);
        Ok(socket)
    }

    fn is_cancelled(&self) -> bool {
        self.socket
            .as_ref()
            .is_some_and(|socket| socket.get_ref().is_cancelled())
    }

    fn ended(&self) -> Error {
        match &self.end {
            Some(End::Peer(Closed { code, reason })) => Error::Closed {
                what: format!("the server closed with {code} {reason}")
                    .trim_end()
                    .into(),
            },
            Some(End::Cancelled) => Error::Cancelled,
            Some(End::Lost) => Error::Lost {
                what: "the connection was lost before".into(),
            },
            Some(End::Ours) | None => Error::Closed {
                what: "it was closed from this side before".into(),
            },
        }
    }

    /// Turns tungstenite's fault into ours, and ends the connection unless it can be used on.
    fn failed(&mut self, fault: Fault, timeout: Duration) -> Error {
        let cancelled = self.is_cancelled();
        let (error, last_word) = match fault {
            _ if cancelled => {
                self.end = Some(End::Cancelled);
                self.socket = None;
                return Error::Cancelled;
            }
            Fault::Io(error) if error.kind() == ErrorKind::WouldBlock => {
                return Error::MessageTimeout { after: timeout };
            }
            Fault::Protocol(ProtocolError::SendAfterClosing) => return self.ended(),
            Fault::ConnectionClosed | Fault::AlreadyClosed => (self.ended(), None),
            Fault::Protocol(ProtocolError::ResetWithoutClosingHandshake) => (
                Error::Lost {
                    what: "the server ended the connection without a close frame".into(),
                },
                None,
            ),
            Fault::Capacity(what) => (
                Error::MessageTooLarge {
                    what: what.to_string(),
                },
                Some(CloseCode::Size),
            ),
            Fault::Utf8(what) => (Error::Utf8 { what }, Some(CloseCode::Invalid)),
            Fault::Protocol(what) => (
                Error::Protocol {
                    what: what.to_string(),
                },
                Some(CloseCode::Protocol),
            ),
            Fault::Io(error) => (
                Error::Lost {
                    what: error.to_string(),
                },
                None,
            ),
            other => (
                Error::Lost {
                    what: other.to_string(),
                },
                None,
            ),
        };
        // RFC 6455 section 7.1.7: fail the connection, and say why if the peer can still hear it.
        if let (Some(mut socket), Some(code)) = (self.socket.take(), last_word) {
            socket.get_mut().set_timeout(LAST_WORD);
            let _ = socket.close(Some(CloseFrame {
                code,
                reason: "".into(),
            }));
        }
        self.end.get_or_insert(End::Lost);
        error
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wire = self.socket.as_ref().map(WebSocket::get_ref);
        f.debug_struct("Connection")
            .field("wire", &wire)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

fn outgoing(message: Message) -> Result<Frame, Error> {
    let (length, bound) = match &message {
        Message::Text(text) => (text.len(), MAX_MESSAGE),
        Message::Binary(bytes) => (bytes.len(), MAX_MESSAGE),
        Message::Ping(bytes) | Message::Pong(bytes) => (bytes.len(), MAX_CONTROL),
        Message::Close(_) => (0, MAX_CONTROL),
    };
    if length > bound {
        return Err(Error::MessageTooLarge {
            what: format!("{length} bytes to send, allowed are {bound}"),
        });
    }
    Ok(match message {
        Message::Text(text) => Frame::Text(text.into()),
        Message::Binary(bytes) => Frame::Binary(bytes.into()),
        Message::Ping(bytes) => Frame::Ping(bytes.into()),
        Message::Pong(bytes) => Frame::Pong(bytes.into()),
        Message::Close(closed) => Frame::Close(close_frame(closed.code, &closed.reason)),
    })
}

fn incoming(frame: Frame) -> Message {
    match frame {
        Frame::Text(text) => Message::Text(text.as_str().to_owned()),
        Frame::Binary(bytes) => Message::Binary(bytes.into()),
        Frame::Ping(bytes) => Message::Ping(bytes.into()),
        Frame::Pong(bytes) => Message::Pong(bytes.into()),
        Frame::Close(frame) => Message::Close(closed(frame)),
        Frame::Frame(_) => unreachable!("tungstenite never reads raw frames"),
    }
}

fn closed(frame: Option<CloseFrame>) -> Closed {
    frame.map_or(
        Closed {
            code: NO_STATUS,
            reason: String::new(),
        },
        |frame| Closed {
            code: frame.code.into(),
            reason: frame.reason.as_str().to_owned(),
        },
    )
}

/// A control frame has room for 123 bytes of reason; what is longer is cut at a character.
fn close_frame(code: u16, reason: &str) -> Option<CloseFrame> {
    if code == 0 || code == NO_STATUS {
        return None;
    }
    let mut end = reason.len().min(MAX_CONTROL - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    Some(CloseFrame {
        code: code.into(),
        reason: reason[..end].into(),
    })
}
