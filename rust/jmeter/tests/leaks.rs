//! Descriptors and threads are given back, however a conversation ends. In a process of its own, since it counts all of them.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

#[allow(dead_code)]
#[path = "it/support.rs"]
mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jmeter::Engine;
use support::*;

const CONNECTIONS: usize = 2_000;

/// Each test counts all descriptors of the process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

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
    let _alone = ONE_AT_A_TIME.lock().unwrap();
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

#[test]
fn a_connection_that_the_server_ends_gives_its_descriptor_back_and_keeps_what_it_knows() {
    const ENDED: usize = 50;
    let _alone = ONE_AT_A_TIME.lock().unwrap();
    let polite = server(|mut peer| {
        peer.text("last words");
        peer.close(1001, "bye");
        // Ends TCP when our close frame is here.
        peer.frame();
    });
    let waits = server(|mut peer| {
        peer.text("last words");
        peer.close(1001, "bye");
        peer.swallow();
    });
    let rude = server(|mut peer| peer.text("last words"));
    let echo = server(|mut peer| peer.echo());
    let engine: Arc<Engine> = Arc::default();
    // Keeps reactor and keeper.
    let warm = Client::open_on(engine.clone(), &echo, &[]);
    pause(100);
    for (url, code) in [
        (&polite, "closed.1001"),
        (&waits, "closed.1001"),
        (&rude, "connection.lost"),
    ] {
        let before = descriptors();
        let clients: Vec<Client> = (0..ENDED)
            .map(|_| Client::open_on(engine.clone(), url, &[]))
            .collect();
        assert!(
            settles_at(before),
            "{code}: {before} before, {} after",
            descriptors()
        );
        for client in &clients {
            assert_eq!(client.receive(&[]).text(), "last words");
            assert_eq!(client.receive(&[]).code(), code);
        }
        let done = clients[0].act("CloseSampler", &[]);
        assert_eq!(done.code() == "ok", code == "closed.1001", "{done:?}");
    }
    assert_eq!(warm.exchange("alive").text(), "alive");
}
