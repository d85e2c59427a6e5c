//! What comes of a question: the settings worth having, and what is to be said beside them.

use crate::Question;
use backoff::{PacerMode, PacerSettings, Policy};
use limiter::Rule;
use simulate::{Figures, Habit};
use std::time::Duration;
use units::format_duration;

/// So many settings are told at most.
const MOST: usize = 5;
/// More properties have to be worth so much, as a share.
const WORTH: f64 = 0.02;

/// What sort of setting it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What the plan does today.
    Today,
    /// Each user by itself.
    Alone,
    /// All users wait for the latest hint.
    Pause,
    /// All users go in turn.
    Pace,
    /// A ramp-up at which nobody is refused.
    Calm,
}

/// A way to try, and what comes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// What sort it is.
    pub kind: Kind,
    /// How the users try.
    pub habit: Habit,
    /// The time over which they start.
    pub ramp: Duration,
    /// Over all storms of the question.
    pub figures: Figures,
}

impl Setting {
    /// How many properties differ from the defaults.
    fn changes(&self) -> usize {
        properties(&self.habit).len()
    }
}

/// What is to be said beside the figures.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// Refusals count against the quota. How many are lost each by itself, with the gate `pace`, and how many times longer it takes.
    RefusalsCount {
        /// Lost without a gate.
        alone: f64,
        /// Lost with `pace`.
        pace: f64,
        /// The makespan without a gate, as a multiple of that with it.
        times: f64,
    },
    /// So many may be in at a time; more only when one leaves.
    Concurrency(u32),
    /// The policy's usual time is too short for this quota.
    MaxElapsed {
        /// What it is unless set.
        usual: Duration,
        /// What it has to be at least, by the best setting.
        needed: Duration,
    },
    /// Nobody is refused today.
    NothingToDo,
    /// No ramp-up keeps all from being refused.
    NoCalm,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What the plan does today.
    pub today: Setting,
    /// Settings worth having, the best by the goal first; at most five.
    pub settings: Vec<Setting>,
    /// What is to be said beside them.
    pub notes: Vec<Note>,
}

impl Answer {
    /// The best setting with the gate `pace`, if one is worth having.
    #[must_use]
    pub fn best_in_pace(&self) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.kind == Kind::Pace)
    }

    /// The ramp-up that needs no retry, if there is one.
    #[must_use]
    pub fn calm(&self) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.kind == Kind::Calm)
    }
}

pub(crate) fn answer(
    question: &Question,
    today: Setting,
    found: Vec<Setting>,
    calm: Option<Setting>,
) -> Answer {
    let notes = notes(question, &today, &found, calm.as_ref());
    let cost = |setting: &Setting| question.goal.cost(&setting.figures);
    let mut settings: Vec<Setting> = Vec::new();
    let mut candidates = found;
    candidates.sort_by_key(Setting::changes);
    for one in candidates {
        // The same for fewer properties, or nearly the same, is better; but each kind of gate is worth a look.
        let no_better = |other: &&Setting| cost(&one) >= (1.0 - WORTH) * cost(other);
        let beaten = settings
            .iter()
            .any(|other| no_better(&other) && other.kind == one.kind);
        let pause_beaten = one.kind == Kind::Pause && settings.iter().any(|other| no_better(&other));
        if !beaten && !pause_beaten {
            settings.push(one);
        }
    }
    settings.sort_by(|one, other| cost(one).total_cmp(&cost(other)));
    // A place for the ramp-up, and one for the best of each kind.
    let room = MOST - usize::from(calm.is_some());
    while settings.len() > room {
        let repeated = |nth: &usize| {
            settings[..*nth]
                .iter()
                .any(|other| other.kind == settings[*nth].kind)
        };
        let last = (0..settings.len())
            .rev()
            .find(repeated)
            .unwrap_or(settings.len() - 1);
        settings.remove(last);
    }
    settings.extend(calm);
    settings.sort_by(|one, other| cost(one).total_cmp(&cost(other)));
    Answer {
        today,
        settings,
        notes,
    }
}

fn notes(question: &Question, today: &Setting, found: &[Setting], calm: Option<&Setting>) -> Vec<Note> {
    let mut notes = Vec::new();
    let limits = &question.storm.limit.limits;
    let least = |kind: Kind| {
        let those = found.iter().filter(|setting| setting.kind == kind);
        those.map(|setting| &setting.figures).min_by(|one, other| {
            let cost = |figures: &Figures| question.goal.cost(figures);
            cost(one).total_cmp(&cost(other))
        })
    };
    if today.figures.refused.most == 0.0 && today.figures.lost.most == 0.0 {
        notes.push(Note::NothingToDo);
    }
    for limit in limits {
        if let Rule::Concurrency { limit } = limit.rule {
            notes.push(Note::Concurrency(limit));
        }
    }
    if let (true, Some(alone), Some(pace)) = (
        limits.iter().any(|limit| limit.reject_counts),
        least(Kind::Alone),
        least(Kind::Pace),
    ) {
        notes.push(Note::RefusalsCount {
            alone: alone.lost.mean,
            pace: pace.lost.mean,
            times: alone.makespan.mean / pace.makespan.mean.max(1e-9),
        });
    }
    let usual = Policy::default().max_elapsed;
    let needed = found.iter().map(|setting| setting.habit.policy.max_elapsed).min();
    if let Some(needed) = needed.filter(|needed| *needed > usual) {
        notes.push(Note::MaxElapsed { usual, needed });
    }
    if calm.is_none() {
        notes.push(Note::NoCalm);
    }
    notes
}

/// The properties of the sampler by which its users try like this, where they differ from the defaults; nothing for a script.
#[must_use]
pub fn properties(habit: &Habit) -> Vec<(&'static str, String)> {
    if habit.is_script() {
        return Vec::new();
    }
    let usual = (Policy::default(), PacerSettings::of(habit.gate.mode));
    let (policy, gate) = (&habit.policy, &habit.gate);
    let time = format_duration;
    let all = [
        (
            "wsb.retry.strategy",
            policy.strategy.to_string(),
            usual.0.strategy.to_string(),
        ),
        ("wsb.retry.base", time(policy.base), time(usual.0.base)),
        ("wsb.retry.cap", time(policy.cap), time(usual.0.cap)),
        (
            "wsb.retry.maxElapsed",
            time(policy.max_elapsed),
            time(usual.0.max_elapsed),
        ),
        (
            "wsb.hint.jitter",
            policy.hints.jitter.to_string(),
            usual.0.hints.jitter.to_string(),
        ),
        (
            "wsb.shared.mode",
            gate.mode.to_string(),
            PacerMode::Off.to_string(),
        ),
        ("wsb.shared.rate", gate.rate.to_string(), usual.1.rate.to_string()),
        (
            "wsb.shared.increase",
            gate.increase.to_string(),
            usual.1.increase.to_string(),
        ),
        ("wsb.shared.beta", gate.beta.to_string(), usual.1.beta.to_string()),
        (
            "wsb.shared.minRate",
            gate.min_rate.to_string(),
            usual.1.min_rate.to_string(),
        ),
        (
            "wsb.shared.maxRate",
            gate.max_rate.to_string(),
            usual.1.max_rate.to_string(),
        ),
        ("wsb.shared.spread", time(gate.spread), time(usual.1.spread)),
    ];
    let differs = |(key, own, usual): (&'static str, String, String)| (own != usual).then_some((key, own));
    all.into_iter().filter_map(differs).collect()
}
