//! Servers and proxies that ask for a login with Digest (RFC 7616).

use std::sync::{Arc, Mutex};

use http_auth::{ChallengeParser, DigestClient, PasswordParams};
use websocket::{Dial, Login};

use crate::support::{Server, UPGRADED, attempt, code, dial, pairs};

const CHALLENGE: &str =
    "Digest realm=\"agents\", qop=\"auth\", algorithm=SHA-256, nonce=\"n1\", opaque=\"o\"";

fn login(realm: &str) -> Login {
    Login {
        user: "me".into(),
        password: "secret".into(),
        realm: realm.into(),
    }
}

/// The value of a parameter in an answer to a challenge.
fn parameter<'a>(authorization: &'a str, name: &str) -> &'a str {
    let value = authorization
        .split(['\u{20}', ','])
        .find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_default().trim_matches('"')
}

/// Whether the login's answer to this challenge is the one that was given, by its own cnonce.
fn is_right(challenge: &str, method: &str, target: &str, authorization: &str) -> bool {
    let all = ChallengeParser::new(challenge).map_while(Result::ok);
    let mut digest = all
        .filter_map(|challenge| DigestClient::try_from(&challenge).ok())
        .next()
        .unwrap();
    let expected = digest.respond_with_testing_cnonce(
        &PasswordParams {
            username: "me",
            password: "secret",
            uri: target,
            method,
            body: None,
        },
        parameter(authorization, "cnonce"),
    );
    expected.unwrap() == authorization
}

/// Answers the nth request with the nth of these `WWW-Authenticate` lines (one a line of text), then lets in; notes the
/// `Authorization` of each, empty for none.
fn asking(challenges: &'static [&'static str]) -> (Server, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let requests = seen.clone();
    let server = Server::start(move |mut peer| {
        let head = peer.read_head().to_owned();
        let given = head
            .lines()
            .find_map(|line| line.strip_prefix("Authorization: "))
            .unwrap_or_default();
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(given.to_owned());
            seen.len()
        };
        match challenges.get(number - 1) {
            Some(asks) => {
                let lines: String = asks
                    .lines()
                    .map(|line| format!("WWW-Authenticate: {line}\r\n"))
                    .collect();
                peer.say(format!(
                    "HTTP/1.1 401 Who are you\r\n{lines}Set-Cookie: asked={number}\r\nContent-Length: 6\r\n\r\nlogin!"
                ));
            }
            None => peer.say(UPGRADED),
        }
        peer.hold();
    });
    (server, requests)
}

#[test]
fn a_challenge_is_answered_within_the_attempt() {
    for challenge in [
        CHALLENGE,
        "Digest realm=\"agents\", nonce=\"n\", qop=\"auth,auth-int\"",
        "Digest realm=\"agents\", nonce=\"n\"",
        "Digest realm=\"agents\", nonce=\"n\", qop=\"auth\", algorithm=MD5-sess",
        "Digest algorithm=\"SHA-512-256\", realm=\"agents\", nonce=\"n\", qop=\"auth\"",
    ] {
        let challenges: &'static [&'static str] = Box::leak(Box::new([challenge]));
        let (server, requests) = asking(challenges);
        let attempt = attempt(&Dial {
            login: Some(login("")),
            ..dial(&server.url("/a?b=c"))
        });
        assert_eq!(code(&attempt), "ok", "{challenge}: {:?}", attempt.result);
        let requests = requests.lock().unwrap();
        assert_eq!(requests[0], "", "nothing is said unasked");
        assert!(
            is_right(challenge, "GET", "/a?b=c", &requests[1]),
            "{}",
            requests[1]
        );
        assert_eq!((requests.len(), attempt.trace.challenges), (2, 1));
        assert!(attempt.trace.request_head.contains("Cookie: asked=1\r\n"));
    }
}

