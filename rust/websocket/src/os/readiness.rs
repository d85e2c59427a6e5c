//! Tells which of many sockets have something to read, one report for each time it is asked for. On Linux by epoll, elsewhere by
//! one `poll` over all of them, which costs more with thousands but needs nothing of the system.
//!
//! By `rustix`, not by `polling` (whose `add` is unsafe: a source must be deleted before it is dropped, and these are dropped by
//! whoever uses them) nor by `mio` (which reports every arrival, also those that a sampler is waiting for: a wake-up a message).

#[cfg(target_os = "linux")]
pub use epoll::Readiness;
#[cfg(not(target_os = "linux"))]
pub use polled::Readiness;

#[cfg(target_os = "linux")]
mod epoll {
    use std::io;
    use std::time::Duration;

    use rustix::buffer::spare_capacity;
    use rustix::event::Timespec;
    use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
    use rustix::fd::OwnedFd;

    use crate::Connection;

    /// Sockets by token.
    pub struct Readiness {
        epoll: OwnedFd,
        events: Vec<Event>,
    }

    impl Readiness {
        /// No sockets yet.
        ///
        /// # Errors
        /// The process is out of descriptors.
        pub fn new() -> io::Result<Self> {
            Ok(Readiness {
                epoll: epoll::create(CreateFlags::CLOEXEC)?,
                events: Vec::with_capacity(256),
            })
        }

        /// Asks for one report about a connection; `known`: its socket was asked about before. What it has not read yet counts.
        ///
        /// One shot, so that a socket which is in use again costs one useless report at most. A socket that is closed drops out
        /// by itself.
        ///
        /// # Errors
        /// The system is out of memory for it; `NotConnected`: the connection's socket is closed.
        pub fn arm(&mut self, token: u64, connection: &Connection, known: bool) -> io::Result<()> {
            let socket = connection.socket().ok_or(io::ErrorKind::NotConnected)?;
            let data = EventData::new_u64(token);
            let flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::ONESHOT;
            if known {
                epoll::modify(&self.epoll, socket.stream(), data, flags)?;
            } else {
                epoll::add(&self.epoll, socket.stream(), data, flags)?;
            }
            Ok(())
        }

        /// Waits for reports, and puts their tokens into `ready`.
        pub fn wait(&mut self, at_most: Duration, ready: &mut Vec<u64>) {
            let limit = Timespec {
                tv_sec: i64::try_from(at_most.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(at_most.subsec_nanos()),
            };
            ready.clear();
            self.events.clear();
            // An interrupted wait is a short one.
            if epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&limit)).is_ok() {
                ready.extend(self.events.iter().map(|event| event.data.u64()));
            }
        }
    }
}

/// Compiled for the tests of all systems, so that it is not only checked where it is used.
#[cfg(any(test, not(target_os = "linux")))]
mod polled {
    use std::collections::BTreeMap;
    use std::io;
    use std::sync::{Arc, Weak};
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use crate::Connection;
    use crate::wire::Shared;

    /// Sockets by token; does not keep them open, but for the time of a wait.
    #[derive(Default)]
    pub struct Readiness {
        armed: BTreeMap<u64, Weak<Shared>>,
    }

    impl Readiness {
        /// No sockets yet.
        ///
        /// # Errors
        /// None here.
        pub fn new() -> io::Result<Self> {
            Ok(Self::default())
        }

        /// Asks for one report about a connection.
        ///
        /// # Errors
        /// `NotConnected`: the connection's socket is closed.
        #[cfg_attr(
            test,
            allow(dead_code, reason = "elsewhere than on Linux the tests open connections, too")
        )]
        pub fn arm(&mut self, token: u64, connection: &Connection, _: bool) -> io::Result<()> {
            let socket = connection.socket().ok_or(io::ErrorKind::NotConnected)?;
            self.arm_socket(token, socket);
            Ok(())
        }

        fn arm_socket(&mut self, token: u64, socket: &Arc<Shared>) {
            self.armed.insert(token, Arc::downgrade(socket));
        }

        /// Waits for reports, and puts their tokens into `ready`.
        pub fn wait(&mut self, at_most: Duration, ready: &mut Vec<u64>) {
            ready.clear();
            let mut open: Vec<(u64, Arc<Shared>)> = Vec::with_capacity(self.armed.len());
            self.armed.retain(|&token, socket| {
                let socket = socket.upgrade();
                open.extend(socket.iter().map(|socket| (token, socket.clone())));
                socket.is_some()
            });
            if open.is_empty() {
                // Windows refuses to wait for nothing.
                return std::thread::sleep(at_most);
            }
            let asked = open.iter();
            let asked = asked.map(|(_, socket)| PollFd::new(socket.stream(), PollFlags::IN));
            let mut asked: Vec<PollFd<'_>> = asked.collect();
            let limit = Timespec::try_from(at_most).ok();
            if poll(&mut asked, limit.as_ref()).is_err() {
                return; // interrupted: a short wait
            }
            for ((token, _), report) in open.iter().zip(&asked) {
                if !report.revents().is_empty() {
                    ready.push(*token);
                }
            }
            for token in &*ready {
                self.armed.remove(token);
            }
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
            let mut readiness = Readiness::new().unwrap();
            let mut ready = Vec::new();
            readiness.wait(Duration::ZERO, &mut ready);
            for token in 0..4 {
                let socket = Arc::new(Shared::new(TcpStream::connect(address).unwrap()));
                peers.push(listener.accept().unwrap().0);
                readiness.arm_socket(token, &socket);
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
            readiness.arm_socket(1, &sockets[1]);
            drop(peers.remove(0));
            readiness.wait(Duration::from_secs(5), &mut ready);
            assert_eq!(ready, [0, 1], "an end is something to read");
        }
    }
}
