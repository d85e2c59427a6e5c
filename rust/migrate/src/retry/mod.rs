//! Loops that try one sampler again until it succeeds: While and Loop Controllers with scripts, timers, counters and questions in them.
//! They become the policy of a Connect, or a Retry controller.
//!
//! What a loop is, is told by how it goes: it is played against answers that are imagined. A loop is moved only when all of it is
//! understood and nothing else needs its variables; else it stays and is told.

mod alone;
mod calls;
mod carried;
mod changes;
mod codes;
mod evaluate;
mod expressions;
mod filling;
mod found;
mod imagine;
mod needed;
mod notes;
mod others;
mod parts;
mod play;
mod polling;
mod question;
mod statements;
mod surroundings;
mod syntax;
mod tokens;
mod values;

use crate::Files;
use crate::groups::is_group;
use crate::incumbent::Survey;
use crate::jmx::{ItemId, Plan};
use crate::scripts::{SCRIPTS, is_sampler, source};
use crate::slots;
use crate::told::Entry;
use carried::carried_over;
pub(crate) use changes::apply;
use found::{Found, found};
use imagine::{Did, Language, Try, World};
use needed::{Starts, keep_what_others_need};
use notes::notes;
use others::Constants;
use parts::{Act, Parts, is_kept, parts};
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
    /// What is worth another try, where its scripts name more than a policy takes by itself.
    transient: Option<String>,
    /// A wait behind it, as there was one after a success, too.
    trails: Option<String>,
    /// Its first wait as the plan has it, where that is no number.
    varying: Option<String>,
    /// What counts for its sampler alone stands beside it, so that a controller has to stay around them.
    around: bool,
    /// Its scripts ran before assertions, and there are some.
    asserts: bool,
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
    /// What is said of scripts outside of them.
    alone: Vec<Entry>,
    /// Scripts outside of them that only set their variables back.
    resets: BTreeSet<ItemId>,
    /// Names of their variables that stay in use by other thread groups, whose variables are others.
    elsewhere: BTreeSet<String>,
}

impl Loops {
    /// What goes with the loops that move, and conditions that these change.
    pub(crate) fn taken(&self) -> BTreeSet<ItemId> {
        let mut taken = self.resets.clone();
        for (item, found) in &self.loops {
            let Ok(found) = found else { continue };
            taken.insert(*item);
            taken.extend(found.gone.iter().chain(&found.opened));
            taken.extend(found.asking.iter().map(|(other, _)| *other));
        }
        taken
    }
}

/// Looks at all loops of a plan.
pub(crate) fn survey(plan: &Plan, theirs: &Survey, files: &Files) -> Loops {
    let mut loops = Loops::default();
    let fuel = Cell::new(MOST_STEPS);
    let world = World {
        vars: BTreeMap::new(),
        puts: BTreeSet::new(),
        last: None,
        own: None,
        objects: BTreeMap::new(),
        clock: 0.0,
        label: None,
        drawn: 0.0,
        more: None,
        slept: 0.0,
        did: Did::default(),
        language: Language::Jexl,
        fuel: &fuel,
    };
    let candidates: Vec<ItemId> = plan
        .items()
        .filter(|item| is_candidate(plan, *item, files))
        .collect();
    let (candidates, beyond) = candidates.split_at(candidates.len().min(MOST));
    let polling = plan
        .items()
        .filter(|item| {
            !candidates.contains(item) && !beyond.contains(item) && plan.inside(*item).len() < MOST_INSIDE
        })
        .filter_map(|item| Some((item, poll(plan, item, theirs, files)?)));
    loops.polls = polling.take(MOST).collect();
    let starts = starts(plan, &world, files);
    // What a thread's variables are, wherever something puts them; a loop leaves what a success leaves.
    let mut puts = starts.clone();
    let defined = defined(plan);
    let constants = Constants::of(plan, &defined);
    for item in candidates.iter().copied() {
        let mut world = world.clone();
        world.vars.clone_from(&defined);
        let group = group(plan, item);
        let before = puts
            .range(..item)
            .filter(|(start, _)| self::group(plan, **start) == group);
        world.vars.extend(before.flat_map(|(_, puts)| puts.clone()));
        match one(plan, item, &world, (&constants, &starts), theirs, files) {
            Ok(Some(found)) => {
                puts.insert(item, found.found.after.behind_a_retry());
                loops.loops.insert(item, Ok(found));
            }
            Ok(None) => {}
            Err(why) => drop(loops.loops.insert(item, Err(why))),
        }
    }
    for item in beyond {
        let why = format!("no more than {MOST} loops of a plan are looked at");
        loops.loops.insert(*item, Err(why));
    }
    keep_what_others_need(plan, &mut loops, &starts, &world, files);
    loops.alone = alone::tell(plan, &loops, &world, files);
    loops
}

