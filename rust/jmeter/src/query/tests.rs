//! Questions as they come over the boundary, and what is answered.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;

fn ask(question: &Value) -> Value {
    let now = UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
    let answer = answer(question.to_string().as_bytes(), now).expect("a question");
    serde_json::from_slice(&answer).expect("JSON")
}

fn ask_delay(attempt: &str, policy: &str, hint: &str) -> Value {
    ask(&json!({"ask": "delay", "attempt": attempt, "policy": policy, "hint": hint}))
}

fn ask_bands(properties: &Value) -> Value {
    ask(&json!({"ask": "bands", "properties": properties}))
}

#[test]
fn a_delay_without_jitter_is_exact() {
    for (attempt, policy, ms) in [
        ("1", "fixed base=2s", 2_000),
        (" 3 ", " exponential base=100ms ", 400),
        ("4", "linear base=250ms", 1_000),
        ("2", "table table=1s,5s,30s", 5_000),
        ("99", "table table=1s,5s,30s", 30_000),
        ("100000", "fixed max-attempts=4000000000", 1_000),
        ("1", "fixed base=0.2ms", 1),
        // What is asked about was a throttle, whatever the policy takes for one.
        ("1", "fixed base=2s throttle=none transient=none", 2_000),
    ] {
        let answer = ask_delay(attempt, policy, "");
        assert_eq!(answer["ms"], ms, "{attempt} {policy}: {answer}");
        assert_eq!(
            (&answer["problem"], &answer["stop"]),
            (&Value::Null, &Value::Null)
        );
    }
}

#[test]
fn a_delay_is_drawn_within_the_bands_of_its_attempt() {
    for policy in [
        "",
        "decorrelated base=1s cap=30s",
        "decorrelated-v2",
        "full base=500ms",
    ] {
        let parsed: Policy = match policy {
            "" => Policy::default(),
            text => text.parse().unwrap(),
        };
        let mut drawn = std::collections::HashSet::new();
        for (nth, band) in (1..).zip(parsed.bands(8)) {
            for _ in 0..50 {
                let ms = ask_delay(&nth.to_string(), policy, "")["ms"].as_i64().unwrap();
                let edges = whole_ms(band.lowest)..=whole_ms(band.highest);
                assert!(edges.contains(&ms), "{policy} {nth}: {ms} in {edges:?}");
                drawn.insert(ms);
            }
        }
        assert!(drawn.len() > 100, "{policy}: not drawn anew");
    }
}

#[test]
fn a_delay_is_never_below_the_hint() {
    for (policy, hint, ms) in [
        ("fixed hint-jitter=none", "5", 5_000),
        ("fixed hint-jitter=none", "0.5", 1_000),
        ("fixed hint-jitter=none hint=replace", "0.5", 500),
        ("fixed hint-jitter=none hint-sources=body", " 5 ", 5_000),
        ("fixed hint-jitter=none", "Sun, 06 Nov 1994 08:49:57 GMT", 20_000),
        (
            "fixed hint-jitter=none hint-max=3s hint-on-too-long=clamp",
            "5",
            3_000,
        ),
        ("fixed hint=ignore", "5", 1_000),
        ("fixed", " ", 1_000),
    ] {
        assert_eq!(ask_delay("1", policy, hint)["ms"], ms, "{policy} {hint}");
    }
    for _ in 0..100 {
        let ms = ask_delay("3", "", "7")["ms"].as_i64().unwrap();
        assert!((7_000..=30_000 + 7_000).contains(&ms), "{ms}");
    }
}

#[test]
fn what_is_no_hint_is_said_and_changes_nothing() {
    for (hint, why) in [
        ("0", "zero"),
        ("-1", "negative"),
        ("soon", "not a number or date"),
        ("${retryAfter}", "not a number or date"),
        ("Sun, 06 Nov 1994 08:49:36 GMT", "in the past"),
    ] {
        let answer = ask_delay("1", "fixed base=2s", hint);
        assert_eq!((&answer["ms"], &answer["ignored"]), (&json!(2_000), &json!(why)));
    }
}

