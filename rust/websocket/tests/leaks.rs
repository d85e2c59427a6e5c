//! File descriptors are given back, however an attempt fails. In a process of its own, since it counts all of them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "shared with the other tests, which use all of it")]
#[path = "it/support.rs"]
mod support;

use std::time::{Duration, Instant};

use support::{PATIENCE, Peer, Server, attempt_within, closed_port, code, dial, runtime};
use websocket::{Cookies, Dial, open};

const OPENS: usize = 500;

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The peers live in this process too and close a moment later.
fn settles_at(before: usize) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        if descriptors() <= before {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

type Script = fn(Peer);

#[test]
fn no_way_of_failing_leaks_a_descriptor() {
    // The reactor, its pipes and the threads' own descriptors come with the first use.
    let warm = Server::start(|mut peer| peer.upgrade());
    let _ = attempt_within(&dial(&warm.url("/")), PATIENCE);
    let short = Duration::from_millis(5);
    let cases: Vec<(&str, &str, &str, Duration, Script)> = vec![
        ("429", "ws", "upgrade.status", PATIENCE, |mut p| {
            p.read_head();
            p.say("HTTP/1.1 429 x\r\nContent-Length: 2\r\n\r\nno");
        }),
        ("wrong accept", "ws", "upgrade.bad-accept", PATIENCE, |mut p| {
            p.read_head();
            p.say(support::UPGRADED.replace("{accept}", "x"));
            p.hold();
        }),
        ("garbage", "ws", "upgrade.malformed", PATIENCE, |mut p| {
            p.read_head();
            p.say("hello\r\n\r\n");
        }),
        ("closed", "ws", "upgrade.closed", PATIENCE, |mut p| {
            p.read_head();
        }),
        ("reset", "ws", "upgrade.reset", PATIENCE, |mut p| {
            p.read_head();
            p.reset();
        }),
        ("silence", "ws", "upgrade.timeout", short, |mut p| p.hold()),
        ("not TLS", "wss", "tls.failed", PATIENCE, |mut p| {
            p.say("HTTP/1.1 400 Bad\r\n\r\n");
        }),
        ("silent TLS", "wss", "tls.timeout", short, |mut p| p.hold()),
        ("connected and dropped", "ws", "ok", PATIENCE, |mut p| {
            p.upgrade();
            p.hold();
        }),
    ];
    for (name, scheme, expected, timeout, script) in cases {
        let server = Server::start(script);
        let dial = dial(&format!("{scheme}://{}/", server.address));
        let before = descriptors();
        for _ in 0..OPENS {
            let attempt = attempt_within(&dial, timeout);
            assert_eq!(code(&attempt), expected, "{name}: {:?}", attempt.result);
        }
        assert!(
            settles_at(before),
            "{name}: {before} before, {} after",
            descriptors()
        );
    }
    refused_and_dropped();
}

fn refused_and_dropped() {
    let before = descriptors();
    let refused = dial(&format!("ws://127.0.0.1:{}/", closed_port()));
    for _ in 0..OPENS {
        assert_eq!(code(&attempt_within(&refused, PATIENCE)), "tcp.refused");
    }
    assert!(settles_at(before), "refused");

    let proxy = Server::start(|mut peer| {
        peer.read_head();
        peer.say("HTTP/1.1 403 No\r\n\r\n");
    });
    let address = proxy.address.to_string();
    let proxied = Dial {
        proxy: Some(address.parse().unwrap()),
        ..dial("ws://127.0.0.1:9/")
    };
    let before = descriptors();
    for _ in 0..OPENS {
        assert_eq!(code(&attempt_within(&proxied, PATIENCE)), "proxy.refused");
    }
    assert!(settles_at(before), "proxy");

    let silent = Server::start(|mut peer| peer.hold());
    let dropped = dial(&silent.url("/"));
    let before = descriptors();
    for _ in 0..OPENS {
        runtime().block_on(async {
            let _ = tokio::time::timeout(
                Duration::from_millis(1),
                open(&dropped, &Cookies::default(), PATIENCE),
            )
            .await;
        });
    }
    assert!(settles_at(before), "dropped");
}
