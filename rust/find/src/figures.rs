//! Figures that people write: windows, rates, and the roundest in a range.

use crate::search::Family;

/// Windows and rates that people configure.
pub(crate) fn round_figures(family: Family) -> Box<dyn Iterator<Item = f64>> {
    // The odd ones are Tomcat's.
    const SECONDS: [f64; 27] = [
        0.5, 1.0, 1.024, 1.5, 2.0, 2.048, 3.0, 4.0, 4.096, 5.0, 6.0, 7.0, 8.0, 8.192, 10.0, 12.0, 15.0,
        16.384, 20.0, 30.0, 40.0, 45.0, 60.0, 90.0, 120.0, 300.0, 600.0,
    ];
    match family {
        Family::Bucket | Family::Queue => Box::new(
            (1..=60)
                .map(f64::from)
                .chain((1..=60).map(|n| f64::from(n) / 60.0)),
        ),
        _ => Box::new(SECONDS.into_iter().map(|seconds| 1e6 * seconds)),
    }
}

/// Of what people write multiples: whole minutes, then seconds, then tenths ...
fn steps(family: Family) -> [f64; 11] {
    match family {
        Family::Bucket | Family::Queue => [
            100.0,
            50.0,
            10.0,
            5.0,
            1.0,
            0.5,
            0.1,
            1.0 / 60.0,
            0.05,
            0.01,
            0.001,
        ],
        _ => [60e6, 30e6, 10e6, 5e6, 1e6, 500e3, 100e3, 50e3, 10e3, 5e3, 1e3],
    }
}

/// How far a figure is from a round one: 0 where nothing is rounder.
pub(crate) fn oddness(family: Family, figure: f64) -> usize {
    let multiple = |step: &f64| (figure / step - (figure / step).round()).abs() * step < 1e-6 * figure;
    let steps = steps(family);
    steps.iter().position(multiple).unwrap_or(steps.len())
}

/// The roundest figure in a range; of equally round ones that nearest to the middle.
pub(crate) fn roundest(family: Family, low: f64, high: f64) -> Option<f64> {
    let steps = steps(family);
    let middle = f64::midpoint(low, high);
    steps.iter().find_map(|step| {
        let count = (middle / step).round();
        // A part of one is divided by a whole number: its digits end where people's do.
        let nearest = if *step < 1.0 {
            count / step.recip().round()
        } else {
            count * step
        };
        let inside = |figure: f64| figure > 0.0 && figure >= low && figure <= high;
        inside(nearest).then_some(nearest)
    })
}
