//! Why an operation failed: a code, its constant text, and the particulars.

use std::borrow::Cow;

use websocket::{Closed, Code, Connection, Error};

use crate::codes::{CLOSED_BY_SERVER, ErrorCode};
use crate::signs::Signs;

/// A failed operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable, of the table of codes; `closed.` is followed by the server's close code.
    pub code: Cow<'static, str>,
    /// Constant for the code.
    pub message: &'static str,
    /// The particulars.
    pub detail: String,
    /// The thread's schedule ends before anything could be tried again: the thread is to end now.
    pub end_thread: bool,
    /// What there is to say beside, for whoever words it.
    pub remarks: Vec<Remark>,
}

/// What is known of a failure beside its particulars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// The particulars are the story of attempts, in whole lines, and the last one needs a cure.
    Cure,
    /// The same, and all attempts together tell this.
    Signs(Signs),
    /// The bounds of the connection's queue have cost it so many messages so far: what was waited for may have been one of them.
    Dropped(u64),
}

impl Failure {
    /// One of the codes above the connection.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Failure {
            code: code.code.into(),
            message: code.message,
            detail: detail.into(),
            end_thread: false,
            remarks: Vec::new(),
        }
    }

    /// One of the connection's codes.
    pub fn coded(code: Code, detail: impl Into<String>) -> Self {
        Failure {
            code: code.as_str().into(),
            message: code.message(),
            detail: detail.into(),
            end_thread: false,
            remarks: Vec::new(),
        }
    }

    /// The server's close frame came.
    pub fn closed(closed: &Closed) -> Self {
        let reason = if closed.reason.is_empty() {
            "no reason given".to_owned()
        } else {
            format!("reason: {}", closed.reason)
        };
        Failure {
            code: format!("closed.{}", closed.code).into(),
            message: CLOSED_BY_SERVER.message,
            detail: format!("the server closed with {}; {reason}", closed.code),
            end_thread: false,
            remarks: Vec::new(),
        }
    }

    /// Remarks on messages that the bounds of the connection's queue have cost it.
    pub fn name_dropped(&mut self, count: u64) {
        if self.code == Code::MessageTimeout.as_str() {
            self.remarks.push(Remark::Dropped(count));
        }
    }

    /// What a call on the connection failed with; a close frame that came before tells more than the call's own error.
    pub fn of(error: &Error, connection: &Connection) -> Self {
        match (error.code(), connection.close_info()) {
            (Code::ConnectionClosed | Code::ConnectionLost, Some(closed)) => Failure::closed(closed),
            (code, _) => Failure::coded(code, error.detail()),
        }
    }

    /// With what the sample has to say beside, if it has.
    #[must_use]
    pub fn noting(mut self, note: &str) -> Self {
        if !note.is_empty() {
            self.detail.push('\n');
            self.detail.push_str(note);
        }
        self
    }
}
