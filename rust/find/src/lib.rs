//! Finds the kind and the figures of a limit from what clients saw of it: which attempts were let in and which were refused, and when.
//!
//! Each kind of limit is replayed over the decisions. One contradicts a kind only if it could not have fallen at any moment between its
//! request and its answer; what a kind leaves to chance counts against it, too. Kinds that explain the decisions equally well are all
//! told, and where that says nothing, so does the finding: a wrong name is worse than none.
//!
//! Pure: no file, no clock, no thread. Not here: how traces are opened and findings printed (`cli`), limits that decide (`limiter`).

mod banned;
mod begins;
mod blocks;
mod clocks;
mod counted;
mod counters;
mod double;
mod each;
mod figures;
mod finding;
mod hints;
mod judge;
mod level;
mod likely;
mod limit;
mod makers;
mod models;
mod names;
mod observations;
mod outcome;
mod queue;
mod reasons;
mod remaining;
mod rows;
mod search;
mod seen;
mod servers;
mod steps;
mod told;

pub use finding::{EachUser, Figures, Finding, Hints, Honesty, Kind, RuledOut, Second};
pub use makers::likely_makers;
pub use observations::{Decision, MOST_KEPT, Observations};
pub use outcome::Outcome;
pub use steps::Step;

use clocks::Clocks;
use double::Double;
use judge::{Verdict, candidates, judge};
use limit::{round_level, spec};
use limiter::Rule;
use search::{Family, Found};
use seen::Seen;
use std::collections::BTreeMap;
use told::Told;

/// The first so many attempts are judged, which takes seconds; what these do not show, more of the same does not either.
const MOST_JUDGED: usize = 50_000;
/// Fewer attempts say nothing of who is let in.
const FEWEST: usize = 10;

/// Finds out what it can.
#[must_use]
pub fn find(observations: &Observations) -> Finding {
    let mut decisions = observations.decisions();
    let all = decisions.len();
    decisions.truncate(MOST_JUDGED);
    let banned = banned::take_out(&mut decisions);
    let refused = |outcome| decisions.iter().filter(|one| one.outcome == outcome).count();
    // Some servers refuse by 403 what is too much.
    let denied = refused(Outcome::Denied);
    let by_denial = refused(Outcome::Refused) + refused(Outcome::Unanswered) == 0 && denied > 0;
    let seen = Seen::new(&decisions, by_denial);
    let (passes, refusals) = seen.counts();
    let mut finding = empty(observations, &decisions, &seen);
    finding.notes.extend(banned.clone());
    let hiding = observations.hiding(&decisions);
    let steps = observations.steps();
    if hiding > 0 {
        finding.cannot_tell.push(hidden(hiding));
    } else if !steps.is_empty() && refusals > 0 {
        finding.cannot_tell.extend(steps.iter().map(stepped));
    } else if decisions.len() < FEWEST {
        let few = match decisions.len() {
            1 => "only 1 attempt was seen".to_owned(),
            few => format!("only {few} attempts were seen"),
        };
        let few = format!("{few}; {FEWEST} are the least: a run with more users, or a probe would tell");
        finding.cannot_tell.push(few);
    } else if let Some(queued) = queue::queue(&seen) {
        queue_found(&mut finding, &queued);
    } else if refusals == 0 && banned.is_some() {
        finding.kind = Kind::Other;
    } else if refusals == 0 {
        finding.kind = Kind::None;
        finding.limit_spec = Some(Rule::Unlimited.into());
        finding
            .notes
            .push(format!("{passes} attempts, {:.1} a second at most", peak(&seen)));
    } else if passes == 0 {
        finding.kind = if by_denial { Kind::Other } else { Kind::Unknown };
        finding.cannot_tell.push("nobody was let in".to_owned());
    } else {
        limited(&mut finding, observations, &decisions, &seen, by_denial);
    }
    before_the_server(&mut finding, observations);
    finding.notes.extend(observations.other_servers());
    if MOST_JUDGED < all {
        finding
            .notes
            .push(format!("of {all} attempts the first {MOST_JUDGED} were judged"));
    }
    if observations.probed() {
        for open in &mut finding.cannot_tell {
            *open = reasons::of_a_probe(open);
        }
    }
    finding.hints = hints::hints(observations, &decisions, &seen, finding.limit_spec.as_ref());
    finding.likely_makers = likely_makers(&finding);
    finding
}

