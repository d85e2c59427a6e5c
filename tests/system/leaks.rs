//! Thousands of connects to a server that misbehaves in every way it knows: nothing is left behind.

use std::time::Duration;

use system::plan::{Group, Plan};
use system::serve::{FAULTS, Serve};

use crate::say;
use crate::seen::Seen;
use crate::support::{LIMIT, alone, folder, jmeter_of, wait_for_stats};

const USERS: u32 = 50;
const LOOPS: u32 = 600;
/// How much the process may grow over the later two thirds of the run, in KiB: pages of the JVM's own (metaspace, thread stacks touched
/// later, and what its compilers work in: steps of 8 MiB and more, most of them in the first third). A leak of one handle, 4 KiB buffer
/// and all, in each of 20,000 connects would be 80 MiB.
const GROWTH_KIB: u64 = 16 * 1024;

#[test]
fn thirty_thousand_connects_to_faults_leave_nothing_behind() {
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
    let group = Group::new("Users", USERS)
        .loops(LOOPS)
        .connect("Connect", &policy);
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
    let process = Seen::new(running.id());
    let total = u64::from(USERS * LOOPS);
    let wait = Duration::from_secs(300);
    wait_for_stats(&serve, wait, |stats| stats.attempts >= total / 3);
    let (early, early_files) = (process.memory(), process.files().len());
    wait_for_stats(&serve, wait, |stats| {
        stats.attempts >= total && process.threads_called("Users ") == 0
    });
    let (late, files) = (process.memory(), process.files().len());
    say!("memory: {early} KiB after a third, {late} KiB at the end; files: {early_files}, then {files}");
    assert!(late <= early + GROWTH_KIB, "grown from {early} KiB to {late} KiB");
    assert_eq!(
        process.sockets_to(serve.address().port()),
        0,
        "sockets are still open: {:?}",
        process.files()
    );
    // At a third every user may have had a socket; at the end nobody has.
    assert!(
        files <= early_files,
        "{files} files are open, {early_files} were before: {:?}",
        process.files()
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
