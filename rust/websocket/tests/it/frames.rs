//! What frames make a message, and which are refused: the server's side written byte by byte.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use websocket::{Connection, Dial, MessageKind, Outgoing};

use crate::support::{
    Message, PATIENCE, Peer, Server, attempt, binary, connected, dial, frame, receive, send, text,
};

/// The messages that `bytes` are read as, up to the code of the first failure.
fn read(bytes: Vec<u8>) -> (Vec<Message>, &'static str) {
    let (mut connection, _server) = connected(move |mut peer| peer.say(&bytes));
    let mut messages = Vec::new();
    loop {
        match receive(&mut connection) {
            Ok(message) => messages.push(message),
            Err(error) => return (messages, error.code().as_str()),
        }
    }
}

fn ping(payload: &[u8]) -> Message {
    (MessageKind::Ping, payload.into())
}

#[test]
fn fragments_are_put_together_with_control_frames_between() {
    type Case = (&'static str, Vec<Vec<u8>>, Vec<Message>);
    let cases: Vec<Case> = vec![
        (
            "three fragments",
            vec![frame(0x01, b"a"), frame(0x00, b"b"), frame(0x80, b"c")],
            vec![text("abc")],
        ),
        (
            "empty fragments",
            vec![frame(0x02, b""), frame(0x00, b""), frame(0x80, b"")],
            vec![binary(b"")],
        ),
        (
            "pings between",
            vec![
                frame(0x01, b"a"),
                frame(0x89, b"1"),
                frame(0x00, b"b"),
                frame(0x8a, b"2"),
                frame(0x89, b""),
                frame(0x80, b"c"),
                frame(0x82, b"next"),
            ],
            vec![
                ping(b"1"),
                (MessageKind::Pong, b"2".to_vec()),
                ping(b""),
                text("abc"),
                binary(b"next"),
            ],
        ),
        (
            "large fragments",
            vec![
                frame(0x02, &[1; 70_000]),
                frame(0x89, &[2; 125]),
                frame(0x00, &[1; 4096]),
                frame(0x80, &[1; 5]),
            ],
            vec![ping(&[2; 125]), binary(&[1; 74_101])],
        ),
        (
            "a character over three fragments",
            vec![frame(0x01, b"\xe2"), frame(0x00, b"\x82"), frame(0x80, b"\xac")],
            vec![text("\u{20ac}")],
        ),
    ];
    for (name, frames, expected) in cases {
        assert!(read(frames.concat()) == (expected, "connection.lost"), "{name}");
    }
}

#[test]
fn each_byte_may_come_alone() {
    let bytes = [
        frame(0x01, "gr\u{fc}".as_bytes()),
        frame(0x89, b"p"),
        frame(0x80, "n \u{1f600}".as_bytes()),
        frame(0x82, &[7; 300]),
    ]
    .concat();
    let (mut connection, _server) = connected(move |mut peer| {
        for byte in &bytes {
            peer.say([*byte]);
            std::thread::sleep(Duration::from_micros(50));
        }
        peer.hold();
    });
    for expected in [ping(b"p"), text("gr\u{fc}n \u{1f600}"), binary(&[7; 300])] {
        assert_eq!(receive(&mut connection).unwrap(), expected);
    }
}

#[test]
fn what_breaks_the_protocol_fails_after_what_was_whole() {
    let within = |last: Vec<u8>| [frame(0x01, b"a"), last].concat();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("RSV1", frame(0xc1, b"x"), "protocol.error"),
        ("RSV2", frame(0xa1, b"x"), "protocol.error"),
        ("RSV3", frame(0x91, b"x"), "protocol.error"),
        ("masked", vec![0x81, 0x81, 1, 2, 3, 4, 5], "protocol.error"),
        ("opcode 3", frame(0x83, b"x"), "protocol.error"),
        ("opcode 11", frame(0x8b, b"x"), "protocol.error"),
        ("fragmented ping", frame(0x09, b"x"), "protocol.error"),
        ("long ping", frame(0x89, &[0; 126]), "protocol.error"),
        ("1 MiB ping", frame(0x89, &vec![0; 1 << 20]), "protocol.error"),
        ("long close", frame(0x88, &[0; 126]), "protocol.error"),
        ("continuation of nothing", frame(0x80, b"x"), "protocol.error"),
        ("a text within", within(frame(0x81, b"x")), "protocol.error"),
        ("a binary within", within(frame(0x02, b"x")), "protocol.error"),
        (
            "length in 8 bytes for 5",
            vec![0x81, 127, 0, 0, 0, 0, 0, 0, 0, 5],
            "protocol.error",
        ),
        (
            "negative length",
            vec![0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255],
            "protocol.error",
        ),
        ("close of one byte", frame(0x88, &[3]), "protocol.error"),
        ("close code 1005", frame(0x88, &[3, 237]), "protocol.error"),
        ("close code 5000", frame(0x88, &[19, 136]), "protocol.error"),
        ("close reason", frame(0x88, &[3, 232, 0xc3]), "protocol.utf8"),
        ("text", frame(0x81, b"\xff"), "protocol.utf8"),
        (
            "text cut in a character",
            frame(0x81, b"a\xe2\x82"),
            "protocol.utf8",
        ),
        ("surrogate", frame(0x81, b"\xed\xa0\x80"), "protocol.utf8"),
        ("overlong", frame(0x81, b"\xc0\x80"), "protocol.utf8"),
        (
            "wrong character over fragments",
            [frame(0x01, b"\xe2"), frame(0x80, b"\x28")].concat(),
            "protocol.utf8",
        ),
        (
            "17 MiB announced",
            vec![0x82, 127, 0, 0, 0, 0, 1, 16, 0, 0],
            "message.too-large",
        ),
    ];
    for (name, bytes, expected) in cases {
        let whole = [frame(0x82, b"whole"), bytes].concat();
        let (messages, code) = read(whole);
        assert_eq!((messages, code), (vec![binary(b"whole")], expected), "{name}");
    }
}

