//! The keys of the assertion.

use super::{Key, Kind, choice, key};

const ASSERTION: &[&str] = &["BinaryAssertion"];

pub(super) const KEYS: &[Key] = &[
    Key {
        elements: ASSERTION,
        ..choice(
            "assertion",
            "wsb.assert.mode",
            "The response",
            &["equals", "contains", "starts", "ends"],
            "equals",
            "What the response's bytes are to do: equal these, contain them, start or end with them.",
        )
    },
    Key {
        elements: ASSERTION,
        ..key(
            "assertion",
            "wsb.assert.value",
            "Bytes, in hex",
            Kind::Text,
            "",
            "Pairs of hex digits, as in 00ff10 or 00 ff 10; with equals, none means an empty response.",
        )
    },
    Key {
        elements: ASSERTION,
        ..key(
            "assertion",
            "wsb.assert.not",
            "Not",
            Kind::Boolean,
            "false",
            "true: the response must not do so.",
        )
    },
];
