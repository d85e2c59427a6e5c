//! Two limits at once, as per second and per minute: pairs of shapes that explain together what none explains alone.
//!
//! Who was let in was let in by both, so the state of each is known by itself; only whose a refusal is is not. Each of the two is judged
//! by the refusals that the other cannot have made, as if it stood alone.

use crate::judge::{Rated, Verdict, candidates, cost, judge};
use crate::likely::likely;
use crate::limit::round_level;
use crate::models::{Demand, Shape, demands};
use crate::search::{Family, Found, near, shapes};
use crate::seen::Seen;
use crate::told::Told;

/// What the two may be.
const FAMILIES: [Family; 6] = [
    Family::Bucket,
    Family::Fixed,
    Family::Aligned,
    Family::Sliding,
    Family::Counter,
    Family::Held,
];
/// Steps of the walk over all shapes.
const STEP: f64 = 1.03;
/// So many decisions that passed make the state of the walk, and so many decisions judge it.
const PASSES: usize = 4_000;
const JUDGED: usize = 768;
/// The level of a shape is the highest that any pass needs, but for these shares of them.
const LEAVE: [f64; 3] = [0.0, 0.01, 0.03];
/// Two of a family are two only where their figures are so many times apart.
const APART: f64 = 1.5;
/// So many pairs of families, the best of each, are looked at closely.
const PAIRS: usize = 6;
/// So often the one is fitted beside the other, and the other beside the one.
const TURNS: usize = 3;
/// What the walk makes a contradicted decision cost, where one left to chance costs 1.
const CONTRADICTED: u32 = 50;
/// What a second limit costs, in bits, besides its figures; and by how many bits the two must be heavier than one alone.
const SECOND: f64 = -6.0;
const CLEARLY: f64 = 15.0;
/// Below so many bits there is nothing for a second limit to explain.
pub(crate) const TO_EXPLAIN: f64 = 40.0;
/// A pair that contradicts more than this share of the decisions, or one in so few, explains too little.
const MISSED: usize = 100;
const MISSED_AT_LEAST: usize = 2;
/// So many refusals at least must be of each alone.
const OF_EACH: usize = 5;

/// What two limits explain.
#[derive(Debug)]
pub(crate) enum Double {
    /// Both are told; the first one lets in less in the long run.
    Both(Box<[Verdict; 2]>, Together),
    /// There are two, and what they are stays open.
    Unclear(String),
}

/// What a pair contradicts and leaves to chance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Together {
    pub(crate) missed: usize,
    open: usize,
    /// Refusals that only the one explains, and only the other.
    of_each: [usize; 2],
}

/// What the best shared limit leaves to explain, in bits.
pub(crate) fn unexplained(alone: &[Rated]) -> f64 {
    let unexplained = alone.iter().map(|rated| {
        let level = rated.found.fit.level;
        cost(level.missed(), level.open)
    });
    unexplained.fold(f64::MAX, f64::min)
}

/// Looks for two where one does not explain all; `None`: two do no better.
pub(crate) fn double(seen: &Seen, told: &[Told], ends_told: bool, alone: &[Rated]) -> Option<Double> {
    let best = alone.iter().map(Rated::by_decisions).fold(f64::MIN, f64::max);
    let unsorted = seen.unsorted();
    let bits = |pair: &[Found; 2]| {
        let figures: f64 = pair.iter().map(|one| likely(seen, one)).sum();
        let told = together(&unsorted, pair);
        SECOND + figures - cost(told.missed, told.open)
    };
    let pairs = walk(&unsorted, ends_told)
        .into_iter()
        .filter_map(|pair| settle(&unsorted, pair));
    let pair = pairs.max_by(|one, other| bits(one).total_cmp(&bits(other)))?;
    if bits(&pair) < best + CLEARLY {
        return None;
    }
    Some(judged(&unsorted, told, ends_told, pair))
}

/// Each of the two by what the other leaves.
fn judged(seen: &Seen, told: &[Told], ends_told: bool, pair: [Found; 2]) -> Double {
    let unclear = |reason: &str| {
        Double::Unclear(format!(
            "two limits refuse, and {reason}; a longer run with retries, or a probe, would tell"
        ))
    };
    let by_other = [beside(seen, &pair[1]), beside(seen, &pair[0])];
    let verdicts = by_other.map(|view| {
        let own: Vec<Told> = told.iter().filter(|one| is_of(&view, one)).copied().collect();
        let rated = candidates(&view, None, &own, ends_told);
        judge(&view, &rated, ends_told)
    });
    let [Some(first), Some(second)] = [verdicts[0].named, verdicts[1].named] else {
        return unclear("not both can be told by what the other one leaves");
    };
    let pair = [first, second];
    let level = together(seen, &pair);
    if level.missed > (seen.all.len() / MISSED).max(MISSED_AT_LEAST) {
        return unclear("what each of them seems to be does not explain all decisions");
    }
    if level.of_each.iter().any(|count| *count < OF_EACH) {
        return unclear("one of them is hardly seen by itself");
    }
    let mut verdicts = verdicts;
    if rate(&pair[1]) < rate(&pair[0]) {
        verdicts.reverse();
    }
    Double::Both(Box::new(verdicts), level)
}

