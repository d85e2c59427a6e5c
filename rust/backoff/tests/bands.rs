//! The bands of a policy against what its users draw.

use backoff::{Backoff, Band, HttpAnswer, Next, Policy, Seen, Strategy};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const WAITS: usize = 9;

fn policy(strategy: Strategy) -> Policy {
    Policy {
        strategy,
        cap: Duration::from_secs(20),
        table: vec![Duration::from_secs(1), Duration::from_secs(7)],
        max_elapsed: units::LONGEST,
        ..Policy::default()
    }
}

/// Every strategy with figures of its own, and with a multiplier and jitter that were set.
fn policies() -> impl Iterator<Item = Policy> {
    Strategy::ALL
        .iter()
        .filter(|s| **s != Strategy::None)
        .flat_map(|s| {
            let set = Policy {
                multiplier: Some(1.3),
                jitter: 0.2,
                base: Duration::from_millis(700),
                ..policy(*s)
            };
            [policy(*s), set]
        })
}

fn draw(policy: &Policy, seed: u64) -> Vec<Duration> {
    let refused = Seen::Answer(HttpAnswer {
        status: 429,
        headers: &[],
        body: b"",
        now: SystemTime::UNIX_EPOCH,
    });
    let mut backoff = Backoff::new(Arc::new(policy.clone()), Some(seed));
    (0..WAITS)
        .map(|_| match backoff.after(&refused, Duration::ZERO).next {
            Next::Wait(wait) => wait,
            Next::Stop(stop) => panic!("stopped: {stop}"),
        })
        .collect()
}

#[test]
fn no_user_leaves_a_band_and_half_of_them_lie_on_either_side_of_its_middle() {
    const USERS: usize = 4000;
    for policy in policies() {
        let bands = policy.bands(WAITS);
        assert_eq!(bands.len(), WAITS);
        let mut below = [0_usize; WAITS];
        let mut above = [0_usize; WAITS];
        for seed in 0..USERS as u64 {
            for (nth, (wait, band)) in draw(&policy, seed).iter().zip(&bands).enumerate() {
                assert!(
                    (band.lowest..=band.highest).contains(wait),
                    "{policy} {nth}: {wait:?}"
                );
                below[nth] += usize::from(*wait < band.median);
                above[nth] += usize::from(*wait > band.median);
            }
        }
        // Where nothing is drawn, or the cap is the middle, nobody need be on a side.
        let most = USERS * 54 / 100;
        assert!(
            below.iter().chain(&above).all(|n| *n < most),
            "{policy}: {below:?} {above:?}"
        );
    }
}

#[test]
fn some_user_comes_close_to_every_edge() {
    // The later edges of the correlated strategies need a row of extreme draws.
    for policy in policies() {
        let deep = matches!(policy.strategy, Strategy::Decorrelated | Strategy::DecorrelatedV2);
        let checked = if deep { 2 } else { WAITS };
        let users: Vec<Vec<Duration>> = (0..4000).map(|seed| draw(&policy, seed)).collect();
        for (nth, band) in policy.bands(checked).iter().enumerate() {
            let room = (band.highest - band.lowest).mul_f64(0.08);
            let lowest = users.iter().map(|waits| waits[nth]).min().unwrap();
            let highest = users.iter().map(|waits| waits[nth]).max().unwrap();
            assert!(
                lowest - band.lowest <= room,
                "{policy} {nth}: {lowest:?} {band:?}"
            );
            assert!(
                band.highest - highest <= room,
                "{policy} {nth}: {highest:?} {band:?}"
            );
        }
    }
}

#[test]
fn bands_without_chance_are_the_waits() {
    let exact = |ms: u64| {
        let wait = Duration::from_millis(ms);
        Band {
            lowest: wait,
            median: wait,
            highest: wait,
        }
    };
    for (strategy, expected) in [
        (Strategy::Fixed, [1_000, 1_000, 1_000]),
        (Strategy::Linear, [1_000, 2_000, 3_000]),
        (Strategy::Exponential, [1_000, 2_000, 4_000]),
        (Strategy::Table, [1_000, 7_000, 7_000]),
    ] {
        assert_eq!(policy(strategy).bands(3), expected.map(exact), "{strategy}");
    }
    assert_eq!(policy(Strategy::None).bands(3), []);
}

#[test]
fn bands_are_the_same_each_time_and_whatever_their_count() {
    for policy in policies() {
        assert_eq!(policy.bands(3), policy.bands(WAITS)[..3], "{policy}");
    }
    let far = policy(Strategy::Decorrelated).bands(5_000);
    let cap = Duration::from_secs(20);
    assert_eq!(
        (far[4_999].lowest, far[4_999].highest),
        (Duration::from_secs(1), cap)
    );
}

#[test]
fn typical_waits_end_with_the_time_or_the_attempts() {
    for (policy, expected) in [
        (policy(Strategy::None), 0),
        (
            Policy {
                max_elapsed: Duration::from_secs(10),
                ..policy(Strategy::Fixed)
            },
            9, // the tenth would end at 10 s, where nothing is started any more
        ),
        (
            Policy {
                max_elapsed: Duration::from_secs(10),
                ..policy(Strategy::Exponential)
            },
            3, // 1 + 2 + 4 s
        ),
        (
            Policy {
                max_attempts: 4,
                ..policy(Strategy::Decorrelated)
            },
            3,
        ),
        (
            Policy {
                base: Duration::ZERO,
                ..policy(Strategy::Full)
            },
            999, // the guard
        ),
    ] {
        assert_eq!(policy.typical_waits(), expected, "{policy}");
    }
}
