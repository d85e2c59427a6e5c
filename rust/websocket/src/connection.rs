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
use crate::{Answer, Closed, Code, Error, MessageKind, Outgoing, Received};

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

/// An open WebSocket. Blocks the calling thread; `Send`, so it may wander between threads. Dropping it ends TCP at once.
pub struct Connection {
    answer: Arc<Answer>,
    subprotocol: Option<String>,
    canceller: Canceller,
    descriptor: std::os::fd::OwnedFd,
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
        let descriptor = wire.descriptor();
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
            descriptor,
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

    /// The extensions agreed on, as the server wrote them; empty when there are none.
    #[must_use]
    pub fn extensions(&self) -> &str {
        ""
    }

    /// Whether messages can still be sent: neither side has closed, and no loss was noticed so far.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.end.is_none() && !self.is_cancelled()
    }

    /// The peer's close frame, once it was received.
    #[must_use]
    pub fn close_info(&self) -> Option<&Closed> {
        match &self.end {
            Some(End::Peer(closed)) => Some(closed),
            _ => None,
        }
    }

    /// Sends one message; returns when the operating system has all of it, with the bytes of its frames. A timeout of zero never
    /// blocks.
    ///
    /// # Errors
    /// `message.too-large`, `connection.lost`, `connection.closed`, `cancelled`; `message.timeout`: what is left of the message
    /// goes out before the next one, as a frame cannot be broken off.
    pub fn send(&mut self, message: &Outgoing<'_>, timeout: Duration) -> Result<u64, Error> {
        let frame = outgoing(message)?;
        let wire_bytes = frame.len() as u64;
        let socket = self.usable(timeout)?;
        // First what an earlier timeout left behind, so that at most one message is ever kept.
        let sent = socket.flush().and_then(|()| socket.send(frame));
        sent.map_err(|fault| self.failed(fault, timeout))?;
        Ok(wire_bytes)
    }

    /// Waits for the next message, control frames included, for at most `timeout` in all. Pings are answered, and returned too.
    ///
    /// # Errors
    /// `message.timeout` (what came so far is kept, the connection stays usable), `message.too-large`, `connection.lost`,
    /// `connection.closed`, `protocol.*`, `cancelled`.
    pub fn receive(&mut self, timeout: Duration) -> Result<Received, Error> {
        let socket = self.usable(timeout)?;
        let frame = socket.read().map_err(|fault| self.failed(fault, timeout))?;
        let message = incoming(frame);
        if let Some(closed) = &message.close {
            self.end = Some(End::Peer(closed.clone()));
        }
        if matches!(message.kind, MessageKind::Ping | MessageKind::Close) {
            // The answer is queued; a failure shows in the next call.
            if let Some(socket) = &mut self.socket {
                let _ = socket.flush();
            }
        }
        Ok(message)
    }

    /// The next message if it is there already; never blocks. Like [`Connection::receive`] it answers pings and keeps what came of
    /// an incomplete message. `None` means that all that was there has been read: wait for readiness before the next call.
    ///
    /// # Errors
    /// As of `receive`, without `message.timeout`.
    pub fn poll(&mut self) -> Result<Option<Received>, Error> {
        match self.receive(Duration::from_millis(1)) {
            Ok(received) => Ok(Some(received)),
            Err(Error::MessageTimeout { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ends TCP at once, without a close frame.
    pub fn abort(&mut self) {
        self.socket = None;
        self.end.get_or_insert(End::Ours);
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

/// For readiness; the descriptor is valid until the connection is dropped, also after its end.
#[cfg(unix)]
impl std::os::fd::AsFd for Connection {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.descriptor.as_fd()
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

fn outgoing(message: &Outgoing<'_>) -> Result<Frame, Error> {
    let bytes = message.payload.to_vec();
    Ok(match message.kind {
        MessageKind::Text => Frame::Text(String::from_utf8_lossy(&bytes).as_ref().into()),
        MessageKind::Binary => Frame::Binary(bytes.into()),
        MessageKind::Ping => Frame::Ping(bytes.into()),
        MessageKind::Pong => Frame::Pong(bytes.into()),
        MessageKind::Close => Frame::Close(None),
    })
}

fn incoming(frame: Frame) -> Received {
    let (kind, payload, close): (_, Vec<u8>, _) = match frame {
        Frame::Text(text) => (MessageKind::Text, text.as_str().into(), None),
        Frame::Binary(bytes) => (MessageKind::Binary, bytes.into(), None),
        Frame::Ping(bytes) => (MessageKind::Ping, bytes.into(), None),
        Frame::Pong(bytes) => (MessageKind::Pong, bytes.into(), None),
        Frame::Close(frame) => (MessageKind::Close, Vec::new(), Some(closed(frame))),
        Frame::Frame(_) => unreachable!("tungstenite never reads raw frames"),
    };
    Received {
        kind,
        wire_bytes: payload.len() as u64,
        payload,
        close,
        first_byte: Instant::now(),
        at: Instant::now(),
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
