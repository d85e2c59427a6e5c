//! The crowd of models: those that decide as the server did, drawn anew around them as it gets thin.

use crate::Candidate;
use crate::class::Class;
use crate::evidence::Written;
use crate::figures::{WRITTEN, all_usual};
use crate::history::{Event, History, MISS, NEAR_TIE, disagrees, forbids};
use crate::model::Model;
use crate::state::State;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

/// How many models of a class there are at most, and how many are drawn for it each time.
const MOST: usize = 150;
const DRAWS: usize = 400;
/// A class that has none left is drawn for so many times more before it is out.
const LAST_DRAWS: usize = 3_000;
/// How many models are drawn for each usual figure, where all is doubted once more.
const DOUBTS: usize = 12;
/// For so many steps the best of these is made better.
const STEPS: usize = 30;
/// So many of those that block are tried with all windows.
const BLOCKING: usize = 4;
/// A model may disagree so much more than the best one, besides a miss in a hundred.
const PATIENCE: u32 = MISS + MISS / 2;

/// An odd count says so much less than a window that is not in the middle.
const LESS: f64 = 0.1;
/// So much less likely is a queue in which some wait and others do not.
const MIXED: f64 = 0.1;
/// So much less likely is what few servers do, but two that are left are enough for nothing to be sure.
const RARE: f64 = 0.1;
/// A class so much less likely than the likeliest of its kind has no word in its figures.
const UNLIKELY: f64 = 0.1;
/// A kind this likely is known, and one this likely not asked for any more.
const SURE: f64 = 0.9;
const VERY_SURE: f64 = 0.97;
/// A range of fewer models says how few were drawn.
const TOO_FEW: usize = 4;
/// What is known contradicts no more than one decision, or one in so many.
const FEW: u32 = 100;

/// A model that contradicts more than this share of the decisions explains too little, as `find` has it.
const MISSED: f64 = 0.03;
const MISSED_AT_LEAST: u32 = 2;
/// Tries that overtake each other change places in a queue, and each delay is another one.
const MISSED_IN_QUEUE: f64 = 0.15;

/// How much word a model has in what to try next that disagrees so much more than the best of its class, which disagrees in `fewest`: too
/// many of them would be asked again and again whether they are right after all. Where chance speaks against the best one as well, it may
/// speak against others as much.
pub(crate) fn word(disagrees: u32, fewest: u32) -> f64 {
    (-4.0 * f64::from(disagrees) / f64::from(MISS + 2 * fewest)).exp()
}

/// How likely a kind is whose best model disagrees so much more than the best of all.
fn worse(disagrees: u32) -> f64 {
    (-1.8 * f64::from(disagrees) / f64::from(MISS)).exp()
}

/// A model and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) model: Model,
    pub(crate) state: State,
    pub(crate) misses: u32,
}

impl Member {
    fn new(model: Model) -> Member {
        Member {
            state: model.at_begin(),
            model,
            misses: 0,
        }
    }

    /// One that saw what happened; `None`: it disagrees more than so many.
    fn seeing(model: Model, history: &History, most: u32) -> Option<Member> {
        let mut member = Member::new(model);
        member.sees(history, most).then_some(member)
    }

    /// Lets it see what happened; false: it disagrees too many.
    fn sees(&mut self, history: &History, most: u32) -> bool {
        let mut used = State::limited(&self.model.used_spec());
        for event in history.before() {
            self.misses += forbids(&mut used, event, self.model.class.refusals_count());
            if self.misses > most {
                return false;
            }
        }
        for event in history.events() {
            self.misses += disagrees(&mut self.state, event);
            if self.misses > most {
                return false;
            }
        }
        true
    }
}

impl Member {
    /// Whether it contradicts few enough.
    pub(crate) fn explains(&self, history: &History) -> bool {
        let (missed, of) = (self.misses / MISS, history.tries_since());
        let share = if self.model.class == Class::Queue {
            MISSED_IN_QUEUE
        } else {
            MISSED
        };
        missed <= MISSED_AT_LEAST || f64::from(missed) <= share * f64::from(of)
    }

