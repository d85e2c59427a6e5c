//! Lines: what is written is read, what was written by the first release is read, and what cannot be read is told with its place.

use std::borrow::Cow;

use proptest::option;
use proptest::prelude::*;
use trace::{
    AttemptRecord, ClosedBy, ClosedRecord, EventRecord, GateRecord, HintRecord, LARGEST, ReadError, Reader,
    Record, StartRecord, Unreadable,
};

/// Lines of the first release, which had no line that says the version.
const OLD: &str = concat!(
    r#"{"at":1795887532400460,"element":"ConnectSampler","target":"ws://127.0.0.1:21062/","user":"express-draft7 2-137","ordinal":0,"attempt":1,"dnsUs":null,"tcpUs":54,"proxyUs":null,"tlsUs":null,"sentUs":90,"headUs":324479,"redirects":0,"totalUs":324514,"status":429,"error":"upgrade.status","class":"throttle","hint":{"source":"retry-after","raw":"4","ms":4000.0,"ignored":null},"gate":null,"waitMs":4209.027,"waitedMs":4217.017,"stop":null}"#,
    "\n",
    r#"{"at":1,"element":"RetryController","name":"n","user":"U 1-1","ordinal":0,"event":"attempt","attempt":2,"status":200,"gate":{"mode":"observe","waitedMs":24.755,"rate":50.01,"queue":5,"holdMs":0.0},"stop":"succeeded"}"#,
    "\n",
);

fn read(text: &str) -> Vec<Result<Record<'static>, ReadError>> {
    Reader::new(text.as_bytes()).collect()
}

/// As messages, or what was read.
fn told(text: &str) -> Vec<String> {
    let shown = read(text).into_iter().map(|read| match read {
        Ok(Record::Start(_)) => "start".to_owned(),
        Ok(Record::Attempt(attempt)) => format!("attempt at {}", attempt.at),
        Ok(Record::Event(event)) => format!("event at {}", event.at),
        Ok(Record::Closed(closed)) => format!("closed at {}", closed.at),
        Err(error) => error.to_string(),
    });
    shown.collect()
}

#[test]
fn lines_of_the_first_release_are_read() {
    let records = read(OLD);
    let [Ok(Record::Attempt(attempt)), Ok(Record::Event(event))] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!(
        (attempt.at, attempt.head_us),
        (1_795_887_532_400_460, Some(324_479))
    );
    assert_eq!((attempt.status, attempt.wait_ms), (Some(429), Some(4_209.027)));
    assert_eq!(attempt.hint.as_ref().map(|hint| hint.ms), Some(Some(4_000.0)));
    assert_eq!(
        (event.attempt, event.stop.as_deref()),
        (Some(2), Some("succeeded"))
    );
    assert_eq!(event.gate.as_ref().map(|gate| gate.queue), Some(5));
    let written: String = records.into_iter().map(|record| record.unwrap().line()).collect();
    assert_eq!(written, OLD, "nothing is called, ordered or rounded otherwise");
}

#[test]
fn unknown_fields_and_further_first_lines_are_no_hindrance() {
    let start = Record::Start(StartRecord::new("0.1.0")).line();
    assert_eq!(
        start,
        "{\"trace\":\"ws-backoff\",\"version\":1,\"release\":\"0.1.0\"}\n"
    );
    let newer = OLD.replace("\"at\":1,", "\"at\":1,\"new\":[{}],");
    let text = format!("{start}{OLD}{start}\r\n{newer}");
    let expected = [
        "start",
        "attempt at 1795887532400460",
        "event at 1",
        "start",
        "attempt at 1795887532400460",
        "event at 1",
    ];
    assert_eq!(told(&text), expected);
}

#[test]
fn what_cannot_be_read_is_told_with_its_line() {
    let (attempt, event) = OLD.split_once('\n').unwrap();
    let torn = &attempt[..100];
    for (text, expected) in [
        (
            format!("{event}{torn}"),
            vec!["event at 1", "line 2 is no record: it is cut"],
        ),
        (
            format!("{event}{torn}{event}{event}"),
            vec![
                "event at 1",
                "line 2 is no record: expected `,` or `}` at line 1 column 103",
                "event at 1",
            ],
        ),
        (
            format!("{event}{{\"at\": 1}}\n{event}"),
            vec![
                "event at 1",
                "line 2 is no record: missing field `target` at line 1 column 9",
                "event at 1",
            ],
        ),
        (
            "{\"trace\":\"another\",\"version\":1}\n".to_owned(),
            vec!["line 1 is no record: it is of a trace of \"another\""],
        ),
        (
            format!("{event}{}\n{event}", "x".repeat(3_000_000)),
            vec![
                "event at 1",
                "line 2 is no record: it is longer than 1048576 bytes",
                "event at 1",
            ],
        ),
        (String::new(), vec![]),
    ] {
        assert_eq!(told(&text), expected);
    }
    let bytes = [event.as_bytes(), b"\xff\n", event.as_bytes(), b"{\"\xc3"].concat();
    let mut reader = Reader::new(&bytes[..]);
    assert!(matches!(reader.next(), Some(Ok(Record::Event(_)))));
    let not_text = reader.next();
    assert!(
        matches!(
            &not_text,
            Some(Err(ReadError::Line {
                line: 2,
                reason: Unreadable::NotText
            }))
        ),
        "{not_text:?}"
    );
    assert!(matches!(reader.next(), Some(Ok(_))));
    assert_eq!(reader.line(), 3);
    let cut = reader.next();
    assert!(
        matches!(
            &cut,
            Some(Err(ReadError::Line {
                line: 4,
                reason: Unreadable::Cut
            }))
        ),
        "{cut:?}"
    );
    assert!(reader.next().is_none());
}

