//! How much what was seen speaks for a class, besides that it contradicts few of it: what is left of what the class could have been.

use crate::class::Class;
use crate::crowd::{Crowd, Member, range};
use crate::figures::{LEAST_RATE, LEAST_WINDOW, MOST_RATE, MOST_WINDOW, WRITTEN, all_usual, odd};
use crate::model::Model;

/// A range is taken to be no narrower: few models are left of what was drawn.
const NARROW: f64 = 0.03;
/// So many of the windows and rates that people set are figures that they would write.
const USUAL: f64 = 0.5;
/// How likely a count is that people would not write, and that all need others' use.
const ODD_COUNT: f64 = 0.15;
const BY_OTHERS: f64 = 0.2;
/// A cap has one figure less; what that figure would speak for.
const CAP: f64 = 0.55;
/// What counters on no clock need no phase for is as likely.
const ON_NO_CLOCK: f64 = 0.3;

/// The figures that people write.
#[derive(Debug)]
pub(crate) struct Written {
    windows: Vec<f64>,
    rates: Vec<f64>,
}

impl Written {
    pub(crate) fn all() -> Written {
        Written {
            windows: all_usual(Class::Fixed),
            rates: all_usual(Class::Bucket),
        }
    }
}

impl Crowd {
    /// How much of what a class could be is left of it, by the models that are `good`: of two that agree with all that was seen, it speaks
    /// for the one that could have said little else. Of a share the root: ranges hang on each other, and few models tell them badly.
    pub(crate) fn evidence<'a>(&self, class: Class, good: impl Iterator<Item = &'a Member>) -> f64 {
        if class == Class::Concurrency {
            return CAP;
        }
        let models: Vec<&Model> = good.map(|member| &member.model).collect();
        let (low, high) = range(models.iter().map(|model| model.scale));
        let (least, most, written) = if class.has_rate() {
            (LEAST_RATE, MOST_RATE, &self.written.rates)
        } else {
            (LEAST_WINDOW, MOST_WINDOW, &self.written.windows)
        };
        let width = (high / low).ln().max(NARROW) / (most / least).ln();
        let within = written
            .iter()
            .filter(|scale| (low..=high).contains(*scale))
            .count();
        let scales = (1.0 - USUAL) * width.min(1.0) + USUAL * within as f64 / written.len() as f64;
        let is_usual = |model: &&Model| odd(model.count.max(1.0)) < WRITTEN;
        let counts = if models.iter().any(is_usual) {
            1.0
        } else {
            ODD_COUNT
        };
        let used = if models.iter().all(|model| model.used.count > 0.0) {
            BY_OTHERS
        } else {
            1.0
        };
        (scales * counts * used * self.phases(class, &models, (low * high).sqrt())).sqrt()
    }

    /// How much is left of when its windows on the clock could begin, or of how long they are that come before a block.
    fn phases(&self, class: Class, models: &[&Model], scale: f64) -> f64 {
        if class.blocks() {
            let (low, high) = range(models.iter().map(|model| model.phase));
            return (high - low).clamp(NARROW, 1.0);
        }
        if !class.is_on_a_clock() {
            return 1.0;
        }
        // Windows that differ in length agree best on one of the last begins.
        let begins = |ago: u32| {
            let on_clock = models.iter().filter(|model| !model.on_no_clock);
            let (first, last) = range(on_clock.map(|model| model.begin(self.last, ago)));
            (last - first) / scale
        };
        let left = (0..4).map(begins).fold(1.0, f64::min).max(NARROW);
        if models.iter().any(|model| model.on_no_clock) {
            left.max(ON_NO_CLOCK)
        } else {
            left
        }
    }
}
