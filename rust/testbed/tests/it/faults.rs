//! Each fault as a client sees it on the wire.

use crate::client::{ACCEPT, Client, PATIENCE, attempt, faulty, header, limited, start, status, until};
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use testbed::{Config, Effect, Fault, Server};

/// Reads to the end and counts the reads, which single bytes make many.
fn dripped(client: &mut Client, enough: usize) -> (String, usize) {
    let (mut bytes, mut reads) = (Vec::new(), 0);
    while bytes.len() < enough {
        let more = client.read().unwrap();
        if more.is_empty() {
            break;
        }
        bytes.extend(more);
        reads += 1;
    }
    (String::from_utf8(bytes).unwrap(), reads)
}

#[test]
fn drip_sends_the_101_byte_by_byte_and_then_echoes() {
    let server = faulty("drip");
    let mut client = Client::connect(&server);
    client.ask("/");
    let (head, reads) = dripped(&mut client, 129);
    assert!(head.ends_with(&format!("{ACCEPT}\r\n")), "{head}");
    assert!(reads > 60, "{reads} reads");
    client.echoes("hello");
}

#[test]
fn drip_refusal_sends_the_refusal_byte_by_byte() {
    let server = faulty("drip-refusal");
    let mut client = Client::connect(&server);
    client.ask("/");
    let (answer, reads) = dripped(&mut client, usize::MAX);
    assert!(
        answer.starts_with("HTTP/1.1 429 ") && answer.ends_with("}\n"),
        "{answer}"
    );
    assert!(reads > 60, "{reads} reads");
}

#[test]
fn early_hints_come_before_the_101() {
    let server = faulty("early-hints");
    let (mut client, head) = attempt(&server);
    assert_eq!(
        head,
        "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
    );
    assert!(client.head().contains(ACCEPT));
    client.echoes("hello");
}

#[test]
fn the_first_frame_comes_in_the_same_packet_as_the_101() {
    let server = faulty("frame-with-101");
    let mut client = Client::connect(&server);
    client.ask("/");
    let packet = client.read().unwrap();
    assert!(packet.starts_with(b"HTTP/1.1 101 ") && packet.ends_with(b"\r\n\r\n\x81\x05early"));
    client.echoes("hello");
}

#[test]
fn keep_alive_upgrade_is_a_sound_101() {
    let server = faulty("keep-alive-upgrade");
    let (mut client, head) = attempt(&server);
    assert_eq!(header(&head, "Connection"), Some("keep-alive, Upgrade"));
    assert!(head.contains(ACCEPT));
    client.echoes("hello");
}

#[test]
fn bad_accept_answers_another_key() {
    let (_client, head) = attempt(&faulty("bad-accept"));
    assert_eq!(status(&head), 101);
    assert_eq!(header(&head, "Sec-WebSocket-Accept").map(str::len), Some(28));
    assert!(!head.contains(ACCEPT), "{head}");
}

#[test]
fn bad_subprotocol_and_bad_extension_answer_what_nobody_asked_for() {
    let (_client, head) = attempt(&faulty("bad-subprotocol"));
    assert_eq!(
        (status(&head), header(&head, "Sec-WebSocket-Protocol")),
        (101, Some("unasked.v1"))
    );
    let (_client, head) = attempt(&faulty("bad-extension"));
    assert_eq!(
        (status(&head), header(&head, "Sec-WebSocket-Extensions")),
        (101, Some("x-unasked"))
    );
}

#[test]
fn drop_after_ends_without_a_close_frame() {
    let server = faulty("drop-after");
    let (mut client, head) = attempt(&server);
    assert_eq!(status(&head), 101);
    client.echoes("hello");
    assert_eq!(client.rest(), b"");
    until(&server, "closed", |stats| stats.open == 0 && stats.accepted == 1);
}

#[test]
fn tarpit_refuses_after_two_seconds() {
    let server = faulty("tarpit");
    let mut client = Client::connect(&server);
    client.ask("/");
    let asked = Instant::now();
    until(&server, "held", |stats| stats.held == 1);
    assert_eq!(status(&client.head()), 429);
    assert!(
        asked.elapsed() >= Duration::from_millis(1_990),
        "{:?}",
        asked.elapsed()
    );
    until(&server, "no longer held", |stats| stats.held == 0);
}

#[test]
fn keep_open_refuses_again_on_the_same_connection() {
    let server = faulty("keep-open");
    let mut client = Client::connect(&server);
    for _ in 0..3 {
        client.ask("/");
        let head = client.head();
        assert_eq!(status(&head), 429);
        assert_eq!(header(&head, "Connection"), None);
        let length = header(&head, "Content-Length").unwrap().parse().unwrap();
        assert_eq!(
            client.exactly(length),
            b"{\"status\":429,\"error\":\"Too Many Requests\"}\n"
        );
    }
    assert_eq!(server.stats().refused, 3);
}

#[test]
fn http10_refuses_with_a_503_and_a_hint() {
    let (mut client, head) = attempt(&faulty("http10"));
    assert!(head.starts_with("HTTP/1.0 503 Service Unavailable\r\n"), "{head}");
    assert_eq!(header(&head, "Retry-After"), Some("1"));
    assert!(!client.rest().is_empty());
}

