//! What a model does with tries, one after the other: a limiter's state, or that of servers that no `limiter` describes. Which figures
//! a model has, and how they are drawn, stands in `model`.

use limiter::{Decision, LimitSpec, Limiter};
use std::time::Duration;

/// Like a [`Limiter`]: times never go back.
#[derive(Debug, Clone)]
pub(crate) enum State {
    Limiter(Limiter),
    /// Whoever is refused once is refused for a time, and begins anew then.
    Blocks {
        spec: LimitSpec,
        limiter: Limiter,
        time: Duration,
        until: Duration,
        /// Each try meanwhile puts the end off.
        renewed: bool,
    },
    /// So many at a time; a place gets free some time after its connection was closed.
    Late {
        places: u32,
        time: Duration,
        taken: u32,
        free_at: Vec<Duration>,
    },
}

impl State {
    pub(crate) fn limited(spec: &LimitSpec) -> State {
        State::Limiter(Limiter::new(spec))
    }

    pub(crate) fn blocks(spec: LimitSpec, time: Duration, renewed: bool) -> State {
        State::Blocks {
            limiter: Limiter::new(&spec),
            spec,
            time,
            until: Duration::ZERO,
            renewed,
        }
    }

    pub(crate) fn late(places: u32, time: Duration) -> State {
        State::Late {
            places,
            time,
            taken: 0,
            free_at: Vec::new(),
        }
    }

    /// What would be said to a try.
    pub(crate) fn look(&self, now: Duration) -> Decision {
        match self {
            State::Limiter(limiter) => limiter.look(now),
            State::Blocks { until, .. } if now < *until => refuse(*until - now),
            State::Blocks { limiter, time, .. } => match limiter.look(now) {
                Decision::Reject { .. } => refuse(*time),
                let_in => let_in,
            },
            State::Late {
                places,
                taken,
                free_at,
                ..
            } => {
                let free = free_at.iter().filter(|&&at| at <= now).count();
                if (*taken as usize).saturating_sub(free) < *places as usize {
                    return Decision::Pass;
                }
                Decision::Reject {
                    retry_in: free_at.iter().filter(|&&at| at > now).min().map(|&at| at - now),
                }
            }
        }
    }

    pub(crate) fn try_pass(&mut self, now: Duration) -> Decision {
        let decision = self.look(now);
        match self {
            State::Limiter(limiter) => return limiter.try_pass(now),
            State::Blocks {
                spec,
                limiter,
                time,
                until,
                renewed,
            } => {
                if decision.passed() {
                    let _ = limiter.try_pass(now);
                } else if now >= *until {
                    *limiter = Limiter::new(spec);
                    *until = now + *time;
                } else if *renewed {
                    *until = now + *time;
                }
            }
            State::Late { taken, free_at, .. } => {
                let before = free_at.len();
                free_at.retain(|&at| at > now);
                let freed = u32::try_from(before - free_at.len()).unwrap_or(u32::MAX);
                *taken = taken.saturating_sub(freed) + u32::from(decision.passed());
            }
        }
        decision
    }

    /// One that was let in is gone.
    pub(crate) fn release(&mut self, now: Duration) {
        match self {
            State::Limiter(limiter) => limiter.release(now),
            State::Blocks { .. } => {}
            State::Late { time, free_at, .. } => free_at.push(now + *time),
        }
    }
}

fn refuse(wait: Duration) -> Decision {
    Decision::Reject { retry_in: Some(wait) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn passes(state: &mut State, at: &[f64]) -> Vec<bool> {
        at.iter()
            .map(|&at| state.try_pass(Duration::from_secs_f64(at)).passed())
            .collect()
    }

    #[test]
    fn who_was_refused_once_is_refused_for_a_time_from_then_on() {
        let spec: LimitSpec = "fixed-window limit=2 window=1s".parse().expect("a limit");
        let mut state = State::blocks(spec.clone(), 5 * SECOND, false);
        let at = [0.0, 0.1, 1.1, 1.2, 1.3, 6.2, 6.4];
        assert_eq!(
            passes(&mut state, &at),
            [true, true, true, true, false, false, true]
        );
        let mut renewed = State::blocks(spec, 5 * SECOND, true);
        let at = [0.0, 0.1, 0.2, 4.0, 6.0, 10.9, 16.0];
        assert_eq!(
            passes(&mut renewed, &at),
            [true, true, false, false, false, false, true]
        );
    }

    #[test]
    fn a_place_gets_free_a_while_after_its_connection_is_closed() {
        let mut state = State::late(2, 3 * SECOND);
        assert_eq!(passes(&mut state, &[0.0, 0.1, 0.2]), [true, true, false]);
        state.release(SECOND);
        assert_eq!(
            passes(&mut state, &[2.0, 3.9, 4.1, 4.2]),
            [false, false, true, false]
        );
        assert_eq!(state.look(9 * SECOND), Decision::Reject { retry_in: None });
    }
}
