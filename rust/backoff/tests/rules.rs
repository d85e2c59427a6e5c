//! Classes of failures and the rules that end a connect.

use backoff::{
    ATTEMPT_GUARD, Backoff, Class, FailureKind, HttpAnswer, Next, Policy, Seen, StatusSet, StopReason,
    Strategy,
};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

fn answer(status: u16) -> Seen<'static> {
    Seen::Answer(HttpAnswer {
        status,
        headers: &[],
        body: b"",
        now: SystemTime::UNIX_EPOCH,
    })
}

fn fixed() -> Policy {
    Policy {
        strategy: Strategy::Fixed,
        ..Policy::default()
    }
}

fn backoff(policy: Policy) -> Backoff {
    policy.check().expect("the tests' policies are legal");
    Backoff::new(Arc::new(policy), Some(0))
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn every_failure_has_its_class() {
    let listed = |class, statuses: &[u16]| statuses.iter().map(|status| (answer(*status), class)).collect();
    let mut cases: Vec<(Seen<'_>, Class)> = listed(Class::Throttle, &[429, 503]);
    cases.extend::<Vec<_>>(listed(Class::Transient, &[408, 425, 500, 502, 504]));
    cases.extend::<Vec<_>>(listed(
        Class::Fatal,
        &[0, 200, 301, 400, 401, 403, 404, 426, 501, 505, 599, 999, u16::MAX],
    ));
    cases.push((Seen::Failure(FailureKind::Network), Class::Transient));
    cases.push((Seen::Failure(FailureKind::Timeout), Class::Transient));
    cases.push((Seen::Failure(FailureKind::Fatal), Class::Fatal));
    for (seen, class) in cases {
        let verdict = backoff(fixed()).after(&seen, Duration::ZERO);
        let expected = match class {
            Class::Throttle => Next::Wait(SECOND),
            Class::Transient => Next::Wait(SECOND / 4),
            Class::Fatal => Next::Stop(StopReason::Fatal),
        };
        assert_eq!(
            (verdict.class, verdict.next, verdict.hint),
            (class, expected, None),
            "{seen:?}"
        );
    }
}

#[test]
fn the_sets_of_the_policy_decide() {
    let policy = Policy {
        throttle: "4xx".parse().unwrap(),
        transient: "429,502,timeout".parse().unwrap(),
        ..fixed()
    };
    for (seen, class) in [
        (answer(404), Class::Throttle),
        // In both: a throttle.
        (answer(429), Class::Throttle),
        (answer(502), Class::Transient),
        (answer(503), Class::Fatal),
        (Seen::Failure(FailureKind::Timeout), Class::Transient),
        (Seen::Failure(FailureKind::Network), Class::Fatal),
    ] {
        assert_eq!(
            backoff(policy.clone()).after(&seen, Duration::ZERO).class,
            class,
            "{seen:?}"
        );
    }
    let nothing = Policy {
        throttle: StatusSet::default(),
        transient: "none".parse().unwrap(),
        ..fixed()
    };
    assert_eq!(
        backoff(nothing).after(&answer(429), Duration::ZERO).next,
        Next::Stop(StopReason::Fatal)
    );
}

#[test]
fn network_failures_timeouts_and_close_codes_may_be_throttles() {
    let closed = |code| Seen::Closed { code, reason: "" };
    let (network, timeout) = (
        Seen::Failure(FailureKind::Network),
        Seen::Failure(FailureKind::Timeout),
    );
    for (throttle, transient, seen, class) in [
        ("network", "none", network, Class::Throttle),
        ("network", "timeout", timeout, Class::Transient),
        ("timeout", "network,timeout", timeout, Class::Throttle),
        ("closed.1013", "none", closed(1013), Class::Throttle),
        ("closed.1013", "none", closed(1008), Class::Fatal),
        ("closed.*", "closed.1008", closed(1008), Class::Throttle),
        ("429", "closed.4000-4999", closed(4029), Class::Transient),
        // In neither set: a connection that broke.
        ("closed.1013", "network", closed(1000), Class::Transient),
        ("network", "closed.1013", closed(1013), Class::Transient),
        ("network", "none", closed(1013), Class::Throttle),
        (
            "network,timeout,closed.*",
            "none",
            Seen::Failure(FailureKind::Fatal),
            Class::Fatal,
        ),
    ] {
        let policy = Policy {
            throttle: throttle.parse().unwrap(),
            transient: transient.parse().unwrap(),
            ..fixed()
        };
        let judged = backoff(policy).after(&seen, Duration::ZERO).class;
        assert_eq!(judged, class, "{throttle} {transient} {seen:?}");
    }
}

#[test]
fn the_reason_of_a_close_gives_a_hint_as_a_body_does() {
    let mut policy = Policy {
        throttle: "429,closed.1013".parse().unwrap(),
        ..Policy::default()
    };
    policy.hints.body_pattern = "in (\\d+) s".parse().ok();
    let seen = Seen::Closed {
        code: 1013,
        reason: "too many, come back in 7 s",
    };
    let verdict = backoff(policy.clone()).after(&seen, Duration::ZERO);
    assert_eq!(verdict.usable_hint(), Some(SECOND * 7));
    assert!(matches!(verdict.next, Next::Wait(wait) if wait >= SECOND * 7));
    // A reason without one, and a policy that does not look there.
    let silent = Seen::Closed {
        code: 1013,
        reason: "go away",
    };
    assert_eq!(backoff(policy.clone()).after(&silent, Duration::ZERO).hint, None);
    policy.hints.sources.retain(|source| source.as_str() != "body");
    assert_eq!(backoff(policy).after(&seen, Duration::ZERO).hint, None);
}

#[test]
fn a_503_that_the_policy_lists_as_transient_is_a_throttle_by_its_hint_alone() {
    let headers = [("Retry-After".to_string(), "5".to_string())];
    let hinted = Seen::Answer(HttpAnswer {
        status: 503,
        headers: &headers,
        body: b"",
        now: SystemTime::UNIX_EPOCH,
    });
    let policy = Policy {
        throttle: "429".parse().unwrap(),
        ..fixed()
    };
    for (seen, class) in [(answer(503), Class::Transient), (hinted, Class::Throttle)] {
        assert_eq!(backoff(policy.clone()).after(&seen, Duration::ZERO).class, class);
    }
}

#[test]
fn a_wait_that_would_end_at_or_after_the_end_is_not_started() {
    let policy = Policy {
        max_elapsed: SECOND * 10,
        ..fixed()
    };
    for (elapsed, next) in [
        (SECOND * 8, Next::Wait(SECOND)),
        (SECOND * 9 - Duration::from_nanos(1), Next::Wait(SECOND)),
        (SECOND * 9, Next::Stop(StopReason::MaxElapsed)),
        (SECOND * 11, Next::Stop(StopReason::MaxElapsed)),
        (Duration::MAX, Next::Stop(StopReason::MaxElapsed)),
    ] {
        assert_eq!(
            backoff(policy.clone()).after(&answer(429), elapsed).next,
            next,
            "{elapsed:?}"
        );
    }
}

#[test]
fn a_hint_beyond_the_end_ends_it_at_once() {
    let headers = [("Retry-After".to_string(), "150".to_string())];
    let seen = Seen::Answer(HttpAnswer {
        status: 429,
        headers: &headers,
        body: b"",
        now: SystemTime::UNIX_EPOCH,
    });
    assert_eq!(
        backoff(fixed()).after(&seen, Duration::ZERO).next,
        Next::Stop(StopReason::MaxElapsed)
    );
}

#[test]
fn an_attempt_gets_no_more_time_than_is_left() {
    let backoff = backoff(Policy {
        max_elapsed: SECOND * 30,
        attempt_timeout: SECOND * 20,
        ..fixed()
    });
    for (elapsed, timeout) in [(0, 20), (10, 20), (11, 19), (29, 1), (30, 0), (31, 0)] {
        assert_eq!(
            backoff.attempt_timeout(SECOND * elapsed),
            SECOND * timeout,
            "{elapsed}"
        );
    }
}

#[test]
fn attempts_are_counted_in_all() {
    for (limit, expected) in [(1, 1), (2, 2), (5, 5), (0, ATTEMPT_GUARD)] {
        let policy = Policy {
            max_attempts: limit,
            base: Duration::ZERO,
            ..fixed()
        };
        let mut backoff = backoff(policy);
        let mut attempts = 1;
        while let Next::Wait(wait) = backoff.after(&answer(429), Duration::ZERO).next {
            assert_eq!(wait, Duration::ZERO);
            attempts += 1;
        }
        assert_eq!(attempts, expected, "{limit}");
        // Once over, it stays over.
        assert_eq!(
            backoff.after(&answer(429), Duration::ZERO).next,
            Next::Stop(StopReason::MaxAttempts)
        );
    }
}

#[test]
fn the_first_reason_in_order_is_named() {
    let headers = [("Retry-After".to_string(), "1000".to_string())];
    let hinted = |status| {
        Seen::Answer(HttpAnswer {
            status,
            headers: &headers,
            body: b"",
            now: SystemTime::UNIX_EPOCH,
        })
    };
    let late = SECOND * 1_000;
    let none = Policy {
        strategy: Strategy::None,
        max_attempts: 1,
        ..fixed()
    };
    let once = Policy {
        max_attempts: 1,
        ..fixed()
    };
    for (policy, seen, elapsed, stop) in [
        (none.clone(), hinted(404), late, StopReason::Fatal),
        (none, hinted(429), late, StopReason::NoRetry),
        (once, hinted(429), late, StopReason::MaxAttempts),
        (fixed(), hinted(429), late, StopReason::HintTooLong),
        (fixed(), hinted(500), late, StopReason::HintTooLong),
        (fixed(), answer(429), late, StopReason::MaxElapsed),
    ] {
        assert_eq!(backoff(policy).after(&seen, elapsed).next, Next::Stop(stop));
    }
}

#[test]
fn stops_and_classes_have_the_words_of_the_trace() {
    let stops = [
        "fatal",
        "max-elapsed",
        "max-attempts",
        "hint-too-long",
        "no-retry",
        "schedule-end",
        "cancelled",
    ];
    assert_eq!(StopReason::NAMES, stops);
    assert_eq!(StopReason::HintTooLong.to_string(), "hint-too-long");
    assert_eq!(Class::NAMES, ["throttle", "transient", "fatal"]);
}

#[test]
fn the_defaults_are_those_of_the_design() {
    let policy = Policy::default();
    assert_eq!(policy.strategy, Strategy::Decorrelated);
    assert_eq!(
        (policy.base, policy.cap, policy.transient_base),
        (SECOND, SECOND * 30, SECOND / 4)
    );
    assert_eq!(
        (policy.max_elapsed, policy.attempt_timeout),
        (SECOND * 120, SECOND * 20)
    );
    assert_eq!((policy.max_attempts, policy.attempt_limit()), (0, 1000));
    assert_eq!(
        (policy.multiplier, policy.effective_multiplier(), policy.jitter),
        (None, 3.0, 0.5)
    );
    assert_eq!(
        Policy {
            strategy: Strategy::Full,
            ..policy.clone()
        }
        .effective_multiplier(),
        2.0
    );
    assert_eq!(policy.throttle.to_string(), "429,503");
    assert_eq!(
        policy.transient.to_string(),
        "408,425,500,502-504,network,timeout"
    );
    assert_eq!(policy.hints.max, SECOND * 180);
    let words = [
        policy.hints.mode.as_str(),
        policy.hints.jitter.as_str(),
        policy.hints.on_too_long.as_str(),
    ];
    assert_eq!(words, ["floor", "growing", "fail"]);
}
