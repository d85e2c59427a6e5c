//! The blocking byte stream of an open connection: plain or TLS, with a total deadline and a cancel from other threads.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};
use socket2::SockRef;

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
}

impl Socket {
    fn new(stream: TcpStream) -> Self {
        let shared = Arc::new(Shared {
            stream,
            cancelled: AtomicBool::new(false),
        });
        Socket {
            shared,
            wait: Wait::Never,
            now: Instant::now(),
            read_option: None,
            write_option: None,
        }
    }

    /// Makes a system call that may block, until the deadline or until it has done something.
    fn block(
        &mut self,
        end: Instant,
        option: fn(&mut Self) -> &mut Option<Duration>,
        set: fn(&TcpStream, Option<Duration>) -> io::Result<()>,
        mut call: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            let left = end.saturating_duration_since(self.now);
            if left.is_zero() {
                return Err(ErrorKind::WouldBlock.into());
            }
            let left = left.max(SHORTEST);
            if !will_do(*option(self), left) {
                set(&self.shared.stream, Some(left))?;
                *option(self) = Some(left);
            }
            let done = call(&self.shared.stream);
            self.now = Instant::now();
            match done {
                Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
                done => return done,
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

// Not std's calls: libc makes each a point where the thread may be cancelled, which nobody here is, and pays for it.

#[cfg(unix)]
fn receive(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let (_, read) = rustix::net::recv(stream, buffer, rustix::net::RecvFlags::empty())?;
    Ok(read)
}

#[cfg(unix)]
fn receive_now(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let (_, read) = rustix::net::recv(stream, buffer, rustix::net::RecvFlags::DONTWAIT)?;
    Ok(read)
}

#[cfg(unix)]
fn send_now(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    use rustix::net::{SendFlags, send};
    Ok(send(stream, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
}

#[cfg(not(unix))]
fn receive(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    stream.read(buffer)
}

#[cfg(not(unix))]
fn receive_now(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    stream.set_nonblocking(true)?;
    let done = receive(stream, buffer);
    stream.set_nonblocking(false)?;
    done
}

#[cfg(not(unix))]
fn send_now(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    stream.set_nonblocking(true)?;
    let done = stream.write(bytes);
    stream.set_nonblocking(false)?;
    done
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
        let Wait::Until { end, .. } = self.wait else {
            let done = pass(|| receive_now(&self.shared.stream, buffer));
            self.now = Instant::now();
            return done;
        };
        self.block(
            end,
            |socket| &mut socket.read_option,
            TcpStream::set_read_timeout,
            |stream| receive(stream, buffer),
        )
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    /// TLS writes all its records in one call.
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let first = parts.iter().find(|part| !part.is_empty());
        let now = |stream: &TcpStream| pass(|| send_now(stream, first.map_or(&[], |part| part)));
        let Wait::Until { end, .. } = self.wait else {
            return now(&self.shared.stream);
        };
        if parts.len() == 1 {
            match now(&self.shared.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
        }
        self.block(
            end,
            |socket| &mut socket.write_option,
            TcpStream::set_write_timeout,
            |mut stream| match parts {
                [one] => stream.write(one),
                _ => stream.write_vectored(parts),
            },
        )
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

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.socket().shared.stream
    }

    /// How all reads and writes wait from now on.
    pub(crate) fn set_wait(&mut self, wait: Wait) {
        let socket = self.socket_mut();
        socket.wait = wait;
        if let Wait::Until { from, .. } = wait {
            socket.now = socket.now.max(from);
        }
    }

    /// When the newest bytes were read.
    pub(crate) fn read_at(&self) -> Instant {
        self.socket().now
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.socket().shared.cancelled.load(Ordering::SeqCst)
    }

    pub(crate) fn canceller(&self) -> Canceller {
        Canceller {
            shared: Arc::downgrade(&self.socket().shared),
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
        // It fails when the peer was quicker; the socket is dead all the same.
        let _ = self.stream().shutdown(Shutdown::Both);
    }

    /// Ends TCP by a reset, so that no port of ours stays in TIME_WAIT. Only for the thread that uses the connection.
    pub(crate) fn abort(&self) {
        reset_when_closed(self.stream());
        // The reset would come only when the descriptor is closed, and a peer that answers our FIN before is quicker.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let _ = rustix::net::connect_unspec(self.stream());
        self.end();
    }

    /// Says that nothing more will be sent (TLS close_notify), then reads on, for at most `patience`, until the peer has closed:
    /// the side that closes first keeps the port in TIME_WAIT, and a load generator has no port to spare (RFC 6455 section 7.1.1).
    pub(crate) fn await_end(&mut self, patience: Duration) {
        self.set_wait(Wait::within(patience));
        if let Wire::Tls(stream) = self {
            stream.conn.send_close_notify();
        }
        if self.flush_out().is_err() {
            return;
        }
        let mut rest = [0; 1024];
        while matches!(self.socket_mut().read(&mut rest), Ok(read) if read > 0) {}
    }
}

impl Read for Wire {
    /// Reads never write: a TLS connection with bytes to send must still hear a peer that waits for us to read.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stream = match self {
            Wire::Plain(socket) => return socket.read(buffer),
            Wire::Tls(stream) => stream,
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
            return Ok(0);
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
