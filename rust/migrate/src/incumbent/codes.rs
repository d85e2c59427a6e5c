//! What a plan says about their samplers in other places: response codes and messages in assertions, conditions and scripts. Where the
//! same can be said of ours, it is; else it is told.

use super::Survey;
use super::reach::{Met, Reach};
use crate::Files;
use crate::jmx::{Change, ItemId, Plan};
use crate::scripts::{self, SCRIPTS, is_code};
use crate::told::{Entry, Outcome};
use regex::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Codes and messages of theirs, what ours say for the same, and what else ours may say.
const CODES: [(&str, &str, &str); 4] = [
    ("No response", "No message", ""),
    (
        "Websocket I/O error",
        "Non HTTP response code: message.timeout",
        "an end of the connection has another code now: connection.lost or closed.<code>",
    ),
    ("Read timed out", "No message in time", ""),
    (
        "Sampler error",
        "Non HTTP response code: connection.none",
        "a message of the wrong kind has another code now: message.unexpected or closed.<code>",
    ),
];

/// What samplers with a connection of their own said of a success, and say now.
const FRESH_CODE: (&str, &str) = ("101", "200");
const FRESH_MESSAGE: (&str, &str) = ("Switching Protocols", "OK");

/// What a script may ask for and finds in other words now, whatever it does with it.
static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"I/O error|No response|Sampler error|Read timed out|unexpected (?:status|frame)|Connect URL|[sS]amplerData|[rR]esponseMessage\s*(?:\(\s*\))?\s*(?:\??\.\s*\w+\s*\(|[=!]=|=~|in\b)",
    )
});
/// A code of a close, or the begin of a pattern for the place where it stood.
static CLOSE_CODE: LazyLock<Regex> = LazyLock::new(|| pattern(r"[1-4]\d{3}|^\^|\\d"));
/// What a script may ask of a connection of its own.
static FRESH_WORDS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b101\b|[rR]esponseCodeOK"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern that tests use")
}

/// What has been found out about a text.
#[derive(Debug, Default)]
struct Said {
    /// As it is to be.
    value: String,
    changed: Vec<String>,
    notes: Vec<String>,
    /// What it asks for, and has another answer now.
    open: Vec<String>,
}

impl Said {
    fn of(value: &str) -> Self {
        Self {
            value: value.to_owned(),
            ..Self::default()
        }
    }

    fn replace(&mut self, new: String, theirs: &str, ours: &str, note: &str) {
        self.value = new;
        self.changed.push(format!("{theirs} is {ours} now"));
        self.notes.extend((!note.is_empty()).then(|| note.to_owned()));
    }
}

/// Changes what is said about samplers that have moved; elements that are `taken` go, or have another condition already.
pub(super) fn rewrite(
    plan: &Plan,
    survey: &Survey,
    taken: &BTreeSet<ItemId>,
    files: &Files,
    change: &mut Change,
    told: &mut Vec<Entry>,
) {
    let reach = Reach::of(plan, survey);
    let known = |item: &ItemId| survey.moves.contains_key(item) || taken.contains(item);
    for item in plan.items().filter(|item| !known(item)) {
        let met = reach.met_by(plan, item);
        if !met.ours() {
            continue;
        }
        for (node, said) in texts(plan, item, met) {
            if said.value != plan.xml().value(node) {
                change.set_value(node, &said.value);
                let what = Outcome::Changed(said.changed.join("; "));
                told.push(Entry::of(plan, item, what).with(said.notes));
            }
            told.extend(said.open.into_iter().map(|asked| {
                let line = plan.xml().line(plan.xml().node(node).open.start);
                Entry::of(
                    plan,
                    item,
                    Outcome::Left(format!("to look at (line {line}): {asked}")),
                )
            }));
        }
        told.extend(in_file(plan, item, met, files));
    }
}

/// What is to be said of the texts of an element, each with the place where it stands.
fn texts(plan: &Plan, item: ItemId, met: Met) -> Vec<(usize, Said)> {
    match plan.class(item) {
        "ResponseAssertion" => {
            let field = plan.value_or(item, "Assertion.test_field", "");
            let kind = plan.value_or(item, "Assertion.test_type", "2").trim().parse();
            let kind = Kind::of(kind.unwrap_or(2));
            let Some(list) = plan.property_node(item, "Asserion.test_strings") else {
                return Vec::new();
            };
            let field = field.strip_prefix("Assertion.").unwrap_or(&field);
            let strings = plan.xml().leaves(list).filter(|leaf| *leaf != list);
            let said = |leaf| Some((leaf, asked(&plan.xml().value(leaf), field, kind, met)?));
            strings.filter_map(said).collect()
        }
        "RegexExtractor" => {
            let field = match plan.value_or(item, "RegexExtractor.useHeaders", "").as_str() {
                "code" => "response_code",
                "message" => "response_message",
                _ => return Vec::new(),
            };
            let regex = plan.property(item, "RegexExtractor.regex");
            let said =
                regex.and_then(|regex| Some((regex.node, asked(&regex.value, field, Kind::Finds, met)?)));
            said.into_iter().collect()
        }
        _ => {
            let code = plan.texts(item).filter(|(key, text)| is_code(key, &text.value));
            code.map(|(_, text)| (text.node, in_script(&text.value, met)))
                .collect()
        }
    }
}

