//! What controllers and the timer write into the trace file.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jmeter::{Engine, Handle};
use serde_json::{Value, json};

use crate::controls::step;

/// A control that is traced.
fn traced(engine: &Engine, element: &str, properties: &Value, path: &Path) -> Handle {
    let spec = json!({
        "element": element, "name": "n", "properties": properties, "user": "u", "ordinal": 3, "trace": path,
    });
    engine.control(spec.to_string().as_bytes()).unwrap()
}

/// Ends the test, so that all is written; the lines as event names, and the lines.
fn lines(engine: &Engine, path: &Path) -> (Vec<String>, Vec<Value>) {
    engine.shutdown().unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .skip(1) // the version
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap().to_owned());
    (names.collect(), lines)
}

#[test]
fn a_retry_traces_each_attempt_with_what_it_met_and_how_long_it_waited() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let engine = Engine::default();
    let properties =
        json!({"wsb.shared.mode": "observe", "wsb.retry.maxAttempts": "3", "wsb.retry.base": "5ms"});
    let retry = traced(&engine, "RetryController", &properties, &path);
    let turn = json!({"event": "turn", "target": "http://h/login?x=1"});
    let refused = json!({
        "event": "failed", "label": "call", "code": "429", "headers": "retry-after-ms: 20", "last": true,
    });
    let error = json!({"event": "failed", "label": "call", "code": "Non HTTP response code: java.net.SocketException", "last": true});
    step(&engine, retry, &json!({"event": "begin"}));
    for (failed, code) in [
        (&refused, "429"),
        (&error, "Non HTTP response code: java.net.SocketException"),
    ] {
        step(&engine, retry, &turn);
        step(&engine, retry, failed);
        assert_eq!(
            step(
                &engine,
                retry,
                &json!({"event": "over", "ok": false, "code": code})
            )["go"],
            true
        );
    }
    step(&engine, retry, &turn);
    step(
        &engine,
        retry,
        &json!({"event": "over", "ok": true, "code": "200"}),
    );
    // The next time it is broken off, the time after that its thread goes: both are told.
    for _ in 0..2 {
        step(&engine, retry, &json!({"event": "begin"}));
        step(&engine, retry, &refused);
    }
    engine.release(retry).unwrap();

    let (names, lines) = lines(&engine, &path);
    assert_eq!(names, ["attempt"; 5], "{lines:#?}");
    let attempts: Vec<&Value> = lines.iter().map(|line| &line["attempt"]).collect();
    assert_eq!(attempts, [1, 2, 3, 1, 1], "{lines:#?}");
    let ordinals: Vec<&Value> = lines.iter().map(|line| &line["ordinal"]).collect();
    assert_eq!(ordinals, [3, 3, 3, 4, 5], "{lines:#?}");
    for line in &lines {
        let who = (&line["element"], &line["name"], &line["user"]);
        assert_eq!(who, (&json!("RetryController"), &json!("n"), &json!("u")));
        assert!(line["at"].as_u64().unwrap() > 1_600_000_000_000_000 && line["totalUs"].is_u64());
    }
    let (first, second, third) = (&lines[0], &lines[1], &lines[2]);
    assert_eq!(
        (&first["status"], &first["class"]),
        (&json!(429), &json!("throttle"))
    );
    assert_eq!(
        (&first["label"], &first["target"]),
        (&json!("call"), &json!("http://h/login?x=1"))
    );
    assert_eq!(
        first["hint"],
        json!({"source": "retry-after-ms", "raw": "20", "ms": 20.0, "ignored": null})
    );
    assert!(first["waitMs"].as_f64().unwrap() >= 20.0);
    assert!(first["waitedMs"].as_f64() >= Some(19.0), "{first}");
    assert_eq!(first["gate"]["mode"], "observe");
    assert!(second["error"].as_str().unwrap().ends_with("SocketException") && second["status"].is_null());
    assert!(
        second["gate"]["rate"].as_f64().unwrap() < 50.0,
        "the throttle was told: {second}"
    );
    assert!(second["at"].as_u64() > first["at"].as_u64());
    assert_eq!(
        (&third["status"], &third["stop"]),
        (&json!(200), &json!("succeeded"))
    );
    assert!(third["class"].is_null() && third["waitMs"].is_null());
    assert_eq!(
        (&lines[3]["stop"], &lines[4]["stop"]),
        (&json!("left"), &json!("left"))
    );
}

