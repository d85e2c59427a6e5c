//! A connection that was lost is made anew when it is next used, if its user wants that.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::support::*;

const AGAIN: &[(&str, &str)] = &[
    ("wsb.reconnect", "on-next-use"),
    ("wsb.retry.strategy", "fixed"),
    ("wsb.retry.transientBase", "100ms"),
    ("wsb.retry.base", "100ms"),
];

/// The first connection answers so many messages and drops; all others echo. Notes every message.
fn dropping(answers: usize) -> (String, Arc<Mutex<Vec<String>>>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let messages = log.clone();
    let url = numbered_server(move |number, mut peer| {
        let mut answered = 0;
        while let Some(payload) = peer.message() {
            let text = String::from_utf8(payload).unwrap();
            messages.lock().unwrap().push(text.clone());
            if number == 0 && answered == answers {
                return;
            }
            peer.text(&text);
            answered += 1;
        }
    });
    (url, log)
}

#[test]
fn the_next_use_connects_again_and_says_so() {
    let url = numbered_server(|number, mut peer| {
        if number == 0 {
            let payload = peer.message().unwrap();
            peer.say(TEXT, &payload);
        } else {
            peer.echo();
        }
    });
    let client = Client::open(&url, AGAIN);
    assert_eq!(client.exchange("one").text(), "one");
    pause(150);
    let done = client.exchange("two");
    assert_eq!(done.text(), "two");
    let figures = done.figures;
    assert_eq!(figures[RECONNECTS], 1);
    assert!(figures[CONNECT] > 0, "{figures:?}");
    // The first one did not last for 5 s: the policy's pause comes first, as idle time.
    assert!(
        figures[WAITED] >= 100_000 && figures[ELAPSED] >= figures[WAITED] * 1_000,
        "{figures:?}"
    );
    assert!(figures[LATENCY] < figures[WAITED] * 1_000, "{figures:?}");
    let third = client.exchange("three");
    assert_eq!(
        (third.text(), third.figures[RECONNECTS], third.figures[WAITED]),
        ("three", 0, 0)
    );
    pause(200);
    assert_eq!(client.exchange("kept again").text(), "kept again");
}

#[test]
fn a_connection_made_anew_comes_from_the_next_local_address() {
    let came = Arc::new(Mutex::new(Vec::new()));
    let peers = came.clone();
    let url = numbered_server(move |number, mut peer| {
        let from = peer.stream.peer_addr().unwrap().ip();
        peers.lock().unwrap().push(from.to_string());
        if number == 0 {
            let payload = peer.message().unwrap();
            peer.say(TEXT, &payload);
        } else {
            peer.echo();
        }
    });
    let own = [AGAIN, &[("wsb.localAddress", "127.0.0.31, 127.0.0.32")]].concat();
    let client = Client::open(&url, &own);
    assert_eq!(client.exchange("one").text(), "one");
    pause(150);
    assert_eq!(client.exchange("two").text(), "two");
    assert_eq!(*came.lock().unwrap(), ["127.0.0.31", "127.0.0.32"]);
}

#[test]
fn a_wait_for_a_message_begins_when_the_connection_is_back() {
    let url = numbered_server(|number, mut peer| {
        if number > 0 {
            pause(50);
            peer.text("push");
            peer.swallow();
        }
    });
    let all = [AGAIN, &[("wsb.retry.transientBase", "1500ms")]].concat();
    let client = Client::open(&url, &all);
    pause(150);
    let done = client.receive(&[("wsb.readTimeout", "1s")]);
    assert_eq!(done.text(), "push");
    assert_eq!(done.figures[RECONNECTS], 1);
    let passed = Duration::from_micros(done.figures[WAITED].try_into().unwrap());
    assert!(passed > Duration::from_secs(1), "it waited for {passed:?} only");
}

#[test]
fn a_drop_that_nobody_has_noticed_yet_is_found_before_the_next_use() {
    let (dropped, when_dropped) = std::sync::mpsc::channel();
    let url = numbered_server(move |number, mut peer| {
        if number == 0 {
            let payload = peer.message().unwrap();
            peer.say(TEXT, &payload);
            peer.say(TEXT, b"pushed");
            drop(peer);
            dropped.send(()).unwrap();
        } else {
            peer.echo();
        }
    });
    let client = Client::open(&url, AGAIN);
    assert_eq!(client.exchange("one").text(), "one");
    when_dropped.recv().unwrap();
    // At once, so the keeper has not looked after it since its last use.
    let done = client.act(
        "ExchangeSampler",
        &[("wsb.payload", "two"), ("wsb.match.others", "keep")],
    );
    assert_eq!((done.text(), done.figures[RECONNECTS]), ("two", 1));
    let kept = client.receive(&[]);
    assert_eq!(kept.text(), "pushed", "what came before the end is kept");
}

#[test]
fn without_it_a_lost_connection_stays_lost() {
    let (url, _) = dropping(0);
    let client = Client::open(&url, &[]);
    assert_eq!(client.exchange("one").code(), "connection.lost");
    let done = client.exchange("two");
    assert_eq!(
        (done.code().as_str(), done.figures[RECONNECTS]),
        ("connection.lost", 0)
    );
}

