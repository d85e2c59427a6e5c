//! Why an operation failed, as Java and JMeter see it.

use std::borrow::Cow;

use serde::Serialize;
use websocket::{Closed, Code, Connection, Error};

use crate::error_codes::{CLOSED_BY_SERVER, ErrorCode, SPEC_INVALID};
use crate::spec::Invalid;

/// A failed operation. As JSON it is what `perform` returns in place of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Stable, of the table of codes; `closed.` is followed by the server's close code.
    pub code: Cow<'static, str>,
    /// Constant for the code.
    pub message: &'static str,
    /// The particulars.
    pub detail: String,
    /// The thread's schedule ends before anything could be tried again: the thread is to end now.
    #[serde(rename = "endThread", skip_serializing_if = "std::ops::Not::not")]
    pub end_thread: bool,
}

impl Failure {
    /// One of the codes above the connection.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Failure {
            code: code.code.into(),
            message: code.message,
            detail: detail.into(),
            end_thread: false,
        }
    }

    /// One of the connection's codes.
    pub fn coded(code: Code, detail: impl Into<String>) -> Self {
        Failure {
            code: code.as_str().into(),
            message: code.message(),
            detail: detail.into(),
            end_thread: false,
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
        }
    }

    /// What a call on the connection failed with; a close frame that came before tells more than the call's own error.
    pub fn of(error: &Error, connection: &Connection) -> Self {
        match (error.code(), connection.close_info()) {
            (Code::ConnectionClosed | Code::ConnectionLost, Some(closed)) => Failure::closed(closed),
            (code, _) => Failure::coded(code, error.detail()),
        }
    }

    /// As UTF-8 JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain texts")
    }
}

impl From<&Invalid> for Failure {
    fn from(invalid: &Invalid) -> Self {
        Failure::new(SPEC_INVALID, format!("{invalid}\nNothing was sent.\n"))
    }
}
