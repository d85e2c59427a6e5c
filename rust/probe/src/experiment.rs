//! Experiments: what they are made of, what a model says would come of one, and which is worth most.

use crate::class::Class;
use crate::crowd::{Crowd, Member, range, word};
use crate::history::{DELAY_SLACK, NOTICED};
use crate::state::State;
use crate::worth::{Course, Figures, Told, information};
use crate::{Budget, TO_REST};
use limiter::Decision;
use rand::RngExt;
use std::time::Duration;

/// How many models of a class are asked.
const ASKED: usize = 40;
/// What one learns of the kind is worth so much more than what one learns of figures.
const KIND: f64 = 4.0;
/// Bits that are not worth a try.
const NOTHING: f64 = 0.02;
/// What an experiment costs besides its tries, in tries: many that tell a little are no better than one that tells much.
const STEP: f64 = 5.0;
/// The least and the most time between tries that are to meet the same state.
const CLOSE: Duration = Duration::from_millis(2);
const NOT_CLOSE: Duration = Duration::from_millis(20);
/// So long after the moment at which a model opens it is looked at.
const MARGIN: Duration = Duration::from_millis(10);
/// Tries that are on their way when a refusal comes back may be so many.
const ON_THE_WAY: u32 = 5;

/// The way to the server, as it was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub(crate) round_trip: Duration,
    /// How far from its middle decisions are made.
    pub(crate) slack: Duration,
}

impl Way {
    /// Time between tries that are to meet the same state, and to end soon after a refusal.
    pub(crate) fn close(self) -> Duration {
        (self.round_trip / ON_THE_WAY).clamp(CLOSE, NOT_CLOSE)
    }
}

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

/// The idea worth most, among those within the bounds.
pub(crate) fn choose(
    crowd: &mut Crowd,
    now: Duration,
    left: Budget,
    whole: Budget,
    held: u32,
    way: Way,
) -> Option<Chosen> {
    let asked = sample(crowd);
    let random = &mut crowd.random;
    let second = f64::from(whole.tries) / whole.time.as_secs_f64().max(1.0);
    let mut best: Option<(f64, Idea)> = None;
    for idea in ideas(&asked, now, held, way.close(), random) {
        let courses: Vec<Told> = asked.iter().map(|asked| asked.tell(&idea, now, way)).collect();
        let both = || courses.iter().flat_map(|told| &told.courses);
        let most = both().map(|course| course.tries).max().unwrap_or(0);
        let longest = both().map(|course| course.time).max().unwrap_or_default();
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
                .map(|told| told.weight * figure(&told.courses[0]))
                .sum()
        };
        let tries = mean(&|course| f64::from(course.tries));
        let seconds = mean(&|course| course.time.as_secs_f64());
        let worth = (all.min(4.0) + KIND * kinds) / (STEP + tries + second * seconds);
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
    figures: Figures,
    weight: f64,
    state: State,
    scale: f64,
    count: f64,
    rest: Duration,
}

/// Some of each class, the likely ones with more weight.
fn sample(crowd: &Crowd) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (class, likely) in crowd.likely() {
        let members: Vec<&Member> = crowd.of(class).collect();
        let fewest = crowd.fewest(class);
        let step = members.len().div_ceil(ASKED);
        let chosen: Vec<&&Member> = members.iter().step_by(step).collect();
        let weigh = |member: &Member| word(member.misses - fewest, fewest);
        let sum: f64 = chosen.iter().map(|member| weigh(member)).sum();
        let Some(first) = members.first() else { continue };
        asked.extend(chosen.iter().map(|member| Asked {
            class,
            figures: Figures::of(class, &member.model, &first.model),
            weight: likely * weigh(member) / sum,
            state: member.state.clone(),
            scale: member.model.scale,
            count: member.model.count,
            rest: member.model.rest(),
        }));
    }
    let sum: f64 = asked.iter().map(|asked| asked.weight).sum();
    asked.iter_mut().for_each(|asked| asked.weight /= sum);
    asked
}