#[test]
fn chunked_refuses_in_two_chunks() {
    let (mut client, head) = attempt(&faulty("chunked"));
    assert_eq!(status(&head), 429);
    assert_eq!(header(&head, "Transfer-Encoding"), Some("chunked"));
    assert_eq!(header(&head, "Content-Length"), None);
    assert_eq!(
        client.text(),
        "15\r\n{\"status\":429,\"error\"\r\n16\r\n:\"Too Many Requests\"}\n\r\n0\r\n\r\n"
    );
}

#[test]
fn no_length_ends_the_body_with_the_connection() {
    let (mut client, head) = attempt(&faulty("no-length"));
    assert_eq!(status(&head), 429);
    assert_eq!(
        (
            header(&head, "Transfer-Encoding"),
            header(&head, "Content-Length")
        ),
        (None, None)
    );
    assert_eq!(
        client.text(),
        "{\"status\":429,\"error\":\"Too Many Requests\"}\n"
    );
}

#[test]
fn huge_headers_are_64_kib_in_fewer_than_100_lines() {
    let (mut client, head) = attempt(&faulty("huge-headers"));
    assert_eq!(status(&head), 429);
    assert!((64 * 1024..66 * 1024).contains(&head.len()), "{}", head.len());
    assert!(head.lines().count() < 100);
    assert!(!client.rest().is_empty());
}

#[test]
fn huge_body_is_one_mib() {
    let (mut client, head) = attempt(&faulty("huge-body"));
    assert_eq!(
        (status(&head), header(&head, "Content-Length")),
        (429, Some("1048576"))
    );
    assert_eq!(client.rest().len(), 1 << 20);
}

#[test]
fn endless_body_goes_on_until_the_client_leaves() {
    let server = faulty("endless-body");
    let (mut client, head) = attempt(&server);
    assert_eq!(status(&head), 429);
    client.exactly(100_000);
    assert_eq!(server.stats().held, 1);
    drop(client);
    until(&server, "no longer held", |stats| stats.held == 0);
}

#[test]
fn redirect_leads_to_the_same_place() {
    let server = faulty("redirect");
    let mut client = Client::connect(&server);
    client.ask("/chat?room=7");
    let head = client.head();
    assert_eq!(
        (status(&head), header(&head, "Location")),
        (302, Some("/chat?room=7"))
    );
}

#[test]
fn silent_answers_nothing_until_its_patience_ends() {
    let faults = vec![Fault::Silent.into()];
    let server = start(Config {
        faults,
        patience: Duration::from_millis(300),
        ..Config::default()
    });
    let mut client = Client::connect(&server);
    client.ask("/");
    let asked = Instant::now();
    until(&server, "held", |stats| stats.held == 1);
    assert_eq!(client.rest(), b"");
    assert!(
        asked.elapsed() >= Duration::from_millis(250),
        "{:?}",
        asked.elapsed()
    );
    let stats = server.stats();
    assert_eq!(
        (stats.attempts, stats.faulted, stats.accepted, stats.refused),
        (1, 1, 0, 0)
    );
    until(&server, "no longer held", |stats| stats.held == 0);
}

#[test]
fn reset_ends_with_a_rst() {
    let server = faulty("reset");
    let mut client = Client::connect(&server);
    client.ask("/");
    assert_eq!(client.read().unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn half_close_ends_one_side_and_reads_on() {
    let server = faulty("half-close");
    let mut client = Client::connect(&server);
    client.ask("/");
    assert_eq!(client.rest(), b"");
    for _ in 0..3 {
        client.send("still talking");
    }
    assert_eq!(server.stats().held, 1);
    drop(client);
    until(&server, "no longer held", |stats| stats.held == 0);
}

#[test]
fn garbage_is_no_http() {
    let server = faulty("garbage");
    let mut client = Client::connect(&server);
    client.ask("/");
    let bytes = client.rest();
    assert!(!bytes.is_empty() && !bytes.starts_with(b"HTTP"), "{bytes:?}");
}

#[test]
fn the_limit_decides_before_faults_that_let_in_and_does_not_see_the_others() {
    for fault in Fault::ALL.iter().filter(|fault| **fault != Fault::Tarpit) {
        let faults = vec![(*fault).into()];
        let drip_pace = Duration::from_micros(10);
        let server = start(Config {
            faults,
            drip_pace,
            ..limited("fixed-window limit=0 window=60s")
        });
        let mut client = Client::connect(&server);
        client.ask("/");
        until(&server, fault.name(), |stats| stats.faulted + stats.refused > 0);
        let expected = u64::from(fault.effect() != Some(Effect::Accepts));
        assert_eq!(
            (server.stats().faulted, server.stats().accepted),
            (expected, 0),
            "{fault}"
        );
    }
}

/// One client's visit: asks, reads what comes for a little while, leaves.
fn visit(server: &Server) {
    let mut client = Client::connect(server);
    client
        .0
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    client.ask("/");
    for _ in 0..4 {
        if client.read().map_or(0, |bytes| bytes.len()) == 0 {
            break;
        }
    }
}

#[test]
fn clients_that_leave_in_the_middle_of_any_fault_leave_nothing_behind() {
    let server = faulty("random");
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (0..25).for_each(|_| visit(&server)));
        }
    });
    let stats = server.stats();
    assert_eq!((stats.attempts, stats.faulted), (400, 400));
    until(&server, "nothing open", |stats| {
        stats.open == 0 && stats.held == 0
    });
    let started = Instant::now();
    server.stop();
    assert!(started.elapsed() < PATIENCE);
}
