//! Many calls on few threads, which is what they are for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jmeter::{Engine, Misuse};
use serde_json::json;

use crate::support::{Client, parked, result, server};

const USERS: u64 = 200;

/// Drives the engine until so many calls are done; their tickets.
fn drive(engine: &Engine, ends: u64, count: u64) -> BTreeSet<u64> {
    let mut done = BTreeSet::new();
    let mut tickets = [0; 16];
    while (done.len() as u64) < count {
        let told = engine
            .drive(ends, &mut tickets)
            .unwrap()
            .expect("the test goes on");
        for ticket in &tickets[..told] {
            assert!(done.insert(*ticket), "{ticket} was told twice");
        }
    }
    done
}

fn clients(url: &str) -> (Arc<Engine>, Vec<Client>) {
    let engine: Arc<Engine> = Arc::default();
    // Blocking: the thread that serves parked calls of other tests would take ours.
    let client = |_| {
        let handle = engine.open();
        let spec = json!({"properties": {"wsb.url": url}, "user": "users 1-1"});
        let result = result::connect(&engine, handle, &spec).unwrap();
        assert_eq!(result["outcome"], "connected", "{result:#}");
        Client {
            engine: engine.clone(),
            handle,
        }
    };
    let clients = (0..USERS).map(client).collect();
    (engine, clients)
}

#[test]
fn the_conversations_of_this_target_are_made_of_parked_calls() {
    assert!(parked::are_all());
}

#[test]
fn one_thread_waits_for_the_answers_of_all_at_once() {
    let url = server(|mut peer| {
        while let Some(text) = peer.message() {
            std::thread::sleep(Duration::from_millis(200));
            peer.text(&String::from_utf8(text).unwrap());
        }
    });
    let (engine, clients) = clients(&url);
    let begun = Instant::now();
    for (ticket, client) in (1_000..).zip(&clients) {
        let text = ticket.to_string();
        let exchange = client.prepare("ExchangeSampler", &[("wsb.payload", &text)]);
        let made = engine.perform_parked(client.handle, exchange, None, None, ticket);
        assert!(made.unwrap().is_none(), "no answer can be there yet");
    }
    let early = engine.take(1_000);
    assert!(matches!(early, Err(Misuse::UnknownTicket(1_000))), "{early:?}");
    assert_eq!(drive(&engine, 0, USERS), (1_000..1_000 + USERS).collect());
    for ticket in 1_000..1_000 + USERS {
        let taken = engine.take(ticket).unwrap();
        assert_eq!(taken.bytes.unwrap(), ticket.to_string().as_bytes());
    }
    // One behind another they would take 40 s.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(
        matches!(engine.take(1_000), Err(Misuse::UnknownTicket(_))),
        "it was taken"
    );
    engine.shutdown().unwrap();
}

#[test]
fn the_end_of_the_test_ends_all_that_wait_and_whoever_drives() {
    let url = server(|mut peer| peer.swallow());
    let (engine, clients) = clients(&url);
    for (ticket, client) in (1_000..).zip(&clients) {
        let receive = client.prepare("ReceiveSampler", &[("wsb.readTimeout", "1h")]);
        let made = engine.perform_parked(client.handle, receive, None, None, ticket);
        assert!(made.unwrap().is_none());
    }
    let other = engine.clone();
    let ends = engine.ends();
    let driver = std::thread::spawn(move || {
        let done = drive(&other, ends, USERS);
        for &ticket in &done {
            let failure: serde_json::Value =
                serde_json::from_slice(&other.take(ticket).unwrap().bytes.unwrap()).unwrap();
            assert_eq!(failure["code"], "cancelled", "{failure}");
        }
        other.drive(ends, &mut [0; 16]).unwrap()
    });
    let begun = Instant::now();
    engine.shutdown().unwrap();
    assert_eq!(driver.join().unwrap(), None);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // It can be used again.
    let client = Client::open_on(engine.clone(), &server(|mut peer| peer.echo()), &[]);
    assert_eq!(client.exchange("again").text(), "again");
    engine.shutdown().unwrap();
}

#[test]
fn an_end_that_comes_while_nobody_drives_is_told_to_whoever_drives_next() {
    let url = server(|mut peer| peer.swallow());
    let (engine, clients) = clients(&url);
    let receive = clients[0].prepare("ReceiveSampler", &[("wsb.readTimeout", "1h")]);
    let made = engine.perform_parked(clients[0].handle, receive, None, None, 1);
    assert!(made.unwrap().is_none());
    let ends = engine.ends();
    // Nobody served the call that its cancel reached.
    assert!(engine.shutdown().is_err());
    assert_eq!(drive(&engine, ends, 1), BTreeSet::from([1]), "it was cancelled");
    assert_eq!(engine.drive(ends, &mut [0; 16]).unwrap(), None);
    assert_eq!(
        engine.drive(ends, &mut [0; 16]).unwrap(),
        None,
        "as often as it is asked"
    );
}

