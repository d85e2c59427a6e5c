//! Scripts outside of loops that do what a retry is for, or what hides that one is missing: told, and left as they are.

use super::Loops;
use super::imagine::{self, Try, World};
use super::notes::COMPARES_OBJECTS;
use super::parts::{self, Act};
use crate::Files;
use crate::jmx::{ItemId, Plan};
use crate::scripts::{SCRIPTS, source};
use crate::told::{Entry, Outcome};

/// What a script has that calls a server by itself.
const CLIENTS: [&str; 6] = [
    "openConnection",
    "HttpClient",
    "HttpURLConnection",
    "OkHttpClient",
    "new URL(",
    "RestTemplate",
];
/// What a script has that runs a sampler.
const RUNS: [&str; 4] = [
    "sampler.sample(",
    "getCurrentSampler().sample(",
    "currentSampler.sample(",
    "getPreviousSampler().sample(",
];
/// What a script has that tries again.
const AGAIN: [&str; 4] = ["while", "for (", "for(", "retry"];
/// More scripts than that are not looked at.
const MOST: usize = 2_000;

/// Tells of all of them but those that belong to a loop that is told of.
pub(super) fn tell(plan: &Plan, loops: &Loops, world: &World, files: &Files) -> Vec<Entry> {
    let known = |item: ItemId| {
        let in_loop = |owner: &ItemId| plan.inside(*owner).contains(&item);
        loops.resets.contains(&item) || loops.loops.keys().any(in_loop) || loops.polls.keys().any(in_loop)
    };
    let scripts = plan
        .items()
        .filter(|item| SCRIPTS.contains(&plan.class(*item)) && plan.runs(*item) && !known(*item));
    scripts
        .take(MOST)
        .filter_map(|item| one(plan, item, world, files))
        .collect()
}

fn one(plan: &Plan, item: ItemId, world: &World, files: &Files) -> Option<Entry> {
    let (text, _, line) = source(plan, item, files).ok()?;
    let place = |words: &[&str]| {
        text.lines()
            .position(|line| words.iter().any(|word| line.contains(word)))
    };
    if let (Some(client), Some(_), Some(_)) = (
        place(&CLIENTS),
        place(&AGAIN),
        place(&["sleep", "429", "Retry-After"]),
    ) {
        let why = format!(
            "it tries again by a client of its own (line {}), of which no sample and no policy knows; make it an HTTP Request in a Retry Controller (wsb)",
            line + client
        );
        return Some(Entry::of(plan, item, Outcome::Left(why)));
    }
    if let (Some(call), Some(_)) = (place(&RUNS), place(&AGAIN)) {
        let why = format!(
            "it runs its sampler again by itself (line {}), of which no sample tells; put the sampler into a Retry Controller (wsb)",
            line + call
        );
        return Some(Entry::of(plan, item, Outcome::Left(why)));
    }
    let Ok(Act::Script {
        script, parameters, ..
    }) = parts::script(plan, item, files)
    else {
        return None;
    };
    let after = |code: &'static str, ok: bool| {
        let mut world = world.clone();
        world.language = parts::language(plan, item);
        world.last = Some(Try {
            code,
            ok,
            headers: "HTTP/1.1 429 Too Many Requests\n",
            has: false,
        });
        imagine::run(&script, &parameters, &mut world).ok().map(|_| world)
    };
    let (refused, good) = (after("429", false)?, after("200", true)?);
    let mut says = Vec::new();
    if refused.slept > good.slept {
        says.push("it waits after a failure, and nothing tries again: what was refused stays undone; a Retry Controller (wsb) around the sampler does both".to_owned());
    }
    if refused.did.hides {
        says.push("it shows failures as successes, so that no report counts them".to_owned());
    }
    if refused.did.compares_objects {
        says.push(COMPARES_OBJECTS.to_owned());
    }
    if let Some((nth, why)) = refused
        .did
        .broke
        .filter(|(_, why)| why.contains("which JMeter does not have"))
    {
        says.push(format!("it ends with an error in line {}: {why}", line + nth));
    }
    let mut says = says.into_iter();
    let first = says.next()?;
    Some(Entry::of(plan, item, Outcome::Noted(first)).with(says.collect()))
}
