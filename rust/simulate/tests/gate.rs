//! Storms through shared gates against the limits of real servers: how soon, with how many attempts, how fair.

use backoff::{PacerMode, PacerSettings, Policy};
use simulate::{Hint, Look, Storm};
use std::time::Duration;

const NEAR: Duration = Duration::from_millis(1);
const FAR: Duration = Duration::from_millis(50);
const REFUSED: Look = Look::Status(429);

fn paced(limit: &str, users: usize) -> Storm {
    Storm {
        gate: PacerSettings::of(PacerMode::Pace),
        ..Storm::new(limit.parse().expect("the tests' limits are legal"), users)
    }
}

/// 200 users of one gate, as a mean over the seeds: nobody is lost, and it stays within multiple of the bound and attempts a user.
fn holds(limit: &str, look: Look, hint: Hint, times_bound: f64, attempts: f64) {
    for round_trip in [NEAR, FAR] {
        let storm = Storm {
            look,
            hint,
            round_trip,
            held: limit
                .contains("concurrency")
                .then_some(Duration::from_millis(1_500)),
            ..paced(limit, 200)
        };
        let sum = storm.run_all(40);
        assert!(
            sum.lost == 0 && sum.times_bound <= times_bound && sum.attempts <= attempts,
            "{limit} {look:?} {hint:?} {round_trip:?}: {sum:?}"
        );
    }
}

#[test]
fn a_bucket_is_used_to_its_rate_whatever_its_refusals_look_like() {
    for limit in [
        "token-bucket rate=10 burst=20",
        "token-bucket rate=5 burst=20",
        // nginx `limit_req rate=5r/s burst=10 nodelay`: one at once, and ten on top.
        "token-bucket rate=5 burst=11",
    ] {
        for (look, hint) in [
            (REFUSED, Hint::Seconds),
            (REFUSED, Hint::Exact),
            (REFUSED, Hint::None),
            (Look::Status(503), Hint::None),
            (Look::Reset, Hint::None),
            (Look::AcceptAndClose(1013), Hint::None),
        ] {
            holds(limit, look, hint, 1.10, 1.15);
        }
    }
}

/// Whom a bucket refuses twice by chance is taken for one who is always refused. That must not keep the rate above the bucket's.
#[test]
fn few_storms_cost_a_bucket_more_than_a_tenth_more_attempts() {
    for (look, round_trip) in [
        (Look::Status(503), NEAR),
        (Look::Status(503), FAR),
        (Look::Reset, NEAR),
    ] {
        let storm = Storm {
            look,
            hint: Hint::None,
            round_trip,
            // nginx `limit_req rate=10r/s burst=20 nodelay`.
            ..paced("token-bucket rate=10 burst=21", 200)
        };
        let attempts = (0..100).map(|seed| storm.run(seed).attempts_per_user());
        let many = attempts.filter(|attempts| *attempts > 1.10).count();
        assert!(many <= 15, "{look:?} {round_trip:?}: {many} of 100");
    }
}

#[test]
fn a_window_with_hints_is_used_as_fast_as_it_opens() {
    for limit in [
        "fixed-window limit=100 window=60s",
        "fixed-window limit=30 window=10s",
        "fixed-window limit=40 window=5s",
        "fixed-window limit=40 window=5s clock=aligned offset=3s",
    ] {
        for hint in [Hint::Seconds, Hint::Date] {
            holds(limit, REFUSED, hint, 1.30, 1.06);
        }
    }
}

#[test]
fn a_window_without_hints_is_one_event_and_its_length_is_learnt() {
    for limit in [
        "fixed-window limit=40 window=5s",
        "fixed-window limit=40 window=5s clock=aligned offset=3s",
        "fixed-window limit=41 window=4096ms clock=aligned offset=1s",
        "fixed-window limit=120 window=60s",
        "sliding-window limit=40 window=5s",
        "sliding-counter limit=40 window=5s offset=2s",
    ] {
        holds(limit, REFUSED, Hint::None, 1.50, 1.11);
    }
}

