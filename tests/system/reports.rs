//! The page about a run: left by the run itself, beside JMeter's dashboard, and made later out of its result file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use system::jmeter::Home;
use system::repository;
use system::serve::Serve;

use crate::support::{folder, jmeter, run, together};

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
