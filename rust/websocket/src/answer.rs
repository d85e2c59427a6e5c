//! Reading the raw head of an HTTP/1 answer, so that users see it as it was on the wire. Pure.

use httparse::{EMPTY_HEADER, Error, ParserConfig, Response, Status};

use crate::Answer;

/// Whole answers with more headers than this are `upgrade.too-large`; hyper sets its table up for every answer.
pub(crate) const MAX_HEADERS: usize = 512;

/// A reason goes into messages and stays with every attempt; the head shows a longer one whole.
const MAX_REASON: usize = 1_000;

/// A load test looks at servers as they are: what can be understood is not refused. hyper is set up alike.
pub(crate) fn leniency() -> ParserConfig {
    let mut config = ParserConfig::default();
    config.allow_spaces_after_header_name_in_responses(true);
    config.allow_obsolete_multiline_headers_in_responses(true);
    config.ignore_invalid_headers_in_responses(true);
    config
}

/// The end of the head that begins at `from`: behind its empty line. Bare line feeds count, and empty lines before the
/// status line are skipped, as in RFC 9112 section 2.2.
pub(crate) fn head_end(raw: &[u8], from: usize) -> Option<usize> {
    let start = raw.get(from..)?.iter().position(|b| !b"\r\n".contains(b))? + from;
    let mut line = start;
    while let Some(length) = raw[line..].iter().position(|b| *b == b'\n') {
        let next = line + length + 1;
        match &raw[next..] {
            [b'\n', ..] => return Some(next + 1),
            [b'\r', b'\n', ..] => return Some(next + 2),
            _ => line = next,
        }
    }
    None
}

/// Whether bytes may be the beginning of an HTTP/1 answer.
pub(crate) fn may_be_http(raw: &[u8]) -> bool {
    let text = raw.iter().skip_while(|b| b"\r\n".contains(b));
    text.zip(b"HTTP/1.").all(|(found, expected)| found == expected)
}

/// The status in the first line of a whole head.
pub(crate) fn status(head: &[u8]) -> Option<u16> {
    let line = head.iter().position(|b| *b == b' ')?;
    std::str::from_utf8(head.get(line + 1..line + 4)?)
        .ok()?
        .parse()
        .ok()
}

/// Parses one whole head; the body stays empty. `None` when it is no HTTP/1 head.
pub(crate) fn parse(raw: &[u8]) -> Option<Answer> {
    let mut room = 32;
    loop {
        let mut headers = vec![EMPTY_HEADER; room];
        let mut response = Response::new(&mut headers);
        match leniency().parse_response(&mut response, raw) {
            Err(Error::TooManyHeaders) if room < raw.len() => room *= 4,
            Ok(Status::Complete(_)) => return response.code.map(|status| assemble(raw, status, &response)),
            _ => return None,
        }
    }
}

fn assemble(raw: &[u8], status: u16, response: &Response<'_, '_>) -> Answer {
    let head = lines(raw);
    let headers = response.headers.iter().filter(|header| !header.name.is_empty());
    Answer {
        version: if response.version == Some(0) {
            "HTTP/1.0"
        } else {
            "HTTP/1.1"
        },
        status,
        reason: reason(&head),
        headers: headers
            .map(|header| (header.name.to_owned(), unfold(header.value)))
            .collect(),
        head,
        body: Vec::new(),
        body_cut: false,
    }
}

/// From the raw line, as httparse gives none when it is not ASCII.
fn reason(head: &str) -> String {
    let line = head
        .trim_start_matches(['\r', '\n'])
        .lines()
        .next()
        .unwrap_or_default();
    let reason = line.splitn(3, ' ').nth(2).unwrap_or_default().trim();
    reason.chars().take(MAX_REASON).collect()
}

/// Lines folded the obsolete way become one (RFC 9112 section 5.2).
fn unfold(value: &[u8]) -> String {
    let text = text(value);
    if !text.contains('\n') {
        return text;
    }
    text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Bytes of a head: UTF-8 where they are that, as servers that mean letters send it today, else Latin-1 (RFC 9110 section 5.5:
/// opaque above ASCII); this way none is lost.
pub(crate) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
    }
}

