//! A storm of users against a limiter, in virtual time: the default policy must let everybody in soon, without hammering.

use backoff::{Backoff, HttpAnswer, Next, Policy, Seen, StopReason, Strategy, stream_seed};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const USERS: usize = 200;
/// To the server and back; the limiter decides in the middle.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// The limiters of the storm; rejections cost nothing.
enum Limiter {
    Bucket {
        rate: f64,
        burst: f64,
        tokens: f64,
        filled: Duration,
    },
    Window {
        limit: u32,
        length: Duration,
        index: u32,
        used: u32,
    },
}

impl Limiter {
    fn bucket(rate: f64, burst: f64) -> Self {
        Self::Bucket {
            rate,
            burst,
            tokens: burst,
            filled: Duration::ZERO,
        }
    }

    fn window(limit: u32, length: Duration) -> Self {
        Self::Window {
            limit,
            length,
            index: 0,
            used: 0,
        }
    }

    /// `Err`: refused; after this time there is room again.
    fn pass(&mut self, now: Duration) -> Result<(), Duration> {
        match self {
            Self::Bucket {
                rate,
                burst,
                tokens,
                filled,
            } => {
                *tokens = (*tokens + (now - *filled).as_secs_f64() * *rate).min(*burst);
                *filled = now;
                if *tokens < 1.0 {
                    return Err(Duration::from_secs_f64((1.0 - *tokens) / *rate));
                }
                *tokens -= 1.0;
                Ok(())
            }
            Self::Window {
                limit,
                length,
                index,
                used,
            } => {
                // Window `index` is the one that ends at `(index + 1) * length`.
                while now >= *length * (*index + 1) {
                    (*index, *used) = (*index + 1, 0);
                }
                if used == limit {
                    return Err(*length * (*index + 1) - now);
                }
                *used += 1;
                Ok(())
            }
        }
    }
}

#[derive(Debug)]
struct Outcome {
    /// When the last user got in.
    makespan: Duration,
    attempts_per_user: f64,
    gave_up: Vec<StopReason>,
}

/// All users start at once; `hints`: refusals carry `Retry-After` in whole seconds, rounded up.
fn storm(policy: &Arc<Policy>, mut limiter: Limiter, hints: bool, seed: u64) -> Outcome {
    let name = |user| format!("Thread Group 1-{user}");
    let start = |user| Backoff::new(policy.clone(), Some(stream_seed(seed, &name(user), 0)));
    let mut users: Vec<Backoff> = (0..USERS).map(start).collect();
    // When the request reaches the server, and whose it is.
    let mut arrivals: BinaryHeap<_> = (0..USERS).map(|user| Reverse((ROUND_TRIP / 2, user))).collect();
    let (mut attempts, mut makespan, mut gave_up) = (0_u32, Duration::ZERO, Vec::new());
    while let Some(Reverse((now, user))) = arrivals.pop() {
        attempts += 1;
        let answered = now + ROUND_TRIP / 2;
        let Err(retry_in) = limiter.pass(now) else {
            makespan = makespan.max(answered);
            continue;
        };
        let seconds = retry_in.as_secs_f64().ceil().max(1.0);
        let headers = if hints {
            vec![("Retry-After".to_string(), seconds.to_string())]
        } else {
            vec![]
        };
        let answer = HttpAnswer {
            status: 429,
            headers: &headers,
            body: b"",
            now: SystemTime::UNIX_EPOCH + answered,
        };
        match users[user].after(&Seen::Answer(answer), answered).next {
            Next::Wait(wait) => arrivals.push(Reverse((answered + wait + ROUND_TRIP / 2, user))),
            Next::Stop(stop) => gave_up.push(stop),
        }
    }
    Outcome {
        makespan,
        attempts_per_user: f64::from(attempts) / USERS as f64,
        gave_up,
    }
}

/// Seconds and attempts a user, both as means over the seeds; nobody may have given up.
fn mean(seeds: std::ops::Range<u32>, make: fn() -> Limiter, hints: bool) -> (f64, f64) {
    let policy = Arc::new(Policy::default());
    let runs = f64::from(seeds.end - seeds.start);
    let (mut makespan, mut attempts) = (0.0, 0.0);
    for seed in seeds {
        let outcome = storm(&policy, make(), hints, seed.into());
        assert!(outcome.gave_up.is_empty(), "seed {seed}: {outcome:?}");
        makespan += outcome.makespan.as_secs_f64() / runs;
        attempts += outcome.attempts_per_user / runs;
    }
    (makespan, attempts)
}

fn fast() -> Limiter {
    Limiter::bucket(10.0, 20.0)
}

fn slow() -> Limiter {
    Limiter::bucket(5.0, 20.0)
}

#[test]
fn the_default_policy_lets_a_storm_through_a_token_bucket_within_twice_the_bound() {
    // (N - B) / R is the soonest that any policy can get all users in.
    for (make, bound) in [(fast as fn() -> Limiter, 18.0), (slow, 36.0)] {
        for hints in [false, true] {
            let (makespan, attempts) = mean(1..4, make, hints);
            assert!(
                makespan <= 2.0 * bound && attempts <= 5.5,
                "{bound} {hints}: {makespan} {attempts}"
            );
        }
    }
}

#[test]
fn the_default_policy_keeps_its_figures_over_many_seeds() {
    // Measured over 1500 seeds, standard deviation of the seconds 2.9: 4 in 100 single runs of the first case take more than 36 s.
    for (make, hints, seconds, attempts) in [
        (fast as fn() -> Limiter, false, 30.6, 3.43),
        (fast, true, 29.8, 3.29),
        (slow, false, 52.1, 4.55),
        (slow, true, 53.1, 4.21),
    ] {
        let (makespan, tries) = mean(0..200, make, hints);
        assert!(
            (makespan - seconds).abs() < 1.0 && (tries - attempts).abs() < 0.05,
            "{makespan} {tries}"
        );
    }
}

#[test]
fn a_hint_brings_everybody_in_right_after_the_window() {
    let policy = Arc::new(Policy::default());
    for seed in 1..=3 {
        let outcome = storm(&policy, Limiter::window(100, Duration::from_secs(60)), true, seed);
        assert!(outcome.gave_up.is_empty(), "{outcome:?}");
        assert!(outcome.makespan <= Duration::from_secs(70), "{outcome:?}");
        assert!(outcome.attempts_per_user <= 2.0, "{outcome:?}");
    }
}

#[test]
fn a_window_without_hints_needs_more_attempts_but_leaves_nobody_out() {
    let (makespan, attempts) = mean(1..4, || Limiter::window(120, Duration::from_secs(60)), false);
    assert!(makespan <= 95.0 && attempts <= 5.5, "{makespan} {attempts}");
}

#[test]
fn three_fixed_pauses_leave_out_forty_percent() {
    // The story of the team: 500 ms three times, while the window lets in 120 of 200.
    let policy = Arc::new(Policy {
        strategy: Strategy::Fixed,
        base: Duration::from_millis(500),
        max_attempts: 4,
        ..Policy::default()
    });
    let outcome = storm(&policy, Limiter::window(120, Duration::from_secs(60)), false, 1);
    assert_eq!(outcome.gave_up, vec![StopReason::MaxAttempts; 80]);
}

#[test]
fn a_storm_repeats_to_the_digit() {
    let policy = Arc::new(Policy::default());
    let run = |seed| storm(&policy, Limiter::bucket(10.0, 20.0), true, seed).makespan;
    assert_eq!(run(9), run(9));
    assert_ne!(run(9), run(10));
}
