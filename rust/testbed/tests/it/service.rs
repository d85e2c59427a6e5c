//! What the server does beside limiting: echo, plain HTTP, figures, log, start and stop.

use crate::client::{Client, attempt, faulty, header, limited, start, status, until, upgrade};
use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};
use testbed::{Config, Server};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};

fn plain(server: &Server, path: &str) -> (String, String) {
    let mut client = Client::connect(server);
    client.send(&format!(
        "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    ));
    (client.head(), client.text())
}

#[test]
fn messages_are_echoed_pings_and_closes_answered() {
    let server = start(Config::default());
    let (mut socket, _) = tungstenite::client(server.url(), Client::connect(&server).0).unwrap();
    for message in [
        Message::text("hello"),
        Message::text(""),
        Message::binary(vec![0, 255, 7]),
        Message::text("x".repeat(1 << 20)),
    ] {
        socket.send(message.clone()).unwrap();
        assert_eq!(socket.read().unwrap(), message);
    }
    socket.send(Message::Ping("are you there".into())).unwrap();
    assert_eq!(socket.read().unwrap(), Message::Pong("are you there".into()));
    socket.close(None).unwrap();
    assert!(matches!(socket.read().unwrap(), Message::Close(None)));
    assert!(matches!(
        socket.read().unwrap_err(),
        tungstenite::Error::ConnectionClosed
    ));
    until(&server, "closed", |stats| stats.open == 0 && stats.peak_open == 1);
}

#[test]
fn frames_that_come_with_the_request_are_not_lost() {
    let server = start(Config::default());
    let mut client = Client::connect(&server);
    let mut bytes = upgrade("/").into_bytes();
    bytes.extend(b"\x81\x82\0\0\0\0hi");
    client.0.write_all(&bytes).unwrap();
    client.head();
    assert_eq!(client.exactly(4), b"\x81\x02hi");
}

#[test]
fn a_request_in_single_bytes_is_understood() {
    let server = start(Config::default());
    let mut client = Client::connect(&server);
    for byte in upgrade("/").split_inclusive(|_| true) {
        client.send(byte);
    }
    assert_eq!(status(&client.head()), 101);
}

#[test]
fn the_first_offered_subprotocol_is_chosen() {
    let server = start(Config::default());
    let mut client = Client::connect(&server);
    client.send(&upgrade("/").replace("Host:", "Sec-WebSocket-Protocol: mqtt, v2\r\nHost:"));
    assert_eq!(header(&client.head(), "Sec-WebSocket-Protocol"), Some("mqtt"));
}

#[test]
fn a_bad_upgrade_is_an_attempt_and_refused_with_the_reason() {
    let server = start(limited("fixed-window limit=1 window=1m"));
    for (from, to, answer, said) in [
        ("Connection: Upgrade\r\n", "", 400, "Connection header"),
        (
            "Version: 13",
            "Version: 12",
            426,
            "Sec-WebSocket-Version is not 13",
        ),
    ] {
        let mut client = Client::connect(&server);
        client.send(&upgrade("/").replace(from, to));
        let head = client.head();
        assert_eq!(status(&head), answer);
        assert_eq!(
            header(&head, "Sec-WebSocket-Version"),
            (answer == 426).then_some("13")
        );
        assert!(client.text().contains(said));
    }
    assert_eq!((server.stats().attempts, server.stats().refused), (2, 2));
    // The limit has seen neither.
    assert_eq!(status(&attempt(&server).1), 101);
}

#[test]
fn what_is_no_http_is_answered_and_counts_for_nothing() {
    let server = start(Config::default());
    let mut client = Client::connect(&server);
    client.send("\u{16}\u{3}\u{1} hello\r\n\r\n");
    assert_eq!(status(&client.head()), 400);
    let mut client = Client::connect(&server);
    client.send("GET / HTTP/1.1\r\n");
    for _ in 0..66 {
        client.send(&format!("X-Long: {}\r\n", "x".repeat(1_000)));
    }
    assert_eq!(status(&client.head()), 431);
    assert_eq!(server.stats().attempts, 0);
}

#[test]
fn the_pages_say_what_this_is_and_count_for_nothing() {
    let server = start(Config {
        limits_at: vec!["/token concurrency limit=3".parse().unwrap()],
        ..limited("token-bucket rate=10 burst=20")
    });
    let (head, text) = plain(&server, "/");
    assert_eq!((status(&head), header(&head, "Connection")), (200, Some("close")));
    for part in [
        "test server",
        "limit: token-bucket rate=10 burst=20\n",
        "limit at /token concurrency limit=3\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(server.stats().attempts, 0);
}

#[test]
fn stats_over_http_are_those_of_the_library() {
    let server = start(limited("fixed-window limit=1 window=1m"));
    let (_inside, _) = attempt(&server);
    let _ = attempt(&server);
    let (head, text) = plain(&server, "/stats?fresh=1");
    assert_eq!(
        (status(&head), header(&head, "Content-Type")),
        (200, Some("application/json"))
    );
    let mut told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut known = serde_json::to_value(server.stats()).unwrap();
    for stats in [&mut told, &mut known] {
        stats["uptimeMs"].take();
    }
    assert_eq!(told, known);
    assert_eq!(told["attempts"], 2);
}

#[test]
fn the_log_has_a_line_an_attempt_with_times_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let faults = vec!["silent:0.3".parse().unwrap()];
    let server = start(Config {
        log: Some(path.clone()),
        faults,
        seed: 1,
        ..limited("fixed-window limit=5 window=1m")
    });
    let mut clients = Vec::new();
    for n in 0..30 {
        let mut client = Client::connect(&server);
        client.ask(&format!("/{n}"));
        clients.push(client);
    }
    until(&server, "answered", |stats| {
        stats.accepted + stats.refused + stats.held == 30
    });
    let stats = server.stats();
    server.stop();
    assert_eq!(server.log_error(), None);
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 30);
    let count = |status: Option<u16>| {
        lines
            .iter()
            .filter(|line| line["status"] == serde_json::json!(status))
            .count() as u64
    };
    assert_eq!(
        (count(Some(101)), count(Some(429)), count(None)),
        (5, stats.refused, stats.faulted)
    );
    for line in &lines {
        let (accepted, head) = (
            line["acceptedUs"].as_u64().unwrap(),
            line["headUs"].as_u64().unwrap(),
        );
        assert!(
            accepted <= head && head <= line["answeredUs"].as_u64().unwrap_or(u64::MAX),
            "{line}"
        );
        assert_eq!(line["fault"] == "silent", line["status"].is_null(), "{line}");
        assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    }
}

#[test]
fn the_stop_closes_open_sockets_with_1001_and_everything_else() {
    let server = faulty("silent:0.5");
    let mut open = Vec::new();
    let mut silent = Vec::new();
    for _ in 0..20 {
        let mut client = Client::connect(&server);
        let before = server.stats().held;
        client.ask("/");
        until(&server, "decided", |stats| {
            stats.accepted + stats.held == open.len() as u64 + silent.len() as u64 + 1
        });
        if server.stats().held > before {
            silent.push(client);
        } else {
            open.push(client);
        }
    }
    assert!(!open.is_empty() && !silent.is_empty());
    let _idle = Client::connect(&server);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for client in &mut open {
            scope.spawn(|| {
                client.head();
                let frame = client.exactly(4);
                assert_eq!(frame[0], 0x88);
                assert_eq!(
                    u16::from_be_bytes([frame[2], frame[3]]),
                    u16::from(CloseCode::Away)
                );
            });
        }
        server.stop();
    });
    for client in &mut silent {
        assert!(matches!(client.read().map(|bytes| bytes.len()), Ok(0) | Err(_)));
    }
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(server.stats().open, 0);
    let refused = std::net::TcpStream::connect(server.addr()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    server.stop();
}

