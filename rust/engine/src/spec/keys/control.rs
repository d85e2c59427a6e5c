//! The keys of controllers and timers that no sampler has.

use super::{Key, Kind, choice, key};

const RETRY: &[&str] = &["RetryController"];

const fn of(elements: &'static [&'static str], key: Key) -> Key {
    Key { elements, ..key }
}

pub(super) const KEYS: &[Key] = &[
    of(
        RETRY,
        choice(
            "attempt",
            "wsb.retry.counts",
            "An attempt fails when",
            &["last", "any", "matching"],
            "last",
            "last: its last sample failed; any: one of its samples failed; matching: one whose label matches the pattern failed. Of several the first failure decides on class and hint.",
        ),
    ),
    of(
        RETRY,
        key(
            "attempt",
            "wsb.retry.label",
            "Label pattern",
            Kind::Regex,
            "",
            "With matching: regular expression that finds the labels of the samples that count.",
        ),
    ),
    of(
        RETRY,
        choice(
            "attempt",
            "wsb.retry.failedAssertions",
            "Failed assertions",
            &["transient", "fatal"],
            "transient",
            "What a failed sample with a status from 200 to 399 is, one that an assertion failed: transient (try again), or fatal (final at once).",
        ),
    ),
    of(
        RETRY,
        choice(
            "attempt",
            "wsb.retry.attemptsShown",
            "Retried attempts",
            &["keep", "ignore", "success"],
            "keep",
            "How samples that another attempt follows are reported. keep: as the failures that they are, so error rates count attempts; ignore: not at all, so reports show one sample a user and hide the load that the retries made; success: as successes with the code retried and the status, so the load is seen and only what failed in the end is an error.",
        ),
    ),
    of(
        RETRY,
        key(
            "attempt",
            "wsb.retry.prefix",
            "Variable prefix",
            Kind::Text,
            "wsb.",
            "Begins the names of the variables that the controller sets; another one keeps the variables of a connect, or of a controller inside, as they are.",
        ),
    ),
];
