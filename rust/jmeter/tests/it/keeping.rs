//! What happens to connections between samples.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use jmeter::Engine;
use serde_json::json;

use crate::support::*;

#[test]
fn pings_are_answered_while_nobody_uses_the_connection() {
    let url = server(|mut peer| {
        peer.stream
            .set_read_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        for number in 0_u8..20 {
            peer.say(PING, &[number]);
            // Drops who does not answer.
            let Some((first, payload)) = peer.frame() else {
                return;
            };
            assert_eq!((first, payload), (0x80 | PONG, vec![number]));
            pause(50);
        }
        peer.stream.set_read_timeout(None).unwrap();
        peer.echo();
    });
    let client = Client::open(&url, &[]);
    pause(1_200);
    assert_eq!(client.exchange("alive").text(), "alive");
}

/// How long nothing is open: a user who waits for a quota, say.
const NOTHING_OPEN_MS: u64 = 2_000;

#[test]
fn pings_are_answered_also_after_a_time_without_connections() {
    let (sender, receiver) = mpsc::channel();
    let url = numbered_server(move |number, mut peer| {
        if number % 2 == 0 {
            return peer.swallow();
        }
        // The keeper looks in at once, and finds the connection in use.
        let question = peer.message().unwrap();
        pause(100);
        peer.say(TEXT, &question);
        pause(200);
        peer.say(PING, b"there?");
        let patience = Duration::from_millis(NOTHING_OPEN_MS / 2);
        peer.stream.set_read_timeout(Some(patience)).unwrap();
        sender.send(peer.frame()).unwrap();
        peer.swallow();
    });
    // Several, because the keeper may also look in before the connection is in use.
    for _ in 0..3 {
        let engine: Arc<Engine> = Arc::default();
        let first = Client::open_on(engine.clone(), &url, &[]);
        engine.close(first.handle, None).unwrap();
        pause(NOTHING_OPEN_MS);
        let second = Client::open_on(engine.clone(), &url, &[]);
        assert_eq!(second.exchange("hello").text(), "hello");
        let answer = receiver.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(answer, Some((0x80 | PONG, b"there?".to_vec())));
    }
}

#[test]
fn a_test_ends_at_once_also_after_a_time_without_connections() {
    let url = server(|mut peer| peer.swallow());
    let engine: Arc<Engine> = Arc::default();
    for pause_ms in [NOTHING_OPEN_MS, 300] {
        let client = Client::open_on(engine.clone(), &url, &[]);
        engine.close(client.handle, None).unwrap();
        pause(pause_ms);
    }
    let begun = Instant::now();
    engine.shutdown().unwrap();
    let took = begun.elapsed();
    assert!(took < Duration::from_millis(NOTHING_OPEN_MS / 2), "{took:?}");
}

#[test]
fn a_ping_behind_many_pushes_is_answered_too() {
    const PUSHES: usize = 500;
    let (sender, receiver) = mpsc::channel();
    let url = server(move |mut peer| {
        pause(150);
        // All in one read of the client's.
        let pushes = frame(0x80 | TEXT, b"m").repeat(PUSHES);
        peer.raw(&[pushes, frame(0x80 | PING, b"there?")].concat());
        let patience = Some(Duration::from_secs(2));
        peer.stream.set_read_timeout(patience).unwrap();
        sender.send(peer.frame()).unwrap();
        peer.swallow();
    });
    let client = Client::open(&url, &[]);
    let answer = receiver.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(answer, Some((0x80 | PONG, b"there?".to_vec())));
    assert_eq!(client.receive(&[]).figures[QUEUED], PUSHES as i64 - 1);
}

