//! Who makes limits like the one that was found: a table of what makers' refusals look like when nobody configures them otherwise. What
//! the limit is, is not found out here.

use crate::finding::{Finding, Kind};
use limiter::{Rule, WindowClock};

/// What the refusals of a maker's limit look like.
struct Maker {
    name: &'static str,
    kinds: &'static [Kind],
    /// Whether refusals count in it.
    counted: bool,
    status: u16,
    /// Headers of which one tells when to come back; empty: none does.
    headers: &'static [&'static str],
    /// The windows it can have, in milliseconds, where not any.
    windows: Windows,
    /// What its windows begin with, where neither their length nor anything else tells them from others.
    begins: Begins,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    Anyhow,
    OnAClock,
    WithAnAttempt,
}

#[derive(Clone, Copy)]
enum Windows {
    Any,
    /// Powers of two.
    Doubled,
    Minute,
}

/// By how much a window may be beside the maker's.
const NEAR: f64 = 0.01;

impl Windows {
    fn has(self, found: Option<f64>) -> bool {
        match (self, found) {
            (Self::Any, _) => true,
            (_, None) => false,
            (Self::Doubled, Some(ms)) => {
                let nearest = ms.log2().round().exp2();
                (ms / nearest - 1.0).abs() <= NEAR
            }
            (Self::Minute, Some(ms)) => (ms / 60_000.0 - 1.0).abs() <= NEAR,
        }
    }
}

const SECONDS: &[&str] = &["retry-after"];
const NONE: &[&str] = &[];

/// Each row with its source. Limits of one maker that look alike are one row.
const MAKERS: &[Maker] = &[
    // nginx.org/en/docs/http/ngx_http_limit_req_module.html: leaky bucket, with or without delay; limit_req_status 503.
    Maker {
        name: "nginx limit_req",
        kinds: &[Kind::TokenBucket, Kind::Queue],
        counted: false,
        status: 503,
        headers: NONE,
        windows: Windows::Any,
        begins: Begins::Anyhow,
    },
    // nginx.org/en/docs/http/ngx_http_limit_conn_module.html: limit_conn_status 503.
    Maker {
        name: "nginx limit_conn",
        kinds: &[Kind::Concurrency],
        counted: false,
        status: 503,
        headers: NONE,
        windows: Windows::Any,
        begins: Begins::Anyhow,
    },
    // docs.haproxy.org, "maxconn" of a server and "timeout queue": who waits for too long gets a 503.
    Maker {
        name: "HAProxy maxconn",
        kinds: &[Kind::Concurrency],
        counted: false,
        status: 503,
        headers: NONE,
        windows: Windows::Any,
        begins: Begins::Anyhow,
    },
    // docs.haproxy.org, "http_req_rate" and "conn_rate" of stick tables: an estimate over two periods that counts all that come, the first
    // of which begins with a request (freq_ctr.c); deny_status 429 in its examples.
    Maker {
        name: "HAProxy stick table",
        kinds: &[Kind::SlidingCounter, Kind::SlidingWindow],
        counted: true,
        status: 429,
        headers: NONE,
        windows: Windows::Any,
        begins: Begins::WithAnAttempt,
    },
    // envoyproxy.io, "Local rate limit": token bucket, status 429; x-ratelimit headers only where they are enabled.
    Maker {
        name: "Envoy local rate limit",
        kinds: &[Kind::TokenBucket],
        counted: false,
        status: 429,
        headers: NONE,
        windows: Windows::Any,
        begins: Begins::Anyhow,
    },
    Maker {
        name: "Envoy local rate limit",
        kinds: &[Kind::TokenBucket],
        counted: false,
        status: 429,
        headers: &["x-ratelimit-reset"],
        windows: Windows::Any,
        begins: Begins::Anyhow,
    },
    // docs.aws.amazon.com/apigateway, "Throttle requests": token bucket, 429 Too Many Requests.
    Maker {
        name: "AWS API Gateway",
        kinds: &[Kind::TokenBucket],
        counted: false,
        status: 429,
        headers: NONE,
        windows: Windows::Any,
        begins: Begins::Anyhow,
    },
    // doc.traefik.io, middleware RateLimit: token bucket, 429 with Retry-After and X-Retry-In.
    Maker {
        name: "Traefik RateLimit",
        kinds: &[Kind::TokenBucket],
        counted: false,
        status: 429,
        headers: SECONDS,
        windows: Windows::Any,
        begins: Begins::Anyhow,
    },
    // doc.traefik.io, middleware InFlightReq: 429 over the number of requests at a time.
    Maker {
        name: "Traefik InFlightReq",
        kinds: &[Kind::Concurrency],
        counted: false,
        status: 429,
        headers: NONE,
        windows: Windows::Any,
        begins: Begins::Anyhow,
    },
    // express-rate-limit's documentation: a counter in memory from the first hit on, 429, Retry-After and RateLimit headers.
    Maker {
        name: "express-rate-limit",
        kinds: &[Kind::FixedWindow],
        counted: false,
        status: 429,
        headers: &["retry-after", "ratelimit", "ratelimit-reset", "x-ratelimit-reset"],
        windows: Windows::Any,
        begins: Begins::Anyhow,
    },
    // tomcat.apache.org, class RateLimitFilter: "time buckets" of a power of two, 429.
    Maker {
        name: "Tomcat RateLimitFilter",
        kinds: &[Kind::FixedWindow],
        counted: false,
        status: 429,
        headers: NONE,
        windows: Windows::Doubled,
        begins: Begins::Anyhow,
    },
    // jetty.org, DoSHandler: a leaking bucket that attempts fill up to its size, 429.
    Maker {
        name: "Jetty DoSHandler",
        kinds: &[Kind::TokenBucket],
        counted: true,
        status: 429,
        headers: NONE,
        windows: Windows::Any,
        begins: Begins::Anyhow,
    },
    // github.com/go-chi/httprate: sliding window counter, 429 with Retry-After.
    Maker {
        name: "go-chi/httprate",
        kinds: &[Kind::SlidingCounter],
        counted: false,
        status: 429,
        headers: SECONDS,
        windows: Windows::Any,
        begins: Begins::OnAClock,
    },
    // blog.cloudflare.com/counting-things-a-lot-of-different-things: two counters; 429 with Retry-After.
    Maker {
        name: "Cloudflare",
        kinds: &[Kind::SlidingCounter],
        counted: false,
        status: 429,
        headers: SECONDS,
        windows: Windows::Any,
        begins: Begins::OnAClock,
    },
    // developer.genesys.cloud, "Rate limits": so many a minute, 429 with inin-ratelimit-reset.
    Maker {
        name: "Genesys Cloud",
        kinds: &[Kind::FixedWindow, Kind::SlidingWindow, Kind::SlidingCounter],
        counted: false,
        status: 429,
        headers: &["inin-ratelimit-reset"],
        windows: Windows::Minute,
        begins: Begins::Anyhow,
    },
];

