//! A point in time with the timeout that led to it, for messages.

use std::time::Duration;

use tokio::time::Instant;

use crate::{Error, Stage};

/// Waits longer than this are for ever; it keeps clocks from running over.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    after: Duration,
}

impl Deadline {
    pub(crate) fn new(from: Instant, after: Duration) -> Self {
        Deadline {
            at: from + after.min(LONGEST),
            after,
        }
    }

    pub(crate) fn or_earlier(self, other: Deadline) -> Deadline {
        if other.at < self.at { other } else { self }
    }

    pub(crate) fn missed(&self, stage: Stage, peer: &str) -> Error {
        Error::Timeout {
            stage,
            peer: peer.into(),
            after: self.after,
        }
    }
}