#[test]
fn calls_that_outlast_their_test_are_dropped_and_do_not_hold_up_the_end_of_the_next() {
    let url = server(|mut peer| {
        peer.swallow();
    });
    let (engine, clients) = clients(&url);
    // Nothing reaches a goodbye any more whose handle is freed.
    let made = engine.close_parked(clients[0].handle, Some(Duration::from_secs(3_600)), 1);
    assert!(made.unwrap().is_none());
    let ends = engine.ends();
    engine.shutdown().unwrap();
    assert_eq!(engine.drive(ends, &mut [0; 16]).unwrap(), None);
    assert!(matches!(engine.take(1), Err(Misuse::UnknownTicket(1))));
    let ends = engine.ends();
    engine.shutdown().unwrap();
    let begun = Instant::now();
    assert_eq!(engine.drive(ends, &mut [0; 16]).unwrap(), None);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn a_stop_that_is_heard_late_is_told_to_the_calls_that_it_ended() {
    let silent = server(|mut peer| peer.swallow());
    let (engine, clients) = clients(&silent);
    let receive = clients[0].prepare("ReceiveSampler", &[("wsb.readTimeout", "1h")]);
    let made = engine.perform_parked(clients[0].handle, receive, None, None, 1);
    assert!(made.unwrap().is_none());
    let ends = engine.ends();
    // Nobody served the call that its cancel reached.
    assert!(engine.shutdown().is_err());
    // As after a stop of the process, or of its machine.
    std::thread::sleep(Duration::from_millis(3_500));
    assert_eq!(engine.drive(ends, &mut [0; 16]).unwrap(), Some(1));
    engine.take(1).unwrap();
    assert_eq!(engine.drive(ends, &mut [0; 16]).unwrap(), None);
}

#[test]
fn a_call_that_outlasts_its_test_is_given_up_however_busy_the_next_one_is() {
    let silent = server(|mut peer| peer.swallow());
    let (engine, clients) = clients(&silent);
    let made = engine.close_parked(clients[0].handle, Some(Duration::from_secs(3_600)), 1);
    assert!(made.unwrap().is_none());
    let ends = engine.ends();
    engine.shutdown().unwrap();
    // The next test's calls are done each 100 ms.
    let slow = server(|mut peer| {
        while let Some(text) = peer.message() {
            std::thread::sleep(Duration::from_millis(100));
            peer.text(&String::from_utf8(text).unwrap());
        }
    });
    let handle = engine.open();
    let spec = json!({"properties": {"wsb.url": slow}, "user": "users 1-1"});
    assert_eq!(
        result::connect(&engine, handle, &spec).unwrap()["outcome"],
        "connected"
    );
    let client = Client {
        engine: engine.clone(),
        handle,
    };
    let exchange = client.prepare("ExchangeSampler", &[("wsb.payload", "x")]);
    let begun = Instant::now();
    let mut ticket = 2;
    let made = engine.perform_parked(handle, exchange, None, None, ticket);
    assert!(made.unwrap().is_none());
    while let Some(count) = engine.drive(ends, &mut [0; 1]).unwrap() {
        assert_eq!(count, 1);
        engine.take(ticket).unwrap();
        ticket += 1;
        let made = engine.perform_parked(handle, exchange, None, None, ticket);
        assert!(made.unwrap().is_none());
        assert!(begun.elapsed() < Duration::from_secs(20), "after {ticket} calls");
    }
    assert!(matches!(engine.take(1), Err(Misuse::UnknownTicket(1))));
    assert_eq!(
        drive(&engine, engine.ends(), 1),
        BTreeSet::from([ticket]),
        "this one goes on"
    );
    engine.shutdown().unwrap();
}

#[test]
fn a_control_waits_without_a_thread_and_a_cancel_ends_its_wait() {
    let engine: Arc<Engine> = Arc::default();
    let spec = json!({
        "element": "RetryController", "name": "r", "user": "users 1-1",
        "properties": {"wsb.retry.strategy": "fixed", "wsb.retry.base": "1h", "wsb.retry.cap": "1h", "wsb.retry.maxElapsed": "9h"},
    });
    let control = engine.control(spec.to_string().as_bytes()).unwrap();
    let step = |event: serde_json::Value| engine.step(control, event.to_string().as_bytes()).unwrap();
    step(json!({"event": "begin"}));
    step(json!({"event": "failed", "label": "l", "code": "429", "last": true}));
    let over = json!({"event": "over", "ok": false, "code": "429"}).to_string();
    let made = engine.step_parked(control, over.into_bytes(), 7);
    assert!(made.unwrap().is_none());
    // Once it has begun on the runtime.
    while !engine.cancel_control(control) {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(drive(&engine, 0, 1), BTreeSet::from([7]));
    let answer = engine.take(7).unwrap().bytes.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["go"], false, "{answer}");
    engine.shutdown().unwrap();
}

#[test]
fn a_goodbye_waits_without_a_thread() {
    let url = server(|mut peer| {
        peer.frame();
        std::thread::sleep(Duration::from_millis(300));
        peer.close(1000, "");
    });
    let (engine, clients) = clients(&url);
    let begun = Instant::now();
    for (ticket, client) in (1..).zip(&clients) {
        let made = engine.close_parked(client.handle, Some(Duration::from_secs(20)), ticket);
        assert!(made.unwrap().is_none());
    }
    drive(&engine, 0, USERS);
    for ticket in 1..=USERS {
        engine.take(ticket).unwrap();
    }
    assert_eq!(engine.handles(), 0);
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "one behind another they would take 60 s"
    );
    engine.shutdown().unwrap();
}
