//! What is sent is what the plan says, and the figures tell it.

use std::sync::mpsc::channel;
use std::time::Duration;

use jmeter::{Engine, Misuse};

use crate::support::*;

#[test]
fn every_form_of_payload_arrives_as_it_is_meant() {
    let (frames, received) = channel();
    let frames = std::sync::Mutex::new(frames);
    let url = server(move |mut peer| {
        while let Some(frame) = peer.frame() {
            frames.lock().unwrap().send(frame).unwrap();
        }
    });
    let client = Client::open(&url, &[]);
    let next = || received.recv_timeout(Duration::from_secs(5)).unwrap();
    for (kind, written, given, opcode, bytes) in [
        ("text", " h\u{e9}llo ", None, TEXT, " h\u{e9}llo ".as_bytes()),
        ("text", "", None, TEXT, b""),
        ("text", "own", Some("given"), TEXT, b"given"),
        ("hex", "00 ff 0x10", None, BINARY, &[0, 255, 16]),
        ("hex", "", Some("beef"), BINARY, &[0xbe, 0xef]),
        ("base64", "AP8Q", None, BINARY, &[0, 255, 16]),
        ("file", "", Some("bytes"), BINARY, b"bytes"),
        ("file-text", "", Some("text"), TEXT, b"text"),
        ("file-raw", "", Some("${text}"), TEXT, b"${text}"),
    ] {
        let operation = client.prepare(
            "SendSampler",
            &[("wsb.payloadType", kind), ("wsb.payload", written)],
        );
        let done = client.perform(operation, given.map(str::as_bytes));
        assert_eq!(done.code(), "ok", "{kind}: {done:?}");
        assert_eq!(next(), (0x80 | opcode, bytes.to_vec()), "{kind}");
        assert_eq!(
            done.figures[SENT],
            6 + i64::try_from(bytes.len()).unwrap(),
            "{kind}"
        );
        assert_eq!((done.figures[KIND], done.payload.len()), (0, 0));
    }
    let cut = client.act(
        "SendSampler",
        &[("wsb.payload", "abcde"), ("wsb.fragmentSize", "2")],
    );
    assert_eq!(cut.code(), "ok");
    let parts = [next(), next(), next()];
    assert_eq!(
        parts,
        [(TEXT, b"ab".to_vec()), (0, b"cd".to_vec()), (0x80, b"e".to_vec())]
    );
}

#[test]
fn what_cannot_be_done_is_known_before_anything_is_opened_for_it() {
    let engine = Engine::default();
    for (property, value, given, wrong) in [
        ("wsb.payload", "text", None, None),
        ("wsb.match.mode", "perhaps", None, Some("wsb.match.mode")),
        ("wsb.payloadType", "hex", Some("0g"), Some("wsb.payload")),
        ("wsb.payloadType", "hex", Some("0f"), None),
        ("wsb.payloadType", "file", None, Some("wsb.payloadFile")),
    ] {
        let spec =
            serde_json::json!({"element": "ExchangeSampler", "properties": {property: value}}).to_string();
        let operation = engine.prepare(spec.as_bytes()).unwrap();
        let told = engine.check(operation, given.map(str::as_bytes)).unwrap();
        let told = told.map(|json| String::from_utf8(json).unwrap());
        match (&told, wrong) {
            (None, None) => {}
            (Some(told), Some(key)) => {
                assert!(told.contains("spec.invalid") && told.contains(key), "{told}");
            }
            _ => panic!("{property}={value}: {told:?}"),
        }
        engine.discard(operation).unwrap();
        assert!(matches!(
            engine.check(operation, None),
            Err(Misuse::UnknownOperation(_))
        ));
    }
}

#[test]
fn an_exchange_tells_times_sizes_and_kind() {
    let url = server(|mut peer| {
        peer.message();
        pause(30);
        peer.say(BINARY, &[7; 200]);
        peer.echo();
    });
    let client = Client::open(&url, &[]);
    let done = client.exchange("question");
    assert_eq!((done.code().as_str(), &done.payload), ("ok", &vec![7; 200]));
    let figures = done.figures;
    assert_eq!((figures[KIND], figures[SENT], figures[RECEIVED]), (2, 14, 204));
    assert_eq!((figures[MESSAGES], figures[SKIPPED], figures[ROUNDS]), (1, 0, 1));
    assert!(
        figures[LATENCY] >= 30_000_000 && figures[LATENCY] <= figures[ELAPSED],
        "{figures:?}"
    );
    assert!(figures[ROUND_TRIP] >= 30_000 && figures[ROUND_TRIP] * 1_000 <= figures[ELAPSED]);
    assert_eq!(figures[AGE], 0, "it came while the operation waited");
    assert_eq!(client.exchange("again").text(), "again");
}

