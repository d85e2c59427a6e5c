//! What one attempt needs: the address, the proxy, TLS and the bounds, out of an element's properties.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use websocket::{Answers, Dial, Identity, Names, Proxy, Resume, Sources, Target, Tls, TlsOptions};

use super::request::ConnectRequest;
use crate::encoding::base64;
use crate::matching;
use crate::values::{Invalid, Values};

/// How many redirects an attempt follows.
const MAX_REDIRECTS: u32 = 5;

/// All but what is a call's own.
///
/// # Errors
/// The first property that cannot be used.
pub(super) fn dial(values: &Values, request: &ConnectRequest) -> Result<Dial, Invalid> {
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
        sources: sources(values)?,
        tls: tls(values, request)?,
        connect_timeout: values.positive_duration("wsb.connectTimeout")?,
        max_redirects: MAX_REDIRECTS,
        plain: false,
        compression: values.boolean("wsb.compression")?,
        max_message: values.size("wsb.maxMessageSize", 1)?,
        answers: Answers {
            pings: values.word("wsb.ping.answer", &[("on", true), ("off", false)])?,
            replies: matching::replies(values)?.into(),
        },
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

fn sources(values: &Values) -> Result<Sources, Invalid> {
    const KEY: &str = "wsb.localAddress";
    const FORMS: &str =
        "addresses of this machine with commas between them, as 192.0.2.10, 192.0.2.11 or 2001:db8::1";
    let mut addresses: Vec<IpAddr> = Vec::new();
    for text in values.list(KEY) {
        let address = text.parse();
        addresses.push(address.map_err(|_| Invalid::new(KEY, text, "no IP address", FORMS))?);
    }
    Sources::of(&addresses)
        .map_err(|error| Invalid::new(KEY, error.address.to_string(), error.to_string(), FORMS))
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
