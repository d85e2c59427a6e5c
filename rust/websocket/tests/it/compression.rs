//! permessage-deflate: what is agreed on, messages both ways, and compressed data that is meant to hurt.

use std::sync::mpsc;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use websocket::{Attempt, Connection, Dial, Outgoing};

use crate::support::{
    Message, PATIENCE, Peer, Server, UPGRADED, attempt, binary, code, dial, frame, receive, send, text,
};

const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Offers compression to a server that answers with these extensions and then runs `script`.
fn offered(extensions: &str, script: impl Fn(Peer) + Send + Sync + 'static) -> (Attempt, Server) {
    let head = UPGRADED.replace(
        "\r\n\r\n",
        &format!("\r\nSec-WebSocket-Extensions: {extensions}\r\n\r\n"),
    );
    let server = Server::start(move |mut peer| {
        peer.read_head();
        peer.say(&head);
        script(peer);
    });
    let dial = Dial {
        compression: true,
        max_message: 1 << 20,
        ..dial(&server.url("/"))
    };
    (attempt(&dial), server)
}

/// Connected to a server that agreed to these parameters, which says `bytes` at once.
fn told(parameters: &str, bytes: Vec<u8>) -> (Connection, Server) {
    let (attempt, server) = offered(&format!("permessage-deflate{parameters}"), move |mut peer| {
        peer.say(&bytes);
        peer.hold();
    });
    (attempt.result.unwrap(), server)
}

fn deflated(stream: &mut Compress, message: &[u8]) -> Vec<u8> {
    if message.is_empty() {
        return vec![0];
    }
    let mut out = Vec::with_capacity(message.len() + 1000);
    stream
        .compress_vec(message, &mut out, FlushCompress::Sync)
        .unwrap();
    assert!(out.ends_with(&TAIL));
    out.truncate(out.len() - TAIL.len());
    out
}

fn inflated(stream: &mut Decompress, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 << 20);
    let input = [payload, &TAIL].concat();
    stream
        .decompress_vec(&input, &mut out, FlushDecompress::Sync)
        .unwrap();
    out
}

#[test]
fn what_the_server_answers_is_taken_or_refused() {
    for (answer, expected) in [
        ("", "ok"),
        ("permessage-deflate", "ok"),
        ("Permessage-Deflate ; server_no_context_takeover", "ok"),
        (
            "permessage-deflate; client_no_context_takeover; server_max_window_bits=8",
            "ok",
        ),
        ("permessage-deflate; client_max_window_bits=\"12\"", "ok"),
        ("permessage-deflate; client_max_window_bits = 15", "ok"),
        ("permessage-bzip2", "upgrade.extension"),
        ("permessage-deflate, permessage-deflate", "upgrade.extension"),
        (
            "permessage-deflate; client_max_window_bits",
            "upgrade.extension-parameter",
        ),
        (
            "permessage-deflate; client_max_window_bits=7",
            "upgrade.extension-parameter",
        ),
        (
            "permessage-deflate; client_max_window_bits=16",
            "upgrade.extension-parameter",
        ),
        (
            "permessage-deflate; server_max_window_bits=09",
            "upgrade.extension-parameter",
        ),
        (
            "permessage-deflate; server_max_window_bits=+9",
            "upgrade.extension-parameter",
        ),
        (
            "permessage-deflate; server_no_context_takeover=1",
            "upgrade.extension-parameter",
        ),
        (
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "upgrade.extension-parameter",
        ),
        ("permessage-deflate; other", "upgrade.extension-parameter"),
    ] {
        let (attempt, _server) = offered(answer, |mut peer| peer.hold());
        assert_eq!(code(&attempt), expected, "{answer}: {:?}", attempt.result);
        if let Ok(connection) = attempt.result {
            assert_eq!(connection.extensions(), answer);
        }
        assert!(
            attempt
                .trace
                .request_head
                .contains("permessage-deflate; client_max_window_bits")
        );
    }
}

