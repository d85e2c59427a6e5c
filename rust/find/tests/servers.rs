//! Several servers in one run: each has a limit of its own, and one of them is told of.

use find::{Finding, Kind, Observations, find};
use limiter::{LimitSpec, Limiter};
use std::fmt::Write as _;
use std::time::Duration;
use trace::jtl::Row;

/// Microseconds since 1970.
const BEGIN: u64 = 1_795_824_000_000_000;
const BUCKET: &str = "token-bucket rate=10 burst=20";
const WINDOW: &str = "fixed-window limit=30 window=3s";

/// Of a user who tries each so many milliseconds: when, and whether it was let in.
fn tried(limit: &str, each: u64, tries: u64) -> Vec<(u64, bool)> {
    let limit: LimitSpec = limit.parse().expect("a limit");
    let mut limiter = Limiter::new(&limit);
    let at = |nth: u64| BEGIN + 1_000 * each * nth + 1_300 * (nth * nth % 7);
    let one = |nth| {
        let passed = limiter.try_pass(Duration::from_micros(at(nth) + 500)).passed();
        (at(nth), passed)
    };
    (0..tries).map(one).collect()
}

fn lines(address: &str, tried: &[(u64, bool)]) -> String {
    let mut lines = String::new();
    for (nth, (at, passed)) in tried.iter().enumerate() {
        let status = if *passed { 101 } else { 429 };
        writeln!(
            lines,
            r#"{{"at":{at},"target":"{address}","user":"U {nth}","ordinal":0,"attempt":1,"sentUs":1,"headUs":1000,"totalUs":1001,"status":{status}}}"#
        )
        .expect("a text");
    }
    lines
}

fn read(lines: &str) -> Observations {
    let mut observations = Observations::new();
    for record in trace::Reader::new(lines.as_bytes()) {
        observations.add_record(0, &record.expect("a whole line"));
    }
    observations
}

/// A bucket that refuses much, and a window beside it that does less.
fn of_two() -> String {
    let bucket = lines("ws://a.test/agents", &tried(BUCKET, 40, 300));
    bucket + &lines("ws://b.test:9001/", &tried(WINDOW, 70, 180))
}

fn noted(found: &Finding, text: &str) -> bool {
    found.notes.iter().any(|note| note.contains(text))
}

#[test]
fn the_server_that_refused_most_is_told_of_and_the_other_one_named() {
    let both = find(&read(&of_two()));
    let alone = find(&read(&lines("ws://a.test/agents", &tried(BUCKET, 40, 300))));
    assert_eq!(alone.kind, Kind::TokenBucket, "{alone:?}");
    assert_eq!(
        (both.kind, both.burst, both.decisions, both.contradicted),
        (Kind::TokenBucket, Some(20), alone.decisions, 0),
        "{both:?}"
    );
    for text in [
        "this is of ws://a.test, which refused",
        "ws://b.test:9001 refused",
        "find --target ws://b.test:9001",
    ] {
        assert!(noted(&both, text), "{text}: {:?}", both.notes);
    }
    assert!(!noted(&alone, "--target"), "{:?}", alone.notes);
}

#[test]
fn the_other_one_is_told_of_where_it_is_asked_for_by_whichever_address() {
    for asked in [
        "ws://b.test:9001",
        "http://B.test:9001/other?x=1",
        "b.test:9001",
        "ws://u:p@b.test:9001/",
    ] {
        let mut observations = read(&of_two());
        assert!(observations.ask_for(asked), "{asked}");
        let found = find(&observations);
        assert_eq!(
            (found.kind, found.limit, found.decisions),
            (Kind::FixedWindow, Some(30), 180),
            "{asked}: {found:?}"
        );
    }
    let mut observations = read(&of_two());
    assert!(!observations.ask_for("wss://b.test:9001"));
    assert!(!observations.ask_for("ws://c.test"));
}

#[test]
fn servers_that_share_a_limit_are_judged_together_where_both_are_asked_for() {
    let tried = tried(BUCKET, 40, 300);
    let mut lines_of_both = String::new();
    for (nth, one) in tried.chunks(1).enumerate() {
        let address = if nth % 3 == 0 {
            "ws://a.test/"
        } else {
            "ws://b.test/"
        };
        lines_of_both += &lines(address, one);
    }
    let mut observations = read(&lines_of_both);
    assert!(observations.ask_for("a.test") && observations.ask_for("b.test"));
    let found = find(&observations);
    assert_eq!(
        (found.kind, found.burst, found.decisions),
        (Kind::TokenBucket, Some(20), 300),
        "{found:?}"
    );
}

