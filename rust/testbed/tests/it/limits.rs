//! Each limit through the real server: who gets in, what the refused are told, and that it is true.

use crate::client::{Client, attempt, header, limited, settled, start, status, until};
use std::thread::sleep;
use std::time::Duration;
use testbed::{Config, Refusal, RetryAfter, Server};

/// How many of so many simultaneous clients get in; all stay open.
fn herd(server: &Server, size: usize) -> (Vec<Client>, Vec<String>) {
    let (mut inside, mut refused) = (Vec::new(), Vec::new());
    for _ in 0..size {
        let (client, head) = attempt(server);
        if status(&head) == 101 {
            inside.push(client);
        } else {
            refused.push(head);
        }
    }
    (inside, refused)
}

#[test]
fn each_limit_lets_its_number_in_and_refuses_the_others() {
    for limit in [
        "token-bucket rate=0.001 burst=7",
        "fixed-window limit=7 window=10m",
        "sliding-window limit=7 window=10m",
        "sliding-window limit=7 window=10m reject-counts=true",
        "concurrency limit=7",
        "queue rate=0.001 burst=6 delay=6",
        "token-bucket rate=0.001 burst=9 + concurrency limit=7",
    ] {
        let server = start(limited(limit));
        let (inside, refused) = herd(&server, 10);
        assert_eq!((inside.len(), refused.len()), (7, 3), "{limit}");
        assert!(refused.iter().all(|head| status(head) == 429), "{limit}");
        let stats = settled(&server, 10);
        assert_eq!(
            (stats.attempts, stats.accepted, stats.refused, stats.open),
            (10, 7, 3, 7),
            "{limit}"
        );
    }
}

#[test]
fn who_waits_as_told_gets_in_and_who_comes_early_does_not() {
    for limit in [
        "token-bucket rate=2 burst=1",
        "fixed-window limit=1 window=500ms",
        "sliding-window limit=1 window=500ms",
        "token-bucket rate=2 burst=1 reject-counts=true",
        "fixed-window limit=1 window=500ms reject-counts=true",
        "sliding-window limit=1 window=500ms reject-counts=true",
    ] {
        let server = start(Config {
            retry_after: RetryAfter::Milliseconds,
            ..limited(limit)
        });
        let (_inside, refused) = herd(&server, 3);
        assert_eq!(refused.len(), 2, "{limit}");
        let wait: u64 = header(&refused[1], "retry-after-ms").unwrap().parse().unwrap();
        assert!((1..=500).contains(&wait), "{limit}: {wait}");
        sleep(Duration::from_millis(wait));
        assert_eq!(status(&attempt(&server).1), 101, "{limit}");
    }
}

#[test]
fn a_concurrency_limit_has_room_again_when_someone_leaves() {
    let server = start(limited("concurrency limit=2"));
    let (mut inside, refused) = herd(&server, 3);
    assert_eq!(header(&refused[0], "Retry-After"), Some("1"));
    inside.pop();
    until(&server, "one left", |stats| stats.open == 1);
    let (again, refused) = herd(&server, 2);
    assert_eq!((again.len(), refused.len()), (1, 1));
}

#[test]
fn a_refused_client_reads_the_whole_answer_and_then_a_clean_end() {
    let body = Some("Retry the request in [{seconds}] seconds".to_owned());
    let config = limited("fixed-window limit=0 window=1m");
    let server = start(Config {
        status: 503,
        body,
        retry_after: RetryAfter::None,
        ..config
    });
    let (mut client, head) = attempt(&server);
    assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{head}");
    assert_eq!(
        (header(&head, "Connection"), header(&head, "Retry-After")),
        (Some("close"), None)
    );
    // Bytes that nobody reads must not turn the end into a reset.
    client.send("late bytes");
    assert_eq!(client.text(), "Retry the request in [1] seconds");
}

