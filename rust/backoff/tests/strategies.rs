//! The eleven strategies seen from outside: exact waits where nothing is drawn, exact waits for a seed, and the spread of the drawn ones.

use backoff::{
    Backoff, FailureKind, HintJitter, HintMode, HintPolicy, HttpAnswer, Next, Policy, Seen, StopReason,
    Strategy,
};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const REFUSED: Seen<'_> = Seen::Answer(HttpAnswer {
    status: 429,
    headers: &[],
    body: b"",
    now: SystemTime::UNIX_EPOCH,
});
const NETWORK: Seen<'_> = Seen::Failure(FailureKind::Network);

/// A policy of one strategy that nothing stops.
fn policy(strategy: Strategy) -> Policy {
    Policy {
        strategy,
        max_elapsed: units::LONGEST,
        max_attempts: u32::MAX,
        ..Policy::default()
    }
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn wait(backoff: &mut Backoff, seen: &Seen<'_>) -> Duration {
    match backoff.after(seen, Duration::ZERO).next {
        Next::Wait(wait) => wait,
        Next::Stop(stop) => panic!("stopped: {stop}"),
    }
}

fn waits(policy: Policy, seed: u64, seen: &[Seen<'_>]) -> Vec<Duration> {
    policy.check().expect("the tests' policies are legal");
    let mut backoff = Backoff::new(Arc::new(policy), Some(seed));
    seen.iter().map(|seen| wait(&mut backoff, seen)).collect()
}

#[test]
fn waits_without_jitter_are_exact() {
    let table = vec![ms(100), ms(2_000), ms(5_000)];
    for (policy, expected) in [
        (
            policy(Strategy::Fixed),
            [1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000],
        ),
        (
            policy(Strategy::Linear),
            [1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000],
        ),
        (
            policy(Strategy::Exponential),
            [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
        ),
        (
            Policy {
                multiplier: Some(1.5),
                base: ms(200),
                ..policy(Strategy::Exponential)
            },
            [200, 300, 450, 675, 1_012, 1_518, 2_278],
        ),
        (
            Policy {
                multiplier: Some(1.0),
                ..policy(Strategy::Exponential)
            },
            [1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000],
        ),
        (
            Policy {
                base: ms(100),
                cap: ms(250),
                ..policy(Strategy::Linear)
            },
            [100, 200, 250, 250, 250, 250, 250],
        ),
        (
            Policy {
                table,
                ..policy(Strategy::Table)
            },
            [100, 2_000, 5_000, 5_000, 5_000, 5_000, 5_000],
        ),
        (
            Policy {
                base: ms(0),
                ..policy(Strategy::Exponential)
            },
            [0; 7],
        ),
        (
            Policy {
                base: ms(0),
                ..policy(Strategy::Decorrelated)
            },
            [0; 7],
        ),
        (
            Policy {
                base: ms(0),
                ..policy(Strategy::DecorrelatedV2)
            },
            [0; 7],
        ),
        // Jitter 0 takes the spread out of those that have a figure for it.
        (
            Policy {
                jitter: 0.0,
                ..policy(Strategy::PlusMinus)
            },
            [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
        ),
        (
            Policy {
                jitter: 0.0,
                ..policy(Strategy::Additive)
            },
            [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
        ),
    ] {
        let name = format!("{policy:?}");
        let whole: Vec<u128> = waits(policy, 0, &[REFUSED; 7])
            .iter()
            .map(Duration::as_millis)
            .collect();
        assert_eq!(whole, expected, "{name}");
    }
}

#[test]
fn none_stops_at_the_first_failure() {
    let mut backoff = Backoff::new(Arc::new(policy(Strategy::None)), Some(0));
    assert_eq!(
        backoff.after(&REFUSED, Duration::ZERO).next,
        Next::Stop(StopReason::NoRetry)
    );
}

/// Computed from the formulas by another program, with its own Xoshiro256++.
#[test]
fn a_seed_gives_these_very_waits_in_every_version() {
    let micros: [(Strategy, [u64; 8]); 6] = [
        (
            Strategy::Decorrelated,
            [
                2_628_610, 7_774_929, 18_714_818, 7_912_492, 5_722_964, 10_047_134, 20_816_341, 25_768_461,
            ],
        ),
        (
            Strategy::Full,
            [
                814_305, 1_967_788, 3_174_018, 1_002_820, 3_323_475, 16_786_184, 20_400_194, 12_092_199,
            ],
        ),
        (
            Strategy::Equal,
            [
                907_153, 1_983_894, 3_587_009, 4_501_410, 9_661_737, 23_393_092, 25_200_097, 21_046_100,
            ],
        ),
        (
            Strategy::PlusMinus,
            [
                1_314_305, 2_967_788, 5_174_018, 5_002_820, 11_323_475, 16_786_184, 20_400_194, 27_092_199,
            ],
        ),
        (
            Strategy::Additive,
            [
                1_814_305, 2_983_894, 4_793_504, 8_125_352, 16_207_717, 23_393_092, 25_200_097, 21_046_100,
            ],
        ),
        (
            Strategy::DecorrelatedV2,
            [
                1_189_841, 1_615_458, 2_134_575, 1_282_547, 6_968_761, 20_490_245, 20_166_170, 20_807_393,
            ],
        ),
    ];
    for (strategy, expected) in micros {
        let expected = expected.map(Duration::from_micros);
        assert_eq!(waits(policy(strategy), 42, &[REFUSED; 8]), expected, "{strategy}");
    }
}

#[test]
fn a_seed_gives_these_very_waits_around_a_hint() {
    let headers = [("Retry-After".to_string(), "5".to_string())];
    let hinted = Seen::Answer(HttpAnswer {
        status: 429,
        headers: &headers,
        body: b"",
        now: SystemTime::UNIX_EPOCH,
    });
    let hints = |mode, jitter| HintPolicy {
        mode,
        jitter,
        ..HintPolicy::default()
    };
    let micros = [5_318_821, 6_402_271, 7_352_394, 9_840_980].map(Duration::from_micros);
    let replace = Policy {
        hints: hints(HintMode::Replace, HintJitter::Growing),
        ..policy(Strategy::Full)
    };
    assert_eq!(waits(replace, 42, &[hinted; 4]), micros);
    let exact = Policy {
        hints: hints(HintMode::Replace, HintJitter::None),
        ..policy(Strategy::Full)
    };
    assert_eq!(waits(exact, 42, &[hinted; 4]), [ms(5_000); 4]);
    // The floor lets the policy's own longer wait stand: decorrelated for this seed has 2.6, 7.8, 18.7, 7.9 s.
    let floor = Policy {
        hints: hints(HintMode::Floor, HintJitter::None),
        ..policy(Strategy::Decorrelated)
    };
    let longer = [5_000_000, 7_774_929, 18_714_818, 7_912_492].map(Duration::from_micros);
    assert_eq!(waits(floor, 42, &[hinted; 4]), longer);
}

#[test]
fn a_hint_does_not_shift_the_waits_after_it() {
    let headers = [("Retry-After".to_string(), "5".to_string())];
    let hinted = Seen::Answer(HttpAnswer {
        status: 429,
        headers: &headers,
        body: b"",
        now: SystemTime::UNIX_EPOCH,
    });
    let without = waits(policy(Strategy::Full), 3, &[REFUSED; 4]);
    let with = waits(policy(Strategy::Full), 3, &[REFUSED, hinted, REFUSED, REFUSED]);
    assert_ne!(with[1], without[1]);
    assert_eq!((with[0], &with[2..]), (without[0], &without[2..]));
}

#[test]
fn seeds_repeat_and_differ() {
    let run = |seed| waits(Policy::default(), seed, &[REFUSED; 3]);
    assert_eq!(run(1), run(1));
    let distinct: std::collections::HashSet<_> = (0..100).map(run).collect();
    assert_eq!(distinct.len(), 100);
}

#[test]
fn transient_failures_wait_by_their_own_base() {
    for (strategy, throttled, transient) in [
        (Strategy::Fixed, 1_000, 250),
        (Strategy::Linear, 2_000, 500),
        (Strategy::Exponential, 2_000, 500),
    ] {
        assert_eq!(waits(policy(strategy), 0, &[REFUSED; 2])[1], ms(throttled));
        assert_eq!(waits(policy(strategy), 0, &[NETWORK; 2])[1], ms(transient));
        assert_eq!(waits(policy(strategy), 0, &[NETWORK, REFUSED])[1], ms(throttled));
        assert_eq!(waits(policy(strategy), 0, &[REFUSED, NETWORK])[1], ms(transient));
    }
    let above_the_cap = Policy {
        transient_base: ms(60_000),
        ..policy(Strategy::Fixed)
    };
    assert_eq!(waits(above_the_cap, 0, &[NETWORK]), [ms(30_000)]);
}

#[test]
fn decorrelated_waits_hang_on_the_last_one() {
    for seed in 0..2_000 {
        let mut last: f64 = 1.0;
        for wait in waits(policy(Strategy::Decorrelated), seed, &[REFUSED; 20]) {
            let seconds = wait.as_secs_f64();
            assert!(
                seconds >= 1.0 && seconds <= (3.0 * last + 1e-6).min(30.0),
                "{seconds} after {last}"
            );
            last = seconds;
        }
        // A short transient wait before does not take a throttled one below its base, or below the width of a fresh start.
        let mixed = waits(policy(Strategy::Decorrelated), seed, &[NETWORK, REFUSED]);
        assert!((ms(250)..=ms(750)).contains(&mixed[0]), "{mixed:?}");
        assert!((ms(1_000)..=ms(3_000)).contains(&mixed[1]), "{mixed:?}");
    }
}

/// The nth waits of many connects, sorted: `spread(..)[n]`.
fn spread(strategy: Strategy) -> Vec<Vec<f64>> {
    let policy = Policy {
        cap: ms(60_000),
        ..policy(strategy)
    };
    let mut columns = vec![Vec::new(); 8];
    for seed in 0..20_000 {
        let mut backoff = Backoff::new(Arc::new(policy.clone()), Some(seed));
        for column in &mut columns {
            column.push(wait(&mut backoff, &REFUSED).as_secs_f64());
        }
    }
    columns
        .iter_mut()
        .for_each(|column| column.sort_by(f64::total_cmp));
    columns
}

/// Base 1 s, cap 60 s; the measured figures of the project's facts page, section 2, where no draw is made anew below the cap.
#[test]
fn means_are_those_of_the_formulas() {
    for (strategy, means) in [
        (Strategy::Full, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]),
        (Strategy::Equal, [0.75, 1.5, 3.0, 6.0, 12.0, 24.0, 45.0, 45.0]),
        (Strategy::Additive, [1.5, 2.5, 4.5, 8.5, 16.5, 32.5, 45.0, 45.0]),
        (Strategy::PlusMinus, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 45.0, 45.0]),
        (
            Strategy::Decorrelated,
            [2.0, 3.5, 5.7, 9.1, 13.2, 16.8, 19.5, 21.6],
        ),
    ] {
        for (nth, (column, expected)) in spread(strategy).iter().zip(means).enumerate() {
            let mean = column.iter().sum::<f64>() / column.len() as f64;
            assert!(
                (mean / expected - 1.0).abs() < 0.05,
                "{strategy} wait {nth}: {mean}, not {expected}"
            );
        }
    }
}

#[test]
fn medians_of_decorrelated_v2_are_those_of_the_formula() {
    let medians = [0.90, 1.14, 2.0, 4.0, 8.0, 16.2, 32.2];
    for (nth, (column, expected)) in spread(Strategy::DecorrelatedV2).iter().zip(medians).enumerate() {
        let median = column[column.len() / 2];
        assert!(
            (median / expected - 1.0).abs() < 0.06,
            "wait {nth}: {median}, not {expected}"
        );
    }
}

#[test]
fn drawn_waits_fill_their_range() {
    for (strategy, nth, low, high) in [
        (Strategy::Full, 2, 0.0, 4.0),
        (Strategy::Equal, 2, 2.0, 4.0),
        (Strategy::PlusMinus, 2, 2.0, 6.0),
        (Strategy::Additive, 2, 4.0, 5.0),
        (Strategy::Decorrelated, 0, 1.0, 3.0),
    ] {
        let column = &spread(strategy)[nth];
        let (least, most) = (column[0], column[column.len() - 1]);
        let slack = (high - low) * 0.01;
        assert!((low..low + slack).contains(&least), "{strategy}: {least}");
        assert!(most > high - slack && most <= high, "{strategy}: {most}");
    }
}

#[test]
fn waits_stay_spread_when_they_have_grown_to_the_cap() {
    const USERS: u64 = 400;
    // How wide a herd is spread at least, in seconds, once its waits have grown to the cap of 30 s; and the lowest of them.
    for (strategy, width, lowest) in [
        (Strategy::Full, 28.0, 0.0),
        (Strategy::Equal, 14.0, 15.0),
        (Strategy::PlusMinus, 14.0, 15.0),
        (Strategy::Additive, 14.0, 15.0),
        (Strategy::Decorrelated, 26.0, 1.0),
        (Strategy::DecorrelatedV2, 14.0, 0.0),
    ] {
        let herd: Vec<Vec<Duration>> = (0..USERS)
            .map(|seed| waits(policy(strategy), seed, &[REFUSED; 40]))
            .collect();
        for nth in 9..40 {
            let mut drawn: Vec<f64> = herd.iter().map(|waits| waits[nth].as_secs_f64()).collect();
            drawn.sort_by(f64::total_cmp);
            let (first, last) = (drawn[0], drawn[drawn.len() - 1]);
            assert!(
                last - first >= width && first >= lowest,
                "{strategy} {nth}: {first} to {last}"
            );
            // As many users draw the upper quarter as should, and no two the same to the microsecond but by chance.
            drawn.dedup();
            assert!(
                drawn.len() > 390,
                "{strategy} {nth}: {} of {USERS} differ",
                drawn.len()
            );
            assert!(
                drawn.iter().filter(|wait| **wait >= 30.0).count() <= 1,
                "{strategy} {nth}"
            );
        }
    }
}
