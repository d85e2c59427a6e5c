//! What a probe found out, in the form in which `find` tells it.

use ::find::{Finding, Kind, RuledOut, likely_makers};
use limiter::{Limit, LimitSpec, Rule, WindowClock};
use probe::{Candidate, Class, Ending, Short};
use std::collections::BTreeMap;
use std::time::Duration;

/// In a queue that is so short, one who waits is no exception.
const FEW_OF_A_QUEUE: u32 = 4;

/// A figure that may be so much larger is not known.
const KNOWN: f64 = 1.1;

/// A block is a figure of what begins it.
fn kind(class: Class) -> Kind {
    match class {
        Class::Bucket | Class::BucketCounts | Class::Drips => Kind::TokenBucket,
        Class::Fixed | Class::Aligned | Class::FixedCounts | Class::Blocks | Class::BlocksAnew => {
            Kind::FixedWindow
        }
        Class::Sliding | Class::SlidingCounts => Kind::SlidingWindow,
        Class::Counter | Class::CounterCounts => Kind::SlidingCounter,
        Class::Queue => Kind::Queue,
        Class::Concurrency | Class::Late => Kind::Concurrency,
    }
}

/// `seen` is what the probe's own trace tells without knowing what it was for; `begun` is the time since 1970 at which the candidates'
/// clock began.
pub(super) fn finding(
    mut seen: Finding,
    candidates: &[Candidate],
    ending: Option<Ending>,
    begun: Duration,
) -> Finding {
    let of_probe = candidates.first().map(|best| best.class);
    let candidates: Vec<Candidate> = candidates.iter().map(without_a_queue).collect();
    let Some(best) = candidates.first() else {
        return seen;
    };
    if Some(best.class) != of_probe {
        seen.notes
            .push("who is let in when the bucket is just empty waits for a token for a moment".to_owned());
    }
    let named = kind(best.class);
    (seen.rate_per_second, seen.burst, seen.limit, seen.window_ms) = (None, None, None, None);
    (seen.second, seen.each_user, seen.block_ms) = (None, None, None);
    seen.intervals = BTreeMap::new();
    if !best.explains {
        let why = too_many_contradicted(&seen, best);
        return unknown(seen, best, why);
    }
    seen.kind = named;
    let counted = best.class.refusals_count();
    // One that contradicts more than the best is not it.
    let equal: Vec<&Candidate> = candidates
        .iter()
        .filter(|one| one.contradicted <= best.contradicted)
        .collect();
    // Of all that are possible, not of the named kind alone: HAProxy's connection rate was told as a window in which they do not count,
    // or a counter, which would count them.
    let has_meaning = |one: &Candidate| !matches!(kind(one.class), Kind::Concurrency | Kind::Queue);
    let mut counting = equal.iter().filter(|one| has_meaning(one));
    let agreed = counting.all(|one| one.class.refusals_count() == counted);
    seen.refusals_count = (agreed && has_meaning(best)).then_some(counted);
    seen.contradicted = best.contradicted as usize;
    let limit = on_the_clock(&best.limit, begun);
    figures(&mut seen, best, &limit);
    seen.limit_spec = Some(limit.clone());
    let (blocking, others): (Vec<&Candidate>, Vec<&Candidate>) =
        equal.iter().partition(|one| one.class.blocks());
    let mut kinds: Vec<Kind> = others.iter().map(|one| kind(one.class)).collect();
    kinds.extend(best.class.blocks().then_some(named));
    kinds.sort_unstable();
    kinds.dedup();
    seen.ruled_out.retain(|out| !kinds.contains(&out.kind));
    if best.contradicted > 0 {
        // What contradicts a few decisions is no reason beside the named one, which does, too.
        seen.ruled_out.clear();
    }
    let same = same_as_one_at_once(&limit);
    seen.ruled_out.retain(|out| !same.contains(&out.kind));
    for other in Class::ALL.map(kind) {
        if !kinds.contains(&other)
            && !same.contains(&other)
            && seen.ruled_out.iter().all(|out| out.kind != other)
        {
            seen.ruled_out.push(RuledOut {
                kind: other,
                reason: if best.contradicted == 0 {
                    "none of its figures decides as the server did".to_owned()
                } else {
                    format!("none of its figures contradicts as few as {}", best.contradicted)
                },
            });
        }
    }
    seen.also_possible = kinds.into_iter().filter(|kind| *kind != named).collect();
    seen.cannot_tell = open_questions(&seen, best, ending);
    // A window that each refusal renews is a block that each puts off: of these only what comes before a refusal is open.
    let renews = |one: &&Candidate| matches!(one.class, Class::FixedCounts | Class::BlocksAnew);
    let is_block = |one: &&&Candidate| !(renews(one) && renews(&best));
    if blocking.iter().any(|one| is_block(&one)) && others.iter().any(|one| is_block(&one)) {
        seen.cannot_tell.push(format!(
            "whether whoever is refused is blocked for a time from then on: {}",
            what_may_tell(ending)
        ));
    }
    let before = if renews(&best) {
        blocking.into_iter().find(|one| one.class == Class::BlocksAnew)
    } else {
        best.class.blocks().then_some(best)
    };
    seen.cannot_tell.extend(before.and_then(before_a_block));
    seen.notes.extend(note(best, !same.is_empty()));
    // Of those that are known none blocks.
    seen.likely_makers = match seen.block_ms {
        Some(_) => Vec::new(),
        None => likely_makers(&seen),
    };
    seen
}

