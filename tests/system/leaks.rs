//! Thousands of connects to a server that misbehaves in every way it knows: nothing is left behind.

use std::path::PathBuf;
use std::time::Duration;

use system::plan::{Group, Plan};
use system::serve::Serve;

use crate::support::{LIMIT, alone, folder, jmeter_of, wait_for_stats};

const USERS: u32 = 50;
const LOOPS: u32 = 200;
/// How much the process may grow over the later two thirds of the run, in KiB: pages of the JVM's own (code, metaspace,
/// thread stacks touched later). A leak of one handle, 4 KiB buffer and all, in each of 6,600 connects would be 26 MiB.
const GROWTH_KIB: u64 = 16 * 1024;

/// Every fault but the one that takes 60 s by its nature where a client waits for a body, which it never does for long.
const FAULTS: &[&str] = &[
    "drip",
    "early-hints",
    "frame-with-101",
    "keep-alive-upgrade",
    "bad-accept",
    "bad-subprotocol",
    "bad-extension",
    "drop-after",
    "drip-refusal",
    "tarpit",
    "keep-open",
    "http10",
    "chunked",
    "no-length",
    "huge-headers",
    "huge-body",
    "endless-body",
    "redirect",
    "silent",
    "reset",
    "half-close",
    "garbage",
];

struct Process {
    folder: PathBuf,
}

impl Process {
    /// Resident memory in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(self.folder.join("status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Open files of any kind, and those of them that are sockets.
    fn files(&self) -> (usize, usize) {
        let links: Vec<PathBuf> = std::fs::read_dir(self.folder.join("fd"))
            .unwrap()
            .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
            .collect();
        let sockets = links
            .iter()
            .filter(|link| link.to_string_lossy().starts_with("socket:"))
            .count();
        (links.len(), sockets)
    }
}

#[test]
fn ten_thousand_connects_to_faults_leave_nothing_behind() {
    let _turn = alone();
    let share = format!("{:.4}", 1.0 / FAULTS.len() as f64);
    let faults: Vec<String> = FAULTS.iter().map(|fault| format!("{fault}:{share}")).collect();
    let mut options = vec!["--limit", "none", "--drip-pace", "1ms"];
    for fault in &faults {
        options.extend(["--fault", fault]);
    }
    let serve = Serve::start(&options).unwrap();
    let url = serve.url("/");
    let policy = [
        ("wsb.url", url.as_str()),
        ("wsb.retry.strategy", "none"),
        ("wsb.retry.attemptTimeout", "150"),
    ];
    // The pause at the end keeps the users, and the JVM, for the last look.
    let group = Group::new("G", USERS).loops(LOOPS).connect("Connect", &policy);
    let last = Group::new("Last", 1).pause("600000");
    let folder = folder("faults");
    let run = jmeter_of(&Plan::of(group).and(last), &folder);
    // A heap that is there from the start, so that only what is outside of it can grow.
    let run = [
        "-Xms256m",
        "-Xmx256m",
        "-XX:+AlwaysPreTouch",
        "-XX:MaxMetaspaceSize=128m",
    ]
    .into_iter()
    .fold(run, system::jmeter::Jmeter::jvm);
    let running = run.start().unwrap();
    let process = Process {
        folder: PathBuf::from(format!("/proc/{}", running.id())),
    };
    let total = u64::from(USERS * LOOPS);
    let wait = Duration::from_secs(300);
    wait_for_stats(&serve, wait, |stats| stats.attempts >= total / 3);
    let early = process.memory();
    let stats = wait_for_stats(&serve, wait, |stats| stats.attempts >= total && stats.open == 0);
    wait_for_end_of_users(&process);
    let (late, (files, sockets)) = (process.memory(), process.files());
    println!(
        "memory {early} KiB after a third, {late} KiB at the end; {files} open files, {sockets} sockets; {stats:?}"
    );
    assert!(late <= early + GROWTH_KIB, "grown from {early} KiB to {late} KiB");
    assert!(
        sockets <= 2,
        "{sockets} sockets are still open; JMeter itself has one for its stop messages"
    );

    running.stop_now().unwrap();
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    assert_eq!(crate::support::complaints(&finished), Vec::<String>::new());
    let samples = finished.samples().unwrap();
    assert_eq!(samples.len() as u64, total, "each connect has its sample");
    let unforeseen: Vec<_> = samples
        .iter()
        .filter(|sample| sample.code.ends_with("native.failure"))
        .collect();
    assert!(unforeseen.is_empty(), "{unforeseen:?}");
    let codes: std::collections::BTreeSet<_> = samples.iter().map(|sample| sample.code.as_str()).collect();
    assert!(codes.len() >= 8, "the faults show as different codes: {codes:?}");
}

/// Waits until the users' threads have ended: they close their sockets when they do.
fn wait_for_end_of_users(process: &Process) {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while process.files().1 > 2 && std::time::Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
}
