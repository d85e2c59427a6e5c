//! How fast a quota lets in those who come back, and whether the server lets them wait in a queue: what follows for their pauses.

use super::{Finding, Lead};
use crate::attempts::{Form, Refusal};
use crate::connect::FailureKind;
use std::time::Duration;

/// All who wait try so many times as often as somebody is let in. A quota without a burst is idle from each token to the next try, so that
/// it lets in `1 - 1/TRIES` of what it could: 3 lets 10/s take 1.88 times its bound, 4 takes 1.70, and costs half an attempt a user.
const TRIES: f64 = 4.0;
/// So many that came back and were let in show a rate ...
const FEW: u32 = 10;
/// ... if they came later than this after the first refusal: until then those come in who had been under way.
const UNDER_WAY: Duration = Duration::from_millis(250);
/// Where a share `p` of all tries gets in, one of a thousand is refused more often than this divided by `p`.
const UNLIKELY: u64 = 7;
/// After so long without a refusal it is another storm.
const QUIET: Duration = Duration::from_secs(60);
/// An answer that takes this share of an attempt's time waited in a queue.
const LATE: u32 = 4;
/// Whoever comes back to a queue wants its answer within this share of its time: others may come before.
const EARLY: u32 = 2;
/// No try is put off for longer.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Those who were let in one after the other.
#[derive(Debug, Clone, Copy, Default)]
struct Series {
    from: Duration,
    last: Duration,
    count: u32,
}

impl Series {
    fn add(&mut self, now: Duration) {
        (self.last, self.count) = (now, self.count.saturating_add(1));
    }

    /// How long it takes until so many more are let in; `None`: nobody can tell yet.
    fn time_for(&self, users: f64) -> Option<Duration> {
        let took = self.last.saturating_sub(self.from).as_secs_f64();
        let seconds = took / f64::from(self.count) * users;
        let known = self.count >= FEW && took > 0.0;
        known.then(|| {
            Duration::try_from_secs_f64(seconds)
                .unwrap_or(LONGEST)
                .min(LONGEST)
        })
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Flow {
    /// Since the first refusal of the storm; `None`: there was none.
    back: Option<Series>,
    latest_refusal: Duration,
    refusals: u64,
    /// Late answers in a row.
    late: Option<Series>,
}

impl Flow {
    pub(super) fn passed(&mut self, now: Duration, took: Duration, limit: Option<Duration>) {
        if let Some(back) = &mut self.back {
            if now >= back.from.saturating_add(UNDER_WAY) {
                back.add(now);
            }
        }
        if limit.is_some_and(|limit| took >= limit / LATE) {
            let late = self.late.get_or_insert(Series {
                from: now,
                last: now,
                count: 0,
            });
            late.add(now);
        } else {
            self.late = None;
        }
    }

    pub(super) fn refused(
        &mut self,
        now: Duration,
        refusal: &Refusal,
        took: Duration,
        limit: Option<Duration>,
        users: usize,
    ) -> Option<Finding> {
        if now.saturating_sub(self.latest_refusal) >= QUIET {
            (self.back, self.refusals) = (None, 0);
        }
        self.latest_refusal = now;
        self.refusals += 1;
        let back = *self.back.get_or_insert(Series {
            from: now,
            last: now,
            count: 0,
        });
        let timed_out = refusal.form == Form::NoAnswer(FailureKind::Timeout);
        if let (true, Some(late), Some(limit)) = (timed_out, self.late, limit.filter(|limit| took >= *limit))
        {
            let through = late.time_for(users as f64)?;
            return Some(Finding::Queue(Lead {
                users,
                after: through.saturating_sub(limit / EARLY),
                width: through,
                by_chance: u64::MAX,
            }));
        }
        // Draws between nothing and the width: its half in the mean.
        let width = back.time_for(users as f64 * 2.0 / TRIES)?;
        let let_in = u64::from(back.count);
        Some(Finding::Flow(Lead {
            users,
            after: Duration::ZERO,
            width,
            by_chance: (self.refusals + let_in) * UNLIKELY / let_in,
        }))
    }
}
