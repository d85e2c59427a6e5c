//! The blocking byte stream of an open connection: plain or TLS, with a total deadline and a cancel from other threads.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};
use socket2::SockRef;

use crate::meter::Io;
use crate::os::{self, Direction, Ready};

/// The socket, shared with cancellers: by reference count, so that no descriptor is duplicated.
#[derive(Debug)]
pub(crate) struct Shared {
    stream: TcpStream,
    cancelled: AtomicBool,
}

impl Shared {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Shared {
            stream,
            cancelled: AtomicBool::new(false),
        }
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

/// Ends a connection's waits from another thread. Does not keep the socket open.
#[derive(Clone, Debug)]
pub struct Canceller {
    shared: Weak<Shared>,
}

impl Canceller {
    /// Shuts the socket down: what blocks on the connection, and all later calls, fail with `cancelled`.
    pub fn cancel(&self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.cancelled.store(true, Ordering::SeqCst);
            reset_when_closed(&shared.stream);
            // It fails when the peer was quicker; the socket is dead all the same.
            let _ = shared.stream.shutdown(Shutdown::Both);
        }
    }
}

/// Whoever ends a connection out of order need not keep its port in TIME_WAIT: a load generator has none to spare.
fn reset_when_closed(stream: &TcpStream) {
    // It fails when the connection is no more.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// How long reads and writes may block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Not at all.
    Never,
    /// From one moment to another; `WouldBlock` after it.
    Until { from: Instant, end: Instant },
}

impl Wait {
    /// `timeout` from now; zero does not block.
    pub(crate) fn within(timeout: Duration) -> Self {
        Wait::since(Instant::now(), timeout)
    }

    /// `timeout` from a moment that the caller knows: each look at the clock saved is felt at a hundred thousand messages a second.
    /// Zero does not block.
    pub(crate) fn since(from: Instant, timeout: Duration) -> Self {
        if timeout.is_zero() {
            return Wait::Never;
        }
        // A year stands for ever.
        let end = from + timeout.min(Duration::from_secs(365 * 24 * 3600));
        Wait::Until { from, end }
    }

    /// Whether nothing may block any more.
    pub(crate) fn is_over(self) -> bool {
        match self {
            Wait::Never => true,
            Wait::Until { end, .. } => Instant::now() >= end,
        }
    }

    /// At most `longest` from now.
    pub(crate) fn at_most(self, longest: Duration) -> Self {
        let from = Instant::now();
        match self {
            Wait::Never => Wait::Never,
            Wait::Until { end, .. } => Wait::Until {
                from,
                end: end.min(from + longest),
            },
        }
    }
}

/// What has gone over a connection since its upgrade, TLS included.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    /// Bytes read.
    pub received: u64,
    /// Bytes written.
    pub sent: u64,
    /// When the newest bytes were read; before any, when the connection was opened.
    pub heard: Instant,
}

/// A blocking socket whose reads and writes end with `WouldBlock` at a deadline.
///
/// The deadline is total: a peer that drips bytes cannot extend it. The socket's timeout options are set only when what is
/// left of the time has changed noticeably, so that messages in quick succession cost no system call more. A write is first
/// tried without blocking: a socket has room for most messages.
#[derive(Debug)]
pub(crate) struct Socket {
    shared: Arc<Shared>,
    wait: Wait,
    /// The newest moment it knows: the clock is looked at after each call that may have blocked, and only then.
    now: Instant,
    read_option: Option<Duration>,
    write_option: Option<Duration>,
    /// The deadline after which it has looked once more.
    looked_after: Option<Instant>,
    traffic: Traffic,
}

