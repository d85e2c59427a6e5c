//! Which messages a wait takes, and what becomes of the others.

use std::time::Duration;

use crate::support::*;

/// Sends these at once, then waits for the end.
fn teller(texts: &'static [&'static str]) -> Client {
    let url = server(move |mut peer| {
        for text in texts {
            peer.text(text);
        }
        peer.swallow();
    });
    Client::open(&url, &[])
}

#[test]
fn each_mode_finds_its_message() {
    const TOLD: &[&str] = &[
        "{\"id\":1,\"ok\":true}",
        "hello world",
        "{\"id\":2,\"ok\":false}",
        "hello",
    ];
    for (mode, more, expected) in [
        ("next", &[][..], TOLD[0]),
        ("contains", &[("wsb.match.value", "world")], TOLD[1]),
        ("equals", &[("wsb.match.value", "hello")], TOLD[3]),
        ("regex", &[("wsb.match.value", r#""id":\s*[2-9]"#)], TOLD[2]),
        (
            "json",
            &[("wsb.match.pointer", "/id"), ("wsb.match.value", "2")],
            TOLD[2],
        ),
        (
            "JSON",
            &[("wsb.match.pointer", "/ok"), ("wsb.match.value", "false")],
            TOLD[2],
        ),
        (
            "binary-prefix",
            &[("wsb.match.value", "68 65 6c 6c 6f 20")],
            TOLD[1],
        ),
        ("binary-contains", &[("wsb.match.value", "6f20 77")], TOLD[1]),
        ("binary-equals", &[("wsb.match.value", "68656c6c6f")], TOLD[3]),
    ] {
        let done = teller(TOLD).receive(&[&[("wsb.match.mode", mode)], more].concat());
        assert_eq!(done.text(), expected, "{mode}");
        let place = TOLD.iter().position(|told| *told == expected).unwrap();
        assert_eq!(done.figures[SKIPPED], i64::try_from(place).unwrap(), "{mode}");
        assert_eq!(done.figures[QUEUED], 0, "{mode}: the others are gone");
    }
}

#[test]
fn a_wait_may_ask_for_one_kind() {
    let url = server(|mut peer| {
        peer.text("text");
        peer.say(BINARY, b"bytes");
        peer.text("text again");
        peer.swallow();
    });
    let client = Client::open(&url, &[]);
    let done = client.receive(&[("wsb.match.kind", "binary")]);
    assert_eq!((done.text(), done.figures[KIND]), ("bytes", 2));
    let done = client.receive(&[("wsb.match.kind", "text")]);
    assert_eq!((done.text(), done.figures[KIND]), ("text again", 1));
}

#[test]
fn a_wait_for_several_ends_with_the_last() {
    let client = teller(&["a1", "b", "a2", "a3", "a4"]);
    let wanted = [
        ("wsb.match.mode", "contains"),
        ("wsb.match.value", "a"),
        ("wsb.match.count", "3"),
    ];
    let done = client.receive(&wanted);
    assert_eq!(done.text(), "a3");
    assert_eq!((done.figures[MESSAGES], done.figures[SKIPPED]), (3, 1));
    assert_eq!(client.receive(&[]).text(), "a4");
}

#[test]
fn what_is_kept_waits_in_its_order_for_later() {
    let client = teller(&["one", "two", "three", "four"]);
    let keep = [
        ("wsb.match.mode", "equals"),
        ("wsb.match.value", "three"),
        ("wsb.match.others", "keep"),
    ];
    let done = client.receive(&keep);
    assert_eq!(done.text(), "three");
    assert_eq!((done.figures[SKIPPED], done.figures[QUEUED]), (2, 2));
    let none = client.receive(&[&keep[..], &[("wsb.readTimeout", "50ms")]].concat());
    assert_eq!(none.code(), "message.timeout");
    assert_eq!(
        (none.figures[SKIPPED], none.figures[QUEUED]),
        (3, 3),
        "all are still there"
    );
    for expected in ["one", "two", "four"] {
        assert_eq!(client.receive(&[]).text(), expected);
    }
}

#[test]
fn what_is_kept_is_bounded() {
    let url = server(|mut peer| {
        for number in 0..10 {
            peer.text(&format!("m{number}"));
        }
        peer.text("end");
        peer.swallow();
    });
    let client = Client::open(&url, &[("wsb.queue.messages", "3")]);
    let done = client.receive(&[
        ("wsb.match.mode", "equals"),
        ("wsb.match.value", "end"),
        ("wsb.match.others", "keep"),
    ]);
    assert_eq!(done.text(), "end");
    assert_eq!(
        (done.figures[SKIPPED], done.figures[QUEUED], done.figures[DROPPED]),
        (10, 3, 7)
    );
    assert_eq!(client.receive(&[]).text(), "m7");
}

#[test]
fn another_message_fails_the_sample_if_it_is_to() {
    let client = teller(&["error: no", "answer"]);
    let strict = [
        ("wsb.match.mode", "equals"),
        ("wsb.match.value", "answer"),
        ("wsb.match.others", "fail"),
    ];
    let done = client.receive(&strict);
    assert_eq!(done.code(), "message.unexpected");
    assert!(done.detail().contains("error: no"), "{}", done.detail());
    assert_eq!(done.figures[SKIPPED], 1);
    assert_eq!(client.receive(&strict).text(), "answer");
}

#[test]
fn nothing_in_time_fails_or_is_no_message() {
    let client = teller(&["other"]);
    let wanted = [
        ("wsb.match.mode", "equals"),
        ("wsb.match.value", "x"),
        ("wsb.readTimeout", "80ms"),
    ];
    let done = client.receive(&wanted);
    assert_eq!(done.code(), "message.timeout");
    assert!(
        done.detail()
            .contains("0 of 1 matching within 80 ms; 1 others came"),
        "{}",
        done.detail()
    );
    let done = client.receive(&[&wanted[..], &[("wsb.optional", "true")]].concat());
    assert_eq!((done.code().as_str(), done.figures[KIND]), ("no message", 0));
    assert!(
        (80..200).contains(&done.elapsed().as_millis()),
        "{:?}",
        done.elapsed()
    );
}

#[test]
fn one_deadline_covers_a_wait_however_much_comes() {
    let url = server(|mut peer| {
        loop {
            peer.text("noise");
            pause(5);
            if peer.stream.take_error().unwrap().is_some() {
                return;
            }
        }
    });
    let client = Client::open(&url, &[]);
    let done = client.receive(&[
        ("wsb.match.mode", "equals"),
        ("wsb.match.value", "signal"),
        ("wsb.readTimeout", "200ms"),
    ]);
    assert_eq!(done.code(), "message.timeout");
    assert!(
        done.elapsed() < Duration::from_millis(350),
        "{:?}",
        done.elapsed()
    );
    client.engine.shutdown().unwrap();
}

#[test]
fn an_exchange_may_pass_over_pushes() {
    let url = server(|mut peer| {
        while let Some(payload) = peer.message() {
            peer.text("tick");
            peer.say(TEXT, &payload);
            peer.text("tock");
        }
    });
    let client = Client::open(&url, &[]);
    for round in 0..3 {
        let id = format!("{{\"id\":{round}}}");
        let done = client.act(
            "ExchangeSampler",
            &[
                ("wsb.payload", &id),
                ("wsb.match.mode", "json"),
                ("wsb.match.pointer", "/id"),
                ("wsb.match.value", &round.to_string()),
                ("wsb.match.others", "keep"),
            ],
        );
        assert_eq!(done.text(), id);
    }
    for expected in ["tick", "tock", "tick", "tock", "tick", "tock"] {
        assert_eq!(client.receive(&[]).text(), expected);
    }
}

#[test]
fn a_repeat_looks_at_each_kept_message_once() {
    let url = server(|mut peer| {
        while let Some(payload) = peer.message() {
            peer.text("push");
            peer.say(TEXT, &payload);
        }
    });
    let client = Client::open(&url, &[]);
    let done = client.act(
        "ExchangeSampler",
        &[
            ("wsb.payload", "x"),
            ("wsb.repeat", "50"),
            ("wsb.match.mode", "equals"),
            ("wsb.match.value", "x"),
            ("wsb.match.others", "keep"),
        ],
    );
    assert_eq!(done.text(), "x");
    let figures = done.figures;
    assert_eq!(
        (figures[MESSAGES], figures[SKIPPED], figures[QUEUED]),
        (50, 50, 50)
    );
}

/// One exchange, whatever comes in time.
const BRIEF: (&str, &str) = ("wsb.readTimeout", "150ms");

#[test]
fn an_exchange_passes_over_what_was_there_before_it_sent() {
    let url = server(|mut peer| {
        peer.text("greeting");
        peer.echo();
    });
    for (keeps, others) in [(false, "discard"), (true, "keep")] {
        let client = Client::open(&url, &[]);
        // It lies in the socket, or the keeper has queued it.
        pause(if keeps { 200 } else { 20 });
        let done = client.act(
            "ExchangeSampler",
            &[("wsb.payload", "one"), ("wsb.match.others", others)],
        );
        assert_eq!(done.text(), "one", "{others}");
        assert_eq!((done.figures[SKIPPED], done.figures[STALE]), (1, 1));
        assert!(done.note().contains("\"greeting\""), "{}", done.note());
        if keeps {
            assert_eq!(client.receive(&[]).text(), "greeting");
        }
        let done = client.exchange("two");
        assert_eq!((done.text(), done.note()), ("two", ""));
    }
}

#[test]
fn a_late_answer_is_not_the_next_ones_wherever_it_lies_when_that_is_sent() {
    // The first answer comes after its time, in the pause or after the second sending.
    for (late, rest) in [(200, 150), (250, 0)] {
        let url = server(move |mut peer| {
            let first = peer.message().unwrap();
            pause(late);
            peer.say(TEXT, &first);
            peer.echo();
        });
        let client = Client::open(&url, &[]);
        let first = client.act("ExchangeSampler", &[("wsb.payload", "one"), BRIEF]);
        assert_eq!(first.code(), "message.timeout");
        pause(rest);
        for payload in ["two", "three"] {
            let done = client.exchange(payload);
            assert_eq!(done.text(), payload, "{late}: {}", done.note());
        }
    }
}

#[test]
fn a_push_that_follows_an_answer_is_not_the_next_answer() {
    let (pushed, pushes) = std::sync::mpsc::channel();
    let pushed = std::sync::Mutex::new(pushed);
    let url = server(move |mut peer| {
        // Else the push waits for the acknowledgement of the answer, which comes with the next question.
        peer.stream.set_nodelay(true).unwrap();
        while let Some(payload) = peer.message() {
            peer.say(TEXT, &payload);
            peer.text("push");
            // Over loopback it lies in the client's socket now.
            let _ = pushed.lock().unwrap().send(());
        }
    });
    let client = Client::open(&url, &[]);
    for round in 0..200 {
        let text = format!("question {round}");
        assert_eq!(client.exchange(&text).text(), text);
        pushes.recv_timeout(Duration::from_secs(5)).unwrap();
    }
}

/// Says the text and the bytes before each answer.
fn beating() -> Client {
    let url = server(|mut peer| {
        while let Some(question) = peer.message() {
            peer.text("heartbeat 1");
            peer.say(BINARY, &[0, 0xff, 7]);
            peer.say(TEXT, &question);
        }
    });
    Client::open(&url, &[])
}

const BEATS: (&str, &str) = (
    "wsb.match.discard",
    "text contains heartbeat\nbinary binary-prefix 00ff\n",
);

#[test]
fn heartbeats_are_discarded_also_where_any_other_message_fails_the_sample() {
    let client = beating();
    for others in ["fail", "keep", "discard"] {
        let more = [("wsb.payload", "question"), ("wsb.match.others", others), BEATS];
        let done = client.act("ExchangeSampler", &more);
        assert_eq!(done.text(), "question", "{others}");
        assert_eq!((done.figures[SKIPPED], done.figures[QUEUED]), (2, 0), "{others}");
        assert_eq!((done.note(), done.shown().len()), ("", 0), "{others}");
    }
    let strict = [("wsb.payload", "question"), ("wsb.match.others", "fail")];
    let failed = client.act(
        "ExchangeSampler",
        &[
            strict[0],
            strict[1],
            ("wsb.match.value", "question"),
            ("wsb.match.mode", "equals"),
        ],
    );
    assert_eq!(failed.code(), "message.unexpected");
}

#[test]
fn what_was_discarded_is_shown_on_request_also_by_a_sample_that_fails() {
    let client = beating();
    let show = ("wsb.result.discarded", "subresults");
    let done = client.act("ExchangeSampler", &[("wsb.payload", "question"), BEATS, show]);
    assert_eq!(done.text(), "question");
    let shown = done.shown();
    assert_eq!((shown[0].0, &shown[0].2[..]), (1, &b"heartbeat 1"[..]));
    assert_eq!((shown[1].0, &shown[1].2[..]), (2, &[0, 0xff, 7][..]));
    let elapsed = i64::try_from(done.elapsed().as_millis()).unwrap();
    assert!(
        shown.iter().all(|(_, came, _)| (0..=elapsed).contains(came)),
        "{shown:?}"
    );

    let late = client.act(
        "ExchangeSampler",
        &[
            ("wsb.payload", "question"),
            ("wsb.match.mode", "equals"),
            ("wsb.match.value", "never"),
            ("wsb.readTimeout", "300ms"),
            show,
        ],
    );
    assert_eq!(late.code(), "message.timeout");
    assert_eq!(late.shown().len(), 3);
    assert!(late.detail().contains("3 others came"), "{}", late.detail());
}
