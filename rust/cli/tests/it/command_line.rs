//! Command lines that are wrong, and those that only print.

#[cfg(target_os = "linux")]
use crate::import::RECORDING;
#[cfg(target_os = "linux")]
use crate::program::dies_of_a_signal;
use crate::program::run;
#[cfg(target_os = "linux")]
use crate::program::run_on_a_full_disk;
use std::net::TcpListener;

#[test]
fn a_wrong_option_is_told_with_its_name_its_value_and_what_is_allowed() {
    for (args, said) in [
        (
            &["--limit", "leaky rate=1"][..],
            &["--limit", "\"leaky\"", "token-bucket rate=50 burst=50"][..],
        ),
        (
            &["--limit", "fixed-window limit=x window=1s"],
            &["--limit", "limit=\"x\"", "a whole number"],
        ),
        (
            &["--retry-after", "later"],
            &["--retry-after", "'later'", "seconds, date, ms, none, zero, wrong"],
        ),
        (&["--status", "200"], &["--status", "'200'", "400 to 599"]),
        (&["--status", "-1"], &["--status", "'-1'", "400 to 599"]),
        (&["--status", "many"], &["--status", "'many'", "400 to 599"]),
        (
            &["--fault", "slow"],
            &["--fault", "'slow'", "drip", "silent", "random"],
        ),
        (&["--fault", "drip:7"], &["--fault", "'drip:7'", "0 (never) to 1"]),
        (
            &["--listen", "nonsense"],
            &["--listen", "'nonsense'", "127.0.0.1:9001"],
        ),
        (
            &["--listen", "127.0.0.1:70000"],
            &["--listen", "'127.0.0.1:70000'", "HOST:PORT"],
        ),
        (&["--duration", "soon"], &["--duration", "'soon'", "1.5s"]),
        (&["--drip-pace", "-1"], &["--drip-pace", "'-1'", "negative"]),
        (
            &["--limit-at", "token token-bucket rate=1 burst=1"],
            &[
                "--limit-at",
                "\"token\" is no path",
                "/oauth/token token-bucket rate=5 burst=10",
            ],
        ),
        (
            &["--limit-at", "/x leaky"],
            &["--limit-at", "\"leaky\" is no limit"],
        ),
        (&["--delay", "60s"], &["--delay", "'60s'", "less than 1m"]),
        (&["--delay", "-1"], &["--delay", "'-1'", "negative"]),
        (&["--token-delay", "2m"], &["--token-delay", "less than 1m"]),
        (
            &["--token-path", "token"],
            &["--token-path", "'token'", "/oauth/token"],
        ),
        (
            &["--token-path", "/stats"],
            &["--token-path", "'/stats'", "neither / nor /stats"],
        ),
        (
            &["--token-path", "/t", "--token-ttl", "999ms"],
            &["--token-ttl", "'999ms'", "at least 1s"],
        ),
        (&["--token-required"], &["--token-path"]),
        (&["--seed", "x"], &["--seed", "'x'", "0 to"]),
        (&["--seed", "-1"], &["--seed", "'-1'", "0 to"]),
        (&["--workers", "0"], &["--workers", "'0'", "1 to 1024"]),
        (&["--cert-out", "ca.pem"], &["--tls"]),
        (&["--no-such-option"], &["--no-such-option"]),
    ] {
        let ended = run(&[&["serve"], args].concat());
        assert_eq!(ended.code, Some(2), "{args:?}");
        for part in said {
            assert!(
                ended.err.contains(part),
                "{args:?}: {part} is not in {}",
                ended.err
            );
        }
    }
    assert_eq!(run(&["simulate-nothing"]).code, Some(2));
    assert_eq!(run(&[]).code, Some(2));
    assert_eq!(run(&["describe", "--format", "xml"]).code, Some(2));
}

#[test]
fn the_version_is_printed() {
    let ended = run(&["--version"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "ws-backoff 0.1.0\n"));
}

#[test]
fn the_help_shows_all_faults_limits_units_and_examples() {
    let ended = run(&["serve", "--help"]);
    assert_eq!(ended.code, Some(0));
    for fault in testbed::Fault::ALL {
        assert!(
            ended
                .out
                .contains(&format!("  {:<20}{}", fault.name(), fault.help())),
            "{fault}"
        );
    }
    for form in limiter::RULE_FORMS {
        let word = form.split(' ').next().unwrap();
        assert!(ended.out.contains(word), "{word}");
    }
    for part in [
        "reject-counts=true",
        "block=30s",
        "clock=aligned",
        " + fixed-window",
        "--refuse-by",
        "accept:1013",
        "--keep-alive-refusals",
        "1.5s, 2m",
        "Examples:",
        "GET /stats",
        "--port-file",
        "{seconds}",
        "/oauth/token token-bucket rate=5 burst=10",
        "Plain requests",
    ] {
        assert!(ended.out.contains(part), "{part}");
    }
    assert!(run(&["--help"]).out.contains("describe"));
}

