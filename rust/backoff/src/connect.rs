//! The retries of one connect: it is told what each attempt saw, and says how long to wait or why to stop.

use crate::hint::{HintJitter, HintMode, HintReading};
use crate::policy::Policy;
use crate::read::{self, Demand, Hints};
use crate::seed::Stream;
use crate::strategy::{Memory, Strategy, capped, growth, own_wait};
use crate::words::words;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The state of one connect's retries. One a connect: the next connect starts afresh.
///
/// Waits are whole microseconds (a hint with a finer fraction is kept as it is). The same policy, seed and answers give the same waits.
#[derive(Debug, Clone)]
pub struct Backoff {
    policy: Arc<Policy>,
    stream: Stream,
    memory: Memory,
    /// Attempts that failed so far.
    failures: u64,
}

/// What a failed attempt saw.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// An HTTP answer that is no 101.
    Answer(HttpAnswer<'a>),
    /// The connection came about, and the server closed it with this code and reason (RFC 6455 section 7.1.5).
    Closed {
        /// 1005 when the close frame had none.
        code: u16,
        /// Searched for a hint by the policy's pattern, as a body is.
        reason: &'a str,
    },
    /// No answer.
    Failure(FailureKind),
}

/// An HTTP answer that is no 101.
#[derive(Debug, Clone, Copy)]
pub struct HttpAnswer<'a> {
    /// The status code.
    pub status: u16,
    /// Names and values in the order of the wire.
    pub headers: &'a [(String, String)],
    /// The body, or as much as was read.
    pub body: &'a [u8],
    /// When it was received by the client's clock: only asked where a hint is a date and the answer has no `Date`.
    pub now: SystemTime,
}

/// A failure without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// DNS, TCP, proxy, TLS, or the connection broke: worth a retry when `network` is in the throttle or the transient set.
    Network,
    /// A time limit: worth a retry when `timeout` is in the throttle or the transient set.
    Timeout,
    /// What another attempt cannot heal: a bad URL, a certificate, a wrong accept key; tried again only by `any`.
    Fatal,
    /// Nothing was tried: what asks for it is wrong, and stays so. Never tried again.
    Invalid,
    /// None: it succeeded, and is not yet what its user waits for. Always worth another attempt.
    Unmet,
}

words! {
    /// What kind of failure it was.
    Class {
        /// The server says that there are too many: the longer base.
        Throttle = "throttle",
        /// It may pass by itself: the shorter base.
        Transient = "transient",
        /// No retry.
        Fatal = "fatal",
    }
}

words! {
    /// Why there is no further attempt.
    StopReason {
        /// The failure is not worth a retry.
        Fatal = "fatal",
        /// The wait would end at or after `max_elapsed`; or the turn at the gate did not come before.
        MaxElapsed = "max-elapsed",
        /// All attempts are used up.
        MaxAttempts = "max-attempts",
        /// The server asks for more than `hints.max`.
        HintTooLong = "hint-too-long",
        /// The strategy is `none`.
        NoRetry = "no-retry",
        /// The schedule of the user's thread ends before. Only [`crate::Attempts`] knows one.
        ScheduleEnd = "schedule-end",
        /// Its user stopped it. Likewise.
        Cancelled = "cancelled",
    }
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again after this time, from the moment the attempt failed.
    Wait(Duration),
    /// Give up.
    Stop(StopReason),
}

/// The judgement of one failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What kind of failure it was.
    pub class: Class,
    /// The hint that decided; when none was usable, the first that was there, with the reason. `None` after a fatal failure: not looked for.
    pub hint: Option<HintReading>,
    /// What to do now.
    pub next: Next,
}

impl Verdict {
    /// The hint that a server gave and the policy can read; `None` after any other. It may be longer than the policy believes.
    #[must_use]
    pub fn usable_hint(&self) -> Option<Duration> {
        self.hint.as_ref().and_then(|hint| hint.value.ok())
    }
}

impl Backoff {
    /// Nothing has failed yet. `seed` is best made by [`crate::stream_seed`]; `None`: from the operating system.
    #[must_use]
    pub fn new(policy: Arc<Policy>, seed: Option<u64>) -> Self {
        Self {
            policy,
            stream: Stream::new(seed),
            memory: Memory::default(),
            failures: 0,
        }
    }

    /// The time limit of the attempt that starts now, `elapsed` after the first one began: the policy's, cut to what
    /// `max_elapsed` leaves, which is nothing when a wait overslept the end.
    #[must_use]
    pub fn attempt_timeout(&self, elapsed: Duration) -> Duration {
        self.policy
            .attempt_timeout
            .min(self.policy.max_elapsed.saturating_sub(elapsed))
    }

    /// Judges a failed attempt; to be called once for each. `elapsed`: since the first attempt began.
    ///
    /// Of several reasons to stop the first of this order is named: fatal, no-retry, max-attempts, hint-too-long, max-elapsed.
    pub fn after(&mut self, seen: &Seen<'_>, elapsed: Duration) -> Verdict {
        let (class, hint, waits) = self.judge(seen);
        let next = match waits {
            Ok(waits) if elapsed.saturating_add(waits.alone) < self.policy.max_elapsed => {
                Next::Wait(waits.alone)
            }
            Ok(_) => Next::Stop(StopReason::MaxElapsed),
            Err(stop) => Next::Stop(stop),
        };
        Verdict { class, hint, next }
    }

