//! Pages as their readers get them, from records as they stand in traces.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small numbers of the test's own

use std::time::{Duration, Instant};

use report::{Answer, Cure, Page, Run};
use trace::jtl::Row;
use trace::{AttemptRecord, ClosedBy, ClosedRecord, EventRecord, GateRecord, HintRecord, Record};

const START: u64 = 1_795_887_319_000_000;
const SECOND: u64 = 1_000_000;

/// An attempt at that second that took 2 ms.
fn attempt(user: &str, number: u64, second: f64) -> AttemptRecord<'static> {
    AttemptRecord {
        at: START + (second * 1e6).round() as u64,
        element: "ConnectSampler".into(),
        target: "ws://127.0.0.1:9001/".into(),
        user: user.to_owned().into(),
        attempt: number,
        tcp_us: Some(300),
        sent_us: Some(400),
        head_us: Some(1_900),
        total_us: 2_000,
        ..AttemptRecord::default()
    }
}

fn connected(user: &str, number: u64, second: f64) -> Record<'static> {
    Record::Attempt(AttemptRecord {
        status: Some(101),
        stop: Some("connected".into()),
        ..attempt(user, number, second)
    })
}

fn throttled(
    user: &str,
    number: u64,
    second: f64,
    hint_ms: f64,
    waited_ms: f64,
    stop: Option<&str>,
) -> Record<'static> {
    Record::Attempt(AttemptRecord {
        status: Some(429),
        error: Some("upgrade.status".into()),
        class: Some("throttle".into()),
        hint: Some(HintRecord {
            source: "retry-after".into(),
            raw: "2".into(),
            ms: Some(hint_ms),
            ignored: None,
        }),
        waited_ms: stop.is_none().then_some(waited_ms),
        stop: stop.map(|stop| stop.to_owned().into()),
        ..attempt(user, number, second)
    })
}

/// Two users get in, one of them after 2.5 s; the third gives up after 9 s.
fn records() -> Vec<Record<'static>> {
    vec![
        connected("U 1-1", 1, 0.0),
        throttled("U 1-2", 1, 0.1, 2_000.0, 2_400.0, None),
        connected("U 1-2", 2, 2.502),
        throttled("U 1-3", 1, 0.2, 2_000.0, 1_000.0, None),
        throttled("U 1-3", 2, 1.202, 2_000.0, 8_000.0, None),
        throttled("U 1-3", 3, 9.204, 2_000.0, 0.0, Some("max-elapsed")),
    ]
}

