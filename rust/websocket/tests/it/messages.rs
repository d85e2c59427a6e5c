//! Messages, the close handshake, deadlines and cancels on an open connection.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use websocket::{Closed, Connection, Error, MessageKind, Outgoing};

use crate::support::{
    PATIENCE, Peer, Server, UPGRADED, attempt, binary, connected, dial, frame, receive, send, text,
};

fn code(error: &Error) -> &'static str {
    error.code().as_str()
}

#[test]
fn messages_of_all_sizes_come_back() {
    let (mut connection, _server) = connected(|mut peer| {
        while let Some((first, payload)) = peer.read_frame() {
            peer.say(frame(first, &payload));
        }
    });
    assert_eq!(connection.answer().status, 101);
    for length in [0, 1, 125, 126, 65_535, 65_536, 16 << 20] {
        let message = binary(&vec![1; length]);
        let sent = send(&mut connection, &message).unwrap();
        let head = match length {
            0..=125 => 6,
            126..=65_535 => 8,
            _ => 14,
        };
        assert_eq!(sent, (length + head) as u64);
        let received = connection.receive(PATIENCE).unwrap();
        assert!(received.payload == message.1, "{length}");
        assert_eq!(received.wire_bytes, (length + head - 4) as u64);
        assert!(received.first_byte <= received.at);
    }
    send(&mut connection, &text("gr\u{fc}n")).unwrap();
    assert_eq!(receive(&mut connection).unwrap(), text("gr\u{fc}n"));
}

#[test]
fn frames_in_the_packet_of_the_101_are_delivered() {
    let server = Server::start(|mut peer| {
        peer.read_head();
        let mut all = peer.filled(UPGRADED.as_bytes());
        all.extend(frame(0x81, b"one"));
        all.extend(frame(0x01, b"tw"));
        all.extend(&frame(0x80, b"o")[..2]);
        peer.say(all);
        std::thread::sleep(Duration::from_millis(20));
        peer.say(b"o");
        peer.say(frame(0x88, &[3, 232]));
        peer.hold();
    });
    for _ in 0..20 {
        let mut connection = attempt(&dial(&server.url("/"))).result.unwrap();
        assert_eq!(receive(&mut connection).unwrap(), text("one"));
        assert_eq!(receive(&mut connection).unwrap(), text("two"));
        let closed = Closed {
            code: 1000,
            reason: String::new(),
        };
        assert_eq!(connection.receive(PATIENCE).unwrap().close, Some(closed));
    }
}

#[test]
fn pings_are_answered_at_once_and_shown() {
    let (sender, receiver) = mpsc::channel();
    let (mut connection, _server) = connected(move |mut peer| {
        peer.say(frame(0x89, b"are you there"));
        sender.send(peer.read_frame()).unwrap();
        peer.hold();
    });
    assert_eq!(
        receive(&mut connection).unwrap(),
        (MessageKind::Ping, b"are you there".to_vec())
    );
    assert_eq!(
        receiver.recv_timeout(PATIENCE).unwrap(),
        Some((0x8a, b"are you there".to_vec()))
    );
}

#[test]
fn control_frames_can_be_sent() {
    let (sender, receiver) = mpsc::channel();
    let (mut connection, _server) = connected(move |mut peer| {
        for _ in 0..2 {
            sender.send(peer.read_frame()).unwrap();
        }
        peer.hold();
    });
    send(&mut connection, &(MessageKind::Ping, b"p".to_vec())).unwrap();
    send(&mut connection, &(MessageKind::Pong, b"q".to_vec())).unwrap();
    assert_eq!(
        receiver.recv_timeout(PATIENCE).unwrap(),
        Some((0x89, b"p".to_vec()))
    );
    assert_eq!(
        receiver.recv_timeout(PATIENCE).unwrap(),
        Some((0x8a, b"q".to_vec()))
    );
}

