//! The bytes of every answer: upgrades, refusals in all their shapes, pages and plain answers.

use crate::config::{Config, RetryAfter};
use crate::upgrade::Upgrade;
use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What a refusal says where nobody can know.
const UNKNOWN_WAIT: Duration = Duration::from_secs(1);

/// The head of a sound 101; `extra` are further header lines.
pub(crate) fn accepted(upgrade: &Upgrade, connection: &str, extra: &str) -> Vec<u8> {
    let mut head = switching(&derive_accept_key(upgrade.key.as_bytes()), connection);
    if let Some(subprotocol) = &upgrade.subprotocol {
        let _ = write!(head, "Sec-WebSocket-Protocol: {subprotocol}\r\n");
    }
    head.push_str(extra);
    head.push_str("\r\n");
    head.into_bytes()
}

/// The head of a 101 for another key than the client's.
pub(crate) fn accepted_wrongly(upgrade: &Upgrade) -> Vec<u8> {
    let other = Upgrade {
        key: format!("{}-not", upgrade.key),
        subprotocol: upgrade.subprotocol.clone(),
    };
    accepted(&other, "Upgrade", "")
}

fn switching(accept: &str, connection: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: {connection}\r\n\
         Sec-WebSocket-Accept: {accept}\r\n"
    )
}

/// How the end of a body shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    Chunked,
    /// By the end of the connection.
    Close,
}

/// An answer that is no 101.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) version: &'static str,
    pub(crate) status: u16,
    pub(crate) framing: Framing,
    pub(crate) body: Vec<u8>,
    content_type: &'static str,
    /// Further header lines, each with its CR LF.
    headers: String,
}

impl Answer {
    pub(crate) fn new(status: u16, body: Vec<u8>, content_type: &'static str) -> Self {
        Self {
            version: "HTTP/1.1",
            status,
            framing: Framing::Length,
            body,
            content_type,
            headers: String::new(),
        }
    }

    /// Adds header lines.
    pub(crate) fn with(mut self, headers: &str) -> Self {
        self.headers.push_str(headers);
        self
    }

    /// The limit's refusal as configured, with the hint to come back after `retry_in`.
    pub(crate) fn throttled(config: &Config, retry_in: Option<Duration>) -> Self {
        let wait = retry_in.unwrap_or(UNKNOWN_WAIT);
        let answer = match &config.body {
            Some(body) => {
                let json = body.starts_with(['{', '['])
                    && !body.starts_with("{seconds}")
                    && !body.starts_with("{ms}");
                let body = body
                    .replace("{seconds}", &whole_seconds(wait).to_string())
                    .replace("{ms}", &whole_milliseconds(wait).to_string());
                let content_type = if json {
                    "application/json"
                } else {
                    "text/plain; charset=utf-8"
                };
                Self::new(config.status, body.into_bytes(), content_type)
            }
            None => Self::bare(config.status),
        };
        answer.with(&hint(config.retry_after, wait))
    }

    /// A short JSON text.
    pub(crate) fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status, format!("{value}\n").into_bytes(), "application/json")
    }

    /// The short JSON text that says the status only.
    pub(crate) fn bare(status: u16) -> Self {
        let body = format!("{{\"status\":{status},\"error\":\"{}\"}}\n", reason(status));
        Self::new(status, body.into_bytes(), "application/json")
    }

    /// Everything up to the body, which [`Answer::bytes`] appends.
    pub(crate) fn head(&self) -> Vec<u8> {
        let Self {
            version,
            status,
            content_type,
            headers,
            ..
        } = self;
        let date = httpdate::fmt_http_date(SystemTime::now());
        let mut head = format!(
            "{version} {status} {}\r\nDate: {date}\r\nServer: ws-backoff\r\nContent-Type: {content_type}\r\n{headers}",
            reason(*status)
        );
        match self.framing {
            Framing::Length => {
                let _ = write!(head, "Content-Length: {}\r\n", self.body.len());
            }
            Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
            Framing::Close => {}
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// Head and body.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        if self.framing == Framing::Chunked {
            // Two chunks, so that a client which reads only the first shows it.
            let (first, second) = self.body.split_at(self.body.len() / 2);
            for chunk in [first, second].into_iter().filter(|chunk| !chunk.is_empty()) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
        } else {
            bytes.extend(&self.body);
        }
        bytes
    }
}