#[test]
fn a_window_that_lets_in_fewer_after_a_rush_is_gone_through_evenly() {
    let limit = "sliding-counter limit=40 window=5s offset=2s";
    holds(limit, REFUSED, Hint::WholeWindow, 1.56, 1.10);
}

/// HAProxy's `gpc0_rate(4s)`, and a constant `Retry-After: 3`: each refusal costs 3 s, and each burst lets in fewer. 160 need 16 s.
#[test]
fn a_window_whose_hints_are_too_short_is_gone_through_evenly_when_it_lets_in_ever_fewer() {
    let storm = Storm {
        hint: Hint::Always(Duration::from_secs(3)),
        round_trip: NEAR,
        ..paced("sliding-counter limit=40 window=4s", 200)
    };
    let sum = storm.run_all(40);
    assert!(
        sum.lost == 0 && sum.makespan <= 1.5 * 16.0 && sum.attempts <= 1.10,
        "{sum:?}"
    );
}

#[test]
fn a_quota_without_a_burst_is_kept_to_its_gap() {
    // Told the rate, with ways of 50 ms: 1.10 and 1.05 times the bound; each hint that is obeyed on the way to the gap costs a second.
    holds("token-bucket rate=10 burst=1", REFUSED, Hint::None, 1.15, 1.10);
    holds(
        "token-bucket rate=10 burst=1",
        Look::Reset,
        Hint::None,
        1.15,
        1.10,
    );
    holds("token-bucket rate=5 burst=1", REFUSED, Hint::Seconds, 1.25, 1.10);
}

/// Ways differ by a fifth of the round trip, and several are under way at a time: what one was refused for is the one that was let in before
/// it, whose answer may come later.
#[test]
fn a_quota_without_a_burst_is_kept_to_its_gap_from_afar() {
    for (limit, round_trip, times_bound, attempts) in [
        ("token-bucket rate=50 burst=1", 50, 1.95, 1.18),
        ("token-bucket rate=20 burst=1", 100, 1.62, 1.20),
    ] {
        let storm = Storm {
            look: Look::Status(503),
            hint: Hint::None,
            round_trip: Duration::from_millis(round_trip),
            ..paced(limit, 200)
        };
        let sum = storm.run_all(40);
        assert!(
            sum.lost == 0 && sum.times_bound <= times_bound && sum.attempts <= attempts,
            "{limit}, {round_trip} ms away: {sum:?}"
        );
    }
}

#[test]
fn a_quota_that_counts_refusals_is_not_eaten_by_the_probing() {
    for limit in [
        "sliding-window limit=50 window=10s reject-counts=true",
        "sliding-window limit=20 window=4s reject-counts=true",
        "token-bucket rate=10 burst=20 reject-counts=true",
    ] {
        for (look, hint) in [
            (REFUSED, Hint::Seconds),
            (REFUSED, Hint::None),
            (Look::Reset, Hint::None),
        ] {
            holds(limit, look, hint, 1.60, 1.11);
        }
    }
    for limit in [
        "sliding-counter limit=40 window=5s reject-counts=true",
        // Each refusal begins the window anew.
        "fixed-window limit=40 window=5s reject-counts=true",
    ] {
        holds(limit, REFUSED, Hint::None, 1.60, 1.11);
    }
}

#[test]
fn a_concurrency_limit_lets_one_go_when_one_leaves() {
    for look in [Look::Status(503), Look::Reset] {
        holds("concurrency limit=20", look, Hint::None, 1.30, 1.30);
    }
}

#[test]
fn a_queue_longer_than_the_time_of_an_attempt_loses_nobody() {
    // 40 s of queue against 20 s of patience.
    holds("queue rate=5 burst=400", REFUSED, Hint::None, 1.05, 1.02);
    holds("queue rate=10 burst=20", REFUSED, Hint::None, 1.05, 1.10);
}