/// How an assertion compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Matches,
    Finds,
    Equals,
    Contains,
}

impl Kind {
    /// By the bits that JMeter stores; 4 turns it round, and 32 takes one of several.
    fn of(bits: u32) -> Self {
        match bits {
            bits if bits & 8 != 0 => Self::Equals,
            bits if bits & 16 != 0 => Self::Contains,
            bits if bits & 1 != 0 => Self::Matches,
            _ => Self::Finds,
        }
    }

    /// Whether it takes a text; none where that cannot be said.
    fn takes(self, pattern: &str, text: &str) -> Option<bool> {
        if pattern.contains("${") {
            return None;
        }
        let matches = |pattern: &str| Regex::new(pattern).ok().map(|pattern| pattern.is_match(text));
        match self {
            Self::Equals => Some(pattern == text),
            Self::Contains => Some(text.contains(pattern)),
            Self::Matches => matches(&format!("^(?:{pattern})$")),
            Self::Finds => matches(pattern),
        }
    }
}

/// What an assertion asks of a part of the sample; none where that part is as before.
fn asked(value: &str, field: &str, kind: Kind, met: Met) -> Option<Said> {
    let mut said = Said::of(value);
    let fresh = match field {
        "response_code" => FRESH_CODE,
        "response_message" => FRESH_MESSAGE,
        "request_data" => {
            let open = format!("it asks for {value:?} in what was sent, which is shown in another way now");
            said.open.push(open);
            return Some(said);
        }
        // Of a Close theirs had its code and reason, ours has the reason.
        "response_data" if met.closes > 0 && met.scoped => {
            let whole = [Kind::Equals, Kind::Matches].contains(&kind);
            if whole || CLOSE_CODE.is_match(value) {
                said.open.push(format!(
                    "it asks for {value:?} in what a Close shows, where the code is no longer before the reason; it is the response code"
                ));
            }
            return Some(said);
        }
        _ => return None,
    };
    let mut known = false;
    for (theirs, ours, note) in CODES {
        let new = value.replace(theirs, ours);
        if new != value {
            known = true;
            said.replace(new, theirs, ours, note);
        }
    }
    if met.fresh > 0 {
        let (theirs, ours) = fresh;
        let (was, is) = (kind.takes(value, theirs), kind.takes(value, ours));
        let new = said.value.replace(theirs, ours);
        let same = was.is_some() && was == is;
        let becomes = was.is_some() && kind.takes(&new, ours) == was && kind.takes(&new, theirs) == is;
        if !same && becomes && met.only_fresh() {
            known = true;
            said.replace(new, theirs, ours, "");
        } else if !same {
            known = true;
            said.open.push(format!(
                "it asks for {value:?}; samplers with a connection of their own say {ours} now where they said {theirs}"
            ));
        }
    }
    let usual = ["OK", FRESH_MESSAGE.0]
        .iter()
        .any(|usual| kind.takes(value, usual) == Some(true));
    if field == "response_message" && !known && !usual {
        said.open.push(format!(
            "it asks for the message {value:?}; failures are told in other words now"
        ));
    }
    Some(said)
}

/// What a script or a condition asks for.
fn in_script(value: &str, met: Met) -> Said {
    let mut said = Said::of(value);
    let fresh = (FRESH_CODE.0, FRESH_CODE.1, "");
    let fresh = [fresh]
        .into_iter()
        .filter(|_| met.fresh > 0 && met.connects == 0 && (met.only_fresh() || !met.scoped));
    for (theirs, ours, note) in CODES.into_iter().chain(fresh) {
        let quoted = |text: String, quote: &&str| {
            text.replace(
                &format!("{quote}{theirs}{quote}"),
                &format!("{quote}{ours}{quote}"),
            )
        };
        let new = ["\"", "'"].iter().fold(said.value.clone(), quoted);
        if new != said.value {
            said.replace(new, theirs, ours, note);
        }
    }
    // What is only logged decides nothing.
    let lines: Vec<&str> = said
        .value
        .lines()
        .filter(|line| !line.trim_start().starts_with("log."))
        .collect();
    let lines = lines.join("\n");
    let fresh = || FRESH_WORDS.find(&lines).filter(|_| met.fresh > 0);
    if let Some(word) = WORDS.find(&lines).or_else(fresh) {
        let word = word.as_str();
        said.open.push(format!(
            "a script asks for {word}, to which ours may have another answer"
        ));
    }
    said
}

/// What a script in a file asks for, which nobody changes.
fn in_file(plan: &Plan, item: ItemId, met: Met, files: &Files) -> Option<Entry> {
    let file = scripts::file(plan, item).filter(|_| SCRIPTS.contains(&plan.class(item)))?;
    let (script, ..) = scripts::source(plan, item, files).ok()?;
    let said = in_script(&script, met);
    let asked: Vec<String> = said.changed.into_iter().chain(said.open).collect();
    let why = format!(
        "to look at: its script is in the file {file}, which is not changed: {}",
        asked.join("; ")
    );
    (!asked.is_empty()).then(|| Entry::of(plan, item, Outcome::Left(why)))
}