#[test]
fn no_further_attempt_is_minus_one_with_the_reason() {
    for (attempt, policy, hint, stop) in [
        ("1", "none", "", "no-retry"),
        ("3", "fixed max-attempts=3", "", "max-attempts"),
        ("100000", "fixed max-attempts=3", "", "max-attempts"),
        ("1000", "", "", "max-attempts"),
        ("1", "fixed hint-max=3s", "5", "hint-too-long"),
        ("1", "fixed base=10s max-elapsed=10s", "", "max-elapsed"),
    ] {
        let answer = ask_delay(attempt, policy, hint);
        assert_eq!((&answer["ms"], &answer["stop"]), (&json!(-1), &json!(stop)));
    }
}

#[test]
fn a_wrong_delay_question_says_what_is_allowed() {
    for (attempt, policy, words) in [
        ("0", "fixed", "attempt: \"0\""),
        ("-1", "fixed", "1 (after the first failed attempt) to 100000"),
        ("", "fixed", "attempt: \"\""),
        ("${n}", "fixed", "attempt: \"${n}\""),
        ("100001", "fixed", "to 100000"),
        ("1", "fixd", "fixed, linear, exponential"),
        ("1", "fixed base=soon", "base=\"soon\" is not allowed"),
        ("1", "fixed base=1m", "at most the cap, 30s"),
    ] {
        let answer = ask_delay(attempt, policy, "");
        let problem = answer["problem"].as_str().expect("a problem");
        assert!(problem.contains(words), "{problem} lacks {words}");
        assert_eq!(answer["ms"], Value::Null);
    }
}

#[test]
fn the_line_says_what_the_policy_does() {
    for (properties, line) in [
        (
            json!({}),
            "Waits about 2, 3.2, 4.4, 6.4, 8.6 s ...; gives up after 120 s, about 12 attempts.",
        ),
        (
            json!({"wsb.retry.strategy": "fixed", "wsb.retry.base": "500"}),
            "Waits 500, 500, 500, 500, 500 ms ...; gives up after 120 s, about 240 attempts.",
        ),
        (
            json!({"wsb.retry.strategy": "exponential", "wsb.retry.maxAttempts": "4"}),
            "Waits 1, 2, 4 s; gives up after 4 attempts, or 120 s.",
        ),
        (
            json!({"wsb.retry.strategy": "exponential", "wsb.retry.maxAttempts": "90"}),
            "Waits 1, 2, 4, 8, 16 s ...; gives up after 120 s, about 8 attempts, at most 90.",
        ),
        (
            json!({"wsb.retry.strategy": "table", "wsb.retry.table": "20ms,1.24s,12.4s", "wsb.retry.maxElapsed": "20m"}),
            "Waits 0.02, 1.2, 12, 12, 12 s ...; gives up after 20 min, about 99 attempts.",
        ),
        (
            json!({"wsb.retry.strategy": "fixed", "wsb.retry.maxElapsed": "30d"}),
            "Waits 1, 1, 1, 1, 1 s ...; gives up after 1000 attempts, or 720 h.",
        ),
        (
            json!({"wsb.retry.strategy": "none"}),
            "No retry: the first refusal is final.",
        ),
        (
            json!({"wsb.retry.maxAttempts": "1"}),
            "No retry: the first refusal is final.",
        ),
        (
            json!({"wsb.retry.maxElapsed": "500"}),
            "Gives up at the first refusal: a wait would cross the 500 ms in all.",
        ),
        (
            json!({"wsb.retry.strategy": "fixed", "wsb.retry.maxElapsed": "1.5s"}),
            "Waits 1 s; gives up after 1.5 s, about 2 attempts.",
        ),
        (
            json!({"wsb.retry.strategy": "full", "wsb.retry.base": "30s", "wsb.retry.maxElapsed": "12s"}),
            "Waits about 15 s; gives up after 12 s, about 1 attempt.",
        ),
    ] {
        assert_eq!(ask_bands(&properties)["line"], line, "{properties}");
    }
}

