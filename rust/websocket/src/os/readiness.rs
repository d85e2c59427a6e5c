//! Tells which of many sockets are ready, one report for each time it is asked for, from any thread. On Linux by epoll, elsewhere by
//! one `poll` over all of them, which costs more with thousands but needs nothing of the system.
//!
//! By `rustix`, not by `polling` (whose `add` is unsafe: a source must be deleted before it is dropped, and these are dropped by
//! whoever uses them) nor by `mio` (which reports every arrival, also those that a sampler is waiting for: a wake-up a message).

#[cfg(target_os = "linux")]
pub use epoll::Readiness;
#[cfg(not(target_os = "linux"))]
pub use polled::Readiness;

/// What a connection is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Something to read, or its end.
    Read,
    /// Room to write, or its end.
    Write,
    /// Either.
    ReadOrWrite,
}

/// The token of [`Readiness::wake`], which no connection has.
const WAKE: u64 = u64::MAX;

#[cfg(target_os = "linux")]
mod epoll {
    use std::io;
    use std::mem::MaybeUninit;
    use std::time::Duration;

    use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
    use rustix::event::{EventfdFlags, Timespec, eventfd};
    use rustix::fd::OwnedFd;

    use super::{Interest, WAKE};
    use crate::Connection;

    /// So many reports at once; the others come with the next wait.
    const REPORTS: usize = 256;

    /// Sockets by token.
    pub struct Readiness {
        epoll: OwnedFd,
        wake: OwnedFd,
    }

    impl Readiness {
        /// No sockets yet.
        ///
        /// # Errors
        /// The process is out of descriptors.
        pub fn new() -> io::Result<Self> {
            let epoll = epoll::create(CreateFlags::CLOEXEC)?;
            let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
            // Each write is an edge, so that nobody has to read what was written.
            epoll::add(
                &epoll,
                &wake,
                EventData::new_u64(WAKE),
                EventFlags::IN | EventFlags::ET,
            )?;
            Ok(Readiness { epoll, wake })
        }

        /// Asks for one report about a connection; `known`: its socket was asked about before. What it has not read yet counts.
        ///
        /// One shot, so that a socket which is in use again costs one useless report at most. A socket that is closed drops out
        /// by itself.
        ///
        /// # Errors
        /// The system is out of memory for it; `NotConnected`: the connection's socket is closed.
        pub fn arm(
            &self,
            token: u64,
            connection: &Connection,
            interest: Interest,
            known: bool,
        ) -> io::Result<()> {
            let socket = connection.socket().ok_or(io::ErrorKind::NotConnected)?;
            let data = EventData::new_u64(token);
            let flags = EventFlags::RDHUP
                | EventFlags::ONESHOT
                | match interest {
                    Interest::Read => EventFlags::IN,
                    Interest::Write => EventFlags::OUT,
                    Interest::ReadOrWrite => EventFlags::IN | EventFlags::OUT,
                };
            if known {
                epoll::modify(&self.epoll, socket.stream(), data, flags)?;
            } else {
                epoll::add(&self.epoll, socket.stream(), data, flags)?;
            }
            Ok(())
        }

        /// Ends the wait that is under way, or else the next one.
        pub fn wake(&self) {
            // It fails only where 2^64 wakes were not waited for.
            let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        }

        /// Waits for reports, and puts their tokens into `ready`. Of several threads that wait, one gets each report.
        pub fn wait(&self, at_most: Duration, ready: &mut Vec<u64>) {
            let limit = Timespec {
                tv_sec: i64::try_from(at_most.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(at_most.subsec_nanos()),
            };
            ready.clear();
            let mut events = [const { MaybeUninit::<Event>::uninit() }; REPORTS];
            // An interrupted wait is a short one.
            if let Ok((reports, _)) = epoll::wait(&self.epoll, &mut events[..], Some(&limit)) {
                let tokens = reports.iter().map(|event| event.data.u64());
                ready.extend(tokens.filter(|&token| token != WAKE));
            }
        }
    }
}

/// Compiled for the tests of all systems, so that it is not only checked where it is used.
#[cfg(any(test, not(target_os = "linux")))]
mod polled {
    use std::collections::BTreeMap;
    use std::io;
    use std::net::{Ipv4Addr, UdpSocket};
    use std::sync::{Arc, Mutex, PoisonError, Weak};
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::{Interest, WAKE};
    use crate::Connection;
    use crate::wire::Shared;

    /// Sockets by token; does not keep them open, but for the time of a wait.
    pub struct Readiness {
        armed: Mutex<BTreeMap<u64, (Weak<Shared>, Interest)>>,
        /// Sends to itself: what every system can wait for beside sockets is a socket.
        wake: UdpSocket,
    }

