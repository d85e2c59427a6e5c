//! The gap that a quota without a burst asks for between two that it lets in: nginx's `limit_req` as it comes, GCRA with a burst of one.
//! Whoever comes sooner after the one before is refused, so the gap is bracketed by what was refused and what passed, and halved like that.
//! Where ways differ, a gap that passed may be shorter than one that was refused: then the one between them is looked for at which a
//! few in a hundred are refused. What becomes of the rate is not here.

use std::collections::VecDeque;
use std::time::Duration;

/// A quota that let in more than so many before its first refusal has a burst.
const BURST: u64 = 2;
/// Who is refused for longer may stand before a window of which others took most.
const LONGEST: Duration = Duration::from_millis(1_500);
/// Bounds that are so near are not worth another refusal.
const NEAR: f64 = 1.1;
/// So much more than a gap that was refused is not tried again: ways differ, and each refusal costs a gap, or a hint.
const LONGER: f64 = 1.02;
/// After so many that passed, one goes sooner than what was refused: who gets in then shares a bucket with others, or its quota grew.
/// After twice as many each time that it is refused; where that costs a hint, too, after more.
const TRIAL: u32 = 10;
const TRIAL_WITH_HINTS: u32 = 240;
/// A hint of so many gaps makes a refusal dear: then what passed counts for more than the middle, by the share of the way there, and so
/// much more than the gap is kept. At 5/s and hints of whole seconds that took 1.20 times the bound to 1.17, at 20/s 2.5 to 1.7.
const DEAR: f64 = 2.0;
const CAREFUL: f64 = 0.7;
const SPARE: f64 = 1.03;
const SOONER: f64 = 0.6;
/// So many gaps have to fit one another first.
const SURE: u32 = 4;
/// By then it is found, and after so many that were sent it is not sought any more.
const LEARNT: u32 = 12;
const SOUGHT: u32 = 48;
/// Ways differ: by so much a gap that is refused may be longer than one that passes, or by so much as answers took longer than others.
const UNEVEN: Duration = Duration::from_millis(20);
/// Where they do, the gap grows with each refusal by this share of how far gaps contradict each other, but by so much at least and at most.
const STEP: f64 = 0.25;
const LEAST_STEP: f64 = 0.02;
const MOST_STEP: f64 = 0.1;
/// And shrinks with each pass, so that this share is refused at most: a refusal costs a gap, or as many as the hint takes.
const SHARE: f64 = 0.03;
/// A gap so many times as long as that which is kept tells nothing of it.
const LONG: f64 = 1.5;
/// Answers that come so much later than those to later attempts are not waited for.
const OVERDUE: Duration = Duration::from_secs(1);

/// What is known of the gap.
#[derive(Debug, Clone, Default)]
pub(super) struct Spacing {
    /// In the order of sending: those that are under way, and those that were answered before an earlier one.
    pub(super) sent: VecDeque<Sent>,
    /// When the latest one was sent.
    latest: Duration,
    /// When the latest that passed was sent; `None`: not known.
    pub(super) last: Option<Duration>,
    /// Since then: the longest gap that was too short, and the shortest that was long enough.
    refused: Duration,
    passed: Option<Duration>,
    /// What is kept to once both are near, or contradict each other.
    kept: Option<f64>,
    /// The shortest and the longest time to an answer.
    times: Option<(Duration, Duration)>,
    kind: Kind,
    /// How many gaps were seen since the first refusal, and how many were sent.
    seen: u32,
    tries: u32,
    /// How many have passed since the latest refusal, and after how many one goes sooner.
    since: u32,
    trial: u32,
    /// What a refusal costs.
    hint: Duration,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Unknown,
    NoBurst,
    /// What was seen does not fit a single gap.
    Burst,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    at: Duration,
    end: Option<End>,
}

/// What became of one that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Passed,
    Refused,
    /// Refused for something of its own, or likely so.
    Own,
    /// Whether it got in is not known.
    Unknown,
}

impl Spacing {
    /// The first refusal, after so many had passed.
    pub(super) fn first_refusal(&mut self, passes: u64, hint: Option<Duration>) {
        self.trial = hint.map_or(TRIAL, |_| TRIAL_WITH_HINTS);
        self.hint = hint.unwrap_or_default();
        self.kind = if (1..=BURST).contains(&passes) && hint.is_none_or(|hint| hint <= LONGEST) {
            Kind::NoBurst
        } else {
            Kind::Burst
        };
    }

