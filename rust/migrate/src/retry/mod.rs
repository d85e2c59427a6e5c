//! Loops that try one sampler again until it succeeds: a While Controller that asks for a flag and a number of tries, a script that counts,
//! remembers success and waits. They become the policy of a Connect, or a Retry controller.
//!
//! A loop is moved only when all of it is understood and nothing else needs its variables; else it stays and is told.

mod condition;
mod notes;
mod script;
mod tokens;
mod waits;

use crate::incumbent::Survey;
use crate::jmx::{Change, ItemId, Plan};
use crate::ours;
use crate::told::{Entry, Outcome};
use condition::{Asked, asked};
use notes::notes;
use script::{Retries, State};
use std::collections::{BTreeMap, BTreeSet};

const CONDITION: &str = "WhileController.condition";
const IF: &str = "IfController.condition";
/// More loops than that in a plan are not looked at.
const MOST: usize = 200;

/// What is known of a loop.
#[derive(Debug)]
struct Loop {
    sampler: ItemId,
    state: State,
    /// Scripts and timers that go with it.
    gone: Vec<ItemId>,
    found: Retries,
    /// If Controllers that ask for its flag: each with whether they ask for success.
    asking: Vec<(ItemId, bool)>,
    notes: Vec<String>,
}

/// All loops, each as one that moves, or why it stays.
#[derive(Debug, Default)]
pub(crate) struct Loops(BTreeMap<ItemId, Result<Loop, String>>);

/// Looks at all loops of a plan.
pub(crate) fn survey(plan: &Plan, theirs: &Survey) -> Loops {
    let mut loops = Loops::default();
    let whiles = plan.items().filter(|item| plan.class(*item) == "WhileController");
    for item in whiles.take(MOST) {
        if let Some((state, tries)) = state(plan, item) {
            if let Some(found) = one(plan, item, state, tries, theirs) {
                loops.0.insert(item, found);
            }
        }
    }
    keep_what_others_need(plan, &mut loops);
    loops
}

/// The variables that a loop asks for, and its number of tries; none for a loop of another kind.
fn state(plan: &Plan, item: ItemId) -> Option<(State, Option<f64>)> {
    let (mut flag, mut counter) = (None, None);
    for asked in asked(&plan.value_or(item, CONDITION, ""))? {
        match asked {
            Asked::Flag {
                variable,
                is: false,
                text,
            } if flag.is_none() => flag = Some((variable, text)),
            Asked::Below { variable, number } if counter.is_none() => counter = Some((variable, number)),
            _ => return None,
        }
    }
    let (flag, done) = flag?;
    let (counter, tries) = counter.unzip();
    Some((State { flag, done, counter }, tries))
}

/// Looks at what is in a loop; none where nothing in it looks like a retry.
fn one(
    plan: &Plan,
    item: ItemId,
    state: State,
    tries: Option<f64>,
    theirs: &Survey,
) -> Option<Result<Loop, String>> {
    let inside: Vec<ItemId> = plan
        .inside(item)
        .filter(|one| plan.runs(*one) || !plan.runs(item))
        .collect();
    let is_script =
        |one: &ItemId| ["BeanShellPostProcessor", "JSR223PostProcessor"].contains(&plan.class(*one));
    let texts = |one: &ItemId| plan.value_or(*one, "script", "");
    let sleeps = inside
        .iter()
        .filter(|one| is_script(one))
        .any(|one| texts(one).contains("sleep"));
    if state.counter.is_none() && !sleeps {
        return None;
    }
    Some(understood(plan, item, &inside, state, tries, theirs))
}

