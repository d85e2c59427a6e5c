//! How connections end that never became a WebSocket: with no port of ours left in TIME_WAIT.
#![cfg(target_os = "linux")]

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use websocket::{Attempt, Cookies, Dial, open};

use crate::support::{PATIENCE, Peer, Server, attempt, attempt_within, closed_port, code, dial, runtime};

/// The state as `/proc/net/tcp` writes it.
const TIME_WAIT: &str = "06";

/// Ports of ours towards a server that are in TIME_WAIT since this was made.
struct Waiting {
    server: SocketAddr,
    /// Whoever had the server's port before may have left some.
    before: HashSet<String>,
}

impl Waiting {
    fn of(server: &Server) -> Self {
        let server = server.address;
        Self {
            server,
            before: waiting(server),
        }
    }

    fn ports(&self) -> Vec<String> {
        waiting(self.server).difference(&self.before).cloned().collect()
    }
}

fn waiting(server: SocketAddr) -> HashSet<String> {
    let peer = format!(":{:04X}", server.port());
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let of_one = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields[2].ends_with(&peer) && fields[3] == TIME_WAIT).then(|| fields[1].to_owned())
    };
    sockets.lines().filter_map(of_one).collect()
}

/// Refuses and keeps the connection, as servers with keep-alive do.
fn refuse(mut peer: Peer) {
    peer.read_head();
    peer.say("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nbusy");
    peer.hold();
}

#[test]
fn a_refusal_that_was_read_leaves_no_port_behind() {
    let server = Server::start(refuse);
    let left = Waiting::of(&server);
    for _ in 0..20 {
        let attempt = attempt(&dial(&server.url("/")));
        assert_eq!(code(&attempt), "upgrade.status");
        assert_eq!(attempt.trace.answer.unwrap().body, b"busy");
    }
    assert_eq!(left.ports(), [""; 0]);
}

#[test]
fn an_attempt_that_is_given_up_leaves_no_port_behind() {
    let soon = Duration::from_millis(20);
    let dumb = Server::start(|mut peer| peer.hold());
    let redirects = Server::start(|mut peer| {
        peer.read_head();
        peer.say("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
        peer.hold();
    });
    let left = [Waiting::of(&dumb), Waiting::of(&redirects)];
    let expected = |attempt: &Attempt, expected: &str| assert_eq!(code(attempt), expected);
    for _ in 0..5 {
        expected(&attempt_within(&dial(&dumb.url("/")), soon), "upgrade.timeout");
        let tls = dial(&format!("wss://{}/", dumb.address));
        expected(&attempt_within(&tls, soon), "tls.timeout");
        let dial = dial(&redirects.url("/"));
        expected(&attempt(&dial), "upgrade.redirect");
        runtime().block_on(async {
            let dropped = Dial {
                max_redirects: 0,
                ..dial.clone()
            };
            let _ = tokio::time::timeout(soon, open(&dropped, &Cookies::default(), PATIENCE)).await;
        });
        let proxied = Dial {
            proxy: Some(dumb.address.to_string().parse().unwrap()),
            ..dial
        };
        expected(&attempt_within(&proxied, soon), "proxy.timeout");
    }
    for waiting in left {
        assert_eq!(waiting.ports(), [""; 0]);
    }
}

#[test]
fn an_aborted_websocket_leaves_no_port_behind() {
    let server = Server::start(|mut peer| {
        peer.upgrade();
        peer.hold();
    });
    let left = Waiting::of(&server);
    for _ in 0..5 {
        let mut connection = attempt(&dial(&server.url("/"))).result.unwrap();
        connection.abort();
    }
    // Time for the peer's answer to a FIN, if there were one.
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(left.ports(), [""; 0]);
}

#[test]
fn a_cancelled_websocket_leaves_no_port_behind() {
    let server = Server::start(|mut peer| {
        peer.upgrade();
        peer.hold();
        // Nobody answers a FIN at once over a network.
        std::thread::sleep(Duration::from_millis(50));
    });
    let left = Waiting::of(&server);
    for _ in 0..5 {
        let mut connection = attempt(&dial(&server.url("/"))).result.unwrap();
        connection.canceller().cancel();
        assert!(connection.receive(PATIENCE).is_err());
    }
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(left.ports(), [""; 0]);
}

#[test]
fn a_close_in_good_order_resets_nothing() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let server = Server::start(move |mut peer| {
        peer.upgrade();
        let close = peer.read_frame();
        peer.say([0x88, 0]);
        let end = peer.stream.read(&mut [0]);
        sender
            .send((close.is_some(), end.map_err(|error| error.kind())))
            .unwrap();
    });
    let mut connection = attempt(&dial(&server.url("/"))).result.unwrap();
    connection.close(1000, "", PATIENCE).unwrap();
    assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), (true, Ok(0)));
}

#[test]
fn a_reset_has_one_code_wherever_it_is_noticed() {
    let expected = |attempt: &Attempt, expected: &str| {
        assert_eq!(code(attempt), expected, "{:?}", attempt.result);
    };
    // At accept: some connects hear of it before their request, some with it, some behind it.
    let server = Server::start(Peer::reset);
    let far = closed_port();
    for _ in 0..200 {
        expected(&attempt(&dial(&server.url("/"))), "upgrade.reset");
        expected(
            &attempt(&dial(&format!("wss://{}/", server.address))),
            "tls.closed",
        );
        let proxied = Dial {
            proxy: Some(server.address.to_string().parse().unwrap()),
            ..dial(&format!("ws://127.0.0.1:{far}/"))
        };
        expected(&attempt(&proxied), "proxy.closed");
    }
}
