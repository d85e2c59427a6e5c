//! Loops that try one sampler again until it succeeds: While and Loop Controllers with scripts, timers, counters and questions in them.
//! They become the policy of a Connect, or a Retry controller.
//!
//! What a loop is, is told by how it goes: it is played against answers that are imagined. A loop is moved only when all of it is
//! understood and nothing else needs its variables; else it stays and is told.

mod calls;
mod found;
mod imagine;
mod needed;
mod notes;
mod parts;
mod play;
mod polling;
mod question;
mod syntax;
mod tokens;
mod values;

use crate::Files;
use crate::incumbent::Survey;
use crate::jmx::{Change, ItemId, NewElement, Plan};
use crate::ours;
use crate::told::{Entry, Outcome};
use found::{Found, found};
use imagine::{Did, Try, World};
use needed::{Starts, keep_what_others_need};
use notes::notes;
use parts::{Act, SCRIPTS, parts, source};
use play::{Game, Head};
use polling::{Poll, poll};
use question::{IF, Question, WHILE};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// More loops than that in a plan are not looked at.
const MOST: usize = 200;
/// Elements in a loop: what has more is no retry.
const MOST_INSIDE: usize = 1_000;
/// Steps of all scripts of a plan in all plays.
const MOST_STEPS: u64 = 6_000_000;

/// What is known of a loop.
#[derive(Debug)]
struct Loop {
    sampler: ItemId,
    found: Found,
    /// Scripts and timers that go with it.
    gone: Vec<ItemId>,
    /// Controllers that go and whose content stays.
    opened: Vec<ItemId>,
    /// Its first wait as the plan has it, where that is no number.
    varying: Option<String>,
    /// If Controllers that ask for its end: each with whether they ask for success.
    asking: Vec<(ItemId, bool)>,
    notes: Vec<String>,
}

/// All loops, each as one that moves, or why it stays.
#[derive(Debug, Default)]
pub(crate) struct Loops {
    loops: BTreeMap<ItemId, Result<Loop, String>>,
    /// Those that ask until something is done.
    polls: BTreeMap<ItemId, Result<Poll, String>>,
    /// Scripts outside of them that only set their variables back.
    resets: BTreeSet<ItemId>,
}

/// Looks at all loops of a plan.
pub(crate) fn survey(plan: &Plan, theirs: &Survey, files: &Files) -> Loops {
    let mut loops = Loops::default();
    let fuel = Cell::new(MOST_STEPS);
    let world = World {
        vars: BTreeMap::new(),
        puts: BTreeSet::new(),
        last: None,
        drawn: 0.0,
        slept: 0.0,
        did: Did::default(),
        fuel: &fuel,
    };
    let candidates: Vec<ItemId> = plan
        .items()
        .filter(|item| is_candidate(plan, *item, files))
        .take(MOST)
        .collect();
    let polling = plan
        .items()
        .filter(|item| !candidates.contains(item) && plan.inside(*item).len() < MOST_INSIDE)
        .filter_map(|item| Some((item, poll(plan, item, theirs, files)?)));
    loops.polls = polling.take(MOST).collect();
    if candidates.is_empty() {
        return loops;
    }
    let starts = starts(plan, &world, files);
    for item in candidates {
        let mut world = world.clone();
        world.vars = defined(plan);
        let before = starts.iter().filter(|(start, _)| **start < item);
        world.vars.extend(before.flat_map(|(_, puts)| puts.clone()));
        match one(plan, item, &world, theirs, files) {
            Ok(Some(found)) => drop(loops.loops.insert(item, Ok(found))),
            Ok(None) => {}
            Err(why) => drop(loops.loops.insert(item, Err(why))),
        }
    }
    keep_what_others_need(plan, &mut loops, &starts, &world);
    loops
}

