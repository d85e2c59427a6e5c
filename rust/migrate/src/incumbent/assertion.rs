//! Their assertion for bytes, which works on any sampler, as ours does.

use super::Move;
use crate::jmx::{ItemId, Plan};
use crate::ours;

pub(super) fn binary(plan: &Plan, item: ItemId) -> Result<Move, String> {
    let comparison = plan.value_or(item, "comparisonType", "Contains");
    let (not, how) = match comparison.strip_prefix("Not") {
        Some(how) => (true, how),
        None => (false, comparison.as_str()),
    };
    let mode = match how {
        "Equals" => "equals",
        "Contains" | "" => "contains",
        "StartsWith" => "starts",
        "EndsWith" => "ends",
        _ => return Err(format!("has the comparison {comparison:?}, which is not known")),
    };
    let moved = Move::to(ours::binary_assertion())
        .with("wsb.assert.mode", mode)
        .with("wsb.assert.value", plan.value_or(item, "compareValue", ""));
    Ok(if not {
        moved.with("wsb.assert.not", "true")
    } else {
        moved
    })
}
