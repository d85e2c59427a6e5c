//! How the ends of connections are told: lines of the trace, and the log.

use std::sync::Arc;
use std::time::Duration;

use jmeter::Engine;
use serde_json::{Value, json};

use crate::support::*;

/// The `closed` lines of one engine's connections; each is opened traced, used, and ended by the test.
fn closed(
    script: impl Fn(Peer) + Send + Sync + 'static,
    properties: Properties<'_>,
    act: impl FnOnce(&Client),
) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let url = server(script);
    let (client, result) = Client::connect(Arc::default(), &url, properties, &json!({"trace": path}));
    assert_eq!(result["outcome"], "connected", "{result:#}");
    act(&client);
    client.engine.shutdown().unwrap();
    let written = std::fs::read_to_string(path).unwrap();
    let lines = written
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["event"] == "closed").collect()
}

#[test]
fn each_end_is_one_line_that_says_who_ended_it() {
    type Act = fn(&Client);
    type Script = fn(Peer);
    let echo: Script = |mut peer| peer.echo();
    let cases: [(&str, Value, Value, Script, Act); 9] = [
        (
            "server",
            json!(1008),
            Value::Null,
            |mut peer| {
                peer.close(1008, "policy");
                peer.swallow();
            },
            |_| pause(300),
        ),
        (
            "server",
            json!(1008),
            Value::Null,
            |mut peer| {
                peer.close(1008, "policy");
                peer.swallow();
            },
            |client| assert_eq!(client.receive(&[]).code(), "closed.1008"),
        ),
        ("client", json!(1000), Value::Null, echo, |client| {
            assert_eq!(client.act("CloseSampler", &[]).code(), "ok");
        }),
        ("client", json!(1000), Value::Null, echo, |client| {
            client
                .engine
                .close(client.handle, Some(Duration::from_secs(1)))
                .unwrap();
        }),
        (
            "lost",
            Value::Null,
            json!("connection.lost"),
            |_| {},
            |_| pause(300),
        ),
        (
            "lost",
            Value::Null,
            json!("protocol.error"),
            |mut peer| {
                peer.raw(&[0x83, 0]);
                peer.swallow();
            },
            |client| assert_eq!(client.receive(&[]).code(), "protocol.error"),
        ),
        (
            "keeper",
            Value::Null,
            json!("connection.lost"),
            |mut peer| peer.swallow(),
            |_| pause(900),
        ),
        (
            "cancelled",
            Value::Null,
            Value::Null,
            |mut peer| peer.swallow(),
            |client| {
                client.engine.cancel(client.handle);
                assert_eq!(client.receive(&[]).code(), "cancelled");
                client.engine.close(client.handle, None).unwrap();
            },
        ),
        ("test-end", json!(1001), Value::Null, echo, |_| {}),
    ];
    for (by, code, error, script, act) in cases {
        let quick = [("wsb.keepAlive", "200ms"), ("wsb.pongTimeout", "200ms")];
        let lines = closed(script, if by == "keeper" { &quick } else { &[] }, act);
        assert_eq!(lines.len(), 1, "{by}: {lines:?}");
        let line = &lines[0];
        assert_eq!(
            (&line["by"], &line["code"], &line["error"]),
            (&json!(by), &code, &error),
            "{line:#}"
        );
        assert_eq!(
            (&line["user"], &line["ordinal"]),
            (&json!("users 1-1"), &json!(0)),
            "{line:#}"
        );
    }
}

