//! Servers that accept and close at once as their limit: with `wsb.settle` such a close is a refusal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jmeter::Engine;
use serde_json::{Value, json};

use crate::support::*;

/// Accepts and closes so many connections at once with this code and reason; greets and echoes on all others.
fn closing(times: usize, code: u16, reason: &'static str) -> String {
    raw_server(move |number, mut peer| {
        peer.upgrade("");
        if number < times {
            peer.close(code, reason);
            peer.swallow();
        } else {
            peer.text("welcome");
            peer.echo();
        }
    })
}

const SETTLES: &[(&str, &str)] = &[
    ("wsb.settle", "400ms"),
    ("wsb.retry.strategy", "fixed"),
    ("wsb.retry.base", "20ms"),
    ("wsb.retry.transientBase", "20ms"),
];

fn connect(url: &str, more: &[(&str, &str)]) -> (Client, Value) {
    Client::connect(
        Arc::new(Engine::default()),
        url,
        &[SETTLES, more].concat(),
        &json!({}),
    )
}

#[test]
fn a_close_while_it_settles_is_a_refusal_of_the_class_that_the_sets_say() {
    for (more, stop, attempts, throttled) in [
        (
            &[("wsb.retry.throttle", "429,closed.1013")][..],
            "connected",
            "3",
            "2",
        ),
        (
            &[("wsb.retry.transient", "closed.1000-1999")],
            "connected",
            "3",
            "0",
        ),
        // What stands in neither set is a connection that broke.
        (&[], "connected", "3", "0"),
        (&[("wsb.retry.transient", "500")], "fatal", "1", "0"),
    ] {
        let (_, result) = connect(&closing(2, 1013, "busy"), more);
        let variables = &result["variables"];
        assert_eq!(
            (
                &variables["wsb.stop"],
                &variables["wsb.attempts"],
                &variables["wsb.throttled"]
            ),
            (&json!(stop), &json!(attempts), &json!(throttled)),
            "{result:#}"
        );
        if stop == "fatal" {
            assert_eq!(result["code"], "closed.1013");
            assert_eq!(result["message"], "The server closed the connection");
            assert!(
                result["timeline"].as_str().unwrap().contains("reason: busy"),
                "{result:#}"
            );
        }
    }
}

#[test]
fn the_hint_pattern_reads_the_close_reason() {
    let hint = [
        ("wsb.retry.throttle", "closed.1013"),
        ("wsb.hint.bodyPattern", "in ([0-9]+) s"),
        ("wsb.hint.jitter", "none"),
    ];
    let begun = Instant::now();
    let (_, result) = connect(&closing(1, 1013, "again in 1 s"), &hint);
    assert_eq!(result["variables"]["wsb.hintMs"], "1000", "{result:#}");
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[test]
fn what_comes_while_it_settles_is_kept_for_the_first_receive() {
    let (client, result) = connect(&closing(0, 0, ""), &[]);
    assert_eq!(result["outcome"], "connected");
    assert!(
        result["elapsedUs"].as_i64().unwrap() >= 400_000,
        "it watched all the time: {result:#}"
    );
    assert_eq!(client.receive(&[]).text(), "welcome");
}

#[test]
fn a_gate_hears_of_a_close_that_is_a_throttle() {
    let gate = [
        ("wsb.shared.mode", "observe"),
        ("wsb.retry.throttle", "closed.1013"),
    ];
    let (_, result) = connect(&closing(1, 1013, ""), &gate);
    let rate: f64 = result["variables"]["wsb.rate"].as_str().unwrap().parse().unwrap();
    assert!(rate < 30.0, "cut from 50: {result:#}");
}

#[test]
fn without_it_such_a_server_has_let_in() {
    let (_, result) = connect(&closing(1, 1013, ""), &[("wsb.settle", "0")]);
    assert_eq!(result["variables"]["wsb.attempts"], "1", "{result:#}");
    assert_eq!(result["outcome"], "connected");
}

#[test]
fn a_reset_while_it_settles_is_a_failure_of_the_network() {
    let url = raw_server(|number, mut peer| {
        peer.upgrade("");
        if number > 0 {
            peer.echo();
        }
    });
    let (_, result) = connect(&url, &[("wsb.retry.throttle", "network")]);
    assert_eq!(result["outcome"], "connected", "{result:#}");
    assert_eq!(result["variables"]["wsb.throttled"], "1");
}