#[test]
fn what_may_have_been_delivered_is_never_sent_again() {
    let (url, log) = dropping(1);
    let client = Client::open(&url, AGAIN);
    assert_eq!(client.exchange("one").text(), "one");
    let lost = client.exchange("two");
    assert_eq!(
        (lost.code().as_str(), lost.figures[RECONNECTS]),
        ("connection.lost", 0)
    );
    let done = client.exchange("three");
    assert_eq!((done.text(), done.figures[RECONNECTS]), ("three", 1));
    assert_eq!(*log.lock().unwrap(), ["one", "two", "three"]);
}

#[test]
fn kept_messages_come_before_a_new_connection() {
    let url = numbered_server(|number, mut peer| {
        peer.text(&format!("kept {number}"));
        if number > 0 {
            peer.echo();
        }
    });
    let client = Client::open(&url, AGAIN);
    pause(200);
    let wanted = [("wsb.match.mode", "equals"), ("wsb.match.value", "kept 0")];
    let first = client.receive(&wanted);
    assert_eq!((first.text(), first.figures[RECONNECTS]), ("kept 0", 0));
    let second = client.receive(&[]);
    assert_eq!((second.text(), second.figures[RECONNECTS]), ("kept 1", 1));
}

#[test]
fn a_policy_without_retry_reconnects_without_a_wait() {
    let (url, _) = dropping(0);
    let client = Client::open(
        &url,
        &[("wsb.reconnect", "on-next-use"), ("wsb.retry.strategy", "none")],
    );
    assert_eq!(client.exchange("one").code(), "connection.lost");
    let done = client.exchange("two");
    assert_eq!(
        (done.text(), done.figures[RECONNECTS], done.figures[WAITED]),
        ("two", 1, 0)
    );
}

#[test]
fn connections_that_are_dropped_again_and_again_are_backed_off_and_given_up() {
    let url = server(|mut peer| {
        peer.message();
    });
    let client = Client::open(&url, &[AGAIN, &[("wsb.retry.maxAttempts", "3")]].concat());
    let mut story = Vec::new();
    for _ in 0..5 {
        let done = client.exchange("x");
        story.push((done.figures[RECONNECTS], done.figures[WAITED] >= 100_000));
        if done.detail().contains("gave up (max-attempts)") {
            assert_eq!(done.code(), "connection.lost");
            assert_eq!(story, [(0, false), (1, true), (1, true), (0, false)]);
            return;
        }
    }
    panic!("never given up: {story:?}");
}