#[test]
fn many_exchanges_in_one_sample_report_their_spread() {
    let url = server(|mut peer| peer.echo());
    let client = Client::open(&url, &[]);
    let done = client.act(
        "ExchangeSampler",
        &[
            ("wsb.payload", "x"),
            ("wsb.repeat", "500"),
            ("wsb.match.value", "x"),
            ("wsb.match.mode", "equals"),
        ],
    );
    assert_eq!(done.text(), "x");
    let figures = done.figures;
    assert_eq!((figures[ROUNDS], figures[MESSAGES]), (500, 500));
    assert_eq!((figures[SENT], figures[RECEIVED]), (500 * 7, 500 * 3));
    let [min, mean, p50, p90, p99, max] = figures[SPREAD..SPREAD + 6] else {
        unreachable!("six places")
    };
    assert!(
        0 < min && min <= p50 && p50 <= p90 && p90 <= p99 && p99 <= max,
        "{figures:?}"
    );
    assert!(
        min <= mean && mean <= max && max <= figures[ELAPSED],
        "{figures:?}"
    );
    assert!(
        (figures[ROUND_TRIP] * 1_000 - mean).abs() <= mean / 100 + 1_000,
        "{figures:?}"
    );
}

#[test]
fn a_repeat_that_breaks_off_reports_what_it_did() {
    let url = server(|mut peer| {
        for _ in 0..3 {
            let payload = peer.message().unwrap();
            peer.say(TEXT, &payload);
        }
        peer.message();
        peer.close(1013, "enough");
        peer.swallow();
    });
    let client = Client::open(&url, &[]);
    let done = client.act("ExchangeSampler", &[("wsb.payload", "x"), ("wsb.repeat", "10")]);
    assert_eq!(done.code(), "closed.1013");
    assert_eq!((done.figures[ROUNDS], done.figures[CLOSE_CODE]), (3, 1013));
    assert!(done.figures[SPREAD] > 0);
}

#[test]
fn a_ping_waits_for_its_own_pong_and_keeps_messages() {
    let url = server(|mut peer| {
        let (first, payload) = peer.frame().unwrap();
        assert_eq!((first, payload.as_slice()), (0x80 | PING, &b"mine"[..]));
        peer.say(PONG, b"unasked");
        peer.text("push");
        pause(20);
        peer.say(PONG, b"mine");
        peer.echo();
    });
    let client = Client::open(&url, &[]);
    let done = client.act("PingSampler", &[("wsb.payload", "mine")]);
    assert_eq!(done.code(), "ok", "{done:?}");
    assert!(done.figures[ROUND_TRIP] >= 20_000, "{done:?}");
    assert_eq!((done.figures[KIND], done.figures[QUEUED]), (0, 1));
    assert_eq!(client.receive(&[]).text(), "push");
    assert_eq!(
        client.act("PingSampler", &[]).code(),
        "ok",
        "with a payload of its own"
    );
}

#[test]
fn a_send_that_times_out_says_what_was_not_sent() {
    let url = server(|_peer| pause(3_000));
    let client = Client::open(&url, &[]);
    let large = vec![b'x'; 12 << 20];
    let operation = client.prepare("SendSampler", &[("wsb.readTimeout", "100ms")]);
    let first = client.perform(operation, Some(&large));
    assert_eq!(first.code(), "message.timeout");
    assert!(
        first
            .detail()
            .contains("12582912 bytes could be sent within 100 ms"),
        "{}",
        first.detail()
    );
    let second = client.perform(operation, Some(b"small"));
    assert!(
        second
            .detail()
            .contains("5 bytes could not be sent within 100 ms"),
        "{}",
        second.detail()
    );
}

#[test]
fn a_ping_without_a_pong_times_out() {
    let url = server(|mut peer| {
        while peer.frame().is_some() {
            peer.say(PONG, b"another's");
        }
    });
    let client = Client::open(&url, &[]);
    let done = client.act(
        "PingSampler",
        &[("wsb.payload", "mine"), ("wsb.readTimeout", "100ms")],
    );
    assert_eq!(done.code(), "message.timeout");
    assert!(done.elapsed() < Duration::from_millis(300), "{done:?}");
}

