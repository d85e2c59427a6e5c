//! Figures as people write them, and how odd others are.

use crate::class::Class;

pub(crate) const LEAST_WINDOW: f64 = 0.4;
pub(crate) const MOST_WINDOW: f64 = 7_200.0;
pub(crate) const LEAST_RATE: f64 = 0.005;
pub(crate) const MOST_RATE: f64 = 400.0;

/// Figures that people write: these times a power of ten.
const USUAL: [f64; 12] = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];

/// All windows, or rates, that people write, as far as they can be told from others in an experiment.
pub(crate) fn all_usual(class: Class) -> Vec<f64> {
    let (low, high) = if class.has_rate() {
        (0.1, 200.0)
    } else {
        (LEAST_WINDOW, 600.0)
    };
    let mut all = vec![low];
    while let Some(&last) = all.last().filter(|&&last| last < high) {
        // Steps that miss none.
        let mut next = last * 1.02;
        while usual(next) <= last * 1.001 {
            next *= 1.02;
        }
        all.push(usual(next));
    }
    all
}

/// A figure no farther from one that people write is one, as a logarithm.
pub(crate) const WRITTEN: f64 = 0.004;

pub(crate) fn odd(value: f64) -> f64 {
    (value / usual(value)).ln().abs()
}

/// The nearest figure that people write.
pub(crate) fn usual(value: f64) -> f64 {
    // Windows of minutes are multiples of them.
    let unit = if value >= 45.0 { 60.0 } else { 1.0 };
    let value = value / unit;
    let power = 10_f64.powf(value.log10().floor());
    let near = |a: &f64, b: &f64| {
        let off = |figure: f64| (value / (figure * power)).ln().abs();
        off(*a).total_cmp(&off(*b))
    };
    let figures = USUAL.into_iter().chain([10.0]);
    figures.min_by(near).map_or(value, |figure| figure * power) * unit
}
