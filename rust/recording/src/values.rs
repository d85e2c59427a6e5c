//! Words of a message that came from an earlier one, as ids and tokens: they become variables, and secrets of the upgrade as well.

use crate::har::Recording;
use crate::stable::{Match, json};
use crate::steps::{Act, Payload, Step, Wait};
use crate::words::Words;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A shorter word may stand somewhere by chance.
const SHORTEST: usize = 6;
/// So does a smaller number.
const SMALLEST: u64 = 100_000;
/// Header fields and query values whose names say so.
const SECRETS: &[&str] = &[
    "authorization",
    "cookie",
    "token",
    "key",
    "secret",
    "password",
    "signature",
    "auth",
    "session",
    "sid",
];

/// What became a variable.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    /// Name, and the recorded value, for the plan's own variables.
    pub given: Vec<(String, String)>,
    /// Name, and the JSONPath of the message that it is taken from.
    pub taken: Vec<(String, String)>,
}

/// A value that came, and which step had it.
struct Leaf {
    step: usize,
    name: String,
    path: String,
    value: String,
}

/// Finds them, puts variables in their places in what is sent, and notes at the waits what to keep.
pub(crate) fn correlate(recording: &Recording, steps: &mut [Step]) -> Values {
    let mut values = Values::default();
    let mut names = BTreeSet::new();
    for (field, value) in secrets(recording) {
        let name = fresh(&field, &mut names);
        for step in steps.iter_mut() {
            step.put(&value, &name);
        }
        values.given.push((name, value));
    }
    let mut known: BTreeSet<String> = BTreeSet::new();
    for nth in 0..steps.len() {
        let Some(came) = steps[nth].wait().and_then(|wait| wait.came.as_deref()) else {
            continue;
        };
        for leaf in leaves(nth, came) {
            if !known.insert(leaf.value.clone()) || is_sent_before(&steps[..=nth], &leaf.value) {
                continue;
            }
            let mut name = leaf.name.clone();
            if names.contains(&name) {
                name = next(&name, &names);
            }
            let (_, later) = steps.split_at_mut(nth + 1);
            let used = later
                .iter_mut()
                .map(|step| step.put(&leaf.value, &name))
                .filter(|put| *put)
                .count();
            if used == 0 {
                continue;
            }
            names.insert(name.clone());
            if let Some(wait) = steps[leaf.step].wait_mut() {
                wait.extracts.push((name.clone(), leaf.path.clone()));
            }
            values.taken.push((name, leaf.path));
        }
    }
    values
}

/// What of it becomes variables.
pub(crate) fn notes(values: &Values) -> Vec<String> {
    let given = values.given.iter().map(|(name, _)| {
        format!("${{{name}}} has the recorded value of the upgrade, among the plan's variables: it may have expired, or be one for all users.")
    });
    let taken = values.taken.iter().map(|(name, path)| {
        format!("${{{name}}} is taken from {path} of an answer, as later messages have it.")
    });
    given.chain(taken).collect()
}

impl Step {
    fn wait(&self) -> Option<&Wait> {
        match &self.act {
            Act::Exchange(_, wait) | Act::Receive(wait) => Some(wait),
            _ => None,
        }
    }

    fn wait_mut(&mut self) -> Option<&mut Wait> {
        match &mut self.act {
            Act::Exchange(_, wait) | Act::Receive(wait) => Some(wait),
            _ => None,
        }
    }

    fn words(&mut self) -> Option<&mut Words> {
        match &mut self.act {
            Act::Send(Payload::Text(words)) | Act::Exchange(Payload::Text(words), _) => Some(words),
            _ => None,
        }
    }

    /// Puts it into what is sent; whether it is there. An answer that is known by it has it as well.
    fn put(&mut self, value: &str, name: &str) -> bool {
        let is_sent = self.words().is_some_and(|words| words.put(value, name));
        if let Some(Match::Json { value: known, .. }) = self.wait_mut().map(|wait| &mut wait.matches) {
            if is_sent && *known == Words::plain(value) {
                *known = Words::variable(name);
            }
        }
        is_sent
    }
}

/// A user's own word, that the server gave back.
fn is_sent_before(steps: &[Step], value: &str) -> bool {
    steps.iter().any(|step| {
        let mut copy = step.clone();
        copy.put(value, "")
    })
}

/// Values of a message that could be ids, each at one place.
fn leaves(step: usize, came: &str) -> Vec<Leaf> {
    // An extractor reads plain JSON only.
    let Some(value) = json(came).filter(|_| !came.ends_with('\u{1e}')) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    walk(&value, "$", "value", &mut found);
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    found
        .iter()
        .for_each(|(_, _, value)| *count.entry(value.clone()).or_default() += 1);
    let single = found
        .into_iter()
        .filter(|(_, _, value)| count.get(value) == Some(&1));
    single
        .map(|(name, path, value)| Leaf {
            step,
            name: variable(&name),
            path,
            value,
        })
        .collect()
}

fn walk(value: &Value, path: &str, name: &str, found: &mut Vec<(String, String, String)>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let quoted = key.replace('\\', "\\\\").replace('\'', "\\'");
                walk(member, &format!("{path}['{quoted}']"), key, found);
            }
        }
        Value::Array(members) => {
            for (nth, member) in members.iter().enumerate() {
                walk(member, &format!("{path}[{nth}]"), name, found);
            }
        }
        Value::String(text) if is_id(text) => {
            found.push((name.to_owned(), path.to_owned(), text.clone()));
        }
        Value::Number(number) if number.as_u64().is_some_and(|number| number >= SMALLEST) => {
            found.push((name.to_owned(), path.to_owned(), number.to_string()));
        }
        _ => {}
    }
}

/// No word of a language: it has a digit, and no blank.
fn is_id(text: &str) -> bool {
    text.len() >= SHORTEST
        && text.contains(|c: char| c.is_ascii_digit())
        && !text.contains(char::is_whitespace)
}

/// Of all upgrades: field and value, each value once.
pub(crate) fn secrets(recording: &Recording) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for socket in &recording.sockets {
        let headers = socket
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let query = socket.url.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        for (name, value) in headers.chain(pairs) {
            let is_new = !found.iter().any(|(_, known)| known == value);
            if is_secret(name) && value.len() >= SHORTEST && is_new {
                found.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    found
}

pub(crate) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !name.starts_with("sec-websocket") && SECRETS.iter().any(|secret| name.contains(secret))
}

fn fresh(field: &str, names: &mut BTreeSet<String>) -> String {
    let mut name = variable(field);
    if names.contains(&name) {
        name = next(&name, names);
    }
    names.insert(name.clone());
    name
}

fn next(name: &str, names: &BTreeSet<String>) -> String {
    let mut nth = 2;
    while names.contains(&format!("{name}{nth}")) {
        nth += 1;
    }
    format!("{name}{nth}")
}

/// A name that JMeter takes for a variable.
fn variable(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let name = name.trim_matches('_').to_owned();
    if name.is_empty() {
        "value".to_owned()
    } else {
        name.to_ascii_lowercase()
    }
}
