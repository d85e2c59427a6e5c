//! What is said about a plan: an entry an element that was moved, left or looked at.

use crate::jmx::{ItemId, Plan};

/// What became of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is something else now, which is named.
    Moved(String),
    /// It was taken out, for this reason.
    Removed(String),
    /// One of its values was changed: from what, into what.
    Changed(String),
    /// It stays as it was although it should go, for this reason: the plan still needs what it needed.
    Left(String),
    /// It stays as it was, and something about it is worth knowing.
    Noted(String),
}

/// One element of a plan, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its line in the file that was read.
    pub line: usize,
    /// Its name in the plan, and what it was.
    pub element: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What is different from now on, and what to look at.
    pub notes: Vec<String>,
}

impl Entry {
    pub(crate) fn of(plan: &Plan, item: ItemId, outcome: Outcome) -> Self {
        let class = plan.class(item);
        let short = class.rsplit('.').next().unwrap_or(class);
        Self {
            line: plan.line(item),
            element: format!("{} ({short})", plan.name(item)),
            outcome,
            notes: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }
}
