//! A clock that stands still until a test lets it go on; every execution of a model starts its own.

use std::cell::RefCell;
use std::ops::Add;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[derive(Default)]
struct Clock {
    now: Duration,
    sleeping: Vec<(Duration, Waker)>,
}

thread_local! {
    // Shuttle runs all tasks of an execution on one thread, and nothing here is held while it may switch.
    static CLOCK: RefCell<Clock> = RefCell::default();
}

/// Starts at zero, with nobody asleep.
pub fn reset() {
    // The old one's wakers may do something as they are dropped: not within the borrow.
    let _old = CLOCK.take();
}

/// Goes on to the moment that somebody sleeps until, and wakes all who are due; false when nobody sleeps.
pub fn advance_to_next() -> bool {
    let due = CLOCK.with_borrow_mut(|clock| {
        let next = clock.sleeping.iter().map(|(at, _)| *at).min();
        clock.now = clock.now.max(next.unwrap_or_default());
        let sleeping = std::mem::take(&mut clock.sleeping);
        let (due, later) = sleeping.into_iter().partition(|(at, _)| *at <= clock.now);
        clock.sleeping = later;
        let due: Vec<(Duration, Waker)> = due;
        due
    });
    let any = !due.is_empty();
    for (_, waker) in due {
        waker.wake();
    }
    any
}

/// A moment of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// This one.
    #[must_use]
    pub fn now() -> Self {
        Self(CLOCK.with_borrow(|clock| clock.now))
    }

    /// How long it is ago.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Self::now().0 - self.0
    }

    /// From `earlier` to this one; nothing where it is before.
    #[must_use]
    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, length: Duration) -> Self {
        Self(self.0 + length)
    }
}

/// Waits until the clock is there.
#[must_use]
pub fn sleep_until(at: Instant) -> Sleep {
    Sleep(at)
}

/// See [`sleep_until`].
#[derive(Debug)]
pub struct Sleep(Instant);

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.0 {
            return Poll::Ready(());
        }
        CLOCK.with_borrow_mut(|clock| clock.sleeping.push((self.0.0, cx.waker().clone())));
        Poll::Pending
    }
}