/// A queue in which one at most waits is a bucket whose last token may be waited for, as Traefik's.
fn without_a_queue(candidate: &Candidate) -> Candidate {
    let rule = candidate.limit.limits.first().map(|limit| limit.rule);
    match rule {
        Some(Rule::Queue { rate, burst, delay }) if delay >= FEW_OF_A_QUEUE && burst <= delay + 1 => {
            let longer = f64::from(delay + 1 - burst);
            let bucket = Rule::TokenBucket {
                rate,
                burst: delay + 1,
            };
            Candidate {
                class: Class::Bucket,
                limit: Limit {
                    rule: bucket,
                    reject_counts: false,
                    block: None,
                }
                .into(),
                counts: (candidate.counts.0 + longer, candidate.counts.1 + longer),
                ..candidate.clone()
            }
        }
        _ => candidate.clone(),
    }
}

/// What is worth knowing of it besides.
fn note(best: &Candidate, one_at_once: bool) -> Option<String> {
    match best.class {
        Class::Late => Some(format!(
            "a place gets free about {} s after its connection is closed",
            middle(best.scale)
        )),
        Class::Drips => Some(
            "who was refused takes a token even of an empty bucket: two have to come before the next one is let in, as Jetty does it"
                .to_owned(),
        ),
        _ if one_at_once => Some(
            "one at once in a while: a window of one, and a queue in which nobody waits, are the same limit".to_owned(),
        ),
        _ => None,
    }
}

/// The kinds that are no other limit where a bucket holds one.
fn same_as_one_at_once(limit: &LimitSpec) -> &'static [Kind] {
    match limit.limits.first().map(|limit| limit.rule) {
        Some(Rule::TokenBucket { burst: 1, .. }) => &[Kind::FixedWindow, Kind::SlidingWindow, Kind::Queue],
        _ => &[],
    }
}

fn middle((low, high): (f64, f64)) -> f64 {
    let tenths = 10.0 * f64::midpoint(low, high);
    tenths.round() / 10.0
}

/// With a block behind each refusal, what is let in before says little of the window.
fn before_a_block(best: &Candidate) -> Option<String> {
    let (shortest, longest) = best.scale;
    (longest > KNOWN * shortest).then(|| {
        format!(
            "how long the window is before anybody is refused: {shortest:.1} to {longest:.1} s do as well; who comes slowly enough would tell"
        )
    })
}

fn too_many_contradicted(seen: &Finding, best: &Candidate) -> String {
    format!(
        "no kind of limit explains the decisions: the best one, {}, contradicts {} of {}; others may use the quota, ask again when nobody \
         does",
        kind(best.class).name(),
        best.contradicted,
        seen.decisions
    )
}

/// A wrong name is worse than none.
fn unknown(mut seen: Finding, best: &Candidate, why: String) -> Finding {
    seen.kind = Kind::Unknown;
    seen.limit_spec = None;
    seen.refusals_count = None;
    seen.contradicted = best.contradicted as usize;
    seen.also_possible = Vec::new();
    seen.ruled_out = Vec::new();
    seen.likely_makers = Vec::new();
    seen.cannot_tell = vec![why];
    seen
}