fn understood(
    plan: &Plan,
    item: ItemId,
    inside: &[ItemId],
    state: State,
    tries: Option<f64>,
    theirs: &Survey,
) -> Result<Loop, String> {
    let told = |one: ItemId| format!("{} (line {})", plan.name(one), plan.line(one));
    let (mut sampler, mut gone, mut found, mut pause) = (None, Vec::new(), Retries::default(), None);
    for one in inside.iter().copied() {
        let class = plan.class(one);
        let beside = plan.parent(one) == Some(item) || plan.parent(one) == sampler;
        match class {
            "BeanShellPostProcessor" | "JSR223PostProcessor" if beside => {
                let own = read(plan, one, &state).map_err(|why| format!("{} {why}", told(one)))?;
                if found.remembers && own.remembers || found.sleeps && own.sleeps {
                    return Err("several scripts do the same".to_owned());
                }
                found = joined(found, own);
                gone.push(one);
            }
            "ConstantTimer" if beside => {
                let delay: Option<f64> = plan.value_or(one, "ConstantTimer.delay", "").trim().parse().ok();
                pause = Some(delay.ok_or_else(|| format!("{} waits for a variable", told(one)))?);
                gone.push(one);
            }
            _ if plan.parent(one) == Some(item)
                && (class == "HTTPSamplerProxy" || theirs.connects(plan, one)) =>
            {
                if sampler.replace(one).is_some() {
                    return Err(format!("{} is its second sampler", told(one)));
                }
            }
            _ if is_kept(class) && beside => {}
            _ => {
                return Err(format!(
                    "{} is in it, which is no part of a retry that is known",
                    told(one)
                ));
            }
        }
    }
    let sampler = sampler.ok_or(
        "it has no sampler that can be tried again: HTTP Request, or one that opens a connection and moves",
    )?;
    if !found.remembers {
        return Err(format!(
            "nothing in it sets {} to {:?} on success",
            state.flag, state.done
        ));
    }
    if state.counter.is_some() && !found.counts {
        return Err("nothing in it counts the tries".to_owned());
    }
    if let (Some(pause), false) = (pause, found.sleeps) {
        found.waits = Some(vec![pause; 5]);
    }
    let mut notes = notes(&found, tries, pause);
    if is_repeated(plan, item) {
        notes.push(
            "nothing set its variables back, so it did its work in a user's first iteration only; now it does in each".to_owned(),
        );
    }
    Ok(Loop {
        sampler,
        state,
        gone,
        found,
        asking: Vec::new(),
        notes,
    })
}

/// Whether a thread may come to it more than once.
fn is_repeated(plan: &Plan, item: ItemId) -> bool {
    const LOOPS: [&str; 4] = [
        "LoopController",
        "ForeachController",
        "WhileController",
        "RunTime",
    ];
    let loops = |above: ItemId| {
        let once = |(key, loops): (String, crate::jmx::Property)| {
            key == "LoopController.loops" && loops.value == "1"
        };
        let class = plan.class(above);
        LOOPS.contains(&class) || class.ends_with("ThreadGroup") && !plan.texts(above).any(once)
    };
    plan.above(item).any(loops)
}

/// What stays with its sampler: assertions, extractors, configuration.
fn is_kept(class: &str) -> bool {
    const ENDS: [&str; 6] = [
        "Assertion",
        "Extractor",
        "Manager",
        "ConfigTestElement",
        "Arguments",
        "JSONPostProcessor",
    ];
    ENDS.iter().any(|end| class.ends_with(end))
}

fn read(plan: &Plan, item: ItemId, state: &State) -> Result<Retries, String> {
    if !plan.value_or(item, "filename", "").trim().is_empty() {
        return Err("has its script in a file".to_owned());
    }
    let Some(property) = plan.property(item, "script") else {
        return Err("has no script".to_owned());
    };
    if property.value.contains("${") {
        return Err("has variables of JMeter in its script".to_owned());
    }
    let parameters = plan.value_or(item, "parameters", "");
    script::read(&property.value, &parameters, state).map_err(|other| {
        let line = plan.xml().line(plan.xml().node(property.node).open.start) + other.line;
        format!(
            "does more than to count, wait and remember: {} (line {line})",
            other.what
        )
    })
}

