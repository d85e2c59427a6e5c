//! A short experiment that finds out what a limit is, with few tries: which to make next, and when enough is known.
//!
//! Here lives the choice of the next tries. The machine keeps a crowd of models, limits of every kind with all sorts of figures, which
//! others used before or did not, and lets each decide on what was tried so far; those that decide otherwise than the server go. Of the experiments that
//! it can think of it does the one on which the models that are left disagree most, for what it costs in tries and in time.
//! Not here: sockets (whoever drives it), and reading a limit out of tries that others made.
//!
//! Pure: no clock, no I/O. Times are since the experiment's begin.

mod class;
mod crowd;
mod evidence;
mod experiment;
mod figures;
mod history;
mod model;
pub mod rehearsal;
mod state;
mod worth;

pub use class::Class;
pub use experiment::{Leg, Until};
pub use history::{NOTICED, Try, Verdict};

use crowd::{Crowd, Member};
use experiment::{Chosen, Stage, Way};
use history::{BEGIN, History, Mark};
use limiter::LimitSpec;
use std::collections::BTreeMap;
use std::time::Duration;

/// So many of the first tries go slowly: a window that slides lets them in again one by one, one that begins anew all at once.
const SLOW: u32 = 10;
const SLOW_GAP: Duration = Duration::from_millis(50);
/// A refusal alone may be chance.
const CONFIRM: u32 = 2;
/// The share of the budget that the search for a first refusal may take.
const SEARCH_SHARE: f64 = 0.7;
/// What a model says of a quota that nobody uses is tried after so many times what it needs for that.
const TO_REST: f64 = 1.1;
/// So long others' use is waited for at least.
const LEAST_WAIT: Duration = Duration::from_secs(1);
/// So many tries at once are on their way before a server has answered any of them.
const ON_TRUST: u32 = 16;

/// How many tries of a series may be without an answer, by how many of it have one: who is slow is asked for no more than it does, and one
/// in which they wait for each other still gets as many as it holds.
#[must_use]
pub fn most_unanswered(answered: u32) -> u32 {
    ON_TRUST + answered
}

/// How far figures that agree as well may be from those that are named, to be known.
const NEAR: f64 = 1.05;
/// In steps of so much one asks for figures.
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

/// What there is too little of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Short {
    /// Tries.
    Tries,
    /// Time.
    Time,
}

/// Why no more tries follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Kind and figures are known as well as they can be.
    Known,
    /// No further experiment tells the models that are left apart, however much is left.
    Alike,
    /// One that does takes more than is left.
    Beyond(Short),
    /// What is left does not suffice to see a quota that nobody had used before.
    Unproven(Short),
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
    /// Whether these are few enough to take it for the limit.
    pub explains: bool,
    /// Whether it was seen with all of its quota. Else others may have used some of it before the begin, and the figures be larger.
    pub proven: bool,
    /// The figures that agree as well: of the count (limit or burst), and of the window in seconds or the rate a second. The count has no
    /// upper end where it is not proven.
    pub counts: (f64, f64),
    /// See `counts`; of a cap whose places get free late, how long that takes.
    pub scale: (f64, f64),
    /// For how many seconds whoever is refused is blocked, where that is so.
    pub block: Option<(f64, f64)>,
}

/// The experiment.
#[derive(Debug)]
pub struct Probe {
    budget: Budget,
    history: History,
    crowd: Crowd,
    /// Tries by what they were for, and what the last ones are for.
    spent: BTreeMap<&'static str, u32>,
    purpose: Option<&'static str>,
    /// Tries in the search for the first refusal, and behind it.
    confirmed: bool,
    /// Connections that are held open.
    held: u32,
    /// Whether anybody was let in.
    let_in: bool,
    settled: bool,
    failed: u32,
    /// No experiment told the models apart once before.
    doubted: bool,
    /// How long to wait for others' use to be over, and how long it was the last time.
    wait: Option<Duration>,
    waited: Duration,
    /// When it began, or began anew.
    begun: Duration,
}

