//! What stands around a loop and had a part in its tries: timers outside of it, and a thread group that does not go on after a failure.

use super::group;
use crate::jmx::{ItemId, Plan};

const ON_ERROR: &str = "ThreadGroup.on_sample_error";

/// Whether a thread goes on after a failed sample.
pub(super) fn goes_on(plan: &Plan, item: ItemId) -> bool {
    group(plan, item).is_none_or(|group| plan.value_or(group, ON_ERROR, "continue") == "continue")
}

/// What is said of them.
pub(super) fn notes(plan: &Plan, item: ItemId, sampler: ItemId, connects: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let outside = |one: &ItemId| {
        plan.class(*one).ends_with("Timer")
            && plan.runs(*one)
            && *one != item
            && !plan.inside(item).contains(one)
            && plan.counts_for(*one, sampler)
    };
    if let Some(timer) = plan.items().find(outside).filter(|_| connects) {
        notes.push(format!(
            "{} (line {}) waited before each try, too; now it waits before the first one only",
            plan.name(timer),
            plan.line(timer)
        ));
    }
    if !goes_on(plan, item) {
        notes.push(
            "its thread group does not go on after a failed sample (ThreadGroup.on_sample_error), so that a try that failed in the open was \
             the last one; now it tries again"
                .to_owned(),
        );
    }
    notes
}
