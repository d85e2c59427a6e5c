//! CONNECT through an HTTP proxy.

use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use websocket::{Dial, Kind};

use crate::support::{
    PATIENCE, Peer, Server, attempt, attempt_within, closed_port, code, dial, echo, receive, send, text,
};
use crate::tls::{Authority, server_config};

fn through(proxy: &Server, url: &str) -> Dial {
    Dial {
        proxy: Some(format!("http://{}", proxy.address).parse().unwrap()),
        ..dial(url)
    }
}

/// Answers to CONNECT, then copies both ways.
fn tunnel(mut peer: Peer) {
    let target = peer.read_head().split(' ').nth(1).unwrap().to_owned();
    let mut server = TcpStream::connect(target).unwrap();
    peer.say("HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n");
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
fn plain_and_tls_go_through_a_tunnel() {
    let authority = Authority::new("known");
    let config = server_config(&authority, &["localhost"], rustls::DEFAULT_VERSIONS);
    let plain = Server::start(echo);
    let tls = Server::start_tls(config, echo);
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    let proxy = Server::start(move |peer| {
        let mut head = vec![0; 1024];
        let length = peer.tcp.peek(&mut head).unwrap();
        seen.lock()
            .unwrap()
            .push(String::from_utf8(head[..length].to_vec()).unwrap());
        tunnel(peer);
    });
    for url in [plain.url("/x"), tls.tls_url()] {
        let attempt = attempt(&through(&proxy, &url));
        assert_eq!(code(&attempt), "ok", "{:?}", attempt.result);
        assert_eq!(attempt.trace.remote, Some(proxy.address));
        assert!(attempt.trace.proxy.is_some() && attempt.trace.tcp.is_some() && attempt.trace.dns.is_none());
        assert_eq!(attempt.trace.tls.is_some(), url.starts_with("wss"));
        let mut connection = attempt.result.unwrap();
        send(&mut connection, &text("hello")).unwrap();
        assert_eq!(receive(&mut connection).unwrap(), text("hello"));
    }
    let address = plain.address;
    assert_eq!(
        requests.lock().unwrap()[0],
        format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n")
    );
    let port = tls.address.port();
    assert!(requests.lock().unwrap()[1].starts_with(&format!("CONNECT localhost:{port} HTTP/1.1\r\n")));
}

#[test]
fn a_login_is_sent_as_basic() {
    let server = Server::start(echo);
    let proxy = Server::start(|peer| {
        let mut head = vec![0; 1024];
        let length = peer.tcp.peek(&mut head).unwrap();
        let head = String::from_utf8(head[..length].to_vec()).unwrap();
        assert!(
            head.contains("\r\nProxy-Authorization: Basic dXNlcjpwYSBzcw==\r\n"),
            "{head}"
        );
        tunnel(peer);
    });
    let login = format!("http://user:pa%20ss@{}", proxy.address).parse().unwrap();
    let attempt = attempt(&Dial {
        proxy: Some(login),
        ..dial(&server.url("/"))
    });
    assert_eq!(code(&attempt), "ok", "{:?}", attempt.result);
    // The login is the proxy's business alone.
    assert!(!attempt.trace.request_head.contains("Proxy-Authorization"));
}

#[test]
fn answers_that_open_no_tunnel_have_their_codes() {
    type Script = fn(Peer);
    let cases: Vec<(&str, &str, &str, Script)> = vec![
        ("407", "proxy.auth", "407 Need a login", |mut p| {
            p.read_head();
            p.say("HTTP/1.1 407 Need a login\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno");
        }),
        ("403", "proxy.refused", "403 Forbidden", |mut p| {
            p.read_head();
            p.say("HTTP/1.1 403 Forbidden\r\n\r\n");
        }),
        ("502", "proxy.unavailable", "502 Bad Gateway", |mut p| {
            p.read_head();
            p.say("HTTP/1.0 502 Bad Gateway\r\n\r\n");
        }),
        ("garbage", "proxy.malformed", "SSH-2.0", |mut p| {
            p.read_head();
            p.say("SSH-2.0-x\r\n");
            p.hold();
        }),
        ("no status", "proxy.malformed", "HTTP/1.1 ok", |mut p| {
            p.read_head();
            p.say("HTTP/1.1 ok\r\n\r\n");
        }),
        ("endless head", "proxy.malformed", "16384 bytes", |mut p| {
            p.read_head();
            p.say("HTTP/1.1 200 OK\r\n");
            while p.stream.write_all(b"A: bbbbbbbbbbbbbbbbbbbbb\r\n").is_ok() {}
        }),
        ("closed", "proxy.closed", "after 0 bytes", |mut p| {
            p.read_head();
        }),
        ("closed within", "proxy.closed", "after 8 bytes", |mut p| {
            p.read_head();
            p.say("HTTP/1.1");
        }),
        ("reset", "proxy.closed", "reset", |mut p| {
            p.read_head();
            p.reset();
        }),
    ];
    for (name, expected, detail, script) in cases {
        let proxy = Server::start(script);
        let attempt = attempt(&through(&proxy, "ws://127.0.0.1:9/"));
        assert_eq!(code(&attempt), expected, "{name}: {:?}", attempt.result);
        let found = attempt.result.unwrap_err().detail();
        assert!(
            found.contains(detail) && found.contains(&proxy.address.to_string()),
            "{name}: {found}"
        );
        let status = attempt.trace.answer.map(|answer| answer.status.to_string());
        assert_eq!(status.is_some(), detail.starts_with(['4', '5']), "{name}");
        assert!(status.is_none_or(|status| detail.starts_with(&status)), "{name}");
        assert!(attempt.trace.proxy.is_some(), "{name}");
        assert_eq!(attempt.trace.request_head, "", "{name}");
    }
}

#[test]
fn a_silent_proxy_ends_at_the_connect_timeout() {
    let proxy = Server::start(|mut peer| peer.hold());
    let connect_timeout = Duration::from_millis(100);
    let dial = Dial {
        connect_timeout,
        ..through(&proxy, "ws://127.0.0.1:9/")
    };
    let attempt = attempt_within(&dial, PATIENCE);
    assert_eq!(code(&attempt), "proxy.timeout");
    assert!(attempt.trace.proxy.unwrap() >= connect_timeout * 9 / 10);
    assert!(
        attempt
            .result
            .unwrap_err()
            .detail()
            .contains(&proxy.address.to_string())
    );
}

#[test]
fn a_proxy_that_is_not_there_is_refused() {
    let port = closed_port();
    let proxy = Some(format!("127.0.0.1:{port}").parse().unwrap());
    let attempt = attempt(&Dial {
        proxy,
        ..dial("ws://server.invalid/")
    });
    assert_eq!(code(&attempt), "tcp.refused");
    assert!(attempt.result.unwrap_err().detail().contains(&port.to_string()));
}

#[test]
fn bytes_behind_the_proxys_head_belong_to_the_tunnel() {
    // The proxy speaks for the server, which refuses at once: all in one packet.
    let proxy = Server::start(|mut peer| {
        peer.read_head();
        peer.say("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 429 Busy\r\nContent-Length: 2\r\n\r\nno");
        peer.hold();
    });
    let attempt = attempt(&through(&proxy, "ws://127.0.0.1:9/"));
    assert_eq!(code(&attempt), "upgrade.status", "{:?}", attempt.result);
    assert_eq!(attempt.trace.answer.unwrap().body, b"no");
}

#[test]
fn a_proxys_head_may_come_in_pieces() {
    let proxy = Server::start(|mut peer| {
        peer.read_head();
        for byte in b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n" {
            peer.say([*byte]);
            std::thread::sleep(Duration::from_micros(200));
        }
        peer.upgrade();
        peer.hold();
    });
    let attempt = attempt(&through(&proxy, "ws://127.0.0.1:9/"));
    assert_eq!(code(&attempt), "ok", "{:?}", attempt.result);
}