fn run(records: &[Record<'_>]) -> Run {
    let mut run = Run::new();
    for record in records {
        run.take(record);
    }
    run
}

fn page(run: &Run) -> String {
    let cure = |code: &str| {
        (code == "tcp.refused").then_some(Cure {
            message: "The connection was refused",
            help: "Look whether the server is up.",
        })
    };
    Page {
        title: "run.jsonl",
        run,
        before: None,
        answers: &[],
        cure: &cure,
    }
    .html()
}

/// The text of the row that begins with this, its cells apart by `|`.
fn row(page: &str, begin: &str) -> String {
    let rows = page
        .split("<tr>")
        .map(|row| row.split("</tr>").next().unwrap_or_default());
    let texts = rows.map(|row| {
        let mut text = String::new();
        let mut inside = false;
        for letter in row.replace("</th>", "|").replace("</td>", "|").chars() {
            match letter {
                '<' => inside = true,
                '>' => inside = false,
                _ if !inside => text.push(letter),
                _ => {}
            }
        }
        text
    });
    let mut found = texts.filter(|text| text.starts_with(begin));
    found
        .next()
        .unwrap_or_else(|| panic!("no row begins with {begin}"))
}

#[test]
fn the_page_begins_with_who_got_in_and_the_longest_wait() {
    let run = run(&records());
    assert_eq!(
        run.sentence(),
        "2 of 3 users got in, 1 lost. The longest wait was 9 s (U 1-3)."
    );
    assert!(page(&run).contains(&run.sentence()));
    assert_eq!(self::run(&records()[..1]).sentence(), "The one user got in.");
    assert_eq!(
        self::run(&records()[..2]).sentence(),
        "1 of 2 users got in, 1 was still trying where the trace ends."
    );
    assert_eq!(self::run(&[]).sentence(), "No attempt was made.");
    assert!(self::run(&[]).is_empty() && page(&self::run(&[])).contains("No attempt was made."));
}

#[test]
fn hints_say_who_obeyed_them_and_to_what_avail() {
    let page = page(&run(&records()));
    // U 1-2 and the second attempt of U 1-3 obeyed; the latter was refused again; U 1-3 came early once.
    assert_eq!(
        row(&page, "retry-after"),
        "retry-after|4|2 s, at most 2 s|2|1|1||"
    );
}

#[test]
fn errors_come_with_their_cures_and_reasons_to_give_up_with_theirs() {
    let mut records = records();
    records.push(Record::Attempt(AttemptRecord {
        error: Some("tcp.refused".into()),
        class: Some("transient".into()),
        head_us: None,
        sent_us: None,
        stop: Some("max-attempts".into()),
        ..attempt("U 1-4", 1, 1.0)
    }));
    let page = page(&run(&records));
    assert!(
        row(&page, "429").starts_with("429|4|throttled|1|The server throttles"),
        "{}",
        row(&page, "429")
    );
    assert_eq!(
        row(&page, "tcp.refused"),
        "tcp.refused|1|failed, may pass|1|The connection was refused. Look whether the server is up.|"
    );
    assert!(row(&page, "max-elapsed").contains("wsb.retry.maxElapsed"));
    assert!(row(&page, "max-attempts").starts_with("max-attempts|1|"));
}

#[test]
fn times_count_from_the_first_wish_to_the_open_socket() {
    let mut queued = attempt("U 1-1", 1, 10.0);
    queued.status = Some(101);
    queued.stop = Some("connected".into());
    queued.gate = Some(GateRecord {
        mode: "pace".into(),
        waited_ms: 4_000.0,
        rate: Some(2.0),
        queue: 7,
        hold_ms: 0.0,
    });
    let run = run(&[Record::Attempt(queued)]);
    assert_eq!(
        run.sentence(),
        "The one user got in. The longest wait was 4 s (U 1-1)."
    );
    let page = page(&run);
    assert!(
        row(&page, "ConnectSampler ws://127.0.0.1:9001/").ends_with("|1|1|0|4 s|4 s|4 s|4 s|"),
        "{page}"
    );
    assert!(page.contains("The gate's rate") && page.contains("Users in the gate's queue"));
}

#[test]
fn ends_of_connections_are_told_by_their_reason() {
    let closed = |by, code, error: Option<&'static str>| {
        Record::Closed(ClosedRecord {
            at: START + 5 * SECOND,
            element: "ConnectSampler".into(),
            connection: "main".into(),
            target: "ws://127.0.0.1:9001/".into(),
            user: "U 1-1".into(),
            ordinal: 0,
            code,
            by,
            error: error.map(Into::into),
            open_ms: 3_000.0,
            sent_messages: 2,
            received_messages: 5,
            sent_bytes: 0,
            received_bytes: 0,
        })
    };
    let mut records = records();
    records.push(closed(ClosedBy::Server, Some(1013), None));
    records.push(closed(ClosedBy::Server, Some(1013), None));
    records.push(closed(ClosedBy::Keeper, None, Some("connection.lost")));
    let page = page(&run(&records));
    assert_eq!(
        row(&page, "the server closed, 1013"),
        "the server closed, 1013|2|3 s|3 s|4|10|"
    );
    assert_eq!(
        row(&page, "no pong came, connection.lost"),
        "no pong came, connection.lost|1|3 s|3 s|2|5|"
    );
    assert!(page.contains("open connections"));
}