    /// Whether it was seen from rest until a refusal, or until one when it had forgotten what others may have used just before the begin,
    /// and did as the model says. The very begin does not count.
    pub(crate) fn is_proven(&self, history: &History) -> bool {
        let model = self.model;
        // A queue's delays tell how much is left of it; a cap has no past.
        if model.class.has_places() || model.class == Class::Queue {
            return true;
        }
        let uses = |event: &Event| match *event {
            Event::Tried { at, verdict, .. } => {
                (verdict.passed() || model.class.refusals_count()).then_some(at)
            }
            Event::Released { .. } => None,
        };
        let forgets = model.forgets();
        let first = history.events().iter().find_map(|event| match *event {
            Event::Tried { at, .. } => Some(at),
            Event::Released { .. } => None,
        });
        let mut state = model.at_begin();
        let mut used = history.before().iter().filter_map(uses).next_back();
        // Since when it was at rest, and what it contradicted since then.
        let mut rested = None;
        for event in history.events() {
            let Event::Tried { at, verdict, .. } = *event else {
                continue;
            };
            let since = first.map(|first| at.saturating_sub(first));
            let forgotten = forgets.is_some_and(|time| since.is_some_and(|since| since >= time));
            if forgotten {
                rested = rested.or(Some((at, 0)));
            } else if used.is_some_and(|used| at.saturating_sub(used) >= model.rest()) {
                rested = Some((at, 0));
            }
            let misses = disagrees(&mut state, event);
            rested = rested.map(|(since, before)| (since, before + misses));
            used = uses(event).or(used).or(Some(at));
            if !verdict.passed() {
                // Two windows that happen to meet here may be one.
                if rested.is_some_and(|(since, missed)| {
                    missed < MISS && (forgotten || model.is_in_one_window(since, at))
                }) {
                    return true;
                }
                rested = None;
            }
        }
        false
    }
}

/// See the file's head.
#[derive(Debug)]
pub(crate) struct Crowd {
    members: Vec<Member>,
    out: Vec<Class>,
    /// How many events they have seen.
    seen: usize,
    pub(crate) random: Xoshiro256PlusPlus,
    /// When the last try was decided about.
    pub(crate) last: Duration,
    pub(crate) written: Written,
}

impl Crowd {
    pub(crate) fn new(seed: u64) -> Self {
        Crowd {
            members: Vec::new(),
            out: Vec::new(),
            seen: 0,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            last: Duration::ZERO,
            written: Written::all(),
        }
    }

    /// Lets go of all models: what they were drawn by has begun otherwise than they do.
    pub(crate) fn begin_anew(&mut self) {
        self.members.clear();
        self.out.clear();
        self.seen = 0;
    }

    /// Takes in what is new.
    pub(crate) fn learn(&mut self, history: &History) {
        let seen = history.events().len();
        if seen == self.seen {
            return;
        }
        let models: Vec<Model> = self.members.iter().map(|member| member.model).collect();
        self.members.clear();
        let mut best = u32::MAX;
        // From the begin: what is usual may have changed, and with it what happened when.
        for model in models {
            self.admit(model, history, &mut best);
        }
        for class in Class::ALL {
            if !self.out.contains(&class) {
                self.draw(class, history, &mut best);
            }
        }
        self.seen = seen;
        self.last = history.last();
        self.thin(best, seen);
        self.out = Class::ALL
            .into_iter()
            .filter(|class| self.of(*class).next().is_none())
            .collect();
    }