#[test]
fn a_turn_that_never_came_is_traced_as_no_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let engine = Engine::default();
    let properties = json!({"wsb.shared.mode": "pace"});
    let [first, second] = ["a", "b"].map(|_| traced(&engine, "RetryController", &properties, &path));
    for (retry, go) in [(first, true), (second, false)] {
        step(&engine, retry, &json!({"event": "begin"}));
        let mut turn = json!({"event": "turn", "target": "t"});
        if !go {
            turn["leftMs"] = 30.into();
        }
        assert_eq!(step(&engine, retry, &turn)["go"], go);
        step(
            &engine,
            retry,
            &json!({"event": "failed", "label": "l", "code": "503", "headers": "Retry-After: 60", "last": true}),
        );
        step(
            &engine,
            retry,
            &json!({"event": "over", "ok": false, "code": "503", "leftMs": 0}),
        );
    }
    let (names, lines) = lines(&engine, &path);
    let no_turn = lines.iter().find(|line| line["event"] == "no-turn").unwrap();
    assert_eq!(names.iter().filter(|name| *name == "no-turn").count(), 1);
    assert_eq!(
        (&no_turn["stop"], &no_turn["attempt"]),
        (&json!("schedule-end"), &json!(1))
    );
    assert!(no_turn["gate"]["waitedMs"].as_f64().unwrap() >= 29.0, "{no_turn}");
    assert_eq!(no_turn["gate"]["queue"], 1, "itself: {no_turn}");
}

#[test]
fn one_fetch_for_all_traces_who_fetched_who_waited_and_who_went_without() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let engine = Arc::new(Engine::default());
    let properties = json!({
        "wsb.once.variables": "token", "wsb.once.timeout": "10s", "wsb.retry.maxAttempts": "2",
        "wsb.retry.base": "1ms",
    });
    let enter = json!({"event": "enter"});
    let sample =
        |code: &str| json!({"ok": code == "200", "code": code, "headers": "retry-after-ms: 5", "ageMs": 0});
    let [first, second, third] = ["a"; 3].map(|_| traced(&engine, "OnceController", &properties, &path));
    assert_eq!(step(&engine, first, &enter)["run"], true);
    assert_eq!(
        step(&engine, third, &json!({"event": "enter", "leftMs": 2}))["endThread"],
        true
    );
    let other = engine.clone();
    let waits = thread::spawn(move || step(&other, second, &json!({"event": "enter"})));
    thread::sleep(Duration::from_millis(50)); // it should be in the queue by now, but need not
    step(&engine, first, &json!({"event": "leave"}));
    assert_eq!(waits.join().unwrap()["run"], true, "the duty went on");
    let failed = json!({"event": "done", "variables": {}, "sample": sample("429")});
    assert_eq!(step(&engine, second, &failed)["run"], true, "it may try again");
    let done = json!({"event": "done", "variables": {"token": "t"}, "sample": sample("200")});
    step(&engine, second, &done);
    step(&engine, first, &enter); // found, without a wait

    let (names, lines) = lines(&engine, &path);
    assert_eq!(
        names,
        ["fetch", "without", "left", "fetch", "failed", "fetch", "fetched"],
        "{lines:#?}"
    );
    assert!(
        lines
            .iter()
            .all(|line| line["element"] == "OnceController" && line["target"] == "n")
    );
    assert_eq!(lines[1]["stop"], "schedule-end");
    assert!(lines[1]["waitedMs"].as_f64().unwrap() >= 1.0);
    let (failed, fetched) = (&lines[4], &lines[6]);
    assert_eq!(
        (&failed["status"], &failed["class"]),
        (&json!(429), &json!("throttle"))
    );
    assert_eq!(failed["hint"]["ms"], 5.0);
    assert!(failed["waitMs"].as_f64().unwrap() >= 5.0);
    assert_eq!(
        (&fetched["status"], &fetched["attempt"]),
        (&json!(200), &json!(2))
    );
}

