//! The search for a shape: a coarse walk over all windows or rates, the best few refined, and how far each figure can be moved before
//! more decisions contradict it.

use crate::begins::{has_begin, mid_run};
use crate::figures::{round_figures, roundest};
use crate::models::{Fit, Shape, fit};
use crate::seen::{Micros, Seen};

/// What a shape is looked for among.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Bucket,
    Queue,
    Fixed,
    Aligned,
    Sliding,
    Counter,
    /// Two counters, on no clock.
    CounterFirst,
    /// Whoever is refused is blocked. The figure is for how long; the begin stands for the window before, see [`Shape::Blocks`].
    Blocks,
    Open,
    Held,
}

/// The best of a family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    pub(crate) family: Family,
    pub(crate) fit: Fit,
    /// The windows (microseconds) or rates (a second) between which nothing more is contradicted.
    pub(crate) range: (f64, f64),
    /// The levels, over the whole range.
    pub(crate) levels: (i64, i64),
    /// Where windows begin on a clock: the share of all begins that do as well.
    pub(crate) begins: f64,
    /// The range goes on as far as was looked: nothing bounds it there.
    pub(crate) unbounded: bool,
}

impl Found {
    /// Whether its window is as short as nobody configures one.
    pub(crate) fn is_at_shortest(&self) -> bool {
        let rate = matches!(self.family, Family::Bucket | Family::Queue | Family::Open);
        !rate && self.range.0 <= SHORTEST && self.range.1 < 3.0 * SHORTEST
    }

    pub(crate) fn missed(&self) -> usize {
        self.fit.level.missed()
    }

    /// By the figures of another one that explains as much.
    pub(crate) fn widen(&mut self, other: &Self) {
        self.range = (self.range.0.min(other.range.0), self.range.1.max(other.range.1));
        self.levels = (
            self.levels.0.min(other.levels.0),
            self.levels.1.max(other.levels.1),
        );
    }
}

/// Steps of the coarse walk.
const COARSE: f64 = 1.012;
/// Nobody limits by shorter windows, in microseconds; nor is one shorter than the usual answer to be seen.
const SHORTEST: f64 = 300_000.0;
/// The fastest rate that is looked for.
const FASTEST: f64 = 2_000.0;
/// Round figures are looked at that are so near to the best one, as a logarithm.
const ROUND_WITHIN: f64 = 0.17;
/// So many of the best of the walk are refined.
const REFINED: usize = 10;
/// A figure that costs so much more than the best one of its family may be likelier.
const AS_LOW: usize = 100;
/// So many decisions that count make the state of the walk, and so many of all judge it; then so many judge what is refined, and all the best.
const MOST: usize = 6_000;
const WALKED: usize = 500;
const REFINED_BY: usize = 1_000;
const JUDGED_BY: usize = 4_000;

/// A shape by its one free figure, and the begin of a window where there is one.
fn shape(family: Family, figure: f64, begin: Micros) -> Shape {
    #[allow(clippy::cast_possible_truncation)] // microseconds, far below 2^52
    let window = figure as Micros;
    match family {
        Family::Bucket => Shape::Bucket { rate: figure },
        Family::Queue => Shape::Queue { rate: figure },
        Family::Fixed => Shape::Fixed { window },
        Family::Aligned => Shape::Aligned { window, phase: begin },
        Family::Sliding => Shape::Sliding { window },
        Family::Counter => Shape::Counter { window, phase: begin },
        Family::CounterFirst => Shape::CounterFirst { window, first: begin },
        Family::Blocks => Shape::Blocks {
            block: window,
            window: (begin > 0).then_some(begin),
        },
        Family::Open => Shape::Open,
        Family::Held => Shape::Held { time: window },
    }
}

/// Of one family, in what was seen.
#[derive(Clone, Copy)]
pub(crate) struct Search<'a> {
    pub(crate) seen: &'a Seen,
    pub(crate) family: Family,
    pub(crate) counted: bool,
}

/// A shape with its level.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) figure: f64,
    pub(crate) begin: Micros,
    pub(crate) fit: Fit,
}