#[test]
fn a_refused_reconnect_fails_with_its_story() {
    let url = raw_server(|number, mut peer| {
        if number == 0 {
            peer.upgrade("").unwrap();
        } else {
            peer.read_head();
            peer.raw(b"HTTP/1.1 403 Not Again\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let client = Client::open(&url, AGAIN);
    pause(150);
    let done = client.send("x");
    assert_eq!(
        (done.code().as_str(), done.figures[RECONNECTS]),
        ("upgrade.status", 0)
    );
    assert!(done.detail().contains("403 Not Again"), "{}", done.detail());
}

#[test]
fn a_close_of_ours_is_no_loss() {
    let client = Client::open(&server(|mut peer| peer.echo()), AGAIN);
    assert_eq!(client.act("CloseSampler", &[]).code(), "ok");
    let done = client.send("x");
    assert_eq!((done.figures[OUTCOME], done.figures[RECONNECTS]), (1, 0));
}

#[test]
fn the_trace_tells_of_reconnects() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let (url, _) = dropping(0);
    let beside = serde_json::json!({"trace": path});
    let (client, result) = Client::connect(Arc::default(), &url, AGAIN, &beside);
    assert_eq!(result["outcome"], "connected");
    assert_eq!(client.exchange("one").code(), "connection.lost");
    assert_eq!(client.exchange("two").text(), "two");
    client.engine.shutdown().unwrap();
    let lines: Vec<Value> = std::fs::read_to_string(&path)
        .unwrap()
        .lines()
        .skip(1) // the version
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (ends, attempts): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line["event"] == "closed");
    assert_eq!((attempts.len(), ends.len()), (2, 2), "{lines:?}");
}

#[test]
fn a_connection_that_lasted_comes_back_without_a_wait() {
    let url = numbered_server(|number, mut peer| {
        if number == 0 {
            pause(5_100);
        } else {
            peer.echo();
        }
    });
    let client = Client::open(&url, AGAIN);
    std::thread::sleep(Duration::from_millis(5_250));
    let done = client.exchange("back");
    assert_eq!(
        (done.text(), done.figures[RECONNECTS], done.figures[WAITED]),
        ("back", 1, 0)
    );
}

/// Accepts the first connection and drops it after its first message; then refuses for ever.
fn closing_for_good() -> String {
    raw_server(|number, mut peer| {
        if number == 0 {
            peer.upgrade("");
            peer.message();
        } else if peer.read_head().is_some() {
            peer.raw(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n");
        }
    })
}

#[test]
fn a_reconnect_ends_with_the_threads_schedule_and_says_that_the_thread_is_over() {
    for (left, code) in [
        // Not even the pause before the first attempt.
        (50, "schedule.end"),
        // The server's 20 s after the first attempt.
        (5_000, "upgrade.status"),
    ] {
        let client = Client::open(&closing_for_good(), AGAIN);
        client.send("one");
        pause(150);
        let begun = std::time::Instant::now();
        let send = client.prepare("SendSampler", &[("wsb.payload", "two")]);
        let done = client.perform_within(send, None, Some(Duration::from_millis(left)));
        assert_eq!(done.code(), code, "{}", done.detail());
        assert_eq!(done.failure()["endThread"], true);
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
    let client = Client::open(
        &closing_for_good(),
        &[AGAIN, &[("wsb.retry.maxAttempts", "1")]].concat(),
    );
    client.send("one");
    pause(150);
    let done = client.send("two");
    assert_eq!(
        done.failure()["endThread"],
        Value::Null,
        "the policy gave up: the thread goes on"
    );
}

/// Drops the first and the third connection, refuses the second with a cookie and echoes in the fourth and all later ones; notes each
/// request's head.
fn noting() -> (String, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let noted = heads.clone();
    let url = raw_server(move |number, mut peer| {
        let Some(head) = peer.read_head() else { return };
        noted.lock().unwrap().push(head.clone());
        if number == 1 {
            peer.raw(
                b"HTTP/1.1 429 Wait\r\nSet-Cookie: place=7; Path=/\r\nRetry-After-Ms: 10\r\nContent-Length: 0\r\n\r\n",
            );
            return;
        }
        peer.accept(&head, "");
        if number != 0 {
            let payload = peer.message().unwrap_or_default();
            peer.say(TEXT, &payload);
        }
        if number > 2 {
            peer.echo();
        }
    });
    (url, heads)
}

#[test]
fn who_uses_a_lost_connection_says_by_what_it_is_made_anew() {
    let (url, heads) = noting();
    let beside = serde_json::json!({
        "asks": true,
        "headers": [["X-Token", "old"]],
        "cookies": [{"name": "sid", "value": "1"}],
    });
    let (client, result) = Client::connect(Arc::default(), &url, AGAIN, &beside);
    assert_eq!(result["outcome"], "connected");
    pause(150);
    let asked = client.exchange("x");
    assert_eq!((asked.figures[OUTCOME], asked.payload.len()), (ASK, 0));
    assert_eq!(heads.lock().unwrap().len(), 1, "nothing is dialled before");

    let renew = |own: Value| client.engine.renew(client.handle, own.to_string().as_bytes());
    let wrong = renew(serde_json::json!({"headers": [["Upgrade", "h2c"]]}))
        .unwrap()
        .unwrap();
    let wrong: Value = serde_json::from_slice(&wrong).unwrap();
    assert_eq!(wrong["code"], "spec.invalid");
    assert_eq!(client.exchange("x").figures[OUTCOME], ASK);

    let now =
        serde_json::json!({"headers": [["X-Token", "new"]], "cookies": [{"name": "sid", "value": "2"}]});
    assert_eq!(renew(now).unwrap(), None);
    let done = client.exchange("x");
    assert_eq!((done.text(), done.figures[RECONNECTS]), ("x", 1));
    for head in &heads.lock().unwrap()[1..] {
        assert!(
            head.contains("X-Token: new\r\n") && head.contains("sid=2"),
            "{head}"
        );
    }
    assert!(heads.lock().unwrap()[2].contains("place=7"));
    assert_eq!(done.figures[SET_COOKIES], 1);
    let cookies = client.engine.take_cookies(client.handle).unwrap();
    assert_eq!(cookies, format!("{url}\nplace=7; Path=/\n"));
    assert_eq!(client.engine.take_cookies(client.handle).unwrap(), "");

    // The next loss is asked about again, and what is not said stays as it was.
    pause(150);
    assert_eq!(client.exchange("y").figures[OUTCOME], ASK);
    assert_eq!(renew(serde_json::json!({})).unwrap(), None);
    assert_eq!(client.exchange("y").text(), "y");
    let last = heads.lock().unwrap()[3].clone();
    assert!(
        ["X-Token: new", "sid=2", "place=7"]
            .iter()
            .all(|part| last.contains(part)),
        "{last}"
    );
}

#[test]
fn a_connection_that_is_not_made_anew_asks_nobody() {
    let (url, _) = dropping(0);
    let beside = serde_json::json!({"asks": true});
    let (client, _) = Client::connect(Arc::default(), &url, &[], &beside);
    assert_eq!(client.exchange("one").code(), "connection.lost");
    assert_eq!(client.engine.renew(client.handle, b"{}").unwrap(), None);
    assert_eq!(client.exchange("two").code(), "connection.lost");
}
