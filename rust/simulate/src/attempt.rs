//! One attempt of a storm, as somebody sees it who stands at both ends of the line. Not here: how it is written into a trace.

use std::time::Duration;

/// One attempt. All times count from the storm's begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Who tried, from 0; of several processes those of the first one come first.
    pub user: usize,
    /// The how many-eth try of this user it was, from 1.
    pub nth: u64,
    /// When the user sent it.
    pub sent: Duration,
    /// When it reached the server, which decided at once; `None`: it was still on its way when the user's time was over.
    pub decided: Option<Duration>,
    /// When the user knew.
    pub answered: Duration,
    /// What came of it.
    pub answer: Answer,
    /// When the server lost who got in, where users leave ([`crate::Storm::held`]). It also has a place for whom it let in too late.
    pub left: Option<Duration>,
}

/// What came of an attempt, as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The user is in.
    In,
    /// It is not, in the form of [`crate::Storm::look`]; with the header that says when to come back, name and value.
    Refused(Option<(String, String)>),
    /// Nothing came within the attempt's time.
    TimedOut,
}

impl Attempt {
    pub(crate) fn sent(user: usize, nth: u64, now: Duration) -> Self {
        Self {
            user,
            nth,
            sent: now,
            decided: None,
            answered: now,
            answer: Answer::TimedOut,
            left: None,
        }
    }
}
