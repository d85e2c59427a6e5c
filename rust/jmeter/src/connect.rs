//! Turns what an element connects by into a checked plan, once, and the plan into the specification of each call: everything
//! the loop needs, or the first thing that is wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use backoff::{BodyPattern, HintPolicy, HintSource, PacerMode, PacerSettings, Policy, PolicyError};
use conversation::queue::Bounds;
use engine::connecting::spec::{ConnectSpec, Keeping};
use engine::gates::gate::{Gate, Gates};
use serde::Deserialize;
use websocket::{
    Cookie, Cookies, Dial, Identity, Login, Names, Proxy, Resume, Sessions, Target, Tls, TlsOptions,
};

use super::encoding::base64;
use super::values::{Invalid, Values};
use crate::variables::CONNECT_SAMPLER;
use engine::locks::lock;

/// How many redirects an attempt follows.
const MAX_REDIRECTS: u32 = 5;

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

/// What counts as a sample's elapsed time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElapsedMode {
    /// Work only; waits are idle time.
    Attempts,
    /// Waits too.
    Total,
}

/// What of a connect call is shown, and how.
#[derive(Debug, Clone, Copy)]
pub struct ShownAs {
    /// What counts as elapsed.
    pub elapsed: ElapsedMode,
    /// Whether every attempt becomes a sub-result.
    pub subresults: bool,
}

/// What an element connects by, checked: any number of calls are made from it.
#[derive(Debug)]
pub struct ConnectPlan {
    /// The call without what is its own.
    call: ConnectSpec,
    /// The user's seed, of which each call has a stream.
    seed: Option<u64>,
    /// TLS sessions of the user's newest visit, and which that is.
    sessions: Mutex<(u64, Sessions)>,
    /// For its results.
    pub shown: ShownAs,
}

impl ConnectPlan {
    /// Checks what an element connects by; its gate is one of `gates`.
    ///
    /// # Errors
    /// The first property that cannot be used.
    pub fn new(mut request: ConnectRequest, gates: &Gates) -> Result<Self, Invalid> {
        let values = Values::new(std::mem::take(&mut request.properties))?;
        if !matches!(request.trace_show.as_str(), "" | "all") {
            return Err(Invalid::new(
                "wsb.trace.show",
                request.trace_show,
                "no word that is known",
                "all, or nothing: secrets in addresses are hidden",
            ));
        }
        let policy = policy(&values)?;
        let seed = values.optional("wsb.retry.seed", "a whole number from 0 to 18446744073709551615")?;
        let elapsed = values.word(
            "wsb.result.elapsed",
            &[("attempts", ElapsedMode::Attempts), ("total", ElapsedMode::Total)],
        )?;
        let subresults = values.word("wsb.result.attempts", &[("none", false), ("subresults", true)])?;
        let sessions = Sessions::of(&request.user, 0);
        let mut dial = dial(&values, &request)?;
        dial.tls = dial.tls.of_user(sessions.clone());
        let quota = quota_of(&dial.target);
        let crowd = gates.crowd(&quota_key(&values, &quota));
        let gate = gate(&values, &quota, gates)?;
        let call = ConnectSpec {
            dial: Arc::new(dial),
            cookies: Cookies::default(),
            keeping: keeping(&values)?,
            settle: values.duration("wsb.settle")?,
            asks: false,
            policy: Arc::new(policy),
            seed: None,
            user: request.user.into(),
            ordinal: 0,
            trace: request.trace.map(Arc::from),
            gate,
            crowd,
            keep_texts: subresults,
            element: CONNECT_SAMPLER,
            connection: values.text("wsb.connection").into(),
        };
        let shown = ShownAs { elapsed, subresults };
        Ok(ConnectPlan {
            call,
            seed,
            sessions: Mutex::new((0, sessions)),
            shown,
        })
    }

    /// The user's call of this number, from 0.
    ///
    /// # Errors
    /// The first header that cannot be used.
    pub fn call(&self, ordinal: u64, own: CallRequest) -> Result<ConnectSpec, Invalid> {
        let mut call = self.call.clone();
        call.ordinal = ordinal;
        call.seed = self
            .seed
            .map(|seed| backoff::stream_seed(seed, &call.user, ordinal));
        call.asks = own.asks;
        call.cookies = Cookies::default(); // a jar of its own
        let sessions = (own.visit != 0).then(|| self.sessions(own.visit));
        own.put_into(&mut call, sessions)?;
        Ok(call)
    }
}