impl Socket {
    fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::SeqCst)
    }

    fn new(stream: TcpStream) -> io::Result<Self> {
        os::attach(&stream)?;
        let shared = Arc::new(Shared::new(stream));
        let now = Instant::now();
        Ok(Socket {
            shared,
            wait: Wait::Never,
            now,
            read_option: None,
            write_option: None,
            looked_after: None,
            traffic: Traffic {
                received: 0,
                sent: 0,
                heard: now,
            },
        })
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Wait::Until { end, .. } = self.wait else {
            return self.look(buffer);
        };
        let mut is_first = true;
        loop {
            let left = end.saturating_duration_since(self.now);
            if left.is_zero() {
                // We may have been held up, or stopped, while the answer came: what is there counts. Once for each deadline, as
                // a peer that sends without end must not extend it.
                if self.looked_after.replace(end) == Some(end) {
                    return Err(ErrorKind::WouldBlock.into());
                }
                return self.look(buffer);
            }
            let stream = &self.shared.stream;
            let done = if std::mem::take(&mut is_first) {
                os::receive_within(stream, buffer, &mut self.read_option, left)
            } else {
                // The rest of a wait that a coarser clock ended.
                match os::wait(stream, Direction::Read, left) {
                    Ready::NotYet => Err(ErrorKind::WouldBlock.into()),
                    Ready::Fine | Ready::Trouble => os::receive_now(stream, buffer),
                }
            };
            self.now = Instant::now();
            if !done.as_ref().is_err_and(is_passing) {
                return done;
            }
        }
    }

    /// What is there.
    fn look(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = pass(|| os::receive_now(&self.shared.stream, buffer))?;
        // Nothing there took no time worth a look at the clock.
        self.now = Instant::now();
        Ok(read)
    }

    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let first: &[u8] = parts
            .iter()
            .find(|part| !part.is_empty())
            .map_or(&[], |part| part);
        let Wait::Until { end, .. } = self.wait else {
            return pass(|| os::send_now(&self.shared.stream, first));
        };
        if parts.len() == 1 {
            match pass(|| os::send_now(&self.shared.stream, first)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
        }
        let mut is_first = true;
        loop {
            let left = end.saturating_duration_since(self.now);
            if left.is_zero() {
                return Err(ErrorKind::WouldBlock.into());
            }
            let stream = &self.shared.stream;
            let done = if std::mem::take(&mut is_first) {
                os::send_within(stream, parts, &mut self.write_option, left)
            } else {
                match os::wait(stream, Direction::Write, left) {
                    Ready::NotYet => Err(ErrorKind::WouldBlock.into()),
                    Ready::Fine | Ready::Trouble => os::send_now(stream, first),
                }
            };
            self.now = Instant::now();
            if !done.as_ref().is_err_and(is_passing) {
                return done;
            }
        }
    }
}

