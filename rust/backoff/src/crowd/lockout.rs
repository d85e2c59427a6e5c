//! Whether the users of a quota lock each other out: refusals seem to count against it, so that whoever tries, even as late as the
//! hints ask, keeps the others out. Then all of them line up at a gate (`Pacer::closed`).
//!
//! What else was tried (`cargo run --release -p simulate --example lockout`; 200 users, 10 seeds, default policy), users lost at 20 per 4 s
//! where refusals count, by hints and without:
//!
//! | rule | lost | where refusals are free |
//! |---|---|---|
//! | none (cap 30 s, growth 2) | 133, 180 | 1x |
//! | cap 60 s and growth 2.5 for everybody | 4 to 8 | +27 % on a bucket of 5/s |
//! | a spread of `users * window / (0.8 * quota)` in a lock-out | 0, 0; 160 where each refusal begins a fixed window anew; 75 at 60 per 15 s | without hints a window of 60 s +4 % |
//! | a gate in a lock-out | 0, 0; 0; 0 | without hints a window of 60 s -24 % |
//!
//! Where each refusal begins a *fixed* window anew, no spread helps: only a whole window in which nobody tries.
//!
//! A thousand users have no time for proof: at 20 per 4 s the limit alone loses 400 of them in 120 s, and 14 s without anybody 70 more. So
//! the more of them there are for what the quota lets in at once, the sooner they line up. That a free window is taken for a lock-out by
//! that costs next to nothing: its users come in turns (`pacer::learn::turns`), and those find its openings.
//!
//! An outage after somebody was let in looks the same while it lasts. Whoever lined up goes on at the gate, which finds out what the
//! server lets in then; but nobody is told any more that users lock each other out.

use std::collections::VecDeque;
use std::time::Duration;

/// So many hints long nobody was let in ...
const HINTS: u32 = 2;
/// ... although so many users tried, and as often after the first of them was over: then it is a lock-out. Fewer keep nobody out by refusals
/// that count, as long as they wait for as long as they are asked.
const MANY: u32 = 10;
/// A hint that is shorter proves nothing sooner: it may be one of a fraction of a second, out of several servers.
const SHORTEST: Duration = Duration::from_secs(2);
/// Where there are no hints, a window is taken for so long at first, and for twice as long each time it proves too short. A free window of
/// 10 s is not taken for a lock-out by that, nor is one of 60 s spread beyond its end.
const FIRST_GUESS: Duration = Duration::from_secs(7);
const LONGEST_GUESS: Duration = Duration::from_secs(600);
/// So many times as many as a window lets in are many.
const MANY_WINDOWS: usize = 12;
/// Where that would be too long for many to get in within their time, by this much, as many as came at once being let in each time, they
/// line up sooner: who would be lost waits for proof. But not before so much time: a slow bucket lets one in by then.
const TOO_SHORT: f64 = 1.25;
const SOONEST: Duration = Duration::from_millis(2_500);
/// A quota of at least so many, as one without a burst lets in one at a time.
const LEAST: usize = 10;
/// So many times as many in one window contradict it: the server was down, and is well again.
const CONTRADICTED: usize = 4;
/// Likewise where a few are let in, but only one of so many who try: a bucket that refusals keep empty.
const HAMMERING: u64 = 100;
/// Who is refused sooner than this after another one had been under way.
const UNDER_WAY: Duration = Duration::from_millis(250);
/// No window is taken for shorter when those are counted whom it let in.
const SHORTEST_WINDOW: Duration = Duration::from_secs(1);
/// Who was let in so shortly before the first refusal, though nobody tried in between, tells that the server is not down: one of a rush
/// gets in before the next one begins. Of those who come farther apart it is not known; and an outage that begins in a rush looks like a
/// lock-out, as any that begins while somebody tries.
const RUSH: Duration = Duration::from_millis(100);
/// No bound is told that is longer.
const LONGEST_BOUND: Duration = Duration::from_secs(24 * 3_600);

/// Users who lock each other out, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockedOut {
    /// How many try.
    pub users: usize,
    /// The most that ever were let in within a window; 0: nobody was, yet.
    pub quota: usize,
    /// How long a window is taken for: the longest hint, or a guess.
    pub window: Duration,
    /// Whether it is a hint.
    pub hinted: bool,
    /// Whether nobody was let in although they waited as long as they were asked, and as long again: refusals seem to count. Else a window
    /// that is long looks the same.
    pub proven: bool,
}

impl LockedOut {
    /// How long it takes until all of them are in, `users * window / quota`, whatever they do; `None`: the quota is not known.
    #[must_use]
    pub fn bound(&self) -> Option<Duration> {
        let seconds = self.window.as_secs_f64() * self.users as f64 / self.quota as f64;
        let bound = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_BOUND);
        (self.quota > 0).then(|| bound.min(LONGEST_BOUND))
    }

    /// Whether so many windows' users wait that each refusal is to be spared.
    pub(crate) fn fills_many_windows(&self) -> bool {
        self.quota > 0 && self.users >= self.quota.saturating_mul(MANY_WINDOWS)
    }
}

