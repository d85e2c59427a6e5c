//! A JMeter sample as the policy sees it: the status of its response code, or what kind of failure a code without one is; and
//! the headers of its text.

use std::time::SystemTime;

use backoff::{FailureKind, HttpAnswer, Seen};
use engine::tracing::events::TracedCode;

use crate::error_codes::{CLOSED, CONNECTION_OPEN, NATIVE_UNAVAILABLE, NO_STATUS, SPEC_INVALID, codes};

/// Exceptions that another attempt cannot heal: the plan is wrong, or the server is not who it should be.
const FATAL: &[&str] = &[
    "MalformedURLException",
    "URISyntaxException",
    "IllegalArgumentException",
    "UnsupportedOperationException",
    "SSLPeerUnverifiedException",
    "FileNotFoundException",
    "NoSuchFileException",
];

/// Exceptions of who found nobody: no address, or no TCP connection.
const NOBODY: &[&str] = &[
    "UnknownHostException",
    "ConnectException",
    "HttpHostConnectException",
    "ConnectTimeoutException",
    "NoRouteToHostException",
];

/// Codes of ours that no other attempt can heal, whatever a plan calls transient: nothing was sent, and nothing will be.
const INVALID: [&str; 3] = [SPEC_INVALID.code, NATIVE_UNAVAILABLE.code, CONNECTION_OPEN.code];

/// Whether a response code says that the sample found nobody at its address: that tells nothing of a quota.
pub fn finds_nobody(code: &str) -> bool {
    code.trim().strip_prefix(NO_STATUS).is_some_and(|cause| {
        let simple = cause.rsplit('.').next().unwrap_or(cause);
        cause.starts_with("tcp.") || cause.starts_with("dns.") || NOBODY.contains(&simple)
    })
}

/// What a response code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// An HTTP status.
    Status(u16),
    /// The server closed the connection with this code.
    Closed(u16),
    /// A failure without one.
    Failure(FailureKind),
}

/// Reads a response code. What is neither a status nor known counts as a network failure: samplers of all protocols have codes
/// of their own, and who puts one under a retry wants it tried again.
pub fn reading(code: &str) -> Reading {
    let code = code.trim();
    let status = code.parse().ok().filter(|status| (100..=599).contains(status));
    if let (3, Some(status)) = (code.len(), status) {
        return Reading::Status(status);
    }
    if let Some(closed) = code.strip_prefix(CLOSED).and_then(|code| code.parse().ok()) {
        return Reading::Closed(closed);
    }
    let Some(cause) = code.strip_prefix(NO_STATUS) else {
        return Reading::Failure(FailureKind::Network);
    };
    if let Some(own) = codes().iter().find(|known| known.code == cause) {
        return Reading::Failure(match own.kind {
            _ if INVALID.contains(&cause) => FailureKind::Invalid,
            "timeout" => FailureKind::Timeout,
            "fatal" => FailureKind::Fatal,
            _ => FailureKind::Network,
        });
    }
    Reading::Failure(exception(cause))
}

impl Reading {
    /// The status, where there is one.
    pub fn status(self) -> Option<u16> {
        match self {
            Reading::Status(status) => Some(status),
            Reading::Closed(_) | Reading::Failure(_) => None,
        }
    }

    /// Shows the sample to a policy: with its headers, as JMeter keeps them, and its data. Samples of ours tell a close reason beside
    /// the headers; where they do not, it is looked for in the data.
    pub fn show<R>(self, head: &str, data: &str, look: impl FnOnce(&Seen<'_>) -> R) -> R {
        match self {
            Reading::Status(status) => look(&Seen::Answer(HttpAnswer {
                status,
                headers: &headers(head),
                body: data.as_bytes(),
                now: SystemTime::now(),
            })),
            Reading::Closed(code) => {
                let reason = close_reason(head).unwrap_or(data);
                look(&Seen::Closed { code, reason })
            }
            Reading::Failure(kind) => look(&Seen::Failure(kind)),
        }
    }
}

/// The last one that a text tells, in the words of [`engine::Failure::closed`].
fn close_reason(text: &str) -> Option<&str> {
    let (_, reason) = text.rsplit_once("; reason: ")?;
    reason.lines().next()
}

fn exception(class: &str) -> FailureKind {
    let simple = class.rsplit('.').next().unwrap_or(class);
    if simple.contains("Timeout") {
        FailureKind::Timeout
    } else if FATAL.contains(&simple) {
        FailureKind::Fatal
    } else {
        FailureKind::Network
    }
}

/// A response code as the trace has it.
pub fn traced(code: &str) -> TracedCode<'_> {
    match reading(code) {
        Reading::Status(status) => TracedCode::Status(status),
        Reading::Closed(_) | Reading::Failure(_) => TracedCode::Text(code),
    }
}

