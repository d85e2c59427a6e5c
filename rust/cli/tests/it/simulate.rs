//! `simulate` as its users call it.

use crate::program::run;
use serde_json::Value;

fn json(args: &[&str]) -> Value {
    let ended = run(&[&["simulate", "--json"], args].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    serde_json::from_str(&ended.out).unwrap()
}

#[test]
fn todays_loop_loses_two_users_of_five_to_the_platforms_minute() {
    let told = json(&["--limit", "fixed-window limit=120 window=60s", "--seeds", "5"]);
    let results = told["results"].as_array().unwrap();
    let lost: Vec<_> = results
        .iter()
        .map(|one| one["lost"]["mean"].as_f64().unwrap())
        .collect();
    assert_eq!(lost, [80.0, 0.0, 0.0]);
    assert_eq!(results[0]["policy"], "fixed=500ms tries=3");
    assert_eq!(results[0]["timesBound"], Value::Null);
    // 120 let in at once, 80 refused four times.
    assert_eq!(results[0]["attemptsPerUser"]["mean"], 2.2);
    for one in results {
        assert_eq!(one["boundSeconds"]["mean"], 60.0);
    }
    let makespan = results[2]["makespanSeconds"]["mean"].as_f64().unwrap();
    assert!((60.0..66.0).contains(&makespan), "{told}");
}

#[test]
fn several_jvms_share_one_limit_with_their_users_added_up() {
    let limit = [
        "--limit",
        "token-bucket rate=20 burst=20",
        "--ramp",
        "0",
        "--seeds",
        "3",
    ];
    let told = |more: &[&str]| json(&[&limit[..], &["--policy", "pace"], more].concat());
    let (one, two) = (
        told(&["--users", "100"]),
        told(&["--users", "50", "--processes", "2"]),
    );
    assert_eq!(
        (one["processes"].as_u64(), two["processes"].as_u64()),
        (Some(1), Some(2))
    );
    let figure = |told: &Value, name: &str| told["results"][0][name]["mean"].as_f64().unwrap();
    // (100 - 20) / 20, however they are spread.
    assert_eq!(figure(&one, "boundSeconds"), 4.0);
    assert_eq!(figure(&two, "boundSeconds"), 4.0);
    assert_eq!(figure(&two, "lost"), 0.0);
    assert!(figure(&two, "makespanSeconds") >= 4.0, "{two}");
    // Two gates that know nothing of one another are refused more than one.
    assert!(
        figure(&two, "attemptsPerUser") > figure(&one, "attemptsPerUser"),
        "{one} {two}"
    );
    let lost = json(&[
        "--limit",
        "fixed-window limit=0 window=1s",
        "--users",
        "5",
        "--processes",
        "3",
        "--policy",
        "none",
        "--seeds",
        "1",
    ]);
    assert_eq!(figure(&lost, "lost"), 15.0);
    let ended = run(&[&["simulate", "--processes", "2"], &limit[..]].concat());
    assert!(
        ended
            .out
            .starts_with("2 JVMs on one limit, each with a gate of its own"),
        "{}",
        ended.out
    );
    let wrong = run(&["simulate", "--limit", "none", "--processes", "0"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("1..=50"), "{}", wrong.err);
}

#[test]
fn the_table_tells_what_the_json_does_and_the_picture_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, file) = (folder.path().join("p.svg"), folder.path().join("f.json"));
    let paths = [picture.to_str().unwrap(), file.to_str().unwrap()];
    let ended = run(&[
        "simulate",
        "--limit",
        "token-bucket rate=10 burst=20",
        "--users",
        "60",
        "--ramp",
        "0",
        "--policy",
        "pace rate=10",
        "--policy",
        "none",
        "--seeds",
        "3",
        "--picture",
        paths[0],
        "--json",
        paths[1],
    ]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert!(
        lines[0].starts_with("60 users at once against token-bucket rate=10 burst=20"),
        "{}",
        ended.out
    );
    assert!(lines[1].contains("4.0 s"), "{}", ended.out);
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("none ") && line.contains("never")),
        "{}",
        ended.out
    );
    let told: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(told["results"][0]["policy"], "pace rate=10");
    let picture = std::fs::read_to_string(picture).unwrap();
    assert!(
        picture.starts_with("<svg") && picture.contains("pace rate=10") && picture.contains("all 60 users")
    );
}

