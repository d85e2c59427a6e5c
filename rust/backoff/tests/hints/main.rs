//! What a server can say, and what is made of it.

// All of it is test code, the helpers too.
#![allow(clippy::unwrap_used)]

mod modes;
mod reading;

use backoff::{Backoff, HttpAnswer, Policy, Seen, Verdict};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

type Headers = &'static [(&'static str, &'static str)];

/// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110: the client's clock in all tests.
const NOW: u64 = 784_111_777;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn verdict(policy: Policy, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Verdict {
    policy.check().expect("the tests' policies are legal");
    let headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let answer = HttpAnswer {
        status,
        headers: &headers,
        body,
        now: UNIX_EPOCH + secs(NOW),
    };
    Backoff::new(Arc::new(policy), Some(1)).after(&Seen::Answer(answer), Duration::ZERO)
}