#[test]
fn a_proxys_refusal_is_an_answer_with_headers_and_body() {
    for (name, head, body, cut) in [
        (
            "with length",
            "Retry-After: 7\r\nContent-Length: 5\r\n",
            "later",
            false,
        ),
        ("until close", "Retry-After: 7\r\n", "later", false),
        ("cut", "Retry-After: 7\r\nContent-Length: 9\r\n", "later", true),
        (
            "chunked",
            "Retry-After: 7\r\nTransfer-Encoding: chunked\r\n",
            "",
            false,
        ),
        (
            "UTF-8",
            "X-Why: \u{fc}ber\r\nRetry-After: 7\r\nContent-Length: 0\r\n",
            "",
            false,
        ),
    ] {
        for (status, code_of, kind) in [
            (429, "proxy.unavailable", Kind::Answer),
            (503, "proxy.unavailable", Kind::Answer),
            (403, "proxy.refused", Kind::Answer),
            (407, "proxy.auth", Kind::Fatal),
        ] {
            let said = format!("HTTP/1.1 {status} Busy\r\n{head}\r\nlater");
            let proxy = Server::start(move |mut peer| {
                peer.read_head();
                peer.say(&said);
            });
            let attempt = attempt(&through(&proxy, "ws://127.0.0.1:9/"));
            let error = attempt.result.unwrap_err();
            assert_eq!(
                (error.code().as_str(), error.kind()),
                (code_of, kind),
                "{name} {status}"
            );
            let answer = attempt.trace.answer.unwrap();
            assert_eq!(answer.status, status);
            assert_eq!(answer.header("retry-after").collect::<Vec<_>>(), ["7"], "{name}");
            assert_eq!(
                (answer.body.as_slice(), answer.body_cut),
                (body.as_bytes(), cut),
                "{name}"
            );
        }
    }
}

#[test]
fn a_proxys_cookies_are_not_the_servers() {
    let proxy = Server::start(|mut peer| {
        peer.read_head();
        peer.say("HTTP/1.1 503 Busy\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n");
    });
    let attempt = attempt(&through(&proxy, "ws://127.0.0.1:9/"));
    assert_eq!(attempt.trace.set_cookies, []);
}