impl Probe {
    /// An experiment that has not begun. The same `seed` and the same answers give the same tries.
    #[must_use]
    pub fn new(budget: Budget, seed: u64) -> Self {
        Probe {
            budget,
            history: History::default(),
            crowd: Crowd::new(seed),
            spent: BTreeMap::new(),
            purpose: None,
            confirmed: false,
            held: 0,
            let_in: false,
            settled: false,
            failed: 0,
            doubted: false,
            wait: None,
            waited: Duration::ZERO,
            begun: Duration::ZERO,
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
        if let Some(wait) = self.wait {
            return self.begin_anew(now, wait, left);
        }
        if !self.history.was_refused() {
            return self.search(left);
        }
        if self.history.begins_refused() {
            // Others had used all of it.
            if let Some(step) = self.wait_for_rest(now, left) {
                return step;
            }
        }
        // Those on their way when the first refusal came back may have said so already.
        self.confirmed |= self.history.refused_last() >= CONFIRM;
        if !self.confirmed {
            self.confirmed = true;
            let legs = vec![Leg::at_once(CONFIRM.min(left), self.way().close(), Until::Never)];
            return self.tries(legs, "whether it stays so");
        }
        self.crowd.learn(&self.history);
        self.experiment(now, left)
    }

    /// What came of a try; those that went together in the order in which they were sent.
    pub fn seen(&mut self, tried: Try) {
        if tried.verdict.passed() {
            self.held += 1;
            self.let_in = true;
        }
        if let Some(purpose) = self.purpose {
            *self.spent.entry(purpose).or_default() += 1;
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

    /// The models that agree with what was seen, the best first; none where nobody was let in, as any of them could be that slow, and
    /// so could a server that lets nobody in.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate> {
        if !self.let_in {
            return Vec::new();
        }
        self.crowd.candidates(&self.history)
    }

    /// How many tries were made.
    #[must_use]
    pub fn tries_made(&self) -> u32 {
        self.history.tries() + self.failed
    }

    fn search(&self, left: u32) -> Step {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of it
        let most = match self.history.before() {
            [] => (f64::from(self.budget.tries) * SEARCH_SHARE) as u32,
            _ => self.budget.tries,
        };
        let made = self.tries_made();
        if made >= most {
            return Step::Done(Ending::NoRefusal);
        }
        let (count, gap) = match SLOW.checked_sub(self.history.tries_since()) {
            Some(slow @ 1..) => (slow, SLOW_GAP),
            _ => (most - made, self.way().close()),
        };
        let legs = vec![Leg::at_once(count.min(left), gap, Until::Refused)];
        self.tries(legs, "how many are let in at once")
    }

    /// Waits until others' use must be over, if that is within reach, and begins anew.
    fn wait_for_rest(&mut self, now: Duration, left: u32) -> Option<Step> {
        let left_time = self.budget.time.saturating_sub(now);
        let rest = self
            .crowd
            .leader()
            .map(|leader| leader.model.rest().mul_f64(TO_REST));
        // The model may be wrong; the next wait is a longer one, then.
        let wait = rest
            .unwrap_or_default()
            .min(left_time / 4)
            .max(now.saturating_sub(self.begun))
            .max(self.waited * 2)
            .max(LEAST_WAIT);
        if wait > left_time / 2 || left < SLOW {
            return None;
        }
        self.waited = wait;
        Some(self.begin_anew(now, wait, left))
    }

    fn begin_anew(&mut self, now: Duration, wait: Duration, left: u32) -> Step {
        if self.held > 0 {
            self.wait = Some(wait);
            return Step::Release(self.held);
        }
        self.wait = None;
        self.begin_at(self.history.mark(), now + wait);
        self.confirmed = false;
        self.settled = false;
        let leg = Leg {
            after: wait,
            ..Leg::at_once(SLOW.min(left), SLOW_GAP, Until::Refused)
        };
        self.tries(
            vec![leg],
            "others had used the quota before: how many are let in after a wait",
        )
    }

    /// What came until the mark tells no longer what a quota does that nobody uses.
    fn begin_at(&mut self, mark: Mark, now: Duration) {
        self.history.begin_anew(mark);
        self.crowd.begin_anew();
        self.doubted = false;
        self.begun = now;
    }

    /// Ends so if all of the quota was seen, and decisions agree with the model; else tries on.
    fn conclude(&mut self, ending: Ending, now: Duration, left: u32) -> Step {
        let Some(leader) = self.crowd.leader() else {
            return self.done(Ending::Strange);
        };
        if leader.is_proven(&self.history) {
            return self.done(ending);
        }
        let limit = leader.model;
        let wait = limit.rest().mul_f64(TO_REST);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a count of tries
        let most = limit.count as u32 + 3;
        if most > left {
            return self.done(Ending::Unproven(Short::Tries));
        }
        if wait > self.budget.time - now {
            return self.done(Ending::Unproven(Short::Time));
        }
        let leg = Leg {
            after: wait,
            ..Leg::at_once((most * 2).min(left), self.way().close(), Until::Refused)
        };
        self.tries(vec![leg], "how many are let in when nobody had used it before")
    }

    fn experiment(&mut self, now: Duration, left: u32) -> Step {
        let alive = self.crowd.classes();
        let explains = |leader: &Member| leader.explains(&self.history);
        if !self.crowd.leader().is_some_and(explains) {
            let step = self.wait_for_rest(now, left);
            return step.unwrap_or_else(|| self.done(Ending::Strange));
        }
        if !alive.iter().any(|class| class.has_places()) && self.held > 0 && !self.settled {
            self.settled = true;
            return Step::Release(self.held);
        }
        let tries = self.history.tries_since();
        if self.crowd.is_known(NEAR, tries) {
            self.crowd.doubt(&self.history);
            if self.crowd.is_known(NEAR, tries) {
                return self.conclude(Ending::Known, now, left);
            }
        }
        let stage = Stage {
            now: BEGIN + now,
            left: Budget {
                tries: left,
                time: self.budget.time - now,
            },
            whole: self.budget,
            held: self.held,
            way: self.way(),
            history: &self.history,
            spent: &self.spent,
        };
        match experiment::choose(&mut self.crowd, &stage) {
            Chosen::Nothing(_) if !self.doubted => {
                // What was lost on the way may ask for another experiment.
                self.doubted = true;
                self.crowd.doubt(&self.history);
                self.experiment(now, left)
            }
            Chosen::Nothing(Some(short)) => self.conclude(Ending::Beyond(short), now, left),
            Chosen::Nothing(None) => self.conclude(Ending::Alike, now, left),
            Chosen::Release(count) => Step::Release(count),
            Chosen::Tries(legs, purpose) => {
                self.purpose = Some(purpose);
                self.tries(legs, purpose)
            }
        }
    }

    fn way(&self) -> Way {
        Way {
            round_trip: self.history.round_trip(),
            slack: self.history.slack(),
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
