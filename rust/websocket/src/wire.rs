//! The blocking byte stream of an open connection: plain or TLS, with a total deadline and a cancel from other threads.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};

use crate::meter::Io;

/// Socket options have a granularity of a tick or so; less than this is not asked for.
const SHORTEST: Duration = Duration::from_millis(1);

/// The socket, shared with cancellers: by reference count, so that no descriptor is duplicated.
#[derive(Debug)]
struct Shared {
    stream: TcpStream,
    cancelled: AtomicBool,
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
            // It fails when the peer was quicker; the socket is dead all the same.
            let _ = shared.stream.shutdown(Shutdown::Both);
        }
    }
}

/// A blocking socket whose reads and writes end with `WouldBlock` at a deadline.
///
/// The deadline is total: a peer that drips bytes cannot extend it. The socket's timeout options are set only when what is
/// left of the time has changed noticeably, so that messages in quick succession cost no system call more.
#[derive(Debug)]
pub(crate) struct Socket {
    shared: Arc<Shared>,
    deadline: Instant,
    read_option: Option<Duration>,
    write_option: Option<Duration>,
}

impl Socket {
    fn new(stream: TcpStream) -> Self {
        let shared = Arc::new(Shared {
            stream,
            cancelled: AtomicBool::new(false),
        });
        Socket {
            shared,
            deadline: Instant::now(),
            read_option: None,
            write_option: None,
        }
    }

    /// How long the next system call may block; an error when the time is up.
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(ErrorKind::WouldBlock.into())
        } else {
            Ok(left.max(SHORTEST))
        }
    }
}

/// Whether a timeout already set will do: at most 1/64 or 1 ms too long, and not so short that it would end much too early
/// (then the call is repeated).
fn will_do(option: Option<Duration>, left: Duration) -> bool {
    option.is_some_and(|set| set <= left + (left / 64).max(SHORTEST) && set >= left / 2)
}

/// A timeout of the socket option; Windows names it differently.
fn is_timeout(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock || (cfg!(windows) && error.kind() == ErrorKind::TimedOut)
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.left()?;
            if !will_do(self.read_option, left) {
                self.shared.stream.set_read_timeout(Some(left))?;
                self.read_option = Some(left);
            }
            match (&self.shared.stream).read(buffer) {
                Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let left = self.left()?;
            if !will_do(self.write_option, left) {
                self.shared.stream.set_write_timeout(Some(left))?;
                self.write_option = Some(left);
            }
            match (&self.shared.stream).write(bytes) {
                Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite reads and writes.
#[derive(Debug)]
pub(crate) enum Wire {
    Plain(Socket),
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
}

impl Wire {
    /// Takes the socket out of the reactor. What TLS has read ahead stays in its connection.
    pub(crate) fn new(io: Io) -> io::Result<Self> {
        match io {
            Io::Plain(socket) => Ok(Wire::Plain(Socket::new(socket.into_blocking()?))),
            Io::Tls(stream) => {
                let (socket, session) = stream.into_inner();
                let socket = Socket::new(socket.into_blocking()?);
                Ok(Wire::Tls(Box::new(StreamOwned::new(session, socket))))
            }
        }
    }

    fn socket(&self) -> &Socket {
        match self {
            Wire::Plain(socket) => socket,
            Wire::Tls(stream) => &stream.sock,
        }
    }

    fn socket_mut(&mut self) -> &mut Socket {
        match self {
            Wire::Plain(socket) => socket,
            Wire::Tls(stream) => &mut stream.sock,
        }
    }

    /// All reads and writes from now on end `timeout` from now.
    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        let now = Instant::now();
        // A year stands for ever.
        let end = timeout.clamp(SHORTEST, Duration::from_secs(365 * 24 * 3600));
        self.socket_mut().deadline = now + end;
    }

    pub(crate) fn descriptor(&self) -> std::os::fd::OwnedFd {
        self.socket()
            .shared
            .stream
            .try_clone()
            .expect("a descriptor")
            .into()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.socket().shared.cancelled.load(Ordering::SeqCst)
    }

    pub(crate) fn canceller(&self) -> Canceller {
        Canceller {
            shared: Arc::downgrade(&self.socket().shared),
        }
    }

    /// Says that nothing more will be sent (TLS close_notify), then reads on, for at most `patience`, until the peer has closed:
    /// the side that closes first keeps the port in TIME_WAIT, and a load generator has no port to spare (RFC 6455 section 7.1.1).
    pub(crate) fn await_end(&mut self, patience: Duration) {
        self.set_timeout(patience);
        if let Wire::Tls(stream) = self {
            stream.conn.send_close_notify();
            while stream.conn.wants_write() {
                if stream.conn.write_tls(&mut stream.sock).is_err() {
                    return;
                }
            }
        }
        let mut rest = [0; 1024];
        while matches!(self.socket_mut().read(&mut rest), Ok(read) if read > 0) {}
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(socket) => socket.read(buffer),
            Wire::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(socket) => socket.write(bytes),
            Wire::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Plain(socket) => socket.flush(),
            Wire::Tls(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_option_is_kept_while_it_is_near_enough() {
        let second = Duration::from_secs(1);
        for (set, left, keeps) in [
            (None, second, false),
            (Some(second), second, true),
            (Some(second), second * 99 / 100, true),
            (Some(second), second * 9 / 10, false),
            (Some(second), second * 2, true),
            (Some(second), second * 3, false),
            (Some(Duration::from_millis(2)), SHORTEST, true),
        ] {
            assert_eq!(will_do(set, left), keeps, "{set:?} {left:?}");
        }
    }
}