/// How many a second it lets in for ever; who waits for places waits for others.
fn rate(found: &Found) -> f64 {
    match found.fit.shape {
        Shape::Bucket { rate } | Shape::Queue { rate } => rate,
        Shape::Open | Shape::Held { .. } => f64::INFINITY,
        shape => 1e6 * round_level(found) as f64 / shape.figure(),
    }
}

/// Whether a refusal that told a wait is one of those that are left.
fn is_of(view: &Seen, told: &Told) -> bool {
    let from = view.all.partition_point(|one| one.answered < told.answered);
    let near = view.all[from..]
        .iter()
        .take_while(|one| one.sent <= told.answered);
    let same =
        |one: &&crate::seen::One| !one.passed && one.sent <= told.sent && told.sent - one.sent < 10_000;
    near.take(50).find(same).is_some_and(|one| !one.elsewhere)
}

/// What is seen of the one whose other explains what it can.
fn beside(seen: &Seen, other: &Found) -> Seen {
    let level = round_level(other);
    let explained: Vec<bool> = demands(seen, other.fit.shape, false)
        .iter()
        .map(|one| !one.passed && one.cap >= level)
        .collect();
    seen.without(&explained)
}

/// Fits each beside the other. `None`: one of them explains nothing that the other does not.
fn settle(seen: &Seen, shapes: [(Family, Shape, i64); 2]) -> Option<[Found; 2]> {
    let [(first, mut shape, level), (second, mut other, _)] = shapes;
    let mut explained: Vec<bool> = demands(seen, shape, false)
        .iter()
        .map(|one| !one.passed && one.cap >= level)
        .collect();
    let mut pair = None;
    for _ in 0..TURNS {
        let left = seen.without(&explained);
        if left.counts().1 == 0 {
            return None;
        }
        let of_other = near(&left, second, other);
        let left = beside(seen, &of_other);
        if left.counts().1 == 0 {
            return None;
        }
        let own = near(&left, first, shape);
        (shape, other) = (own.fit.shape, of_other.fit.shape);
        explained = demands(seen, shape, false)
            .iter()
            .map(|one| !one.passed && one.cap >= round_level(&own))
            .collect();
        pair = Some([own, of_other]);
    }
    pair
}

/// What a pair makes of all decisions.
fn together(seen: &Seen, pair: &[Found; 2]) -> Together {
    let [first, second] = pair;
    let all = [first, second].map(|one| demands(seen, one.fit.shape, false));
    let levels = [round_level(first), round_level(second)];
    let mut told = Together {
        missed: 0,
        open: 0,
        of_each: [0, 0],
    };
    for (one, other) in all[0].iter().zip(&all[1]) {
        let views = [View::of(one, levels[0]), View::of(other, levels[1])];
        let refuses = views[0].may_refuse || views[1].may_refuse;
        if one.passed {
            told.missed += usize::from(views.iter().any(|view| !view.may_pass));
            told.open += usize::from(views.iter().any(|view| view.open));
        } else {
            told.missed += usize::from(!refuses);
            told.open += usize::from(refuses && views.iter().all(|view| view.open || !view.may_refuse));
            told.of_each[0] += usize::from(views[0].may_refuse && !views[1].may_refuse);
            told.of_each[1] += usize::from(views[1].may_refuse && !views[0].may_refuse);
        }
    }
    told
}

/// What a limit may have said to an attempt.
#[derive(Debug, Clone, Copy)]
struct View {
    may_pass: bool,
    may_refuse: bool,
    open: bool,
}

impl View {
    fn of(one: &Demand, level: i64) -> Self {
        let slack = (level / 10).min(5);
        Self {
            may_pass: one.need <= level,
            may_refuse: one.cap >= level,
            open: one.need <= level - slack && level + slack <= one.cap,
        }
    }
}

/// A set of decisions.
type Bits = Vec<u64>;

