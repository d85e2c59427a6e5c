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

/// The user's Stop.
pub const CANCELLED: ErrorCode = ErrorCode {
    code: "cancelled",
    message: "Cancelled",
    kind: "fatal",
};

/// The user's turn at the shared gate did not come.
pub const GATE_TIMEOUT: ErrorCode = ErrorCode {
    code: "gate.timeout",
    message: "No turn at the shared gate in time",
    kind: "fatal",
};

/// The thread's schedule ends before the connection can be made.
pub const SCHEDULE_END: ErrorCode = ErrorCode {
    code: "schedule.end",
    message: "The thread's schedule ends before",
    kind: "fatal",
};

/// The connection does not exist.
pub const CONNECTION_NONE: ErrorCode = ErrorCode {
    code: "connection.none",
    message: "No such connection",
    kind: "fatal",
};

/// A message came that must not come.
pub const MESSAGE_UNEXPECTED: ErrorCode = ErrorCode {
    code: "message.unexpected",
    message: "A message that does not match",
    kind: "fatal",
};

/// The server closed during an operation; the last part is its close code.
pub const CLOSED_BY_SERVER: ErrorCode = ErrorCode {
    code: "closed.<code>",
    message: "The server closed the connection",
    kind: "fatal",
};