    impl Readiness {
        /// No sockets yet.
        ///
        /// # Errors
        /// The process is out of descriptors.
        pub fn new() -> io::Result<Self> {
            let wake = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            wake.connect(wake.local_addr()?)?;
            wake.set_nonblocking(true)?;
            Ok(Readiness {
                armed: Mutex::default(),
                wake,
            })
        }

        /// Asks for one report about a connection; a wait that is under way ends, so that the next one has it.
        ///
        /// # Errors
        /// `NotConnected`: the connection's socket is closed.
        #[cfg_attr(
            test,
            allow(dead_code, reason = "elsewhere than on Linux the tests open connections, too")
        )]
        pub fn arm(
            &self,
            token: u64,
            connection: &Connection,
            interest: Interest,
            _: bool,
        ) -> io::Result<()> {
            let socket = connection.socket().ok_or(io::ErrorKind::NotConnected)?;
            self.arm_socket(token, socket, interest);
            self.wake();
            Ok(())
        }

        fn arm_socket(&self, token: u64, socket: &Arc<Shared>, interest: Interest) {
            let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
            armed.insert(token, (Arc::downgrade(socket), interest));
        }

        /// Ends the wait that is under way, or else the next one.
        pub fn wake(&self) {
            // It fails where so many are under way that one more says nothing new.
            let _ = self.wake.send(&[1]);
        }

        /// Waits for reports, and puts their tokens into `ready`.
        pub fn wait(&self, at_most: Duration, ready: &mut Vec<u64>) {
            ready.clear();
            let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
            let mut open: Vec<(u64, Arc<Shared>, Interest)> = Vec::with_capacity(armed.len());
            armed.retain(|&token, (socket, interest)| {
                let socket = socket.upgrade();
                open.extend(socket.iter().map(|socket| (token, socket.clone(), *interest)));
                socket.is_some()
            });
            drop(armed);
            let mut asked = vec![PollFd::new(&self.wake, PollFlags::IN)];
            asked.extend(open.iter().map(|(_, socket, interest)| {
                let flags = match interest {
                    Interest::Read => PollFlags::IN,
                    Interest::Write => PollFlags::OUT,
                    Interest::ReadOrWrite => PollFlags::IN | PollFlags::OUT,
                };
                PollFd::new(socket.stream(), flags)
            }));
            let limit = Timespec::try_from(at_most).ok();
            if poll(&mut asked, limit.as_ref()).is_err() {
                return; // interrupted: a short wait
            }
            for ((token, ..), report) in open.iter().zip(&asked[1..]) {
                if !report.revents().is_empty() {
                    ready.push(*token);
                }
            }
            if !asked[0].revents().is_empty() {
                while self.wake.recv(&mut [0; 1]).is_ok() {}
            }
            let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
            for token in &*ready {
                armed.remove(token);
            }
            debug_assert!(!armed.contains_key(&WAKE), "no connection has it");
        }
    }

    #[cfg(test)]
    mod tests {
        use std::io::Write;
        use std::net::{TcpListener, TcpStream};

        use super::*;

        #[test]
        fn each_socket_with_something_to_read_is_reported_once_and_a_closed_one_never() {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let mut sockets = Vec::new();
            let mut peers = Vec::new();
            let readiness = Readiness::new().unwrap();
            let mut ready = Vec::new();
            readiness.wait(Duration::ZERO, &mut ready);
            for token in 0..4 {
                let socket = Arc::new(Shared::new(TcpStream::connect(address).unwrap()));
                peers.push(listener.accept().unwrap().0);
                readiness.arm_socket(token, &socket, Interest::Read);
                sockets.push(socket);
            }
            readiness.wait(Duration::ZERO, &mut ready);
            assert!(ready.is_empty(), "{ready:?}");
            peers[1].write_all(b"x").unwrap();
            peers[3].write_all(b"x").unwrap();
            sockets.pop();
            readiness.wait(Duration::from_secs(5), &mut ready);
            assert_eq!(ready, [1]);
            readiness.wait(Duration::ZERO, &mut ready);
            assert!(ready.is_empty(), "one report is enough: {ready:?}");
            readiness.arm_socket(1, &sockets[1], Interest::Read);
            drop(peers.remove(0));
            readiness.wait(Duration::from_secs(5), &mut ready);
            assert_eq!(ready, [0, 1], "an end is something to read");
        }

        #[test]
        fn room_to_write_is_reported_where_it_is_asked_for_and_a_wake_ends_a_wait() {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let socket = Arc::new(Shared::new(stream));
            let readiness = Readiness::new().unwrap();
            let mut ready = Vec::new();
            readiness.arm_socket(7, &socket, Interest::ReadOrWrite);
            readiness.wait(Duration::from_secs(5), &mut ready);
            assert_eq!(ready, [7]);
            readiness.wake();
            let begun = std::time::Instant::now();
            readiness.wait(Duration::from_secs(30), &mut ready);
            assert!(ready.is_empty() && begun.elapsed() < Duration::from_secs(15));
        }
    }
}
