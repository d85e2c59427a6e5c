//! The time after an upgrade in which a server may take back what it just let in: some limiters accept, and then close at once.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use websocket::{Closed, Connection, Error, Received};

use crate::cancel::Cancel;

/// Between two looks; the settling ends no later than so long after the server's close.
const LOOK: Duration = Duration::from_millis(10);

/// The most messages that are kept meanwhile: whoever sends more means that this user stays.
const MOST_MESSAGES: usize = 64;

/// The most messages that are looked at in a row: a peer that sends without end must not hold this thread, nor the user's Stop.
const LOOKED_AT: usize = 1_000;

/// How it ended.
#[derive(Debug)]
pub enum Settled {
    /// The connection stays; what came meanwhile, pings and pongs apart.
    Stays(Vec<Received>),
    /// The server closed it.
    Closed(Closed),
    /// It broke without a close frame.
    Lost(Error),
    /// Its user stopped it.
    Cancelled,
}

/// Looks for so long whether the server closes.
///
/// Cancel safe.
pub async fn settle(connection: &mut Connection, time: Duration, cancel: &Cancel) -> Settled {
    let begun = Instant::now();
    let mut came = Vec::new();
    loop {
        // Data wins over time: a close that is there counts, however late this thread is.
        for _ in 0..LOOKED_AT {
            match connection.poll() {
                Ok(Some(message)) if message.is_dealt_with() => {}
                Ok(Some(message)) => {
                    came.push(message);
                    if came.len() == MOST_MESSAGES {
                        return Settled::Stays(came);
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    return match connection.close_info() {
                        Some(closed) => Settled::Closed(closed.clone()),
                        None => Settled::Lost(error),
                    };
                }
            }
            if let Some(closed) = connection.close_info() {
                return Settled::Closed(closed.clone());
            }
        }
        let left = time.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Settled::Stays(came);
        }
        tokio::select! {
            () = cancel.cancelled() => return Settled::Cancelled,
            () = sleep(left.min(LOOK)) => {}
        }
    }
}
