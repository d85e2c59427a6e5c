//! The contract of a sample: its times are the true ones, and a seed makes a run repeatable.

use std::collections::BTreeMap;
use std::path::Path;

use system::jtl::Sample;
use system::plan::{Group, Plan};
use system::serve::{Logged, Serve};
use system::trace::{self, Attempt};

use crate::say;
use crate::support::{alone, folder, jmeter_of, run, together};

/// How far a sample's times may be from the server's, in milliseconds: rounding to whole milliseconds at both ends is 1.
/// Where JMeter's own HTTP Request takes longer from its start to the server, ours may, too.
const WALL_TOLERANCE: f64 = 5.0;
const STAMP_TOLERANCE: f64 = 2.0;
/// A thread that does not get its core in time shifts a stamp on either side; a wrong clock shifts them all.
const SHARE_WITHIN: f64 = 0.9;

fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

/// Deviations of one kind, in milliseconds.
struct Deviations {
    what: &'static str,
    tolerance: f64,
    seen: Vec<f64>,
}

impl Deviations {
    fn of(what: &'static str, tolerance: f64) -> Self {
        Self {
            what,
            tolerance,
            seen: Vec::new(),
        }
    }

    fn add(&mut self, measured: f64, truth: f64) {
        self.seen.push(measured - truth);
    }

