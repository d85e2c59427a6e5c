//! What each rule decides over virtual time: exact tables, and the promises for any course of attempts.

use limiter::{Decision, Limit, LimitSpec, Limiter, Rule, WindowClock};
use proptest::prelude::*;
use std::time::Duration;

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn limiter(text: &str) -> Limiter {
    Limiter::new(&text.parse().expect("a limit"))
}

/// Plays attempts at the given milliseconds and compares: `None` passes, `Some(n)` is refused for `n` ms.
fn plays(text: &str, course: &[(u64, Option<u64>)]) {
    let mut limiter = limiter(text);
    for &(at, refused_for) in course {
        let expected = refused_for.map_or(Decision::Pass, |wait| Decision::Reject {
            retry_in: Some(ms(wait)),
        });
        assert_eq!(limiter.try_pass(ms(at)), expected, "{text} at {at} ms");
    }
}

#[test]
fn a_token_bucket_lets_the_burst_in_and_then_the_rate() {
    plays(
        "token-bucket rate=10 burst=3",
        &[
            (0, None),
            (0, None),
            (0, None),
            (0, Some(100)),
            (60, Some(40)),
            (100, None),
            (100, Some(100)),
            (1_000, None),
        ],
    );
}

#[test]
fn a_token_bucket_never_holds_more_than_its_burst() {
    plays(
        "token-bucket rate=10 burst=2",
        &[(60_000, None), (60_000, None), (60_000, Some(100))],
    );
}

#[test]
fn a_refused_attempt_takes_the_tokens_that_trickled_in_where_rejections_count() {
    plays(
        "token-bucket rate=10 burst=1 reject-counts=true",
        &[
            (0, None),
            (99, Some(100)),
            (198, Some(100)),
            (298, None),
            (299, Some(100)),
            (399, None),
        ],
    );
}

#[test]
fn a_fixed_window_starts_with_the_first_attempt_after_the_last_window() {
    plays(
        "fixed-window limit=2 window=1s",
        &[
            (700, None),
            (800, None),
            (900, Some(800)),
            (1_699, Some(1)),
            (1_700, None),
            (2_699, None),
            (2_699, Some(1)),
        ],
    );
    plays(
        "fixed-window limit=1 window=1s",
        &[(0, None), (5_500, None), (6_499, Some(1)), (6_500, None)],
    );
}

#[test]
fn a_refused_attempt_renews_a_full_fixed_window_where_rejections_count() {
    plays(
        "fixed-window limit=1 window=1s reject-counts=true",
        &[(0, None), (900, Some(1_000)), (1_800, Some(1_000)), (2_800, None)],
    );
}

#[test]
fn a_sliding_window_remembers_each_pass_for_its_length() {
    plays(
        "sliding-window limit=2 window=1s",
        &[
            (0, None),
            (600, None),
            (700, Some(300)),
            (999, Some(1)),
            (1_000, None),
            (1_000, Some(600)),
            (1_600, None),
        ],
    );
}

#[test]
fn a_refused_attempt_is_logged_in_a_sliding_window_where_rejections_count() {
    // 500 ms of hammering against 3 in 10 s: nobody gets in any more.
    let mut limiter = limiter("sliding-window limit=3 window=10s reject-counts=true");
    let passed = (0..100)
        .filter(|n| limiter.try_pass(ms(n * 500)).passed())
        .count();
    assert_eq!(passed, 3);
    plays(
        "sliding-window limit=2 window=1s reject-counts=true",
        &[
            (0, None),
            (0, None),
            (500, Some(500)),
            (900, Some(600)),
            (1_500, None),
        ],
    );
}

#[test]
fn an_aligned_window_begins_at_its_multiples_whoever_comes() {
    plays(
        "fixed-window limit=2 window=1s clock=aligned",
        &[
            (700, None),
            (800, None),
            (900, Some(100)),
            (1_000, None),
            (1_999, None),
            (1_999, Some(1)),
            (5_500, None),
        ],
    );
    plays(
        "fixed-window limit=1 window=1s clock=aligned offset=300ms reject-counts=true",
        &[
            (0, None),
            (0, Some(300)),
            (300, None),
            (1_299, Some(1)),
            (1_300, None),
        ],
    );
}