impl ConnectPlan {
    /// Those of the user that calls now; held from call to call.
    fn sessions(&self, visit: u64) -> Sessions {
        let mut held = lock(&self.sessions);
        if held.0 != visit {
            *held = (visit, Sessions::of(&self.call.user, visit));
        }
        held.1.clone()
    }
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
    fn put_into(self, spec: &mut ConnectSpec, sessions: Option<Sessions>) -> Result<(), Invalid> {
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

/// What a gate stands before where nobody names it: the server and the path, without the query.
fn quota_of(target: &Target) -> String {
    let path = target.path_and_query().split('?').next().unwrap_or_default();
    format!("{}:{}{path}", target.host(), target.port())
}

/// The quota of a sample by its address, which may be a part of one with a base beside it, as of [`ConnectPlan`]; what is no address
/// is a name of its own.
pub(crate) fn quota_by(address: &str, base: &str) -> String {
    join(address, base).map_or_else(|_| address.to_owned(), |target| quota_of(&target))
}

/// The gate before a quota, by the properties of the element that asks; `None`: it wants none.
pub(crate) fn gate(values: &Values, quota: &str, gates: &Gates) -> Result<Option<Arc<Gate>>, Invalid> {
    let settings = gate_settings(values, values.choice("wsb.shared.mode")?)?;
    if settings.mode == PacerMode::Off {
        return Ok(None);
    }
    gate_of(values, settings, quota, gates).map(Some)
}

/// As [`gate`], of an element that says in its own way what the gate does.
pub(crate) fn gate_of_mode(
    values: &Values,
    mode: PacerMode,
    quota: &str,
    gates: &Gates,
) -> Result<Arc<Gate>, Invalid> {
    gate_of(values, gate_settings(values, mode)?, quota, gates)
}

fn gate_settings(values: &Values, mode: PacerMode) -> Result<PacerSettings, Invalid> {
    const RATES: &str = "a number of attempts a second";
    let settings = PacerSettings {
        mode,
        rate: values.parse("wsb.shared.rate", RATES)?,
        beta: values.parse("wsb.shared.beta", "a number above 0 and below 1")?,
        increase: values.parse("wsb.shared.increase", RATES)?,
        min_rate: values.parse("wsb.shared.minRate", RATES)?,
        max_rate: values.parse("wsb.shared.maxRate", RATES)?,
        spread: values.duration("wsb.shared.spread")?,
        ..PacerSettings::default()
    };
    settings.check().map_err(|error| impossible(values, error))?;
    Ok(settings)
}

/// The name of a quota: what it stands before, and what users add to it.
fn quota_key(values: &Values, quota: &str) -> String {
    format!("{quota} {}", values.text("wsb.shared.key"))
}

fn gate_of(
    values: &Values,
    settings: PacerSettings,
    quota: &str,
    gates: &Gates,
) -> Result<Arc<Gate>, Invalid> {
    let key = quota_key(values, quota);
    gates
        .get(&key, settings)
        .map_err(|there| conflict(&key, &settings, &there))
}

/// Two who share a gate and want it otherwise: which key they differ in, and what to do.
fn conflict(gate: &str, wanted: &PacerSettings, there: &PacerSettings) -> Invalid {
    let figures = |settings: &PacerSettings| {
        [
            ("wsb.shared.mode", settings.mode.to_string()),
            ("wsb.shared.rate", settings.rate.to_string()),
            ("wsb.shared.beta", settings.beta.to_string()),
            ("wsb.shared.increase", settings.increase.to_string()),
            ("wsb.shared.minRate", settings.min_rate.to_string()),
            ("wsb.shared.maxRate", settings.max_rate.to_string()),
            ("wsb.shared.spread", units::format_duration(settings.spread)),
        ]
    };
    let pairs = || figures(wanted).into_iter().zip(figures(there));
    let differing = pairs().find(|(wanted, there)| wanted != there);
    let ((key, value), (_, other)) = differing.or_else(|| pairs().next()).expect("seven figures");
    Invalid::new(
        key,
        value,
        format!(
            "the gate of {} already has {other}, by another element or by this one earlier",
            gate.trim_end()
        ),
        format!(
            "one {key} for all who share a gate and for the whole test (wsb - Defaults is the place for it), or a wsb.shared.key of its own for each"
        ),
    )
}

/// Figures that are fine each, but not together.
fn impossible(values: &Values, error: PolicyError) -> Invalid {
    let key = if error.field.contains('.') {
        format!("wsb.{}", error.field)
    } else {
        format!("wsb.retry.{}", error.field)
    };
    let value = values.text(&key).to_owned();
    let problem = if value.is_empty() {
        "empty"
    } else {
        "not possible here"
    };
    Invalid::new(key, value, problem, error.allowed)
}

fn keeping(values: &Values) -> Result<Keeping, Invalid> {
    Ok(Keeping {
        keep_alive: values.duration("wsb.keepAlive")?,
        pong_timeout: values.positive_duration("wsb.pongTimeout")?,
        queue: Bounds {
            messages: values.parse("wsb.queue.messages", "a whole number from 0 on")?,
            bytes: values.size("wsb.queue.bytes", 0)?,
        },
        queue_total: values.size("wsb.queue.total", 0)?,
        reconnect: values.word("wsb.reconnect", &[("no", false), ("on-next-use", true)])?,
    })
}

fn dial(values: &Values, request: &ConnectRequest) -> Result<Dial, Invalid> {
    let subprotocols: Vec<String> = values.list("wsb.subprotocols").map(str::to_owned).collect();
    for subprotocol in &subprotocols {
        websocket::check_subprotocol(subprotocol).map_err(|error| {
            Invalid::new(
                "wsb.subprotocols",
                subprotocol,
                error.to_string(),
                "names without blanks or separators, commas between them",
            )
        })?;
    }
    Ok(Dial {
        target: target(values, &request.base_url)?,
        headers: Vec::new(),
        login: None,
        subprotocols,
        addresses: Vec::new(),
        names: Names::system(),
        name_ttl: u64::try_from(request.dns_ttl).map_or(Duration::MAX, Duration::from_secs),
        proxy: proxy(values, &request.proxy)?,
        tls: tls(values, request)?,
        connect_timeout: values.positive_duration("wsb.connectTimeout")?,
        max_redirects: MAX_REDIRECTS,
        compression: values.boolean("wsb.compression")?,
        max_message: values.size("wsb.maxMessageSize", 1)?,
    })
}

const URL_FORMS: &str = "ws://host[:port]/path, wss://..., http://..., https://..., port 1 to 65535, or a part of one with wsb.baseUrl set";

fn target(values: &Values, other_base: &str) -> Result<Target, Invalid> {
    let url = values.text("wsb.url");
    let base = match values.text("wsb.baseUrl") {
        "" => other_base.trim(),
        base => base,
    };
    join(url, base)
}

/// The address that a URL means, which may be a part that is resolved against `base`.
///
/// # Errors
/// The one of both that cannot be used.
pub(crate) fn join(url: &str, base: &str) -> Result<Target, Invalid> {
    if url.is_empty() && base.is_empty() {
        return Err(Invalid::new("wsb.url", "", "empty", URL_FORMS));
    }
    if base.is_empty() || url.contains("://") {
        return Target::parse(url)
            .map_err(|error| Invalid::new("wsb.url", url, error.to_string(), URL_FORMS));
    }
    let base_target = Target::parse(base)
        .map_err(|error| Invalid::new("wsb.baseUrl", base, error.to_string(), URL_FORMS))?;
    if url.is_empty() {
        return Ok(base_target);
    }
    // Joining would drop line breaks in silence, as browsers do.
    if url.contains(char::is_control) {
        return Err(Invalid::new("wsb.url", url, "control characters", URL_FORMS));
    }
    base_target
        .join(url)
        .map_err(|error| Invalid::new("wsb.url", url, error.to_string(), URL_FORMS))
}

fn proxy(values: &Values, of_jmeter: &str) -> Result<Option<Proxy>, Invalid> {
    const FORMS: &str =
        "http://host:port or socks5://host:port, with user:password@ before the host if it asks";
    let read = |key: &str, text: &str| {
        let parsed = text.parse::<Proxy>();
        parsed.map(Some).map_err(|error| {
            // What cannot be read may still hold a password.
            Invalid::new(key, Proxy::without_login(text), error.to_string(), FORMS)
        })
    };
    match (values.text("wsb.proxy"), of_jmeter) {
        ("", "") => Ok(None),
        ("", of_jmeter) => read("JMeter's proxy (-H, -P)", of_jmeter),
        (own, _) => read("wsb.proxy", own),
    }
}

/// What Java read from a key or trust store.
fn der(what: &str, text: &str) -> Result<Vec<u8>, Invalid> {
    base64(text.as_bytes()).map_err(|problem| Invalid::new(what, "", problem, "DER in Base64"))
}

fn tls(values: &Values, request: &ConnectRequest) -> Result<Tls, Invalid> {
    let ca_file = values.text("wsb.tls.caFile");
    let chain = |texts: &[String], what: &str| -> Result<Vec<Vec<u8>>, Invalid> {
        texts.iter().map(|text| der(what, text)).collect()
    };
    let identity = match &request.identity {
        Some(identity) => Some(Identity {
            chain: chain(&identity.chain, "the key store's certificate")?,
            key: der("the key store's key", &identity.key)?,
        }),
        None => None,
    };
    let options = TlsOptions {
        verify: values.boolean("wsb.tls.verify")?,
        ca_file: (!ca_file.is_empty()).then(|| PathBuf::from(ca_file)),
        identity,
        extra_roots: chain(&request.roots, "the trust store's certificate")?,
        resume: values.word(
            "wsb.tls.resume",
            &[
                ("user", Resume::User),
                ("shared", Resume::Shared),
                ("off", Resume::Off),
            ],
        )?,
    };
    Tls::new(&options).map_err(|error| {
        if error.code() == websocket::Code::TlsIdentity {
            return Invalid::new(
                "the key store's certificate and key",
                "",
                error.detail(),
                "a certificate chain and its key, RSA, ECDSA or Ed25519",
            );
        }
        Invalid::new(
            "wsb.tls.caFile",
            ca_file,
            error.detail(),
            "a PEM file with at least one certificate",
        )
    })
}

/// The policy that an element's properties make.
pub(crate) fn policy(values: &Values) -> Result<Policy, Invalid> {
    let policy = Policy {
        strategy: values.choice("wsb.retry.strategy")?,
        base: values.duration("wsb.retry.base")?,
        cap: values.duration("wsb.retry.cap")?,
        multiplier: values.optional("wsb.retry.multiplier", "a number from 1 on")?,
        jitter: values.parse("wsb.retry.jitter", "a number from 0 to 1")?,
        table: values.durations("wsb.retry.table")?,
        transient_base: values.duration("wsb.retry.transientBase")?,
        max_elapsed: values.positive_duration("wsb.retry.maxElapsed")?,
        max_attempts: values.parse("wsb.retry.maxAttempts", "a whole number from 0 on; 0 is no limit")?,
        attempt_timeout: values.positive_duration("wsb.retry.attemptTimeout")?,
        throttle: values.parse("wsb.retry.throttle", STATUSES)?,
        transient: values.parse("wsb.retry.transient", STATUSES)?,
        hints: HintPolicy {
            mode: values.choice("wsb.hint.mode")?,
            jitter: values.choice("wsb.hint.jitter")?,
            max: values.positive_duration("wsb.hint.max")?,
            on_too_long: values.choice("wsb.hint.onTooLong")?,
            sources: hint_sources(values)?,
            body_pattern: values.optional::<BodyPattern>(
                "wsb.hint.bodyPattern",
                "a regular expression with a group for the number",
            )?,
        },
    };
    policy.check().map_err(|error| impossible(values, error))?;
    Ok(policy)
}

const STATUSES: &str = "HTTP statuses and ranges, close codes and the words network and timeout, with commas between them, as in 429,502-504,closed.1013,network";

fn hint_sources(values: &Values) -> Result<Vec<HintSource>, Invalid> {
    values
        .list("wsb.hint.sources")
        .map(|word| {
            word.parse().map_err(|_| {
                Invalid::new(
                    "wsb.hint.sources",
                    word,
                    "no source of hints",
                    HintSource::FORMS.join(", "),
                )
            })
        })
        .collect()
}
