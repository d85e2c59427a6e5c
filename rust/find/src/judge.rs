//! The judgement over the best of all families: which kinds remain, which of them is named, and when to say that nobody can tell.

use crate::finding::{Kind, RuledOut};
use crate::models::Shape;
use crate::search::{Family, Found, at_figure, roundest, search};
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

/// A model that contradicts more than this share of the decisions, or leaves more than that to chance, explains too little.
const MISSED: f64 = 0.01;
const MISSED_AT_LEAST: usize = 2;
const OPEN: f64 = 0.35;
/// But one that contradicts none where all other kinds are twice as bad may leave more: small bursts stand and fall by one.
const OPEN_BUT_BEST: f64 = 0.5;

/// What costs only so much more than the best is as good: this share of the decisions, and a contradiction.
const AS_GOOD: f64 = 0.03;
const AS_GOOD_AT_LEAST: usize = 20;

/// A likelier kind may be named in spite of one contradiction more: stamps are not always where they should be.
const NAMED_IN_SPITE_OF: usize = 55;

/// Fewer refusals do not say whether they count.
const REFUSALS: usize = 8;

/// Nobody limits by shorter windows, in microseconds.
const SHORTEST_WINDOW: f64 = 300_000.0;

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
        .partition(|found| found.fit.level.cost() <= best.saturating_add(margin_of(found, margin)));
    let mut verdict = Verdict {
        named: None,
        also: Vec::new(),
        counted: None,
        ruled_out: ruled_out(decisions, &bad, &good),
        open: Vec::new(),
    };
    let first = good.first().map(|found| kind(found.family));
    let others = candidates
        .iter()
        .filter(|found| Some(kind(found.family)) != first);
    let next = others.map(|found| found.fit.level.cost()).min();
    let explains = |found: &Found| {
        let level = found.fit.level;
        let far = next.is_none_or(|next| next >= 2 * best.max(1));
        let most = if far && level.missed() == 0 {
            OPEN_BUT_BEST
        } else {
            OPEN
        };
        level.missed() <= share(decisions, MISSED).max(MISSED_AT_LEAST)
            && level.open <= share(decisions, most)
    };
    if !good.iter().any(|found| explains(found)) {
        verdict.open.push(format!(
            "no kind of limit explains the decisions: the best one, {}, contradicts {} of {decisions} and leaves {} to chance",
            candidates.first().map_or("none", |found| kind(found.family).name()),
            candidates.first().map_or(0, Found::missed),
            candidates.first().map_or(0, |found| found.fit.level.open),
        ));
        return verdict;
    }
    let mut kinds: Vec<Kind> = Vec::new();
    for found in &good {
        if !kinds.contains(&kind(found.family)) {
            kinds.push(kind(found.family));
        }
    }
    let in_spite = |found: &&Found| {
        found.fit.level.cost() <= best.saturating_add(margin_of(found, margin).max(NAMED_IN_SPITE_OF))
    };
    let good: Vec<Found> = candidates
        .iter()
        .filter(in_spite)
        .map(|found| narrowed(seen, told, found))
        .collect();
    if good
        .iter()
        .all(|found| vague(seen, found) || found.fit.level.cost() > best + 2)
    {
        verdict.also = kinds;
        verdict.open.push(too_little(seen));
        return verdict;
    }
    let Some(named) = choose(seen, told, &good) else {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        verdict.open.push(if kinds.len() == 1 {
            format!("perhaps a {}, but {}", names.join(""), too_little(seen))
        } else {
            format!("{} explain what was seen equally well", names.join(" and "))
        });
        verdict.also = kinds;
        return verdict;
    };
    let counts = !matches!(named.family, Family::Open | Family::Held | Family::Queue);
    let as_good = named.fit.level.cost() + margin;
    let mut near = good.iter().filter(|found| found.fit.level.cost() <= as_good);
    let agreed = near.all(|found| found.fit.counted == named.fit.counted) && seen.counts().1 >= REFUSALS;
    verdict.counted = (counts && agreed).then_some(named.fit.counted);
    if counts && !agreed {
        let text = "whether refusals count, too; a run that tries again at once after a refusal would tell";
        verdict.open.push(text.to_owned());
    }
    // A counter on a clock and a bucket that gets all of its tokens at once on it are the same.
    if named.family == Family::Aligned && !kinds.contains(&Kind::TokenBucket) {
        kinds.push(Kind::TokenBucket);
    }
    verdict.also = kinds
        .into_iter()
        .filter(|other| *other != kind(named.family))
        .collect();
    verdict.named = Some(named);
    verdict
}

