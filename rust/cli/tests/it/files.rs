//! Files that commands write: what of an own kind is there is replaced, and nothing else.

use crate::program::run;
use std::fs;
use std::path::{Path, PathBuf};

const STORM: [&str; 6] = [
    "--limit",
    "token-bucket rate=10 burst=5",
    "--users",
    "8",
    "--seeds",
    "1",
];

fn trace() -> String {
    concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../find/tests/traces/go-xrate.jsonl.gz"
    )
    .to_owned()
}

/// A command that writes this file.
fn writes(folder: &Path) -> Vec<(PathBuf, Vec<String>)> {
    let trace = trace();
    let plan = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/plans/after.jmx");
    let storm = |command: &'static str, option: &'static str| [&[command], &STORM[..], &[option]].concat();
    let all = [
        ("p.svg", vec!["find", &trace, "--picture"]),
        ("page.html", vec!["report", &trace, "-o"]),
        ("s.json", storm("simulate", "--json")),
        ("s.svg", storm("simulate", "--picture")),
        ("t.json", storm("tune", "--json")),
        ("t.svg", storm("tune", "--picture")),
        ("t.jmx", storm("tune", "--jmx")),
        ("m.html", vec!["migrate", plan, "--dry-run", "--report"]),
        ("m.md", vec!["migrate", plan, "--dry-run", "--report"]),
    ];
    let with_file = |(name, args): (&str, Vec<&str>)| {
        let path = folder.join(name);
        let mut args: Vec<String> = args.into_iter().map(str::to_owned).collect();
        args.push(path.to_str().unwrap().to_owned());
        (path, args)
    };
    all.into_iter().map(with_file).collect()
}

#[test]
fn a_file_of_the_same_command_is_replaced_and_any_other_left() {
    let folder = tempfile::tempdir().unwrap();
    let good = |code: Option<i32>| matches!(code, Some(0 | 3));
    for (path, args) in writes(folder.path()) {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let first = run(&args);
        assert!(good(first.code), "{args:?}: {}", first.err);
        let written = fs::read_to_string(&path).unwrap();
        assert!(!written.is_empty());
        let again = run(&args);
        assert!(good(again.code), "{args:?}: {}", again.err);
        let cut = &written[..written.len() / 2];
        for (theirs, is_other) in [
            ("<jmeterTestPlan><hashTree/></jmeterTestPlan>", true),
            ("{\"my\":\"figures\"}", true),
            ("<svg xmlns=\"http://www.w3.org/2000/svg\"><path/></svg>", true),
            // A full disk left this behind, but who knows: only what has its mark is replaced.
            (cut, false),
            ("", false),
        ] {
            fs::write(&path, theirs).unwrap();
            let ended = run(&args);
            let now = fs::read_to_string(&path).unwrap();
            if is_other {
                assert_eq!(now, theirs, "{args:?}");
                assert!(matches!(ended.code, Some(1 | 2)), "{args:?}: {}", ended.err);
                assert!(ended.err.contains("is there already"), "{args:?}: {}", ended.err);
            } else {
                assert!(now == theirs || now.len() > theirs.len(), "{args:?}");
            }
        }
        fs::remove_file(&path).unwrap();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_plan_to_which_somebody_has_added_something_is_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.jmx");
    let args = [&["tune"], &STORM[..], &["--jmx", path.to_str().unwrap()]].concat();
    assert_eq!(run(&args).code, Some(0));
    let own = fs::read_to_string(&path).unwrap();
    let theirs = own.replacen("<hashTree/>", "<hashTree/><ThreadGroup/><hashTree/>", 1);
    fs::write(&path, &theirs).unwrap();
    let ended = run(&args);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(
        ended.err.contains("cannot write the plan") && ended.err.contains("is there already"),
        "{}",
        ended.err
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
}

#[test]
#[cfg(unix)]
fn a_link_stays_one_and_what_one_may_do_with_the_file_stays_so() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("a.svg"), folder.path().join("b.svg"));
    let picture = |path: &Path| {
        let trace = trace();
        run(&["find", &trace, "--picture", path.to_str().unwrap()]).code
    };
    assert_eq!(picture(&file), Some(0));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&file, &link).unwrap();
    assert_eq!(picture(&link), Some(0));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // What is no file takes what comes.
    assert_eq!(picture(Path::new("/dev/null")), Some(0));
}