/// Some were let in and some refused: by one limit that all share, by one of each, with clocks that are apart, or by two.
fn limited(
    finding: &mut Finding,
    observations: &Observations,
    decisions: &[Decision],
    seen: &Seen,
    by_denial: bool,
) {
    let ends_told = observations.ends_told();
    let served = queue::at_answer(seen);
    let waits_told = waits(decisions, seen);
    let alone = candidates(seen, served.as_ref(), &waits_told, ends_told);
    let mut verdict = judge(seen, &alone, ends_told);
    // One limit that explains nearly all leaves nothing for others.
    let unexplained = double::unexplained(&alone);
    let serious = unexplained >= double::TO_EXPLAIN;
    let own = serious.then(|| each::each(observations, decisions, by_denial, &alone));
    let own = own.flatten();
    let clocks = if unexplained >= clocks::TO_EXPLAIN {
        clocks::clocks(observations, decisions, by_denial, waits, &alone)
    } else {
        Clocks::Even
    };
    match (own, clocks) {
        (own, Clocks::Apart(apart)) if own.as_ref().is_none_or(|own| own.bits < apart.bits) => {
            judged(finding, &apart.seen, None, apart.verdict);
            let ahead = apart.ahead.iter().filter(|(_, by)| *by != 0);
            finding.notes.extend(ahead.map(told_ahead));
            return;
        }
        (Some(own), _) if own.by_address => verdict.unclear(reasons::BY_ADDRESS.to_owned()),
        (Some(own), _) => {
            judged(finding, &own.seen, None, own.verdict);
            finding.each_user = finding.limit_spec.take().map(|limit| EachUser { limit });
            return;
        }
        (None, Clocks::Unclear) => verdict.unclear(reasons::CLOCKS.to_owned()),
        (None, _) if serious => match double::double(seen, &waits_told, ends_told, &alone) {
            Some(Double::Both(verdicts, together)) => {
                double_found(finding, seen, *verdicts);
                finding.contradicted = together.missed;
                return;
            }
            Some(Double::Unclear(reason)) => verdict.unclear(reason),
            None => {}
        },
        (None, _) => {}
    }
    let source = |one: &Decision| observations.source_of(one.user);
    let several = decisions.iter().any(|one| source(one) != source(&decisions[0]));
    if several && verdict.named.as_ref().is_some_and(judge::is_odd_window) {
        verdict.unclear(reasons::ODD_WINDOW.to_owned());
    }
    if verdict.named.is_none() && by_denial {
        finding.kind = if mixed(seen) { Kind::Other } else { Kind::Unknown };
    }
    judged(finding, seen, served.as_ref(), verdict);
}

/// Files are numbered from 1 for people.
fn told_ahead((source, by): &(usize, i64)) -> String {
    let seconds = *by as f64 / 1e6;
    let way = if seconds > 0.0 { "ahead of" } else { "behind" };
    format!(
        "the clock of file {} is about {:.2} s {way} that of the others, by what their users saw; that is taken into account",
        source + 1,
        seconds.abs()
    )
}

fn stepped(step: &Step) -> String {
    let seconds = step.by as f64 / 1e6;
    let way = if seconds > 0.0 { "ahead" } else { "back" };
    format!(
        "the clock that stamped file {} was set {way} by about {:.1} s during the run, so nobody knows when the server decided; a run with a clock that goes evenly would tell",
        step.source + 1,
        seconds.abs()
    )
}

