//! Experiments: what they are made of, what a model says would come of one, and which is worth most.

use crate::class::Class;
use crate::crowd::{Crowd, Member, range, word};
use crate::history::{DELAY_SLACK, History, NOTICED};
use crate::state::State;
use crate::worth::{Course, Figures, Told, information};
use crate::{Budget, TO_REST};
use limiter::Decision;
use rand::RngExt;
use std::collections::BTreeMap;
use std::time::Duration;

/// How many models of a class are asked.
const ASKED: usize = 40;
/// What one learns of the kind is worth so much more than what one learns of figures.
const KIND: f64 = 4.0;
/// Bits that are not worth a try.
const NOTHING: f64 = 0.02;
/// What an experiment costs besides its tries, in tries: many that tell a little are no better than one that tells much.
const STEP: f64 = 5.0;
/// Bits a try that are not worth it where the kind is known: figures are close enough long before nothing could be learned of them.
const TOO_LITTLE: f64 = 0.004;
/// After so many tries of one purpose it is worth half: what did not tell what it promised will not do so soon.
const TIRING: f64 = 70.0;
/// A quota that is open has to be used up again before one can see when it opens; this share of these tries is taken to be needed.
const TO_FILL: f64 = 0.25;
/// All of the quota has to be shown in the end; who does so on the way saves this share of these tries.
const TO_PROVE: f64 = 0.5;
/// Who fills a window makes so few tries first, and the others so much later, in windows: whether it slides shows when it opens.
const FIRST_ONES: u32 = 4;
const PAUSE: f64 = 0.3;
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
pub(crate) fn choose(crowd: &mut Crowd, stage: &Stage) -> Option<Chosen> {
    let asked = sample(crowd, stage.history);
    // Of a kind that is known only the figures are asked for, and not at any price.
    let (of_kind, least) = if crowd.is_sure_of_kind() {
        (0.0, TOO_LITTLE)
    } else {
        (KIND, 0.0)
    };
    let opens = |asked: &Asked| asked.weight * f64::from(open_for(asked.state.clone(), stage.now));
    let open = asked.iter().map(opens).sum();
    let mut best: Option<(f64, Idea)> = None;
    for idea in ideas(&asked, stage, &mut crowd.random) {
        let tell = |asked: &Asked| asked.tell(&idea, stage.now, stage.way);
        let courses: Vec<Told> = asked.iter().map(tell).collect();
        if !is_within(&courses, stage.left) {
            continue;
        }
        let (all, kinds) = information(&courses);
        let saved = asked
            .iter()
            .map(|asked| asked.weight * asked.saves(&idea, stage.now))
            .sum();
        let (cost, after_savings) = costs(&courses, stage.whole, open, saved);
        if all < NOTHING || all + of_kind * kinds < least * cost {
            continue;
        }
        let spent = stage.spent.get(idea.purpose).copied().unwrap_or(0);
        let worth = (all.min(4.0) + of_kind * kinds) / after_savings / (1.0 + f64::from(spent) / TIRING);
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

/// Whether no model says that it takes more than is left.
fn is_within(courses: &[Told], left: Budget) -> bool {
    let mut all = courses.iter().flat_map(|told| &told.courses);
    all.all(|course| course.tries <= left.tries && course.time <= left.time)
}

/// What it costs, in tries, and what that comes to by what it saves later. `open`: how many would be let in at once before it.
fn costs(courses: &[Told], whole: Budget, open: f64, saved: f64) -> (f64, f64) {
    let mean = |figure: &dyn Fn(&Course) -> f64| -> f64 {
        courses
            .iter()
            .map(|told| told.weight * figure(&told.courses[0]))
            .sum()
    };
    let second = f64::from(whole.tries) / whole.time.as_secs_f64().max(1.0);
    let tries = mean(&|course| f64::from(course.tries));
    let seconds = mean(&|course| course.time.as_secs_f64());
    let opened: f64 = courses
        .iter()
        .map(|told| told.weight * f64::from(told.open))
        .sum();
    let opened = opened - open;
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

/// Some of each class, the likely ones with more weight.
fn sample(crowd: &Crowd, history: &History) -> Vec<Asked> {
    let used = [false, true].map(|counts| history.last_use(counts));
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
            rested: used[usize::from(class.refusals_count())] + member.model.rest(),
            proven: member.is_proven(history),
        }));
    }
    let sum: f64 = asked.iter().map(|asked| asked.weight).sum();
    asked.iter_mut().for_each(|asked| asked.weight /= sum);
    asked
}

/// What could be done now.
fn ideas(asked: &[Asked], stage: &Stage, random: &mut impl RngExt) -> Vec<Idea> {
    let (now, held, close) = (stage.now, stage.held, stage.way.close());
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
        let alike = asked.iter().filter(|one| one.class == model.class);
        let scales = range(alike.map(|one| one.scale));
        model.series(open, close, Duration::from_secs_f64(scales.0), &mut idea);
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
        let (early, late) = (now.saturating_sub(way.slack), now + way.slack);
        let (course, state, at) = play(self.state.clone(), idea, early, way.round_trip);
        Told {
            figures: self.figures,
            weight: self.weight,
            courses: [course, play(self.state.clone(), idea, late, way.round_trip).0],
            open: open_for(state, at),
        }
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

    /// Longer experiments, made to its measure; no window of its class is shorter than `least`.
    fn series(
        &self,
        open: Duration,
        close: Duration,
        least: Duration,
        idea: &mut impl FnMut(Vec<Leg>, &'static str),
    ) {
        if self.class.has_places() {
            return;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts of tries
        let part = |share: f64| (self.count * share).ceil().max(1.0) as u32;
        if self.class.has_rate() {
            idea(
                vec![Leg::after(
                    self.rest.mul_f64(TO_REST),
                    part(1.2) + 2,
                    close,
                    Until::Refused,
                )],
                "how many it lets in after a rest",
            );
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
        let fill = |wait: Duration, all: u32| {
            if self.count <= f64::from(FIRST_ONES) {
                return vec![Leg::after(wait, all, close, Until::Refused)];
            }
            let few = part(0.25).min(FIRST_ONES);
            vec![
                Leg::after(wait, few, close, Until::Refused),
                Leg::after(least.mul_f64(PAUSE), all - few, close, Until::Refused),
            ]
        };
        idea(fill(open, part(1.0) + 2), "how many it lets in again");
        idea(
            fill(self.rest.mul_f64(TO_REST), part(1.2) + 2),
            "how many it lets in after a rest",
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

/// How many it would let in at once; no more than so many are counted.
fn open_for(mut state: State, now: Duration) -> u32 {
    let most = 100;
    (0..most).find(|_| !state.try_pass(now).passed()).unwrap_or(most)
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
    let course = Course {
        outcome,
        tries,
        time: at - now,
    };
    (course, state, at)
}
