//! The engine as Java uses it, against scripted servers on raw sockets.

// Helpers of tests may fail as tests do.
#![allow(clippy::unwrap_used)]

#[path = "it/result.rs"]
mod result;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jmeter::{Ending, Engine, EngineMisuse, Misuse};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Answers each connection with the next of `answers`, the last one for ever; `{accept}` stands for the accept key.
fn server(answers: &[&str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answers: Vec<String> = answers.iter().map(|&answer| answer.to_owned()).collect();
    thread::spawn(move || {
        for (index, stream) in listener.incoming().enumerate() {
            let answer = answers[index.min(answers.len() - 1)].clone();
            thread::spawn(move || answer_one(stream.unwrap(), &answer));
        }
    });
    format!("ws://{address}/chat")
}

fn answer_one(mut stream: TcpStream, answer: &str) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let key = head
        .lines()
        .find_map(|line| {
            line.split_once(": ")
                .filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
        })
        .map(|(_, value)| value.to_owned())
        .unwrap();
    let answer = answer.replace("{accept}", &derive_accept_key(key.as_bytes()));
    let _ = stream.write_all(answer.as_bytes());
    if answer.starts_with("HTTP/1.1 101") {
        // Stays until the client goes, as servers do.
        let _ = stream.read(&mut [0; 64]);
    }
}

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n";
const REDIRECT: &str = "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n";
const THROTTLE: &str = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nslow";

fn spec(url: &str, properties: &[(&str, &str)]) -> Value {
    let mut all = serde_json::Map::new();
    all.insert("wsb.url".to_owned(), url.into());
    for (key, value) in properties {
        all.insert((*key).to_owned(), (*value).into());
    }
    json!({"properties": all, "headers": [["X-Team", "night shift"]], "user": "users 1-1", "ordinal": 0})
}

fn connect(engine: &Engine, spec: &Value) -> Value {
    let handle = engine.open();
    result::connect(engine, handle, spec).unwrap()
}

const QUICK: &[(&str, &str)] = &[("wsb.retry.base", "20ms"), ("wsb.retry.cap", "50ms")];

#[test]
fn a_throttled_user_gets_in_and_the_result_tells_how() {
    let engine = Engine::default();
    let result = connect(&engine, &spec(&server(&[THROTTLE, THROTTLE, SWITCH]), QUICK));
    assert_eq!(result["outcome"], "connected", "{result:#}");
    assert_eq!(result["code"], "101");
    assert_eq!(result["message"], "Switching Protocols");
    let variables = &result["variables"];
    assert_eq!(variables["wsb.attempts"], "3");
    assert_eq!(variables["wsb.throttled"], "2");
    assert_eq!(variables["wsb.stop"], "connected");
    assert_eq!(variables["wsb.lastStatus"], "101");
    assert_eq!(variables["wsb.hintMs"], "");
    let waited = result["waitedUs"].as_u64().unwrap();
    assert!(
        (40_000..=result["elapsedUs"].as_u64().unwrap()).contains(&waited),
        "{waited}"
    );
    assert!(
        result["requestHead"]
            .as_str()
            .unwrap()
            .contains("X-Team: night shift\n")
    );
    assert!(
        result["responseHead"]
            .as_str()
            .unwrap()
            .starts_with("HTTP/1.1 101 Switching Protocols\n")
    );
    assert!(result["latencyUs"].as_u64() >= result["connectUs"].as_u64());
    let timeline = result["timeline"].as_str().unwrap();
    assert!(
        timeline.contains("attempt 2 at +") && timeline.contains("429 Too Many Requests"),
        "{timeline}"
    );
    assert_eq!(engine.handles(), 1);
    engine.shutdown().unwrap();
    assert_eq!(engine.handles(), 0);
}

#[test]
fn a_refusal_keeps_status_reason_headers_and_body() {
    let engine = Engine::default();
    let refusal = "HTTP/1.1 403 Not Today\r\nX-Why: Because\r\ncontent-length: 5\r\n\r\nsorry";
    let result = connect(&engine, &spec(&server(&[refusal]), &[]));
    assert_eq!(result["outcome"], "refused", "{result:#}");
    assert_eq!(
        (&result["code"], &result["message"]),
        (&json!("403"), &json!("Not Today"))
    );
    assert_eq!(
        result["responseHead"],
        "HTTP/1.1 403 Not Today\nX-Why: Because\ncontent-length: 5\n\n"
    );
    assert_eq!(
        (&result["body"], &result["bodyBytes"]),
        (&json!("sorry"), &json!(5))
    );
    assert_eq!(result["variables"]["wsb.stop"], "fatal");
    assert_eq!(result["variables"]["wsb.attempts"], "1");
}

