//! What is told of candidates.

use super::*;
use ::find::{Observations, find};

fn candidate(class: Class, limit: &str, scale: f64) -> Candidate {
    Candidate {
        class,
        limit: limit.parse().unwrap(),
        contradicted: 0,
        explains: true,
        proven: true,
        counts: (20.0, 20.0),
        scale: (scale, scale),
        block: None,
    }
}

fn told(candidates: &[Candidate]) -> Finding {
    let seen = find(&Observations::new());
    finding(seen, candidates, Some(Ending::Known), Duration::ZERO)
}

fn blocking(class: Class, limit: &str, window: (f64, f64)) -> Candidate {
    Candidate {
        scale: window,
        block: Some((9.9, 10.1)),
        ..candidate(class, limit, 3.0)
    }
}

#[test]
fn a_server_that_blocks_is_told_with_a_limit_that_does_so() {
    for (class, text, how) in [
        (
            Class::Blocks,
            "fixed-window limit=20 window=3s block=10s",
            "after a refusal",
        ),
        (
            Class::BlocksAnew,
            "fixed-window limit=20 window=3s block=10s reject-counts=true",
            "after the last attempt",
        ),
    ] {
        let found = told(&[blocking(class, text, (3.0, 3.1))]);
        assert_eq!(
            (found.kind, found.limit, found.window_ms, found.block_ms),
            (Kind::FixedWindow, Some(20), Some(3_000.0), Some(10_000.0)),
            "{found:?}"
        );
        assert_eq!(
            found.limit_spec.as_ref().map(ToString::to_string).as_deref(),
            Some(text)
        );
        assert_eq!(found.intervals["blockMs"], [9_900.0, 10_100.0]);
        assert!(found.cannot_tell.is_empty(), "{found:?}");
        let sentence = found.sentence();
        let blocks = format!("20 per 3 s, from its first attempt on, blocked for 10 s {how}");
        assert!(sentence.contains(&blocks), "{sentence}");
    }
    let wide = told(&[blocking(
        Class::Blocks,
        "fixed-window limit=20 window=3s block=10s",
        (0.5, 4.0),
    )]);
    assert!(
        wide.cannot_tell[0].contains("0.5 to 4.0 s do as well"),
        "{wide:?}"
    );
}

#[test]
fn a_window_that_may_be_a_block_is_named_with_that_open() {
    let window = candidate(Class::Sliding, "sliding-window limit=20 window=10s", 10.0);
    let block = blocking(
        Class::Blocks,
        "fixed-window limit=20 window=3s block=10s",
        (3.0, 3.0),
    );
    let found = told(&[window.clone(), block.clone()]);
    assert_eq!(
        (found.kind, found.limit, found.block_ms),
        (Kind::SlidingWindow, Some(20), None),
        "{found:?}"
    );
    assert_eq!(found.also_possible, []);
    let open = |found: &Finding| {
        found
            .cannot_tell
            .iter()
            .any(|line| line.contains("blocked for a time"))
    };
    assert!(open(&found), "{found:?}");
    assert!(!open(&told(std::slice::from_ref(&window))));
    let found = told(&[block, window]);
    assert_eq!(found.also_possible, [Kind::SlidingWindow]);
    assert!(open(&found), "{found:?}");
}

#[test]
fn a_queue_in_which_one_at_most_waits_is_a_bucket() {
    for (limit, burst) in [
        ("queue rate=9.9 burst=20 delay=19", 20),
        ("queue rate=9.9 burst=19 delay=19", 20),
    ] {
        let found = told(&[candidate(Class::Queue, limit, 9.9)]);
        assert_eq!(
            (found.kind, found.burst, found.rate_per_second),
            (Kind::TokenBucket, Some(burst), Some(9.9)),
            "{found:?}"
        );
        assert!(
            found.notes.iter().any(|note| note.contains("waits for a token")),
            "{found:?}"
        );
    }
    for limit in [
        "queue rate=9.9 burst=20 delay=10",
        "queue rate=9.9 burst=20",
        "queue rate=9.9 burst=2 delay=2",
    ] {
        assert_eq!(
            told(&[candidate(Class::Queue, limit, 9.9)]).kind,
            Kind::Queue,
            "{limit}"
        );
    }
}

