//! The judgement over the best of all families: which kinds remain, which of them is named, and when to say that nobody can tell.

use crate::finding::{Kind, RuledOut};
use crate::models::Shape;
use crate::search::{Family, Found, search};
use crate::seen::{Micros, Seen};
use limiter::{Decision as Answer, Limit, LimitSpec, Limiter, Rule, WindowClock};
use std::time::Duration;

/// What is looked for, the simplest first: of equals the first one is named.
const FAMILIES: [(Family, bool); 10] = [
    (Family::Bucket, false),
    (Family::Fixed, false),
    (Family::Aligned, false),
    (Family::Sliding, false),
    (Family::Counter, false),
    (Family::Held, false),
    (Family::Sliding, true),
    (Family::Counter, true),
    (Family::Bucket, true),
    (Family::Fixed, true),
];

/// A model that costs more than this share of the decisions explains too little.
const WORST: f64 = 0.2;

/// What costs only so much more than the best is as good: this share of the decisions, and a contradiction.
const AS_GOOD: f64 = 0.03;
const AS_GOOD_AT_LEAST: usize = 20;

/// Figures with a wider range than this say nothing.
const WIDE: f64 = 1.6;

/// The kind that a family is of.
pub(crate) fn kind(family: Family) -> Kind {
    match family {
        Family::Bucket => Kind::TokenBucket,
        Family::Queue => Kind::Queue,
        Family::Fixed | Family::Aligned => Kind::FixedWindow,
        Family::Sliding => Kind::SlidingWindow,
        Family::Counter => Kind::SlidingCounter,
        Family::Open | Family::Held => Kind::Concurrency,
    }
}

/// What the judgement came to.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The one that is named; `None`: nobody can tell.
    pub(crate) named: Option<Found>,
    /// Others that explain the decisions as well, the named kind not among them.
    pub(crate) also: Vec<Kind>,
    /// Whether refusals count, as far as the decisions say.
    pub(crate) counted: Option<bool>,
    pub(crate) ruled_out: Vec<RuledOut>,
    /// Why nobody can tell, or what is open besides.
    pub(crate) open: Vec<String>,
}

/// The best of all families, the cheapest first; among equals the simplest.
pub(crate) fn candidates(seen: &Seen, ends_told: bool) -> Vec<Found> {
    let families = FAMILIES.iter().map(|(family, counted)| match family {
        Family::Held if ends_told => (Family::Open, *counted),
        _ => (*family, *counted),
    });
    let mut found: Vec<Found> = families
        .map(|(family, counted)| search(seen, family, counted))
        .collect();
    found.sort_by_key(|found| found.fit.level.cost());
    found
}