fn joined(one: Retries, other: Retries) -> Retries {
    Retries {
        remembers: one.remembers || other.remembers,
        counts: one.counts || other.counts,
        waits: one.waits.or(other.waits),
        sleeps: one.sleeps || other.sleeps,
        draws: one.draws || other.draws,
        hides: one.hides || other.hides,
        logs: one.logs || other.logs,
        invents: one.invents || other.invents,
    }
}

/// Keeps the loops whose variables something else needs, but for If Controllers that ask for the flag.
fn keep_what_others_need(plan: &Plan, loops: &mut Loops) {
    let mut owners: BTreeMap<String, BTreeSet<ItemId>> = BTreeMap::new();
    for (item, found) in &loops.0 {
        if let Ok(found) = found {
            for name in std::iter::once(&found.state.flag).chain(&found.state.counter) {
                owners.entry(name.clone()).or_default().insert(*item);
            }
        }
    }
    if owners.is_empty() {
        return;
    }
    let mut needed: BTreeMap<ItemId, String> = BTreeMap::new();
    let mut asking: Vec<(ItemId, ItemId, bool)> = Vec::new();
    for other in plan.items().filter(|other| plan.class(*other) != "Arguments") {
        for (key, property) in plan
            .texts(other)
            .filter(|(key, property)| reads(key, &property.value))
        {
            let names: BTreeSet<&str> = words(&property.value)
                .filter(|word| owners.contains_key(*word))
                .collect();
            for name in names {
                for owner in &owners[name] {
                    if *owner == other || plan.inside(*owner).contains(&other) {
                        continue;
                    }
                    let found = loops.0[owner].as_ref().expect("owners are loops that move");
                    match asks(&key, &property.value, &found.state) {
                        Some(success) if other > *owner => asking.push((*owner, other, success)),
                        _ => {
                            let (element, line) = (plan.name(other), plan.line(other));
                            needed.insert(*owner, format!("{name} is used in {element} (line {line}), too"));
                        }
                    }
                }
            }
        }
    }
    for (owner, other, success) in asking {
        if let Some(Ok(found)) = loops.0.get_mut(&owner) {
            found.asking.push((other, success));
        }
    }
    connects_that_are_asked_for(plan, loops, &mut needed);
    for (item, why) in needed {
        loops.0.insert(item, Err(why));
    }
}

/// The outcome of a Connect is in `wsb.stop` until the next one: nothing may come between it and who asks for it.
fn connects_that_are_asked_for(plan: &Plan, loops: &Loops, needed: &mut BTreeMap<ItemId, String>) {
    let opens = |item: ItemId| {
        plan.class(item).starts_with("eu.luminis.") || plan.class(item).starts_with("io.github.wsbackoff.")
    };
    for (item, found) in &loops.0 {
        let Ok(found) = found else { continue };
        let Some((last, _)) = found.asking.iter().max() else {
            continue;
        };
        if plan.class(found.sampler) == "HTTPSamplerProxy" {
            continue;
        }
        let from = plan.inside(*item).end;
        if let Some(between) = (from..*last).find(|other| opens(*other)) {
            let (name, line) = (plan.name(between), plan.line(between));
            needed.insert(
                *item,
                format!("its outcome is asked for behind {name} (line {line})"),
            );
        }
    }
}

/// Whether an If Controller asks for the flag and nothing else: for success, or for the contrary.
fn asks(key: &str, condition: &str, state: &State) -> Option<bool> {
    if key != IF {
        return None;
    }
    match asked(condition)?.as_slice() {
        [Asked::Flag { variable, is, text }] if *variable == state.flag && *text == state.done => Some(*is),
        _ => None,
    }
}

/// Whether the words of a property may be names of variables: in scripts, beside `${`, and where an extractor or a counter puts a name.
fn reads(key: &str, value: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    value.contains("${")
        || ["script", "query", "name", "ref"]
            .iter()
            .any(|part| lower.contains(part))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.' && c != '-')
}

