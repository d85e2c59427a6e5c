//! Judges a request for an upgrade as a WebSocket server must (RFC 6455 section 4.2.1).

use crate::request::{Refused, lists, values};
use httparse::Header;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Upgrade {
    /// `Sec-WebSocket-Key`.
    pub(crate) key: String,
    /// The first subprotocol that the client offers.
    pub(crate) subprotocol: Option<String>,
}

/// Whether the client wants another protocol. Clients that would rather speak HTTP/2 offer `h2c` with plain requests, too:
/// a server may overlook an upgrade (RFC 9110 section 7.8), and so does this one with that.
pub(crate) fn is_wanted(headers: &[Header<'_>]) -> bool {
    values(headers, "upgrade")
        .flat_map(|value| value.split(','))
        .any(|protocol| !protocol.trim().eq_ignore_ascii_case("h2c"))
}

impl Upgrade {
    /// What a sound request asks for, or why it is refused (RFC 6455 section 4.2.1).
    pub(crate) fn read(get: bool, http11: bool, headers: &[Header<'_>]) -> Result<Self, Refused> {
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
        Ok(Self {
            key,
            subprotocol: first.filter(|first| !first.is_empty()).map(str::to_owned),
        })
    }
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
    use crate::request::tests::SOUND;
    use crate::request::{Kind, parse};

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
    fn a_bad_upgrade_is_refused_with_the_reason() {
        for (from, to, status, said) in [
            ("GET", "POST", 400, "must be a GET"),
            ("HTTP/1.1", "HTTP/1.0", 400, "needs HTTP/1.1"),
            ("Host: x\r\n", "", 400, "Host header is missing"),
            ("WebSocket\r\n", "IRC/6.9\r\n", 400, "does not say websocket"),
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
}
