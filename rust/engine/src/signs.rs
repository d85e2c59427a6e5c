//! What all attempts of a run tell together: of limits that do not say that they are one. How it is worded, adapters know.

use std::time::Duration;

use backoff::{Finding, Smell};

/// See the file's sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signs {
    /// In the order of [`Smell::ALL`], each once.
    pub smells: Vec<Smell>,
    /// The last that all users of the quota found out: what loses some of them, if there was such a thing.
    pub found: Option<Finding>,
    /// How long a call may try.
    pub max_elapsed: Duration,
}
