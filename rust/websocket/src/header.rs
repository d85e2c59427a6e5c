//! What users may put into the request: headers and subprotocols. Pure checks.

use std::collections::HashSet;

/// Why a header cannot be sent; the text names the header and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The name is no token (RFC 9110 section 5.6.2).
    #[error("header name {0:?}: only letters, digits and !#$%&'*+-.^_`|~ are allowed")]
    Name(String),
    /// The value holds CR, LF, NUL or another control character (RFC 9110 section 5.5).
    #[error("header {name}: its value must not hold line ends or control characters (found {found:?})")]
    Value {
        /// The header.
        name: String,
        /// The character.
        found: char,
    },
    /// The header belongs to the handshake, or would break its framing.
    #[error("header {0} is set by the handshake itself and cannot be given")]
    Reserved(String),
    /// `Sec-WebSocket-Protocol` with something that is no list of tokens, or a subprotocol that is none.
    #[error("subprotocol {0:?} is not a token: only letters, digits and !#$%&'*+-.^_`|~ are allowed")]
    Subprotocol(String),
    /// A subprotocol given twice (RFC 6455 section 4.1 asks for unique ones).
    #[error("subprotocol {0:?} is given twice")]
    Repeated(String),
}

/// Headers that the handshake sets, and those that would give the request a body or change its framing.
const RESERVED: [&str; 12] = [
    "connection",
    "upgrade",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "transfer-encoding",
    "content-length",
    "te",
    "trailer",
    "expect",
    "keep-alive",
];

/// Checks one header of the user's. `Host`, `Origin`, `User-Agent`, `Authorization`, `Cookie` and any own one are allowed;
/// `Sec-WebSocket-Protocol` is read as further subprotocols.
///
/// # Errors
/// Which header cannot be sent, and why.
pub fn check_header(name: &str, value: &str) -> Result<(), HeaderError> {
    if !is_token(name) {
        return Err(HeaderError::Name(name.into()));
    }
    if RESERVED
        .iter()
        .any(|reserved| reserved.eq_ignore_ascii_case(name))
    {
        return Err(HeaderError::Reserved(name.into()));
    }
    if let Some(found) = value.chars().find(|c| c.is_control() && *c != '\t') {
        return Err(HeaderError::Value {
            name: name.into(),
            found,
        });
    }
    if name.eq_ignore_ascii_case(PROTOCOL) {
        for token in value.split(',') {
            check_subprotocol(token.trim())?;
        }
    }
    Ok(())
}

/// Whether a header need not be sent: it says what the handshake says by itself, or what HTTP samplers need and a request without
/// a body has no use for. One that contradicts the handshake is none of these, see [`check_header`].
#[must_use]
pub fn is_implied(name: &str, value: &str) -> bool {
    let value = value.trim();
    match name.to_ascii_lowercase().as_str() {
        "connection" => value
            .split(',')
            .map(str::trim)
            .all(|token| token.eq_ignore_ascii_case("keep-alive") || token.eq_ignore_ascii_case("upgrade")),
        "upgrade" => value.eq_ignore_ascii_case("websocket"),
        "sec-websocket-version" => value == "13",
        "content-length" => value == "0",
        "transfer-encoding" => value.eq_ignore_ascii_case("identity"),
        "te" | "keep-alive" => true,
        "expect" => value.eq_ignore_ascii_case("100-continue"),
        _ => false,
    }
}

/// Checks the name of a subprotocol: a token (RFC 6455 section 4.1, item 10).
///
/// # Errors
/// That it is none.
pub fn check_subprotocol(name: &str) -> Result<(), HeaderError> {
    if is_token(name) {
        Ok(())
    } else {
        Err(HeaderError::Subprotocol(name.into()))
    }
}

pub(crate) const PROTOCOL: &str = "Sec-WebSocket-Protocol";

