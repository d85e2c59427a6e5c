//! TCP connect (happy eyeballs, RFC 8305), and the socket that the later stages read and write. Knows no names.

use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::fd::AsFd;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::Sources;
use crate::os::{self, Direction, Ready};

/// RFC 8305 section 5: the Connection Attempt Delay.
const STAGGER: Duration = Duration::from_millis(250);

/// How long a thread that waits for nothing else waits on the socket itself before it calls on the reactor. Within a data
/// centre the peer has answered by then, and two wake-ups across threads are saved; a cancel comes this much later at most.
///
/// Long enough that a crowd of threads on few cores has its answers by then, too: with 2 ms every connect of such a crowd went
/// through the reactor, and lost to that more than the upgrade costs.
const PATIENCE: Duration = Duration::from_millis(10);

/// The order in which to try: each address once, the families by turns, beginning with that of the first (RFC 8305 section 4).
pub(crate) fn interleave(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    let starts_with_six = addresses.first().is_some_and(IpAddr::is_ipv6);
    let mut first = addresses.iter().filter(|a| a.is_ipv6() == starts_with_six);
    let mut second = addresses.iter().filter(|a| a.is_ipv6() != starts_with_six);
    let mut order: Vec<SocketAddr> = Vec::with_capacity(addresses.len());
    loop {
        let pair = [first.next(), second.next()];
        if pair.iter().all(Option::is_none) {
            return order;
        }
        for address in pair.into_iter().flatten() {
            let address = SocketAddr::new(*address, port);
            if !order.contains(&address) {
                order.push(address);
            }
        }
    }
}

/// Connects to the first address that answers. A new one is begun every 250 ms, and at once when one failed; the losers are
/// dropped. The error is that of the attempt that failed last.
///
/// Cancel safe: dropping it closes all sockets.
pub(crate) async fn connect(addresses: &[SocketAddr], sources: &Sources) -> io::Result<(Socket, SocketAddr)> {
    // The usual case needs no timer and no boxes.
    if let [address] = addresses {
        return Ok((connect_one(*address, sources.clone()).await?, *address));
    }
    type Running = Pin<Box<dyn Future<Output = io::Result<Socket>> + Send>>;
    let mut running: Vec<(SocketAddr, Running)> = Vec::new();
    let mut waiting = addresses.iter().copied();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "there is no address to connect to");
    let mut stagger = pin!(sleep(Duration::ZERO));
    poll_fn(move |cx| {
        let mut begin = stagger.as_mut().poll(cx).is_ready();
        loop {
            if begin || running.is_empty() {
                begin = false;
                match waiting.next() {
                    Some(address) => {
                        running.push((address, Box::pin(connect_one(address, sources.clone()))));
                        stagger.as_mut().reset(Instant::now() + STAGGER);
                        // Registers the wake-up; a timer just set cannot be due.
                        let _ = stagger.as_mut().poll(cx);
                    }
                    None if running.is_empty() => {
                        let nothing = io::Error::from(io::ErrorKind::NotFound);
                        return Poll::Ready(Err(std::mem::replace(&mut failure, nothing)));
                    }
                    None => {}
                }
            }
            let mut next = 0;
            while let Some((address, future)) = running.get_mut(next) {
                match future.as_mut().poll(cx) {
                    Poll::Ready(Ok(socket)) => return Poll::Ready(Ok((socket, *address))),
                    Poll::Ready(Err(error)) => {
                        failure = error;
                        drop(running.swap_remove(next));
                        begin = true;
                    }
                    Poll::Pending => next += 1,
                }
            }
            if !begin || (waiting.len() == 0 && !running.is_empty()) {
                return Poll::Pending;
            }
        }
    })
    .await
}

async fn connect_one(address: SocketAddr, sources: Sources) -> io::Result<Socket> {
    let socket = os::connecting(address)?;
    if let Some(local) = sources.next(address)? {
        os::come_from(&socket, local)?;
    }
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&address.into()) {
        Ok(()) => return Ok(Socket::idle(socket.into())),
        Err(error) if os::is_under_way(&error) => {}
        Err(error) => return Err(error),
    }
    if wait(&socket, Direction::Write) == Ready::Fine {
        return Ok(Socket::idle(socket.into()));
    }
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    let mut socket = Socket::idle(socket.into());
    let stream = socket.watched()?;
    stream.writable().await?;
    match stream.take_error()? {
        Some(error) => Err(error),
        None => Ok(socket),
    }
}

