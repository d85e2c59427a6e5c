//! What Java sends of a connect: once of the element, and with each call that has anything of its own, put into the call's specification. What an element's properties mean stands next door.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use engine::connecting::spec::ConnectSpec;
use serde::Deserialize;
use websocket::{Cookie, Cookies, Dial, Login, Sessions};

use crate::values::Invalid;

/// What an element connects by, as Java sends it once and again when it has changed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectRequest {
    /// Simple class name of the element.
    pub element: String,
    /// Its `wsb.*` properties.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// Who connects, stable from run to run: JMeter's thread name.
    #[serde(default)]
    pub user: String,
    /// Where attempts are traced to, if anywhere.
    #[serde(default)]
    pub trace: Option<PathBuf>,
    /// `all`: the trace shows secrets in addresses, too.
    #[serde(default, rename = "traceShow")]
    pub trace_show: String,
    /// Whether it is no part of a test, as a panel tries it out: one attempt, at most as long as its connect time-out, that no figure
    /// counts, that is not traced, and that no other user learns of.
    #[serde(default)]
    pub apart: bool,
    /// Client certificate from JMeter's key store.
    #[serde(default)]
    pub identity: Option<IdentityRequest>,
    /// CA certificates of JMeter's trust store, DER in Base64.
    #[serde(default)]
    pub roots: Vec<String>,
    /// JMeter's own proxy, used when `wsb.proxy` is empty.
    #[serde(default)]
    pub proxy: String,
    /// From HTTP Request Defaults, used when `wsb.baseUrl` is empty.
    #[serde(default, rename = "baseUrl")]
    pub base_url: String,
    /// How long addresses that were looked up are kept, in seconds, as `networkaddress.cache.ttl` has it: 0 keeps none, below 0
    /// is for ever.
    #[serde(default = "usual_ttl", rename = "dnsTtl")]
    pub dns_ttl: i64,
}

fn usual_ttl() -> i64 {
    websocket::USUAL_TTL.as_secs().try_into().unwrap_or(i64::MAX)
}

/// What may differ from call to call, as Java sends it with a connect that has any of it, and again before a lost connection is
/// made anew: there, what is left out stays as it was, a login with the headers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRequest {
    /// Headers for the upgrade, in order.
    #[serde(default)]
    pub headers: Option<Vec<(String, String)>>,
    /// Who logs in where the server asks with Digest.
    #[serde(default)]
    pub login: Option<LoginRequest>,
    /// Addresses of the URL's host, looked up by JMeter; empty: looked up here.
    #[serde(default)]
    pub addresses: Option<Vec<IpAddr>>,
    /// Cookies that the user has, of whatever hosts; each request gets those that are for it.
    #[serde(default)]
    pub cookies: Option<Vec<CookieRequest>>,
    /// Which user of this name calls: another number is a new one, who has no TLS sessions yet.
    #[serde(default)]
    pub visit: u64,
    /// Whether all of this is to be said again before a lost connection is made anew.
    #[serde(default)]
    pub asks: bool,
}

/// Whom to log in as, as authorization managers keep it.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The user's name.
    pub user: String,
    /// The password; never shown.
    #[serde(default)]
    pub password: String,
    /// The only realm that gets it; empty: any.
    #[serde(default)]
    pub realm: String,
}

impl fmt::Debug for LoginRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Login::from(self.clone()).fmt(f)
    }
}

impl From<LoginRequest> for Login {
    fn from(request: LoginRequest) -> Self {
        Login {
            user: request.user,
            password: request.password,
            realm: request.realm,
        }
    }
}

