//! What `simulate` and `tune` ask in the same words: who storms against what, and how many storms.

use crate::{Failure, StopToken};
use clap::Args;
use limiter::{LimitSpec, Rule};
use simulate::{Habit, Hint, Look, Outcome, Starts, Storm};
use std::io::Write;
use std::time::{Duration, Instant};
use testbed::{Refusal, RetryAfter};
use units::{DURATION_FORMS, format_duration, parse_duration};

/// How often a long computation says how far it is.
const PROGRESS: Duration = Duration::from_secs(2);
/// As fast as JMeter starts threads without a ramp-up (5.6.3, two cores).
const THREAD_START: Duration = Duration::from_millis(1);

pub(crate) const LIMIT_HELP: &str = "Who is let in, as `serve --limit` takes it and `find` tells it:
  \"token-bucket rate=50 burst=50\", \"fixed-window limit=120 window=60s\",
  \"sliding-window limit=50 window=10s reject-counts=true\", \"concurrency limit=20\" ...";

/// Users, the way to the server, and what a refusal looks like.
#[derive(Debug, Clone, Args)]
pub(crate) struct Scene {
    /// How many users connect, each once
    #[arg(long, value_name = "NUMBER", default_value = "200", value_parser = users, allow_negative_numbers = true)]
    pub(crate) users: usize,

    /// JMeter's ramp-up: the time over which the users start, evenly
    #[arg(long, value_name = "TIME", default_value = "4s", value_parser = duration, allow_negative_numbers = true)]
    pub(crate) ramp: Duration,

    /// To the server and back, in the mean
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = duration, allow_negative_numbers = true)]
    pub(crate) round_trip: Duration,

    /// How a refusal says when to come back: seconds, date, ms, none, zero, wrong
    ///
    /// As `serve --retry-after`. Where nobody can know (a concurrency limit) there is no hint.
    #[arg(long, value_name = "FORM", default_value = "seconds")]
    pub(crate) retry_after: RetryAfter,

    /// Status of a refusal, 400 to 599
    #[arg(long, value_name = "STATUS", default_value = "429", value_parser = crate::serve::status, allow_negative_numbers = true)]
    pub(crate) status: u16,

    /// How an attempt is refused: answer, reset, close, silence, accept:CODE
    #[arg(long, value_name = "WAY", default_value = "answer")]
    pub(crate) refuse_by: Refusal,

    /// How long one who is in stays; without it, to the end. A concurrency limit asks for it
    #[arg(long, value_name = "TIME", value_parser = duration, allow_negative_numbers = true)]
    pub(crate) hold: Option<Duration>,

    /// How long the thread group's schedule goes on, if it has one
    #[arg(long, value_name = "TIME", value_parser = duration, allow_negative_numbers = true)]
    pub(crate) schedule: Option<Duration>,

    /// What the server's clock shows when the first user starts, for windows that are cut from it [default: anything]
    #[arg(long, value_name = "TIME", value_parser = duration, allow_negative_numbers = true)]
    pub(crate) clock: Option<Duration>,
}

impl Scene {
    /// The storm against this limit, of users who try by the plugin's defaults.
    pub(crate) fn storm(&self, limit: LimitSpec) -> Result<Storm, Failure> {
        let concurrency = |limit: &limiter::Limit| matches!(limit.rule, Rule::Concurrency { .. });
        if self.hold.is_none() && limit.limits.iter().any(concurrency) {
            return Err(Failure(
                "a concurrency limit needs --hold TIME: how long a user stays, as a slot gets free only when one leaves"
                    .to_owned(),
            ));
        }
        let mut storm = Storm::new(limit, self.users);
        storm.ramp = self
            .ramp
            .max(THREAD_START * u32::try_from(self.users).unwrap_or(u32::MAX));
        storm.starts = Starts::InTurn;
        storm.round_trip = self.round_trip;
        storm.look = match self.refuse_by {
            Refusal::Answer => Look::Status(self.status),
            Refusal::Reset | Refusal::Close => Look::Reset,
            Refusal::Silence => Look::Silence,
            Refusal::AcceptAndClose(code) => Look::AcceptAndClose(code),
        };
        storm.hint = match self.retry_after {
            RetryAfter::Seconds => Hint::Seconds,
            RetryAfter::Date => Hint::Dated,
            RetryAfter::Milliseconds => Hint::Exact,
            RetryAfter::None | RetryAfter::Zero | RetryAfter::Wrong => Hint::None,
        };
        (storm.held, storm.schedule, storm.clock) = (self.hold, self.schedule, self.clock);
        Ok(storm)
    }

    /// What a refusal is, in words.
    pub(crate) fn refusal(&self) -> String {
        match (self.refuse_by, self.retry_after) {
            (Refusal::Answer, RetryAfter::None) => format!("{} without a hint", self.status),
            (Refusal::Answer, form) => format!("{} with Retry-After in {form}", self.status),
            (way, _) => way.to_string(),
        }
    }

    /// Who storms, in words.
    pub(crate) fn arrival(&self) -> String {
        match self.ramp {
            Duration::ZERO => format!("{} users at once", self.users),
            ramp => format!("{} users over {}", self.users, format_duration(ramp)),
        }
    }
}

/// Says on the error stream how far a long computation is, and whether it is to end.
pub(crate) struct Progress<'a> {
    stop: &'a StopToken,
    /// How many there will be, if it is known.
    all: Option<usize>,
    done: usize,
    told: Instant,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(stop: &'a StopToken, all: Option<usize>) -> Self {
        Self {
            stop,
            all,
            done: 0,
            told: Instant::now(),
        }
    }

    /// One more is done.
    pub(crate) fn step(&mut self) -> Result<(), Failure> {
        self.done += 1;
        if self.stop.wait(Duration::ZERO) {
            return Err(Failure("stopped".to_owned()));
        }
        if self.told.elapsed() >= PROGRESS {
            self.told = Instant::now();
            let of = self.all.map_or_else(String::new, |all| format!(" of {all}"));
            let _ = writeln!(std::io::stderr(), "{}{of} storms", self.done);
        }
        Ok(())
    }
}

/// One storm of these users for each seed.
pub(crate) fn storms(
    storm: &Storm,
    habit: &Habit,
    seeds: u64,
    progress: &mut Progress<'_>,
) -> Result<Vec<Outcome>, Failure> {
    let storm = storm.clone().of(habit).to_its_end();
    let one = |seed| {
        let outcome = storm.run(seed);
        progress.step().map(|()| outcome)
    };
    (0..seeds).map(one).collect()
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| format!("{error}; allowed are {DURATION_FORMS}"))
}

fn users(text: &str) -> Result<usize, String> {
    let users = text.parse().ok().filter(|users| (1..=100_000).contains(users));
    users.ok_or_else(|| "allowed is a whole number, 1 to 100000".to_owned())
}

pub(crate) fn seeds(text: &str) -> Result<u64, String> {
    let seeds = text.parse().ok().filter(|seeds| (1..=10_000).contains(seeds));
    seeds.ok_or_else(|| "allowed is a whole number, 1 to 10000".to_owned())
}
