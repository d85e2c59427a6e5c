//! Which candidates remain, of them the one that is named, and what the others leave open of it. When to name none stands in `judge`.

use crate::figures::oddness;
use crate::finding::Kind;
use crate::judge::Rated;
use crate::reasons;
use crate::search::{Family, Found};
use crate::seen::Seen;

/// By so many bits a kind must be heavier to be named before a simpler one.
pub(crate) const CLEARLY: f64 = 3.0;
/// A kind that is so many bits lighter is possible still.
pub(crate) const POSSIBLE: f64 = 8.0;
/// And one that explains the decisions as well but for so many bits, where only its figures make it lighter, and by no more than that.
const AS_WELL: f64 = 4.0;
const POSSIBLE_BY_FIGURES: f64 = 14.0;
/// A model that contradicts more than this share of the decisions, or leaves more than that to chance, explains too little.
const MISSED: f64 = 0.01;
const MISSED_AT_LEAST: usize = 2;
/// But where all other kinds are so many bits lighter, it may be more: real servers round, and small bursts stand and fall by one.
const MISSED_BUT_BEST: f64 = 0.03;
const FAR_LIGHTER: f64 = 15.0;
const OPEN: f64 = 0.35;
const OPEN_BUT_BEST: f64 = 0.75;

/// A model by which refusals count otherwise comes near that explains by so many bits less.
const OTHERWISE: f64 = 10.0;
/// Fewer refusals do not say whether they count.
const REFUSALS: usize = 8;

/// The candidates that explain the decisions.
pub(crate) struct Remaining<'a> {
    /// The heaviest first, and never empty.
    good: Vec<&'a Rated>,
    /// Those of them that explain about as much as the heaviest.
    possible: Vec<&'a Rated>,
    /// No other kind comes near the heaviest, not even among those that explain too little.
    pub(crate) alone: bool,
}

impl<'a> Remaining<'a> {
    pub(crate) fn of(decisions: usize, candidates: &'a [Rated]) -> Option<Self> {
        let serious: Vec<&Rated> = candidates
            .iter()
            .filter(|rated| !rated.found.is_at_shortest())
            .collect();
        let good: Vec<&Rated> = serious
            .iter()
            .copied()
            .filter(|rated| explains(decisions, rated, &serious))
            .collect();
        let heaviest = good.first()?.bits();
        let explained = good
            .iter()
            .map(|rated| rated.explained())
            .fold(f64::MIN, f64::max);
        let as_well = |rated: &&Rated| {
            rated.bits() >= heaviest - POSSIBLE
                || rated.bits() >= heaviest - POSSIBLE_BY_FIGURES && rated.explained() >= explained - AS_WELL
        };
        let possible = good.iter().copied().filter(as_well).collect();
        let mut others = candidates.iter().filter(|rated| rated.kind() != good[0].kind());
        let alone = others.all(|rated| rated.bits() + 2.0 * FAR_LIGHTER <= heaviest);
        Some(Self {
            good,
            possible,
            alone,
        })
    }

    /// Those that are lighter than the heaviest by no more than so many bits.
    pub(crate) fn within(&self, bits: f64) -> impl Iterator<Item = &'a Rated> + '_ {
        let least = self.good[0].bits() - bits;
        self.good
            .iter()
            .copied()
            .filter(move |rated| rated.bits() >= least)
    }