    /// How many attempts failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures
    }

    /// As [`Backoff::after`], without a look at the time.
    pub(crate) fn judge(
        &mut self,
        seen: &Seen<'_>,
    ) -> (Class, Option<HintReading>, Result<Waits, StopReason>) {
        let (class, hints) = judge(&self.policy, seen);
        (class, hints.reading, self.waits(class, hints.demand))
    }

    fn waits(&mut self, class: Class, demand: Demand) -> Result<Waits, StopReason> {
        let nth = self.failures;
        self.failures = nth.saturating_add(1);
        if class == Class::Fatal {
            return Err(StopReason::Fatal);
        }
        if self.policy.strategy == Strategy::None {
            return Err(StopReason::NoRetry);
        }
        if self.failures >= u64::from(self.policy.attempt_limit()) {
            return Err(StopReason::MaxAttempts);
        }
        if demand == Demand::TooLong {
            return Err(StopReason::HintTooLong);
        }
        Ok(self.draw(class, demand, nth))
    }

    /// The waits before retry `nth` (0 is the first).
    ///
    /// Every wait takes two numbers from the stream, needed or not, so that a hint does not shift the waits after it.
    fn draw(&mut self, class: Class, demand: Demand, nth: u64) -> Waits {
        let policy = &*self.policy;
        let (own_unit, hint_unit) = (self.stream.unit(), self.stream.unit());
        let base = if class == Class::Transient {
            policy.transient_base
        } else {
            policy.base
        };
        let own = own_wait(policy, base, nth, own_unit, &mut self.memory);
        let Demand::Wait(hint) = demand else {
            return Waits {
                alone: own,
                own,
                hint: Duration::ZERO,
            };
        };
        let hinted = hint.saturating_add(hint_jitter(policy, hint, nth, hint_unit));
        if policy.hints.mode == HintMode::Replace {
            return Waits {
                alone: hinted,
                own: hint,
                hint,
            };
        }
        Waits {
            alone: hinted.max(own),
            own: hint.max(own),
            hint,
        }
    }
}

/// What is drawn for one retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waits {
    /// Of one who waits alone: jitter on top of the hint spreads those who were given the same one.
    pub(crate) alone: Duration,
    /// Without that jitter: where a gate spreads them.
    pub(crate) own: Duration,
    /// The least, by the server; zero where it asks for nothing.
    pub(crate) hint: Duration,
}

/// The class of a failure and the hints of its answer: a free function, as it needs nothing of what failed before.
///
/// Hints are read after every answer that is retried: a server that sends `Retry-After` with a 500 means it. Only 503 turns
/// into a throttle by a usable hint where the policy does not list it as one, as it is the status that servers throttle with
/// instead of 429 (nginx by default).
pub(crate) fn judge(policy: &Policy, seen: &Seen<'_>) -> (Class, Hints) {
    let class = listed(policy, seen);
    let hints = match seen {
        Seen::Answer(answer) if class != Class::Fatal => {
            read::read(&policy.hints, answer, class == Class::Throttle)
        }
        Seen::Closed { reason, .. } if class != Class::Fatal => read::reason(&policy.hints, reason),
        _ => Hints::default(),
    };
    let is_503 = matches!(seen, Seen::Answer(answer) if answer.status == 503);
    if class == Class::Transient && is_503 && hints.demand != Demand::Nothing {
        return (Class::Throttle, hints);
    }
    (class, hints)
}

/// The class by the policy's two sets. A close code that stands in neither is a connection that broke: what `network` is.
fn listed(policy: &Policy, seen: &Seen<'_>) -> Class {
    let sets = [&policy.throttle, &policy.transient];
    let [throttle, transient] = match seen {
        Seen::Answer(answer) => sets.map(|set| set.contains(answer.status)),
        Seen::Closed { code, .. } if sets.iter().any(|set| set.contains_close(*code)) => {
            sets.map(|set| set.contains_close(*code))
        }
        Seen::Closed { .. } | Seen::Failure(FailureKind::Network) => sets.map(|set| set.network),
        Seen::Failure(FailureKind::Timeout) => sets.map(|set| set.timeout),
        Seen::Failure(FailureKind::Fatal) => sets.map(|set| set.hopeless),
        Seen::Failure(FailureKind::Invalid) => [false, false],
        Seen::Failure(FailureKind::Unmet) => [false, true],
    };
    match (throttle, transient) {
        (true, _) => Class::Throttle,
        (false, true) => Class::Transient,
        (false, false) => Class::Fatal,
    }
}

/// What comes on top of a hint, at most the cap. Always by `base`: who sends a hint throttles, whatever the status.
fn hint_jitter(policy: &Policy, hint: Duration, nth: u64, unit: f64) -> Duration {
    let cap = policy.cap.as_secs_f64();
    let widest = match policy.hints.jitter {
        HintJitter::Growing => growth(policy.base.as_secs_f64(), policy.hint_multiplier(), nth),
        HintJitter::Proportional => hint.as_secs_f64() / 2.0,
        HintJitter::None => 0.0,
    };
    capped(unit * widest.min(cap), policy.cap)
}

#[cfg(test)]
mod tests;
