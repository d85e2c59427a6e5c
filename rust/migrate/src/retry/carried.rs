//! What a policy takes over from a loop, and what of it it would not do.

use super::codes;
use super::found::{self, Found, Gives};
use super::imagine::World;
use super::others::{self, Constants};
use super::play::Game;
use crate::Files;
use crate::groups::is_group;
use crate::jmx::{ItemId, Plan};

/// What a policy has to be told, and what is to be said of that.
pub(super) struct Carried {
    /// Statuses that are worth another try.
    pub(super) named: Vec<&'static str>,
    /// The wait that stays behind the loop.
    pub(super) trails: Option<String>,
    /// The first wait as the plan has it, where that is no number.
    pub(super) varying: Option<String>,
    pub(super) notes: Vec<String>,
}

/// What a policy has to be told of a loop.
///
/// # Errors
/// What a policy would not do as the loop did.
pub(super) fn carried_over(
    game: &Game,
    item: ItemId,
    world: &World,
    found: &Found,
    constants: &Constants,
    files: &Files,
) -> Result<Carried, String> {
    let (plan, parts) = (game.plan, game.parts);
    let own = |name: &str| found.puts.contains(name) || constants.same.contains(name);
    let others = others::others(plan, item, parts, constants, &own, files);
    if let Some(why) = others.why {
        return Err(why);
    }
    let (mut varying, mut notes) = (parts.varying.clone(), Vec::new());
    for number in others.numbers {
        match found::gives(game, world, found, &number.function)? {
            Gives::Limit => {}
            Gives::Wait => varying = varying.or(Some(number.text)),
            Gives::Waits => notes.push(format!(
                "its waits came from {}; the first of them is a number now",
                number.text
            )),
            Gives::Else => return Err(number.why),
        }
    }
    let texts = others::texts(plan, item, parts, files);
    let named = codes::named(texts.iter().map(|(_, text)| text.as_str()));
    let again = found.retried.iter().copied();
    let named: Vec<&'static str> = again
        .filter(|code| named.contains(code) && !codes::is_transient(code))
        .collect();
    if let Some(code) = named.iter().find(|code| codes::SUCCESSES.contains(code)) {
        return Err(format!(
            "it tries again after {code}, which is a success for ws-backoff"
        ));
    }
    let trails = trails(plan, item, found, varying.as_deref())?;
    Ok(Carried {
        named,
        trails,
        varying,
        notes,
    })
}

/// The wait after a success, which stays behind the loop: where it is the one after each try, and one more element may stand there.
fn trails(plan: &Plan, item: ItemId, found: &Found, varying: Option<&str>) -> Result<Option<String>, String> {
    const IN_ORDER: [&str; 6] = [
        "GenericController",
        "TransactionController",
        "IfController",
        "LoopController",
        "ForeachController",
        "TestFragmentController",
    ];
    if found.trails < 0.5 {
        return Ok(None);
    }
    let in_order = plan.parent(item).is_some_and(|parent| {
        let class = plan.class(parent);
        IN_ORDER.contains(&class) || is_group(class)
    });
    let first = found.waits.first();
    if in_order && first.is_some_and(|wait| (wait - found.trails).abs() < 0.5) {
        let wait = varying.map_or_else(|| format!("{:.0}", found.trails), str::to_owned);
        return Ok(Some(wait));
    }
    Err(format!(
        "it also waits after a success, for {:.0} ms",
        found.trails
    ))
}
