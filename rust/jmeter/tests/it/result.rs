//! Connects as Java does, in two steps, and shows the result by the names of its figures and texts.

use std::time::Duration;

use jmeter::{Engine, FIGURES, FIRST_LENGTH, Handle, Misuse, TEXTS};
use serde_json::{Value, json};

/// What of a specification is only one call's.
const OWN: [&str; 6] = ["headers", "login", "addresses", "cookies", "visit", "asks"];

/// Prepares and connects; `spec` holds what both steps are given.
pub fn connect(engine: &Engine, handle: Handle, spec: &Value) -> Result<Value, Misuse> {
    connect_by(engine, spec, |plan, ordinal, own, left| {
        let done = engine.connect(handle, plan, ordinal, own, left)?;
        Ok((done.figures, done.texts))
    })
}

/// Prepares, and connects by `make`, which is given the plan, the ordinal, what is only this call's, and what the schedule leaves.
pub fn connect_by(
    engine: &Engine,
    spec: &Value,
    make: impl FnOnce(Handle, u64, Option<&[u8]>, Option<Duration>) -> Result<([i64; FIGURES], String), Misuse>,
) -> Result<Value, Misuse> {
    let (mut plan, mut own) = (spec.clone(), json!({}));
    let fields = plan.as_object_mut().unwrap();
    fields.insert("element".to_owned(), "ConnectSampler".into());
    let ordinal = fields
        .remove("ordinal")
        .map_or(0, |ordinal| ordinal.as_u64().unwrap());
    let left = fields.remove("leftMs").and_then(|left| left.as_u64());
    for name in OWN {
        if let Some(value) = fields.remove(name) {
            own[name] = value;
        }
    }
    let plan = engine.prepare(plan.to_string().as_bytes())?;
    let own = own.to_string();
    let left = left.map(Duration::from_millis);
    let done = make(plan, ordinal, Some(own.as_bytes()), left);
    // The end of the test may have come first.
    let _ = engine.discard(plan);
    done.map(|(figures, texts)| shown(&figures, &texts))
}

/// By the names that its documentation gives.
fn shown(figures: &[i64; FIGURES], texts: &str) -> Value {
    let mut rest = texts;
    let mut shown = json!({});
    for (name, &length) in TEXTS.iter().zip(&figures[FIRST_LENGTH..]) {
        let (text, behind) = rest.split_at(usize::try_from(length).unwrap());
        shown[*name] = text.into();
        rest = behind;
    }
    assert_eq!(rest, "");
    for (place, name) in [
        (2, "elapsedUs"),
        (3, "waitedUs"),
        (4, "connectUs"),
        (5, "latencyUs"),
        (6, "sentBytes"),
        (7, "headBytes"),
        (8, "bodyBytes"),
    ] {
        shown[name] = figures[place].into();
    }
    let outcomes = ["connected", "refused", "failed", "cancelled", "invalid"];
    shown["outcome"] = outcomes[usize::try_from(figures[0]).unwrap()].into();
    if figures[1] != 0 {
        assert_eq!(shown["code"], "");
        shown["code"] = figures[1].to_string().into();
    }
    shown["elapsedMode"] = ["attempts", "total"][usize::from(figures[9] & 1 != 0)].into();
    shown["setCookies"] = cookies(shown["setCookies"].as_str().unwrap());
    if let Ok(attempts) = serde_json::from_str(shown["attempts"].as_str().unwrap()) {
        assert_ne!(figures[9] & 2, 0);
        let attempts: Value = attempts;
        shown["attempts"] = attempts;
    }
    let known = |place: usize, none: i64| match figures[place] {
        figure if figure == none => String::new(),
        figure => figure.to_string(),
    };
    shown["variables"] = json!({
        "wsb.attempts": figures[10].to_string(),
        "wsb.throttled": figures[11].to_string(),
        "wsb.hintMs": known(12, -1),
        "wsb.lastStatus": known(13, 0),
        "wsb.rate": known(14, -1).parse().map_or(String::new(), |rate: f64| (rate / 1e3).to_string()),
        "wsb.gateQueue": known(15, -1),
        "wsb.stop": shown["stop"],
    });
    shown
}

/// Address and value of each.
fn cookies(lines: &str) -> Value {
    let lines: Vec<&str> = lines.lines().collect();
    lines.chunks(2).map(|pair| json!(pair)).collect()
}