/// The thread group that an element is in; variables are each thread's own.
fn group(plan: &Plan, item: ItemId) -> Option<ItemId> {
    plan.above(item).find(|above| is_group(plan.class(*above)))
}

/// Whether something in a loop, and in no loop inside it, asks how a try went, and something waits or counts.
fn is_candidate(plan: &Plan, item: ItemId, files: &Files) -> bool {
    const ASKS: [&str; 8] = [
        "esponseMessage",
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
        let own = is_sampler(plan.class(item));
        let ran = play::as_sampler(own, &mut world, |world| imagine::run(&script, &parameters, world));
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
    (constants, starts): (&Constants, &Starts),
    theirs: &Survey,
    files: &Files,
) -> Result<Option<Loop>, String> {
    let head = head(plan, item)?;
    let parts = parts(plan, item, theirs, files)?;
    stays_in_place(plan, item, &parts)?;
    let game = Game {
        plan,
        name: plan.name(item),
        head: &head,
        parts: &parts,
    };
    let success = success(plan, parts.sampler, theirs);
    let mut world = world.clone();
    world.last = follows_a_sample(plan, item).then_some(Try {
        code: "200",
        ok: true,
        headers: "",
        has: false,
    });
    let Some(found) = found(&game, &world, success)? else {
        return Ok(None);
    };
    let once = found.once && !is_set_back(plan, item, &found, starts);
    if let Some(above) = plan
        .above(item)
        .find(|above| once && plan.class(*above) == "RunTime")
    {
        return Err(format!(
            "{} (line {}) comes to it again and again for a time, and it did its work once only",
            plan.name(above),
            plan.line(above)
        ));
    }
    let carried = carried_over(&game, item, &world, &found, constants, files)?;
    let named = carried.named;
    let around =
        theirs.connects(plan, parts.sampler) && found.body.is_none() && stands_beside(plan, item, &parts)?;
    let mut notes = notes(&found, carried.varying.as_deref(), parts.shared_count, &named);
    notes.extend(carried.notes);
    let asserts = found.body.is_none() && asserts_unseen(plan, item, &parts);
    if asserts {
        notes.push("it did not see failed assertions, as its script ran before them; they end it as before (wsb.retry.failedAssertions=fatal)".to_owned());
    }
    if carried.trails.is_some() {
        notes.push("it also waited after a success; a pause behind it does".to_owned());
    }
    let connects = theirs.connects(plan, parts.sampler) && found.body.is_none();
    notes.extend(in_its_place(plan, item, &parts, connects, once));
    Ok(Some(Loop {
        sampler: parts.sampler,
        found,
        gone: parts.gone,
        opened: parts.opened,
        transient: (!named.is_empty()).then(|| format!("{},{}", codes::TRANSIENT, named.join(","))),
        trails: carried.trails,
        varying: carried.varying,
        around,
        asserts,
        asking: Vec::new(),
        notes,
    }))
}

/// Whether a thread has made a sample before it comes to a loop for the first time.
fn follows_a_sample(plan: &Plan, item: ItemId) -> bool {
    let own = group(plan, item);
    plan.items()
        .take_while(|one| *one < item)
        .any(|one| is_sampler(plan.class(one)) && (own.is_none() || group(plan, one) == own))
}

/// What is to be said of a loop where it stands; `once`: it did nothing when it was come to again.
fn in_its_place(plan: &Plan, item: ItemId, parts: &Parts, connects: bool, once: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let javascript = |one: &ItemId| {
        SCRIPTS.contains(&plan.class(*one)) && parts::language(plan, *one) == Language::JavaScript
    };
    if parts.gone.iter().any(javascript) {
        notes.push(
            "its script is JavaScript, for which Java has no engine since 15: there it ended with an error, and the loop had no end".to_owned(),
        );
    }
    notes.extend(surroundings::notes(plan, item, parts.sampler, connects));
    if once && is_repeated(plan, item) && surroundings::goes_on(plan, item) {
        notes.push(
            "nothing set its variables back, so it did its work in a user's first iteration only; now it does in each".to_owned(),
        );
    }
    notes
}

/// What a controller that knows elements by name or place leaves as it is.
fn stays_in_place(plan: &Plan, item: ItemId, parts: &Parts) -> Result<(), String> {
    if let Some(led) = parts.gone.iter().find(|one| slots::is_led_to(plan, **one)) {
        let (name, line) = (plan.name(*led), plan.line(*led));
        return Err(format!("a Module Controller leads to {name} (line {line})"));
    }
    slots::all_at_once(plan, item)
}

/// The code of a success: their samplers have 101 where they open the connection.
fn success(plan: &Plan, sampler: ItemId, theirs: &Survey) -> &'static str {
    let moves = theirs.moves.get(&sampler);
    let opens = moves.is_some_and(|moves| moves.below.is_some());
    if opens || theirs.connects(plan, sampler) {
        "101"
    } else {
        "200"
    }
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

/// Whether assertions count for the sampler that all scripts of the loop were too early for.
fn asserts_unseen(plan: &Plan, item: ItemId, parts: &Parts) -> bool {
    let early = |one: &ItemId| {
        let class = plan.class(*one);
        !SCRIPTS.contains(&class)
            || ["PostProcessor", "PreProcessor", "Timer"]
                .iter()
                .any(|kind| class.ends_with(kind))
    };
    let asks_sampler = |one: ItemId| {
        plan.texts(one)
            .any(|(_, text)| text.value.contains("last_sample_ok"))
    };
    let own = std::iter::once(item).chain(plan.inside(item));
    parts.gone.iter().all(early)
        && !own.into_iter().any(asks_sampler)
        && plan
            .items()
            .any(|one| plan.class(one).ends_with("Assertion") && plan.counts_for(one, parts.sampler))
}

/// Whether something that stays counts for the sampler because it stands beside it.
fn stands_beside(plan: &Plan, item: ItemId, parts: &Parts) -> Result<bool, String> {
    let is_beside = |one: &ItemId| {
        plan.runs(*one)
            && is_kept(plan.class(*one))
            && !plan.inside(parts.sampler).contains(one)
            && !parts.gone.contains(one)
    };
    let beside: Vec<ItemId> = plan.inside(item).filter(is_beside).collect();
    match beside.iter().find(|one| plan.class(**one) == "CSVDataSet") {
        Some(data) => Err(format!(
            "{} (line {}) gives each try a line of its own",
            plan.name(*data),
            plan.line(*data)
        )),
        None => Ok(!beside.is_empty()),
    }
}

/// Controllers that come to what is in them more than once.
const LOOPS: [&str; 4] = [
    "LoopController",
    "ForeachController",
    "WhileController",
    "RunTime",
];

/// Whether a script sets its variables back each time when a thread comes to it.
fn is_set_back(plan: &Plan, item: ItemId, found: &Found, starts: &Starts) -> bool {
    let repeats = |above: &ItemId| LOOPS.contains(&plan.class(*above)) || is_group(plan.class(*above));
    let from = plan.above(item).find(repeats).unwrap_or(item);
    let mut before = starts.range(from..item);
    before.any(|(_, puts)| puts.keys().any(|name| found.puts.contains(name)))
}

/// Whether a thread may come to it more than once.
fn is_repeated(plan: &Plan, item: ItemId) -> bool {
    let loops = |above: ItemId| {
        let once = |(key, loops): (String, crate::jmx::Property)| {
            key == "LoopController.loops" && loops.value == "1"
        };
        let class = plan.class(above);
        LOOPS.contains(&class) || is_group(class) && !plan.texts(above).any(once)
    };
    plan.above(item).any(loops)
}
