//! What users find out together, with a real clock and a real server: they try without a gate, and do what all of them see.

// Helpers of tests may fail as tests do.
#![allow(clippy::unwrap_used)]

#[path = "it/result.rs"]
mod result;

use std::sync::Arc;
use std::thread;

use jmeter::Engine;
use serde_json::{Value, json};
use testbed::{Config, RetryAfter, Server};

/// So many users connect at once, each on a thread of its own; their results, and what the log was told.
fn storm(limit: &str, users: u64, properties: &[(&str, &str)]) -> (Vec<Value>, String) {
    let engine = Arc::new(Engine::default());
    let server = Server::start(Config {
        limit: limit.parse().unwrap(),
        retry_after: RetryAfter::Milliseconds,
        ..Config::default()
    })
    .unwrap();
    let calls: Vec<_> = (0..users)
        .map(|user| {
            let mut all = json!({"wsb.url": server.url(), "wsb.retry.seed": "1"});
            for (key, value) in properties {
                all[*key] = (*value).into();
            }
            let spec = json!({"properties": all, "user": format!("users 1-{user}"), "ordinal": 0});
            let engine = engine.clone();
            thread::spawn(move || result::connect(&engine, engine.open(), &spec).unwrap())
        })
        .collect();
    let results: Vec<Value> = calls.into_iter().map(|call| call.join().unwrap()).collect();
    let told = results.iter().map(|result| result["warning"].as_str().unwrap());
    let mut log: Vec<&str> = told.filter(|text| !text.is_empty()).collect();
    let rest = engine.news();
    log.push(&rest);
    let log = log.join("\n");
    engine.shutdown().unwrap();
    (results, log)
}

fn timelines<'a>(results: &'a [Value], word: &'a str) -> impl Iterator<Item = &'a str> {
    let all = results.iter().map(|result| result["timeline"].as_str().unwrap());
    all.filter(move |timeline| timeline.contains(word))
}

#[test]
fn users_who_lock_each_other_out_line_up_and_all_get_in() {
    // Each refusal begins the window anew: as long as one of 24 comes in each half second, nobody ever gets in.
    let (results, log) = storm(
        "fixed-window limit=4 window=700ms reject-counts=true",
        24,
        &[("wsb.retry.base", "200ms"), ("wsb.retry.cap", "2s")],
    );
    assert!(
        results.iter().all(|result| result["outcome"] == "connected"),
        "{results:#?}"
    );
    let lined_up: Vec<&str> = timelines(&results, "lock each other out and line up").collect();
    assert!(!lined_up.is_empty(), "{results:#?}");
    assert!(
        timelines(&results, "at the shared gate before it")
            .next()
            .is_some(),
        "they wait there, and the timeline says so: {lined_up:#?}"
    );
    let told = log.matches("users line up as if it were set").count();
    assert_eq!(told, 1, "once for all: {log}");
}

#[test]
fn users_of_a_quota_pause_by_how_fast_it_lets_them_in_and_are_told_once() {
    let (results, log) = storm(
        "token-bucket rate=20 burst=5",
        60,
        &[("wsb.retry.base", "100ms"), ("wsb.retry.cap", "10s")],
    );
    assert!(
        results.iter().all(|result| result["outcome"] == "connected"),
        "{results:#?}"
    );
    assert!(
        timelines(&results, "waits by what all users see")
            .next()
            .is_some(),
        "{results:#?}"
    );
    assert_eq!(log.matches("users try at one quota").count(), 1, "{log}");
    assert!(!log.contains("line up"), "{log}");
}

#[test]
fn another_strategy_keeps_to_its_formula() {
    let (results, log) = storm(
        "token-bucket rate=20 burst=5",
        40,
        &[("wsb.retry.strategy", "full"), ("wsb.retry.base", "200ms")],
    );
    assert!(results.iter().all(|result| result["outcome"] == "connected"));
    assert_eq!(timelines(&results, "waits by what all users see").next(), None);
    assert!(!log.contains("users try at one quota"), "{log}");
}
