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
    /// The variables behind it: after success, and when it has given up.
    pub(super) after: [BTreeMap<String, String>; 2],
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
    let mut body = None;
    if !once.world.did.asks_body.is_empty() || !refusal.world.did.asks_body.is_empty() {
        let without = game.play(start, 3, &|_| good(false))?;
        let texts: Vec<&String> = once.world.did.asks_body.iter().collect();
        let [text] = texts[..] else {
            return Err("a script asks the body for several texts".to_owned());
        };
        let text = text.clone();
        match (once.tries, without.tries) {
            (1, 2..) => body = Some((text, true)),
            (2.., 1) => {
                body = Some((text, false));
                once = without;
            }
            _ => return Err("a script judges the body in a way of its own".to_owned()),
        }
    }
    let has = body.as_ref().is_none_or(|(_, has)| *has);
    if once.tries != 1 {
        return goes_on(game, start, success, &once, &refusal);
    }
    let second = game.play(start, 5, &|nth| if nth == 0 { throttled(0) } else { good(has) })?;
    match second.tries {
        2 => {}
        1 => {
            let (again, _) = retried(game, start, good(has))?;
            return if again.is_empty() {
                Ok(None)
            } else {
                Err(format!(
                    "it tries again after {} and not after 429",
                    again.join(", ")
                ))
            };
        }
        _ => return Err("it does not end with a success after a failure".to_owned()),
    }
    let (retried, puts) = retried(game, start, good(has))?;
    let again = game.play(&set_back(&second, start), 1, &|_| good(has));
    Ok(Some(Found {
        draws: draws(game, start, &refusal)?,
        tries: (refusal.tries < MOST).then_some(refusal.tries),
        leads: refusal.lead > 0.0,
        obeys: obeys(game, start, &refusal)?,
        retried,
        trails: once.world.slept,
        body,
        once: again.is_ok_and(|again| again.tries == 0),
        puts: &(&second.world.puts | &refusal.world.puts) | &puts,
        after: [second.world.vars, refusal.world.vars],
        did: Did {
            hides: refusal.world.did.hides,
            ..refusal.world.did
        },
        waits: refusal.waits,
    }))
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
    if once.tries == 0 {
        return if refusal.tries == 0 {
            Err("it is not entered with the variables that it has before it".to_owned())
        } else {
            Ok(None)
        };
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

/// Whether its waits follow a hint.
fn obeys(game: &Game, start: &World, refusal: &Played) -> Result<bool, String> {
    let hinted = game.play(start, 3, &|_| refused("429", HINTED))?;
    Ok(hinted.waits.first() != refusal.waits.first())
}

/// Whether a number that a property gives is its limit on tries and nothing else.
pub(super) fn is_limit(game: &Game, start: &World, found: &Found) -> Result<bool, String> {
    let mut world = start.clone();
    world.more = 1.0;
    let more = game.play(&world, MOST, &|_| refused("429", HEADERS))?;
    Ok(found.tries.is_some_and(|tries| more.tries == tries + 1))
}

/// The statuses besides 429 after which it tries again, and what it puts after any.
fn retried(game: &Game, start: &World, good: Try) -> Result<(Vec<&'static str>, BTreeSet<String>), String> {
    let (mut all, mut puts) = (Vec::new(), BTreeSet::new());
    // What an upgrade got instead of 101 is a failure of another kind.
    let others = if good.code == "101" {
        &SUCCESSES[..0]
    } else {
        &SUCCESSES
    };
    let successes = others.iter().map(|code| Try { code, ..good });
    let failures = FAILURES.iter().map(|code| refused(code, HEADERS));
    for first in successes.chain(failures) {
        let mut played = game.play(start, 3, &|nth| if nth == 0 { first } else { good })?;
        if played.tries > 1 {
            all.push(first.code);
        }
        puts.append(&mut played.world.puts);
    }
    Ok((all, puts))
}
