//! `probe` against the test server.

#[cfg(unix)]
use crate::program::interrupt_after;
use crate::program::{Ended, Serve, run};
use serde_json::Value;
use std::fs;
#[cfg(unix)]
use std::time::Duration;

fn probe(serve: &Serve, more: &[&str]) -> (Ended, Vec<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("probe.jsonl");
    let url = format!("ws://{}/agents", serve.addr);
    let ended = run(&[&["probe", &url, "--trace", trace.to_str().unwrap()], more].concat());
    let lines = fs::read_to_string(&trace).unwrap_or_default();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap());
    (ended, lines.collect())
}

fn tries(lines: &[Value]) -> usize {
    lines.iter().filter(|line| line["attempt"] == 1).count()
}

#[test]
fn it_finds_the_limit_within_its_budget_and_leaves_a_trace() {
    let serve = Serve::start(&["--limit", "token-bucket rate=5 burst=12"]);
    let (ended, lines) = probe(&serve, &["--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(told["kind"], "token-bucket", "{told}");
    assert_eq!(told["burst"], 12, "{told}");
    let rate = told["ratePerSecond"].as_f64().unwrap();
    assert!((4.5..5.5).contains(&rate), "{told}");
    assert_eq!(told["refusalsCount"], false, "{told}");
    let made = tries(&lines);
    assert!((15..=300).contains(&made), "{made}");
    assert!(
        lines.iter().any(|line| line["event"] == "closed"),
        "connections are closed"
    );
    assert!(ended.err.contains("At most 300 upgrades"), "{}", ended.err);
}

/// The second one began with what the first had left of the window.
#[test]
fn run_twice_in_a_row_it_is_never_sure_of_a_wrong_limit() {
    let serve = Serve::start(&["--limit", "fixed-window limit=12 window=1s"]);
    for _ in 0..2 {
        let (ended, lines) = probe(&serve, &["--json"]);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(tries(&lines) <= 300);
        let told: Value = serde_json::from_str(&ended.out).unwrap();
        let is_sure = told["cannotTell"].as_array().unwrap().is_empty();
        let is_right = told["kind"] == "fixed-window" && told["limit"] == 12;
        assert!(is_right || !is_sure, "{told} {}", ended.err);
    }
}

#[test]
fn the_budget_holds_also_where_nobody_is_refused() {
    let serve = Serve::start(&[]);
    let (ended, lines) = probe(&serve, &["--budget", "30"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("nobody was refused"), "{}", ended.out);
    assert!(tries(&lines) <= 30);
}

#[test]
fn plain_requests_have_a_limit_too() {
    let serve = Serve::start(&["--limit", "token-bucket rate=5 burst=10"]);
    let (ended, lines) = probe(&serve, &["--http", "--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(told["kind"], "token-bucket", "{told}");
    assert!(lines.iter().any(|line| line["status"] == 200));
}

#[test]
fn a_login_that_is_asked_for_ends_it_at_once() {
    let serve = Serve::start(&["--token-path", "/token", "--token-required"]);
    let (ended, lines) = probe(&serve, &[]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("401"), "{}", ended.err);
    assert!(ended.err.contains("-H"), "{}", ended.err);
    // Those that were on their way when the first answer came.
    assert!(tries(&lines) <= 3, "{}", tries(&lines));
}

#[test]
#[cfg(unix)]
fn ctrl_c_breaks_off_the_tries_that_have_no_answer_yet() {
    let serve = Serve::start(&["--fault", "silent"]);
    let url = format!("ws://{}/", serve.addr);
    let args = ["probe", &url, "--timeout", "60s", "--trace", "/dev/null"];
    let (ended, took) = interrupt_after(Duration::from_secs(3), &args);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(ended.err.contains("asked to"), "{}", ended.err);
    assert!(
        took < Duration::from_secs(20),
        "{took:?}, where an answer may take 60 s"
    );
}

#[test]
fn another_machine_is_left_alone_until_it_is_said() {
    let ended = run(&["probe", "wss://limits.invalid/agents"]);
    assert_eq!(ended.code, Some(1));
    for part in ["At most 300 upgrades in at most 10m", "--yes", "limits.invalid"] {
        assert!(ended.err.contains(part), "{}", ended.err);
    }
}

#[test]
fn a_server_that_is_not_there_is_said_so_with_what_to_do() {
    let ended = run(&["probe", "ws://127.0.0.1:9/", "--trace", "/dev/null"]);
    assert_eq!(ended.code, Some(1));
    for part in ["refused", "that the server is up"] {
        assert!(ended.err.contains(part), "{}", ended.err);
    }
}

#[test]
fn wrong_words_of_the_command_line_are_named() {
    for (args, part) in [
        (vec!["probe"], "<URL>"),
        (vec!["probe", "nonsense"], "nonsense"),
        (vec!["probe", "ws://127.0.0.1/", "--budget", "3"], "10..=10000"),
        (vec!["probe", "ws://127.0.0.1/", "--time", "0s"], "more than 0"),
        (vec!["probe", "ws://127.0.0.1/", "-H", "no colon"], "NAME: VALUE"),
        (vec!["probe", "ws://127.0.0.1/", "-H", "Upgrade: x"], "Upgrade"),
    ] {
        let ended = run(&args);
        assert_eq!(ended.code, Some(2), "{args:?}");
        assert!(ended.err.contains(part), "{args:?}: {}", ended.err);
    }
}

#[test]
fn a_trace_with_something_in_it_is_refused_before_anything_is_sent() {
    let serve = Serve::start(&["--limit", "token-bucket rate=5 burst=12"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.jmx");
    fs::write(&file, "<jmeterTestPlan/>").unwrap();
    let url = format!("ws://{}/agents", serve.addr);
    let ended = run(&["probe", &url, "--trace", file.to_str().unwrap()]);
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    assert!(ended.err.contains("is there already"), "{}", ended.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), "<jmeterTestPlan/>");
    #[cfg(unix)]
    {
        serve.terminate();
        let (_, told) = serve.wait();
        assert!(told.contains("attempts 0"), "{told}");
    }
}