#[test]
fn paths_ports_as_they_are_usual_and_cases_make_no_other_server() {
    let tried = tried(BUCKET, 40, 300);
    let mut same = String::new();
    for (nth, one) in tried.chunks(1).enumerate() {
        let addresses = [
            "ws://a.test/agents",
            "ws://A.test:80/chats?token=7",
            "http://a.test",
        ];
        same += &lines(addresses[nth % 3], one);
    }
    let found = find(&read(&same));
    assert_eq!(
        (found.kind, found.decisions),
        (Kind::TokenBucket, 300),
        "{found:?}"
    );
    assert!(!noted(&found, "--target"), "{:?}", found.notes);
}

#[test]
fn a_server_that_let_nobody_in_is_not_told_of_where_another_one_has_a_limit() {
    let dead: Vec<(u64, bool)> = (0..900).map(|nth| (BEGIN + 9_000 * nth, false)).collect();
    let found = find(&read(
        &(lines("ws://dead.test/", &dead) + &lines("ws://a.test/", &tried(BUCKET, 40, 300))),
    ));
    assert_eq!(
        (found.kind, found.decisions),
        (Kind::TokenBucket, 300),
        "{found:?}"
    );
    assert!(
        noted(&found, "ws://dead.test refused 900 of 900 attempts"),
        "{:?}",
        found.notes
    );
}

#[test]
fn where_nobody_was_refused_all_count() {
    let of = |address| lines(address, &tried("none", 40, 30));
    let found = find(&read(&(of("ws://a.test/") + &of("ws://b.test/"))));
    assert_eq!((found.kind, found.decisions), (Kind::None, 60), "{found:?}");
}

#[test]
fn what_did_not_reach_the_others_is_not_counted_here() {
    let failed = r#"{"at":1795824000000000,"target":"ws://b.test/","user":"F","ordinal":0,"attempt":1,"totalUs":9,"error":"tcp.refused"}"#;
    let mut all =
        lines("ws://a.test/", &tried(BUCKET, 40, 300)) + &lines("ws://b.test/", &tried("none", 40, 3));
    all += failed;
    let observations = read(&(all + "\n"));
    assert_eq!(observations.aside(), 0);
    let mut alone = observations.clone();
    assert!(alone.ask_for("b.test"));
    assert_eq!((alone.aside(), alone.decisions().len()), (1, 3));
}

#[test]
fn rows_of_result_files_are_told_apart_by_their_addresses() {
    let mut observations = Observations::new();
    let mut add = |url: Option<&str>, label: &str, tried: &[(u64, bool)]| {
        for (nth, (at, passed)) in tried.iter().enumerate() {
            observations.add_row(
                0,
                &Row {
                    time_stamp: at / 1_000,
                    elapsed: 1,
                    label: label.to_owned(),
                    code: if *passed { "200" } else { "429" }.to_owned(),
                    thread: format!("U {nth}"),
                    latency: Some(1),
                    url: url.map(str::to_owned),
                    ..Row::default()
                },
            );
        }
    };
    // The same label, as a variable in the address makes it.
    add(Some("http://a.test/login"), "Log in", &tried(BUCKET, 40, 300));
    add(Some("http://b.test/login"), "Log in", &tried(WINDOW, 70, 180));
    add(Some("null"), "Script", &tried("none", 40, 30));
    add(None, "Old", &tried("none", 40, 30));
    let found = find(&observations);
    assert_eq!(
        (found.kind, found.decisions),
        (Kind::TokenBucket, 300),
        "{found:?}"
    );
    assert!(noted(&found, "60 attempts have no address"), "{:?}", found.notes);
    assert!(observations.ask_for("http://b.test"));
    let found = find(&observations);
    assert_eq!(
        (found.kind, found.limit, found.decisions),
        (Kind::FixedWindow, Some(30), 180),
        "{found:?}"
    );
}

#[test]
fn of_many_servers_the_busiest_are_named_and_the_rest_counted() {
    let mut all = lines("ws://a.test/", &tried(BUCKET, 40, 300));
    for nth in 0..20 {
        all += &lines(&format!("ws://{nth}.test/"), &tried(BUCKET, 40, 30 + nth));
    }
    let found = find(&read(&all));
    let note = found.notes.iter().find(|note| note.contains("--target"));
    let note = note.expect("others are told");
    assert!(
        note.contains("ws://19.test") && note.contains("15 more"),
        "{note}"
    );
    assert!(!note.contains("ws://3.test"), "{note}");
}
