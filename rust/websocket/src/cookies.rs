//! The cookies of one connect call and of the connection that it leads to (RFC 6265): what was handed over, and what servers set
//! on the way. Which rules a cookie follows is the crate's business; what is sent, and what is kept at most, is said here.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use cookie_store::{CookieStore, RawCookie};
use url::Url;

use crate::Target;

/// Longer ones are ignored, as browsers do (RFC 6265 section 6.1 asks for that much).
const MAX_COOKIE: usize = 4096;

/// More are not learnt: one that is known may still change, or go.
const MOST_COOKIES: usize = 180;

/// A cookie that is known before the first request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value, sent as it is.
    pub value: String,
    /// The host that gets it, a dot before it or not; empty: the host of the call's own address.
    pub domain: String,
    /// Only that host, not those below it.
    pub host_only: bool,
    /// The path under which it is sent; empty: `/`.
    pub path: String,
    /// Only over TLS (or to this machine itself, as browsers have it).
    pub secure: bool,
    /// When it ends; `None`: not before the jar.
    pub expires: Option<SystemTime>,
}

/// A jar; clones share it.
#[derive(Clone, Default)]
pub struct Cookies {
    jar: Arc<Mutex<CookieStore>>,
}

impl Cookies {
    /// A jar with these in it. Those that are expired, or cannot be a cookie of their own domain, are left out.
    #[must_use]
    pub fn of(known: &[Cookie], target: &Target) -> Self {
        let mut jar = CookieStore::default();
        for cookie in known {
            let domain = cookie.domain.trim_start_matches('.');
            let at = if domain.is_empty() {
                request_url(target)
            } else if let Ok(url) = format!("https://{domain}/").parse() {
                url
            } else {
                continue;
            };
            let mut raw = RawCookie::new(cookie.name.as_str(), cookie.value.as_str());
            raw.set_secure(cookie.secure);
            raw.set_path(if cookie.path.is_empty() { "/" } else { &cookie.path });
            // An address has no hosts below it, and RFC 6265 no domain for it.
            if !cookie.host_only && !domain.is_empty() && at.domain().is_some() {
                raw.set_domain(domain);
            }
            if let Some(left) = cookie.expires.map(time_left) {
                raw.set_max_age(left.try_into().ok());
            }
            let _ = jar.insert_raw(&raw, &at);
        }
        Cookies {
            jar: Arc::new(Mutex::new(jar)),
        }
    }

