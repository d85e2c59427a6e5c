//! nginx: `limit_req`, which is a leaky bucket, and `limit_conn`.

use std::net::SocketAddr;
use std::path::Path;

use super::{Kind, Limiter, Quota};
use crate::Result;
use crate::peers::{Peer, free_address};

/// Twenty-one at once, the others at ten a second.
const BURST: Quota = Quota::Rate {
    at_once: 21,
    per_second: 10.0,
};

/// One at once: so also where the others wait in nginx itself.
const ONE_BY_ONE: Quota = Quota::Rate {
    at_once: 1,
    per_second: 10.0,
};

pub(super) const ALL: &[Limiter] = &[
    Limiter {
        name: "nginx limit_req 10 r/s burst 20 nodelay, 503",
        limit: "token-bucket rate=10 burst=21",
        kind: Kind::Bucket,
        quota: BURST,
        start: |folder, behind| nginx(folder, behind, "limit_req zone=rate burst=20 nodelay;"),
    },
    Limiter {
        name: "nginx limit_req 10 r/s burst 20 nodelay, 429",
        limit: "token-bucket rate=10 burst=21",
        kind: Kind::Bucket,
        quota: BURST,
        start: |folder, behind| {
            let rules = "limit_req zone=rate burst=20 nodelay;\nlimit_req_status 429;";
            nginx(folder, behind, rules)
        },
    },
    Limiter {
        name: "nginx limit_req 10 r/s without burst, 503",
        limit: "token-bucket rate=10 burst=1",
        kind: Kind::Bucket,
        quota: ONE_BY_ONE,
        start: |folder, behind| nginx(folder, behind, "limit_req zone=rate;"),
    },
    Limiter {
        name: "nginx limit_req 10 r/s burst 20 nodelay, closes (444)",
        limit: "token-bucket rate=10 burst=21",
        kind: Kind::Bucket,
        quota: BURST,
        start: |folder, behind| {
            let rules = "limit_req zone=rate burst=20 nodelay;\nlimit_req_status 444;";
            nginx(folder, behind, rules)
        },
    },
    Limiter {
        name: "nginx limit_req 10 r/s burst 30 queued, 503",
        limit: "queue rate=10 burst=30",
        kind: Kind::Bucket,
        quota: ONE_BY_ONE,
        start: |folder, behind| nginx(folder, behind, "limit_req zone=rate burst=30;"),
    },
    Limiter {
        name: "nginx limit_conn 20, 503",
        limit: "concurrency limit=20",
        kind: Kind::Concurrency,
        quota: Quota::Held { at_once: 20 },
        start: |folder, behind| nginx(folder, behind, "limit_conn open 20;"),
    },
];

fn nginx(folder: &Path, behind: SocketAddr, rules: &str) -> Result<Peer> {
    let address = free_address()?;
    let http = format!(
        "limit_req_zone $server_port zone=rate:1m rate=10r/s;\nlimit_conn_zone $server_port zone=open:1m;\n\
         server {{ listen {address};\nlocation / {{\n{rules}\nproxy_pass http://{behind};\nproxy_http_version 1.1;\n\
         proxy_read_timeout 300s;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection upgrade;\n}} }}"
    );
    Peer::nginx(folder, address, &http)
}
