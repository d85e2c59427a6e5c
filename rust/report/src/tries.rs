//! Attempts, and what became of the users who made them.

use std::collections::HashMap;

use trace::jtl::Row;
use trace::{AttemptRecord, EventRecord, HintRecord};

use crate::bins::{Bins, Merge, moment};
use crate::spread::{Named, Spread, micros};

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Throttled,
    Transient,
    Fatal,
    /// Broken off, or nobody said what it was.
    Other,
}

impl Outcome {
    pub(crate) const ALL: [Outcome; 5] = [
        Outcome::Passed,
        Outcome::Throttled,
        Outcome::Transient,
        Outcome::Fatal,
        Outcome::Other,
    ];
}

/// One attempt, of a connect or of a controller that repeats its children.
#[derive(Debug)]
pub(crate) struct Try<'a> {
    pub(crate) user: &'a str,
    pub(crate) ordinal: u64,
    /// When it started, and when it was over; microseconds since 1970.
    pub(crate) began: u64,
    pub(crate) ended: u64,
    /// Before it, at the gate.
    pub(crate) queued: u64,
    /// After it.
    pub(crate) paused: Option<u64>,
    pub(crate) outcome: Outcome,
    /// It passed, and its user waits for more.
    pub(crate) unmet: bool,
    /// A status, or else an error code.
    pub(crate) code: String,
    pub(crate) hint: Option<&'a HintRecord<'a>>,
    pub(crate) stop: Option<&'a str>,
}

fn outcome(class: Option<&str>, failed: bool) -> Outcome {
    match class {
        Some("throttle") => Outcome::Throttled,
        Some("transient") => Outcome::Transient,
        Some("fatal") => Outcome::Fatal,
        _ if failed => Outcome::Other,
        _ => Outcome::Passed,
    }
}

/// A status that says why speaks for itself.
fn code(status: Option<u16>, error: Option<&str>) -> String {
    match (status, error) {
        (Some(status), None | Some("upgrade.status")) => status.to_string(),
        (_, Some(error)) => error.to_owned(),
        (None, None) => String::new(),
    }
}

fn queued(gate: Option<&trace::GateRecord<'_>>) -> u64 {
    gate.map_or(0, |gate| micros(gate.waited_ms))
}

impl<'a> Try<'a> {
    pub(crate) fn of_attempt(record: &'a AttemptRecord<'_>) -> Try<'a> {
        Try {
            user: &record.user,
            ordinal: record.ordinal,
            began: moment(record.at),
            ended: moment(record.at.saturating_add(record.total_us)),
            queued: queued(record.gate.as_ref()),
            paused: record.waited_ms.map(micros),
            outcome: outcome(record.class.as_deref(), record.error.is_some()),
            unmet: false,
            code: code(record.status, record.error.as_deref()),
            hint: record.hint.as_ref(),
            stop: record.stop.as_deref(),
        }
    }

    /// A sample of any sampler, which is a call of its own. Its code alone says what it came to.
    pub(crate) fn of_sample(row: &'a Row) -> Try<'a> {
        let began = moment(row.time_stamp.saturating_mul(1_000));
        let status = row.status();
        let passed = row.success.unwrap_or(status.is_some_and(|status| status < 400));
        Try {
            user: &row.thread,
            ordinal: 0,
            began,
            ended: moment(began.saturating_add(row.elapsed.saturating_mul(1_000))),
            queued: 0,
            paused: row.idle_time.map(|idle| idle.saturating_mul(1_000)),
            outcome: match status {
                _ if passed => Outcome::Passed,
                Some(429 | 503) => Outcome::Throttled,
                _ => Outcome::Other,
            },
            unmet: false,
            code: code(status, row.failure()),
            hint: None,
            stop: Some(if passed { "sampled" } else { "failed" }),
        }
    }

    /// An event `attempt`.
    pub(crate) fn of_event(record: &'a EventRecord<'_>) -> Try<'a> {
        let stop = record.stop.as_deref();
        let failed = record.error.is_some() || !(record.unmet || matches!(stop, None | Some("succeeded")));
        Try {
            user: &record.user,
            ordinal: record.ordinal,
            began: moment(record.at),
            ended: moment(record.at.saturating_add(record.total_us.unwrap_or(0))),
            queued: queued(record.gate.as_ref()),
            paused: record.waited_ms.map(micros),
            outcome: outcome(record.class.as_deref(), failed),
            unmet: record.unmet,
            code: code(record.status, record.error.as_deref()),
            hint: record.hint.as_ref(),
            stop,
        }
    }
}