#[test]
fn silence_slows_the_gate_down_before_the_first_time_out() {
    // Who was refused waits for its time-out of 20 s: nobody may be in the last 20 s.
    let silence = Look::Silence;
    holds("token-bucket rate=5 burst=20", silence, Hint::None, 1.10, 1.10);
    let counted = "sliding-window limit=50 window=10s reject-counts=true";
    holds(counted, silence, Hint::None, 1.60, 1.10);
}

/// HAProxy's `conn_rate(5s)` and `silent-drop`. Whoever is refused is back after 20 s, so that to be faster than that gains nothing,
/// and another refusal then costs 20 s more. Its periods begin with the first connection, or any time before.
#[test]
fn nobody_is_refused_by_silence_to_be_in_before_those_who_were() {
    for clock in [Some(Duration::ZERO), None] {
        let storm = Storm {
            look: Look::Silence,
            hint: Hint::None,
            round_trip: NEAR,
            clock,
            ..paced("sliding-counter limit=60 window=5s reject-counts=true", 200)
        };
        for seed in 0..100 {
            let outcome = storm.run(seed);
            assert!(
                outcome.lost() == 0 && outcome.makespan < Duration::from_secs(28),
                "{clock:?} {seed}: {outcome:?}"
            );
        }
        // The last to probe in vain is sent after 4 s at most, and back after 24.
        let sum = storm.run_all(100);
        assert!(sum.makespan <= 24.4 && sum.attempts <= 1.10, "{clock:?}: {sum:?}");
    }
}

#[test]
fn two_limits_at_once_are_both_kept() {
    let limit = "token-bucket rate=20 burst=20 + fixed-window limit=100 window=30s";
    holds(limit, REFUSED, Hint::Seconds, 1.30, 1.10);
}

#[test]
fn a_quota_below_the_lowest_rate_that_counts_refusals_lets_all_in_too() {
    // Five logins a minute, a refused one being one of them; the gate never goes below twelve a minute by its rate alone.
    let mut logins = paced("sliding-window limit=5 window=60s reject-counts=true", 20);
    logins.hint = Hint::None;
    logins.policy = std::sync::Arc::new(Policy {
        max_elapsed: Duration::from_secs(3_600),
        ..Policy::default()
    });
    for seed in 0..20 {
        let outcome = logins.run(seed);
        assert!(
            outcome.lost() == 0 && outcome.attempts_per_user() < 6.0 && outcome.times_bound() < 4.0,
            "{seed}: {outcome:?}"
        );
    }
}

/// Whoever is refused lets two others in, and those who went before that was heard. Not asserted: silence, which costs its time-out, and
/// buckets near their rate, where one of some thousand innocents is taken for one who is always refused and waits by its own backoff.
#[test]
fn who_is_refused_is_overtaken_by_few() {
    for (limit, hint, most) in [
        ("fixed-window limit=40 window=5s", Hint::Seconds, 15),
        ("fixed-window limit=100 window=60s", Hint::Seconds, 15),
        ("fixed-window limit=40 window=5s", Hint::None, 30),
        ("fixed-window limit=120 window=60s", Hint::None, 40),
        (
            "sliding-window limit=50 window=10s reject-counts=true",
            Hint::None,
            30,
        ),
        ("token-bucket rate=5 burst=20", Hint::None, 30),
        ("concurrency limit=20", Hint::None, 30),
    ] {
        for round_trip in [NEAR, FAR] {
            let storm = Storm {
                hint,
                round_trip,
                held: limit
                    .contains("concurrency")
                    .then_some(Duration::from_millis(1_500)),
                ..paced(limit, 200)
            };
            let sum = storm.run_all(40);
            assert!(
                sum.overtaken_by <= most,
                "{limit} {hint:?} {round_trip:?}: {sum:?}"
            );
        }
    }
}

