//! JMeter as a distributed engine: two servers and a client on loopback. Results, variables, traces, one quota for both, shutdown.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use system::jmeter::{Home, Jmeter};
use system::jtl::Sample;
use system::plan::{Group, Plan};
use system::process::Process;
use system::serve::Serve;
use system::trace::{self, Attempt};
use system::{repository, serve};

use crate::say;
use crate::support::{LIMIT, alone, checked, complaints, folder, run};

const VARIABLES: &str = "wsb.attempts,wsb.timeToConnectMs,wsb.stop,wsb.lastStatus";

/// A JVM that listens for a client.
struct Engine {
    process: Process,
    port: u16,
    trace: PathBuf,
}

impl Engine {
    fn start(folder: &Path, name: &str) -> Self {
        let folder = repository::fresh_folder(&folder.join(name)).unwrap();
        let (port, objects) = (free_port(), free_port());
        let trace = folder.join("trace.jsonl");
        let mut command = Command::new("java");
        command
            .current_dir(&folder)
            .args([
                "-Xms256m",
                "-Xmx256m",
                "-Xcheck:jni",
                "-Djava.rmi.server.hostname=127.0.0.1",
            ])
            .arg(format!("-Dserver_port={port}"))
            .arg(format!(
                "-Djava.util.prefs.userRoot={}",
                folder.join("preferences").display()
            ))
            .arg("-jar")
            .arg(Home::assembled().unwrap().launcher())
            .args(["-s", "-Jserver.rmi.ssl.disable=true", "-j", "jmeter.log"])
            .arg(format!("-Jserver.rmi.localport={objects}"))
            .arg(format!("-Jsample_variables={VARIABLES}"))
            .arg(format!("-Jwsb.trace={}", trace.display()));
        let process = Process::start(name, &mut command).unwrap();
        Self { process, port, trace }
    }

    fn wait_until_ready(&self) {
        self.process
            .wait_for_line("Created remote object", LIMIT)
            .unwrap();
    }