fn bits(all: impl Iterator<Item = bool>) -> Bits {
    let mut bits = Vec::new();
    for (nth, one) in all.enumerate() {
        if nth % 64 == 0 {
            bits.push(0);
        }
        *bits.last_mut().expect("just pushed") |= u64::from(one) << (nth % 64);
    }
    bits
}

/// One of a pair, with what it makes of each decision.
struct Half {
    family: Family,
    shape: Shape,
    level: i64,
    /// Of refusals: it may have made them; it may not have made them.
    explains: Bits,
    spares: Bits,
    /// Of passes: it may have refused them; it cannot have let them in.
    open: Bits,
    misses: Bits,
}

impl Half {
    /// With levels that leave hardly any pass contradicted; none where it explains no refusal.
    fn all(seen: &Seen, family: Family, shape: Shape) -> Vec<Self> {
        let (passes, refusals): (Vec<Demand>, Vec<Demand>) = demands(seen, shape, false)
            .into_iter()
            .partition(|one| one.passed);
        let mut needs: Vec<i64> = passes.iter().map(|one| one.need).collect();
        needs.sort_unstable();
        let mut levels: Vec<i64> = LEAVE
            .iter()
            .filter_map(|share| {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a count
                let left = (share * needs.len() as f64).ceil() as usize;
                needs.len().checked_sub(1 + left).map(|nth| needs[nth].max(1))
            })
            .collect();
        levels.dedup();
        let of = |level: i64| {
            let views =
                |all: &[Demand]| -> Vec<View> { all.iter().map(|one| View::of(one, level)).collect() };
            let (of_passes, of_refusals) = (views(&passes), views(&refusals));
            Self {
                family,
                shape,
                level,
                explains: bits(of_refusals.iter().map(|view| view.may_refuse)),
                spares: bits(of_refusals.iter().map(|view| view.open || !view.may_refuse)),
                open: bits(of_passes.iter().map(|view| view.open)),
                misses: bits(of_passes.iter().map(|view| !view.may_pass)),
            }
        };
        let explaining = |half: &Self| half.explains.iter().any(|word| *word != 0);
        levels.into_iter().map(of).filter(explaining).collect()
    }

    /// What the two make of the decisions.
    fn cost(&self, other: &Self) -> u32 {
        let (mut missed, mut open) = (0, 0);
        for nth in 0..self.open.len() {
            missed += (self.misses[nth] | other.misses[nth]).count_ones();
            open += (self.open[nth] | other.open[nth]).count_ones();
        }
        let mut explained = 0;
        for nth in 0..self.explains.len() {
            let both = self.explains[nth] | other.explains[nth];
            explained += both.count_ones();
            open += (both & self.spares[nth] & other.spares[nth]).count_ones();
        }
        // Those that are not explained cost; a number that all pairs have in common is left out.
        CONTRADICTED * missed + open + CONTRADICTED * (u32::MAX / (4 * CONTRADICTED) - explained)
    }

    /// Whether the two are different ones.
    fn is_apart(&self, other: &Self) -> bool {
        let (one, two) = (self.shape.figure(), other.shape.figure());
        self.family != other.family || (one / two).ln().abs() > APART.ln()
    }
}

/// The best pair of each two families, the best first.
fn walk(seen: &Seen, ends_told: bool) -> Vec<[(Family, Shape, i64); 2]> {
    let thin = seen.begin_of_passes(PASSES).judged_by(JUDGED);
    let families = FAMILIES.map(|family| {
        if family == Family::Held && ends_told {
            Family::Open
        } else {
            family
        }
    });
    let halves: Vec<Half> = families
        .iter()
        .flat_map(|family| {
            shapes(&thin, *family, STEP)
                .into_iter()
                .map(move |shape| (*family, shape))
        })
        .flat_map(|(family, shape)| Half::all(&thin, family, shape))
        .collect();
    let mut best: Vec<(u32, usize, usize)> = Vec::new();
    for (nth, one) in halves.iter().enumerate() {
        for (other_nth, other) in halves.iter().enumerate().skip(nth + 1) {
            if !one.is_apart(other) {
                continue;
            }
            let cost = one.cost(other);
            let same = |(_, a, b): &&mut (u32, usize, usize)| {
                halves[*a].family == one.family && halves[*b].family == other.family
            };
            match best.iter_mut().find(same) {
                Some(known) if known.0 > cost => *known = (cost, nth, other_nth),
                Some(_) => {}
                None => best.push((cost, nth, other_nth)),
            }
        }
    }
    best.sort_unstable();
    let told = |half: &Half| (half.family, half.shape, half.level);
    let pairs = best.into_iter().take(PAIRS);
    pairs
        .map(|(_, one, other)| [told(&halves[one]), told(&halves[other])])
        .collect()
}
