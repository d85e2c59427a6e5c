//! Redirects: followed to a bound, under one deadline, and without giving secrets away.

use std::sync::mpsc;
use std::time::Duration;

use websocket::Dial;

use crate::support::{Server, attempt, attempt_within, code, dial, pairs};

fn redirecting(status: u16, location: String) -> Server {
    Server::start(move |mut peer| {
        peer.read_head();
        peer.say(format!(
            "HTTP/1.1 {status} Over there\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\n"
        ));
        peer.hold();
    })
}

fn final_server() -> (Server, mpsc::Receiver<String>) {
    let (sender, receiver) = mpsc::channel();
    let server = Server::start(move |mut peer| {
        peer.upgrade();
        sender.send(peer.request.clone()).unwrap();
        peer.hold();
    });
    (server, receiver)
}

#[test]
fn each_kind_is_followed() {
    let (goal, requests) = final_server();
    for status in [301, 302, 303, 307, 308] {
        let location = goal.url("/new?x");
        let server = redirecting(status, location.replace("ws://", "http://"));
        let attempt = attempt(&dial(&server.url("/old")));
        assert_eq!(code(&attempt), "ok", "{status}: {:?}", attempt.result);
        assert!(requests.recv().unwrap().starts_with("GET /new?x HTTP/1.1\r\n"));
        assert_eq!(
            attempt.trace.redirects,
            [(status, location.replace("ws://", "http://"))]
        );
        assert_eq!(attempt.trace.answer.as_ref().unwrap().status, 101);
        assert_eq!(attempt.trace.remote, Some(goal.address));
        assert!(attempt.trace.request_head.starts_with("GET /new?x "));
    }
}

#[test]
fn relative_locations_are_resolved() {
    let server = Server::start(|mut peer| {
        let target = peer.read_head().split(' ').nth(1).unwrap().to_owned();
        let location = match target.as_str() {
            "/a/b" => "c?d",
            "/a/c?d" => "/e#fragment",
            "/e" => {
                return {
                    peer.say(crate::support::UPGRADED);
                    peer.hold();
                };
            }
            other => panic!("{other}"),
        };
        peer.say(format!(
            "HTTP/1.1 302 Found\r\nlocation: {location}\r\nContent-Length: 0\r\n\r\n"
        ));
    });
    let attempt = attempt(&dial(&server.url("/a/b")));
    assert_eq!(code(&attempt), "ok", "{:?}", attempt.result);
    assert_eq!(attempt.trace.redirects.len(), 2);
}

#[test]
fn secrets_stay_with_their_host() {
    let headers = pairs(&[
        ("Authorization", "Basic x"),
        ("cookie", "a=b"),
        ("Host", "virtual"),
        ("X-Mine", "1"),
    ]);
    let (goal, requests) = final_server();
    let server = redirecting(302, goal.url("/"));
    let over = Dial {
        headers: headers.clone(),
        ..dial(&server.url("/"))
    };
    assert_eq!(code(&attempt(&over)), "ok");
    let request = requests.recv().unwrap();
    for secret in ["Authorization", "cookie", "virtual"] {
        assert!(!request.contains(secret), "{request}");
    }
    assert!(request.contains(&format!("Host: {}", goal.address)) && request.contains("X-Mine: 1"));

    let (sender, requests) = mpsc::channel();
    let same = Server::start(move |mut peer| {
        if peer.read_head().starts_with("GET /old") {
            peer.say("HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n");
        } else {
            sender.send(peer.request.clone()).unwrap();
            peer.say(crate::support::UPGRADED);
            peer.hold();
        }
    });
    assert_eq!(
        code(&attempt(&Dial {
            headers,
            ..dial(&same.url("/old"))
        })),
        "ok"
    );
    let request = requests.recv().unwrap();
    for kept in ["Authorization: Basic x", "cookie: a=b", "Host: virtual"] {
        assert!(request.contains(kept), "{request}");
    }
}

#[test]
fn a_loop_ends_at_the_bound() {
    let server = redirecting(302, "/again".into());
    for (bound, opens) in [(1, 2), (5, 6)] {
        let before = server.accepted();
        let attempt = attempt(&Dial {
            max_redirects: bound,
            ..dial(&server.url("/"))
        });
        assert_eq!(code(&attempt), "upgrade.redirect");
        assert!(
            attempt
                .result
                .unwrap_err()
                .detail()
                .contains(&format!("more than {bound} redirects"))
        );
        assert_eq!(attempt.trace.redirects.len(), bound as usize);
        assert_eq!(attempt.trace.answer.unwrap().status, 302);
        assert_eq!(server.accepted() - before, opens);
    }
}

#[test]
fn with_a_bound_of_none_a_redirect_is_a_refusal() {
    let server = Server::start(|mut peer| {
        peer.read_head();
        peer.say("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 4\r\n\r\nbody");
    });
    let attempt = attempt(&Dial {
        max_redirects: 0,
        ..dial(&server.url("/"))
    });
    assert_eq!(code(&attempt), "upgrade.status");
    assert_eq!(attempt.trace.answer.unwrap().body, b"body");
}

#[test]
fn locations_that_lead_nowhere_are_named() {
    for location in [
        "ftp://a/",
        "http://u:p@127.0.0.1/",
        "http://127.0.0.1:0/",
        "http://",
        "mailto:a@b",
    ] {
        let server = redirecting(302, location.into());
        let attempt = attempt(&dial(&server.url("/")));
        assert_eq!(code(&attempt), "upgrade.redirect", "{location}");
        assert!(
            attempt.result.unwrap_err().detail().contains(location),
            "{location}"
        );
    }
}

#[test]
fn one_deadline_covers_all_hops() {
    let timeout = Duration::from_millis(300);
    let server = Server::start(|mut peer| {
        peer.read_head();
        std::thread::sleep(Duration::from_millis(120));
        peer.say("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    });
    let attempt = attempt_within(
        &Dial {
            max_redirects: 1000,
            ..dial(&server.url("/"))
        },
        timeout,
    );
    assert_eq!(code(&attempt), "upgrade.timeout");
    assert!(attempt.trace.total >= timeout && attempt.trace.total < Duration::from_secs(5));
    assert!(attempt.trace.redirects.len() <= 3);
}
