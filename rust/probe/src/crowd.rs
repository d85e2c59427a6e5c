//! The crowd of models: those that decide as the server did, drawn anew around them as it gets thin.

use crate::Candidate;
use crate::history::{Event, History, MISS, disagrees};
use crate::model::{Class, Model, all_usual};
use limiter::Limiter;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// How many models of a class there are at most, and how many are drawn for it each time.
const MOST: usize = 150;
const DRAWS: usize = 400;
/// A class that has none left is drawn for so many times more before it is out.
const LAST_DRAWS: usize = 3_000;
/// How many models are drawn for each usual figure, where all is doubted once more.
const DOUBTS: usize = 12;
/// A model may disagree so much more than the best one, besides a miss in a hundred.
const PATIENCE: u32 = MISS + MISS / 2;

/// Figures that are farther from those that people write are odd.
const ODD: f64 = 0.02;
/// A class so much less likely than the likeliest of its kind has no word in its figures.
const UNLIKELY: f64 = 0.1;
/// A kind this likely is known.
const SURE: f64 = 0.9;

/// How likely a model is that disagrees so much more than the best.
pub(crate) fn worse(disagrees: u32) -> f64 {
    (-1.5 * f64::from(disagrees) / f64::from(MISS)).exp()
}

/// A model and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) model: Model,
    pub(crate) state: Limiter,
    pub(crate) misses: u32,
}

impl Member {
    fn new(model: Model) -> Member {
        Member {
            state: Limiter::new(&model.spec()),
            model,
            misses: 0,
        }
    }

    /// Lets it see the events; false: it disagrees too many.
    fn sees(&mut self, events: &[Event], most: u32) -> bool {
        for event in events {
            self.misses += disagrees(&mut self.state, event);
            if self.misses > most {
                return false;
            }
        }
        true
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
}

impl Crowd {
    pub(crate) fn new(seed: u64) -> Self {
        Crowd {
            members: Vec::new(),
            out: Vec::new(),
            seen: 0,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// Takes in what is new.
    pub(crate) fn learn(&mut self, history: &History) {
        let events = history.events();
        if events.len() == self.seen {
            return;
        }
        let models: Vec<Model> = self.members.iter().map(|member| member.model).collect();
        self.members.clear();
        let mut best = u32::MAX;
        // From the begin: what is usual may have changed, and with it what happened when.
        for model in models {
            self.admit(model, events, &mut best);
        }
        for class in Class::ALL {
            if !self.out.contains(&class) {
                self.draw(class, history, &mut best);
            }
        }
        self.seen = events.len();
        self.thin(best, events.len());
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
                for _ in 0..draws {
                    let model = Model::of_scale(class, scale, history, &mut self.random);
                    self.admit(model, history.events(), &mut best);
                }
            }
            self.draw(class, history, &mut best);
            let alike: Vec<Model> = self.best(class).map(|member| member.model).collect();
            for model in alike.iter().take(MOST).flat_map(|model| model.polished(history)) {
                self.admit(model, history.events(), &mut best);
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

    fn admit(&mut self, model: Model, events: &[Event], best: &mut u32) -> bool {
        let mut member = Member::new(model);
        let sees = member.sees(events, Self::most(*best, events.len()));
        if sees {
            *best = (*best).min(member.misses);
            self.members.push(member);
        }
        sees
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
            if self.admit(model, history.events(), best) {
                alike.push(model);
            }
        }
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
            // Not the first ones drawn, which are alike.
            let fewest = of.first().map_or(0, |member| member.misses);
            let equal = of.iter().filter(|member| member.misses == fewest).count();
            for nth in 0..keep.min(equal) {
                let other = self.random.random_range(nth..equal);
                of.swap(nth, other);
            }
            // Nor without the one that people would write.
            let by_oddity = |a: &usize, b: &usize| of[*a].model.oddity().total_cmp(&of[*b].model.oddity());
            if let Some(usual) = (0..equal).min_by(by_oddity) {
                of.swap(0, usual);
            }
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
            let odd = self.best(class).map(|member| member.model.odd_scale());
            let odd = odd.fold(f64::INFINITY, f64::min);
            let usual = if odd > ODD { 0.25 } else { 1.0 };
            (class, usual * worse(fewest - best))
        };
        classes.into_iter().map(weigh).collect()
    }

    /// Whether one kind is by far the likeliest, on whichever clock, and its figures are no farther apart than `fine`.
    pub(crate) fn is_known(&self, fine: f64) -> bool {
        let likely = self.likely();
        let Some(&(class, _)) = likely.iter().max_by(|a, b| a.1.total_cmp(&b.1)) else {
            return false;
        };
        let sum: f64 = likely.iter().map(|(_, weight)| weight).sum();
        let of_kind: Vec<&(Class, f64)> = likely
            .iter()
            .filter(|(other, _)| other.kind() == class.kind())
            .collect();
        let kind: f64 = of_kind.iter().map(|(_, weight)| weight).sum();
        let most = of_kind.iter().map(|(_, weight)| *weight).fold(0.0, f64::max);
        // On whichever clock, with figures that are the same.
        let classes = of_kind.iter().filter(|(_, weight)| *weight >= most * UNLIKELY);
        let best: Vec<&Member> = classes.flat_map(|(class, _)| self.best(*class)).collect();
        kind >= sum * SURE && is_fine(&best, fine)
    }

    /// Those of a class that contradict the fewest.
    fn best(&self, class: Class) -> impl Iterator<Item = &Member> {
        let fewest = self.fewest(class);
        self.of(class).filter(move |member| member.misses == fewest)
    }

    /// What agrees, the likeliest first.
    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        let mut all: Vec<Candidate> = self
            .classes()
            .into_iter()
            .filter_map(|class| self.candidate(class))
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

    fn candidate(&self, class: Class) -> Option<Candidate> {
        let by_oddity = |a: &&Member, b: &&Member| a.model.oddity().total_cmp(&b.model.oddity());
        let chosen = self.best(class).min_by(by_oddity)?;
        Some(Candidate {
            class,
            limit: chosen.model.spec(),
            contradicted: chosen.misses / MISS,
            counts: range(self.best(class).map(|member| member.model.count)),
            scale: range(self.best(class).map(|member| member.model.scale)),
        })
    }
}

/// Whether no figure is farther apart than `fine`.
fn is_fine(members: &[&Member], fine: f64) -> bool {
    let (few, many) = range(members.iter().map(|member| member.model.count));
    let rates = members
        .iter()
        .filter(|member| member.model.class != Class::Concurrency);
    let (low, high) = range(rates.map(|member| member.model.scale));
    many <= few.max(0.5) * fine && (low > high || high <= low * fine)
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}
