//! How an answer is judged by the truth, and the counts of many such judgements.

use find::{Figures, Finding, Kind};
use limiter::{LimitSpec, Rule};

/// Figures with a wider interval than this are not promised to be near.
const NARROW: f64 = 1.1;
/// How near figures are told that are known.
const NEAR: f64 = 0.05;

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The kind is named, and whether refusals count is told right or left open.
    Named,
    /// The same, but another kind is named first, and this one told to be as possible.
    Possible,
    /// It says that it cannot tell.
    CannotTell,
    /// Anything else.
    Wrong,
}

impl Verdict {
    /// By any of the limits that are the same to whoever sees only decisions.
    pub(crate) fn of(truths: &[LimitSpec], found: &Finding) -> Self {
        let counted_right = |truth: &LimitSpec| {
            found
                .refusals_count
                .is_none_or(|counted| counted == truth.limits[0].reject_counts)
        };
        let is = |kind: Kind, truth: &LimitSpec| kind.word() == truth.limits[0].rule.word();
        if truths[0].limits.len() > 1 || found.second.is_some() {
            return Self::of_two(&truths[0], found);
        }
        let named = |truth: &LimitSpec| counted_right(truth) && is(found.kind, truth);
        let possible = |truth: &LimitSpec| {
            counted_right(truth) && found.also_possible.iter().any(|kind| is(*kind, truth))
        };
        match found.kind {
            Kind::Unknown => Self::CannotTell,
            _ if truths.iter().any(named) => Self::Named,
            _ if truths.iter().any(possible) => Self::Possible,
            _ => Self::Wrong,
        }
    }

    /// Where one of the two sides has two limits: in any order, each named or told to be as possible.
    fn of_two(truth: &LimitSpec, found: &Finding) -> Self {
        let ([one, other], Some(second)) = (&truth.limits[..], &found.second) else {
            return match found.kind {
                Kind::Unknown => Self::CannotTell,
                _ => Self::Wrong,
            };
        };
        let named = |kind: Kind, rule: &Rule| kind.word() == rule.word();
        let first_as = |rule: &Rule, also: bool| {
            named(found.kind, rule) || also && found.also_possible.iter().any(|kind| named(*kind, rule))
        };
        let second_as = |rule: &Rule, also: bool| {
            named(second.kind, rule) || also && second.also_possible.iter().any(|kind| named(*kind, rule))
        };
        let in_any_order = |also: bool| {
            first_as(&one.rule, also) && second_as(&other.rule, also)
                || first_as(&other.rule, also) && second_as(&one.rule, also)
        };
        if in_any_order(false) {
            Self::Named
        } else if in_any_order(true) {
            Self::Possible
        } else {
            Self::Wrong
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Possible => "possible",
            Self::CannotTell => "cannot tell",
            Self::Wrong => "WRONG",
        }
    }
}

/// The counts.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Score {
    all: usize,
    named: usize,
    possible: usize,
    wrong: usize,
    /// Those whose kind is named, and whose figures have narrow intervals.
    figures: usize,
    near: usize,
}

impl Score {
    /// Judges an answer; prints it where it is not just right.
    pub(crate) fn judge(&mut self, what: &str, truths: &[LimitSpec], found: &Finding) {
        self.judge_of(what, truths, false, found);
    }

