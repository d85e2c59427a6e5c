//! Who else needs the variables of a loop: it stays for them, but for If Controllers that ask how it ended and scripts that set its
//! variables back.

use super::found::Vars;
use super::imagine::World;
use super::question::{IF, Question};
use super::{Loop, Loops, group};
use crate::Files;
use crate::groups::is_group;
use crate::jmx::{ItemId, Plan};
use crate::scripts::{self, SCRIPTS};
use crate::slots;
use std::collections::{BTreeMap, BTreeSet};

/// What scripts outside of loops put, and nothing else: each with its variables.
pub(super) type Starts = BTreeMap<ItemId, BTreeMap<String, String>>;

/// A loop that stays may need the variables of others, which then stay as well; more rounds than that are not made.
const ROUNDS: usize = 5;

/// Keeps the loops whose variables something else needs.
pub(super) fn keep_what_others_need(
    plan: &Plan,
    loops: &mut Loops,
    starts: &Starts,
    world: &World,
    files: &Files,
) {
    keep_what_files_need(plan, loops, starts, files);
    for _ in 0..ROUNDS {
        if !keep(plan, loops, starts, world) {
            return;
        }
    }
    for found in loops.loops.values_mut() {
        *found = Err("many loops share variables".to_owned());
    }
    loops.resets.clear();
}

/// Keeps the loops whose variables a file uses that the plan includes or has a script in; where that cannot be seen, it is said.
fn keep_what_files_need(plan: &Plan, loops: &mut Loops, starts: &Starts, files: &Files) {
    let own: BTreeSet<ItemId> = loops
        .loops
        .values()
        .flatten()
        .flat_map(|found| found.gone.clone())
        .collect();
    let named = |item: ItemId| {
        if plan.class(item) == "IncludeController" {
            return Some((
                plan.value_or(item, "IncludeController.includepath", ""),
                "which the plan includes",
            ));
        }
        let outside = !own.contains(&item) && !starts.contains_key(&item);
        let file = scripts::file(plan, item).filter(|_| outside)?;
        Some((file, "which the plan has a script in"))
    };
    let mut unseen = BTreeSet::new();
    let mut used: BTreeMap<String, String> = BTreeMap::new();
    let all = plan.items().filter(|item| plan.runs(*item)).filter_map(named);
    for (path, what) in all.take(MOST_FILES) {
        match files(&path) {
            Some(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                used.extend(words(&text).map(|word| (word.to_owned(), format!("{path}, {what}"))));
            }
            None => drop(unseen.insert(format!("{path}, {what}"))),
        }
    }
    let fragment = !plan.items().any(|item| is_group(plan.class(item)));
    for found in loops.loops.values_mut() {
        let Ok(moves) = found else { continue };
        let names: Vec<&str> = moves.found.puts.iter().map(String::as_str).collect();
        if let Some(name) = names.iter().find(|name| used.contains_key(**name)) {
            *found = Err(format!("{name} is used in {}", used[*name]));
            continue;
        }
        let names = names.join(", ");
        for path in &unseen {
            moves.notes.push(format!(
                "{path}, is not beside it: see that it does not use {names}"
            ));
        }
        if fragment {
            moves.notes.push(format!(
                "it is in a fragment: see that no plan that includes it uses {names}"
            ));
        }
    }
}

/// More included files and scripts in files than that are not read.
const MOST_FILES: usize = 1_000;

/// What a round finds out about the variables of the loops that move.
#[derive(Debug, Default)]
struct Round {
    /// Their names, each with its loops.
    owners: BTreeMap<String, BTreeSet<ItemId>>,
    /// What goes with the loops.
    gone: BTreeSet<ItemId>,
    /// Whether Module Controllers may take anything to any thread group.
    modules: bool,
    /// Loops that stay, with the reason.
    needed: BTreeMap<ItemId, String>,
    /// Loops, each with an If Controller that asks for its end, and whether that asks for success.
    asking: Vec<(ItemId, ItemId, bool)>,
    elsewhere: BTreeSet<String>,
}