#[test]
fn a_sliding_counter_lets_in_by_the_share_that_is_left_of_the_window_before() {
    plays(
        "sliding-counter limit=4 window=1s",
        &[
            (0, None),
            (0, None),
            (0, None),
            (0, None),
            (100, Some(1_150)),
            (1_000, Some(250)),
            (1_250, None),
            (1_250, Some(250)),
            (1_500, None),
            (1_750, None),
            (1_999, Some(1)),
            (2_000, None),
        ],
    );
    plays(
        "sliding-counter limit=4 window=1s offset=500ms",
        &[
            (0, None),
            (0, None),
            (0, None),
            (0, None),
            (0, Some(750)),
            (1_500, None),
        ],
    );
}

/// `update_freq_ctr_period_slow` and `_freq_ctr_total_from_values` of HAProxy.
#[test]
fn a_sliding_counter_on_no_clock_begins_anew_after_two_windows_in_which_none_counts() {
    let mut limiter = limiter("sliding-counter limit=4 window=1s clock=first");
    for (at, passes) in [
        (300, 4),
        (400, 0),
        (1_300, 0),
        (1_301, 1),
        (1_550, 0),
        (1_551, 1),
        (3_299, 4),
        (5_299, 4),
        // By a clock the next window would have begun at 5,300 ms.
        (6_298, 0),
        (6_300, 1),
    ] {
        let passed = (0..5).filter(|_| limiter.try_pass(ms(at)).passed()).count();
        assert_eq!(passed, passes, "at {at} ms");
    }
}

#[test]
fn a_queue_answers_late_up_to_its_burst_and_refuses_what_is_more() {
    let plays = |text: &str, course: &[(u64, Decision)]| {
        let mut limiter = limiter(text);
        for &(at, expected) in course {
            assert_eq!(limiter.try_pass(ms(at)), expected, "{text} at {at} ms");
        }
    };
    let late = |delay| Decision::PassLate { delay: ms(delay) };
    let refused = |wait| Decision::Reject {
        retry_in: Some(ms(wait)),
    };
    plays(
        "queue rate=10 burst=2",
        &[
            (0, Decision::Pass),
            (0, late(100)),
            (0, late(200)),
            (0, refused(100)),
            (50, refused(50)),
            (100, late(200)),
            (1_000, Decision::Pass),
            (1_000, late(100)),
        ],
    );
    let queue: LimitSpec = "queue rate=10 burst=30 delay=5 + none".parse().unwrap();
    assert_eq!(queue.longest_delay(), ms(2_500));
    plays(
        "queue rate=10 burst=3 delay=2",
        &[
            (0, Decision::Pass),
            (0, Decision::Pass),
            (0, Decision::Pass),
            (0, late(100)),
            (0, refused(100)),
        ],
    );
}

#[test]
fn what_one_of_two_limits_refuses_takes_nothing_of_the_other_unless_refusals_count() {
    plays(
        "token-bucket rate=1 burst=1 + fixed-window limit=2 window=10s",
        &[
            (0, None),
            (500, Some(500)),
            (1_000, None),
            (2_000, Some(8_000)),
            (10_000, None),
        ],
    );
    plays(
        "token-bucket rate=1 burst=1 + sliding-window limit=2 window=10s reject-counts=true",
        &[
            (0, None),
            // Takes the second place of the window.
            (500, Some(9_500)),
            (1_000, Some(9_500)),
        ],
    );
    let mut both = limiter("queue rate=10 burst=9 + queue rate=5 burst=9");
    assert!(both.try_pass(ms(0)).passed());
    assert_eq!(both.try_pass(ms(0)), Decision::PassLate { delay: ms(200) });
    let mut unknown = limiter("concurrency limit=1 + fixed-window limit=1 window=1s");
    assert!(unknown.try_pass(ms(0)).passed());
    assert_eq!(unknown.try_pass(ms(0)), Decision::Reject { retry_in: None });
}

#[test]
fn a_concurrency_cap_cannot_say_when_and_waits_for_a_release() {
    let mut limiter = limiter("concurrency limit=2");
    assert!(limiter.try_pass(ms(0)).passed());
    assert!(limiter.try_pass(ms(0)).passed());
    assert_eq!(limiter.try_pass(ms(60_000)), Decision::Reject { retry_in: None });
    limiter.release(ms(60_001));
    assert!(limiter.try_pass(ms(60_001)).passed());
    assert!(!limiter.try_pass(ms(60_001)).passed());
}

