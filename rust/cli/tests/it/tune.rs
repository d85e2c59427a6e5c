//! `tune` as its users call it.

use crate::program::run;
use serde_json::Value;

/// A question that is answered in a moment.
const SMALL: [&str; 9] = [
    "tune",
    "--limit",
    "fixed-window limit=20 window=10s",
    "--users",
    "40",
    "--ramp",
    "1s",
    "--seeds",
    "3",
];

#[test]
fn the_table_names_todays_loss_the_settings_and_what_to_set() {
    let ended = run(&SMALL);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let line = |start: &str| {
        let mut lines = ended.out.lines();
        lines
            .find(|line| line.starts_with(start))
            .unwrap_or_else(|| panic!("{start}: {}", ended.out))
            .to_owned()
    };
    let today = line("today: fixed=500ms tries=3");
    assert!(
        today.contains(" 20 ") && today.contains("50.0 %") && today.contains("never"),
        "{today}"
    );
    assert!(line("1. ").contains("(1."), "{}", ended.out);
    assert!(
        ended.out.contains("\n1. wsb.") || ended.out.contains("\n1. The sampler as it comes"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("Ramp-up ") && ended.out.contains("nobody is refused"),
        "{}",
        ended.out
    );
}

#[test]
fn the_json_has_only_keys_that_the_sampler_knows() {
    let described = run(&["describe", "--format", "json"]);
    let described: Value = serde_json::from_str(&described.out).unwrap();
    let known: Vec<&str> = described["keys"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|key| key["key"].as_str())
        .collect();
    let ended = run(&[&SMALL[..], &["--json", "--goal", "steady"]].concat());
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(told["goal"], "steady");
    assert_eq!(told["today"]["lost"]["mean"], 20.0);
    let settings = told["settings"].as_array().unwrap();
    assert!((2..=5).contains(&settings.len()), "{told}");
    for setting in settings {
        for key in setting["properties"].as_object().unwrap().keys() {
            assert!(known.contains(&key.as_str()), "{key}");
        }
        assert_eq!(setting["lost"]["most"], 0.0, "{setting}");
    }
    let calm = settings.iter().find(|setting| setting["kind"] == "calm").unwrap();
    assert_eq!(calm["refused"]["most"], 0.0);
}

#[test]
fn a_setting_becomes_a_plan_and_all_of_them_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let [plan, picture] = ["p.jmx", "p.svg"].map(|name| folder.path().join(name));
    let files = [
        "--jmx",
        plan.to_str().unwrap(),
        "--picture",
        picture.to_str().unwrap(),
    ];
    let ended = run(&[&SMALL[..], &files].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let plan = std::fs::read_to_string(plan).unwrap();
    for part in [
        "testclass=\"io.github.wsbackoff.config.WebSocketDefaults\"",
        "guiclass=\"io.github.wsbackoff.gui.WebSocketDefaultsGui\"",
        "Ramp-up of the thread group: ",
    ] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    let picture = std::fs::read_to_string(picture).unwrap();
    assert!(
        picture.contains("today: fixed=500ms tries=3") && picture.contains("ramp-up "),
        "{picture}"
    );
    let none = [
        "--limit",
        "none",
        "--users",
        "5",
        "--seeds",
        "1",
        "--jmx",
        "--setting",
        "5",
    ];
    let missing = run(&[&["tune"][..], &none].concat());
    assert_eq!(missing.code, Some(1), "{}", missing.out);
    assert!(missing.err.contains("--setting 5: there are "), "{}", missing.err);
}

#[test]
fn what_is_wrong_or_hopeless_is_told() {
    for (args, code, said) in [
        (
            &["--limit", "none", "--goal", "best"][..],
            2,
            "soonest, fewest-attempts, steady",
        ),
        (&["--limit", "none", "--today", "often"], 2, "--today"),
        (&["--limit", "none", "--setting", "6"], 2, "--setting"),
        (
            &["--limit", "concurrency limit=20"],
            1,
            "no retry helps before a slot gets free",
        ),
    ] {
        let ended = run(&[&["tune"], args].concat());
        assert_eq!(ended.code, Some(code), "{args:?}: {}", ended.err);
        assert!(ended.err.contains(said), "{args:?}: {}", ended.err);
    }
    let nothing = run(&[
        "tune",
        "--limit",
        "fixed-window limit=1 window=30d",
        "--users",
        "3",
        "--seeds",
        "1",
    ]);
    assert_eq!(nothing.code, Some(1), "{}", nothing.out);
    assert!(
        nothing
            .err
            .contains("no setting helps: each loses at least as many as today, 2.0 of 3 users"),
        "{}",
        nothing.err
    );
    let cap = run(&[
        "tune",
        "--limit",
        "concurrency limit=20",
        "--hold",
        "1s",
        "--users",
        "30",
        "--seeds",
        "2",
        "--retry-after",
        "none",
    ]);
    assert!(
        cap.out.contains("The limit is a cap, 20 connections at a time"),
        "{}{}",
        cap.out,
        cap.err
    );
}

#[test]
fn the_limit_may_come_from_what_a_run_met() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.jtl");
    let mut rows = "timeStamp,elapsed,label,responseCode,success\n".to_owned();
    // A bucket of 10, and 10 more a second; samples in four bunches, whose pauses fill it by halves.
    let (mut tokens, mut last) = (10.0, 0);
    for nth in 0..240_u32 {
        let at = 20 * nth + 437 * (nth / 60);
        tokens = (tokens + f64::from(at - last) * 0.01).min(10.0);
        last = at;
        let passed = tokens >= 1.0;
        tokens -= f64::from(u8::from(passed));
        let code = if passed { "101" } else { "429" };
        rows += &format!(
            "{},1,Connect,{code},{passed}\n",
            1_700_000_000_000_u64 + u64::from(at)
        );
    }
    std::fs::write(&file, rows).unwrap();
    let path = file.to_str().unwrap();
    let ended = run(&["tune", "--trace", path, "--users", "30", "--seeds", "2"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("against token-bucket rate="), "{}", ended.out);

    std::fs::write(
        &file,
        "timeStamp,elapsed,label,responseCode,success\n1,1,Connect,429,false\n",
    )
    .unwrap();
    let few = run(&["tune", "--trace", path]);
    assert_eq!(few.code, Some(1), "{}", few.out);
    assert!(
        few.err.contains("no limit to tune for") && few.err.contains("--limit"),
        "{}",
        few.err
    );
    let unsaid = run(&["tune"]);
    assert_eq!(unsaid.code, Some(2));
    assert!(
        unsaid.err.contains("--limit <LIMIT>|--trace <TRACE>"),
        "{}",
        unsaid.err
    );
    assert_eq!(run(&["tune", "--trace", path, "--limit", "none"]).code, Some(2));
}