#[test]
fn pushes_are_kept_in_order_and_tell_since_when_they_were_there() {
    let url = server(|mut peer| {
        pause(150);
        peer.text("first");
        pause(200);
        peer.say(BINARY, b"second");
        peer.echo();
    });
    let client = Client::open(&url, &[]);
    pause(600);
    let first = client.receive(&[]);
    assert_eq!(
        (first.text(), first.figures[KIND], first.figures[QUEUED]),
        ("first", 1, 1)
    );
    assert_eq!(first.figures[LATENCY], 0, "it was there before");
    let second = client.receive(&[]);
    assert_eq!((second.text(), second.figures[KIND]), ("second", 2));
    // The second call began later, and was not the cause of its message either.
    let apart = first.figures[AGE] - second.figures[AGE];
    assert!((100_000..260_000).contains(&apart), "{apart} us apart");
    let answer = client.exchange("and on");
    assert_eq!((answer.text(), answer.figures[AGE]), ("and on", 0));
}

#[test]
fn pushes_are_bounded_and_the_oldest_go() {
    for (key, bound, left) in [("wsb.queue.messages", "3", 3_i64), ("wsb.queue.bytes", "8", 4)] {
        let url = server(|mut peer| {
            for number in 0..10 {
                peer.text(&format!("m{number}"));
            }
            peer.echo();
        });
        let client = Client::open(&url, &[(key, bound)]);
        pause(300);
        let done = client.receive(&[]);
        assert_eq!(done.text(), format!("m{}", 10 - left), "{key}");
        assert_eq!(
            (done.figures[QUEUED], done.figures[DROPPED]),
            (left - 1, 10 - left),
            "{key}"
        );
    }
}

#[test]
fn all_connections_together_keep_to_one_bound_and_the_failure_names_what_was_dropped() {
    let url = server(|mut peer| {
        for number in 0..20 {
            peer.text(&format!("{number:1000}"));
        }
        peer.swallow();
    });
    let engine: Arc<Engine> = Arc::default();
    let bound = [("wsb.queue.total", "20k")];
    // The bound may be reached while the last ones connect: whoever comes next is told.
    let open = |_| {
        let (client, result) = Client::connect(engine.clone(), &url, &bound, &json!({}));
        (client, result["warning"].as_str().unwrap().to_owned())
    };
    let (clients, mut news): (Vec<Client>, Vec<String>) = (0..10).map(open).unzip();
    pause(400);
    let queued = |done: &Done| usize::try_from(done.figures[QUEUED] + 1).unwrap();
    let kept = [
        ("wsb.readTimeout", "50ms"),
        ("wsb.match.others", "keep"),
        ("wsb.match.mode", "equals"),
    ];
    let mut left = 0;
    for client in &clients {
        let done = client.receive(&kept);
        assert_eq!(done.code(), "message.timeout");
        left += queued(&done) - 1;
        if done.figures[DROPPED] > 0 {
            let named = format!("cost this connection {} messages", done.figures[DROPPED]);
            assert!(done.detail().contains(&named), "{}", done.detail());
        }
        assert_eq!(
            done.figures[QUEUED] + done.figures[DROPPED],
            20,
            "none is lost without being counted"
        );
    }
    assert!(
        (10..=20).contains(&left),
        "{left} messages of 1,000 bytes in 20 KiB"
    );
    news.push(engine.news());
    news.retain(|each| !each.is_empty());
    assert!(
        news.len() == 1 && news[0].contains("wsb.queue.total") && news[0].lines().count() == 1,
        "{news:?}"
    );
}

#[test]
fn a_drop_is_noticed_within_100_ms() {
    let (drop_it, dropped) = mpsc::channel::<()>();
    let dropped = Mutex::new(dropped);
    let url = server(move |_peer| dropped.lock().unwrap().recv().unwrap());
    let client = Client::open(&url, &[]);
    pause(150);
    drop_it.send(()).unwrap();
    pause(100);
    let done = client.send("gone?");
    assert_eq!(done.code(), "connection.lost", "{done:?}");
    assert_eq!(done.figures[SENT], 0);
}

