//! Connections that nobody uses for a while: they stay alive, and cost little.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use system::jmeter::{Home, Jmeter};
use system::peers::{Certificates, Peer};
use system::plan::{Group, Plan};
use system::serve::Serve;

use crate::conversation::wait_for_samples;
use crate::say;
use crate::seen::Seen;
use crate::support::{LIMIT, complaints, folder, jmeter_of, together, waiting};

/// Of them with TLS: [`OVER_TLS`].
const USERS: u32 = 20;
const OVER_TLS: u32 = 2;
const CONNECTIONS: u32 = 100;

/// CPU time in seconds that a ping and its pong cost a thread that does nothing else, at the keeper's rate: the kernel's part, as fast
/// as this machine is now. As there, each comes to a socket that has slept and by a thread that has: in one breath on one socket they
/// cost a half of that.
fn ping_by_hand(each_second: u32) -> f64 {
    const SOCKETS: usize = 200;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (mut near, mut far): (Vec<_>, Vec<_>) = (0..SOCKETS)
        .map(|_| {
            let near = TcpStream::connect(address).unwrap();
            near.set_nodelay(true).unwrap();
            (near, listener.accept().unwrap().0)
        })
        .unzip();
    let echo = std::thread::spawn(move || {
        let mut ping = [0; 6];
        for place in (0..SOCKETS).cycle() {
            if far[place].read_exact(&mut ping).is_err() {
                return;
            }
            far[place].write_all(&ping[..2]).unwrap();
        }
    });
    let own = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
    };
    let mut turn = (0..SOCKETS).cycle();
    let looks = (0..3).map(|_| {
        let (before, begun) = (own(), Instant::now());
        for ping in 0..each_second {
            let due = Duration::from_secs(1) * ping / each_second;
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
            let near = &mut near[turn.next().unwrap()];
            near.write_all(&[0x89, 0x80, 0, 0, 0, 0]).unwrap();
            near.read_exact(&mut [0; 2]).unwrap();
        }
        (own() - before) / f64::from(each_second)
    });
    let least = looks.fold(f64::INFINITY, f64::min);
    drop(near);
    echo.join().unwrap();
    least
}

#[test]
fn a_pause_of_half_a_minute_costs_no_connection_and_no_thread() {
    const PAUSE: Duration = Duration::from_secs(30);
    let _turn = waiting();
    let folder = folder("long_pause");
    let certificates = Certificates::new(&folder.join("certificates")).unwrap();
    let plain = Peer::python_that_pings(None).unwrap();
    let tls = Peer::python_that_pings(Some(&certificates)).unwrap();
    let authority = certificates.authority().display().to_string();
    let ids: Vec<String> = (0..CONNECTIONS).map(|number| number.to_string()).collect();
    let mut plan = Plan::default();
    for (name, url, users) in [
        ("plain", plain.url("/"), USERS - OVER_TLS),
        ("TLS", tls.tls_url("/"), OVER_TLS),
    ] {
        let mut group = Group::new(name, users);
        for id in &ids {
            let open = [
                ("wsb.url", url.as_str()),
                ("wsb.tls.caFile", &authority),
                ("wsb.connection", id),
            ];
            group = group.connect("connect", &open);
        }
        group = group.pause(&PAUSE.as_millis().to_string());
        for id in &ids {
            let properties = [("wsb.payload", "still there?"), ("wsb.connection", id)];
            group = group.sampler("Exchange", "after the pause", &properties);
        }
        plan = plan.and(group);
    }
    let run_it = jmeter_of(&plan, &folder);
    let running = run_it
        .property("jmeter.save.saveservice.autoflush", "true")
        .start()
        .unwrap();
    let all = (USERS * CONNECTIONS) as usize;
    wait_for_samples(&running, &folder, all);
    let process = Seen::new(running.id());
    // The least of some looks: what else happens on the machine only adds to the keeper's own.
    let looks = (0..5).map(|_| {
        let (cpu, begun) = (process.cpu_of("wsb-keeper"), Instant::now());
        std::thread::sleep(PAUSE / 10);
        (process.cpu_of("wsb-keeper") - cpu) / begun.elapsed().as_secs_f64()
    });
    let share = looks.fold(f64::INFINITY, f64::min);
    let threads = process.threads();
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    assert_eq!(complaints(&finished), Vec::<String>::new());

    say!(
        "{all} connections, a tenth of them TLS, each pinged every second: the keeper takes {:.1} % of a core; {} threads in all",
        share * 100.0,
        threads.len()
    );
    let keepers = threads.iter().filter(|name| *name == "wsb-keeper").count();
    assert_eq!(keepers, 1, "{threads:?}");
    assert!(threads.len() < all / 10, "{threads:?}");
    let plain = ping_by_hand(USERS * CONNECTIONS);
    let each = share / all as f64;
    assert!(
        share < 0.05 || each < 3.0 * plain,
        "the keeper takes {share} of a core, {each} s a ping, and plain sockets {plain} s"
    );
    let samples = finished.samples().unwrap();
    let failed: Vec<_> = samples.iter().filter(|sample| !sample.success).collect();
    assert!(
        failed.is_empty(),
        "{} of {}: {failed:?}",
        failed.len(),
        samples.len()
    );
    let after = samples.iter().filter(|sample| sample.label == "after the pause");
    assert_eq!(after.count(), all);
}

