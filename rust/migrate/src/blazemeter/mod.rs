//! BlazeMeter's WebSocket samplers (jmeter-bzm-plugins, WebSocket): a connection config, a sampler that sends and may wait for an answer,
//! and one that collects what comes.
//!
//! Each user has one connection for each server, path and port. It opens with the first sampler that needs it, and lasts until the test
//! ends. What is known of them here comes from their published source.

mod config;
mod samplers;

use crate::Files;
use crate::behind;
use crate::jmx::{Change, ItemId, NewElement, Plan};
use crate::ours;
use crate::together;
use crate::told::{Entry, Outcome};
use std::collections::{BTreeMap, BTreeSet};

const PACKAGE: &str = "blazemeter.jmeter.plugins.websocket.sampler.";

/// What they say to who closes, at the end of the test as well.
const REASON: &str = "JMeter closed session.";

/// What their samples say, which nothing of ours does.
const TEXTS: [&str; 5] = [
    "Response timeout",
    "Connection error",
    "Connection is closed",
    "[RECIVED at",
    "[SEND at",
];

/// All properties of the samplers: none of them means anything to an element of ours.
const KEYS: [&str; 6] = [
    "payloadContent",
    "waitUntilResponse",
    "responsePattern",
    "responseTimeout",
    "closeConnection",
    "connectionId",
];

/// How one of their samplers moves.
#[derive(Debug)]
struct Move {
    element: NewElement,
    /// It closes its connection, unless it is a Close itself.
    close: Option<NewElement>,
    /// How long its sample went on after what it waited for.
    pause: Option<String>,
    /// Its data was all that came.
    gathers: bool,
    notes: Vec<String>,
}

/// What becomes of each of their samplers.
#[derive(Debug, Default)]
pub(crate) struct Samplers(BTreeMap<ItemId, Result<Move, String>>);

/// Whether it is one of these samplers.
pub(crate) fn is_one(plan: &Plan, item: ItemId) -> bool {
    plan.class(item).starts_with(PACKAGE)
}

pub(crate) fn survey(plan: &Plan, files: &Files) -> Samplers {
    let theirs: Vec<ItemId> = plan.items().filter(|item| is_one(plan, *item)).collect();
    let named = config::names(plan, &theirs);
    let one = |item: &ItemId| (*item, samplers::one(plan, *item, named));
    let mut found = theirs.iter().map(one).collect();
    // A server, path or port may be a variable.
    together::or_none(plan, &mut found, files);
    Samplers(found)
}

/// Makes the changes, and tells them.
pub(crate) fn apply(plan: &Plan, samplers: &Samplers, change: &mut Change, told: &mut Vec<Entry>) {
    let mut moved = BTreeSet::new();
    for (item, found) in &samplers.0 {
        match found {
            Err(why) => told.push(Entry::of(plan, *item, Outcome::Left(why.clone()))),
            Ok(found) => {
                moved.insert(*item);
                told.push(replace(plan, *item, found, change));
            }
        }
    }
    let all: Vec<ItemId> = samplers.0.keys().copied().collect();
    config::apply(plan, &all, &moved, change, told);
    if !moved.is_empty() {
        tell_readers(plan, samplers, told);
    }
}

fn replace(plan: &Plan, item: ItemId, found: &Move, change: &mut Change) -> Entry {
    change.convert(item, &found.element, &KEYS);
    let mut notes = found.notes.clone();
    let into = ours::label(&found.element).to_owned();
    if !plan.runs(item) {
        return Entry::of(plan, item, Outcome::Moved(into)).with(notes);
    }
    let name = plan.name(item);
    let (end, pause_name) = (format!("{name}, its end"), format!("{name}, its pause"));
    let mut behind = Vec::new();
    if let Some(close) = &found.close {
        behind.push((end.as_str(), close.clone()));
        notes.push("it closed its connection within its sample; a WebSocket Close (wsb) behind it does so now, with a sample of its own, where it succeeded".to_owned());
    }
    if let Some(wait) = &found.pause {
        let note = match behind::met_twice(plan, item) {
            // It would wait again there.
            Some(other) => format!(
                "its sample went on for its whole time-out ({wait} ms) after that, and none of ours does: add this to {} (line {}), or the load grows",
                plan.name(other),
                plan.line(other)
            ),
            None => {
                behind.push((pause_name.as_str(), behind::pause(wait)));
                "its sample went on for its whole time-out after that; a pause behind it does so now, where it succeeded".to_owned()
            }
        };
        notes.push(note);
    }
    if !behind.is_empty() {
        let elements: Vec<(&str, &NewElement)> =
            behind.iter().map(|(name, element)| (*name, element)).collect();
        behind::where_it_succeeded(plan, item, &elements, change);
    }
    Entry::of(plan, item, Outcome::Moved(into)).with(notes)
}

/// Tells what in the plan reads more of their samples than there is in ours.
fn tell_readers(plan: &Plan, samplers: &Samplers, told: &mut Vec<Entry>) {
    let gathers = |found: &Result<Move, String>| found.as_ref().is_ok_and(|found| found.gathers);
    let all: Vec<ItemId> = samplers
        .0
        .iter()
        .filter(|(_, found)| gathers(found))
        .map(|(item, _)| *item)
        .collect();
    for item in plan
        .items()
        .filter(|item| plan.runs(*item) && !is_one(plan, *item))
    {
        let text = plan
            .texts(item)
            .find_map(|(_, property)| TEXTS.iter().find(|text| property.value.contains(**text)));
        if let Some(text) = text {
            let why = format!(
                "it looks for {text:?}, which ws-backoff never says: its failures have codes of their own, and its data is the message alone"
            );
            told.push(Entry::of(plan, item, Outcome::Left(why)));
            continue;
        }
        let class = plan.class(item);
        let reads = ["Extractor", "PostProcessor", "Assertion"]
            .iter()
            .any(|end| class.ends_with(end));
        let gathering = all.iter().find(|one| plan.counts_for(item, **one));
        if let Some(one) = gathering.filter(|_| reads) {
            let why = format!(
                "{} (line {}) had all messages of its time-out for its data, and has each as a sub-result now; let it wait for the message that this needs",
                plan.name(*one),
                plan.line(*one)
            );
            told.push(Entry::of(plan, item, Outcome::Left(why)));
        }
    }
}
