//! The gap that a quota without a burst asks for between two that it lets in: nginx's `limit_req` as it comes, GCRA with a burst of one.
//! Whoever comes sooner after the one before is refused, so the gap is bracketed by what was refused and what passed, and halved like that.
//! What becomes of the rate is not here.

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
/// Ways differ: by so much a gap that is refused may be longer than one that passes.
const UNEVEN: Duration = Duration::from_millis(20);

/// What is known of the gap.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spacing {
    /// When the latest that passed was sent.
    last: Option<Duration>,
    /// Since then: the longest gap that was too short, and the shortest that was long enough.
    refused: Duration,
    passed: Option<Duration>,
    kind: Kind,
    /// How many gaps were seen since the first refusal.
    seen: u32,
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

    pub(super) fn passed(&mut self, sent: Duration) {
        if let Some(gap) = self.since_last(sent) {
            if self.kind != Kind::Unknown {
                self.seen = self.seen.saturating_add(1);
                self.passed = Some(self.passed.map_or(gap, |passed| passed.min(gap)));
                self.check();
            }
        }
        self.last = self.last.max(Some(sent));
        self.since = self.since.saturating_add(1);
    }

    pub(super) fn refused(&mut self, sent: Duration) {
        if self.since >= self.trial {
            self.trial = self.trial.saturating_mul(2);
        }
        self.since = 0;
        if let Some(gap) = self.since_last(sent) {
            self.seen = self.seen.saturating_add(1);
            self.refused = self.refused.max(gap.mul_f64(LONGER));
            self.check();
        }
    }

    /// Both bounds may be off by what ways differ; not by more.
    fn check(&mut self) {
        if let Some(passed) = self.passed {
            if self.refused > passed.saturating_add(UNEVEN) {
                self.kind = Kind::Burst;
            }
        }
        if self.refused > LONGEST {
            self.kind = Kind::Burst;
        }
    }

    fn since_last(&self, sent: Duration) -> Option<Duration> {
        let gap = self.last.and_then(|last| sent.checked_sub(last))?;
        Some(gap.min(units::LONGEST))
    }

    /// The gap to keep now, if it is known that one is asked for.
    pub(super) fn gap(&self) -> Option<Duration> {
        let passed = self
            .passed
            .filter(|_| self.kind == Kind::NoBurst && self.seen >= SURE)?;
        let (least, most) = (self.refused.as_secs_f64(), passed.as_secs_f64());
        let middle = (least * most).sqrt();
        let (share, spare) = if self.hint.as_secs_f64() >= middle * DEAR {
            (CAREFUL, SPARE)
        } else {
            (0.5, 1.0)
        };
        let gap = if self.since >= self.trial {
            least * SOONER
        } else if most <= least * NEAR {
            most.max(least) * spare
        } else {
            least * (most / least).powf(share)
        };
        (gap > 0.0).then(|| Duration::from_secs_f64(gap))
    }

    /// When the next may go by that.
    pub(super) fn next(&self) -> Option<Duration> {
        Some(self.last?.saturating_add(self.gap()?))
    }
}
