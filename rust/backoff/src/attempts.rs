//! What now: all tries of one user as one machine. It is told what happened and when, and answers what its driver does next: ask
//! a gate for a turn, make an attempt, pause, or stop.
//!
//! A driver asks [`Attempts::step`], does what it says, and tells what came of it, until the answer is [`Step::Stop`] or an attempt
//! succeeds. Times are [`Duration`]s since any start that the driver likes, the same for all calls. How a gate hands out turns is
//! not here, see [`crate::Pacer`].
//!
//! ```
//! use backoff::{Attempts, FailureKind, Policy, Seen, Step};
//! use std::{sync::Arc, time::Duration};
//!
//! let mut attempts = Attempts::new(Arc::new(Policy::default()), Some(7));
//! let Step::Attempt { deadline } = attempts.step(Duration::ZERO) else { panic!() };
//! assert_eq!(deadline, Duration::from_secs(20));
//! let failed = Duration::from_millis(40);
//! attempts.failed(&Seen::Failure(FailureKind::Network), failed);
//! let Step::Pause { until } = attempts.step(failed) else { panic!() };
//! assert!(matches!(attempts.step(until), Step::Attempt { .. }));
//! ```

use crate::connect::{self, Backoff, Class, FailureKind, Next, Seen, StopReason, Verdict, Waits};
use crate::crowd::{Finding, Lead};
use crate::hint::HintJitter;
use crate::pacer::PacerMode;
use crate::policy::Policy;
use crate::strategy::Strategy;
use std::sync::Arc;
use std::time::Duration;

/// A connection that lived for so long has proved itself. One that is lost sooner counts as a failed attempt, else a server that
/// accepts and drops would be hammered.
pub const STABLE: Duration = Duration::from_secs(5);

/// What the driver does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Asks the gate for a turn.
    Turn {
        /// The user's own backoff: it wants no turn before. In the past where it has none.
        not_before: Duration,
        /// Whoever has no turn by then asks [`Attempts::step`] again, which says why it ends.
        give_up_at: Duration,
    },
    /// Makes an attempt, at once.
    Attempt {
        /// It ends by then.
        deadline: Duration,
    },
    /// Waits.
    Pause {
        /// Then asks [`Attempts::step`] again.
        until: Duration,
    },
    /// Makes no further attempt.
    Stop(StopReason),
}

/// A failed attempt as its gate is told of it. Which of them say something about the quota, the gate decides: it sees them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// What the policy takes it for.
    pub class: Class,
    /// Its form.
    pub form: Form,
    /// How long the server asks to stay away, if the policy believes it: a hint that is too long must not hold all the others.
    pub hint: Option<Duration>,
}

/// The form of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An HTTP answer of this status.
    Status(u16),
    /// An accepted connection that the server closed with this code.
    Closed(u16),
    /// No answer.
    NoAnswer(FailureKind),
}

impl Refusal {
    /// Of a failure that is nobody's attempt here, such as a sample behind a gate that is never tried again; the verdict says
    /// nothing of what follows.
    #[must_use]
    pub fn read(policy: &Policy, seen: &Seen<'_>) -> (Self, Verdict) {
        let (class, hints) = connect::judge(policy, seen);
        let verdict = Verdict {
            class,
            hint: hints.reading,
            next: Next::Stop(StopReason::NoRetry),
        };
        (Self::of(policy, seen, &verdict), verdict)
    }

    fn of(policy: &Policy, seen: &Seen<'_>, verdict: &Verdict) -> Self {
        Self {
            class: verdict.class,
            form: match seen {
                Seen::Answer(answer) => Form::Status(answer.status),
                Seen::Closed { code, .. } => Form::Closed(*code),
                Seen::Failure(kind) => Form::NoAnswer(*kind),
            },
            hint: verdict.usable_hint().filter(|hint| *hint <= policy.hints.max),
        }
    }
}

/// The machine. See the file's sentence.
#[derive(Debug, Clone)]
pub struct Attempts {
    policy: Arc<Policy>,
    backoff: Backoff,
    /// What the gate before each attempt does; `None`: there is none.
    gate: Option<PacerMode>,
    /// When it first was about to begin an attempt, or to ask for the turn of one: from then on the policy's time counts.
    began: Option<Duration>,
    /// When the schedule of the user's thread ends.
    end: Option<Duration>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Until then it pauses by itself.
    Pausing(Duration),
    /// It waits at the gate, if there is one, with no wish for a turn before.
    Queueing(Duration),
    /// Its turn has come.
    Turned,
    /// No further attempt.
    Stopped(StopReason),
}