#[test]
fn more_releases_than_passes_do_not_widen_a_concurrency_cap() {
    let mut limiter = limiter("concurrency limit=1");
    limiter.release(ms(0));
    limiter.release(ms(0));
    assert!(limiter.try_pass(ms(0)).passed());
    assert!(!limiter.try_pass(ms(0)).passed());
}

#[test]
fn a_limit_of_zero_refuses_all_and_says_that_nobody_knows_when() {
    for text in [
        "fixed-window limit=0 window=1s",
        "sliding-window limit=0 window=1s",
        "concurrency limit=0",
    ] {
        let mut limiter = limiter(text);
        for at in [0, 1, 100_000] {
            assert_eq!(
                limiter.try_pass(ms(at)),
                Decision::Reject { retry_in: None },
                "{text}"
            );
        }
    }
}

#[test]
fn time_that_runs_backwards_counts_as_the_latest_seen() {
    plays(
        "fixed-window limit=1 window=1s",
        &[
            (5_000, None),
            (0, Some(1_000)),
            (5_999, Some(1)),
            (1_000, Some(1)),
            (6_000, None),
        ],
    );
}

#[test]
fn the_end_of_time_is_a_moment_like_any_other() {
    let second = Some(Duration::from_secs(1));
    for (text, wait) in [
        ("token-bucket rate=1 burst=1", second),
        ("token-bucket rate=1 burst=1 reject-counts=true", second),
        ("fixed-window limit=1 window=1s", second),
        ("fixed-window limit=1 window=1s reject-counts=true", second),
        ("sliding-window limit=1 window=1s", second),
        ("sliding-window limit=1 window=1s reject-counts=true", second),
        ("queue rate=1 burst=0", second),
        (
            "token-bucket rate=1 burst=1 + sliding-window limit=1 window=1s",
            second,
        ),
        ("concurrency limit=1", None),
    ] {
        let mut limiter = limiter(text);
        assert!(limiter.try_pass(ms(0)).passed(), "{text}");
        limiter.release(Duration::MAX);
        assert!(limiter.try_pass(Duration::MAX).passed(), "{text}");
        for _ in 0..2 {
            let refused = Decision::Reject { retry_in: wait };
            assert_eq!(limiter.try_pass(Duration::MAX), refused, "{text}");
        }
    }
}

#[test]
fn where_refusals_block_nobody_is_let_in_for_so_long_and_all_begins_anew_behind_it() {
    plays(
        "fixed-window limit=2 window=1s block=5s",
        &[
            (0, None),
            (100, None),
            // The window is over, and nobody was refused.
            (1_100, None),
            (1_200, None),
            (1_300, Some(5_000)),
            (6_200, Some(100)),
            (6_300, None),
            (6_301, None),
            (6_302, Some(5_000)),
        ],
    );
    plays(
        "token-bucket rate=1 burst=2 block=10s",
        &[
            (0, None),
            (0, None),
            (500, Some(10_000)),
            (10_500, None),
            (10_500, None),
        ],
    );
}

#[test]
fn where_refusals_count_too_each_attempt_meanwhile_puts_the_end_of_a_block_off() {
    plays(
        "sliding-window limit=2 window=1s block=5s reject-counts=true",
        &[
            (0, None),
            (0, None),
            (100, Some(5_000)),
            (4_000, Some(5_000)),
            (6_000, Some(5_000)),
            (11_000, None),
        ],
    );
}

#[test]
fn what_another_limit_refuses_blocks_nobody() {
    plays(
        "token-bucket rate=1 burst=1 + fixed-window limit=3 window=1m block=10m",
        &[
            (0, None),
            (0, Some(1_000)),
            (1_000, None),
            (2_000, None),
            (3_000, Some(600_000)),
        ],
    );
}