/// How its windows begin; `None`: that is open, or it has none that begin.
fn begin(finding: &Finding) -> Option<Begins> {
    if finding.leaves_the_clock_open() {
        return None;
    }
    let limit = finding.limit_spec.as_ref()?.limits.first()?;
    match limit.rule {
        Rule::FixedWindow { clock, .. } | Rule::SlidingCounter { clock, .. } => Some(match clock {
            WindowClock::First => Begins::WithAnAttempt,
            WindowClock::Aligned { .. } => Begins::OnAClock,
        }),
        _ => None,
    }
}

/// Those whose limits look like this one: by kind, whether refusals count, the window where the maker has certain ones, the status of
/// refusals, and the headers in which they tell when to come back.
#[must_use]
pub fn likely_makers(finding: &Finding) -> Vec<&'static str> {
    let hints = &finding.hints;
    let tells = 2 * hints.given >= hints.refusals.max(1);
    let named_in = |headers: &[&str]| {
        let known = |source: &String| headers.iter().any(|header| source.eq_ignore_ascii_case(header));
        hints.sources.iter().any(known)
    };
    let begin = begin(finding);
    // Where it is open whether refusals count, the text says that they do not, and a maker by whom they do would contradict it.
    let text = finding.limit_spec.as_ref();
    let in_text = text
        .and_then(|spec| spec.limits.first())
        .map(|limit| limit.reject_counts);
    let counted = finding.refusals_count.or(in_text);
    let alike = |maker: &&Maker| {
        maker.kinds.contains(&finding.kind)
            && finding.block_ms.is_none()
            && finding.refusal_status == Some(maker.status)
            && counted.is_none_or(|counted| counted == maker.counted)
            && maker.windows.has(finding.window_ms)
            && (maker.begins == Begins::Anyhow || begin.is_none_or(|begin| begin == maker.begins))
            && match maker.headers {
                [] => hints.given == 0,
                headers => tells && named_in(headers),
            }
    };
    MAKERS.iter().filter(alike).map(|maker| maker.name).collect()
}