impl Search<'_> {
    pub(crate) fn at(&self, figure: f64, begin: Micros) -> Point {
        let fit = fit(self.seen, shape(self.family, figure, begin), self.counted);
        Point { figure, begin, fit }
    }

    /// From where to where the figure is looked for.
    fn bounds(&self) -> (f64, f64) {
        let length = (self.seen.length as f64).max(1.0);
        match self.family {
            Family::Bucket | Family::Queue => {
                let passes = self.seen.counts().0.max(1) as f64;
                let each = passes / self.seen.parts.len().max(1) as f64;
                (0.1 * each / length * 1e6, FASTEST)
            }
            _ => {
                let shortest = SHORTEST.max(self.seen.usual as f64);
                (shortest, (1.5 * length).max(2.0 * shortest))
            }
        }
    }

    /// The valleys of a walk over all figures, the lowest first; of equally low ones the widest.
    fn coarse(&self) -> Vec<Point> {
        let (from, until) = self.bounds();
        let openings = self.seen.openings();
        let best_begin = |figure: f64| {
            let begins = self.begins(&openings, figure).into_iter();
            begins
                .map(|begin| self.at(figure, begin))
                .min_by_key(|point| point.fit.level.cost())
                .expect("one begin at least")
        };
        let even = std::iter::successors(Some(from), |figure| Some(figure * COARSE));
        let even = even.take_while(|figure| *figure <= until).map(best_begin);
        let round = round_figures(self.family).filter(|figure| (from..=until).contains(figure));
        let round = round.map(|figure| {
            let begin = self.settle(figure, best_begin(figure).begin);
            self.at(figure, begin)
        });
        let mut points: Vec<Point> = even.chain(round).collect();
        points.sort_by(|one, other| one.figure.total_cmp(&other.figure));
        let mut valleys = valleys(&points);
        let widest = |valley: &[Point]| valley[0].figure / valley[valley.len() - 1].figure;
        valleys.sort_by(|one, other| {
            let lower = one[0].fit.level.cost().cmp(&other[0].fit.level.cost());
            lower.then(widest(one).total_cmp(&widest(other)))
        });
        let middle = |valley: &&[Point]| valley[valley.len() / 2];
        valleys.iter().take(REFINED).map(middle).collect()
    }

    /// Smaller and smaller steps downhill.
    fn refine(&self, from: Point) -> Point {
        let mut best = from;
        let (mut step, mut shift) = (COARSE.ln() / 2.0, 40_000);
        while step > 5e-5 {
            let mut tried = vec![
                self.at(best.figure * step.exp(), best.begin),
                self.at(best.figure / step.exp(), best.begin),
            ];
            if has_begin(self.family) {
                for begin in [best.begin - shift, best.begin + shift] {
                    tried.push(self.at(best.figure, begin));
                    tried.push(self.at(best.figure * step.exp(), begin));
                    tried.push(self.at(best.figure / step.exp(), begin));
                }
            }
            let better = tried.into_iter().min_by_key(|point| point.fit.level.cost());
            match better {
                Some(better) if better.fit.level.cost() < best.fit.level.cost() => best = better,
                _ => (step, shift) = (step / 2.0, (shift / 2).max(500)),
            }
        }
        best
    }

    /// What a figure may cost more than the best one, and be as good.
    pub(crate) fn slack(&self) -> usize {
        self.seen.all.len() / 200
    }

    /// How far the figure can be moved one way without a further contradiction; and whether it got to the end.
    fn edge(&self, from: Point, end: f64) -> (f64, bool) {
        let good = |figure: f64| {
            self.at(figure, from.begin).fit.level.cost() <= from.fit.level.cost() + self.slack()
        };
        if from.figure == end || good(end) {
            return (end, true);
        }
        // Steps that grow, then halves of the last one.
        let (mut inside, mut step) = (from.figure, 2e-4_f64);
        let up = end > from.figure;
        let outside = loop {
            let next = if up {
                inside * (1.0 + step)
            } else {
                inside / (1.0 + step)
            };
            if (up && next >= end) || (!up && next <= end) {
                break end;
            }
            if !good(next) {
                break next;
            }
            (inside, step) = (next, step * 1.6);
        };
        let mut outside = outside;
        for _ in 0..12 {
            let middle = (inside * outside).sqrt();
            if good(middle) {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        (inside, false)
    }

    fn found(&self, point: Point) -> Found {
        let (from, until) = self.bounds();
        let (low, at_from) = self.edge(point, from);
        let (high, at_until) = self.edge(point, until);
        let mut levels = (point.fit.level.low, point.fit.level.high);
        let (share, earlier, later) = self.share_of_begins(point);
        for (figure, begin) in [
            (low, point.begin),
            (high, point.begin),
            (point.figure, earlier),
            (point.figure, later),
        ] {
            let level = self.at(figure, begin).fit.level;
            levels = (levels.0.min(level.low), levels.1.max(level.high));
        }
        let rounded = roundest(self.family, low, high)
            .map(|figure| self.at(figure, point.begin))
            .filter(|rounded| rounded.fit.level.cost() <= point.fit.level.cost() + self.slack());
        let mut fit = rounded.unwrap_or(point).fit;
        fit.level.low = fit.level.low.max(1);
        Found {
            family: self.family,
            fit,
            range: (low, high),
            levels,
            begins: share,
            unbounded: at_from || at_until,
        }
    }
}

/// The same with another figure.
pub(crate) fn at_figure(seen: &Seen, found: &Found, figure: f64) -> Found {
    let (_, begin) = found.fit.shape.figure_and_begin();
    let fit = fit(seen, shape(found.family, figure, begin), found.fit.counted);
    Found { fit, ..*found }
}

/// What is seen, judged by fewer and fewer decisions.
struct Views {
    all_of_it: Seen,
    all: Seen,
    thicker: Seen,
    thin: Seen,
}

impl Views {
    fn new(seen: &Seen, counted: bool) -> Self {
        // Where refusals count, the state is made of all decisions and anew for each level, which takes its time; else of passes alone.
        let begun = if counted {
            seen.begin(MOST.min(seen.all.len()))
        } else {
            seen.begin_of_passes(MOST)
        };
        let all = if counted { &begun } else { seen }.judged_by(JUDGED_BY);
        Self {
            all_of_it: seen.judged_by(JUDGED_BY),
            all,
            thicker: begun.judged_by(REFINED_BY),
            thin: begun.judged_by(WALKED),
        }
    }

    fn whole(&self, family: Family, counted: bool) -> Search<'_> {
        Search {
            seen: &self.all,
            family,
            counted,
        }
    }
}