/// The subprotocols to ask for, in order: those given, then those in headers.
///
/// # Errors
/// One that is no token, or stands there twice.
pub(crate) fn subprotocols(
    given: &[String],
    headers: &[(String, String)],
) -> Result<Vec<String>, HeaderError> {
    let in_headers = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(PROTOCOL))
        .flat_map(|(_, value)| value.split(','));
    let (mut all, mut known) = (Vec::new(), HashSet::new());
    for name in given.iter().map(String::as_str).chain(in_headers).map(str::trim) {
        check_subprotocol(name)?;
        if !known.insert(name) {
            return Err(HeaderError::Repeated(name.into()));
        }
        all.push(name.into());
    }
    Ok(all)
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_user_pass() {
        for (name, value) in [
            ("Host", "other:81"),
            ("Origin", "https://a"),
            ("User-Agent", ""),
            ("X-\u{7e}", "a\tb"),
            ("Authorization", "Basic eDp5"),
            ("Cookie", "a=b; c=\u{e4}"),
            ("sec-websocket-protocol", "a, b"),
        ] {
            assert_eq!(check_header(name, value), Ok(()), "{name}");
        }
    }

    #[test]
    fn headers_that_would_break_the_request_are_refused() {
        type IsExpected = fn(&HeaderError) -> bool;
        let cases: &[(&str, &str, IsExpected)] = &[
            ("", "x", |e| matches!(e, HeaderError::Name(_))),
            ("A B", "x", |e| matches!(e, HeaderError::Name(_))),
            ("A:", "x", |e| matches!(e, HeaderError::Name(_))),
            ("A\r\nB", "x", |e| matches!(e, HeaderError::Name(_))),
            ("\u{dc}", "x", |e| matches!(e, HeaderError::Name(_))),
            ("A", "x\r\nB: y", |e| {
                matches!(e, HeaderError::Value { found: '\r', .. })
            }),
            ("A", "x\ny", |e| {
                matches!(e, HeaderError::Value { found: '\n', .. })
            }),
            ("A", "x\0", |e| {
                matches!(e, HeaderError::Value { found: '\0', .. })
            }),
            ("A", "x\u{7f}", |e| matches!(e, HeaderError::Value { .. })),
            ("CONNECTION", "close", |e| matches!(e, HeaderError::Reserved(_))),
            ("Upgrade", "h2c", |e| matches!(e, HeaderError::Reserved(_))),
            ("Sec-WebSocket-Key", "x", |e| {
                matches!(e, HeaderError::Reserved(_))
            }),
            ("sec-websocket-version", "8", |e| {
                matches!(e, HeaderError::Reserved(_))
            }),
            ("Sec-WebSocket-Accept", "x", |e| {
                matches!(e, HeaderError::Reserved(_))
            }),
            ("Sec-WebSocket-Extensions", "x", |e| {
                matches!(e, HeaderError::Reserved(_))
            }),
            ("Transfer-Encoding", "chunked", |e| {
                matches!(e, HeaderError::Reserved(_))
            }),
            ("Content-Length", "5", |e| matches!(e, HeaderError::Reserved(_))),
            ("Sec-WebSocket-Protocol", "a b", |e| {
                matches!(e, HeaderError::Subprotocol(_))
            }),
            ("Sec-WebSocket-Protocol", "a,,b", |e| {
                matches!(e, HeaderError::Subprotocol(_))
            }),
        ];
        for (name, value, is_expected) in cases {
            let error = check_header(name, value).unwrap_err();
            assert!(is_expected(&error), "{name:?}: {value:?} gave {error:?}");
        }
    }

    #[test]
    fn headers_that_say_nothing_new_are_told_from_those_that_contradict() {
        for (name, value) in [
            ("Connection", "keep-alive"),
            ("connection", "Keep-Alive, Upgrade"),
            ("Upgrade", "WebSocket"),
            ("Sec-WebSocket-Version", " 13 "),
            ("Content-Length", "0"),
            ("Transfer-Encoding", "identity"),
            ("TE", "trailers"),
            ("Keep-Alive", "timeout=5"),
            ("Expect", "100-continue"),
        ] {
            assert!(is_implied(name, value), "{name}: {value}");
        }
        for (name, value) in [
            ("Connection", "close"),
            ("Connection", "keep-alive, X-Mine"),
            ("Upgrade", "h2c"),
            ("Sec-WebSocket-Version", "8"),
            ("Content-Length", "5"),
            ("Transfer-Encoding", "chunked"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Trailer", "Expires"),
        ] {
            assert!(!is_implied(name, value), "{name}: {value}");
            assert!(check_header(name, value).is_err(), "{name}: {value}");
        }
        assert!(!is_implied("X-Mine", "0"));
    }

    #[test]
    fn subprotocols_are_gathered_in_order() {
        let headers = [("SEC-websocket-protocol".to_owned(), "c ,d".to_owned())];
        assert_eq!(
            subprotocols(&["a".into(), "b".into()], &headers).unwrap(),
            ["a", "b", "c", "d"]
        );
        assert!(matches!(
            subprotocols(&["c".into()], &headers),
            Err(HeaderError::Repeated(_))
        ));
        assert!(matches!(
            subprotocols(&["c/d".into()], &[]),
            Err(HeaderError::Subprotocol(_))
        ));
    }

    #[test]
    fn as_many_subprotocols_as_one_likes_cost_no_more_each() {
        let many: Vec<String> = (0..100_000)
            .map(|nth| format!("a.protocol.of.some.length.{nth}"))
            .collect();
        let begun = std::time::Instant::now();
        assert_eq!(subprotocols(&many, &[]).unwrap(), many);
        // Some milliseconds; comparing each with all takes most of a minute.
        assert!(begun.elapsed().as_secs() < 3, "{:?}", begun.elapsed());
        let again = [("Sec-WebSocket-Protocol".to_owned(), many[7].clone())];
        assert_eq!(
            subprotocols(&many, &again),
            Err(HeaderError::Repeated(many[7].clone()))
        );
    }
}
