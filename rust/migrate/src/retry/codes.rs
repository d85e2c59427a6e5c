//! The statuses that a loop is played against, and those that its scripts and conditions name.

use super::needed::words;
use regex::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Successes besides 200, as JMeter sees them.
pub(super) const SUCCESSES: [&str; 13] = [
    "201", "202", "203", "204", "205", "206", "207", "301", "302", "303", "304", "307", "308",
];

/// No answer.
pub(super) const NETWORK: &str = "Non HTTP response code: java.net.ConnectException";

/// Failures besides 429.
pub(super) const FAILURES: [&str; 46] = [
    "400", "401", "402", "403", "404", "405", "406", "407", "408", "409", "410", "411", "412", "413", "414",
    "415", "416", "417", "418", "421", "422", "423", "424", "425", "426", "428", "431", "444", "451", "499",
    "500", "501", "502", "503", "504", "505", "507", "508", "509", "511", "520", "522", "524", "529", "530",
    NETWORK,
];

/// What is tried again where nothing else is said, besides 429: `wsb.retry.transient`.
pub(super) const TRANSIENT: &str = "408,425,500,502-504,network,timeout";

/// Whether it is tried again where nothing else is said.
pub(super) fn is_transient(code: &str) -> bool {
    ["408", "425", "500", "502", "503", "504", NETWORK].contains(&code)
}

/// The statuses that texts name; how long a script sleeps is none.
pub(super) fn named<'t>(texts: impl Iterator<Item = &'t str>) -> BTreeSet<&'static str> {
    static SLEEP: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"sleep\s*\(?[^);\n]*").expect("a pattern that tests use"));
    let mut named = BTreeSet::new();
    for text in texts {
        let text = SLEEP.replace_all(text, " ");
        let all: BTreeSet<&str> = words(&text).collect();
        named.extend(
            SUCCESSES
                .iter()
                .chain(&FAILURES)
                .filter(|code| all.contains(**code)),
        );
    }
    named
}
