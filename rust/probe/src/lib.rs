//! A short experiment that finds out what a limit is, with few tries: which to make next, and when enough is known.
//!
//! Here lives the choice of the next tries. The machine keeps a crowd of models, limits of every kind with all sorts of figures, and lets
//! each decide on what was tried so far; those that decide otherwise than the server go. Of the experiments that
//! it can think of it does the one on which the models that are left disagree most, for what it costs in tries and in time.
//! Not here: sockets (whoever drives it), and reading a limit out of tries that others made.
//!
//! Pure: no clock, no I/O. Times are since the experiment's begin.

mod crowd;
mod experiment;
mod history;
mod model;
pub mod rehearsal;

pub use experiment::{Leg, Until};
pub use history::{NOTICED, Try, Verdict};
pub use model::Class;

use crowd::Crowd;
use experiment::Chosen;
use history::History;
use limiter::LimitSpec;
use std::time::Duration;

/// So many of the first tries go slowly: a window that slides lets them in again one by one, one that begins anew all at once.
const SLOW: u32 = 10;
const SLOW_GAP: Duration = Duration::from_millis(50);
const QUICK_GAP: Duration = Duration::from_millis(3);
/// A refusal alone may be chance.
const CONFIRM: u32 = 2;
/// The share of the budget that the search for a first refusal may take.
const SEARCH_SHARE: f64 = 0.7;
/// How far the figures may be apart, high against low, to be known.
const FINE: f64 = 1.08;

/// What an experiment may cost.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// How many tries.
    pub tries: u32,
    /// How long it may take.
    pub time: Duration,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Close so many of the connections that are open, and wait until the server has noticed.
    Release(u32),
    /// Make these tries, and tell what came of them; hold each connection open that is let in, if so said.
    Tries {
        /// One behind the other.
        legs: Vec<Leg>,
        /// Whether connections stay open.
        hold: bool,
        /// Why, for whoever watches.
        purpose: &'static str,
    },
    /// Nothing more.
    Done(Ending),
}

/// Why no more tries follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Kind and figures are known as well as they can be.
    Known,
    /// No further experiment within reach tells the models that are left apart.
    Alike,
    /// Nobody was refused.
    NoRefusal,
    /// The tries are used up.
    Tries,
    /// The time is.
    Time,
    /// What the server does is like no limit that is known here.
    Strange,
}

/// A model that agrees with what was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its kind.
    pub class: Class,
    /// The model that contradicts the fewest decisions, with figures that people would write where several are equal.
    pub limit: LimitSpec,
    /// How many decisions it contradicts.
    pub contradicted: u32,
    /// The figures that agree as well: of the count (limit or burst), and of the window in seconds or the rate a second.
    pub counts: (f64, f64),
    /// See `counts`.
    pub scale: (f64, f64),
}

/// The experiment.
#[derive(Debug)]
pub struct Probe {
    budget: Budget,
    history: History,
    crowd: Crowd,
    /// Tries in the search for the first refusal, and behind it.
    confirmed: bool,
    /// Connections that are held open.
    held: u32,
    settled: bool,
    failed: u32,
    /// No experiment told the models apart once before.
    doubted: bool,
}

impl Probe {
    /// An experiment that has not begun. The same `seed` and the same answers give the same tries.
    #[must_use]
    pub fn new(budget: Budget, seed: u64) -> Self {
        Probe {
            budget,
            history: History::default(),
            crowd: Crowd::new(seed),
            confirmed: false,
            held: 0,
            settled: false,
            failed: 0,
            doubted: false,
        }
    }

    /// What to do next, at `now`.
    pub fn next(&mut self, now: Duration) -> Step {
        let left = self.budget.tries.saturating_sub(self.tries_made());
        if left == 0 {
            return self.done(Ending::Tries);
        }
        if now >= self.budget.time {
            return self.done(Ending::Time);
        }
        if !self.history.was_refused() {
            return self.search(left);
        }
        if !self.confirmed {
            self.confirmed = true;
            let legs = vec![Leg::at_once(CONFIRM.min(left), QUICK_GAP, Until::Never)];
            return self.tries(legs, "whether it stays so");
        }
        self.crowd.learn(&self.history);
        self.experiment(now, left)
    }

    /// What came of a try; those that went together in the order in which they were sent.
    pub fn seen(&mut self, tried: Try) {
        if tried.verdict.passed() {
            self.held += 1;
        }
        self.history.push(tried);
    }

    /// A try that says nothing of the limit, as a server in trouble answers it; it costs like any other.
    pub fn failed(&mut self) {
        self.failed += 1;
    }

    /// So many connections that were held open are closed, since `at`.
    pub fn released(&mut self, at: Duration, count: u32) {
        self.held = self.held.saturating_sub(count);
        self.history.release(at, count);
    }

    /// The models that agree with what was seen, the best first.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate> {
        self.crowd.candidates()
    }

    /// How many tries were made.
    #[must_use]
    pub fn tries_made(&self) -> u32 {
        self.history.tries() + self.failed
    }

    fn search(&self, left: u32) -> Step {
        let made = self.tries_made();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of it
        let most = (f64::from(self.budget.tries) * SEARCH_SHARE) as u32;
        if made >= most {
            return Step::Done(Ending::NoRefusal);
        }
        let (count, gap) = match SLOW.checked_sub(made) {
            Some(slow @ 1..) => (slow, SLOW_GAP),
            _ => (most - made, QUICK_GAP),
        };
        let legs = vec![Leg::at_once(count.min(left), gap, Until::Refused)];
        self.tries(legs, "how many are let in at once")
    }

    fn experiment(&mut self, now: Duration, left: u32) -> Step {
        let alive = self.crowd.classes();
        if alive.is_empty() {
            return self.done(Ending::Strange);
        }
        if !alive.contains(&Class::Concurrency) && self.held > 0 && !self.settled {
            self.settled = true;
            return Step::Release(self.held);
        }
        if self.crowd.is_known(FINE) {
            self.crowd.doubt(&self.history);
            if self.crowd.is_known(FINE) {
                return self.done(Ending::Known);
            }
        }
        let bounds = Budget {
            tries: left,
            time: self.budget.time - now,
        };
        match experiment::choose(&mut self.crowd, now, bounds, self.budget, self.held) {
            None if !self.doubted => {
                // What was lost on the way may ask for another experiment.
                self.doubted = true;
                self.crowd.doubt(&self.history);
                self.experiment(now, left)
            }
            None => self.done(Ending::Alike),
            Some(Chosen::Release(count)) => Step::Release(count),
            Some(Chosen::Tries(legs, purpose)) => self.tries(legs, purpose),
        }
    }

    /// The budget holds whatever comes: also where no try ends a series early.
    fn tries(&self, mut legs: Vec<Leg>, purpose: &'static str) -> Step {
        let mut left = self.budget.tries.saturating_sub(self.tries_made());
        for leg in &mut legs {
            leg.count = leg.count.min(left);
            left -= leg.count;
        }
        legs.retain(|leg| leg.count > 0);
        Step::Tries {
            legs,
            hold: !self.settled,
            purpose,
        }
    }

    fn done(&mut self, ending: Ending) -> Step {
        if self.confirmed && ending != Ending::Known {
            self.crowd.learn(&self.history);
            self.crowd.doubt(&self.history);
        }
        Step::Done(ending)
    }
}
