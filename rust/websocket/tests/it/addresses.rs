//! Names, addresses and TCP connects.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use websocket::{Attempt, Cookies, Dial, Names, USUAL_TTL, open};

use crate::support::{PATIENCE, Peer, Server, attempt, attempt_within, closed_port, code, dial, runtime};

fn loopback(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}

fn upgrade(mut peer: Peer) {
    peer.upgrade();
    peer.hold();
}

/// A port with a server on 127.0.0.`last` only.
fn server_on(last: u8) -> Server {
    Server::start_on(loopback(last), 0, None, upgrade)
}

fn to(port: u16, addresses: Vec<IpAddr>) -> Attempt {
    attempt(&Dial {
        addresses,
        ..dial(&format!("ws://name.invalid:{port}/"))
    })
}

#[test]
fn given_addresses_need_no_lookup() {
    let server = server_on(1);
    let attempt = to(server.address.port(), vec![loopback(1)]);
    assert_eq!(code(&attempt), "ok", "{:?}", attempt.result);
    assert_eq!(attempt.trace.dns, None);
    assert!(attempt.trace.request_head.contains("\r\nHost: name.invalid:"));
}

#[test]
fn a_refused_address_is_passed_over_at_once() {
    let server = server_on(3);
    let attempt = to(server.address.port(), vec![loopback(4), loopback(5), loopback(3)]);
    assert_eq!(code(&attempt), "ok", "{:?}", attempt.result);
    assert_eq!(attempt.trace.remote, Some(server.address));
}

#[test]
fn when_all_are_refused_all_are_named() {
    let port = closed_port();
    let attempt = to(port, vec![loopback(1), loopback(4), loopback(1)]);
    assert_eq!(code(&attempt), "tcp.refused");
    let detail = attempt.result.unwrap_err().detail();
    assert!(
        detail.contains(&format!(
            "name.invalid:{port} (127.0.0.1:{port}, 127.0.0.4:{port})"
        )),
        "{detail}"
    );
    assert!(attempt.trace.tcp.is_some());
}

/// A listener whose accept queue is full, so that further connects get no answer.
fn deaf(last: u8, port: u16) -> (socket2::Socket, Vec<socket2::Socket>) {
    let new = || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let listener = new();
    let address = std::net::SocketAddr::new(loopback(last), port);
    listener.bind(&address.into()).unwrap();
    listener.listen(0).unwrap();
    let bound = listener.local_addr().unwrap();
    let fillers: Vec<_> = (0..4)
        .map(|_| {
            let filler = new();
            filler.set_nonblocking(true).unwrap();
            let _ = filler.connect(&bound);
            filler
        })
        .collect();
    // The handshakes of the fillers are done by the kernel, a moment after connect.
    std::thread::sleep(Duration::from_millis(20));
    (listener, fillers)
}

