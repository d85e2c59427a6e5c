//! The judgement over the best of all families: which kinds remain, which of them is named, and when to say that nobody can tell.
//!
//! Each family is weighed in bits: what it contradicts and leaves to chance, how likely its figures are, and how well the waits that
//! refusals told agree with it. Those within some bits of the heaviest are as possible as it.

use crate::finding::{Kind, RuledOut};
use crate::likely::{likely, usual_window};
use crate::models::fit;
use crate::reasons::{self, ruled_out, too_little};
use crate::remaining::{CLEARLY, POSSIBLE, Remaining};
use crate::search::{Family, Found, round_ones, search};
use crate::seen::{Micros, Seen};
use crate::told::{Told, agreement, narrowed};

/// What is looked for, the simplest first: of equals the first one is named.
const FAMILIES: [(Family, bool); 14] = [
    (Family::Bucket, false),
    (Family::Fixed, false),
    (Family::Aligned, false),
    (Family::Sliding, false),
    (Family::Counter, false),
    (Family::CounterFirst, false),
    (Family::Held, false),
    (Family::Sliding, true),
    (Family::Counter, true),
    (Family::CounterFirst, true),
    (Family::Bucket, true),
    (Family::Fixed, true),
    (Family::Blocks, false),
    (Family::Blocks, true),
];

/// What a decision costs that is contradicted, and one that is left to chance; less than a whole bit, as those that are near to each other
/// are left to the same chance.
const MISSED_BITS: f64 = 10.0;
const OPEN_BITS: f64 = 0.5;
const OPEN_BITS_BESIDE: f64 = 0.15;

/// What it costs a kind, in bits, that it does not let anybody wait for a place where they did.
const WAITS: f64 = -20.0;

/// Where so many kinds are as possible, nothing is known.
const TOO_MANY: usize = 4;

/// So many of the first decisions are put into an order by chance.
const SHUFFLED: usize = 4_000;
/// So many such orders are tried; where more than so many of them do as well as the decisions' own, it may be one of them.
const ORDERS: u64 = 20;
const AS_GOOD: usize = 1;

/// Figures with a wider range than this say nothing.
const WIDE: f64 = 3.0;