/// What a proxy said of attempts of which the server knows nothing.
fn before_the_server(finding: &mut Finding, observations: &Observations) {
    finding.proxy_refusals = observations.refused_by_proxy();
    if observations.by_proxy() {
        finding
            .notes
            .push("the proxy refuses, not the server behind it: this is the proxy's limit".to_owned());
    } else if finding.proxy_refusals > 0 {
        finding.notes.push(match finding.proxy_refusals {
            1 => "1 attempt was refused by the proxy, before the server: it is not counted here".to_owned(),
            some => format!(
                "{some} attempts were refused by the proxy, before the server: they are not counted here"
            ),
        });
    }
}

fn empty(observations: &Observations, decisions: &[Decision], seen: &Seen) -> Finding {
    Finding {
        kind: Kind::Unknown,
        rate_per_second: None,
        burst: None,
        limit: None,
        window_ms: None,
        block_ms: None,
        refusals_count: None,
        decisions: seen.all.len(),
        contradicted: 0,
        also_possible: Vec::new(),
        intervals: BTreeMap::new(),
        ruled_out: Vec::new(),
        second: None,
        each_user: None,
        proxy_refusals: 0,
        hints: hints::hints(observations, decisions, seen, None),
        refusal_status: refusal_status(decisions),
        likely_makers: Vec::new(),
        limit_spec: None,
        cannot_tell: Vec::new(),
        notes: Vec::new(),
    }
}

/// The status of nearly all refusals.
fn refusal_status(decisions: &[Decision]) -> Option<u16> {
    let refused: Vec<Option<u16>> = decisions
        .iter()
        .filter(|one| one.outcome != Outcome::Passed)
        .map(|one| one.status)
        .collect();
    let first = *refused.first()?;
    let same = refused.iter().filter(|status| **status == first).count();
    first.filter(|_| 20 * same >= 19 * refused.len())
}

/// The waits that refusals told, in the order of their answers.
fn waits(decisions: &[Decision], seen: &Seen) -> Vec<Told> {
    let since = |time: u64| i64::try_from(time.saturating_sub(seen.origin)).unwrap_or(i64::MAX / 4);
    let refused = decisions.iter().filter(|one| one.outcome != Outcome::Passed);
    let told = |one: &Decision| {
        let (sent, answered) = (since(one.sent), since(one.answered));
        one.hint.map(|(wait, _)| Told { sent, answered, wait })
    };
    refused.filter_map(told).collect()
}

/// A connect that was refused and let in later is one row, which looks as if nobody had been refused.
fn hidden(rows: u64) -> String {
    let rows = match rows {
        1 => "1 row of the result file waited or tried again".to_owned(),
        rows => format!("{rows} rows of the result file waited or tried again"),
    };
    format!(
        "{rows}, and of its attempts a row tells the last one only; run with -Jwsb.trace=FILE and give that file"
    )
}

/// The most attempts in any second.
fn peak(seen: &Seen) -> f64 {
    let mut sent: Vec<i64> = seen.all.iter().map(|one| one.sent).collect();
    sent.sort_unstable();
    let within = |(nth, at): (usize, &i64)| sent.partition_point(|other| *other < at + 1_000_000) - nth;
    sent.iter().enumerate().map(within).max().unwrap_or(0) as f64
}

/// Whether some were denied before others were let in.
fn mixed(seen: &Seen) -> bool {
    let first = seen.refused().map(|one| one.answered).min().unwrap_or(i64::MAX);
    seen.passed().any(|one| one.sent > first)
}

fn judged(finding: &mut Finding, seen: &Seen, served: Option<&Seen>, verdict: Verdict) {
    finding.also_possible = verdict.also;
    finding.ruled_out = verdict.ruled_out;
    finding.cannot_tell = verdict.open;
    finding.refusals_count = verdict.counted;
    if let Some(found) = verdict.named {
        finding.kind = judge::kind(found.family);
        let missed = |seen| {
            models::fit(seen, found.fit.shape, found.fit.counted)
                .level
                .missed()
        };
        let served = served.filter(|_| finding.kind == Kind::Concurrency).map(missed);
        finding.contradicted = missed(seen).min(served.unwrap_or(usize::MAX));
        finding.limit_spec = spec(seen, &found);
        let block = finding.limit_spec.as_ref().and_then(|spec| spec.limits[0].block);
        finding.block_ms = block.map(|block| 1e3 * block.as_secs_f64());
        figures(finding, &search::with_other_begins(seen, &found));
        if let Some((shortest, longest)) = blocks::as_good_windows(seen, &found) {
            let interval = [shortest / 1e3, longest / 1e3];
            finding.intervals.insert("windowMs", interval);
            finding
                .cannot_tell
                .push(reasons::before_a_block(shortest, longest));
        }
    }
}

