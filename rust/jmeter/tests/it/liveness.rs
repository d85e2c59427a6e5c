//! Peers that are gone without a word, peers that drop who is silent, and ourselves being held up.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use jmeter::Engine;

use crate::support::*;

const QUICK: Properties<'_> = &[("wsb.keepAlive", "200ms"), ("wsb.pongTimeout", "200ms")];

/// What keep-alive and pong time-out of [`QUICK`] come to, and room for a busy machine.
const FOUND_WITHIN: Duration = Duration::from_millis(400 + 1_000);

/// Uses the connection until it is told to be lost; answers how long that took.
fn until_lost(client: &Client, mut act: impl FnMut(&Client) -> Done) -> Duration {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        let done = act(client);
        if done.code() == "connection.lost" {
            assert!(
                done.detail().contains("keep-alive ping within 200 ms"),
                "{}",
                done.detail()
            );
            return begun.elapsed();
        }
    }
    panic!("a peer that is gone was never noticed");
}

#[test]
fn a_peer_that_is_gone_is_found_whatever_its_user_does() {
    type Act = fn(&Client) -> Done;
    let acts: [(&str, Act); 5] = [
        ("sends now and then", |client| {
            pause(30);
            client.send("anyone?")
        }),
        ("sends all the time", |client| client.send("anyone?")),
        ("waits for long", |client| {
            client.receive(&[("wsb.readTimeout", "4s")])
        }),
        ("waits often", |client| {
            client.receive(&[("wsb.readTimeout", "30ms"), ("wsb.optional", "true")])
        }),
        ("asks", |client| {
            let question = [("wsb.payload", "anyone?"), ("wsb.readTimeout", "50ms")];
            client.act("ExchangeSampler", &question)
        }),
    ];
    std::thread::scope(|scope| {
        for (name, act) in acts {
            scope.spawn(move || {
                // Takes everything, answers nothing.
                let client = Client::open(&server(|mut peer| peer.swallow()), QUICK);
                let took = until_lost(&client, act);
                assert!(took < FOUND_WITHIN, "{name}: {took:?}");
                assert!(took > Duration::from_millis(200), "{name}: {took:?}");
            });
        }
    });
}

#[test]
fn a_peer_that_is_gone_is_left_for_a_new_connection() {
    let url = numbered_server(|number, mut peer| match number {
        0 => peer.swallow(),
        _ => peer.echo(),
    });
    let client = Client::open(
        &url,
        &[
            QUICK,
            &[("wsb.reconnect", "on-next-use"), ("wsb.retry.strategy", "none")],
        ]
        .concat(),
    );
    let begun = Instant::now();
    let question = client.prepare(
        "ExchangeSampler",
        &[("wsb.payload", "hello"), ("wsb.readTimeout", "50ms")],
    );
    let answer = loop {
        let done = client.perform(question, None);
        if done.code() == "ok" {
            break done;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(4),
            "{}: {}",
            done.code(),
            done.detail()
        );
        pause(10);
    };
    assert_eq!((answer.text(), answer.figures[RECONNECTS]), ("hello", 1));
}

#[test]
fn a_wait_longer_than_the_servers_idle_limit_lives_by_pings() {
    let url = server(|mut peer| {
        peer.stream
            .set_read_timeout(Some(Duration::from_millis(600)))
            .unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(1_500) {
            // Drops who is silent.
            let Some((first, payload)) = peer.frame() else {
                return;
            };
            assert_eq!(first, 0x80 | PING);
            peer.say(PONG, &payload);
        }
        peer.text("push");
        peer.swallow();
    });
    let client = Client::open(&url, &[("wsb.keepAlive", "150ms"), ("wsb.pongTimeout", "2s")]);
    let done = client.receive(&[("wsb.readTimeout", "5s")]);
    assert_eq!(
        (done.text(), done.figures[RECEIVED]),
        ("push", 6),
        "its own pings do not count"
    );
}

#[test]
fn a_slow_peer_that_shows_itself_is_no_dead_one() {
    let url = server(|mut peer| {
        // One message, a byte at a time, and no pong.
        for byte in frame(0x80 | TEXT, &[b'x'; 10]) {
            pause(100);
            peer.raw(&[byte]);
        }
        peer.swallow();
    });
    let client = Client::open(&url, QUICK);
    let done = client.receive(&[("wsb.readTimeout", "5s")]);
    assert_eq!(done.text(), "xxxxxxxxxx");
}

/// Where the child of the test below finds its server.
const STALLED: &str = "WSB_TEST_STALLED_CLIENT";

/// The child: connects, and says on its standard output whether the connection outlived the stop.
#[test]
fn a_process_that_is_stopped() {
    let Ok(url) = std::env::var(STALLED) else {
        return;
    };
    let client = Client::open(&url, QUICK);
    // Its parent stops it somewhere in here.
    pause(1_500);
    let done = client.exchange("alive");
    println!("the answer is {}", done.code());
}

#[test]
#[cfg_attr(not(unix), ignore = "processes are stopped by signals")]
fn a_stop_of_our_own_process_is_not_told_as_the_servers_death() {
    let (pid, to_stop) = mpsc::channel::<u32>();
    let to_stop = Mutex::new(to_stop);
    let stopped = Arc::new(AtomicBool::new(false));
    let done = stopped.clone();
    let url = server(move |mut peer| {
        let pid = to_stop.lock().unwrap().recv().unwrap();
        while let Some((first, payload)) = peer.frame() {
            match first & 0xf {
                PING if !done.swap(true, Ordering::SeqCst) => {
                    signal("-STOP", pid);
                    peer.say(PONG, &payload);
                    pause(1_000);
                    signal("-CONT", pid);
                }
                PING => peer.say(PONG, &payload),
                _ => peer.say(first & 0xf, &payload),
            }
        }
    });
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "liveness::a_process_that_is_stopped", "--nocapture"])
        .env(STALLED, url)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    pid.send(child.id()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(stopped.load(Ordering::SeqCst), "no ping came");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("the answer is ok"), "{said}");
}

fn signal(signal: &str, pid: u32) {
    let done = Command::new("kill").args([signal, &pid.to_string()]).status();
    assert!(done.unwrap().success());
}

#[test]
fn a_peer_that_sends_without_end_costs_nobody_else_anything() {
    let (pongs, answered) = mpsc::channel();
    let url = numbered_server(move |number, mut peer| {
        if number == 0 {
            peer.raw(&frame(TEXT, b"begun"));
            let burst = frame(0, b"").repeat(4_000);
            while std::io::Write::write_all(&mut peer.stream, &burst).is_ok() {}
            return;
        }
        pause(400);
        let asked = Instant::now();
        peer.say(PING, b"there?");
        if peer.frame() == Some((0x80 | PONG, b"there?".to_vec())) {
            pongs.send(asked.elapsed()).unwrap();
        }
        peer.swallow();
    });
    let engine: Arc<Engine> = Arc::default();
    let endless = Client::open_on(engine.clone(), &url, &[]);
    let others: Vec<Client> = (0..10)
        .map(|_| Client::open_on(engine.clone(), &url, &[]))
        .collect();
    for _ in &others {
        let took = answered
            .recv_timeout(Duration::from_secs(5))
            .expect("a ping was not answered");
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
    let begun = Instant::now();
    let done = endless.receive(&[("wsb.readTimeout", "500ms")]);
    assert_ne!(done.code(), "ok");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let begun = Instant::now();
    engine.shutdown().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}
