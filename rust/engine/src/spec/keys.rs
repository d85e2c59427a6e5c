//! The one table of `wsb.*` keys: panels, tooltips, defaults, the README and the tests are made from it.

/// What a value looks like; panels choose the field by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A WebSocket address.
    Url,
    /// Any text.
    Text,
    /// A duration, see `units::DURATION_FORMS`.
    Duration,
    /// A whole number.
    Integer,
    /// A decimal number.
    Number,
    /// One of `choices`.
    Choice,
    /// `true` or `false`.
    Boolean,
    /// Several values with commas between them.
    List,
    /// A file on the machine that runs the test.
    File,
    /// A regular expression.
    Regex,
    /// HTTP status codes, ranges and words.
    Statuses,
}

impl Kind {
    /// The word in the table's JSON form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Url => "url",
            Kind::Text => "text",
            Kind::Duration => "duration",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Choice => "choice",
            Kind::Boolean => "boolean",
            Kind::List => "list",
            Kind::File => "file",
            Kind::Regex => "regex",
            Kind::Statuses => "statuses",
        }
    }
}

/// A group of keys, shown together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// Stable name.
    pub id: &'static str,
    /// Heading in panels and documents.
    pub title: &'static str,
}

/// The sections, in the order of panels and documents.
pub const SECTIONS: &[Section] = &[
    Section {
        id: "connection",
        title: "Connection",
    },
    Section {
        id: "retry",
        title: "Retry policy",
    },
    Section {
        id: "hint",
        title: "Server hints",
    },
    Section {
        id: "result",
        title: "Result",
    },
];

/// One property as users store it.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The stored name; frozen once released.
    pub name: &'static str,
    /// Id of its section.
    pub section: &'static str,
    /// Short text before the field.
    pub label: &'static str,
    /// Shape of the value.
    pub kind: Kind,
    /// The value in force when nothing is set, in the form that users write. Empty: there is none.
    pub default: &'static str,
    /// Shown in place of `default` where the default depends on something.
    pub default_note: &'static str,
    /// Allowed words of a choice.
    pub choices: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
    /// Class names of the elements that have it.
    pub elements: &'static [&'static str],
}

impl Key {
    /// What documents and panels show as the default.
    #[must_use]
    pub fn shown_default(&self) -> &'static str {
        if self.default_note.is_empty() {
            self.default
        } else {
            self.default_note
        }
    }
}

const CONNECT: &[&str] = &["ConnectSampler"];

const fn key(
    section: &'static str,
    name: &'static str,
    label: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> Key {
    Key {
        name,
        section,
        label,
        kind,
        default,
        default_note: "",
        choices: &[],
        help,
        elements: CONNECT,
    }
}

const fn choice(
    section: &'static str,
    name: &'static str,
    label: &'static str,
    choices: &'static [&'static str],
    default: &'static str,
    help: &'static str,
) -> Key {
    Key {
        choices,
        ..key(section, name, label, Kind::Choice, default, help)
    }
}

