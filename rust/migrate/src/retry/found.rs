//! What a loop is, by how it goes: played against answers of each kind, it tries again after some, waits, and ends.

use super::codes::{FAILURES, SUCCESSES};
use super::imagine::{Did, Try, World};
use super::notes::COMPARES_OBJECTS;
use super::play::{Game, Played};
use std::collections::{BTreeMap, BTreeSet};

/// More tries than that count as no limit.
const MOST: usize = 100;

const HEADERS: &str = "HTTP/1.1 429 Too Many Requests\nContent-Type: text/plain\nContent-Length: 4\n";
const HINTED: &str =
    "HTTP/1.1 429 Too Many Requests\nContent-Type: text/plain\nRetry-After: 7\nContent-Length: 4\n";

const HINTED_LONGER: &str =
    "HTTP/1.1 429 Too Many Requests\nContent-Type: text/plain\nRetry-After: 19\nContent-Length: 4\n";

/// What is known of a loop that tries again.
#[derive(Debug)]
pub(super) struct Found {
    /// Milliseconds before the next tries, without what is drawn.
    pub(super) waits: Vec<f64>,
    pub(super) draws: bool,
    /// At most so many tries; none without a limit.
    pub(super) tries: Option<usize>,
    /// It also waits before the first try.
    pub(super) leads: bool,
    /// Its waits follow the server's hint.
    pub(super) obeys: bool,
    /// Milliseconds that it waits where there is a hint, whatever that says.
    pub(super) hinted: Option<f64>,
    /// Statuses besides 429 after which it tries again.
    pub(super) retried: Vec<&'static str>,
    /// Milliseconds that it waits after a success.
    pub(super) trails: f64,
    /// A text that the body must have, or must not have.
    pub(super) body: Option<(String, bool)>,
    pub(super) did: Did,
    /// It does nothing when a thread comes to it again.
    pub(super) once: bool,
    /// Names that its scripts put.
    pub(super) puts: BTreeSet<String>,
    pub(super) after: After,
}

/// Variables with their values.
pub(super) type Vars = BTreeMap<String, String>;

/// The variables behind a loop, in all the ways in which it ends.
#[derive(Debug)]
pub(super) struct After {
    /// After a success at the first try, the second, the last.
    pub(super) success: Vec<Vars>,
    /// When it has given up, or has seen a failure after which it does not try again.
    pub(super) failure: BTreeSet<Vars>,
}

impl After {
    /// After a success at the second try.
    pub(super) fn behind_a_retry(&self) -> Vars {
        self.success[1].clone()
    }
}

/// What it does after statuses besides 429.
#[derive(Default)]
struct Others {
    retried: Vec<&'static str>,
    puts: BTreeSet<String>,
    /// The variables behind failures that end it.
    ended: BTreeSet<Vars>,
}

fn refused(code: &'static str, headers: &'static str) -> Try {
    Try {
        code,
        ok: false,
        headers,
        has: false,
    }
}

fn succeeded(code: &'static str, has: bool) -> Try {
    Try {
        code,
        ok: true,
        headers: "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 4\n",
        has,
    }
}

