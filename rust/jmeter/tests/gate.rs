//! The shared gate with a real clock and a real server: a crowd before one quota, and what becomes of those who wait.

// Helpers of tests may fail as tests do.
#![allow(clippy::unwrap_used)]

#[path = "it/result.rs"]
mod result;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jmeter::Engine;
use serde_json::{Value, json};
use testbed::{Config, Server};

/// Connects users at once, each on a thread of its own; their results.
fn crowd(engine: &Arc<Engine>, url: &str, users: u64, properties: &[(&str, &str)]) -> Vec<Value> {
    let calls: Vec<_> = (0..users)
        .map(|user| {
            let (engine, spec) = (engine.clone(), spec(url, user, properties));
            thread::spawn(move || result::connect(&engine, engine.open(), &spec).unwrap())
        })
        .collect();
    calls.into_iter().map(|call| call.join().unwrap()).collect()
}

fn spec(url: &str, user: u64, properties: &[(&str, &str)]) -> Value {
    let mut all = serde_json::Map::new();
    all.insert("wsb.url".to_owned(), url.into());
    all.insert("wsb.retry.seed".to_owned(), "1".into());
    for (key, value) in properties {
        all.insert((*key).to_owned(), (*value).into());
    }
    json!({"properties": all, "user": format!("users 1-{user}"), "ordinal": 0})
}

