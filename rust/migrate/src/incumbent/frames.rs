//! The variable of theirs that tells the end of a message, as their reads hand on frames: loops that ask for it go, whoever else asks
//! for it keeps their samplers.

use super::{Survey, kind};
use crate::Files;
use crate::jmx::{Change, ItemId, Plan};
use crate::scripts::{self, is_code};
use crate::slots;
use crate::told::{Entry, Outcome};
use std::collections::BTreeSet;

/// The variable that their reads set.
const LAST_FRAME: &str = "websocket.last_frame_final";

/// Why an element of somebody else keeps their samplers where they are, if it does.
pub(super) fn reaches_in(plan: &Plan, item: ItemId, files: &Files) -> Option<String> {
    if kind(plan, item).is_some() || whole_message(plan, item).is_some() {
        return None;
    }
    for (name, property) in plan.texts(item) {
        let line = plan.xml().line(plan.xml().node(property.node).open.start);
        let code = is_code(&name, &property.value);
        if let Some(why) = uses(&property.value, code, &format!("line {line}")) {
            return Some(why);
        }
    }
    let file = scripts::file(plan, item)?;
    let (script, ..) = scripts::source(plan, item, files).ok()?;
    uses(&script, true, &format!("the file {file}"))
}

/// What a text uses of theirs that ours have not.
fn uses(text: &str, code: bool, place: &str) -> Option<String> {
    if code && (text.contains("eu.luminis") || text.contains("threadLocalCachedConnection")) {
        return Some(format!("a script uses their classes ({place})"));
    }
    text.contains(LAST_FRAME).then(|| {
        format!(
            "{LAST_FRAME} is asked for ({place}), which ws-backoff does not set: its samplers wait for whole messages"
        )
    })
}

/// What becomes of a loop that reads the frames of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frames {
    /// The sampler before it has the whole message now.
    Rest,
    /// Its own sampler reads the first frame.
    All,
}

/// Whether this is a loop around one read until a message is whole.
fn whole_message(plan: &Plan, item: ItemId) -> Option<Frames> {
    let condition = plan.property(item, "WhileController.condition")?.value;
    if plan.class(item) != "WhileController"
        || !condition.contains(LAST_FRAME)
        || condition.contains("&&")
        || condition.contains("||")
    {
        return None;
    }
    let mut inside = plan
        .inside(item)
        .filter(|one| plan.runs(*one) || !plan.runs(item));
    let only = inside
        .next()
        .filter(|one| kind(plan, *one) == Some("SingleReadWebSocketSampler"));
    if only.is_none() || inside.next().is_some() {
        return None;
    }
    let reads = |one: &ItemId| {
        matches!(
            kind(plan, *one),
            Some("SingleReadWebSocketSampler" | "RequestResponseWebSocketSampler")
        )
    };
    let before = match plan.parent(item) {
        Some(parent) => plan.children(parent).take_while(|one| *one < item).last(),
        None => None,
    };
    Some(if before.as_ref().is_some_and(reads) {
        Frames::Rest
    } else {
        Frames::All
    })
}

/// What goes with the loops that are taken out.
pub(super) fn gone(plan: &Plan, survey: &Survey) -> BTreeSet<ItemId> {
    let goes = |item: &ItemId| frames(plan, survey, *item) == Some(Frames::Rest);
    let loops = plan.items().filter(goes);
    loops.flat_map(|item| plan.inside(item)).collect()
}

/// As [`whole_message`], where the sampler in it has moved.
fn frames(plan: &Plan, survey: &Survey, item: ItemId) -> Option<Frames> {
    let frames = whole_message(plan, item)?;
    let moved = plan.inside(item).any(|one| survey.moves.contains_key(&one));
    moved.then_some(frames)
}

/// Takes the loops over frames out, where the sampler in them has moved.
pub(super) fn rewrite(plan: &Plan, survey: &Survey, change: &mut Change, told: &mut Vec<Entry>) {
    for item in plan.items().filter(|item| kind(plan, *item).is_none()) {
        let why = match frames(plan, survey, item) {
            Some(frames) if slots::stays(plan, item) => {
                change.convert(item, &slots::simple(), &["WhileController.condition"]);
                if frames == Frames::Rest {
                    plan.children(item).for_each(|one| change.remove(one));
                }
                told.push(Entry::of(plan, item, Outcome::Moved(slots::SIMPLE.to_owned())));
                continue;
            }
            Some(Frames::Rest) => {
                change.remove(item);
                "the sampler before it has the whole message now"
            }
            Some(Frames::All) => {
                change.unwrap(item);
                "its sampler waits for the whole message now"
            }
            None => continue,
        };
        told.push(Entry::of(plan, item, Outcome::Removed(why.to_owned())));
    }
}
