//! Peers that break off, break rules, drown their client or say nothing: each is a failed sample with its code, the next
//! sample works, Stop ends all of them, and nothing is left behind. Plain and over TLS.

use std::io::Write;
use std::net::{Shutdown, TcpListener};
use std::time::{Duration, Instant};

use system::plan::{Group, Plan};

use crate::raw::{BINARY, CLOSE, PING, Raw, Script, TEXT, frame, ignore, say, swallow, whole};
use crate::say;
use crate::seen::Seen;
use crate::stopping::stop_and_check;
use crate::support::{LIMIT, alone, complaints, folder, jmeter_of, together};

const MEBIBYTE: usize = 1 << 20;
/// How long a sample of a silent or flooding peer waits.
const WAIT_MS: u64 = 500;
/// Users of each case, side by side: one plain, one over TLS.
const USERS: u32 = 2;

/// Name and path, the sample's code, and how the peer answers a message.
const CASES: &[(&str, &str, Script)] = &[
    ("close-while-receiving", "closed.1011", |line| {
        std::thread::sleep(Duration::from_millis(20));
        say(
            line,
            &whole(CLOSE, &[&1011_u16.to_be_bytes()[..], b"broken"].concat()),
        );
        swallow(line);
    }),
    ("killed-in-mid-message", FAILED[0], |line| {
        say(line, &whole(TEXT, &[b'x'; 4_000])[..1_000]);
    }),
    ("ended-in-mid-message", FAILED[0], |line| {
        say(line, &frame(TEXT, b"the first of two fragments"));
        line.end(Shutdown::Both);
    }),
    ("half-close", FAILED[0], |line| {
        line.end(Shutdown::Write);
        swallow(line);
    }),
    ("ping-of-1-MiB", FAILED[1], |line| {
        say(line, &whole(PING, &[b'p'; MEBIBYTE]));
        swallow(line);
    }),
    ("reserved-bits", FAILED[1], |line| {
        say(line, &frame(0x80 | 0x30 | TEXT, b"x"));
        swallow(line);
    }),
    ("unknown-opcode", FAILED[1], |line| {
        say(line, &whole(3, b"x"));
        swallow(line);
    }),
    ("masked-frame", FAILED[1], |line| {
        say(line, &[0x81, 0x81, 1, 2, 3, 4, b'x' ^ 1]);
        swallow(line);
    }),
    ("no-utf-8", FAILED[2], |line| {
        say(line, &whole(TEXT, b"\xff"));
        swallow(line);
    }),
    ("message-over-the-bound", FAILED[3], |line| {
        say(line, &whole(BINARY, &[0; 5_000]));
        swallow(line);
    }),
    ("fragments-over-the-bound", FAILED[3], |line| {
        say(line, &frame(BINARY, &[0; 3_000]));
        say(line, &frame(0x80, &[0; 3_000]));
        swallow(line);
    }),
    ("length-without-an-end", FAILED[3], |line| {
        say(line, &[0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        swallow(line);
    }),
    ("ping-flood", FAILED[4], |line| {
        // Nobody looks at the pongs.
        let mut pongs = line.tcp();
        std::thread::spawn(move || std::io::copy(&mut pongs, &mut std::io::sink()));
        let burst = whole(PING, b"flood").repeat(100);
        while line.write_all(&burst).is_ok() {}
    }),
    ("silence", FAILED[4], swallow),
];

/// What only TLS can do wrong.
const TLS_CASES: &[(&str, &str, Script)] = &[
    ("end-of-TLS-alone", FAILED[0], |line| {
        line.end_tls();
        swallow(line);
    }),
    ("end-of-TLS-in-mid-message", FAILED[0], |line| {
        say(line, &whole(TEXT, &[b'x'; 4_000])[..1_000]);
        line.end_tls();
        swallow(line);
    }),
    ("no-record-of-TLS", FAILED[0], |line| {
        let _ = line.tcp().write_all(b"HTTP/1.1 500 Oh\r\n\r\n");
        swallow(line);
    }),
    ("damaged-record", FAILED[0], |line| {
        // Application data of 32 bytes that no key has made.
        let _ = line
            .tcp()
            .write_all(&[&[0x17, 3, 3, 0, 32][..], &[7; 32]].concat());
        swallow(line);
    }),
    ("cut-record", FAILED[0], |line| {
        let _ = line.tcp().write_all(&[0x17, 3, 3, 0, 32, 7]);
    }),
];

/// Of a sampler.
type Properties<'a> = &'a [(&'a str, &'a str)];

/// Codes of the cases above that are no close code.
const FAILED: [&str; 5] = [
    "Non HTTP response code: connection.lost",
    "Non HTTP response code: protocol.error",
    "Non HTTP response code: protocol.utf8",
    "Non HTTP response code: message.too-large",
    "Non HTTP response code: message.timeout",
];

#[test]
fn each_hostile_peer_fails_its_sample_and_nothing_else() {
    let _turn = together();
    let cases: Vec<_> = CASES.iter().chain(TLS_CASES).collect();
    let scripts: Vec<(&str, Script)> = cases.iter().map(|(name, _, script)| (*name, *script)).collect();
    let raw = Raw::answering(&scripts);
    let mut plan = Plan::default();
    for (name, ..) in CASES {
        plan = plan.and(hostility(name, &raw.url(name), &raw.url("echo")));
    }
    for (name, ..) in &cases {
        plan = plan.and(hostility(name, &raw.tls_url(name), &raw.tls_url("echo")));
    }
    // Keeps the JVM for the last look.
    plan = plan.and(Group::new("Last", 1).pause("600000"));
    let running = jmeter_of(&plan, &folder("hostile")).start().unwrap();
    let process = Seen::new(running.id());
    let users_of = |name| {
        if CASES.iter().any(|case| case.0 == name) {
            USERS
        } else {
            1
        }
    };
    // Each loop connects twice.
    let connects: u32 = cases
        .iter()
        .map(|(name, ..)| 2 * users_of(*name) * loops(name))
        .sum();
    let begun = Instant::now();
    let users = |name: &str| process.threads_called(&name[..name.len().min(15)]);
    while raw.upgraded() < connects as usize || cases.iter().any(|(name, ..)| users(name) > 0) {
        assert!(begun.elapsed() < LIMIT, "threads hang: {:?}", process.threads());
        std::thread::sleep(Duration::from_millis(50));
    }
    for port in raw.ports() {
        assert_eq!(process.sockets_to(port), 0, "sockets are still open");
    }
    running.stop_now().unwrap();
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    assert_eq!(complaints(&finished), Vec::<String>::new());

    let samples = finished.samples().unwrap();
    let mut wrong = Vec::new();
    for (name, code, _) in &cases {
        let own: Vec<_> = samples.iter().filter(|sample| sample.label == *name).collect();
        let longest = own
            .iter()
            .map(|sample| sample.elapsed_ms)
            .max()
            .unwrap_or_default();
        say!("{name:26} {:>3} samples, {code}, at most {longest} ms", own.len());
        let right = |sample: &&&system::jtl::Sample| !sample.success && sample.code == *code;
        if own.iter().filter(right).count() != (users_of(*name) * loops(name)) as usize {
            let codes: std::collections::BTreeSet<_> = own.iter().map(|sample| &sample.code).collect();
            wrong.push(format!("{name}: {} samples with {codes:?}", own.len()));
        }
    }
    let others = samples
        .iter()
        .filter(|sample| sample.label.contains(": ") && !sample.success);
    wrong.extend(others.map(|sample| format!("{sample:?}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A user who meets a hostile peer again and again, and each time finds another one that is as it should be.
fn hostility(name: &str, url: &str, echo: &str) -> Group {
    let beside = ("wsb.connection", "beside");
    // The server signed its certificate itself.
    let verify = ("wsb.tls.verify", "false");
    let open = [
        ("wsb.url", url),
        ("wsb.maxMessageSize", "4k"),
        ("wsb.retry.strategy", "none"),
        verify,
    ];
    let wait = WAIT_MS.to_string();
    Group::new(name, 1)
        .loops(loops(name))
        .connect(&format!("{name}: connect"), &open)
        .sampler(
            "Exchange",
            name,
            &[("wsb.payload", "hello?"), ("wsb.readTimeout", &wait)],
        )
        .connect("beside: connect", &[("wsb.url", echo), beside, verify])
        .sampler(
            "Exchange",
            "beside: next",
            &[("wsb.payload", "still fine"), beside],
        )
        .sampler("Close", "beside: close", &[beside])
}

/// Fewer where each sample takes its whole time-out.
fn loops(name: &str) -> u32 {
    if ["ping-flood", "silence"].contains(&name) {
        3
    } else {
        25
    }
}

#[test]
fn stop_ends_every_sample_whatever_its_peer_does() {
    let _turn = alone();
    let folder = folder("hostile_stop");
    let long = folder.join("long.bin");
    std::fs::write(&long, vec![0; 16 * MEBIBYTE]).unwrap();
    let long = long.display().to_string();
    let flood = CASES.iter().find(|(name, ..)| *name == "ping-flood").unwrap().2;
    let raw = Raw::start(&[("ignore", ignore), ("swallow", swallow), ("flood", flood)]);
    let forever = ("wsb.readTimeout", "300s");
    let waiting: [(&str, &str, &str, Properties<'_>); 6] = [
        ("receives nothing", "swallow", "Receive", &[forever]),
        ("receives pings only", "flood", "Receive", &[forever]),
        (
            "sends 16 MiB to nobody",
            "ignore",
            "Send",
            &[("wsb.payloadType", "file"), ("wsb.payloadFile", &long), forever],
        ),
        (
            "asks in vain",
            "swallow",
            "Exchange",
            &[("wsb.payload", "?"), forever],
        ),
        ("pings in vain", "ignore", "Ping", &[forever]),
        (
            "says goodbye in vain",
            "swallow",
            "Close",
            &[("wsb.close.timeout", "300s")],
        ),
    ];
    let verify = ("wsb.tls.verify", "false");
    // Takes connections, as the system does it for it, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://{}/", silent.local_addr().unwrap());
    let mut plan =
        Plan::of(Group::new("shakes hands in vain", 1).connect("connect", &[("wsb.url", &url), verify]));
    for (name, path, kind, properties) in waiting {
        for url in [raw.url(path), raw.tls_url(path)] {
            let group = Group::new(name, 1).connect("connect", &[("wsb.url", &url), verify]);
            plan = plan.and(group.sampler(kind, name, properties));
        }
    }
    let running = jmeter_of(&plan, &folder).start().unwrap();
    let busy = 2 * waiting.len();
    let begun = Instant::now();
    while raw.upgraded() < busy {
        assert!(
            begun.elapsed() < LIMIT,
            "{} of {busy} are connected",
            raw.upgraded()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    // Into their second samples, and with the 16 MiB as far as they get.
    std::thread::sleep(Duration::from_secs(2));
    stop_and_check(running, busy + 1);
}