/// Makes the changes, and tells them; a Connect is changed with the other samplers of WebSockets.
pub(crate) fn apply(
    plan: &Plan,
    loops: &Loops,
    theirs: &mut Survey,
    change: &mut Change,
    told: &mut Vec<Entry>,
) {
    let mut unused = BTreeSet::new();
    for (item, found) in &loops.0 {
        let found = match found {
            Ok(found) => found,
            Err(why) => {
                let why = format!("looks like a retry, and stays: {why}");
                told.push(Entry::of(plan, *item, Outcome::Left(why)));
                continue;
            }
        };
        let base = found.found.waits.as_ref().and_then(|waits| waits.first());
        let base = base
            .filter(|wait| **wait >= 1.0)
            .map(|wait| format!("{wait:.0}ms"));
        let (stop, good) = if theirs.connects(plan, found.sampler) {
            change.unwrap(*item);
            theirs.try_again(found.sampler, base);
            let why = format!("{} tries again by itself", plan.name(found.sampler));
            told.push(Entry::of(plan, *item, Outcome::Removed(why)).with(found.notes.clone()));
            ("wsb.stop".to_owned(), "connected")
        } else {
            let mut element = ours::retry();
            element
                .properties
                .extend(base.map(|base| ("wsb.retry.base", base)));
            let prefix = format!("{}.", found.state.flag);
            if !found.asking.is_empty() {
                element = element.with("wsb.retry.prefix", prefix.as_str());
            }
            change.convert(*item, &element, &[CONDITION]);
            let into = ours::label(&element).to_owned();
            told.push(Entry::of(plan, *item, Outcome::Moved(into)).with(found.notes.clone()));
            (format!("{prefix}stop"), "succeeded")
        };
        for (other, success) in &found.asking {
            let sign = if *success { "==" } else { "!=" };
            let new = format!("${{__jexl3(\"${{{stop}}}\" {sign} \"{good}\")}}");
            if let Some(property) = plan.property_node(*other, IF) {
                change.set_value(property, &new);
            }
            let how = format!("it asks for {stop} now, as {} is no longer set", found.state.flag);
            told.push(Entry::of(plan, *other, Outcome::Changed(how)));
        }
        for one in &found.gone {
            change.remove(*one);
            let why = "the policy counts, waits and remembers".to_owned();
            told.push(Entry::of(plan, *one, Outcome::Removed(why)));
        }
        unused.insert(found.state.flag.clone());
        unused.extend(found.state.counter.clone());
    }
    remove_unused(plan, &unused, change, told);
}

/// Takes the loops' variables out of lists of User Defined Variables.
fn remove_unused(plan: &Plan, unused: &BTreeSet<String>, change: &mut Change, told: &mut Vec<Entry>) {
    if unused.is_empty() {
        return;
    }
    let xml = plan.xml();
    for item in plan.items().filter(|item| plan.class(*item) == "Arguments") {
        let Some(list) = plan.property_node(item, "Arguments.arguments") else {
            continue;
        };
        let names: Vec<(usize, String)> = xml
            .children(list)
            .map(|node| (node, xml.attribute(node, "name").unwrap_or_default()))
            .collect();
        let (gone, kept): (Vec<_>, Vec<_>) = names.into_iter().partition(|(_, name)| unused.contains(name));
        if gone.is_empty() {
            continue;
        }
        let what: Vec<&str> = gone.iter().map(|(_, name)| name.as_str()).collect();
        let what = format!("nothing uses {}", what.join(", "));
        if kept.is_empty() && plan.inside(item).is_empty() {
            change.remove(item);
            told.push(Entry::of(plan, item, Outcome::Removed(what)));
        } else {
            for (node, _) in &gone {
                change.remove_node(*node);
            }
            told.push(Entry::of(plan, item, Outcome::Changed(what)));
        }
    }
}
