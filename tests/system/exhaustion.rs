//! What a machine runs out of: file descriptors in JMeter's process. It fails samples with a code that says so, and only for as
//! long as there are none.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use system::jmeter::Running;
use system::jtl_xml;
use system::plan::{Group, Plan};
use system::serve::Serve;

use crate::say;
use crate::seen::Seen;
use crate::support::{LIMIT, alone, complaints, folder, jmeter_of, since_1970, wait_for_stats};

/// They hold connections until they are told to let go.
const HOLDERS: u32 = 20;
const HELD: [&str; 4] = ["h1", "h2", "h3", "h4"];
/// They want several connections at a time, and try each once.
const TAKERS: u32 = 10;
const TAKEN: [&str; 7] = ["t1", "t2", "t3", "t4", "t5", "t6", "t7"];
/// They want one, and try until they get it.
const PATIENT: u32 = 10;
/// Failures to wait for, those of some rounds of the takers; and one of the patient has to have waited.
const FAILURES: usize = 300;
/// How many rounds of the takers must go well again.
const AFTERWARDS: u64 = 3;

const NO_FILES: &str = "Non HTTP response code: tcp.no-files";
const ONCE: [(&str, &str); 1] = [("wsb.retry.strategy", "none")];

/// A port where threads wait until the test lets them go on.
struct Gate {
    listener: TcpListener,
    waiting: Vec<TcpStream>,
}

impl Gate {
    fn new() -> Self {
        Self {
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(),
            waiting: Vec::new(),
        }
    }

    /// Adds the wait to what a thread does.
    fn after(&self, group: Group) -> Group {
        group.wait_at(self.listener.local_addr().unwrap())
    }

    fn await_users(&mut self, count: u32) {
        let arrivals = (0..count).map(|_| self.listener.accept().unwrap().0);
        self.waiting.extend(arrivals);
    }
}

fn plan(serve: &Serve, start: &Gate, release: &Gate) -> Plan {
    let url = serve.url("/");
    let open = |group: Group, label: &str, ids: &[&str]| {
        ids.iter().fold(group, |group, id| {
            group.connect(label, &[("wsb.url", &url), ("wsb.connection", id)])
        })
    };
    let close = |group: Group, ids: &[&str]| {
        ids.iter().fold(group, |group, id| {
            group.sampler("Close", "Close", &[("wsb.connection", id)])
        })
    };
    // Whatever classes and files the JVM needs, it has from the first connect on.
    let warm = close(open(Group::new("warm", 1), "Warm", &TAKEN[..1]), &TAKEN[..1]);
    let warm = start.after(warm);

    let hold = open(Group::new("Hold", HOLDERS).defaults(&ONCE), "Hold", &HELD);
    let hold = close(release.after(hold), &HELD);
    let take = Group::new("Take", TAKERS).forever().defaults(&ONCE).once(&warm);
    let take = close(open(take, "Take", &TAKEN).pause("200"), &TAKEN);
    let policy = [
        ("wsb.retry.base", "20"),
        ("wsb.retry.transientBase", "20"),
        ("wsb.retry.cap", "200"),
        ("wsb.retry.maxElapsed", "100s"),
    ];
    let patient = Group::new("Patient", PATIENT).forever().defaults(&policy);
    let patient = open(
        patient.once(&start.after(Group::new("wait", 1))),
        "Persist",
        &["p"],
    )
    .pause("200");
    let patient = patient.sampler("Close", "Close", &[("wsb.connection", "p")]);
    Plan::of(hold).and(take).and(patient)
}

