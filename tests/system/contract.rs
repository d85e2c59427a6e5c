//! The contract of a sample: its times are the true ones, and a seed makes a run repeatable.

use std::collections::BTreeMap;
use std::path::Path;

use system::plan::{Group, Plan};
use system::serve::{Logged, Serve};
use system::trace::{self, Attempt};

use crate::support::{alone, folder, jmeter_of, run, together};

/// How far a sample's times may be from the server's, in milliseconds: rounding to whole milliseconds at both ends is 1.
///
/// Medians are held against these: between a stamp and the work it stands for, the system may give the processor to
/// another process, for as long as it likes. What is wrong by design is wrong every time.
const WALL_TOLERANCE: f64 = 5.0;
const STAMP_TOLERANCE: f64 = 2.0;
/// No single one is further off than what a busy machine explains.
const OUTLIER: f64 = 250.0;

/// How far measured times are from the true ones, in milliseconds.
#[derive(Default)]
struct Deviations(Vec<(f64, String)>);

impl Deviations {
    fn note(&mut self, what: String, measured: f64, truth: f64) {
        let off = (measured - truth).abs();
        assert!(off <= OUTLIER, "{measured} against {truth}: {what}");
        self.0.push((off, what));
    }

    fn median_is_within(mut self, tolerance: f64) {
        self.0.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (off, what) = &self.0[self.0.len() / 2];
        assert!(
            *off <= tolerance,
            "half of {} are off by {off} ms or more: {what}",
            self.0.len()
        );
    }
}

fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

/// Connects that go through no, one and several waits, each with a path of its own, after some to a server without a
/// limit that warm up the JVM.
fn measured_plan(warm: &Serve, serve: &Serve) -> Plan {
    let url = |name: &str| serve.url(&format!("/{name}"));
    let mut group = Group::new("G", 1);
    for number in 0..40 {
        let id = format!("warm-{number}");
        group = group.connect("warm", &[("wsb.url", &warm.url("/")), ("wsb.connection", &id)]);
    }
    for (name, strategy) in [("a", "fixed"), ("b", "full"), ("c", "decorrelated")] {
        let id = format!("measured-{name}");
        // Without hints the user comes back every 200 ms or sooner until there is a token again.
        group = group.connect(
            name,
            &[
                ("wsb.url", &url(name)),
                ("wsb.connection", &id),
                ("wsb.retry.strategy", strategy),
                ("wsb.retry.base", "100"),
                ("wsb.retry.cap", "200"),
                ("wsb.hint.mode", "ignore"),
            ],
        );
        // The other mode, right behind it: let in or not, the sum must be right as well.
        let total = format!("{name}-total");
        group = group.connect(
            &total,
            &[
                ("wsb.url", &url(&total)),
                ("wsb.connection", &total),
                ("wsb.retry.strategy", strategy),
                ("wsb.retry.base", "100"),
                ("wsb.retry.cap", "200"),
                ("wsb.hint.mode", "ignore"),
                ("wsb.result.elapsed", "total"),
            ],
        );
    }
    Plan::of(group)
}

