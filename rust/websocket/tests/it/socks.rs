//! SOCKS5: a scripted proxy, in good and in bad temper.

use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use websocket::Dial;

use crate::support::{PATIENCE, Peer, Server, attempt, code, dial, echo, receive, send, text};
use crate::tls::{Authority, server_config};

fn through(proxy: &Server, login: &str, url: &str) -> Dial {
    Dial {
        proxy: Some(format!("socks5://{login}{}", proxy.address).parse().unwrap()),
        ..dial(url)
    }
}

fn bytes(peer: &mut Peer, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let _ = peer.stream.read_exact(&mut bytes);
    bytes
}

/// Reads the greeting and takes it without a login, then reads the request: type of address, address, port.
fn request(peer: &mut Peer) -> (u8, Vec<u8>, u16) {
    bytes(peer, 3);
    peer.say([5, 0]);
    let head = bytes(peer, 4);
    assert_eq!(head[..3], [5, 1, 0]);
    let length = match head[3] {
        1 => 4,
        4 => 16,
        _ => bytes(peer, 1)[0].into(),
    };
    let host = bytes(peer, length);
    let port = bytes(peer, 2);
    (head[3], host, u16::from_be_bytes([port[0], port[1]]))
}

/// Copies both ways to a port of this machine.
fn tunnel(peer: &mut Peer, port: u16) {
    let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (mut up_from, mut up_to) = (peer.tcp.try_clone().unwrap(), server.try_clone().unwrap());
    let up = std::thread::spawn(move || {
        let _ = std::io::copy(&mut up_from, &mut up_to);
        let _ = up_to.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut peer.tcp);
    let _ = peer.tcp.shutdown(Shutdown::Write);
    up.join().unwrap();
}

#[test]
fn plain_and_tls_go_through_and_the_proxy_looks_names_up() {
    let authority = Authority::new("known");
    let config = server_config(&authority, &["localhost"], rustls::DEFAULT_VERSIONS);
    let plain = Server::start(echo);
    let tls = Server::start_tls(config, echo);
    let (plain_port, tls_port) = (plain.address.port(), tls.address.port());
    for (url, kind, host, bound) in [
        (plain.url("/x"), 1, vec![127, 0, 0, 1], vec![1, 0, 0, 0, 0, 0, 0]),
        (
            format!("ws://name.invalid:{plain_port}/"),
            3,
            b"name.invalid".to_vec(),
            vec![4; 1],
        ),
        (
            format!("ws://[::1]:{plain_port}/"),
            4,
            [&[0; 15][..], &[1]].concat(),
            vec![3, 2, b'a', b'b', 0, 0],
        ),
        (
            format!("wss://localhost:{tls_port}/"),
            3,
            b"localhost".to_vec(),
            vec![1, 0, 0, 0, 0, 0, 0],
        ),
    ] {
        let (sender, receiver) = mpsc::channel();
        let proxy = Server::start(move |mut peer| {
            let asked = request(&mut peer);
            let port = asked.2;
            sender.send(asked).unwrap();
            // A byte a packet: the answer may come in pieces.
            let rest = if bound == [4] {
                [&[4][..], &[0; 18]].concat()
            } else {
                bound.clone()
            };
            for byte in [&[5, 0, 0][..], &rest].concat() {
                peer.say([byte]);
                std::thread::sleep(Duration::from_micros(200));
            }
            tunnel(&mut peer, port);
        });
        let attempt = attempt(&through(&proxy, "", &url));
        assert_eq!(code(&attempt), "ok", "{url}: {:?}", attempt.result);
        let (found_kind, found_host, _) = receiver.recv_timeout(PATIENCE).unwrap();
        assert_eq!((found_kind, found_host), (kind, host), "{url}");
        assert_eq!(attempt.trace.remote, Some(proxy.address));
        assert!(
            attempt.trace.proxy.is_some() && attempt.trace.dns.is_none(),
            "{url}"
        );
        let mut connection = attempt.result.unwrap();
        send(&mut connection, &text("hello")).unwrap();
        assert_eq!(receive(&mut connection).unwrap(), text("hello"));
    }
}

#[test]
fn a_login_is_given_when_the_proxy_asks_for_it() {
    for (status, expected) in [(0, "ok"), (1, "proxy.auth")] {
        let server = Server::start(echo);
        let port = server.address.port();
        let proxy = Server::start(move |mut peer| {
            assert_eq!(bytes(&mut peer, 4), [5, 2, 0, 2]);
            peer.say([5, 2]);
            assert_eq!(bytes(&mut peer, 13), b"\x01\x04user\x06pa ss:");
            peer.say([1, status]);
            bytes(&mut peer, 10);
            peer.say([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
            tunnel(&mut peer, port);
        });
        let attempt = attempt(&through(&proxy, "user:pa%20ss%3a@", &server.url("/")));
        assert_eq!(code(&attempt), expected, "{:?}", attempt.result);
    }
}

#[test]
fn a_proxy_that_refuses_or_fails_has_its_codes() {
    let answered = |answer: &'static [u8]| {
        move |mut peer: Peer| {
            request(&mut peer);
            peer.say(answer);
            peer.hold();
        }
    };
    let greeted = |answer: &'static [u8]| {
        move |mut peer: Peer| {
            bytes(&mut peer, 3);
            peer.say(answer);
            peer.hold();
        }
    };
    let cases: Vec<(&str, Server, &str, &str)> = vec![
        (
            "rules",
            Server::start(answered(&[5, 2, 0, 1])),
            "proxy.refused",
            "rules",
        ),
        (
            "unreachable",
            Server::start(answered(&[5, 4, 0, 1])),
            "proxy.unavailable",
            "unreachable",
        ),
        (
            "refused",
            Server::start(answered(&[5, 5, 0, 1])),
            "proxy.unavailable",
            "refused",
        ),
        (
            "unknown reply",
            Server::start(answered(&[5, 99, 0, 1])),
            "proxy.refused",
            "99",
        ),
        (
            "unknown address",
            Server::start(answered(&[5, 0, 0, 9])),
            "proxy.malformed",
            "not SOCKS5",
        ),
        (
            "wants a login",
            Server::start(greeted(&[5, 255])),
            "proxy.auth",
            "wants a login",
        ),
        (
            "asks unasked",
            Server::start(greeted(&[5, 2])),
            "proxy.malformed",
            "not SOCKS5",
        ),
        (
            "SOCKS4",
            Server::start(greeted(&[0, 91])),
            "proxy.malformed",
            "not SOCKS5",
        ),
        (
            "HTTP",
            Server::start(greeted(b"HTTP/1.1 400 x\r\n\r\n")),
            "proxy.malformed",
            "not SOCKS5",
        ),
        (
            "closed",
            Server::start(|mut peer| drop(bytes(&mut peer, 3))),
            "proxy.closed",
            "within",
        ),
        (
            "closed within",
            Server::start(|mut peer| {
                request(&mut peer);
                peer.say([5, 0]);
            }),
            "proxy.closed",
            "within",
        ),
    ];
    for (name, proxy, expected, detail) in cases {
        let attempt = attempt(&through(&proxy, "", "ws://127.0.0.1:9/"));
        assert_eq!(code(&attempt), expected, "{name}: {:?}", attempt.result);
        let found = attempt.result.unwrap_err().detail();
        assert!(
            found.contains(detail) && found.contains(&proxy.address.to_string()),
            "{name}: {found}"
        );
        assert_eq!(attempt.trace.request_head, "", "{name}");
    }
    let silent = Server::start(|mut peer| peer.hold());
    let dial = Dial {
        connect_timeout: Duration::from_millis(100),
        ..through(&silent, "", "ws://127.0.0.1:9/")
    };
    assert_eq!(code(&attempt(&dial)), "proxy.timeout");
}
