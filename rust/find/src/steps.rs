//! Steps of the clock that stamped a trace: after a wait whose length was measured without that clock, the next attempt of the same user
//! begins at another time than it says.

use std::collections::HashMap;
use trace::AttemptRecord;

/// Threads wake late, and a clock is adjusted slowly by far less, in microseconds.
const STEP: i64 = 700_000;
/// So near to each other steps are the same one, in microseconds.
const SAME: i64 = 300_000;
/// So many users at least must have waited through a step: one may have been stopped by a debugger or a busy machine.
const WITNESSES: usize = 3;
/// More than so many waits that look like steps are not kept.
const MOST: usize = 10_000;

/// A step of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Which of the files.
    pub source: usize,
    /// What the clock showed behind it, microseconds since 1970.
    pub at: u64,
    /// By how much it was set ahead, or back, in microseconds.
    pub by: i64,
}

/// What attempts say of the clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steps {
    /// When the next attempt of a user is due, by the connect and the attempt's number.
    due: HashMap<(usize, u32), (u64, u64, u64)>,
    seen: Vec<Step>,
}

impl Steps {
    pub(crate) fn look(&mut self, source: usize, user: u32, attempt: &AttemptRecord<'_>) {
        // The gate's wait ends where the attempt begins.
        let gate = attempt.gate.as_ref().map_or(0.0, |gate| gate.waited_ms);
        let key = (source, user);
        if let Some((ordinal, number, due)) = self.due.remove(&key) {
            if (ordinal, number) == (attempt.ordinal, attempt.attempt) {
                let due = i64::try_from(due.saturating_add(micros(gate))).unwrap_or(i64::MAX);
                let by = i64::try_from(attempt.at).unwrap_or(i64::MAX).saturating_sub(due);
                if by.abs() >= STEP && self.seen.len() < MOST {
                    self.seen.push(Step {
                        source,
                        at: attempt.at,
                        by,
                    });
                }
            }
        }
        if let Some(waited) = attempt.waited_ms {
            let length = attempt.total_us.saturating_add(attempt.stalled_us.unwrap_or(0));
            let due = attempt.at.saturating_add(length).saturating_add(micros(waited));
            self.due
                .insert(key, (attempt.ordinal, attempt.attempt.saturating_add(1), due));
        }
    }

    /// The steps on which several users agree, one for each clock: the one that most saw.
    pub(crate) fn agreed(&self) -> Vec<Step> {
        let mut sources: Vec<usize> = self.seen.iter().map(|step| step.source).collect();
        sources.sort_unstable();
        sources.dedup();
        let of = |source: usize| {
            let mut all: Vec<Step> = self
                .seen
                .iter()
                .filter(|step| step.source == source)
                .copied()
                .collect();
            all.sort_unstable_by_key(|step| step.by);
            let alike = |from: usize| all.partition_point(|step| step.by <= all[from].by + SAME) - from;
            let (count, from) = (0..all.len())
                .map(|from| (alike(from), from))
                .max_by_key(|(count, _)| *count)?;
            let at = all[from..from + count].iter().map(|step| step.at).min()?;
            // A machine that is late with everything steps nowhere.
            let others = all.len() - count;
            (count >= WITNESSES && 2 * others < count).then(|| Step {
                source,
                at,
                by: all[from + count / 2].by,
            })
        };
        sources.into_iter().filter_map(of).collect()
    }
}

fn micros(ms: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // whole, and what is beyond is drawn to the ends
    let whole = (1e3 * ms) as u64;
    whole
}