#[test]
fn figures_that_no_text_could_have_are_drawn_to_the_nearest_allowed() {
    for rate in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0, 1e300] {
        let spec: LimitSpec = Rule::TokenBucket { rate, burst: 0 }.into();
        assert!(spec.check().is_err());
        let mut limiter = Limiter::new(&spec);
        assert!(limiter.try_pass(ms(0)).passed());
        assert!(!limiter.try_pass(ms(0)).passed(), "{rate}");
    }
}

/// What a text can say.
fn micros(window: Duration, share: f64) -> Duration {
    let micros = window.mul_f64(share).as_micros();
    Duration::from_micros(u64::try_from(micros).expect("some seconds"))
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let window = (1_u64..20_000_000)
        .prop_map(Duration::from_micros)
        .prop_filter("1 ms at least", |w| *w >= ms(1));
    let clocked = (1_u32..30, window.clone(), 0.0_f64..0.99);
    prop_oneof![
        (0.01_f64..2_000.0, 1_u32..50).prop_map(|(rate, burst)| Rule::TokenBucket { rate, burst }),
        (1_u32..30, window.clone()).prop_map(|(limit, window)| Rule::FixedWindow {
            limit,
            window,
            clock: WindowClock::First
        }),
        clocked
            .clone()
            .prop_map(|(limit, window, share)| Rule::FixedWindow {
                limit,
                window,
                clock: WindowClock::Aligned {
                    offset: micros(window, share)
                }
            }),
        (1_u32..30, window).prop_map(|(limit, window)| Rule::SlidingWindow { limit, window }),
        clocked.prop_map(|(limit, window, share)| Rule::SlidingCounter {
            limit,
            window,
            clock: if share < 0.2 {
                WindowClock::First
            } else {
                WindowClock::Aligned {
                    offset: micros(window, share),
                }
            }
        }),
        (0.01_f64..2_000.0, 0_u32..50, 0_u32..50).prop_map(|(rate, burst, delay)| Rule::Queue {
            rate,
            burst,
            delay: delay.min(burst)
        }),
    ]
}

fn any_limit() -> impl Strategy<Value = Limit> {
    let block = prop::option::of((1_000_u64..30_000_000).prop_map(Duration::from_micros));
    (any_rule(), any::<bool>(), block).prop_map(|(rule, counts, block)| {
        let queue = matches!(rule, Rule::Queue { .. });
        Limit {
            rule,
            reject_counts: counts && !queue,
            block: block.filter(|_| !queue),
        }
    })
}

fn any_spec() -> impl Strategy<Value = LimitSpec> {
    prop::collection::vec(any_limit(), 1..3).prop_map(|limits| LimitSpec { limits })
}

/// Pauses between attempts, many of them short, some long, some zero.
fn any_course() -> impl Strategy<Value = Vec<Duration>> {
    let pause = prop_oneof![
        Just(0_u64),
        0_u64..1_000_000,
        0_u64..100_000_000,
        0_u64..20_000_000_000
    ];
    prop::collection::vec(pause.prop_map(Duration::from_nanos), 1..200)
}

