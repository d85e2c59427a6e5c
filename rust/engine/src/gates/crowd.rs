//! All who try at one quota, with or without a gate: what they find out together (`backoff::Crowd`), with a clock, and the gate that they
//! line up at where they lock each other out.

use backoff::{Finding, Refusal};
use tokio::time::Instant;

use super::gate::Gate;
use crate::locks::{Mutex, MutexGuard};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// See the file's sentence.
#[derive(Debug)]
pub struct Crowd {
    start: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: backoff::Crowd,
    /// Until nobody tries any more.
    gate: Option<Arc<Gate>>,
    /// What was told: a flow, a queue, a lock-out.
    told: [bool; 3],
}

/// How far an attempt came, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took {
    /// So long.
    pub time: Duration,
    /// Of so much; `None`: nobody knows.
    pub limit: Option<Duration>,
    /// Whether TCP got through, to the server or its proxy: who found nobody there learnt nothing of a quota.
    pub reached: bool,
}

impl Default for Crowd {
    fn default() -> Self {
        Crowd {
            start: Instant::now(),
            state: Mutex::default(),
        }
    }
}

impl Crowd {
    /// One more who tries, for so long at most, until it is dropped.
    pub fn enter(self: &Arc<Self>, time: Duration) -> Member {
        self.lock().known.begins(time);
        Member { crowd: self.clone() }
    }

    // Every change under the lock is whole before anything can panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of them.
#[derive(Debug)]
pub struct Member {
    crowd: Arc<Crowd>,
}

impl Member {
    /// The server let it in.
    pub fn passed(&self, took: Took) {
        let now = self.crowd.start.elapsed();
        self.crowd.lock().known.passed(now, took.time, took.limit);
    }

    /// It was refused; what all of them know now.
    pub fn refused(&self, refusal: &Refusal, took: Took) -> Option<Finding> {
        if !took.reached {
            return None;
        }
        let now = self.crowd.start.elapsed();
        let mut state = self.crowd.lock();
        let found = state.known.refused(now, refusal, took.time, took.limit)?;
        if let Finding::LockedOut(found) = &found {
            state
                .gate
                .get_or_insert_with(|| Arc::new(Gate::closed(found, refusal.hint)));
        }
        Some(found)
    }

    /// Where whoever has no gate of its own lines up, while they lock each other out.
    pub fn gate(&self) -> Option<Arc<Gate>> {
        self.crowd.lock().gate.clone()
    }

    /// Whether nobody has asked this yet of such a finding: what all meet is told once.
    pub fn is_first_to_tell(&self, found: &Finding) -> bool {
        let kind = match found {
            Finding::Flow(_) => 0,
            Finding::Queue(_) => 1,
            Finding::LockedOut(_) => 2,
        };
        !std::mem::replace(&mut self.crowd.lock().told[kind], true)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = self.crowd.lock();
        state.known.ends();
        if state.known.is_empty() {
            state.gate = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backoff::{Class, FailureKind, Form, PacerMode};
    use tokio::time::advance;

    const TIME: Duration = Duration::from_secs(600);

    #[tokio::test(start_paused = true)]
    async fn a_lock_out_is_found_by_all_together_and_lines_up_those_who_still_try() {
        let crowd = Arc::new(Crowd::default());
        let members: Vec<Member> = (0..41).map(|_| crowd.enter(TIME)).collect();
        let refusal = |class| Refusal {
            class,
            form: Form::Status(429),
            hint: Some(Duration::from_secs(4)),
        };
        let took = Took {
            time: Duration::from_millis(1),
            limit: None,
            reached: true,
        };
        members[0].passed(took);
        for second in 0..8 {
            for member in &members[1..] {
                assert_eq!(member.refused(&refusal(Class::Throttle), took), None, "{second}");
                assert_eq!(member.refused(&refusal(Class::Fatal), took), None);
            }
            advance(Duration::from_secs(1)).await;
        }
        assert!(members[1].gate().is_none());
        let found = members[1].refused(&refusal(Class::Throttle), took).unwrap();
        let Finding::LockedOut(locked_out) = found else {
            panic!("{found:?}")
        };
        // One was let in, and 41 try: 41 times 4 s.
        assert_eq!(locked_out.bound(), Some(Duration::from_secs(164)));
        assert!(members[2].is_first_to_tell(&found) && !members[3].is_first_to_tell(&found));
        let gate = members[4].gate().unwrap();
        assert_eq!(gate.mode(), PacerMode::Pace);
        assert_eq!(
            gate.figures().hold,
            Duration::from_secs(4),
            "the hint holds there, too"
        );
        assert!(Arc::ptr_eq(&gate, &members[5].gate().unwrap()), "one for all");
        // When all are in, it is over.
        drop(members);
        let late = crowd.enter(TIME);
        assert!(late.gate().is_none());
        assert_eq!(late.refused(&refusal(Class::Throttle), took), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_not_there_locks_nobody_out() {
        let crowd = Arc::new(Crowd::default());
        let members: Vec<Member> = (0..41).map(|_| crowd.enter(TIME)).collect();
        let dead = Refusal {
            class: Class::Transient,
            form: Form::NoAnswer(FailureKind::Network),
            hint: None,
        };
        let found = async |reached| {
            let mut found = None;
            for _ in 0..60 {
                for member in &members {
                    let took = Took {
                        time: Duration::from_millis(1),
                        limit: None,
                        reached,
                    };
                    found = found.or(member.refused(&dead, took));
                }
                advance(Duration::from_secs(1)).await;
            }
            found
        };
        assert_eq!(found(false).await, None);
        assert_eq!(
            found(true).await,
            None,
            "it ends all connections, from the first on"
        );
        assert!(members[0].gate().is_none());
        // One that let somebody in before may be a limit.
        members[0].passed(Took {
            time: Duration::from_millis(1),
            limit: None,
            reached: true,
        });
        assert!(matches!(found(true).await, Some(Finding::LockedOut(_))));
    }
}
