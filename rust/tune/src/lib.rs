//! Settings worth having: a search over policy, shared gate and ramp-up on the simulator, for so many users before a limit.
//!
//! Here live what is asked, how candidates are tried and judged, and what the answer holds. Not here: storms (`simulate`), and how an
//! answer is printed.
//!
//! Pure: no clock, no I/O, no thread. The same question has the same answer.
//!
//! ```
//! use simulate::Storm;
//! use tune::{Goal, Question, tune};
//!
//! let storm = Storm::new("token-bucket rate=20 burst=20".parse()?, 60);
//! let question = Question { seeds: 4, ..Question::new(storm, Goal::Soonest) };
//! let answer = tune(&question, &mut || true).expect("nobody stops it");
//! assert!(answer.settings[0].figures.lost.most == 0.0);
//! # Ok::<(), limiter::LimitError>(())
//! ```

mod answer;
mod goal;
mod point;
mod ramp;
mod search;

pub use answer::{Answer, Kind, Note, Setting, properties};
pub use goal::Goal;

use backoff::{PacerMode, Policy};
use search::Search;
use simulate::{Habit, Storm};
use std::time::Duration;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// Who storms against what; its policy and gate do not matter.
    pub storm: Storm,
    /// How the users try today.
    pub today: Habit,
    /// What is best.
    pub goal: Goal,
    /// Over how many storms the figures of the answer go.
    pub seeds: u64,
}

impl Question {
    /// With the loop of today's scripts, and 20 storms.
    #[must_use]
    pub fn new(storm: Storm, goal: Goal) -> Self {
        Self {
            storm,
            today: "fixed=500ms tries=3".parse().expect("a script"),
            goal,
            seeds: 20,
        }
    }
}

/// Looks for the settings. `goes_on` is asked after each storm; `None`: it said no.
pub fn tune(question: &Question, goes_on: &mut dyn FnMut() -> bool) -> Option<Answer> {
    let mut search = Search::new(question, goes_on);
    let today = search.today()?;
    let mut found = Vec::new();
    for kind in [Kind::Alone, Kind::Pause, Kind::Pace] {
        found.push(search.usual(kind)?);
        found.push(search.best(kind)?);
    }
    let calm = ramp::calm(&mut search)?;
    Some(answer::answer(question, today, found, calm))
}

/// The same of the plugin as it comes with each kind of gate, given the time that its users need: no search, so it takes a small part
/// of the time.
pub fn usual(question: &Question, goes_on: &mut dyn FnMut() -> bool) -> Option<Answer> {
    let mut search = Search::new(question, goes_on);
    let today = search.today()?;
    let mut found = Vec::new();
    for kind in [Kind::Alone, Kind::Pause, Kind::Pace] {
        found.push(search.usual(kind)?);
    }
    let calm = ramp::calm(&mut search)?;
    Some(answer::answer(question, today, found, calm))
}

/// A policy that stops by nothing but its time.
fn patient(policy: &Policy, time: Duration) -> Policy {
    Policy {
        max_elapsed: time,
        ..policy.clone()
    }
}

/// The mode of the gate of such settings.
fn mode(kind: Kind) -> PacerMode {
    match kind {
        Kind::Pause => PacerMode::Pause,
        Kind::Pace => PacerMode::Pace,
        Kind::Today | Kind::Alone | Kind::Calm => PacerMode::Off,
    }
}