    /// The kinds that are possible, the heaviest first.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        let mut kinds = Vec::new();
        for rated in &self.possible {
            if !kinds.contains(&rated.kind()) {
                kinds.push(rated.kind());
            }
        }
        kinds
    }

    /// The simplest of the heaviest that tell something, of those that are as simple the one with the roundest figure; where these tell nothing, the first that does and is possible still.
    pub(crate) fn named(&self, seen: &Seen) -> Option<&'a Rated> {
        let tells = |rated: &&Rated| rated.tells(seen, self.alone);
        let simplest = self
            .within(CLEARLY)
            .filter(tells)
            .min_by_key(|rated| rated.place());
        let roundest = |simplest: &'a Rated| {
            let alike = self
                .within(CLEARLY)
                .filter(tells)
                .filter(|rated| is_alike(rated, simplest));
            // Of equally round ones the heaviest, which comes first.
            alike.min_by_key(|rated| oddness(rated.found.family, rated.found.fit.shape.figure()))
        };
        let named = simplest.and_then(roundest);
        named.or_else(|| self.within(POSSIBLE).find(tells))
    }

    /// With the figures, too, that others of its kind have which are as possible, with windows that begin otherwise, or as refusals count
    /// or not.
    pub(crate) fn with_others(&self, named: &Rated) -> Found {
        let mut found = named.found;
        // How long it blocks is another figure.
        let blocks = |rated: &Rated| rated.found.family == Family::Blocks;
        let same = |rated: &&&Rated| rated.kind() == named.kind() && blocks(rated) == blocks(named);
        let others = self.possible.iter().filter(same);
        for other in others {
            found.widen(&other.found);
            found.widen(&other.as_good);
        }
        found
    }

    /// Of a window, that it may be a block of whoever was refused.
    pub(crate) fn leave_a_block_open(&self, named: &Rated) -> Option<&'static str> {
        let may_block = self
            .possible
            .iter()
            .any(|rated| rated.found.family == Family::Blocks);
        match named.found.family {
            Family::Fixed if named.found.fit.counted => Some(reasons::PUT_OFF),
            Family::Blocks => None,
            _ if may_block => Some(reasons::BLOCKS),
            _ => None,
        }
    }

    /// Whether what nobody saw end may be a block of whoever was refused.
    pub(crate) fn may_be_a_block(&self, named: &Rated) -> bool {
        let as_few = |rated: &&&Rated| rated.found.missed() <= named.found.missed();
        let mut explaining = self.good.iter().filter(as_few);
        named.found.family == Family::Held && explaining.any(|rated| rated.found.family == Family::Blocks)
    }

    /// Instead of one by which refusals count where that stays open: one by which they do not, of its kind if there is one, else the simplest
    /// that is as possible, else the heaviest of those that leave it open. A text that says they count would say more than is known.
    pub(crate) fn without_counting(&self, seen: &Seen, named: &Rated) -> Option<&'a Rated> {
        let others = |bits: f64| {
            let not = self.within(bits).filter(|rated| !rated.found.fit.counted);
            not.filter(|rated| rated.counts() == named.counts() && rated.tells(seen, self.alone))
        };
        let own = others(POSSIBLE).find(|rated| rated.kind() == named.kind());
        let simplest = own.or_else(|| others(POSSIBLE).min_by_key(|rated| rated.place()));
        simplest.or_else(|| others(f64::INFINITY).find(|rated| says_otherwise_near(rated, named)))
    }

    /// Whether one of the same kind is as possible whose windows begin otherwise.
    pub(crate) fn leave_the_clock_open(&self, named: &Rated) -> bool {
        let otherwise = |family| match family {
            Family::Fixed => Some(Family::Aligned),
            Family::Aligned => Some(Family::Fixed),
            Family::Counter => Some(Family::CounterFirst),
            Family::CounterFirst => Some(Family::Counter),
            _ => None,
        };
        let other = otherwise(named.found.family);
        other.is_some_and(|other| self.possible.iter().any(|rated| rated.found.family == other))
    }

    /// Whether refusals can be told to count or not: no model says otherwise that comes near.
    pub(crate) fn agree_on_counting(&self, seen: &Seen, named: &Rated) -> bool {
        let near_by = |rated: &&&Rated| says_otherwise_near(rated, named);
        let mut counting = self.good.iter().filter(|rated| rated.counts()).filter(near_by);
        counting.all(|rated| rated.found.fit.counted == named.found.fit.counted)
            && seen.counts().1 >= REFUSALS
    }
}

/// Of one kind and as simple: whether windows begin with an attempt or on a clock makes neither the simpler one.
fn is_alike(one: &Rated, other: &Rated) -> bool {
    let blocks = |rated: &Rated| rated.found.family == Family::Blocks;
    one.kind() == other.kind()
        && one.found.fit.counted == other.found.fit.counted
        && blocks(one) == blocks(other)
}

/// Whether one explains nearly as much as the one that is named, so that what it says otherwise of refusals may be so.
fn says_otherwise_near(one: &Rated, named: &Rated) -> bool {
    one.explained() >= named.explained() - OTHERWISE && one.bits() >= named.bits() - 2.0 * OTHERWISE
}

/// Whether a candidate contradicts few enough, and leaves few enough to chance.
fn explains(decisions: usize, rated: &Rated, all: &[&Rated]) -> bool {
    let mut others = all.iter().filter(|other| other.kind() != rated.kind());
    let alone = others.all(|other| other.bits() + FAR_LIGHTER <= rated.bits());
    let (missed, open) = if alone {
        (MISSED_BUT_BEST, OPEN_BUT_BEST)
    } else {
        (MISSED, OPEN)
    };
    let level = rated.found.fit.level;
    level.missed() <= share(decisions, missed).max(MISSED_AT_LEAST) && level.open <= share(decisions, open)
}

fn share(decisions: usize, share: f64) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a count
    let count = (decisions as f64 * share) as usize;
    count
}
