//! The WebSocket samplers by Peter Doornbosch (jmeter-websocket-samplers 1.0 to 1.3.2): which of a plan's elements can become ours, and
//! which cannot and why.
//!
//! Their samplers share one connection a thread. So the samplers that may meet on one connection move together, or none of them does.
//! What is known of them here comes from their documentation and from plans that use them.

mod address;
mod assertion;
mod codes;
mod filters;
mod frames;
mod headers;
mod reach;
mod rooms;
mod samplers;

use crate::Files;
use crate::jmx::{Change, ItemId, NewElement, Plan};
use crate::ours;
use crate::told::{Entry, Outcome};
use filters::Filters;
pub(crate) use rooms::{included, kept_by};
use std::collections::{BTreeMap, BTreeSet};

/// The package of their elements.
const PACKAGE: &str = "eu.luminis.jmeter.";
const ASSERTION: &str = "eu.luminis.jmeter.assertions.BinaryContentAssertion";

/// All properties of theirs: none of them means anything to an element of ours.
const KEYS: [&str; 24] = [
    "TLS",
    "server",
    "port",
    "path",
    "connectTimeout",
    "readTimeout",
    "createNewConnection",
    "payloadType",
    "dataType",
    "binaryPayload",
    "optional",
    "requestData",
    "loadDataFromFile",
    "dataFile",
    "statusCode",
    "type",
    "replyToPing",
    "filterType",
    "comparisonType",
    "compareValue",
    "matchValue",
    "matchPosition",
    "connectionId",
    "enableMultipleConnectionsPerThread",
];

/// What an element of theirs can become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Into {
    /// An element of ours.
    Element(NewElement),
    /// Nothing: what it did, ours do by themselves.
    Nothing(&'static str),
}

/// How one element moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) into: Into,
    /// What comes below it: how it connects, where it opens a connection of its own.
    pub(crate) below: Option<NewElement>,
    pub(crate) notes: Vec<String>,
}

impl Move {
    fn to(element: NewElement) -> Self {
        Self {
            into: Into::Element(element),
            below: None,
            notes: Vec::new(),
        }
    }

    fn nothing(why: &'static str) -> Self {
        Self {
            into: Into::Nothing(why),
            below: None,
            notes: Vec::new(),
        }
    }

    fn with(mut self, key: &'static str, value: impl std::convert::Into<String>) -> Self {
        if let Into::Element(element) = &mut self.into {
            element.properties.push((key, value.into()));
        }
        self
    }

    fn noting(mut self, note: impl std::convert::Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// What can be done about each of their elements in a plan.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) moves: BTreeMap<ItemId, Move>,
    left: BTreeMap<ItemId, String>,
}

impl Survey {
    /// Whether it is one of their samplers that open a connection alone, and becomes our Connect.
    pub(crate) fn connects(&self, plan: &Plan, item: ItemId) -> bool {
        self.moves.contains_key(&item) && kind(plan, item) == Some("OpenWebSocketSampler")
    }

    /// Has a Connect try again, by these properties.
    pub(crate) fn try_again(&mut self, item: ItemId, policy: Vec<(&'static str, String)>) {
        if let Some(Move {
            into: Into::Element(element),
            ..
        }) = self.moves.get_mut(&item)
        {
            let kept = |(key, _): &(&'static str, String)| {
                *key != samplers::STRATEGY && !policy.iter().any(|(other, _)| key == other)
            };
            element.properties.retain(kept);
            element.properties.extend(policy);
        }
    }
}

/// The last part of the class, if it is one of theirs.
fn kind(plan: &Plan, item: ItemId) -> Option<&str> {
    plan.class(item).strip_prefix(PACKAGE)?.rsplit('.').next()
}

/// Looks at all of their elements.
pub(crate) fn survey(plan: &Plan, files: &Files, kept: Option<&str>) -> Survey {
    let mut survey = each(plan);
    rooms::keep_whole(plan, &mut survey, files, kept);
    headers::compress(plan, &mut survey);
    survey
}

/// Each of their elements, whatever becomes of the others.
fn each(plan: &Plan) -> Survey {
    let mut survey = Survey::default();
    let filters = Filters::of(plan);
    for item in plan.items() {
        let Some(kind) = kind(plan, item) else {
            continue;
        };
        match one(plan, item, kind, &filters) {
            Ok(found) => drop(survey.moves.insert(item, found)),
            Err(why) => drop(survey.left.insert(item, why)),
        }
    }
    survey
}

fn one(plan: &Plan, item: ItemId, kind: &str, filters: &Filters) -> Result<Move, String> {
    match kind {
        "OpenWebSocketSampler" => samplers::open(plan, item),
        "CloseWebSocketSampler" => samplers::close(plan, item),
        "RequestResponseWebSocketSampler" => samplers::exchange(plan, item, filters),
        "SingleReadWebSocketSampler" => samplers::read(plan, item, filters),
        "SingleWriteWebSocketSampler" => samplers::write(plan, item),
        "PingPongSampler" => samplers::ping(plan, item),
        "PingFrameFilter" => Ok(filters::ping(plan, item)),
        "TextFrameFilter" | "BinaryFrameFilter" => Ok(filters::content(plan, item)),
        "BinaryContentAssertion" => assertion::binary(plan, item),
        other => Err(format!("{other} is not known")),
    }
}

/// Makes the changes, and tells them; what is `taken` goes with a loop, or has another condition already.
pub(crate) fn apply(
    plan: &Plan,
    survey: &Survey,
    taken: &BTreeSet<ItemId>,
    files: &Files,
    change: &mut Change,
    told: &mut Vec<Entry>,
) {
    let gone = frames::gone(plan, survey);
    for (item, found) in survey.moves.iter().filter(|(item, _)| !gone.contains(item)) {
        let outcome = match &found.into {
            Into::Element(element) => {
                change.convert(*item, element, &KEYS);
                if let Some(below) = &found.below {
                    change.insert_below(*item, "How it connects", below);
                }
                Outcome::Moved(ours::label(element).to_owned())
            }
            Into::Nothing(why) => {
                change.remove(*item);
                Outcome::Removed((*why).to_owned())
            }
        };
        told.push(Entry::of(plan, *item, outcome).with(found.notes.clone()));
    }
    for (item, why) in &survey.left {
        told.push(Entry::of(plan, *item, Outcome::Left(why.clone())));
    }
    if survey.moves.keys().any(|item| plan.class(*item) != ASSERTION) {
        frames::rewrite(plan, survey, change, told);
        codes::rewrite(plan, survey, taken, files, change, told);
        headers::rewrite(plan, survey, change, told);
        headers::tell_logins(plan, survey, told);
        rooms::tell(plan, files, told);
    }
}
