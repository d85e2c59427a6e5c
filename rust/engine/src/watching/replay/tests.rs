//! Traces made by hand, whose figures are known.

use super::*;

use std::borrow::Cow;

use trace::{ClosedBy, HintRecord, StartRecord};

/// 2026, in microseconds.
const BEGIN: u64 = 1_790_000_000 * SECOND;

fn attempt(user: &str, number: u64, at_ms: u64, took_ms: u64) -> AttemptRecord<'_> {
    AttemptRecord {
        at: BEGIN + at_ms * 1_000,
        user: Cow::Borrowed(user),
        attempt: number,
        total_us: took_ms * 1_000,
        ..AttemptRecord::default()
    }
}

/// Refused, with a hint of 10 s; then a pause of 2 s.
fn refused<'a>(user: &'a str, number: u64, at_ms: u64, stop: Option<&'static str>) -> Record<'a> {
    Record::Attempt(AttemptRecord {
        status: Some(429),
        error: Some("upgrade.status".into()),
        class: Some("throttle".into()),
        hint: Some(HintRecord {
            ms: Some(10_000.0),
            ..HintRecord::default()
        }),
        waited_ms: stop.is_none().then_some(2_000.0),
        stop: stop.map(Into::into),
        ..attempt(user, number, at_ms, 100)
    })
}

fn connected(user: &str, number: u64, at_ms: u64) -> Record<'_> {
    Record::Attempt(AttemptRecord {
        status: Some(101),
        stop: Some(CONNECTED.into()),
        ..attempt(user, number, at_ms, 100)
    })
}

fn closed(user: &str, at_ms: u64, by: ClosedBy) -> Record<'_> {
    Record::Closed(ClosedRecord {
        at: BEGIN + at_ms * 1_000,
        element: "".into(),
        connection: "".into(),
        target: "".into(),
        user: user.into(),
        ordinal: 0,
        code: None,
        by,
        error: None,
        open_ms: 0.0,
        sent_messages: 0,
        received_messages: 0,
        sent_bytes: 0,
        received_bytes: 0,
    })
}

fn text(records: &[Record<'_>]) -> String {
    let start = Record::Start(StartRecord::new("0")).line();
    start + &records.iter().map(Record::line).collect::<String>()
}

fn story() -> Vec<Record<'static>> {
    vec![
        connected("a", 1, 0),
        // Written when its connect was over, so behind what happened later.
        refused("b", 1, 500, None),
        refused("b", 2, 2_600, None),
        connected("b", 3, 4_700),
        closed("a", 3_500, ClosedBy::Server),
        refused("c", 1, 1_200, Some("max-elapsed")),
        closed("b", 9_999, ClosedBy::TestEnd),
    ]
}

#[test]
fn the_figures_go_as_the_trace_tells() {
    let told = replay(text(&story()).as_bytes()).unwrap();
    let rows = told.history.rows();
    let crowds: Vec<_> = rows
        .iter()
        .map(|row| {
            let crowd = row.crowd;
            (row.at.as_secs(), crowd.connected, crowd.waiting, crowd.lost)
        })
        .collect();
    let expected = [
        (1, 1, 1, 0),
        (2, 1, 1, 1),
        (3, 1, 1, 1),
        (4, 0, 1, 1),
        (5, 1, 0, 1),
        (6, 1, 0, 1),
        (7, 1, 0, 1),
        (8, 1, 0, 1),
        (9, 1, 0, 1),
        (10, 0, 0, 1),
    ];
    assert_eq!(crowds, expected);
    assert_eq!(rows[4].crowd.users(), 2);
    // The hint of the attempt that ended at 2.7 s holds up to 12.7 s.
    assert_eq!(rows[2].hint, Duration::from_millis(9_700));
    assert!((rows[0].rate - 2.0).abs() < 0.001, "{rows:#?}");
    let moment = told.moment;
    assert_eq!(moment.attempts, [2, 3, 0, 0, 0]);
    assert_eq!(moment.ends[ClosedBy::Server as usize], 1);
    assert_eq!(moment.ends[ClosedBy::TestEnd as usize], 1);
    assert_eq!(moment.connects["connected"], 2);
    assert_eq!(moment.connects["max-elapsed"], 1);
    assert_eq!((moment.to_connect.count, moment.waits.count), (2, 2));
    assert_eq!(moment.to_connect.sum, Duration::from_millis(100 + 4_300));
    assert!(told.skipped.is_none());
}

#[test]
fn whoever_gets_in_later_is_not_lost() {
    let later = [refused("a", 1, 0, Some("max-attempts")), connected("a", 1, 2_000)];
    let told = replay(text(&later).as_bytes()).unwrap();
    let lost: Vec<u64> = told.history.rows().iter().map(|row| row.crowd.lost).collect();
    assert_eq!(lost, [1, 1, 0]);
}

#[test]
fn turns_and_waits_at_a_gate_are_waits_and_those_of_timers_hold() {
    let gate = |waited_ms| GateRecord {
        mode: "pace".into(),
        waited_ms,
        rate: Some(2.5),
        ..GateRecord::default()
    };
    let missed = Record::Attempt(AttemptRecord {
        gate: Some(gate(3_000.0)),
        error: Some("gate.timeout".into()),
        stop: Some("max-elapsed".into()),
        ..attempt("a", 1, 3_000, 0)
    });
    let turn = |event: &'static str| {
        Record::Event(EventRecord {
            at: BEGIN + 2_000_000,
            event: event.into(),
            gate: Some(gate(1_500.0)),
            ..EventRecord::default()
        })
    };
    let told = replay(text(&[missed, turn("turn"), turn("throttled")]).as_bytes()).unwrap();
    let rows = told.history.rows();
    let places = |row: &Row| (row.crowd.waiting, row.crowd.held, row.crowd.lost);
    let places: Vec<_> = rows.iter().map(places).collect();
    assert_eq!(places, [(1, 1, 0), (1, 1, 0), (1, 0, 0), (0, 0, 1)]);
    assert_eq!(told.moment.attempts, [0; 5], "none was made");
    assert_eq!(rows[3].gate, Some(2.5));
    assert_eq!(told.moment.waits.count, 2);
}

#[test]
fn what_is_no_trace_is_refused_and_a_bad_line_is_counted() {
    let page = "<html>\n".repeat(30);
    assert!(matches!(replay(page.as_bytes()), Err(ReadError::NotATrace(20))));
    let foreign = "{\"trace\":\"ws-backoff\",\"version\":9}\n";
    assert!(matches!(
        replay(foreign.as_bytes()),
        Err(ReadError::Version { .. })
    ));
    let cut = text(&story());
    let told = replay(&cut.as_bytes()[..cut.len() - 20]).unwrap();
    let (count, why) = told.skipped.unwrap();
    assert_eq!((count, why.to_string().contains("cut")), (1, true));
    assert_eq!(told.moment.crowd.connected, 1, "its end is not told");
    let nothing = replay(&b""[..]).unwrap();
    assert_eq!(nothing.moment.crowd.users(), 0);
}

#[test]
fn a_time_that_cannot_be_true_costs_nothing() {
    let begun = std::time::Instant::now();
    let mut odd = attempt("a", 1, 0, 1);
    odd.at = 0;
    let told = replay(text(&[Record::Attempt(odd), connected("b", 1, 0)]).as_bytes()).unwrap();
    assert!(told.history.rows().len() <= crate::watching::history::MOST_ROWS);
    // Fifty years of seconds would take minutes.
    assert!(begun.elapsed() < Duration::from_secs(20));
}
