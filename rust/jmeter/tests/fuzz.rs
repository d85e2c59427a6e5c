//! Broken JSON from Java: specs of connects, operations, controls and questions are answered, whatever they are.

use fuzz::Fuzz;
use jmeter::{Ending, Engine, query};
use serde_json::Value;

fn corpus(name: &str) -> String {
    format!("{}/tests/corpus/{name}.txt", env!("CARGO_MANIFEST_DIR"))
}

fn json(answer: &[u8]) -> Value {
    serde_json::from_slice(answer)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(answer)))
}

fn names_something(error: &dyn std::error::Error) {
    assert!(error.to_string().len() > 10, "{error}");
}

/// With another value for a key, where it is an object that has it.
fn with(input: &[u8], key: &str, value: &Value) -> Vec<u8> {
    match serde_json::from_slice::<Value>(input) {
        Ok(Value::Object(mut object)) if object.contains_key(key) => {
            object.insert(key.to_owned(), value.clone());
            Value::Object(object).to_string().into_bytes()
        }
        _ => input.to_vec(),
    }
}

#[test]
fn a_connect_that_is_cancelled_before_it_begins_reads_any_spec_and_dials_nobody() {
    let engine = Engine::default();
    Fuzz::new(corpus("connects"), 3_000).run(|input| {
        let mut lines = input.splitn(2, |byte| *byte == b'\n');
        // A broken path must not become a file, nor a broken name another element.
        let spec = with(lines.next().unwrap_or_default(), "trace", &Value::Null);
        let spec = with(&spec, "element", &"ConnectSampler".into());
        let prepared = match engine.prepare(&spec) {
            Ok(prepared) => prepared,
            Err(misuse) => return names_something(&misuse),
        };
        let handle = engine.open();
        engine.cancel(handle);
        match engine.connect(handle, prepared, 0, lines.next(), None) {
            Ok(result) => assert!(
                [Ending::Cancelled as i64, Ending::Invalid as i64].contains(&result.figures[0]),
                "{}",
                result.texts
            ),
            Err(misuse) => names_something(&misuse),
        }
        engine.close(handle, None).unwrap();
        engine.discard(prepared).unwrap();
    });
    assert_eq!(engine.handles(), 0);
}

#[test]
fn an_operation_is_prepared_or_says_what_is_wrong_with_it() {
    let engine = Engine::default();
    let nowhere = engine.open();
    Fuzz::new(corpus("operations"), 5_000).run(|input| match engine.prepare(input) {
        Ok(operation) => {
            let done = engine.perform(nowhere, operation, None, None).unwrap();
            let failure = json(&done.payload);
            assert!(
                failure["code"].as_str().is_some_and(|code| code.contains('.')),
                "{failure}"
            );
            engine.discard(operation).unwrap();
        }
        Err(misuse) => names_something(&misuse),
    });
}

#[test]
fn a_control_answers_every_event_within_the_schedule() {
    let engine = Engine::default();
    let soon = Value::from(2);
    Fuzz::new(corpus("controls"), 800).run(|input| {
        let mut lines = input.split(|byte| *byte == b'\n');
        let spec = with(lines.next().unwrap_or_default(), "trace", &Value::Null);
        let control = match engine.control(&spec) {
            Ok(control) => control,
            Err(misuse) => return names_something(&misuse),
        };
        for event in lines {
            match engine.step(control, &bounded(event, &soon)) {
                Ok(answer) => assert!(json(&answer).is_object()),
                Err(misuse) => names_something(&misuse),
            }
        }
        engine.release(control).unwrap();
    });
}

/// Those events that wait have a schedule that ends soon; what is no event is left as it is.
fn bounded(event: &[u8], soon: &Value) -> Vec<u8> {
    const WAITING: [&str; 5] = ["turn", "failed", "over", "enter", "done"];
    match serde_json::from_slice::<Value>(event) {
        Ok(Value::Object(mut object))
            if object
                .get("event")
                .is_some_and(|event| WAITING.iter().any(|w| event == w)) =>
        {
            object.insert("leftMs".to_owned(), soon.clone());
            Value::Object(object).to_string().into_bytes()
        }
        _ => event.to_vec(),
    }
}

#[test]
fn a_question_has_an_answer_or_an_error() {
    Fuzz::new(corpus("queries"), 3_000).run(|input| match query(input) {
        Ok(answer) => assert!(json(&answer).is_object()),
        Err(misuse) => names_something(&misuse),
    });
}
