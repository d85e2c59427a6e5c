//! What a probe found out, in the form in which `find` tells it.

use ::find::{Finding, Kind, RuledOut, likely_makers};
use limiter::{Limit, LimitSpec, Rule, WindowClock};
use probe::{Candidate, Class, Ending};
use std::collections::BTreeMap;
use std::time::Duration;

/// In a queue that is so short, one who waits is no exception.
const FEW_OF_A_QUEUE: u32 = 4;

/// A figure that may be so much larger is not known.
const KNOWN: f64 = 1.1;

/// A block is a figure of what begins it.
fn kind(class: Class) -> Kind {
    match class {
        Class::Bucket | Class::BucketCounts => Kind::TokenBucket,
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
    seen.limit_spec = Some(limit);
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
    let all = Class::ALL.map(kind);
    for other in all {
        if !kinds.contains(&other) && seen.ruled_out.iter().all(|out| out.kind != other) {
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
    if !blocking.is_empty() && !others.is_empty() {
        seen.cannot_tell.push(
            "whether whoever is refused is blocked for a time from then on: a larger --budget may tell"
                .to_owned(),
        );
    }
    seen.cannot_tell.extend(before_a_block(best));
    if best.class == Class::Late {
        seen.notes.push(format!(
            "a place gets free about {} s after its connection is closed",
            middle(best.scale)
        ));
    }
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

fn middle((low, high): (f64, f64)) -> f64 {
    let tenths = 10.0 * f64::midpoint(low, high);
    tenths.round() / 10.0
}

/// With a block behind each refusal, what is let in before says little of the window.
fn before_a_block(best: &Candidate) -> Option<String> {
    let (shortest, longest) = best.scale;
    (best.class.blocks() && longest > KNOWN * shortest).then(|| {
        format!(
            "how long the window is that a block ends: {shortest:.1} to {longest:.1} s do as well; who comes slowly enough would tell"
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
    let mut open = match ending {
        Some(Ending::Tries) => vec![format!(
            "the budget did not suffice {what}: a larger --budget would"
        )],
        Some(Ending::Time) => vec![format!("the time did not suffice {what}: a longer --time would")],
        Some(Ending::Alike) if !others.is_empty() => vec![format!(
            "the rest of the budget does not suffice {what}: a larger --budget may"
        )],
        None => vec![format!("it was stopped too early {what}")],
        _ => Vec::new(),
    };
    if !best.proven {
        open.push(
            "whether others had used some of the quota just before, which makes its figures larger than they look: a larger --budget, \
             or the same once more when nobody does, would tell"
                .to_owned(),
        );
    }
    open
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
mod tests {
    use super::*;
    use ::find::{Observations, find};

    fn candidate(class: Class, limit: &str, scale: f64) -> Candidate {
        Candidate {
            class,
            limit: limit.parse().unwrap(),
            contradicted: 0,
            explains: true,
            proven: true,
            counts: (20.0, 20.0),
            scale: (scale, scale),
            block: None,
        }
    }

    fn told(candidates: &[Candidate]) -> Finding {
        let seen = find(&Observations::new());
        finding(seen, candidates, Some(Ending::Known), Duration::ZERO)
    }

    fn blocking(class: Class, limit: &str, window: (f64, f64)) -> Candidate {
        Candidate {
            scale: window,
            block: Some((9.9, 10.1)),
            ..candidate(class, limit, 3.0)
        }
    }

    #[test]
    fn a_server_that_blocks_is_told_with_a_limit_that_does_so() {
        for (class, text, how) in [
            (
                Class::Blocks,
                "fixed-window limit=20 window=3s block=10s",
                "after a refusal",
            ),
            (
                Class::BlocksAnew,
                "fixed-window limit=20 window=3s block=10s reject-counts=true",
                "after the last attempt",
            ),
        ] {
            let found = told(&[blocking(class, text, (3.0, 3.1))]);
            assert_eq!(
                (found.kind, found.limit, found.window_ms, found.block_ms),
                (Kind::FixedWindow, Some(20), Some(3_000.0), Some(10_000.0)),
                "{found:?}"
            );
            assert_eq!(
                found.limit_spec.as_ref().map(ToString::to_string).as_deref(),
                Some(text)
            );
            assert_eq!(found.intervals["blockMs"], [9_900.0, 10_100.0]);
            assert!(found.cannot_tell.is_empty(), "{found:?}");
            let sentence = found.sentence();
            let blocks = format!("20 per 3 s, from its first attempt on, blocked for 10 s {how}");
            assert!(sentence.contains(&blocks), "{sentence}");
        }
        let wide = told(&[blocking(
            Class::Blocks,
            "fixed-window limit=20 window=3s block=10s",
            (0.5, 4.0),
        )]);
        assert!(
            wide.cannot_tell[0].contains("0.5 to 4.0 s do as well"),
            "{wide:?}"
        );
    }

    #[test]
    fn a_window_that_may_be_a_block_is_named_with_that_open() {
        let window = candidate(Class::Sliding, "sliding-window limit=20 window=10s", 10.0);
        let block = blocking(
            Class::Blocks,
            "fixed-window limit=20 window=3s block=10s",
            (3.0, 3.0),
        );
        let found = told(&[window.clone(), block.clone()]);
        assert_eq!(
            (found.kind, found.limit, found.block_ms),
            (Kind::SlidingWindow, Some(20), None),
            "{found:?}"
        );
        assert_eq!(found.also_possible, []);
        let open = |found: &Finding| {
            found
                .cannot_tell
                .iter()
                .any(|line| line.contains("blocked for a time"))
        };
        assert!(open(&found), "{found:?}");
        assert!(!open(&told(std::slice::from_ref(&window))));
        let found = told(&[block, window]);
        assert_eq!(found.also_possible, [Kind::SlidingWindow]);
        assert!(open(&found), "{found:?}");
    }

    #[test]
    fn a_queue_in_which_one_at_most_waits_is_a_bucket() {
        for (limit, burst) in [
            ("queue rate=9.9 burst=20 delay=19", 20),
            ("queue rate=9.9 burst=19 delay=19", 20),
        ] {
            let found = told(&[candidate(Class::Queue, limit, 9.9)]);
            assert_eq!(
                (found.kind, found.burst, found.rate_per_second),
                (Kind::TokenBucket, Some(burst), Some(9.9)),
                "{found:?}"
            );
            assert!(
                found.notes.iter().any(|note| note.contains("waits for a token")),
                "{found:?}"
            );
        }
        for limit in [
            "queue rate=9.9 burst=20 delay=10",
            "queue rate=9.9 burst=20",
            "queue rate=9.9 burst=2 delay=2",
        ] {
            assert_eq!(
                told(&[candidate(Class::Queue, limit, 9.9)]).kind,
                Kind::Queue,
                "{limit}"
            );
        }
    }

    #[test]
    fn whether_refusals_count_stays_open_where_another_possible_kind_says_otherwise() {
        let window = candidate(Class::Fixed, "fixed-window limit=60 window=5s", 5.0);
        let counter = |class| candidate(class, "sliding-counter limit=60 window=5s", 5.0);
        for (other, counted) in [(Class::CounterCounts, None), (Class::Counter, Some(false))] {
            let found = told(&[window.clone(), counter(other)]);
            assert_eq!(
                (found.kind, found.refusals_count, &found.also_possible[..]),
                (Kind::FixedWindow, counted, &[Kind::SlidingCounter][..]),
                "{found:?}"
            );
        }
        // A worse one has no word.
        let mut worse = counter(Class::CounterCounts);
        worse.contradicted = 1;
        assert_eq!(told(&[window, worse]).refusals_count, Some(false));
    }

    #[test]
    fn a_cap_whose_places_get_free_late_is_a_cap_with_a_word_about_it() {
        let found = told(&[candidate(Class::Late, "concurrency limit=20", 4.97)]);
        assert_eq!(
            (found.kind, found.limit),
            (Kind::Concurrency, Some(20)),
            "{found:?}"
        );
        let late = "a place gets free about 5 s after its connection is closed";
        assert!(found.notes.iter().any(|note| note == late), "{found:?}");
    }
}
