//! The keys of retries: policy, the server's hints, and what a sample of Connect shows of them.

use super::{Key, Kind, choice, key};

/// The elements that try again by a policy.
const RETRYING: &[&str] = &[
    "ConnectSampler",
    "RetryController",
    "OnceController",
    super::DEFAULTS,
];

/// The elements that tell a throttle and its hint from other answers.
const READING: &[&str] = &[
    "ConnectSampler",
    "RetryController",
    "OnceController",
    "PaceTimer",
    super::DEFAULTS,
];

const fn retrying(key: Key) -> Key {
    Key {
        elements: RETRYING,
        ..key
    }
}

const fn reading(key: Key) -> Key {
    Key {
        elements: READING,
        ..key
    }
}

pub(super) const KEYS: &[Key] = &[
    retrying(choice(
        "retry",
        "wsb.retry.strategy",
        "Strategy",
        backoff::Strategy::NAMES,
        "decorrelated",
        "How waits grow from attempt to attempt; none makes the first refusal final.",
    )),
    retrying(key(
        "retry",
        "wsb.retry.base",
        "Base",
        Kind::Duration,
        "1s",
        "First wait after a throttled attempt, before jitter; later waits grow from it.",
    )),
    retrying(key(
        "retry",
        "wsb.retry.cap",
        "Cap",
        Kind::Duration,
        "30s",
        "No wait is longer, a server's hint apart.",
    )),
    retrying(Key {
        default_note: "2, for decorrelated 3",
        ..key(
            "retry",
            "wsb.retry.multiplier",
            "Multiplier",
            Kind::Number,
            "",
            "Factor between one wait and the next, from 1 to 1000; also of the growing jitter on a hint (2 unless set).",
        )
    }),
    retrying(key(
        "retry",
        "wsb.retry.jitter",
        "Jitter",
        Kind::Number,
        "0.5",
        "Width of the random part for plus-minus and additive, as a share from 0 to 1.",
    )),
    retrying(key(
        "retry",
        "wsb.retry.table",
        "Table",
        Kind::List,
        "",
        "Waits of the strategy table, as durations with commas between them; the last one repeats.",
    )),
    retrying(key(
        "retry",
        "wsb.retry.transientBase",
        "Base for transient failures",
        Kind::Duration,
        "250ms",
        "Base after a transient failure; shorter, because a throttle deserves a longer pause than a lost packet.",
    )),
    retrying(key(
        "retry",
        "wsb.retry.maxElapsed",
        "Give up after",
        Kind::Duration,
        "120s",
        "Longest time from the first attempt on, waits included; a wait that would cross it is not started.",
    )),
    retrying(key(
        "retry",
        "wsb.retry.maxAttempts",
        "Most attempts",
        Kind::Integer,
        "0",
        "Attempts in all, 1 means no retry; 0 leaves the stop to the time (and to a guard of 1000).",
    )),
    key(
        "retry",
        "wsb.retry.attemptTimeout",
        "Attempt time-out",
        Kind::Duration,
        "20s",
        "Longest time of one attempt from DNS to the answer's head, cut to what is left of the time in all.",
    ),
    reading(key(
        "retry",
        "wsb.retry.throttle",
        "Throttle statuses",
        Kind::Statuses,
        "429,503",
        "What means: too many, come back later: HTTP statuses, close codes (closed.1013, closed.*), and the words network, timeout and any.",
    )),
    retrying(key(
        "retry",
        "wsb.retry.transient",
        "Transient failures",
        Kind::Statuses,
        "408,425,500,502-504,network,timeout",
        "HTTP statuses, close codes and the words network and timeout that are worth another try, or any for every failure; all else is final at once.",
    )),
    reading(Key {
        default_note: "random",
        ..key(
            "retry",
            "wsb.retry.seed",
            "Seed",
            Kind::Integer,
            "",
            "Makes every user's waits repeat from run to run (each user has a stream of its own).",
        )
    }),
    reading(choice(
        "hint",
        "wsb.hint.mode",
        "Hints",
        backoff::HintMode::NAMES,
        "floor",
        "floor: never come back before the server's hint; replace: take it in place of the own wait; ignore.",
    )),
    retrying(choice(
        "hint",
        "wsb.hint.jitter",
        "Jitter on a hint",
        backoff::HintJitter::NAMES,
        "growing",
        "Spread after a hint, only upwards: growing with the attempts, proportional (up to 1.5 times), or none.",
    )),
    reading(key(
        "hint",
        "wsb.hint.max",
        "Longest hint",
        Kind::Duration,
        "180s",
        "A hint above this is treated as the next field says.",
    )),
    reading(choice(
        "hint",
        "wsb.hint.onTooLong",
        "When longer",
        backoff::TooLong::NAMES,
        "fail",
        "fail: give up at once; clamp: wait the longest hint; ignore: use the own wait.",
    )),
    reading(key(
        "hint",
        "wsb.hint.sources",
        "Sources",
        Kind::List,
        "retry-after-ms,x-ms-retry-after-ms,retry-after,ratelimit,inin-ratelimit-reset,x-ratelimit-reset,ratelimit-reset,body",
        "Where hints are looked for, in this order: these, any other header by its name (X-Retry-In), body for the pattern below.",
    )),
    reading(key(
        "hint",
        "wsb.hint.bodyPattern",
        "Body pattern",
        Kind::Regex,
        "",
        "Regular expression whose first group holds seconds in a refusal's body (or a group named seconds or ms).",
    )),
    choice(
        "result",
        "wsb.result.attempts",
        "Attempts as sub-results",
        &["none", "subresults"],
        "none",
        "subresults keeps every attempt as a sub-result; JMeter's dashboard then counts them as samples.",
    ),
    choice(
        "result",
        "wsb.result.elapsed",
        "Elapsed time",
        &["attempts", "total"],
        "attempts",
        "attempts: waits are idle time, elapsed is work; total: waits count as elapsed.",
    ),
];
