//! A call's place in the reactor: by it the call says what it waits for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use websocket::Interest;

use crate::keeping::live::Live;
use crate::locks::lock;
use crate::reactor::{Core, Ticket};

/// Where the system takes no more sockets to wait for, it is looked at so often.
const LOOK: Duration = Duration::from_millis(10);

/// See the file's sentence.
pub struct Berth {
    core: Arc<Core>,
    ticket: Ticket,
}

impl Berth {
    pub(super) fn new(core: Arc<Core>, ticket: Ticket) -> Self {
        Berth { core, ticket }
    }

    /// Waits for a connection's socket, until `until` at most; it may end early, so that whoever waits looks again. Is to be awaited
    /// once the connection's lock is given back.
    pub(crate) fn wait(&self, live: &mut Live, interest: Interest, until: Option<Instant>) -> Parked<'_> {
        let known = std::mem::replace(&mut live.is_known_to_reactor, true);
        let armed = self
            .core
            .ready()
            .and_then(|readiness| readiness.arm(self.ticket, &live.connection, interest, known));
        match armed {
            Ok(()) => self.park(until),
            Err(_) => {
                live.is_known_to_reactor = known;
                let look = Instant::now() + LOOK;
                self.park(Some(until.map_or(look, |until| until.min(look))))
            }
        }
    }

    /// Lets others have their turn.
    pub(crate) fn give_way(&self) -> Parked<'_> {
        self.core.wake(self.ticket);
        self.park(None)
    }

    fn park(&self, until: Option<Instant>) -> Parked<'_> {
        if let Some(until) = until {
            let is_sooner = lock(&self.core.timers).add(until, self.ticket);
            if is_sooner {
                self.core.rouse();
            }
        }
        Parked {
            berth: self,
            until,
            is_first: true,
        }
    }
}

/// A wait that ends with the next poll, whatever that comes from.
pub(crate) struct Parked<'a> {
    berth: &'a Berth,
    until: Option<Instant>,
    is_first: bool,
}

impl Future for Parked<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.is_first) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        if let Some(until) = self.until {
            lock(&self.berth.core.timers).remove(until, self.berth.ticket);
        }
    }
}