impl Attempts {
    /// Nothing was tried yet. `seed` is best made by [`crate::stream_seed`]; `None`: from the operating system.
    #[must_use]
    pub fn new(policy: Arc<Policy>, seed: Option<u64>) -> Self {
        Self {
            backoff: Backoff::new(policy.clone(), seed),
            policy,
            gate: None,
            began: None,
            end: None,
            phase: Phase::Queueing(Duration::ZERO),
        }
    }

    /// From now on each attempt needs a turn at a gate of this mode; `None`, or off: none.
    pub fn set_gate(&mut self, mode: Option<PacerMode>) {
        self.gate = mode.filter(|mode| *mode != PacerMode::Off);
    }

    /// When the schedule of the user's thread ends: no pause, no wait for a turn and no attempt goes on for longer. `None`: never.
    pub fn set_end(&mut self, end: Option<Duration>) {
        self.end = end;
    }

    /// The policy's time counts from now on, unless it does already: where the first attempt is under way before its driver asks.
    pub fn begin(&mut self, now: Duration) {
        self.began.get_or_insert(now);
    }

    /// What now. It may be asked at any time and as often as one likes; the policy's time counts from the first answer that is a turn or
    /// an attempt.
    pub fn step(&mut self, now: Duration) -> Step {
        let begin = match self.phase {
            Phase::Pausing(until) => now.max(until),
            Phase::Queueing(_) | Phase::Turned | Phase::Stopped(_) => now,
        };
        let (limit, reason) = self.limit(begin);
        let not_before = match self.phase {
            Phase::Stopped(reason) => return Step::Stop(reason),
            Phase::Pausing(until) if until >= limit => return Step::Stop(reason),
            Phase::Pausing(until) if now < until => return Step::Pause { until },
            Phase::Pausing(until) | Phase::Queueing(until) => until,
            Phase::Turned => now,
        };
        if now >= limit {
            return Step::Stop(reason);
        }
        self.begin(now);
        if self.gate.is_some() && !matches!(self.phase, Phase::Turned) {
            return Step::Turn {
                not_before,
                give_up_at: limit,
            };
        }
        Step::Attempt {
            deadline: limit.min(now.saturating_add(self.policy.attempt_timeout)),
        }
    }

    /// The gate gave a turn.
    pub fn turn_came(&mut self) {
        if matches!(self.phase, Phase::Queueing(_) | Phase::Pausing(_)) {
            self.phase = Phase::Turned;
        }
    }

    /// The attempt failed, just now. What follows says [`Attempts::step`], and the verdict's `next` likewise.
    ///
    /// Of several reasons to stop the first of this order is named: fatal, no-retry, max-attempts, hint-too-long; then of the time
    /// that the policy leaves and the thread's schedule that which is over sooner, max-elapsed or schedule-end.
    pub fn failed(&mut self, seen: &Seen<'_>, now: Duration) -> (Refusal, Verdict) {
        self.begin(now);
        let (class, hint, waits) = self.backoff.judge(seen);
        // Whatever its form: what others of the gate meet too is their quota's, and the gate says when. A success is nobody's refusal:
        // only its own user knows how long it wants to wait.
        let is_success = matches!(seen, Seen::Failure(FailureKind::Unmet));
        let paced = self.gate == Some(PacerMode::Pace) && class != Class::Fatal && !is_success;
        let next = waits.and_then(|waits| self.wait(waits, paced, now));
        self.phase = match next {
            Ok(wait) if paced => Phase::Queueing(now.saturating_add(wait)),
            Ok(wait) => Phase::Pausing(now.saturating_add(wait)),
            Err(stop) => Phase::Stopped(stop),
        };
        let next = next.map_or_else(Next::Stop, Next::Wait);
        let verdict = Verdict { class, hint, next };
        (Refusal::of(&self.policy, seen, &verdict), verdict)
    }