#[test]
fn messages_before_a_close_are_delivered_before_it_is_told() {
    let url = server(|mut peer| {
        peer.text("last words");
        peer.close(1008, "policy");
        peer.swallow();
    });
    for idle in [0, 200] {
        let client = Client::open(&url, &[]);
        pause(idle);
        assert_eq!(client.receive(&[]).text(), "last words", "after {idle} ms");
        assert_eq!(client.receive(&[]).code(), "closed.1008", "after {idle} ms");
    }
}

#[test]
fn a_silent_connection_is_pinged() {
    let pings = Arc::new(AtomicUsize::new(0));
    let seen = pings.clone();
    let url = server(move |mut peer| {
        while let Some((first, payload)) = peer.frame() {
            if first == 0x80 | PING {
                seen.fetch_add(1, Ordering::SeqCst);
                peer.say(PONG, &payload);
            } else {
                peer.say(TEXT, &payload);
            }
        }
    });
    let quick = [("wsb.keepAlive", "150ms"), ("wsb.pongTimeout", "150ms")];
    let client = Client::open(&url, &quick);
    pause(1_000);
    let count = pings.load(Ordering::SeqCst);
    assert!((3..=7).contains(&count), "{count} pings in a second");
    assert_eq!(client.exchange("fine").text(), "fine");

    pings.store(0, Ordering::SeqCst);
    let off = Client::open(&url, &[("wsb.keepAlive", "0"), ("wsb.pongTimeout", "100ms")]);
    client.engine.shutdown().unwrap();
    pause(500);
    assert_eq!(pings.load(Ordering::SeqCst), 0);
    assert_eq!(off.exchange("fine").text(), "fine");
}

#[test]
fn a_peer_that_answers_no_ping_is_given_up() {
    let quick = [("wsb.keepAlive", "100ms"), ("wsb.pongTimeout", "150ms")];
    let client = Client::open(&server(|mut peer| peer.swallow()), &quick);
    pause(600);
    let done = client.send("anyone?");
    assert_eq!(done.code(), "connection.lost");
    assert!(
        done.detail().contains("keep-alive ping within 150 ms"),
        "{}",
        done.detail()
    );
}

#[test]
fn a_connection_goes_back_and_forth_without_a_loss() {
    let url = server(|mut peer| {
        let mut number = 0;
        while let Some(payload) = peer.message() {
            peer.say(TEXT, &payload);
            peer.text(&format!("push {number}"));
            number += 1;
        }
    });
    let client = Client::open(&url, &[]);
    let exchange = client.prepare(
        "ExchangeSampler",
        &[
            ("wsb.match.mode", "contains"),
            ("wsb.match.value", "question"),
            ("wsb.match.others", "keep"),
        ],
    );
    let rounds = 40;
    for round in 0..rounds {
        let text = format!("question {round}");
        let done = client.perform(exchange, Some(text.as_bytes()));
        assert_eq!(done.text(), text);
        // Around the moment of adoption, where the two hold on to the socket in turn.
        pause(20 + 5 * (round % 20));
    }
    for round in 0..rounds {
        assert_eq!(client.receive(&[]).text(), format!("push {round}"));
    }
}

#[test]
fn a_connection_over_tls_is_kept_alike() {
    let config = testbed::Config {
        tls: true,
        ..testbed::Config::default()
    };
    let echo = testbed::Server::start(config).unwrap();
    let client = Client::open(
        &echo.url(),
        &[
            ("wsb.tls.verify", "false"),
            ("wsb.keepAlive", "100ms"),
            ("wsb.pongTimeout", "200ms"),
        ],
    );
    // The echoes are pushes to whoever does not wait for them.
    for text in ["one", "two"] {
        assert_eq!(client.send(text).code(), "ok");
    }
    pause(500);
    let done = client.receive(&[]);
    assert_eq!((done.text(), done.figures[QUEUED]), ("one", 1));
    assert_eq!(client.receive(&[]).text(), "two");
    assert_eq!(client.exchange("three").text(), "three");
    echo.stop();
    pause(200);
    assert_eq!(client.send("gone").code(), "closed.1001");
}

