//! The figures of a test while it runs, against what its trace tells afterwards.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jmeter::{Engine, Handle};
use serde_json::{Value, json};
use testbed::{Config, Server};

use crate::support::result;

const USERS: u64 = 12;
/// So many are let in before the window ends.
const LIMIT: u64 = 5;

fn ask(engine: &Engine, question: &Value) -> Value {
    let answer = engine.live(question.to_string().as_bytes()).unwrap();
    serde_json::from_slice(&answer).unwrap()
}

fn figures(engine: &Engine) -> Value {
    ask(engine, &json!({"ask": "figures"}))
}

fn line(engine: &Engine) -> String {
    let answer = ask(engine, &json!({"ask": "progress"}));
    answer["line"].as_str().unwrap().to_owned()
}

/// Connects all users at once; each has its handle and its outcome.
fn storm(
    engine: &Arc<Engine>,
    url: &str,
    trace: &Path,
    more: &[(&str, &str)],
) -> Vec<JoinHandle<(Handle, Value)>> {
    let mut properties = json!({"wsb.url": url, "wsb.retry.base": "200ms"});
    for (key, value) in more {
        properties[*key] = (*value).into();
    }
    let call = |user: u64| {
        let spec =
            json!({"properties": properties, "user": format!("u {user}"), "ordinal": 0, "trace": trace});
        let engine = engine.clone();
        thread::spawn(move || {
            let handle = engine.open();
            let outcome = result::connect(&engine, handle, &spec).unwrap();
            (handle, outcome["outcome"].clone())
        })
    };
    (0..USERS).map(call).collect()
}

fn wait_until(engine: &Engine, wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let now = figures(engine);
        if wanted(&now) {
            return now;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{now:#}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn all_but_gauges(figures: &Value) -> Value {
    json!([
        figures["attempts"],
        figures["connects"],
        figures["ends"],
        figures["lost"]
    ])
}

#[test]
fn an_attempt_apart_from_the_test_is_one_and_counts_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.jsonl");
    for limit in [0, 9] {
        let config = Config {
            limit: format!("fixed-window limit={limit} window=1h").parse().unwrap(),
            ..Config::default()
        };
        let server = Server::start(config).unwrap();
        let engine = Engine::default();
        engine.begin(b"{}").unwrap();
        let before = all_but_gauges(&figures(&engine));
        for apart in [true, false] {
            let properties = json!({"wsb.url": server.url(), "wsb.retry.base": "10ms", "wsb.hint.mode": "ignore",
                "wsb.retry.maxAttempts": "2", "wsb.shared.mode": "pace"});
            let spec = json!({"properties": properties, "user": "u", "trace": trace, "apart": apart});
            let handle = engine.open();
            let outcome = result::connect(&engine, handle, &spec).unwrap();
            let attempts = if apart || limit > 0 { "1" } else { "2" };
            assert_eq!(outcome["variables"]["wsb.attempts"], attempts, "{outcome:#}");
            let now = figures(&engine);
            assert_eq!(now["connected"] != 0, !apart && limit > 0, "{limit} {now:#}");
            assert_eq!(all_but_gauges(&now) == before, apart, "{limit} {now:#}");
            assert_eq!(now["gates"].as_array().unwrap().is_empty(), apart, "{now:#}");
            assert_eq!(trace.exists(), !apart);
        }
        engine.shutdown().unwrap();
        std::fs::remove_file(&trace).unwrap();
    }
}

#[test]
fn an_attempt_apart_lasts_no_longer_than_its_connect_time_out() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let engine = Engine::default();
    let url = format!("ws://{}/", silent.local_addr().unwrap());
    let properties = json!({"wsb.url": url, "wsb.connectTimeout": "200ms"});
    let begun = Instant::now();
    let spec = json!({"properties": properties, "apart": true});
    let outcome = result::connect(&engine, engine.open(), &spec).unwrap();
    assert_eq!(outcome["outcome"], "failed", "{outcome:#}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{outcome:#}");
}

