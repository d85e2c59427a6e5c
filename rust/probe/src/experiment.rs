//! Experiments: what they are made of, what a model says would come of one, and which is worth most.

mod ideas;

use crate::class::Class;
use crate::crowd::{Crowd, Member, word};
use crate::history::{DELAY_SLACK, History};
use crate::state::State;
use crate::worth::{Course, Figures, Told, information};
use crate::{Budget, Short};
use limiter::Decision;
use std::collections::BTreeMap;
use std::time::Duration;

/// How many models of a class are asked, and of one that is hardly likely.
const ASKED: usize = 40;
const ASKED_OF_UNLIKELY: usize = 12;
const HARDLY: f64 = 0.03;
/// What one learns of the kind is worth so much more than what one learns of figures.
const KIND: f64 = 4.0;
/// Bits that are not worth a try.
const NOTHING: f64 = 0.02;
/// What an experiment costs besides its tries, in tries: many that tell a little are no better than one that tells much.
const STEP: f64 = 5.0;
/// Bits a try that are not worth it where the kind is known: figures are close enough long before nothing could be learned of them.
const TOO_LITTLE: f64 = 0.002;
/// After so many tries of one purpose it is worth half: what did not tell what it promised will not do so soon.
const TIRING: f64 = 70.0;
/// A quota that is open has to be used up again before one can see when it opens; this share of these tries is taken to be needed.
const TO_FILL: f64 = 0.25;
/// All of the quota has to be shown in the end; who does so on the way saves this share of these tries.
const TO_PROVE: f64 = 0.5;
/// The least and the most time between tries that are to meet the same state.
const CLOSE: Duration = Duration::from_millis(2);
const NOT_CLOSE: Duration = Duration::from_millis(20);
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
    /// None is worth it; or what there is too little of for one that is.
    Nothing(Option<Short>),
}

/// An experiment that could be done.
#[derive(PartialEq)]
struct Idea {
    /// Connections closed before.
    release: u32,
    legs: Vec<Leg>,
    purpose: &'static str,
}

/// How it stands before an experiment.
pub(crate) struct Stage<'a> {
    pub(crate) now: Duration,
    /// What is left of the budget, and all of it.
    pub(crate) left: Budget,
    pub(crate) whole: Budget,
    /// Connections that are open.
    pub(crate) held: u32,
    pub(crate) way: Way,
    pub(crate) history: &'a History,
    /// Tries so far, by what they were for.
    pub(crate) spent: &'a BTreeMap<&'static str, u32>,
}

/// The idea worth most, among those within the bounds.
pub(crate) fn choose(crowd: &mut Crowd, stage: &Stage) -> Chosen {
    let asked = sample(crowd, stage.history);
    // Of a kind that is known only the figures are asked for, and not at any price.
    let (of_kind, least) = if crowd.is_sure_of_kind() {
        (0.0, TOO_LITTLE)
    } else {
        (KIND, 0.0)
    };
    let open = |asked: &Asked| asked.weight * open_for(asked.state.clone(), stage.now);
    let price = Price {
        of_kind,
        least,
        open: asked.iter().map(open).sum(),
    };
    let mut best: Option<(f64, Idea)> = None;
    let mut short = None;
    for idea in ideas::ideas(&asked, stage, &mut crowd.random) {
        let tell = |asked: &Asked| asked.tell(&idea, stage.now, stage.way);
        let (courses, after): (Vec<Told>, Vec<After>) = asked.iter().map(tell).unzip();
        let beyond = too_little(&courses, stage.left);
        if beyond.is_some() && short.is_some() {
            continue;
        }
        let Some(worth) = price.worth(&idea, &asked, (&courses, after), stage) else {
            continue;
        };
        if beyond.is_some() {
            short = beyond;
        } else if best.as_ref().is_none_or(|(known, _)| worth > *known) {
            best = Some((worth, idea));
        }
    }
    match best {
        None => Chosen::Nothing(short),
        Some((_, idea)) if idea.release > 0 => Chosen::Release(idea.release),
        Some((_, idea)) => Chosen::Tries(idea.legs, idea.purpose),
    }
}

/// What knowledge has to be worth.
struct Price {
    /// What a bit of the kind is worth besides.
    of_kind: f64,
    /// The fewest bits for a try.
    least: f64,
    /// How many would be let in at once now.
    open: f64,
}

impl Price {
    /// What an idea tells, for what it costs; `None`: too little.
    fn worth(
        &self,
        idea: &Idea,
        asked: &[Asked],
        (courses, after): (&[Told], Vec<After>),
        stage: &Stage,
    ) -> Option<f64> {
        let (all, kinds) = information(courses);
        if all < NOTHING {
            return None;
        }
        let open = |(asked, (state, at)): (&Asked, After)| asked.weight * open_for(state, at);
        let opened = asked.iter().zip(after).map(open).sum::<f64>() - self.open;
        let saves = |asked: &Asked| asked.weight * asked.saves(idea, stage.now);
        let saved = asked.iter().map(saves).sum();
        let (cost, after_savings) = costs(courses, stage.whole, opened, saved);
        if all + self.of_kind * kinds < self.least * cost {
            return None;
        }
        let spent = stage.spent.get(idea.purpose).copied().unwrap_or(0);
        Some((all.min(4.0) + self.of_kind * kinds) / after_savings / (1.0 + f64::from(spent) / TIRING))
    }
}