/// How many connections memory is measured with.
const MEASURED: u64 = 5_000;
/// Made before, so that what the JVM takes once is not counted.
const BEFORE: u64 = 1_000;

/// Resident memory of JMeter for each idle connection, in bytes; the heap is there from the start.
fn memory(test: &str, url: &str, port: u16) -> u64 {
    let open = [
        ("wsb.url", url),
        ("wsb.connection", "${__counter(TRUE,)}"),
        ("wsb.scope", "test"),
        ("wsb.tls.verify", "false"),
    ];
    const USERS: u64 = 8;
    let users = |name: &str, connections: u64| {
        let users = Group::new(name, u32::try_from(USERS).unwrap());
        users
            .loops(u32::try_from(connections / USERS).unwrap())
            .connect(name, &open)
            // Slowly, so that a look in between sees about as many as it waits for.
            .pause("10")
    };
    let folder = folder(test);
    let plan = Plan::of(users("G", BEFORE + MEASURED)).and(Group::new("Last", 1).pause("600000"));
    let plan = plan.write(&folder.join("plan.jmx")).unwrap();
    // Without the JNI checks, which keep books of their own.
    let run = Jmeter::new(&Home::assembled().unwrap(), &plan, &folder.join("run"));
    // Compiled code would count as ours, and what a collector beside the program marks in (a sixty-fourth of the heap, as soon as it
    // begins): there is none.
    let jvm = [
        "-Xms256m",
        "-Xmx256m",
        "-XX:+AlwaysPreTouch",
        "-Xint",
        "-XX:+UseSerialGC",
    ];
    let run = jvm.into_iter().fold(run, Jmeter::jvm);
    let running = run.start().unwrap();
    let process = Seen::new(running.id());
    let wait = |wanted: u64| {
        let begun = Instant::now();
        while (process.sockets_to(port) as u64) < wanted {
            let still = begun.elapsed() < LIMIT && !running.ends_within(Duration::ZERO);
            assert!(still, "{} of {wanted} connections", process.sockets_to(port));
            std::thread::sleep(Duration::from_millis(10));
        }
        (process.sockets_to(port) as u64, process.memory())
    };
    let (first, early) = wait(BEFORE);
    let (middle, half) = wait(BEFORE + MEASURED / 2);
    wait(BEFORE + MEASURED);
    // The keeper has taken them all over by then.
    std::thread::sleep(Duration::from_secs(2));
    let (last, late) = wait(BEFORE + MEASURED);
    running.stop_now().unwrap();
    let samples = running
        .finish(LIMIT)
        .unwrap()
        .succeeded()
        .unwrap()
        .samples()
        .unwrap();
    assert!(samples.iter().all(|sample| sample.success));
    assert!(
        last - first > MEASURED / 2,
        "the first look came too late: {first} of {last} were open"
    );
    // What the process takes once in between, as another heap of malloc for threads that met, is in one half.
    let of = |memory: u64, connections: u64| memory * 1024 / connections;
    let first_half = of(half.saturating_sub(early), middle - first);
    let second_half = of(late.saturating_sub(half), last - middle);
    let each = first_half.min(second_half);
    say!(
        "{test}: {first_half} and {second_half} bytes a connection ({first}, {middle} and {last} of them, {early} to {late} KiB)"
    );
    assert!(
        each > 1_000,
        "buffers alone take more than {each} bytes: the measurement is wrong"
    );
    each
}

#[test]
fn an_idle_connection_costs_8_kib_plain_and_16_kib_with_tls() {
    let _turn = together();
    let plain = Serve::start(&["--limit", "none"]).unwrap();
    let each = memory("idle_plain", &plain.url("/"), plain.address().port());
    assert!(each <= 8 * 1024, "{each} bytes");
    drop(plain);
    let tls = Serve::start(&["--limit", "none", "--tls"]).unwrap();
    let each = memory("idle_tls", &tls.tls_url("/"), tls.address().port());
    assert!(each <= 16 * 1024, "{each} bytes");
}