    /// The `Cookie` line's value for a request to `target`; `given` is what the user wrote into one, which stands first and keeps its
    /// cookies.
    pub(crate) fn line(&self, target: &Target, given: Option<&str>) -> Option<String> {
        let jar = self.lock();
        if jar.iter_any().next().is_none() {
            return given.map(str::to_owned);
        }
        let url = request_url(target);
        let names: Vec<&str> = given
            .unwrap_or_default()
            .split(';')
            .map(|pair| pair.split('=').next().unwrap_or_default().trim())
            .collect();
        let mut found = jar.matches(&url);
        found.retain(|cookie| !names.contains(&cookie.name()));
        // Longer paths first (RFC 6265 section 5.4); by name so that the same request is sent each time.
        found.sort_by(|a, b| b.path.len().cmp(&a.path.len()).then(a.name().cmp(b.name())));
        let pairs = found
            .iter()
            .map(|cookie| format!("{}={}", cookie.name(), cookie.value()));
        let all: Vec<String> = given.map(str::to_owned).into_iter().chain(pairs).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Takes note of a `Set-Cookie` of `target`; what is none, or not for `target` to set, is ignored.
    pub(crate) fn learn(&self, target: &Target, set_cookie: &str) {
        let mut jar = self.lock();
        let url = request_url(target);
        let Ok(cookie) = cookie_store::Cookie::parse(set_cookie, &url) else {
            return;
        };
        let is_too_long = cookie.name().len() + cookie.value().len() > MAX_COOKIE;
        let is_known = || match cookie.domain.as_cow() {
            Some(domain) => jar.contains_any(&domain, &cookie.path, cookie.name()),
            None => false,
        };
        if is_too_long || (jar.iter_any().count() >= MOST_COOKIES && !is_known()) {
            return;
        }
        let _ = jar.insert(cookie.into_owned(), &url);
    }

    fn lock(&self) -> MutexGuard<'_, CookieStore> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Zero: over.
fn time_left(expires: SystemTime) -> Duration {
    expires.duration_since(SystemTime::now()).unwrap_or_default()
}

/// Cookies know `http` and `https` only.
fn request_url(target: &Target) -> Url {
    target
        .http_url()
        .parse()
        .expect("it was written by the same parser")
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cookies({})", self.lock().iter_any().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::parse(url).unwrap()
    }

    fn cookie(name: &str, domain: &str) -> Cookie {
        Cookie {
            name: name.into(),
            value: "1".into(),
            domain: domain.into(),
            ..Cookie::default()
        }
    }

    fn sent(cookies: &Cookies, url: &str) -> String {
        cookies.line(&target(url), None).unwrap_or_default()
    }

    #[test]
    fn cookies_go_where_their_domain_path_and_scheme_lead() {
        let known = [
            cookie("all", "example.com"),
            cookie("dot", ".example.com"),
            cookie("mine", ""),
            cookie("ip", "127.0.0.1"),
            Cookie {
                host_only: true,
                ..cookie("host", "example.com")
            },
            Cookie {
                path: "/deep/er".into(),
                ..cookie("path", "example.com")
            },
            Cookie {
                secure: true,
                ..cookie("tls", "example.com")
            },
            Cookie {
                expires: Some(SystemTime::UNIX_EPOCH),
                ..cookie("over", "example.com")
            },
            Cookie {
                expires: Some(SystemTime::now() + Duration::from_secs(60)),
                ..cookie("soon", "example.com")
            },
            cookie("odd", "no host at all"),
        ];
        let cookies = Cookies::of(&known, &target("ws://own.test/"));
        for (url, expected) in [
            ("ws://example.com/", "all=1; dot=1; host=1; soon=1"),
            ("wss://example.com/", "all=1; dot=1; host=1; soon=1; tls=1"),
            ("ws://a.example.com/deep/er/x", "path=1; all=1; dot=1; soon=1"),
            ("ws://notexample.com/", ""),
            ("ws://127.0.0.1:81/", "ip=1"),
            ("ws://own.test/x?y", "mine=1"),
            ("ws://sub.own.test/", ""),
        ] {
            assert_eq!(sent(&cookies, url), expected, "{url}");
        }
    }

    #[test]
    fn a_server_sets_changes_and_deletes_its_own() {
        let cookies = Cookies::default();
        let learn = |url: &str, line: &str| cookies.learn(&target(url), line);
        learn("ws://a.test/x/y", "one=1; HttpOnly");
        learn("ws://a.test/", "two=\"2\"; Path=/; Max-Age=60");
        learn("ws://a.test/", "evil=1; Domain=b.test");
        learn("ws://a.test/", "no cookie");
        learn("ws://a.test/", &format!("long={}", "x".repeat(MAX_COOKIE)));
        assert_eq!(sent(&cookies, "ws://a.test/x/z"), "one=1; two=\"2\"");
        assert_eq!(sent(&cookies, "ws://a.test/"), "two=\"2\"");
        assert_eq!(sent(&cookies, "ws://b.test/"), "");
        learn("ws://a.test/", "two=3; Path=/");
        assert_eq!(sent(&cookies, "ws://a.test/"), "two=3");
        learn(
            "ws://a.test/",
            "two=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        );
        assert_eq!(sent(&cookies, "ws://a.test/"), "");
    }

    #[test]
    fn what_the_user_wrote_stands_first_and_counts() {
        let cookies = Cookies::of(&[cookie("a", ""), cookie("b", "")], &target("ws://a.test/"));
        let line = cookies.line(&target("ws://a.test/"), Some("a=mine; c=3"));
        assert_eq!(line.as_deref(), Some("a=mine; c=3; b=1"));
        assert_eq!(
            cookies.line(&target("ws://b.test/"), Some("a=mine")).as_deref(),
            Some("a=mine")
        );
    }

    #[test]
    fn a_server_cannot_fill_the_memory() {
        let cookies = Cookies::default();
        let at = target("ws://a.test/");
        for number in 0..10 * MOST_COOKIES {
            cookies.learn(&at, &format!("c{number}=1"));
        }
        cookies.learn(&at, "c0=2");
        let line = cookies.line(&at, None).unwrap();
        assert_eq!(line.split("; ").count(), MOST_COOKIES);
        assert!(line.contains("c0=2"));
    }
}