/// What some model says that it takes more of than is left.
fn too_little(courses: &[Told], left: Budget) -> Option<Short> {
    let all = || courses.iter().flat_map(|told| &told.courses);
    if all().any(|course| course.tries > left.tries) {
        Some(Short::Tries)
    } else if all().any(|course| course.time > left.time) {
        Some(Short::Time)
    } else {
        None
    }
}

/// What it costs, in tries, and what that comes to by what it saves later. `opened`: how many more would be let in at once behind it.
fn costs(courses: &[Told], whole: Budget, opened: f64, saved: f64) -> (f64, f64) {
    let mean = |figure: &dyn Fn(&Course) -> f64| -> f64 {
        courses
            .iter()
            .map(|told| told.weight * figure(&told.courses[0]))
            .sum()
    };
    let second = f64::from(whole.tries) / whole.time.as_secs_f64().max(1.0);
    let tries = mean(&|course| f64::from(course.tries));
    let seconds = mean(&|course| course.time.as_secs_f64());
    let cost = (STEP + tries + second * seconds + TO_FILL * opened).max(STEP + 1.0);
    (cost, (cost - TO_PROVE * saved.min(tries)).max(STEP))
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
    /// When all of it would be free, if nobody tried meanwhile.
    rested: Duration,
    /// Whether all of it was seen.
    proven: bool,
}

/// How a model stands behind an experiment, and when.
type After = (State, Duration);

/// Some of each class, the likely ones with more weight.
fn sample(crowd: &Crowd, history: &History) -> Vec<Asked> {
    let used = [false, true].map(|counts| history.last_use(counts));
    let mut asked = Vec::new();
    let all = crowd.likely();
    let sum: f64 = all.iter().map(|(_, likely)| likely).sum();
    for (class, likely) in all {
        let members: Vec<&Member> = crowd.of(class).collect();
        let fewest = crowd.fewest(class);
        let most = if likely < HARDLY * sum {
            ASKED_OF_UNLIKELY
        } else {
            ASKED
        };
        let step = members.len().div_ceil(most);
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
            rested: used[usize::from(class.refusals_count())] + member.model.rest(),
            proven: member.is_proven(history),
        }));
    }
    let sum: f64 = asked.iter().map(|asked| asked.weight).sum();
    asked.iter_mut().for_each(|asked| asked.weight /= sum);
    asked
}

impl Asked {
    /// What it says would come of it.
    fn tell(&self, idea: &Idea, now: Duration, way: Way) -> (Told, After) {
        let (early, late) = (now.saturating_sub(way.slack), now + way.slack);
        let (course, state, at) = play(self.state.clone(), idea, early, way.round_trip);
        let told = Told {
            figures: self.figures,
            weight: self.weight,
            courses: [course, play(self.state.clone(), idea, late, way.round_trip).0],
        };
        (told, (state, at))
    }

    /// How many tries it saves of those that have to show all of the quota in the end.
    fn saves(&self, idea: &Idea, now: Duration) -> f64 {
        if self.proven || idea.release > 0 {
            return 0.0;
        }
        let Some(first) = idea.legs.first() else {
            return 0.0;
        };
        let until = |leg: &&Leg| leg.until == Until::Refused;
        let uses: u32 = idea
            .legs
            .iter()
            .take_while(until)
            .take(2)
            .map(|leg| leg.count)
            .sum();
        if now + first.after >= self.rested && f64::from(uses) > self.count {
            self.count + 3.0
        } else {
            0.0
        }
    }
}

/// What came of tries so far, and of one more, as a number that others hardly come to: a multiplicative hash, as each try of each model
/// of each idea goes into one.
fn told(so_far: u64, one: u64) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    (so_far.rotate_left(5) ^ (one + 1)).wrapping_mul(ODD)
}

/// How many it would let in at once; no more than so many are counted.
fn open_for(mut state: State, now: Duration) -> f64 {
    let most = 100;
    let open = (0..most).find(|_| {
        let said = state.look(now);
        state.take_in(now, said);
        !said.passed()
    });
    f64::from(open.unwrap_or(most))
}

/// What the model says would come of the idea, and how it stands then, and when.
fn play(mut state: State, idea: &Idea, now: Duration, round_trip: Duration) -> (Course, State, Duration) {
    let mut at = now;
    let mut tries = 0;
    let mut outcome = 0;
    (0..idea.release).for_each(|_| state.release(at));
    for leg in &idea.legs {
        at += leg.after;
        let mut ended = None;
        for nth in 0..leg.count {
            let next = if nth > 0 { at + leg.gap } else { at };
            // Those go on their way that are sent until the answer is back.
            if ended.is_some_and(|ended| next >= ended) {
                break;
            }
            at = next;
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
    let course = Course {
        outcome,
        tries,
        time: at - now,
    };
    (course, state, at)
}
