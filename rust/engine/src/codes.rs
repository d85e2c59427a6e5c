//! The codes of failures that arise above a single connection; those of a connection are `websocket::Code`'s. What a user can do about each is
//! told elsewhere: it depends on what drives this crate.

/// One code that a failure may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    /// Stable noun, for example `tcp.refused`.
    pub code: &'static str,
    /// Constant for the code, so that dashboards can group by it.
    pub message: &'static str,
    /// What the retry policy makes of it: `transient`, `timeout`, `fatal` or `answer`.
    pub kind: &'static str,
}

/// One that no further attempt can mend.
const fn fatal(code: &'static str, message: &'static str) -> ErrorCode {
    ErrorCode {
        code,
        message,
        kind: "fatal",
    }
}

/// The user's Stop.
pub const CANCELLED: ErrorCode = fatal("cancelled", "Cancelled");

/// The user's turn at the shared gate did not come.
pub const GATE_TIMEOUT: ErrorCode = fatal("gate.timeout", "No turn at the shared gate in time");

/// The thread's schedule ends before the connection can be made.
pub const SCHEDULE_END: ErrorCode = fatal("schedule.end", "The thread's schedule ends before");

/// The connection does not exist.
pub const CONNECTION_NONE: ErrorCode = fatal("connection.none", "No such connection");

/// A message came that must not come.
pub const MESSAGE_UNEXPECTED: ErrorCode = fatal("message.unexpected", "A message that does not match");

/// The server closed during an operation; the last part is its close code.
pub const CLOSED_BY_SERVER: ErrorCode = fatal("closed.<code>", "The server closed the connection");