/// The ends of connections are known less well than the moments of decisions, which blurs what they explain.
fn margin_of(found: &Found, margin: usize) -> usize {
    if found.family == Family::Open {
        8 * margin
    } else {
        margin
    }
}

fn share(decisions: usize, share: f64) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a count
    let count = (decisions as f64 * share) as usize;
    count
}

/// Whether its figures are open: nothing bounds them, or only widely, or answers took longer than the window.
fn vague(seen: &Seen, found: &Found) -> bool {
    let short = !matches!(found.family, Family::Open | Family::Bucket | Family::Queue)
        && figure(found.fit.shape) < SHORTEST_WINDOW.max(seen.usual as f64);
    found.family != Family::Open
        && (short
            || found.unbounded
            || found.range.1 > WIDE * found.range.0
            || found.fit.level.high == i64::MAX)
}

/// Of those that are known and explain the decisions as well: the one that is by far the likeliest, by its figures and by the waits that
/// the server told; else the simplest, if they are alike. `None`: nobody can tell.
fn choose(seen: &Seen, told: &[Told], good: &[Found]) -> Option<Found> {
    let order = |found: &&Found| {
        let place = (found.family, found.fit.counted);
        let nth = FAMILIES.iter().position(|one| *one == place);
        nth.unwrap_or(FAMILIES.len())
    };
    let score = |found: &Found| {
        let blurred = if found.family == Family::Open { 40.0 } else { 5.0 };
        likely(found) + agreement(seen, told, found) - found.fit.level.cost() as f64 / blurred
    };
    let mut rated: Vec<(f64, &Found)> = good.iter().map(|found| (score(found), found)).collect();
    rated.sort_by(|one, other| other.0.total_cmp(&one.0));
    let most = rated.first()?.0;
    let rivals: Vec<&Found> = rated
        .iter()
        .filter(|(score, _)| *score > most - CLEARLY)
        .map(|(_, found)| *found)
        .collect();
    if vague(seen, rivals[0]) {
        return None;
    }
    let named = if rivals
        .iter()
        .all(|found| kind(found.family) == kind(rivals[0].family))
    {
        rivals[0]
    } else {
        let simplest = rivals.iter().copied().min_by_key(order)?;
        let near = rivals.iter().all(|other| alike(seen, simplest, other));
        let held = rivals.iter().copied().find(|found| found.family == Family::Held);
        match held {
            _ if !near => return None,
            Some(held) if !usual_window(simplest.range) => held,
            _ => simplest,
        }
    };
    // Of one opening an odd figure can be read that is another's: refusals that count look so, too.
    let passes = i64::try_from(seen.counts().0).unwrap_or(i64::MAX);
    let once = 5 * passes < 11 * named.fit.level.low && named.family != Family::Bucket;
    (!once || usual_window(named.range)).then_some(*named)
}

/// Where a window's length is open and refusals told waits: the lengths that agree with them.
fn narrowed(seen: &Seen, told: &[Told], found: &Found) -> Found {
    const STEPS: u32 = 24;
    let (low, high) = found.range;
    let window = matches!(
        found.family,
        Family::Fixed | Family::Aligned | Family::Sliding | Family::Counter
    );
    if !window || told.len() < 2 || high < 1.05 * low {
        return *found;
    }
    let round = (1..=600)
        .map(|half| 500_000.0 * f64::from(half))
        .filter(|figure| (low..=high).contains(figure));
    let even = (0..=STEPS).map(|nth| low * (high / low).powf(f64::from(nth) / f64::from(STEPS)));
    let tried = even.chain(round).map(|figure| at_figure(seen, found, figure));
    let rated: Vec<(f64, f64, Found)> = tried
        .filter(|one| one.fit.level.cost() <= found.fit.level.cost() + seen.all.len() / 200)
        .map(|one| (agreement(seen, told, &one), figure(one.fit.shape), one))
        .collect();
    let most = rated.iter().map(|(agreed, ..)| *agreed).fold(0.0, f64::max);
    let kept: Vec<&(f64, f64, Found)> = rated
        .iter()
        .filter(|(agreed, ..)| *agreed >= most - 0.5)
        .collect();
    if most <= 0.0 || kept.is_empty() {
        return *found;
    }
    let low = kept
        .iter()
        .map(|(_, figure, _)| *figure)
        .fold(f64::INFINITY, f64::min);
    let high = kept.iter().map(|(_, figure, _)| *figure).fold(0.0, f64::max);
    let roundest = roundest(found.family, low, high).map(|figure| at_figure(seen, found, figure));
    let fit = roundest.unwrap_or(kept[0].2).fit;
    Found {
        fit,
        range: (low, high),
        levels: (fit.level.low, fit.level.high),
        unbounded: false,
        ..*found
    }
}

