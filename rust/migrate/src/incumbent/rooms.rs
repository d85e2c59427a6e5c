//! Who may meet on one connection: the samplers of a thread group, or all of a plan, with what it includes. They move together, or none
//! of them does.

use super::{ASSERTION, Survey, each, frames, kind};
use crate::Files;
use crate::groups::is_group;
use crate::jmx::{ItemId, Plan};
use crate::scripts;
use crate::told::{Entry, Outcome};
use std::collections::{BTreeMap, BTreeSet};

/// More included files than that are not read.
const MOST_FILES: usize = 100;

/// Why a room stays: by what, and why.
type Blocked = BTreeMap<Option<ItemId>, (ItemId, String)>;

/// For each element the thread group whose connections its samplers use; none for all that may be used by several groups.
fn rooms(plan: &Plan) -> Vec<Option<ItemId>> {
    const SHARED: [&str; 3] = ["ModuleController", "IncludeController", "TestFragmentController"];
    let shared = |item: ItemId| SHARED.contains(&plan.class(item)) && plan.runs(item);
    if plan.items().any(shared) {
        return vec![None; plan.items().len()];
    }
    let mut rooms: Vec<Option<ItemId>> = Vec::with_capacity(plan.items().len());
    for item in plan.items() {
        let group = is_group(plan.class(item)).then_some(item);
        let above = plan.parent(item).and_then(|parent| rooms[parent]);
        rooms.push(group.or(above));
    }
    rooms
}

/// Leaves all samplers of a thread group, and what is for them, where one that runs cannot move or a script reaches into theirs.
/// What is `kept` in another file keeps all of them.
pub(super) fn keep_whole(plan: &Plan, survey: &mut Survey, files: &Files, kept: Option<&str>) {
    let rooms = rooms(plan);
    let blocked = blocked(plan, survey, &rooms, files, &mut BTreeSet::new());
    // What stands above all groups reaches into each.
    let everywhere = blocked.get(&None).or_else(|| blocked.values().next()).cloned();
    let connected = |item: &ItemId| plan.class(*item) != ASSERTION;
    let moving: Vec<ItemId> = survey.moves.keys().copied().filter(connected).collect();
    for item in moving {
        let own = match rooms[item] {
            None => everywhere.as_ref(),
            own => blocked.get(&own).or_else(|| blocked.get(&None)),
        };
        let own = own.map(|(cause, why)| told_of(plan, survey, *cause, why));
        let Some(cause) = own.or_else(|| kept.map(str::to_owned)) else {
            continue;
        };
        let why = format!("it may share a connection with {cause}");
        survey.moves.remove(&item);
        survey.left.insert(item, why);
    }
}

/// What keeps others, and why.
fn told_of(plan: &Plan, survey: &Survey, cause: ItemId, why: &str) -> String {
    let (name, line) = (plan.name(cause), plan.line(cause));
    if survey.left.contains_key(&cause) {
        format!("{name} (line {line}), which stays")
    } else {
        format!("{name} (line {line}): {why}")
    }
}

fn blocked(
    plan: &Plan,
    survey: &Survey,
    rooms: &[Option<ItemId>],
    files: &Files,
    read: &mut BTreeSet<String>,
) -> Blocked {
    let mut blocked = Blocked::new();
    for (item, why) in &survey.left {
        if plan.runs(*item) && plan.class(*item) != ASSERTION {
            blocked
                .entry(rooms[*item])
                .or_insert_with(|| (*item, why.clone()));
        }
    }
    let theirs = |item: &ItemId| plan.runs(*item) && kind(plan, *item).is_some();
    let theirs: Vec<ItemId> = plan.items().filter(theirs).collect();
    for item in plan.items().filter(|item| plan.runs(*item)) {
        let reaches_in = frames::reaches_in(plan, item, files)
            .or_else(|| scripts::keeps(plan, item, &theirs, files))
            .or_else(|| by_included(plan, item, files, read));
        if let Some(why) = reaches_in {
            blocked.entry(rooms[item]).or_insert((item, why));
        }
    }
    blocked
}

/// The files that a plan includes.
pub(crate) fn included(plan: &Plan) -> Vec<String> {
    plan.items().filter_map(|item| path(plan, item)).collect()
}

/// What keeps samplers of a plan where they are, by itself or by what it includes.
pub(crate) fn kept_by(plan: &Plan, files: &Files) -> Option<String> {
    let survey = each(plan);
    let blocked = blocked(plan, &survey, &rooms(plan), files, &mut BTreeSet::new());
    let (_, (cause, why)) = blocked.into_iter().next()?;
    Some(told_of(plan, &survey, cause, &why))
}

/// Why an included file keeps the samplers of the plan, if it does.
fn by_included(plan: &Plan, item: ItemId, files: &Files, read: &mut BTreeSet<String>) -> Option<String> {
    let path = path(plan, item)?;
    if read.len() >= MOST_FILES {
        return Some(format!("more than {MOST_FILES} files are included"));
    }
    if !read.insert(path.clone()) {
        return None;
    }
    let other = Plan::read(&files(&path)?).ok()?;
    let survey = each(&other);
    let blocked = blocked(&other, &survey, &rooms(&other), files, read);
    let (_, (cause, why)) = blocked.into_iter().next()?;
    Some(format!("{path} has {}", told_of(&other, &survey, cause, &why)))
}

fn path(plan: &Plan, item: ItemId) -> Option<String> {
    let include = plan.class(item) == "IncludeController" && plan.runs(item);
    include.then(|| plan.value_or(item, "IncludeController.includepath", ""))
}

/// Tells where connections may be shared with files that nobody sees.
pub(super) fn tell(plan: &Plan, files: &Files, told: &mut Vec<Entry>) {
    for item in plan.items() {
        let Some(path) = path(plan, item).filter(|path| files(path).is_none()) else {
            continue;
        };
        let what = format!(
            "{path} is not beside the plan: see that the samplers in it move, too, as they may share a connection"
        );
        told.push(Entry::of(plan, item, Outcome::Noted(what)));
    }
    let groups = plan.items().any(|item| is_group(plan.class(item)));
    if let Some(fragment) = plan
        .items()
        .find(|item| plan.class(*item) == "TestFragmentController" && !groups)
    {
        let what = "its samplers move: see that those of the plans that include it move, too, as they may share a connection";
        told.push(Entry::of(plan, fragment, Outcome::Noted(what.to_owned())));
    }
}
