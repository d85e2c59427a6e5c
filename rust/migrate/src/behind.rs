//! What comes behind a sampler that did more than one of ours does: a Close, a pause.

use crate::groups::is_group;
use crate::jmx::{Change, ItemId, NewElement, Plan};
use crate::scripts::is_sampler;
use crate::slots;

/// What stands in its scope and would be met by what comes behind it as well.
pub(crate) fn met_twice(plan: &Plan, item: ItemId) -> Option<ItemId> {
    // Configuration, and what only listens.
    const HARMLESS: [&str; 10] = [
        "Config",
        "ConfigTestElement",
        "Manager",
        "Arguments",
        "DataSet",
        "Defaults",
        "Collector",
        "Listener",
        "Visualizer",
        "Summariser",
    ];
    let harmless = |class: &str| {
        let ends = HARMLESS.iter().any(|end| class.ends_with(end));
        ends || is_sampler(class) || class.ends_with("Controller") || is_group(class)
    };
    let above = plan.above(item).flat_map(|above| plan.children(above));
    let mut beside = above.filter(|one| plan.runs(*one) && plan.counts_for(*one, item));
    beside.find(|one| plan.inside(*one).is_empty() && !harmless(plan.class(*one)))
}

/// Whether something with samples of its own may stand behind it.
///
/// # Errors
/// What is said of a sampler behind which it may not.
pub(crate) fn can_follow(plan: &Plan, item: ItemId, what: &str) -> Result<(), String> {
    slots::all_at_once(plan, item)?;
    match met_twice(plan, item) {
        Some(other) => Err(format!(
            "{} (line {}) would count for the {what} behind it, too; put it below the samplers that it is for",
            plan.name(other),
            plan.line(other)
        )),
        None => Ok(()),
    }
}

/// Puts elements behind it, for where it succeeded; in one place with it, if places count.
pub(crate) fn where_it_succeeded(
    plan: &Plan,
    item: ItemId,
    elements: &[(&str, &NewElement)],
    change: &mut Change,
) {
    let name = plan.name(item);
    let succeeded = NewElement::new("IfController", "IfControllerPanel")
        .with("IfController.condition", "${JMeterThread.last_sample_ok}")
        .with("IfController.useExpression", "true")
        .with("IfController.evaluateAll", "false");
    let end = format!("{name}, where it succeeded");
    change.insert_all_behind(item, (&end, &succeeded), elements);
    if slots::is_counted(plan, item) {
        change.wrap(item, &name, &slots::simple());
    }
}

/// A pause of so many milliseconds.
pub(crate) fn pause(duration: &str) -> NewElement {
    NewElement::new("TestAction", "TestActionGui")
        .with("ActionProcessor.action", "1")
        .with("ActionProcessor.target", "0")
        .with("ActionProcessor.duration", duration)
}
