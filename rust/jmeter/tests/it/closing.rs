//! Close with code and reason, by whom ever; and what a plan sees of it afterwards.

use std::time::Duration;

use crate::support::*;

#[test]
fn a_close_says_code_and_reason_and_tells_the_answer() {
    let url = server(|mut peer| {
        let (first, payload) = peer.frame().unwrap();
        assert_eq!(
            (first, payload.as_slice()),
            (0x80 | CLOSE, &b"\x0b\xb8bye now"[..])
        );
        peer.close(3001, "see you");
    });
    let client = Client::open(&url, &[]);
    let done = client.act(
        "CloseSampler",
        &[("wsb.close.code", "3000"), ("wsb.close.reason", "bye now")],
    );
    assert_eq!(done.text(), "see you");
    assert_eq!((done.figures[CLOSE_CODE], done.figures[KIND]), (3001, 1));
    // Frame head, our mask, code, reason.
    assert_eq!(
        (done.figures[SENT], done.figures[RECEIVED]),
        (2 + 4 + 2 + 7, 2 + 2 + 7)
    );
    let after = client.send("more");
    assert_ne!(after.code(), "ok", "it is closed");
    assert!(after.elapsed() < Duration::from_millis(50));
}

#[test]
fn a_close_that_nobody_answers_ends_in_time() {
    let client = Client::open(&server(|mut peer| peer.swallow()), &[]);
    let done = client.act("CloseSampler", &[("wsb.close.timeout", "100ms")]);
    assert_eq!(done.code(), "close.timeout");
    assert!(
        (100..400).contains(&done.elapsed().as_millis()),
        "{:?}",
        done.elapsed()
    );
}

#[test]
fn an_abort_sends_no_close_frame() {
    let (ended, end) = std::sync::mpsc::channel();
    let ended = std::sync::Mutex::new(ended);
    let url = server(move |mut peer| {
        let frame = peer.frame();
        ended.lock().unwrap().send(frame).unwrap();
    });
    let client = Client::open(&url, &[]);
    let done = client.act("CloseSampler", &[("wsb.close.abort", "true")]);
    assert_eq!((done.code().as_str(), done.figures[CLOSE_CODE]), ("ok", 0));
    assert_eq!(end.recv_timeout(Duration::from_secs(2)).unwrap(), None);
}

#[test]
fn a_close_after_the_servers_close_tells_its_code() {
    let url = server(|mut peer| {
        peer.close(1012, "restart");
        peer.swallow();
    });
    let client = Client::open(&url, &[]);
    let done = client.receive(&[]);
    assert_eq!(done.code(), "closed.1012");
    assert!(done.detail().contains("restart"), "{}", done.detail());
    assert_eq!(done.figures[CLOSE_CODE], 1012);
    assert_eq!(
        client.send("more").code(),
        "closed.1012",
        "and so for all that follow"
    );
    let done = client.act("CloseSampler", &[]);
    assert_eq!((done.text(), done.figures[CLOSE_CODE]), ("restart", 1012));
}

#[test]
fn the_end_of_the_test_says_going_away_on_kept_connections() {
    let (told, tell) = std::sync::mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let url = server(move |mut peer| told.lock().unwrap().send(peer.frame()).unwrap());
    let client = Client::open(&url, &[]);
    let send = client.prepare("SendSampler", &[]);
    pause(150);
    client.engine.shutdown().unwrap();
    let frame = tell.recv_timeout(Duration::from_secs(2)).unwrap();
    assert_eq!(frame, Some((0x80 | CLOSE, b"\x03\xe9test ended".to_vec())));
    assert!(
        client.engine.perform(client.handle, send, None, None).is_err(),
        "operations are gone too"
    );
    let again = Client::open_on(client.engine.clone(), &server(|mut peer| peer.echo()), &[]);
    pause(150);
    assert_eq!(again.exchange("usable again").text(), "usable again");
}