#[test]
fn a_hint_is_a_floor_and_is_reported() {
    let engine = Engine::default();
    let hinted = "HTTP/1.1 429 Slow\r\nRetry-After-Ms: 300\r\nContent-Length: 0\r\n\r\n";
    let result = connect(&engine, &spec(&server(&[hinted, SWITCH]), QUICK));
    assert_eq!(result["variables"]["wsb.hintMs"], "300", "{result:#}");
    assert!(result["waitedUs"].as_u64().unwrap() >= 300_000);
}

#[test]
fn nobody_listening_is_a_failure_with_a_code_and_a_constant_message() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let engine = Engine::default();
    let result = connect(
        &engine,
        &spec(
            &format!("ws://{address}/"),
            &[("wsb.retry.maxAttempts", "2"), QUICK[0]],
        ),
    );
    assert_eq!(result["outcome"], "failed", "{result:#}");
    assert_eq!(result["code"], "Non HTTP response code: tcp.refused");
    assert!(!result["message"].as_str().unwrap().contains("127.0.0.1"));
    let timeline = result["timeline"].as_str().unwrap();
    assert!(timeline.contains(&address.to_string()), "{timeline}");
    let cure = timeline.lines().last().unwrap();
    assert!(
        cure.starts_with("tcp.refused: ") && cure.contains("check host and port"),
        "{timeline}"
    );
    assert_eq!(result["variables"]["wsb.attempts"], "2");
    assert_eq!(result["variables"]["wsb.stop"], "max-attempts");
}

#[test]
fn a_cancel_ends_a_wait_a_silent_handshake_and_what_has_not_begun() {
    let engine = Arc::new(Engine::default());
    for name in ["wait", "silence"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let spec = spec(&format!("ws://{}/", listener.local_addr().unwrap()), &[]);
        let handle = engine.open();
        let other = engine.clone();
        let call = thread::spawn(move || result::connect(&other, handle, &spec).unwrap());
        // Whoever has dialled is under way; whoever has read a refusal hangs up, and then waits for a minute.
        let (mut peer, _) = listener.accept().unwrap();
        if name == "wait" {
            peer.write_all(b"HTTP/1.1 429 Slow\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n")
                .unwrap();
            let _ = peer.read_to_end(&mut Vec::new());
        }
        let begun = Instant::now();
        assert!(engine.cancel(handle), "{name}: something was under way");
        let result = call.join().unwrap();
        // Without it, the wait is 60 s and the silence 20 s.
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "{name}: {took:?}");
        assert_eq!(result["outcome"], "cancelled", "{name}: {result:#}");
        assert_eq!(result["code"], "Non HTTP response code: cancelled");
        assert_eq!(result["variables"]["wsb.stop"], "cancelled");
    }
    let handle = engine.open();
    assert!(!engine.cancel(handle), "nothing was under way");
    let result = result::connect(&engine, handle, &spec(&silent(), &[])).unwrap();
    assert_eq!(result["outcome"], "cancelled");
}

/// Accepts by its backlog and never answers.
fn silent() -> String {
    let listener = Box::leak(Box::new(TcpListener::bind("127.0.0.1:0").unwrap()));
    format!("ws://{}/", listener.local_addr().unwrap())
}

#[test]
fn shutdown_ends_calls_that_run_and_the_engine_works_again() {
    let engine = Arc::new(Engine::default());
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (engine, spec) = (engine.clone(), spec(&silent(), &[]));
            thread::spawn(move || connect(&engine, &spec))
        })
        .collect();
    thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    engine.shutdown().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    for call in calls {
        let result = call.join().unwrap();
        assert_eq!(result["outcome"], "cancelled");
    }
    assert_eq!(
        connect(&engine, &spec(&server(&[SWITCH]), &[]))["outcome"],
        "connected"
    );
}

