//! What a loop asks besides what it sets itself: who a user is, what a property says. A policy asks for none of it, so that the loop stays.

use super::Files;
use super::filling::FUNCTIONS;
use super::parts::Parts;
use super::question::{IF, WHILE};
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

/// Variables that lists define and that nothing else names but to read.
#[derive(Debug, Default)]
pub(super) struct Constants {
    /// Those with one value in the whole test.
    pub(super) same: BTreeSet<String>,
    /// Those that a property gives a number, each with the function for it.
    numbers: BTreeMap<String, String>,
}

impl Constants {
    pub(super) fn of(plan: &Plan, defined: &BTreeMap<String, String>) -> Self {
        let mut constants = Self::default();
        for (name, value) in defined {
            let function = value
                .trim()
                .strip_prefix("${")
                .and_then(|inner| inner.strip_suffix('}'));
            if !value.contains("${") {
                constants.same.insert(name.clone());
            } else if let Some(function) = function.filter(|function| LIMIT.is_match(function)) {
                constants.numbers.insert(name.clone(), function.to_owned());
            }
        }
        for item in plan
            .items()
            .filter(|item| !["Arguments", "TestPlan"].contains(&plan.class(*item)))
        {
            for (_, property) in plan.texts(item) {
                let rest = FILLED.replace_all(&property.value, " ");
                for word in super::needed::words(&ASKED.replace_all(&rest, " ")) {
                    constants.same.remove(word);
                    constants.numbers.remove(word);
                }
            }
        }
        constants
    }
}

/// What a loop asks for that it does not set and that is no constant.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// Why it stays for that.
    pub(super) why: Option<String>,
    /// Properties that may be its limit on tries, or its wait.
    pub(super) numbers: Vec<Number>,
}

/// A number that a property gives.
#[derive(Debug)]
pub(super) struct Number {
    /// How it stands in the plan.
    pub(super) text: String,
    pub(super) function: String,
    /// Why the loop stays if it is for something else.
    pub(super) why: String,
}

/// Looks through the conditions and scripts of a loop that sets these variables.
pub(super) fn others(
    plan: &Plan,
    item: ItemId,
    parts: &Parts,
    constants: &Constants,
    own: &dyn Fn(&str) -> bool,
    files: &Files,
) -> Others {
    let mut others = Others::default();
    let index = format!("__jm__{}__idx", plan.name(item));
    for (one, text) in texts(plan, item, parts, files) {
        let condition = !SCRIPTS.contains(&plan.class(one));
        let filled = FILLED.captures_iter(&text).map(|found| found[1].to_owned());
        let filled: Vec<String> = filled
            .filter(|name| condition || LIMIT.is_match(name) || constants.numbers.contains_key(name))
            .collect();
        let asked = ASKED.captures_iter(&text).map(|found| found[1].to_owned());
        for name in filled.into_iter().chain(asked) {
            let evaluates = FUNCTIONS.iter().any(|(function, _)| name.starts_with(function));
            if evaluates || own(&name) || name == index || name == "JMeterThread.last_sample_ok" {
                continue;
            }
            let why = format!(
                "{} (line {}) asks for {name}, which the loop does not set",
                plan.name(one),
                plan.line(one)
            );
            let function = constants.numbers.get(&name).cloned();
            match function.or_else(|| LIMIT.is_match(&name).then(|| name.clone())) {
                Some(function) => others.numbers.push(Number {
                    text: format!("${{{name}}}"),
                    function,
                    why,
                }),
                None => drop(others.why.get_or_insert(why)),
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
