//! Wrong values of every property: a failed sample at once that names key, value and what is allowed; nothing is sent.

use std::collections::BTreeMap;
use std::process::Command;

use system::jtl_xml;
use system::plan::{Group, Plan};
use system::repository;
use system::serve::Serve;

use crate::raw::Raw;
use crate::support::{folder, jmeter_of, run, together};

/// Keys that take any text.
const FREE: &[&str] = &["wsb.connection", "wsb.shared.key"];

/// Key and value, and what the message must name besides: a part of what is allowed.
const WRONG: &[(&str, &str, &str)] = &[
    ("wsb.url", "ftp://127.0.0.1/", "ws"),
    ("wsb.url", "ws://", "host"),
    ("wsb.url", "ws:///path", "host"),
    ("wsb.url", "ws://127.0.0.1:0/", "port"),
    ("wsb.url", "ws://127.0.0.1:70000/", "port"),
    ("wsb.url", "ws://127.0.0.1:port/", "port"),
    ("wsb.url", "ws://127.0.0.1/a\r\nX-Evil: 1", "ws://"),
    ("wsb.url", "ws://127.0.0.1/a\u{7f}b", "ws://"),
    ("wsb.url", "ws://user:secret@127.0.0.1/", "ws://"),
    ("wsb.url", "ws://127.0.0.1/#part", "ws://"),
    ("wsb.url", "just some words", "ws://"),
    ("wsb.baseUrl", "nowhere", "ws://"),
    ("wsb.whenOpen", "sometimes", "replace"),
    ("wsb.subprotocols", "a b", "names"),
    ("wsb.connectTimeout", "soon", "milliseconds"),
    ("wsb.connectTimeout", "-1", "milliseconds"),
    ("wsb.connectTimeout", "0", ""),
    ("wsb.settle", "soon", "milliseconds"),
    ("wsb.tls.verify", "maybe", "true"),
    ("wsb.tls.caFile", "/no/such/file.pem", "PEM"),
    ("wsb.tls.resume", "always", "shared"),
    ("wsb.proxy", "ftp://127.0.0.1:21", "http://"),
    ("wsb.localAddress", "localhost", "addresses of this machine"),
    ("wsb.localAddress", "192.0.2.1", "addresses of this machine"),
    ("wsb.compression", "much", "true"),
    ("wsb.maxMessageSize", "huge", "k"),
    ("wsb.scope", "forever", "thread"),
    ("wsb.end", "slam", "abort"),
    ("wsb.end.reason", LONG_REASON, "123 bytes"),
    ("wsb.keepAlive", "often", "milliseconds"),
    ("wsb.pongTimeout", "0", ""),
    ("wsb.queue.messages", "-1", "0"),
    ("wsb.queue.bytes", "many", "k"),
    ("wsb.queue.total", "many", "k"),
    ("wsb.ping.answer", "loudly", "on"),
    ("wsb.autoReply", "equals 2", "equals 2 -> 3"),
    ("wsb.reconnect", "always", "on-next-use"),
    ("wsb.shared.mode", "herd", "pace"),
    ("wsb.shared.rate", "0", ""),
    ("wsb.shared.rate", "fast", "second"),
    ("wsb.shared.increase", "-1", ""),
    ("wsb.shared.beta", "1", ""),
    ("wsb.shared.minRate", "300", ""),
    ("wsb.shared.maxRate", "x", "second"),
    ("wsb.shared.spread", "-1", "milliseconds"),
    ("wsb.retry.strategy", "hopeful", "decorrelated"),
    ("wsb.retry.table", "", "at least one duration"),
    ("wsb.retry.base", "fast", "milliseconds"),
    ("wsb.retry.base", "-100", "milliseconds"),
    ("wsb.retry.base", "1m", "30s"),
    ("wsb.retry.cap", "x", "milliseconds"),
    ("wsb.retry.base", "31s", "at most the cap"),
    ("wsb.retry.multiplier", "0.5", "1"),
    ("wsb.retry.multiplier", "NaN", "1"),
    ("wsb.retry.multiplier", "two", "1"),
    ("wsb.retry.jitter", "1.5", "0"),
    ("wsb.retry.jitter", "-0.1", "0"),
    ("wsb.retry.table", "1s,then,2s", "1"),
    ("wsb.retry.transientBase", "a while", "milliseconds"),
    ("wsb.retry.maxElapsed", "0", ""),
    ("wsb.retry.maxElapsed", "-5s", "milliseconds"),
    ("wsb.retry.maxAttempts", "-1", "0"),
    ("wsb.retry.maxAttempts", "many", "0"),
    ("wsb.retry.maxAttempts", "1.5", "0"),
    ("wsb.retry.attemptTimeout", "0", ""),
    ("wsb.retry.attemptTimeout", "99999999h", "milliseconds"),
    ("wsb.retry.throttle", "four hundred", "429"),
    ("wsb.retry.throttle", "closed.99", "closed.1013"),
    ("wsb.retry.throttle", "700", ""),
    ("wsb.retry.transient", "504-502", ""),
    ("wsb.retry.transient", "sometimes", "network"),
    ("wsb.retry.seed", "dice", "0"),
    ("wsb.retry.seed", "-1", "0"),
    ("wsb.hint.mode", "obey", "floor"),
    ("wsb.hint.jitter", "wild", "growing"),
    ("wsb.hint.max", "0", ""),
    ("wsb.hint.max", "later", "milliseconds"),
    ("wsb.hint.onTooLong", "wait", "clamp"),
    ("wsb.hint.sources", "retry-aftre", "retry-after-ms"),
    ("wsb.hint.bodyPattern", "wait (", "regular expression"),
    ("wsb.hint.bodyPattern", "no group", "group"),
    ("wsb.result.attempts", "all", "subresults"),
    ("wsb.result.elapsed", "some", "total"),
    ("wsb.retry.bsae", "1s", "keys"),
];