#[test]
fn pause_brings_everybody_in_right_after_each_window() {
    for (limit, times_bound, attempts) in [
        ("fixed-window limit=100 window=60s", 1.05, 1.6),
        ("fixed-window limit=30 window=10s", 1.10, 2.2),
    ] {
        let mut pausing = paced(limit, 200);
        pausing.gate = PacerSettings::of(PacerMode::Pause);
        let sum = pausing.run_all(20);
        assert!(
            sum.times_bound <= times_bound && sum.attempts <= attempts,
            "{limit}: {sum:?}"
        );
    }
}

#[test]
fn two_processes_on_one_quota_share_it() {
    // A process knows of the other one by its own refusals alone: on a bucket the share of a single storm is a matter of luck, and one
    // that comes half a second later finds the burst gone. Gates of other constants share no better without more
    // attempts: `--example reach shared`.
    for (limit, hint, least_share) in [
        ("token-bucket rate=10 burst=20", Hint::None, 0.35),
        ("token-bucket rate=10 burst=20", Hint::Seconds, 0.38),
        ("token-bucket rate=5 burst=20", Hint::Seconds, 0.40),
        ("token-bucket rate=5 burst=11", Hint::None, 0.36),
        ("fixed-window limit=100 window=60s", Hint::Seconds, 0.42),
        ("fixed-window limit=30 window=10s", Hint::Seconds, 0.47),
        (
            "sliding-window limit=50 window=10s reject-counts=true",
            Hint::Seconds,
            0.47,
        ),
    ] {
        for (round_trip, lag) in [(NEAR, 0), (FAR, 0), (FAR, 500)] {
            let two = Storm {
                processes: 2,
                lag: Duration::from_millis(lag),
                round_trip,
                hint,
                ..paced(limit, 100)
            };
            let sum = two.run_all(60);
            assert!(
                sum.lost == 0 && sum.times_bound <= 1.25 && sum.least_share >= least_share,
                "{limit} {hint:?} {round_trip:?} {lag}: {sum:?}"
            );
        }
    }
}

#[test]
fn two_processes_on_a_window_with_hints_share_it_in_every_single_storm() {
    // What tests/system/remote.rs asserts of one run with real JVMs.
    for lag in [0, 100, 300, 1_000] {
        let two = Storm {
            processes: 2,
            lag: Duration::from_millis(lag),
            round_trip: Duration::from_millis(5),
            ..paced("fixed-window limit=60 window=10s", 100)
        };
        for seed in 0..100 {
            let outcome = two.run(seed);
            assert!(
                outcome.lost() == 0 && outcome.times_bound() <= 1.20 && outcome.least_share >= 0.42,
                "lag {lag}, seed {seed}: {outcome:?}"
            );
        }
    }
}

/// Those who are always refused must not keep the others out, nor slow them down by more than half. Where a third or more of all are refused for their own sake it cannot be: a gate learns who they are by as
/// many attempts.
#[test]
fn those_who_are_always_refused_starve_nobody() {
    for (limit, hint, most) in [
        ("none", Hint::None, 1.5),
        ("token-bucket rate=10 burst=60", Hint::None, 1.5),
        ("token-bucket rate=10 burst=20", Hint::Seconds, 1.5),
        ("token-bucket rate=5 burst=20", Hint::None, 1.5),
        ("fixed-window limit=100 window=5s", Hint::None, 1.5),
        ("fixed-window limit=40 window=5s", Hint::None, 1.5),
        ("fixed-window limit=40 window=5s", Hint::Seconds, 1.5),
    ] {
        for look in [REFUSED, Look::Reset] {
            if look == Look::Reset && hint != Hint::None {
                continue;
            }
            let storm = Storm {
                look,
                hint,
                ..paced(limit, 200)
            };
            let without = storm.run_all(20);
            for banned in [1, 4, 10, 20] {
                let with = Storm {
                    banned,
                    ..storm.clone()
                }
                .run_all(20);
                assert!(
                    with.lost == 0 && with.makespan <= most * without.makespan,
                    "{limit} {look:?} {banned}: {with:?} against {without:?}"
                );
            }
        }
    }
}

