//! Every way in which a server may answer to the upgrade.

use std::time::{Duration, Instant};

use websocket::Dial;

use crate::script::Step::{Drip, HalfClose, Hold, Repeat, Reset, Say};
use crate::script::{LONG, SHORT, Step, run, say};
use crate::support::{Server, UPGRADED, attempt, code, dial};

/// A 101 with these lines in place of the usual Upgrade and Connection.
fn upgraded_with(lines: &str) -> Step {
    say(&format!(
        "HTTP/1.1 101 Switching Protocols\r\n{lines}\r\nSec-WebSocket-Accept: {{accept}}\r\n\r\n"
    ))
}

#[test]
fn an_empty_subprotocol_in_the_answer_is_none() {
    for asked in [&[][..], &["chat".to_owned()]] {
        let server = Server::start(|mut peer| {
            peer.read_head();
            peer.say(UPGRADED.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: \r\n\r\n"));
            peer.hold();
        });
        let attempt = attempt(&Dial {
            subprotocols: asked.to_vec(),
            ..dial(&server.url("/"))
        });
        assert_eq!(attempt.result.unwrap().subprotocol(), None);
    }
}

#[test]
fn legal_101s_are_accepted() {
    let fields = "Upgrade: websocket\r\nConnection: Upgrade";
    let many = |count: usize, length: usize| -> String {
        (0..count)
            .map(|n| format!("\r\nX-{n}: {}", "v".repeat(length)))
            .collect()
    };
    let cases: Vec<(&str, Vec<Step>)> = vec![
        ("plain", vec![say(UPGRADED), Hold]),
        (
            "token list",
            vec![
                upgraded_with("Upgrade: websocket\r\nConnection: keep-alive, Upgrade"),
                Hold,
            ],
        ),
        (
            "any case",
            vec![upgraded_with("UPGRADE: WebSocket\r\nconnection: UPGRADE"), Hold],
        ),
        (
            "repeated headers",
            vec![
                upgraded_with(
                    "Upgrade: h2c\r\nUpgrade: websocket\r\nConnection: keep-alive\r\nConnection: upgrade",
                ),
                Hold,
            ],
        ),
        (
            "103 before",
            vec![
                say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
                say(UPGRADED),
                Hold,
            ],
        ),
        (
            "100, 102 and 103 in one packet with the 101",
            vec![
                say(&format!(
                    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 \r\nA: b\r\n\r\n{UPGRADED}"
                )),
                Hold,
            ],
        ),
        (
            "no reason",
            vec![say(&UPGRADED.replace(" Switching Protocols", "")), Hold],
        ),
        (
            "bare line feeds",
            vec![say(&UPGRADED.replace("\r\n", "\n")), Hold],
        ),
        (
            "64 KiB of headers",
            vec![upgraded_with(&format!("{fields}{}", many(64, 1020))), Hold],
        ),
        (
            "400 headers",
            vec![upgraded_with(&format!("{fields}{}", many(400, 5))), Hold],
        ),
        (
            "a length that means nothing",
            vec![
                upgraded_with(&format!(
                    "{fields}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked"
                )),
                Hold,
            ],
        ),
        (
            "dripped in time",
            vec![Drip(UPGRADED.into(), Duration::ZERO), Hold],
        ),
    ];
    for (name, steps) in cases {
        let attempt = run(steps, LONG);
        assert_eq!(code(&attempt), "ok", "{name}: {:?}", attempt.result);
        let answer = attempt.trace.answer.unwrap();
        assert_eq!(answer.status, 101, "{name}");
        assert!(
            answer.head.starts_with("HTTP/1.1 101"),
            "{name}: {:?}",
            answer.head
        );
        assert_eq!(attempt.trace.head_bytes, answer.head.len() as u64, "{name}");
        assert_eq!(attempt.trace.body_bytes, 0, "{name}");
    }
}

#[test]
fn illegal_101s_are_refused_with_the_reason() {
    let fields = "Upgrade: websocket\r\nConnection: Upgrade";
    let cases: Vec<(&str, &str, Step)> = vec![
        (
            "wrong accept",
            "upgrade.bad-accept",
            say(&UPGRADED.replace("{accept}", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
        ),
        (
            "no accept",
            "upgrade.bad-accept",
            say(&UPGRADED.replace("Sec-WebSocket-Accept: {accept}\r\n", "")),
        ),
        (
            "two accepts",
            "upgrade.bad-accept",
            upgraded_with(&format!("{fields}\r\nSec-WebSocket-Accept: x")),
        ),
        (
            "no Upgrade",
            "upgrade.bad-headers",
            upgraded_with("Connection: Upgrade"),
        ),
        (
            "wrong Upgrade",
            "upgrade.bad-headers",
            upgraded_with("Upgrade: h2c\r\nConnection: Upgrade"),
        ),
        (
            "no Connection",
            "upgrade.bad-headers",
            upgraded_with("Upgrade: websocket"),
        ),
        (
            "Connection: close",
            "upgrade.bad-headers",
            upgraded_with("Upgrade: websocket\r\nConnection: close"),
        ),
        (
            "unrequested subprotocol",
            "upgrade.subprotocol",
            upgraded_with(&format!("{fields}\r\nSec-WebSocket-Protocol: chat")),
        ),
        (
            "unrequested extension",
            "upgrade.extension",
            upgraded_with(&format!(
                "{fields}\r\nSec-WebSocket-Extensions: permessage-deflate; x=1"
            )),
        ),
        (
            "more headers than allowed",
            "upgrade.too-large",
            upgraded_with(&format!("{fields}{}", "\r\nX: y".repeat(600))),
        ),
    ];
    for (name, expected, step) in cases {
        let attempt = run(vec![step, Hold], LONG);
        assert_eq!(code(&attempt), expected, "{name}: {:?}", attempt.result);
        assert!(!attempt.result.unwrap_err().detail().is_empty(), "{name}");
        if expected != "upgrade.too-large" {
            assert_eq!(attempt.trace.answer.unwrap().status, 101, "{name}");
        }
    }
}

#[test]
fn an_answer_given_before_the_request_is_read() {
    for close in [true, false] {
        let server = Server::start(move |mut peer| {
            peer.say("HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\nno");
            if !close {
                peer.hold();
            }
        });
        for _ in 0..50 {
            let attempt = attempt(&dial(&server.url("/")));
            assert_eq!(code(&attempt), "upgrade.status", "{:?}", attempt.result);
            let answer = attempt.trace.answer.unwrap();
            assert_eq!((answer.status, answer.body.as_slice()), (503, &b"no"[..]));
        }
    }
}

#[test]
fn answers_that_are_none_have_their_codes() {
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: web";
    let cases: Vec<(&str, &str, Vec<Step>)> = vec![
        ("ended at once", "upgrade.closed", vec![]),
        ("ended within the head", "upgrade.closed", vec![say(head)]),
        ("half closed", "upgrade.closed", vec![HalfClose]),
        (
            "half closed within the head",
            "upgrade.closed",
            vec![say(head), HalfClose],
        ),
        (
            "ended after a 103",
            "upgrade.closed",
            vec![say("HTTP/1.1 103 Early Hints\r\n\r\n")],
        ),
        ("reset", "upgrade.reset", vec![Reset]),
        (
            "garbage",
            "upgrade.malformed",
            vec![say("SSH-2.0-OpenSSH_9.2\r\n"), Hold],
        ),
        (
            "binary",
            "upgrade.malformed",
            vec![Say(vec![0x15, 3, 3, 0, 2, 2, 70]), Hold],
        ),
        (
            "HTTP/2",
            "upgrade.malformed",
            vec![say("HTTP/2 200\r\n\r\n"), Hold],
        ),
        (
            "a status that is none",
            "upgrade.malformed",
            vec![say("HTTP/1.1 abc OK\r\n\r\n"), Hold],
        ),
        (
            "html without head",
            "upgrade.malformed",
            vec![say("<html>busy</html>")],
        ),
        (
            "head without end",
            "upgrade.too-large",
            vec![
                say("HTTP/1.1 200 OK\r\n"),
                Repeat(b"X-A: bbbbbbbbbbbbbbbbbbbbbbbb\r\n".into()),
            ],
        ),
        (
            "line without end",
            "upgrade.too-large",
            vec![say("HTTP/1.1 200 OK\r\nX: "), Repeat(vec![b'v'; 1000])],
        ),
        (
            "103s without end",
            "upgrade.too-large",
            vec![Repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n".into())],
        ),
    ];
    for (name, expected, steps) in cases {
        let attempt = run(steps, LONG);
        assert_eq!(code(&attempt), expected, "{name}: {:?}", attempt.result);
        assert!(attempt.trace.answer.is_none(), "{name}");
        assert!(
            attempt.trace.sent.is_some() && attempt.trace.tcp.is_some(),
            "{name}"
        );
        assert!(
            attempt.trace.request_head.starts_with("GET / HTTP/1.1\r\n"),
            "{name}"
        );
    }
}

#[test]
fn silence_and_dripping_end_at_the_deadline() {
    let drip = || Drip(UPGRADED.as_bytes().to_vec(), Duration::from_millis(100));
    for (name, steps, sees_head) in [
        ("silence", vec![Hold], false),
        ("a byte each 100 ms", vec![drip(), Hold], true),
        (
            "103s for ever",
            vec![
                Drip(b"HTTP/1.1 103 x\r\n\r\n".repeat(100), Duration::from_millis(5)),
                Hold,
            ],
            true,
        ),
    ] {
        let began = Instant::now();
        let attempt = run(steps, SHORT);
        assert_eq!(code(&attempt), "upgrade.timeout", "{name}: {:?}", attempt.result);
        assert!(attempt.trace.total >= SHORT, "{name}");
        assert!(began.elapsed() < Duration::from_secs(5), "{name}");
        assert_eq!(attempt.trace.head.is_some(), sees_head, "{name}");
        assert!(attempt.result.unwrap_err().detail().contains("200 ms"), "{name}");
    }
}

#[test]
fn what_users_see_is_what_was_on_the_wire() {
    let head = "HTTP/1.1 429 Zu viel \r\nset-cookie: a=1\r\nX-b: 2\r\nSet-Cookie: b=2\r\nX-B:3\r\nRETRY-after:  5 \r\n\
        Content-Length: 2\r\n\r\n";
    let attempt = run(vec![say(head), say("no"), Hold], LONG);
    let answer = attempt.trace.answer.unwrap();
    assert_eq!(answer.head, head);
    assert_eq!(answer.version, "HTTP/1.1");
    assert_eq!(answer.reason, "Zu viel");
    let expected = crate::support::pairs(&[
        ("set-cookie", "a=1"),
        ("X-b", "2"),
        ("Set-Cookie", "b=2"),
        ("X-B", "3"),
        ("RETRY-after", "5"),
        ("Content-Length", "2"),
    ]);
    assert_eq!(answer.headers, expected);
    assert_eq!(attempt.trace.head_bytes, head.len() as u64);
    assert_eq!(attempt.trace.body_bytes, 2);
}