#[test]
fn wrong_properties_are_refused_before_anything_is_sent() {
    let engine = Engine::default();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    for (key, value, allowed) in [
        ("wsb.retry.base", "soon", "ms, s, m, h"),
        ("wsb.retry.base", "-1", "ms, s, m, h"),
        ("wsb.retry.base", "40s", "cap"),
        ("wsb.retry.strategy", "fibonacci", "decorrelated-v2"),
        ("wsb.retry.table", "1s,90s", "cap"),
        ("wsb.retry.multiplier", "0.5", "1"),
        ("wsb.retry.multiplier", "NaN", "1"),
        ("wsb.retry.jitter", "2", "1"),
        ("wsb.retry.maxAttempts", "-1", "whole number"),
        ("wsb.retry.maxElapsed", "0", "above 0"),
        ("wsb.retry.throttle", "4x9", "429"),
        ("wsb.retry.throttle", "429,closed.99", "closed.1013"),
        ("wsb.retry.transient", "1000", "closed.1013"),
        ("wsb.retry.seed", "x", "whole number"),
        ("wsb.retry.table", "1s,,soon", "durations"),
        ("wsb.hint.mode", "always", "floor"),
        ("wsb.hint.sources", "retry-after,retry-aftre", "retry-after-ms"),
        ("wsb.hint.bodyPattern", "([0-9]+", "regular expression"),
        ("wsb.hint.onTooLong", "cry", "clamp"),
        ("wsb.tls.verify", "maybe", "true, false"),
        ("wsb.tls.caFile", "/does/not/exist.pem", "PEM"),
        ("wsb.proxy", "ftp://127.0.0.1:21", "http://host:port"),
        ("wsb.localAddress", "localhost", "addresses of this machine"),
        ("wsb.localAddress", "192.0.2.1", "addresses of this machine"),
        ("wsb.connectTimeout", "0", "above 0"),
        ("wsb.settle", "soon", "milliseconds"),
        ("wsb.subprotocols", "a b", "names"),
        ("wsb.result.elapsed", "some", "attempts, total"),
        ("wsb.result.attempts", "some", "none, subresults"),
        ("wsb.url", "ftp://127.0.0.1/", "ws://"),
        ("wsb.url", "ws://", "ws://"),
        ("wsb.url", "ws://127.0.0.1:0/", "port 1 to 65535"),
        ("wsb.url", "ws://127.0.0.1:70000/", "port 1 to 65535"),
        ("wsb.url", "ws://127.0.0.1/a\r\nb", "ws://"),
        ("wsb.url", "/relative", "wsb.baseUrl"),
        ("wsb.baseUrl", "nonsense", "ws://"),
        ("wsb.unheard", "of", "properties.md"),
    ] {
        let mut properties = vec![(key, value)];
        if key == "wsb.retry.table" {
            properties.push(("wsb.retry.strategy", "table"));
        }
        if key == "wsb.baseUrl" {
            properties.push(("wsb.url", "/x"));
        }
        let result = connect(&engine, &spec(&url, &properties));
        assert_eq!(result["outcome"], "invalid", "{key}={value}: {result:#}");
        assert_eq!(result["code"], "Non HTTP response code: spec.invalid");
        let text = result["timeline"].as_str().unwrap();
        assert!(text.starts_with(&format!("{key}: ")), "{key}={value}: {text}");
        assert!(text.contains(allowed), "{key}={value} lacks {allowed}: {text}");
        assert!(
            text.contains(&format!("{value:?}")[1..value.len().min(4)]),
            "{key}={value} is not named: {text}"
        );
    }
    let mut bad_header = spec(&url, &[]);
    bad_header["headers"] = json!([["X-A", "b\r\nX-C: d"]]);
    let result = connect(&engine, &bad_header);
    assert_eq!(result["outcome"], "invalid");
    assert!(result["timeline"].as_str().unwrap().contains("X-A"), "{result:#}");
    assert_eq!(
        listener.accept().unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock,
        "nothing was sent"
    );
}

#[test]
fn a_relative_url_is_resolved_against_the_base() {
    let engine = Engine::default();
    let url = server(&[SWITCH]);
    let base = url.replace("/chat", "/api/v2/");
    let mut request = spec("channels/7?x=1", &[("wsb.baseUrl", &base)]);
    assert_eq!(connect(&engine, &request)["url"], format!("{base}channels/7?x=1"));
    request["properties"]["wsb.url"] = "/top".into();
    assert_eq!(connect(&engine, &request)["url"], url.replace("/chat", "/top"));
    request["properties"]["wsb.url"] = "".into();
    assert_eq!(connect(&engine, &request)["url"], base);
}

