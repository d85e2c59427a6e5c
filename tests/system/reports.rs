//! The page about a run: left by the run itself, beside JMeter's dashboard, and made later out of its result file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use system::jmeter::Home;
use system::plan::{Group, Plan};
use system::repository;
use system::serve::Serve;

use crate::support::{folder, jmeter, jmeter_of, run, together};

const EXPORTER: &str = "jmeter.reportgenerator.exporter.wsbackoff.classname";
const CLASS: &str = "io.github.wsbackoff.report.PageExporter";

/// The one file in a folder whose name begins and ends so.
fn only(folder: &Path, begin: &str, end: &str) -> PathBuf {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with(begin) && name.ends_with(end)
    };
    let found: Vec<PathBuf> = entries.filter(wanted).collect();
    assert_eq!(found.len(), 1, "{begin}*{end} in {}: {found:?}", folder.display());
    found.into_iter().next().unwrap()
}

fn says(page: &Path, parts: &[&str]) {
    let html = fs::read_to_string(page).unwrap();
    for part in parts {
        assert!(html.contains(part), "{part} is not in {}", page.display());
    }
}

#[test]
fn a_run_leaves_its_page_and_one_beside_the_dashboard() {
    let _turn = together();
    let serve = Serve::start(&["--limit", "fixed-window limit=8 window=2s"]).unwrap();
    let folder = folder("reports");
    let pages = folder.join("pages");
    let plan = jmeter(&repository::plan("after.jmx"), &folder)
        .property("users", "12")
        .property("rampup", "0")
        .property("url", &serve.url("/agents"))
        .property("wsb.report", &pages.display())
        .property(EXPORTER, CLASS);
    let finished = run(&plan.dashboard()).succeeded().unwrap();

    let page = only(&pages, "report-", ".html");
    says(
        &page,
        &[
            "<title>after.jmx",
            "All 12 users got in.",
            "The server throttles",
            "retry-after",
        ],
    );
    let log = finished.log().unwrap();
    assert!(
        log.contains(&format!("A page about the test: {}", page.display())),
        "{log}"
    );

    let beside = finished.files.dashboard().join("ws-backoff.html");
    says(&beside, &["All 12 users got in.", "From the JTL, all samplers"]);
    assert!(finished.files.dashboard().join("index.html").is_file());

    // Later, from the result file and a trace that is named.
    let trace = only(&pages, "trace-", ".jsonl");
    for (name, traces, parts) in [
        (
            "with_trace",
            trace.display().to_string(),
            ["All 12 users got in.", "From the JTL"],
        ),
        (
            "results_only",
            String::new(),
            ["All 12 users had a sample that passed.", "From the JTL"],
        ),
    ] {
        let dashboard = folder.join(name);
        let made = Command::new("java")
            .current_dir(&folder)
            .arg("-jar")
            .arg(Home::assembled().unwrap().launcher())
            .arg("-g")
            .arg(finished.files.samples())
            .arg("-o")
            .arg(&dashboard)
            .arg(format!("-J{EXPORTER}={CLASS}"))
            .arg(format!(
                "-Jjmeter.reportgenerator.exporter.wsbackoff.property.traces={traces}"
            ))
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        says(&dashboard.join("ws-backoff.html"), &parts);
    }
}

/// The points of a series of one of the dashboard's graphs, as it stands in the script of its page.
fn points(script: &str, graph: &str, series: &str) -> Vec<[f64; 2]> {
    let begin = format!("var response{graph}Infos = {{\n    data: ");
    let data = script
        .split(&begin)
        .nth(1)
        .unwrap_or_else(|| panic!("no {graph} in {script}"));
    let mut values = serde_json::Deserializer::from_str(data).into_iter::<serde_json::Value>();
    let data = values.next().unwrap().unwrap();
    let all = data["result"]["series"].as_array().unwrap();
    let own = all.iter().filter(|one| one["label"] == series);
    own.flat_map(|one| serde_json::from_value::<Vec<[f64; 2]>>(one["data"].clone()).unwrap())
        .collect()
}

#[test]
fn graphs_of_the_connects_stand_in_the_dashboard() {
    const USERS: u32 = 30;
    let _turn = together();
    let serve = Serve::start(&["--limit", "fixed-window limit=10 window=2s"]).unwrap();
    let folder = folder("graphs");
    let lines = Command::new(repository::program().unwrap())
        .arg("dashboard")
        .output()
        .unwrap();
    let file = folder.join("dashboard.properties");
    fs::write(&file, lines.stdout).unwrap();
    // Later rows of each thread repeat the variables; the last one is of a Connect that has nothing to do.
    let again = [("wsb.whenOpen", "reuse")];
    let group = Group::new("Agents", USERS)
        .connect("Log in", &[("wsb.url", serve.url("/agents").as_str())])
        .sampler("Ping", "Ping", &[])
        .sampler("Ping", "Ping", &[])
        .connect(
            "Still there",
            &[&[("wsb.url", serve.url("/agents").as_str())][..], &again].concat(),
        );
    let plan = jmeter_of(&Plan::of(group), &folder);
    let finished = run(&plan.argument("-q").argument(file.to_str().unwrap()).dashboard());
    assert!(finished.samples().unwrap().len() >= 4 * USERS as usize);

    let content = finished.files.dashboard().join("content");
    let script = fs::read_to_string(content.join("js/customGraph.js")).unwrap();
    let connected = points(&script, "custom_wsb_ends", "connected");
    let sum: f64 = connected.iter().map(|[_, count]| count).sum();
    assert_eq!(sum, f64::from(USERS), "each once: {connected:?}");
    let longest = points(&script, "custom_wsb_time", "max");
    // A window later came those of the second one, and a window after that the third ten.
    assert!(longest.iter().any(|[_, ms]| *ms >= 2_000.0), "{longest:?}");
    let (first, last) = (
        longest.iter().map(|[at, _]| *at).fold(f64::INFINITY, f64::min),
        longest.iter().map(|[at, _]| *at).fold(0.0, f64::max),
    );
    assert!(
        last - first >= 2_000.0,
        "at the time when they were in: {longest:?}"
    );
    let attempts = points(&script, "custom_wsb_attempts", "max");
    assert!(attempts.iter().any(|[_, count]| *count >= 2.0), "{attempts:?}");
    let mean = points(&script, "custom_wsb_attempts", "mean");
    assert!(
        mean.iter().all(|[_, count]| *count >= 1.0),
        "only who connected: {mean:?}"
    );
    assert_eq!(
        points(&script, "custom_wsb_rate", "mean"),
        Vec::<[f64; 2]>::new(),
        "no gate"
    );
    assert!(finished.files.dashboard().join("ws-backoff.html").is_file());
}