/// The same with figures that people write, as far as those are near: a walk downhill along figures that hang together, as a window, its
/// begin and its limit do, ends where it began, and passes them by.
pub(crate) fn round_ones(seen: &Seen, best: &Found) -> Vec<Found> {
    if !has_begin(best.family) && !best.fit.counted {
        return Vec::new();
    }
    let views = Views::new(seen, best.fit.counted);
    let whole = views.whole(best.family, best.fit.counted);
    let refine = Search {
        seen: &views.thicker,
        ..whole
    };
    let (figure, begin) = best.fit.shape.figure_and_begin();
    let near = |round: &f64| (round / figure).ln().abs() < ROUND_WITHIN;
    let rounds = round_figures(best.family).filter(near);
    let begins = |round: f64| {
        let on_the_epoch = has_begin(best.family).then(|| refine.epoch());
        [Some(refine.settle(round, begin)), on_the_epoch]
            .into_iter()
            .flatten()
    };
    let points = rounds.flat_map(|round| {
        begins(round).map(move |begin| whole.at(round, mid_run(seen, best.family, round, begin)))
    });
    points
        .map(|point| on_all(&views.all_of_it, whole.found(point)))
        .collect()
}

/// The same with the figures, too, of windows on the clock that begin at other moments and explain as much: a limit that is one less, in
/// windows that begin a little earlier, may be hard to tell from it.
pub(crate) fn with_other_begins(seen: &Seen, found: &Found) -> Found {
    let mut wide = *found;
    if !has_begin(found.family) || found.family == Family::CounterFirst {
        return wide;
    }
    let views = Views::new(seen, found.fit.counted);
    let whole = views.whole(found.family, found.fit.counted);
    let (figure, begin) = found.fit.shape.figure_and_begin();
    let own = whole.at(figure, begin);
    let begins = whole.begins(&seen.openings(), figure);
    let settled = begins
        .into_iter()
        .map(|begin| mid_run(seen, found.family, figure, whole.settle(figure, begin)));
    let as_good = |point: &Point| point.fit.level.cost() <= own.fit.level.cost() + whole.slack();
    for point in settled.map(|begin| whole.at(figure, begin)).filter(as_good) {
        wide.widen(&whole.found(point));
    }
    wide
}