#[test]
fn the_line_counts_what_went_over_the_connection() {
    let lines = closed(
        |mut peer| peer.echo(),
        &[],
        |client| {
            for _ in 0..3 {
                assert_eq!(client.exchange("hello").text(), "hello");
            }
            pause(100);
        },
    );
    let line = &lines[0];
    assert_eq!(
        (&line["sentMessages"], &line["receivedMessages"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(
        (&line["sentBytes"], &line["receivedBytes"]),
        (&json!(3 * 11), &json!(3 * 7)),
        "{line:#}"
    );
    let open = line["openMs"].as_f64().unwrap();
    assert!((100.0..10_000.0).contains(&open), "{line:#}");
}

#[test]
fn the_log_hears_of_the_first_loss_and_of_all_at_the_end() {
    let engine: Arc<Engine> = Arc::default();
    let url = numbered_server(|number, mut peer| {
        if number < 3 {
            peer.swallow_one();
        } else {
            peer.echo();
        }
    });
    let again: Properties<'_> = &[("wsb.reconnect", "on-next-use"), ("wsb.retry.strategy", "none")];
    let clients: Vec<Client> = (0..3)
        .map(|_| Client::open_on(engine.clone(), &url, again))
        .collect();
    assert_eq!(engine.news(), "");
    let question = [("wsb.payload", "hello"), ("wsb.readTimeout", "2s")];
    let done = clients[0].act("ExchangeSampler", &question);
    assert_eq!((done.code().as_str(), done.figures[NEWS]), ("connection.lost", 1));
    let news = engine.news();
    assert!(
        news.starts_with("connection.lost: ") && news.lines().count() == 1,
        "{news}"
    );
    for client in &clients[1..] {
        let done = client.act("ExchangeSampler", &question);
        assert_eq!(
            (done.code().as_str(), done.figures[NEWS]),
            ("connection.lost", 0),
            "it was told"
        );
    }
    for client in &clients {
        assert_eq!(client.exchange("hello").figures[RECONNECTS], 1);
    }
    assert!(engine.news().starts_with("reconnect: "));
    engine.shutdown().unwrap();
    assert_eq!(engine.news(), "in this test: 3 x connection.lost, 3 x reconnect");
}

#[test]
fn a_trace_is_its_owners_and_hides_secrets_unless_all_is_asked_for() {
    let url = server(|mut peer| peer.echo());
    for (show, expected) in [
        ("", "/?access_token=***&room=7"),
        ("all", "/?access_token=s3cr3t&room=7"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.jsonl");
        let beside = json!({"trace": path, "traceShow": show});
        let address = format!("{url}?access_token=s3cr3t&room=7");
        let (client, result) = Client::connect(Arc::default(), &address, &[], &beside);
        assert_eq!(result["outcome"], "connected", "{result:#}");
        client.engine.shutdown().unwrap();
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written.contains("s3cr3t"), show == "all", "{written}");
        assert_eq!(written.matches(expected).count(), 2, "attempt and end: {written}");
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap());
            assert_eq!(mode & 0o777, 0o600);
        }
    }
    let (_, result) = Client::connect(Arc::default(), &url, &[], &json!({"traceShow": "some"}));
    assert!(result.to_string().contains("wsb.trace.show"), "{result:#}");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "/dev/full is Linux's")]
fn a_full_disk_under_the_trace_is_told_once_with_its_reason() {
    let engine: Arc<Engine> = Arc::default();
    let url = server(|mut peer| peer.echo());
    let beside = json!({"trace": "/dev/full"});
    let mut warnings = Vec::new();
    for _ in 0..4 {
        let (client, result) = Client::connect(engine.clone(), &url, &[], &beside);
        assert_eq!(result["outcome"], "connected", "{result:#}");
        warnings.push(result["warning"].as_str().unwrap_or_default().to_owned());
        engine.close(client.handle, None).unwrap();
        pause(300);
    }
    warnings.retain(|warning| !warning.is_empty());
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("No space left"), "{warnings:?}");
    engine.shutdown().unwrap();
    let end = engine.news();
    // The start of the file, and attempt and end of each connection.
    assert_eq!(end, "trace file /dev/full: 9 lines could not be written");
}

#[test]
fn a_connection_is_left_as_the_plan_says() {
    // How the plan says it, the reason of a close frame at the end of the thread, and at the end of the test; none: no frame.
    let cases: [(Properties<'_>, Option<[&str; 2]>); 4] = [
        (&[("wsb.end", "close")], Some(["", "test ended"])),
        (&[("wsb.end.reason", "my day ends")], Some(["my day ends"; 2])),
        (&[("wsb.end", "abort")], None),
        (&[("wsb.end", "abort"), ("wsb.end.reason", "unsaid")], None),
    ];
    for (properties, reasons) in cases {
        for ends_with_the_test in [false, true] {
            let (sender, frames) = std::sync::mpsc::channel();
            let lines = closed(
                move |mut peer| sender.send(peer.frame()).unwrap(),
                properties,
                |client| {
                    if !ends_with_the_test {
                        let patience = Some(Duration::from_secs(1));
                        client.engine.close(client.handle, patience).unwrap();
                    }
                },
            );
            let code: u16 = if ends_with_the_test { 1001 } else { 1000 };
            let said = reasons.map(|reasons| {
                let reason = reasons[usize::from(ends_with_the_test)];
                (0x88, [&code.to_be_bytes(), reason.as_bytes()].concat())
            });
            let what = format!("{properties:?} {ends_with_the_test}");
            assert_eq!(lines[0]["code"], json!(said.as_ref().map(|_| code)), "{what}");
            let frame = frames.recv_timeout(Duration::from_secs(10)).unwrap();
            assert_eq!(frame, said, "{what}");
        }
    }
}
