//! How fast connections are opened and closed, ours against the incumbent in the same run. Takes minutes and the whole
//! machine, so it runs only by name: `cargo test -p system --test system -- --ignored --nocapture speed`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use system::jmeter::{Home, Jmeter};
use system::jtl::Sample;
use system::plan::{Group, Plan};
use system::serve::Serve;

use crate::say;
use crate::support::{LIMIT, alone, folder};

const THREADS: u32 = 16;
/// Runs of each, taken in turns; the median counts.
const ROUNDS: u32 = 3;

/// What the steady part of a run shows: from 40 to 90 % of its time, when the JVM is warm and no thread has ended.
struct Steady {
    /// Connects a second.
    rate: f64,
    /// Processor time of JMeter for each connect, its goodbye included, in microseconds.
    micros: f64,
}

/// Processor time that a process had used at some moments, milliseconds since 1970.
type Usage = Vec<(u64, f64)>;

/// Writes down what a process uses until it ends.
fn watch(process: u32) -> Usage {
    let mut usage = Usage::new();
    while let Some(seconds) = used(process) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        usage.push((u64::try_from(now.as_millis()).unwrap(), seconds));
        std::thread::sleep(Duration::from_millis(50));
    }
    usage
}

/// User and system time of a process that runs, in seconds. Linux counts them in hundredths.
fn used(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    (fields[0] != "Z").then_some(ticks / 100.0)
}

fn steady(samples: &[Sample], usage: &Usage) -> Steady {
    let ends: Vec<u64> = samples
        .iter()
        .filter(|sample| sample.code == "101" && sample.success)
        .map(Sample::ended_ms)
        .collect();
    let (first, last) = (*ends.iter().min().unwrap(), *ends.iter().max().unwrap());
    let (from, to) = (first + (last - first) * 4 / 10, first + (last - first) * 9 / 10);
    let inside = ends.iter().filter(|end| (from..to).contains(end)).count() as f64;
    let used_at = |moment| usage.iter().find(|(at, _)| *at >= moment).unwrap().1;
    Steady {
        rate: inside * 1_000.0 / (to - from) as f64,
        micros: (used_at(to) - used_at(from)) * 1e6 / inside,
    }
}

fn median(runs: &[Steady], figure: fn(&Steady) -> f64) -> f64 {
    let mut figures: Vec<f64> = runs.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Rates of ours and of the incumbent, in connects a second.
fn rates(test: &str, serve: &Serve, ours: &Group, theirs: &Group) -> (f64, f64) {
    let folder = folder(test);
    let home = Home::with_incumbent().unwrap();
    let run = |name: String, group: &Group| {
        let plan = Plan::of(group.clone())
            .write(&folder.join(format!("{name}.jmx")))
            .unwrap();
        let running = Jmeter::new(&home, &plan, &folder.join(name)).jvm("-Xms1g");
        let running = running.start().unwrap();
        let process = running.id();
        let usage = std::thread::spawn(move || watch(process));
        let samples = running.finish(LIMIT).unwrap().samples().unwrap();
        steady(&samples, &usage.join().unwrap())
    };
    let (mut of_ours, mut of_theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        of_ours.push(run(format!("ours-{round}"), ours));
        of_theirs.push(run(format!("theirs-{round}"), theirs));
    }
    for (who, runs) in [("ours", &of_ours), ("incumbent", &of_theirs)] {
        let all: Vec<f64> = runs.iter().map(|run| run.rate).collect();
        say!(
            "{test} on {}: {who} {all:.0?} connects a second, {:.0} us of processor time each",
            serve.address(),
            median(runs, |run| run.micros)
        );
    }
    (
        median(&of_ours, |run| run.rate),
        median(&of_theirs, |run| run.rate),
    )
}

/// Each loop opens a connection and closes the one before with a close frame, as the incumbent's pair of samplers does.
fn opens(loops: u32, properties: &[(&str, &str)]) -> Group {
    Group::new("Ours", THREADS)
        .loops(loops)
        .connect("Connect", properties)
}

fn incumbent(loops: u32, serve: &Serve, tls: bool) -> Group {
    let group = Group::new("Theirs", THREADS).loops(loops);
    group
        .incumbent_open("Open", "localhost", serve.address().port(), tls)
        .incumbent_close("Close")
}

/// Ours and the incumbent's connects a second over so many loops.
fn plain_rates(test: &str, loops: u32) -> (f64, f64) {
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let ours = opens(loops, &[("wsb.url", &serve.url("/"))]);
    rates(test, &serve, &ours, &incumbent(loops, &serve, false))
}

#[test]
#[ignore = "a benchmark of minutes"]
fn plain_connects_are_faster_than_the_incumbents() {
    let _turn = alone();
    let (ours, theirs) = plain_rates("speed_plain", 3_750);
    assert!(
        ours >= 1.3 * theirs,
        "{ours:.0} against {theirs:.0}: {:.2}",
        ours / theirs
    );
}

/// After 240,000 connects the JVM has compiled all that it will, and the kernel's part of a connect is most of it.
#[test]
#[ignore = "a benchmark of minutes"]
fn plain_connects_are_faster_in_a_long_run_too() {
    let _turn = alone();
    let (ours, theirs) = plain_rates("speed_plain_long", 15_000);
    assert!(
        ours >= 1.1 * theirs,
        "{ours:.0} against {theirs:.0}: {:.2}",
        ours / theirs
    );
}

#[test]
#[ignore = "a benchmark of minutes"]
fn tls_connects_are_three_times_as_fast_as_the_incumbents() {
    let _turn = alone();
    let folder = folder("speed_tls_server");
    let certificate = folder.join("server.pem").display().to_string();
    let serve = Serve::start(&["--limit", "none", "--tls", "--cert-out", &certificate]).unwrap();
    let ours = opens(
        2_000,
        &[("wsb.url", &serve.tls_url("/")), ("wsb.tls.caFile", &certificate)],
    );
    let (ours, theirs) = rates("speed_tls", &serve, &ours, &incumbent(400, &serve, true));
    assert!(
        ours >= 3.0 * theirs,
        "{ours:.0} against {theirs:.0}: {:.2}",
        ours / theirs
    );
}