#[test]
fn windows_on_the_servers_clock_begin_anywhere_unless_it_is_known() {
    let limit = "fixed-window limit=100 window=60s clock=aligned";
    let bound = |args: &[&str], figure: &str| {
        json(&[&["--limit", limit, "--seeds", "8", "--policy", "pace"], args].concat())["results"][0]
            ["boundSeconds"][figure]
            .as_f64()
            .unwrap()
    };
    assert!(bound(&[], "deviation") > 1.0);
    assert_eq!(bound(&["--clock", "20s"], "least"), 40.0);
    assert_eq!(bound(&["--clock", "20s"], "most"), 40.0);
}

#[test]
fn a_thread_schedule_ends_what_the_policy_would_go_on_with() {
    let told = json(&[
        "--limit",
        "fixed-window limit=120 window=60s",
        "--schedule",
        "30s",
        "--policy",
        "pace",
        "--seeds",
        "2",
    ]);
    assert_eq!(told["results"][0]["lost"]["mean"], 80.0);
}

#[test]
fn what_is_wrong_is_told_with_what_is_allowed() {
    let limit = ["--limit", "none"];
    for (args, code, said) in [
        (&["--users", "0"][..], 2, &["--users", "'0'", "1 to 100000"][..]),
        (&["--policy", "often"], 2, &["--policy", "'often'", "none, fixed"]),
        (
            &["--policy", "pace rate=-1"],
            2,
            &["--policy", "rate=\"-1\"", "plain number"],
        ),
        (&["--seeds", "0"], 2, &["--seeds", "1 to 10000"]),
        (&["--ramp", "soon"], 2, &["--ramp", "'soon'", "1.5s"]),
        (&["--limit", "concurrency limit=3"], 1, &["--hold TIME"]),
        (
            &["--picture", "/no/such/folder/p.svg"],
            1,
            &["cannot write the picture /no/such/folder/p.svg"],
        ),
    ] {
        let first: &[&str] = if args[0] == "--limit" { &[] } else { &limit };
        let ended = run(&[
            &["simulate", "--seeds", "1"][..if args[0] == "--seeds" { 1 } else { 3 }],
            first,
            args,
        ]
        .concat());
        assert_eq!(ended.code, Some(code), "{args:?}: {}", ended.err);
        for part in said {
            assert!(
                ended.err.contains(part),
                "{args:?}: {part} is not in {}",
                ended.err
            );
        }
    }
    assert_eq!(run(&["simulate"]).code, Some(2));
}

#[test]
fn a_storm_goes_on_until_all_are_in_or_gave_up() {
    // One in an hour: the tenth is in after nine.
    let told = json(&[
        "--limit",
        "fixed-window limit=1 window=1h",
        "--users",
        "10",
        "--seeds",
        "1",
        "--retry-after",
        "none",
        "--policy",
        "decorrelated cap=10m max-elapsed=1d",
    ]);
    let result = &told["results"][0];
    assert_eq!(result["lost"]["mean"], 0.0, "{told}");
    assert!(
        result["makespanSeconds"]["mean"].as_f64().unwrap() >= 9.0 * 3_600.0,
        "{told}"
    );
    let forever = run(&[
        "simulate",
        "--limit",
        "fixed-window limit=1 window=300d",
        "--users",
        "2",
        "--seeds",
        "1",
        "--retry-after",
        "none",
        "--policy",
        "fixed base=1h cap=1h max-elapsed=300d",
    ]);
    assert!(
        forever
            .out
            .contains("1.0 of those lost try still when the storm is broken off, after a week"),
        "{}{}",
        forever.out,
        forever.err
    );
}
