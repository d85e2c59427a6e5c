//! The invariants, over random policies and any number of failures: a wait is finite, never above its cap (plus hint),
//! never below a hint; and nothing that a policy or a server says panics.

use super::*;
use crate::hint::{HintPolicy, TooLong};
use crate::source::HintSource;
use crate::strategy::Strategy;
use proptest::prelude::*;
use proptest::strategy::Strategy as Generator;
use std::time::UNIX_EPOCH;

const LAST: u64 = 1_000_000;

/// From nothing to 366 days, all magnitudes alike; whole microseconds or not.
fn durations() -> impl Generator<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        (0..=54_u32, any::<u64>())
            .prop_map(|(bits, value)| Duration::from_nanos(value >> (63 - bits)).min(units::LONGEST)),
        Just(units::LONGEST),
    ]
}

fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Generator<Value = T> {
    proptest::sample::select(all)
}

prop_compose! {
    fn hint_policies()(
        mode in one_of(HintMode::ALL),
        jitter in one_of(HintJitter::ALL),
        on_too_long in one_of(TooLong::ALL),
        max in durations(),
    ) -> HintPolicy {
        HintPolicy { mode, jitter, on_too_long, max: max.max(Duration::from_nanos(1)), ..HintPolicy::default() }
    }
}

prop_compose! {
    /// Policies that pass the check and that no time or count stops early.
    fn legal()(
        strategy in one_of(&Strategy::ALL[1..]),
        cap in durations(),
        base in durations(),
        transient_base in durations(),
        multiplier in proptest::option::of(1.0..=1000.0_f64),
        jitter in 0.0..=1.0_f64,
        table in proptest::collection::vec(durations(), 1..5),
        hints in hint_policies(),
    ) -> Policy {
        let table = table.into_iter().map(|entry| entry.min(cap)).collect();
        Policy {
            strategy, base: base.min(cap), cap, multiplier, jitter, table, transient_base, hints,
            max_elapsed: units::LONGEST, max_attempts: u32::MAX, ..Policy::default()
        }
    }
}

/// Any number of failures so far, with the round ones often.
fn failures() -> impl Generator<Value = u64> {
    let known = [
        0,
        1,
        30,
        63,
        64,
        128,
        999,
        1_000,
        1_024,
        LAST,
        u64::from(u32::MAX) - 2,
    ];
    prop_oneof![proptest::sample::select(known.to_vec()), 0..=LAST, 0..100_u64]
}