/// What could be done now.
fn ideas(asked: &[Asked], now: Duration, held: u32, close: Duration, random: &mut impl RngExt) -> Vec<Idea> {
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
    looks(&at, close, &mut idea);
    for share in [0.5, 1.0] {
        // Refused ones now, and whether that puts the opening off.
        let open = at(share).mul_f64(1.05) + MARGIN;
        let gap = open / 5;
        idea(
            vec![
                Leg::after(gap, 4, gap, Until::Never),
                Leg::after(gap, 2, close, Until::Never),
            ],
            "whether refusals count",
        );
    }
    for model in leaders(asked) {
        let open = at(0.9).mul_f64(1.02) + MARGIN;
        model.series(open, close, &mut idea);
        let alike = asked.iter().filter(|one| one.class == model.class);
        let scales = range(alike.map(|one| one.scale));
        model.fill_and_watch(open, scales, close, random, &mut idea);
    }
    let places = || asked.iter().filter(|asked| asked.class.has_places());
    if held > 0 && places().next().is_some() {
        let count = held.div_ceil(2).min(3);
        // Where one gets free late, one has to look until then.
        let (least, most) = range(places().map(|asked| asked.scale));
        let middle = Duration::from_secs_f64((least.max(0.1) * most.max(0.1)).sqrt());
        all.push(Idea {
            release: count,
            legs: vec![Leg::after(NOTICED, 9, middle / 8, Until::Passed)],
            purpose: "when a place gets free",
        });
        all.push(Idea {
            release: count,
            legs: vec![Leg::after(NOTICED, count + 1, close, Until::Refused)],
            purpose: "whether a place gets free",
        });
    }
    all
}