#[test]
fn the_same_seed_plans_the_same_waits() {
    let folder = tempfile::tempdir().unwrap();
    let refused = server(&["HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n"]);
    let waits = |file: &str, seed: &str, ordinal: u64| -> Vec<f64> {
        let engine = Engine::default();
        let path = folder.path().join(file);
        let mut request = spec(
            &refused,
            &[
                QUICK[0],
                QUICK[1],
                ("wsb.retry.seed", seed),
                ("wsb.retry.maxAttempts", "8"),
            ],
        );
        request["trace"] = path.to_str().unwrap().into();
        request["ordinal"] = ordinal.into();
        assert_eq!(connect(&engine, &request)["variables"]["wsb.attempts"], "8");
        engine.shutdown().unwrap();
        trace_lines(&path)
            .iter()
            .filter_map(|line| line["waitMs"].as_f64())
            .collect()
    };
    let first = waits("first", "7", 0);
    assert_eq!(first.len(), 7);
    assert_eq!(first, waits("again", "7", 0));
    assert_ne!(first, waits("other seed", "8", 0));
    assert_ne!(first, waits("other connect", "7", 1));
}

fn trace_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let first: Value = lines.next().unwrap();
    assert_eq!(
        (&first["trace"], &first["version"]),
        (&json!("ws-backoff"), &json!(1))
    );
    lines.collect()
}

#[test]
fn the_trace_has_a_line_an_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let engine = Engine::default();
    let mut request = spec(&server(&[THROTTLE, REDIRECT, SWITCH]), QUICK);
    request["trace"] = path.to_str().unwrap().into();
    connect(&engine, &request);
    engine.shutdown().unwrap();
    let lines = trace_lines(&path);
    assert_eq!((lines.len(), &lines[2]["event"]), (3, &json!("closed")));
    let (first, second) = (&lines[0], &lines[1]);
    assert_eq!(
        (&first["status"], &first["class"], &first["attempt"]),
        (&json!(429), &json!("throttle"), &json!(1))
    );
    assert!(first["waitedMs"].as_f64() >= first["waitMs"].as_f64());
    assert!(first["headUs"].as_u64() >= first["sentUs"].as_u64());
    assert_eq!(
        (&second["status"], &second["stop"]),
        (&json!(101), &json!("connected"))
    );
    assert!(
        second["at"].as_u64().unwrap() >= first["at"].as_u64().unwrap() + first["totalUs"].as_u64().unwrap()
    );
    assert_eq!(second["user"], "users 1-1");
    assert_eq!(
        (&first["redirects"], &second["redirects"]),
        (&json!(0), &json!(1))
    );
}

#[test]
fn a_trace_that_cannot_be_written_fails_the_sample_at_once() {
    let engine = Engine::default();
    let mut request = spec(&silent(), &[]);
    request["trace"] = "/does/not/exist/trace.jsonl".into();
    let result = connect(&engine, &request);
    assert_eq!(result["outcome"], "invalid");
    assert!(
        result["timeline"].as_str().unwrap().starts_with("wsb.trace: "),
        "{result:#}"
    );
}

#[test]
fn sub_results_carry_every_attempt() {
    let engine = Engine::default();
    let request = spec(
        &server(&[THROTTLE, SWITCH]),
        &[QUICK[0], QUICK[1], ("wsb.result.attempts", "subresults")],
    );
    let result = connect(&engine, &request);
    let attempts = result["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!(
        (&attempts[0]["code"], &attempts[0]["ok"], &attempts[0]["body"]),
        (&json!("429"), &json!(false), &json!("slow"))
    );
    assert_eq!(
        (&attempts[1]["code"], &attempts[1]["ok"]),
        (&json!("101"), &json!(true))
    );
}