#[test]
fn controllers_and_timers_stand_beside_what_connects() {
    let event = |element: &'static str, event: &'static str, stop: Option<&'static str>| {
        Record::Event(EventRecord {
            at: START,
            element: element.into(),
            name: "Orders".into(),
            user: "U 1-1".into(),
            event: event.into(),
            total_us: Some(1_500_000),
            status: Some(200),
            stop: stop.map(Into::into),
            ..EventRecord::default()
        })
    };
    let run = run(&[
        event("RetryController", "attempt", Some("succeeded")),
        event("OnceController", "fetch", None),
        event("OnceController", "fetched", None),
        event("OnceController", "without", Some("timeout")),
    ]);
    assert_eq!(run.sentence(), "The one user succeeded.");
    let page = page(&run);
    assert!(
        row(&page, "RetryController Orders").starts_with("RetryController Orders|1|1|0|1.5 s|"),
        "{page}"
    );
    assert!(
        row(&page, "OnceController Orders").starts_with("OnceController Orders|3|1|1|1.5 s|"),
        "{page}"
    );
}

#[test]
fn polls_that_succeed_are_no_failures_and_their_users_are_in_when_what_they_wait_for_comes() {
    let event = |user: &'static str, nth: u64, event: &'static str, stop: Option<&'static str>| EventRecord {
        at: START + nth * SECOND,
        element: "RetryController".into(),
        name: "Poll".into(),
        user: user.into(),
        event: event.into(),
        attempt: Some(nth),
        total_us: Some(1_000),
        stop: stop.map(Into::into),
        ..EventRecord::default()
    };
    let polled = |user, nth, stop| {
        Record::Event(EventRecord {
            unmet: stop != Some("succeeded"),
            status: Some(200),
            ..event(user, nth, "attempt", stop)
        })
    };
    let failed = Record::Event(EventRecord {
        status: Some(200),
        class: Some("transient".into()),
        ..event("U 1-4", 1, "attempt", Some("max-elapsed"))
    });
    let mut records = vec![
        polled("U 1-1", 1, None),
        polled("U 1-1", 2, Some("succeeded")),
        polled("U 1-2", 1, None),
        polled("U 1-2", 2, Some("max-elapsed")),
        polled("U 1-3", 1, None),
        Record::Event(event("U 1-3", 2, "no-sample", Some("no-sample"))),
    ];
    let polls = run(&records);
    assert!(
        polls.sentence().starts_with("1 of 3 users succeeded, 2 gave up."),
        "{}",
        polls.sentence()
    );
    let told = page(&polls);
    assert!(!told.contains("failed, may pass|"), "{told}");
    assert!(row(&told, "no-sample").starts_with("no-sample|1|"), "{told}");
    records.push(failed);
    let told = page(&run(&records));
    let error = row(&told, "200");
    assert!(error.starts_with("200|1|failed, may pass|"), "{error}");
    assert!(
        error.contains("an assertion failed the sample") && !error.contains("upgrade"),
        "{error}"
    );
}

#[test]
fn a_result_file_of_any_sampler_has_its_page() {
    let sample = |label: &str, code: &str, success| Row {
        time_stamp: START / 1_000,
        elapsed: 250,
        label: label.to_owned(),
        code: code.to_owned(),
        thread: format!("U {label}"),
        success: Some(success),
        ..Row::default()
    };
    let mut run = Run::new();
    run.sample(&sample("login", "200", true));
    run.sample(&sample("login", "429", false));
    run.sample(&sample("order", "Non HTTP response code: tcp.refused", false));
    assert_eq!(
        run.sentence(),
        "1 of 2 users had a sample that passed, 1 had none."
    );
    let page = page(&run);
    assert_eq!(row(&page, "login"), "login|2|1|250 ms|250 ms|250 ms|0 s|");
    assert!(row(&page, "429").starts_with("429|1|throttled|"), "{page}");
    assert!(
        row(&page, "tcp.refused").contains("Look whether the server is up."),
        "{page}"
    );
}