/// Judges the candidates.
pub(crate) fn judge(seen: &Seen, told: &[Told], candidates: &[Found]) -> Verdict {
    let decisions = seen.all.len();
    let best = candidates
        .first()
        .map_or(usize::MAX, |best| best.fit.level.cost());
    let margin = AS_GOOD_AT_LEAST.max(share(decisions, AS_GOOD));
    let (good, bad): (Vec<&Found>, Vec<&Found>) = candidates
        .iter()
        .partition(|found| found.fit.level.cost() <= best.saturating_add(margin));
    let mut verdict = Verdict {
        named: None,
        also: Vec::new(),
        counted: None,
        ruled_out: ruled_out(decisions, &bad, &good),
        open: Vec::new(),
    };
    if best > share(decisions, WORST).max(AS_GOOD_AT_LEAST) {
        verdict.open.push(format!(
            "no kind of limit explains the decisions: the best one, {}, is contradicted by {} of {decisions}",
            candidates
                .first()
                .map_or("none", |found| kind(found.family).name()),
            candidates.first().map_or(0, Found::missed),
        ));
        return verdict;
    }
    let known: Vec<&Found> = good.iter().copied().filter(|found| !vague(seen, found)).collect();
    let mut kinds: Vec<Kind> = Vec::new();
    for found in &good {
        if !kinds.contains(&kind(found.family)) {
            kinds.push(kind(found.family));
        }
    }
    if known.iter().all(|found| found.fit.level.cost() > best + 2) {
        verdict.also = kinds;
        verdict.open.push(too_little(seen));
        return verdict;
    }
    let Some(named) = choose(seen, told, &known, &kinds) else {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        verdict.open.push(format!(
            "{} explain what was seen equally well",
            names.join(" and ")
        ));
        verdict.also = kinds;
        return verdict;
    };
    let same = good
        .iter()
        .filter(|found| kind(found.family) == kind(named.family));
    let counted: Vec<bool> = same.map(|found| found.fit.counted).collect();
    verdict.counted = match named.family {
        Family::Open | Family::Held | Family::Queue => None,
        _ if counted.iter().all(|one| *one == named.fit.counted) => Some(named.fit.counted),
        _ => None,
    };
    if verdict.counted.is_none() && !matches!(named.family, Family::Open | Family::Held | Family::Queue) {
        verdict.open.push(
            "whether refusals count, too; a run that tries again at once after a refusal would tell"
                .to_owned(),
        );
    }
    // A counter on a clock and a bucket that gets all of its tokens at once on it are the same.
    if named.family == Family::Aligned && !kinds.contains(&Kind::TokenBucket) {
        kinds.push(Kind::TokenBucket);
    }
    verdict.also = kinds
        .into_iter()
        .filter(|other| *other != kind(named.family))
        .collect();
    verdict.named = Some(*named);
    verdict
}

fn share(decisions: usize, share: f64) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a count
    let count = (decisions as f64 * share) as usize;
    count
}

/// Whether its figures are open: nothing bounds them, or only widely, or answers took longer than the window.
fn vague(seen: &Seen, found: &Found) -> bool {
    let short = !matches!(found.family, Family::Open | Family::Bucket | Family::Queue)
        && figure(found.fit.shape) < seen.usual as f64;
    found.family != Family::Open
        && (short
            || found.unbounded
            || found.range.1 > WIDE * found.range.0
            || found.fit.level.high == i64::MAX)
}

/// Of those that are known and explain the decisions as well: the one whose figures are by far the roundest, or whose waits are those that
/// the server told; else the simplest, if they are alike. `None`: nobody can tell.
fn choose<'a>(seen: &Seen, told: &[Told], known: &[&'a Found], kinds: &[Kind]) -> Option<&'a Found> {
    let order = |found: &Found| {
        let place = (found.family, found.fit.counted);
        FAMILIES
            .iter()
            .position(|one| *one == place)
            .unwrap_or(FAMILIES.len())
    };
    let mut rated: Vec<(f64, &Found)> = known
        .iter()
        .map(|found| {
            (
                roundness(found) + agreement(seen, told, found) - found.fit.level.cost() as f64 / 5.0,
                *found,
            )
        })
        .collect();
    rated.sort_by(|one, other| other.0.total_cmp(&one.0));
    let (most, best) = *rated.first()?;
    let rivals: Vec<&(f64, &Found)> = rated
        .iter()
        .filter(|(score, _)| *score > most - CLEARLY)
        .collect();
    let mut rival_kinds: Vec<Kind> = rivals.iter().map(|(_, found)| kind(found.family)).collect();
    rival_kinds.dedup();
    if rival_kinds.iter().all(|one| *one == rival_kinds[0]) && kinds.contains(&rival_kinds[0]) {
        return Some(best);
    }
    let near: Vec<&Found> = rivals.iter().map(|(_, found)| *found).collect();
    let simplest = near.iter().copied().min_by_key(|found| order(found))?;
    if !alike(simplest, &near) {
        return None;
    }
    let held = near.iter().copied().find(|found| found.family == Family::Held);
    match held {
        Some(held) if !usual_window(simplest.range) => Some(held),
        _ => Some(simplest),
    }
}

/// By so many bits one must be better to be named before others that explain as much.
const CLEARLY: f64 = 5.0;

