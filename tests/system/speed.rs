//! How fast connections are opened and closed, ours against the incumbent in the same run. Takes minutes and the whole
//! machine, so it runs only by name: `cargo test -p system --test system -- --ignored --nocapture speed`.

use system::jmeter::{Home, Jmeter};
use system::jtl::Sample;
use system::plan::{Group, Plan};
use system::serve::Serve;

use crate::say;
use crate::support::{LIMIT, alone, folder};

const THREADS: u32 = 16;
/// Runs of each, taken in turns; the median counts.
const ROUNDS: u32 = 3;

/// Connects a second in the middle of a run, when the JVM is warm and no thread has ended.
fn steady_rate(samples: &[Sample]) -> f64 {
    let ends: Vec<u64> = samples
        .iter()
        .filter(|sample| sample.code == "101" && sample.success)
        .map(Sample::ended_ms)
        .collect();
    let (first, last) = (*ends.iter().min().unwrap(), *ends.iter().max().unwrap());
    let (from, to) = (first + (last - first) * 4 / 10, first + (last - first) * 9 / 10);
    let inside = ends.iter().filter(|end| (from..to).contains(end)).count();
    inside as f64 * 1_000.0 / (to - from) as f64
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Rates of ours and of the incumbent, in connects a second.
fn rates(test: &str, serve: &Serve, ours: &Group, theirs: &Group) -> (f64, f64) {
    let folder = folder(test);
    let home = Home::with_incumbent().unwrap();
    let rate = |name: String, group: &Group| {
        let plan = Plan::of(group.clone())
            .write(&folder.join(format!("{name}.jmx")))
            .unwrap();
        let run = Jmeter::new(&home, &plan, &folder.join(name)).jvm("-Xms1g");
        steady_rate(&run.run(LIMIT).unwrap().samples().unwrap())
    };
    let (mut of_ours, mut of_theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        of_ours.push(rate(format!("ours-{round}"), ours));
        of_theirs.push(rate(format!("theirs-{round}"), theirs));
    }
    say!(
        "{test} on {}: ours {of_ours:.0?}, incumbent {of_theirs:.0?} connects a second",
        serve.address()
    );
    (median(of_ours), median(of_theirs))
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

#[test]
#[ignore = "a benchmark of minutes"]
fn plain_connects_are_faster_than_the_incumbents() {
    let _turn = alone();
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let ours = opens(15_000, &[("wsb.url", &serve.url("/"))]);
    let (ours, theirs) = rates("speed_plain", &serve, &ours, &incumbent(15_000, &serve, false));
    assert!(
        ours >= 1.3 * theirs,
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
