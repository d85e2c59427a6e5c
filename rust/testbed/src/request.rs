//! Reads a request head and judges it as any HTTP/1.1 server.

use crate::answers::Answer;
use crate::upgrade::{self, Upgrade};
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
    /// The token of an `Authorization: Bearer` (RFC 6750 section 2.1).
    pub(crate) bearer: Option<String>,
    pub(crate) kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A sound request for an upgrade.
    Upgrade(Upgrade),
    /// A request for an upgrade that a server must refuse.
    BadUpgrade(Refused),
    /// No request for an upgrade.
    Plain(Plain),
}

/// A request that wants an answer and no WebSocket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) method: String,
    /// HTTP/1.1; else 1.0.
    pub(crate) http11: bool,
    /// Whether the client wants to send another request on this connection.
    pub(crate) keep_alive: bool,
    pub(crate) body: Body,
    /// Whether the client waits for a `100 Continue` before it sends the body.
    pub(crate) expects_continue: bool,
}

/// How the end of a request's body shows (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// 0: there is none.
    Length(u64),
    Chunked,
}

/// Why a request is refused: a status and a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) why: &'static str,
}

impl Refused {
    pub(crate) fn bad(why: &'static str) -> Self {
        Self { status: 400, why }
    }

    /// The answer that says why.
    pub(crate) fn answer(&self) -> Answer {
        let headers = match self.status {
            426 => "Upgrade: websocket\r\nConnection: close\r\nSec-WebSocket-Version: 13\r\n",
            _ => "Connection: close\r\n",
        };
        Answer::new(
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
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Request, usize)>, Refused> {
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
    let method = head.method.unwrap_or_default();
    let http11 = head.version == Some(1);
    let kind = if upgrade::is_wanted(head.headers) {
        match Upgrade::read(method == "GET", http11, head.headers) {
            Ok(upgrade) => Kind::Upgrade(upgrade),
            Err(refused) => Kind::BadUpgrade(refused),
        }
    } else {
        Kind::Plain(plain(method, http11, head.headers)?)
    };
    let bearer = bearer(head.headers);
    Ok(Some((Request { path, bearer, kind }, length)))
}

fn bearer(headers: &[Header<'_>]) -> Option<String> {
    let (scheme, token) = values(headers, "authorization").next()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

fn plain(method: &str, http11: bool, headers: &[Header<'_>]) -> Result<Plain, Refused> {
    if method == "CONNECT" {
        return Err(Refused {
            status: 501,
            why: "this is no proxy",
        });
    }
    let keep_alive = if http11 {
        !lists(headers, "connection", "close")
    } else {
        lists(headers, "connection", "keep-alive")
    };
    // An HTTP/1.0 client does not know of the 100 (RFC 9110 section 10.1.1).
    let mut expects_continue = false;
    for expectation in values(headers, "expect").filter(|_| http11) {
        if !expectation.eq_ignore_ascii_case("100-continue") {
            return Err(Refused {
                status: 417,
                why: "the only expectation that is understood is 100-continue",
            });
        }
        expects_continue = true;
    }
    Ok(Plain {
        method: method.to_owned(),
        http11,
        keep_alive,
        body: body(http11, headers)?,
        expects_continue,
    })
}

/// Where the body ends. What two servers could read differently is refused (RFC 9112 sections 6.1 and 6.3).
fn body(http11: bool, headers: &[Header<'_>]) -> Result<Body, Refused> {
    let mut lengths = values(headers, "content-length");
    let length = lengths.next();
    if lengths.any(|other| Some(other) != length) {
        return Err(Refused::bad("Content-Length stands twice (RFC 9112 section 6.3)"));
    }
    let mut codings = values(headers, "transfer-encoding");
    if let Some(coding) = codings.next() {
        if !http11 || length.is_some() {
            return Err(Refused::bad(
                "Transfer-Encoding with a Content-Length or HTTP/1.0 (RFC 9112 section 6.1)",
            ));
        }
        if !coding.eq_ignore_ascii_case("chunked") || codings.next().is_some() {
            return Err(Refused {
                status: 501,
                why: "the only transfer coding that is understood is chunked",
            });
        }
        return Ok(Body::Chunked);
    }
    match length {
        None => Ok(Body::Length(0)),
        Some(digits) if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            // Too many digits are too many bytes, which whoever reads the body refuses.
            Ok(Body::Length(digits.parse().unwrap_or(u64::MAX)))
        }
        Some(_) => Err(Refused::bad("Content-Length is no number (RFC 9110 section 8.6)")),
    }
}

fn path_of(target: &str) -> &str {
    match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => rest.find('/').map_or("/", |at| &rest[at..]),
        _ => target,
    }
}

/// The values of a header, trimmed; those that are no text count as empty.
pub(crate) fn values<'a>(headers: &'a [Header<'_>], name: &'static str) -> impl Iterator<Item = &'a str> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| std::str::from_utf8(header.value).unwrap_or_default().trim())
}

/// Whether a list header holds a token, in any letter case.
pub(crate) fn lists(headers: &[Header<'_>], name: &'static str, token: &str) -> bool {
    values(headers, name)
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A sound request for an upgrade.
    pub(crate) const SOUND: &str = "GET /a?b=c HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: chat, other\r\n\r\n";

    #[test]
    fn every_prefix_of_a_sound_request_is_incomplete() {
        for length in 0..SOUND.len() {
            assert_eq!(parse(&SOUND.as_bytes()[..length]), Ok(None), "{length}");
        }
    }

    fn plain_of(method: &str, version: &str, headers: &str) -> Result<Plain, Refused> {
        let head = format!("{method} /x {version}\r\nHost: x\r\n{headers}\r\n");
        match parse(head.as_bytes())?.unwrap().0.kind {
            Kind::Plain(plain) => Ok(plain),
            other => panic!("{headers}: {other:?}"),
        }
    }

    #[test]
    fn a_plain_request_says_how_its_body_ends_and_whether_another_follows() {
        for (version, headers, body, keep_alive, expects_continue) in [
            ("HTTP/1.1", "", Body::Length(0), true, false),
            ("HTTP/1.1", "Connection: Close\r\n", Body::Length(0), false, false),
            ("HTTP/1.0", "", Body::Length(0), false, false),
            (
                "HTTP/1.0",
                "Connection: keep-alive\r\n",
                Body::Length(0),
                true,
                false,
            ),
            (
                "HTTP/1.1",
                "Content-Length: 12\r\ncontent-length: 12\r\n",
                Body::Length(12),
                true,
                false,
            ),
            (
                "HTTP/1.1",
                "Transfer-Encoding: Chunked\r\n",
                Body::Chunked,
                true,
                false,
            ),
            (
                "HTTP/1.1",
                "Content-Length: 1\r\nExpect: 100-Continue\r\n",
                Body::Length(1),
                true,
                true,
            ),
            (
                "HTTP/1.0",
                "Content-Length: 1\r\nExpect: 100-continue\r\n",
                Body::Length(1),
                false,
                false,
            ),
            (
                "HTTP/1.1",
                "Content-Length: 99999999999999999999\r\n",
                Body::Length(u64::MAX),
                true,
                false,
            ),
            (
                "HTTP/1.1",
                "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n",
                Body::Length(0),
                true,
                false,
            ),
        ] {
            let expected = Plain {
                method: "POST".to_owned(),
                http11: version == "HTTP/1.1",
                keep_alive,
                body,
                expects_continue,
            };
            assert_eq!(
                plain_of("POST", version, headers),
                Ok(expected),
                "{version} {headers}"
            );
        }
    }

    #[test]
    fn a_plain_request_that_could_be_read_in_two_ways_or_asks_for_the_unknown_is_refused() {
        for (method, headers, status, said) in [
            (
                "POST",
                "Content-Length: 1\r\nContent-Length: 2\r\n",
                400,
                "stands twice",
            ),
            ("POST", "Content-Length: -1\r\n", 400, "no number"),
            ("POST", "Content-Length: +1\r\n", 400, "no number"),
            ("POST", "Content-Length: \r\n", 400, "no number"),
            (
                "POST",
                "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                400,
                "with a Content-Length",
            ),
            ("POST", "Transfer-Encoding: gzip, chunked\r\n", 501, "chunked"),
            ("POST", "Expect: a-miracle\r\n", 417, "100-continue"),
            ("CONNECT", "", 501, "no proxy"),
        ] {
            let refused = plain_of(method, "HTTP/1.1", headers).unwrap_err();
            assert_eq!(refused.status, status, "{headers}");
            assert!(refused.why.contains(said), "{headers}: {}", refused.why);
        }
        let old = plain_of("POST", "HTTP/1.0", "Transfer-Encoding: chunked\r\n");
        assert_eq!(old.unwrap_err().status, 400);
    }

    #[test]
    fn the_bearer_token_is_read_in_any_letter_case() {
        for (header, token) in [
            ("Authorization: Bearer abc.1\r\n", Some("abc.1")),
            ("authorization: BEARER  x \r\n", Some("x")),
            ("Authorization: Basic abc\r\n", None),
            ("Authorization: Bearer\r\n", None),
            ("", None),
        ] {
            let head = format!("GET / HTTP/1.1\r\n{header}\r\n");
            let (request, _) = parse(head.as_bytes()).unwrap().unwrap();
            assert_eq!(request.bearer.as_deref(), token, "{header}");
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
