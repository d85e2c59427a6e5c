//! What each element did.

use crate::spread::{Named, Spread};
use crate::tries::Ended;

/// Elements that are told apart, as a target may hold what differs from user to user.
const ELEMENTS: usize = 40;

/// An element's figures.
#[derive(Debug, Clone, Default)]
pub(crate) struct Element {
    /// Attempts, turns, or fetches.
    pub(crate) steps: u64,
    /// Calls that ended well, and those that did not.
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) took: Spread,
    pub(crate) waited: Spread,
}

impl Element {
    pub(crate) fn end(&mut self, ended: Ended) {
        if ended.passed {
            self.passed += 1;
            self.took.add(ended.took);
        } else {
            self.failed += 1;
        }
        self.waited.add(ended.waited);
    }
}

/// All of them, by class and name or target; or by their labels.
#[derive(Debug)]
pub(crate) struct Elements(pub(crate) Named<Element>);

impl Default for Elements {
    fn default() -> Self {
        Elements(Named::up_to(ELEMENTS))
    }
}

impl Elements {
    pub(crate) fn of(&mut self, class: &str, name: &str) -> &mut Element {
        self.0.of(&format!("{class} {name}"))
    }

    pub(crate) fn named(&mut self, name: &str) -> &mut Element {
        self.0.of(name)
    }
}
