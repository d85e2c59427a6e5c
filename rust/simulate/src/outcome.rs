//! What came of a storm, and of several.

use backoff::StopReason;
use std::time::Duration;

/// What came of one storm.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Of each user that is in, sorted: from its start to its success.
    pub times: Vec<Duration>,
    /// Why the others that were not banned gave up; `None`: they tried still at the horizon.
    pub gave_up: Vec<Option<StopReason>>,
    /// Of these, how many the limit loses whatever anybody does: there is not more room before the time of the policy is over. 0 where
    /// nobody knows.
    pub unavoidable: usize,
    /// When the last user got in.
    pub makespan: Duration,
    /// The least that the limit asks for; `None` where nobody knows.
    pub bound: Option<Duration>,
    /// Attempts of all users that were not banned.
    pub attempts: u64,
    /// Attempts of those that were.
    pub banned_attempts: u64,
    /// The most attempts that reached the server in any one second of its clock.
    pub peak: u32,
    /// Of those whom the server let in while all processes waited: the share of the process that got the fewest.
    pub least_share: f64,
    /// Likewise, the share of the process that started first.
    pub first_share: f64,
    /// The most later-comers of its own process that ever got in before a user.
    pub overtaken_by: usize,
    /// What the limiter's clock showed when the storm began.
    pub clock: Duration,
    /// When the users of a process found out that refusals count, the first of them.
    pub lockout_seen: Option<Duration>,
}

impl Outcome {
    /// How many did not get in, of those that were not banned.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.gave_up.len()
    }

    /// The makespan as a multiple of the bound; infinite where somebody is lost or the bound is nothing.
    #[must_use]
    pub fn times_bound(&self) -> f64 {
        match self.bound {
            Some(bound) if self.gave_up.is_empty() && !bound.is_zero() => {
                self.makespan.as_secs_f64() / bound.as_secs_f64()
            }
            _ => f64::INFINITY,
        }
    }

    /// Of the users that were not banned.
    #[must_use]
    pub fn attempts_per_user(&self) -> f64 {
        self.attempts as f64 / (self.times.len() + self.gave_up.len()).max(1) as f64
    }

    /// The time to connect that this share (0 to 1) of those who got in did not exceed; zero where nobody did.
    #[must_use]
    pub fn percentile(&self, share: f64) -> Duration {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // clamped to the length of a vector
        let nth = (self.times.len() as f64 * share.clamp(0.0, 1.0)).ceil() as usize;
        self.times
            .get(nth.max(1) - 1)
            .or(self.times.last())
            .copied()
            .unwrap_or_default()
    }
}

/// What came of several storms: sums of those lost, means of the rest, the worst of `overtaken_by` and `peak`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// How many storms.
    pub storms: usize,
    /// Over all storms.
    pub lost: usize,
    /// Of those, how many were lost whatever anybody does.
    pub unavoidable: usize,
    /// The most that one storm lost.
    pub most_lost: usize,
    /// Seconds; where somebody is lost, of those that got in.
    pub makespan: f64,
    /// Makespan as a multiple of the bound, whoever is lost; 0 where there is no bound.
    pub times_bound: f64,
    /// Attempts a user.
    pub attempts: f64,
    /// See [`Outcome::least_share`].
    pub least_share: f64,
    /// See [`Outcome::first_share`].
    pub first_share: f64,
    /// See [`Outcome::overtaken_by`].
    pub overtaken_by: usize,
    /// See [`Outcome::peak`].
    pub peak: u32,
    /// In how many storms the users found out that refusals count.
    pub lockouts: usize,
}

impl Summary {
    /// Of these.
    pub fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let mut sum = Self::default();
        for one in outcomes {
            sum.storms += 1;
            sum.lost += one.lost();
            sum.unavoidable += one.unavoidable;
            sum.most_lost = sum.most_lost.max(one.lost());
            sum.makespan += one.makespan.as_secs_f64();
            if let Some(bound) = one.bound.filter(|bound| !bound.is_zero()) {
                sum.times_bound += one.makespan.as_secs_f64() / bound.as_secs_f64();
            }
            sum.attempts += one.attempts_per_user();
            sum.least_share += one.least_share;
            sum.first_share += one.first_share;
            sum.overtaken_by = sum.overtaken_by.max(one.overtaken_by);
            sum.peak = sum.peak.max(one.peak);
            sum.lockouts += usize::from(one.lockout_seen.is_some());
        }
        let count = sum.storms.max(1) as f64;
        for mean in [
            &mut sum.makespan,
            &mut sum.times_bound,
            &mut sum.attempts,
            &mut sum.least_share,
            &mut sum.first_share,
        ] {
            *mean /= count;
        }
        sum
    }
}
