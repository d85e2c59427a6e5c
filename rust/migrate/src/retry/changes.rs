//! A policy in a loop's place, and what else changes with it: scripts, timers and variables that go, questions for the loop's end.

use super::imagine::Did;
use super::question::{IF, WHILE};
use super::{Loop, Loops, polling};
use crate::behind;
use crate::blazemeter;
use crate::incumbent::Survey;
use crate::jmx::{Change, ItemId, NewElement, Plan};
use crate::ours;
use crate::slots;
use crate::told::{Entry, Outcome};
use crate::zaleski;
use std::collections::BTreeSet;

/// The properties of controllers that loop.
const LOOPS: [&str; 3] = [WHILE, "LoopController.loops", "LoopController.continue_forever"];

/// The properties of a controller that asks.
const QUESTION: [&str; 3] = [IF, "IfController.useExpression", "IfController.evaluateAll"];

/// Makes the changes, and tells them; a Connect is changed with the other samplers of WebSockets.
pub(crate) fn apply(
    plan: &Plan,
    loops: &Loops,
    theirs: &mut Survey,
    change: &mut Change,
    told: &mut Vec<Entry>,
) {
    told.extend(loops.alone.iter().cloned());
    for (item, poll) in &loops.polls {
        match poll {
            Ok(poll) => polling::replace(plan, *item, poll, change, told),
            Err(why) => {
                let why = format!("looks like polling, and stays: {why}");
                told.push(Entry::of(plan, *item, Outcome::Left(why)));
            }
        }
    }
    let mut unused = BTreeSet::new();
    for (item, found) in &loops.loops {
        let found = match found {
            Ok(found) => found,
            Err(why) => {
                let why = format!("looks like a retry, and stays: {why}");
                told.push(Entry::of(plan, *item, Outcome::Left(why)));
                continue;
            }
        };
        let (stop, good) = replace(plan, *item, found, theirs, change, told);
        for (other, success) in &found.asking {
            let sign = if *success { "==" } else { "!=" };
            let new = format!("${{__jexl3(\"${{{stop}}}\" {sign} \"{good}\")}}");
            if let Some(property) = plan.property_node(*other, IF) {
                change.set_value(property, &new);
            }
            let how = format!("it asks for {stop} now, as what it asked for is no longer set");
            told.push(Entry::of(plan, *other, Outcome::Changed(how)));
        }
        for one in &found.gone {
            change.remove(*one);
            told.push(taken_out(plan, *one, "the policy counts, waits and remembers"));
        }
        for one in &found.opened {
            told.push(opened(plan, *one, change));
        }
        unused.extend(found.found.puts.iter().cloned());
    }
    for reset in &loops.resets {
        change.remove(*reset);
        told.push(taken_out(plan, *reset, "what it set back, nothing uses any more"));
    }
    let unused = &unused - &loops.elsewhere;
    remove_unused(plan, &unused, change, told);
}

fn taken_out(plan: &Plan, item: ItemId, why: &str) -> Entry {
    let entry = Entry::of(plan, item, Outcome::Removed(why.to_owned()));
    if plan.class(item).ends_with("Sampler") {
        entry.with(vec!["its samples are gone, too".to_owned()])
    } else {
        entry
    }
}

/// Takes out a controller whose question the policy asks, and leaves what is in it.
fn opened(plan: &Plan, item: ItemId, change: &mut Change) -> Entry {
    if slots::stays(plan, item) {
        change.convert(item, &slots::simple(), &QUESTION);
        return Entry::of(plan, item, Outcome::Moved(slots::SIMPLE.to_owned()));
    }
    change.unwrap(item);
    let why = "the policy asks whether another try is needed".to_owned();
    Entry::of(plan, item, Outcome::Removed(why))
}

