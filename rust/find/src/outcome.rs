//! What a status or a failure says of a limit.

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was let in.
    Passed,
    /// It was refused as limits refuse: 429, 503, a reset, an end without an answer, a close at once.
    Refused,
    /// Nothing came within the client's time: refused by silence, or queued for longer.
    Unanswered,
    /// It was refused by a status that speaks of something else (401, 403, 404 ...), which some use for limits, too.
    Denied,
}

/// What a status says of a limit.
pub(crate) fn of_status(status: u16) -> Option<Outcome> {
    match status {
        101 | 200..=399 => Some(Outcome::Passed),
        429 | 503 => Some(Outcome::Refused),
        400..=499 => Some(Outcome::Denied),
        _ => None,
    }
}

/// What a failure without a status says; the codes are those of our elements, and names of Java's exceptions in a JTL.
pub(crate) fn of_failure(code: &str) -> Option<Outcome> {
    match code {
        "upgrade.timeout" | "java.net.SocketTimeoutException" => Some(Outcome::Unanswered),
        "upgrade.reset"
        | "upgrade.closed"
        | "tls.closed"
        | "java.net.SocketException"
        | "org.apache.http.NoHttpResponseException" => Some(Outcome::Refused),
        _ if code.starts_with("closed.") => Some(Outcome::Refused),
        _ => None,
    }
}
