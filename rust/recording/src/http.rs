//! Which of the requests beside the sockets the sockets need: those that gave a token, an id or a cookie that is said later, and those
//! that make something of what was given (a POST that creates a channel, a PUT that subscribes it).

use crate::har::{Recording, Request};
use crate::index::Index;
use crate::leaves::{SHORTEST, leaves};
use crate::words::Words;
use std::collections::{BTreeSet, HashSet};

/// What clients say to get an answer only where it is new: in a plan it has to be there each time.
const CONDITIONS: &[&str] = &["if-none-match", "if-modified-since"];

/// What was said to servers, and when.
#[derive(Default)]
struct Said {
    texts: Vec<(f64, Words)>,
    index: Index,
}

impl Said {
    fn add(&mut self, at: f64, text: &str) {
        let text = Words::plain(text);
        self.index.add(self.texts.len(), &text);
        self.texts.push((at, text));
    }

    fn has_after(&self, at: f64, value: &str) -> bool {
        self.index.places(value).iter().any(|place| {
            let (when, text) = &self.texts[*place];
            *when >= at && text.has(value)
        })
    }
}

/// Leaves only those requests that are needed, and without the cookies that they set themselves.
pub(crate) fn keep(recording: &mut Recording, needed: &BTreeSet<usize>) {
    let mut nth = 0;
    recording.requests.retain(|_| {
        nth += 1;
        needed.contains(&(nth - 1))
    });
    recording
        .requests
        .sort_by(|one, other| one.at.total_cmp(&other.at));
    let set: HashSet<String> = recording
        .requests
        .iter()
        .flat_map(|request| request.cookies.iter().map(|(name, _)| name.clone()))
        .collect();
    for request in &mut recording.requests {
        request
            .headers
            .retain(|(name, _)| !CONDITIONS.contains(&&*name.to_ascii_lowercase()));
        forget(&mut request.headers, &set);
    }
    for socket in &mut recording.sockets {
        forget(&mut socket.headers, &set);
    }
}

/// Takes cookies out that JMeter's Cookie Manager will have.
fn forget(headers: &mut Vec<(String, String)>, set: &HashSet<String>) {
    for (name, value) in headers.iter_mut() {
        if name.eq_ignore_ascii_case("cookie") {
            let others = value.split(';').map(str::trim).filter(|pair| {
                let name = pair.split('=').next().unwrap_or_default();
                !set.contains(name)
            });
            *value = others.collect::<Vec<_>>().join("; ");
        }
    }
    headers.retain(|(name, value)| !(value.is_empty() && name.eq_ignore_ascii_case("cookie")));
}

/// Places of those requests in the recording.
pub(crate) fn needed(recording: &Recording) -> BTreeSet<usize> {
    let mut said = Said::default();
    for socket in &recording.sockets {
        said.add(socket.at, &socket.url);
        socket
            .headers
            .iter()
            .for_each(|(_, value)| said.add(socket.at, value));
        for message in socket.messages.iter().filter(|message| message.is_sent) {
            if let Some(text) = message.body.text() {
                said.add(message.at, text);
            }
        }
    }
    let given: Vec<Vec<String>> = recording.requests.iter().map(gives).collect();
    let mut needed = BTreeSet::new();
    loop {
        let before = needed.len();
        for (nth, request) in recording.requests.iter().enumerate().rev() {
            let is_said = || given[nth].iter().any(|value| said.has_after(request.at, value));
            if !needed.contains(&nth) && (is_said() || makes(nth, recording, &given, &needed)) {
                needed.insert(nth);
                texts(request).for_each(|text| said.add(request.at, text));
            }
        }
        if needed.len() == before {
            return needed;
        }
    }
}

/// Whether it changes something whose name an earlier one of those needed gave.
fn makes(nth: usize, recording: &Recording, given: &[Vec<String>], needed: &BTreeSet<usize>) -> bool {
    let request = &recording.requests[nth];
    let url = Words::plain(&request.url);
    let is_earlier = |other: &&usize| recording.requests[**other].at <= request.at && **other != nth;
    request.method != "GET"
        && needed
            .iter()
            .filter(is_earlier)
            .any(|other| given[*other].iter().any(|value| url.has(value)))
}

/// Values of its answer that it did not say itself.
fn gives(request: &Request) -> Vec<String> {
    let own: Vec<Words> = texts(request).map(Words::plain).collect();
    let leaves = request.answer.as_deref().map(leaves).unwrap_or_default();
    let cookies = request.cookies.iter().map(|(_, value)| value.clone());
    leaves
        .into_iter()
        .map(|leaf| leaf.value)
        .chain(cookies.filter(|value| value.len() >= SHORTEST))
        .filter(|value| !own.iter().any(|text| text.has(value)))
        .collect()
}

fn texts(request: &Request) -> impl Iterator<Item = &str> {
    let headers = request.headers.iter().map(|(_, value)| value.as_str());
    headers
        .chain([request.url.as_str()])
        .chain(request.body.as_deref())
}
