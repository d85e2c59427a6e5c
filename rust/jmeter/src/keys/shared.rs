//! The keys of the shared gate.

use super::{Key, Kind, choice, key};

/// The elements that can stand at a gate.
const SHARING: &[&str] = &["ConnectSampler", "RetryController", super::DEFAULTS];

/// The elements that can stand at one that has a rate.
const PACING: &[&str] = &["ConnectSampler", "RetryController", "PaceTimer", super::DEFAULTS];

const fn sharing(key: Key) -> Key {
    Key {
        elements: SHARING,
        ..key
    }
}

const fn pacing(key: Key) -> Key {
    Key {
        elements: PACING,
        ..key
    }
}

pub(super) const KEYS: &[Key] = &[
    sharing(choice(
        "shared",
        "wsb.shared.mode",
        "Gate",
        backoff::PacerMode::HEARING,
        "off",
        "What users of one quota share: off; observe; pause (all wait for the latest hint); pace (all go in turn, at a rate that learns).",
    )),
    pacing(key(
        "shared",
        "wsb.shared.key",
        "Gate's name",
        Kind::Text,
        "",
        "Added to host, port and path: a gate of its own for each name, where users have quotas of their own.",
    )),
    pacing(key(
        "shared",
        "wsb.shared.rate",
        "Rate at the start",
        Kind::Number,
        "50",
        "pace: attempts a second at the start.",
    )),
    pacing(key(
        "shared",
        "wsb.shared.increase",
        "Increase",
        Kind::Number,
        "0.5",
        "pace: attempts a second that every second of successes adds to the rate.",
    )),
    pacing(key(
        "shared",
        "wsb.shared.beta",
        "Cut to",
        Kind::Number,
        "0.5",
        "pace: the share of the rate that a refusal leaves, above 0 and below 1.",
    )),
    pacing(key(
        "shared",
        "wsb.shared.minRate",
        "Lowest rate",
        Kind::Number,
        "0.2",
        "pace: attempts a second below which no refusal cuts.",
    )),
    pacing(key(
        "shared",
        "wsb.shared.maxRate",
        "Highest rate",
        Kind::Number,
        "200",
        "pace: attempts a second above which no success goes.",
    )),
    sharing(key(
        "shared",
        "wsb.shared.spread",
        "Spread",
        Kind::Duration,
        "1s",
        "pause: the time after a hint over which those who waited for it come back.",
    )),
];
