//! The search: from the usual figures along one axis after the other, always to the best value, until none helps.

use crate::answer::{Kind, Setting};
use crate::point::{Axis, Point, axes, habit};
use crate::{Question, mode, patient};
use backoff::{PacerSettings, Policy};
use simulate::{Figures, Habit, Storm};
use std::collections::HashMap;
use std::time::Duration;

/// Over so many storms a candidate is judged.
const LOOK: u64 = 5;
/// So often at most all axes are gone along.
const ROUNDS: usize = 3;
/// Another figure than the usual one has to be worth so much.
const WORTH: f64 = 0.01;
/// The policy's usual time is enough where the longest wait takes no more than this share of it.
const ROOM: f64 = 0.8;
/// What a way to try is given at most to get all in: as a multiple of the bound, and on top of it.
const PATIENCE: (u32, Duration) = (8, Duration::from_secs(300));

pub(crate) struct Search<'a> {
    pub(crate) question: &'a Question,
    goes_on: &'a mut dyn FnMut() -> bool,
    /// When it is over for who tries still.
    horizon: Duration,
    /// What nobody can beat with today's ramp-up, in seconds.
    bound: Option<f64>,
    /// What the points cost that were looked at.
    tried: HashMap<String, f64>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(question: &'a Question, goes_on: &'a mut dyn FnMut() -> bool) -> Self {
        let storm = &question.storm;
        let users = u32::try_from(storm.users).unwrap_or(u32::MAX);
        let bound = storm
            .limit
            .bound_from(users, Duration::ZERO, storm.held)
            .unwrap_or_default();
        let horizon = bound
            .max(storm.ramp)
            .saturating_mul(PATIENCE.0)
            .saturating_add(PATIENCE.1);
        Self {
            question,
            goes_on,
            horizon: horizon.min(Duration::from_secs(7 * 24 * 3_600)),
            bound: None,
            tried: HashMap::new(),
        }
    }

    /// The figures of users who try like this.
    pub(crate) fn figures(&mut self, way: &Habit, ramp: Duration, seeds: u64) -> Option<Figures> {
        let storm = Storm {
            ramp,
            horizon: self.horizon.max(ramp.saturating_mul(2)),
            ..self.question.storm.clone().of(way)
        };
        let mut outcomes = Vec::new();
        for seed in 0..seeds {
            outcomes.push(storm.run(seed));
            if !(self.goes_on)() {
                return None;
            }
        }
        Some(Figures::of(&outcomes))
    }

    /// What the plan does today; all others are compared with its bound.
    pub(crate) fn today(&mut self) -> Option<Setting> {
        let question = self.question;
        let today = self.measured(Kind::Today, question.today.clone(), question.storm.ramp)?;
        self.bound = today.figures.bound.map(|bound| bound.mean);
        Some(today)
    }

    /// A setting with the figures of its answer.
    pub(crate) fn measured(&mut self, kind: Kind, way: Habit, ramp: Duration) -> Option<Setting> {
        let mut figures = self.figures(&way, ramp, self.question.seeds)?;
        if let Some(bound) = self.bound.filter(|_| ramp != self.question.storm.ramp) {
            figures = figures.against(bound);
        }
        Some(Setting {
            kind,
            habit: way,
            ramp,
            figures,
        })
    }

    /// The plugin as it comes, with this kind of gate.
    pub(crate) fn usual(&mut self, kind: Kind) -> Option<Setting> {
        self.given_time(kind, (Policy::default(), PacerSettings::of(mode(kind))))
    }

    /// The best of its kind.
    pub(crate) fn best(&mut self, kind: Kind) -> Option<Setting> {
        let policy = patient(&Policy::default(), self.horizon);
        let mut point: Point = (policy, PacerSettings::of(mode(kind)));
        let mut cost = self.cost(&point)?;
        for _ in 0..ROUNDS {
            let before = cost;
            for axis in axes(mode(kind), &self.question.storm) {
                (point, cost) = self.along(&axis, &point, cost)?;
            }
            if cost >= before {
                break;
            }
        }
        point.0.max_elapsed = Policy::default().max_elapsed;
        self.given_time(kind, point)
    }

    /// The best point along one axis, if it is worth leaving this one.
    fn along(&mut self, axis: &Axis, from: &Point, cost: f64) -> Option<(Point, f64)> {
        let mut best = (from.clone(), cost);
        for set in axis {
            let mut point = from.clone();
            set(&mut point);
            if point == *from || point.0.check().is_err() || point.1.check().is_err() {
                continue;
            }
            let cost = self.cost(&point)?;
            if cost < best.1 && cost < (1.0 - WORTH) * best.1.max(0.0) + 1e-9 {
                best = (point, cost);
            }
        }
        Some(best)
    }

    fn cost(&mut self, point: &Point) -> Option<f64> {
        let way = habit(point);
        let key = way.to_string();
        if let Some(cost) = self.tried.get(&key) {
            return Some(*cost);
        }
        let figures = self.figures(&way, self.question.storm.ramp, LOOK)?;
        let cost = self.question.goal.cost(&figures);
        self.tried.insert(key, cost);
        Some(cost)
    }

    /// The setting of a point, with as much time in all as its users need.
    fn given_time(&mut self, kind: Kind, mut point: Point) -> Option<Setting> {
        let usual = point.0.max_elapsed;
        let ramp = self.question.storm.ramp;
        let patient = (patient(&point.0, self.horizon), point.1);
        let endless = self.figures(&habit(&patient), ramp, self.question.seeds)?;
        point.0.max_elapsed = time_for(endless.longest.most, usual).min(self.horizon.max(usual));
        self.measured(kind, habit(&point), ramp)
    }
}

/// Enough for a wait of so many seconds: the usual time, or half as much again in whole half minutes.
fn time_for(seconds: f64, usual: Duration) -> Duration {
    if seconds <= ROOM * usual.as_secs_f64() {
        return usual;
    }
    Duration::from_secs_f64((1.5 * seconds / 30.0).ceil().max(1.0) * 30.0)
}
