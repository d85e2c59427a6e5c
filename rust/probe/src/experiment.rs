//! Experiments: what they are made of, what a model says would come of one, and which is worth most.

use crate::Budget;
use crate::crowd::{Crowd, Member, worse};
use crate::history::NOTICED;
use crate::model::Class;
use limiter::{Decision, Limiter};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// How many models of a class are asked.
const ASKED: usize = 40;
/// What one learns of the kind is worth so much more than what one learns of figures.
const KIND: f64 = 4.0;
/// Bits that are not worth a try.
const NOTHING: f64 = 0.02;
/// Time between tries that are to meet the same state.
const CLOSE: Duration = Duration::from_millis(2);
/// When a series of tries ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Until {
    /// It does not.
    Never,
    /// With the first that is let in.
    Passed,
    /// With the first that is refused.
    Refused,
}

/// A series of tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// From the end of the series before it to its first try.
    pub after: Duration,
    /// How many at most.
    pub count: u32,
    /// From one to the next.
    pub gap: Duration,
    /// When it ends early.
    pub until: Until,
}

impl Leg {
    pub(crate) fn at_once(count: u32, gap: Duration, until: Until) -> Leg {
        Leg {
            after: Duration::ZERO,
            count,
            gap,
            until,
        }
    }

    fn after(after: Duration, count: u32, gap: Duration, until: Until) -> Leg {
        Leg {
            after,
            count: count.max(1),
            gap,
            until,
        }
    }
}

/// The experiment that is worth most.
pub(crate) enum Chosen {
    Release(u32),
    Tries(Vec<Leg>, &'static str),
}

/// An experiment that could be done.
struct Idea {
    /// Connections closed before.
    release: u32,
    legs: Vec<Leg>,
    purpose: &'static str,
}

/// What a model says would come of it.
struct Course {
    outcome: u64,
    tries: u32,
    time: Duration,
}

/// The idea worth most, among those within the bounds.
pub(crate) fn choose(
    crowd: &mut Crowd,
    now: Duration,
    left: Budget,
    whole: Budget,
    held: u32,
) -> Option<Chosen> {
    let asked = sample(crowd);
    let second = f64::from(whole.tries) / whole.time.as_secs_f64().max(1.0);
    let mut best: Option<(f64, Idea)> = None;
    for idea in ideas(&asked, now, held) {
        let courses: Vec<(Class, f64, Course)> = asked
            .iter()
            .map(|asked| (asked.class, asked.weight, play(asked.state.clone(), &idea, now)))
            .collect();
        let most = courses.iter().map(|(.., course)| course.tries).max().unwrap_or(0);
        let longest = courses
            .iter()
            .map(|(.., course)| course.time)
            .max()
            .unwrap_or_default();
        if most > left.tries || longest > left.time {
            continue;
        }
        let (all, kinds) = information(&courses);
        if all < NOTHING {
            continue;
        }
        let mean = |figure: &dyn Fn(&Course) -> f64| -> f64 {
            courses
                .iter()
                .map(|(_, weight, course)| weight * figure(course))
                .sum()
        };
        let tries = mean(&|course| f64::from(course.tries));
        let seconds = mean(&|course| course.time.as_secs_f64());
        let worth = (all.min(4.0) + KIND * kinds) / (2.0 + tries + second * seconds);
        if best.as_ref().is_none_or(|(known, _)| worth > *known) {
            best = Some((worth, idea));
        }
    }
    let (_, idea) = best?;
    Some(if idea.release > 0 {
        Chosen::Release(idea.release)
    } else {
        Chosen::Tries(idea.legs, idea.purpose)
    })
}

/// A model that is asked.
struct Asked {
    class: Class,
    weight: f64,
    state: Limiter,
    scale: f64,
    count: f64,
}

/// Some of each class, the likely ones with more weight.
fn sample(crowd: &Crowd) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (class, likely) in crowd.likely() {
        let members: Vec<&Member> = crowd.of(class).collect();
        let fewest = crowd.fewest(class);
        let step = members.len().div_ceil(ASKED);
        let chosen: Vec<&&Member> = members.iter().step_by(step).collect();
        let weigh = |member: &Member| worse(member.misses - fewest);
        let sum: f64 = chosen.iter().map(|member| weigh(member)).sum();
        asked.extend(chosen.iter().map(|member| Asked {
            class,
            weight: likely * weigh(member) / sum,
            state: member.state.clone(),
            scale: member.model.scale,
            count: member.model.count,
        }));
    }
    let sum: f64 = asked.iter().map(|asked| asked.weight).sum();
    asked.iter_mut().for_each(|asked| asked.weight /= sum);
    asked
}

