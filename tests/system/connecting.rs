//! Users connect, are throttled, get in; what a sample shows of it.

use std::collections::BTreeSet;

use system::jtl;
use system::jtl_xml::{self, Detailed};
use system::plan::{Group, Plan};
use system::serve::Serve;
use system::{repository, trace};

use crate::raw::{Raw, TEXT, say, swallow, whole};
use crate::support::{folder, jmeter, jmeter_of, run, together};

const VARIABLES: &str =
    "wsb.attempts,wsb.throttled,wsb.waitedMs,wsb.timeToConnectMs,wsb.hintMs,wsb.stop,wsb.lastStatus";

/// Runs a plan of one group and returns its samples with their texts.
fn detailed(test: &str, group: Group) -> Vec<Detailed> {
    let run = run(&jtl_xml::recorded_by(jmeter_of(&Plan::of(group), &folder(test))));
    jtl_xml::read(&run.files.samples()).unwrap()
}

#[test]
fn users_come_from_each_local_address_in_turn() {
    let _turn = together();
    let raw = Raw::start(&[("whence", |line| {
        let from = line.tcp().peer_addr().unwrap().ip().to_string();
        say(line, &whole(TEXT, from.as_bytes()));
        swallow(line);
    })]);
    let own = [
        ("wsb.url", raw.url("whence")),
        ("wsb.localAddress", "127.0.0.41, 127.0.0.42".to_owned()),
    ];
    let own = own.each_ref().map(|(key, value)| (*key, value.as_str()));
    let group = Group::new("G", 4)
        .loops(2)
        .connect("Connect", &own)
        .sampler("Receive", "Receive", &[]);
    let samples = detailed("local_addresses", group);
    assert!(samples.iter().all(|each| each.sample.success), "{samples:?}");
    let from = |address: &str| samples.iter().filter(|each| each.response == address).count();
    assert_eq!((from("127.0.0.41"), from("127.0.0.42")), (4, 4), "{samples:?}");
}

#[test]
fn one_user_connects_and_the_sample_says_so() {
    let _turn = together();
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let plan = jmeter(&repository::plan("after.jmx"), &folder("one_user"));
    let plan = plan
        .property("users", "1")
        .property("rampup", "0")
        .property("url", &serve.url("/agents?id=1"));
    let samples = run(&plan.property("sample_variables", VARIABLES))
        .samples()
        .unwrap();
    let [sample] = &samples[..] else {
        panic!("one sample is expected: {samples:?}")
    };
    assert!(sample.success, "{sample:?}");
    assert_eq!(
        (sample.code.as_str(), sample.message.as_str()),
        ("101", "Switching Protocols")
    );
    assert!(
        sample.bytes > 100 && sample.sent_bytes > 100,
        "sizes come from the wire: {sample:?}"
    );
    assert_eq!(sample.idle_ms, 0);
    for (variable, value) in [
        ("wsb.attempts", "1"),
        ("wsb.throttled", "0"),
        ("wsb.stop", "connected"),
        ("wsb.lastStatus", "101"),
    ] {
        assert_eq!(sample.variables[variable], value, "{variable}");
    }
    let stats = serve.stats().unwrap();
    assert_eq!(
        (stats.attempts, stats.accepted, stats.open),
        (1, 1, 0),
        "closed when its thread ended"
    );
}