fn open_questions(seen: &Finding, best: &Candidate, ending: Option<Ending>) -> Vec<String> {
    let others: Vec<&str> = seen.also_possible.iter().map(|kind| kind.name()).collect();
    let what = if others.is_empty() {
        "to know the figures more closely".to_owned()
    } else {
        format!("to tell it from {}", others.join(" or "))
    };
    let is_wide = |&[low, high]: &[f64; 2]| high > KNOWN * low;
    let is_open = !others.is_empty() || seen.intervals.values().any(is_wide);
    let mut open = match ending {
        Some(Ending::Tries) => vec![format!(
            "the budget did not suffice {what}: a larger --budget may"
        )],
        Some(Ending::Time) => vec![format!("the time did not suffice {what}: a longer --time may")],
        Some(Ending::Beyond(Short::Tries)) => vec![format!(
            "the rest of the budget does not suffice {what}: a larger --budget may"
        )],
        Some(Ending::Beyond(Short::Time)) => vec![format!(
            "the rest of the time does not suffice {what}: a longer --time may"
        )],
        Some(Ending::Alike) if is_open => vec![format!(
            "no further try was seen to suffice {what}: they would be answered alike, or by less apart than answers vary"
        )],
        None => vec![format!("it was stopped too early {what}")],
        _ => Vec::new(),
    };
    if !best.proven {
        open.push(format!(
            "whether others had used some of the quota just before, which makes its figures larger than they look: {}, or the same once \
             more when nobody does",
            what_may_tell(ending)
        ));
    }
    open
}

/// What may tell what was left open.
fn what_may_tell(ending: Option<Ending>) -> &'static str {
    match ending {
        Some(Ending::Tries | Ending::Beyond(Short::Tries) | Ending::Unproven(Short::Tries)) => {
            "a larger --budget may tell"
        }
        Some(Ending::Time | Ending::Beyond(Short::Time) | Ending::Unproven(Short::Time)) => {
            "a longer --time may tell"
        }
        _ => "other tries may tell, by another --seed",
    }
}

/// The limit on the wall clock, as servers cut it.
fn on_the_clock(limit: &LimitSpec, begun: Duration) -> LimitSpec {
    let mut limit = limit.clone();
    for one in &mut limit.limits {
        match &mut one.rule {
            Rule::FixedWindow {
                window,
                clock: WindowClock::Aligned { offset },
                ..
            }
            | Rule::SlidingCounter {
                window,
                clock: WindowClock::Aligned { offset },
                ..
            } => {
                let since = Duration::from_nanos(
                    u64::try_from((*offset + begun).as_nanos() % window.as_nanos()).unwrap_or(0),
                );
                *offset = Duration::from_millis(u64::try_from(since.as_millis()).unwrap_or(0));
            }
            _ => {}
        }
    }
    limit
}

fn figures(seen: &mut Finding, best: &Candidate, limit: &LimitSpec) {
    let counts = [best.counts.0, best.counts.1];
    let scale = [best.scale.0, best.scale.1];
    let milliseconds = |of: [f64; 2]| of.map(|seconds| seconds * 1e3);
    if let Some((block, (shortest, longest))) =
        limit.limits.first().and_then(|limit| limit.block).zip(best.block)
    {
        seen.block_ms = Some(block.as_secs_f64() * 1e3);
        seen.intervals
            .insert("blockMs", milliseconds([shortest, longest]));
    }
    match limit.limits.first().map(|limit| limit.rule) {
        Some(Rule::TokenBucket { rate, burst } | Rule::Queue { rate, burst, .. }) => {
            (seen.rate_per_second, seen.burst) = (Some(rate), Some(burst.into()));
            seen.intervals.insert("ratePerSecond", scale);
            seen.intervals.insert("burst", counts);
        }
        Some(
            Rule::FixedWindow { limit, window, .. }
            | Rule::SlidingWindow { limit, window }
            | Rule::SlidingCounter { limit, window, .. },
        ) => {
            (seen.limit, seen.window_ms) = (Some(limit.into()), Some(window.as_secs_f64() * 1e3));
            seen.intervals.insert("limit", counts);
            seen.intervals.insert("windowMs", milliseconds(scale));
        }
        Some(Rule::Concurrency { limit }) => {
            seen.limit = Some(limit.into());
            seen.intervals.insert("limit", counts);
        }
        Some(Rule::Unlimited) | None => {}
    }
}

#[cfg(test)]
mod tests;
