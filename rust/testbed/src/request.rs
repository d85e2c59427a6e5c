//! Reads a request head and judges it as a WebSocket server must (RFC 6455 section 4.2.1).

use crate::answers::Refusal;
use httparse::{EMPTY_HEADER, Header, Status};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The largest head that is read.
const LARGEST_HEAD: usize = 64 * 1024;
const MOST_HEADERS: usize = 128;

/// A request, as far as the server cares.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Path and query; without scheme and authority where those were sent (RFC 9112 section 3.2.2).
    pub(crate) path: String,
    pub(crate) kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A sound request for an upgrade.
    Upgrade(Upgrade),
    /// A request for an upgrade that a server must refuse.
    BadUpgrade(Refused),
    /// No request for an upgrade.
    Plain { get: bool },
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Upgrade {
    /// `Sec-WebSocket-Key`.
    pub(crate) key: String,
    /// The first subprotocol that the client offers.
    pub(crate) subprotocol: Option<String>,
}

/// Why a request is refused: a status and a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) why: &'static str,
}

impl Refused {
    fn bad(why: &'static str) -> Self {
        Self { status: 400, why }
    }

    /// The answer that says why.
    pub(crate) fn answer(&self) -> Refusal {
        let headers = match self.status {
            426 => "Upgrade: websocket\r\nConnection: close\r\nSec-WebSocket-Version: 13\r\n",
            _ => "Connection: close\r\n",
        };
        Refusal::new(
            self.status,
            format!("{}\n", self.why).into_bytes(),
            "text/plain; charset=utf-8",
        )
        .with(headers)
    }
}

/// Reads the next request. Bytes behind its head stay in `buffer`. `None`: the peer left before.
pub(crate) async fn read<S>(stream: &mut S, buffer: &mut Vec<u8>) -> Result<Option<Request>, Refused>
where
    S: AsyncRead + Unpin,
{
    loop {
        if !buffer.is_empty() {
            if let Some((request, length)) = parse(buffer)? {
                buffer.drain(..length);
                return Ok(Some(request));
            }
            if buffer.len() >= LARGEST_HEAD {
                return Err(Refused {
                    status: 431,
                    why: "the request head is larger than 64 KiB",
                });
            }
        }
        match stream.read_buf(buffer).await {
            Ok(0) | Err(_) => return Ok(None),
            Ok(_) => {}
        }
    }
}

/// The request at the start of `bytes` and the length of its head, or `None` where the head is not complete.
fn parse(bytes: &[u8]) -> Result<Option<(Request, usize)>, Refused> {
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(bytes) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Refused {
                status: 431,
                why: "the request has more than 128 headers",
            });
        }
        Err(_) => return Err(Refused::bad("this is no HTTP/1.1 request")),
    };
    let path = path_of(head.path.unwrap_or("/")).to_owned();
    let get = head.method == Some("GET");
    let kind = if values(head.headers, "upgrade").next().is_some() {
        match upgrade(get, head.version == Some(1), head.headers) {
            Ok(upgrade) => Kind::Upgrade(upgrade),
            Err(refused) => Kind::BadUpgrade(refused),
        }
    } else {
        Kind::Plain { get }
    };
    Ok(Some((Request { path, kind }, length)))
}

fn path_of(target: &str) -> &str {
    match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => rest.find('/').map_or("/", |at| &rest[at..]),
        _ => target,
    }
}

/// The values of a header, trimmed; those that are no text count as empty.
fn values<'a>(headers: &'a [Header<'_>], name: &'static str) -> impl Iterator<Item = &'a str> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| std::str::from_utf8(header.value).unwrap_or_default().trim())
}

