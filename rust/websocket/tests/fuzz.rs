//! Broken inputs from the other side: answers to the upgrade, of proxies, frames, and addresses.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "the other tests of the crate need more of it")]
#[path = "it/support.rs"]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fuzz::Fuzz;
use websocket::{Attempt, Cookies, Dial, Error, Proxy, Target, open};

use support::{Peer, Server, UPGRADED, dial, runtime};

/// How long an attempt, or a message, may take. Peers end their side at once, so it is hardly ever needed.
const WAIT: Duration = Duration::from_secs(2);
/// The bound of a message.
const LARGEST: usize = 64 * 1024;
/// The bound of a refusal's body.
const BODY: usize = 64 * 1024;

fn corpus(name: &str) -> String {
    format!("{}/tests/corpus/{name}.txt", env!("CARGO_MANIFEST_DIR"))
}

/// A server that says the input of the moment and then ends its side.
struct Scripted {
    server: Server,
    /// Made once: reading the system's certificates takes longer than a case.
    dial: Dial,
    input: Arc<Mutex<Vec<u8>>>,
}

impl Scripted {
    fn start(say: impl Fn(&mut Peer, &[u8]) + Send + Sync + 'static) -> Self {
        let input: Arc<Mutex<Vec<u8>>> = Arc::default();
        let shared = input.clone();
        let server = Server::start(move |mut peer| {
            let input = shared.lock().unwrap().clone();
            say(&mut peer, &input);
            peer.half_close();
            peer.hold();
        });
        let mut dial = dial(&server.url("/"));
        // A broken `Location` must not lead away from this machine.
        dial.max_redirects = 0;
        dial.max_message = LARGEST;
        Self { server, dial, input }
    }

    fn dial(&self, input: &[u8], change: impl FnOnce(&mut Dial)) -> Attempt {
        input.clone_into(&mut self.input.lock().unwrap());
        let mut dial = self.dial.clone();
        change(&mut dial);
        let attempt = runtime().block_on(open(&dial, &Cookies::default(), WAIT));
        if let Some(answer) = &attempt.trace.answer {
            assert!(answer.body.len() <= BODY, "{} bytes of body", answer.body.len());
        }
        if let Err(error) = &attempt.result {
            names_something(error);
        }
        attempt
    }
}

fn names_something(error: &Error) {
    assert!(error.code().as_str().contains('.'), "{}", error.code().as_str());
    let text = error.to_string();
    assert!(!text.is_empty(), "{} says nothing", error.code().as_str());
    assert!(text.len() < 4_096, "{} characters", text.len());
}

/// Reads to the end, which must come as a code.
fn receive_all(attempt: Attempt) {
    let Ok(mut connection) = attempt.result else {
        return;
    };
    loop {
        match connection.receive(WAIT) {
            Ok(received) => assert!(received.payload.len() <= LARGEST),
            Err(error) => return names_something(&error),
        }
    }
}

#[test]
fn an_answer_to_the_upgrade_is_a_connection_or_a_code() {
    let peer = Scripted::start(|peer, input| {
        peer.read_head();
        peer.say(input);
    });
    Fuzz::new(corpus("heads"), 1_500).run(|input| {
        receive_all(peer.dial(input, |dial| {
            dial.compression = true;
            dial.subprotocols = vec!["chat".to_owned()];
        }));
    });
}

#[test]
fn what_a_proxy_says_is_a_tunnel_or_a_code() {
    let http = Scripted::start(|peer, input| {
        peer.read_head();
        peer.say(input);
    });
    Fuzz::new(corpus("proxies"), 800).run(|input| {
        let address = http.server.address;
        receive_all(http.dial(input, |dial| {
            dial.proxy = Some(format!("http://u:p@{address}").parse().unwrap());
        }));
    });
    let socks = Scripted::start(|peer, input| peer.say(input));
    Fuzz::new(corpus("socks"), 800).run(|input| {
        let address = socks.server.address;
        let proxy = format!("socks5://u:p@{address}");
        receive_all(socks.dial(input, |dial| dial.proxy = Some(proxy.parse().unwrap())));
    });
}

#[test]
fn frames_are_messages_within_the_bound_or_a_code() {
    for extension in ["", "\r\nSec-WebSocket-Extensions: permessage-deflate"] {
        let head = UPGRADED.replace("\r\n\r\n", &format!("{extension}\r\n\r\n"));
        let peer = Scripted::start(move |peer, input| {
            peer.read_head();
            peer.say(&head);
            let _ = peer.stream.write_all(input);
        });
        Fuzz::new(corpus("frames"), 1_000).run(|input| {
            let attempt = peer.dial(input, |dial| dial.compression = !extension.is_empty());
            assert!(attempt.result.is_ok(), "{:?}", attempt.result.err());
            receive_all(attempt);
        });
    }
}

#[test]
fn an_address_is_a_target_or_an_error_that_names_something() {
    let base = Target::parse("ws://127.0.0.1:9001/a/b?c").unwrap();
    Fuzz::new(corpus("urls"), 20_000).run(|input| {
        let text = String::from_utf8_lossy(input);
        for parsed in [Target::parse(&text), base.join(&text)] {
            match parsed {
                Ok(target) => {
                    assert!(!target.host().is_empty() && target.port() > 0, "{text}");
                    assert!(target.path_and_query().starts_with('/'), "{text}");
                    let sent = [target.authority(), target.path_and_query()].concat();
                    assert!(
                        !sent.contains(char::is_control) && !sent.contains(' '),
                        "{sent:?}"
                    );
                }
                Err(error) => assert!(error.to_string().len() > 5, "{error}"),
            }
        }
        if let Err(error) = text.parse::<Proxy>() {
            assert!(error.to_string().len() > 5, "{error}");
        }
    });
}