#[test]
fn messages_over_the_bound_are_refused() {
    let (mut connection, _server) = connected(|mut peer| {
        peer.read_frame();
        let mut head = vec![0x82, 127];
        head.extend((17_u64 << 20).to_be_bytes());
        peer.say(head);
        peer.hold();
    });
    for message in [
        binary(&vec![0; (16 << 20) + 1]),
        (MessageKind::Ping, vec![0; 126]),
    ] {
        assert_eq!(
            code(&send(&mut connection, &message).unwrap_err()),
            "message.too-large"
        );
    }
    send(&mut connection, &text("go")).unwrap();
    for _ in 0..2 {
        assert_eq!(
            code(&connection.receive(PATIENCE).unwrap_err()),
            "message.too-large"
        );
    }
}

#[test]
fn a_receive_ends_at_its_deadline_and_can_be_repeated() {
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let (mut connection, _server) = connected(move |mut peer| {
        peer.say(&frame(0x81, b"late")[..3]);
        wait.lock().unwrap().recv().unwrap();
        peer.say(&frame(0x81, b"late")[3..]);
        peer.hold();
    });
    let timeout = Duration::from_millis(50);
    let began = Instant::now();
    let error = connection.receive(timeout).unwrap_err();
    assert_eq!(code(&error), "message.timeout");
    assert!(began.elapsed() >= timeout && began.elapsed() < Duration::from_secs(5));
    assert!(error.detail().contains("50 ms"));
    go.send(()).unwrap();
    assert_eq!(receive(&mut connection).unwrap(), text("late"));
}

#[test]
fn a_dripping_peer_cannot_extend_the_deadline() {
    let (mut connection, _server) = connected(|mut peer| {
        for byte in frame(0x82, &[0; 125]) {
            peer.say([byte]);
            std::thread::sleep(Duration::from_millis(40));
        }
    });
    let timeout = Duration::from_millis(300);
    let began = Instant::now();
    assert_eq!(code(&connection.receive(timeout).unwrap_err()), "message.timeout");
    assert!(
        began.elapsed() >= timeout && began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_send_ends_at_its_deadline_and_the_rest_follows() {
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let (mut connection, _server) = connected(move |mut peer| {
        wait.lock().unwrap().recv().unwrap();
        let lengths: Vec<usize> = (0..2).map(|_| peer.read_frame().unwrap().1.len()).collect();
        peer.say(frame(0x81, format!("{lengths:?}").as_bytes()));
        peer.hold();
    });
    let timeout = Duration::from_millis(50);
    let began = Instant::now();
    let large = vec![0; 16 << 20];
    let large = Outgoing::new(MessageKind::Binary, &large);
    assert_eq!(
        code(&connection.send(&large, timeout).unwrap_err()),
        "message.timeout"
    );
    assert_eq!(
        code(&connection.send(&Outgoing::text("x"), timeout).unwrap_err()),
        "message.timeout"
    );
    assert!(began.elapsed() >= timeout * 2 && began.elapsed() < Duration::from_secs(5));
    go.send(()).unwrap();
    send(&mut connection, &text("next")).unwrap();
    assert_eq!(receive(&mut connection).unwrap(), text("[16777216, 4]"));
}

#[test]
fn a_close_is_a_handshake() {
    let long = "\u{e4}".repeat(100);
    for (code, reason, sent, answered, expected) in [
        (
            1000,
            "bye",
            vec![3, 232, b'b', b'y', b'e'],
            vec![3, 233, b'o'],
            (1001, "o"),
        ),
        (4999, "", vec![19, 135], vec![], (1005, "")),
        (0, "ignored", vec![], vec![3, 232], (1000, "")),
        (1005, "", vec![], vec![3, 232], (1000, "")),
        (
            1000,
            long.as_str(),
            [&[3, 232], "\u{e4}".repeat(61).as_bytes()].concat(),
            vec![3, 232],
            (1000, ""),
        ),
    ] {
        let (sender, receiver) = mpsc::channel();
        let (mut connection, _server) = connected(move |mut peer| {
            sender.send(peer.read_frame()).unwrap();
            // Something under way when the close frame came.
            peer.say(frame(0x81, b"crossing"));
            peer.say(frame(0x88, &answered));
        });
        let closed = connection.close(code, reason, PATIENCE).unwrap();
        assert_eq!((closed.code, closed.reason.as_str()), expected);
        assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), Some((0x88, sent)));
        for error in [
            send(&mut connection, &text("x")).unwrap_err(),
            connection.receive(PATIENCE).unwrap_err(),
            connection.close(1000, "", PATIENCE).unwrap_err(),
        ] {
            assert_eq!(error.code().as_str(), "connection.closed");
        }
    }
}