    /// What nine of ten are within.
    fn reach(&self) -> f64 {
        let mut sizes: Vec<f64> = self.seen.iter().map(|deviation| deviation.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        sizes[sizes.len() * 9 / 10]
    }

    /// Whether they are within the tolerance; prints what they are.
    fn hold(&mut self) -> bool {
        self.seen.sort_by(f64::total_cmp);
        let within = self
            .seen
            .iter()
            .filter(|deviation| deviation.abs() <= self.tolerance)
            .count() as f64;
        let share = within / self.seen.len() as f64;
        let (least, most) = (self.seen[0], self.seen[self.seen.len() - 1]);
        let median = self.seen[self.seen.len() / 2];
        say!(
            "{:42} {:4} values, {:3.0} % within {:.1} ms; least {least:.3}, median {median:.3}, most {most:.3} ms",
            self.what,
            self.seen.len(),
            share * 100.0,
            self.tolerance
        );
        share >= SHARE_WITHIN
    }
}

const STRATEGIES: [&str; 3] = ["fixed", "full", "decorrelated"];
const REPEATS: usize = 5;

/// Connects that wait for tokens, each with a path of its own and JMeter's own HTTP Request beside it, after some to a server without
/// a limit that warm up the JVM.
fn measured_plan(warm: &Serve, serve: &Serve) -> Plan {
    let plain = |group: Group, path: &str| group.http("plain", warm.address().port(), path, &Group::inner());
    let mut group = Group::new("G", 1);
    for number in 0..40 {
        let id = format!("warm-{number}");
        group = group.connect("warm", &[("wsb.url", &warm.url("/")), ("wsb.connection", &id)]);
        group = plain(group, "/warm");
    }
    for (repeat, strategy) in (0..REPEATS).flat_map(|repeat| STRATEGIES.map(|strategy| (repeat, strategy))) {
        for elapsed in ["attempts", "total"] {
            let name = format!("{strategy}-{elapsed}-{repeat}");
            let url = serve.url(&format!("/{name}"));
            let policy = [
                ("wsb.url", url.as_str()),
                ("wsb.connection", &name),
                ("wsb.retry.strategy", strategy),
                ("wsb.retry.base", "60"),
                ("wsb.retry.cap", "150"),
                ("wsb.hint.mode", "ignore"),
                ("wsb.result.elapsed", elapsed),
            ];
            group = plain(group.connect(&name, &policy), "/plain");
        }
    }
    Plan::of(group)
}

/// How long after the start of JMeter's own HTTP Request its server had it.
fn plain_starts(samples: &[Sample], log: &[Logged]) -> Deviations {
    let heads = log.iter().filter(|line| line.path.as_deref() == Some("/plain"));
    let heads: Vec<u64> = heads.filter_map(|line| line.head_us).collect();
    let plain: Vec<&Sample> = samples.iter().filter(|sample| sample.label == "plain").collect();
    let mut starts = Deviations::of("plain HTTP's start to the server's", WALL_TOLERANCE);
    for (sample, head) in plain[plain.len() - heads.len()..].iter().zip(heads) {
        starts.add(sample.started_ms as f64, milliseconds(head));
    }
    starts
}

#[test]
fn idle_and_elapsed_are_the_wall_time_and_stages_match_the_server() {
    let _turn = alone();
    let folder = folder("wall_time");
    let warm = Serve::start_with_log(&["--limit", "none"], &folder.join("warm.jsonl")).unwrap();
    // All but the first connect come too early, however slow the machine is.
    let limit = ["--limit", "token-bucket rate=4 burst=1"];
    let serve = Serve::start_with_log(&limit, &folder.join("serve.jsonl")).unwrap();
    for _ in 0..10 {
        serve.stats().unwrap();
    }
    let traced = folder.join("trace.jsonl");
    let finished =
        run(&jmeter_of(&measured_plan(&warm, &serve), &folder).property("wsb.trace", &traced.display()));
    let log = serve.stop_and_read_log().unwrap();
    let attempts = trace::read(&traced).unwrap();
    let samples = finished.samples().unwrap();

    let mut plain = plain_starts(&samples, &warm.stop_and_read_log().unwrap());
    let tolerance = WALL_TOLERANCE.max(2.0 * plain.reach());
    plain.hold();
    let mut starts = Deviations::of("sample start to the server's accept", tolerance);
    let mut walls = Deviations::of("idle + elapsed to the server's wall time", tolerance);
    let mut connects = Deviations::of("connected to accepted", STAMP_TOLERANCE);
    let mut sents = Deviations::of("request sent to received", STAMP_TOLERANCE);
    let mut heads = Deviations::of("answer seen to answered", STAMP_TOLERANCE);
    let mut waited = 0;
    for sample in samples
        .iter()
        .filter(|sample| !["warm", "plain"].contains(&sample.label.as_str()))
    {
        assert!(sample.success, "{sample:?}");
        let path = format!("/{}", sample.label);
        let seen: Vec<&Logged> = log
            .iter()
            .filter(|line| line.path.as_deref() == Some(&path))
            .collect();
        let own: Vec<&Attempt> = attempts
            .iter()
            .filter(|attempt| attempt.target.ends_with(&path))
            .collect();
        assert_eq!(own.len(), seen.len(), "every attempt is traced: {sample:?}");
        waited += usize::from(seen.len() > 1);

        let (first, last) = (seen[0], seen[seen.len() - 1]);
        let true_start = milliseconds(first.accepted_us);
        let true_end = milliseconds(last.answered_us.expect("the last attempt was answered"));
        starts.add(sample.started_ms as f64, true_start);
        walls.add(sample.wall_ms() as f64, true_end - true_start);
        let in_total = sample.label.contains("-total-");
        assert_eq!(
            sample.idle_ms > 0,
            seen.len() > 1 && !in_total,
            "waits are idle time, or elapsed: {sample:?}"
        );
        for (attempt, line) in own.iter().zip(&seen) {
            assert_eq!(attempt.status, line.status);
            let client = |since: Option<u64>| milliseconds(attempt.at + since.expect("the stage took place"));
            let server = |stamp: Option<u64>| milliseconds(stamp.expect("the server saw it"));
            connects.add(client(attempt.tcp_us), milliseconds(line.accepted_us));
            sents.add(client(attempt.sent_us), server(line.head_us));
            heads.add(client(attempt.head_us), server(line.answered_us));
        }
        // The sample has the last attempt's stages, rounded.
        let end = own[own.len() - 1];
        let of_trace = [end.tcp_us, end.head_us].map(|us| milliseconds(us.expect("the stage took place")));
        for (figure, truth) in [sample.connect_ms, sample.latency_ms].into_iter().zip(of_trace) {
            assert!(
                (figure as f64 - truth).abs() <= 0.5,
                "{figure} against {truth}: {sample:?}"
            );
        }
        assert!(
            sample.connect_ms <= sample.latency_ms && sample.latency_ms <= sample.wall_ms(),
            "{sample:?}"
        );
    }
    assert!(
        waited >= STRATEGIES.len() * REPEATS,
        "the limit must make most of them wait, not {waited}"
    );
    let held = [starts, walls, connects, sents, heads].map(|mut deviations| deviations.hold());
    assert_eq!(held, [true; 5]);
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
        .filter_map(|a| Some(((a.user.into_owned(), a.ordinal, a.attempt), a.wait_ms?)))
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
