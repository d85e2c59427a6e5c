//! `migrate` as its users call it: plans and folders in, plans, backups, reports and exit codes out.

use crate::program::run;
use std::fs;
use std::path::{Path, PathBuf};

const OPEN: &str = "eu.luminis.jmeter.wssampler.OpenWebSocketSampler";

fn plan(inner: &str) -> String {
    format!("<jmeterTestPlan version=\"1.2\">\n<hashTree>{inner}</hashTree>\n</jmeterTestPlan>\n")
}

/// A plan that moves as a whole, one of which something is left, and one without anything to move.
fn plans() -> [(&'static str, String); 3] {
    let open =
        format!("<{OPEN} testname=\"Open\"><stringProp name=\"server\">h</stringProp></{OPEN}><hashTree/>");
    let lost = format!("<{OPEN} testname=\"No server\"/><hashTree/>");
    [
        ("moves.jmx", plan(&open)),
        ("stays.jmx", plan(&lost)),
        ("other.jmx", plan("<ThreadGroup/><hashTree/>")),
    ]
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn of(files: &[(&str, String)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, content) in files {
            let path = folder.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("an ASCII path").to_owned()
    }

    fn content(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn files(&self) -> Vec<String> {
        fn below(folder: &Path, root: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    below(&path, root, found);
                } else {
                    found.push(path.strip_prefix(root).unwrap().display().to_string());
                }
            }
        }
        let mut found = Vec::new();
        below(self.0.path(), self.0.path(), &mut found);
        found.sort();
        found
    }
}

#[test]
fn a_folder_is_moved_into_another_and_the_exit_code_says_that_something_was_left() {
    let [moves, stays, other] = plans();
    let other = (Path::new("deep").join(other.0), other.1);
    let folder = Folder::of(&[moves.clone(), stays, (other.0.to_str().unwrap(), other.1.clone())]);
    let out = Folder::of(&[]);
    let args = ["migrate", &folder.text(""), "--out", &out.text("new")];
    let ended = run(&args);
    assert_eq!(ended.code, Some(3), "{}", ended.err);
    assert!(
        out.content("new/moves.jmx")
            .contains("io.github.wsbackoff.sampler.ConnectSampler")
    );
    assert_eq!(out.content("new/deep/other.jmx"), other.1);
    assert_eq!(folder.content("moves.jmx"), moves.1);
    for part in [
        "moves.jmx: 1 element moved, nothing left; written to",
        "line 2: Open (OpenWebSocketSampler) is now WebSocket Connect (wsb)",
        "stays.jmx: 1 element left, nothing moved",
        "No server (OpenWebSocketSampler) LEFT: it has no server",
        "other.jmx: nothing to move",
    ] {
        assert!(ended.out.contains(part), "{part} is not in {}", ended.out);
    }
    // What is there is not replaced.
    let again = run(&args);
    assert_eq!(again.code, Some(2));
    assert!(
        again.out.contains("is there already, and is not replaced"),
        "{}",
        again.out
    );
}

#[test]
fn thread_groups_become_virtual_where_that_is_asked_for() {
    let [moves, _, other] = plans();
    let folder = Folder::of(&[moves, other.clone()]);
    let path = folder.text("");
    let without = run(&["migrate", &path, "--dry-run"]);
    assert!(!without.out.contains("Virtual"), "{}", without.out);
    let ended = run(&["migrate", &path, "--virtual", "--out", &folder.text("new")]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for part in [
        "moves.jmx: 1 element moved, nothing left",
        "other.jmx: 1 element moved, nothing left; written to",
        "(ThreadGroup) is now Virtual Thread Group (wsb)",
        "JMeter must run on Java 21 or newer, better 24",
    ] {
        assert!(ended.out.contains(part), "{part} is not in {}", ended.out);
    }
    let class = "io.github.wsbackoff.threads.VirtualUserGroup";
    let names =
        format!("{class} guiclass=\"io.github.wsbackoff.gui.VirtualUserGroupGui\" testclass=\"{class}\"");
    let converted = other.1.replace("ThreadGroup", &names);
    assert_eq!(folder.content("new/other.jmx"), converted);
    // A second time nothing is left to do.
    let again = run(&["migrate", &folder.text("new"), "--virtual", "--dry-run"]);
    assert_eq!(again.out.matches("nothing to move").count(), 2, "{}", again.out);
}

#[test]
fn in_place_keeps_what_was_there_and_a_second_time_changes_nothing() {
    let [moves, _, other] = plans();
    let folder = Folder::of(&[
        moves.clone(),
        other.clone(),
        ("moves.jmx.bak", "of somebody".to_owned()),
    ]);
    let path = folder.text("moves.jmx");
    for _ in 0..2 {
        let ended = run(&["migrate", &path, &folder.text("other.jmx"), "--in-place"]);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert_eq!(
            folder.files(),
            ["moves.jmx", "moves.jmx.bak", "moves.jmx.bak1", "other.jmx"]
        );
        assert!(folder.content("moves.jmx").contains("ConnectSampler"));
        assert_eq!(folder.content("moves.jmx.bak1"), moves.1);
        assert_eq!(folder.content("moves.jmx.bak"), "of somebody");
        assert_eq!(folder.content("other.jmx"), other.1);
    }
}

#[test]
fn a_dry_run_writes_nothing_but_the_report() {
    let [moves, stays, _] = plans();
    let folder = Folder::of(&[moves.clone(), stays]);
    for (name, parts) in [
        (
            "report.html",
            [
                "<!DOCTYPE html>",
                "is now WebSocket Connect (wsb)",
                "LEFT: it has no server",
            ],
        ),
        (
            "report.md",
            [
                "# Plans moved to ws-backoff",
                "| is now WebSocket Connect (wsb) |",
                "| LEFT: it has no server",
            ],
        ),
    ] {
        let report = folder.text(name);
        let ended = run(&[
            "migrate",
            &folder.text(""),
            "--in-place",
            "--dry-run",
            "--report",
            &report,
        ]);
        assert_eq!(ended.code, Some(3), "{}", ended.err);
        for part in parts {
            assert!(
                folder.content(name).contains(part),
                "{part} is not in {}",
                folder.content(name)
            );
        }
        fs::remove_file(&report).unwrap();
        assert_eq!(folder.files(), ["moves.jmx", "stays.jmx"]);
        assert_eq!(folder.content("moves.jmx"), moves.1);
    }
}

#[test]
fn what_is_no_plan_is_told_with_the_reason_and_the_others_are_moved() {
    let [moves, ..] = plans();
    let folder = Folder::of(&[
        moves,
        ("broken.jmx", "<jmeterTestPlan version=\"1.2\">\n<a>".to_owned()),
    ]);
    let ended = run(&["migrate", &folder.text(""), "--out", &folder.text("out")]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .out
            .contains("broken.jmx: not touched: line 2: is no well-formed XML"),
        "{}",
        ended.out
    );
    assert_eq!(folder.files(), ["broken.jmx", "moves.jmx", "out/moves.jmx"]);
}

#[test]
fn results_in_the_folder_of_plans_are_not_moved_again() {
    let [moves, ..] = plans();
    let folder = Folder::of(&[moves]);
    let out = folder.text("moved");
    let first = run(&["migrate", &folder.text(""), "--out", &out]);
    assert_eq!((first.code, folder.files().len()), (Some(0), 2), "{}", first.err);
    let second = run(&["migrate", &folder.text(""), "--out", &out]);
    // The result that is there is not replaced, and no further one is made.
    assert_eq!(
        (second.code, folder.files().len()),
        (Some(2), 2),
        "{}",
        second.out
    );
}

#[test]
fn a_plan_that_may_not_be_written_is_not_replaced() {
    let [moves, ..] = plans();
    let folder = Folder::of(&[moves]);
    let path = folder.path("moves.jmx");
    let before = folder.content("moves.jmx");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let done = run(&["migrate", &folder.text("moves.jmx"), "--in-place"]);
    assert_eq!(done.code, Some(2));
    assert!(done.out.contains("is read-only"), "{}", done.out);
    assert_eq!((folder.content("moves.jmx"), folder.files().len()), (before, 1));
}

#[cfg(unix)]
#[test]
fn what_is_written_has_the_mode_of_its_plan_and_nothing_stale_is_in_the_way() {
    use std::os::unix::fs::PermissionsExt;
    let [moves, ..] = plans();
    for mode in [0o600, 0o640, 0o664] {
        let folder = Folder::of(&[moves.clone(), ("moves.jmx.new", "half".to_owned())]);
        let set = fs::Permissions::from_mode(mode);
        fs::set_permissions(folder.path("moves.jmx"), set).unwrap();
        for args in [vec!["--out", &folder.text("out")], vec!["--in-place"]] {
            let plan = folder.text("moves.jmx");
            let ended = run(&[vec!["migrate", plan.as_str()], args].concat());
            assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
        }
        for name in ["moves.jmx", "moves.jmx.bak", "out/moves.jmx"] {
            let about = fs::metadata(folder.path(name)).unwrap();
            assert_eq!(about.permissions().mode() & 0o777, mode, "{name}");
        }
        let mut files = folder.files();
        files.sort();
        assert_eq!(
            files,
            ["moves.jmx", "moves.jmx.bak", "moves.jmx.new", "out/moves.jmx"]
        );
    }
}

/// A loop for a flag around a script in a file.
fn retry_by(file: &str) -> String {
    plan(&format!(
        "<Arguments><collectionProp name=\"Arguments.arguments\"><elementProp name=\"ok\"><stringProp name=\"Argument.name\">ok</stringProp>\
         <stringProp name=\"Argument.value\">false</stringProp></elementProp></collectionProp></Arguments><hashTree/>\
         <WhileController testname=\"Until\"><stringProp name=\"WhileController.condition\">${{__jexl3(\"${{ok}}\" != \"true\")}}</stringProp>\
         </WhileController><hashTree><HTTPSamplerProxy testname=\"Call\"/><hashTree><JSR223PostProcessor testname=\"Wait\">\
         <stringProp name=\"filename\">{file}</stringProp></JSR223PostProcessor><hashTree/></hashTree></hashTree>"
    ))
}

#[test]
fn scripts_are_read_beside_the_plan_and_nowhere_else() {
    let script = "if (prev.successful) vars.put('ok', 'true') else sleep(500)";
    let outside = Folder::of(&[("outside.groovy", script.to_owned())]);
    let absolute = outside.text("outside.groovy");
    let folder = Folder::of(&[
        ("scripts/retry.groovy", script.to_owned()),
        ("plans/inner/retry.groovy", script.to_owned()),
    ]);
    for (file, code) in [
        ("inner/retry.groovy", 0),
        ("./inner/../inner/retry.groovy", 0),
        ("../scripts/retry.groovy", 3),
        ("linked.groovy", 3),
        ("inner", 3),
        (absolute.as_str(), 3),
        ("/dev/zero", 3),
        ("${file}", 3),
    ] {
        #[cfg(unix)]
        let _ = std::os::unix::fs::symlink(&absolute, folder.path("plans/linked.groovy"));
        fs::write(folder.path("plans/plan.jmx"), retry_by(file)).unwrap();
        let done = run(&["migrate", &folder.text("plans/plan.jmx"), "--dry-run"]);
        assert_eq!(done.code, Some(code), "{file}: {}", done.out);
    }
}

#[test]
fn wrong_command_lines_say_what_is_missing() {
    let [moves, ..] = plans();
    let folder = Folder::of(&[
        moves.clone(),
        ("sub/moves.jmx", moves.1.clone()),
        ("empty/a.txt", String::new()),
    ]);
    let path = folder.text("moves.jmx");
    for (args, said) in [
        (&[path.as_str()][..], "--dry-run"),
        (&["--dry-run"], "PLAN.jmx|FOLDER"),
        (&[&path, "--in-place", "--out", "x"], "cannot be used with"),
        (&[&path, "--dry-run", "--report", "report.pdf"], ".html or .md"),
        (&[&folder.text("no.jmx"), "--dry-run"], "no.jmx: cannot read it"),
        (&[&folder.text("empty"), "--dry-run"], "has no plan (*.jmx) in it"),
        (
            &[&path, &folder.text("sub"), "--out", &folder.text("out")],
            "would both be written as moves.jmx",
        ),
    ] {
        let ended = run(&[&["migrate"], args].concat());
        assert_eq!(ended.code, Some(2), "{args:?}");
        assert!(ended.err.contains(said), "{args:?}: {}", ended.err);
    }
    assert!(!folder.path("out").exists());
    let help = run(&["migrate", "--help"]);
    assert_eq!(help.code, Some(0));
    for part in ["--in-place", "Examples:", "Exit codes: 0"] {
        assert!(help.out.contains(part), "{part}");
    }
}

/// The elements in a moved plan that are ours: the last part of each one's class, and the names of its properties.
fn ours(plan: &str) -> Vec<(String, Vec<String>)> {
    let quoted = |text: &str| text.split('"').next().expect("a text has a begin").to_owned();
    let elements = plan.split("testclass=\"io.github.wsbackoff.").skip(1);
    let element = |rest: &str| {
        let class = quoted(rest);
        let own = rest
            .split("</io.github.wsbackoff.")
            .next()
            .expect("a text has a begin");
        let keys = own
            .split("name=\"wsb.")
            .skip(1)
            .map(|rest| format!("wsb.{}", quoted(rest)));
        let name = class.rsplit('.').next().expect("a text has an end").to_owned();
        (name, keys.collect())
    };
    elements.map(element).collect()
}

#[test]
fn each_property_of_a_moved_plan_is_one_that_its_element_has() {
    let tables: serde_json::Value =
        serde_json::from_str(&run(&["describe", "--format", "json"]).out).unwrap();
    let keys = tables["keys"].as_array().unwrap();
    let has = |element: &str, name: &str| {
        let of = |key: &serde_json::Value| {
            key["elements"]
                .as_array()
                .unwrap()
                .iter()
                .any(|one| one == element)
        };
        keys.iter().any(|key| key["key"] == name && of(key))
    };
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/migrate");
    let mut seen = 0;
    for folder in fs::read_dir(corpus).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "moved") {
                continue;
            }
            let plan = String::from_utf8_lossy(&fs::read(&path).unwrap()).replace('\0', "");
            for (element, keys) in ours(&plan) {
                for key in keys {
                    assert!(has(&element, &key), "{}: {element} has no {key}", path.display());
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 500, "{seen}");
}

#[test]
fn plans_that_include_each_other_move_together_or_not_at_all() {
    let open = "<eu.luminis.jmeter.wssampler.OpenWebSocketSampler testname=\"Open\"><stringProp name=\"server\">localhost</stringProp>\
                </eu.luminis.jmeter.wssampler.OpenWebSocketSampler><hashTree/>";
    let reflects = "<JSR223Sampler testname=\"Look\"><stringProp name=\"script\">eu.luminis.jmeter.wssampler.WebsocketSampler</stringProp>\
                    </JSR223Sampler><hashTree/>";
    let include = |file: &str| {
        format!(
            "<IncludeController testname=\"Include\"><stringProp name=\"IncludeController.includepath\">{file}</stringProp></IncludeController><hashTree/>"
        )
    };
    for (first, second, left) in [(reflects, "", 2), ("", reflects, 2), ("", "", 0)] {
        let folder = Folder::of(&[
            ("main.jmx", plan(&(include("part.jmx") + first))),
            ("part.jmx", plan(&(include("deep.jmx") + open))),
            ("deep.jmx", plan(&(open.to_owned() + second))),
            ("apart.jmx", plan(open)),
        ]);
        let done = run(&["migrate", &folder.text(""), "--dry-run"]);
        assert_eq!(done.out.matches("LEFT").count(), left, "{}", done.out);
        assert_eq!(
            done.out.matches("is now WebSocket Connect (wsb)").count(),
            3 - left,
            "{}",
            done.out
        );
        assert_eq!(done.code, Some(if left > 0 { 3 } else { 0 }), "{}", done.err);
    }
}