#[test]
fn a_close_waits_for_the_peer_to_end_tcp_but_not_long() {
    let (mut connection, _server) = connected(|mut peer| {
        peer.read_frame();
        peer.say(frame(0x88, &[3, 232]));
        peer.hold();
    });
    let began = Instant::now();
    connection.close(1000, "", PATIENCE).unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_close_that_is_not_answered_ends_all_the_same() {
    let (sender, receiver) = mpsc::channel();
    let (mut connection, _server) = connected(move |mut peer| {
        peer.read_frame();
        let began = Instant::now();
        peer.hold();
        sender.send(began.elapsed()).unwrap();
    });
    let timeout = Duration::from_millis(50);
    let began = Instant::now();
    assert_eq!(
        code(&connection.close(1000, "", timeout).unwrap_err()),
        "close.timeout"
    );
    assert!(began.elapsed() >= timeout && began.elapsed() < Duration::from_secs(5));
    // The connection is still held here, but TCP was ended.
    receiver.recv_timeout(PATIENCE).unwrap();
    assert_eq!(
        code(&connection.receive(PATIENCE).unwrap_err()),
        "connection.closed"
    );
}

#[test]
fn the_peers_close_is_answered_and_ends_the_conversation() {
    let (sender, receiver) = mpsc::channel();
    let (mut connection, _server) = connected(move |mut peer| {
        peer.say(frame(0x88, b"\x03\xf1gone"));
        sender.send(peer.read_frame()).unwrap();
    });
    let closed = Closed {
        code: 1009,
        reason: "gone".into(),
    };
    assert_eq!(
        connection.receive(PATIENCE).unwrap().close.as_ref(),
        Some(&closed)
    );
    assert_eq!(receiver.recv_timeout(PATIENCE).unwrap().unwrap().0, 0x88);
    let error = send(&mut connection, &text("x")).unwrap_err();
    assert_eq!(code(&error), "connection.closed");
    assert!(error.detail().contains("1009 gone"), "{error}");
    assert_eq!(
        code(&connection.receive(PATIENCE).unwrap_err()),
        "connection.closed"
    );
    assert_eq!(connection.close_info(), Some(&closed));
    assert_eq!(connection.close(1000, "", PATIENCE).unwrap(), closed);
}

#[test]
fn a_peer_that_goes_is_noticed() {
    type Script = fn(Peer);
    let cases: [(&str, Script); 3] = [
        ("end", |_| {}),
        ("end within a frame", |mut p| p.say(&frame(0x81, b"abc")[..3])),
        ("reset", |p| p.reset()),
    ];
    for (name, script) in cases {
        let (mut connection, _server) = connected(script);
        assert_eq!(
            code(&connection.receive(PATIENCE).unwrap_err()),
            "connection.lost",
            "{name}"
        );
        assert_eq!(
            code(&connection.receive(PATIENCE).unwrap_err()),
            "connection.lost",
            "{name}"
        );
        assert_eq!(
            code(&send(&mut connection, &text("x")).unwrap_err()),
            "connection.lost",
            "{name}"
        );
        assert_eq!(
            code(&connection.close(1000, "", PATIENCE).unwrap_err()),
            "connection.lost",
            "{name}"
        );
    }
}

#[test]
fn frames_that_are_not_allowed_end_the_connection_with_a_reason() {
    for (name, bytes, expected, said) in [
        ("reserved bit", frame(0xc1, b"x"), "protocol.error", 1002),
        ("unknown opcode", frame(0x83, b"x"), "protocol.error", 1002),
        ("masked", vec![0x81, 0x81, 1, 2, 3, 4, 5], "protocol.error", 1002),
        ("fragmented ping", frame(0x09, b"x"), "protocol.error", 1002),
        (
            "continuation of nothing",
            frame(0x80, b"x"),
            "protocol.error",
            1002,
        ),
        ("long ping", frame(0x89, &[0; 126]), "protocol.error", 1002),
        ("not UTF-8", frame(0x81, &[0xff, 0xfe]), "protocol.utf8", 1007),
    ] {
        let (sender, receiver) = mpsc::channel();
        let (mut connection, _server) = connected(move |mut peer| {
            peer.say(&bytes);
            sender.send(peer.read_frame()).unwrap();
        });
        let error = connection.receive(PATIENCE).unwrap_err();
        assert_eq!(code(&error), expected, "{name}: {error}");
        let (_, payload) = receiver.recv_timeout(PATIENCE).unwrap().expect(name);
        assert_eq!(u16::from_be_bytes([payload[0], payload[1]]), said, "{name}");
        assert_eq!(
            code(&connection.close(1000, "", PATIENCE).unwrap_err()),
            expected,
            "{name}: what ended it is told again"
        );
    }
}

/// Calls `wait` and, while it blocks, cancels; it must end with `cancelled`, and far earlier than by itself. On a machine that does
/// nothing else it takes a tenth of a millisecond; on a busy one, until the thread gets a processor.
fn cancelled_at_once(connection: &mut Connection, wait: impl FnOnce(&mut Connection) -> Error) {
    let canceller = connection.canceller();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        let at = Instant::now();
        canceller.cancel();
        at
    });
    let error = wait(connection);
    let ended = Instant::now();
    assert_eq!(code(&error), "cancelled");
    assert!(ended - thread.join().unwrap() < PATIENCE / 4);
    assert_eq!(code(&connection.receive(PATIENCE).unwrap_err()), "cancelled");
    assert_eq!(
        code(&connection.close(1000, "", PATIENCE).unwrap_err()),
        "cancelled"
    );
}