#[test]
fn two_runs_stand_side_by_side() {
    let (now, before) = (run(&records()), run(&records()[..1]));
    let page = Page {
        before: Some(("yesterday", &before)),
        ..Page {
            title: "today",
            run: &now,
            before: None,
            answers: &[],
            cure: &|_| None,
        }
    }
    .html();
    assert_eq!(row(&page, "users in"), "users in|1|2|");
    assert_eq!(row(&page, "users lost"), "users lost|0|1|");
    assert!(
        page.contains("Before: yesterday") && page.contains("Now: today"),
        "{page}"
    );
    assert!(
        page.contains("Nothing of this was seen."),
        "the run before had no errors"
    );
}

#[test]
fn answers_stand_before_all_else() {
    let run = run(&records());
    let answers = [Answer {
        question: "What the limit is".to_owned(),
        answer: "fixed window, 120 per 60 s".to_owned(),
        more: vec!["0 of 200 decisions contradict it".to_owned()],
        copy: Some("fixed-window limit=120 window=60s".to_owned()),
    }];
    let page = Page {
        title: "run",
        run: &run,
        before: None,
        answers: &answers,
        cure: &|_| None,
    }
    .html();
    let places = [
        "got in",
        "What the limit is",
        "limit=120 window=60s",
        "Users connected",
    ]
    .map(|text| page.find(text));
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{places:?}"
    );
}

#[test]
fn nothing_of_a_trace_gets_out_of_its_place() {
    const EVIL: &str = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)>\"'`&";
    let mut one = attempt(EVIL, 1, 0.0);
    one.target = EVIL.into();
    one.element = EVIL.into();
    one.error = Some(EVIL.into());
    one.class = Some(EVIL.into());
    one.stop = Some(EVIL.into());
    one.hint = Some(HintRecord {
        source: EVIL.into(),
        raw: EVIL.into(),
        ms: None,
        ignored: Some(EVIL.into()),
    });
    one.waited_ms = Some(5.0);
    let mut run = run(&[Record::Attempt(one)]);
    run.sample(&Row {
        label: EVIL.to_owned(),
        code: EVIL.to_owned(),
        thread: EVIL.to_owned(),
        ..Row::default()
    });
    let answers = [Answer {
        question: EVIL.to_owned(),
        answer: EVIL.to_owned(),
        more: vec![EVIL.to_owned()],
        copy: Some(EVIL.to_owned()),
    }];
    let page = Page {
        title: EVIL,
        run: &run,
        before: Some((EVIL, &run)),
        answers: &answers,
        cure: &|_| None,
    }
    .html();
    for tag in ["<script", "<img", "</style></title>"] {
        assert!(!page.contains(tag), "{tag} got through");
    }
    assert_eq!(page.matches("<title>").count(), 1);
    assert!(page.contains("&lt;script&gt;"));
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let page = page(&run(&records()));
    for outside in ["src=", "url(", "@import", "<link", "<script", "<iframe"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let address = "http://";
    let addresses: Vec<&str> = page
        .match_indices(address)
        .map(|(at, _)| &page[at..at + 24])
        .collect();
    assert!(
        addresses.iter().all(|found| *found == "http://www.w3.org/2000/s"),
        "{addresses:?}"
    );
}

#[test]
fn two_hundred_thousand_attempts_make_a_small_page_in_seconds() {
    let began = Instant::now();
    let mut run = Run::new();
    for index in 0..200_000u64 {
        let user = format!("Agents 1-{}", index % 20_000);
        let second = (index % 20_000) as f64 * 0.01 + (index / 20_000) as f64 * 30.0;
        let number = index / 20_000 + 1;
        run.take(&if number == 10 {
            connected(&user, number, second)
        } else {
            throttled(&user, number, second, 2_000.0, 29_990.0, None)
        });
    }
    let page = page(&run);
    assert!(
        run.sentence().starts_with("All 20,000 users got in."),
        "{}",
        run.sentence()
    );
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    // A debug build on a busy machine; the command itself is measured in release.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}