/// Makes a system call that does not block, again when a signal broke it off.
fn pass(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// Nothing has happened yet.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.receive(buffer)?;
        if read > 0 {
            self.traffic.received += read as u64;
            self.traffic.heard = self.now;
        }
        Ok(read)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    /// TLS writes all its records in one call.
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = self.send(parts)?;
        self.traffic.sent += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The bytes under the frames.
#[derive(Debug)]
pub(crate) enum Wire {
    Plain(Socket),
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
    /// The socket is closed.
    Closed {
        traffic: Traffic,
        cancelled: bool,
    },
}

impl Wire {
    /// Takes the socket out of the reactor. What TLS has read ahead stays in its connection.
    pub(crate) fn new(io: Io) -> io::Result<Self> {
        match io {
            Io::Plain(socket) => Ok(Wire::Plain(Socket::new(socket.into_blocking()?)?)),
            Io::Tls(stream) => {
                let (socket, session) = stream.into_inner();
                let socket = Socket::new(socket.into_blocking()?)?;
                Ok(Wire::Tls(Box::new(StreamOwned::new(session, socket))))
            }
        }
    }

    fn socket(&self) -> Option<&Socket> {
        match self {
            Wire::Plain(socket) => Some(socket),
            Wire::Tls(stream) => Some(&stream.sock),
            Wire::Closed { .. } => None,
        }
    }

    fn socket_mut(&mut self) -> Option<&mut Socket> {
        match self {
            Wire::Plain(socket) => Some(socket),
            Wire::Tls(stream) => Some(&mut stream.sock),
            Wire::Closed { .. } => None,
        }
    }

    /// The socket, until it is closed.
    pub(crate) fn shared(&self) -> Option<&Arc<Shared>> {
        self.socket().map(|socket| &socket.shared)
    }

    /// How all reads and writes wait from now on.
    pub(crate) fn set_wait(&mut self, wait: Wait) {
        let Some(socket) = self.socket_mut() else {
            return;
        };
        socket.wait = wait;
        if let Wait::Until { from, .. } = wait {
            socket.now = socket.now.max(from);
        }
    }

    /// When the newest bytes were read.
    pub(crate) fn read_at(&self) -> Instant {
        self.socket().map_or_else(Instant::now, |socket| socket.now)
    }

    pub(crate) fn traffic(&self) -> Traffic {
        match self {
            Wire::Closed { traffic, .. } => *traffic,
            Wire::Plain(socket) => socket.traffic,
            Wire::Tls(stream) => stream.sock.traffic,
        }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        match self {
            Wire::Closed { cancelled, .. } => *cancelled,
            Wire::Plain(socket) => socket.is_cancelled(),
            Wire::Tls(stream) => stream.sock.is_cancelled(),
        }
    }

    pub(crate) fn canceller(&self) -> Canceller {
        Canceller {
            shared: self.shared().map(Arc::downgrade).unwrap_or_default(),
        }
    }

    /// Whether TLS holds bytes that the socket has not taken.
    pub(crate) fn is_writing(&self) -> bool {
        matches!(self, Wire::Tls(stream) if stream.conn.wants_write())
    }

    /// Writes what TLS holds.
    ///
    /// # Errors
    /// `WouldBlock` at the deadline, and what the socket says.
    pub(crate) fn flush_out(&mut self) -> io::Result<()> {
        if let Wire::Tls(stream) = self {
            while stream.conn.wants_write() {
                if stream.conn.write_tls(&mut stream.sock)? == 0 {
                    return Err(ErrorKind::WriteZero.into());
                }
            }
        }
        Ok(())
    }

    /// Ends TCP; what still waits on it is told.
    pub(crate) fn end(&self) {
        if let Some(socket) = self.socket() {
            // It fails when the peer was quicker; the socket is dead all the same.
            let _ = socket.shared.stream.shutdown(Shutdown::Both);
        }
    }

    /// Ends TCP and gives descriptor and buffers back.
    pub(crate) fn close(&mut self) {
        self.end();
        self.give_back();
    }

    fn give_back(&mut self) {
        *self = Wire::Closed {
            traffic: self.traffic(),
            cancelled: self.is_cancelled(),
        };
    }

    /// Reads, without blocking, what nobody wants any more; whether the peer has ended TCP. Bytes left unread would make of the end
    /// a reset, which may overtake our close frame.
    pub(crate) fn has_ended(&mut self) -> bool {
        const LOOKS: usize = 16;
        let Some(socket) = self.socket_mut() else {
            return true;
        };
        socket.wait = Wait::Never;
        let mut rest = [0; 4096];
        for _ in 0..LOOKS {
            match socket.read(&mut rest) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
        false
    }

    /// Ends TCP by a reset, so that no port of ours stays in TIME_WAIT. Only for the thread that uses the connection.
    pub(crate) fn abort(&mut self) {
        if let Some(socket) = self.socket() {
            reset_when_closed(&socket.shared.stream);
        }
        // No shutdown: a peer that answers our FIN would be quicker than the reset.
        self.give_back();
    }

    /// Makes ready to be written that nothing more will be sent, once (TLS close_notify).
    pub(crate) fn say_end(&mut self) {
        if let Wire::Tls(stream) = self {
            stream.conn.send_close_notify();
        }
    }

    /// Says that nothing more will be sent, then reads on, for at most `patience`, until the peer has closed:
    /// the side that closes first keeps the port in TIME_WAIT, and a load generator has no port to spare (RFC 6455 section 7.1.1).
    pub(crate) fn await_end(&mut self, patience: Duration) {
        self.set_wait(Wait::within(patience));
        self.say_end();
        if self.flush_out().is_err() {
            return;
        }
        let mut rest = [0; 1024];
        while let Some(socket) = self.socket_mut() {
            if !matches!(socket.read(&mut rest), Ok(read) if read > 0) {
                return;
            }
        }
    }
}

impl Read for Wire {
    /// Reads never write: a TLS connection with bytes to send must still hear a peer that waits for us to read.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stream = match self {
            Wire::Plain(socket) => return socket.read(buffer),
            Wire::Tls(stream) => stream,
            Wire::Closed { .. } => return Err(ErrorKind::NotConnected.into()),
        };
        loop {
            match stream.conn.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            stream.conn.read_tls(&mut stream.sock)?;
            if let Err(fault) = stream.conn.process_new_packets() {
                // The alert; the fault counts more than whether it can be sent.
                let _ = stream.conn.write_tls(&mut stream.sock);
                return Err(io::Error::new(ErrorKind::InvalidData, fault));
            }
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Wire::Plain(socket) = self {
            return socket.write(bytes);
        }
        // Not more than one buffer of records waits at a time.
        self.flush_out()?;
        let Wire::Tls(stream) = self else {
            return Err(ErrorKind::NotConnected.into());
        };
        let taken = stream.conn.writer().write(bytes)?;
        match self.flush_out() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_out()
    }
}
