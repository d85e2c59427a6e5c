//! The parts of an address, as the one parser reads it: what others ask their cookie, authorization and name managers with.

use serde::Serialize;

/// The answer to `url`.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Address {
    /// `ws` or `wss`.
    scheme: &'static str,
    /// In lower case and ASCII; an IPv6 address without brackets.
    host: String,
    /// The scheme's own where none is written.
    port: u16,
    /// Percent-encoded, at least `/`.
    path: String,
    /// Percent-encoded, without its `?`; nothing where there is no `?`.
    query: Option<String>,
    /// The same with `http` or `https`, so that `java.net.URI` takes path and query.
    http_url: String,
    /// What is wrong with the address; nothing else is there then.
    problem: Option<String>,
}

/// Reads an address, or a part of one that is resolved against `base`.
pub(super) fn address(url: &str, base: &str) -> Address {
    let target = match crate::connect::join(url, base) {
        Ok(target) => target,
        Err(invalid) => {
            return Address {
                problem: Some(invalid.to_string()),
                ..Address::default()
            };
        }
    };
    Address {
        scheme: if target.is_tls() { "wss" } else { "ws" },
        host: target.host().to_owned(),
        port: target.port(),
        path: target.path().to_owned(),
        query: target.query().map(str::to_owned),
        http_url: target.http_url(),
        problem: None,
    }
}