fn queue_found(finding: &mut Finding, queued: &queue::Queued) {
    finding.kind = Kind::Queue;
    finding.decisions = queued.seen.all.len();
    finding.contradicted = queued.found.missed();
    finding.limit_spec = spec(&queued.seen, &queued.found);
    if let Some(Rule::Queue { delay, burst, .. }) =
        finding.limit_spec.as_mut().map(|spec| &mut spec.limits[0].rule)
    {
        *delay = u32::try_from(queued.delay).unwrap_or(0).min(*burst);
    }
    figures(finding, &queued.found);
    if queued.at_least {
        finding.cannot_tell.push(
            "how long the queue is: nobody was refused, so it holds at least so many; more users at once would tell".to_owned(),
        );
    }
}

/// Of two limits the first one is told as if it stood alone, and the other beside it.
fn double_found(finding: &mut Finding, seen: &Seen, [first, second]: [Verdict; 2]) {
    let other = second.named.as_ref().expect("both are named");
    finding.second = Some(Second {
        kind: judge::kind(other.family),
        figures: figures_of(other),
        refusals_count: second.counted,
        also_possible: second.also,
    });
    let beside = spec(seen, other);
    judged(finding, seen, None, first);
    let both = finding.limit_spec.take().zip(beside);
    finding.limit_spec = both.map(|(mut spec, beside)| {
        spec.limits.extend(beside.limits);
        spec
    });
}

/// The fields and intervals of the limit that was found.
fn figures(finding: &mut Finding, found: &Found) {
    let figures = figures_of(found);
    finding.rate_per_second = figures.rate_per_second;
    finding.burst = figures.burst;
    finding.limit = figures.limit;
    finding.window_ms = figures.window_ms;
    finding.intervals = figures.intervals;
}

fn figures_of(found: &Found) -> Figures {
    let mut figures = Figures::default();
    let whole = |level: i64| u64::try_from(level).ok();
    let (low, high) = found.levels;
    let interval = [
        low as f64,
        if high == i64::MAX {
            f64::INFINITY
        } else {
            high as f64
        },
    ];
    let (from, until) = found.range;
    let level = whole(round_level(found));
    match found.family {
        Family::Bucket => {
            figures.rate_per_second = Some(found.fit.shape.figure());
            figures.burst = level;
            figures.intervals.insert("ratePerSecond", [from, until]);
            figures.intervals.insert("burst", interval);
        }
        Family::Queue => {
            figures.rate_per_second = Some(found.fit.shape.figure());
            figures.burst = level.map(|level| level.saturating_sub(1));
            figures.intervals.insert("ratePerSecond", [from, until]);
            figures
                .intervals
                .insert("burst", interval.map(|level| level - 1.0));
        }
        Family::Open | Family::Held => {
            figures.limit = level;
            figures.intervals.insert("limit", interval);
        }
        Family::Fixed | Family::Aligned | Family::Sliding | Family::Counter | Family::CounterFirst => {
            figures.limit = level;
            figures.window_ms = Some(found.fit.shape.figure() / 1e3);
            figures.intervals.insert("limit", interval);
            figures.intervals.insert("windowMs", [from / 1e3, until / 1e3]);
        }
        Family::Blocks => {
            let window = limit::before_block(found.fit.shape);
            figures.limit = level;
            figures.window_ms = window.map(|window| window as f64 / 1e3);
            figures.intervals.insert("limit", interval);
            figures.intervals.insert("blockMs", [from / 1e3, until / 1e3]);
        }
    }
    figures
}
