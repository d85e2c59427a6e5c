//! How a connection's end is told: as a line of the trace, to the log if it was lost, and to the board. Not here: how the end is noticed.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use trace::{ClosedBy, ClosedRecord, Record, milliseconds, since_1970};
use websocket::Connection;

use crate::connecting::spec::ConnectSpec;
use crate::notices::Notices;
use crate::tracing::files::TraceFiles;
use crate::watching::board::{Board, Open};

/// Whom a connection's end is told.
pub struct Story {
    notices: Arc<Notices>,
    /// Only where it is traced: else nobody asks what it was made by.
    traced: Option<(Arc<TraceFiles>, Arc<ConnectSpec>)>,
    board: Arc<Board>,
    /// Counts it as open until its end.
    open: Option<Open>,
    opened: Instant,
}

/// An end.
pub struct Ending<'a> {
    /// Who, or what, ended it.
    pub by: ClosedBy,
    /// The close code, where there was a close frame.
    pub code: Option<u16>,
    /// Code of the failure that ended it.
    pub error: Option<&'a str>,
    /// The particulars, if any are known.
    pub detail: &'a str,
}

impl Story {
    /// Of a connection just opened.
    pub fn new(
        notices: &Arc<Notices>,
        traces: &Arc<TraceFiles>,
        board: &Arc<Board>,
        spec: &Arc<ConnectSpec>,
    ) -> Self {
        Story {
            notices: notices.clone(),
            traced: spec.trace.is_some().then(|| (traces.clone(), spec.clone())),
            board: board.clone(),
            open: Some(board.opens()),
            opened: Instant::now(),
        }
    }

    /// The log.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// Another socket is in its place.
    pub fn begin_again(&mut self) {
        self.open = Some(self.board.opens());
        self.opened = Instant::now();
    }

    /// Tells the end.
    pub fn end(&mut self, ending: &Ending<'_>, connection: &Connection) {
        self.open = None;
        self.board.ended(ending.by);
        let is_lost = matches!(ending.by, ClosedBy::Lost | ClosedBy::Keeper);
        if is_lost {
            let kind = ending.error.unwrap_or("connection.lost");
            self.notices.count(kind, || match ending.detail {
                "" => "a connection has ended".to_owned(),
                detail => detail.to_owned(),
            });
        }
        let Some((files, spec)) = &self.traced else {
            return;
        };
        let Some(path) = &spec.trace else { return };
        let (traffic, messages) = (connection.traffic(), connection.messages());
        let target = spec.dial.target.to_string();
        let record = Record::Closed(ClosedRecord {
            at: since_1970(SystemTime::now()),
            element: spec.element.into(),
            connection: (&*spec.connection).into(),
            target: files.shown(&target),
            user: (&*spec.user).into(),
            ordinal: spec.ordinal,
            code: ending.code,
            by: ending.by,
            error: ending.error.filter(|_| is_lost).map(Into::into),
            open_ms: milliseconds(self.opened.elapsed()),
            sent_messages: messages.sent,
            received_messages: messages.received,
            sent_bytes: traffic.sent,
            received_bytes: traffic.received,
        });
        // A file that cannot be written is told by those who opened it.
        let _ = files.write(path, record.line());
    }
}
