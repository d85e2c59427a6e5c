//! Plain HTTP requests: under the same limits and faults as upgrades, on connections that stay open.

use crate::client::{Client, PATIENCE, attempt, faulty, header, limited, settled, start, status, until};
use std::io::Write;
use std::net::Shutdown;
use std::time::{Duration, Instant};
use testbed::{Config, RetryAfter, Server};

fn limited_at(limits: &[&str]) -> Server {
    start(Config {
        limits_at: limits.iter().map(|limit| limit.parse().unwrap()).collect(),
        ..limited("fixed-window limit=2 window=10m")
    })
}

#[test]
fn a_request_is_answered_with_what_it_was() {
    let server = start(Config::default());
    let mut client = Client::connect(&server);
    client.send("POST /api/calls?x=1 HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello");
    let answer = client.answer();
    assert_eq!(
        (answer.status(), answer.header("Content-Type")),
        (200, Some("application/json"))
    );
    let expected = serde_json::json!(
        {"status": 200, "attempt": 0, "method": "POST", "path": "/api/calls?x=1", "received": 5});
    assert_eq!(answer.json(), expected);
}

#[test]
fn all_requests_and_upgrades_share_one_limit_and_are_counted_by_path() {
    let server = start(Config {
        status: 503,
        retry_after: RetryAfter::Milliseconds,
        body: Some("in {seconds} s".to_owned()),
        ..limited("fixed-window limit=3 window=10m")
    });
    let (_inside, head) = attempt(&server);
    assert_eq!(status(&head), 101);
    let mut client = Client::connect(&server);
    for (method, path, expected) in [
        ("GET", "/a?n=1", 200),
        ("DELETE", "/b", 200),
        ("GET", "/a?n=2", 503),
        ("PUT", "/a", 503),
    ] {
        let answer = client.request(method, path, "");
        assert_eq!(answer.status(), expected, "{method} {path}");
        if expected == 503 {
            let wait: u64 = answer.header("retry-after-ms").unwrap().parse().unwrap();
            assert!((1..=600_000).contains(&wait));
            assert!(
                answer.body.starts_with("in ") && answer.body.ends_with(" s"),
                "{}",
                answer.body
            );
            // A gateway that refuses leaves the connection open.
            assert_eq!(answer.header("Connection"), None);
        }
    }
    assert_eq!(status(&attempt(&server).1), 503);
    let stats = settled(&server, 6);
    assert_eq!(
        (stats.attempts, stats.accepted, stats.refused, stats.open),
        (6, 3, 3, 1)
    );
    let paths: Vec<_> = stats
        .paths
        .iter()
        .map(|path| (path.path.as_str(), path.attempts, path.accepted, path.refused))
        .collect();
    assert_eq!(paths, [("/", 2, 1, 1), ("/a", 3, 1, 2), ("/b", 1, 1, 0)]);
}

#[test]
fn the_longest_path_that_covers_a_request_has_the_say() {
    let server = limited_at(&[
        "/api none",
        "/api/v2/calls fixed-window limit=1 window=10m",
        "/api/v2 fixed-window limit=0 window=10m",
    ]);
    let mut client = Client::connect(&server);
    for (path, expected) in [
        ("/api/x", 200),
        ("/api/v2/calls/17?x", 200),
        ("/api/v2/calls", 429),
        ("/api/v2/callsigns", 429),
        ("/api/v20", 200),
        ("/elsewhere", 200),
        ("/apis", 200),
        ("/elsewhere", 429),
    ] {
        assert_eq!(client.get(path).status(), expected, "{path}");
    }
    // Upgrades, too.
    let mut socket = Client::connect(&server);
    socket.ask("/api/agents");
    assert_eq!(status(&socket.head()), 101);
    let mut socket = Client::connect(&server);
    socket.ask("/api/v2/agents");
    assert_eq!(status(&socket.head()), 429);
}

