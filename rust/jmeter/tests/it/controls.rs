//! Controls through the engine's own door: handles, wrong properties, cancel, the end of a test.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jmeter::{Engine, Handle, Misuse};
use serde_json::{Value, json};

/// A wait that no test sits out.
const LONG: &str = "10m";

fn control(engine: &Engine, element: &str, properties: &Value) -> Handle {
    let spec = json!({"element": element, "name": "n", "properties": properties, "user": "u", "ordinal": 0});
    engine.control(spec.to_string().as_bytes()).unwrap()
}

/// Tells a control an event.
pub fn step(engine: &Engine, control: Handle, event: &Value) -> Value {
    serde_json::from_slice(&engine.step(control, event.to_string().as_bytes()).unwrap()).unwrap()
}

/// A control whose next step waits for a long time.
fn about_to_wait(engine: &Engine) -> Handle {
    let properties = json!({
        "wsb.retry.strategy": "fixed", "wsb.retry.base": LONG, "wsb.retry.cap": LONG, "wsb.retry.maxElapsed": "1h",
    });
    let handle = control(engine, "RetryController", &properties);
    step(engine, handle, &json!({"event": "begin"}));
    let failed = json!({"event": "failed", "label": "l", "code": "429", "last": true});
    assert_eq!(step(engine, handle, &failed)["go"], true);
    handle
}

/// Steps on another thread, until `end` ends the wait; how long that took after it was called.
fn ends(engine: &Arc<Engine>, handle: Handle, end: impl FnOnce()) -> (Value, Duration) {
    let other = engine.clone();
    let waiting = thread::spawn(move || {
        let event = json!({"event": "over", "ok": false, "code": "429"}).to_string();
        loop {
            match other.step(handle, event.as_bytes()) {
                Err(Misuse::BusyControl(_)) => {} // the look below was faster
                answer => return (answer.unwrap(), Instant::now()),
            }
        }
    });
    // No other step is possible once it is under way.
    while !matches!(engine.step(handle, b"{}"), Err(Misuse::BusyControl(_))) {
        thread::sleep(Duration::from_millis(1));
    }
    let told = Instant::now();
    end();
    let (answer, at) = waiting.join().unwrap();
    (
        serde_json::from_slice(&answer).unwrap(),
        at.saturating_duration_since(told),
    )
}

#[test]
fn a_cancel_ends_a_wait_and_the_control_stays() {
    let engine = Arc::new(Engine::default());
    let handle = about_to_wait(&engine);
    assert!(!engine.cancel_control(handle), "nothing waits yet");
    for _ in 0..2 {
        let (answer, took) = ends(&engine, handle, || {
            assert!(engine.cancel_control(handle));
            engine.cancel_control(handle);
        });
        assert_eq!(answer["stop"], "cancelled");
        assert!(took < Duration::from_secs(5), "{took:?}");
        step(&engine, handle, &json!({"event": "begin"}));
        let failed = json!({"event": "failed", "label": "l", "code": "429", "last": true});
        step(&engine, handle, &failed);
    }
    engine.shutdown().unwrap();
}

#[test]
fn the_end_of_a_test_ends_waits_and_forgets_controls() {
    let engine = Arc::new(Engine::default());
    let handle = about_to_wait(&engine);
    let (answer, took) = ends(&engine, handle, || engine.shutdown().unwrap());
    assert_eq!(answer["stop"], "cancelled");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let gone = engine.step(handle, b"{\"event\":\"begin\"}");
    assert!(matches!(gone, Err(Misuse::UnknownControl(_))));
}

#[test]
fn a_released_control_is_unknown() {
    let engine = Engine::default();
    let handle = control(&engine, "RetryController", &json!({}));
    engine.release(handle).unwrap();
    assert!(matches!(engine.release(handle), Err(Misuse::UnknownControl(_))));
    assert!(matches!(
        engine.step(handle, b"{\"event\":\"begin\"}"),
        Err(Misuse::UnknownControl(_))
    ));
    assert!(!engine.cancel_control(handle));
}

#[test]
fn wrong_properties_are_told_by_every_step_and_misuse_by_an_error() {
    let engine = Engine::default();
    let properties = json!({"wsb.retry.base": "soon", "wsb.retry.prefix": "p."});
    let handle = control(&engine, "RetryController", &properties);
    for event in [
        json!({"event": "begin"}),
        json!({"event": "over", "ok": true, "code": ""}),
    ] {
        let answer = step(&engine, handle, &event);
        assert_eq!(answer["failure"]["code"], "spec.invalid");
        let detail = answer["failure"]["detail"].as_str().unwrap();
        assert!(
            detail.contains("wsb.retry.base") && detail.contains("soon"),
            "{detail}"
        );
        assert_eq!(answer["variables"]["p.stop"], "invalid");
    }
    let good = control(&engine, "RetryController", &json!({}));
    assert!(matches!(engine.step(good, b"{}"), Err(Misuse::Malformed(_))));
    assert!(matches!(
        engine.control(b"{\"element\":\"Nobody\"}"),
        Err(Misuse::UnknownElement(_))
    ));
    assert!(matches!(engine.control(b"?"), Err(Misuse::Malformed(_))));
}

