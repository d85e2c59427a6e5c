//! What a model does with tries, one after the other: a limiter's state, or that of a cap that no `limiter` describes. Which figures
//! a model has, and how they are drawn, stands in `model`.

use limiter::{Decision, LimitSpec, Limiter};
use std::time::Duration;

/// Like a [`Limiter`]: times never go back.
#[derive(Debug, Clone)]
pub(crate) enum State {
    Limiter(Limiter),
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
        self.take_in(now, decision);
        decision
    }

    /// A try to which [`State::look`] said this.
    pub(crate) fn take_in(&mut self, now: Duration, decision: Decision) {
        match self {
            State::Limiter(limiter) => limiter.take_in(now, decision),
            State::Late { taken, free_at, .. } => {
                let before = free_at.len();
                free_at.retain(|&at| at > now);
                let freed = u32::try_from(before - free_at.len()).unwrap_or(u32::MAX);
                *taken = taken.saturating_sub(freed) + u32::from(decision.passed());
            }
        }
    }

    /// One that was let in is gone.
    pub(crate) fn release(&mut self, now: Duration) {
        match self {
            State::Limiter(limiter) => limiter.release(now),
            State::Late { time, free_at, .. } => free_at.push(now + *time),
        }
    }
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