/// The kind that a family is of.
pub(crate) fn kind(family: Family) -> Kind {
    match family {
        Family::Bucket => Kind::TokenBucket,
        Family::Queue => Kind::Queue,
        Family::Fixed | Family::Aligned | Family::Blocks => Kind::FixedWindow,
        Family::Sliding => Kind::SlidingWindow,
        Family::Counter | Family::CounterFirst => Kind::SlidingCounter,
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

impl Verdict {
    /// Nobody can tell after all.
    pub(crate) fn unclear(&mut self, reason: String) {
        (self.named, self.also, self.counted, self.open) = (None, Vec::new(), None, vec![reason]);
    }
}

/// A candidate with its weight, in bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rated {
    pub(crate) found: Found,
    /// The same with the figures of others of its family that are as possible.
    pub(crate) as_good: Found,
    /// Of its figures.
    pub(crate) likely: f64,
    /// With the waits that refusals told.
    pub(crate) agreement: f64,
    /// Of waits for an answer that it does not explain.
    waits: f64,
    /// What it costs that a decision is left to chance.
    open_bits: f64,
}

impl Rated {
    fn of(seen: &Seen, told: &[Told], found: &Found) -> Self {
        let found = narrowed(seen, told, found);
        Self {
            found,
            as_good: found,
            likely: likely(seen, &found),
            agreement: agreement(seen, told, &found),
            waits: 0.0,
            open_bits: open_bits(seen, &found),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        kind(self.found.family)
    }

    pub(crate) fn bits(&self) -> f64 {
        self.likely + self.explained()
    }

    /// Without what refusals told, and without giving much for what is left to chance: beside another limit, more is.
    pub(crate) fn by_decisions(&self) -> f64 {
        self.likely - cost(self.found.fit.level.missed(), self.found.fit.level.open)
    }

    /// Of the decisions and the waits alone, whatever its figures.
    pub(crate) fn explained(&self) -> f64 {
        let level = self.found.fit.level;
        self.agreement + self.waits - MISSED_BITS * level.missed() as f64 - self.open_bits * level.open as f64
    }

    /// Whether its figures say something, and more than luck could. Where no other kind comes near, there is none whose figures it could
    /// show by luck.
    pub(crate) fn tells(&self, seen: &Seen, alone: bool) -> bool {
        !vague(&self.found) && (alone || !is_luck(seen, &self.found))
    }

    /// Where it stands among the families, the simplest first. Of two counters neither way to begin a window is the simpler one.
    pub(crate) fn place(&self) -> usize {
        let family = match self.found.family {
            Family::CounterFirst => Family::Counter,
            family => family,
        };
        let place = (family, self.found.fit.counted);
        FAMILIES
            .iter()
            .position(|one| *one == place)
            .unwrap_or(FAMILIES.len())
    }

    /// Whether refusals could count in it and make a difference.
    pub(crate) fn counts(&self) -> bool {
        !matches!(
            self.found.family,
            Family::Open | Family::Held | Family::Queue | Family::Blocks
        )
    }
}

/// What it costs that a decision is left to chance. Where refusals count, or a place gets free at about this time, it is who of several
/// was let in, not how many were.
fn open_bits(seen: &Seen, found: &Found) -> f64 {
    let free = match found.family {
        Family::Open => places_get_free(seen),
        Family::Held => seen.at_answers,
        _ => found.fit.counted,
    };
    if free { OPEN_BITS_BESIDE } else { OPEN_BITS }
}

/// What decisions cost where several limits are looked for, in bits.
pub(crate) fn cost(missed: usize, open: usize) -> f64 {
    MISSED_BITS * missed as f64 + OPEN_BITS_BESIDE * open as f64
}

/// Whether those who were let in behind a refusal may have got the place of another.
fn places_get_free(seen: &Seen) -> bool {
    let first = seen
        .refused()
        .map(|one| one.answered)
        .min()
        .unwrap_or(Micros::MAX);
    let behind = seen.passed().filter(|one| one.sent > first).count();
    let ends = seen.passed().filter_map(|one| one.ended);
    2 * ends.filter(|end| *end < seen.length).count() >= behind
}

/// The best of all families, the heaviest first.
/// Where places are short one may wait for one: `served` is what was seen as decided at the answers, if answers came late.
pub(crate) fn candidates(seen: &Seen, served: Option<&Seen>, told: &[Told], ends_told: bool) -> Vec<Rated> {
    // Where refusals change what a limit does next, each group would need a level of its own.
    let shared = seen.parts.is_empty();
    let families = FAMILIES.iter().filter(|(family, counted)| {
        shared || !*counted || matches!(family, Family::Sliding | Family::Counter | Family::CounterFirst)
    });
    let families = families.map(|(family, counted)| match family {
        Family::Held if ends_told => (Family::Open, *counted),
        _ => (*family, *counted),
    });
    let rated = |seen: &Seen, family, counted| {
        let mut all = search(seen, family, counted);
        let rounder: Vec<Found> = all.iter().flat_map(|found| round_ones(seen, found)).collect();
        all.extend(rounder);
        let rated: Vec<Rated> = all.iter().map(|found| Rated::of(seen, told, found)).collect();
        rated
    };
    let heaviest = |(family, counted)| {
        let mut all = rated(seen, family, counted);
        if let Some(served) = served.filter(|_| kind(family) == Kind::Concurrency) {
            all.extend(rated(served, family, counted));
        } else if served.is_some() {
            all.iter_mut().for_each(|rated| rated.waits = WAITS);
        }
        let best = all
            .iter()
            .max_by(|one, other| one.bits().total_cmp(&other.bits()));
        let mut best = *best?;
        let least = best.bits() - POSSIBLE;
        let others = all.iter().filter(|other| other.bits() >= least);
        others.for_each(|other| best.as_good.widen(&other.found));
        Some(best)
    };
    let mut rated: Vec<Rated> = families.filter_map(heaviest).collect();
    rated.sort_by(|one, other| other.bits().total_cmp(&one.bits()));
    rated
}

/// Judges the candidates, the heaviest first.
pub(crate) fn judge(seen: &Seen, candidates: &[Rated], ends_told: bool) -> Verdict {
    let decisions = seen.all.len();
    let Some(remaining) = Remaining::of(decisions, candidates) else {
        return nothing_explains(decisions, candidates);
    };
    let mut kinds = remaining.kinds();
    let mut verdict = Verdict {
        named: None,
        also: Vec::new(),
        counted: None,
        ruled_out: ruled_out(decisions, candidates, &kinds),
        open: Vec::new(),
    };
    let Some(named) = remaining.named(seen) else {
        verdict.also = kinds;
        verdict.open.push(too_little(seen));
        return verdict;
    };
    // Held for a time, without an end that was written down, is a sliding window.
    if is_chance(seen, &named.found) {
        let text = "what was let in looks like chance: in any other order the decisions would fit as well";
        verdict.open.push(text.to_owned());
        return verdict;
    }
    if let Some(doubt) = doubt(seen, &remaining, named, &kinds, ends_told) {
        verdict.open.push(doubt);
        verdict.also = kinds;
        return verdict;
    }
    let Some((named, counted, open)) = counting(seen, &remaining, named) else {
        verdict.open.push(reasons::COUNTING.to_owned());
        verdict.also = kinds;
        return verdict;
    };
    if !kinds.contains(&named.kind()) {
        kinds.push(named.kind());
    }
    verdict.counted = counted;
    verdict.open.extend(open.map(str::to_owned));
    if remaining.may_be_a_block(named) {
        verdict.open.push(reasons::HELD_OR_BLOCKED.to_owned());
        if !kinds.contains(&Kind::FixedWindow) {
            kinds.push(Kind::FixedWindow);
        }
    }
    if let Some(open) = remaining.leave_a_block_open(named) {
        verdict.open.push(open.to_owned());
    }
    if remaining.leave_the_clock_open(named) {
        verdict.open.push(reasons::WINDOWS_BEGIN.to_owned());
    }
    // A counter on a clock and a bucket that gets all of its tokens at once on it are the same; and a block hides what is behind it.
    let hidden = matches!(named.found.family, Family::Aligned | Family::Blocks);
    if hidden && !kinds.contains(&Kind::TokenBucket) {
        kinds.push(Kind::TokenBucket);
    }
    verdict.ruled_out.retain(|one| !kinds.contains(&one.kind));
    verdict.also = kinds.into_iter().filter(|other| *other != named.kind()).collect();
    verdict.named = Some(remaining.with_others(named));
    verdict
}

/// Whether refusals count in what is named, where that has a meaning and is known; else the one that is named instead, of which nothing
/// says that they do, and what is open. `None`: there is none to be named.
fn counting<'a>(
    seen: &Seen,
    remaining: &Remaining<'a>,
    named: &'a Rated,
) -> Option<(&'a Rated, Option<bool>, Option<&'static str>)> {
    let counted = named.found.fit.counted;
    let blocks = named.found.family == Family::Blocks;
    if !named.counts() && !blocks {
        return Some((named, None, None));
    }
    if !blocks && remaining.agree_on_counting(seen, named) {
        return Some((named, Some(counted), None));
    }
    let open = (!blocks).then_some(reasons::COUNTING);
    if !counted {
        return Some((named, None, open));
    }
    match remaining.without_counting(seen, named) {
        Some(other) => Some((other, None, open)),
        // Of blocks that each try puts off, no others come near.
        None if blocks => Some((named, Some(true), None)),
        None => None,
    }
}

/// Why a kind is not named though it is the heaviest.
fn doubt(
    seen: &Seen,
    remaining: &Remaining<'_>,
    named: &Rated,
    kinds: &[Kind],
    ends_told: bool,
) -> Option<String> {
    if named.waits < 0.0 {
        return Some(format!(
            "users waited for answers as they do where places are short, which a {} does not explain",
            named.kind().name()
        ));
    }
    let mut within: Vec<Kind> = remaining.within(POSSIBLE).map(Rated::kind).collect();
    within.retain(|kind| ends_told || *kind != Kind::Concurrency);
    within.sort_unstable();
    within.dedup();
    let mut near = remaining
        .within(CLEARLY)
        .filter(|rated| rated.tells(seen, remaining.alone));
    if within.len() < TOO_MANY || near.all(|rated| rated.kind() == named.kind()) {
        return None;
    }
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let names = match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => names.concat(),
    };
    Some(format!("{names} explain what was seen equally well"))
}

