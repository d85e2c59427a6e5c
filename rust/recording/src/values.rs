//! Words of a message that came from an earlier one, as ids and tokens: they become variables, and secrets of the upgrade as well.

use crate::index::Index;
use crate::leaves::{SHORTEST, leaves};
use crate::stable::Match;
use crate::steps::{Act, Extract, Payload, Step, Wait, Way};
use crate::words::Words;
use std::collections::{HashMap, HashSet};

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
    /// What is taken from messages.
    pub taken: Vec<Extract>,
}

/// Finds them, puts variables in their places in what is sent, and notes at the waits what to keep. No variable gets one of the
/// `names` that are taken.
pub(crate) fn correlate(steps: &mut [Step], names: &mut Names) -> Values {
    let mut values = Values::default();
    let mut index = Index::default();
    for (nth, step) in steps.iter().enumerate() {
        step.said().iter().for_each(|text| index.add(nth, text));
    }
    let mut known: HashSet<String> = HashSet::new();
    for nth in 0..steps.len() {
        let Some(came) = steps[nth].came().map(str::to_owned) else {
            continue;
        };
        for leaf in leaves(&came) {
            if !known.insert(leaf.value.clone()) {
                continue;
            }
            let places = index.places(&leaf.value);
            let is_used = places
                .iter()
                .any(|place| *place > nth && steps[*place].has(&leaf.value));
            // A user's own word, that the server gave back.
            let is_own = places
                .iter()
                .any(|place| *place <= nth && steps[*place].has(&leaf.value));
            let Some(way) = leaf.way(&came).filter(|_| is_used && !is_own) else {
                continue;
            };
            let name = names.fresh(&leaf.name);
            for place in places.iter().filter(|place| **place > nth) {
                steps[*place].put(&leaf.value, &name);
            }
            let extract = Extract { name, way };
            if let Some(extracts) = steps[nth].extracts_mut() {
                extracts.push(extract.clone());
            }
            values.taken.push(extract);
        }
    }
    for (field, value) in secrets(steps) {
        let name = names.fresh(&field);
        for place in index.places(&value) {
            steps[*place].put(&value, &name);
        }
        values.given.push((name, value));
    }
    values
}

/// What of it becomes variables.
pub(crate) fn notes(values: &Values) -> Vec<String> {
    let given = values.given.iter().map(|(name, _)| {
        format!("${{{name}}} has the recorded value, among the plan's variables: it may have expired, or be one for all users.")
    });
    let taken = values.taken.iter().map(|Extract { name, way }| match way {
        Way::Path(path) => {
            format!("${{{name}}} is taken from {path} of an answer, as later messages have it.")
        }
        Way::Regex(expression) => {
            format!("${{{name}}} is what {expression} finds in an answer, as later messages have it.")
        }
    });
    given.chain(taken).collect()
}

impl Step {
    /// What the server sent, where values may be taken from it.
    fn came(&self) -> Option<&str> {
        match &self.act {
            Act::Exchange(_, wait) | Act::Receive(wait) => wait.came.as_deref(),
            Act::Request(request) => request.came.as_deref(),
            _ => None,
        }
    }

    fn extracts_mut(&mut self) -> Option<&mut Vec<Extract>> {
        match &mut self.act {
            Act::Exchange(_, wait) | Act::Receive(wait) => Some(&mut wait.extracts),
            Act::Request(request) => Some(&mut request.extracts),
            _ => None,
        }
    }

    fn wait_mut(&mut self) -> Option<&mut Wait> {
        match &mut self.act {
            Act::Exchange(_, wait) | Act::Receive(wait) => Some(wait),
            _ => None,
        }
    }

    /// All texts that go to the server.
    fn said(&self) -> Vec<&Words> {
        match &self.act {
            Act::Open(opening) => {
                let headers = opening.headers.iter().map(|(_, value)| value);
                [&opening.url].into_iter().chain(headers).collect()
            }
            Act::Request(request) => {
                let headers = request.opening.headers.iter().map(|(_, value)| value);
                let texts = headers.chain(&request.body);
                [&request.opening.url].into_iter().chain(texts).collect()
            }
            Act::Send(Payload::Text(words)) | Act::Exchange(Payload::Text(words), _) => vec![words],
            _ => Vec::new(),
        }
    }

    fn said_mut(&mut self) -> Vec<&mut Words> {
        match &mut self.act {
            Act::Open(opening) => {
                let headers = opening.headers.iter_mut().map(|(_, value)| value);
                [&mut opening.url].into_iter().chain(headers).collect()
            }
            Act::Request(request) => {
                let headers = request.opening.headers.iter_mut().map(|(_, value)| value);
                let texts = headers.chain(&mut request.body);
                [&mut request.opening.url].into_iter().chain(texts).collect()
            }
            Act::Send(Payload::Text(words)) | Act::Exchange(Payload::Text(words), _) => vec![words],
            _ => Vec::new(),
        }
    }

    fn has(&self, value: &str) -> bool {
        self.said().iter().any(|words| words.has(value))
    }

    /// Puts the variable into what is sent. An answer that is known by that value has it as well.
    fn put(&mut self, value: &str, name: &str) {
        let mut is_sent = false;
        for words in self.said_mut() {
            is_sent |= words.put(value, name);
        }
        if let Some(Match::Json { value: known, .. }) = self.wait_mut().map(|wait| &mut wait.matches) {
            if is_sent && *known == Words::plain(value) {
                *known = Words::variable(name);
            }
        }
    }
}

/// Of all upgrades: field and value, each value once, as far as it came from nowhere in the recording.
fn secrets(steps: &[Step]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    let openings = steps.iter().filter_map(|step| match &step.act {
        Act::Open(opening) => Some(opening),
        Act::Request(request) => Some(&request.opening),
        _ => None,
    });
    for opening in openings {
        let headers = opening.headers.iter();
        let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.as_plain()?)));
        let queries = opening.url.plains().flat_map(|text| text.split(['?', '&']));
        let pairs = queries.filter_map(|pair| pair.split_once('='));
        for (name, value) in headers.chain(pairs) {
            if is_secret(name) && value.len() >= SHORTEST && known.insert(value.to_owned()) {
                found.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    found
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|secret| name.contains(secret))
}

/// Names of variables, and how often each was asked for.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, usize>);

impl Names {
    /// One that nobody has.
    pub(crate) fn fresh(&mut self, field: &str) -> String {
        let base = variable(field);
        loop {
            let count = self.0.entry(base.clone()).or_default();
            *count += 1;
            if *count == 1 {
                return base;
            }
            let name = format!("{base}{count}");
            if !self.0.contains_key(&name) {
                self.0.insert(name.clone(), 1);
                return name;
            }
        }
    }
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