/// Plays a loop; none where it is no retry.
///
/// # Errors
/// Why it is not understood.
pub(super) fn found(game: &Game, start: &World, success: &'static str) -> Result<Option<Found>, String> {
    let good = |has: bool| succeeded(success, has);
    let throttled = |_| refused("429", HEADERS);
    let refusal = game.play(start, MOST, &throttled)?;
    let mut once = game.play(start, 3, &|_| good(true))?;
    let body = judged(game, start, &mut once, &refusal, good(false))?;
    let has = body.as_ref().is_none_or(|(_, has)| *has);
    if once.tries != 1 {
        return goes_on(game, start, success, &once, &refusal);
    }
    let second = game.play(start, 5, &|nth| if nth == 0 { throttled(0) } else { good(has) })?;
    let mut others = match second.tries {
        1 | 2 => others(game, start, good(has))?,
        _ => return Err("it does not end with a success after a failure".to_owned()),
    };
    if second.tries == 1 {
        let again = others.retried.join(", ");
        return match &*again {
            "" if refusal.world.did.asked_in_vain => Err(
                "its condition ends with an error, as something in it has no value: JMeter ends it after each failure then".to_owned(),
            ),
            "" => Ok(None),
            _ => Err(format!("it tries again after {again} and not after 429")),
        };
    }
    let limited = refusal.tries < MOST;
    let last = if limited {
        refusal.tries.saturating_sub(1)
    } else {
        2
    };
    let third = game.play(start, MOST, &|nth| {
        if nth < last { throttled(0) } else { good(has) }
    })?;
    others.ended.insert(refusal.world.vars.clone());
    let (obeys, hinted) = hints(game, start, &refusal)?;
    let again = game.play(&set_back(&second, start), 1, &|_| good(has));
    Ok(Some(Found {
        draws: draws(game, start, &refusal)?,
        tries: (refusal.tries < MOST).then_some(refusal.tries),
        leads: refusal.lead > 0.0,
        obeys,
        hinted,
        retried: others.retried,
        trails: once.world.slept,
        body,
        once: again.is_ok_and(|again| again.tries == 0),
        puts: &(&second.world.puts | &refusal.world.puts) | &others.puts,
        after: After {
            success: vec![once.world.vars, second.world.vars, third.world.vars],
            failure: others.ended,
        },
        did: Did {
            hides: refusal.world.did.hides,
            ..refusal.world.did
        },
        waits: refusal.waits,
    }))
}

/// The text that the body must have, or must not have, if the loop asks for one; `once` is how it goes with a body that is right.
fn judged<'f>(
    game: &Game,
    start: &World<'f>,
    once: &mut Played<'f>,
    refusal: &Played,
    lacking: Try,
) -> Result<Option<(String, bool)>, String> {
    if once.world.did.asks_body.is_empty() && refusal.world.did.asks_body.is_empty() {
        return Ok(None);
    }
    let without = game.play(start, 3, &|_| lacking)?;
    let texts: Vec<&String> = once.world.did.asks_body.iter().collect();
    let [text] = texts[..] else {
        return Err("a script asks the body for several texts".to_owned());
    };
    let text = text.clone();
    match (once.tries, without.tries) {
        (1, 2..) => Ok(Some((text, true))),
        (2.., 1) => {
            *once = without;
            Ok(Some((text, false)))
        }
        _ => Err("a script judges the body in a way of its own".to_owned()),
    }
}

/// What a loop is that does not try once where the first try is a success: another thing, or one that is not understood.
fn goes_on(
    game: &Game,
    start: &World,
    success: &'static str,
    once: &Played,
    refusal: &Played,
) -> Result<Option<Found>, String> {
    if once.world.did.compares_objects {
        return Err(COMPARES_OBJECTS.to_owned());
    }
    if once.world.did.asked_in_vain {
        return Err("its condition ends with an error, as something in it has no value: JMeter goes on after each success then".to_owned());
    }
    if once.world.did.asks_for_200 && success == "101" {
        return Err(
            "it asks for isResponseCodeOK(), which is true for 200 only: an upgrade has 101, so that it tried again after a success".to_owned(),
        );
    }
    if once.tries == 0 {
        let mut failed = start.clone();
        failed.last = Some(refused("429", HEADERS));
        if game.play(&failed, 3, &|_| succeeded(success, true))?.tries > 0 {
            return Err("it is entered when the sample before it has failed: what it tries again stands before it, too".to_owned());
        }
        return if refusal.tries == 0 {
            Err("it is not entered with the variables that it has before it".to_owned())
        } else {
            Ok(None)
        };
    }
    // It reads on as long as something comes.
    if refusal.tries < once.tries {
        return Ok(None);
    }
    let same = once.tries.min(refusal.tries.min(3)) == once.tries
        && once.waits == refusal.waits[..once.waits.len().min(refusal.waits.len())];
    let ends = |code: &&&'static str| {
        let other = |_| Try {
            code,
            ..succeeded(success, true)
        };
        game.play(start, 3, &other).is_ok_and(|played| played.tries == 1)
    };
    if let Some(code) = SUCCESSES.iter().find(ends) {
        return Err(format!(
            "it tries again after {success}, which is a success for ws-backoff, and ends with {code}"
        ));
    }
    if same {
        Ok(None)
    } else {
        Err("it goes on after a success: nothing in it remembers one".to_owned())
    }
}