fn nothing_explains(decisions: usize, candidates: &[Rated]) -> Verdict {
    let best = candidates.iter().min_by_key(|rated| rated.found.fit.level.cost());
    let open = best.map(|best| {
        format!(
            "no kind of limit explains the decisions: the best one, {}, contradicts {} of {decisions} and leaves {} to chance",
            best.kind().name(),
            best.found.missed(),
            best.found.fit.level.open,
        )
    });
    Verdict {
        named: None,
        also: Vec::new(),
        counted: None,
        ruled_out: ruled_out(decisions, candidates, &[]),
        open: open.into_iter().collect(),
    }
}

/// Whether decisions in an order by chance are hardly ever contradicted more than those in their own.
fn is_chance(seen: &Seen, found: &Found) -> bool {
    let seen = seen.begin(SHUFFLED.min(seen.all.len()));
    let cost = |seen: &Seen| fit(seen, found.fit.shape, found.fit.counted).level.cost();
    let own = cost(&seen);
    let as_good = (1..=ORDERS)
        .filter(|order| cost(&seen.shuffled(*order)) <= own)
        .count();
    as_good > AS_GOOD
}

/// Whether it is a window of a length that hardly anybody configures.
pub(crate) fn is_odd_window(found: &Found) -> bool {
    let window = matches!(
        found.family,
        Family::Fixed
            | Family::Aligned
            | Family::Sliding
            | Family::Counter
            | Family::CounterFirst
            | Family::Blocks
    );
    window && !usual_window(found.range)
}

/// Of one opening an odd figure can be read that is another's: where refusals count it looks so, too.
fn is_luck(seen: &Seen, found: &Found) -> bool {
    let passes = i64::try_from(seen.counts().0).unwrap_or(i64::MAX);
    let once = 5 * passes < 11 * found.fit.level.low;
    once && is_odd_window(found)
}

/// Whether its figures are open: nothing bounds them, or only widely.
fn vague(found: &Found) -> bool {
    let level = found.fit.level;
    let wide_level = level.high > 3 && level.high as f64 > WIDE * level.low as f64;
    wide_level || found.family != Family::Open && (found.unbounded || found.range.1 > WIDE * found.range.0)
}