/// Single looks, and series of them, when it may open.
fn looks(at: &impl Fn(f64) -> Duration, close: Duration, idea: &mut impl FnMut(Vec<Leg>, &'static str)) {
    for share in [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0] {
        let wait = at(share) + MARGIN;
        idea(
            vec![Leg::after(wait, 1, close, Until::Never)],
            "whether it is open again",
        );
        idea(
            vec![Leg::after(wait.mul_f64(1.03), 6, close, Until::Refused)],
            "how many it lets in again",
        );
    }
    for (from, to) in [(0.0, 0.5), (0.1, 0.9), (0.0, 1.0), (0.5, 1.0)] {
        let (from, to) = (at(from).mul_f64(0.98), at(to).mul_f64(1.02) + MARGIN);
        for polls in [4, 8, 16] {
            let gap = (to.saturating_sub(from) / polls).max(close);
            let poll = Leg::after(from, polls + 1, gap, Until::Passed);
            idea(vec![poll], "when it opens");
            idea(
                vec![poll, Leg::after(close, 6, close, Until::Refused)],
                "when it opens, and for how many",
            );
        }
    }
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
    /// What it says would come of it.
    fn tell(&self, idea: &Idea, now: Duration, way: Way) -> Told {
        let at = [now.saturating_sub(way.slack), now + way.slack];
        Told {
            figures: self.figures,
            weight: self.weight,
            courses: at.map(|now| play(self.state.clone(), idea, now, way.round_trip)),
        }
    }

    /// A few now, the others later until it is full, then looks until it opens, and how many it lets in then. At moments by chance: what is
    /// repeated in the same measure can be in step with a window.
    fn fill_and_watch(
        &self,
        open: Duration,
        (least, most): (f64, f64),
        close: Duration,
        random: &mut impl RngExt,
        idea: &mut impl FnMut(Vec<Leg>, &'static str),
    ) {
        if self.class.has_rate() || self.class.has_places() {
            return;
        }
        for polls in [4, 8, 16] {
            let few = 0.1 + 0.3 * random.random::<f64>();
            let later = Duration::from_secs_f64(least * (0.15 + 0.5 * random.random::<f64>()));
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts of tries
            let part = |share: f64| (self.count * share).ceil().max(1.0) as u32;
            // Not always as soon as it opens: that would be in step with windows that begin by themselves.
            let open = open
                + Duration::from_secs_f64(most * random.random_range(0..2) as f64 * random.random::<f64>());
            let from = Duration::from_secs_f64(least * 0.98).saturating_sub(later);
            let to = Duration::from_secs_f64(most * 1.02).saturating_sub(later);
            idea(
                vec![
                    Leg::after(open, part(few), close, Until::Refused),
                    Leg::after(later, part(1.0 - few) + 2, close, Until::Refused),
                    Leg::after(from, polls + 1, (to - from) / polls, Until::Passed),
                    Leg::after(close, part(few) + 3, close, Until::Refused),
                ],
                "whether the window slides, and when it opens",
            );
        }
    }

    /// Longer experiments, made to its measure.
    fn series(&self, open: Duration, close: Duration, idea: &mut impl FnMut(Vec<Leg>, &'static str)) {
        if self.class.has_places() {
            return;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts of tries
        let part = |share: f64| (self.count * share).ceil().max(1.0) as u32;
        idea(
            vec![Leg::after(
                self.rest.mul_f64(TO_REST),
                part(1.2) + 2,
                close,
                Until::Refused,
            )],
            "how many it lets in after a rest",
        );
        if self.class.has_rate() {
            let refill = Duration::from_secs_f64((self.count.min(12.0) / self.scale).min(600.0));
            for share in [0.3, 1.0] {
                let wait = open + refill.mul_f64(share);
                idea(
                    vec![Leg::after(wait, part(1.0) + 2, close, Until::Refused)],
                    "how much came back meanwhile",
                );
            }
            return;
        }
        let window = Duration::from_secs_f64(self.scale);
        idea(
            vec![Leg::after(open, part(1.0) + 2, close, Until::Refused)],
            "how many it lets in again",
        );
        // A few now, the others a good while later, and a look when the first ones are over: one by one, or all at once?
        let later = window.mul_f64(0.4);
        for few in [0.1, 0.25] {
            idea(
                vec![
                    Leg::after(open, part(few), close, Until::Refused),
                    Leg::after(later, part(1.0 - few) + 2, close, Until::Refused),
                    Leg::after(window.mul_f64(0.66), part(few) + 3, close, Until::Refused),
                ],
                "whether the window slides",
            );
        }
        // The same from where it stands, without waiting for an opening of all.
        for wait in [0.5, 0.8, 1.1] {
            idea(
                vec![
                    Leg::after(window.mul_f64(wait), part(0.15) + 1, close, Until::Refused),
                    Leg::after(window.mul_f64(0.3), part(0.15) + 1, close, Until::Refused),
                ],
                "how the window opens",
            );
        }
    }
}

/// How long until a try would be let in; `None`: nobody knows.
fn opens_in(state: &State, now: Duration) -> Option<Duration> {
    match state.look(now) {
        Decision::Reject { retry_in } => retry_in,
        Decision::Pass | Decision::PassLate { .. } => Some(Duration::ZERO),
    }
}

/// What came of tries so far, and of one more, as a number that others hardly come to: a multiplicative hash, as each try of each model
/// of each idea goes into one.
fn told(so_far: u64, one: u64) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    (so_far.rotate_left(5) ^ (one + 1)).wrapping_mul(ODD)
}

/// What the model says would come of the idea.
fn play(mut state: State, idea: &Idea, now: Duration, round_trip: Duration) -> Course {
    let mut at = now;
    let mut tries = 0;
    let mut outcome = 0;
    (0..idea.release).for_each(|_| state.release(at));
    for leg in &idea.legs {
        at += leg.after;
        let mut ended = None;
        for nth in 0..leg.count {
            if nth > 0 {
                at += leg.gap;
            }
            // Those go on their way that are sent until the answer is back.
            if ended.is_some_and(|ended| at >= ended) {
                break;
            }
            tries += 1;
            let decision = state.try_pass(at);
            let delay = match decision {
                // As far as one would notice it.
                Decision::PassLate { delay } if delay > DELAY_SLACK => {
                    delay.as_secs() * 10 + u64::from(delay.subsec_millis()) / 100 + 1
                }
                _ => 0,
            };
            outcome = told(outcome, delay << 1 | u64::from(decision.passed()));
            let ends = match leg.until {
                Until::Never => false,
                Until::Passed => decision.passed(),
                Until::Refused => !decision.passed(),
            };
            if ends && ended.is_none() {
                ended = Some(at + round_trip);
            }
        }
        at += round_trip;
    }
    Course {
        outcome,
        tries,
        time: at - now,
    }
}