/// A cookie, as cookie managers keep it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CookieRequest {
    /// Its name.
    pub name: String,
    /// Its value, sent as it is.
    #[serde(default)]
    pub value: String,
    /// The host that gets it, with those below it unless `hostOnly`; empty: the host of the URL alone.
    #[serde(default)]
    pub domain: String,
    /// Only that host.
    #[serde(default, rename = "hostOnly")]
    pub host_only: bool,
    /// The path under which it is sent; empty: all.
    #[serde(default)]
    pub path: String,
    /// Only over TLS.
    #[serde(default)]
    pub secure: bool,
    /// When it ends, in seconds since 1970; 0: not before the connection.
    #[serde(default)]
    pub expires: u64,
}

impl From<CookieRequest> for Cookie {
    fn from(request: CookieRequest) -> Self {
        let expires =
            (request.expires > 0).then(|| UNIX_EPOCH.checked_add(Duration::from_secs(request.expires)));
        Cookie {
            name: request.name,
            value: request.value,
            domain: request.domain,
            host_only: request.host_only,
            path: request.path,
            secure: request.secure,
            expires: expires.flatten(),
        }
    }
}

/// A client certificate with its key, DER in Base64.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityRequest {
    /// The certificate first, then those that lead to its CA.
    pub chain: Vec<String>,
    /// The private key, PKCS#8.
    pub key: String,
}

impl CallRequest {
    /// What a lost connection is made anew by, from what it was made by.
    ///
    /// # Errors
    /// The first header or cookie that cannot be used.
    pub fn renewed(self, made_by: &ConnectSpec) -> Result<ConnectSpec, Invalid> {
        let mut spec = made_by.clone();
        self.put_into(&mut spec, None)?;
        Ok(spec)
    }

    /// Puts what is said here in the place of what the specification has.
    pub(super) fn put_into(self, spec: &mut ConnectSpec, sessions: Option<Sessions>) -> Result<(), Invalid> {
        if let Some(cookies) = self.cookies {
            let cookies: Vec<Cookie> = cookies.into_iter().map(Cookie::from).collect();
            check_cookies(&cookies)?;
            spec.cookies = Cookies::of(&cookies, &spec.dial.target);
        }
        let says_who = self.headers.is_some() || self.login.is_some();
        if !says_who && self.addresses.is_none() && sessions.is_none() {
            return Ok(());
        }
        let mut dial = Dial::clone(&spec.dial);
        if says_who {
            dial.headers = self.headers.unwrap_or_default();
            check(&dial.headers)?;
            dial.login = self.login.map(Login::from);
        }
        dial.addresses = self.addresses.unwrap_or(dial.addresses);
        if let Some(sessions) = sessions {
            dial.tls = dial.tls.of_user(sessions);
        }
        spec.dial = Arc::new(dial);
        Ok(())
    }

    /// Takes out the headers that need not be sent; what to say of them, if there are any.
    pub fn leave_out(&mut self) -> Option<String> {
        let mut lines = Vec::new();
        self.headers.as_mut()?.retain(|(name, value)| {
            let implied = websocket::is_implied(name, value);
            if implied {
                lines.push(format!("{name}: {value}"));
            }
            !implied
        });
        (!lines.is_empty()).then(|| {
            format!(
                "not sent, as the handshake needs none of these: {}",
                lines.join(", ")
            )
        })
    }
}

/// A cookie is a header in the end.
fn check_cookies(cookies: &[Cookie]) -> Result<(), Invalid> {
    for cookie in cookies {
        let is_odd = |text: &str| text.contains(|c: char| c.is_control() || c == ';');
        if is_odd(&cookie.name) || is_odd(&cookie.value) {
            return Err(Invalid::new(
                format!("cookie {:?}", cookie.name),
                cookie.value.as_str(),
                "a semicolon or a control character",
                "a name and a value that fit into a header line",
            ));
        }
    }
    Ok(())
}

fn check(headers: &[(String, String)]) -> Result<(), Invalid> {
    for (name, value) in headers {
        websocket::check_header(name, value).map_err(|error| {
            Invalid::new(
                format!("header {name:?}"),
                value,
                error.to_string(),
                "header lines that the handshake does not set itself, on one line",
            )
        })?;
    }
    Ok(())
}