#[test]
fn a_thread_that_got_the_values_of_another_is_traced_with_its_wait() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let engine = Arc::new(Engine::default());
    let properties = json!({"wsb.once.variables": "token"});
    let [first, second] = ["a"; 2].map(|_| traced(&engine, "OnceController", &properties, &path));
    step(&engine, first, &json!({"event": "enter"}));
    let other = engine.clone();
    let waits = thread::spawn(move || step(&other, second, &json!({"event": "enter"})));
    thread::sleep(Duration::from_millis(50)); // it should be in the queue by now, but need not
    step(
        &engine,
        first,
        &json!({"event": "done", "variables": {"token": "t"}}),
    );
    assert_eq!(waits.join().unwrap()["variables"]["token"], "t");
    let (names, lines) = lines(&engine, &path);
    let waited = lines.iter().find(|line| line["event"] == "waited");
    // On a machine that is very busy it may have come when the values were there.
    assert!(waited.is_some() || names == ["fetch", "fetched"], "{lines:#?}");
    assert!(waited.is_none_or(|line| line["waitedMs"].as_f64().unwrap() >= 1.0));
}

#[test]
fn a_pace_timer_traces_its_turns_and_the_throttles_that_it_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let engine = Engine::default();
    let timer = traced(&engine, "PaceTimer", &json!({}), &path);
    let turn = json!({"event": "turn"});
    step(&engine, timer, &turn);
    step(
        &engine,
        timer,
        &json!({"event": "sampled", "ok": true, "code": "200"}),
    );
    step(&engine, timer, &turn);
    step(
        &engine,
        timer,
        &json!({"event": "sampled", "ok": false, "code": "503", "headers": "Retry-After: 9"}),
    );
    step(&engine, timer, &json!({"event": "turn", "leftMs": 20}));
    let fixed = traced(
        &engine,
        "PaceTimer",
        &json!({"wsb.pace.mode": "fixed", "wsb.pace.rate": "7"}),
        &path,
    );
    step(&engine, fixed, &turn);
    let (names, lines) = lines(&engine, &path);
    assert_eq!(names, ["turn", "turn", "throttled", "turn", "turn"], "{lines:#?}");
    let ordinals: Vec<&Value> = lines.iter().map(|line| &line["ordinal"]).collect();
    assert_eq!(ordinals, [0, 1, 1, 2, 0]);
    let throttled = &lines[2];
    assert_eq!(
        (&throttled["status"], &throttled["class"]),
        (&json!(503), &json!("throttle"))
    );
    assert_eq!(throttled["hint"]["raw"], "9");
    assert!(
        throttled["gate"]["holdMs"].as_f64().unwrap() > 5_000.0,
        "{throttled}"
    );
    assert_eq!(lines[3]["stop"], "schedule-end");
    assert!(lines[3]["gate"]["waitedMs"].as_f64().unwrap() >= 19.0);
    assert_eq!(
        (&lines[4]["gate"]["mode"], &lines[4]["gate"]["rate"]),
        (&json!("fixed"), &json!(7.0))
    );
}

#[test]
fn a_trace_that_cannot_be_written_is_told_by_every_step() {
    let engine = Engine::default();
    for (element, event) in [
        ("RetryController", "begin"),
        ("OnceController", "enter"),
        ("PaceTimer", "turn"),
    ] {
        let control = traced(
            &engine,
            element,
            &json!({}),
            Path::new("/does/not/exist/trace.jsonl"),
        );
        let answer = step(&engine, control, &json!({"event": event}));
        let detail = answer["failure"]["detail"].as_str().unwrap();
        assert!(detail.starts_with("wsb.trace: "), "{detail}");
    }
}