#[test]
fn misuse_is_an_error_and_not_a_result() {
    let engine = Engine::default();
    let spec = spec(&server(&[SWITCH]), &[]);
    assert!(matches!(
        result::connect(&engine, 0, &spec),
        Err(Misuse::Engine(EngineMisuse::UnknownHandle(0)))
    ));
    assert!(matches!(engine.prepare(b"{"), Err(Misuse::Malformed(_))));
    assert!(matches!(
        engine.prepare(br#"{"element":"PingSampler","user":"a connect's"}"#),
        Err(Misuse::Malformed(_))
    ));
    let handle = engine.open();
    let ping = engine.prepare(br#"{"element":"PingSampler"}"#).unwrap();
    for wrong in [0, ping] {
        assert!(matches!(
            engine.connect(handle, wrong, 0, None, None),
            Err(Misuse::UnknownOperation(_))
        ));
    }
    result::connect(&engine, handle, &spec).unwrap();
    assert!(matches!(
        result::connect(&engine, handle, &spec),
        Err(Misuse::Engine(EngineMisuse::Connected(_)))
    ));
    let plan = engine.prepare(br#"{"element":"ConnectSampler"}"#).unwrap();
    assert!(matches!(
        engine.perform(handle, plan, None, None),
        Err(Misuse::UnknownOperation(_))
    ));
    assert!(matches!(
        engine.connect(engine.open(), plan, 0, Some(b"{"), None),
        Err(Misuse::Malformed(_))
    ));
    engine.close(handle, None).unwrap();
    assert!(matches!(
        engine.close(handle, Some(Duration::ZERO)),
        Err(Misuse::Engine(EngineMisuse::UnknownHandle(_)))
    ));
    assert!(!engine.cancel(handle));
    assert_eq!(engine.handles(), 1);
}

#[test]
fn one_plan_serves_many_calls_and_their_own_headers() {
    let engine = Engine::default();
    let url = server(&[SWITCH]);
    let plan = json!({"element": "ConnectSampler", "properties": {"wsb.url": url}, "user": "users 1-1"});
    let plan = engine.prepare(plan.to_string().as_bytes()).unwrap();
    for (own, sent) in [
        (None, false),
        (Some(br#"{"headers":[["X-Team","a"]]}"#.as_slice()), true),
        (None, false),
    ] {
        let handle = engine.open();
        let connected = engine.connect(handle, plan, 7, own, None).unwrap();
        assert_eq!(connected.figures[0], Ending::Connected as i64, "{connected:?}");
        assert_eq!(connected.texts.contains("X-Team: a\n"), sent, "{connected:?}");
        engine.close(handle, None).unwrap();
    }
    let wrong = br#"{"headers":[["Upgrade","h2c"]]}"#.as_slice();
    let refused = engine.connect(engine.open(), plan, 8, Some(wrong), None).unwrap();
    assert_eq!(refused.figures[0], Ending::Invalid as i64);
    engine.discard(plan).unwrap();
    assert!(matches!(
        engine.connect(engine.open(), plan, 9, None, None),
        Err(Misuse::UnknownOperation(_))
    ));
}

/// Connects in a thread whose schedule ends after so many milliseconds; the result, and how long it took.
fn connect_within(left: u64, url: &str, properties: &[(&str, &str)]) -> (Value, Duration) {
    let mut spec = spec(url, properties);
    spec["leftMs"] = left.into();
    let begun = Instant::now();
    let result = connect(&Engine::default(), &spec);
    (result, begun.elapsed())
}

#[test]
fn no_pause_begins_that_would_outlast_the_threads_schedule() {
    let url = server(&["HTTP/1.1 429 Too Many Requests\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n"]);
    let (result, took) = connect_within(5_000, &url, &[]);
    assert_eq!(result["variables"]["wsb.stop"], "schedule-end", "{result:#}");
    assert_eq!(result["variables"]["wsb.attempts"], "1");
    assert_eq!(result["code"], "429");
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn an_attempt_is_cut_to_what_the_threads_schedule_leaves() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", silent.local_addr().unwrap());
    let (result, took) = connect_within(400, &url, &[]);
    assert_eq!(result["variables"]["wsb.stop"], "schedule-end", "{result:#}");
    assert_eq!(result["variables"]["wsb.attempts"], "1");
    // The attempt's own time-out is 20 s.
    assert!(
        took >= Duration::from_millis(400) && took < Duration::from_secs(10),
        "{took:?}"
    );
}

#[test]
fn after_the_threads_schedule_nothing_is_sent() {
    for gate in ["off", "pace"] {
        let url = server(&[SWITCH]);
        let (result, _) = connect_within(0, &url, &[("wsb.shared.mode", gate)]);
        assert_eq!(
            (&result["code"], &result["variables"]["wsb.stop"]),
            (
                &json!("Non HTTP response code: schedule.end"),
                &json!("schedule-end")
            ),
            "{result:#}"
        );
        assert_eq!(result["variables"]["wsb.attempts"], "0");
        assert_eq!(result["sentBytes"], 0);
    }
}

#[test]
fn no_turn_is_waited_for_beyond_the_threads_schedule() {
    let engine = Engine::default();
    let url = server(&[
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n",
        SWITCH,
    ]);
    let paced = [("wsb.shared.mode", "pace"), ("wsb.retry.maxAttempts", "1")];
    let first = connect(&engine, &spec(&url, &paced));
    assert_eq!(first["code"], "429", "from now on the gate is held for 20 s");
    let mut second = spec(&url, &paced);
    second["leftMs"] = 300.into();
    let begun = Instant::now();
    let second = connect(&engine, &second);
    assert_eq!(second["variables"]["wsb.stop"], "schedule-end", "{second:#}");
    assert_eq!(second["variables"]["wsb.attempts"], "0");
    assert!(begun.elapsed() < Duration::from_secs(10));
}
