//! Places that controllers know by number or by name: what stands in one cannot be taken out, nor can something come beside it.

use crate::groups::is_group;
use crate::jmx::{ItemId, NewElement, Plan};
use crate::scripts::is_sampler;

/// Controllers that take all their children, one after the other.
const IN_ORDER: [&str; 15] = [
    "GenericController",
    "TransactionController",
    "IfController",
    "LoopController",
    "WhileController",
    "ForeachController",
    "TestFragmentController",
    "OnceOnlyController",
    "RunTime",
    "ThroughputController",
    "CriticalSectionController",
    "RecordingController",
    "TestPlan",
    "io.github.wsbackoff.control.RetryController",
    "io.github.wsbackoff.control.OnceController",
];

/// Whether what it is in takes its children by number, by name or in turns; a controller that is not known may.
pub(crate) fn is_counted(plan: &Plan, item: ItemId) -> bool {
    let class = plan.class(item);
    if !is_sampler(class) && !class.ends_with("Controller") {
        return false;
    }
    plan.parent(item).is_some_and(|parent| {
        let class = plan.class(parent);
        !is_group(class) && !IN_ORDER.contains(&class)
    })
}

/// A controller above that takes one sample of what is in it at each of its turns, so that a second one waits for the next turn.
///
/// # Errors
/// What is said of an element that needs all its samples at once.
pub(crate) fn all_at_once(plan: &Plan, item: ItemId) -> Result<(), String> {
    const STYLE: &str = "InterleaveControl.style";
    let takes_one = |above: &ItemId| {
        let turns = ["InterleaveControl", "RandomController"].contains(&plan.class(*above));
        turns && ["0", ""].contains(&plan.value_or(*above, STYLE, "").trim())
    };
    match plan.above(item).find(takes_one) {
        Some(above) => Err(format!(
            "{} (line {}) takes one sample of it at a turn",
            plan.name(above),
            plan.line(above)
        )),
        None => Ok(()),
    }
}

/// Whether a Module Controller finds it by its name, or by way of it what is in it.
pub(crate) fn is_led_to(plan: &Plan, item: ItemId) -> bool {
    let name = plan.name(item);
    let leads = |module: ItemId| {
        plan.class(module) == "ModuleController" && plan.texts(module).any(|(_, step)| step.value == name)
    };
    plan.text().contains("ModuleController.node_path") && plan.items().any(leads)
}

/// Whether a controller has to stay there, whatever becomes of what is in it.
pub(crate) fn stays(plan: &Plan, item: ItemId) -> bool {
    is_counted(plan, item) || is_led_to(plan, item)
}

/// The controller that only holds what is in it.
pub(crate) fn simple() -> NewElement {
    NewElement::new("GenericController", "LogicControllerGui")
}

/// What is said of a controller that is nothing else any more.
pub(crate) const SIMPLE: &str = "a Simple Controller, as another controller finds it by name or place";