#[test]
fn too_few_files_fail_connects_with_the_cure_and_freed_ones_are_used_again() {
    let _turn = alone();
    let folder = folder("no_files");
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let (mut start, mut release) = (Gate::new(), Gate::new());
    let run = jmeter_of(&plan(&serve, &start, &release), &folder);
    let run = jtl_xml::recorded_by(run).property("jmeter.save.saveservice.autoflush", "true");
    let running = run.start().unwrap();
    release.await_users(HOLDERS);
    start.await_users(TAKERS + PATIENT);
    let held = u64::from(HOLDERS) * HELD.len() as u64;
    wait_for_stats(&serve, LIMIT, |stats| stats.open == held);

    let process = Seen::new(running.id());
    let (limit, free) = leave_no_file(&process, running.id());
    let to_start = start.waiting.len();
    say!("at most {limit} files: {free} are free, {to_start} more when the users start");
    // What the takers want is more than what there will be; what the holders have is enough.
    assert!(free + to_start < TAKERS as usize * TAKEN.len(), "{free} are free");
    drop(start);
    wait_for_failures(&running, &folder);

    drop(release);
    let begun = Instant::now();
    while process.threads_called("Hold ") > 0 {
        assert!(begun.elapsed() < LIMIT, "the holders do not let go");
        std::thread::sleep(Duration::from_millis(20));
    }
    let freed_ms = u64::try_from(since_1970().as_millis()).unwrap();
    let before = serve.stats().unwrap().accepted;
    let round = u64::from(TAKERS) * TAKEN.len() as u64;
    wait_for_stats(&serve, LIMIT, |stats| {
        stats.accepted >= before + AFTERWARDS * round
    });
    running.shut_down().unwrap();
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    assert_eq!(complaints(&finished), Vec::<String>::new());
    check(&jtl_xml::read(&finished.files.samples()).unwrap(), freed_ms);
}

/// Sets the process's limit so that no file above the highest one can be opened; the limit, and how many numbers are free below.
fn leave_no_file(process: &Seen, id: u32) -> (usize, usize) {
    let numbers = process.file_numbers();
    let limit = numbers.iter().max().unwrap() + 1;
    let options = [format!("--pid={id}"), format!("--nofile={limit}:")];
    let set = Command::new("prlimit").args(options).status();
    assert!(set.expect("prlimit is part of util-linux").success());
    (limit, limit - numbers.len())
}

fn wait_for_failures(running: &Running, folder: &Path) {
    let deadline = Instant::now() + LIMIT;
    let file = folder.join("run/samples.jtl");
    loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let seen = text.matches(NO_FILES).count();
        let waited = |sample: &str| sample.contains("lb=\"Persist\"") && sample.contains("tcp.no-files");
        if seen >= FAILURES && text.split("<sample ").any(waited) {
            return;
        }
        assert!(
            Instant::now() < deadline && !running.ends_within(Duration::from_millis(50)),
            "{seen} connects lacked a file"
        );
    }
}

fn check(samples: &[jtl_xml::Detailed], freed_ms: u64) {
    let called = |label| samples.iter().filter(move |each| each.sample.label == label);
    let (failed, passed): (Vec<_>, Vec<_>) = called("Take").partition(|each| !each.sample.success);
    for each in &failed {
        assert_eq!(each.sample.code, NO_FILES);
        assert_eq!(each.sample.message, "Too many open files");
        assert!(
            each.response_headers.contains("raise `ulimit -n`"),
            "{}",
            each.response_headers
        );
    }
    let late = |each: &&jtl_xml::Detailed| each.sample.started_ms > freed_ms;
    let recovered = passed.iter().filter(|each| late(each)).count();
    say!(
        "{} connects failed for want of files, {} did not, {recovered} of them when files were free again",
        failed.len(),
        passed.len()
    );
    assert!(recovered > 0);
    let failed_late: Vec<_> = failed.iter().filter(|each| late(each)).collect();
    assert!(failed_late.is_empty(), "{failed_late:?}");
    let waited = called("Persist")
        .filter(|each| each.response_headers.contains("tcp.no-files"))
        .count();
    say!(
        "{} patient connects, {waited} of them waited for a file",
        called("Persist").count()
    );
    assert!(waited > 0, "nobody had to wait");
    for label in ["Hold", "Warm", "Persist"] {
        let lost: Vec<_> = called(label).filter(|each| !each.sample.success).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}
