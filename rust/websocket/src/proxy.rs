//! The proxy: its address, and the CONNECT through an HTTP one (RFC 9110 section 9.3.6).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::BASE64;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use crate::content::{self, MAX_BODY};
use crate::login::{self, MOST_CHALLENGES};
use crate::tcp::Socket;
use crate::upgrade::BODY_TIME;
use crate::{Answer, Error, Login, Trace};

/// A proxy's answer to CONNECT has no reason to be longer.
const MAX_HEAD: usize = 16 * 1024;

/// A proxy that is asked to connect to the target, for `ws` and `wss` alike.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub(crate) kind: ProxyKind,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) login: Option<(String, String)>,
}

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyKind {
    Http,
    Socks5,
}

/// Why a proxy cannot be used; the text says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} (expected http://host:port, http://user:password@host:port or the same with socks5://)")]
pub struct ProxyError {
    what: String,
}

impl Proxy {
    /// An HTTP proxy from its parts, as JMeter's options have them; an empty user means no login.
    ///
    /// # Errors
    /// An empty host, or port 0.
    pub fn new(host: &str, port: u16, user: &str, password: &str) -> Result<Self, ProxyError> {
        let fault = |what: &str| Err(ProxyError { what: what.into() });
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return fault("the proxy's host is empty or has spaces in it");
        }
        if port == 0 {
            return fault("the proxy's port must be from 1 to 65535");
        }
        if user.contains(':')
            || [user, password]
                .iter()
                .any(|text| text.chars().any(char::is_control))
        {
            return fault("the proxy's user or password has a colon or a control character in it");
        }
        let login = (!user.is_empty()).then(|| (user.to_owned(), password.to_owned()));
        Ok(Proxy {
            kind: ProxyKind::Http,
            host: host.into(),
            port,
            login,
        })
    }

    /// The address of a proxy as it may be shown when it cannot be read: without what may be a login.
    #[must_use]
    pub fn without_login(text: &str) -> String {
        let (scheme, rest) = text
            .split_once("://")
            .map_or(("", text), |(scheme, rest)| (scheme, rest));
        // Also `user:password:host:port` and whatever else people write: only what can hold no password is repeated.
        let (host, hidden) = match rest.rsplit_once('@') {
            Some((_, host)) => (host, "...@"),
            None if rest.matches(':').count() > 1 && !rest.starts_with('[') => ("...", ""),
            None => (rest, ""),
        };
        let scheme = if scheme.is_empty() || scheme.contains([':', '@']) {
            String::new()
        } else {
            format!("{scheme}://")
        };
        format!("{scheme}{hidden}{host}")
    }

    /// `host:port`, IPv6 in brackets.
    #[must_use]
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Asks for a login (RFC 9110 section 15.5.8).
const ASKS_FOR_LOGIN: u16 = 407;

/// Logging in at an HTTP proxy, for `Proxy-Authorization`.
impl Proxy {
    /// What is sent unasked.
    pub(crate) fn basic(&self) -> Option<String> {
        let (user, password) = self.login.as_ref()?;
        let login = BASE64.encode(format!("{user}:{password}").as_bytes());
        Some(format!("Basic {login}"))
    }

    /// What answers a challenge of Digest, after so many that were answered; `None`: the refusal is final.
    pub(crate) fn digest(&self, refusal: &Answer, authority: &str, answered: u32) -> Option<String> {
        let (user, password) = self.login.clone()?;
        if refusal.status != ASKS_FOR_LOGIN || answered >= MOST_CHALLENGES {
            return None;
        }
        let realm = String::new();
        let login = Login {
            user,
            password,
            realm,
        };
        let mut challenge = login.challenge(refusal.header("proxy-authenticate"), answered > 0)?;
        login.answer(&mut challenge, "CONNECT", authority)
    }

