//! Turns the JSON of one connect call into a checked specification: everything the loop needs, or the first thing that is wrong.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use backoff::{BodyPattern, HintPolicy, HintSource, Policy};
use serde::Deserialize;
use websocket::{Dial, Proxy, Target, Tls, TlsOptions};

use super::values::{Invalid, Values};

/// How many redirects an attempt follows.
const MAX_REDIRECTS: u32 = 5;

/// One connect call as Java sends it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectRequest {
    /// The element's `wsb.*` properties.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// Headers for the upgrade, in order.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Who connects, stable from run to run: JMeter's thread name.
    #[serde(default)]
    pub user: String,
    /// How many connects this user made before, from 0.
    #[serde(default)]
    pub ordinal: u64,
    /// Where attempts are traced to, if anywhere.
    #[serde(default)]
    pub trace: Option<PathBuf>,
}

/// What counts as a sample's elapsed time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElapsedMode {
    /// Work only; waits are idle time.
    Attempts,
    /// Waits too.
    Total,
}

impl ElapsedMode {
    /// The word that users store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ElapsedMode::Attempts => "attempts",
            ElapsedMode::Total => "total",
        }
    }
}

/// A checked connect call.
#[derive(Debug, Clone)]
pub struct ConnectSpec {
    /// All that one attempt needs.
    pub dial: Dial,
    /// When to try again.
    pub policy: Arc<Policy>,
    /// Seed of this connect's own random stream; `None`: random.
    pub seed: Option<u64>,
    /// Who connects.
    pub user: String,
    /// How many connects this user made before.
    pub ordinal: u64,
    /// What counts as elapsed.
    pub elapsed: ElapsedMode,
    /// Whether every attempt becomes a sub-result.
    pub subresults: bool,
    /// Where attempts are traced to.
    pub trace: Option<PathBuf>,
}

impl ConnectSpec {
    /// Checks a connect call.
    ///
    /// # Errors
    /// The first property or header that cannot be used.
    pub fn new(request: ConnectRequest) -> Result<Self, Invalid> {
        let values = Values::new(request.properties)?;
        let policy = policy(&values)?;
        let seed: Option<u64> =
            values.optional("wsb.retry.seed", "a whole number from 0 to 18446744073709551615")?;
        let elapsed = match values.text("wsb.result.elapsed").to_ascii_lowercase().as_str() {
            "attempts" => ElapsedMode::Attempts,
            "total" => ElapsedMode::Total,
            other => {
                return Err(Invalid::new(
                    "wsb.result.elapsed",
                    other,
                    "not one of the words",
                    "attempts, total",
                ));
            }
        };
        let subresults = match values.text("wsb.result.attempts").to_ascii_lowercase().as_str() {
            "none" => false,
            "subresults" => true,
            other => {
                return Err(Invalid::new(
                    "wsb.result.attempts",
                    other,
                    "not one of the words",
                    "none, subresults",
                ));
            }
        };
        Ok(ConnectSpec {
            dial: dial(&values, request.headers)?,
            policy: Arc::new(policy),
            seed: seed.map(|seed| backoff::stream_seed(seed, &request.user, request.ordinal)),
            user: request.user,
            ordinal: request.ordinal,
            elapsed,
            subresults,
            trace: request.trace,
        })
    }
}

fn dial(values: &Values, headers: Vec<(String, String)>) -> Result<Dial, Invalid> {
    for (name, value) in &headers {
        websocket::check_header(name, value).map_err(|error| {
            Invalid::new(
                format!("header {name:?}"),
                value,
                error.to_string(),
                "header lines that the handshake does not set itself, on one line",
            )
        })?;
    }
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
        target: target(values)?,
        headers,
        subprotocols,
        addresses: Vec::new(),
        proxy: values.optional::<Proxy>("wsb.proxy", "http://host:port or http://user:password@host:port")?,
        tls: tls(values)?,
        connect_timeout: values.positive_duration("wsb.connectTimeout")?,
        max_redirects: MAX_REDIRECTS,
        compression: false,
        max_message: 16 << 20,
    })
}

const URL_FORMS: &str = "ws://host[:port]/path, wss://..., http://..., https://..., port 1 to 65535, or a part of one with wsb.baseUrl set";

fn target(values: &Values) -> Result<Target, Invalid> {
    let url = values.text("wsb.url");
    let base = values.text("wsb.baseUrl");
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

fn tls(values: &Values) -> Result<Tls, Invalid> {
    let ca_file = values.text("wsb.tls.caFile");
    let options = TlsOptions {
        verify: values.boolean("wsb.tls.verify")?,
        ca_file: (!ca_file.is_empty()).then(|| PathBuf::from(ca_file)),
        ..TlsOptions::default()
    };
    Tls::new(&options).map_err(|error| {
        Invalid::new(
            "wsb.tls.caFile",
            ca_file,
            error.detail(),
            "a PEM file with at least one certificate",
        )
    })
}

fn policy(values: &Values) -> Result<Policy, Invalid> {
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
        transient: values.parse("wsb.retry.transient", STATUSES_AND_WORDS)?,
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
    policy.check().map_err(|error| {
        let key = policy_key(error.field);
        let value = values.text(&key).to_owned();
        let problem = if value.is_empty() {
            "empty"
        } else {
            "not possible here"
        };
        Invalid::new(key, value, problem, error.allowed)
    })?;
    Ok(policy)
}

const STATUSES: &str = "HTTP statuses and ranges with commas between them, as in 429,503 or 420-429";
const STATUSES_AND_WORDS: &str = "HTTP statuses, ranges and the words network and timeout with commas between them, as in 500,502-504,network";

fn hint_sources(values: &Values) -> Result<Vec<HintSource>, Invalid> {
    values
        .list("wsb.hint.sources")
        .map(|word| {
            word.to_ascii_lowercase().parse().map_err(|_| {
                Invalid::new(
                    "wsb.hint.sources",
                    word,
                    "no source of hints",
                    HintSource::NAMES.join(", "),
                )
            })
        })
        .collect()
}

/// The stored key of a policy's field: `hint.onTooLong` lies in its own section, all else under retry.
fn policy_key(field: &str) -> String {
    if field.starts_with("hint.") {
        format!("wsb.{field}")
    } else {
        format!("wsb.retry.{field}")
    }
}