/// Every key, in the order of panels and documents.
pub const KEYS: &[Key] = &[
    key(
        "connection",
        "wsb.url",
        "URL",
        Kind::Url,
        "",
        "Address of the WebSocket (ws, wss, http or https), or a part that is resolved against the base URL.",
    ),
    key(
        "connection",
        "wsb.baseUrl",
        "Base URL",
        Kind::Url,
        "",
        "Address that a relative URL is resolved against (RFC 3986, section 5).",
    ),
    key(
        "connection",
        "wsb.connection",
        "Connection id",
        Kind::Text,
        "main",
        "Name of the connection within its thread; a thread may hold several.",
    ),
    choice(
        "connection",
        "wsb.whenOpen",
        "When already open",
        &["replace", "reuse", "fail"],
        "replace",
        "What to do when this thread already holds an open connection of that id.",
    ),
    key(
        "connection",
        "wsb.subprotocols",
        "Subprotocols",
        Kind::List,
        "",
        "Subprotocols to offer, in order of preference (Sec-WebSocket-Protocol).",
    ),
    key(
        "connection",
        "wsb.connectTimeout",
        "Connect time-out",
        Kind::Duration,
        "20s",
        "Longest time for DNS, TCP, proxy and TLS of one attempt together.",
    ),
    key(
        "connection",
        "wsb.tls.verify",
        "Verify TLS certificate",
        Kind::Boolean,
        "true",
        "Check the server's certificate chain and host name; false accepts any certificate.",
    ),
    key(
        "connection",
        "wsb.tls.caFile",
        "Extra CA file",
        Kind::File,
        "",
        "PEM file with certificates to trust beside the system's roots.",
    ),
    key(
        "connection",
        "wsb.proxy",
        "Proxy",
        Kind::Text,
        "",
        "HTTP proxy to tunnel through (CONNECT): http://host:port or http://user:password@host:port.",
    ),
    choice(
        "retry",
        "wsb.retry.strategy",
        "Strategy",
        backoff::Strategy::NAMES,
        "decorrelated",
        "How waits grow from attempt to attempt; none makes the first refusal final.",
    ),
    key(
        "retry",
        "wsb.retry.base",
        "Base",
        Kind::Duration,
        "1s",
        "First wait after a throttled attempt, before jitter; later waits grow from it.",
    ),
    key(
        "retry",
        "wsb.retry.cap",
        "Cap",
        Kind::Duration,
        "30s",
        "No wait is longer, a server's hint apart.",
    ),
    Key {
        default_note: "2, for decorrelated 3",
        ..key(
            "retry",
            "wsb.retry.multiplier",
            "Multiplier",
            Kind::Number,
            "",
            "Factor between one wait and the next, from 1 to 1000; also of the growing jitter on a hint (2 unless set).",
        )
    },
    key(
        "retry",
        "wsb.retry.jitter",
        "Jitter",
        Kind::Number,
        "0.5",
        "Width of the random part for plus-minus and additive, as a share from 0 to 1.",
    ),
    key(
        "retry",
        "wsb.retry.table",
        "Table",
        Kind::List,
        "",
        "Waits of the strategy table, as durations with commas between them; the last one repeats.",
    ),
    key(
        "retry",
        "wsb.retry.transientBase",
        "Base for transient failures",
        Kind::Duration,
        "250ms",
        "Base after a transient failure; shorter, because a throttle deserves a longer pause than a lost packet.",
    ),
    key(
        "retry",
        "wsb.retry.maxElapsed",
        "Give up after",
        Kind::Duration,
        "120s",
        "Longest time from the first attempt on, waits included; a wait that would cross it is not started.",
    ),
    key(
        "retry",
        "wsb.retry.maxAttempts",
        "Most attempts",
        Kind::Integer,
        "0",
        "Attempts in all, 1 means no retry; 0 leaves the stop to the time (and to a guard of 1000).",
    ),
    key(
        "retry",
        "wsb.retry.attemptTimeout",
        "Attempt time-out",
        Kind::Duration,
        "20s",
        "Longest time of one attempt from DNS to the answer's head, cut to what is left of the time in all.",
    ),
    key(
        "retry",
        "wsb.retry.throttle",
        "Throttle statuses",
        Kind::Statuses,
        "429",
        "HTTP statuses that mean: too many, come back later; a 503 with a hint counts too.",
    ),
    key(
        "retry",
        "wsb.retry.transient",
        "Transient failures",
        Kind::Statuses,
        "408,425,500,502-504,network,timeout",
        "HTTP statuses and the words network and timeout that are worth another try; all else is final at once.",
    ),
    Key {
        default_note: "random",
        ..key(
            "retry",
            "wsb.retry.seed",
            "Seed",
            Kind::Integer,
            "",
            "Makes every user's waits repeat from run to run (each user has a stream of its own).",
        )
    },
    choice(
        "hint",
        "wsb.hint.mode",
        "Hints",
        backoff::HintMode::NAMES,
        "floor",
        "floor: never come back before the server's hint; replace: take it in place of the own wait; ignore.",
    ),
    choice(
        "hint",
        "wsb.hint.jitter",
        "Jitter on a hint",
        backoff::HintJitter::NAMES,
        "growing",
        "Spread after a hint, only upwards: growing with the attempts, proportional (up to 1.5 times), or none.",
    ),
    key(
        "hint",
        "wsb.hint.max",
        "Longest hint",
        Kind::Duration,
        "180s",
        "A hint above this is treated as the next field says.",
    ),
    choice(
        "hint",
        "wsb.hint.onTooLong",
        "When longer",
        backoff::TooLong::NAMES,
        "fail",
        "fail: give up at once; clamp: wait the longest hint; ignore: use the own wait.",
    ),
    key(
        "hint",
        "wsb.hint.sources",
        "Sources",
        Kind::List,
        "retry-after-ms,x-ms-retry-after-ms,retry-after,ratelimit,inin-ratelimit-reset,x-ratelimit-reset,ratelimit-reset,body",
        "Where hints are looked for, in this order; body means the pattern below.",
    ),
    key(
        "hint",
        "wsb.hint.bodyPattern",
        "Body pattern",
        Kind::Regex,
        "",
        "Regular expression whose first group holds seconds in a refusal's body (or a group named seconds or ms).",
    ),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_stands_once_and_in_a_known_section() {
        for (index, key) in KEYS.iter().enumerate() {
            assert!(
                KEYS[..index].iter().all(|other| other.name != key.name),
                "{} twice",
                key.name
            );
            assert!(
                SECTIONS.iter().any(|section| section.id == key.section),
                "{}",
                key.name
            );
            assert!(key.name.starts_with("wsb."), "{}", key.name);
            assert!(
                key.help.ends_with('.') && !key.label.is_empty() && !key.elements.is_empty(),
                "{}",
                key.name
            );
        }
    }

    #[test]
    fn a_choice_has_its_default_among_its_words() {
        for key in KEYS.iter().filter(|key| key.kind == Kind::Choice) {
            assert!(key.choices.contains(&key.default), "{}", key.name);
        }
    }
}
