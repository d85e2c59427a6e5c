//! The end of a test for connections: what runs is cancelled, open peers are told that we go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use trace::ClosedBy;
use websocket::{MessageKind, Outgoing};

use crate::keeping::slot::Slot;

/// The longest wait for calls that were cancelled; each ends within 100 ms.
pub const DRAIN: Duration = Duration::from_secs(3);

/// The most that is spent on telling all open peers.
const FAREWELL: Duration = Duration::from_millis(500);

/// Close code "going away" (RFC 6455, section 7.4.1) and the reason.
const GOING_AWAY: &[u8] = b"\x03\xe9test ended";

/// Cancels all calls; connections without one stay open for the farewell.
pub fn cancel(slots: &[Arc<Slot>]) {
    for slot in slots {
        // First, so that a call which begins now finds it.
        slot.cancel.cancel();
        if slot.is_in_call() {
            slot.cancel();
        }
    }
}

/// Sends every open peer a close frame and ends its connection; answers how many calls did not end in time.
pub fn say(slots: &[Arc<Slot>]) -> usize {
    let begun = Instant::now();
    let mut hanging = 0;
    for slot in slots {
        let Some(mut live) = slot.live_within(DRAIN.saturating_sub(begun.elapsed())) else {
            hanging += 1;
            continue;
        };
        if let Some(mut live) = live.take() {
            live.leave(ClosedBy::TestEnd, Some(1001));
            if begun.elapsed() < FAREWELL {
                // Nobody waits for the answer, nor for room to send: the test is over.
                let _ = live
                    .connection
                    .send(&Outgoing::new(MessageKind::Close, GOING_AWAY), Duration::ZERO);
            }
        }
    }
    hanging
}