/// The header line that says when to come back.
fn hint(form: RetryAfter, wait: Duration) -> String {
    match form {
        RetryAfter::Seconds => format!("Retry-After: {}\r\n", whole_seconds(wait)),
        RetryAfter::Date => format!("Retry-After: {}\r\n", date_after(SystemTime::now(), wait)),
        RetryAfter::Milliseconds => format!("retry-after-ms: {}\r\n", whole_milliseconds(wait)),
        RetryAfter::None => String::new(),
        RetryAfter::Zero => "Retry-After: 0\r\n".to_owned(),
        RetryAfter::Wrong => "Retry-After: soon\r\n".to_owned(),
    }
}

/// The first whole second that is not before `now + wait`: a date has no fraction, and an early one would be refused again.
fn date_after(now: SystemTime, wait: Duration) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default() + wait;
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(whole_seconds(since)))
}

fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

fn whole_milliseconds(wait: Duration) -> u128 {
    wait.as_nanos().div_ceil(1_000_000).max(1)
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        417 => "Expectation Failed",
        425 => "Too Early",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        // RFC 9110 section 15: a status that is not known counts as the x00 of its class.
        0..=499 => "Bad Request",
        501 => "Not Implemented",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttled(retry_after: RetryAfter, body: Option<&str>, retry_in: Option<Duration>) -> String {
        let config = Config {
            retry_after,
            body: body.map(str::to_owned),
            ..Config::default()
        };
        String::from_utf8(Answer::throttled(&config, retry_in).bytes()).unwrap()
    }

    #[test]
    fn the_accept_key_is_the_one_of_the_rfc() {
        let upgrade = Upgrade {
            key: "dGhlIHNhbXBsZSBub25jZQ==".to_owned(),
            subprotocol: Some("chat".to_owned()),
        };
        let head = String::from_utf8(accepted(&upgrade, "Upgrade", "")).unwrap();
        assert!(head.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        assert!(head.ends_with("\r\nSec-WebSocket-Protocol: chat\r\n\r\n"));
        let wrong = String::from_utf8(accepted_wrongly(&upgrade)).unwrap();
        assert!(!wrong.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    #[test]
    fn hints_are_rounded_up_and_never_zero_unless_asked() {
        let ms = |count| Some(Duration::from_millis(count));
        for (form, wait, line) in [
            (RetryAfter::Seconds, ms(0), "\r\nRetry-After: 1\r\n"),
            (RetryAfter::Seconds, ms(1_000), "\r\nRetry-After: 1\r\n"),
            (RetryAfter::Seconds, ms(1_001), "\r\nRetry-After: 2\r\n"),
            (RetryAfter::Seconds, None, "\r\nRetry-After: 1\r\n"),
            (
                RetryAfter::Milliseconds,
                Some(Duration::from_micros(1_501)),
                "\r\nretry-after-ms: 2\r\n",
            ),
            (RetryAfter::Milliseconds, ms(0), "\r\nretry-after-ms: 1\r\n"),
            (RetryAfter::Zero, ms(7_000), "\r\nRetry-After: 0\r\n"),
            (RetryAfter::Wrong, ms(7_000), "\r\nRetry-After: soon\r\n"),
        ] {
            let answer = throttled(form, None, wait);
            assert!(answer.contains(line), "{form}: {answer}");
        }
        let silent = throttled(RetryAfter::None, None, ms(7_000)).to_ascii_lowercase();
        assert!(!silent.contains("retry"), "{silent}");
    }

    #[test]
    fn a_date_is_never_before_the_time_it_stands_for() {
        let now = UNIX_EPOCH + Duration::from_millis(1_700_000_000_400);
        for (wait, date) in [
            (0, "Tue, 14 Nov 2023 22:13:21 GMT"),
            (600, "Tue, 14 Nov 2023 22:13:21 GMT"),
            (601, "Tue, 14 Nov 2023 22:13:22 GMT"),
        ] {
            assert_eq!(date_after(now, Duration::from_millis(wait)), date);
        }
    }

    #[test]
    fn a_body_can_carry_the_hint() {
        let wait = Some(Duration::from_millis(6_200));
        let text = throttled(
            RetryAfter::None,
            Some("Retry the request in [{seconds}] seconds"),
            wait,
        );
        assert!(
            text.ends_with("\r\n\r\nRetry the request in [7] seconds") && text.contains("text/plain"),
            "{text}"
        );
        assert!(text.contains("\r\nContent-Length: 32\r\n"), "{text}");
        let json = throttled(RetryAfter::None, Some("{\"retryAfterMs\":{ms}}"), wait);
        assert!(
            json.ends_with("{\"retryAfterMs\":6200}") && json.contains("application/json"),
            "{json}"
        );
    }
}