/// How unlikely it is, in bits, that figures so round lie by chance in ranges so narrow: people configure 40 per 5 s, not 41.3 per 5.17 s.
fn roundness(found: &Found) -> f64 {
    let (low, high) = found.range;
    let steps: &[f64] = match found.family {
        Family::Bucket | Family::Queue => &[10.0, 5.0, 1.0, 0.5, 0.1, 1.0 / 60.0],
        Family::Open | Family::Held => &[],
        _ => &[60e6, 30e6, 10e6, 5e6, 1e6, 500e3, 100e3],
    };
    let bits = |low: f64, high: f64, step: f64| {
        let inside = (high / step).floor() * step >= low && (high / step).floor() > 0.0;
        let chance = ((high - low) / step).clamp(1e-4, 1.0);
        if inside { -chance.log2() } else { 0.0 }
    };
    // What is on a machine's clock is known no better than this.
    let (low, high) = (low * 0.9985, high * 1.0015);
    let figure = steps
        .iter()
        .map(|step| bits(low, high, *step))
        .fold(0.0, f64::max);
    let (least, most) = (found.levels.0 as f64, found.levels.1.min(1 << 40) as f64);
    let level = [100.0, 50.0, 10.0, 5.0].map(|step| bits(least - 0.5, most + 0.5, step));
    figure + level.into_iter().fold(0.0, f64::max)
}

/// A wait that a refusal told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    /// Of the refusal, microseconds since the first request.
    pub(crate) sent: Micros,
    pub(crate) answered: Micros,
    /// In milliseconds.
    pub(crate) wait: f64,
}

/// How well the waits that were told are those of the limit, in bits.
fn agreement(seen: &Seen, told: &[Told], found: &Found) -> f64 {
    let Some(spec) = spec(seen, found).filter(|_| told.len() >= 2) else {
        return 0.0;
    };
    let (mut limiter, mut asked) = (Limiter::new(&spec), told.iter().peekable());
    let since = |time: Micros| Duration::from_micros(seen.origin.saturating_add_signed(time));
    let (mut right, mut wrong) = (0.0, 0.0);
    for one in &seen.all {
        while let Some(told) = asked.next_if(|told| told.answered <= one.answered) {
            let at = told.sent + (told.answered - told.sent) / 2;
            match limiter.look(since(at)) {
                Answer::Reject { retry_in: Some(wait) } => {
                    let wait = 1e3 * wait.as_secs_f64();
                    let near = told.wait >= wait - 300.0 && told.wait <= wait + 1_300.0;
                    if near { right += 1.0 } else { wrong += 1.0 }
                }
                Answer::Reject { retry_in: None } => wrong += 1.0,
                Answer::Pass | Answer::PassLate { .. } => {}
            }
        }
        if one.passed || found.fit.counted {
            limiter.try_pass(since(one.sent + (one.answered - one.sent) / 2));
        }
    }
    if right + wrong == 0.0 {
        return 0.0;
    }
    let share: f64 = right / (right + wrong);
    // As many bits as there are decisions, but at most some: the hints of one moment are much the same.
    (2.0 * share - 1.0) * (right + wrong).min(10.0)
}

/// Whether people configure a window of this range.
fn usual_window(range: (f64, f64)) -> bool {
    const SECONDS: [f64; 11] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0];
    let long = (1..=120).map(|n| 30.0 * f64::from(n));
    SECONDS.into_iter().chain(long).any(|seconds| {
        let window = 1e6 * seconds;
        range.0 <= 1.005 * window && window <= 1.005 * range.1
    })
}

/// Whether those that remain are so near to each other that one may be named for all: windows of like figures.
fn alike(named: &Found, others: &[&Found]) -> bool {
    let near = |one: f64, other: f64| (one / other).ln().abs() < 0.12;
    others.iter().all(|found| {
        let window = !matches!(found.family, Family::Bucket | Family::Queue);
        window
            && (found.family == Family::Open
                || near(figure(found.fit.shape), figure(named.fit.shape))
                    && near(found.fit.level.low as f64, named.fit.level.low as f64))
    })
}