#[test]
fn throttled_users_all_get_in_and_wait_in_idle_time() {
    let _turn = together();
    let serve = Serve::start(&["--limit", "fixed-window limit=12 window=3s"]).unwrap();
    let folder = folder("throttled_users");
    let traced = folder.join("trace.jsonl");
    let plan = jmeter(&repository::plan("after.jmx"), &folder)
        .property("users", "20")
        .property("rampup", "0");
    let plan = plan
        .property("url", &serve.url("/agents"))
        .property("sample_variables", VARIABLES);
    let samples = run(&plan.property("wsb.trace", &traced.display()))
        .samples()
        .unwrap();

    assert_eq!(samples.len(), 20, "one sample a connect, however many attempts");
    assert_eq!(jtl::users_connected(&samples), 20);
    let waited: Vec<_> = samples.iter().filter(|sample| sample.idle_ms > 0).collect();
    assert_eq!(waited.len(), 8, "the limit lets 12 in at once");
    for sample in &waited {
        // A `Retry-After` in whole seconds of a window of 3 s is 1 to 3 s, and a hint is a minimum.
        assert!(sample.idle_ms >= 1_000, "{sample:?}");
        assert!(
            sample.number("wsb.hintMs") >= 1_000.0 && sample.number("wsb.hintMs") <= 3_000.0,
            "{sample:?}"
        );
        assert!(
            (sample.number("wsb.waitedMs") - f64::from(u32::try_from(sample.idle_ms).unwrap())).abs() <= 2.0,
            "{sample:?}"
        );
        assert!(
            sample.number("wsb.timeToConnectMs") >= sample.number("wsb.waitedMs"),
            "{sample:?}"
        );
        assert!(
            sample.elapsed_ms < 1_000,
            "elapsed is work, not waiting: {sample:?}"
        );
    }

    let stats = serve.stats().unwrap();
    let attempts: f64 = samples.iter().map(|sample| sample.number("wsb.attempts")).sum();
    let traced = trace::read(&traced).unwrap();
    assert_eq!(stats.accepted, 20);
    assert!(
        (attempts - stats.attempts as f64).abs() < f64::EPSILON,
        "{attempts} against {}",
        stats.attempts
    );
    assert_eq!(
        traced.len() as u64,
        stats.attempts,
        "the trace has a line for each attempt"
    );
    let users: BTreeSet<_> = traced.iter().map(|attempt| &*attempt.user).collect();
    assert_eq!(users.len(), 20);
    for refused in traced.iter().filter(|attempt| attempt.status == Some(429)) {
        let hint = refused.hint.as_ref().expect("the server always says when");
        assert!(
            refused.wait_ms.unwrap() >= hint.ms.unwrap(),
            "a hint is a minimum: {refused:?}"
        );
    }
}

#[test]
fn a_refusal_keeps_status_headers_and_body() {
    let _turn = together();
    let serve = Serve::start(&[
        "--limit",
        "fixed-window limit=1 window=1h",
        "--body",
        "come back later",
    ])
    .unwrap();
    let url = serve.url("/");
    let group = Group::new("G", 1)
        .connect("first", &[("wsb.url", &url), ("wsb.connection", "a")])
        .connect(
            "second",
            &[
                ("wsb.url", &url),
                ("wsb.connection", "b"),
                ("wsb.retry.strategy", "none"),
            ],
        )
        .connect(
            "third",
            &[
                ("wsb.url", &url),
                ("wsb.connection", "c"),
                ("wsb.retry.strategy", "fixed"),
                ("wsb.retry.base", "30"),
                ("wsb.retry.maxAttempts", "3"),
                ("wsb.hint.mode", "ignore"),
                ("wsb.result.attempts", "subresults"),
            ],
        );
    let samples = detailed("refusal", group);
    let [first, second, third] = &samples[..] else {
        panic!("three samples are expected: {samples:?}")
    };
    assert!(first.sample.success);
    assert_eq!(
        (second.sample.code.as_str(), second.sample.message.as_str()),
        ("429", "Too Many Requests")
    );
    assert!(!second.sample.success && second.children.is_empty());
    assert!(
        second
            .response_headers
            .starts_with("HTTP/1.1 429 Too Many Requests"),
        "{}",
        second.response_headers
    );
    assert!(
        second.response_headers.to_lowercase().contains("retry-after: 3"),
        "{}",
        second.response_headers
    );
    assert!(
        second.response == "come back later",
        "what the server sent, only: {}",
        second.response
    );
    let (head, timeline) = second.response_headers.split_once("\n\n").unwrap();
    assert!(
        timeline.starts_with("attempt 1"),
        "the timeline follows the head: {timeline}"
    );
    let received = head.replace('\n', "\r\n").len() + 4 + "come back later".len();
    assert_eq!(
        second.sample.bytes, received as u64,
        "bytes are those of the wire"
    );

    assert_eq!(third.sample.code, "429");
    // On a busy machine timers are late.
    assert!(
        (60..1_000).contains(&third.sample.idle_ms),
        "two pauses of 30 ms: {third:?}"
    );
    assert_eq!(third.children.len(), 3);
    let labels: BTreeSet<_> = third
        .children
        .iter()
        .map(|child| child.sample.label.as_str())
        .collect();
    assert_eq!(labels.len(), 1, "one label for all attempts: {labels:?}");
    assert_eq!(serve.stats().unwrap().attempts, 1 + 1 + 3);
}

