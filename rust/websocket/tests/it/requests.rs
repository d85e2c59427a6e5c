//! What is sent, and what the trace says of it.

use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use websocket::Dial;

use crate::support::{Server, attempt, code, dial, pairs};

/// Dials and gives the request as the server saw it, with the attempt.
fn seen(change: impl Fn(&mut Dial)) -> (String, websocket::Attempt, Server) {
    let (sender, receiver) = mpsc::channel();
    let server = Server::start(move |mut peer| {
        peer.upgrade();
        sender.send(peer.request.clone()).unwrap();
        peer.hold();
    });
    let mut dial = dial(&server.url("/path?a=b%20c"));
    change(&mut dial);
    let attempt = attempt(&dial);
    (receiver.recv().unwrap(), attempt, server)
}

fn lines(request: &str) -> Vec<&str> {
    request
        .lines()
        .filter(|line| !line.starts_with("Sec-WebSocket-Key: "))
        .collect()
}

#[test]
fn headers_go_out_in_the_order_and_case_given() {
    let (request, attempt, server) = seen(|dial| {
        dial.headers = pairs(&[
            ("x-lower", "1"),
            ("X-UPPER", "2"),
            ("Origin", "https://a"),
            ("x-Lower", "3"),
            ("Cookie", "a=\u{e4}; b=c"),
            ("User-Agent", ""),
        ]);
    });
    let host = format!("Host: {}", server.address);
    let expected = [
        "GET /path?a=b%20c HTTP/1.1",
        &host,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "x-lower: 1",
        "X-UPPER: 2",
        "Origin: https://a",
        "x-Lower: 3",
        "Cookie: a=\u{e4}; b=c",
        "User-Agent: ",
        "",
    ];
    assert_eq!(lines(&request), expected);
    assert_eq!(attempt.trace.request_head, request);
    assert_eq!(attempt.trace.sent_bytes, request.len() as u64);
}

#[test]
fn a_host_header_replaces_ours() {
    let (request, ..) = seen(|dial| dial.headers = pairs(&[("host", "virtual.example:81"), ("A", "b")]));
    assert_eq!(request.matches("ost: ").count(), 1);
    assert!(request.contains("\r\nhost: virtual.example:81\r\n"));
}

#[test]
fn each_attempt_has_its_own_key() {
    let key = || {
        let (request, ..) = seen(|_| {});
        request
            .lines()
            .find(|line| line.starts_with("Sec-WebSocket-Key: "))
            .unwrap()
            .to_owned()
    };
    assert_ne!(key(), key());
}

#[test]
fn bad_headers_are_refused_before_anything_is_sent() {
    let server = Server::start(|mut peer| peer.upgrade());
    for (headers, subprotocols) in [
        (pairs(&[("A", "x\r\nB: y")]), vec![]),
        (pairs(&[("Connection", "close")]), vec![]),
        (vec![], vec!["a b".to_owned()]),
        (vec![], vec!["a".to_owned(), "a".to_owned()]),
    ] {
        let attempt = attempt(&Dial {
            headers,
            subprotocols,
            ..dial(&server.url("/"))
        });
        assert_eq!(code(&attempt), "upgrade.header");
        assert_eq!(attempt.trace.request_head, "");
    }
    assert_eq!(server.accepted(), 0);
}

#[test]
fn subprotocols_are_asked_for_and_checked() {
    for (asked, in_header, chosen, expected) in [
        (vec!["a", "b"], None, Some("b"), Ok(Some("b"))),
        (vec!["a"], Some("b"), Some("b"), Ok(Some("b"))),
        (vec![], Some("b"), Some("b"), Ok(Some("b"))),
        (vec!["a"], None, None, Ok(None)),
        (vec!["a"], None, Some("c"), Err("upgrade.subprotocol")),
        (vec!["a"], None, Some("A"), Err("upgrade.subprotocol")),
        (vec!["a", "b"], None, Some("a, b"), Err("upgrade.subprotocol")),
    ] {
        let list: Vec<&str> = asked.iter().copied().chain(in_header).collect();
        let line = format!("\r\nSec-WebSocket-Protocol: {}\r\n", list.join(", "));
        let server = Server::start(move |mut peer| {
            assert!(peer.read_head().contains(&line));
            let choice = chosen.map_or(String::new(), |name| {
                format!("Sec-WebSocket-Protocol: {name}\r\n")
            });
            peer.say(crate::support::UPGRADED.replace("\r\n\r\n", &format!("\r\n{choice}\r\n")));
            peer.hold();
        });
        let mut dial = dial(&server.url("/"));
        dial.subprotocols = asked.iter().map(|name| (*name).to_owned()).collect();
        dial.headers = in_header
            .map(|name| ("Sec-WebSocket-Protocol".into(), name.into()))
            .into_iter()
            .collect();
        let attempt = attempt(&dial);
        let found = attempt
            .result
            .as_ref()
            .map(|c| c.subprotocol())
            .map_err(|error| error.code().as_str());
        assert_eq!(found, expected);
    }
}

#[test]
fn the_trace_tells_stages_in_order() {
    let before = SystemTime::now();
    let (_, attempt, server) = seen(|_| {});
    let trace = attempt.trace;
    assert!(trace.started >= before - Duration::from_secs(1) && trace.started <= SystemTime::now());
    assert_eq!((trace.dns, trace.proxy, trace.tls), (None, None, None));
    assert_eq!(trace.remote, Some(server.address));
    let (tcp, sent, head) = (trace.tcp.unwrap(), trace.sent.unwrap(), trace.head.unwrap());
    assert!(
        tcp <= sent && sent <= head && head <= trace.total,
        "{tcp:?} {sent:?} {head:?} {:?}",
        trace.total
    );
    assert!(trace.redirects.is_empty());
}

#[test]
fn a_slow_answer_shows_between_sent_and_head() {
    let pause = Duration::from_millis(50);
    let server = Server::start(move |mut peer| {
        peer.read_head();
        std::thread::sleep(pause);
        peer.say(crate::support::UPGRADED);
        peer.hold();
    });
    let trace = attempt(&dial(&server.url("/"))).trace;
    assert!(
        trace.head.unwrap() - trace.sent.unwrap() >= pause * 9 / 10,
        "{trace:?}"
    );
}