#[test]
fn nothing_is_offered_unless_it_is_asked_for() {
    let server = Server::start(|mut peer| {
        assert!(!peer.read_head().contains("Extensions"));
        peer.say(UPGRADED.replace(
            "\r\n\r\n",
            "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        ));
    });
    assert_eq!(code(&attempt(&dial(&server.url("/")))), "upgrade.extension");
}

/// Plays a server that keeps to the parameters, and checks that the client does.
fn deflating_echo(mut peer: Peer, window: u8, server_keeps: bool, client_keeps: bool) {
    let mut out = Compress::new_with_window_bits(Compression::default(), false, window.max(9));
    let mut into = Decompress::new_with_window_bits(false, window.max(9));
    while let Some((first, payload)) = peer.read_frame() {
        let message = if first & 0x40 == 0 {
            payload
        } else {
            inflated(&mut into, &payload)
        };
        if !client_keeps {
            into.reset(false);
        }
        let answer = deflated(&mut out, &message);
        if !server_keeps {
            out.reset();
        }
        let half = answer.len() / 2;
        peer.say(frame(0x40 | first & 15, &answer[..half]));
        peer.say(frame(0x8a, b"between"));
        peer.say(frame(0x80, &answer[half..]));
    }
}

#[test]
fn messages_go_both_ways_with_all_parameters() {
    let mixed: Vec<u8> = (0..100_000_u32)
        .map(|n| (n.wrapping_mul(n) / 7).to_le_bytes()[1])
        .collect();
    for (parameters, window, server_keeps, client_keeps) in [
        ("", 15, true, true),
        ("; server_no_context_takeover", 15, false, true),
        ("; client_no_context_takeover", 15, true, false),
        (
            "; server_no_context_takeover; client_no_context_takeover",
            15,
            false,
            false,
        ),
        (
            "; server_max_window_bits=9; client_max_window_bits=9",
            9,
            true,
            true,
        ),
        (
            "; server_max_window_bits=10; client_max_window_bits=10; client_no_context_takeover",
            10,
            true,
            false,
        ),
        ("; client_max_window_bits=8", 15, true, true),
    ] {
        let (attempt, _server) = offered(&format!("permessage-deflate{parameters}"), move |peer| {
            deflating_echo(peer, window, server_keeps, client_keeps);
        });
        let mut connection = attempt.result.unwrap();
        let messages = [
            text("hello"),
            text("hello"),
            text(""),
            binary(&[0; 300_000]),
            binary(&mixed),
            text(&"gr\u{fc}n ".repeat(9000)),
            text(""),
            binary(&mixed),
        ];
        for message in messages {
            let sent = send(&mut connection, &message).unwrap();
            if message.1.len() == 300_000 && !parameters.contains("=8") {
                assert!(sent < 10_000, "{parameters}: {sent} bytes for zeros");
            }
            assert_eq!(receive(&mut connection).unwrap().1, b"between", "{parameters}");
            assert!(receive(&mut connection).unwrap() == message, "{parameters}");
        }
    }
}

/// Numbers that look random, the same in each run.
fn noise() -> impl Iterator<Item = u64> {
    std::iter::successors(Some(0x9e37_79b9_7f4a_7c15_u64), |state| {
        let state = state ^ (state << 13);
        let state = state ^ (state >> 7);
        Some(state ^ (state << 17))
    })
}

#[test]
fn messages_are_packed_about_as_well_as_zlib_does_it_by_default() {
    let hex: String = noise().take(4_096).map(|n| format!("{n:016x}")).collect();
    let json: String = noise()
        .take(1_000)
        .map(|n| {
            let (agent, state) = (
                n % 20_000,
                ["waiting", "talking", "offline"][(n >> 32) as usize % 3],
            );
            format!(
                "{{\"agent\":\"user{agent}@example.com\",\"state\":\"{state}\",\"id\":{}}},",
                n >> 40
            )
        })
        .collect();
    let bytes: Vec<u8> = noise().take(8_192).flat_map(u64::to_le_bytes).collect();
    for (name, data) in [
        ("hex", hex.as_bytes()),
        ("json", json.as_bytes()),
        ("random bytes", &bytes),
    ] {
        for length in [200, 2_048, 65_536] {
            for (parameters, keeps) in [("", true), ("; client_no_context_takeover", false)] {
                let (attempt, _server) =
                    offered(&format!("permessage-deflate{parameters}"), |mut peer| peer.hold());
                let mut connection = attempt.result.unwrap();
                let mut zlib = Compress::new(Compression::default(), false);
                let (mut ours, mut theirs) = (0, 0);
                for message in data.chunks(length).take(16) {
                    ours += send(&mut connection, &binary(message)).unwrap();
                    theirs += deflated(&mut zlib, message).len() as u64;
                    if !keeps {
                        zlib.reset();
                    }
                }
                assert!(
                    ours * 4 <= theirs * 5,
                    "{name} by {length}{parameters}: {ours} bytes, zlib {theirs}"
                );
            }
        }
    }
}

#[test]
fn a_compressed_message_is_sent_in_fragments() {
    let (sender, receiver) = mpsc::channel();
    let (attempt, _server) = offered("permessage-deflate", move |mut peer| {
        let frames: Vec<_> = std::iter::from_fn(|| peer.read_frame()).collect();
        sender.send(frames).unwrap();
    });
    let mut connection = attempt.result.unwrap();
    let message = Outgoing {
        fragment: Some(3),
        ..Outgoing::text("hello, fragments")
    };
    connection.send(&message, PATIENCE).unwrap();
    drop(connection);
    let frames = receiver.recv_timeout(PATIENCE).unwrap();
    let (last, before) = frames.split_last().unwrap();
    assert_eq!((frames[0].0, last.0), (0x41, 0x80));
    assert!(
        before[1..]
            .iter()
            .all(|(first, payload)| *first == 0 && payload.len() == 3)
    );
    let payload: Vec<u8> = frames.iter().flat_map(|(_, payload)| payload.clone()).collect();
    assert_eq!(
        inflated(&mut Decompress::new(false), &payload),
        b"hello, fragments"
    );
}

#[test]
fn the_examples_of_rfc_7692_are_read() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    type Case = (&'static str, Vec<Vec<u8>>, Vec<Message>);
    let cases: Vec<Case> = vec![
        ("7.2.3.1", vec![frame(0xc1, &hello)], vec![text("Hello")]),
        (
            "7.2.3.1 in fragments",
            vec![
                frame(0x41, &hello[..3]),
                frame(0x89, b""),
                frame(0x80, &hello[3..]),
            ],
            vec![(websocket::MessageKind::Ping, vec![]), text("Hello")],
        ),
        (
            "7.2.3.2",
            vec![frame(0xc1, &hello), frame(0xc1, &[0xf2, 0, 0x11, 0, 0])],
            vec![text("Hello"), text("Hello")],
        ),
        (
            "7.2.3.3",
            vec![frame(0xc1, b"\x00\x05\x00\xfa\xffHello\x00")],
            vec![text("Hello")],
        ),
        (
            "7.2.3.4, and another after it",
            vec![
                frame(0xc1, &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0, 0]),
                frame(0xc1, &hello),
            ],
            vec![text("Hello"), text("Hello")],
        ),
        (
            "7.2.3.4 without the last byte",
            vec![
                frame(0xc1, &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0]),
                frame(0xc1, &hello),
            ],
            vec![text("Hello"), text("Hello")],
        ),
        (
            "7.2.3.5",
            vec![frame(
                0xc1,
                &[0xf2, 0x48, 0x05, 0, 0, 0, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0],
            )],
            vec![text("Hello")],
        ),
        ("7.2.3.6", vec![frame(0xc1, &[0])], vec![text("")]),
        ("not compressed", vec![frame(0x81, b"Hello")], vec![text("Hello")]),
    ];
    for (name, frames, expected) in cases {
        let (mut connection, _server) = told("", frames.concat());
        for message in expected {
            assert_eq!(receive(&mut connection).unwrap(), message, "{name}");
        }
    }
}

