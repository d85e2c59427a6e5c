//! Samplers of another plugin that may meet on a connection: they move together, or none of them does.

use crate::Files;
use crate::jmx::{ItemId, Plan};
use crate::scripts;
use std::collections::BTreeMap;

/// Keeps all of them where they are, if one has to stay or something takes hold of one.
pub(crate) fn or_none<T>(plan: &Plan, found: &mut BTreeMap<ItemId, Result<T, String>>, files: &Files) {
    // The scripts of a plan that has none of them are nobody's business, and many.
    if found.values().all(Result::is_err) {
        return;
    }
    let stays = found
        .iter()
        .find(|(item, found)| found.is_err() && plan.runs(**item))
        .map(|(cause, _)| (*cause, ", which stays".to_owned()));
    let running: Vec<ItemId> = found.keys().copied().filter(|item| plan.runs(*item)).collect();
    let kept = || {
        let mut others = plan.items().filter(|item| plan.runs(*item));
        others.find_map(|item| {
            Some((
                item,
                format!(": {}", scripts::keeps(plan, item, &running, files)?),
            ))
        })
    };
    let Some((cause, stays)) = stays.or_else(kept) else {
        return;
    };
    let (name, line) = (plan.name(cause), plan.line(cause));
    let why = format!("it may share a connection with {name} (line {line}){stays}");
    for (item, found) in found.iter_mut().filter(|(_, found)| found.is_ok()) {
        // What concerns it alone is said without the others.
        let own = stays
            .strip_prefix(": ")
            .filter(|_| plan.parent(cause) == Some(*item) || cause == *item);
        *found = Err(own.unwrap_or(&why).to_owned());
    }
}
