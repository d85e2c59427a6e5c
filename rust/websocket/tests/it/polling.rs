//! Looking for messages without blocking, as a keeper does, and what happens when the peer does not read.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use websocket::{Connection, Dial, Error, MessageKind, Outgoing, Received};

use crate::support::{PATIENCE, Server, attempt, binary, connected, dial, frame, receive, text};
use crate::tls::{Authority, server_config};

/// Polls until there is something; each single poll must not block.
fn polled(connection: &mut Connection) -> Result<Received, Error> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let began = Instant::now();
        let found = connection.poll();
        assert!(began.elapsed() < Duration::from_millis(500), "poll has blocked");
        match found {
            Ok(Some(received)) => return Ok(received),
            Ok(None) => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => return Err(error),
        }
    }
    panic!("nothing came");
}

#[test]
fn a_poll_gives_what_is_there_and_keeps_what_is_not_whole() {
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let (mut connection, _server) = connected(move |mut peer| {
        let wait = wait.lock().unwrap();
        wait.recv().unwrap();
        peer.say(frame(0x81, b"one"));
        peer.say(&frame(0x82, &[5; 50_000])[..30_000]);
        wait.recv().unwrap();
        peer.say(&frame(0x82, &[5; 50_000])[30_000..]);
        peer.say(frame(0x88, &[3, 233]));
        peer.hold();
    });
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(connection.poll().unwrap(), None);
    }
    assert!(
        began.elapsed() < Duration::from_millis(100),
        "{:?}",
        began.elapsed()
    );
    go.send(()).unwrap();
    assert_eq!(polled(&mut connection).unwrap().payload, b"one");
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(connection.poll().unwrap(), None);
    go.send(()).unwrap();
    // A blocking receive goes on where the poll stopped.
    assert_eq!(receive(&mut connection).unwrap(), binary(&[5; 50_000]));
    assert_eq!(polled(&mut connection).unwrap().close.unwrap().code, 1001);
    assert_eq!(
        connection.poll().unwrap_err().code().as_str(),
        "connection.closed"
    );
}

#[test]
fn a_poll_answers_pings_and_notices_the_end() {
    let (mut connection, _server) = connected(|mut peer| {
        peer.say(frame(0x89, b"p"));
        assert_eq!(peer.read_frame(), Some((0x8a, b"p".to_vec())));
        peer.say(frame(0x81, b"heard"));
    });
    assert_eq!(polled(&mut connection).unwrap().kind, MessageKind::Ping);
    assert_eq!(polled(&mut connection).unwrap().payload, b"heard");
    assert_eq!(
        polled(&mut connection).unwrap_err().code().as_str(),
        "connection.lost"
    );
    assert!(!connection.is_open());
}

#[test]
fn a_poll_over_tls_does_not_block_either() {
    let authority = Authority::new("known");
    let server = Server::start_tls(
        server_config(&authority, &["localhost"], rustls::DEFAULT_VERSIONS),
        |mut peer| {
            peer.upgrade();
            std::thread::sleep(Duration::from_millis(50));
            peer.say(frame(0x89, b"p"));
            assert_eq!(peer.read_frame(), Some((0x8a, b"p".to_vec())));
            peer.say(frame(0x82, &[3; 100_000]));
            peer.hold();
        },
    );
    let dial = Dial {
        addresses: vec![server.address.ip()],
        ..dial(&server.tls_url())
    };
    let mut connection = attempt(&dial).result.unwrap();
    assert_eq!(connection.poll().unwrap(), None);
    assert_eq!(polled(&mut connection).unwrap().kind, MessageKind::Ping);
    assert_eq!(polled(&mut connection).unwrap().payload, [3; 100_000]);
}

#[test]
fn a_send_without_time_does_not_block_and_the_rest_follows() {
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let (mut connection, _server) = connected(move |mut peer| {
        wait.lock().unwrap().recv().unwrap();
        let (_, payload) = peer.read_frame().unwrap();
        assert!(payload.len() == 16 << 20 && payload.iter().all(|byte| *byte == 7));
        peer.say(frame(0x81, b"all there"));
        peer.hold();
    });
    let large = vec![7; 16 << 20];
    let began = Instant::now();
    let error = connection
        .send(&Outgoing::new(MessageKind::Binary, &large), Duration::ZERO)
        .unwrap_err();
    assert_eq!(error.code().as_str(), "message.timeout");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(connection.has_unsent());
    go.send(()).unwrap();
    // While it waits for the answer it writes the rest.
    assert_eq!(receive(&mut connection).unwrap(), text("all there"));
    assert!(!connection.has_unsent());
}

#[test]
fn a_poll_ends_though_a_message_of_empty_frames_never_does() {
    let (mut connection, _server) = connected(|mut peer| {
        peer.say(frame(0x01, b"begun"));
        let empty_continuations = frame(0x00, b"").repeat(10_000);
        // Until the client refuses, which ends the writing.
        for _ in 0..300 {
            peer.say(&empty_continuations);
        }
        peer.hold();
    });
    let began = Instant::now();
    let (mut polls, mut longest) = (0, Duration::ZERO);
    let error = loop {
        let before = Instant::now();
        match connection.poll() {
            Ok(None) if connection.is_behind() => polls += 1,
            Ok(None) => std::thread::sleep(Duration::from_millis(1)),
            Ok(found) => panic!("{found:?}"),
            Err(error) => break error,
        }
        longest = longest.max(before.elapsed());
        assert!(began.elapsed() < PATIENCE);
    };
    // A million frames by 512 at most, until the bound on frames is reached.
    assert!(polls >= 2_000, "{polls}");
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    assert_eq!(error.code().as_str(), "message.too-large", "{error}");
}

#[test]
fn a_violation_that_a_poll_finds_lets_the_answer_before_it_out() {
    let (heard, hears) = mpsc::channel();
    let (mut connection, _server) = connected(move |mut peer| {
        peer.say([frame(0x81, b"good"), frame(0xb1, b"bad")].concat());
        heard.send(peer.read_frame()).unwrap();
        heard.send(peer.read_frame()).unwrap();
    });
    assert_eq!(receive(&mut connection).unwrap(), text("good"));
    assert_eq!(connection.poll().unwrap(), None);
    assert!(connection.is_open() && connection.is_held());
    connection.send(&Outgoing::text("answer"), PATIENCE).unwrap();
    assert_eq!(
        receive(&mut connection).unwrap_err().code().as_str(),
        "protocol.error"
    );
    let next = || hears.recv_timeout(PATIENCE).unwrap();
    assert_eq!(next(), Some((0x81, b"answer".to_vec())));
    assert_eq!(next(), Some((0x88, vec![3, 234])));
}

#[test]
fn a_flood_of_pings_from_a_peer_that_does_not_read_takes_no_memory() {
    let (mut connection, _server) = connected(|mut peer| {
        let many = frame(0x89, &[1; 125]).repeat(1000);
        for _ in 0..100 {
            peer.say(&many);
        }
        peer.say(frame(0x81, b"end"));
        // Only now it reads: what of our pongs fitted into the buffers, then the newest one.
        while let Some((first, payload)) = peer.read_frame() {
            assert_eq!((first, payload), (0x8a, vec![1; 125]));
        }
    });
    let mut pings = 0;
    loop {
        match receive(&mut connection).unwrap() {
            (MessageKind::Ping, _) => pings += 1,
            other => break assert_eq!(other, text("end")),
        }
    }
    assert_eq!(pings, 100_000);
}