/// When somebody was let in, and who was refused since.
#[derive(Debug, Clone, Default)]
pub(super) struct Lockout {
    /// When the latest were let in, no longer ago than a window; and the most that ever were in one.
    passes: VecDeque<Duration>,
    most: usize,
    /// The last pass, or the first refusal, or the last one while there were not many users.
    since: Option<Duration>,
    /// Refusals later than a window after that.
    late: u32,
    /// How long a window is taken for: the longest hint, or a guess.
    window: Duration,
    hinted: bool,
    seen: bool,
    proven: bool,
    /// Since all but nobody is let in: since then, how many tried and how many were let in.
    mark: Option<Duration>,
    tries: u64,
    let_in: usize,
}

impl Lockout {
    /// Nobody tries any more: forgets all but when the latest were let in. Users who get in one by one leave nobody behind between them.
    pub(super) fn forget(&mut self) {
        *self = Lockout {
            passes: std::mem::take(&mut self.passes),
            ..Lockout::default()
        };
    }

    /// A user was let in.
    pub(super) fn passed(&mut self, now: Duration) {
        (self.since, self.late) = (Some(now), 0);
        self.let_in += 1;
        if self.tries < HAMMERING * self.let_in as u64 {
            (self.mark, self.tries, self.let_in) = (Some(now), 0, 0);
        }
        self.passes.push_back(now);
        self.trim(now);
        if self.seen && self.passes.len() > self.most.max(LEAST).saturating_mul(CONTRADICTED) {
            (self.seen, self.mark, self.tries, self.let_in) = (false, Some(now), 0, 0);
        }
        if !self.seen {
            self.most = self.most.max(self.passes.len());
        }
    }

    /// Lets go of those who were let in longer ago than a window.
    fn trim(&mut self, now: Duration) {
        let window = self.window.max(SHORTEST_WINDOW);
        let is_over = |&first: &Duration| now.saturating_sub(first) >= window;
        while self.passes.front().is_some_and(is_over) {
            self.passes.pop_front();
        }
    }

    /// A user was refused. `Some`: in a lock-out.
    pub(super) fn refused(
        &mut self,
        now: Duration,
        hint: Option<Duration>,
        users: usize,
        time: Duration,
    ) -> Option<LockedOut> {
        if let Some(hint) = hint {
            if !self.hinted {
                (self.hinted, self.window) = (true, Duration::ZERO);
            }
            self.window = self.window.max(hint);
        } else if self.window.is_zero() {
            self.window = FIRST_GUESS;
        }
        if self.since.is_none() {
            let rushes = |&last: &Duration| now.saturating_sub(last) < RUSH;
            if !self.passes.back().is_some_and(rushes) {
                self.passes.clear();
            }
            self.trim(now); // it may have been kept for a longer window
            self.most = self.passes.len();
        }
        if users < MANY as usize {
            (self.since, self.late) = (Some(now), 0);
        }
        let since = *self.since.get_or_insert(now);
        let dry = now.saturating_sub(since);
        let patience = self.window.max(SHORTEST);
        self.late += u32::from(dry >= patience);
        // Who counts refusals let some in before there were any. A server that lets in nobody at all is down.
        let proven = self.late >= MANY && dry >= patience.saturating_mul(HINTS);
        if proven && self.most > 0 {
            if self.seen || !self.hinted {
                self.window = self.window.saturating_mul(2).min(LONGEST_GUESS);
            }
            (self.seen, self.since, self.late) = (true, Some(now), 0);
            self.proven = self.hinted;
        }
        if !self.seen {
            self.give_up_waiting(now, users, time);
        }
        self.seen.then_some(self.found(users))
    }

    fn found(&self, users: usize) -> LockedOut {
        LockedOut {
            users,
            quota: self.most,
            window: self.window,
            hinted: self.hinted,
            proven: self.proven,
        }
    }

    /// Takes it for a lock-out where so few are let in, of many who try, that not all of the users can get in within that time.
    fn give_up_waiting(&mut self, now: Duration, users: usize, time: Duration) {
        let mark = *self.mark.get_or_insert(now);
        let dry = now.saturating_sub(mark);
        self.tries += u64::from(dry >= UNDER_WAY);
        let long = dry >= SOONEST && (!self.hinted || dry >= self.window);
        let hammers = self.tries >= HAMMERING * (self.let_in as u64).max(1);
        let by_then = (self.most.max(LEAST) + self.let_in) as f64;
        let whole = dry.as_secs_f64() * users as f64 / by_then;
        if long && hammers && self.found(users).fills_many_windows() && whole > time.as_secs_f64() * TOO_SHORT
        {
            (self.seen, self.since, self.late) = (true, Some(now), 0);
            if !self.hinted {
                self.window = dry;
            }
        }
    }
}
