//! JMeter's Stop ends whatever a connection is doing at once, in every state. What is at once on a machine that does something else,
//! too: long before anything else would end it.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::*;

/// Nothing else ends what a test stops before [`ELSE`].
const AT_ONCE: Duration = Duration::from_secs(5);
/// When the peer leaves, and the least of the other ends.
const ELSE: u64 = 20_000;

/// Calls in a thread of its own, and answers when that has begun.
fn under_way<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> thread::JoinHandle<T> {
    let (begins, began) = mpsc::channel();
    let thread = thread::spawn(move || {
        begins.send(()).unwrap();
        call()
    });
    began.recv().unwrap();
    // From here it is a matter of microseconds, on a busy machine of some turns of the scheduler.
    pause(300);
    thread
}

#[test]
fn a_cancel_ends_every_operation_at_once() {
    let large = "x".repeat(16 << 20);
    let states: [(&str, &str, Vec<_>); 5] = [
        ("receiving", "ReceiveSampler", vec![("wsb.readTimeout", "30s")]),
        (
            "exchanging",
            "ExchangeSampler",
            vec![("wsb.payload", "x"), ("wsb.readTimeout", "30s")],
        ),
        ("pinging", "PingSampler", vec![("wsb.readTimeout", "30s")]),
        ("closing", "CloseSampler", vec![("wsb.close.timeout", "30s")]),
        (
            "sending 16 MiB",
            "SendSampler",
            vec![("wsb.payload", large.as_str()), ("wsb.readTimeout", "30s")],
        ),
    ];
    for (name, element, properties) in &states {
        // Takes nothing off the socket and says nothing.
        let client = Client::open(&server(|_peer| pause(ELSE)), &[("wsb.maxMessageSize", "32M")]);
        let operation = client.prepare(element, properties);
        let other = client.clone();
        let call = under_way(move || other.perform(operation, None));
        let begun = Instant::now();
        assert!(
            client.engine.cancel(client.handle),
            "{name}: something was under way"
        );
        let done = call.join().unwrap();
        assert!(begun.elapsed() < AT_ONCE, "{name}: {:?}", begun.elapsed());
        assert_eq!(done.code(), "cancelled", "{name}");
        let after = client.send("more");
        assert_eq!(after.code(), "cancelled", "{name}: for good");
        client.engine.shutdown().unwrap();
    }
}

#[test]
fn a_cancel_of_an_idle_connection_holds_for_what_follows() {
    let client = Client::open(&server(|mut peer| peer.echo()), &[]);
    pause(150);
    assert!(!client.engine.cancel(client.handle), "nothing was under way");
    assert_eq!(client.exchange("x").code(), "cancelled");
}

#[test]
fn a_cancel_ends_the_wait_of_a_reconnect() {
    let slow = [
        ("wsb.reconnect", "on-next-use"),
        ("wsb.retry.strategy", "fixed"),
        ("wsb.retry.transientBase", "20s"),
        ("wsb.retry.cap", "20s"),
    ];
    let client = Client::open(&server(|_peer| ()), &slow);
    pause(150);
    let other = client.clone();
    let call = under_way(move || other.send("x"));
    let begun = Instant::now();
    assert!(client.engine.cancel(client.handle));
    let done = call.join().unwrap();
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    assert_eq!(done.code(), "cancelled");
    assert!(done.figures[WAITED] >= 100_000, "{done:?}");
}

#[test]
fn the_end_of_the_test_ends_calls_that_run() {
    let client = Client::open(&server(|mut peer| peer.swallow()), &[]);
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let other = Client::open_on(client.engine.clone(), &server(|mut peer| peer.swallow()), &[]);
            let operation = other.prepare("ReceiveSampler", &[("wsb.readTimeout", "30s")]);
            under_way(move || other.perform(operation, None))
        })
        .collect();
    let begun = Instant::now();
    client.engine.shutdown().unwrap();
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    for call in calls {
        assert_eq!(call.join().unwrap().code(), "cancelled");
    }
}
