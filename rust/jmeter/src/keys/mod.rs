//! The one table of `wsb.*` keys: panels, tooltips, defaults, the reference and the tests are made from it.

mod assertion;
mod connection;
mod control;
mod live;
mod retry;
mod shared;
mod talk;

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
    /// A number of bytes, see `units::SIZE_FORMS`.
    Size,
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
            Kind::Size => "size",
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
        id: "once",
        title: "One fetch for all",
    },
    Section {
        id: "pace",
        title: "Pace",
    },
    Section {
        id: "retry",
        title: "Retry policy",
    },
    Section {
        id: "attempt",
        title: "Attempts",
    },
    Section {
        id: "hint",
        title: "Server hints",
    },
    Section {
        id: "shared",
        title: "Shared gate",
    },
    Section {
        id: "keeping",
        title: "Between samples",
    },
    Section {
        id: "message",
        title: "Message",
    },
    Section {
        id: "match",
        title: "Answer to wait for",
    },
    Section {
        id: "close",
        title: "Close",
    },
    Section {
        id: "result",
        title: "Result",
    },
    Section {
        id: "assertion",
        title: "Binary assertion",
    },
    Section {
        id: "connects",
        title: "What is shown",
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
    /// Those of them that take it from no defaults element.
    pub own: &'static [&'static str],
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

const CONNECT: &[&str] = &["ConnectSampler", DEFAULTS];
const ALL: &[&str] = &[
    "ConnectSampler",
    "SendSampler",
    "ReceiveSampler",
    "ExchangeSampler",
    "PingSampler",
    "CloseSampler",
    DEFAULTS,
];

/// Those that may open a connection for themselves.
const TALKING: &[&str] = &["SendSampler", "ReceiveSampler", "ExchangeSampler"];
const OPENING: &[&str] = &[
    "ConnectSampler",
    "SendSampler",
    "ReceiveSampler",
    "ExchangeSampler",
    DEFAULTS,
];

/// The element that has every key.
const DEFAULTS: &str = "WebSocketDefaults";

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
        own: &[],
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

const PARTS: &[&[Key]] = &[
    connection::KEYS,
    retry::KEYS,
    control::KEYS,
    shared::KEYS,
    connection::KEEPING,
    talk::KEYS,
    assertion::KEYS,
    live::KEYS,
];

const COUNT: usize = {
    let mut count = 0;
    let mut part = 0;
    while part < PARTS.len() {
        count += PARTS[part].len();
        part += 1;
    }
    count
};

/// Every key, in the order of panels and documents.
pub const KEYS: &[Key] = &{
    let mut all = [PARTS[0][0]; COUNT];
    let (mut at, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut index = 0;
        while index < PARTS[part].len() {
            all[at] = PARTS[part][index];
            at += 1;
            index += 1;
        }
        part += 1;
    }
    all
};

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
            assert!(key.help.ends_with('.') && !key.label.is_empty(), "{}", key.name);
        }
    }

    #[test]
    fn what_several_elements_have_the_defaults_have_too() {
        for key in KEYS.iter().filter(|key| !key.elements.contains(&DEFAULTS)) {
            assert_eq!(key.elements.len(), 1, "{}", key.name);
        }
    }

    #[test]
    fn what_an_element_takes_from_no_defaults_is_among_its_keys() {
        for key in KEYS {
            assert!(
                key.own.iter().all(|element| key.elements.contains(element)),
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