impl Round {
    fn of(plan: &Plan, loops: &Loops) -> Self {
        let mut round = Self {
            modules: plan.items().any(|item| plan.class(item) == "ModuleController"),
            ..Self::default()
        };
        for (item, found) in &loops.loops {
            let Ok(found) = found else { continue };
            round.gone.extend(&found.gone);
            round.gone.insert(*item);
            for name in &found.found.puts {
                round.owners.entry(name.clone()).or_default().insert(*item);
            }
        }
        round
    }

    /// Whether an element only sets variables of the loops back.
    fn resets(&self, plan: &Plan, item: ItemId, starts: &Starts) -> bool {
        let own = |puts: &BTreeMap<String, String>| puts.keys().all(|name| self.owners.contains_key(name));
        starts.get(&item).is_some_and(own) && plan.inside(item).is_empty() && !slots::is_counted(plan, item)
    }

    /// Looks for the variables in an element of somebody else.
    fn element(&mut self, plan: &Plan, other: ItemId, loops: &Loops, world: &World) {
        // An assertion's list has what a body is to have, under numbers for names.
        let names = |key: &str| {
            let listed = key.parse::<i64>().is_ok() && plan.class(other).ends_with("Assertion");
            !key.is_empty() && !listed
        };
        let script = SCRIPTS.contains(&plan.class(other));
        let texts = plan.texts(other).map(|(key, property)| (key, property.value));
        let named = std::iter::once((String::new(), plan.name(other)));
        for (key, value) in named.chain(texts) {
            if !(reads(&key, &value) || names(&key) && self.owners.contains_key(value.trim())) {
                continue;
            }
            let used: BTreeSet<&str> = words(&value)
                .filter(|word| self.owners.contains_key(*word))
                .collect();
            for name in used
                .into_iter()
                .filter(|name| !(script && only_puts(&value, name)))
            {
                self.variable(plan, other, (&key, name), loops, world);
            }
        }
    }

    /// A variable that an element has in this property.
    fn variable(
        &mut self,
        plan: &Plan,
        other: ItemId,
        (key, name): (&str, &str),
        loops: &Loops,
        world: &World,
    ) {
        for owner in self.owners[name].iter().filter(|owner| **owner != other) {
            let Some(Ok(found)) = loops.loops.get(owner) else {
                continue;
            };
            if found.opened.contains(&other) {
                continue;
            }
            let groups = [*owner, other].map(|item| group(plan, item));
            if !self.modules && groups[0] != groups[1] && !groups.contains(&None) {
                self.elsewhere.insert(name.to_owned());
                continue;
            }
            match asks(plan, other, key, found, world) {
                Some(success) if other > *owner && !plan.inside(*owner).contains(&other) => {
                    self.asking.push((*owner, other, success));
                }
                _ => {
                    let (element, line) = (plan.name(other), plan.line(other));
                    let why = format!("{name} is used in {element} (line {line}), too");
                    self.needed.insert(*owner, why);
                }
            }
        }
    }
}

/// One round; whether a loop stays that was to move.
fn keep(plan: &Plan, loops: &mut Loops, starts: &Starts, world: &World) -> bool {
    loops.resets.clear();
    loops.elsewhere.clear();
    let mut round = Round::of(plan, loops);
    if round.owners.is_empty() {
        return false;
    }
    round.needed = index_is_used(plan, loops);
    for other in plan.items() {
        if plan.class(other) == "Arguments" || round.gone.contains(&other) {
            continue;
        }
        if round.resets(plan, other, starts) {
            loops.resets.insert(other);
        } else {
            round.element(plan, other, loops, world);
        }
    }
    loops.elsewhere = round.elsewhere;
    for (owner, other, success) in round.asking {
        if let Some(Ok(found)) = loops.loops.get_mut(&owner) {
            if !found.asking.contains(&(other, success)) {
                found.asking.push((other, success));
            }
        }
    }
    connects_that_are_asked_for(plan, loops, &mut round.needed);
    let stays = !round.needed.is_empty();
    for (item, why) in round.needed {
        loops.loops.insert(item, Err(why));
    }
    keep_resets(loops, starts);
    stays
}

