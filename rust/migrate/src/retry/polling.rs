//! Loops that ask again until an answer says that something is done: a While Controller whose variable an extractor in it sets, with a
//! timer. They become a Retry controller that asks the same condition.

use super::parts::is_kept;
use super::question::{Question, WHILE};
use crate::Files;
use crate::incumbent::Survey;
use crate::jmx::{Change, ItemId, Plan};
use crate::ours;
use crate::scripts::{SCRIPTS, is_sampler, source};
use crate::told::{Entry, Outcome};

/// Extractors name their variables under keys that end so.
const NAMES: [&str; 2] = [".refname", ".referenceNames"];

/// More variables than that in a loop are not looked at.
const MOST_NAMES: usize = 50;

/// A loop that polls.
#[derive(Debug)]
pub(super) struct Poll {
    /// Its wait, as the plan has it.
    wait: String,
    drawn: bool,
    gone: Vec<ItemId>,
}

/// Looks at a loop; none where it does not poll.
pub(super) fn poll(
    plan: &Plan,
    item: ItemId,
    theirs: &Survey,
    files: &Files,
) -> Option<Result<Poll, String>> {
    if plan.class(item) != "WhileController" {
        return None;
    }
    let condition = plan.value_or(item, WHILE, "");
    let inside: Vec<ItemId> = plan
        .inside(item)
        .filter(|one| plan.runs(*one) || !plan.runs(item))
        .collect();
    let names = inside.iter().flat_map(|one| extracted(plan, *one));
    let names: Vec<String> = names.take(MOST_NAMES).collect();
    if !names.iter().any(|name| mentions(&condition, name)) {
        return None;
    }
    let timers: Vec<ItemId> = inside
        .iter()
        .copied()
        .filter(|one| wait(plan, *one).is_some())
        .collect();
    let samplers: Vec<ItemId> = inside
        .iter()
        .copied()
        .filter(|one| is_sampler(plan.class(*one)))
        .collect();
    // What asks for something else each time goes through pages, and what does not wait is no polling.
    let changes = |one: &ItemId| {
        plan.texts(*one).any(|(_, text)| {
            names
                .iter()
                .any(|name| text.value.contains(&format!("${{{name}}}")))
        })
    };
    if timers.is_empty() || samplers.is_empty() || samplers.iter().any(changes) {
        return None;
    }
    Some(understood(
        plan, item, &condition, &inside, &timers, theirs, files,
    ))
}

fn understood(
    plan: &Plan,
    item: ItemId,
    condition: &str,
    inside: &[ItemId],
    timers: &[ItemId],
    theirs: &Survey,
    files: &Files,
) -> Result<Poll, String> {
    let told = |one: ItemId| format!("{} (line {})", plan.name(one), plan.line(one));
    let [timer] = timers[..] else {
        return Err("it has several timers".to_owned());
    };
    Question::of_while(condition)?;
    let index = format!("__jm__{}__idx", plan.name(item));
    let counts = |one: ItemId| {
        let mut texts = plan.texts(one);
        plan.name(one).contains(&index) || texts.any(|(_, text)| text.value.contains(&index))
    };
    if plan.text().contains("__jm__") && plan.items().any(counts) {
        return Err(format!(
            "{index} is used, which a Retry Controller (wsb) does not count"
        ));
    }
    for one in inside.iter().copied().filter(|one| *one != timer) {
        let class = plan.class(one);
        if SCRIPTS.contains(&class) {
            let (text, ..) = source(plan, one, files).map_err(|why| format!("{} {why}", told(one)))?;
            if text.contains("sleep") {
                return Err(format!("{} waits in a script", told(one)));
            }
        } else if class.starts_with("eu.luminis.") && !theirs.moves.contains_key(&one) {
            return Err(format!("{} does not move", told(one)));
        } else if class == "TestAction"
            || !(is_kept(class)
                || is_sampler(class)
                || class == "CounterConfig"
                || class.ends_with("Controller"))
        {
            return Err(format!(
                "{} is in it, which is no part of a poll that is known",
                told(one)
            ));
        }
    }
    let own = plan.parent(timer);
    if own != Some(item)
        && !own.is_some_and(|own| is_sampler(plan.class(own)) && plan.parent(own) == Some(item))
    {
        return Err(format!("{} waits for some of its steps only", told(timer)));
    }
    let (wait, drawn) = wait(plan, timer).ok_or("it does not wait")?;
    Ok(Poll {
        wait,
        drawn,
        gone: vec![timer],
    })
}

/// The variables that an extractor sets.
fn extracted(plan: &Plan, item: ItemId) -> Vec<String> {
    let names = plan
        .texts(item)
        .filter(|(key, _)| NAMES.iter().any(|name| key.ends_with(name)));
    names
        .flat_map(|(_, names)| {
            names
                .value
                .split(';')
                .map(|name| name.trim().to_owned())
                .collect::<Vec<_>>()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

fn mentions(condition: &str, name: &str) -> bool {
    let quoted = |quote: char| condition.contains(&format!("{quote}{name}{quote}"));
    condition.contains(&format!("${{{name}}}")) || quoted('"') || quoted('\'')
}

/// How long a timer or a pause waits, and whether some of it is drawn.
fn wait(plan: &Plan, item: ItemId) -> Option<(String, bool)> {
    let text = |key: &str| plan.value_or(item, key, "").trim().to_owned();
    match plan.class(item) {
        "ConstantTimer" => Some((text("ConstantTimer.delay"), false)),
        "UniformRandomTimer" | "GaussianRandomTimer" => Some((text("ConstantTimer.delay"), true)),
        "TestAction" if text("ActionProcessor.action") == "1" => {
            Some((text("ActionProcessor.duration"), false))
        }
        _ => None,
    }
}

/// Puts a Retry controller in a poll's place.
pub(super) fn replace(plan: &Plan, item: ItemId, poll: &Poll, change: &mut Change, told: &mut Vec<Entry>) {
    let element = ours::retry()
        .with("wsb.retry.while", plan.value_or(item, WHILE, ""))
        .with("wsb.retry.strategy", "fixed")
        .with("wsb.retry.base", poll.wait.as_str())
        .with("wsb.retry.transientBase", poll.wait.as_str())
        .with("wsb.retry.transient", "any")
        .with("wsb.retry.maxElapsed", "1d");
    change.convert(item, &element, &[WHILE]);
    let mut notes = vec![
        format!(
            "it asks the same condition after each try, waits {} ms before the next, and obeys the server's Retry-After; it gives up after \
             1000 tries or a day (wsb.retry.maxElapsed)",
            poll.wait
        ),
        "it asked before the first try, too: where its variable says so from before, it now tries once".to_owned(),
        "a failure is followed by another try as before; where a sample fails and the condition says that all is done, it goes on now".to_owned(),
    ];
    if poll.drawn {
        notes.push("a part of its wait was drawn; wsb.retry.strategy=plus-minus draws, too".to_owned());
    }
    told.push(Entry::of(plan, item, Outcome::Moved(ours::label(&element).to_owned())).with(notes));
    for one in &poll.gone {
        change.remove(*one);
        told.push(Entry::of(
            plan,
            *one,
            Outcome::Removed("the policy waits".to_owned()),
        ));
    }
}