/// The best of a family that is near to a shape of it.
pub(crate) fn near(seen: &Seen, family: Family, from: Shape) -> Found {
    if family == Family::Open {
        return only(seen, family);
    }
    let views = Views::new(seen, false);
    let whole = views.whole(family, false);
    let refine = Search {
        seen: &views.thicker,
        ..whole
    };
    let (figure, begin) = from.figure_and_begin();
    let point = refine.refine(refine.at(figure, begin));
    whole.found(whole.at(point.figure, mid_run(seen, family, point.figure, point.begin)))
}

/// All shapes of a family of a walk in such steps, round ones among them.
pub(crate) fn shapes(seen: &Seen, family: Family, step: f64) -> Vec<Shape> {
    if family == Family::Open {
        return vec![Shape::Open];
    }
    let walk = Search {
        seen,
        family,
        counted: false,
    };
    let (from, until) = walk.bounds();
    let openings = seen.openings();
    let even = std::iter::successors(Some(from), |figure| Some(figure * step));
    let round = round_figures(family).filter(|figure| (from..=until).contains(figure));
    even.take_while(|figure| *figure <= until)
        .chain(round)
        .flat_map(|figure| {
            let begins = walk.begins(&openings, figure).into_iter();
            begins.map(move |begin| shape(family, figure, begin))
        })
        .collect()
}

/// Connections at the same time have no figure to look for.
fn only(seen: &Seen, family: Family) -> Found {
    let whole = Search {
        seen,
        family,
        counted: false,
    };
    let point = whole.at(1.0, 0);
    Found {
        family,
        fit: point.fit,
        range: (1.0, 1.0),
        levels: (point.fit.level.low, point.fit.level.high),
        begins: 1.0,
        unbounded: false,
    }
}

/// The best of a family: each figure that explains the decisions, for what explains as much may be less likely.
pub(crate) fn search(seen: &Seen, family: Family, counted: bool) -> Vec<Found> {
    if family == Family::Open {
        return vec![only(seen, family)];
    }
    let views = Views::new(seen, counted);
    let whole = views.whole(family, counted);
    let walk = Search {
        seen: &views.thin,
        ..whole
    };
    let refine = Search {
        seen: &views.thicker,
        ..whole
    };
    let refined = walk
        .coarse()
        .into_iter()
        .map(|point| refine.refine(refine.at(point.figure, point.begin)));
    let points: Vec<Point> = refined
        .map(|point| whole.at(point.figure, mid_run(seen, family, point.figure, point.begin)))
        .collect();
    let least = points.iter().map(|point| point.fit.level.cost()).min();
    let near = |point: &&Point| point.fit.level.cost() <= least.unwrap_or(0) + AS_LOW;
    let found = points.iter().filter(near).map(|point| whole.found(*point));
    found.map(|found| on_all(&views.all_of_it, found)).collect()
}

/// Where refusals count and only the first decisions were looked at, those behind them contradict, too: the figure of the range that
/// they contradict least.
fn on_all(seen: &Seen, found: Found) -> Found {
    if !found.fit.counted || seen.all.len() <= MOST {
        return found;
    }
    let (low, high) = found.range;
    [found.fit.shape.figure(), low, (low * high).sqrt(), high]
        .map(|figure| at_figure(seen, &found, figure))
        .into_iter()
        .min_by_key(|found| found.fit.level.missed())
        .expect("its own figure is tried")
}

/// The rows of points, in the order of their figures, that cost the same and less than those beside them.
fn valleys(points: &[Point]) -> Vec<&[Point]> {
    let cost = |point: &Point| point.fit.level.cost();
    let rows: Vec<&[Point]> = points.chunk_by(|one, other| cost(one) == cost(other)).collect();
    let lower = |nth: usize| {
        let beside = [nth.checked_sub(1), Some(nth + 1)].into_iter().flatten();
        beside
            .filter_map(|beside| rows.get(beside))
            .all(|beside| cost(&beside[0]) > cost(&rows[nth][0]))
    };
    (0..rows.len())
        .filter(|nth| lower(*nth))
        .map(|nth| rows[nth])
        .collect()
}