/// By so many bits one must be better to be named before others that explain as much.
const CLEARLY: f64 = 4.0;

/// How likely a limit of this kind has figures that fit, in bits below certainty: round ones are likely, and a kind that fits only with
/// odd figures and a begin of its own fits by luck.
fn likely(found: &Found) -> f64 {
    // What is measured on a machine's clock is known no better than this.
    let (low, high) = (found.range.0 * 0.9985, found.range.1 * 1.0015);
    let per: &[(f64, f64)] = match found.family {
        Family::Bucket | Family::Queue => &[
            (10.0, 0.05),
            (5.0, 0.03),
            (1.0, 0.01),
            (0.5, 0.005),
            (0.1, 0.0005),
        ],
        _ => &[
            (10e6, 0.05),
            (5e6, 0.03),
            (1e6, 0.01),
            (500e3, 0.003),
            (100e3, 0.0003),
        ],
    };
    let figure = mass(low, high, per) + 0.3 * (high / low).ln() / 10.0;
    let (least, most) = (
        found.levels.0 as f64 - 0.5,
        found.levels.1.min(100_000) as f64 + 0.5,
    );
    let level = mass(least, most, &[(50.0, 0.03), (10.0, 0.03), (5.0, 0.02)])
        + 0.3 * (most / least.max(0.5)).ln() / 8.0;
    let bits = |share: f64| share.clamp(1e-9, 1.0).log2();
    let kind = match (found.family, found.fit.counted) {
        // An end that was seen is no chance.
        (Family::Open, _) => 10.0,
        (Family::Held, _) => -1.0,
        (_, true) => -3.0,
        (Family::Counter, false) => -2.0,
        _ => 0.0,
    };
    let figure = if found.family == Family::Open { 1.0 } else { figure };
    // Hardly anybody limits by less than a second.
    let short = !matches!(found.family, Family::Bucket | Family::Queue | Family::Open) && low < 9e5;
    let kind = if short { kind - 4.0 } else { kind };
    bits(figure) + bits(level) + bits(found.begins) + kind
}

/// The mass of the multiples that lie in a range: of each step so much a multiple, less the larger it is.
fn mass(low: f64, high: f64, per: &[(f64, f64)]) -> f64 {
    let of = |(step, mass): &(f64, f64)| {
        let first = (low / step).ceil().max(1.0);
        let count = ((high / step).floor() - first + 1.0).clamp(0.0, 20.0);
        if count > 0.0 {
            mass * count / first.sqrt()
        } else {
            0.0
        }
    };
    per.iter().map(of).sum::<f64>().min(1.0)
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

/// Whether another is so near to one that this may be named for both: a window of like figures, or one whose figures may be the same.
fn alike(seen: &Seen, one: &Found, other: &Found) -> bool {
    let near = |one: f64, other: f64| (one / other).ln().abs() < 0.12;
    let window = |found: &Found| !matches!(found.family, Family::Bucket | Family::Queue);
    let (mine, others) = (figure(one.fit.shape), figure(other.fit.shape));
    let may_be = vague(seen, other) && other.range.0 <= mine && mine <= other.range.1;
    let held = [one.family, other.family].contains(&Family::Open);
    // Where refusals count, what is let in hangs on the rate of all attempts, and a shorter window of a lower limit does the same.
    let per = |found: &Found| found.fit.level.low as f64 / figure(found.fit.shape);
    let counted = one.fit.counted && other.fit.counted && near(per(one), per(other));
    let level = near(one.fit.level.low as f64, other.fit.level.low as f64);
    window(one) && window(other) && (may_be || counted || level && (held || near(mine, others)))
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

/// The roundest of the levels that do; where none is round, the highest: so many were let in.
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
        round.unwrap_or(high)
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