/// What happened in a moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moment {
    /// Attempts that began, in the order of [`Outcome::ALL`].
    pub(crate) attempts: [u64; 5],
    /// Users who got in for the first time.
    pub(crate) first_in: u64,
    /// Attempts that got in.
    pub(crate) passed: u64,
}

impl Merge for Moment {
    fn merge(&mut self, other: &Self) {
        for (sum, more) in self.attempts.iter_mut().zip(other.attempts) {
            *sum += more;
        }
        self.first_in += other.first_in;
        self.passed += other.passed;
    }
}

/// What servers asked for in one place, and what came of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hints {
    pub(crate) given: u64,
    pub(crate) ignored: Named1,
    pub(crate) lengths: Spread,
    /// A further attempt came, not earlier than asked.
    pub(crate) obeyed: u64,
    /// It came earlier.
    pub(crate) early: u64,
    /// It came as late as asked, and was throttled again.
    pub(crate) refused_again: u64,
}

/// The latest reason.
pub(crate) type Named1 = Option<String>;

/// A code that attempts ended with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fault {
    pub(crate) count: u64,
    /// Calls that ended with it.
    pub(crate) last: u64,
    pub(crate) outcome: Option<Outcome>,
}

/// What is known of a user.
#[derive(Debug, Default)]
struct User {
    is_in: bool,
    gave_up: bool,
    open: Option<Call>,
}

/// Attempts that belong together, while they go on.
#[derive(Debug)]
struct Call {
    ordinal: u64,
    began: u64,
    waited: u64,
    hint: Option<Asked>,
}

#[derive(Debug)]
struct Asked {
    source: String,
    until: u64,
}

/// Clocks of two threads, and whole milliseconds, differ by so much.
const EARLY_US: u64 = 2_000;

/// Codes, stops and hint sources that are told apart.
const NAMES: usize = 60;

/// Attempts of one kind, counted.
#[derive(Debug)]
pub(crate) struct Tries {
    pub(crate) moments: Bins<Moment>,
    pub(crate) outcomes: [u64; 5],
    users: HashMap<Box<str>, User>,
    /// By why they ended.
    pub(crate) stops: Named<u64>,
    pub(crate) time_to: Spread,
    pub(crate) waited: Spread,
    /// The longest that one waited, and who.
    pub(crate) longest: Option<(u64, String)>,
    pub(crate) faults: Named<Fault>,
    pub(crate) hints: Named<Hints>,
    first: Option<u64>,
    last_in: Option<u64>,
}

impl Default for Tries {
    fn default() -> Self {
        Tries {
            moments: Bins::default(),
            outcomes: [0; 5],
            users: HashMap::new(),
            stops: Named::up_to(NAMES),
            time_to: Spread::default(),
            waited: Spread::default(),
            longest: None,
            faults: Named::up_to(NAMES),
            hints: Named::up_to(NAMES),
            first: None,
            last_in: None,
        }
    }
}

/// A call that is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    pub(crate) passed: bool,
    /// From its first attempt, or the wait before it, in microseconds.
    pub(crate) took: u64,
    pub(crate) waited: u64,
}

