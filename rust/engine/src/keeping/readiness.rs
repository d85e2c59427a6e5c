//! Tells which of many sockets have something to read. On Linux by epoll, one shot at a time; elsewhere by asking all of
//! them at every tick, which costs more but needs nothing of the system.

use std::io;
use std::time::Duration;

use websocket::Connection;

/// Sockets by token.
#[cfg(target_os = "linux")]
pub struct Readiness {
    epoll: rustix::fd::OwnedFd,
    events: Vec<rustix::event::epoll::Event>,
}

/// Sockets by token.
#[cfg(not(target_os = "linux"))]
#[derive(Default)]
pub struct Readiness {
    armed: std::collections::BTreeSet<u64>,
}

#[cfg(target_os = "linux")]
impl Readiness {
    /// No sockets yet.
    ///
    /// # Errors
    /// The process is out of descriptors.
    pub fn new() -> io::Result<Self> {
        use rustix::event::epoll::{CreateFlags, create};
        Ok(Readiness {
            epoll: create(CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(256),
        })
    }

    /// Asks for one report about a socket; `known`: it was asked for before.
    ///
    /// One shot, so that a socket which is in use again costs one useless report at most. A socket that is closed drops out
    /// by itself.
    ///
    /// # Errors
    /// The system is out of memory for it.
    pub fn arm(&mut self, token: u64, connection: &Connection, known: bool) -> io::Result<()> {
        use rustix::event::epoll::{EventData, EventFlags, add, modify};
        let data = EventData::new_u64(token);
        let flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::ONESHOT;
        if known {
            modify(&self.epoll, connection, data, flags)?;
        } else {
            add(&self.epoll, connection, data, flags)?;
        }
        Ok(())
    }

    /// Waits for reports, and puts their tokens into `ready`.
    pub fn wait(&mut self, at_most: Duration, ready: &mut Vec<u64>) {
        use rustix::buffer::spare_capacity;
        use rustix::event::{Timespec, epoll::wait};
        let limit = Timespec {
            tv_sec: i64::try_from(at_most.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(at_most.subsec_nanos()),
        };
        ready.clear();
        self.events.clear();
        // An interrupted wait is a short one.
        if wait(&self.epoll, spare_capacity(&mut self.events), Some(&limit)).is_ok() {
            ready.extend(self.events.iter().map(|event| event.data.u64()));
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Readiness {
    /// No sockets yet.
    ///
    /// # Errors
    /// None here.
    pub fn new() -> io::Result<Self> {
        Ok(Self::default())
    }

    /// Asks for one report about a socket.
    ///
    /// # Errors
    /// None here.
    pub fn arm(&mut self, token: u64, _: &Connection, _: bool) -> io::Result<()> {
        self.armed.insert(token);
        Ok(())
    }

    /// Waits, then reports all sockets that were asked for.
    pub fn wait(&mut self, at_most: Duration, ready: &mut Vec<u64>) {
        std::thread::sleep(at_most);
        ready.clear();
        ready.extend(std::mem::take(&mut self.armed));
    }
}