    /// Looks for what may have got lost on the way: all classes again, with all figures that people write.
    pub(crate) fn doubt(&mut self, history: &History) {
        let mut best = self
            .members
            .iter()
            .map(|member| member.misses)
            .min()
            .unwrap_or(u32::MAX);
        for class in Class::ALL {
            let draws = if class.is_on_a_clock() { DOUBTS * 8 } else { DOUBTS };
            for scale in all_usual(class) {
                if let Some(model) = self.best_of_scale(class, scale, draws, history) {
                    self.admit(model, history, &mut best);
                }
            }
            self.draw(class, history, &mut best);
            let alike: Vec<Model> = self.best(class).map(|member| member.model).collect();
            // Where a block ends the window, many windows do as well, and draws find few of them.
            let windows = alike.iter().take(BLOCKING).flat_map(Model::with_all_windows);
            let polished = alike.iter().take(MOST).flat_map(|model| model.polished(history));
            for model in polished.chain(windows) {
                self.admit(model, history, &mut best);
            }
        }
        self.thin(best, history.events().len());
        self.out
            .retain(|class| !self.members.iter().any(|member| member.model.class == *class));
    }

    fn most(best: u32, events: usize) -> u32 {
        let share = u32::try_from(events * 10 / 100).unwrap_or(u32::MAX);
        best.saturating_add(PATIENCE + share)
    }

    fn admit(&mut self, model: Model, history: &History, best: &mut u32) -> bool {
        let Some(member) = Member::seeing(model, history, Self::most(*best, history.events().len())) else {
            return false;
        };
        *best = (*best).min(member.misses);
        self.members.push(member);
        true
    }

    fn draw(&mut self, class: Class, history: &History, best: &mut u32) {
        let mut alike: Vec<Model> = self.of(class).map(|member| member.model).collect();
        let mut draws = match (alike.is_empty(), class.is_on_a_clock()) {
            (true, _) => LAST_DRAWS,
            // Three figures that hang together are not found as easily.
            (false, true) => DRAWS * 2,
            (false, false) => DRAWS,
        };
        while draws > 0 && alike.len() < MOST + MOST / 2 {
            draws -= 1;
            let near = !alike.is_empty() && self.random.random_bool(0.8);
            let model = if near {
                let of = self.random.random_range(0..alike.len());
                alike[of].near(history, &mut self.random)
            } else {
                Model::any(class, history, &mut self.random)
            };
            if self.admit(model, history, best) {
                alike.push(model);
            }
        }
    }

    /// The best of some that begin with this window, or rate, and of what lies step by step beside it: what is left may all lie elsewhere.
    fn best_of_scale(&mut self, class: Class, scale: f64, draws: usize, history: &History) -> Option<Model> {
        let mut found: Option<Member> = None;
        for nth in 0..draws + STEPS {
            let model = match &found {
                Some(found) if nth >= draws => found.model.near(history, &mut self.random),
                _ => Model::of_scale(class, scale, history, &mut self.random),
            };
            let most = found.as_ref().map_or(u32::MAX, |found| found.misses);
            found = Member::seeing(model, history, most).or(found);
        }
        found.map(|found| found.model)
    }

    /// Lets go who disagrees too many, and of each class those that are too many, the worst first.
    fn thin(&mut self, best: u32, events: usize) {
        let most = Self::most(best, events);
        let mut kept = Vec::new();
        for class in Class::ALL {
            let mut of: Vec<Member> = self
                .members
                .iter()
                .filter(|member| member.model.class == class && member.misses <= most)
                .cloned()
                .collect();
            of.sort_by_key(|member| member.misses);
            let keep = of.len().min(MOST);
            // Not the first ones drawn, which are alike, nor those alone that nothing speaks against: where these are many, the figures
            // would look narrower than they are.
            let fewest = of.first().map_or(0, |member| member.misses);
            let good = of
                .iter()
                .filter(|member| member.misses <= fewest + 2 * NEAR_TIE)
                .count();
            for nth in 0..keep.min(good) {
                let other = self.random.random_range(nth..good);
                of.swap(nth, other);
            }
            // Nor without the one that people would write.
            let by_oddity = |a: &usize, b: &usize| of[*a].model.oddity().total_cmp(&of[*b].model.oddity());
            let usual = (0..good)
                .filter(|&nth| of[nth].misses == fewest)
                .min_by(by_oddity);
            if let Some(usual) = usual {
                of.swap(0, usual);
            }
            of[..keep].sort_by_key(|member| member.misses);
            kept.extend(of.into_iter().take(keep));
        }
        self.members = kept;
    }

