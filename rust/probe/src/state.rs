//! What a model does with tries, one after the other: a limiter's state, or that of one that no `limiter` describes. Which figures
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
    /// A bucket that leaks a drop at a time; whoever comes is a drop more in it, up to its brim, and is let in below that.
    Dripping {
        brim: u32,
        drip: Duration,
        held: u32,
        /// When the last drop fell.
        dripped: Duration,
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

    /// One that lets in so many at once.
    pub(crate) fn dripping(count: u32, drip: Duration) -> State {
        State::Dripping {
            brim: count + 1,
            drip: drip.max(Duration::from_nanos(1)),
            held: 0,
            dripped: Duration::ZERO,
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
            State::Dripping {
                brim,
                drip,
                held,
                dripped,
            } => {
                let now = now.max(*dripped);
                let (left, last) = drained(*held, *dripped, *drip, now);
                match (left + 2).checked_sub(*brim) {
                    None | Some(0) => Decision::Pass,
                    Some(drops) => Decision::Reject {
                        retry_in: Some((last + *drip * drops).saturating_sub(now)),
                    },
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
            State::Dripping {
                brim,
                drip,
                held,
                dripped,
            } => {
                let now = now.max(*dripped);
                let (left, last) = drained(*held, *dripped, *drip, now);
                (*held, *dripped) = ((left + 1).min(*brim), last);
            }
        }
    }

    /// One that was let in is gone.
    pub(crate) fn release(&mut self, now: Duration) {
        match self {
            // A cap knows no time, and what is noticed later must not move on that of others: tries before it would come too late.
            State::Limiter(limiter) => limiter.release(Duration::ZERO),
            State::Late { time, free_at, .. } => free_at.push(now + *time),
            State::Dripping { .. } => {}
        }
    }
}

/// How many drops are left, and when the last one fell; when it is empty the next one falls a whole drip after the next that comes.
fn drained(held: u32, dripped: Duration, drip: Duration, now: Duration) -> (u32, Duration) {
    let drops = u32::try_from((now - dripped).as_nanos() / drip.as_nanos()).unwrap_or(u32::MAX);
    match held.checked_sub(drops) {
        None | Some(0) => (0, now),
        Some(left) => (left, dripped + drip * drops),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Closes are noticed some time later; what opens in less than that was taken to be open at once, and never looked at.
    #[test]
    fn a_close_that_is_noticed_later_moves_no_limits_time_on() {
        let mut state = State::limited(&"token-bucket rate=10 burst=1".parse().unwrap());
        assert_eq!(passes(&mut state, &[0.0]), [true]);
        state.release(SECOND / 5);
        assert_eq!(passes(&mut state, &[0.05, 0.11]), [false, true]);
    }

    fn passes(state: &mut State, at: &[f64]) -> Vec<bool> {
        at.iter()
            .map(|&at| state.try_pass(Duration::from_secs_f64(at)).passed())
            .collect()
    }

    #[test]
    fn a_bucket_that_drips_lets_the_next_one_in_after_two_drops() {
        let mut state = State::dripping(3, SECOND);
        let at_once = [1.0, 1.1, 1.2, 1.3, 1.4];
        assert_eq!(passes(&mut state, &at_once), [true, true, true, false, false]);
        // It is full to the brim again with each that is refused.
        assert_eq!(
            passes(&mut state, &[2.9, 3.1, 4.9, 5.1]),
            [false, false, false, false]
        );
        assert_eq!(
            state.look(6 * SECOND),
            Decision::Reject {
                retry_in: Some(SECOND)
            }
        );
        assert_eq!(passes(&mut state, &[7.1, 20.0]), [true, true]);
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
