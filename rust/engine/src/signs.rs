//! What all attempts of a run tell together: of limits that do not say that they are one. How it is worded, adapters know.

use std::time::Duration;

use backoff::{LockedOut, Smell};

/// See the file's sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signs {
    /// In the order of [`Smell::ALL`], each once.
    pub smells: Vec<Smell>,
    /// The last that was found of a lock-out.
    pub locked_out: Option<LockedOut>,
    /// How long a call may try.
    pub max_elapsed: Duration,
}