#[test]
fn a_wrong_byte_is_noticed_before_the_message_is_whole() {
    // RFC 6455 section 8.1: in a frame whose rest never comes, and in a fragment before the last.
    for bytes in [
        frame(0x81, b"ab\xf4\x90cdefgh")[..6].to_vec(),
        frame(0x01, b"ab\xf4\x90"),
        [&frame(0x81, &[b'a'; 10_000])[..8000], b"\xff"].concat(),
    ] {
        let (mut connection, _server) = connected(move |mut peer| {
            peer.say(&bytes);
            peer.hold();
        });
        let error = connection.receive(PATIENCE).unwrap_err();
        assert_eq!(error.code().as_str(), "protocol.utf8", "{error}");
    }
}

#[test]
fn a_violation_is_told_to_the_peer() {
    for (bytes, said) in [
        (frame(0xc1, b"x"), 1002),
        (frame(0x88, &[3]), 1002),
        (frame(0x81, b"\xff"), 1007),
        (vec![0x82, 127, 0, 0, 0, 0, 1, 16, 0, 0], 1009),
    ] {
        let (sender, receiver) = mpsc::channel();
        let (mut connection, _server) = connected(move |mut peer| {
            peer.say(&bytes);
            sender.send(peer.read_frame()).unwrap();
        });
        connection.receive(PATIENCE).unwrap_err();
        let (first, payload) = receiver.recv_timeout(PATIENCE).unwrap().unwrap();
        assert_eq!(
            (first, u16::from_be_bytes([payload[0], payload[1]])),
            (0x88, said)
        );
        assert!(!connection.is_open());
    }
}

#[test]
fn close_codes_that_may_be_sent_are_delivered() {
    for code in [1000, 1001, 1003, 1007, 1011, 1012, 1014, 3000, 4999_u16] {
        let (mut connection, _server) = connected(move |mut peer| {
            peer.say(frame(0x88, &[&code.to_be_bytes()[..], b"why"].concat()));
            peer.hold();
        });
        let closed = connection.receive(PATIENCE).unwrap().close.unwrap();
        assert_eq!((closed.code, closed.reason.as_str()), (code, "why"));
        assert_eq!(connection.close_info(), Some(&closed));
    }
}