/// So near that nobody else is under way when one is refused: nothing tells the refusal from that of a window that is used up.
#[test]
fn a_refusal_of_ones_own_is_not_taken_for_the_end_of_a_window_that_let_in_more_before() {
    for (limit, most) in [
        ("fixed-window limit=100 window=5s", 1.5),
        ("fixed-window limit=40 window=5s", 1.5),
    ] {
        let mut storm = paced(limit, 200);
        (storm.round_trip, storm.hint) = (NEAR, Hint::None);
        let without = storm.run_all(40);
        for banned in [1, 4, 10, 20] {
            storm.banned = banned;
            let with = storm.run_all(40);
            assert!(
                with.lost == 0 && with.makespan <= most * without.makespan,
                "{limit} {banned}: {with:?} against {without:?}"
            );
        }
    }
}

#[test]
fn a_cap_before_those_who_are_always_refused_is_used_none_the_less() {
    let mut storm = paced("concurrency limit=20", 200);
    (storm.look, storm.hint) = (Look::Status(503), Hint::None);
    storm.held = Some(Duration::from_millis(1_500));
    let without = storm.run_all(20);
    for (banned, most) in [(1, 1.2), (10, 1.45), (20, 1.5), (50, 1.6)] {
        storm.banned = banned;
        let with = storm.run_all(20);
        assert!(
            with.lost == 0 && with.makespan <= most * without.makespan,
            "{banned}: {with:?} against {without:?}"
        );
    }
}

#[test]
fn a_quarter_that_is_always_refused_costs_half_the_time_at_most() {
    for (limit, hint, most) in [
        ("none", Hint::None, 1.5),
        ("token-bucket rate=10 burst=60", Hint::None, 1.5),
        ("token-bucket rate=5 burst=20", Hint::None, 1.5),
        ("token-bucket rate=10 burst=20", Hint::Seconds, 1.5),
    ] {
        let mut storm = paced(limit, 200);
        storm.hint = hint;
        let without = storm.run_all(40);
        storm.banned = 50;
        let with = storm.run_all(40);
        assert!(
            with.lost == 0 && with.makespan <= most * without.makespan,
            "{limit}: {with:?} against {without:?}"
        );
    }
}

#[test]
fn a_quarter_that_is_always_refused_keeps_nobody_out() {
    for limit in [
        "none",
        "token-bucket rate=10 burst=60",
        "token-bucket rate=10 burst=20",
        "token-bucket rate=5 burst=20",
    ] {
        for round_trip in [NEAR, FAR] {
            let mut storm = paced(limit, 200);
            (storm.round_trip, storm.hint, storm.banned) = (round_trip, Hint::None, 50);
            let sum = storm.run_all(40);
            assert_eq!(sum.lost, 0, "{limit} {round_trip:?}: {sum:?}");
        }
    }
}

#[test]
fn one_banned_account_costs_the_other_forty_next_to_nothing() {
    for seed in 0..20 {
        let mut storm = paced("none", 41);
        storm.banned = 1;
        let outcome = storm.run(seed);
        assert!(
            outcome.lost() == 0 && outcome.makespan < Duration::from_millis(1_200),
            "{outcome:?}"
        );
    }
}

#[test]
fn even_a_fifth_that_is_always_refused_keeps_nobody_out() {
    for limit in ["none", "token-bucket rate=10 burst=20"] {
        let mut storm = paced(limit, 200);
        storm.banned = 40;
        storm.hint = Hint::None;
        let sum = storm.run_all(10);
        assert_eq!(sum.lost, 0, "{limit}: {sum:?}");
    }
}

#[test]
fn a_storm_repeats_to_the_digit() {
    let run = |seed| paced("sliding-window limit=50 window=10s reject-counts=true", 50).run(seed);
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}
