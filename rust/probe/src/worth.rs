//! What the outcome of an experiment would tell of the models that say what it would be.

use crate::FINE;
use crate::class::Class;
use crate::model::Model;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a model says would come of it.
pub(crate) struct Course {
    pub(crate) outcome: u64,
    pub(crate) tries: u32,
    pub(crate) time: Duration,
}

/// The same with tries that come a little early, and a little late: what hangs on that tells nothing of the model.
pub(crate) struct Told {
    pub(crate) figures: Figures,
    pub(crate) weight: f64,
    pub(crate) courses: [Course; 2],
}

/// A kind with its figures, as finely as they are to be known: in steps from those of one of its models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Figures {
    pub(crate) kind: Class,
    pub(crate) count: i32,
    pub(crate) scale: i32,
}

impl Figures {
    pub(crate) fn of(class: Class, model: &Model, from: &Model) -> Figures {
        #[allow(clippy::cast_possible_truncation)] // a small number of steps
        let steps =
            |figure: f64, from: f64| ((figure.max(0.5) / from.max(0.5)).ln() / FINE.ln()).round() as i32;
        Figures {
            kind: class.kind(),
            count: steps(model.count, from.count),
            scale: steps(model.scale * 1e3, from.scale * 1e3),
        }
    }
}

/// Bits that the outcome tells, in all and of the kind.
pub(crate) fn information(told: &[Told]) -> (f64, f64) {
    let mut all = told
        .iter()
        .flat_map(|one| &one.courses)
        .map(|course| course.outcome);
    let first = all.next();
    if all.all(|outcome| Some(outcome) == first) {
        return (0.0, 0.0);
    }
    let mut outcomes: BTreeMap<u64, f64> = BTreeMap::new();
    let mut of_figures = Given::default();
    let mut of_kind = Given::default();
    for one in told {
        for course in &one.courses {
            let weight = one.weight / 2.0;
            *outcomes.entry(course.outcome).or_default() += weight;
            of_figures.add(one.figures, course.outcome, weight);
            of_kind.add(one.figures.kind, course.outcome, weight);
        }
    }
    let all = entropy(outcomes.values());
    let told_by = |left: f64| (all - left).max(0.0);
    (told_by(of_figures.left()), told_by(of_kind.left()))
}

/// What stays open of the outcome for whoever knows something.
struct Given<T> {
    known: BTreeMap<T, f64>,
    outcomes: BTreeMap<(T, u64), f64>,
}

impl<T> Default for Given<T> {
    fn default() -> Self {
        Given {
            known: BTreeMap::new(),
            outcomes: BTreeMap::new(),
        }
    }
}

impl<T: Copy + Ord> Given<T> {
    fn add(&mut self, known: T, outcome: u64, weight: f64) {
        *self.known.entry(known).or_default() += weight;
        *self.outcomes.entry((known, outcome)).or_default() += weight;
    }

    fn left(&self) -> f64 {
        entropy(self.outcomes.values()) - entropy(self.known.values())
    }
}

fn entropy<'a>(weights: impl Iterator<Item = &'a f64>) -> f64 {
    weights
        .filter(|&&weight| weight > 0.0)
        .map(|weight| -weight * weight.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_that_all_agree_on_tells_nothing() {
        let told = |kind, outcomes: [u64; 2]| Told {
            figures: Figures {
                kind,
                count: 0,
                scale: 0,
            },
            weight: 0.5,
            courses: outcomes.map(|outcome| Course {
                outcome,
                tries: 1,
                time: Duration::ZERO,
            }),
        };
        let same = [told(Class::Bucket, [1, 1]), told(Class::Fixed, [1, 1])];
        assert_eq!(information(&same), (0.0, 0.0));
        let apart = [told(Class::Bucket, [1, 1]), told(Class::Fixed, [2, 2])];
        assert_eq!(information(&apart), (1.0, 1.0));
        let by_chance = [told(Class::Bucket, [1, 2]), told(Class::Fixed, [1, 2])];
        assert_eq!(information(&by_chance), (0.0, 0.0));
    }
}