#[test]
fn the_answer_takes_the_place_of_what_was_sent_unasked() {
    let (server, requests) =
        asking(&["Basic realm=\"agents\"\nNegotiate, Digest realm=\"agents\", nonce=\"n\", qop=\"auth\""]);
    let attempt = attempt(&Dial {
        headers: pairs(&[("authorization", "Basic bWU6c2VjcmV0"), ("X-Mine", "1")]),
        login: Some(login("agents")),
        ..dial(&server.url("/"))
    });
    assert_eq!(code(&attempt), "ok", "{:?}", attempt.result);
    let head = &attempt.trace.request_head;
    assert!(
        !head.contains("Basic") && head.contains("X-Mine: 1\r\n"),
        "{head}"
    );
    assert!(requests.lock().unwrap()[1].starts_with("Digest username=\"me\""));
}

#[test]
fn a_login_that_is_refused_is_not_tried_again() {
    let (server, requests) = asking(&[CHALLENGE; 9]);
    let attempt = attempt(&Dial {
        login: Some(login("")),
        ..dial(&server.url("/"))
    });
    assert_eq!(code(&attempt), "upgrade.status");
    let answer = attempt.trace.answer.as_ref().unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (401, &b"login!"[..]));
    assert_eq!(requests.lock().unwrap().len(), 2);
    assert!(!format!("{:?} {:?}", attempt.trace, login("")).contains("secret"));
}

#[test]
fn an_old_nonce_is_replaced_once() {
    const STALE: &str = "Digest realm=\"agents\", qop=\"auth\", nonce=\"n2\", stale=TRUE";
    let (server, requests) = asking(&[CHALLENGE, STALE]);
    let over = Dial {
        login: Some(login("")),
        ..dial(&server.url("/"))
    };
    assert_eq!(code(&attempt(&over)), "ok");
    let last = requests.lock().unwrap()[2].clone();
    assert!(is_right(STALE, "GET", "/", &last), "{last}");
    assert_eq!(
        (parameter(&last, "nonce"), parameter(&last, "nc")),
        ("n2", "00000001")
    );

    let (server, requests) = asking(&[STALE; 9]);
    let over = Dial {
        login: Some(login("")),
        ..dial(&server.url("/"))
    };
    assert_eq!(code(&attempt(&over)), "upgrade.status");
    assert_eq!(requests.lock().unwrap().len(), 3);
}

#[test]
fn challenges_that_are_not_for_this_login_are_the_answer() {
    let cases: [(&[&str], Option<Login>); 6] = [
        (
            &["Digest realm=\"other\", qop=\"auth\", nonce=\"n\""],
            Some(login("agents")),
        ),
        (&["Basic realm=\"agents\""], Some(login(""))),
        (
            &["Digest realm=\"agents\", nonce=\"n\", algorithm=SHA-1"],
            Some(login("")),
        ),
        (
            &["Digest realm=\"agents\", qop=\"auth-conf\", nonce=\"n\""],
            Some(login("")),
        ),
        (&["Digest \u{e4},,;=\""], Some(login(""))),
        (&[CHALLENGE], None),
    ];
    for (challenges, login) in cases {
        let challenges: &'static [&'static str] = Box::leak(challenges.to_vec().into_boxed_slice());
        let (server, requests) = asking(challenges);
        let attempt = attempt(&Dial {
            login,
            ..dial(&server.url("/"))
        });
        assert_eq!(code(&attempt), "upgrade.status", "{challenges:?}");
        assert_eq!(attempt.trace.answer.as_ref().unwrap().body, b"login!");
        assert_eq!(requests.lock().unwrap().len(), 1, "{challenges:?}");
    }
}

#[test]
fn another_host_than_the_targets_gets_no_login() {
    let (goal, requests) = asking(&[CHALLENGE; 9]);
    let to = goal.url("/");
    let server = Server::start(move |mut peer| {
        peer.read_head();
        peer.say(format!(
            "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
        ));
        peer.hold();
    });
    let attempt = attempt(&Dial {
        login: Some(login("")),
        ..dial(&server.url("/"))
    });
    assert_eq!(code(&attempt), "upgrade.status");
    assert_eq!(*requests.lock().unwrap(), [""]);
}