/// What the policy makes of a demand after so many failures, three times in a row.
fn waits(policy: &Policy, class: Class, demand: Demand, nth: u64, seed: u64) -> [Duration; 3] {
    let mut backoff = Backoff::new(Arc::new(policy.clone()), Some(seed));
    [0, 1, 2].map(|more| backoff.draw(class, demand, nth + more).alone)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_wait_without_a_hint_never_passes_the_cap(
        policy in legal(), nth in failures(), seed in any::<u64>(), throttled in any::<bool>(),
    ) {
        prop_assert_eq!(policy.check(), Ok(()));
        let class = if throttled { Class::Throttle } else { Class::Transient };
        let waits = waits(&policy, class, Demand::Nothing, nth, seed);
        prop_assert!(waits.iter().all(|wait| *wait <= policy.cap), "{:?}", waits);
        if policy.strategy == Strategy::Decorrelated && throttled {
            // Waits are whole microseconds, the base need not be.
            let least = policy.base.saturating_sub(Duration::from_micros(1));
            prop_assert!(waits.iter().all(|wait| *wait >= least), "{:?}", waits);
        }
    }

    #[test]
    fn a_wait_with_a_hint_lies_between_the_hint_and_cap_plus_hint(
        policy in legal(), nth in failures(), seed in any::<u64>(), hint in durations(),
    ) {
        for wait in waits(&policy, Class::Throttle, Demand::Wait(hint), nth, seed) {
            prop_assert!(wait >= hint && wait <= hint + policy.cap, "{:?}", wait);
        }
    }

    #[test]
    fn a_verdict_keeps_the_hint_and_the_end(
        policy in legal(), nth in failures(), seed in any::<u64>(), seconds in 0..1_000_000_u64, elapsed in durations(),
        status in one_of(&[429_u16, 500, 503]),
    ) {
        let headers = [("Retry-After".to_string(), seconds.to_string())];
        let answer = HttpAnswer { status, headers: &headers, body: b"", now: UNIX_EPOCH };
        let mut backoff = Backoff::new(Arc::new(policy.clone()), Some(seed));
        backoff.failures = nth;
        let verdict = backoff.after(&Seen::Answer(answer), elapsed);
        let reading = verdict.hint.expect("the header is there");
        match verdict.next {
            Next::Wait(wait) => {
                let hint = reading.value.unwrap_or_default();
                prop_assert!(wait >= hint && wait <= hint + policy.cap);
                prop_assert!(hint <= policy.hints.max && elapsed + wait < policy.max_elapsed);
            }
            Next::Stop(StopReason::HintTooLong) => prop_assert!(reading.value.unwrap_or_default() > policy.hints.max),
            Next::Stop(stop) => prop_assert!(
                stop == StopReason::MaxElapsed || (stop == StopReason::MaxAttempts && nth + 1 >= u64::from(u32::MAX))
            ),
        }
    }

    #[test]
    fn no_policy_panics_be_it_checked_or_not(
        strategy in one_of(Strategy::ALL), bits in any::<[u64; 2]>(), base in any::<Duration>(), cap in any::<Duration>(),
        hint in any::<Duration>(), nth in any::<u64>(), elapsed in any::<Duration>(), hints in hint_policies(),
    ) {
        let [multiplier, jitter] = bits.map(f64::from_bits);
        let policy = Policy {
            strategy, base, cap, multiplier: Some(multiplier), jitter, transient_base: base, max_elapsed: cap, hints,
            ..Policy::default()
        };
        let _ = policy.check();
        let mut backoff = Backoff::new(Arc::new(policy), Some(nth));
        prop_assert!(backoff.draw(Class::Throttle, Demand::Nothing, nth).alone <= cap);
        prop_assert!(backoff.draw(Class::Transient, Demand::Wait(hint), nth).alone >= hint);
        backoff.failures = nth;
        let _ = backoff.after(&Seen::Failure(FailureKind::Network), elapsed);
        let _ = backoff.attempt_timeout(elapsed);
    }

    #[test]
    fn no_answer_panics(
        name in prop_oneof![one_of(HintSource::NAMES), Just("x-wait-ms")],
        value in r#"[-+]?[0-9.,]{0,40}|[A-Za-z]{3,9}, ?[0-9]{1,3}[ -][A-Z][a-z]{2}[ -][0-9]{1,6} [0-9:]{5,9} GMT|-?[0-9.]{0,20} ?(ms|s|m|h|d|us)?([0-9]{0,4}s)?|P?T?[0-9]{0,12}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{0,12}(Z|[+-][0-9:]{0,6})?|\PC{0,60}"#,
        date in r"Sun, [0-9]{2} Nov [0-9]{4} [0-9]{2}:49:37 GMT|\PC{0,40}",
        body in any::<Vec<u8>>(), since in any::<u32>(),
    ) {
        let mut policy = Policy::default();
        policy.hints.body_pattern = "(\\d+|.)".parse().ok();
        policy.hints.sources.extend("x-wait-ms".parse::<HintSource>().ok());
        let headers = [(name.to_string(), value), ("date".to_string(), date)];
        let answer = HttpAnswer { status: 429, headers: &headers, body: &body, now: UNIX_EPOCH + Duration::from_secs(since.into()) };
        let verdict = Backoff::new(Arc::new(policy), Some(0)).after(&Seen::Answer(answer), Duration::ZERO);
        if let Some(HintReading { value: Ok(wait), .. }) = verdict.hint {
            prop_assert!(wait > Duration::ZERO && wait <= units::LONGEST);
        }
    }
}

#[test]
fn a_million_failures_in_a_row_keep_the_cap() {
    for &strategy in &Strategy::ALL[1..] {
        let table = vec![Duration::from_secs(1), Duration::from_secs(7)];
        let policy = Policy {
            strategy,
            table,
            ..Policy::default()
        };
        let mut backoff = Backoff::new(Arc::new(policy.clone()), Some(5));
        let mut last = Duration::ZERO;
        for nth in 0..=LAST {
            last = backoff.draw(Class::Throttle, Demand::Nothing, nth).alone;
            assert!(last <= policy.cap, "{strategy} {nth}: {last:?}");
        }
        // None of them has decayed to nothing on the way.
        assert!(last > Duration::from_millis(1), "{strategy}: {last:?}");
    }
}

#[test]
fn waits_are_whole_microseconds() {
    let mut backoff = Backoff::new(Arc::default(), Some(5));
    for nth in 0..1_000 {
        let hint = Duration::from_millis(1_500 * (nth % 2));
        let demand = if hint.is_zero() {
            Demand::Nothing
        } else {
            Demand::Wait(hint)
        };
        assert_eq!(
            backoff.draw(Class::Throttle, demand, nth).alone.subsec_nanos() % 1_000,
            0
        );
    }
}
