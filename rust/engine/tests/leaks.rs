//! Descriptors and threads are given back, however a conversation ends. In a process of its own, since it counts all of them.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

#[allow(dead_code)]
#[path = "it/support.rs"]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::Engine;
use support::*;

const CONNECTIONS: usize = 2_000;

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The peers live in this process too and close a moment later.
fn settles_at(before: usize) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        if descriptors() <= before {
            return true;
        }
        pause(5);
    }
    false
}

#[test]
fn two_thousand_conversations_leave_nothing_behind() {
    let config = testbed::Config::default();
    let echo = testbed::Server::start(config).unwrap();
    let hostile = server(|mut peer| {
        peer.raw(&[0x81, 0x81, 1, 2, 3, 4, 5]);
    });
    let engine: Arc<Engine> = Arc::default();
    // Reactor, keeper and their pipes come with the first use.
    let warm = Client::open_on(engine.clone(), &echo.url(), &[]);
    warm.engine.close(warm.handle, None).unwrap();
    pause(100);
    let before = descriptors();
    let exchange = warm.prepare("ExchangeSampler", &[("wsb.payload", "x")]);
    let close = warm.prepare("CloseSampler", &[]);
    for number in 0..CONNECTIONS {
        let url = if number % 10 == 9 { &hostile } else { &echo.url() };
        let client = Client::open_on(engine.clone(), url, &[]);
        let done = client.perform(exchange, None);
        assert_eq!(done.code() == "ok", url != &hostile, "{done:?}");
        match number % 4 {
            0 => assert!(client.perform(close, None).code() != "close.timeout"),
            1 => drop(engine.cancel(client.handle)),
            _ => {}
        }
        let goodbye = (number % 3 == 0).then_some(Duration::from_secs(1));
        engine.close(client.handle, goodbye).unwrap();
    }
    assert_eq!(engine.handles(), 0);
    assert!(settles_at(before), "{before} before, {} after", descriptors());

    let kept: Vec<Client> = (0..200)
        .map(|_| Client::open_on(engine.clone(), &echo.url(), &[]))
        .collect();
    pause(200);
    assert!(descriptors() >= before + 200);
    engine.shutdown().unwrap();
    drop(kept);
    assert!(
        settles_at(before),
        "{before} before, {} after the end",
        descriptors()
    );
    echo.stop();
}