/// The header lines of a text as JMeter keeps it, names and values, in their order. What samples of ours say of themselves stands
/// behind a blank line.
fn headers(text: &str) -> Vec<(String, String)> {
    let head = text.lines().take_while(|line| !line.is_empty());
    head.filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finds_nobody_learns_nothing_of_a_quota() {
        for (code, expected) in [
            ("Non HTTP response code: tcp.refused", true),
            ("Non HTTP response code: dns.not-found", true),
            ("Non HTTP response code: java.net.ConnectException", true),
            (
                "Non HTTP response code: org.apache.http.conn.ConnectTimeoutException",
                true,
            ),
            ("Non HTTP response code: java.net.SocketException", false),
            ("Non HTTP response code: upgrade.reset", false),
            ("503", false),
            ("tcp.refused", false),
        ] {
            assert_eq!(finds_nobody(code), expected, "{code}");
        }
    }

    #[test]
    fn response_codes_are_read_for_what_another_attempt_can_do() {
        for (code, expected) in [
            ("429", Reading::Status(429)),
            (" 503 ", Reading::Status(503)),
            ("closed.1013", Reading::Closed(1013)),
            ("closed.x", Reading::Failure(FailureKind::Network)),
            ("600", Reading::Failure(FailureKind::Network)),
            ("", Reading::Failure(FailureKind::Network)),
            ("null 0", Reading::Failure(FailureKind::Network)),
            (
                "Non HTTP response code: java.net.SocketTimeoutException",
                Reading::Failure(FailureKind::Timeout),
            ),
            (
                "Non HTTP response code: org.apache.http.conn.ConnectTimeoutException",
                Reading::Failure(FailureKind::Timeout),
            ),
            (
                "Non HTTP response code: org.apache.http.conn.HttpHostConnectException",
                Reading::Failure(FailureKind::Network),
            ),
            (
                "Non HTTP response code: java.net.UnknownHostException",
                Reading::Failure(FailureKind::Network),
            ),
            (
                "Non HTTP response code: java.net.MalformedURLException",
                Reading::Failure(FailureKind::Fatal),
            ),
            (
                "Non HTTP response code: tcp.refused",
                Reading::Failure(FailureKind::Network),
            ),
            (
                "Non HTTP response code: message.timeout",
                Reading::Failure(FailureKind::Timeout),
            ),
            (
                "Non HTTP response code: spec.invalid",
                Reading::Failure(FailureKind::Invalid),
            ),
            (
                "Non HTTP response code: tls.certificate",
                Reading::Failure(FailureKind::Fatal),
            ),
        ] {
            assert_eq!(reading(code), expected, "{code:?}");
        }
    }

    #[test]
    fn headers_are_found_behind_a_status_line() {
        let text = "HTTP/1.1 429 Too Many\r\nretry-AFTER:  7\r\nX-Time: 10:20\n\nattempt 1 at +0.000 s: 429; Retry-After: 9";
        assert_eq!(
            headers(text),
            [
                ("retry-AFTER".to_owned(), "7".to_owned()),
                ("X-Time".to_owned(), "10:20".to_owned())
            ]
        );
        assert_eq!(headers("\nattempt 1 at +0.000 s: tcp.refused: nobody there"), []);
    }
}
