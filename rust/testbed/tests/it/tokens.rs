//! The token endpoint: what it gives, under which limit, and what is closed to those without.

use crate::client::{Client, limited, start, status, until, upgrade};
use std::time::Duration;
use testbed::{Config, Server, TokenConfig};

/// Long against a few requests, on a busy machine, too.
const TTL: Duration = Duration::from_secs(3);

fn server(limit: &str, delay: Duration, required: bool) -> Server {
    start(Config {
        limits_at: vec![format!("/oauth/token {limit}").parse().unwrap()],
        token: Some(TokenConfig {
            path: "/oauth/token".to_owned(),
            ttl: TTL,
            delay,
            required,
        }),
        ..limited("fixed-window limit=2 window=10m")
    })
}

fn fetch(client: &mut Client) -> String {
    client.send("POST /oauth/token HTTP/1.1\r\nContent-Length: 29\r\n\r\ngrant_type=client_credentials");
    let answer = client.answer();
    assert_eq!(
        (answer.status(), answer.header("Cache-Control")),
        (200, Some("no-store"))
    );
    let token = answer.json();
    assert_eq!(
        (&token["expires_in"], &token["token_type"]),
        (&TTL.as_secs().into(), &"Bearer".into())
    );
    token["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn a_token_opens_requests_and_upgrades_until_it_expires() {
    let server = server("none", Duration::ZERO, true);
    let mut client = Client::connect(&server);
    let missing = client.get("/api");
    assert_eq!(
        (missing.status(), missing.header("WWW-Authenticate")),
        (401, Some("Bearer realm=\"ws-backoff\""))
    );
    let wrong = client.request("GET", "/api", "Authorization: Bearer 1.2.3\r\n");
    assert!(
        wrong
            .header("WWW-Authenticate")
            .unwrap()
            .starts_with("Bearer error=\"invalid_token\"")
    );

    let authorization = format!("Authorization: Bearer {}\r\n", fetch(&mut client));
    // Two are let in: no limit has seen those that were not authorised.
    assert_eq!(client.request("GET", "/api", &authorization).status(), 200);
    let mut socket = Client::connect(&server);
    socket.send(&upgrade("/agents").replace("Host:", &format!("{authorization}Host:")));
    assert_eq!(status(&socket.head()), 101);
    assert_eq!(client.request("GET", "/api", &authorization).status(), 429);

    std::thread::sleep(TTL);
    assert_eq!(client.request("GET", "/api", &authorization).status(), 401);
    let mut socket = Client::connect(&server);
    socket.ask("/agents");
    assert_eq!(status(&socket.head()), 401);
    // A page needs none.
    assert_eq!(client.get("/stats").json()["token"]["unauthorized"], 4);
    let stats = server.stats();
    assert_eq!(
        stats.token.map(|token| (token.issued, token.most_at_once)),
        Some((1, 1))
    );
    assert_eq!((stats.accepted, stats.refused), (3, 5));
}

#[test]
fn fetches_are_under_the_limit_of_their_path_and_each_token_is_new() {
    let server = server("fixed-window limit=3 window=10m", Duration::ZERO, false);
    let mut client = Client::connect(&server);
    let mut tokens: Vec<_> = (0..3).map(|_| fetch(&mut client)).collect();
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 3);
    let refused = client.get("/oauth/token?again");
    assert_eq!(
        (refused.status(), refused.header("Retry-After").is_some()),
        (429, true)
    );
    assert_eq!(server.stats().token.unwrap().issued, 3);
    // None is required here.
    assert_eq!(client.get("/api").status(), 200);
}

#[test]
fn fetches_at_once_are_seen_and_those_in_turn_are_not() {
    let server = server("none", Duration::from_millis(200), false);
    let mut client = Client::connect(&server);
    for _ in 0..2 {
        fetch(&mut client);
    }
    assert_eq!(server.stats().token.unwrap().most_at_once, 1);
    let mut herd: Vec<_> = (0..5).map(|_| Client::connect(&server)).collect();
    // None of them reads: the server answers the first not before 200 ms, and those that it has not read are not in hand.
    for client in &mut herd {
        client.send("GET /oauth/token HTTP/1.1\r\n\r\n");
    }
    until(&server, "all are done", |stats| stats.token.unwrap().issued == 7);
    let most = server.stats().token.unwrap().most_at_once;
    assert!((2..=5).contains(&most), "{most}");
    for client in &mut herd {
        assert_eq!(client.answer().status(), 200);
    }
}