#[test]
fn lines_of_another_version_are_told_once_and_skipped() {
    let (_, event) = OLD.split_once('\n').unwrap();
    let (other, ours) = (
        "{\"trace\":\"ws-backoff\",\"version\":2}\n",
        "{\"trace\":\"ws-backoff\",\"version\":1}\n",
    );
    let text = format!("{event}{other}{{\"x\":1}}\nnot JSON\n{event}{ours}{event}");
    assert_eq!(
        told(&text),
        [
            "event at 1",
            "line 2: version 2 of the trace cannot be read, only 1",
            "start",
            "event at 1"
        ]
    );
}

#[test]
fn a_file_of_something_else_is_given_up_early() {
    let text = "<html>\n".repeat(100_000);
    let told = told(&text);
    assert_eq!(told.len(), 20);
    assert_eq!(
        told.last().unwrap(),
        "not a trace: none of the first 20 lines is a record"
    );
}

fn text() -> impl Strategy<Value = Cow<'static, str>> {
    ".*".prop_map(Cow::from)
}

/// As they are made: microseconds, in milliseconds.
fn ms() -> impl Strategy<Value = f64> {
    (0_u32..=u32::MAX).prop_map(|us| f64::from(us) / 1e3)
}

fn hint() -> impl Strategy<Value = HintRecord<'static>> {
    (text(), text(), option::of(ms()), option::of(text())).prop_map(|(source, raw, ms, ignored)| HintRecord {
        source,
        raw,
        ms,
        ignored,
    })
}

fn gate() -> impl Strategy<Value = GateRecord<'static>> {
    (text(), ms(), option::of(ms()), whole(), ms()).prop_map(|(mode, waited_ms, rate, queue, hold_ms)| {
        GateRecord {
            mode,
            waited_ms,
            rate,
            queue,
            hold_ms,
        }
    })
}

fn whole() -> std::ops::RangeInclusive<u64> {
    0..=LARGEST
}

fn us() -> impl Strategy<Value = Option<u64>> {
    option::of(whole())
}

fn attempt() -> impl Strategy<Value = AttemptRecord<'static>> {
    let who = (whole(), text(), text(), text(), whole(), whole());
    let stages = (us(), us(), us(), us(), us(), us(), whole(), whole(), us(), us());
    let seen = (any::<Option<u16>>(), option::of(text()), option::of(text()));
    let then = (
        option::of(hint()),
        option::of(gate()),
        option::of(ms()),
        option::of(ms()),
        option::of(text()),
    );
    (who, stages, seen, then).prop_map(|(who, stages, seen, then)| AttemptRecord {
        at: who.0,
        element: who.1,
        target: who.2,
        user: who.3,
        ordinal: who.4,
        attempt: who.5,
        dns_us: stages.0,
        dns_queue_us: stages.8,
        tcp_us: stages.1,
        proxy_us: stages.2,
        tls_us: stages.3,
        sent_us: stages.4,
        head_us: stages.5,
        redirects: stages.6,
        total_us: stages.7,
        stalled_us: stages.9,
        status: seen.0,
        error: seen.1,
        class: seen.2,
        hint: then.0,
        gate: then.1,
        wait_ms: then.2,
        waited_ms: then.3,
        stop: then.4,
    })
}

fn event() -> impl Strategy<Value = EventRecord<'static>> {
    let name = text().prop_filter("that is another record", |name| name != "closed");
    // What an attempt has, an event has too; only some of it may be missing.
    (attempt(), name, text(), any::<(bool, bool)>()).prop_map(|(attempt, event, name, (numbered, named))| {
        EventRecord {
            at: attempt.at,
            element: attempt.element,
            name,
            user: attempt.user,
            ordinal: attempt.ordinal,
            event,
            target: named.then_some(attempt.target),
            label: attempt.class.clone(),
            unmet: numbered && named,
            attempt: numbered.then_some(attempt.attempt),
            total_us: attempt.sent_us,
            status: attempt.status,
            error: attempt.error,
            class: attempt.class,
            hint: attempt.hint,
            gate: attempt.gate,
            wait_ms: attempt.wait_ms,
            waited_ms: attempt.waited_ms,
            stop: attempt.stop,
        }
    })
}