type WrongInTalk = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// The same for the samplers of the conversation, with the properties that make a value wrong. Each is tried in every
/// sampler that has the property.
const WRONG_IN_TALK: &[WrongInTalk] = &[
    ("wsb.payloadType", "xml", "base64", &[]),
    ("wsb.payload", "0g", "hex", &[("wsb.payloadType", "hex")]),
    ("wsb.payload", "a", "Base64", &[("wsb.payloadType", "base64")]),
    ("wsb.payloadFile", "", "file", &[("wsb.payloadType", "file")]),
    (
        "wsb.payloadFile",
        "/no/such/file",
        "file",
        &[("wsb.payloadType", "file")],
    ),
    (
        "wsb.payloadFile",
        "/no/such/file",
        "file",
        &[("wsb.payloadType", "file-text")],
    ),
    (
        "wsb.payload.charset",
        "klingon",
        "UTF-8",
        &[
            ("wsb.payloadType", "file-text"),
            ("wsb.payloadFile", "/proc/version"),
        ],
    ),
    ("wsb.fragmentSize", "0", "", &[]),
    ("wsb.repeat", "0", "1", &[]),
    ("wsb.repeat", "often", "1", &[]),
    ("wsb.readTimeout", "soon", "milliseconds", &[]),
    ("wsb.readTimeout", "0", "", &[]),
    ("wsb.match.mode", "xpath", "contains", &[]),
    (
        "wsb.match.value",
        "(",
        "regular expression",
        &[("wsb.match.mode", "regex")],
    ),
    (
        "wsb.match.value",
        "0",
        "hex",
        &[("wsb.match.mode", "binary-prefix")],
    ),
    ("wsb.match.pointer", "a.b", "/", &[("wsb.match.mode", "json")]),
    ("wsb.match.kind", "pong", "binary", &[]),
    ("wsb.match.count", "0", "1", &[]),
    ("wsb.match.others", "burn", "discard", &[]),
    ("wsb.match.discard", "heartbeat", "contains", &[]),
    ("wsb.result.discarded", "all", "subresults", &[]),
    ("wsb.ping.mode", "pang", "pong", &[]),
    ("wsb.optional", "perhaps", "true", &[]),
    ("wsb.close.code", "1006", "3000", &[]),
    ("wsb.close.code", "bye", "3000", &[]),
    ("wsb.close.reason", LONG_REASON, "123", &[]),
    ("wsb.close.timeout", "0", "", &[]),
    ("wsb.close.abort", "now", "true", &[]),
    ("wsb.nonsense", "1", "keys", &[]),
];

