//! What a connect sends, learns and keeps on its way: proxies, cookies, sessions, bodies, and how it tells what it may not repeat.

use std::sync::{Arc, Mutex};

use jmeter::Engine;
use serde_json::{Value, json};

use crate::support::{Client, Peer, Properties, raw_server};

const QUICK: (&str, &str) = ("wsb.retry.base", "1ms");

fn connect(url: &str, more: Properties<'_>, beside: &Value) -> Value {
    Client::connect(Arc::default(), url, more, beside).1
}

fn refuse(peer: &mut Peer, head: &str, body: &str) {
    let length = body.len();
    peer.raw(format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes());
    peer.swallow();
}

#[test]
fn a_proxy_that_is_throttled_is_a_throttle_with_its_hint() {
    for (status, hint, body) in [
        ("429 Too Many Requests\r\nRetry-After: 1", "1000", "later"),
        ("503 Service Unavailable\r\nRetry-After: 1", "1000", ""),
        ("429 Too Many Requests", "", ""),
    ] {
        let proxy = raw_server(move |number, mut peer| {
            peer.read_head();
            match number {
                0 => refuse(&mut peer, status, body),
                _ => {
                    peer.raw(b"HTTP/1.1 200 OK\r\n\r\n");
                    if peer.upgrade("").is_some() {
                        peer.echo();
                    }
                }
            }
        });
        let proxy = proxy.replace("ws://", "http://");
        let result = connect("ws://behind.test/", &[QUICK, ("wsb.proxy", &proxy)], &json!({}));
        assert_eq!(result["outcome"], "connected", "{status}: {result:#}");
        assert_eq!(result["variables"]["wsb.throttled"], "1", "{result:#}");
        assert_eq!(result["variables"]["wsb.hintMs"], hint, "{result:#}");
    }
}

#[test]
fn a_proxy_that_stays_throttled_shows_its_status_and_one_that_wants_a_login_ends_at_once() {
    let proxy = |head: &'static str| {
        let url = raw_server(move |_, mut peer| {
            peer.read_head();
            refuse(&mut peer, head, "ask again");
        });
        url.replace("ws://", "http://")
    };
    for (head, attempts, code, status, stop) in [
        ("429 Busy", "2", "proxy.unavailable", "429", "max-attempts"),
        ("502 Bad Gateway", "2", "proxy.unavailable", "502", "max-attempts"),
        ("403 Forbidden", "1", "proxy.refused", "403", "fatal"),
        ("407 Login", "1", "proxy.auth", "407", "fatal"),
    ] {
        let properties = [
            QUICK,
            ("wsb.retry.maxAttempts", "2"),
            ("wsb.retry.transientBase", "1ms"),
            ("wsb.proxy", &proxy(head)),
        ];
        let result = connect("ws://behind.test/", &properties, &json!({}));
        let variables = &result["variables"];
        assert_eq!(variables["wsb.attempts"], attempts, "{result:#}");
        assert_eq!(variables["wsb.lastStatus"], status, "{result:#}");
        assert_eq!(variables["wsb.stop"], stop, "{result:#}");
        assert!(result["code"].as_str().unwrap().ends_with(code), "{result:#}");
    }
}

#[test]
fn a_malformed_proxys_password_is_not_repeated() {
    for proxy in [
        "http://me:hunter2@host:port",
        "me:hunter2@host:0",
        "host:3128:me:hunter2",
    ] {
        for (property, beside) in [(proxy, ""), ("", proxy)] {
            let result = connect(
                "ws://a.test/",
                &[("wsb.proxy", property)],
                &json!({"proxy": beside}),
            );
            assert_eq!(result["outcome"], "invalid", "{result:#}");
            assert!(!result.to_string().contains("hunter2"), "{result:#}");
        }
    }
}

