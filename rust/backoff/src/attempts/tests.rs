//! Whole lives of a user in virtual time: whatever the policy, the server, the gate and the schedule do, the rules hold.

use super::*;
use crate::connect::HttpAnswer;
use crate::hint::{HintJitter, HintMode};
use crate::strategy::Strategy;
use proptest::prelude::*;
use proptest::strategy::Strategy as Generator;
use std::time::UNIX_EPOCH;

const SECOND: Duration = Duration::from_secs(1);

/// What an attempt of a life meets, after so long.
#[derive(Debug, Clone, Copy)]
struct Meets {
    status: u16,
    hint: Option<u64>,
    after: Duration,
    /// How long the gate takes for the turn before it.
    turn: Duration,
}

fn seen<R>(status: u16, hint: Option<u64>, then: impl FnOnce(&Seen<'_>) -> R) -> R {
    let headers: Vec<_> = hint
        .map(|seconds| ("Retry-After".to_owned(), seconds.to_string()))
        .into_iter()
        .collect();
    match status {
        0 => then(&Seen::Failure(FailureKind::Network)),
        1 => then(&Seen::Failure(FailureKind::Timeout)),
        status => then(&Seen::Answer(HttpAnswer {
            status,
            headers: &headers,
            body: b"",
            now: UNIX_EPOCH,
        })),
    }
}

fn fail(attempts: &mut Attempts, status: u16, hint: Option<u64>, now: Duration) -> (Refusal, Verdict) {
    seen(status, hint, |seen| attempts.failed(seen, now))
}

/// Waits of 1, 2, 4 s, and nothing by chance.
fn exponential() -> Policy {
    let mut policy = Policy {
        strategy: Strategy::Exponential,
        ..Policy::default()
    };
    policy.hints.jitter = HintJitter::None;
    policy
}

fn attempts(policy: Policy) -> Attempts {
    Attempts::new(Arc::new(policy), Some(1))
}

fn millis(most: u64) -> impl Generator<Value = Duration> {
    (0..=most).prop_map(Duration::from_millis)
}

prop_compose! {
    fn policies()(
        strategy in proptest::sample::select(Strategy::ALL),
        base in millis(2_000), transient_base in millis(500), cap in 2_000..40_000_u64,
        max_elapsed in 1..90_000_u64, attempt_timeout in 1..20_000_u64, max_attempts in 0..12_u32,
        mode in proptest::sample::select(HintMode::ALL), jitter in proptest::sample::select(HintJitter::ALL),
        longest in 1..60_u64,
    ) -> Policy {
        let mut policy = Policy {
            strategy, base, transient_base, cap: Duration::from_millis(cap), table: vec![base, 3 * SECOND / 2],
            max_elapsed: Duration::from_millis(max_elapsed), attempt_timeout: Duration::from_millis(attempt_timeout),
            max_attempts, ..Policy::default()
        };
        policy.hints.mode = mode;
        policy.hints.jitter = jitter;
        policy.hints.max = Duration::from_secs(longest);
        policy
    }
}

prop_compose! {
    fn fates()(
        status in proptest::sample::select(&[0_u16, 1, 401, 429, 429, 429, 500, 503][..]),
        hint in proptest::option::of(0..70_u64), after in millis(3_000), turn in millis(9_000),
    ) -> Meets {
        Meets { status, hint, after, turn }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn nothing_begins_that_cannot_end_and_nobody_comes_before_the_hint(
        policy in policies(),
        gate in proptest::option::of(proptest::sample::select(PacerMode::ALL)),
        start in millis(5_000),
        schedule in proptest::option::of(millis(60_000)),
        seed in any::<u64>(),
        fates in proptest::collection::vec(fates(), 1..40),
    ) {
        let mut now = start;
        let mut attempts = Attempts::new(Arc::new(policy.clone()), Some(seed));
        attempts.set_gate(gate);
        attempts.set_end(schedule.map(|schedule| start + schedule));
        let limit = schedule.map_or(start + policy.max_elapsed, |schedule| start + schedule.min(policy.max_elapsed));
        let (mut not_before, mut has_turn, mut made) = (Duration::ZERO, false, 0);
        let mut fates = fates.into_iter().cycle();
        let mut fate = fates.next().expect("one at least");
        let stop = loop {
            match attempts.step(now) {
                Step::Turn { give_up_at, not_before: wish } => {
                    prop_assert!(gate.is_some_and(|mode| mode != PacerMode::Off) && !has_turn);
                    prop_assert!(give_up_at == limit && now < limit);
                    let comes = now.max(wish) + fate.turn;
                    prop_assert!(wish < limit);
                    if comes < give_up_at {
                        now = comes;
                        has_turn = true;
                        attempts.turn_came();
                    } else {
                        now = give_up_at;
                    }
                }
                Step::Pause { until } => {
                    prop_assert!(now < until && until < limit);
                    now = until;
                }
                Step::Attempt { deadline } => {
                    prop_assert!(now < deadline && deadline <= limit);
                    prop_assert!(deadline - now <= policy.attempt_timeout);
                    prop_assert!(now >= not_before, "{:?} < {:?}", now, not_before);
                    prop_assert_eq!(has_turn, gate.is_some_and(|mode| mode != PacerMode::Off));
                    (has_turn, made) = (false, made + 1);
                    now = deadline.min(now + fate.after);
                    let (refusal, verdict) = fail(&mut attempts, fate.status, fate.hint, now);
                    prop_assert_eq!(refusal.class, verdict.class);
                    prop_assert!(refusal.hint.is_none_or(|hint| hint <= policy.hints.max));
                    // Only what the policy believes binds it.
                    if let (Some(hint), true) = (refusal.hint, policy.hints.mode != HintMode::Ignore) {
                        not_before = now + hint;
                    }
                    match (verdict.next, attempts.step(now)) {
                        (Next::Stop(reason), step) => prop_assert_eq!(step, Step::Stop(reason)),
                        (Next::Wait(wait), Step::Pause { until }) => prop_assert_eq!(until, now + wait),
                        (Next::Wait(wait), Step::Turn { not_before, .. }) => prop_assert_eq!(not_before, now + wait),
                        (Next::Wait(wait), step) => {
                            let at_once = matches!(step, Step::Attempt { .. });
                            prop_assert!(wait.is_zero() && at_once, "{:?}", step);
                        }
                    }
                    fate = fates.next().expect("they never end");
                }
                Step::Stop(reason) => break reason,
            }
        };
        prop_assert!(now <= limit);
        prop_assert!(made <= policy.attempt_limit());
        let sooner = if schedule.is_some_and(|schedule| schedule <= policy.max_elapsed) {
            StopReason::ScheduleEnd
        } else {
            StopReason::MaxElapsed
        };
        let others = [StopReason::Fatal, StopReason::NoRetry, StopReason::MaxAttempts, StopReason::HintTooLong];
        prop_assert!(stop == sooner || others.contains(&stop), "{}", stop);
        prop_assert_eq!(attempts.step(now + SECOND), Step::Stop(stop), "for good");
    }
}

#[test]
fn of_several_reasons_to_stop_the_first_in_order_is_named() {
    let none = Policy {
        strategy: Strategy::None,
        max_attempts: 1,
        ..exponential()
    };
    let once = Policy {
        max_attempts: 1,
        ..exponential()
    };
    let short = Policy {
        max_elapsed: SECOND,
        ..exponential()
    };
    for (policy, status, hint, end, stop) in [
        (&none, 404, 999, 0, StopReason::Fatal),
        (&none, 429, 999, 0, StopReason::NoRetry),
        (&once, 429, 999, 0, StopReason::MaxAttempts),
        (&short, 429, 999, 0, StopReason::HintTooLong),
        (&short, 429, 100, 2, StopReason::MaxElapsed),
        (&short, 429, 100, 1, StopReason::ScheduleEnd),
        (&short, 429, 100, 0, StopReason::ScheduleEnd),
    ] {
        let mut attempts = attempts(policy.clone());
        attempts.step(Duration::ZERO);
        attempts.set_end(Some(SECOND * end));
        let (_, verdict) = fail(&mut attempts, status, Some(hint), Duration::ZERO);
        assert_eq!(verdict.next, Next::Stop(stop), "{status} {hint} {end}");
    }
}

#[test]
fn an_attempt_ends_with_the_schedule_and_none_begins_after_it() {
    let mut attempts = attempts(Policy {
        max_elapsed: SECOND * 9,
        ..exponential()
    });
    attempts.set_end(Some(SECOND * 3));
    assert_eq!(attempts.step(SECOND), Step::Attempt { deadline: SECOND * 3 });
    assert_eq!(attempts.step(SECOND * 3), Step::Stop(StopReason::ScheduleEnd));
    // 1 s fits before the end, 2 s do not.
    fail(&mut attempts, 429, None, SECOND / 2);
    assert_eq!(
        attempts.step(SECOND / 2),
        Step::Pause {
            until: SECOND * 3 / 2
        }
    );
    fail(&mut attempts, 429, None, SECOND * 3 / 2);
    assert_eq!(attempts.step(SECOND * 3 / 2), Step::Stop(StopReason::ScheduleEnd));
}

#[test]
fn a_schedule_that_is_told_later_ends_a_pause_that_was_planned() {
    let mut attempts = attempts(exponential());
    fail(&mut attempts, 429, Some(5), Duration::ZERO);
    assert_eq!(attempts.step(SECOND), Step::Pause { until: SECOND * 5 });
    attempts.set_end(Some(SECOND * 5));
    assert_eq!(attempts.step(SECOND), Step::Stop(StopReason::ScheduleEnd));
}

#[test]
fn a_turn_is_waited_for_until_the_time_is_over_and_each_attempt_needs_its_own() {
    let mut attempts = attempts(Policy {
        max_elapsed: SECOND * 10,
        ..exponential()
    });
    attempts.set_gate(Some(PacerMode::Pace));
    let turn = |not_before| Step::Turn {
        not_before,
        give_up_at: SECOND * 10,
    };
    assert_eq!(attempts.step(Duration::ZERO), turn(Duration::ZERO));
    attempts.turn_came();
    assert!(matches!(attempts.step(SECOND), Step::Attempt { .. }));
    // A throttle: the gate says when, but not before the own backoff.
    fail(&mut attempts, 429, None, SECOND);
    assert_eq!(attempts.step(SECOND), turn(SECOND * 2));
    attempts.turn_came();
    // Anything else that may pass by itself, likewise: it may be the quota's, in another form.
    fail(&mut attempts, 500, None, SECOND * 2);
    assert_eq!(attempts.step(SECOND * 2), turn(SECOND * 5 / 2));
    assert_eq!(attempts.step(SECOND * 10), Step::Stop(StopReason::MaxElapsed));
}

#[test]
fn who_has_little_time_left_at_a_gate_tries_a_few_times_more_and_no_more() {
    let mut attempts = attempts(Policy {
        max_elapsed: SECOND * 60,
        ..exponential()
    });
    attempts.set_gate(Some(PacerMode::Pace));
    let (mut now, mut made) = (Duration::ZERO, 0);
    while let Step::Turn { not_before, .. } = attempts.step(now) {
        now = not_before;
        attempts.turn_came();
        made += 1;
        fail(&mut attempts, 429, None, now);
    }
    // At 0, 1, 3, 7, 15 and 31 s by the backoff, then at halves of what is left: 45.5, 52.75, 56.4 and 58.2 s.
    assert_eq!(made, 10);
    assert_eq!(attempts.step(now), Step::Stop(StopReason::MaxElapsed));
}

#[test]
fn the_jitter_on_a_hint_is_for_those_who_wait_alone() {
    let policy = Policy::default();
    for (gate, spread) in [
        (None, true),
        (Some(PacerMode::Pause), true),
        (Some(PacerMode::Pace), false),
    ] {
        let mut attempts = attempts(policy.clone());
        attempts.set_gate(gate);
        attempts.turn_came();
        let (refusal, verdict) = fail(&mut attempts, 429, Some(20), Duration::ZERO);
        assert_eq!(refusal.hint, Some(SECOND * 20));
        let Next::Wait(wait) = verdict.next else {
            panic!("{verdict:?}")
        };
        assert_eq!(wait > SECOND * 20, spread, "{gate:?}: {wait:?}");
    }
}

#[test]
fn the_gate_is_told_of_every_failure_and_of_no_hint_that_is_too_long() {
    for (status, hint, class, form, told) in [
        (429, Some(5), Class::Throttle, Form::Status(429), Some(SECOND * 5)),
        (429, Some(100_000), Class::Throttle, Form::Status(429), None),
        (503, None, Class::Throttle, Form::Status(503), None),
        (401, Some(5), Class::Fatal, Form::Status(401), None),
        (
            0,
            None,
            Class::Transient,
            Form::NoAnswer(FailureKind::Network),
            None,
        ),
        (
            1,
            None,
            Class::Transient,
            Form::NoAnswer(FailureKind::Timeout),
            None,
        ),
    ] {
        let (refusal, _) = fail(&mut attempts(Policy::default()), status, hint, Duration::ZERO);
        let expected = Refusal {
            class,
            form,
            hint: told,
        };
        assert_eq!(refusal, expected);
        let read = seen(status, hint, |seen| Refusal::read(&Policy::default(), seen));
        assert_eq!(read.0, expected);
    }
}

#[test]
fn a_cancel_is_for_good() {
    let mut attempts = attempts(exponential());
    attempts.cancel();
    attempts.turn_came();
    assert_eq!(attempts.step(Duration::ZERO), Step::Stop(StopReason::Cancelled));
}

#[test]
fn a_lost_connection_pauses_only_if_it_did_not_last() {
    let mut attempts = attempts(exponential());
    let mut now = SECOND;
    // 250, 500, 1000 ms: a server that accepts and drops.
    for wait in [250, 500, 1_000] {
        attempts.lost(STABLE - Duration::from_nanos(1), None, now);
        let until = now + Duration::from_millis(wait);
        assert_eq!(attempts.step(now), Step::Pause { until });
        now = until;
        // The policy's time counts from the attempt, however late that comes.
        let late = now + Policy::default().max_elapsed;
        let deadline = late + Policy::default().attempt_timeout;
        assert_eq!(attempts.step(late), Step::Attempt { deadline });
    }
    attempts.lost(STABLE, Some(1), now);
    assert!(matches!(attempts.step(now), Step::Attempt { .. }));
    attempts.lost(Duration::ZERO, None, now);
    let until = now + Duration::from_millis(250);
    assert_eq!(attempts.step(now), Step::Pause { until }, "from the beginning");
    attempts.set_end(Some(until));
    assert_eq!(attempts.step(now), Step::Stop(StopReason::ScheduleEnd));
}

#[test]
fn a_reconnect_without_retries_has_no_pause_and_one_that_is_lost_too_often_ends() {
    let mut never = attempts(Policy {
        strategy: Strategy::None,
        ..exponential()
    });
    never.lost(Duration::ZERO, None, SECOND);
    assert!(matches!(never.step(SECOND), Step::Attempt { .. }));
    let mut few = attempts(Policy {
        max_attempts: 2,
        ..exponential()
    });
    few.lost(Duration::ZERO, None, SECOND);
    let Step::Pause { until } = few.step(SECOND) else {
        panic!("{few:?}")
    };
    few.lost(Duration::ZERO, None, until);
    assert_eq!(few.step(until), Step::Stop(StopReason::MaxAttempts));
}

fn lead(after: u64, width: u64) -> Lead {
    Lead {
        users: 100,
        after: SECOND * u32::try_from(after).unwrap(),
        width: SECOND * u32::try_from(width).unwrap(),
        by_chance: 30,
    }
}

/// How long one pauses who was just refused and is led by what all see; `None`: it is not.
fn led(policy: Policy, hint: Option<u64>, finding: &Finding, unit: f64) -> Option<Duration> {
    let mut attempts = attempts(policy);
    let (refusal, _) = fail(&mut attempts, 429, hint, Duration::ZERO);
    let led = attempts.lead(finding, &refusal, unit, Duration::ZERO);
    let Step::Pause { until } = attempts.step(Duration::ZERO) else {
        panic!("it pauses")
    };
    led.then_some(until)
}

proptest::proptest! {
    #[test]
    fn whoever_is_led_waits_for_the_hint_the_base_and_no_longer_than_the_cap_after_it(
        hint in proptest::option::of(1..60_u64), width in 0..1_000_u64, unit in 0.0..=1.0_f64,
    ) {
        let policy = Policy::default();
        let wait = led(policy.clone(), hint, &Finding::Flow(lead(0, width)), unit).unwrap();
        let least = hint.map_or(policy.base, |hint| policy.base.max(SECOND * u32::try_from(hint).unwrap()));
        proptest::prop_assert!(wait >= least && wait <= least + policy.cap, "{wait:?}");
        proptest::prop_assert!(wait <= least + SECOND * u32::try_from(width).unwrap());
    }

    #[test]
    fn whoever_comes_back_to_a_queue_waits_no_shorter_by_that(
        after in 1..30_u64, width in 0..60_u64, unit in 0.0..=1.0_f64,
    ) {
        let wait = led(Policy::default(), None, &Finding::Queue(lead(after, width)), unit).unwrap();
        let own = {
            let mut own = attempts(Policy::default());
            fail(&mut own, 429, None, Duration::ZERO);
            let Step::Pause { until } = own.step(Duration::ZERO) else { panic!("it pauses") };
            until
        };
        proptest::prop_assert!(wait >= own && wait >= SECOND * u32::try_from(after).unwrap());
    }
}

#[test]
fn a_flow_leads_the_default_strategy_alone_and_a_queue_all() {
    let (flow, queue) = (Finding::Flow(lead(0, 10)), Finding::Queue(lead(10, 10)));
    assert_eq!(led(Policy::default(), None, &flow, 0.5), Some(SECOND * 6));
    assert!(led(exponential(), None, &flow, 0.5).is_none());
    assert_eq!(led(exponential(), None, &queue, 0.5), Some(SECOND * 15));
    let mut unspread = Policy::default();
    unspread.hints.jitter = HintJitter::None;
    assert!(led(unspread, Some(5), &flow, 0.5).is_none());
}

#[test]
fn after_a_long_hint_a_flow_only_narrows() {
    let wide = led(Policy::default(), Some(20), &Finding::Flow(lead(0, 25)), 1.0).unwrap();
    assert!(wide <= SECOND * 21, "its own jitter is up to 1 s: {wide:?}");
    let narrow = led(Policy::default(), Some(20), &Finding::Flow(lead(0, 0)), 1.0);
    assert_eq!(narrow, Some(SECOND * 20));
}

#[test]
fn whoever_was_refused_more_often_than_chance_would_have_it_waits_by_itself() {
    let mut attempts = attempts(Policy {
        max_elapsed: SECOND * 10_000,
        ..Policy::default()
    });
    let flow = Finding::Flow(lead(0, 1));
    for nth in 1..=40 {
        let (refusal, _) = fail(&mut attempts, 429, None, Duration::ZERO);
        assert_eq!(
            attempts.lead(&flow, &refusal, 0.5, Duration::ZERO),
            nth <= 30,
            "{nth}"
        );
    }
}

#[test]
fn who_would_have_stopped_for_a_long_wait_goes_on_by_what_all_see_and_who_has_a_gate_does_not() {
    let policy = Policy {
        base: SECOND * 5,
        max_elapsed: SECOND * 20,
        ..Policy::default()
    };
    let mut late = attempts(policy.clone());
    late.begin(Duration::ZERO);
    let now = SECOND * 13;
    while !matches!(late.step(now), Step::Stop(_)) {
        fail(&mut late, 429, None, now);
    }
    let refusal = Refusal {
        class: Class::Throttle,
        form: Form::Status(429),
        hint: None,
    };
    assert!(late.lead(&Finding::Flow(lead(0, 10)), &refusal, 1.0, now));
    // Five at least, squeezed into what is left, but for the base.
    assert_eq!(late.step(now), Step::Pause { until: SECOND * 18 });
    let mut gated = attempts(policy);
    gated.set_gate(Some(PacerMode::Pause));
    gated.turn_came();
    let (refusal, _) = fail(&mut gated, 429, None, Duration::ZERO);
    assert!(!gated.lead(&Finding::Queue(lead(9, 9)), &refusal, 0.5, Duration::ZERO));
}