#[test]
fn whether_refusals_count_stays_open_where_another_possible_kind_says_otherwise() {
    let window = candidate(Class::Fixed, "fixed-window limit=60 window=5s", 5.0);
    let counter = |class| candidate(class, "sliding-counter limit=60 window=5s", 5.0);
    for (other, counted) in [(Class::CounterCounts, None), (Class::Counter, Some(false))] {
        let found = told(&[window.clone(), counter(other)]);
        assert_eq!(
            (found.kind, found.refusals_count, &found.also_possible[..]),
            (Kind::FixedWindow, counted, &[Kind::SlidingCounter][..]),
            "{found:?}"
        );
    }
    // A worse one has no word.
    let mut worse = counter(Class::CounterCounts);
    worse.contradicted = 1;
    assert_eq!(told(&[window, worse]).refusals_count, Some(false));
}

#[test]
fn a_cap_whose_places_get_free_late_is_a_cap_with_a_word_about_it() {
    let found = told(&[candidate(Class::Late, "concurrency limit=20", 4.97)]);
    assert_eq!(
        (found.kind, found.limit),
        (Kind::Concurrency, Some(20)),
        "{found:?}"
    );
    let late = "a place gets free about 5 s after its connection is closed";
    assert!(found.notes.iter().any(|note| note == late), "{found:?}");
}

/// A rate without a burst was told as one that may be a queue as well, which the budget did not suffice to tell it from.
#[test]
fn what_is_the_same_limit_is_no_other_one() {
    let bucket = Candidate {
        counts: (1.0, 1.0),
        ..candidate(Class::Bucket, "token-bucket rate=10 burst=1", 10.0)
    };
    let found = told(&[bucket]);
    let same = [Kind::FixedWindow, Kind::SlidingWindow, Kind::Queue];
    assert!(
        found.ruled_out.iter().all(|out| !same.contains(&out.kind)),
        "{found:?}"
    );
    assert!(
        found.notes.iter().any(|note| note.contains("are the same limit")),
        "{found:?}"
    );
    let counts = "token-bucket rate=20 burst=19 reject-counts=true";
    let found = told(&[candidate(Class::Drips, counts, 20.0)]);
    assert_eq!(
        (found.kind, found.refusals_count),
        (Kind::TokenBucket, Some(true))
    );
    assert!(
        found.notes.iter().any(|note| note.contains("two have to come")),
        "{found:?}"
    );
}

#[test]
fn a_window_that_refusals_renew_leaves_open_only_what_comes_before_one() {
    let window = candidate(
        Class::FixedCounts,
        "fixed-window limit=20 window=10s reject-counts=true",
        10.0,
    );
    let text = "fixed-window limit=20 window=3s block=10s reject-counts=true";
    for (before, open) in [((0.5, 10.5), true), ((9.9, 10.1), false)] {
        let found = told(&[window.clone(), blocking(Class::BlocksAnew, text, before)]);
        assert_eq!(found.cannot_tell.len(), usize::from(open), "{found:?}");
        let says = |line: &String| line.contains("before anybody is refused: 0.5 to 10.5 s");
        assert_eq!(found.cannot_tell.iter().any(says), open, "{found:?}");
    }
}

/// A larger budget was asked for with most of it left.
#[test]
fn what_more_it_takes_is_said_as_it_is() {
    let alike = [
        candidate(Class::Fixed, "fixed-window limit=20 window=5s", 5.0),
        candidate(Class::Sliding, "sliding-window limit=20 window=5s", 5.0),
    ];
    let unproven = [Candidate {
        proven: false,
        ..alike[0].clone()
    }];
    for (ending, says, never) in [
        (Ending::Tries, "--budget", "--time"),
        (Ending::Beyond(Short::Tries), "--budget", "--time"),
        (Ending::Unproven(Short::Tries), "--budget", "--time"),
        (Ending::Time, "--time", "--budget"),
        (Ending::Beyond(Short::Time), "--time", "--budget"),
        (Ending::Unproven(Short::Time), "--time", "--budget"),
        (Ending::Alike, "", "--budget"),
    ] {
        let seen = find(&Observations::new());
        let of = if matches!(ending, Ending::Unproven(_)) {
            &unproven[..]
        } else {
            &alike[..]
        };
        let found = finding(seen, of, Some(ending), Duration::ZERO);
        let open = found.cannot_tell.join("; ");
        assert!(
            !open.is_empty() && open.contains(says) && !open.contains(never),
            "{ending:?}: {open}"
        );
    }
}