    /// How it asks for a login, as the end of a sentence; empty: it does not.
    fn wish(&self, refusal: &Answer) -> String {
        let schemes = login::schemes(refusal.header("proxy-authenticate"));
        if refusal.status != ASKS_FOR_LOGIN || schemes.is_empty() {
            return String::new();
        }
        let is_known = |scheme: &str| ["basic", "digest"].contains(&scheme.to_ascii_lowercase().as_str());
        match &self.login {
            Some(_) if schemes.split(", ").any(is_known) => {
                format!(", which asks for {schemes}: it does not take this login")
            }
            _ if schemes.split(", ").any(is_known) => format!(", which asks for a login by {schemes}"),
            _ => format!(", which asks for a login by {schemes}; only Basic and Digest can be answered"),
        }
    }
}

/// Asks the proxy at the other end of `socket` for a tunnel to `authority` (`host:port`). Reads not one byte more than the
/// proxy's head, as all that follows belongs to the tunnel; of a refusal the body too, which goes into the trace with the rest.
pub(crate) async fn connect(
    proxy: &Proxy,
    authority: &str,
    authorization: Option<&str>,
    socket: &mut Socket,
    trace: &mut Trace,
) -> Result<(), Error> {
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    if let Some(authorization) = authorization {
        request.push_str(&format!("Proxy-Authorization: {authorization}\r\n"));
    }
    request.push_str("\r\n");
    let closed = |what: String| Error::ProxyClosed {
        proxy: proxy.address(),
        what,
    };
    socket
        .write_all(request.as_bytes())
        .await
        .map_err(|error| closed(error.to_string()))?;
    let head = read_head(proxy, socket).await?;
    match crate::answer::parse(&head) {
        Some(answer) if (200..300).contains(&answer.status) => Ok(()),
        Some(mut answer) => {
            read_body(socket, &mut answer, trace).await;
            let refused = Error::ProxyStatus {
                proxy: proxy.address(),
                status: answer.status,
                reason: answer.reason.clone(),
                wish: proxy.wish(&answer),
            };
            trace.answer = Some(Arc::new(answer));
            Err(refused)
        }
        None => Err(Error::ProxyMalformed {
            proxy: proxy.address(),
            what: format!("answered {:?}", crate::answer::beginning(&head)),
        }),
    }
}

/// Reads what a refusal says beside its head, for display and hints; chunks are not taken apart, nobody gets to see them.
async fn read_body(socket: &mut Socket, answer: &mut Answer, trace: &mut Trace) {
    let is_chunked = answer.header("transfer-encoding").next().is_some();
    let length = answer
        .header("content-length")
        .next()
        .map(|value| value.trim().parse::<usize>());
    let expected = match length {
        Some(Ok(length)) if !is_chunked => length,
        // HTTP/1.0, and those that close.
        None if !is_chunked => usize::MAX,
        _ => return,
    };
    let began = Instant::now();
    let mut rest = socket.take(expected.min(MAX_BODY) as u64);
    let mut body = Vec::new();
    let read = timeout(BODY_TIME, rest.read_to_end(&mut body)).await;
    if read.is_err() {
        trace.stalled = began.elapsed();
    }
    answer.body_cut = !matches!(read, Ok(Ok(_))) || (length.is_some() && body.len() < expected);
    answer.body = body;
    content::decode(answer);
}

async fn read_head(proxy: &Proxy, socket: &mut Socket) -> Result<Vec<u8>, Error> {
    let closed = |what: String| Error::ProxyClosed {
        proxy: proxy.address(),
        what,
    };
    let malformed = |what: String| Error::ProxyMalformed {
        proxy: proxy.address(),
        what,
    };
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let seen = socket
            .peek(&mut chunk)
            .await
            .map_err(|error| closed(error.to_string()))?;
        if seen == 0 {
            return Err(closed(format!(
                "ended the connection after {} bytes of its answer",
                head.len()
            )));
        }
        let before = head.len();
        head.extend_from_slice(&chunk[..seen]);
        let end = crate::answer::head_end(&head, 0);
        let take = end.unwrap_or(head.len()) - before;
        head.truncate(before + take);
        socket
            .read_exact(&mut chunk[..take])
            .await
            .map_err(|error| closed(error.to_string()))?;
        if end.is_some() {
            return Ok(head);
        }
        if !crate::answer::may_be_http(&head) {
            return Err(malformed(format!(
                "answered {:?}",
                crate::answer::beginning(&head)
            )));
        }
        if head.len() > MAX_HEAD {
            return Err(malformed(format!(
                "the head of its answer is longer than {MAX_HEAD} bytes"
            )));
        }
    }
}

