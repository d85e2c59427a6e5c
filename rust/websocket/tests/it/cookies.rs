//! Cookies over the attempts of a call and the hops of an attempt.

use std::sync::{Arc, Mutex};

use websocket::{Attempt, Cookie, Cookies, Dial, Target, open};

use crate::support::{PATIENCE, Server, UPGRADED, code, dial, pairs, runtime};

fn attempt(dial: &Dial, cookies: &Cookies) -> Attempt {
    runtime().block_on(open(dial, cookies, PATIENCE))
}

/// Lets in who brings the ticket; the others get it with what it answers.
fn waiting_room(
    answer: impl Fn(&str) -> String + Send + Sync + 'static,
) -> (Server, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let requests = seen.clone();
    let server = Server::start(move |mut peer| {
        let head = peer.read_head().to_owned();
        let cookie = head
            .lines()
            .find_map(|line| line.strip_prefix("Cookie: "))
            .unwrap_or_default()
            .to_owned();
        seen.lock().unwrap().push(cookie.clone());
        if cookie.contains("ticket=7") {
            peer.say(UPGRADED.replace("\r\n\r\n", "\r\nSet-Cookie: in=1; Path=/\r\n\r\n"));
            peer.hold();
        } else {
            peer.say(answer(&head));
        }
    });
    (server, requests)
}

#[test]
fn the_cookie_of_a_refusal_is_sent_by_the_next_attempt() {
    let (server, requests) = waiting_room(|_| {
        "HTTP/1.1 429 Queue\r\nSet-Cookie: ticket=7; Path=/\r\nContent-Length: 0\r\n\r\n".to_owned()
    });
    let url = server.url("/chat");
    let known = [Cookie {
        name: "sid".into(),
        value: "1".into(),
        ..Cookie::default()
    }];
    let cookies = Cookies::of(&known, &Target::parse(&url).unwrap());
    let dial = Dial {
        headers: pairs(&[("X-A", "b")]),
        ..dial(&url)
    };
    let first = attempt(&dial, &cookies);
    assert_eq!(code(&first), "upgrade.status");
    assert_eq!(
        first.trace.set_cookies,
        [(url.clone(), "ticket=7; Path=/".to_owned())]
    );
    assert_eq!(code(&attempt(&dial, &cookies)), "ok");
    // As a reconnect does, with what the 101 set.
    assert_eq!(code(&attempt(&dial, &cookies)), "ok");
    assert_eq!(
        *requests.lock().unwrap(),
        ["sid=1", "sid=1; ticket=7", "in=1; sid=1; ticket=7"]
    );
    // Another user's call knows nothing of it.
    assert_eq!(code(&attempt(&dial, &Cookies::default())), "upgrade.status");
}

#[test]
fn the_cookie_of_a_redirect_is_sent_by_the_next_hop() {
    let (server, requests) = waiting_room(|head| {
        let to = if head.starts_with("GET /login") {
            "/chat"
        } else {
            "/login"
        };
        let cookie = if to == "/chat" {
            "Set-Cookie: ticket=7; Path=/\r\n"
        } else {
            ""
        };
        format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\n{cookie}Content-Length: 0\r\n\r\n")
    });
    let cookies = Cookies::default();
    let attempt = attempt(&dial(&server.url("/chat")), &cookies);
    assert_eq!(code(&attempt), "ok", "{:?}", attempt.result);
    assert_eq!(*requests.lock().unwrap(), ["", "", "ticket=7"]);
    let from: Vec<String> = attempt
        .trace
        .set_cookies
        .iter()
        .map(|(url, _)| url.clone())
        .collect();
    assert_eq!(from, [server.url("/login"), server.url("/chat")]);
}

#[test]
fn another_host_gets_only_its_own() {
    let (goal, requests) = waiting_room(|_| "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n".to_owned());
    let port = goal.address.port();
    let to = format!("http://localhost:{port}/");
    let server = Server::start(move |mut peer| {
        peer.read_head();
        peer.say(format!(
            "HTTP/1.1 302 Found\r\nLocation: {to}\r\nSet-Cookie: ticket=7; Path=/\r\nContent-Length: 0\r\n\r\n"
        ));
    });
    let attempt = attempt(
        &Dial {
            headers: pairs(&[("Cookie", "mine=1")]),
            ..dial(&server.url("/"))
        },
        &Cookies::default(),
    );
    assert_eq!(code(&attempt), "upgrade.status", "{:?}", attempt.result);
    assert_eq!(*requests.lock().unwrap(), [""]);
}

#[test]
fn a_line_of_the_users_own_goes_on_working() {
    let (server, requests) = waiting_room(|_| {
        "HTTP/1.1 429 Queue\r\nSet-Cookie: ticket=7; Path=/\r\nSet-Cookie: mine=2\r\nContent-Length: 0\r\n\r\n"
            .to_owned()
    });
    let cookies = Cookies::default();
    let dial = Dial {
        headers: pairs(&[("Cookie", "mine=1")]),
        ..dial(&server.url("/"))
    };
    assert_eq!(code(&attempt(&dial, &cookies)), "upgrade.status");
    assert_eq!(code(&attempt(&dial, &cookies)), "ok");
    assert_eq!(*requests.lock().unwrap(), ["mine=1", "mine=1; ticket=7"]);
}
