//! The space that is searched: a point is a way to try, an axis the values that one of its figures may have.

use backoff::{HintJitter, PacerMode, PacerSettings, Policy, Strategy};
use simulate::{Habit, Storm};
use std::time::Duration;

/// A point of the space.
pub(crate) type Point = (Policy, PacerSettings);

pub(crate) fn habit((policy, gate): &Point) -> Habit {
    Habit::new(policy.clone(), *gate)
}

/// A figure, set to one of the values that it may have.
type Set = Box<dyn Fn(&mut Point)>;

/// The values of one figure.
pub(crate) type Axis = Vec<Set>;

fn axis<T: Copy + 'static>(values: impl IntoIterator<Item = T>, set: fn(&mut Point, T)) -> Axis {
    let one = |value: T| -> Set { Box::new(move |point| set(point, value)) };
    values.into_iter().map(one).collect()
}

/// The axes that matter to a gate of this mode.
pub(crate) fn axes(mode: PacerMode, storm: &Storm) -> Vec<Axis> {
    match mode {
        PacerMode::Pace => gate(sustained(storm)),
        PacerMode::Pause => {
            let spreads = [250, 500, 1_000, 2_000, 5_000, 10_000, 20_000].map(Duration::from_millis);
            let mut axes = vec![axis(spreads, |(_, gate), spread| gate.spread = spread)];
            axes.extend(alone());
            axes
        }
        _ => alone(),
    }
}

fn alone() -> Vec<Axis> {
    let strategies = [
        Strategy::Decorrelated,
        Strategy::DecorrelatedV2,
        Strategy::Full,
        Strategy::Equal,
        Strategy::Additive,
        Strategy::Linear,
    ];
    let jitters = HintJitter::ALL.iter().copied();
    vec![
        axis(
            [250, 500, 1_000, 2_000, 4_000, 8_000].map(Duration::from_millis),
            |(policy, _), base| {
                policy.base = base;
                policy.cap = policy.cap.max(base);
            },
        ),
        axis(
            [2, 5, 10, 20, 30, 60, 120].map(Duration::from_secs),
            |(policy, _), cap| {
                policy.cap = cap.max(policy.base);
            },
        ),
        axis(jitters, |(policy, _), jitter| policy.hints.jitter = jitter),
        axis(strategies, |(policy, _), strategy| policy.strategy = strategy),
    ]
}

/// Around the rate that the limit sustains, and the usual figures.
fn gate(sustained: Option<f64>) -> Vec<Axis> {
    let around = |shares: &[f64], usual: &[f64]| -> Vec<f64> {
        let near = shares
            .iter()
            .filter_map(|share| sustained.map(|rate| short(rate * share)));
        near.chain(usual.iter().copied())
            .filter(|rate| (0.01..=10_000.0).contains(rate))
            .collect()
    };
    vec![
        // One rate for ever, which no step along one of the next three axes alone comes to.
        axis(
            around(&[0.9, 0.95, 0.98, 1.0, 1.02, 1.05, 1.1, 1.25, 2.0], &[]),
            |(_, gate), rate| {
                (gate.rate, gate.min_rate, gate.max_rate) = (rate, rate, rate);
            },
        ),
        axis(
            around(
                &[0.9, 0.95, 1.0, 1.05, 1.25, 2.0, 4.0],
                &[10.0, 20.0, 50.0, 100.0, 200.0],
            ),
            |(_, gate), rate| {
                gate.rate = rate;
                gate.max_rate = gate.max_rate.max(rate);
                gate.min_rate = gate.min_rate.min(rate);
            },
        ),
        axis(
            around(&[0.5, 0.8, 0.9, 0.95, 0.98, 1.0], &[0.2]),
            |(_, gate), rate| {
                gate.min_rate = rate.min(gate.rate);
            },
        ),
        axis(
            around(&[1.0, 1.02, 1.05, 1.1, 1.25, 2.0], &[50.0, 100.0, 200.0, 500.0]),
            |(_, gate), rate| {
                gate.max_rate = rate.max(gate.rate);
            },
        ),
        axis([0.1, 0.25, 0.5, 0.7, 0.9], |(_, gate), beta| gate.beta = beta),
        axis([0.0, 0.1, 0.5, 1.0, 2.0, 5.0], |(_, gate), increase| {
            gate.increase = increase;
        }),
    ]
}

/// Users a second that the limit lets in for ever: the slope of its bound. `None`: as many as there are, or none.
pub(crate) fn sustained(storm: &Storm) -> Option<f64> {
    let bound = |users: u32| storm.limit.bound_from(users, Duration::ZERO, storm.held);
    let (few, many) = (10_000, 60_000);
    let time = bound(many)?.checked_sub(bound(few)?)?.as_secs_f64();
    (time > 0.0).then(|| f64::from(many - few) / time)
}

/// With three digits, as people write it; cut, as more would be too much.
fn short(rate: f64) -> f64 {
    let scale = 10_f64.powf(2.0 - rate.log10().floor());
    (rate * scale + 1e-6).floor() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_a_limit_is_what_it_lets_in_for_ever() {
        for (limit, rate) in [
            ("token-bucket rate=10 burst=20", Some(10.0)),
            ("fixed-window limit=120 window=60s", Some(2.0)),
            ("queue rate=5 burst=20", Some(5.0)),
            (
                "token-bucket rate=20 burst=20 + sliding-window limit=100 window=20s",
                Some(5.0),
            ),
            ("concurrency limit=20", None),
            ("none", None),
        ] {
            let found = sustained(&Storm::new(limit.parse().unwrap(), 1)).map(short);
            assert_eq!(found, rate, "{limit}");
        }
        assert_eq!(short(1.0 / 3.0), 0.333);
        assert_eq!(short(123.456), 123.0);
    }
}
