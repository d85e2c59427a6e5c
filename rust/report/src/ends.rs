//! Connections that ended: by whom, why, and after how long.

use trace::{ClosedBy, ClosedRecord};

use crate::bins::{Bins, Merge};
use crate::spread::{Named, Spread, micros};

/// Reasons that are told apart.
const REASONS: usize = 60;

/// How many connections were opened and closed in a moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    pub(crate) opened: u64,
    pub(crate) closed: u64,
}

impl Merge for Change {
    fn merge(&mut self, other: &Self) {
        self.opened += other.opened;
        self.closed += other.closed;
    }
}

/// The ends of one kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reason {
    pub(crate) count: u64,
    pub(crate) open: Spread,
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

/// All ends.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) reasons: Named<Reason>,
    pub(crate) changes: Bins<Change>,
}

impl Default for Ends {
    fn default() -> Self {
        Ends {
            reasons: Named::up_to(REASONS),
            changes: Bins::default(),
        }
    }
}

impl Ends {
    pub(crate) fn take(&mut self, record: &ClosedRecord<'_>) {
        let reason = self.reasons.of(&reason(record));
        reason.count += 1;
        reason.open.add_ms(record.open_ms);
        reason.sent = reason.sent.saturating_add(record.sent_messages);
        reason.received = reason.received.saturating_add(record.received_messages);
        self.changes
            .at(record.at.saturating_sub(micros(record.open_ms)))
            .opened += 1;
        self.changes.at(record.at).closed += 1;
    }
}

fn reason(record: &ClosedRecord<'_>) -> String {
    let by = match record.by {
        ClosedBy::Server => "the server closed",
        ClosedBy::Client => "the plan closed",
        ClosedBy::Lost => "lost",
        ClosedBy::Keeper => "no pong came",
        ClosedBy::Cancelled => "stopped by hand",
        ClosedBy::TestEnd => "open at the end of the test",
    };
    let code = record.code.map(|code| format!(", {code}")).unwrap_or_default();
    let error = record.error.as_deref().map(|error| format!(", {error}"));
    format!("{by}{code}{}", error.unwrap_or_default())
}