impl Tries {
    /// Counts an attempt; gives the call that ended with it.
    pub(crate) fn take(&mut self, one: &Try<'_>) -> Option<Ended> {
        let wanted = one.began.saturating_sub(one.queued);
        self.first = Some(self.first.map_or(wanted, |first| first.min(wanted)));
        let place = one.outcome as usize;
        self.outcomes[place] += 1;
        self.moments.at(one.began).attempts[place] += 1;
        if one.outcome != Outcome::Passed {
            let fault = self.faults.of(&one.code);
            fault.count += 1;
            fault.last += u64::from(one.stop.is_some());
            fault.outcome = Some(one.outcome);
        }

        if !self.users.contains_key(one.user) {
            self.users.insert(one.user.into(), User::default());
        }
        let user = self.users.get_mut(one.user).expect("it is there now");
        let same = |call: &Call| call.ordinal == one.ordinal;
        let mut call = user.open.take().filter(same).unwrap_or(Call {
            ordinal: one.ordinal,
            began: wanted,
            waited: 0,
            hint: None,
        });
        call.waited = call
            .waited
            .saturating_add(one.queued)
            .saturating_add(one.paused.unwrap_or(0));
        if let Some(asked) = call.hint.take() {
            let hints = self.hints.of(&asked.source);
            if one.began.saturating_add(EARLY_US) < asked.until {
                hints.early += 1;
            } else {
                hints.obeyed += 1;
                hints.refused_again += u64::from(one.outcome == Outcome::Throttled);
            }
        }
        if let Some(hint) = one.hint {
            call.hint = asked(&mut self.hints, hint, one.ended);
        }
        if one.outcome == Outcome::Passed {
            let at_its_end = self.moments.at(one.ended);
            at_its_end.passed += 1;
            if !user.is_in && !one.unmet {
                at_its_end.first_in += 1;
                user.is_in = true;
                self.last_in = self.last_in.max(Some(one.ended));
            }
        }
        let Some(stop) = one.stop else {
            user.open = Some(call);
            return None;
        };
        let passed = one.outcome == Outcome::Passed && !one.unmet;
        user.gave_up |= !passed;
        let ended = Ended {
            passed,
            took: one.ended.saturating_sub(call.began),
            waited: call.waited,
        };
        self.end(one.user, stop, ended);
        Some(ended)
    }

    /// A call that made attempts ends without a further one.
    pub(crate) fn stop(&mut self, user: &str, ordinal: u64, stop: &str, at: u64) {
        let Some(known) = self.users.get_mut(user) else {
            return;
        };
        let Some(call) = known.open.take().filter(|call| call.ordinal == ordinal) else {
            return;
        };
        known.gave_up = true;
        let ended = Ended {
            passed: false,
            took: at.saturating_sub(call.began),
            waited: call.waited,
        };
        self.end(user, stop, ended);
    }

    fn end(&mut self, user: &str, stop: &str, ended: Ended) {
        *self.stops.of(stop) += 1;
        if ended.passed {
            self.time_to.add(ended.took);
        }
        self.waited.add(ended.waited);
        if self
            .longest
            .as_ref()
            .is_none_or(|(longest, _)| ended.waited > *longest)
        {
            self.longest = Some((ended.waited, user.to_owned()));
        }
    }

    pub(crate) fn attempts(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// When the first of all was wanted, microseconds since 1970.
    pub(crate) fn first(&self) -> Option<u64> {
        self.first
    }

    /// When the last of the users who got in was in for the first time.
    pub(crate) fn last_in(&self) -> Option<u64> {
        self.last_in
    }

    /// Most attempts a second, in any whole second or in any slot where slots are wider.
    pub(crate) fn peak(&self) -> f64 {
        let attempts = |moment: &Moment| moment.attempts.iter().sum();
        let (width, most) = self.moments.most(1_000_000, attempts);
        most as f64 * 1e6 / width as f64
    }

    pub(crate) fn users(&self) -> Users {
        let mut users = Users::default();
        for user in self.users.values() {
            users.all += 1;
            users.is_in += u64::from(user.is_in);
            users.lost += u64::from(!user.is_in && user.gave_up);
            users.trying += u64::from(!user.is_in && !user.gave_up);
        }
        users
    }

    /// How many calls ended, and how many of them got in.
    pub(crate) fn calls(&self) -> (u64, u64) {
        (self.waited.count(), self.time_to.count())
    }
}

/// Counts a hint; one that can be used asks the next attempt to wait.
fn asked(hints: &mut Named<Hints>, hint: &HintRecord<'_>, answered: u64) -> Option<Asked> {
    let counted = hints.of(&hint.source);
    counted.given += 1;
    let Some(length) = hint.ms else {
        counted.ignored = Some(hint.ignored.as_deref().unwrap_or("not said").to_owned());
        return None;
    };
    counted.lengths.add_ms(length);
    Some(Asked {
        source: hint.source.clone().into_owned(),
        until: answered.saturating_add(micros(length)),
    })
}

/// What became of the users.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Users {
    pub(crate) all: u64,
    /// Were in once.
    pub(crate) is_in: u64,
    /// Gave up, and were never in.
    pub(crate) lost: u64,
    /// The trace ends before they got in or gave up.
    pub(crate) trying: u64,
}
