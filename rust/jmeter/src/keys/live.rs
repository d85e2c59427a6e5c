//! The keys of the listener.

use super::{Key, Kind, key};

pub(super) const KEYS: &[Key] = &[Key {
    elements: &["ConnectsListener"],
    default_note: "the test that runs",
    ..key(
        "connects",
        "wsb.connects.trace",
        "Trace file",
        Kind::File,
        "",
        "A trace, which a test writes that is started with -Jwsb.trace=FILE: shown in place of the test that runs here, and read again when it has grown.",
    )
}];
