//! Storms of users against limits, in virtual time: the real `Attempts`, the real gate and the limits of `limiter`, driven by one
//! queue of events. What stands here is the world around them: when users start, how long the way to the server is, how a refusal
//! looks. What users do is not here.
//!
//! Pure: no clock, no I/O, no thread. A storm and a seed repeat to the digit.
//!
//! ```
//! use simulate::Storm;
//! let storm = Storm::new("token-bucket rate=10 burst=20".parse()?, 200);
//! let outcome = storm.run(1);
//! assert_eq!(outcome.lost(), 0);
//! assert!(outcome.times_bound() < 2.5, "{outcome:?}");
//! # Ok::<(), limiter::LimitError>(())
//! ```

mod attempt;
mod chance;
mod figures;
mod habit;
mod outcome;
mod server;
mod world;

pub use attempt::{Answer, Attempt};
pub use figures::{Figures, Spread};
pub use habit::{HABIT_FORMS, Habit, HabitError, gate_text};
pub use outcome::{Outcome, Summary};
pub use server::{Hint, Look};

use backoff::{PacerSettings, Policy};
use limiter::LimitSpec;
use std::sync::Arc;
use std::time::Duration;

/// How the users of a process start within its ramp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starts {
    /// Anywhere, in any order.
    Anywhere,
    /// One after the other at even distances, each a little late: as JMeter starts the threads of a group.
    InTurn,
}

/// Who storms against what. All fields are free to change; [`Storm::new`] sets what is usual.
#[derive(Debug, Clone)]
pub struct Storm {
    /// Who is let in.
    pub limit: LimitSpec,
    /// How a refusal looks.
    pub look: Look,
    /// How a refusal says when to come back.
    pub hint: Hint,
    /// How the users try.
    pub policy: Arc<Policy>,
    /// The gate that the users of one process share; by its mode there may be none.
    pub gate: PacerSettings,
    /// Whether the users of a process find out together what they meet ([`backoff::Crowd`]).
    pub together: bool,
    /// How many processes there are; each has a gate of its own, and they know nothing of one another.
    pub processes: usize,
    /// Users of each process.
    pub users: usize,
    /// How much later each process starts than the one before.
    pub lag: Duration,
    /// The time over which the users of a process start.
    pub ramp: Duration,
    /// How they start within it.
    pub starts: Starts,
    /// To the server and back, in the mean; a way takes 0.9 to 1.3 times the half of it, and the limit decides in the middle.
    pub round_trip: Duration,
    /// Of each process's users so many are always refused, whatever the limit says, spread evenly over the order of their starts.
    pub banned: usize,
    /// From when on and for how long the server refuses everybody, whatever the limit says, as one that is down; `None`: never.
    pub down: Option<(Duration, Duration)>,
    /// How long one who is in stays; `None`: to the end.
    pub held: Option<Duration>,
    /// How long the schedule of the users' threads goes on, from the start of their process; `None`: for ever.
    pub schedule: Option<Duration>,
    /// What the limiter's clock shows when the storm begins; `None`: anything, another time for each seed.
    pub clock: Option<Duration>,
    /// When the storm is over at the latest. Who tries still then is lost.
    pub horizon: Duration,
}

/// Of a storm that goes on to its end: some policies give up after months.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3_600);

/// A way takes so much of its mean at least.
const SHORTEST_WAYS: f64 = 0.9;

impl Storm {
    /// So many users of one process who start within 20 ms, 50 ms away, with the default policy and no gate; refusals are a 429 with
    /// `Retry-After`.
    #[must_use]
    pub fn new(limit: LimitSpec, users: usize) -> Self {
        Self {
            limit,
            look: Look::Status(429),
            hint: Hint::Seconds,
            policy: Arc::new(Policy::default()),
            gate: PacerSettings::default(),
            together: true,
            processes: 1,
            users,
            lag: Duration::ZERO,
            ramp: Duration::from_millis(20),
            starts: Starts::Anywhere,
            round_trip: Duration::from_millis(50),
            banned: 0,
            down: None,
            held: None,
            schedule: None,
            clock: Some(Duration::ZERO),
            horizon: Duration::from_secs(4 * 3_600),
        }
    }

    /// The same storm of users who try in another way.
    #[must_use]
    pub fn of(self, habit: &Habit) -> Self {
        Self {
            policy: habit.policy.clone(),
            gate: habit.gate,
            together: !habit.is_script(),
            ..self
        }
    }

    /// The same storm until the last user has given up by its own policy, but for a week at most.
    #[must_use]
    pub fn to_its_end(self) -> Self {
        let begins = self
            .lag
            .saturating_mul(u32::try_from(self.processes).unwrap_or(u32::MAX));
        let end = begins
            .saturating_add(self.ramp)
            .saturating_add(self.policy.max_elapsed)
            .saturating_add(self.policy.attempt_timeout);
        let horizon = end.min(LONGEST).max(self.horizon);
        Self { horizon, ..self }
    }

    /// Lets it happen.
    #[must_use]
    pub fn run(&self, seed: u64) -> Outcome {
        self.run_watched(seed, &mut |_| {})
    }

    /// Lets it happen, and shows every attempt when its user knows what came of it. What is under way when the storm is over is
    /// not shown.
    pub fn run_watched(&self, seed: u64, watcher: &mut dyn FnMut(Attempt)) -> Outcome {
        world::World::new(self, seed, watcher).run()
    }

    /// Lets it happen for each of the seeds `0..seeds`, and sums up.
    #[must_use]
    pub fn run_all(&self, seeds: u64) -> Summary {
        Summary::of((0..seeds).map(|seed| self.run(seed)))
    }

    /// So many times what the limit asks for until all are in, from a clock at nothing on; nothing where nobody knows.
    #[must_use]
    pub fn time_for_all(&self, times: f64) -> Duration {
        let bound = u32::try_from(self.welcome())
            .ok()
            .and_then(|users| self.limit.bound_from(users, Duration::ZERO, self.held));
        bound.map_or(Duration::ZERO, |bound| bound.mul_f64(times))
    }

    /// How many are lost whatever they do, where the limiter's clock shows this when the storm begins: so many more than the limit has room
    /// for until the last to start has no time left.
    fn unavoidable(&self, clock: Duration) -> usize {
        let processes = u32::try_from(self.processes.saturating_sub(1)).unwrap_or(u32::MAX);
        let last = self.lag.saturating_mul(processes).saturating_add(self.ramp);
        // The first is decided on after one way, and the last answer takes another one.
        let time = self.policy.max_elapsed.saturating_add(last);
        let time = time.saturating_sub(self.round_trip.mul_f64(SHORTEST_WAYS));
        let most = u32::try_from(self.welcome())
            .ok()
            .and_then(|users| self.limit.most_within(users, clock, self.held, time));
        most.map_or(0, |most| self.welcome().saturating_sub(most as usize))
    }

    /// The users that may get in, of all processes.
    fn welcome(&self) -> usize {
        self.processes * (self.users - self.banned.min(self.users))
    }
}
