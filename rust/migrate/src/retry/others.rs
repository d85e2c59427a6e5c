//! What a loop asks besides what it sets itself: who a user is, what a property says. A policy asks for none of it, so that the loop stays.

use super::Files;
use super::parts::Parts;
use super::question::{FUNCTIONS, IF, WHILE};
use crate::jmx::{ItemId, Plan};
use crate::scripts::{SCRIPTS, source};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// A variable or a function of JMeter, without others in it.
static FILLED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\$\{([^{}]*)\}"));
/// A variable that a script asks for.
static ASKED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"vars\s*(?:\.\s*get\s*\(|\[)\s*["']([^"']*)["']\s*[)\]]"#));
/// A property with a number for where it is absent: it may be a limit on tries.
static LIMIT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^__(?:P|property)\([^,()]*,(?:.*,)?\s*\d+\s*\)$"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern that tests use")
}

/// The variables that have one value in the whole test: lists define them without a function, and nothing else names them but to read.
pub(super) fn constants(plan: &Plan, defined: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut constants: BTreeSet<String> = defined
        .iter()
        .filter(|(_, value)| !value.contains("${"))
        .map(|(name, _)| name.clone())
        .collect();
    for item in plan
        .items()
        .filter(|item| !["Arguments", "TestPlan"].contains(&plan.class(*item)))
    {
        for (_, property) in plan.texts(item) {
            let rest = FILLED.replace_all(&property.value, " ");
            for word in super::needed::words(&ASKED.replace_all(&rest, " ")) {
                constants.remove(word);
            }
        }
    }
    constants
}

/// What a loop asks for that it does not set and that is no constant.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// Why it stays for that.
    pub(super) why: Option<String>,
    /// A property may be its limit on tries.
    pub(super) limit: Option<String>,
}

/// Looks through the conditions and scripts of a loop that sets these variables.
pub(super) fn others(
    plan: &Plan,
    item: ItemId,
    parts: &Parts,
    own: &dyn Fn(&str) -> bool,
    files: &Files,
) -> Others {
    let mut others = Others::default();
    let index = format!("__jm__{}__idx", plan.name(item));
    for (one, text) in texts(plan, item, parts, files) {
        let condition = !SCRIPTS.contains(&plan.class(one));
        let filled = FILLED.captures_iter(&text).map(|found| found[1].to_owned());
        let filled: Vec<String> = if condition { filled.collect() } else { Vec::new() };
        let asked = ASKED.captures_iter(&text).map(|found| found[1].to_owned());
        for name in filled.into_iter().chain(asked) {
            let evaluates = FUNCTIONS.iter().any(|function| name.starts_with(function));
            if evaluates || own(&name) || name == index || name == "JMeterThread.last_sample_ok" {
                continue;
            }
            let why = format!(
                "{} (line {}) asks for {name}, which the loop does not set",
                plan.name(one),
                plan.line(one)
            );
            if LIMIT.is_match(&name) {
                others.limit = Some(why);
            } else {
                others.why.get_or_insert(why);
            }
        }
    }
    others
}

/// The conditions and scripts of a loop; what is only logged decides nothing.
pub(super) fn texts(plan: &Plan, item: ItemId, parts: &Parts, files: &Files) -> Vec<(ItemId, String)> {
    let within = std::iter::once(&item).chain(&parts.gone).chain(&parts.opened);
    let text = |one: ItemId| match plan.class(one) {
        "WhileController" => Some(plan.value_or(one, WHILE, "")),
        "IfController" => Some(plan.value_or(one, IF, "")),
        class if SCRIPTS.contains(&class) => {
            let (text, ..) = source(plan, one, files).ok()?;
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("log."));
            Some(lines.collect::<Vec<_>>().join("\n"))
        }
        _ => None,
    };
    within.filter_map(|one| Some((*one, text(*one)?))).collect()
}
