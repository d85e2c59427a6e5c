//! Which samplers an element has to do with: those that it counts for, or those of its thread group where it hears of them by variables.

use super::{Into, Survey};
use crate::groups::is_group;
use crate::jmx::{ItemId, Plan};
use crate::scripts::is_sampler;

/// How many samplers of each sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Met {
    all: usize,
    /// Samplers that have moved.
    moved: usize,
    /// Of these, those that only open a connection.
    pub(super) connects: usize,
    /// Of these, those with a connection of their own.
    pub(super) fresh: usize,
    /// Of these, those that close one.
    pub(super) closes: usize,
    /// Whether it counts for them, and sees their samples only.
    pub(super) scoped: bool,
}

impl Met {
    pub(super) fn ours(self) -> bool {
        self.moved > 0
    }

    pub(super) fn only_fresh(self) -> bool {
        self.fresh > 0 && self.fresh == self.all
    }

    fn and(self, other: Met) -> Self {
        Self {
            all: self.all + other.all,
            moved: self.moved + other.moved,
            connects: self.connects + other.connects,
            fresh: self.fresh + other.fresh,
            closes: self.closes + other.closes,
            scoped: false,
        }
    }

    fn without(self, other: Met) -> Self {
        Self {
            all: self.all - other.all,
            moved: self.moved - other.moved,
            connects: self.connects - other.connects,
            fresh: self.fresh - other.fresh,
            closes: self.closes - other.closes,
            scoped: false,
        }
    }
}

/// The samplers before each element of the plan, counted: those that run, and all.
#[derive(Debug)]
pub(super) struct Reach {
    running: Vec<Met>,
    all: Vec<Met>,
}

impl Reach {
    pub(super) fn of(plan: &Plan, survey: &Survey) -> Self {
        let count = |counts: &dyn Fn(ItemId) -> bool| {
            let mut sum = Met::default();
            let mut before = vec![sum];
            before.extend(plan.items().map(|item| {
                if counts(item) {
                    sum = sum.and(one(plan, survey, item));
                }
                sum
            }));
            before
        };
        Self {
            running: count(&|item| plan.runs(item)),
            all: count(&|_| true),
        }
    }

    /// The samplers that an element has to do with.
    pub(super) fn met_by(&self, plan: &Plan, item: ItemId) -> Met {
        let class = plan.class(item);
        let ends = ["PostProcessor", "Assertion", "Listener", "Extractor"];
        let scoped = ends.iter().any(|end| class.ends_with(end));
        let group = || plan.above(item).find(|above| is_group(plan.class(*above)));
        let place = if scoped { plan.parent(item) } else { group() };
        let within = place.map_or(plan.items(), |place| place..plan.inside(place).end);
        let before = if plan.runs(item) { &self.running } else { &self.all };
        Met {
            scoped,
            ..before[within.end].without(before[within.start])
        }
    }
}

/// What one element counts as.
fn one(plan: &Plan, survey: &Survey, item: ItemId) -> Met {
    if !is_sampler(plan.class(item)) {
        return Met::default();
    }
    let found = survey.moves.get(&item);
    let becomes = |end: &str| {
        found.is_some_and(
            |found| matches!(&found.into, Into::Element(element) if element.class.ends_with(end)),
        )
    };
    Met {
        all: 1,
        moved: usize::from(found.is_some()),
        connects: usize::from(becomes(".ConnectSampler")),
        closes: usize::from(becomes(".CloseSampler")),
        fresh: usize::from(found.is_some_and(|found| found.below.is_some())),
        scoped: false,
    }
}
