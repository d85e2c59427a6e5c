//! Plain requests: the same way to the server, and no upgrade.

use websocket::Dial;

use crate::support::{Server, attempt, code, dial};

#[test]
fn a_plain_request_asks_for_no_upgrade_and_keeps_headers_and_answer() {
    let server = Server::start(|mut peer| {
        peer.read_head();
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        peer.hold();
    });
    let plain = Dial {
        plain: true,
        headers: vec![("X-Team".to_owned(), "blue".to_owned())],
        ..dial(&server.url("/session"))
    };
    let done = attempt(&plain);
    assert_eq!(code(&done), "upgrade.status", "there is no connection");
    let head = done.trace.request_head.to_ascii_lowercase();
    assert!(head.starts_with("get /session http/1.1\r\nhost: "), "{head}");
    assert!(head.contains("x-team: blue\r\n"), "{head}");
    for word in ["upgrade", "sec-websocket"] {
        assert!(!head.contains(word), "{head}");
    }
    let answer = done.trace.answer.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
}