    /// All users of its quota found out together when to come back ([`crate::Crowd`]): its pause is drawn anew, at `unit` (of U(0, 1)) of
    /// what they found. Gives back whether that counts.
    ///
    /// Never sooner than the server asks, and never sooner than the base. A [`Finding::Queue`] only makes pauses longer. A
    /// [`Finding::Flow`] takes the place of how far `decorrelated` spreads its waits, up to the cap as ever: the other strategies do what
    /// their formulas say. After a hint that is longer than the base it only makes the spread narrower. Who stopped because its own wait
    /// would have been too long goes on by it. Whoever was refused more often than chance would have it may be kept out by something of
    /// its own, and does what its policy says; so does who has a gate.
    pub fn lead(&mut self, finding: &Finding, refusal: &Refusal, unit: f64, now: Duration) -> bool {
        let (limit, _) = self.limit(now);
        let own = match self.phase {
            _ if self.gate.is_some() => return false,
            Phase::Pausing(own) => own,
            Phase::Stopped(StopReason::MaxElapsed | StopReason::ScheduleEnd) => limit,
            Phase::Queueing(_) | Phase::Turned | Phase::Stopped(_) => return false,
        };
        let until = match finding {
            Finding::Queue(lead) => own.max(self.draw(lead, now.saturating_add(lead.after), unit, limit)),
            Finding::Flow(lead) if self.follows(lead) => {
                let base = if refusal.class == Class::Transient {
                    self.policy.transient_base
                } else {
                    self.policy.base
                };
                let least = refusal.hint.unwrap_or_default().max(base);
                let drawn = self.draw(lead, now.saturating_add(least), unit, limit);
                let long = refusal.hint.is_some_and(|hint| hint > self.policy.base);
                if long { drawn.min(own) } else { drawn }
            }
            Finding::Flow(_) | Finding::LockedOut(_) => return false,
        };
        if until < limit {
            self.phase = Phase::Pausing(until);
        }
        until < limit
    }

    fn follows(&self, lead: &Lead) -> bool {
        self.is_led() && self.backoff.failures() <= lead.by_chance
    }

    /// Whether what all users see may take the place of its own formula, as a flow's spread or a turn where they lock each other out:
    /// whoever chose another one wants users who know nothing of one another.
    #[must_use]
    pub fn is_led(&self) -> bool {
        self.policy.strategy == Strategy::Decorrelated && self.policy.hints.jitter == HintJitter::Growing
    }

    /// Somewhere in the width behind `from`, squeezed into the time that is left; some of that stays for the last attempt itself.
    fn draw(&self, lead: &Lead, from: Duration, unit: f64, limit: Duration) -> Duration {
        let left = limit.saturating_sub(self.policy.base).saturating_sub(from);
        let width = match lead.after {
            Duration::ZERO => lead.width.min(self.policy.cap),
            _ => lead.width,
        };
        from.saturating_add(width.min(left).mul_f64(unit.clamp(0.0, 1.0)))
    }

    /// The user does not want to go on.
    pub fn cancel(&mut self) {
        self.phase = Phase::Stopped(StopReason::Cancelled);
    }

    /// The connection that the last attempt opened is lost after so long a life, and is to be made again, for which the
    /// policy's time counts anew. `fresh`: the seed for whoever starts from the beginning.
    ///
    /// One that was [`STABLE`] starts from the beginning. Any other was a failed attempt, with the pause of one; but where the
    /// policy has no retry it is made again at once: it means no pauses, and the reconnect itself was asked for.
    pub fn lost(&mut self, lived: Duration, fresh: Option<u64>, now: Duration) {
        self.began = None;
        if lived >= STABLE {
            self.backoff = Backoff::new(self.policy.clone(), fresh);
            self.phase = Phase::Queueing(now);
            return;
        }
        let (_, verdict) = self.failed(&Seen::Failure(FailureKind::Network), now);
        self.began = None;
        if let Next::Stop(StopReason::NoRetry | StopReason::Fatal) = verdict.next {
            self.phase = Phase::Queueing(now);
        }
    }

    /// How long the user waits by its own backoff.
    fn wait(&self, waits: Waits, paced: bool, now: Duration) -> Result<Duration, StopReason> {
        let (limit, reason) = self.limit(now);
        let left = limit.saturating_sub(now);
        let wait = match waits {
            Waits { alone, .. } if !paced => alone,
            Waits { own, .. } if own < left => own,
            // Others' successes may open the gate sooner than its own backoff expects: as long as there is time, a few more tries,
            // each after half of what is left.
            Waits { hint, .. } if left / 2 >= self.policy.base => hint.max(left / 2),
            Waits { .. } => left,
        };
        if wait < left { Ok(wait) } else { Err(reason) }
    }

    /// When nothing is started any more, and why; `begin`: the policy's, if nothing has begun.
    fn limit(&self, begin: Duration) -> (Duration, StopReason) {
        let elapsed = self
            .began
            .unwrap_or(begin)
            .saturating_add(self.policy.max_elapsed);
        match self.end {
            Some(end) if end <= elapsed => (end, StopReason::ScheduleEnd),
            _ => (elapsed, StopReason::MaxElapsed),
        }
    }
}

#[cfg(test)]
mod tests;
