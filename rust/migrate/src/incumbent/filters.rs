//! Their filters: which messages they keep from the samplers in their scope.

use super::Move;
use crate::jmx::{ItemId, Plan};
use std::collections::BTreeMap;

pub(super) fn ping(plan: &Plan, item: ItemId) -> Move {
    let answers = plan.value_or(item, "replyToPing", "false") == "true";
    let moved = Move::nothing("ws-backoff answers pings by itself, and hands them to no sampler");
    if answers {
        moved
    } else {
        moved.noting(
            "pings of the server were not answered; now they are, unless its Connect has wsb.ping.answer=off",
        )
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

/// What the filters discard, as conditions of ours, one a line.
///
/// # Errors
/// Why ours cannot do what they do.
pub(super) fn discards(plan: &Plan, filters: &[ItemId]) -> Result<String, String> {
    if filters.len() > MOST {
        return Err(format!("more than {MOST} filters count for it"));
    }
    let lines: Result<Vec<String>, String> = filters.iter().map(|filter| line(plan, *filter)).collect();
    Ok(lines?.join("\n"))
}

fn line(plan: &Plan, filter: ItemId) -> Result<String, String> {
    let comparison = plan.value_or(filter, "comparisonType", "IsPlain");
    let value = plan.value_or(filter, "matchValue", "");
    let (not, how) = match comparison.strip_prefix("Not") {
        Some(how) => ("not ", how),
        None => ("", comparison.as_str()),
    };
    let text = plan.class(filter).ends_with(".TextFrameFilter");
    let kind = if text { "text" } else { "binary" };
    if how == "IsPlain" || how.is_empty() {
        return Ok(kind.to_owned());
    }
    let condition = if text {
        compared_text(how, &value)
    } else {
        compared_bytes(how, &value, plan.value_or(filter, "matchPosition", "").trim())
    };
    let condition = condition.map_err(|why| {
        format!(
            "the filter {} (line {}) {why}",
            plan.name(filter),
            plan.line(filter)
        )
    })?;
    Ok(format!("{kind} {not}{condition}"))
}

fn compared_text(how: &str, value: &str) -> Result<String, String> {
    let literal = || {
        if value.contains("${") {
            Err(format!(
                "compares the begin or end ({how}) with a variable, for which ws-backoff has no condition"
            ))
        } else {
            Ok(regex::escape(value))
        }
    };
    // Blanks around a condition's value do not count; a pattern can name them.
    let edged = value.trim() != value;
    let condition = match how {
        "Contains" if edged => format!("regex {}", visible(&literal()?)?),
        "Equals" if edged => format!("regex ^{}$", literal()?),
        "Contains" => format!("contains {value}"),
        "Equals" => format!("equals {value}"),
        "ContainsRegex" => format!("regex {}", visible(&pattern(value)?)?),
        "EqualsRegex" => format!("regex ^(?:{})$", pattern(value)?),
        "StartsWith" => format!("regex {}", visible(&format!("^{}", literal()?))?),
        "EndsWith" => format!("regex {}", visible(&format!("{}$", literal()?))?),
        other => return Err(format!("has the comparison {other:?}, which is not known")),
    };
    if value.contains(['\n', '\r']) || value.is_empty() {
        return Err(format!(
            "compares with {value:?}; a condition of ws-backoff is one line, and compares with something"
        ));
    }
    Ok(condition)
}

/// A pattern with the blanks at its ends written out, as those of a line do not count.
fn visible(pattern: &str) -> Result<String, String> {
    let inner = pattern.trim_matches([' ', '\t']);
    let escapes = inner.len() - inner.trim_end_matches('\\').len();
    if pattern.trim() != inner || (escapes % 2 == 1 && !pattern.ends_with(inner)) {
        return Err(format!("has {pattern:?}, whose end ws-backoff would not see"));
    }
    let written = |blanks: &str| blanks.replace(' ', "\\x20").replace('\t', "\\t");
    let (before, behind) = pattern.split_once(inner).unwrap_or((pattern, ""));
    Ok(format!("{}{inner}{}", written(before), written(behind)))
}

/// A pattern of theirs, as ours take it; what variables bring is seen in a run only.
fn pattern(theirs: &str) -> Result<String, String> {
    let refused = || format!("has the pattern {theirs:?}, which ws-backoff does not take");
    // Classes of Java's, which knows ASCII alone there.
    if theirs.contains("\\p") || theirs.contains("\\P") {
        return Err(refused());
    }
    let mut ours = String::new();
    let mut chars = theirs.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            ours.push(c);
            continue;
        }
        match chars.next() {
            Some('d') => ours.push_str("[0-9]"),
            Some('D') => ours.push_str("[^0-9]"),
            Some('w') => ours.push_str("[A-Za-z0-9_]"),
            Some('W') => ours.push_str("[^A-Za-z0-9_]"),
            Some('s') => ours.push_str("[ \\t\\n\\x0B\\f\\r]"),
            Some('S') => ours.push_str("[^ \\t\\n\\x0B\\f\\r]"),
            next => {
                ours.push('\\');
                ours.extend(next);
            }
        }
    }
    if theirs.contains("${") || regex::Regex::new(&ours).is_ok() {
        return Ok(ours);
    }
    Err(refused())
}

fn compared_bytes(how: &str, value: &str, position: &str) -> Result<String, String> {
    let anywhere = position.is_empty();
    match how {
        "Contains" if anywhere => Ok(format!("binary-contains {value}")),
        "Equals" if anywhere || position == "0" => Ok(format!("binary-equals {value}")),
        "StartsWith" if anywhere || position == "0" => Ok(format!("binary-prefix {value}")),
        other => Err(format!(
            "compares bytes ({other} {value:?} at {position:?}), for which ws-backoff has no condition"
        )),
    }
}
