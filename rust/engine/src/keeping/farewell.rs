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

/// Close code "going away" (RFC 6455, section 7.4.1).
const GOING_AWAY: u16 = 1001;

/// Its reason, where the connection's [`Farewell`] has none.
///
/// [`Farewell`]: crate::connecting::spec::Farewell
const TEST_ENDED: &str = "test ended";

/// Cancels all calls, and answers how many it found under way; connections without one stay open for the farewell.
pub fn cancel(slots: &[Arc<Slot>]) -> usize {
    let mut under_way = 0;
    for slot in slots {
        // First, so that a call which begins now finds it.
        slot.cancel.cancel();
        if slot.is_in_call() {
            slot.cancel();
            under_way += 1;
        }
    }
    under_way
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
            let farewell = live.keeping.farewell.clone();
            let reason = farewell.reason(TEST_ENDED);
            live.leave(ClosedBy::TestEnd, reason.map(|_| GOING_AWAY));
            if let Some(reason) = reason.filter(|_| begun.elapsed() < FAREWELL) {
                let payload = [&GOING_AWAY.to_be_bytes(), reason.as_bytes()].concat();
                // Nobody waits for the answer, nor for room to send: the test is over.
                let _ = live
                    .connection
                    .send(&Outgoing::new(MessageKind::Close, &payload), Duration::ZERO);
            }
        }
    }
    hanging
}

#[cfg(test)]
mod tests {
    use std::hint::spin_loop;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    /// Meets the other thread within nanoseconds, which no lock does.
    fn meet(met: &AtomicUsize) {
        let both = met.fetch_add(1, Ordering::SeqCst) / 2 * 2 + 2;
        for turns in 0_u32.. {
            if met.load(Ordering::SeqCst) >= both {
                return;
            }
            if turns % 1_000 == 999 {
                thread::yield_now();
            }
            spin_loop();
        }
    }

    #[test]
    fn a_call_that_begins_at_the_end_is_interrupted_or_finds_the_cancel() {
        const TIMES: usize = 20_000;
        let slots: Vec<Arc<Slot>> = (0..TIMES).map(|_| Arc::default()).collect();
        let met = AtomicUsize::new(0);
        let (interrupted, found) = thread::scope(|scope| {
            let calls = scope.spawn(|| {
                let call = |slot: &Arc<Slot>| {
                    meet(&met);
                    let call = slot.enter().expect("nobody else calls");
                    let found = slot.cancel.is_cancelled();
                    meet(&met); // it goes on as long as the farewell lasts
                    drop(call);
                    found
                };
                slots.iter().map(call).collect::<Vec<bool>>()
            });
            let end = |slot: &Arc<Slot>| {
                meet(&met);
                let under_way = cancel(std::slice::from_ref(slot));
                meet(&met);
                under_way
            };
            let interrupted: Vec<usize> = slots.iter().map(end).collect();
            (interrupted, calls.join().expect("no call panics"))
        });
        for (interrupted, found) in interrupted.into_iter().zip(found) {
            assert!(interrupted == 1 || found, "it would run its whole time-out");
        }
    }
}