#[test]
fn describe_prints_the_tables_as_json_and_as_markdown() {
    let json = run(&["describe", "--format", "json"]);
    assert_eq!(json.code, Some(0));
    let tables: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert!(
        tables["keys"]
            .as_array()
            .is_some_and(|keys| keys.iter().any(|key| key["key"] == "wsb.url"))
    );
    let markdown = run(&["describe"]);
    assert_eq!(markdown.code, Some(0));
    assert!(markdown.out.contains("| `wsb.url` |"), "{}", markdown.out);
}

#[test]
fn dashboard_prints_graphs_whose_variables_are_columns_and_known() {
    let ended = run(&["dashboard"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let line = |line: &str| {
        line.split_once('=')
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
    };
    let lines: Vec<(String, String)> = ended.out.lines().filter_map(line).collect();
    let (first, columns) = &lines[0];
    assert_eq!(first, "sample_variables");
    let columns: Vec<&str> = columns.split(',').collect();
    assert_eq!(
        columns[0], "wsb.sample",
        "by it a row is told from those that repeat it"
    );
    let json = run(&["describe", "--format", "json"]);
    let tables: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let known: Vec<&str> = tables["variables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    let drawn = lines
        .iter()
        .filter(|(key, _)| key.ends_with(".setSampleVariableName"));
    let drawn: Vec<&str> = drawn.map(|(_, variable)| variable.as_str()).collect();
    assert!(drawn.len() >= 7, "{drawn:?}");
    for variable in drawn {
        assert!(
            columns.contains(&variable) && known.contains(&variable),
            "{variable}"
        );
    }
    let mut keys: Vec<&String> = lines.iter().map(|(key, _)| key).collect();
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), all, "a later line would hide an earlier one");
}

#[test]
fn an_address_in_use_fails_with_a_clear_text() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let ended = run(&["serve", "--listen", &addr]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .err
            .starts_with(&format!("error: cannot listen on {addr}: ")),
        "{}",
        ended.err
    );
    let cure = "another program listens there: end it, or listen on another port, or on port 0";
    assert!(ended.err.contains(cure), "{}", ended.err);
}

#[test]
fn two_limits_for_one_path_fail_with_a_clear_text() {
    let ended = run(&[
        "serve",
        "--limit-at",
        "/x none",
        "--limit-at",
        "/x/ concurrency limit=1",
    ]);
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (Some(1), "error: /x has two limits\n")
    );
}

#[test]
fn files_that_cannot_be_written_fail_with_a_clear_text() {
    let nowhere = "/no/such/folder/file";
    for args in [
        &["--port-file", nowhere][..],
        &["--log", nowhere],
        &["--tls", "--cert-out", nowhere],
    ] {
        let ended = run(&[&["serve", "--listen", "127.0.0.1:0", "--duration", "10s"], args].concat());
        assert_eq!(ended.code, Some(1), "{args:?}");
        assert!(
            ended.err.contains("cannot write the") && ended.err.contains(nowhere),
            "{}",
            ended.err
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn commands_without_an_end_of_their_own_die_of_a_signal() {
    for args in [
        &["find", "-"][..],
        &["report", "-", "-o", "-"],
        &["tune", "--trace", "-"],
    ] {
        assert!(dies_of_a_signal(args), "{args:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error_whatever_is_printed() {
    let trace = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../find/tests/traces/go-xrate.jsonl.gz"
    );
    let plan = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/plans/after.jmx");
    let storm = [
        "--limit",
        "token-bucket rate=10 burst=5",
        "--users",
        "8",
        "--seeds",
        "1",
    ];
    let of = |command: &'static str, more: &[&'static str]| [&[command], &storm[..], more].concat();
    for (args, code) in [
        (vec!["find", trace], 1),
        (vec!["find", "--json", trace], 1),
        (vec!["find", "--limit-only", trace], 1),
        (of("simulate", &[]), 1),
        (of("simulate", &["--json"]), 1),
        (of("tune", &[]), 1),
        (of("tune", &["--jmx"]), 1),
        (vec!["report", trace, "-o", "-"], 1),
        (vec!["migrate", plan, "--dry-run"], 2),
        (vec!["import", RECORDING, "-o", "-"], 1),
        (vec!["describe"], 1),
        (vec!["dashboard"], 1),
        (vec!["serve", "--listen", "127.0.0.1:0", "--duration", "10s"], 1),
    ] {
        let ended = run_on_a_full_disk(&args);
        assert_eq!(ended.code, Some(code), "{args:?}: {}", ended.err);
        assert!(
            ended.err.contains("error: cannot print"),
            "{args:?}: {}",
            ended.err
        );
    }
}
