//! A run without a window, watched while it goes on: lines in its log, and figures that a real Prometheus fetches.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use system::peers::{Peer, free_address};
use system::plan::{Group, Plan};
use system::serve::{self, Serve};
use system::trace;

use crate::say;
use crate::support::{LIMIT, complaints, folder, jmeter_of, run, since_1970, waiting};

const USERS: u32 = 20;
/// So many get in, the others wait until they give up.
const PLACES: u32 = 8;
/// They give up after so long: time enough to be looked at, however slow the machine is.
const PATIENCE: &str = "25s";

/// The value of a line of figures.
fn value(figures: &str, name: &str) -> u64 {
    let line = figures
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in:\n{figures}"))
        .parse()
        .unwrap()
}

fn scrape(address: SocketAddr) -> Option<String> {
    let answer = serve::get(address, "/metrics").ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some(body.to_owned())
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Attempts of a trace that had ended at this time, since 1970.
fn ended_before(file: &Path, time: Duration) -> u64 {
    let time = u64::try_from(time.as_micros()).unwrap();
    let attempts = trace::read(file).unwrap();
    attempts
        .iter()
        .filter(|attempt| attempt.at + attempt.total_us <= time)
        .count() as u64
}

#[test]
fn a_run_tells_its_log_who_waits_and_a_real_prometheus_what_its_trace_tells() {
    let _turn = waiting();
    let folder = folder("live");
    let serve = Serve::start(&["--limit", &format!("fixed-window limit={PLACES} window=1h")]).unwrap();
    let metrics = free_address().unwrap();
    let traced = folder.join("trace.jsonl");
    let policy = [
        ("wsb.url", serve.url("/")),
        ("wsb.hint.mode", "ignore".to_owned()),
        ("wsb.retry.base", "300ms".to_owned()),
        ("wsb.retry.cap", "1s".to_owned()),
        ("wsb.retry.maxElapsed", PATIENCE.to_owned()),
    ];
    let policy: Vec<(&str, &str)> = policy.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let group = Group::new("G", USERS).connect("Connect", &policy).pause("30000");
    let plan = jmeter_of(&Plan::of(group), &folder)
        .property("wsb.trace", &traced.display())
        .property("wsb.progress", "1s")
        .property("wsb.metrics.listen", &metrics);
    let running = plan.start().unwrap();
    let prometheus = Peer::prometheus(&folder.join("prometheus"), metrics).unwrap();

    let (before, figures, after) = wait_for("a storm", || {
        let before = since_1970();
        let figures = scrape(metrics)?;
        let storm = value(&figures, "wsbackoff_connected") == u64::from(PLACES)
            && value(&figures, "wsbackoff_waiting") > 0
            && value(&figures, "wsbackoff_attempts_total{outcome=\"throttled\"}") > 60;
        storm.then(|| (before, figures, since_1970()))
    });
    prometheus_agrees(&prometheus, &folder);
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    assert_eq!(complaints(&finished), Vec::<String>::new());
    assert!(scrape(metrics).is_none(), "closed with the test");

    let counted: u64 = ["connected", "throttled"]
        .iter()
        .map(|outcome| {
            value(
                &figures,
                &format!("wsbackoff_attempts_total{{outcome=\"{outcome}\"}}"),
            )
        })
        .sum();
    // Between its end and its being counted an attempt's thread may have to wait for a core.
    let least = ended_before(&traced, before.saturating_sub(Duration::from_secs(1)));
    let most = ended_before(&traced, after);
    say!("{counted} attempts in mid-run, by the trace {least} to {most}");
    assert!((least..=most).contains(&counted), "{least}..={most}: {counted}");

    let log = finished.log().unwrap();
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(" users connected, "))
        .collect();
    assert!(lines.len() >= 3, "{log}");
    let storm = format!("{PLACES} of {USERS} users connected, ");
    assert!(
        lines
            .iter()
            .any(|line| line.contains(&storm) && line.contains(" waiting") && line.contains(" INFO "))
    );
    // Whoever gave up waits no more, and then there is nothing to say.
    let gave_up = log.rfind(" users connected, ").unwrap();
    assert!(log[gave_up..].contains("Thread finished"), "{log}");
    assert!(!lines[lines.len() - 1].contains(" 0 waiting"), "{lines:?}");
}

/// Prometheus has fetched the figures, and its own checker has nothing to say against them.
fn prometheus_agrees(prometheus: &Peer, folder: &Path) {
    let asked = |query: &str| {
        let path = format!("/api/v1/query?query={query}");
        let answer = serve::get(prometheus.address(), &path).ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        // Its answers come in chunks, so only what stands between their lengths is looked for.
        Some(body.to_owned())
    };
    let wanted = format!("\"{PLACES}\"]");
    wait_for("Prometheus' look", || {
        asked("wsbackoff_connected")?.contains(&wanted).then_some(())
    });
    wait_for("Prometheus' look at a histogram", || {
        asked("wsbackoff_time_to_connect_seconds_count")?
            .contains(&wanted)
            .then_some(())
    });
    let up = asked("up").unwrap();
    assert!(up.contains("\"1\"]"), "{up}");
    assert!(folder.exists());
}

#[test]
fn a_port_that_is_taken_is_told_once_and_the_test_goes_on() {
    let _turn = waiting();
    let folder = folder("live_taken");
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let group = Group::new("G", 5).connect("Connect", &[("wsb.url", &serve.url("/"))]);
    let finished = run(&jmeter_of(&Plan::of(group), &folder).property("wsb.metrics.listen", &address));
    assert!(finished.samples().unwrap().iter().all(|sample| sample.success));
    let log = finished.log().unwrap();
    let told: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("wsb.metrics.listen: "))
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains(" WARN ") && told[0].contains(&address.to_string()),
        "{told:?}"
    );
    assert!(!log.contains(" users connected, "), "nobody waited");
}