/// Lets in who brings the ticket that the refusal before gave him.
fn waiting_room(cookies: Arc<Mutex<Vec<String>>>) -> String {
    raw_server(move |number, mut peer| {
        let Some(head) = peer.read_head() else { return };
        let line = head.lines().find_map(|line| line.strip_prefix("Cookie: "));
        cookies.lock().unwrap().push(line.unwrap_or_default().to_owned());
        match number {
            0 => refuse(
                &mut peer,
                "302 Found\r\nLocation: /door\r\nSet-Cookie: seen=1; Path=/",
                "",
            ),
            1 => refuse(&mut peer, "429 Queue\r\nSet-Cookie: ticket=7; Path=/", ""),
            _ => refuse(&mut peer, "404 Gone", ""),
        }
    })
}

#[test]
fn cookies_of_redirects_and_refusals_are_sent_and_told() {
    let sent = Arc::<Mutex<Vec<String>>>::default();
    let url = waiting_room(sent.clone());
    let known = json!({"cookies": [
        {"name": "sid", "value": "1", "domain": "127.0.0.1", "path": "/", "secure": false, "expires": 0},
        {"name": "other", "value": "1", "domain": "elsewhere.test"},
        {"name": "old", "value": "1", "domain": "127.0.0.1", "expires": 1},
    ]});
    let result = connect(&url, &[QUICK], &known);
    assert_eq!(result["outcome"], "refused", "{result:#}");
    assert_eq!(
        *sent.lock().unwrap(),
        ["sid=1", "seen=1; sid=1", "seen=1; sid=1; ticket=7"]
    );
    let door = format!("{url}door");
    assert_eq!(
        result["setCookies"],
        json!([[url, "seen=1; Path=/"], [door, "ticket=7; Path=/"]])
    );
}

#[test]
fn a_cookie_that_is_no_header_is_named() {
    let bad = json!({"cookies": [{"name": "sid", "value": "a\r\nX: b"}]});
    let result = connect("ws://127.0.0.1:9/", &[], &bad);
    assert_eq!(result["outcome"], "invalid", "{result:#}");
    assert!(
        result["body"]
            .as_str()
            .is_none_or(|body| !body.contains("X: b\n"))
    );
    assert!(
        result["timeline"].as_str().unwrap().contains("cookie \"sid\""),
        "{result:#}"
    );
}

#[test]
fn a_reconnect_sends_the_cookies_that_were_learnt() {
    let sent = Arc::<Mutex<Vec<String>>>::default();
    let seen = sent.clone();
    let url = raw_server(move |number, mut peer| {
        let mut head = Vec::new();
        let mut more = [0; 2048];
        let length = peer.stream.peek(&mut more).unwrap();
        head.extend(&more[..length]);
        let head = String::from_utf8(head).unwrap();
        let line = head.lines().find_map(|line| line.strip_prefix("Cookie: "));
        seen.lock().unwrap().push(line.unwrap_or_default().to_owned());
        if peer.upgrade("Set-Cookie: in=1; Path=/\r\n").is_some() && number > 0 {
            peer.echo();
        }
    });
    let client = Client::open(
        &url,
        &[
            QUICK,
            ("wsb.reconnect", "on-next-use"),
            ("wsb.retry.transientBase", "1ms"),
        ],
    );
    let done = client.exchange("hello");
    let done = if done.code() == "ok" {
        done
    } else {
        client.exchange("hello")
    };
    assert_eq!(done.text(), "hello");
    assert_eq!(*sent.lock().unwrap(), ["", "in=1"]);
}