/// Waits for the socket on this thread, but not long. On a worker of the runtime, which has other tasks to serve, it only looks
/// whether a connect is over, as it is at once on loopback.
fn wait(socket: &impl AsFd, direction: Direction) -> Ready {
    let is_task = tokio::task::try_id().is_some(); // what `block_on` runs is none
    match direction {
        Direction::Read if is_task => Ready::NotYet,
        Direction::Write if is_task => os::wait(socket, direction, Duration::ZERO),
        _ => os::wait(socket, direction, PATIENCE),
    }
}

/// A connected non-blocking socket that is registered with the reactor only when it first has to wait for long: a request fits
/// into the socket's buffer, an answer is often there at once, and each registration wakes the reactor's thread.
///
/// Dropped, it resets the connection, unless the peer has closed it before: the side that closes first keeps the port in
/// TIME_WAIT for a minute, and a refusal or an attempt that is given up is not worth a port of a load generator.
#[derive(Debug)]
pub(crate) struct Socket {
    idle: Option<std::net::TcpStream>,
    /// Something was written since the last read, so an answer is due. Without that a read may be a mere look for more (TLS
    /// does it before it sends what the peer waits for), and must not wait here.
    expects_answer: bool,
    watched: Option<TcpStream>,
}

impl Socket {
    fn idle(stream: std::net::TcpStream) -> Self {
        Socket {
            idle: Some(stream),
            expects_answer: false,
            watched: None,
        }
    }

    fn watched(&mut self) -> io::Result<&mut TcpStream> {
        if let Some(stream) = self.idle.take() {
            self.watched = Some(TcpStream::from_std(stream)?);
        }
        self.watched
            .as_mut()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Bytes that can be read, without taking them; 0 at the end.
    pub(crate) async fn peek(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.watched()?.peek(buffer).await
    }

    /// The socket, blocking from now on.
    pub(crate) fn into_blocking(mut self) -> io::Result<std::net::TcpStream> {
        let stream = match (self.idle.take(), self.watched.take()) {
            (Some(stream), _) => stream,
            (None, Some(stream)) => stream.into_std()?,
            (None, None) => return Err(io::ErrorKind::NotConnected.into()),
        };
        stream.set_nonblocking(false)?;
        Ok(stream)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let socket = match (&self.idle, &self.watched) {
            (Some(stream), _) => SockRef::from(stream),
            (None, Some(stream)) => SockRef::from(stream),
            (None, None) => return,
        };
        let has_ended = matches!(socket.peek(&mut [MaybeUninit::uninit()]), Ok(0));
        if !has_ended {
            // It fails when the connection is no more.
            let _ = socket.set_linger(Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let may_wait = std::mem::take(&mut this.expects_answer);
        if let Some(stream) = &mut this.idle {
            if may_wait && wait(stream, Direction::Read) != Ready::NotYet {
                match stream.read(buf.initialize_unfilled()) {
                    Err(error) if is_passing(&error) => {}
                    done => return Poll::Ready(done.map(|read| buf.advance(read))),
                }
            }
        }
        Pin::new(this.watched()?).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.expects_answer = true;
        if let Some(stream) = &mut this.idle {
            match stream.write(buf) {
                Err(error) if is_passing(&error) => {}
                done => return Poll::Ready(done),
            }
        }
        Pin::new(this.watched()?).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().watched()?).poll_shutdown(cx)
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_repeats_go() {
        let ips = |list: &[&str]| -> Vec<IpAddr> { list.iter().map(|ip| ip.parse().unwrap()).collect() };
        for (given, expected) in [
            (vec![], vec![]),
            (
                vec!["::1", "::2", "1.1.1.1", "1.1.1.2"],
                vec!["::1", "1.1.1.1", "::2", "1.1.1.2"],
            ),
            (
                vec!["1.1.1.1", "1.1.1.2", "::1"],
                vec!["1.1.1.1", "::1", "1.1.1.2"],
            ),
            (vec!["1.1.1.1", "1.1.1.1"], vec!["1.1.1.1"]),
        ] {
            let order: Vec<IpAddr> = interleave(&ips(&given), 1).iter().map(SocketAddr::ip).collect();
            assert_eq!(order, ips(&expected));
        }
    }
}
