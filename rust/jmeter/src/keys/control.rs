//! The keys of controllers and timers that no sampler has.

use super::{Key, Kind, choice, key};

const RETRY: &[&str] = &["RetryController", super::DEFAULTS];

const ONCE: &[&str] = &["OnceController"];
const PACE: &[&str] = &["PaceTimer", super::DEFAULTS];

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
        key(
            "attempt",
            "wsb.retry.while",
            "Again while",
            Kind::Text,
            "",
            "Evaluated after each attempt: true has a success followed by another attempt, after a wait as for a transient failure, until it is false or the policy gives up; anything else fails the samples of one more attempt. For polling (over more than 1000 attempts set maxAttempts), as ${__jexl3(\"${status}\" != \"done\")}.",
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
    of(
        ONCE,
        Key {
            default_note: "this element alone",
            ..key(
                "once",
                "wsb.once.key",
                "Value's name",
                Kind::Text,
                "",
                "What several controllers share: one fetch and one set of values for each name; with a variable in it, each user or tenant has its own.",
            )
        },
    ),
    of(
        ONCE,
        key(
            "once",
            "wsb.once.variables",
            "Variables to hand on",
            Kind::List,
            "",
            "Names of the variables that the children set and that all other threads get; one that is not set after the children have run makes the fetch fail.",
        ),
    ),
    of(
        ONCE,
        Key {
            default_note: "the test's length",
            ..key(
                "once",
                "wsb.once.ttl",
                "Lifetime",
                Kind::Duration,
                "",
                "How long the values can be used, from the begin of the children's last sample on.",
            )
        },
    ),
    of(
        ONCE,
        key(
            "once",
            "wsb.once.expiresIn",
            "Variable with the lifetime",
            Kind::Text,
            "",
            "Name of a variable that the children set to the lifetime in seconds, as an expires_in; it comes before the lifetime above.",
        ),
    ),
    of(
        ONCE,
        key(
            "once",
            "wsb.once.early",
            "Fetch early, %",
            Kind::Text,
            "5-15",
            "The values are fetched anew when this share of their lifetime is left, drawn between the two percentages; the others use the old ones meanwhile.",
        ),
    ),
    of(
        ONCE,
        key(
            "once",
            "wsb.once.timeout",
            "Longest wait",
            Kind::Duration,
            "30s",
            "A thread that has waited for so long goes on without values; how long its own children take does not count.",
        ),
    ),
    of(
        ONCE,
        key(
            "once",
            "wsb.once.lease",
            "Longest fetch",
            Kind::Duration,
            "10s",
            "A fetch that takes longer counts as failed with a time-out, and the next thread in the queue fetches.",
        ),
    ),
    of(
        PACE,
        choice(
            "pace",
            "wsb.pace.mode",
            "Samples go",
            &["pace", "fixed"],
            "pace",
            "pace: at a rate that grows slowly and that throttles cut, as the shared gate below says; fixed: at the rate below, whatever comes of them.",
        ),
    ),
    of(
        PACE,
        key(
            "pace",
            "wsb.pace.rate",
            "Fixed rate",
            Kind::Number,
            "10",
            "With fixed: samples a second, of all threads together.",
        ),
    ),
    of(
        PACE,
        key(
            "pace",
            "wsb.pace.burst",
            "Burst",
            Kind::Integer,
            "1",
            "With fixed: how many samples may go at once after a pause.",
        ),
    ),
    of(
        PACE,
        choice(
            "pace",
            "wsb.pace.scope",
            "One gate for",
            &["timer", "target"],
            "timer",
            "timer: all samples of this timer, and of the timers with the same wsb.shared.key; target: the samples to one host, port and path, at the gate that connects and retry controllers with the same settings use.",
        ),
    ),
];