fn attempts(results: &[Value]) -> u64 {
    let of = |result: &Value| {
        result["variables"]["wsb.attempts"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    results.iter().map(of).sum()
}

fn server(limit: &str) -> Server {
    Server::start(Config {
        limit: limit.parse().unwrap(),
        ..Config::default()
    })
    .unwrap()
}

#[test]
fn a_paced_crowd_gets_in_near_the_bound_with_hardly_a_refusal() {
    let engine = Arc::new(Engine::default());
    let server = server("token-bucket rate=20 burst=10");
    let bound = Duration::from_secs_f64((80.0 - 10.0) / 20.0);
    let begun = Instant::now();
    let results = crowd(&engine, &server.url(), 80, &[("wsb.shared.mode", "pace")]);
    let took = begun.elapsed();
    assert!(
        results.iter().all(|result| result["outcome"] == "connected"),
        "{results:#?}"
    );
    // A quiet machine needs 1.05 times the bound; the margin is for a busy one.
    assert!(
        took >= bound - Duration::from_millis(200) && took < 2 * bound,
        "{took:?} against {bound:?}"
    );
    assert!(attempts(&results) < 80 * 5 / 4, "{} attempts", attempts(&results));
    let waits: Vec<u64> = results
        .iter()
        .map(|result| result["waitedUs"].as_u64().unwrap())
        .collect();
    assert!(
        waits.iter().any(|&wait| wait > 1_000_000),
        "waits at the gate are waits: {waits:?}"
    );
    for result in &results {
        let idle_and_work = result["elapsedUs"].as_u64().unwrap() - result["waitedUs"].as_u64().unwrap();
        assert!(idle_and_work < 1_000_000, "what is left is work: {result:#}");
        assert!(
            result["variables"]["wsb.rate"]
                .as_str()
                .unwrap()
                .parse::<f64>()
                .unwrap()
                > 0.0
        );
        assert!(
            result["variables"]["wsb.gateQueue"]
                .as_str()
                .unwrap()
                .parse::<u64>()
                .unwrap()
                < 80
        );
    }
    engine.shutdown().unwrap();
}

#[test]
fn pause_holds_those_who_come_after_a_hint() {
    let engine = Arc::new(Engine::default());
    let server = server("fixed-window limit=5 window=2s");
    let mode = [("wsb.shared.mode", "pause"), ("wsb.shared.spread", "300ms")];
    let first = crowd(&engine, &server.url(), 5, &mode);
    assert_eq!(attempts(&first), 5);
    // The sixth is refused and told to come back; the seventh, who comes while that holds, is not even sent.
    let sixth = thread::spawn({
        let (engine, url) = (engine.clone(), server.url());
        move || {
            crowd(
                &engine,
                &url,
                1,
                &[("wsb.shared.mode", "pause"), ("wsb.shared.spread", "300ms")],
            )
        }
    });
    while server.stats().refused == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    // The server has refused; that has to reach the sixth and the gate, for which a busy machine needs its time.
    thread::sleep(Duration::from_millis(300));
    let seventh = crowd(&engine, &server.url(), 1, &mode);
    assert_eq!(seventh[0]["variables"]["wsb.attempts"], "1", "{:#}", seventh[0]);
    assert!(
        seventh[0]["waitedUs"].as_u64().unwrap() > 500_000,
        "{:#}",
        seventh[0]
    );
    assert_eq!(sixth.join().unwrap()[0]["variables"]["wsb.attempts"], "2");
    engine.shutdown().unwrap();
}

#[test]
fn a_cancel_wakes_everybody_at_the_gate_at_once() {
    let engine = Arc::new(Engine::default());
    let server = server("fixed-window limit=1 window=60s");
    let gate = [("wsb.shared.mode", "pace")];
    let crowd = thread::spawn({
        let (engine, url) = (engine.clone(), server.url());
        move || crowd(&engine, &url, 200, &gate)
    });
    while server.stats().refused == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    engine.shutdown().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let results = crowd.join().unwrap();
    let cancelled = results
        .iter()
        .filter(|result| result["outcome"] == "cancelled")
        .count();
    assert_eq!(cancelled, 199);
    assert!(
        attempts(&results) < 10,
        "those whose turn never came made no attempt: {}",
        attempts(&results)
    );
}

#[test]
fn who_gets_no_turn_in_time_is_told_so() {
    let engine = Arc::new(Engine::default());
    let server = server("fixed-window limit=1 window=60s");
    let slow = [("wsb.shared.mode", "pace"), ("wsb.retry.maxElapsed", "500ms")];
    let results = crowd(&engine, &server.url(), 5, &slow);
    let codes: Vec<&str> = results
        .iter()
        .map(|result| result["code"].as_str().unwrap())
        .collect();
    assert!(
        codes.contains(&"Non HTTP response code: gate.timeout"),
        "{codes:?}"
    );
    let gate = results
        .iter()
        .find(|result| result["code"].as_str().unwrap().ends_with("gate.timeout"))
        .unwrap();
    assert_eq!(gate["variables"]["wsb.stop"], "max-elapsed");
    assert!(gate["elapsedUs"].as_u64().unwrap() < 1_500_000, "{gate:#}");
}

#[test]
fn two_settings_for_one_quota_are_refused_and_wrong_figures_named() {
    let engine = Arc::new(Engine::default());
    let server = server("none");
    assert_eq!(
        crowd(&engine, &server.url(), 1, &[("wsb.shared.mode", "pace")])[0]["outcome"],
        "connected"
    );
    for (properties, names) in [
        (&[("wsb.shared.mode", "pause")][..], "wsb.shared.mode: \"pause\""),
        (&[("wsb.shared.mode", "always")], "wsb.shared.mode: \"always\""),
        (&[("wsb.shared.rate", "fast")], "wsb.shared.rate: \"fast\""),
        (&[("wsb.shared.rate", "500")], "wsb.shared.rate: \"500\""),
        (&[("wsb.shared.beta", "1")], "wsb.shared.beta: \"1\""),
        (&[("wsb.shared.minRate", "0")], "wsb.shared.minRate: \"0\""),
    ] {
        let result = &crowd(&engine, &server.url(), 1, properties)[0];
        assert_eq!(result["outcome"], "invalid", "{names}: {result:#}");
        assert!(
            result["timeline"].as_str().unwrap().starts_with(names),
            "{result:#}"
        );
    }
    let other_name = [("wsb.shared.mode", "pause"), ("wsb.shared.key", "tenant 2")];
    assert_eq!(
        crowd(&engine, &server.url(), 1, &other_name)[0]["outcome"],
        "connected"
    );
    engine.shutdown().unwrap();
}
