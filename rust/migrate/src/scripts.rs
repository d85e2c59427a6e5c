//! Scripts of plans: which elements have one, where it stands, and whether it takes hold of a sampler.

use crate::Files;
use crate::jmx::{ItemId, Plan, Property};
use regex::Regex;
use std::sync::LazyLock;

pub(crate) const SCRIPTS: [&str; 14] = [
    "BeanShellPostProcessor",
    "JSR223PostProcessor",
    "BeanShellSampler",
    "JSR223Sampler",
    "BeanShellPreProcessor",
    "JSR223PreProcessor",
    "BeanShellAssertion",
    "JSR223Assertion",
    "BeanShellListener",
    "JSR223Listener",
    "BeanShellTimer",
    "JSR223Timer",
    "BSFSampler",
    "BSFPostProcessor",
];

/// Functions of JMeter that run a script, in whatever text they stand.
const FUNCTIONS: [&str; 5] = [
    "${__groovy(",
    "${__jexl",
    "${__javaScript(",
    "${__BeanShell(",
    "${__bsh",
];

/// Whether an element makes a sample.
pub(crate) fn is_sampler(class: &str) -> bool {
    class.ends_with("Sampler") || class.ends_with("SamplerProxy") || class.ends_with("SamplerGui")
}

/// The file that an element has its script in.
pub(crate) fn file(plan: &Plan, item: ItemId) -> Option<String> {
    if !SCRIPTS.contains(&plan.class(item)) {
        return None;
    }
    let name = own(plan, item, "filename")?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// A property that older elements have under their class's name.
fn own(plan: &Plan, item: ItemId, key: &str) -> Option<String> {
    let long = || plan.property(item, &format!("{}.{key}", plan.class(item)));
    plan.property(item, key).or_else(long).map(|found| found.value)
}

/// A script's text and its parameters, wherever it has them, and the line where it begins.
pub(crate) fn source(plan: &Plan, item: ItemId, files: &Files) -> Result<(String, String, usize), String> {
    let parameters = own(plan, item, "parameters").unwrap_or_default();
    if let Some(file) = file(plan, item) {
        let bytes = files(&file).ok_or_else(|| {
            format!("has its script in the file {file}, which is not beside the plan or cannot be read")
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|_| format!("has its script in the file {file}, which is no UTF-8"))?;
        return Ok((text, parameters, 0));
    }
    let class = plan.class(item);
    let keys = ["script", "query"].map(|key| [key.to_owned(), format!("{class}.{key}")]);
    let mut keys = keys.iter().flatten();
    let script = keys
        .find_map(|key| plan.property(item, key))
        .ok_or("has no script")?;
    let line = plan.xml().line(plan.xml().node(script.node).open.start);
    Ok((script.value, parameters, line))
}

/// Whether a property holds a script or a condition.
pub(crate) fn is_code(key: &str, value: &str) -> bool {
    let key = key.rsplit('.').next().unwrap_or(key);
    ["script", "query", "condition"].contains(&key)
        || FUNCTIONS.iter().any(|function| value.contains(function))
}

/// What a script does to the sampler that it runs with, or to the one before it, beyond asking for what samplers of all kinds have.
pub(crate) fn takes_hold(script: &str) -> Option<String> {
    static SAMPLER: LazyLock<Regex> = LazyLock::new(|| {
        let named = r"(?:^|[^\w.$'-])sampler|[gG]et(?:Current|Previous)Sampler\s*\(\s*\)|\.\s*(?:current|previous)Sampler";
        // A word of a sentence is followed by a blank and the next one.
        Regex::new(&format!(
            r"(?m)(?:{named})(?:\s*\??\.\s*&?\w+|\s*\[|\s*[),;]|\s*$|\s+(?:as|in|instanceof)\b)"
        ))
        .expect("a pattern that tests use")
    });
    // All samplers have a name and are in a thread; ours have these two managers as well.
    const HARMLESS: [&str; 8] = [
        "name",
        "getName",
        "getThreadName",
        "threadName",
        "getHeaderManager",
        "headerManager",
        "getCookieManager",
        "cookieManager",
    ];
    const TREE: [&str; 3] = ["getTestTree", "testTree", "SearchByClass"];
    for line in script.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let mut taken = SAMPLER.find_iter(line).map(|found| found.as_str().trim());
        let harmless = |taken: &&str| HARMLESS.iter().any(|last| taken.ends_with(&format!(".{last}")));
        if let Some(taken) = taken.find(|taken| !harmless(taken)) {
            let begin = taken.trim_start_matches(|c: char| !c.is_alphanumeric());
            return Some(begin.trim_end_matches([')', ',', ';', ' ']).to_owned());
        }
        if let Some(tree) = TREE.iter().find(|tree| line.contains(**tree)) {
            return Some((*tree).to_owned());
        }
    }
    None
}

/// Why an element keeps samplers of another plugin where they are: a script of its takes hold of one, or nobody can tell. These are the
/// samplers, in the order of the file.
pub(crate) fn keeps(plan: &Plan, item: ItemId, theirs: &[ItemId], files: &Files) -> Option<String> {
    let sampler = is_sampler(plan.class(item)) && theirs.binary_search(&item).is_err();
    // A sampler's script has a sampler of its own, and the one before it.
    let taken = |script: &str| takes_hold(script).filter(|taken| !sampler || taken.contains("revious"));
    let code = |(key, property): &(String, Property)| is_code(key, &property.value);
    for (_, property) in plan.texts(item).filter(code) {
        if let Some(taken) = taken(&property.value).filter(|_| sampler || meets(plan, item, theirs)) {
            let line = plan.xml().line(plan.xml().node(property.node).open.start);
            return Some(format!("a script uses the sampler by {taken} (line {line})"));
        }
    }
    let file = file(plan, item).filter(|_| sampler || meets(plan, item, theirs))?;
    match source(plan, item, files) {
        Err(why) => Some(format!("it {why}")),
        Ok((text, ..)) => {
            taken(&text).map(|taken| format!("its script in the file {file} uses the sampler by {taken}"))
        }
    }
}

/// Whether it is one of these samplers, or counts for one of them.
fn meets(plan: &Plan, item: ItemId, theirs: &[ItemId]) -> bool {
    if theirs.binary_search(&item).is_ok() {
        return true;
    }
    let Some(parent) = plan.parent(item) else {
        return !theirs.is_empty();
    };
    let first = theirs.partition_point(|one| *one < parent);
    theirs
        .get(first)
        .is_some_and(|one| *one < plan.inside(parent).end)
}