#[test]
fn the_figures_of_a_storm_are_those_of_its_trace() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.jsonl");
    let config = Config {
        limit: format!("fixed-window limit={LIMIT} window=1h").parse().unwrap(),
        ..Config::default()
    };
    let server = Server::start(config).unwrap();
    let engine = Arc::new(Engine::default());
    engine.begin(b"{}").unwrap();
    assert_eq!(line(&engine), "");
    // An hour is longer than they obey: they wait by their own policy, then give up.
    let users = storm(
        &engine,
        &server.url(),
        &trace,
        &[
            ("wsb.hint.mode", "ignore"),
            ("wsb.retry.maxElapsed", "3s"),
            ("wsb.retry.cap", "1s"),
        ],
    );
    let now = wait_until(&engine, |now| {
        (now["connected"] == LIMIT) && now["waiting"].as_u64() >= Some(5) && now["rate"].as_f64() > Some(0.0)
    });
    assert_eq!(now["users"], USERS, "{now:#}");
    wait_until(&engine, |_| {
        let line = line(&engine);
        line.starts_with("5 of 12 users connected, ")
            && line.contains(" waiting")
            && line.contains(" attempts/s")
    });
    let outcomes: Vec<(Handle, Value)> = users.into_iter().map(|user| user.join().unwrap()).collect();
    let now = figures(&engine);
    assert_eq!((&now["connected"], &now["waiting"]), (&json!(LIMIT), &json!(0)));
    assert_eq!(now["lost"], USERS - LIMIT, "{now:#}");
    assert_eq!(now["toConnect"]["count"], LIMIT);
    let attempts = now["attempts"].as_object().unwrap().values();
    let attempts: u64 = attempts.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(attempts, server.stats().attempts);
    assert_eq!(line(&engine), "", "nobody waits");

    let open: Vec<Handle> = outcomes
        .iter()
        .filter(|(_, outcome)| outcome == "connected")
        .map(|(handle, _)| *handle)
        .collect();
    engine.close(open[0], Some(Duration::from_secs(1))).unwrap();
    assert_eq!(figures(&engine)["connected"], LIMIT - 1);
    engine.shutdown().unwrap();
    let last = figures(&engine);
    assert_eq!(last["connected"], 0);
    assert_eq!(
        (&last["ends"]["client"], &last["ends"]["test-end"]),
        (&json!(1), &json!(LIMIT - 1))
    );
    let told = ask(&engine, &json!({"ask": "trace", "file": trace}));
    assert_eq!(all_but_gauges(&told), all_but_gauges(&last), "{told:#}\n{last:#}");
    let row = |figures: &Value, place: usize| {
        let rows = figures["history"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| row[place].as_u64().unwrap_or_default())
            .max()
    };
    for place in [1, 4] {
        assert_eq!(row(&told, place), row(&last, place), "column {place}");
    }
    assert!(last["history"].as_array().unwrap().len() >= 3, "{last:#}");
    thread::sleep(Duration::from_millis(20));
    assert_eq!(figures(&engine), last, "they stand still");

    engine.begin(b"{}").unwrap();
    let anew = figures(&engine);
    assert_eq!(
        (&anew["lost"], &anew["toConnect"]["count"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(anew["history"], json!([]));
    engine.shutdown().unwrap();
    server.stop();
}

#[test]
fn users_at_a_gate_wait_and_the_gate_and_its_hint_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.jsonl");
    let config = Config {
        limit: "token-bucket rate=4 burst=1".parse().unwrap(),
        ..Config::default()
    };
    let server = Server::start(config).unwrap();
    let engine = Arc::new(Engine::default());
    engine.begin(b"{}").unwrap();
    let users = storm(&engine, &server.url(), &trace, &[("wsb.shared.mode", "pace")]);
    let now = wait_until(&engine, |now| {
        now["waiting"].as_u64() >= Some(3) && now["hintMs"].as_f64() > Some(0.0)
    });
    let gates = now["gates"].as_array().unwrap();
    assert_eq!(gates.len(), 1, "{now:#}");
    assert!(
        gates[0]["rate"].as_f64() > Some(0.0) && gates[0]["queue"].as_u64() >= Some(1),
        "{now:#}"
    );
    for user in users {
        assert_eq!(user.join().unwrap().1, "connected");
    }
    let now = figures(&engine);
    assert_eq!((&now["connected"], &now["lost"]), (&json!(USERS), &json!(0)));
    let waits = now["waits"]["count"].as_u64().unwrap();
    engine.shutdown().unwrap();
    let told = ask(&engine, &json!({"ask": "trace", "file": trace}));
    assert_eq!(told["waits"]["count"], waits, "{told:#}");
    server.stop();
}

#[test]
fn users_of_an_earlier_test_change_nothing_in_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.jsonl");
    let server = Server::start(Config::default()).unwrap();
    let engine = Arc::new(Engine::default());
    let users = storm(&engine, &server.url(), &trace, &[]);
    let users: Vec<_> = users.into_iter().map(|user| user.join().unwrap()).collect();
    assert_eq!(figures(&engine)["connected"], USERS);
    engine.begin(b"{}").unwrap();
    assert_eq!(figures(&engine)["connected"], 0);
    for (handle, _) in users {
        engine.close(handle, None).unwrap();
    }
    let now = figures(&engine);
    assert_eq!(
        (&now["connected"], &now["ends"]["client"]),
        (&json!(0), &json!(0))
    );
    engine.shutdown().unwrap();
    server.stop();
}