/// What sets variables back stays where a loop stays that has them.
fn keep_resets(loops: &mut Loops, starts: &Starts) {
    let moved = loops.loops.values().flatten();
    let unused: BTreeSet<String> = moved.flat_map(|found| found.found.puts.iter().cloned()).collect();
    loops.resets.retain(|item| {
        starts[item]
            .keys()
            .all(|name| unused.contains(name) && !loops.elsewhere.contains(name))
    });
}

/// The outcome of a Connect is in `wsb.stop` until the next one: nothing may come between it and who asks for it.
fn connects_that_are_asked_for(plan: &Plan, loops: &Loops, needed: &mut BTreeMap<ItemId, String>) {
    let opens = |item: ItemId| {
        plan.class(item).starts_with("eu.luminis.") || plan.class(item).starts_with("io.github.wsbackoff.")
    };
    for (item, found) in &loops.loops {
        let Ok(found) = found else { continue };
        let Some((last, _)) = found.asking.iter().max() else {
            continue;
        };
        if !plan.class(found.sampler).starts_with("eu.luminis.") {
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

/// Whether an If Controller asks how the loop ended and nothing else: for success, or for the contrary.
fn asks(plan: &Plan, item: ItemId, key: &str, found: &Loop, world: &World) -> Option<bool> {
    if key != IF {
        return None;
    }
    let question = Question::of_if(plan, item).ok()?;
    // Of other variables nothing is known here, and a question for them is not understood.
    let holds = |vars: &BTreeMap<String, String>| {
        let mut world = world.clone();
        world.vars = vars
            .iter()
            .filter(|(name, _)| found.found.puts.contains(*name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        question.holds(&mut world).ok().map(|holds| holds == Some(true))
    };
    // However it ended: one answer after each success, the other one after each failure.
    let same = |ends: Vec<&Vars>| {
        let first = holds(ends.first()?)?;
        ends.iter()
            .all(|vars| holds(vars) == Some(first))
            .then_some(first)
    };
    let after = &found.found.after;
    let success = same(after.success.iter().collect())?;
    let failure = same(after.failure.iter().collect())?;
    (success != failure).then_some(success)
}

/// Whether a script does nothing with a variable but to put it.
fn only_puts(script: &str, name: &str) -> bool {
    let puts = [format!("vars.put(\"{name}\""), format!("vars.put('{name}'")];
    let count: usize = puts.iter().map(|put| script.matches(put.as_str()).count()).sum();
    count == words(script).filter(|word| *word == name).count()
}

/// What names the count of a While Controller that goes: its name may have blanks, so that it is no word.
fn index_is_used(plan: &Plan, loops: &Loops) -> BTreeMap<ItemId, String> {
    let mut used = BTreeMap::new();
    if !plan.text().contains("__jm__") {
        return used;
    }
    for (item, found) in &loops.loops {
        let Ok(found) = found else { continue };
        let index = format!("__jm__{}__idx", plan.name(*item));
        let names = |one: &ItemId| {
            let goes = one == item || found.gone.contains(one) || found.opened.contains(one);
            let is_in = |text: &str| text.contains(&index);
            !goes && (is_in(&plan.name(*one)) || plan.texts(*one).any(|(_, text)| is_in(&text.value)))
        };
        if let Some(other) = plan.items().find(names) {
            let (element, line) = (plan.name(other), plan.line(other));
            used.insert(*item, format!("{index} is used in {element} (line {line}), too"));
        }
    }
    used
}

/// Whether the words of a property may be names of variables: in scripts, beside `${`, and where an extractor or a counter puts a name.
fn reads(key: &str, value: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    value.contains("${")
        || ["script", "query", "name", "ref", "condition"]
            .iter()
            .any(|part| lower.contains(part))
}

pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.' && c != '-')
}