#[test]
fn idle_and_elapsed_are_the_wall_time_and_stages_match_the_server() {
    let _turn = alone();
    let folder = folder("wall_time");
    let warm = Serve::start(&["--limit", "none"]).unwrap();
    // All but the first connect come too early, however slow the machine is.
    let limit = ["--limit", "token-bucket rate=1 burst=1"];
    let serve = Serve::start_with_log(&limit, &folder.join("serve.jsonl")).unwrap();
    let traced = folder.join("trace.jsonl");
    let finished =
        run(&jmeter_of(&measured_plan(&warm, &serve), &folder).property("wsb.trace", &traced.display()));
    let log = serve.stop_and_read_log().unwrap();
    let attempts = trace::read(&traced).unwrap();
    let mut waited = 0;
    let (mut walls, mut stamps) = (Deviations::default(), Deviations::default());
    for sample in finished
        .samples()
        .unwrap()
        .iter()
        .filter(|sample| sample.label != "warm")
    {
        assert!(sample.success, "{sample:?}");
        let path = format!("/{}", sample.label);
        let seen: Vec<&Logged> = log
            .iter()
            .filter(|line| line.path.as_deref() == Some(&path))
            .collect();
        let (first, last) = (seen[0], seen[seen.len() - 1]);
        let started = sample.started_ms as f64;
        let true_start = milliseconds(first.accepted_us);
        let true_end = milliseconds(last.answered_us.expect("the last attempt was answered"));
        walls.note(format!("start of {sample:?}"), started, true_start);
        let wall = sample.wall_ms() as f64;
        let true_wall = true_end - true_start;
        walls.note(format!("idle + elapsed of {sample:?}"), wall, true_wall);
        if sample.label.ends_with("-total") {
            assert_eq!(sample.idle_ms, 0, "{sample:?}");
        }
        waited += usize::from(seen.len() > 1);
        let own: Vec<&Attempt> = attempts
            .iter()
            .filter(|attempt| attempt.target.ends_with(&path))
            .collect();
        assert_eq!(own.len(), seen.len(), "every attempt is traced: {sample:?}");
        for (attempt, line) in own.iter().zip(&seen) {
            compare_stages(attempt, line, &mut stamps);
        }
        let end = own[own.len() - 1];
        let latency = milliseconds(end.head_us.expect("answered"));
        assert!(
            (sample.latency_ms as f64 - latency).abs() <= 1.0,
            "latency {latency}: {sample:?}"
        );
        assert!(
            (sample.connect_ms as f64 - milliseconds(end.tcp_us.expect("connected"))).abs() <= 1.0,
            "{sample:?}"
        );
        assert!(
            sample.connect_ms <= sample.latency_ms && sample.latency_ms <= sample.wall_ms(),
            "{sample:?}"
        );
    }
    assert!(waited >= 4, "the limit must make some of them wait");
    walls.median_is_within(WALL_TOLERANCE);
    stamps.median_is_within(STAMP_TOLERANCE);
}

/// The client's stamps of an attempt against the server's.
fn compare_stages(attempt: &Attempt, line: &Logged, stamps: &mut Deviations) {
    let at = |since: Option<u64>| milliseconds(attempt.at + since.expect("the stage took place"));
    let server = |stamp: Option<u64>| milliseconds(stamp.expect("the server saw it"));
    for (stage, client, server) in [
        ("connected", at(attempt.tcp_us), milliseconds(line.accepted_us)),
        ("sent", at(attempt.sent_us), server(line.head_us)),
        ("answered", at(attempt.head_us), server(line.answered_us)),
    ] {
        stamps.note(format!("{stage} of {attempt:?}"), client, server);
    }
    assert_eq!(attempt.status, line.status);
}

/// The planned waits of a run by user, connect and attempt.
fn waits(folder: &Path, serve: &Serve, seed: &str) -> BTreeMap<(String, u64, u64), f64> {
    let url = serve.url("/");
    let policy = [
        ("wsb.url", url.as_str()),
        ("wsb.retry.seed", seed),
        ("wsb.retry.base", "10"),
        ("wsb.retry.cap", "100"),
        ("wsb.retry.maxAttempts", "4"),
    ];
    // The first connect takes the one place there is, or waits in vain like all that follow.
    let group = Group::new("G", 10).loops(2).connect("Connect", &policy);
    std::fs::create_dir_all(folder).unwrap();
    let traced = folder.join("trace.jsonl");
    run(&jmeter_of(&Plan::of(group), folder).property("wsb.trace", &traced.display()));
    let attempts = trace::read(&traced).unwrap();
    attempts
        .into_iter()
        .filter_map(|a| Some(((a.user, a.ordinal, a.attempt), a.wait_ms?)))
        .collect()
}

#[test]
fn the_same_seed_plans_the_same_waits() {
    let _turn = together();
    let folder = folder("seed");
    let run = |name: &str, seed: &str| {
        let closed = Serve::start(&[
            "--limit",
            "fixed-window limit=0 window=1h",
            "--retry-after",
            "none",
        ]);
        waits(&folder.join(name), &closed.unwrap(), seed)
    };
    let first = run("first", "7");
    assert_eq!(
        first.len(),
        10 * 2 * 3,
        "ten users, two connects each, three waits a connect"
    );
    assert_eq!(first, run("second", "7"), "the same seed");
    let other = run("third", "8");
    let different = first
        .iter()
        .filter(|(key, wait)| other.get(key) != Some(wait))
        .count();
    assert!(
        different > first.len() / 2,
        "another seed gives other waits: {different} of {} differ",
        first.len()
    );
}
