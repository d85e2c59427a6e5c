//! `import` as its users call it.

use crate::program::run;
use std::fs;
use std::io::Write;

/// One of the recordings that the tests of the whole system play.
pub const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/recordings/json-rpc.har");

#[test]
fn a_plan_is_written_beside_its_recording_and_never_over_one_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("visit.har");
    fs::copy(RECORDING, &har).unwrap();
    let har = har.to_str().unwrap();
    let made = run(&["import", har]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let plan = folder.path().join("visit.jmx");
    assert!(
        made.out.ends_with(&format!("written: {}\n", plan.display())),
        "{}",
        made.out
    );
    assert!(
        made.out
            .contains("${account} is taken from $['result']['account']"),
        "{}",
        made.out
    );
    let text = fs::read_to_string(&plan).unwrap();
    let again = run(&["import", har]);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("is there already"), "{}", again.err);
    let printed = run(&["import", har, "-o", "-"]);
    assert_eq!((printed.code, printed.out), (Some(0), text));
    assert!(printed.err.contains("note: "), "{}", printed.err);
}

#[test]
fn a_packed_recording_and_one_with_its_requests_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = fs::File::create(folder.path().join("visit.har.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let login = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/recordings/login.har");
    packed.write_all(&fs::read(login).unwrap()).unwrap();
    packed.finish().unwrap();
    let packed = folder.path().join("visit.har.gz");
    let made = run(&["import", "--http", packed.to_str().unwrap()]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    assert!(
        made.out.contains("3 requests gave what the sockets use"),
        "{}",
        made.out
    );
    let plan = fs::read_to_string(folder.path().join("visit.jmx")).unwrap();
    assert_eq!(plan.matches("testclass=\"HTTPSamplerProxy\"").count(), 3);
}

#[test]
fn what_cannot_be_imported_is_told_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content, problem) in [
        (
            "page.har",
            r#"{"log":{"entries":[{"request":{"url":"http://h/"}}]}}"#,
            "has no WebSocket among its 1 entries",
        ),
        ("page.html", "<html>", "is no HAR"),
        (
            "bare.har",
            r#"{"log":{"entries":[{"request":{"url":"ws://h/"}}]}}"#,
            "not one message",
        ),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let ended = run(&["import", path.to_str().unwrap()]);
        assert_eq!(ended.code, Some(1), "{name}");
        assert!(ended.err.contains(problem), "{name}: {}", ended.err);
    }
    for (path, problem) in [
        (folder.path().join("none.har"), "cannot be read"),
        (folder.path().to_owned(), "is a folder"),
    ] {
        let ended = run(&["import", path.to_str().unwrap(), "-o", "-"]);
        assert_eq!(ended.code, Some(1));
        assert!(ended.err.contains(problem), "{}", ended.err);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn a_report_says_what_became_of_it_or_why_there_is_no_plan() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (plan, report) = (path("visit.jmx"), path("report.md"));
    let made = run(&["import", RECORDING, "-o", &plan, "--report", &report]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let text = fs::read_to_string(&report).unwrap();
    let points: Vec<&str> = made.out.lines().filter(|line| line.starts_with("- ")).collect();
    assert!(!points.is_empty());
    assert_eq!(
        text,
        format!("# A recording for ws-backoff\n\n{}\n", points.join("\n"))
    );
    fs::write(path("empty.har"), "{}").unwrap();
    let refused = run(&["import", &path("empty.har"), "--report", &report]);
    assert_eq!(refused.code, Some(1));
    let text = fs::read_to_string(&report).unwrap();
    let why = text.lines().last().unwrap().trim_start_matches("- ").to_owned();
    assert!(refused.err.contains(&why) && why.contains("empty.har"), "{text}");
    // A file of somebody's is not written over, and no plan is made.
    fs::write(&report, "mine").unwrap();
    let other = path("other.jmx");
    let refused = run(&["import", RECORDING, "-o", &other, "--report", &report]);
    assert_eq!(refused.code, Some(1));
    assert!(!folder.path().join("other.jmx").exists(), "{}", refused.err);
    assert_eq!(fs::read_to_string(&report).unwrap(), "mine");
}