#[test]
fn of_many_refusals_only_the_last_ones_texts_are_kept_unless_all_are_shown() {
    let page = |number: usize| format!("{number}:{}", "x".repeat(60_000));
    let url = raw_server(move |number, mut peer| {
        peer.read_head();
        refuse(&mut peer, "429 Busy", &page(number));
    });
    let all = [
        ("wsb.retry.base", "0ms"),
        ("wsb.retry.cap", "0ms"),
        ("wsb.retry.strategy", "fixed"),
        ("wsb.retry.maxAttempts", "100"),
    ];
    let last = connect(&url, &all, &json!({}));
    assert_eq!(last["variables"]["wsb.attempts"], "100", "{}", last["timeline"]);
    assert!(last["body"].as_str().unwrap().starts_with("99:"));
    let shown = connect(
        &url,
        &[&all[..], &[("wsb.result.attempts", "subresults")]].concat(),
        &json!({}),
    );
    let bodies: Vec<usize> = shown["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["body"].as_str().unwrap().len())
        .collect();
    assert_eq!(bodies.len(), 100);
    // As many as fit into some megabytes, and the last one.
    let whole = bodies.iter().filter(|&&length| length > 60_000).count();
    assert!((20..90).contains(&whole) && bodies[99] > 60_000, "{bodies:?}");
}

#[test]
fn a_body_that_stalls_is_idle_time() {
    let url = raw_server(|_, mut peer| {
        peer.read_head();
        peer.raw(b"HTTP/1.1 404 Gone\r\nContent-Length: 9\r\n\r\nslow");
        peer.swallow();
    });
    let result = connect(&url, &[], &json!({}));
    let us = |name: &str| result[name].as_u64().unwrap();
    assert!(us("waitedUs") >= 400_000, "{result:#}");
    assert!(us("elapsedUs") - us("waitedUs") < us("waitedUs"), "{result:#}");
}

#[test]
fn answers_that_may_mean_later_come_with_the_key_that_says_so() {
    let cases: [(&[&str], &str); 3] = [
        (&["403 Forbidden"], "wsb.retry.throttle=429,503,403"),
        (
            &["302 Found\r\nLocation: /queue", "200 OK"],
            "wsb.retry.throttle=429,503,200",
        ),
        (&["404 Not Found"], ""),
    ];
    for (heads, expected) in cases {
        let answers = heads.to_vec();
        let answers: Vec<String> = answers.iter().map(|head| (*head).to_owned()).collect();
        let url = raw_server(move |number, mut peer| {
            peer.read_head();
            refuse(&mut peer, &answers[number.min(answers.len() - 1)], "");
        });
        let result = connect(&url, &[], &json!({}));
        let timeline = result["timeline"].as_str().unwrap();
        assert_eq!(
            timeline.contains("wsb.retry.throttle="),
            !expected.is_empty(),
            "{timeline}"
        );
        assert!(timeline.contains(expected), "{timeline}");
    }
}

#[test]
fn hints_obeyed_in_vain_are_told_in_the_timeline_and_once_in_the_log() {
    let url = raw_server(|_, mut peer| {
        peer.read_head();
        refuse(&mut peer, "429 Too Many\r\nRetry-After-Ms: 3", "");
    });
    let properties = [
        ("wsb.retry.base", "1ms"),
        ("wsb.retry.cap", "5ms"),
        ("wsb.retry.maxAttempts", "8"),
    ];
    let engine = Arc::new(Engine::default());
    let told = [1, 2].map(|_| {
        let result = Client::connect(engine.clone(), &url, &properties, &json!({})).1;
        let timeline = result["timeline"].as_str().unwrap();
        assert!(timeline.contains("wsb.shared.mode=pace"), "{timeline}");
        let warning = result["warning"].as_str().unwrap();
        warning.contains("refusals that count: ") // that they lock each other out is other news
    });
    assert_eq!(told, [true, false], "once a test");
    let few = [&properties[..2], &[("wsb.retry.maxAttempts", "3")]].concat();
    let result = connect(&url, &few, &json!({}));
    let timeline = result["timeline"].as_str().unwrap();
    assert!(!timeline.contains("wsb.shared.mode"), "{timeline}");
}

#[test]
fn resume_takes_three_words_and_a_negative_ttl() {
    for (resume, ttl, outcome) in [
        ("user", 30, "failed"),
        ("shared", 0, "failed"),
        ("off", -1, "failed"),
        ("all", 30, "invalid"),
    ] {
        let properties = [("wsb.tls.resume", resume), ("wsb.retry.strategy", "none")];
        let beside = json!({"dnsTtl": ttl, "visit": 3});
        let engine = Arc::new(Engine::default());
        let result = Client::connect(engine, "wss://127.0.0.1:9/", &properties, &beside).1;
        assert_eq!(result["outcome"], outcome, "{resume}: {result:#}");
    }
}
