//! Limiters inside servers: libraries of Node and of Java.

use super::{Kind, Limiter, Quota};
use crate::peers::Peer;

const FORTY: Quota = Quota::Windows {
    each: 40,
    seconds: 5.0,
};

pub(super) const ALL: &[Limiter] = &[
    Limiter {
        name: "express-rate-limit 40 per 5 s, 429 Retry-After",
        limit: "fixed-window limit=40 window=5s",
        kind: Kind::HintedWindow,
        quota: FORTY,
        start: |_, _| Peer::express("headers"),
    },
    Limiter {
        name: "express-rate-limit 40 per 5 s, 429 without headers",
        limit: "fixed-window limit=40 window=5s",
        kind: Kind::Window,
        quota: FORTY,
        start: |_, _| Peer::express("silent"),
    },
    Limiter {
        name: "Tomcat RateLimitFilter 41 per 4.096 s of the clock, 429",
        limit: "fixed-window limit=41 window=4.096s clock=aligned",
        kind: Kind::Window,
        quota: Quota::Windows {
            each: 41,
            seconds: 4.096,
        },
        start: |_, _| Peer::java("TomcatLimit.java"),
    },
    Limiter {
        name: "Jetty DoSHandler 20 r/s, 429",
        // Of a bucket of 20: whoever fills it to the brim is refused.
        limit: "token-bucket rate=20 burst=19 reject-counts=true",
        kind: Kind::RefusalsCount,
        quota: Quota::Rate {
            at_once: 19,
            per_second: 20.0,
        },
        start: |_, _| Peer::java("JettyLimit.java"),
    },
];
