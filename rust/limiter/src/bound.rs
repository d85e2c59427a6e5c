//! The least time that physics asks for until all of a herd are let in; not what a limit is, nor how it decides.

use crate::spec::{Limit, LimitSpec, Rule, WindowClock, to_next};
use crate::{Decision, Limiter};
use std::time::Duration;

/// Of several limits, each user's earliest moment is looked for, up to so many users.
const MOST_LOOKED_FOR: u32 = 20_000;
/// Two limits agree on a moment after a few looks.
const MOST_LOOKS: u32 = 16;

impl Limit {
    /// Of this limit alone.
    fn bound(&self, users: u32, start: Duration, held: Option<Duration>) -> Option<Duration> {
        let at_rate = |ahead: u32, rate: f64| {
            Duration::try_from_secs_f64(f64::from(users.saturating_sub(ahead)) / rate).ok()
        };
        match self.rule {
            _ if users == 0 => Some(Duration::ZERO),
            Rule::FixedWindow { limit: 0, .. }
            | Rule::SlidingWindow { limit: 0, .. }
            | Rule::SlidingCounter { limit: 0, .. }
            | Rule::Concurrency { limit: 0 } => None,
            Rule::TokenBucket { rate, burst } => at_rate(burst, rate),
            Rule::Queue { rate, delay, .. } => at_rate(delay.saturating_add(1), rate),
            Rule::FixedWindow {
                limit,
                window,
                clock: WindowClock::Aligned { offset },
            } => match users.div_ceil(limit) {
                1 => Some(Duration::ZERO),
                windows => window
                    .checked_mul(windows - 2)?
                    .checked_add(to_next(start, window, offset)),
            },
            Rule::FixedWindow { limit, window, .. } | Rule::SlidingWindow { limit, window } => {
                window.checked_mul(users.div_ceil(limit) - 1)
            }
            Rule::SlidingCounter { limit, window, clock } => {
                let more = users.saturating_sub(limit);
                if more == 0 {
                    return Some(Duration::ZERO);
                }
                let (first, more) = match clock {
                    // One at once when the next one begins.
                    WindowClock::First => (window, more - 1),
                    WindowClock::Aligned { offset } => (to_next(start, window, offset), more),
                };
                let seconds = window.as_secs_f64() * f64::from(more) / f64::from(limit);
                Duration::try_from_secs_f64(seconds).ok()?.checked_add(first)
            }
            Rule::Concurrency { limit } => match (users.div_ceil(limit) - 1, held) {
                (0, _) => Some(Duration::ZERO),
                (times, Some(held)) => held.checked_mul(times),
                (_, None) => None,
            },
            Rule::Unlimited => Some(Duration::ZERO),
        }
    }
}

impl LimitSpec {
    /// The time that physics asks for until `users` who all start at time zero of the limiter's clock are all let in, however clever
    /// they wait: `(N - B) / R` for a token bucket, `(N - 1 - D) / R` for a queue, `(ceil(N / Q) - 1) * W` for a window (the first one
    /// of an aligned window only as far as it still goes). Of several limits at least the longest; and as one may let nobody in
    /// while another has room, the time that users take of whom each comes as early as all of them allow. `None` when it is never,
    /// or nobody can know.
    #[must_use]
    pub fn bound(&self, users: u32) -> Option<Duration> {
        self.bound_from(users, Duration::ZERO, None)
    }

    /// The same, for users who start at `start` on the limiter's clock and stay for `held` each, which is what a concurrency cap asks
    /// for: `(ceil(N / Q) - 1) * held`. It counts from `start`.
    #[must_use]
    pub fn bound_from(&self, users: u32, start: Duration, held: Option<Duration>) -> Option<Duration> {
        let longest = self.limits.iter().try_fold(Duration::ZERO, |longest, limit| {
            Some(longest.max(limit.bound(users, start, held)?))
        })?;
        Some(longest.max(self.together(users, start).unwrap_or_default()))
    }

    /// How many of `users` who all start at `start` can be let in before so much time is over, however clever they wait; the others are
    /// lost whatever they do. `None` where [`LimitSpec::bound_from`] knows nothing of any of them.
    #[must_use]
    pub fn most_within(
        &self,
        users: u32,
        start: Duration,
        held: Option<Duration>,
        time: Duration,
    ) -> Option<u32> {
        let bound = |users| self.bound_from(users, start, held);
        // More users never take less time.
        let (mut all_in, mut too_many) = (0, users.checked_add(1)?);
        let mut known = false;
        while too_many - all_in > 1 {
            let middle = all_in + (too_many - all_in) / 2;
            let bound = bound(middle);
            known |= bound.is_some();
            if bound.is_some_and(|bound| bound < time) {
                all_in = middle;
            } else {
                too_many = middle;
            }
        }
        (known || users == 0).then_some(all_in)
    }