/// What could be done now.
fn ideas(asked: &[Asked], now: Duration, held: u32) -> Vec<Idea> {
    let mut opens: Vec<Duration> = asked
        .iter()
        .filter_map(|asked| opens_in(&asked.state, now))
        .collect();
    opens.sort_unstable();
    let at = |share: f64| -> Duration {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of its length
        let nth = (share * opens.len().saturating_sub(1) as f64) as usize;
        opens.get(nth).copied().unwrap_or_default()
    };
    let mut all = Vec::new();
    let mut idea = |legs: Vec<Leg>, purpose| {
        all.push(Idea {
            release: 0,
            legs,
            purpose,
        });
    };
    let margin = Duration::from_millis(10);
    for share in [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0] {
        let wait = at(share) + margin;
        idea(
            vec![Leg::after(wait, 1, CLOSE, Until::Never)],
            "whether it is open again",
        );
        idea(
            vec![Leg::after(wait.mul_f64(1.03), 6, CLOSE, Until::Refused)],
            "how many it lets in again",
        );
    }
    for (from, to) in [(0.0, 0.5), (0.1, 0.9), (0.0, 1.0), (0.5, 1.0)] {
        let (from, to) = (at(from).mul_f64(0.98), at(to).mul_f64(1.02) + margin);
        for polls in [4, 8, 16] {
            let gap = (to.saturating_sub(from) / polls).max(CLOSE);
            let poll = Leg::after(from, polls + 1, gap, Until::Passed);
            idea(vec![poll], "when it opens");
            idea(
                vec![poll, Leg::after(CLOSE, 6, CLOSE, Until::Refused)],
                "when it opens, and for how many",
            );
        }
    }
    for share in [0.5, 1.0] {
        // Refused ones now, and whether that puts the opening off.
        let open = at(share).mul_f64(1.05) + margin;
        let gap = open / 5;
        idea(
            vec![
                Leg::after(gap, 4, gap, Until::Never),
                Leg::after(gap, 2, CLOSE, Until::Never),
            ],
            "whether refusals count",
        );
    }
    for model in leaders(asked) {
        model.series(at(0.9).mul_f64(1.02) + margin, &mut idea);
    }
    if held > 0 && asked.iter().any(|asked| asked.class == Class::Concurrency) {
        let count = held.div_ceil(2).min(3);
        all.push(Idea {
            release: count,
            legs: vec![Leg::after(NOTICED, count + 1, CLOSE, Until::Refused)],
            purpose: "whether a place gets free",
        });
    }
    all
}

/// One model of each class.
fn leaders(asked: &[Asked]) -> Vec<&Asked> {
    let mut leaders: Vec<&Asked> = Vec::new();
    for one in asked {
        if leaders.iter().all(|other| other.class != one.class) {
            leaders.push(one);
        }
    }
    leaders
}