#[test]
fn many_connections_are_kept_by_one_thread() {
    let url = server(|mut peer| {
        pause(300);
        peer.text("push");
        peer.echo();
    });
    let first = Client::open(&url, &[]);
    let all: Vec<Client> = (0..200)
        .map(|_| Client::open_on(first.engine.clone(), &url, &[]))
        .collect();
    // Other tests have engines of their own, a thread each.
    assert!(threads("wsb-keeper") < 100, "no thread a connection");
    pause(600);
    let receive = first.prepare("ReceiveSampler", &[]);
    let begun = Instant::now();
    for client in &all {
        assert_eq!(client.perform(receive, None).text(), "push");
    }
    assert!(
        begun.elapsed() < Duration::from_millis(100),
        "all were there: {:?}",
        begun.elapsed()
    );
    first.engine.shutdown().unwrap();
}

fn threads(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|comm| comm.trim() == name)
        .count()
}

#[test]
fn a_broken_rule_between_samples_is_told_by_the_next_one() {
    for (code, bytes) in [
        ("protocol.error", frame(0x80 | 3, b"x")),
        ("protocol.utf8", frame(0x80 | TEXT, b"\xff")),
        ("message.too-large", frame(0x80 | BINARY, &[0; 5_000])),
    ] {
        let url = server(move |mut peer| {
            peer.raw(&bytes);
            peer.swallow();
        });
        let client = Client::open(&url, &[("wsb.maxMessageSize", "4k")]);
        pause(300);
        assert_eq!(client.receive(&[]).code(), code);
    }
}

#[test]
fn pings_stay_unanswered_if_the_plan_says_so() {
    let (sender, receiver) = mpsc::channel();
    let url = server(move |mut peer| {
        peer.say(PING, b"there?");
        peer.say(TEXT, b"hello");
        sender.send(peer.frame()).unwrap();
        peer.say(PING, b"in a sample?");
        peer.say(TEXT, b"again");
        sender.send(peer.frame()).unwrap();
    });
    let client = Client::open(&url, &[("wsb.ping.answer", "off")]);
    assert_eq!(client.receive(&[]).text(), "hello");
    pause(200); // the keeper looks in, too
    assert_eq!(client.send("one").code(), "ok");
    assert_eq!(client.receive(&[]).text(), "again");
    assert_eq!(client.send("two").code(), "ok");
    for text in ["one", "two"] {
        let frame = receiver.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(frame, Some((0x80 | TEXT, text.into())), "no pong before");
    }
}

#[test]
fn heartbeats_are_answered_between_samples_and_within_and_no_sampler_sees_them() {
    let (sender, receiver) = mpsc::channel();
    let url = server(move |mut peer| {
        peer.say(TEXT, b"2");
        peer.say(TEXT, b"hello");
        // Nobody waits: the keeper answers.
        sender.send(peer.frame()).unwrap();
        assert_eq!(peer.frame(), Some((0x80 | TEXT, b"one".to_vec())));
        peer.say(BINARY, b"\n");
        sender.send(peer.frame()).unwrap();
        peer.say(TEXT, b"again");
        peer.swallow();
    });
    let client = Client::open(
        &url,
        &[("wsb.autoReply", "equals 2 -> 3\nbinary-equals 0a -> \\n\\0")],
    );
    let answer = |expected: (u8, &[u8])| {
        let frame = receiver.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(frame, Some((0x80 | expected.0, expected.1.to_vec())));
    };
    answer((TEXT, b"3"));
    let hello = client.receive(&[("wsb.match.others", "fail")]);
    assert_eq!(hello.text(), "hello");
    let again = client.act(
        "ExchangeSampler",
        &[("wsb.payload", "one"), ("wsb.match.others", "fail")],
    );
    assert_eq!(again.text(), "again");
    answer((BINARY, b"\n\0"));
}
