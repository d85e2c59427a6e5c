//! What refusals said of when to come back, against the limit that was found.

use crate::finding::{Hints, Honesty};
use crate::observations::{Decision, Observations};
use crate::outcome::Outcome;
use crate::seen::Seen;
use limiter::{Decision as Answer, LimitSpec, Limiter};
use std::time::Duration;

/// Hints in whole seconds are rounded; and answers take their time.
const ROUNDED: f64 = 1_300.0;

/// Replays what was let in through the limit, and asks it at each refusal how long it would take.
pub(crate) fn hints(
    observations: &Observations,
    decisions: &[Decision],
    seen: &Seen,
    limit: Option<&LimitSpec>,
) -> Hints {
    let refused = |one: &&Decision| one.outcome != Outcome::Passed;
    let given: Vec<f64> = decisions
        .iter()
        .filter(refused)
        .filter_map(|one| one.hint.map(|(ms, _)| ms))
        .collect();
    let mut sources: Vec<u32> = decisions
        .iter()
        .filter_map(|one| one.hint.map(|(_, source)| source))
        .collect();
    sources.sort_unstable();
    sources.dedup();
    let names = observations.hint_sources();
    let named = |source: &u32| names.get(usize::try_from(*source).ok()?).map(ToString::to_string);
    Hints {
        given: given.len(),
        refusals: decisions.iter().filter(refused).count(),
        sources: sources.iter().filter_map(named).collect(),
        honesty: match limit {
            _ if given.is_empty() => Honesty::Absent,
            Some(limit) => honesty(decisions, seen, limit),
            None => Honesty::Unknown,
        },
        shortest_ms: given.iter().copied().reduce(f64::min),
        longest_ms: given.iter().copied().reduce(f64::max),
    }
}

fn honesty(decisions: &[Decision], seen: &Seen, limit: &LimitSpec) -> Honesty {
    let mut limiter = Limiter::new(limit);
    // The clock of the windows is the time since 1970.
    let now = |one: &Decision| Duration::from_micros(one.sent.midpoint(one.answered).max(seen.origin));
    let (mut short, mut long, mut right) = (0_usize, 0_usize, 0_usize);
    for one in decisions {
        let answer = limiter.try_pass(now(one));
        let hint = one.hint.filter(|_| one.outcome != Outcome::Passed);
        let (Some((ms, _)), Answer::Reject { retry_in: Some(wait) }) = (hint, answer) else {
            continue;
        };
        let wait = 1e3 * wait.as_secs_f64();
        if ms + ROUNDED < wait {
            short += 1;
        } else if ms > wait + ROUNDED {
            long += 1;
        } else {
            right += 1;
        }
    }
    let all = short + long + right;
    match (short, long) {
        _ if all == 0 => Honesty::Unknown,
        (short, _) if 5 * short > all => Honesty::TooShort,
        (_, long) if 3 * long > all => Honesty::TooLong,
        _ => Honesty::Honest,
    }
}
