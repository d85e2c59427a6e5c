//! The one table of error codes: the connection's own and those of the layers above it, as JMeter, JSON and the README show them.

/// One code that may end a sample.
#[derive(Debug, Clone, Copy)]
pub struct ErrorCode {
    /// Stable noun, for example `tcp.refused`.
    pub code: &'static str,
    /// Constant for the code, so that dashboards can group by it.
    pub message: &'static str,
    /// What its user can do.
    pub help: &'static str,
    /// What the retry policy makes of it: `transient`, `timeout`, `fatal` or `answer`.
    pub kind: &'static str,
}

/// A property of the plan cannot be used.
pub const SPEC_INVALID: ErrorCode = ErrorCode {
    code: "spec.invalid",
    message: "A property of the plan is wrong",
    help: "The response data names the property, its value and what is allowed; nothing was sent.",
    kind: "fatal",
};

/// JMeter's Stop ended the sample.
pub const CANCELLED: ErrorCode = ErrorCode {
    code: "cancelled",
    message: "Cancelled",
    help: "The test was stopped while this sample connected or waited.",
    kind: "fatal",
};

/// The user's turn at the shared gate did not come.
pub const GATE_TIMEOUT: ErrorCode = ErrorCode {
    code: "gate.timeout",
    message: "No turn at the shared gate in time",
    help: "All users of this quota together need longer than wsb.retry.maxElapsed: raise it, start fewer users at once, or look at wsb.rate for what the server allows.",
    kind: "fatal",
};

/// The thread's schedule ends before the connection can be made.
pub const SCHEDULE_END: ErrorCode = ErrorCode {
    code: "schedule.end",
    message: "The thread's schedule ends before",
    help: "No attempt begins that cannot end before the thread group's duration is over: make the duration longer than the slowest connect.",
    kind: "fatal",
};

/// The sampler's connection does not exist.
pub const CONNECTION_NONE: ErrorCode = ErrorCode {
    code: "connection.none",
    message: "No such connection",
    help: "Nothing is open under this wsb.connection in this thread: connect first, or look at why the connect failed.",
    kind: "fatal",
};

/// A message came that `wsb.match.others=fail` does not allow.
pub const MESSAGE_UNEXPECTED: ErrorCode = ErrorCode {
    code: "message.unexpected",
    message: "A message that does not match",
    help: "wsb.match.others is fail: the response data begins with the message; discard or keep such messages, or widen the match.",
    kind: "fatal",
};

/// The server closed during an operation; the last part is its close code.
pub const CLOSED_BY_SERVER: ErrorCode = ErrorCode {
    code: "closed.<code>",
    message: "The server closed the connection",
    help: "The number is the server's close code (RFC 6455, section 7.4.1), 1005 when it gave none; its reason is in the response data.",
    kind: "fatal",
};

/// The native library could not be loaded; told by the Java side.
const NATIVE_UNAVAILABLE: ErrorCode = ErrorCode {
    code: "native.unavailable",
    message: "The native library is not available",
    help: "The response data names the platform, the file and the cure, most often wsb.native.tmpdir or wsb.native.path.",
    kind: "fatal",
};

/// The native library failed in an unforeseen way; told by the Java side.
const NATIVE_FAILURE: ErrorCode = ErrorCode {
    code: "native.failure",
    message: "The native library failed",
    help: "A defect of ws-backoff: report it with the response data and jmeter.log; the test goes on.",
    kind: "fatal",
};

/// `wsb.whenOpen=fail` met an open connection; told by the Java side.
const CONNECTION_OPEN: ErrorCode = ErrorCode {
    code: "connection.open",
    message: "The connection is already open",
    help: "Close it first, use another wsb.connection, or set wsb.whenOpen to replace or reuse.",
    kind: "fatal",
};

/// Every code: the connection's in the order of its stages, then the rest.
#[must_use]
pub fn all() -> Vec<ErrorCode> {
    let of_connection = websocket::Code::ALL.iter().map(|&code| ErrorCode {
        code: code.as_str(),
        message: code.message(),
        help: code.help(),
        kind: match code.kind() {
            websocket::Kind::Network => "transient",
            websocket::Kind::Timeout => "timeout",
            websocket::Kind::Fatal => "fatal",
            websocket::Kind::Answer => "answer",
        },
    });
    let above = [
        SPEC_INVALID,
        CANCELLED,
        GATE_TIMEOUT,
        SCHEDULE_END,
        CONNECTION_OPEN,
        CONNECTION_NONE,
        MESSAGE_UNEXPECTED,
        CLOSED_BY_SERVER,
        NATIVE_UNAVAILABLE,
        NATIVE_FAILURE,
    ];
    let mut codes: Vec<ErrorCode> = of_connection.collect();
    for code in above {
        if !codes.iter().any(|known| known.code == code.code) {
            codes.push(code);
        }
    }
    codes
}
