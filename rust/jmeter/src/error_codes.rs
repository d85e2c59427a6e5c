//! The one table of error codes: the connection's own and those of the layers above it, as JMeter, JSON and the reference show them, and
//! what a user of the elements can do about each.

use std::sync::LazyLock;

use crate::cures::cure;
use engine::codes::{
    CANCELLED, CLOSED_BY_SERVER, CONNECTION_NONE, ErrorCode, GATE_TIMEOUT, MESSAGE_UNEXPECTED, SCHEDULE_END,
};

/// One code that may end a sample.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// Stable noun, for example `tcp.refused`.
    pub code: &'static str,
    /// Constant for the code, so that dashboards can group by it.
    pub message: &'static str,
    /// What its user can do.
    pub help: &'static str,
    /// What the retry policy makes of it: `transient`, `timeout`, `fatal` or `answer`.
    pub kind: &'static str,
}

/// How JMeter marks response codes that are no HTTP status; an exception's class follows, or one of our own codes.
pub const NO_STATUS: &str = "Non HTTP response code: ";

/// Begins the codes that say with which close code a server closed; these stand by themselves.
pub const CLOSED: &str = "closed.";

/// A property of the plan cannot be used.
pub const SPEC_INVALID: ErrorCode = ErrorCode {
    code: "spec.invalid",
    message: "A property of the plan is wrong",
    kind: "fatal",
};

/// The native library could not be loaded; told by the Java side.
pub const NATIVE_UNAVAILABLE: ErrorCode = ErrorCode {
    code: "native.unavailable",
    message: "The native library is not available",
    kind: "fatal",
};

/// The native library failed in an unforeseen way; told by the Java side.
const NATIVE_FAILURE: ErrorCode = ErrorCode {
    code: "native.failure",
    message: "The native library failed",
    kind: "fatal",
};

/// `wsb.whenOpen=fail` met an open connection; told by the Java side.
pub const CONNECTION_OPEN: ErrorCode = ErrorCode {
    code: "connection.open",
    message: "The connection is already open",
    kind: "fatal",
};

/// What can be done about those above the connection, in the table's order.
const ABOVE: &[(ErrorCode, &str)] = &[
    (
        SPEC_INVALID,
        "The response headers name the property, its value and what is allowed; nothing was sent.",
    ),
    (
        CANCELLED,
        "The test was stopped while this sample connected or waited.",
    ),
    (
        GATE_TIMEOUT,
        "All users of this quota together need longer than wsb.retry.maxElapsed: raise it, start fewer users at once, or look at wsb.rate for what the server allows.",
    ),
    (
        SCHEDULE_END,
        "No attempt begins that cannot end before the thread group's duration is over: make the duration longer than the slowest connect.",
    ),
    (
        CONNECTION_OPEN,
        "Close it first, use another wsb.connection, or set wsb.whenOpen to replace or reuse.",
    ),
    (
        CONNECTION_NONE,
        "Nothing is open under this wsb.connection in this thread: connect first, or look at why the connect failed.",
    ),
    (
        MESSAGE_UNEXPECTED,
        "wsb.match.others is fail: the response headers show the message; discard or keep such messages, or widen the match.",
    ),
    (
        CLOSED_BY_SERVER,
        "The number is the server's close code (RFC 6455, section 7.4.1), 1005 when it gave none; its reason is in the response headers.",
    ),
    (
        NATIVE_UNAVAILABLE,
        "The response headers name the platform, the file and the cure, most often wsb.native.tmpdir or wsb.native.path.",
    ),
    (
        NATIVE_FAILURE,
        "A defect of ws-backoff: report it with response headers and jmeter.log; the test goes on.",
    ),
];

/// Every code: the connection's in the order of its stages, then the rest.
#[must_use]
pub fn codes() -> &'static [Code] {
    static CODES: LazyLock<Vec<Code>> = LazyLock::new(all);
    &CODES
}

/// What can be done about a code of the table.
pub fn help(code: &str) -> Option<&'static str> {
    let known = codes().iter().find(|known| known.code == code);
    known.map(|known| known.help)
}

fn all() -> Vec<Code> {
    let of_connection = websocket::Code::ALL.iter().map(|&code| Code {
        code: code.as_str(),
        message: code.message(),
        help: cure(code),
        kind: match code.kind() {
            websocket::Kind::Network => "transient",
            websocket::Kind::Timeout => "timeout",
            websocket::Kind::Fatal => "fatal",
            websocket::Kind::Answer => "answer",
        },
    });
    let mut codes: Vec<Code> = of_connection.collect();
    for &(code, help) in ABOVE {
        if !codes.iter().any(|known| known.code == code.code) {
            codes.push(Code {
                code: code.code,
                message: code.message,
                help,
                kind: code.kind,
            });
        }
    }
    codes
}