/// The times of all attempts that passed.
fn passes(limit: Limit, course: &[Duration]) -> Vec<Duration> {
    let mut limiter = Limiter::new(&limit.into());
    let mut now = Duration::ZERO;
    let mut passed = Vec::new();
    for pause in course {
        now += *pause;
        if limiter.try_pass(now).passed() {
            passed.push(now);
        }
    }
    passed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn retry_in_is_exact(spec in any_spec(), course in any_course()) {
        let mut limiter = Limiter::new(&spec);
        let mut now = Duration::ZERO;
        for pause in course {
            now += pause;
            let Decision::Reject { retry_in } = limiter.try_pass(now) else { continue };
            let retry_in = retry_in.expect("rates and windows know");
            prop_assert!(retry_in > Duration::ZERO);
            prop_assert!(limiter.clone().try_pass(now + retry_in).passed());
            for early in [Duration::from_nanos(1), ms(1)] {
                if retry_in > early {
                    prop_assert!(!limiter.clone().try_pass(now + retry_in - early).passed());
                }
            }
        }
    }

    #[test]
    fn a_look_says_what_would_be_decided_and_changes_nothing(spec in any_spec(), course in any_course()) {
        let (mut watched, mut alone) = (Limiter::new(&spec), Limiter::new(&spec));
        let mut now = Duration::ZERO;
        for pause in course {
            now += pause;
            let seen = watched.look(now);
            // One that is far ahead forgets nothing.
            let _ = watched.look(now + ms(10_000_000));
            let decided = watched.try_pass(now);
            prop_assert_eq!(seen.passed(), decided.passed());
            prop_assert_eq!(decided, alone.try_pass(now));
        }
    }

    #[test]
    fn a_token_bucket_never_lets_more_in_than_burst_plus_rate_times_time(
        rate in 0.01_f64..2_000.0, burst in 1_u32..50, reject_counts: bool, course in any_course(),
    ) {
        let passed = passes(Limit { rule: Rule::TokenBucket { rate, burst }, reject_counts, block: None }, &course);
        for (i, from) in passed.iter().enumerate() {
            for (n, to) in passed[i..].iter().enumerate() {
                let most = f64::from(burst) + rate * (*to - *from).as_secs_f64();
                prop_assert!((n + 1) as f64 <= most + 1e-9);
            }
        }
    }

    #[test]
    fn a_sliding_window_never_lets_more_in_than_its_limit_in_any_window(
        limit in 1_u32..30, window in 1_u64..5_000, reject_counts: bool, course in any_course(),
    ) {
        let rule = Rule::SlidingWindow { limit, window: ms(window) };
        let passed = passes(Limit { rule, reject_counts, block: None }, &course);
        for pair in passed.windows(limit as usize + 1) {
            prop_assert!(pair[limit as usize] - pair[0] >= ms(window));
        }
    }

    #[test]
    fn a_fixed_window_never_lets_more_in_than_twice_its_limit_in_any_window(
        limit in 1_u32..30, window in 1_u64..5_000, reject_counts: bool, course in any_course(),
    ) {
        let rule = Rule::FixedWindow { limit, window: ms(window), clock: WindowClock::First };
        let passed = passes(Limit { rule, reject_counts, block: None }, &course);
        for pair in passed.windows(2 * limit as usize + 1) {
            prop_assert!(pair[2 * limit as usize] - pair[0] >= ms(window));
        }
    }

    #[test]
    fn a_concurrency_cap_is_never_exceeded(limit in 0_u32..10, course in prop::collection::vec(any::<bool>(), 1..200)) {
        let mut limiter = Limiter::new(&Rule::Concurrency { limit }.into());
        let mut open = 0;
        for comes in course {
            if comes {
                let passed = limiter.try_pass(Duration::ZERO).passed();
                prop_assert_eq!(passed, open < limit);
                open += u32::from(passed);
            } else if open > 0 {
                limiter.release(Duration::ZERO);
                open -= 1;
            }
        }
    }

    #[test]
    fn counting_rejections_never_lets_more_in(rule in any_rule(), course in any_course()) {
        let free = passes(Limit { rule, reject_counts: false, block: None }, &course).len();
        let counted = passes(Limit { rule, reject_counts: true, block: None }, &course).len();
        prop_assert!(counted <= free);
    }

    #[test]
    fn nobody_who_waits_as_told_gets_in_sooner_than_the_bound(rule in any_rule(), users in 1_u32..100) {
        let spec: LimitSpec = rule.into();
        let mut limiter = Limiter::new(&spec);
        let (mut now, mut last) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..users {
            loop {
                match limiter.try_pass(now) {
                    Decision::Pass => break,
                    Decision::PassLate { delay } => {
                        last = last.max(now + delay);
                        break;
                    }
                    Decision::Reject { retry_in } => now += retry_in.expect("rates and windows know"),
                }
            }
            last = last.max(now);
        }
        let bound = spec.bound(users).expect("rates and windows have one");
        prop_assert!(last + Duration::from_nanos(1) >= bound, "{last:?} against {bound:?}");
        // Two counters let in a little less than they promise: one less in each window.
        let slack = match rule {
            Rule::SlidingCounter { limit, window, .. } => window * (2 + users.div_ceil(limit) * 2) ,
            _ => Duration::from_micros(1),
        };
        prop_assert!(last <= bound + slack, "{last:?} against {bound:?}");
    }

    #[test]
    fn a_text_reads_back_as_the_same_limit(spec in any_spec()) {
        prop_assert_eq!(spec.to_string().parse::<LimitSpec>(), Ok(spec));
    }
}