#[test]
fn wrong_properties_fail_the_sample_and_send_nothing() {
    let client = Client::open(&server(|mut peer| peer.echo()), &[]);
    let long = "x".repeat(126);
    for (element, key, value, others) in [
        ("SendSampler", "wsb.payloadType", "xml", &[][..]),
        ("SendSampler", "wsb.payload", "0g", &[("wsb.payloadType", "hex")]),
        (
            "SendSampler",
            "wsb.payload",
            "a",
            &[("wsb.payloadType", "base64")],
        ),
        (
            "SendSampler",
            "wsb.payloadFile",
            "",
            &[("wsb.payloadType", "file")],
        ),
        ("SendSampler", "wsb.fragmentSize", "0", &[]),
        ("SendSampler", "wsb.readTimeout", "0", &[]),
        ("SendSampler", "wsb.nonsense", "1", &[]),
        ("ExchangeSampler", "wsb.repeat", "0", &[]),
        ("ReceiveSampler", "wsb.readTimeout", "soon", &[]),
        ("ReceiveSampler", "wsb.match.mode", "xpath", &[]),
        (
            "ReceiveSampler",
            "wsb.match.value",
            "",
            &[("wsb.match.mode", "contains")],
        ),
        (
            "ReceiveSampler",
            "wsb.match.value",
            "(",
            &[("wsb.match.mode", "regex")],
        ),
        (
            "ReceiveSampler",
            "wsb.match.value",
            "0",
            &[("wsb.match.mode", "binary-prefix")],
        ),
        (
            "ReceiveSampler",
            "wsb.match.pointer",
            "a.b",
            &[("wsb.match.mode", "json")],
        ),
        ("ReceiveSampler", "wsb.match.kind", "pong", &[]),
        ("ReceiveSampler", "wsb.match.count", "0", &[]),
        ("ReceiveSampler", "wsb.match.others", "burn", &[]),
        ("ReceiveSampler", "wsb.optional", "perhaps", &[]),
        ("PingSampler", "wsb.payload", long.as_str(), &[]),
        ("CloseSampler", "wsb.close.code", "1006", &[]),
        ("CloseSampler", "wsb.close.code", "999", &[]),
        ("CloseSampler", "wsb.close.reason", long.as_str(), &[]),
        ("CloseSampler", "wsb.close.timeout", "0", &[]),
    ] {
        let done = client.act(element, &[&[(key, value)], others].concat());
        assert_eq!(done.code(), "spec.invalid", "{key}={value}");
        assert!(done.detail().starts_with(key), "{key}={value}: {}", done.detail());
        assert_eq!(done.figures[SENT], 0);
    }
    assert_eq!(client.exchange("still open").text(), "still open");
}

#[test]
fn text_that_is_not_utf8_is_not_sent() {
    let client = Client::open(&server(|mut peer| peer.echo()), &[]);
    let operation = client.prepare("SendSampler", &[("wsb.payloadType", "file-text")]);
    let done = client.perform(operation, Some(b"\xff\xfe"));
    assert_eq!(done.code(), "spec.invalid");
    assert!(done.detail().contains("UTF-8"), "{}", done.detail());
}

#[test]
fn what_is_not_there_is_told_and_misuse_is_an_error() {
    let engine = Engine::default();
    let send = engine.prepare(br#"{"element":"SendSampler"}"#).unwrap();
    for handle in [0, 77, engine.open()] {
        let done = engine.perform(handle, send, None, None).unwrap();
        let failure: serde_json::Value = serde_json::from_slice(&done.payload).unwrap();
        assert_eq!(
            (done.figures[OUTCOME], &failure["code"]),
            (1, &"connection.none".into())
        );
    }
    assert!(matches!(
        engine.prepare(br#"{"element":"WebSocketDefaults"}"#),
        Err(Misuse::UnknownElement(_))
    ));
    assert!(matches!(engine.prepare(b"{"), Err(Misuse::Malformed(_))));
    engine.discard(send).unwrap();
    assert!(matches!(engine.discard(send), Err(Misuse::UnknownOperation(_))));
    assert!(matches!(
        engine.perform(0, send, None, None),
        Err(Misuse::UnknownOperation(_))
    ));
}

#[test]
fn a_pong_is_sent_unasked_and_nothing_is_waited_for() {
    let (frames, received) = channel();
    let frames = std::sync::Mutex::new(frames);
    let url = server(move |mut peer| {
        while let Some(frame) = peer.frame() {
            frames.lock().unwrap().send(frame).unwrap();
        }
    });
    let client = Client::open(&url, &[]);
    let pong = [("wsb.ping.mode", "pong"), ("wsb.payload", "here")];
    let done = client.act("PingSampler", &pong);
    assert_eq!(done.code(), "ok");
    assert_eq!((done.figures[SENT], done.figures[RECEIVED]), (10, 0));
    assert_eq!(done.figures[ROUND_TRIP], 0);
    let frame = received.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(frame, (0x80 | PONG, b"here".to_vec()));
    let long = "x".repeat(126);
    let wrong = client.act(
        "PingSampler",
        &[("wsb.ping.mode", "pong"), ("wsb.payload", &long)],
    );
    assert_eq!(wrong.code(), "spec.invalid");
}