/// Puts a policy in a loop's place; the variable that says how it ended, and what it says on success.
fn replace(
    plan: &Plan,
    item: ItemId,
    found: &Loop,
    theirs: &mut Survey,
    change: &mut Change,
    told: &mut Vec<Entry>,
) -> (String, &'static str) {
    if let Some(wait) = &found.trails {
        change.insert_behind(item, "Pause", &behind::pause(wait));
    }
    let what;
    let (stop, good) = if theirs.connects(plan, found.sampler) && found.found.body.is_none() {
        what = by_itself(plan, item, found, change);
        theirs.try_again(found.sampler, policy(found));
        ("wsb.stop".to_owned(), "connected")
    } else {
        let prefix = prefix(plan, found);
        let mut element = controller(found, &prefix);
        // What stands below its sampler, and says that this does not try again by itself, counts for the controller as well.
        let fresh = theirs
            .moves
            .get(&found.sampler)
            .is_some_and(|moves| moves.below.is_some());
        if fresh || zaleski::is_one(plan, found.sampler) || blazemeter::is_one(plan, found.sampler) {
            element = element.with("wsb.retry.strategy", "decorrelated");
        }
        change.convert(item, &element, &LOOPS);
        if let Some((text, has)) = &found.found.body {
            change.insert_below(found.sampler, "Body", &body_assertion(text, *has));
        }
        what = Outcome::Moved(ours::label(&element).to_owned());
        (format!("{prefix}stop"), "succeeded")
    };
    told.push(Entry::of(plan, item, what).with(found.notes.clone()));
    (stop, good)
}

/// Takes a loop out around a Connect, but for what has to stay there.
fn by_itself(plan: &Plan, item: ItemId, found: &Loop, change: &mut Change) -> Outcome {
    if found.around || slots::stays(plan, item) {
        change.convert(item, &slots::simple(), &LOOPS);
        return Outcome::Moved(if found.around {
            "a Simple Controller, for what counts in it only".to_owned()
        } else {
            slots::SIMPLE.to_owned()
        });
    }
    change.unwrap(item);
    Outcome::Removed(format!("{} tries again by itself", plan.name(found.sampler)))
}

/// The first wait and what is worth another try, as properties of ours.
fn policy(found: &Loop) -> Vec<(&'static str, String)> {
    let first = found.found.waits.first().filter(|wait| **wait >= 1.0);
    let base = found.varying.clone().or(first.map(|wait| format!("{wait:.0}ms")));
    let base = base.map(|base| ("wsb.retry.base", base));
    let transient = found.transient.clone().map(|list| ("wsb.retry.transient", list));
    base.into_iter().chain(transient).collect()
}

/// The controller in a loop's place.
fn controller(found: &Loop, prefix: &str) -> NewElement {
    let mut element = ours::retry();
    element.properties.extend(policy(found));
    let shown = match &found.found.did {
        Did { ignores: true, .. } => Some("ignore"),
        Did { hides: true, .. } => Some("success"),
        _ => None,
    };
    if let Some(shown) = shown {
        element = element.with("wsb.retry.attemptsShown", shown);
    }
    if found.asserts {
        element = element.with("wsb.retry.failedAssertions", "fatal");
    }
    if !found.asking.is_empty() {
        element = element.with("wsb.retry.prefix", prefix);
    }
    element
}

/// How the variables of a controller begin: they are beside those of others only when somebody asks for them.
fn prefix(plan: &Plan, found: &Loop) -> String {
    let asks = |name: &str, other: ItemId| plan.value_or(other, IF, "").contains(name);
    let asked = |name: &&String| found.asking.iter().any(|(other, _)| asks(name, *other));
    let name = found.found.puts.iter().rfind(asked);
    format!("{}.", name.map_or("retry", String::as_str))
}

/// JMeter's own assertion that a body has a text, or has it not.
fn body_assertion(text: &str, has: bool) -> NewElement {
    // Substring; 4 turns it round.
    let kind = if has { "16" } else { "20" };
    let mut element = NewElement::new("ResponseAssertion", "AssertionGui")
        .with("Assertion.test_field", "Assertion.response_data")
        .with("Assertion.test_type", kind);
    element.list = Some(("Asserion.test_strings", text.to_owned()));
    element
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