/// One byte longer than a close frame has room for.
const LONG_REASON: &str = "A reason that goes on and on, as if nobody who reads it had anything else to do today, and that \
     at last is too long for it and for everybody.";

/// The samplers of the conversation, by kind.
const TALKERS: [&str; 5] = ["Send", "Receive", "Exchange", "Ping", "Close"];

/// The keys of an element, from the product's own table.
fn keys_of(element: &str) -> Vec<String> {
    let output = Command::new(repository::program().unwrap())
        .args(["describe", "--format", "json"])
        .output()
        .unwrap();
    let table: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys = table["keys"].as_array().unwrap().iter();
    keys.filter(|key| key["elements"].as_array().unwrap().contains(&element.into()))
        .map(|key| key["key"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_tables_of_wrong_values_have_every_property_of_every_element() {
    // Those of controllers and the timer, which have no sample of their own, are tried in the engine.
    let samplers = ["Connect"].iter().chain(&TALKERS);
    let mut missing: Vec<String> = samplers
        .clone()
        .flat_map(|kind| keys_of(&format!("{kind}Sampler")))
        .collect();
    assert!(missing.len() > 60, "{missing:?}");
    missing.retain(|key| {
        let connect = WRONG.iter().map(|(wrong, ..)| wrong);
        let mut both = connect.chain(WRONG_IN_TALK.iter().map(|(wrong, ..)| wrong));
        !FREE.contains(&key.as_str()) && !both.any(|wrong| wrong == key)
    });
    assert!(missing.is_empty(), "no wrong value for {missing:?}");
    for kind in samplers {
        let keys = keys_of(&format!("{kind}Sampler"));
        let all = keys_of("WebSocketDefaults");
        assert!(
            !keys.is_empty() && keys.iter().all(|key| all.contains(key)),
            "{kind}: {keys:?}"
        );
    }
}

#[test]
fn each_wrong_property_of_a_talk_fails_its_sample_and_nothing_is_said() {
    let _turn = together();
    let raw = Raw::start(&[]);
    let url = raw.url("echo");
    let mut group = Group::new("G", 1).connect("right", &[("wsb.url", &url)]);
    let mut cases = Vec::new();
    for kind in TALKERS {
        let keys = keys_of(&format!("{kind}Sampler"));
        for (key, value, allowed, others) in WRONG_IN_TALK {
            if !keys.iter().any(|own| own == key) && *key != "wsb.nonsense" {
                continue;
            }
            let mut wrong = [&[(*key, *value)], *others].concat();
            if kind == "Close" {
                // Whatever came of it, its connection is gone.
                wrong.push(("wsb.connection", "closed"));
                group = group.connect("right", &[("wsb.url", &url), ("wsb.connection", "closed")]);
            }
            group = group.sampler(kind, kind, &wrong);
            cases.push((kind, *key, *value, *allowed));
        }
    }
    // What follows finds the connection as it was.
    group = group
        .sampler("Exchange", "right", &[("wsb.payload", "still open")])
        .sampler("Close", "right", &[]);
    let inherited = Group::new("Defaults", 1)
        .defaults(&[("wsb.readTimeout", "soon")])
        .connect("right", &[("wsb.url", &url)])
        .sampler("Send", "inherits", &[("wsb.payload", "x")])
        .sampler(
            "Send",
            "right",
            &[("wsb.payload", "x"), ("wsb.readTimeout", "5s")],
        );
    let plan = Plan::of(group).and(inherited);
    let finished = run(&jtl_xml::recorded_by(jmeter_of(&plan, &folder("wrong_talk"))));
    let samples = jtl_xml::read(&finished.files.samples()).unwrap();
    let (right, wrong): (Vec<_>, Vec<_>) = samples.iter().partition(|each| each.sample.label == "right");
    let closes = cases.iter().filter(|(kind, ..)| *kind == "Close").count();
    assert_eq!(right.len(), 5 + closes);
    assert!(right.iter().all(|each| each.sample.success), "{right:?}");
    let (inherits, wrong): (Vec<_>, Vec<_>) = wrong
        .into_iter()
        .partition(|each| each.sample.label == "inherits");
    assert_eq!(wrong.len(), cases.len());
    cases.push(("Send", "wsb.readTimeout", "soon", "milliseconds"));
    let mut mistakes = Vec::new();
    for (each, (kind, key, value, allowed)) in wrong.iter().chain(&inherits).zip(&cases) {
        let text = &each.response_headers;
        let named = text.contains(key) && text.contains(value) && text.contains(allowed);
        let failed = !each.sample.success && each.sample.code == "Non HTTP response code: spec.invalid";
        if !named || !failed || each.sample.sent_bytes > 0 || each.sample.started_ms == 0 {
            mistakes.push(format!("{kind} {key} = {value:?}: {} {text}", each.sample.code));
        }
    }
    assert!(
        mistakes.is_empty(),
        "{} of {}:\n{}",
        mistakes.len(),
        cases.len(),
        mistakes.join("\n")
    );
}

#[test]
fn each_wrong_property_fails_its_sample_and_sends_nothing() {
    let _turn = together();
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let url = serve.url("/");
    let mut group = Group::new("G", 1);
    for (number, (key, value, _)) in WRONG.iter().enumerate() {
        let mut properties = BTreeMap::from([("wsb.url", url.as_str())]);
        properties.insert(key, value);
        if *key == "wsb.retry.table" {
            properties.insert("wsb.retry.strategy", "table");
        }
        if *key == "wsb.baseUrl" {
            properties.insert("wsb.url", "/relative");
        }
        let properties: Vec<(&str, &str)> = properties.into_iter().collect();
        group = group.connect(&number.to_string(), &properties);
    }
    // One that is right, to see that the plan would send at all.
    group = group.connect("right", &[("wsb.url", &url)]);
    let finished = run(&jtl_xml::recorded_by(jmeter_of(
        &Plan::of(group),
        &folder("wrong_input"),
    )));
    let mut samples = jtl_xml::read(&finished.files.samples()).unwrap();
    let right = samples.pop().expect("the last sample");
    assert!(right.sample.success, "{right:?}");
    assert_eq!(samples.len(), WRONG.len());

    let mut wrong = Vec::new();
    for (sample, (key, value, allowed)) in samples.iter().zip(WRONG) {
        let text = &sample.response_headers;
        // Values with control characters are shown in an escaped form.
        let shown = value.split(|c: char| c.is_control()).next().unwrap_or_default();
        let named = text.contains(key) && text.contains(shown) && text.contains(allowed);
        let failed = !sample.sample.success && sample.sample.code == "Non HTTP response code: spec.invalid";
        if !named || !failed || sample.sample.started_ms == 0 {
            wrong.push(format!("{key} = {value:?}: {} {text}", sample.sample.code));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        WRONG.len(),
        wrong.join("\n")
    );
    let messages: std::collections::BTreeSet<_> =
        samples.iter().map(|sample| &sample.sample.message).collect();
    assert_eq!(messages.len(), 1, "dashboards group by the message: {messages:?}");
    let stats = serve.stats().unwrap();
    assert_eq!(stats.attempts, 1, "only the right one was sent");
}