/// Wrong values of the keys that only controllers and the timer have: element, key, value, a part of what is allowed, and what
/// else must be set for the key to be looked at.
type Wrong = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const WRONG: &[Wrong] = &[
    ("RetryController", "wsb.retry.counts", "some", "matching", &[]),
    (
        "RetryController",
        "wsb.retry.label",
        "(",
        "regular",
        &[("wsb.retry.counts", "matching")],
    ),
    (
        "RetryController",
        "wsb.retry.failedAssertions",
        "no",
        "fatal",
        &[],
    ),
    (
        "RetryController",
        "wsb.retry.attemptsShown",
        "hide",
        "ignore",
        &[],
    ),
    ("OnceController", "wsb.once.ttl", "soon", "milliseconds", &[]),
    ("OnceController", "wsb.once.early", "15-5", "", &[]),
    ("OnceController", "wsb.once.early", "never", "", &[]),
    ("OnceController", "wsb.once.timeout", "-1", "", &[]),
    ("OnceController", "wsb.once.lease", "long", "milliseconds", &[]),
    ("OnceController", "wsb.retry.cap", "high", "milliseconds", &[]),
    ("PaceTimer", "wsb.pace.mode", "walk", "fixed", &[]),
    (
        "PaceTimer",
        "wsb.pace.rate",
        "0",
        "",
        &[("wsb.pace.mode", "fixed")],
    ),
    (
        "PaceTimer",
        "wsb.pace.burst",
        "0",
        "1",
        &[("wsb.pace.mode", "fixed")],
    ),
    ("PaceTimer", "wsb.pace.scope", "all", "target", &[]),
    ("PaceTimer", "wsb.retry.throttle", "lots", "429", &[]),
    ("PaceTimer", "wsb.shared.rate", "fast", "number", &[]),
];

/// Keys that take any text.
const FREE: &[&str] = &[
    "wsb.retry.prefix",
    "wsb.once.key",
    "wsb.once.variables",
    "wsb.once.expiresIn",
    // What comes of it is told with each attempt, and judged then (controls/retry/tests.rs).
    "wsb.retry.while",
];

#[test]
fn each_wrong_property_of_a_control_is_told_with_value_and_what_is_allowed() {
    let engine = Engine::default();
    for (element, key, value, allowed, others) in WRONG {
        let mut properties = json!({*key: value});
        for (other, value) in *others {
            properties[*other] = json!(value);
        }
        let first = match *element {
            "RetryController" => json!({"event": "begin"}),
            "OnceController" => json!({"event": "enter"}),
            _ => json!({"event": "turn", "target": "x"}),
        };
        let answer = step(&engine, control(&engine, element, &properties), &first);
        assert_eq!(
            answer["failure"]["code"], "spec.invalid",
            "{element} {key}={value}: {answer}"
        );
        let detail = answer["failure"]["detail"].as_str().unwrap();
        for part in [key, value, allowed] {
            assert!(detail.contains(part), "{element} {key}={value}: {detail}");
        }
    }
    let controls = ["RetryController", "OnceController", "PaceTimer"];
    for key in jmeter::KEYS {
        // What samplers have too is tried with them.
        let own = key.elements.iter().any(|element| controls.contains(element))
            && !key.elements.iter().any(|element| element.ends_with("Sampler"));
        assert!(
            !own || FREE.contains(&key.name) || WRONG.iter().any(|(_, wrong, ..)| *wrong == key.name),
            "no wrong value for {}",
            key.name
        );
    }
}

#[test]
fn a_gate_is_one_setting_for_all_its_users() {
    let engine = Engine::default();
    let turn = json!({"event": "turn", "target": "http://h/login"});
    let first = control(&engine, "RetryController", &json!({"wsb.shared.mode": "pace"}));
    let other = json!({"wsb.shared.mode": "pace", "wsb.shared.rate": "7", "wsb.retry.prefix": "p."});
    let second = control(&engine, "RetryController", &other);
    for handle in [first, second] {
        step(&engine, handle, &json!({"event": "begin"}));
    }
    assert_eq!(step(&engine, first, &turn)["go"], true);
    let refused = step(&engine, second, &turn);
    assert_eq!(refused["failure"]["code"], "spec.invalid");
    assert_eq!(refused["variables"]["p.stop"], "invalid");
    engine.shutdown().unwrap();
}