#[test]
fn a_date_hint_is_relative_to_the_date_of_the_answer() {
    let server = start(Config {
        retry_after: RetryAfter::Date,
        ..limited("fixed-window limit=1 window=100s")
    });
    let (_inside, refused) = herd(&server, 2);
    let date = |name| httpdate::parse_http_date(header(&refused[0], name).unwrap()).unwrap();
    let wait = date("Retry-After").duration_since(date("Date")).unwrap();
    assert!((90..=101).contains(&wait.as_secs()), "{wait:?}");
}

#[test]
fn a_herd_from_many_threads_never_exceeds_the_limit() {
    let server = start(limited("fixed-window limit=50 window=10m"));
    let inside: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| herd(&server, 25).0.len()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(inside, 50);
    assert_eq!((server.stats().attempts, server.stats().refused), (200, 150));
}

#[test]
fn a_queue_answers_late_what_it_lets_in() {
    let server = start(limited("queue rate=5 burst=2"));
    let begun = std::time::Instant::now();
    let (inside, _) = herd(&server, 3);
    // One client after the other: each waits a fifth of a second, less what the one before took of it.
    assert_eq!(inside.len(), 3);
    assert!(
        begun.elapsed() >= Duration::from_millis(390),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_window_on_the_wall_clock_opens_on_it() {
    let server = start(Config {
        retry_after: RetryAfter::Milliseconds,
        ..limited("fixed-window limit=1 window=2s clock=aligned")
    });
    let wait = loop {
        let (_inside, refused) = herd(&server, 2);
        if let Some(head) = refused.first() {
            break header(head, "retry-after-ms").unwrap().parse::<u64>().unwrap();
        }
    };
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let opens = (now.as_millis() + u128::from(wait)) % 2_000;
    // The answer took its time on the way.
    assert!(!(1_000..1_900).contains(&opens) && opens < 1_000, "{opens}");
}

#[test]
fn each_way_to_refuse_shows_what_it_says_and_counts_as_refused() {
    for (refusal, seen) in [
        (Refusal::Reset, &[][..]),
        (Refusal::Close, &[]),
        (Refusal::AcceptAndClose(1013), &[0x88, 2, 0x03, 0xf5]),
    ] {
        let server = start(Config {
            refusal,
            ..limited("fixed-window limit=1 window=10m")
        });
        let (_inside, head) = attempt(&server);
        assert_eq!(status(&head), 101, "{refusal}");
        let mut client = Client::connect(&server);
        client.ask("/");
        if refusal == Refusal::AcceptAndClose(1013) {
            assert_eq!(status(&client.head()), 101);
        }
        // A reset shows as an error, an end as nothing.
        let bytes = client.read();
        match refusal {
            Refusal::Reset => assert_eq!(bytes.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset),
            _ => assert_eq!(bytes.unwrap(), seen, "{refusal}"),
        }
        let stats = settled(&server, 2);
        assert_eq!((stats.accepted, stats.refused), (1, 1), "{refusal}");
    }
}

#[test]
fn a_refused_connection_stays_open_where_the_server_is_told_so() {
    let server = start(Config {
        keep_alive_refusals: true,
        ..limited("token-bucket rate=5 burst=1")
    });
    let (_inside, _) = attempt(&server);
    let mut client = Client::connect(&server);
    client.ask("/");
    let refusal = client.answer();
    assert_eq!((refusal.status(), refusal.header("Connection")), (429, None));
    sleep(Duration::from_millis(250));
    client.ask("/");
    assert_eq!(status(&client.head()), 101, "on the same connection");
}

#[test]
fn a_silent_refusal_says_nothing_and_counts() {
    let server = start(Config {
        refusal: Refusal::Silence,
        ..limited("fixed-window limit=0 window=10m")
    });
    let mut client = Client::connect(&server);
    client.ask("/");
    until(&server, "one refused", |stats| stats.refused == 1);
    client
        .0
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let error = client.read().unwrap_err();
    assert!(
        matches!(
            error.kind(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
        ),
        "{error}"
    );
}
