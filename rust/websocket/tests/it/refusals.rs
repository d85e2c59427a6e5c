//! Answers that refuse the upgrade: status, reason and body survive whatever the framing is.

use std::time::{Duration, Instant};

use crate::script::Step::{Drip, Hold, Repeat, Say};
use crate::script::{LONG, SHORT, Step, run, say};
use crate::support::code;

/// Steps of a refusal, and the status, reason, body and whether it is cut, that must come of it.
type Refusal = (&'static str, Vec<Step>, (u16, &'static str), Vec<u8>, bool);

fn refusals() -> Vec<Refusal> {
    let whole = |text: &str| vec![say(text), Hold];
    let large = vec![b'x'; 70_000];
    let headed = |body: &[u8]| {
        let head = format!("HTTP/1.1 503 Busy\r\nContent-Length: {}\r\n\r\n", body.len());
        vec![Say([head.as_bytes(), body].concat()), Hold]
    };
    vec![
        (
            "with length",
            whole("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nContent-Length: 4\r\n\r\nbusy"),
            (429, "Too Many Requests"),
            b"busy".into(),
            false,
        ),
        (
            "HTTP/1.0 until close",
            vec![say(
                "HTTP/1.0 503 Service Unavailable\r\nRetry-After: 7\r\n\r\nslow down",
            )],
            (503, "Service Unavailable"),
            b"slow down".into(),
            false,
        ),
        (
            "chunked",
            whole(
                "HTTP/1.1 429 Zu viel\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n",
            ),
            (429, "Zu viel"),
            b"abcdefg".into(),
            false,
        ),
        (
            "chunked in pieces",
            vec![
                say("HTTP/1.1 429 x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na"),
                Drip(b"bc\r\n2\r\nde\r\n0\r\n\r\n".into(), Duration::from_millis(1)),
                Hold,
            ],
            (429, "x"),
            b"abcde".into(),
            false,
        ),
        (
            "without length, until close",
            vec![
                say("HTTP/1.1 429 Too Many Requests\r\n\r\n"),
                say("part one, "),
                say("part two"),
            ],
            (429, "Too Many Requests"),
            b"part one, part two".into(),
            false,
        ),
        (
            "103 before",
            whole("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 429 x\r\nContent-Length: 1\r\n\r\ny"),
            (429, "x"),
            b"y".into(),
            false,
        ),
        (
            "200",
            whole("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
            (200, "OK"),
            b"hi".into(),
            false,
        ),
        (
            "204",
            whole("HTTP/1.1 204 No Content\r\n\r\n"),
            (204, "No Content"),
            vec![],
            false,
        ),
        (
            "304 with a length",
            whole("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
            (304, "Not Modified"),
            vec![],
            false,
        ),
        (
            "empty body",
            whole("HTTP/1.1 429 x\r\nContent-Length: 0\r\n\r\n"),
            (429, "x"),
            vec![],
            false,
        ),
        (
            "no reason",
            whole("HTTP/1.1 429\r\nContent-Length: 0\r\n\r\n"),
            (429, ""),
            vec![],
            false,
        ),
        (
            "unknown status",
            whole("HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n"),
            (799, "Odd"),
            vec![],
            false,
        ),
        (
            "301 without Location",
            whole("HTTP/1.1 301 Moved\r\nContent-Length: 1\r\n\r\nm"),
            (301, "Moved"),
            b"m".into(),
            false,
        ),
        (
            "exactly 64 KiB",
            headed(&large[..65_536]),
            (503, "Busy"),
            large[..65_536].into(),
            false,
        ),
        (
            "over 64 KiB",
            headed(&large),
            (503, "Busy"),
            large[..65_536].into(),
            true,
        ),
        (
            "body without end",
            vec![say("HTTP/1.1 503 Busy\r\n\r\n"), Repeat(large.clone())],
            (503, "Busy"),
            vec![b'x'; 65_536],
            true,
        ),
        (
            "length longer than what comes",
            vec![say("HTTP/1.1 429 x\r\nContent-Length: 100\r\n\r\nshort")],
            (429, "x"),
            b"short".into(),
            true,
        ),
        (
            "chunks that end early",
            vec![say(
                "HTTP/1.1 429 x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
            )],
            (429, "x"),
            b"abc".into(),
            true,
        ),
        (
            "chunk size that is none",
            whole("HTTP/1.1 429 x\r\nTransfer-Encoding: chunked\r\n\r\n!\r\nabc"),
            (429, "x"),
            vec![],
            true,
        ),
        (
            "two lengths",
            whole("HTTP/1.1 429 x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
            (429, "x"),
            vec![],
            true,
        ),
        (
            "a length that is none",
            whole("HTTP/1.1 429 x\r\nContent-Length: abc\r\n\r\nab"),
            (429, "x"),
            vec![],
            true,
        ),
        (
            "chunks in HTTP/1.0",
            whole("HTTP/1.0 429 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            (429, "x"),
            vec![],
            true,
        ),
        (
            "more headers than hyper takes",
            vec![
                Say(format!("HTTP/1.1 429 x\r\n{}\r\n", "A: b\r\n".repeat(600)).into()),
                Hold,
            ],
            (429, "x"),
            vec![],
            true,
        ),
        (
            "a reason in UTF-8",
            whole("HTTP/1.1 503 \u{dc}berlastet\r\nContent-Length: 0\r\n\r\n"),
            (503, "\u{dc}berlastet"),
            vec![],
            false,
        ),
        (
            "a header line that is none",
            whole("HTTP/1.1 429 x\r\nno colon here\r\nContent-Length: 1\r\n\r\ny"),
            (429, "x"),
            b"y".into(),
            false,
        ),
    ]
}

#[test]
fn a_refusal_keeps_status_reason_and_body() {
    for (name, steps, (status, reason), body, is_cut) in refusals() {
        let attempt = run(steps, LONG);
        assert_eq!(code(&attempt), "upgrade.status", "{name}: {:?}", attempt.result);
        let answer = attempt.trace.answer.expect(name);
        assert_eq!(
            (answer.status, answer.reason.as_str()),
            (status, reason),
            "{name}"
        );
        assert_eq!(answer.body.len(), body.len(), "{name}");
        assert!(answer.body == body, "{name}");
        assert_eq!(answer.body_cut, is_cut, "{name}");
        assert!(attempt.trace.body_bytes >= body.len() as u64, "{name}");
        assert!(attempt.trace.sent <= attempt.trace.head, "{name}");
    }
}

#[test]
fn a_body_that_stalls_costs_a_moment_and_is_not_the_servers_answer_time() {
    for steps in [
        vec![say("HTTP/1.1 429 x\r\n\r\nso far"), Hold],
        vec![say("HTTP/1.1 429 x\r\nContent-Length: 100\r\n\r\nso far"), Hold],
    ] {
        let began = Instant::now();
        let attempt = run(steps, LONG);
        let elapsed = began.elapsed();
        let trace = attempt.trace;
        let answer = trace.answer.unwrap();
        assert_eq!(
            (answer.status, answer.body.as_slice(), answer.body_cut),
            (429, &b"so far"[..], true)
        );
        let moment = Duration::from_millis(400);
        assert!(trace.stalled >= moment && elapsed < LONG, "{elapsed:?}");
        assert!(trace.total + trace.stalled <= elapsed, "{:?}", trace.total);
    }
}

#[test]
fn a_body_that_drips_is_given_up_after_a_second() {
    let drip = Drip(vec![b'x'; 10_000], Duration::from_millis(20));
    let attempt = run(vec![say("HTTP/1.1 429 x\r\n\r\n"), drip], LONG);
    let trace = attempt.trace;
    let answer = trace.answer.unwrap();
    assert!(answer.body_cut && !answer.body.is_empty() && answer.body.len() < 100);
    assert!(trace.stalled >= Duration::from_secs(1) && trace.total < trace.stalled);
}

#[test]
fn a_coded_body_is_shown_as_it_is_meant() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, b"{\"retryAfter\":7}").unwrap();
    let gzip = gzip.finish().unwrap();
    let head = format!(
        "HTTP/1.1 429 x\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        gzip.len()
    );
    let attempt = run(vec![Say([head.as_bytes(), &gzip].concat()), Hold], LONG);
    let answer = attempt.trace.answer.unwrap();
    assert_eq!(
        (answer.body.as_slice(), answer.body_cut),
        (&b"{\"retryAfter\":7}"[..], false)
    );
    assert_eq!(
        attempt.trace.body_bytes,
        gzip.len() as u64,
        "what came over the wire"
    );
}

#[test]
fn the_deadline_holds_within_a_body_too() {
    let attempt = run(vec![say("HTTP/1.1 429 x\r\n\r\nso far"), Hold], SHORT);
    assert_eq!(code(&attempt), "upgrade.status");
    let all = attempt.trace.total + attempt.trace.stalled;
    assert!(all >= SHORT && all < Duration::from_secs(2));
}