#[test]
fn bands_are_told_by_attempt_as_far_as_the_stops_allow() {
    let answer = ask_bands(&json!({"wsb.retry.strategy": "equal", "wsb.retry.maxAttempts": "3"}));
    assert_eq!(
        answer["bands"],
        json!([
            {"attempt": 1, "lowestMs": 500, "medianMs": 750, "highestMs": 1_000},
            {"attempt": 2, "lowestMs": 1_000, "medianMs": 1_500, "highestMs": 2_000},
        ])
    );
    for (properties, count) in [
        (json!({}), 10),
        (json!({"wsb.retry.strategy": "none"}), 0),
        (
            json!({"wsb.retry.strategy": "fixed", "wsb.retry.maxElapsed": "4s"}),
            3,
        ),
    ] {
        let bands = ask_bands(&properties)["bands"].as_array().unwrap().len();
        assert_eq!(bands, count, "{properties}");
    }
    let asked = json!({"ask": "bands", "properties": {}, "attempts": 1_000_000});
    assert_eq!(ask(&asked)["bands"].as_array().unwrap().len(), MOST_BANDS);
}

#[test]
fn every_wrong_property_is_told_as_the_sample_would_tell_it() {
    for (properties, expected) in [
        (
            json!({"wsb.retry.base": "soon", "wsb.retry.jitter": "2", "wsb.hint.mode": "floot"}),
            &[
                "wsb.retry.base: \"soon\" (not a duration)",
                "wsb.hint.mode: \"floot\"",
                "wsb.retry.jitter: \"2\"",
            ][..],
        ),
        // The value that is wrong is a default.
        (
            json!({"wsb.retry.cap": "500ms"}),
            &["wsb.retry.base: \"1s\" (not possible here); allowed: at most the cap, 500ms"],
        ),
        (
            json!({"wsb.retry.strategy": "table"}),
            &["wsb.retry.table: \"\" (empty)"],
        ),
        (
            json!({"wsb.retry.bse": "1s"}),
            &["wsb.retry.bse: \"1s\" (no property"],
        ),
    ] {
        let answer = ask_bands(&properties);
        let problems = answer["problems"].as_array().unwrap();
        assert_eq!(problems.len(), expected.len(), "{answer}");
        for (problem, words) in problems.iter().zip(expected) {
            assert!(problem.as_str().unwrap().starts_with(words), "{problem}");
        }
        assert_eq!((&answer["line"], &answer["bands"]), (&json!(""), &json!([])));
    }
}

#[test]
fn what_is_known_only_later_hides_the_waits_that_depend_on_it() {
    for (properties, later, unknown) in [
        (json!({}), json!(["wsb.retry.base"]), json!(["wsb.retry.base"])),
        (
            json!({}),
            json!([
                "wsb.retry.table",
                "wsb.retry.jitter",
                "wsb.retry.seed",
                "wsb.hint.max",
                "wsb.retry.transientBase"
            ]),
            json!([]),
        ),
        (
            json!({"wsb.retry.strategy": "additive"}),
            json!(["wsb.retry.jitter", "wsb.retry.table"]),
            json!(["wsb.retry.jitter"]),
        ),
        (
            json!({}),
            json!(["wsb.retry.strategy", "wsb.retry.table"]),
            json!(["wsb.retry.strategy", "wsb.retry.table"]),
        ),
    ] {
        let answer = ask(&json!({"ask": "bands", "properties": properties, "later": later}));
        assert_eq!(answer["unknown"], unknown);
        assert_eq!(answer["line"] == "", unknown != json!([]), "{answer}");
    }
}

#[test]
fn what_is_no_question_is_misuse() {
    for text in [
        "",
        "{}",
        r#"{"ask":"time"}"#,
        r#"{"ask":"delay"}"#,
        r#"{"ask":"bands","properties":{},"more":1}"#,
    ] {
        assert!(
            matches!(query(text.as_bytes()), Err(Misuse::Malformed(_))),
            "{text}"
        );
    }
}