    /// Its attempts on one path, as far as they are written.
    fn attempts(&self, path: &str) -> Vec<Attempt> {
        let all = trace::read(&self.trace).unwrap();
        all.into_iter()
            .filter(|attempt| attempt.target.ends_with(path))
            .collect()
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The client's side of a run.
fn client(engines: &[Engine; 2], plan: &Path, folder: &Path) -> Jmeter {
    let hosts = engines.each_ref().map(Engine::address).join(",");
    checked(Jmeter::new(&Home::assembled().unwrap(), plan, folder))
        .jvm("-Djava.rmi.server.hostname=127.0.0.1")
        .property("server.rmi.ssl.disable", "true")
        .property("client.rmi.localport", &free_port())
        .property("sample_variables", VARIABLES)
        .argument("-R")
        .argument(hosts)
}

/// The samples of a run, after what must hold in each.
fn all_connected(samples: &[Sample], wanted: usize, server: &serve::Stats, attempts: usize) {
    assert_eq!(samples.len(), wanted);
    for sample in samples {
        assert!(sample.success && sample.code == "101", "{sample:?}");
        assert_eq!(sample.variables["wsb.stop"], "connected", "{sample:?}");
        assert_eq!(sample.variables["wsb.lastStatus"], "101", "{sample:?}");
    }
    let attempts_of = |sample: &Sample| sample.variables["wsb.attempts"].parse::<u64>().unwrap();
    let told: u64 = samples.iter().map(attempts_of).sum();
    assert_eq!(told, server.attempts, "attempts of the samples and of the server");
    assert_eq!(
        attempts as u64, server.attempts,
        "attempts of the traces and of the server"
    );
}

/// The traces are written when the servers have ended the test, which the client does not wait for.
fn traces(engines: &[Engine; 2], path: &str, wanted: u64) -> [Vec<Attempt>; 2] {
    let begun = std::time::Instant::now();
    loop {
        let written = engines.iter().all(|engine| engine.trace.is_file());
        let attempts = written.then(|| engines.each_ref().map(|engine| engine.attempts(path)));
        if let Some(attempts) = attempts {
            if attempts.iter().map(Vec::len).sum::<usize>() as u64 >= wanted || begun.elapsed() > LIMIT {
                return attempts;
            }
        }
        assert!(begun.elapsed() <= LIMIT, "no trace files");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn two_engines_run_a_plan_share_a_quota_and_end_with_the_client() {
    const USERS: u32 = 100;
    let _turn = alone();
    let folder = folder("remote");
    let engines = ["one", "two"].map(|name| Engine::start(&folder, name));
    engines.iter().for_each(Engine::wait_until_ready);

    // The plan of the demo, throttled.
    let serve = Serve::start(&["--limit", "token-bucket rate=20 burst=20"]).unwrap();
    let after = client(&engines, &repository::plan("after.jmx"), &folder.join("after"))
        .argument(format!("-Gurl={}", serve.url("/after")))
        .argument("-Gusers=20")
        .argument("-Grampup=0")
        .argument("-Gwsb.retry.base=200");
    let samples = run(&after).samples().unwrap();
    let stats = serve.stats().unwrap();
    let traced = traces(&engines, "/after", stats.attempts);
    all_connected(&samples, 40, &stats, traced.iter().map(Vec::len).sum());
    for traced in &traced {
        let connected = traced
            .iter()
            .filter(|attempt| attempt.status == Some(101))
            .count();
        assert_eq!(connected, 20, "each server has its users");
    }
    assert_eq!(stats.open, 0, "closed when their threads ended");

    // One quota, a gate in each JVM.
    let limit = "token-bucket rate=20 burst=20";
    let serve = Serve::start(&["--limit", limit]).unwrap();
    let url = serve.url("/pace");
    let group =
        Group::new("Agents", USERS).connect("Connect", &[("wsb.url", &url), ("wsb.shared.mode", "pace")]);
    let plan = Plan::of(group).write(&folder.join("pace.jmx")).unwrap();
    let paced = run(&client(&engines, &plan, &folder.join("pace")).argument("-X"));
    let stats = serve.stats().unwrap();
    let traced = traces(&engines, "/pace", stats.attempts);
    all_connected(
        &paced.samples().unwrap(),
        2 * USERS as usize,
        &stats,
        traced.iter().map(Vec::len).sum(),
    );
    let bound = limit
        .parse::<limiter::LimitSpec>()
        .unwrap()
        .bound(2 * USERS)
        .unwrap();
    let took = stats.last_connect().unwrap();
    let share = least_share(&traced);
    say!(
        "{} users of two JVMs connected in {took:?}, {:.2} of the bound {bound:?}, with {} attempts; share of the fewer while both \
         waited: {share:.2}",
        2 * USERS,
        took.as_secs_f64() / bound.as_secs_f64(),
        stats.attempts
    );
    // One storm on a machine of any load; the means of many storms are held in rust/backoff/tests/storm.rs.
    assert!(took >= bound.mul_f64(0.95), "{took:?}");
    assert!(took <= bound * 2, "{took:?}, the bound is {bound:?}");
    assert!(share >= 0.2, "{share}");

    // The client has asked them to end.
    for engine in engines {
        let ended = engine.process.wait(Duration::from_secs(30)).unwrap();
        assert!(ended.status.success(), "{}", ended.text());
        let of_jni = ended
            .lines
            .iter()
            .filter(|line| line.text.contains("in native method"));
        assert_eq!(of_jni.count(), 0, "{}", ended.text());
    }
    assert_eq!(complaints(&paced), Vec::<String>::new());
}

/// Of those who connected while users of both JVMs waited: the share of the JVM with fewer of them.
fn least_share(traced: &[Vec<Attempt>; 2]) -> f64 {
    let connected = traced.each_ref().map(|traced| {
        let connected = traced.iter().filter(|attempt| attempt.status == Some(101));
        connected
            .map(|attempt| attempt.at + attempt.total_us)
            .collect::<Vec<_>>()
    });
    let begun = traced
        .each_ref()
        .map(|traced| traced.iter().map(|attempt| attempt.at).min().unwrap());
    let ended = connected
        .each_ref()
        .map(|connected| *connected.iter().max().unwrap());
    let both = begun[0].max(begun[1])..=ended[0].min(ended[1]);
    let counts = connected.map(|connected| connected.iter().filter(|at| both.contains(at)).count() as f64);
    counts[0].min(counts[1]) / (counts[0] + counts[1]).max(1.0)
}
