//! Peers that break off, break rules, drown their client or say nothing: each is a failed sample with its code, the next
//! sample works, Stop ends all of them, and nothing is left behind.

use std::net::Shutdown;
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
/// Users of each case, side by side.
const USERS: u32 = 2;

/// Name and path, the sample's code, and how the peer answers a message.
const CASES: &[(&str, &str, Script)] = &[
    ("close-while-receiving", "closed.1011", |stream| {
        std::thread::sleep(Duration::from_millis(20));
        say(
            stream,
            &whole(CLOSE, &[&1011_u16.to_be_bytes()[..], b"broken"].concat()),
        );
        swallow(stream);
    }),
    ("killed-in-mid-message", FAILED[0], |stream| {
        say(stream, &whole(TEXT, &[b'x'; 4_000])[..1_000]);
    }),
    ("ended-in-mid-message", FAILED[0], |stream| {
        say(stream, &frame(TEXT, b"the first of two fragments"));
        let _ = stream.shutdown(Shutdown::Both);
    }),
    ("half-close", FAILED[0], |stream| {
        let _ = stream.shutdown(Shutdown::Write);
        swallow(stream);
    }),
    ("ping-of-1-MiB", FAILED[1], |stream| {
        say(stream, &whole(PING, &[b'p'; MEBIBYTE]));
        swallow(stream);
    }),
    ("reserved-bits", FAILED[1], |stream| {
        say(stream, &frame(0x80 | 0x30 | TEXT, b"x"));
        swallow(stream);
    }),
    ("unknown-opcode", FAILED[1], |stream| {
        say(stream, &whole(3, b"x"));
        swallow(stream);
    }),
    ("masked-frame", FAILED[1], |stream| {
        say(stream, &[0x81, 0x81, 1, 2, 3, 4, b'x' ^ 1]);
        swallow(stream);
    }),
    ("no-utf-8", FAILED[2], |stream| {
        say(stream, &whole(TEXT, b"\xff"));
        swallow(stream);
    }),
    ("message-over-the-bound", FAILED[3], |stream| {
        say(stream, &whole(BINARY, &[0; 5_000]));
        swallow(stream);
    }),
    ("fragments-over-the-bound", FAILED[3], |stream| {
        say(stream, &frame(BINARY, &[0; 3_000]));
        say(stream, &frame(0x80, &[0; 3_000]));
        swallow(stream);
    }),
    ("length-without-an-end", FAILED[3], |stream| {
        say(
            stream,
            &[0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        );
        swallow(stream);
    }),
    ("ping-flood", FAILED[4], |stream| {
        let mut reader = stream.try_clone().unwrap();
        std::thread::spawn(move || swallow(&mut reader));
        let burst = whole(PING, b"flood").repeat(100);
        while std::io::Write::write_all(stream, &burst).is_ok() {}
    }),
    ("silence", FAILED[4], swallow),
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
    let scripts: Vec<(&str, Script)> = CASES.iter().map(|(name, _, script)| (*name, *script)).collect();
    let raw = Raw::answering(&scripts);
    let wait = WAIT_MS.to_string();
    let echo = raw.url("echo");
    let mut plan = Plan::default();
    for (name, ..) in CASES {
        let url = raw.url(name);
        let open = [
            ("wsb.url", url.as_str()),
            ("wsb.maxMessageSize", "4k"),
            ("wsb.retry.strategy", "none"),
        ];
        let beside = ("wsb.connection", "beside");
        plan = plan.and(
            Group::new(name, USERS)
                .loops(loops(name))
                .connect(&format!("{name}: connect"), &open)
                .sampler(
                    "Exchange",
                    name,
                    &[("wsb.payload", "hello?"), ("wsb.readTimeout", &wait)],
                )
                .connect("beside: connect", &[("wsb.url", &echo), beside])
                .sampler(
                    "Exchange",
                    "beside: next",
                    &[("wsb.payload", "still fine"), beside],
                )
                .sampler("Close", "beside: close", &[beside]),
        );
    }
    // Keeps the JVM for the last look.
    plan = plan.and(Group::new("Last", 1).pause("600000"));
    let running = jmeter_of(&plan, &folder("hostile")).start().unwrap();
    let process = Seen::new(running.id());
    // Each loop connects twice.
    let connects: u32 = CASES.iter().map(|(name, ..)| 2 * USERS * loops(name)).sum();
    let begun = Instant::now();
    let users = |name: &str| process.threads_called(&name[..name.len().min(15)]);
    while raw.upgraded() < connects as usize || CASES.iter().any(|(name, ..)| users(name) > 0) {
        assert!(begun.elapsed() < LIMIT, "threads hang: {:?}", process.threads());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(process.sockets_to(raw.port()), 0, "sockets are still open");
    running.stop_now().unwrap();
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    assert_eq!(complaints(&finished), Vec::<String>::new());

    let samples = finished.samples().unwrap();
    let mut wrong = Vec::new();
    for (name, code, _) in CASES {
        let own: Vec<_> = samples.iter().filter(|sample| sample.label == *name).collect();
        let longest = own
            .iter()
            .map(|sample| sample.elapsed_ms)
            .max()
            .unwrap_or_default();
        say!("{name:26} {:>3} samples, {code}, at most {longest} ms", own.len());
        let right = |sample: &&&system::jtl::Sample| !sample.success && sample.code == *code;
        if own.iter().filter(right).count() != (USERS * loops(name)) as usize {
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
    let mut plan = Plan::default();
    for (name, path, kind, properties) in waiting {
        let url = raw.url(path);
        let group = Group::new(name, 2).connect("connect", &[("wsb.url", &url)]);
        plan = plan.and(group.sampler(kind, name, properties));
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
    stop_and_check(running, busy);
}
