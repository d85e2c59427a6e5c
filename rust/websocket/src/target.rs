//! The address of a WebSocket: a parsed and checked URL. No I/O.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::{Host, Url};

/// RFC 2396 section 2.4.3, without the percent sign, which is written already.
const NOT_IN_A_URI: AsciiSet = CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A checked `ws`, `wss`, `http` or `https` URL. `http` is read as `ws`, `https` as `wss`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
    tls: bool,
    host: String,
    port: u16,
    authority: String,
}

/// Why a URL cannot be used; the text says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// A space at an end, CR, LF, NUL or another control character.
    #[error("a URL holds no control characters, and spaces only within path and query (found {0:?})")]
    Control(char),
    /// Not of the form `scheme://host`.
    #[error("not an absolute URL (expected ws://host:port/path): {0}")]
    Malformed(String),
    /// Neither of the four schemes.
    #[error("scheme {0:?} is not ws, wss, http or https")]
    Scheme(String),
    /// No host.
    #[error("the host is empty")]
    EmptyHost,
    /// Port 0 or above 65535, or no number.
    #[error("the port must be a number from 1 to 65535")]
    Port,
    /// `user:password@`.
    #[error(
        "user and password do not belong in the URL: use an HTTP Authorization Manager, or an Authorization header"
    )]
    UserInfo,
    /// `#fragment`.
    #[error("a WebSocket URL has no fragment (#...): write %23 for a '#' in the path")]
    Fragment,
}