/// `http://host:port`, `host:port`, `http://user:password@host:port`, and the same with `socks5://` or `socks5h://` (which mean the
/// same: the proxy looks names up); user and password percent-decoded.
impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = |what: String| ProxyError { what };
        if text.chars().any(|c| c.is_control() || c == ' ') {
            return Err(fault(
                "spaces or control characters in the proxy's address".into(),
            ));
        }
        let full = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let url = url::Url::parse(&full).map_err(|error| fault(error.to_string()))?;
        // `url` hides a port that is the scheme's own; it is meant then, and written or not makes no difference.
        let (kind, usual_port) = match url.scheme() {
            "http" => (ProxyKind::Http, 80),
            "socks5" | "socks5h" => (ProxyKind::Socks5, 1080),
            other => return Err(fault(format!("proxies of scheme {other:?} are not supported"))),
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(fault("nothing may follow the proxy's port".into()));
        }
        let proxy = Proxy::new(
            url.host_str().unwrap_or_default(),
            url.port().unwrap_or(usual_port),
            &percent_decode(url.username()),
            &percent_decode(url.password().unwrap_or_default()),
        )?;
        Ok(Proxy { kind, ..proxy })
    }
}

/// Without the password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            ProxyKind::Http => "http",
            ProxyKind::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{}", self.address())
    }
}

/// Without the password: configurations end up in logs.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn percent_decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_proxies_are_read() {
        for (text, address, login) in [
            ("http://p:3128", "p:3128", None),
            ("p:3128", "p:3128", None),
            ("p", "p:80", None),
            ("http://p:80/", "p:80", None),
            ("http://[::1]:3128", "[::1]:3128", None),
            ("http://u:s@p:1", "p:1", Some(("u", "s"))),
            ("http://u@p:1", "p:1", Some(("u", ""))),
            ("http://u%40d:%3a%25@p:1", "p:1", Some(("u@d", ":%"))),
            ("socks5://p", "p:1080", None),
            ("socks5h://p:1", "p:1", None),
            ("socks5://u:s%3a@[::1]:9", "[::1]:9", Some(("u", "s:"))),
        ] {
            let proxy: Proxy = text.parse().unwrap();
            assert_eq!(proxy.address(), address, "{text}");
            let found = proxy
                .login
                .as_ref()
                .map(|(user, password)| (user.as_str(), password.as_str()));
            assert_eq!(found, login, "{text}");
            assert!(
                !format!("{proxy:?} {proxy}").contains('@'),
                "the login must not be shown"
            );
        }
    }

    #[test]
    fn a_login_is_not_repeated() {
        for (text, shown) in [
            ("http://u:secret@host:x", "http://...@host:x"),
            ("u:secret@host:x", "...@host:x"),
            ("u:sec@ret@host:x", "...@host:x"),
            ("socks4://u:secret@h", "socks4://...@h"),
            ("host:99999", "host:99999"),
            ("https://host:1", "https://host:1"),
            ("http://[::1]:x", "http://[::1]:x"),
            ("host:3128:user:secret", "..."),
            ("u:secret://@h", "...@h"),
        ] {
            assert_eq!(Proxy::without_login(text), shown);
            assert!(
                !text.parse::<Proxy>().unwrap_err().to_string().contains("secret"),
                "{text}"
            );
        }
    }

    #[test]
    fn bad_proxies_are_refused() {
        for text in [
            "",
            "http://",
            "socks4://p:1",
            "socks5://",
            "socks5://p:0",
            "socks5://p:1/x",
            "https://p:1",
            "http://p:0",
            "http://p:70000",
            "http://p:1/x",
            "p :1",
            "p\r\n:1",
        ] {
            let error = text.parse::<Proxy>().unwrap_err();
            assert!(
                error.to_string().contains("http://user:password@host:port"),
                "{text:?}: {error}"
            );
        }
    }
}