    pub(crate) fn of(&self, class: Class) -> impl Iterator<Item = &Member> {
        self.members
            .iter()
            .filter(move |member| member.model.class == class)
    }

    /// The classes that are left.
    pub(crate) fn classes(&self) -> Vec<Class> {
        let left = |class: &Class| self.of(*class).next().is_some();
        Class::ALL.into_iter().filter(left).collect()
    }

    pub(crate) fn fewest(&self, class: Class) -> u32 {
        self.of(class)
            .map(|member| member.misses)
            .min()
            .unwrap_or(u32::MAX)
    }

    /// How likely each class is that is left, against the likeliest; those that contradict less and whose figures people would
    /// write are.
    pub(crate) fn likely(&self) -> Vec<(Class, f64)> {
        let classes = self.classes();
        let best = classes.iter().map(|class| self.fewest(*class)).min().unwrap_or(0);
        let weigh = |class: Class| {
            let fewest = self.fewest(class);
            let usual = self.evidence(class, self.good(class));
            let usual = if self.best(class).all(|member| member.model.is_mixed()) {
                usual * MIXED
            } else {
                usual
            };
            let usual = if class.is_rare() { usual * RARE } else { usual };
            (class, usual * worse(fewest - best))
        };
        classes.into_iter().map(weigh).collect()
    }

    /// Whether one kind is by far the likeliest, on whichever clock, and what agrees as well is no farther from its figures than `near`.
    pub(crate) fn is_known(&self, near: f64, tries: u32) -> bool {
        let Some((class, of_kind)) = self.likeliest_kind(SURE) else {
            return false;
        };
        let most = of_kind.iter().map(|(_, weight)| *weight).fold(0.0, f64::max);
        // On whichever clock, with figures that are the same.
        let classes = of_kind.iter().filter(|(_, weight)| *weight >= most * UNLIKELY);
        let best: Vec<&Member> = classes.flat_map(|(class, _)| self.good(*class)).collect();
        let fewest = best.iter().map(|member| member.misses).min();
        let missed = fewest.unwrap_or_default() / MISS;
        let is_near = || {
            let named = self.chosen(class);
            named.is_some_and(|named| best.iter().all(|other| named.model.is_near(&other.model, near)))
        };
        best.len() >= TOO_FEW && is_near() && (missed <= 1 || missed <= tries / FEW)
    }

    /// Whether its kind needs no further asking.
    pub(crate) fn is_sure_of_kind(&self) -> bool {
        self.likeliest_kind(VERY_SURE).is_some()
    }

    /// The likeliest class and those of its kind, if the kind is no less likely than `sure`.
    fn likeliest_kind(&self, sure: f64) -> Option<(Class, Vec<(Class, f64)>)> {
        let likely = self.likely();
        let &(class, _) = likely.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let sum: f64 = likely.iter().map(|(_, weight)| weight).sum();
        let is_alike = |other: Class| other.once_refused() == class.once_refused();
        // Few servers block, and windows on some clock fit what one does by chance: nothing is sure while it may be one as well.
        let most = self.fewest(class);
        let may_block = |other: Class| other.blocks() && self.fewest(other) <= most && !is_alike(other);
        if likely.iter().any(|&(other, _)| may_block(other)) {
            return None;
        }
        let of_kind: Vec<(Class, f64)> = likely.into_iter().filter(|&(other, _)| is_alike(other)).collect();
        let kind: f64 = of_kind.iter().map(|(_, weight)| weight).sum();
        (kind >= sum * sure).then_some((class, of_kind))
    }

