//! All who try at one quota, with or without a gate: what they find out together of a lock-out (`backoff::Lockout`), with a clock.

use backoff::{Class, LockedOut, Lockout, Refusal};
use tokio::time::Instant;

use crate::locks::{Mutex, MutexGuard};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

/// See the file's sentence.
#[derive(Debug)]
pub struct Crowd {
    start: Instant,
    state: Mutex<Lockout>,
    told: AtomicBool,
}

impl Default for Crowd {
    fn default() -> Self {
        Crowd {
            start: Instant::now(),
            state: Mutex::new(Lockout::new()),
            told: AtomicBool::new(false),
        }
    }
}

impl Crowd {
    /// One more who tries, until it is dropped.
    pub fn enter(self: &Arc<Self>) -> Member {
        self.lock().begins();
        Member { crowd: self.clone() }
    }

    // Every change under the lock is whole before anything can panic.
    fn lock(&self) -> MutexGuard<'_, Lockout> {
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
    pub fn passed(&self) {
        let now = self.crowd.start.elapsed();
        self.crowd.lock().passed(now);
    }

    /// It was refused. `Some`: they lock each other out, and its next try is to be drawn over the time that is told.
    pub fn refused(&self, refusal: &Refusal) -> Option<LockedOut> {
        if refusal.class == Class::Fatal {
            return None;
        }
        let now = self.crowd.start.elapsed();
        self.crowd.lock().refused(now, refusal.hint)
    }

    /// Whether nobody has asked this yet: what all meet is told once.
    pub fn is_first_to_tell(&self) -> bool {
        !self.crowd.told.swap(true, Ordering::Relaxed)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.crowd.lock().ends();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backoff::Form;
    use std::time::Duration;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_lock_out_is_found_by_all_together_and_spreads_those_who_still_try() {
        let crowd = Arc::new(Crowd::default());
        let members: Vec<Member> = (0..41).map(|_| crowd.enter()).collect();
        let refusal = |class| Refusal {
            class,
            form: Form::Status(429),
            hint: Some(Duration::from_secs(4)),
        };
        members[0].passed();
        for second in 0..8 {
            for member in &members[1..] {
                assert_eq!(member.refused(&refusal(Class::Throttle)), None, "{second}");
                assert_eq!(member.refused(&refusal(Class::Fatal)), None);
            }
            advance(Duration::from_secs(1)).await;
        }
        // One was let in, and 41 try: 41 times 4 s, and a fifth more.
        let found = members[1].refused(&refusal(Class::Throttle)).unwrap();
        assert_eq!(found.spread, Duration::from_secs(205));
        assert_eq!(found.bound(), Some(Duration::from_secs(164)));
        drop(members);
        let last = crowd.enter();
        let found = last.refused(&refusal(Class::Throttle)).unwrap();
        assert_eq!(found.spread, Duration::from_secs(5));
    }
}