    /// The same of a limit that each user may have for itself.
    pub(crate) fn judge_of(&mut self, what: &str, truths: &[LimitSpec], each_user: bool, found: &Finding) {
        let verdict = match Verdict::of(truths, found) {
            Verdict::Named | Verdict::Possible if found.each_user.is_some() != each_user => Verdict::Wrong,
            verdict => verdict,
        };
        let told = truths.iter().filter_map(|truth| figures_are_near(truth, found));
        let near = (verdict == Verdict::Named)
            .then(|| told.reduce(|one, other| one || other))
            .flatten();
        self.all += 1;
        self.named += usize::from(verdict == Verdict::Named);
        self.possible += usize::from(verdict == Verdict::Possible);
        self.wrong += usize::from(verdict == Verdict::Wrong);
        self.figures += usize::from(near.is_some());
        self.near += usize::from(near == Some(true));
        if verdict != Verdict::Named || near == Some(false) {
            let also: Vec<&str> = found.also_possible.iter().map(|kind| kind.word()).collect();
            let second = found.second.iter().flat_map(|second| &second.also_possible);
            let second: Vec<String> = second.map(|kind| format!(" / {}", kind.word())).collect();
            let truths: Vec<String> = truths.iter().map(ToString::to_string).collect();
            println!(
                "{:12} {what} ({}): {} (also {}{})",
                verdict.word(),
                truths.join(" | "),
                found.sentence(),
                also.join(", "),
                second.join(", ")
            );
        }
    }

    pub(crate) fn add(&mut self, other: Score) {
        self.all += other.all;
        self.named += other.named;
        self.possible += other.possible;
        self.wrong += other.wrong;
        self.figures += other.figures;
        self.near += other.near;
    }

    /// In one line.
    pub(crate) fn line(&self) -> String {
        let share = |count: usize| 100.0 * count as f64 / self.all.max(1) as f64;
        format!(
            "right {:.1} % (named {:.1} %, possible beside another {:.1} %), wrong {:.1} %, of {}; figures within 5 %: {} of {}",
            share(self.named + self.possible),
            share(self.named),
            share(self.possible),
            share(self.wrong),
            self.all,
            self.near,
            self.figures
        )
    }

    /// Whether the promise is kept: 90 % right, at most 2 % wrong.
    pub(crate) fn is_kept(&self) -> bool {
        10 * (self.named + self.possible) >= 9 * self.all && 50 * self.wrong <= self.all
    }
}

/// Whether the figures are as near as promised; `None`: they are not told, or only by a wide interval.
fn figures_are_near(truth: &LimitSpec, found: &Finding) -> Option<bool> {
    let first = Figures {
        rate_per_second: found.rate_per_second,
        burst: found.burst,
        limit: found.limit,
        window_ms: found.window_ms,
        intervals: found.intervals.clone(),
    };
    let Some(second) = &found.second else {
        return near(&truth.limits[0].rule, found.kind, &first);
    };
    let [one, other] = &truth.limits[..] else {
        return None;
    };
    let both = |one: &Rule, other: &Rule| {
        let told = near(one, found.kind, &first).zip(near(other, second.kind, &second.figures));
        told.map(|(one, other)| one && other)
    };
    let orders = [both(&one.rule, &other.rule), both(&other.rule, &one.rule)];
    orders.into_iter().flatten().reduce(|one, other| one || other)
}

fn near(truth: &Rule, kind: Kind, found: &Figures) -> Option<bool> {
    let narrow = found
        .intervals
        .values()
        .all(|[low, high]| *high <= low * NARROW + 1.0);
    if !narrow || kind.word() != truth.word() {
        return None;
    }
    let near = |told: Option<f64>, real: f64| told.is_some_and(|told| (told / real - 1.0).abs() <= NEAR);
    // One more or less of a few is a decision on which way round two went.
    let count = |told: Option<u64>, real: u32| {
        told.is_some_and(|told| told.abs_diff(u64::from(real)) <= 1)
            || near(told.map(|told| told as f64), f64::from(real))
    };
    Some(match *truth {
        Rule::TokenBucket { rate, burst } | Rule::Queue { rate, burst, .. } => {
            near(found.rate_per_second, rate) && count(found.burst, burst)
        }
        Rule::FixedWindow { limit, window, .. }
        | Rule::SlidingWindow { limit, window }
        | Rule::SlidingCounter { limit, window, .. } => {
            near(found.window_ms, 1e3 * window.as_secs_f64()) && count(found.limit, limit)
        }
        Rule::Concurrency { limit } => count(found.limit, limit),
        Rule::Unlimited => true,
    })
}
