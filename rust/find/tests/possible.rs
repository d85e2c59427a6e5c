//! Made-up runs that more than one kind of limit explains: what is named, and when nothing is.

use find::{Decision, Finding, Kind, Observations, Outcome, find};

/// When the first attempt was sent, in microseconds since 1970.
const BEGIN: u64 = 1_795_824_000_000_000;

/// An attempt that is decided 5 ms after it was sent, and answered in 10.
fn decided(sent: u64, passed: bool) -> Decision {
    Decision {
        sent,
        answered: sent + 10_000,
        outcome: if passed { Outcome::Passed } else { Outcome::Refused },
        user: 0,
        target: 0,
        status: Some(if passed { 101 } else { 429 }),
        hint: None,
        ended: None,
    }
}

fn found(decisions: impl IntoIterator<Item = Decision>) -> Finding {
    let mut observations = Observations::new();
    decisions.into_iter().for_each(|one| observations.add(one));
    find(&observations)
}

#[test]
fn what_refusals_of_one_moment_told_names_no_kind_alone() {
    // All come at once, half of them are refused and told the same; they obey, and are let in at once.
    let first = (0..240).map(|nth| decided(BEGIN + 1_000 * nth, nth < 120));
    let told = first.map(|one| Decision {
        hint: (one.outcome == Outcome::Refused).then_some((4_000.0, 0)),
        ..one
    });
    let again = (120..240).map(|nth| decided(BEGIN + 4_000_000 + 1_000 * nth, true));
    let found = found(told.chain(again));
    for kind in [Kind::FixedWindow, Kind::SlidingWindow, Kind::SlidingCounter] {
        assert!(
            found.kind == kind || found.also_possible.contains(&kind),
            "{kind:?} in {found:?}"
        );
    }
    assert!(found.guess().is_some(), "{found:?}");
}

#[test]
fn where_all_users_stay_as_long_their_places_are_told_beside_a_window_of_that_length() {
    const STAY: u64 = 1_500_000;
    let mut ends: Vec<u64> = Vec::new();
    let decisions = (0..1_000).map(|nth: u64| {
        let sent = BEGIN + 20_000 * nth + 137 * (nth * nth % 97);
        ends.retain(|end| *end > sent + 5_000);
        let passed = ends.len() < 10;
        if passed {
            ends.push(sent + 10_000 + STAY);
        }
        Decision {
            ended: passed.then_some(sent + 10_000 + STAY),
            ..decided(sent, passed)
        }
    });
    let found = found(decisions.collect::<Vec<_>>());
    let places = found.kind == Kind::Concurrency || found.also_possible == [Kind::Concurrency];
    assert!(places, "{found:?}");
}

#[test]
fn a_few_refusals_that_fit_in_any_order_name_no_kind() {
    let refused = [40, 41, 90];
    let found = found((0..120).map(|nth| decided(BEGIN + 100_000 * nth, !refused.contains(&nth))));
    assert_eq!(found.kind, Kind::Unknown, "{found:?}");
}

#[test]
fn one_who_hammers_at_a_long_window_sees_its_length() {
    // Of the first thousands of attempts none falls into an opening.
    let passed = |nth: u64| nth % 12_000 < 120;
    let found = found((0..26_000).map(|nth| decided(BEGIN + 5_000 * nth, passed(nth))));
    assert_eq!(
        (found.kind, found.limit),
        (Kind::FixedWindow, Some(120)),
        "{found:?}"
    );
    let window = found.window_ms.expect("a window");
    assert!((window / 60_000.0 - 1.0).abs() < 0.01, "{found:?}");
}
