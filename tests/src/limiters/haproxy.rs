//! HAProxy: its counters over a period, which count what is refused or do not, and its limits of connections.

use std::net::SocketAddr;
use std::path::Path;

use super::{Kind, Limiter, Quota};
use crate::Result;
use crate::peers::{Peer, free_address};

/// Sixty connections in five seconds, and what is refused counts. HAProxy itself takes longer: it counts the period before for
/// the share of it that is not over.
const SIXTY: Quota = Quota::Windows {
    each: 60,
    seconds: 5.0,
};

/// Whoever obeys a date in 20 s cannot have all of 200 in before 50 s: the first refusal costs 20, then fifty come at once, and ten seconds
/// later the others at five a second (`cargo run --release -p simulate --example reach obeying`).
const FIFTY_AND_A_LONG_DATE: Quota = Quota::Windows {
    each: 50,
    seconds: 50.0 / 3.0,
};

/// The fourth fifty are let in when the third have left the period.
const FIFTY: Quota = Quota::Windows {
    each: 50,
    seconds: 10.0,
};

const TWENTY: Quota = Quota::Held { at_once: 20 };

pub(super) const ALL: &[Limiter] = &[
    Limiter {
        name: "HAProxy conn_rate 60 per 5 s, 429",
        limit: "sliding-counter limit=60 window=5s reject-counts=true",
        kind: Kind::RefusalsCount,
        quota: SIXTY,
        start: |folder, behind| {
            let rule = "http-request deny deny_status 429 if { sc_conn_rate(0) gt 60 }";
            haproxy(folder, behind, &of_address(rule), "")
        },
    },
    Limiter {
        name: "HAProxy conn_rate 60 per 5 s, reset",
        limit: "sliding-counter limit=60 window=5s reject-counts=true",
        kind: Kind::RefusalsCount,
        quota: SIXTY,
        start: |folder, behind| {
            let rule = "tcp-request connection reject if { sc_conn_rate(0) gt 60 }";
            haproxy(folder, behind, &of_address(rule), "")
        },
    },
    Limiter {
        name: "HAProxy conn_rate 60 per 5 s, silence",
        limit: "sliding-counter limit=60 window=5s reject-counts=true",
        kind: Kind::RefusalsCount,
        quota: SIXTY,
        start: |folder, behind| {
            let rule = "tcp-request connection silent-drop if { sc_conn_rate(0) gt 60 }";
            haproxy(folder, behind, &of_address(rule), "")
        },
    },
    Limiter {
        name: "HAProxy gpc0 40 per 4 s, 429, always \"in 3 s\"",
        limit: "sliding-counter limit=40 window=4s",
        kind: Kind::Window,
        quota: Quota::Windows {
            each: 40,
            seconds: 4.0,
        },
        start: |folder, behind| {
            let rules = "  stick-table type integer size 1k expire 60s store gpc0,gpc0_rate(4s)\n  \
                 http-request track-sc0 int(1)\n  \
                 http-request return status 429 hdr retry-after 3 if { sc_gpc0_rate(0) ge 40 }\n  \
                 http-request sc-inc-gpc0(0)\n";
            haproxy(folder, behind, rules, "")
        },
    },
    // After two periods it has forgotten the herd. With shorter dates, users who believe them keep its counter above the limit
    // for as long as they come back.
    Limiter {
        name: "HAProxy http_req_rate 50 per 10 s, 429, date in 20 s",
        limit: "sliding-counter limit=50 window=10s reject-counts=true",
        kind: Kind::RefusalsCount,
        quota: FIFTY_AND_A_LONG_DATE,
        start: |folder, behind| haproxy(folder, behind, &dated(20), ""),
    },
    Limiter {
        name: "HAProxy http_req_rate 50 per 10 s, 429, date in 3 s",
        limit: "sliding-counter limit=50 window=10s reject-counts=true",
        kind: Kind::RefusalsCount,
        quota: FIFTY,
        start: |folder, behind| haproxy(folder, behind, &dated(3), ""),
    },
    Limiter {
        name: "HAProxy maxconn 20, queue of 1 s, 503",
        limit: "concurrency limit=20",
        kind: Kind::Concurrency,
        quota: TWENTY,
        start: |folder, behind| haproxy(folder, behind, "", " maxconn 20"),
    },
    Limiter {
        name: "HAProxy conn_cur 20, 429",
        limit: "concurrency limit=20",
        kind: Kind::Concurrency,
        quota: TWENTY,
        start: |folder, behind| {
            let rule = "http-request deny deny_status 429 if { sc_conn_cur(0) gt 20 }";
            haproxy(folder, behind, &of_address(rule), "")
        },
    },
];

/// A rule on the counters of the client's address.
fn of_address(rule: &str) -> String {
    format!(
        "  stick-table type ip size 1k expire 60s store conn_rate(5s),conn_cur\n  \
         tcp-request connection track-sc0 src\n  {rule}\n"
    )
}

/// Counts what it refuses, and says in lower case and as a date so many seconds ahead when to come back.
fn dated(seconds: u32) -> String {
    format!(
        "  stick-table type integer size 1k expire 60s store http_req_rate(10s)\n  \
         http-request track-sc0 int(1)\n  http-request return status 429 content-type application/json \
         string '{{\"error\":\"slow down\"}}' hdr retry-after \"%[date({seconds}),http_date]\" \
         if {{ sc_http_req_rate(0) gt 50 }}\n"
    )
}

fn haproxy(folder: &Path, behind: SocketAddr, rules: &str, server: &str) -> Result<Peer> {
    let address = free_address()?;
    let sections = format!(
        "  timeout queue 1s\nfrontend outside\n  bind {address}\n{rules}  default_backend inside\n\
         backend inside\n  server one {behind}{server}"
    );
    Peer::haproxy(folder, address, &sections)
}