#[test]
#[cfg(target_os = "linux")]
fn a_silent_address_is_overtaken_by_the_next() {
    let server = server_on(7);
    let _deaf = deaf(6, server.address.port());
    let attempt = to(server.address.port(), vec![loopback(6), loopback(7)]);
    assert_eq!(code(&attempt), "ok", "{:?}", attempt.result);
    assert_eq!(attempt.trace.remote, Some(server.address));
    // The stagger of RFC 8305, and less than the first retransmission of the silent one would take.
    let tcp = attempt.trace.tcp.unwrap();
    assert!(
        tcp >= Duration::from_millis(240) && tcp < Duration::from_millis(900),
        "{tcp:?}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_silent_address_ends_at_the_connect_timeout() {
    let (listener, _fillers) = deaf(8, 0);
    let port = listener.local_addr().unwrap().as_socket().unwrap().port();
    let connect_timeout = Duration::from_millis(100);
    for addresses in [vec![loopback(8)], vec![loopback(8), loopback(8)]] {
        let dial = Dial {
            addresses,
            connect_timeout,
            ..dial(&format!("ws://name.invalid:{port}/"))
        };
        let attempt = attempt_within(&dial, PATIENCE);
        assert_eq!(code(&attempt), "tcp.timeout", "{:?}", attempt.result);
        let tcp = attempt.trace.tcp.unwrap();
        assert!(
            tcp >= connect_timeout * 9 / 10 && tcp < Duration::from_secs(5),
            "{tcp:?}"
        );
        assert!(attempt.result.unwrap_err().detail().contains("100 ms"));
    }
}

#[test]
fn the_attempts_timeout_counts_before_the_connect_timeout() {
    let server = Server::start(|mut peer| peer.hold());
    let attempt = attempt_within(&dial(&server.url("/")), Duration::from_millis(50));
    assert_eq!(code(&attempt), "upgrade.timeout");
    let nothing = attempt_within(&dial(&server.url("/")), Duration::ZERO);
    assert!(nothing.result.unwrap_err().code().as_str().ends_with(".timeout"));
    let forever = Dial {
        connect_timeout: Duration::MAX,
        ..dial("ws://127.0.0.1:1/")
    };
    assert_eq!(code(&attempt_within(&forever, Duration::MAX)), "tcp.refused");
}

#[test]
fn names_are_looked_up_and_the_time_is_told() {
    let server = server_on(1);
    let by_name = Dial {
        names: Names::default(),
        ..dial(&format!("ws://localhost:{}/", server.address.port()))
    };
    let found = attempt(&by_name);
    assert_eq!(code(&found), "ok", "{:?}", found.result);
    assert!(found.trace.dns.is_some() && found.trace.dns_queue.is_some());
    let again = attempt(&by_name);
    assert_eq!(code(&again), "ok", "{:?}", again.result);
    assert_eq!(again.trace.dns, None, "the answer is kept");
    let missing = attempt(&dial("ws://no-such-host.invalid/"));
    // Without a network the resolver says that it could not ask.
    assert!(
        ["dns.not-found", "dns.failed"].contains(&code(&missing)),
        "{:?}",
        missing.result
    );
    assert!(missing.trace.dns.is_some() && missing.trace.tcp.is_none());
    assert!(
        missing
            .result
            .unwrap_err()
            .detail()
            .contains("no-such-host.invalid")
    );
}

#[test]
fn ipv6_works_where_the_machine_has_it() {
    let Ok(listener) = std::net::TcpListener::bind("[::1]:0") else {
        return;
    };
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let server = Server::start_on("::1".parse().unwrap(), port, None, upgrade);
    let attempt = attempt(&dial(&format!("ws://[::1]:{port}/")));
    assert_eq!(code(&attempt), "ok", "{:?}", attempt.result);
    assert!(
        attempt
            .trace
            .request_head
            .contains(&format!("\r\nHost: [::1]:{port}\r\n"))
    );
    drop(server);
}

#[test]
fn a_task_of_the_runtime_may_open_too() {
    let server = server_on(1);
    let dial = dial(&server.url("/"));
    let task = runtime().spawn(async move { open(&dial, &Cookies::default(), PATIENCE).await });
    let attempt = runtime().block_on(task).unwrap();
    assert_eq!(code(&attempt), "ok", "{:?}", attempt.result);
}

#[test]
fn dropping_an_attempt_closes_its_socket() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let server = Server::start(move |mut peer| {
        peer.read_head();
        sender.send("asked").unwrap();
        peer.hold();
        sender.send("gone").unwrap();
    });
    let dial = dial(&server.url("/"));
    runtime().block_on(async {
        let cookies = Cookies::default();
        let attempt = std::pin::pin!(open(&dial, &cookies, PATIENCE));
        assert!(
            tokio::time::timeout(Duration::from_millis(100), attempt)
                .await
                .is_err()
        );
    });
    assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), "asked");
    assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), "gone");
}

#[test]
fn a_crowd_that_asks_for_a_name_at_once_costs_one_lookup() {
    const USERS: usize = 100;
    let server = server_on(1);
    let asked = Arc::<AtomicUsize>::default();
    let counter = asked.clone();
    let slow = Duration::from_millis(20);
    let names = Names::by(move |name| {
        assert_eq!(name, "crowd.test");
        counter.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(slow);
        Ok(vec![loopback(1)])
    });
    let crowd = |name_ttl| {
        let dial = Arc::new(Dial {
            names: names.clone(),
            name_ttl,
            ..dial(&format!("ws://crowd.test:{}/", server.address.port()))
        });
        let one = |dial: Arc<Dial>| {
            runtime().spawn(async move { open(&dial, &Cookies::default(), PATIENCE).await })
        };
        let tasks: Vec<_> = (0..USERS).map(|_| one(dial.clone())).collect();
        let done = tasks.into_iter().map(|task| runtime().block_on(task).unwrap());
        done.collect::<Vec<Attempt>>()
    };
    for attempt in crowd(USUAL_TTL) {
        assert_eq!(code(&attempt), "ok", "{:?}", attempt.result);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // Nothing is kept, and all the same those who ask while somebody asks share his answer. How many do depends on the machine.
    for attempt in crowd(Duration::ZERO) {
        assert_eq!(code(&attempt), "ok", "{:?}", attempt.result);
        let queue = attempt.trace.dns_queue.unwrap();
        assert!(queue + attempt.trace.dns.unwrap() <= attempt.trace.total);
    }
    assert!(asked.load(Ordering::SeqCst) < USERS / 2, "{asked:?}");
}

#[test]
fn a_lookups_time_in_our_own_queue_is_not_the_resolvers() {
    let narrow = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let busy = Duration::from_millis(100);
    drop(narrow.spawn_blocking(move || std::thread::sleep(busy)));
    let queued = Dial {
        names: Names::by(|_| Ok(vec![loopback(1)])),
        ..dial(&format!("ws://queued.test:{}/", closed_port()))
    };
    let attempt = narrow.block_on(open(&queued, &Cookies::default(), PATIENCE));
    assert_eq!(code(&attempt), "tcp.refused");
    let (queue, dns) = (attempt.trace.dns_queue.unwrap(), attempt.trace.dns.unwrap());
    // The thread slept at least that long, less what had passed before the attempt began.
    assert!(queue >= busy / 2 && dns < queue, "{queue:?} {dns:?}");
}