fn closed() -> impl Strategy<Value = ClosedRecord<'static>> {
    let by = prop_oneof![
        Just(ClosedBy::Server),
        Just(ClosedBy::Client),
        Just(ClosedBy::Lost),
        Just(ClosedBy::Keeper),
        Just(ClosedBy::Cancelled),
        Just(ClosedBy::TestEnd),
    ];
    let who = ((whole(), whole()), text(), text(), text(), text());
    let end = (any::<Option<u16>>(), by, option::of(text()), ms());
    (who, end, prop::array::uniform4(whole())).prop_map(|(who, end, counts)| ClosedRecord {
        at: who.0.0,
        element: who.1,
        connection: who.2,
        target: who.3,
        user: who.4,
        ordinal: who.0.1,
        code: end.0,
        by: end.1,
        error: end.2,
        open_ms: end.3,
        sent_messages: counts[0],
        received_messages: counts[1],
        sent_bytes: counts[2],
        received_bytes: counts[3],
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        records in prop::collection::vec(
            prop_oneof![
                attempt().prop_map(Record::Attempt),
                event().prop_map(Record::Event),
                closed().prop_map(Record::Closed),
                text().prop_map(|release| Record::Start(StartRecord {
                    release: Some(release),
                    ..StartRecord::new("")
                })),
            ],
            0..6,
        )
    ) {
        let mut text = String::new();
        for record in &records {
            record.append_to(&mut text);
        }
        prop_assert_eq!(text.lines().count(), records.len());
        let read: Vec<_> = read(&text).into_iter().map(|read| read.map_err(|error| error.to_string())).collect();
        prop_assert_eq!(read, records.into_iter().map(Ok).collect::<Vec<_>>());
    }
}

/// The same line with each of its numbers in turn that a time or a count could be, as its path and the line.
fn with_numbers(value: &serde_json::Value, number: &serde_json::Value) -> Vec<(String, serde_json::Value)> {
    let mut lines = Vec::new();
    for (key, inner) in value.as_object().expect("a line is an object") {
        let mut put = |path: String, changed: serde_json::Value| {
            let mut line = value.clone();
            line[key] = changed;
            lines.push((path, line));
        };
        match inner {
            serde_json::Value::Number(_) => put(key.clone(), number.clone()),
            serde_json::Value::Object(_) => with_numbers(inner, number)
                .into_iter()
                .for_each(|(path, changed)| put(format!("{key}.{path}"), changed)),
            _ => {}
        }
    }
    lines
}

#[test]
fn numbers_that_no_clock_gives_make_a_line_unreadable_whatever_their_field() {
    let whole = [
        r#"{"at":1,"target":"ws://h/","user":"U","ordinal":0,"attempt":1,"dnsUs":1,"dnsQueueUs":1,"tcpUs":1,"proxyUs":1,"tlsUs":1,"sentUs":1,"headUs":1,"redirects":1,"totalUs":1,"stalledUs":1,"status":429,"hint":{"source":"s","raw":"4","ms":1.0},"gate":{"mode":"m","waitedMs":1.0,"rate":1.0,"queue":1,"holdMs":1.0},"waitMs":1.0,"waitedMs":1.0}"#,
        r#"{"at":1,"element":"E","name":"n","user":"U","ordinal":0,"event":"attempt","attempt":2,"totalUs":1,"status":200,"hint":{"source":"s","raw":"4","ms":1.0},"gate":{"mode":"m","waitedMs":1.0,"rate":1.0,"queue":1,"holdMs":1.0},"waitMs":1.0,"waitedMs":1.0}"#,
        r#"{"event":"closed","at":1,"element":"E","target":"ws://h/","user":"U","ordinal":0,"code":1000,"by":"server","openMs":1.0,"sentMessages":1,"receivedMessages":1,"sentBytes":1,"receivedBytes":1}"#,
    ];
    let mut fields = 0;
    for line in whole {
        assert!(matches!(read(line)[..], [Ok(_)]), "{line}");
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        for number in [serde_json::json!(u64::MAX), serde_json::json!((1_u64 << 53) + 2)] {
            for (path, line) in with_numbers(&value, &number) {
                fields += 1;
                let read = read(&format!("{line}\n{line}\n"));
                assert!(read.iter().all(Result::is_err), "{path}: {read:?}");
            }
        }
    }
    assert!(fields > 60, "{fields}");
}
