//! Peers that break off, break rules or drown the client: each is a failed sample with its code, none a hang.

use std::time::{Duration, Instant};

use crate::support::*;

type Script = fn(Peer);

#[test]
fn each_hostile_peer_has_its_code_and_the_next_connection_works() {
    let cases: &[(&str, &str, Script)] = &[
        ("close while receiving", "closed.1001", |mut peer| {
            pause(30);
            peer.close(1001, "bye");
            peer.swallow();
        }),
        ("close without a code", "closed.1005", |mut peer| {
            peer.say(CLOSE, b"");
            peer.swallow();
        }),
        ("killed in mid-message", "connection.lost", |mut peer| {
            peer.raw(&frame(0x80 | TEXT, &[b'x'; 1000])[..500]);
        }),
        ("killed between fragments", "connection.lost", |mut peer| {
            peer.raw(&frame(TEXT, b"begin"));
        }),
        ("reset", "connection.lost", |mut peer| {
            peer.frame();
            // Closing with bytes unread resets.
            pause(50);
        }),
        ("half close", "connection.lost", |mut peer| {
            let _ = peer.stream.shutdown(std::net::Shutdown::Write);
            peer.swallow();
        }),
        ("ping of 1 MiB", "protocol.error", |mut peer| {
            peer.say(PING, &vec![b'p'; 1 << 20]);
            peer.swallow();
        }),
        ("reserved bits", "protocol.error", |mut peer| {
            peer.raw(&frame(0x80 | 0x40 | TEXT, b"x"));
            peer.swallow();
        }),
        ("unknown opcode", "protocol.error", |mut peer| {
            peer.raw(&frame(0x80 | 3, b"x"));
            peer.swallow();
        }),
        ("masked frame", "protocol.error", |mut peer| {
            peer.raw(&[0x81, 0x81, 1, 2, 3, 4, b'x' ^ 1]);
            peer.swallow();
        }),
        ("continuation of nothing", "protocol.error", |mut peer| {
            peer.raw(&frame(0x80, b"x"));
            peer.swallow();
        }),
        ("text that is not UTF-8", "protocol.utf8", |mut peer| {
            peer.say(TEXT, b"\xff");
            peer.swallow();
        }),
        ("message over the bound", "message.too-large", |mut peer| {
            peer.say(BINARY, &[0; 5_000]);
            peer.swallow();
        }),
        ("fragments over the bound", "message.too-large", |mut peer| {
            peer.raw(&frame(BINARY, &[0; 3_000]));
            peer.raw(&frame(0x80, &[0; 3_000]));
            peer.swallow();
        }),
        ("a length that is not meant", "message.too-large", |mut peer| {
            peer.raw(&[0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
            peer.swallow();
        }),
        ("silence", "message.timeout", |mut peer| peer.swallow()),
    ];
    let echo = server(|mut peer| peer.echo());
    for (name, code, script) in cases {
        let script = *script;
        let client = Client::open(&server(script), &[("wsb.maxMessageSize", "4k")]);
        let begun = Instant::now();
        let done = client.act(
            "ExchangeSampler",
            &[("wsb.payload", "hello"), ("wsb.readTimeout", "1s")],
        );
        assert_eq!(done.code(), *code, "{name}: {:?}", done.detail());
        assert!(begun.elapsed() < Duration::from_millis(1_300), "{name}");
        let next = Client::open_on(client.engine.clone(), &echo, &[]);
        assert_eq!(next.exchange("fine").text(), "fine", "{name}");
        if *code != "message.timeout" {
            let again = client.exchange("dead?");
            assert_ne!(again.code(), "ok", "{name}");
            assert!(
                again.elapsed() < Duration::from_millis(100),
                "{name}: told at once"
            );
        }
        client.engine.shutdown().unwrap();
    }
}

#[test]
fn a_flood_of_pings_cannot_hold_a_sample_and_is_answered() {
    let url = server(|mut peer| {
        let mut writer = Peer {
            stream: peer.stream.try_clone().unwrap(),
        };
        std::thread::spawn(move || {
            let burst = frame(0x80 | PING, b"flood").repeat(100);
            while std::io::Write::write_all(&mut writer.stream, &burst).is_ok() {}
        });
        peer.swallow();
    });
    let client = Client::open(&url, &[]);
    let done = client.receive(&[("wsb.readTimeout", "300ms")]);
    assert_eq!(done.code(), "message.timeout");
    assert!(
        done.elapsed() < Duration::from_millis(600),
        "{:?}",
        done.elapsed()
    );
    assert!(done.figures[RECEIVED] > 7_000, "{done:?}");
    // The keeper has it now; it must let go for the next sample and for the end.
    pause(300);
    let begun = Instant::now();
    assert_eq!(client.send("through").code(), "ok");
    assert!(
        begun.elapsed() < Duration::from_millis(300),
        "{:?}",
        begun.elapsed()
    );
    client.engine.shutdown().unwrap();
}

#[test]
fn a_flood_cannot_hold_a_settling_nor_an_exchange_before_its_sending_nor_a_goodbye() {
    const FLOOD: Duration = Duration::from_secs(10);
    let floods: [(&str, u8, &[u8]); 3] = [
        ("pings", PING, &[b'p'; 125]),
        ("pongs", PONG, &[b'p'; 125]),
        ("pushes", TEXT, &[b'p'; 125]),
    ];
    for (name, kind, payload) in floods {
        let url = server(move |mut peer| {
            let mut writer = Peer {
                stream: peer.stream.try_clone().unwrap(),
            };
            std::thread::spawn(move || {
                let burst = frame(0x80 | kind, payload).repeat(10_000);
                let begun = Instant::now();
                while begun.elapsed() < FLOOD && std::io::Write::write_all(&mut writer.stream, &burst).is_ok()
                {
                }
            });
            peer.swallow();
        });
        let begun = Instant::now();
        let client = Client::open(&url, &[("wsb.settle", "300ms")]);
        assert!(
            begun.elapsed() < FLOOD / 2,
            "{name}, settling: {:?}",
            begun.elapsed()
        );
        let matcher = [("wsb.match.mode", "equals"), ("wsb.match.value", "never")];
        let begun = Instant::now();
        let done = client.act(
            "ExchangeSampler",
            &[
                &[("wsb.payload", "x"), ("wsb.readTimeout", "300ms")],
                &matcher[..],
            ]
            .concat(),
        );
        assert_eq!(done.code(), "message.timeout", "{name}: {:?}", done.detail());
        assert!(begun.elapsed() < FLOOD / 2, "{name}: {:?}", begun.elapsed());
        let begun = Instant::now();
        client.act("CloseSampler", &[("wsb.close.timeout", "300ms")]);
        assert!(
            begun.elapsed() < FLOOD / 2,
            "{name}, the goodbye: {:?}",
            begun.elapsed()
        );
        client.engine.shutdown().unwrap();
    }
}

#[test]
fn a_ping_flood_that_reads_nothing_ends_in_time_too() {
    let url = server(|mut peer| {
        let burst = frame(0x80 | PING, &[b'p'; 125]).repeat(1_000);
        while std::io::Write::write_all(&mut peer.stream, &burst).is_ok() {}
    });
    let client = Client::open(&url, &[]);
    let done = client.receive(&[("wsb.readTimeout", "300ms")]);
    assert_ne!(done.code(), "ok");
    assert!(
        done.elapsed() < Duration::from_millis(800),
        "{:?}",
        done.elapsed()
    );
    client.engine.shutdown().unwrap();
}

#[test]
fn a_message_that_dribbles_in_ends_at_the_deadline_and_is_not_lost() {
    let url = server(|mut peer| {
        for byte in frame(0x80 | TEXT, b"dribble") {
            peer.raw(&[byte]);
            pause(40);
        }
        peer.echo();
    });
    let client = Client::open(&url, &[]);
    let done = client.receive(&[("wsb.readTimeout", "150ms")]);
    assert_eq!(done.code(), "message.timeout");
    assert!(
        done.elapsed() < Duration::from_millis(250),
        "{:?}",
        done.elapsed()
    );
    assert_eq!(client.receive(&[]).text(), "dribble");
    assert_eq!(client.exchange("still in step").text(), "still in step");
}
