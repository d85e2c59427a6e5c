//! What systems do differently about sockets, and only here: calls that std does not have, waits for one socket and for many.
//!
//! Not std's `read` and `write`: libc makes each a point where the thread may be cancelled, which nobody here is, and pays for
//! it. On Unix a wait is a time-out of the socket's, so that a message costs one call; a Windows socket whose time-out has passed
//! is in a state that nobody knows, so there sockets never block and are waited for before the call.

mod calls;
mod readiness;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

pub(crate) use calls::{attach, receive_now, receive_within, send_now, send_within};
pub use readiness::{Interest, Readiness};

/// What a socket is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// What a wait came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// It can be done.
    Fine,
    /// The socket has something to tell that is no success; the call that follows gets it.
    Trouble,
    NotYet,
}

/// Waits for one socket, to the precision of the system's best clock. A signal may end it early.
pub(crate) fn wait(socket: &impl AsFd, direction: Direction, patience: Duration) -> Ready {
    let flag = match direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    };
    let Ok(patience) = Timespec::try_from(patience) else {
        return Ready::NotYet;
    };
    let mut asked = [PollFd::new(socket, flag)];
    match poll(&mut asked, Some(&patience)) {
        Ok(ready) if ready > 0 && asked[0].revents() == flag => Ready::Fine,
        Ok(ready) if ready > 0 => Ready::Trouble,
        _ => Ready::NotYet,
    }
}

/// A socket for a connect that does not block.
pub(crate) fn connecting(address: SocketAddr) -> io::Result<Socket> {
    let kind = Type::STREAM;
    // One call instead of three.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let kind = kind.nonblocking();
    let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::TCP))?;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Has a socket come from an address of this machine, with a port that is free when it connects.
pub(crate) fn come_from(socket: &Socket, local: IpAddr) -> io::Result<()> {
    // Else the port would be reserved for this socket, whatever it connects to. A kernel without it reserves.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::IpBindAddressNoPort, &true);
    socket
        .bind(&SocketAddr::new(local, 0).into())
        .map_err(|error| match error.kind() {
            // Of a connect it would mean that no port is free.
            io::ErrorKind::AddrNotAvailable => {
                io::Error::other(format!("{local} is no address of this machine any more"))
            }
            _ => error,
        })
}

/// Whether a connect has begun and goes on; std has no stable kind for it, and Windows says `WouldBlock`.
pub(crate) fn is_under_way(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error())
        || error.kind() == io::ErrorKind::WouldBlock
}

/// Has the system end a connection whose peer takes nothing for so long, where it can: a net below the pings, which cannot get
/// out while a send blocks.
pub(crate) fn give_up_after(stream: &TcpStream, silence: Duration) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // A socket without it has the pings.
    let _ = SockRef::from(stream).set_tcp_user_timeout(Some(silence));
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = (SockRef::from(stream), silence);
}