#[test]
fn a_connection_lives_as_long_as_its_client_wants() {
    let server = start(limited("fixed-window limit=1000 window=10m"));
    let mut client = Client::connect(&server);
    for n in 0..50 {
        assert_eq!(client.get("/x").json()["attempt"], n);
    }
    let last = client.request("GET", "/x", "Connection: close\r\n");
    assert_eq!(last.header("Connection"), Some("close"));
    assert_eq!(client.rest(), b"");

    let mut old = Client::connect(&server);
    old.send("GET /x HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    assert_eq!(old.answer().header("Connection"), Some("keep-alive"));
    old.send("GET /x HTTP/1.0\r\n\r\n");
    assert_eq!(old.answer().header("Connection"), Some("close"));
    assert_eq!(old.rest(), b"");

    // A connection that has served plain requests can still become a WebSocket.
    let mut turned = Client::connect(&server);
    turned.get("/x");
    turned.ask("/x");
    assert_eq!(status(&turned.head()), 101);
    turned.echoes("hello");
}

#[test]
fn a_head_gets_the_head_alone() {
    let server = start(limited("fixed-window limit=1 window=10m"));
    let mut client = Client::connect(&server);
    for (path, expected) in [("/x", 200), ("/x", 429), ("/stats", 200), ("/", 200)] {
        client.send(&format!("HEAD {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        let head = client.head();
        assert_eq!(status(&head), expected, "{path}");
        assert!(header(&head, "Content-Length").unwrap().parse::<u64>().unwrap() > 0);
    }
    assert_eq!(client.get("/").status(), 200);
}

#[test]
fn requests_that_come_in_one_packet_are_answered_in_order() {
    let server = start(Config::default());
    let mut client = Client::connect(&server);
    client.send(
        "POST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n\r\n\
         POST /3 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /stats HTTP/1.1\r\n\r\n",
    );
    for (path, received) in [("/1", 2), ("/2", 0), ("/3", 3)] {
        let answer = client.answer().json();
        assert_eq!(
            (&answer["path"], &answer["received"]),
            (&path.into(), &received.into())
        );
    }
    assert_eq!(client.answer().json()["accepted"], 3);
}

#[test]
fn a_large_body_is_read_and_one_beyond_the_bound_refused() {
    let server = start(limited("fixed-window limit=1 window=10m"));
    let mut client = Client::connect(&server);
    let body = "x".repeat(3 << 20);
    client.send(&format!(
        "POST /x HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert_eq!(client.answer().json()["received"], body.len());
    // Refused, but read: the connection goes on.
    client.send(&format!(
        "POST /x HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert_eq!(client.answer().status(), 429);
    client.send("POST /x HTTP/1.1\r\nContent-Length: 16777217\r\n\r\n");
    let answer = client.answer();
    assert_eq!(
        (answer.status(), answer.header("Connection")),
        (413, Some("close"))
    );
    assert_eq!((server.stats().attempts, server.stats().refused), (3, 2));
}

#[test]
fn who_expects_a_100_gets_it_or_the_refusal_in_its_place() {
    let server = start(limited("fixed-window limit=1 window=10m"));
    let expecting = "POST /x HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    let mut client = Client::connect(&server);
    client.send(expecting);
    assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello");
    assert_eq!(client.answer().json()["received"], 5);
    client.send(expecting);
    let refused = client.answer();
    assert_eq!(
        (refused.status(), refused.header("Connection")),
        (429, Some("close"))
    );
    // A client that did not wait for the 100 needs none.
    let mut client = Client::connect(&server);
    client.send(&format!("{expecting}hello"));
    assert_eq!(client.answer().status(), 429);
    assert_eq!(client.get("/").status(), 200);
    client.send("POST /x HTTP/1.1\r\nContent-Length: 5\r\nExpect: more\r\n\r\n");
    assert_eq!(client.answer().status(), 417);
}

#[test]
fn what_could_be_read_in_two_ways_ends_the_connection() {
    let server = start(Config::default());
    for head in [
        "POST /x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ] {
        let mut client = Client::connect(&server);
        client.send(head);
        let answer = client.answer();
        assert_eq!(
            (answer.status(), answer.header("Connection")),
            (400, Some("close")),
            "{head}"
        );
        assert_eq!(client.rest(), b"", "{head}");
    }
}

#[test]
fn the_statistics_are_only_read() {
    let server = start(Config::default());
    let mut client = Client::connect(&server);
    let answer = client.request("DELETE", "/stats", "");
    assert_eq!(
        (answer.status(), answer.header("Allow")),
        (405, Some("GET, HEAD"))
    );
    assert_eq!(server.stats().attempts, 0);
    // Only reading shows the page; everything else at / is a request like others.
    assert_eq!(client.request("POST", "/", "").json()["attempt"], 0);
}

#[test]
fn a_concurrency_limit_holds_for_requests_that_take_their_time() {
    let server = start(Config {
        delay: Duration::from_millis(300),
        ..limited("concurrency limit=1")
    });
    let mut first = Client::connect(&server);
    let started = Instant::now();
    first.send("GET /x HTTP/1.1\r\n\r\n");
    until(&server, "it has come", |stats| stats.attempts == 1);
    let mut second = Client::connect(&server);
    let refused = second.get("/x");
    // On a machine that sleeps in between, the first may be done.
    assert!(refused.status() == 429 || started.elapsed() >= Duration::from_millis(300));
    assert_eq!(first.answer().status(), 200);
    assert!(started.elapsed() >= Duration::from_millis(300));
    // The seat is free once the answer is there.
    assert_eq!(first.get("/x").status(), 200);
    assert_eq!(first.get("/x").status(), 200);
}

#[test]
fn faults_that_need_no_upgrade_strike_plain_requests() {
    for (fault, starts, ends) in [
        (
            "early-hints",
            "HTTP/1.1 103 Early Hints\r\n",
            "\"received\":0,\"status\":200}\n",
        ),
        ("drip", "HTTP/1.1 200 OK\r\n", "\"received\":0,\"status\":200}\n"),
        (
            "drop-after",
            "HTTP/1.1 200 OK\r\n",
            "\"received\":0,\"status\":200}\n",
        ),
        ("http10", "HTTP/1.0 503 Service Unavailable\r\n", "}\n"),
        ("chunked", "HTTP/1.1 429 Too Many Requests\r\n", "\r\n0\r\n\r\n"),
        ("garbage", "\0", "\u{2}"),
        ("half-close", "", ""),
    ] {
        let server = faulty(fault);
        let mut client = Client::connect(&server);
        client.send("GET /x HTTP/1.1\r\nConnection: close\r\n\r\n");
        let bytes = client.rest();
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            text.starts_with(starts) && text.ends_with(ends),
            "{fault}: {text}"
        );
        assert_eq!(server.stats().faulted, 1, "{fault}");
    }
}

#[test]
fn faults_of_the_upgrade_and_head_requests_leave_each_other_alone() {
    for fault in ["bad-accept", "frame-with-101", "keep-alive-upgrade"] {
        let server = faulty(fault);
        assert_eq!(Client::connect(&server).get("/x").status(), 200, "{fault}");
        assert_eq!(server.stats().faulted, 0, "{fault}");
    }
    let server = faulty("chunked");
    let mut client = Client::connect(&server);
    client.send("HEAD /x HTTP/1.1\r\n\r\n");
    assert_eq!(status(&client.head()), 200);
    assert_eq!(client.get("/stats").status(), 200);
}

#[test]
fn a_refusal_that_keeps_the_connection_open_takes_the_next_request() {
    let server = faulty("keep-open");
    let mut client = Client::connect(&server);
    client.send("POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(client.answer().status(), 429);
    assert_eq!(client.get("/x").status(), 429);
    assert_eq!((server.stats().refused, server.stats().faulted), (2, 2));
}

#[test]
fn a_client_that_leaves_within_its_body_is_an_attempt_without_an_answer() {
    let server = start(limited("concurrency limit=1"));
    let mut client = Client::connect(&server);
    client.send("POST /x HTTP/1.1\r\nContent-Length: 500\r\n\r\nhello");
    client.0.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.rest(), b"");
    let stats = server.stats();
    assert_eq!((stats.attempts, stats.accepted, stats.refused), (1, 0, 0));
    // It has given its seat back.
    assert_eq!(Client::connect(&server).get("/x").status(), 200);
}

#[test]
fn a_body_that_does_not_come_ends_with_the_patience() {
    let server = start(Config {
        patience: Duration::from_millis(200),
        ..Config::default()
    });
    let mut client = Client::connect(&server);
    client.send("POST /x HTTP/1.1\r\nContent-Length: 500\r\n\r\n");
    let started = Instant::now();
    assert_eq!(client.rest(), b"");
    assert!(started.elapsed() < PATIENCE);
}

#[test]
fn bytes_that_trickle_are_one_request() {
    let server = start(Config::default());
    let mut client = Client::connect(&server);
    let request = "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\n";
    for byte in request.as_bytes() {
        client.0.write_all(&[*byte]).unwrap();
    }
    assert_eq!(client.answer().json()["received"], 5);
    assert_eq!(client.get("/stats").json()["attempts"], 1);
}

#[test]
fn an_offer_of_http_2_is_overlooked() {
    let server = start(Config::default());
    let headers =
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    assert_eq!(
        Client::connect(&server).request("GET", "/x", headers).status(),
        200
    );
}