/// The connections are told one after the other; one that is told later must not talk on meanwhile.
#[test]
fn nothing_is_echoed_any_more_once_one_connection_was_told_of_the_stop() {
    const ROUNDS: usize = 20; // which of them meets the moment between the two, is luck
    const CLIENTS: usize = 300;
    /// "x", masked with zeros (RFC 6455 section 5.2).
    const MESSAGE: [u8; 7] = [0x81, 0x81, 0, 0, 0, 0, b'x'];
    for _ in 0..ROUNDS {
        let server = start(Config::default());
        let mut clients: Vec<Client> = (0..CLIENTS).map(|_| attempt(&server).0).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for client in &clients {
                    client.0.set_nonblocking(true).unwrap();
                }
                while !clients.iter().any(|client| client.0.peek(&mut [0]).is_ok()) {}
                for client in &mut clients {
                    client.0.set_nonblocking(false).unwrap();
                    // One that was told may be closed by now, if this thread was held up.
                    let _ = client.0.write_all(&MESSAGE);
                }
                // Gone when they have read: the server does not wait for their answers.
                for mut client in clients {
                    assert_eq!(client.exactly(1), [0x88], "a close frame, and no echo before it");
                }
            });
            server.stop();
        });
    }
}

#[test]
fn a_client_that_does_not_read_cannot_hold_up_the_stop() {
    let server = start(Config::default());
    let (mut client, _) = attempt(&server);
    // Nobody reads the echoes: soon the server cannot write any more.
    client
        .0
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let mut frame = vec![0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0];
    frame.resize(8 + 0xffff, b'x');
    while client.0.write_all(&frame).is_ok() {}
    let started = Instant::now();
    server.stop();
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_connection_without_a_request_is_closed_after_the_patience() {
    let server = start(Config {
        patience: Duration::from_millis(100),
        ..Config::default()
    });
    let mut client = Client::connect(&server);
    client.send("GET / HT");
    assert_eq!(client.rest(), b"");
}

#[test]
fn an_address_in_use_is_told() {
    let server = start(Config::default());
    let error = Server::start(Config {
        listen: server.addr(),
        ..Config::default()
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(
        error
            .to_string()
            .contains(&format!("cannot listen on {}", server.addr())),
        "{error}"
    );
}

#[test]
fn a_log_that_cannot_be_written_and_a_wrong_setting_are_told() {
    let log = Some("/no/such/folder/log".into());
    let error = Server::start(Config {
        log,
        ..Config::default()
    })
    .unwrap_err()
    .to_string();
    assert!(error.contains("/no/such/folder/log"), "{error}");
    let error = Server::start(Config {
        status: 101,
        ..Config::default()
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn the_server_starts_and_stops_inside_of_another_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let server = start(Config::default());
        assert_eq!(status(&attempt(&server).1), 101);
        server.stop();
        drop(start(Config::default()));
    });
}

#[test]
fn ipv6_works_where_the_machine_has_it() {
    let listen = "[::1]:0".parse().unwrap();
    match Server::start(Config {
        listen,
        ..Config::default()
    }) {
        Ok(server) => assert_eq!(status(&attempt(&server).1), 101),
        Err(error) => assert!(error.to_string().contains("cannot listen on [::1]:0"), "{error}"),
    }
}