/// With a bound of 1000 bytes.
fn bounded(script: impl Fn(Peer) + Send + Sync + 'static) -> (Connection, Server) {
    let server = Server::start(move |mut peer| {
        peer.upgrade();
        script(peer);
    });
    let dial = Dial {
        max_message: 1000,
        ..dial(&server.url("/"))
    };
    (attempt(&dial).result.unwrap(), server)
}

#[test]
fn the_bound_of_a_message_holds_over_its_fragments() {
    let (mut connection, _server) = bounded(|mut peer| {
        peer.say(frame(0x82, &[0; 1000]));
        peer.say(frame(0x02, &[0; 600]));
        peer.say(frame(0x80, &[0; 401]));
        peer.hold();
    });
    assert_eq!(receive(&mut connection).unwrap(), binary(&[0; 1000]));
    assert_eq!(
        receive(&mut connection).unwrap_err().code().as_str(),
        "message.too-large"
    );
    let (mut connection, _server) = bounded(|mut peer| peer.hold());
    assert_eq!(
        send(&mut connection, &binary(&[0; 1001]))
            .unwrap_err()
            .code()
            .as_str(),
        "message.too-large"
    );
    assert!(connection.is_open());
}

#[test]
fn a_message_is_sent_in_fragments_of_the_size_asked_for() {
    for (kind, length, fragment, expected) in [
        (MessageKind::Text, 5, 2, vec![(0x01, 2), (0x00, 2), (0x80, 1)]),
        (MessageKind::Binary, 4, 2, vec![(0x02, 2), (0x80, 2)]),
        (MessageKind::Binary, 2, 2, vec![(0x82, 2)]),
        (MessageKind::Binary, 2, 0, vec![(0x02, 1), (0x80, 1)]),
        (MessageKind::Text, 0, 2, vec![(0x81, 0)]),
        (MessageKind::Ping, 5, 2, vec![(0x89, 5)]),
        (
            MessageKind::Binary,
            200_000,
            90_000,
            vec![(0x02, 90_000), (0x00, 90_000), (0x80, 20_000)],
        ),
    ] {
        let (sender, receiver) = mpsc::channel();
        let (mut connection, _server) = connected(move |mut peer| {
            let all: Vec<_> = std::iter::from_fn(|| peer.read_frame()).collect();
            sender.send(all).unwrap();
        });
        let payload: Vec<u8> = (b'a'..=b'z').cycle().take(length).collect();
        let message = Outgoing {
            kind,
            payload: &payload,
            fragment: Some(fragment),
        };
        connection.send(&message, PATIENCE).unwrap();
        drop(connection);
        let frames = receiver.recv_timeout(PATIENCE).unwrap();
        let shape: Vec<(u8, usize)> = frames
            .iter()
            .map(|(first, bytes)| (*first, bytes.len()))
            .collect();
        assert_eq!(shape, expected);
        assert!(frames.into_iter().flat_map(|(_, bytes)| bytes).eq(payload));
    }
}

#[test]
fn times_are_those_of_the_first_and_the_last_byte() {
    let pause = Duration::from_millis(60);
    let (mut connection, _server) = connected(move |mut peer| {
        std::thread::sleep(pause);
        let bytes = frame(0x82, &[0; 20_000]);
        for piece in [&bytes[..1], &bytes[1..10_000], &bytes[10_000..]] {
            peer.say(piece);
            std::thread::sleep(pause);
        }
        peer.hold();
    });
    let began = Instant::now();
    let received = connection.receive(PATIENCE).unwrap();
    // The first pause may have begun before.
    assert!(received.first_byte > began);
    assert!(received.at - received.first_byte >= pause * 2 * 9 / 10);
    assert_eq!(received.wire_bytes, 20_004);
}