/// A proxy that answers the nth CONNECT with the nth of these, then with 200 and as the server itself; notes the
/// `Proxy-Authorization` of each, empty for none.
fn proxy_asking(challenges: &'static [&'static str]) -> (Server, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let requests = seen.clone();
    let proxy = Server::start(move |mut peer| {
        let head = peer.read_head().to_owned();
        let given = head
            .lines()
            .find_map(|line| line.strip_prefix("Proxy-Authorization: "));
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(given.unwrap_or_default().to_owned());
            seen.len()
        };
        if let Some(asks) = challenges.get(number - 1) {
            peer.say(format!(
                "HTTP/1.1 407 Who are you\r\nProxy-Authenticate: {asks}\r\nContent-Length: 6\r\n\r\nlogin!"
            ));
            return;
        }
        peer.say("HTTP/1.1 200 OK\r\n\r\n");
        assert!(!peer.read_head().contains("Proxy-Authorization"));
        peer.say(UPGRADED);
        peer.hold();
    });
    (proxy, requests)
}

fn through(proxy: &Server, login: &str) -> Dial {
    Dial {
        proxy: Some(format!("http://{login}{}", proxy.address).parse().unwrap()),
        ..dial("ws://server.invalid:81/")
    }
}

#[test]
fn a_proxy_s_challenge_is_answered_within_the_attempt() {
    let (proxy, requests) = proxy_asking(&[CHALLENGE]);
    let attempt = attempt(&through(&proxy, "me:secret@"));
    assert_eq!(code(&attempt), "ok", "{:?}", attempt.result);
    let requests = requests.lock().unwrap();
    assert!(requests[0].starts_with("Basic "), "{}", requests[0]);
    assert!(
        is_right(CHALLENGE, "CONNECT", "server.invalid:81", &requests[1]),
        "{}",
        requests[1]
    );
    assert_eq!((requests.len(), attempt.trace.challenges), (2, 1));
}

#[test]
fn a_proxy_that_cannot_be_satisfied_is_told_with_what_it_wants() {
    // The login, what it asks for each time, how often it is asked, what the failure says.
    type Case = (&'static str, &'static [&'static str], usize, &'static str);
    let cases: &[Case] = &[
        (
            "me:secret@",
            &[CHALLENGE; 9],
            2,
            "asks for Digest: it does not take this login",
        ),
        (
            "me:secret@",
            &["Basic realm=\"p\""],
            1,
            "asks for Basic: it does not take this login",
        ),
        (
            "me:secret@",
            &["NTLM"],
            1,
            "login by NTLM; only Basic and Digest can be answered",
        ),
        (
            "",
            &["Negotiate, Digest realm=\"p\", nonce=\"n\""],
            1,
            "asks for a login by Negotiate, Digest",
        ),
    ];
    for (login, challenges, asked, says) in cases {
        let (proxy, requests) = proxy_asking(challenges);
        let attempt = attempt(&through(&proxy, login));
        assert_eq!(code(&attempt), "proxy.auth", "{says}: {:?}", attempt.result);
        let detail = attempt.result.unwrap_err().detail();
        assert!(detail.ends_with(says), "{detail}");
        assert_eq!(requests.lock().unwrap().len(), *asked, "{says}");
        assert_eq!(attempt.trace.answer.unwrap().status, 407);
    }
    // One that finds each nonce too old has an end.
    let stale = "Digest realm=\"p\", nonce=\"n\", stale=true";
    let stale: &'static [&'static str] = Box::leak(Box::new([stale; 9]));
    let (proxy, requests) = proxy_asking(stale);
    assert_eq!(code(&attempt(&through(&proxy, "me:secret@"))), "proxy.auth");
    assert_eq!(requests.lock().unwrap().len(), 3);
}
