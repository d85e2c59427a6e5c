//! Whole experiments in virtual time: what they find, and what they never do.

use limiter::LimitSpec;
use probe::rehearsal::{Way, rehearse};
use probe::{Budget, Candidate, Class, Ending, Probe, Step};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn way(milliseconds: u64) -> Way {
    Way {
        round_trip: Duration::from_millis(milliseconds),
        hiccup: Duration::from_millis(10),
        stall: Duration::ZERO,
    }
}

fn spec(text: &str) -> LimitSpec {
    text.parse().expect("a limit")
}

/// What an experiment of the usual budget finds, and after how many tries.
fn found(text: &str, way: Way) -> (Vec<Candidate>, u32) {
    found_by(text, way, 1)
}

fn found_by(text: &str, way: Way, seed: u64) -> (Vec<Candidate>, u32) {
    let budget = Budget {
        tries: 300,
        time: 600 * SECOND,
    };
    let mut probe = Probe::new(budget, seed);
    rehearse(&mut probe, &spec(text), 1_000 * SECOND, way, seed, |_, _, _| {});
    (probe.candidates(), probe.tries_made())
}

#[test]
fn each_kind_is_found_with_its_figures() {
    for (text, class, count, scale) in [
        ("token-bucket rate=5 burst=20", Class::Bucket, 20.0, 5.0),
        ("fixed-window limit=12 window=5s", Class::Fixed, 12.0, 5.0),
        ("sliding-window limit=10 window=3s", Class::Sliding, 10.0, 3.0),
        ("sliding-counter limit=20 window=4s", Class::Counter, 20.0, 4.0),
        ("queue rate=8 burst=20", Class::Queue, 20.0, 8.0),
        (
            "sliding-window limit=8 window=5s reject-counts=true",
            Class::SlidingCounts,
            8.0,
            5.0,
        ),
        (
            "token-bucket rate=2 burst=12 reject-counts=true",
            Class::BucketCounts,
            12.0,
            2.0,
        ),
    ] {
        let (candidates, tries) = found(text, way(5));
        let first = candidates.first().expect("something is found");
        assert_eq!(first.class, class, "{text}: {candidates:?} after {tries}");
        for (range, true_one) in [(first.counts, count), (first.scale, scale)] {
            let (low, high) = range;
            let around = low * 0.95..=high * 1.05;
            assert!(around.contains(&true_one), "{text}: {candidates:?} after {tries}");
        }
    }
}

/// HAProxy with two threads on a busy machine: what one of them held up was answered all at once, and was taken for a queue.
#[test]
fn a_server_that_stalls_is_no_queue() {
    let stalls = Way {
        stall: Duration::from_millis(60),
        ..way(1)
    };
    for text in [
        "sliding-counter limit=60 window=5s reject-counts=true",
        "token-bucket rate=10 burst=40",
    ] {
        for seed in 1..=10 {
            let (candidates, tries) = found_by(text, stalls, seed);
            let first = candidates.first();
            assert!(
                first.is_none_or(|first| first.class != Class::Queue),
                "{text}, seed {seed}: {candidates:?} after {tries}"
            );
        }
    }
}

#[test]
fn a_cap_on_open_connections_is_told_from_a_window() {
    let (candidates, _) = found("concurrency limit=12", way(20));
    assert_eq!(candidates[0].class, Class::Concurrency, "{candidates:?}");
    assert_eq!(candidates[0].limit, spec("concurrency limit=12"));
}

#[test]
fn where_nobody_is_refused_it_ends_within_its_share_of_the_budget() {
    let budget = Budget {
        tries: 100,
        time: 60 * SECOND,
    };
    let mut probe = Probe::new(budget, 1);
    let (ending, _) = rehearse(&mut probe, &LimitSpec::default(), SECOND, way(1), 1, |_, _, _| {});
    assert_eq!(ending, Ending::NoRefusal);
    assert!(probe.tries_made() <= 70);
    assert!(probe.candidates().is_empty());
}

#[test]
fn no_budget_is_ever_passed() {
    for (tries, seconds) in [(10, 600), (40, 600), (77, 600), (300, 5), (300, 30)] {
        for text in [
            "fixed-window limit=30 window=10s",
            "token-bucket rate=20 burst=5",
            "concurrency limit=9",
            "sliding-window limit=200 window=60s",
            "queue rate=2 burst=10",
        ] {
            let budget = Budget {
                tries,
                time: seconds * SECOND,
            };
            let mut probe = Probe::new(budget, 3);
            let mut planned = 0;
            let (_, took) = rehearse(&mut probe, &spec(text), SECOND, way(50), 3, |step, _, probe| {
                if let Step::Tries { legs, .. } = step {
                    let worst: u32 = legs.iter().map(|leg| leg.count).sum();
                    planned = planned.max(probe.tries_made() + worst);
                }
            });
            assert!(planned <= tries, "{text}: {planned} of {tries}");
            assert!(probe.tries_made() <= tries, "{text}");
            // The last answer may be waited for.
            assert!(
                took <= seconds * SECOND + 6 * SECOND,
                "{text}: {took:?} of {seconds} s"
            );
        }
    }
}

#[test]
fn the_same_seed_makes_the_same_tries() {
    let one = found("sliding-window limit=10 window=3s", way(5));
    let other = found("sliding-window limit=10 window=3s", way(5));
    assert_eq!(one, other);
}