/// The answer's head and body.
fn scrape(address: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn begin(engine: &Engine, metrics: &str) -> Value {
    let settings = json!({"metrics": metrics}).to_string();
    serde_json::from_slice(&engine.begin(settings.as_bytes()).unwrap()).unwrap()
}

#[test]
fn the_figures_are_served_while_the_test_runs_and_the_port_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.jsonl");
    let server = Server::start(Config::default()).unwrap();
    let engine = Arc::new(Engine::default());
    let begun = begin(&engine, "0");
    assert_eq!(begun["warnings"], json!([]));
    let note = begun["notes"][0].as_str().unwrap();
    let address = note.split("http://").nth(1).unwrap().split('/').next().unwrap();
    assert!(
        address.starts_with("127.0.0.1:"),
        "a port alone is of this machine: {note}"
    );
    for user in storm(&engine, &server.url(), &trace, &[]) {
        user.join().unwrap();
    }
    let (head, body) = scrape(address, "GET /metrics");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(
        head.contains("application/openmetrics-text; version=1.0.0"),
        "{head}"
    );
    for line in [
        format!("wsbackoff_connected {USERS}"),
        format!("wsbackoff_attempts_total{{outcome=\"connected\"}} {USERS}"),
        format!("wsbackoff_time_to_connect_seconds_count {USERS}"),
    ] {
        assert!(body.lines().any(|there| there == line), "{line} in:\n{body}");
    }
    assert!(body.ends_with("# EOF\n"));
    assert!(scrape(address, "GET /other").0.starts_with("HTTP/1.1 404"));
    assert!(scrape(address, "POST /metrics").0.starts_with("HTTP/1.1 405"));
    // Somebody who says nothing holds nobody up.
    let silent = TcpStream::connect(address).unwrap();
    assert!(scrape(address, "GET /metrics").0.starts_with("HTTP/1.1 200"));
    engine.shutdown().unwrap();
    assert!(TcpStream::connect(address).is_err(), "it is closed");
    drop(silent);

    assert_eq!(
        begin(&engine, address)["warnings"],
        json!([]),
        "it can be had again"
    );
    assert_eq!(
        begin(&engine, address)["warnings"],
        json!([]),
        "also where the end was not told"
    );
    engine.shutdown().unwrap();
    let taken = TcpListener::bind(address).unwrap();
    for wrong in [address, "nowhere", "127.0.0.1:99999", "192.0.2.1:9464"] {
        let begun = begin(&engine, wrong);
        let warning = begun["warnings"][0].as_str().unwrap();
        assert!(
            warning.starts_with(&format!("wsb.metrics.listen: \"{wrong}\" (")),
            "{warning}"
        );
        assert_eq!(begun["notes"], json!([]));
    }
    drop(taken);
    engine.shutdown().unwrap();
    server.stop();
}
