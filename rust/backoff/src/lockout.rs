//! Whether the users of a quota lock each other out: refusals seem to count against it, so that whoever tries, even as late as the
//! hints ask, keeps the others out. One user cannot tell that from a long queue; all users of a process together can.
//!
//! The rule was found by simulation (`cargo run --release -p simulate --example lockout`), 200 users, 10 seeds, default policy:
//!
//! | rule | lost at 20 per 4 s, refusals counted: hints, none | where refusals are free |
//! |---|---|---|
//! | none (cap 30 s, growth 2) | 133, 180 of 200 | 1x |
//! | cap 60 s and growth 2.5 for everybody | 4 to 8 | +27 % on a bucket of 5/s |
//! | the same, only in a lock-out | as late as it is found, nobody gets in before | 1x |
//! | a spread of `users * window / (0.8 * quota)` in a lock-out, squeezed into the time left | 0, 0; of 1,000 still 960, who all try at once | 1x; without hints a window of 60 s +4 % |
//! | the same, and who has no time stops | 0, 0; of 1,000 766 to 936, where the bound leaves out 400 | the same |
//!
//! Where each refusal begins a *fixed* window anew, no spread helps: only a whole window in which nobody tries. There the gate `pace` does.
//!
//! No clock, no I/O: time comes in as a [`Duration`] since any start that the caller likes.

use std::collections::VecDeque;
use std::time::Duration;

/// So many hints long nobody was let in ...
const HINTS: u32 = 2;
/// ... although so many tried after the first of them was over: then it is a lock-out.
const MANY: u32 = 10;
/// Where there are no hints, a window is taken for so long at first, and for twice as long each time it proves too short. A free window of
/// 10 s is not taken for a lock-out by that, nor is one of 60 s spread beyond its end.
const FIRST_GUESS: Duration = Duration::from_secs(7);
const LONGEST_GUESS: Duration = Duration::from_secs(600);
/// No try is put off for longer.
const LONGEST_SPREAD: Duration = Duration::from_secs(24 * 3_600);
/// This share of what the quota lets in is asked for: so many tries come by chance that some are refused, and those count, too.
const SHARE: f64 = 0.8;

/// Users who lock each other out, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockedOut {
    /// How many try.
    pub users: usize,
    /// The most that ever were let in within a window; 0: nobody was, yet.
    pub quota: usize,
    /// How long a window is taken for: the longest hint, or a guess.
    pub window: Duration,
    /// The time over which all who wait should spread their next tries, from the end of the hint on, so that they are no more than the
    /// quota takes.
    pub spread: Duration,
}

impl LockedOut {
    /// How long it takes until all of them are in, `users * window / quota`, whatever they do; `None`: the quota is not known.
    #[must_use]
    pub fn bound(&self) -> Option<Duration> {
        let windows = self.users as f64 / self.quota as f64;
        (self.quota > 0).then(|| times(self.window, windows))
    }
}

fn times(window: Duration, factor: f64) -> Duration {
    let product = Duration::try_from_secs_f64(window.as_secs_f64() * factor);
    product.unwrap_or(LONGEST_SPREAD).min(LONGEST_SPREAD)
}

/// What the users of one process know together of one quota: who waits, who was let in, who was refused.
#[derive(Debug, Clone, Default)]
pub struct Lockout {
    /// How many try.
    users: usize,
    /// When the latest were let in, no longer ago than a window; and the most that ever were in one.
    passes: VecDeque<Duration>,
    most: usize,
    /// The last pass, or the first refusal.
    since: Option<Duration>,
    /// Refusals later than a window after that.
    late: u32,
    /// How long a window is taken for: the longest hint, or a guess.
    window: Duration,
    hinted: bool,
    seen: Option<Duration>,
}

impl Lockout {
    /// Nobody has tried yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more user begins to try.
    pub fn begins(&mut self) {
        self.users += 1;
    }

    /// A user tries no more, in or not.
    pub fn ends(&mut self) {
        self.users = self.users.saturating_sub(1);
    }

    /// A user was let in.
    pub fn passed(&mut self, now: Duration) {
        (self.since, self.late) = (Some(now), 0);
        self.passes.push_back(now);
        let window = self.window.max(FIRST_GUESS.min(Duration::from_secs(1)));
        while self
            .passes
            .front()
            .is_some_and(|&first| now.saturating_sub(first) >= window)
        {
            self.passes.pop_front();
        }
        if self.seen.is_none() {
            self.most = self.most.max(self.passes.len());
        }
    }

    /// A user was refused. `Some`: in a lock-out.
    pub fn refused(&mut self, now: Duration, hint: Option<Duration>) -> Option<LockedOut> {
        if let Some(hint) = hint {
            if !self.hinted {
                (self.hinted, self.window) = (true, Duration::ZERO);
            }
            self.window = self.window.max(hint);
        } else if self.window.is_zero() {
            self.window = FIRST_GUESS;
        }
        let since = *self.since.get_or_insert(now);
        let dry = now.saturating_sub(since);
        self.late += u32::from(dry >= self.window);
        if self.late >= MANY && dry >= self.window.saturating_mul(HINTS) {
            if self.seen.is_some() || !self.hinted {
                self.window = self.window.saturating_mul(2).min(LONGEST_GUESS);
            }
            self.seen.get_or_insert(now);
            (self.since, self.late) = (Some(now), 0);
        }
        self.seen?;
        Some(LockedOut {
            users: self.users,
            quota: self.most,
            window: self.window,
            spread: self.spread(),
        })
    }

    /// So long that no more tries come in a window than the quota takes.
    fn spread(&self) -> Duration {
        times(self.window, self.users as f64 / (self.most.max(1) as f64 * SHARE))
    }

    /// When the lock-out was found.
    #[must_use]
    pub fn seen(&self) -> Option<Duration> {
        self.seen
    }
}