/// Whether a list header holds a token, in any letter case.
fn lists(headers: &[Header<'_>], name: &'static str, token: &str) -> bool {
    values(headers, name)
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

fn upgrade(get: bool, http11: bool, headers: &[Header<'_>]) -> Result<Upgrade, Refused> {
    if !get {
        return Err(Refused::bad(
            "an upgrade to WebSocket must be a GET (RFC 6455 section 4.2.1, point 1)",
        ));
    }
    if !http11 {
        return Err(Refused::bad(
            "an upgrade to WebSocket needs HTTP/1.1 (RFC 6455 section 4.2.1, point 1)",
        ));
    }
    if values(headers, "host").next().is_none() {
        return Err(Refused::bad(
            "the Host header is missing (RFC 6455 section 4.2.1, point 2)",
        ));
    }
    if !lists(headers, "upgrade", "websocket") {
        return Err(Refused::bad(
            "the Upgrade header does not say websocket (RFC 6455 section 4.2.1, point 3)",
        ));
    }
    if !lists(headers, "connection", "upgrade") {
        return Err(Refused::bad(
            "the Connection header does not say Upgrade (RFC 6455 section 4.2.1, point 4)",
        ));
    }
    let mut keys = values(headers, "sec-websocket-key");
    let key = match (keys.next(), keys.next()) {
        (Some(key), None) if is_key(key) => key.to_owned(),
        (None, _) => {
            return Err(Refused::bad(
                "Sec-WebSocket-Key is missing (RFC 6455 section 4.2.1, point 5)",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(Refused::bad(
                "Sec-WebSocket-Key stands twice (RFC 6455 section 11.3.1)",
            ));
        }
        (Some(_), None) => {
            return Err(Refused::bad(
                "Sec-WebSocket-Key is not 16 bytes in base64 (RFC 6455 section 4.2.1, point 5)",
            ));
        }
    };
    if values(headers, "sec-websocket-version").next() != Some("13") {
        return Err(Refused {
            status: 426,
            why: "Sec-WebSocket-Version is not 13, the only one spoken here (RFC 6455 section 4.4)",
        });
    }
    let offers = values(headers, "sec-websocket-protocol").next();
    let first = offers.and_then(|offers| offers.split(',').next()).map(str::trim);
    Ok(Upgrade {
        key,
        subprotocol: first.filter(|first| !first.is_empty()).map(str::to_owned),
    })
}

/// 16 bytes in base64 are 22 characters and two of padding.
fn is_key(text: &str) -> bool {
    text.len() == 24
        && text.ends_with("==")
        && text
            .bytes()
            .take(22)
            .all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "GET /a?b=c HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: chat, other\r\n\r\n";

    #[test]
    fn a_sound_request_is_read_with_key_path_and_first_subprotocol() {
        let (request, length) = parse(SOUND.as_bytes()).unwrap().unwrap();
        assert_eq!(length, SOUND.len());
        assert_eq!(request.path, "/a?b=c");
        let upgrade = Upgrade {
            key: "dGhlIHNhbXBsZSBub25jZQ==".to_owned(),
            subprotocol: Some("chat".to_owned()),
        };
        assert_eq!(request.kind, Kind::Upgrade(upgrade));
    }

    #[test]
    fn every_prefix_of_a_sound_request_is_incomplete() {
        for length in 0..SOUND.len() {
            assert_eq!(parse(&SOUND.as_bytes()[..length]), Ok(None), "{length}");
        }
    }

    #[test]
    fn a_bad_upgrade_is_refused_with_the_reason() {
        for (from, to, status, said) in [
            ("GET", "POST", 400, "must be a GET"),
            ("HTTP/1.1", "HTTP/1.0", 400, "needs HTTP/1.1"),
            ("Host: x\r\n", "", 400, "Host header is missing"),
            ("WebSocket\r\n", "h2c\r\n", 400, "does not say websocket"),
            ("keep-alive, Upgrade", "keep-alive", 400, "does not say Upgrade"),
            (
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                "",
                400,
                "Key is missing",
            ),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhl", 400, "not 16 bytes"),
            (
                "Host: x\r\n",
                "Host: x\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                400,
                "stands twice",
            ),
            ("Version: 13", "Version: 8", 426, "not 13"),
        ] {
            let (request, _) = parse(SOUND.replacen(from, to, 1).as_bytes()).unwrap().unwrap();
            let Kind::BadUpgrade(refused) = request.kind else {
                panic!("{said}: {request:?}")
            };
            assert_eq!(refused.status, status);
            assert!(refused.why.contains(said), "{}", refused.why);
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert_eq!(parse(b"\x16\x03\x01\x02\x00").unwrap_err().status, 400);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200));
        assert_eq!(parse(many.as_bytes()).unwrap_err().status, 431);
    }

    #[test]
    fn a_target_with_scheme_and_authority_is_cut_to_its_path() {
        for (target, path) in [
            ("http://h:1/x?y", "/x?y"),
            ("ws://h", "/"),
            ("/x", "/x"),
            ("/x?u=http://h/z", "/x?u=http://h/z"),
            ("*", "*"),
        ] {
            assert_eq!(path_of(target), path);
        }
    }
}