#[test]
fn a_cancel_ends_each_wait() {
    let (mut connection, _server) = connected(|mut peer| peer.hold());
    cancelled_at_once(&mut connection, |c| c.receive(PATIENCE).unwrap_err());

    let (mut connection, _server) = connected(|peer| {
        std::thread::sleep(PATIENCE);
        drop(peer);
    });
    cancelled_at_once(&mut connection, |c| {
        send(c, &binary(&vec![0; 16 << 20])).unwrap_err()
    });

    let (mut connection, _server) = connected(|mut peer| peer.hold());
    cancelled_at_once(&mut connection, |c| c.close(1000, "", PATIENCE).unwrap_err());
}

#[test]
fn a_cancel_before_or_after_does_no_harm() {
    let (mut connection, _server) = connected(|mut peer| {
        while let Some((first, payload)) = peer.read_frame() {
            peer.say(frame(first, &payload));
        }
    });
    let canceller = connection.canceller();
    canceller.cancel();
    canceller.clone().cancel();
    assert_eq!(code(&send(&mut connection, &text("x")).unwrap_err()), "cancelled");
    drop(connection);
    canceller.cancel();
}

#[test]
fn a_connection_may_wander_between_threads() {
    let (mut connection, _server) = connected(|mut peer| {
        while let Some((first, payload)) = peer.read_frame() {
            peer.say(frame(first, &payload));
        }
    });
    for n in 0..5 {
        connection = std::thread::spawn(move || {
            send(&mut connection, &text(&n.to_string())).unwrap();
            assert_eq!(receive(&mut connection).unwrap(), text(&n.to_string()));
            connection
        })
        .join()
        .unwrap();
    }
}