/// Whether something in a loop, and in no loop inside it, asks how a try went, and something waits or counts.
fn is_candidate(plan: &Plan, item: ItemId, files: &Files) -> bool {
    const ASKS: [&str; 7] = [
        "uccessful",
        "esponseCode",
        "esponseData",
        "ResponseOK",
        "last_sample_ok",
        "getResponseHeader",
        "IsSuccess",
    ];
    let class = plan.class(item);
    let loops = |one: ItemId| ["WhileController", "LoopController"].contains(&plan.class(one));
    if !loops(item) || !(1..MOST_INSIDE).contains(&plan.inside(item).len()) {
        return false;
    }
    let own = plan
        .inside(item)
        .filter(|one| plan.above(*one).find(|above| loops(*above)) == Some(item));
    let (mut asks, mut waits) = (false, class == "WhileController");
    let condition = plan.value_or(item, WHILE, "");
    asks |= ASKS.iter().any(|word| condition.contains(word));
    for one in own {
        let class = plan.class(one);
        waits |= class.ends_with("Timer") || class == "TestAction";
        let text = match class {
            "IfController" => plan.value_or(one, IF, ""),
            "RegexExtractor" if plan.value_or(one, "RegexExtractor.useHeaders", "") == "code" => {
                "ResponseCode".to_owned()
            }
            _ if SCRIPTS.contains(&class) => {
                source(plan, one, files).map_or("sleep esponseCode".to_owned(), |(text, ..)| text)
            }
            _ => continue,
        };
        asks |= ASKS.iter().any(|word| text.contains(word));
        waits |= text.contains("sleep");
    }
    asks && waits
}

/// The variables that lists define.
fn defined(plan: &Plan) -> BTreeMap<String, String> {
    let xml = plan.xml();
    let mut vars = BTreeMap::new();
    for item in plan
        .items()
        .filter(|item| ["Arguments", "TestPlan"].contains(&plan.class(*item)))
    {
        let mut name = String::new();
        for (key, property) in plan.texts(item) {
            match key.as_str() {
                "Argument.name" => name = property.value,
                "Argument.value" if xml.node(property.node).close.is_some() => {
                    vars.insert(std::mem::take(&mut name), property.value);
                }
                _ => {}
            }
        }
    }
    vars
}

/// The scripts that do nothing but put variables, wherever they are.
fn starts(plan: &Plan, world: &World, files: &Files) -> Starts {
    let mut starts = Starts::new();
    for item in plan
        .items()
        .filter(|item| SCRIPTS.contains(&plan.class(*item)) && plan.runs(*item))
    {
        let Ok(Act::Script {
            script,
            parameters,
            delays: false,
            ..
        }) = parts::script(plan, item, files)
        else {
            continue;
        };
        let mut world = world.clone();
        let ran = imagine::run(&script, &parameters, &mut world);
        let nothing_else = world.slept == 0.0 && world.did == Did::default();
        if ran.is_ok() && nothing_else && !world.puts.is_empty() {
            starts.insert(item, world.vars);
        }
    }
    starts
}

/// Looks at a loop; none where it is no retry.
fn one(
    plan: &Plan,
    item: ItemId,
    world: &World,
    theirs: &Survey,
    files: &Files,
) -> Result<Option<Loop>, String> {
    let head = head(plan, item)?;
    let parts = parts(plan, item, theirs, files)?;
    let game = Game {
        plan,
        name: plan.name(item),
        head: &head,
        parts: &parts,
    };
    let success = if theirs.connects(plan, parts.sampler) {
        "101"
    } else {
        "200"
    };
    let mut world = world.clone();
    world.last = Some(Try {
        code: "200",
        ok: true,
        headers: "",
        has: false,
    });
    let Some(found) = found(&game, &world, success)? else {
        return Ok(None);
    };
    let mut notes = notes(&found, parts.varying.as_deref(), parts.shared_count);
    if parts.gone.iter().any(|one| is_javascript(plan, *one)) {
        notes.push(
            "its script is JavaScript, for which Java has no engine since 15: there it ended with an error, and the loop had no end".to_owned(),
        );
    }
    if found.once && is_repeated(plan, item) {
        notes.push(
            "nothing set its variables back, so it did its work in a user's first iteration only; now it does in each".to_owned(),
        );
    }
    Ok(Some(Loop {
        sampler: parts.sampler,
        found,
        gone: parts.gone,
        opened: parts.opened,
        varying: parts.varying,
        asking: Vec::new(),
        notes,
    }))
}