    /// Whether one that was sent then and refused came too soon behind another one that got in, or may have, to tell anything else; and
    /// so may any that the gap is still looked for with.
    pub(super) fn explains(&self, at: Duration) -> bool {
        if self.kind != Kind::NoBurst {
            return false;
        }
        let until = self.sent.partition_point(|sent| sent.at < at);
        let may_be_in = |sent: &&Sent| !matches!(sent.end, Some(End::Refused | End::Own));
        let before = self.sent.range(..until).rfind(may_be_in);
        let before = before.map(|sent| sent.at).or(self.last);
        let Some(gap) = before.and_then(|before| at.checked_sub(before)) else {
            return false;
        };
        let is_sought = self.tries < SOUGHT && (self.kept.is_none() || self.seen < LEARNT);
        is_sought || self.passed.is_some_and(|passed| gap < passed)
    }

    /// One is sent.
    pub(super) fn begins(&mut self, at: Duration) {
        if self.kind != Kind::Burst {
            self.latest = at;
            self.tries = self.tries.saturating_add(u32::from(self.kind == Kind::NoBurst));
            self.sent.push_back(Sent { at, end: None });
        }
    }

    /// One that took so long was answered.
    pub(super) fn took(&mut self, time: Duration) {
        let (least, most) = self.times.unwrap_or((time, time));
        self.times = Some((least.min(time), most.max(time)));
    }

    /// One that was sent then ended; who was sent before which is known only when all of them have.
    pub(super) fn ended(&mut self, at: Duration, end: End) {
        if self.kind == Kind::Burst {
            self.sent.clear();
            return;
        }
        let from = self.sent.partition_point(|sent| sent.at < at);
        let mut same = self.sent.range_mut(from..).take_while(|sent| sent.at == at);
        if let Some(sent) = same.find(|sent| sent.end.is_none()) {
            sent.end = Some(end);
        }
        while let Some(&Sent { at: first, end }) = self.sent.front() {
            let end = match end {
                Some(end) => end,
                None if at.saturating_sub(first) > OVERDUE => End::Unknown,
                None => break,
            };
            self.sent.pop_front();
            match end {
                End::Passed => self.has_passed(first),
                End::Refused => self.was_refused(first),
                End::Own => {}
                End::Unknown => self.last = None,
            }
        }
    }

    fn has_passed(&mut self, at: Duration) {
        if let Some(gap) = self.since_last(at) {
            if self.kind == Kind::NoBurst {
                self.seen = self.seen.saturating_add(1);
                self.passed = Some(self.passed.map_or(gap, |passed| passed.min(gap)));
                self.check();
                self.keep(gap, false);
            }
        }
        self.last = Some(at);
        self.since = self.since.saturating_add(1);
    }

    fn was_refused(&mut self, at: Duration) {
        if self.since >= self.trial {
            self.trial = self.trial.saturating_mul(2);
        }
        self.since = 0;
        if let Some(gap) = self.since_last(at) {
            self.seen = self.seen.saturating_add(1);
            self.refused = self.refused.max(gap.mul_f64(LONGER));
            self.check();
            self.keep(gap, true);
        }
    }

    /// Both bounds may be off by what ways differ; not by more.
    fn check(&mut self) {
        let uneven = self
            .times
            .map_or(UNEVEN, |(least, most)| UNEVEN.max(most - least));
        if let Some(passed) = self.passed {
            if self.refused > passed.saturating_add(uneven) {
                self.kind = Kind::Burst;
            }
        }
        if self.refused > LONGEST {
            self.kind = Kind::Burst;
        }
    }

    /// Finds the gap between the bounds, once they are near or contradict each other.
    fn keep(&mut self, gap: Duration, refused: bool) {
        let Some((least, most)) = self.bounds().filter(|(least, most)| *most <= least * NEAR) else {
            self.kept = None;
            return;
        };
        // Of two that were sent in one moment nothing grows.
        let kept = self.kept.filter(|kept| *kept > 0.0).unwrap_or(most.max(least));
        let wrong = (least / LONGER / most - 1.0).max(0.0);
        let step = (STEP * wrong).clamp(LEAST_STEP, MOST_STEP);
        let times = if gap.as_secs_f64() > kept * LONG {
            1.0
        } else if refused {
            1.0 + step
        } else {
            let cost = (self.hint.as_secs_f64() / kept).max(1.0);
            1.0 - step * SHARE.min(wrong / 2.0) / cost
        };
        self.kept = Some((kept * times).clamp(least.min(most), least.max(most)));
    }