    /// When the last one is in of users of whom each comes as early as all limits allow, from `start` on; `None` where there is one
    /// limit only, and where an early user may cost later ones more than it gains: a cap waits for those who leave, and the counter of
    /// a sliding window weighs the one before.
    fn together(&self, users: u32, start: Duration) -> Option<Duration> {
        let early_is_best = |limit: &Limit| {
            matches!(
                limit.rule,
                Rule::TokenBucket { .. }
                    | Rule::FixedWindow { .. }
                    | Rule::SlidingWindow { .. }
                    | Rule::Queue { .. }
            )
        };
        if self.limits.len() < 2 || users > MOST_LOOKED_FOR || !self.limits.iter().all(early_is_best) {
            return None;
        }
        let mut limiter = Limiter::new(self);
        let (mut now, mut last) = (start, start);
        for _ in 0..users {
            let mut looks = 0;
            while let Decision::Reject { retry_in } = limiter.look(now) {
                looks += 1;
                now = now.checked_add(retry_in.filter(|_| looks <= MOST_LOOKS)?)?;
            }
            let delay = match limiter.try_pass(now) {
                Decision::PassLate { delay } => delay,
                Decision::Pass | Decision::Reject { .. } => Duration::ZERO,
            };
            last = last.max(now.checked_add(delay)?);
        }
        Some(last - start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_what_physics_asks_for() {
        for (text, users, seconds) in [
            ("token-bucket rate=10 burst=20", 200, Some(18.0)),
            ("token-bucket rate=5 burst=20", 200, Some(36.0)),
            ("token-bucket rate=5 burst=20", 10, Some(0.0)),
            ("fixed-window limit=100 window=60s", 200, Some(60.0)),
            ("fixed-window limit=120 window=60s", 200, Some(60.0)),
            ("fixed-window limit=120 window=60s", 120, Some(0.0)),
            ("fixed-window limit=100 window=60s clock=aligned", 200, Some(60.0)),
            (
                "fixed-window limit=100 window=60s clock=aligned offset=20s",
                200,
                Some(20.0),
            ),
            (
                "fixed-window limit=100 window=60s clock=aligned offset=20s",
                201,
                Some(80.0),
            ),
            (
                "fixed-window limit=100 window=60s clock=aligned offset=20s",
                100,
                Some(0.0),
            ),
            ("sliding-window limit=30 window=10s", 200, Some(60.0)),
            ("sliding-counter limit=40 window=5s", 200, Some(25.0)),
            ("sliding-counter limit=40 window=5s offset=1s", 200, Some(21.0)),
            ("sliding-counter limit=40 window=5s", 40, Some(0.0)),
            ("sliding-counter limit=0 window=5s", 1, None),
            ("queue rate=10 burst=400", 201, Some(20.0)),
            ("queue rate=10 burst=20 delay=10", 211, Some(20.0)),
            ("queue rate=10 burst=0", 1, Some(0.0)),
            ("fixed-window limit=0 window=10s", 1, None),
            ("fixed-window limit=0 window=10s", 0, Some(0.0)),
            ("concurrency limit=5", 5, Some(0.0)),
            ("concurrency limit=5", 6, None),
            ("none", 1_000, Some(0.0)),
            (
                "token-bucket rate=10 burst=10 + fixed-window limit=100 window=60s",
                200,
                Some(69.0),
            ),
            ("token-bucket rate=1 burst=1 + concurrency limit=5", 6, None),
        ] {
            let spec: LimitSpec = text.parse().unwrap();
            assert_eq!(
                spec.bound(users),
                seconds.map(Duration::from_secs_f64),
                "{text} for {users}"
            );
        }
    }

    #[test]
    fn of_many_users_so_many_can_be_in_before_their_time_is_over() {
        for (text, users, most) in [
            (
                "sliding-window limit=20 window=4s reject-counts=true",
                1_000,
                Some(600),
            ),
            ("sliding-window limit=60 window=15s", 1_000, Some(480)),
            ("fixed-window limit=40 window=5s", 1_000, Some(960)),
            ("fixed-window limit=40 window=5s", 200, Some(200)),
            ("token-bucket rate=5 burst=20", 1_000, Some(619)),
            ("sliding-counter limit=40 window=5s", 1_000, Some(959)),
            ("fixed-window limit=0 window=5s", 10, None),
            ("fixed-window limit=0 window=5s", 0, Some(0)),
            ("none", 1_000, Some(1_000)),
        ] {
            let spec: LimitSpec = text.parse().unwrap();
            let time = Duration::from_secs(120);
            assert_eq!(
                spec.most_within(users, Duration::ZERO, None, time),
                most,
                "{text} for {users}"
            );
        }
    }

    #[test]
    fn a_cap_that_is_held_has_a_bound_and_a_window_counts_from_the_start() {
        let held = Some(Duration::from_millis(1_500));
        let cap: LimitSpec = "concurrency limit=20".parse().unwrap();
        assert_eq!(
            cap.bound_from(200, Duration::ZERO, held),
            Some(Duration::from_secs_f64(13.5))
        );
        let window: LimitSpec = "fixed-window limit=1 window=60s clock=aligned".parse().unwrap();
        let start = Duration::from_secs(1_000);
        assert_eq!(window.bound_from(2, start, None), Some(Duration::from_secs(20)));
    }

    #[test]
    fn of_two_limits_one_may_be_full_while_the_other_has_room() {
        // A hundred by 4 s, the window opens at 20 s, and the bucket then gives twenty at once and the others by 24 s.
        let spec: LimitSpec = "token-bucket rate=20 burst=20 + fixed-window limit=100 window=20s"
            .parse()
            .unwrap();
        assert_eq!(spec.bound(200), Some(Duration::from_secs(24)));
        assert_eq!(spec.bound(100), Some(Duration::from_secs(4)));
        let from = spec.bound_from(200, Duration::from_secs(1_000), None);
        assert_eq!(from, Some(Duration::from_secs(24)));
        let longest = spec
            .limits
            .iter()
            .map(|limit| limit.bound(200, Duration::ZERO, None));
        assert_eq!(longest.max(), Some(Some(Duration::from_secs(20))));
    }
}