#[test]
fn headers_of_the_plan_reach_the_server_as_they_are() {
    let _turn = together();
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let url = serve.url("/");
    let group = Group::new("G", 1)
        .connect_with_headers(
            "sent",
            &[("wsb.url", &url)],
            &[("X-Team", "blue"), ("x-lower", "a, b")],
        )
        .connect_with_headers("forged", &[("wsb.url", &url)], &[("Sec-WebSocket-Key", "mine")])
        .connect_with_headers("split", &[("wsb.url", &url)], &[("X-A", "b\r\nX-Evil: 1")]);
    let samples = detailed("headers", group);
    assert!(samples[0].sample.success);
    let lines: Vec<&str> = samples[0].request_headers.lines().map(str::trim_end).collect();
    assert!(
        lines.contains(&"X-Team: blue") && lines.contains(&"x-lower: a, b"),
        "{lines:?}"
    );
    for (sample, name) in [(&samples[1], "Sec-WebSocket-Key"), (&samples[2], "X-A")] {
        assert_eq!(
            sample.sample.code, "Non HTTP response code: spec.invalid",
            "{}",
            sample.sample.label
        );
        assert!(
            sample.response_headers.contains(name),
            "{}",
            sample.response_headers
        );
    }
    assert_eq!(
        serve.stats().unwrap().attempts,
        1,
        "nothing was sent for a wrong header"
    );
}

#[test]
fn certificates_are_verified_unless_the_plan_says_otherwise() {
    let _turn = together();
    let folder = folder("tls");
    let certificate = folder.join("server.pem").display().to_string();
    let serve = Serve::start(&["--limit", "none", "--tls", "--cert-out", &certificate]).unwrap();
    let url = serve.tls_url("/");
    let once = ("wsb.retry.strategy", "none");
    let group = Group::new("G", 1)
        .connect("verified", &[("wsb.url", &url), once])
        .connect(
            "trusted",
            &[("wsb.url", &url), once, ("wsb.tls.caFile", &certificate)],
        )
        .connect("blind", &[("wsb.url", &url), once, ("wsb.tls.verify", "false")]);
    // As in a container without CA certificates: Java's own count, which do not know this server.
    let (file, none) = (folder.join("no-roots.pem"), folder.join("no-roots"));
    std::fs::write(&file, "").unwrap();
    std::fs::create_dir(&none).unwrap();
    let plan = jmeter_of(&Plan::of(group), &folder);
    let finished = run(&plan
        .environment("SSL_CERT_FILE", &file)
        .environment("SSL_CERT_DIR", &none));
    let codes: Vec<(String, bool)> = finished
        .samples()
        .unwrap()
        .into_iter()
        .map(|sample| (sample.code, sample.success))
        .collect();
    let expected = [
        ("Non HTTP response code: tls.certificate", false),
        ("101", true),
        ("101", true),
    ];
    assert_eq!(codes, expected.map(|(code, success)| (code.to_owned(), success)));
}