    fn since_last(&self, sent: Duration) -> Option<Duration> {
        let gap = self.last.and_then(|last| sent.checked_sub(last))?;
        Some(gap.min(units::LONGEST))
    }

    /// The longest gap that was refused, and the shortest that passed, if it is known that one is asked for.
    fn bounds(&self) -> Option<(f64, f64)> {
        let passed = self
            .passed
            .filter(|_| self.kind == Kind::NoBurst && self.seen >= SURE)?;
        Some((self.refused.as_secs_f64(), passed.as_secs_f64()))
    }

    /// The gap to keep now, if it is known that one is asked for.
    pub(super) fn gap(&self) -> Option<Duration> {
        let (least, most) = self.bounds()?;
        let middle = (least * most).sqrt();
        let (share, spare) = if self.hint.as_secs_f64() >= middle * DEAR {
            (CAREFUL, SPARE)
        } else {
            (0.5, 1.0)
        };
        let gap = if self.since >= self.trial {
            least * SOONER
        } else if let Some(kept) = self.kept {
            kept * spare
        } else {
            least * (most / least).powf(share)
        };
        (gap > 0.0).then(|| Duration::from_secs_f64(gap))
    }

    /// When the next may go by that.
    pub(super) fn next(&self) -> Option<Duration> {
        let from = self.last.filter(|_| self.sent.is_empty()).unwrap_or(self.latest);
        Some(from.saturating_add(self.gap()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn refused_once() -> Spacing {
        let mut spacing = Spacing::default();
        spacing.begins(Duration::ZERO);
        spacing.ended(Duration::ZERO, End::Passed);
        spacing.begins(20 * MS);
        spacing.first_refusal(1, None);
        assert!(spacing.explains(20 * MS));
        spacing.ended(20 * MS, End::Refused);
        spacing
    }

    /// Or whoever is always refused would be taken for one who came too soon, for ever.
    #[test]
    fn a_gap_that_nobody_can_find_explains_no_refusal_in_the_end() {
        let mut spacing = refused_once();
        let explained = (1..200).filter(|nth| {
            // Its answer takes longer than is waited for: nobody knows what came before the refused one.
            let slow = 2_000 * MS * *nth;
            spacing.begins(slow);
            let refused = slow + 50 * MS;
            spacing.begins(refused);
            let explains = spacing.explains(refused);
            spacing.ended(refused, End::Refused);
            explains
        });
        assert!(explained.count() < 60);
    }

    #[test]
    fn attempts_of_one_moment_leave_a_gap_to_be_found() {
        let mut spacing = Spacing::default();
        spacing.first_refusal(1, None);
        (0..2).for_each(|seconds| spacing.took(2_000 * MS * seconds));
        let mut ends = |at: Duration, end: End| {
            spacing.begins(at);
            spacing.ended(at, end);
        };
        (0..6).for_each(|_| ends(Duration::ZERO, End::Passed));
        (1..100).for_each(|nth| ends(500 * MS + MS * nth, End::Refused));
        assert!(
            spacing.gap().is_some() || spacing.kind == Kind::Burst,
            "{:?}",
            spacing.kept
        );
    }

    #[test]
    fn a_refusal_is_measured_against_the_one_let_in_before_it_whose_answer_comes_later() {
        let mut spacing = refused_once();
        for nth in 1..=10 {
            let first = 1_000 * MS * nth;
            let (second, third) = (first + 40 * MS, first + 100 * MS);
            for at in [first, second, third] {
                spacing.begins(at);
            }
            // The last one is answered first: it came 60 ms behind one that was refused, 100 ms behind one that was let in.
            spacing.ended(third, End::Passed);
            spacing.ended(second, End::Refused);
            spacing.ended(first, End::Passed);
        }
        let gap = spacing.gap().expect("ten of each were seen");
        assert!(gap > 40 * MS && gap <= 100 * MS, "{gap:?}");
    }
}
