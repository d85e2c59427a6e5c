//! What is left of a connection that has ended, and what went over it: for whoever keeps it.

use std::sync::Arc;
use std::time::Duration;

use super::{Connection, Messages};
use crate::os;
use crate::wire::{Shared, Traffic};

impl Connection {
    /// What went over it so far, also after its end.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.wire.traffic()
    }

    /// The messages that went over it so far, also after its end.
    #[must_use]
    pub fn messages(&self) -> Messages {
        Messages {
            sent: self.messages.sent + self.conversation.replies(),
            ..self.messages
        }
    }

    /// Whether a [`crate::Canceller`] of its ended it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.wire.is_cancelled()
    }

    /// Has the system end it when the peer takes nothing for so long, where it can: also while a send blocks.
    pub fn give_up_after(&self, silence: Duration) {
        if let Some(socket) = self.wire.shared() {
            os::give_up_after(socket.stream(), silence);
        }
    }

    /// Gives the socket of a connection that has ended back, once the peer has ended TCP or `patience` is over: close frame, figures
    /// and reason stay. True: it is given back. Does not block, and does nothing while the connection is open.
    pub fn settle(&mut self, patience_is_over: bool) -> bool {
        if self.is_open() {
            return false;
        }
        if patience_is_over || self.wire.has_ended() {
            self.wire.close();
            self.conversation.release();
        }
        self.wire.shared().is_none()
    }

    /// The socket, until it is given back.
    pub(crate) fn socket(&self) -> Option<&Arc<Shared>> {
        self.wire.shared()
    }
}