#[test]
fn compressed_data_that_is_meant_to_hurt_is_refused() {
    let zeros = vec![0; 64 << 20];
    let bomb = deflated(&mut Compress::new(Compression::best(), false), &zeros);
    let exact = deflated(
        &mut Compress::new(Compression::best(), false),
        &zeros[..(1 << 20) + 1],
    );
    let wrong_text = deflated(&mut Compress::new(Compression::best(), false), b"ab\xf4\x90");
    let cut_text = deflated(&mut Compress::new(Compression::best(), false), b"ab\xe2\x82");
    for (name, bytes, expected) in [
        ("64 MiB in 64 KiB", frame(0xc2, &bomb), "message.too-large"),
        (
            "one byte more than allowed",
            frame(0xc2, &exact),
            "message.too-large",
        ),
        (
            "2 MiB of nothing",
            frame(0xc2, &[0, 0, 0, 0xff, 0xff].repeat(400_000)),
            "message.too-large",
        ),
        ("damaged", frame(0xc2, &[0xff; 20]), "protocol.deflate"),
        (
            "a reference to before the beginning",
            frame(0xc1, &[0xf2, 0, 0x11, 0, 0]),
            "protocol.deflate",
        ),
        (
            "cut off",
            frame(0xc1, b"\x00\x05\x00\xfa\xffHel"),
            "protocol.deflate",
        ),
        ("not UTF-8 inside", frame(0xc1, &wrong_text), "protocol.utf8"),
        ("cut in a character", frame(0xc1, &cut_text), "protocol.utf8"),
        (
            "RSV1 of a continuation",
            [frame(0x41, &[0]), frame(0xc0, &[0])].concat(),
            "protocol.error",
        ),
        ("RSV1 of a ping", frame(0xc9, b""), "protocol.error"),
    ] {
        let (mut connection, _server) = told("", bytes);
        let error = connection.receive(PATIENCE).unwrap_err();
        assert_eq!(error.code().as_str(), expected, "{name}: {error}");
    }
    let whole = deflated(&mut Compress::new(Compression::best(), false), &zeros[..1 << 20]);
    let (mut connection, _server) = told("", frame(0xc2, &whole));
    assert_eq!(connection.receive(PATIENCE).unwrap().payload.len(), 1 << 20);
}