/// A head; each line by itself, so that one odd value does not garble the others.
fn lines(raw: &[u8]) -> String {
    raw.split_inclusive(|b| *b == b'\n').map(text).collect()
}

/// The first bytes of something, for messages.
pub(crate) fn beginning(bytes: &[u8]) -> String {
    text(&bytes[..bytes.len().min(80)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_keep_order_case_and_repeats() {
        let raw = b"HTTP/1.1 429 Zu viel\xe9\r\nX-B: 2\r\nx-a:  1\t\r\nX-B: \xe4\r\nX-U: \xc3\xa4\xe2\x82\xac\r\nEmpty:\r\nSpace : s\r\nFold: a\r\n  b\r\n\r\n";
        let answer = parse(raw).unwrap();
        assert_eq!(
            (answer.version, answer.status, answer.reason.as_str()),
            ("HTTP/1.1", 429, "Zu viel\u{e9}")
        );
        let expected = [
            ("X-B", "2"),
            ("x-a", "1"),
            ("X-B", "\u{e4}"),
            ("X-U", "\u{e4}\u{20ac}"),
            ("Empty", ""),
            ("Space", "s"),
            ("Fold", "a b"),
        ];
        assert_eq!(
            answer.headers,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert!(
            answer
                .head
                .starts_with("HTTP/1.1 429 Zu viel\u{e9}\r\nX-B: 2\r\n")
        );
        assert!(answer.head.contains("\r\nX-B: \u{e4}\r\nX-U: \u{e4}\u{20ac}\r\n"));
        assert_eq!(answer.header("x-b").collect::<Vec<_>>(), ["2", "\u{e4}"]);
    }

    #[test]
    fn odd_status_lines_are_read() {
        for (raw, expected) in [
            ("HTTP/1.0 503 Busy\r\n\r\n", ("HTTP/1.0", 503, "Busy")),
            ("\r\n\r\nHTTP/1.1 200 OK\n\n", ("HTTP/1.1", 200, "OK")),
            ("HTTP/1.1 404\r\n\r\n", ("HTTP/1.1", 404, "")),
            ("HTTP/1.1 404 \r\n\r\n", ("HTTP/1.1", 404, "")),
        ] {
            let answer = parse(raw.as_bytes()).unwrap();
            assert_eq!(
                (answer.version, answer.status, answer.reason.as_str()),
                expected,
                "{raw:?}"
            );
            assert_eq!(head_end(raw.as_bytes(), 0), Some(raw.len()));
        }
    }

    #[test]
    fn what_is_no_head_is_refused() {
        for raw in [
            "",
            "hello\r\n\r\n",
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "\x15\x03\x01\r\n\r\n",
        ] {
            assert_eq!(parse(raw.as_bytes()), None, "{raw:?}");
        }
    }

    #[test]
    fn thousands_of_headers_are_parsed() {
        let head = format!("HTTP/1.1 503 Busy\r\n{}\r\n", "A: b\r\n".repeat(5000));
        assert_eq!(parse(head.as_bytes()).unwrap().headers.len(), 5000);
    }

    #[test]
    fn the_end_of_a_head_is_found() {
        for (raw, end) in [
            ("", None),
            ("\r\n\r\n", None),
            ("HTTP/1.1 200 OK\r\n", None),
            ("HTTP/1.1 200 OK\r\n\r", None),
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", Some(25)),
            ("HTTP/1.1 200 OK\nA: b\n\nbody", Some(22)),
        ] {
            assert_eq!(head_end(raw.as_bytes(), 0), end, "{raw:?}");
        }
    }

    #[test]
    fn a_beginning_of_http_is_known() {
        for (raw, yes) in [
            ("", true),
            ("HT", true),
            ("\r\nHTTP/1.", true),
            ("HTTP/1.1 200", true),
            ("SSH-2.0", false),
        ] {
            assert_eq!(may_be_http(raw.as_bytes()), yes, "{raw:?}");
        }
    }
}
