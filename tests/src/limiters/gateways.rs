//! Envoy and Traefik, gateways of clusters.

use std::net::SocketAddr;
use std::path::Path;

use super::{Kind, Limiter, Quota};
use crate::Result;
use crate::peers::{Peer, free_address};

const TEN_A_SECOND: Quota = Quota::Rate {
    at_once: 20,
    per_second: 10.0,
};

const TWENTY: Quota = Quota::Held { at_once: 20 };

const TOKENS: &str = "token_bucket: {max_tokens: 20, tokens_per_fill: 10, fill_interval: 1s}";

pub(super) const ALL: &[Limiter] = &[
    Limiter {
        name: "Envoy local_ratelimit 10 r/s burst 20, 429",
        limit: "token-bucket rate=10 burst=20",
        kind: Kind::Bucket,
        quota: TEN_A_SECOND,
        start: |folder, behind| envoy(folder, behind, "", &envoy_http("")),
    },
    Limiter {
        name: "Envoy local_ratelimit 10 r/s burst 20, 429 x-ratelimit-reset",
        limit: "token-bucket rate=10 burst=20",
        kind: Kind::Bucket,
        quota: TEN_A_SECOND,
        start: |folder, behind| {
            let told = ", enable_x_ratelimit_headers: DRAFT_VERSION_03";
            envoy(folder, behind, "", &envoy_http(told))
        },
    },
    Limiter {
        name: "Envoy network local_ratelimit 10 r/s burst 20, closes",
        limit: "token-bucket rate=10 burst=20",
        kind: Kind::Bucket,
        quota: TEN_A_SECOND,
        start: |folder, behind| {
            let filter = format!(
                "{{name: limit, typed_config: {{\"@type\": {NETWORK}.local_ratelimit.v3.LocalRateLimit, \
                 stat_prefix: limit, {TOKENS}}}}},"
            );
            envoy(folder, behind, &filter, "")
        },
    },
    Limiter {
        name: "Envoy circuit breaker 20, 503",
        limit: "concurrency limit=20",
        kind: Kind::Concurrency,
        quota: TWENTY,
        start: |folder, behind| envoy(folder, behind, "", ""),
    },
    Limiter {
        name: "Traefik rateLimit 10 r/s burst 20, 429 Retry-After",
        limit: "token-bucket rate=10 burst=20",
        kind: Kind::Bucket,
        quota: TEN_A_SECOND,
        start: |folder, behind| {
            let limit = "rateLimit: {average: 10, burst: 20}";
            Peer::traefik(folder, free_address()?, behind, limit)
        },
    },
    Limiter {
        name: "Traefik inFlightReq 20, 429",
        limit: "concurrency limit=20",
        kind: Kind::Concurrency,
        quota: TWENTY,
        start: |folder, behind| Peer::traefik(folder, free_address()?, behind, "inFlightReq: {amount: 20}"),
    },
];

const NETWORK: &str = "type.googleapis.com/envoy.extensions.filters.network";
const HTTP: &str = "type.googleapis.com/envoy.extensions.filters.http";

fn envoy_http(more: &str) -> String {
    let always = "{default_value: {numerator: 100, denominator: HUNDRED}}";
    format!(
        "{{name: limit, typed_config: {{\"@type\": {HTTP}.local_ratelimit.v3.LocalRateLimit, stat_prefix: limit, \
         {TOKENS}, filter_enabled: {always}, filter_enforced: {always}{more}}}}},"
    )
}

/// With these network filters before HTTP is read, and these for HTTP. The circuit breaker lets in twenty where nothing else
/// limits, and all otherwise.
fn envoy(folder: &Path, behind: SocketAddr, network: &str, http: &str) -> Result<Peer> {
    let most = if network.is_empty() && http.is_empty() {
        20
    } else {
        4096
    };
    let address = free_address()?;
    let place = |address: SocketAddr| {
        let (ip, port) = (address.ip(), address.port());
        format!("{{socket_address: {{address: {ip}, port_value: {port}}}}}")
    };
    let text = format!(
        "static_resources:\n  listeners:\n  - address: {}\n    filter_chains:\n    - filters: [{network}\n      \
         {{name: http, typed_config: {{\"@type\": {NETWORK}.http_connection_manager.v3.HttpConnectionManager,\n      \
         stat_prefix: http, upgrade_configs: [{{upgrade_type: websocket}}],\n      \
         route_config: {{virtual_hosts: [{{name: all, domains: [\"*\"], routes: [\
         {{match: {{prefix: \"/\"}}, route: {{cluster: inside, timeout: 0s}}}}]}}]}},\n      \
         http_filters: [{http} {{name: router, typed_config: {{\"@type\": {HTTP}.router.v3.Router}}}}]}}}}]\n  \
         clusters:\n  - name: inside\n    circuit_breakers: {{thresholds: [\
         {{max_connections: {most}, max_pending_requests: {most}, max_requests: {most}}}]}}\n    \
         load_assignment: {{cluster_name: inside, endpoints: [{{lb_endpoints: [\
         {{endpoint: {{address: {}}}}}]}}]}}\n",
        place(address),
        place(behind)
    );
    Peer::envoy(folder, address, &text)
}