impl Target {
    /// Parses and checks an absolute URL (RFC 6455 section 3).
    ///
    /// # Errors
    /// What is wrong with the URL, and what is allowed.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        // `url` silently drops tabs and line ends and trims spaces; a user should hear of them. Within path and query it writes
        // %20, as browsers do.
        let host_end = text.find("://").map_or(0, |at| at + 3);
        let host_end = host_end
            + text[host_end..]
                .find(['/', '?', '\\'])
                .unwrap_or(text.len() - host_end);
        let misplaced = |at: usize| at < host_end || text[at..].trim_end_matches(' ').is_empty();
        let bad = |(at, c): &(usize, char)| c.is_control() || (*c == ' ' && misplaced(*at));
        if let Some((_, bad)) = text.char_indices().find(bad) {
            return Err(UrlError::Control(bad));
        }
        let (scheme, rest) = text
            .split_once(':')
            .ok_or_else(|| UrlError::Malformed("there is no scheme".into()))?;
        if !["ws", "wss", "http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
            // `localhost:80/x` has no scheme either, but looks as if it had one.
            return Err(if rest.starts_with("//") {
                UrlError::Scheme(scheme.into())
            } else {
                UrlError::Malformed("there is no scheme".into())
            });
        }
        // `url` would take `ws:host` and `ws:///host` for `ws://host`.
        let after = rest
            .strip_prefix("//")
            .ok_or_else(|| UrlError::Malformed("no // after the scheme".into()))?;
        if after.is_empty() || after.starts_with(['/', '\\', '?', '#']) {
            return Err(UrlError::EmptyHost);
        }
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::EmptyHost => UrlError::EmptyHost,
            url::ParseError::InvalidPort => UrlError::Port,
            other => UrlError::Malformed(other.to_string()),
        })?;
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        Self::from_url(url)
    }

    fn from_url(url: Url) -> Result<Self, UrlError> {
        let tls = match url.scheme() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            other => return Err(UrlError::Scheme(other.into())),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::UserInfo);
        }
        let default = if tls { 443 } else { 80 };
        let port = url.port().unwrap_or(default);
        if port == 0 {
            return Err(UrlError::Port);
        }
        let (host, shown) = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => (name.to_owned(), name.to_owned()),
            Some(Host::Ipv4(address)) => (address.to_string(), address.to_string()),
            Some(Host::Ipv6(address)) => (address.to_string(), format!("[{address}]")),
            _ => return Err(UrlError::EmptyHost),
        };
        let authority = if port == default {
            shown
        } else {
            format!("{shown}:{port}")
        };
        Ok(Target {
            url,
            tls,
            host,
            port,
            authority,
        })
    }

    /// Resolves a reference against this address (RFC 3986 section 5), absolute or relative, as in a `Location`
    /// (RFC 9110 section 10.2.2); a fragment in it is dropped.
    ///
    /// # Errors
    /// As [`Target::parse`].
    pub fn join(&self, location: &str) -> Result<Self, UrlError> {
        let mut url = self
            .url
            .join(location)
            .map_err(|error| UrlError::Malformed(error.to_string()))?;
        url.set_fragment(None);
        Self::from_url(url)
    }

    /// Whether TLS is spoken.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host: a name, or an IP address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, from the URL or the scheme's own (80, 443).
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// As in the `Host` header: IPv6 in brackets, the port only when it is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// `host:port`, with the port in any case and IPv6 in brackets, as CONNECT wants it.
    pub(crate) fn host_and_port(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The path, from its first `/` on, percent-encoded.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// The query without its `?`, percent-encoded; `None`: there is no `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.url.query()
    }

    /// The same address with `http` or `https`, for those who know only these. What `java.net.URI` refuses in a path or a query and
    /// browsers send as it is, is percent-encoded.
    #[must_use]
    pub fn http_url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let rest = utf8_percent_encode(self.path_and_query(), &NOT_IN_A_URI);
        format!("{scheme}://{}{rest}", self.authority)
    }

    /// What stands in the request line.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.url[url::Position::BeforePath..url::Position::AfterQuery]
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority, self.path_and_query())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (text, shown, host, port, authority, path) in [
            ("ws://a", "ws://a/", "a", 80, "a", "/"),
            (
                "WS://A.example:80/x?y=1",
                "ws://a.example/x?y=1",
                "a.example",
                80,
                "a.example",
                "/x?y=1",
            ),
            ("wss://a:8443/x", "wss://a:8443/x", "a", 8443, "a:8443", "/x"),
            ("https://a", "wss://a/", "a", 443, "a", "/"),
            ("http://a:443", "ws://a:443/", "a", 443, "a:443", "/"),
            (
                "ws://[::1]:9001/",
                "ws://[::1]:9001/",
                "::1",
                9001,
                "[::1]:9001",
                "/",
            ),
            (
                "ws://127.0.0.1:1?q",
                "ws://127.0.0.1:1/?q",
                "127.0.0.1",
                1,
                "127.0.0.1:1",
                "/?q",
            ),
            (
                "ws://b\u{fc}cher.example/\u{e4}",
                "ws://xn--bcher-kva.example/%C3%A4",
                "xn--bcher-kva.example",
                80,
                "xn--bcher-kva.example",
                "/%C3%A4",
            ),
        ] {
            let target = Target::parse(text).unwrap();
            let found = (
                target.host(),
                target.port(),
                target.authority(),
                target.path_and_query(),
            );
            assert_eq!(found, (host, port, authority, path), "{text}");
            assert_eq!(target.to_string(), shown);
        }
    }

    #[test]
    fn bad_urls_are_refused_with_the_reason() {
        type IsExpected = fn(&UrlError) -> bool;
        let cases: &[(&str, IsExpected)] = &[
            ("", |e| matches!(e, UrlError::Malformed(_))),
            ("localhost", |e| matches!(e, UrlError::Malformed(_))),
            ("localhost:9001/x", |e| matches!(e, UrlError::Malformed(_))),
            ("ftp://a", |e| matches!(e, UrlError::Scheme(_))),
            ("://a", |e| matches!(e, UrlError::Scheme(_))),
            ("ws:a", |e| matches!(e, UrlError::Malformed(_))),
            ("ws://", |e| matches!(e, UrlError::EmptyHost)),
            ("ws:///x", |e| matches!(e, UrlError::EmptyHost)),
            ("ws://:9001/", |e| matches!(e, UrlError::EmptyHost)),
            ("ws://a:0", |e| matches!(e, UrlError::Port)),
            ("ws://a:70000", |e| matches!(e, UrlError::Port)),
            ("ws://a:x", |e| matches!(e, UrlError::Port)),
            ("ws://u:p@a", |e| matches!(e, UrlError::UserInfo)),
            ("ws://u@a", |e| matches!(e, UrlError::UserInfo)),
            ("ws://a/#x", |e| matches!(e, UrlError::Fragment)),
            ("ws://a/\r\nX: y", |e| matches!(e, UrlError::Control('\r'))),
            ("ws://a/\n", |e| matches!(e, UrlError::Control('\n'))),
            ("ws://a/\t", |e| matches!(e, UrlError::Control('\t'))),
            ("ws://a/\0", |e| matches!(e, UrlError::Control('\0'))),
            (" ws://a/", |e| matches!(e, UrlError::Control(' '))),
            ("ws://a b/", |e| matches!(e, UrlError::Control(' '))),
            ("ws://a /b", |e| matches!(e, UrlError::Control(' '))),
            ("ws://a/b ", |e| matches!(e, UrlError::Control(' '))),
            ("w s://a/b", |e| matches!(e, UrlError::Control(' '))),
            ("ws ://a/b", |e| matches!(e, UrlError::Control(' '))),
            ("ws://[::1", |e| matches!(e, UrlError::Malformed(_))),
            ("ws://999.1.1.1/", |e| matches!(e, UrlError::Malformed(_))),
        ];
        for (text, is_expected) in cases {
            let error = Target::parse(text).unwrap_err();
            assert!(is_expected(&error), "{text:?} gave {error:?}");
        }
    }

    #[test]
    fn what_browsers_take_is_taken_and_an_http_url_is_one_for_java_too() {
        for (text, sent, http) in [
            ("ws://a/b c?d e", "/b%20c?d%20e", "http://a/b%20c?d%20e"),
            ("wss://a_b.test/x|y", "/x|y", "https://a_b.test/x%7Cy"),
            (
                "ws://a?{\"k\":\"v^\"}",
                "/?{%22k%22:%22v^%22}",
                "http://a/?%7B%22k%22:%22v%5E%22%7D",
            ),
            (
                "ws://a:81/%20%7c?[1]",
                "/%20%7c?[1]",
                "http://a:81/%20%7c?%5B1%5D",
            ),
            ("ws://[::1]/", "/", "http://[::1]/"),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!(
                (target.path_and_query(), target.http_url().as_str()),
                (sent, http),
                "{text}"
            );
        }
        let target = Target::parse("ws://a/b?").unwrap();
        assert_eq!((target.path(), target.query()), ("/b", Some("")));
        assert_eq!(Target::parse("ws://a/b").unwrap().query(), None);
    }

    #[test]
    fn locations_are_joined() {
        let base = Target::parse("wss://a:8443/x/y?z").unwrap();
        for (location, expected) in [
            ("/b", "wss://a:8443/b"),
            ("b", "wss://a:8443/x/b"),
            ("//c/d", "wss://c/d"),
            ("https://e/f#g", "wss://e/f"),
            ("ws://a/", "ws://a/"),
        ] {
            assert_eq!(base.join(location).unwrap().to_string(), expected);
        }
        assert!(matches!(base.join("ftp://a/"), Err(UrlError::Scheme(_))));
        assert!(matches!(base.join("https://u:p@a/"), Err(UrlError::UserInfo)));
    }
}