fn head(plan: &Plan, item: ItemId) -> Result<Head, String> {
    if plan.class(item) == "WhileController" {
        return Question::of_while(&plan.value_or(item, WHILE, "")).map(Head::While);
    }
    match plan.value_or(item, "LoopController.loops", "").trim() {
        "-1" => Ok(Head::Times(None)),
        loops => loops
            .parse()
            .map(|loops| Head::Times(Some(loops)))
            .map_err(|_| "it loops as often as a variable says".to_owned()),
    }
}

fn is_javascript(plan: &Plan, item: ItemId) -> bool {
    let language = plan.value_or(item, "scriptLanguage", "").to_ascii_lowercase();
    ["javascript", "nashorn", "ecmascript", "js"].contains(&language.as_str())
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

/// Makes the changes, and tells them; a Connect is changed with the other samplers of WebSockets.
pub(crate) fn apply(
    plan: &Plan,
    loops: &Loops,
    theirs: &mut Survey,
    change: &mut Change,
    told: &mut Vec<Entry>,
) {
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
            change.unwrap(*one);
            let why = "the policy asks whether another try is needed".to_owned();
            told.push(Entry::of(plan, *one, Outcome::Removed(why)));
        }
        unused.extend(found.found.puts.iter().cloned());
    }
    for reset in &loops.resets {
        change.remove(*reset);
        told.push(taken_out(plan, *reset, "what it set back, nothing uses any more"));
    }
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

/// Puts a policy in a loop's place; the variable that says how it ended, and what it says on success.
fn replace(
    plan: &Plan,
    item: ItemId,
    found: &Loop,
    theirs: &mut Survey,
    change: &mut Change,
    told: &mut Vec<Entry>,
) -> (String, &'static str) {
    let first = found.found.waits.first().filter(|wait| **wait >= 1.0);
    let base = found.varying.clone().or(first.map(|wait| format!("{wait:.0}ms")));
    if theirs.connects(plan, found.sampler) && found.found.body.is_none() {
        change.unwrap(item);
        theirs.try_again(
            found.sampler,
            base.map(|base| ("wsb.retry.base", base)).into_iter().collect(),
        );
        let why = format!("{} tries again by itself", plan.name(found.sampler));
        told.push(Entry::of(plan, item, Outcome::Removed(why)).with(found.notes.clone()));
        return ("wsb.stop".to_owned(), "connected");
    }
    let mut element = ours::retry();
    element
        .properties
        .extend(base.map(|base| ("wsb.retry.base", base)));
    let shown = match &found.found.did {
        Did { ignores: true, .. } => Some("ignore"),
        Did { hides: true, .. } => Some("success"),
        _ => None,
    };
    element
        .properties
        .extend(shown.map(|shown| ("wsb.retry.attemptsShown", shown.to_owned())));
    // Its variables are beside those of others only when somebody asks for them.
    let asked = |name: &&String| {
        let conditions = found
            .asking
            .iter()
            .map(|(other, _)| plan.value_or(*other, IF, ""));
        conditions
            .into_iter()
            .any(|condition| condition.contains(name.as_str()))
    };
    let prefix = format!(
        "{}.",
        found
            .found
            .puts
            .iter()
            .rfind(asked)
            .map_or("retry", String::as_str)
    );
    if !found.asking.is_empty() {
        element = element.with("wsb.retry.prefix", prefix.as_str());
    }
    change.convert(
        item,
        &element,
        &[WHILE, "LoopController.loops", "LoopController.continue_forever"],
    );
    if let Some((text, has)) = &found.found.body {
        change.insert_below(found.sampler, "Body", &body_assertion(text, *has));
    }
    let into = ours::label(&element).to_owned();
    told.push(Entry::of(plan, item, Outcome::Moved(into)).with(found.notes.clone()));
    (format!("{prefix}stop"), "succeeded")
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