#[test]
fn an_address_is_taken_apart_as_the_connect_reads_it() {
    let of = |url: &str, base: &str| ask(&json!({"ask": "url", "url": url, "base": base}));
    assert_eq!(
        of(" wss://Chat_1.test/a b|c?q={\"k\"} ", ""),
        json!({
            "scheme": "wss", "host": "chat_1.test", "port": 443, "path": "/a%20b|c", "query": "q={%22k%22}",
            "httpUrl": "https://chat_1.test/a%20b%7Cc?q=%7B%22k%22%7D", "problem": null,
        })
    );
    let joined = of("room", "ws://a:81/x/y");
    assert_eq!(
        (&joined["httpUrl"], &joined["query"]),
        (&json!("http://a:81/x/room"), &Value::Null)
    );
    assert_eq!(of("", "http://[::1]")["host"], "::1");
    for (url, base, key) in [
        ("", "", "wsb.url"),
        ("ftp://a", "", "wsb.url"),
        ("/x", "nothing", "wsb.baseUrl"),
    ] {
        let problem = of(url, base)["problem"].as_str().unwrap().to_owned();
        assert!(
            problem.contains(key) && problem.contains("ws://host"),
            "{problem}"
        );
    }
}

fn ask_waits(properties: &Value) -> Value {
    ask(&json!({"ask": "waits", "properties": properties, "user": "Thread Group 1-1"}))
}

#[test]
fn the_waits_of_a_user_end_as_the_policy_says() {
    let exact =
        json!({"wsb.retry.strategy": "exponential", "wsb.retry.base": "2s", "wsb.retry.maxAttempts": "4"});
    let row = |attempt: u64, at: u64, wait: Value| json!({"attempt": attempt, "atMs": at, "waitMs": wait});
    let expected = json!({"attempts": [row(1, 0, json!(2_000)), row(2, 2_000, json!(4_000)), row(3, 6_000, json!(8_000)),
        row(4, 14_000, Value::Null)], "stop": "max-attempts", "seeded": false, "problems": [], "unknown": []});
    assert_eq!(ask_waits(&exact), expected);
    for (properties, attempts, stop) in [
        (json!({"wsb.retry.strategy": "none"}), 1, json!("no-retry")),
        (
            json!({"wsb.retry.strategy": "fixed", "wsb.retry.maxElapsed": "3s", "wsb.retry.throttle": "none"}),
            3,
            json!("max-elapsed"),
        ),
        (json!({"wsb.retry.strategy": "fixed"}), 10, Value::Null),
    ] {
        let answer = ask_waits(&properties);
        assert_eq!(answer["attempts"].as_array().unwrap().len(), attempts, "{answer}");
        assert_eq!(answer["stop"], stop, "{answer}");
    }
}

#[test]
fn with_a_seed_the_waits_are_those_that_a_run_draws() {
    let seeded = json!({"wsb.retry.seed": "7", "wsb.retry.strategy": "full"});
    let answer = ask_waits(&seeded);
    assert_eq!(answer["seeded"], true);
    assert_eq!(answer, ask_waits(&seeded));
    let policy: Policy = "full".parse().unwrap();
    let mut run = Backoff::new(
        Arc::new(policy),
        Some(backoff::stream_seed(7, "Thread Group 1-1", 0)),
    );
    let mut at = Duration::ZERO;
    for row in answer["attempts"].as_array().unwrap() {
        let throttle = Seen::Answer(HttpAnswer {
            status: 429,
            headers: &[],
            body: b"",
            now: UNIX_EPOCH,
        });
        let Next::Wait(wait) = run.after(&throttle, at).next else {
            panic!("{row}")
        };
        assert_eq!(row["waitMs"], whole_ms(wait), "{row}");
        at += wait;
    }
    let other = json!({"wsb.retry.seed": "8", "wsb.retry.strategy": "full"});
    assert_ne!(answer["attempts"], ask_waits(&other)["attempts"]);
}

#[test]
fn waits_tell_what_is_wrong_and_what_only_the_run_knows() {
    let answer = ask_waits(&json!({"wsb.retry.seed": "soon", "wsb.retry.base": "x"}));
    let problems = answer["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{answer}");
    assert!(
        problems[1]
            .as_str()
            .unwrap()
            .starts_with("wsb.retry.seed: \"soon\""),
        "{answer}"
    );
    let later = ask(&json!({"ask": "waits", "properties": {}, "later": ["wsb.retry.cap", "wsb.retry.seed"]}));
    assert_eq!(later["unknown"], json!(["wsb.retry.cap"]));
    assert_eq!(later["attempts"], json!([]));
}
