//! Their filters: which messages they keep from the samplers in their scope.

use super::Move;
use super::samplers::Kind;
use crate::jmx::{ItemId, Plan};
use std::collections::BTreeMap;

/// What the filters in scope of a sampler leave of what it waits for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Discards {
    /// The kind that is left.
    pub(super) kind: Kind,
    /// Mode and value of the only messages that are left.
    pub(super) only: Option<(&'static str, String)>,
    pub(super) notes: Vec<String>,
}

pub(super) fn ping(plan: &Plan, item: ItemId) -> Move {
    let answers = plan.value_or(item, "replyToPing", "false") == "true";
    let moved = Move::nothing("ws-backoff answers pings by itself, and hands them to no sampler");
    if answers {
        moved
    } else {
        moved.noting("pings of the server were not answered; now they are")
    }
}

pub(super) fn content(plan: &Plan, item: ItemId) -> Move {
    Move::nothing(if plan.runs(item) {
        "what it discards, the samplers in its scope discard by themselves now"
    } else {
        "it was disabled"
    })
}

/// More filters for content than that for one sampler are not looked at.
const MOST: usize = 10;

/// All filters for content, by what they stand below.
#[derive(Debug, Default)]
pub(super) struct Filters(BTreeMap<Option<ItemId>, Vec<ItemId>>);

impl Filters {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut filters = Self::default();
        for item in plan.items() {
            let class = plan.class(item);
            if class.ends_with(".TextFrameFilter") || class.ends_with(".BinaryFrameFilter") {
                filters.0.entry(plan.parent(item)).or_default().push(item);
            }
        }
        filters
    }

    /// Those that count for a sampler, in the order of the file.
    pub(super) fn for_sampler(&self, plan: &Plan, sampler: ItemId) -> Vec<ItemId> {
        let places = std::iter::once(Some(sampler))
            .chain(plan.above(sampler).map(Some))
            .chain([None]);
        let here = places.filter_map(|place| self.0.get(&place)).flatten().copied();
        let mut counting: Vec<ItemId> = here
            .filter(|filter| plan.counts_for(*filter, sampler))
            .take(MOST + 1)
            .collect();
        counting.sort_unstable();
        counting
    }
}

/// What the filters come to together.
///
/// # Errors
/// Why ours cannot do what they do.
pub(super) fn discards(plan: &Plan, filters: &[ItemId], kind: Kind) -> Result<Discards, String> {
    let mut left = Discards {
        kind,
        only: None,
        notes: Vec::new(),
    };
    if filters.len() > MOST {
        return Err(format!("more than {MOST} filters count for it"));
    }
    for filter in filters {
        let comparison = plan.value_or(*filter, "comparisonType", "IsPlain");
        let text = plan.class(*filter).ends_with(".TextFrameFilter");
        let (own, other) = if text {
            (Kind::Text, Kind::Binary)
        } else {
            (Kind::Binary, Kind::Text)
        };
        let named = || format!("the filter {} (line {})", plan.name(*filter), plan.line(*filter));
        if comparison == "IsPlain" || comparison.is_empty() {
            if left.kind == own {
                return Err(format!("{} discards all that it waits for", named()));
            }
            left.kind = other;
            continue;
        }
        if left.kind == other {
            // It discards what the sampler does not take anyhow; ours discard it likewise.
            continue;
        }
        if left.only.is_some() {
            return Err(format!("{} is the second one for content in its scope", named()));
        }
        let value = plan.value_or(*filter, "matchValue", "");
        let only = if text {
            only_text(&comparison, &value)
        } else {
            only_binary(&comparison, &value, &plan.value_or(*filter, "matchPosition", ""))
        };
        left.only = Some(only.map_err(|why| format!("{} {why}", named()))?);
        if left.kind == Kind::Any {
            left.notes.push(format!(
                "{} let messages of the other kind pass; now they are discarded",
                named()
            ));
            left.kind = own;
        }
    }
    Ok(left)
}

/// The texts that a filter leaves, as a condition of ours.
fn only_text(comparison: &str, value: &str) -> Result<(&'static str, String), String> {
    let literal = || {
        if value.contains("${") {
            Err(format!(
                "compares the {comparison} of a variable, for which ws-backoff has no condition"
            ))
        } else {
            Ok(regex::escape(value))
        }
    };
    let pattern = |pattern: String| match regex::Regex::new(&pattern) {
        Ok(_) => Ok(("regex", pattern)),
        Err(_) if pattern.contains("${") => Ok(("regex", pattern)),
        Err(_) => Err(format!(
            "has the pattern {value:?}, which ws-backoff does not take"
        )),
    };
    match comparison {
        "NotContains" => Ok(("contains", value.to_owned())),
        "NotEquals" => Ok(("equals", value.to_owned())),
        "NotContainsRegex" => pattern(value.to_owned()),
        "NotEqualsRegex" => pattern(format!("^(?:{value})$")),
        "NotStartsWith" => pattern(format!("^{}", literal()?)),
        "NotEndsWith" => pattern(format!("{}$", literal()?)),
        other => Err(format!(
            "discards what matches ({other} {value:?}), for which ws-backoff has no condition"
        )),
    }
}

fn only_binary(comparison: &str, value: &str, position: &str) -> Result<(&'static str, String), String> {
    let from_begin = position.is_empty() || position == "0";
    match comparison {
        "NotStartsWith" if from_begin => Ok(("binary-prefix", value.to_owned())),
        other => Err(format!(
            "compares bytes ({other} {value:?}), for which ws-backoff has no condition"
        )),
    }
}