impl Asked {
    /// Longer experiments, made to its measure.
    fn series(&self, open: Duration, idea: &mut impl FnMut(Vec<Leg>, &'static str)) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts of tries
        let part = |share: f64| (self.count * share).ceil().max(1.0) as u32;
        if self.class.has_rate() {
            let refill = Duration::from_secs_f64((self.count.min(12.0) / self.scale).min(600.0));
            for share in [0.3, 1.0] {
                let wait = open + refill.mul_f64(share);
                idea(
                    vec![Leg::after(wait, part(1.0) + 2, CLOSE, Until::Refused)],
                    "how much came back meanwhile",
                );
            }
            return;
        }
        if self.class == Class::Concurrency {
            return;
        }
        let window = Duration::from_secs_f64(self.scale);
        idea(
            vec![Leg::after(open, part(1.0) + 2, CLOSE, Until::Refused)],
            "how many it lets in again",
        );
        // A few now, the others a good while later, and a look when the first ones are over: one by one, or all at once?
        let later = window.mul_f64(0.4);
        for few in [0.1, 0.25] {
            idea(
                vec![
                    Leg::after(open, part(few), CLOSE, Until::Refused),
                    Leg::after(later, part(1.0 - few) + 2, CLOSE, Until::Refused),
                    Leg::after(window.mul_f64(0.66), part(few) + 3, CLOSE, Until::Refused),
                ],
                "whether the window slides",
            );
        }
        // The same from where it stands, without waiting for an opening of all.
        for wait in [0.5, 0.8, 1.1] {
            idea(
                vec![
                    Leg::after(window.mul_f64(wait), part(0.15) + 1, CLOSE, Until::Refused),
                    Leg::after(window.mul_f64(0.3), part(0.15) + 1, CLOSE, Until::Refused),
                ],
                "how the window opens",
            );
        }
    }
}

/// How long until a try would be let in; `None`: nobody knows.
fn opens_in(state: &Limiter, now: Duration) -> Option<Duration> {
    match state.look(now) {
        Decision::Reject { retry_in } => retry_in,
        Decision::Pass | Decision::PassLate { .. } => Some(Duration::ZERO),
    }
}

/// What the model says would come of the idea.
fn play(mut state: Limiter, idea: &Idea, now: Duration) -> Course {
    let mut at = now;
    let mut tries = 0;
    let mut outcome = DefaultHasher::new();
    (0..idea.release).for_each(|_| state.release(at));
    for leg in &idea.legs {
        at += leg.after;
        for nth in 0..leg.count {
            if nth > 0 {
                at += leg.gap;
            }
            tries += 1;
            let decision = state.try_pass(at);
            let delay = match decision {
                // As far as one would notice it.
                Decision::PassLate { delay } => delay.as_millis() / 100 + 1,
                _ => 0,
            };
            (decision.passed(), delay).hash(&mut outcome);
            let ends = match leg.until {
                Until::Never => false,
                Until::Passed => decision.passed(),
                Until::Refused => !decision.passed(),
            };
            if ends {
                break;
            }
        }
    }
    Course {
        outcome: outcome.finish(),
        tries,
        time: at - now,
    }
}

/// Bits that the outcome tells, in all and of the kind.
fn information(courses: &[(Class, f64, Course)]) -> (f64, f64) {
    let mut outcomes: HashMap<u64, f64> = HashMap::new();
    let mut within: HashMap<(Class, u64), f64> = HashMap::new();
    let mut classes: HashMap<Class, f64> = HashMap::new();
    for (class, weight, course) in courses {
        *outcomes.entry(course.outcome).or_default() += weight;
        *within.entry((class.kind(), course.outcome)).or_default() += weight;
        *classes.entry(class.kind()).or_default() += weight;
    }
    let bits = |weight: f64| {
        if weight > 0.0 {
            -weight * weight.log2()
        } else {
            0.0
        }
    };
    let all: f64 = outcomes.values().copied().map(bits).sum();
    let given: f64 =
        within.values().copied().map(bits).sum::<f64>() - classes.values().copied().map(bits).sum::<f64>();
    (all, (all - given).max(0.0))
}

/// Only the rules that a class stands for are drawn.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_that_all_agree_on_tells_nothing() {
        let course = |outcome| Course {
            outcome,
            tries: 1,
            time: Duration::ZERO,
        };
        let same = [(Class::Bucket, 0.5, course(1)), (Class::Fixed, 0.5, course(1))];
        assert_eq!(information(&same), (0.0, 0.0));
        let apart = [(Class::Bucket, 0.5, course(1)), (Class::Fixed, 0.5, course(2))];
        assert_eq!(information(&apart), (1.0, 1.0));
    }
}