/// The window in microseconds, or the rate a second.
pub(crate) fn figure(shape: Shape) -> f64 {
    match shape {
        Shape::Bucket { rate } | Shape::Queue { rate } => rate,
        Shape::Fixed { window }
        | Shape::Aligned { window, .. }
        | Shape::Sliding { window }
        | Shape::Counter { window, .. }
        | Shape::Held { time: window } => window as f64,
        Shape::Open => 1.0,
    }
}

fn too_little(seen: &Seen) -> String {
    let (passed, refused) = seen.counts();
    let first = seen.refused().map(|one| one.answered).min().unwrap_or(i64::MAX);
    let again = seen.passed().filter(|one| one.sent > first).count();
    if again == 0 {
        "nobody was let in after the first refusal, so no opening was seen; a longer run with retries would tell".to_owned()
    } else if refused < 5 {
        format!(
            "only {refused} of {} were refused; a run with more users at once, or without the gate, would tell",
            passed + refused
        )
    } else {
        "too few were let in after a refusal; a longer run with retries would tell".to_owned()
    }
}

fn ruled_out(decisions: usize, bad: &[&Found], good: &[&Found]) -> Vec<RuledOut> {
    let mut out: Vec<RuledOut> = Vec::new();
    for found in bad {
        let kind = kind(found.family);
        let possible = good.iter().any(|good| crate::judge::kind(good.family) == kind);
        if possible || out.iter().any(|other| other.kind == kind) {
            continue;
        }
        let level = found.fit.level;
        let reason = if level.missed() * 20 >= level.open {
            format!(
                "contradicts {} of {decisions} decisions at its best",
                level.missed()
            )
        } else {
            format!("leaves {} of {decisions} decisions to chance", level.open)
        };
        out.push(RuledOut { kind, reason });
    }
    out
}

/// The roundest of the levels that do.
pub(crate) fn round_level(found: &Found) -> i64 {
    let (low, high) = (found.fit.level.low, found.fit.level.high);
    let steps = [100, 50, 10, 5];
    let round = steps
        .iter()
        .map(|step| high / step * step)
        .find(|level| *level >= low);
    if high == i64::MAX {
        low
    } else {
        round.unwrap_or(low)
    }
}

/// The limit that was found, with its roundest figures.
pub(crate) fn spec(seen: &Seen, found: &Found) -> Option<LimitSpec> {
    let level = u32::try_from(round_level(found)).ok()?;
    let micros = |time: i64| Duration::from_micros(u64::try_from(time).unwrap_or_default());
    let offset = |window: i64, phase: i64| {
        let since_epoch = i128::from(seen.origin) + i128::from(phase);
        let offset = i64::try_from(since_epoch.rem_euclid(i128::from(window))).unwrap_or_default();
        // On the clock's own multiples, as far as stamps of different machines can say.
        let near = offset.min(window - offset) <= window / 50 + 20_000;
        if near { Duration::ZERO } else { micros(offset) }
    };
    let rule = match found.fit.shape {
        Shape::Bucket { rate } => Rule::TokenBucket { rate, burst: level },
        Shape::Queue { rate } => Rule::Queue {
            rate,
            burst: level - 1,
            delay: 0,
        },
        Shape::Fixed { window } => Rule::FixedWindow {
            limit: level,
            window: micros(window),
            clock: WindowClock::First,
        },
        Shape::Aligned { window, phase } => {
            let clock = WindowClock::Aligned {
                offset: offset(window, phase),
            };
            Rule::FixedWindow {
                limit: level,
                window: micros(window),
                clock,
            }
        }
        Shape::Sliding { window } => Rule::SlidingWindow {
            limit: level,
            window: micros(window),
        },
        Shape::Counter { window, phase } => Rule::SlidingCounter {
            limit: level,
            window: micros(window),
            offset: offset(window, phase),
        },
        Shape::Open | Shape::Held { .. } => Rule::Concurrency { limit: level },
    };
    let reject_counts = found.fit.counted;
    let spec: LimitSpec = Limit { rule, reject_counts }.into();
    spec.check().is_ok().then_some(spec)
}