/// The state that a thread has when it comes to the loop again.
fn set_back<'f>(before: &Played<'f>, start: &World<'f>) -> World<'f> {
    let mut world = start.clone();
    world.vars.clone_from(&before.world.vars);
    world.objects.clone_from(&before.world.objects);
    world.last = before.world.last;
    world
}

/// Whether a part of its waits is drawn at random.
fn draws(game: &Game, start: &World, refusal: &Played) -> Result<bool, String> {
    let mut world = start.clone();
    world.drawn = 1.0;
    let most = game.play(&world, 6, &|_| refused("429", HEADERS))?;
    Ok(most
        .waits
        .iter()
        .zip(&refusal.waits)
        .any(|(most, least)| (most - least).abs() > 0.5))
}

/// Whether its waits follow a hint, or else what it waits where there is any.
fn hints(game: &Game, start: &World, refusal: &Played) -> Result<(bool, Option<f64>), String> {
    let first = |headers| {
        let played = game.play(start, 3, &|_| refused("429", headers));
        played.map(|played| played.waits.first().copied())
    };
    let (short, long) = (first(HINTED)?, first(HINTED_LONGER)?);
    let plain = refusal.waits.first().copied();
    Ok((short != long, short.filter(|_| short == long && short != plain)))
}

/// What a number that a property gives is for a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    /// Its limit on tries, and nothing else.
    Limit,
    /// Its first wait in milliseconds.
    Wait,
    /// Something of its waits.
    Waits,
    Else,
}

/// What the number is that this function of JMeter gives: by how the loop goes with one more.
pub(super) fn gives(game: &Game, start: &World, found: &Found, function: &str) -> Result<Gives, String> {
    let mut world = start.clone();
    world.more = Some(function.to_owned());
    let more = game.play(&world, MOST, &|_| refused("429", HEADERS))?;
    let limit = (more.tries < MOST).then_some(more.tries);
    let waits = |waits: &[f64]| waits.iter().take(8).sum::<f64>();
    let first = |waits: &[f64]| waits.first().copied().unwrap_or_default();
    let longer = first(&more.waits) - first(&found.waits);
    let same = more
        .waits
        .iter()
        .zip(&found.waits)
        .all(|(one, other)| (one - other).abs() < 0.01);
    Ok(
        if limit.is_some() && limit == found.tries.map(|tries| tries + 1) && same {
            Gives::Limit
        } else if limit != found.tries || waits(&more.waits) <= waits(&found.waits) {
            Gives::Else
        } else if (longer - 1.0).abs() < 0.01 {
            Gives::Wait
        } else {
            Gives::Waits
        },
    )
}

/// What it does after statuses besides 429.
fn others(game: &Game, start: &World, good: Try) -> Result<Others, String> {
    let mut others = Others::default();
    // What an upgrade got instead of 101 is a failure of another kind.
    let successes = if good.code == "101" {
        &SUCCESSES[..0]
    } else {
        &SUCCESSES
    };
    let successes = successes.iter().map(|code| Try { code, ..good });
    let failures = FAILURES.iter().map(|code| refused(code, HEADERS));
    for first in successes.chain(failures) {
        let mut played = game.play(start, 3, &|nth| if nth == 0 { first } else { good })?;
        if played.tries > 1 {
            others.retried.push(first.code);
        } else if !first.ok {
            others.ended.insert(played.world.vars);
        }
        others.puts.append(&mut played.world.puts);
    }
    Ok(others)
}