    /// The model that would be named.
    pub(crate) fn leader(&self) -> Option<&Member> {
        let likely = self.likely();
        let (class, _) = likely.into_iter().min_by(|a, b| b.1.total_cmp(&a.1))?;
        self.chosen(class)
    }

    /// Those of a class that contradict the fewest.
    fn best(&self, class: Class) -> impl Iterator<Item = &Member> {
        let fewest = self.fewest(class);
        self.of(class).filter(move |member| member.misses == fewest)
    }

    /// The same, and those that near ties keep from it, or as much chance as there is in what was seen: on a busy machine the best one of
    /// many contradicted two decisions, and the truth three.
    fn good(&self, class: Class) -> impl Iterator<Item = &Member> {
        let most = self.fewest(class).saturating_mul(2).saturating_add(2 * NEAR_TIE);
        self.of(class).filter(move |member| member.misses <= most)
    }

    /// What agrees, the likeliest first.
    pub(crate) fn candidates(&self, history: &History) -> Vec<Candidate> {
        let classes = self.classes().into_iter();
        let mut all: Vec<Candidate> = classes
            .filter_map(|class| self.candidate(class, history))
            .collect();
        let likely = self.likely();
        let weight = |of: &Candidate| {
            likely
                .iter()
                .find(|(class, _)| *class == of.class)
                .map_or(0.0, |of| of.1)
        };
        all.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
        all
    }

    /// Of those that contradict the fewest the one that people would write, or, where none is so, the one in the middle: from there it is
    /// not far to any of them.
    fn chosen(&self, class: Class) -> Option<&Member> {
        let unused = self.best(class).any(|member| member.model.used.count == 0.0);
        let best = || {
            self.best(class)
                .filter(move |member| !unused || member.model.used.count == 0.0)
        };
        let odd = |member: &Member| member.model.oddity();
        let usual = best().min_by(|a, b| odd(a).total_cmp(&odd(b)))?;
        if usual.model.odd_scale() < WRITTEN {
            return Some(usual);
        }
        let (low, high) = range(best().map(|member| member.model.scale));
        let middle = (low * high).sqrt();
        let off = |Member { model, .. }: &Member| {
            (model.scale / middle).ln().abs() + LESS * crate::figures::odd(model.count.max(1.0))
        };
        best().min_by(|a, b| off(a).total_cmp(&off(b)))
    }

    /// The same with the window, or rate, that one would type, where that lies within what agrees and contradicts no more.
    fn as_written(
        &self,
        chosen: &Member,
        (low, high): (f64, f64),
        windows: (f64, f64),
        history: &History,
    ) -> Model {
        let agrees = |model: &Model| {
            (low..=high).contains(&model.scale) && Member::seeing(*model, history, chosen.misses).is_some()
        };
        let typed = chosen.model.typed(history);
        let typed = typed.into_iter().find(agrees).unwrap_or(chosen.model);
        Some(typed.with_window(windows)).filter(agrees).unwrap_or(typed)
    }

    fn candidate(&self, class: Class, history: &History) -> Option<Candidate> {
        let chosen = self.chosen(class)?;
        let scale = range(self.good(class).map(|member| member.model.scale));
        let windows = range(self.good(class).map(|member| member.model.before_block()));
        let proven = chosen.is_proven(history);
        let counts = range(self.good(class).map(|member| member.model.count));
        // As many as were let in before it was full, without what others may have used.
        let seen = self
            .good(class)
            .map(|Member { model, .. }| (model.count - model.used.count).max(1.0));
        let seen = range(seen);
        Some(Candidate {
            class,
            limit: self.as_written(chosen, scale, windows, history).told(),
            contradicted: chosen.misses / MISS,
            explains: chosen.explains(history),
            proven,
            // What others may have used has no end that is known.
            counts: if proven { counts } else { (seen.0, f64::INFINITY) },
            scale: if class.blocks() { windows } else { scale },
            block: class.blocks().then_some(scale),
        })
    }
}

pub(crate) fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}
