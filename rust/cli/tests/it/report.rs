//! `report` as its users call it: files in, a page out, and what is said where that cannot be.

use crate::program::run;
use std::fs;
use std::path::{Path, PathBuf};

const START: &str = r#"{"trace":"ws-backoff","version":1,"release":"0.1.0"}"#;

/// A user who is refused once, and gets in after 2.1 s.
fn trace(user: &str) -> String {
    format!(
        "{START}\n\
         {{\"at\":1795887319000000,\"target\":\"ws://h/\",\"user\":\"{user}\",\"ordinal\":0,\"attempt\":1,\"totalUs\":900,\"sentUs\":10,\
         \"headUs\":800,\"status\":429,\"error\":\"upgrade.status\",\"class\":\"throttle\",\"waitedMs\":2100}}\n\
         {{\"at\":1795887321101000,\"target\":\"ws://h/\",\"user\":\"{user}\",\"ordinal\":0,\"attempt\":2,\"totalUs\":900,\"sentUs\":10,\
         \"headUs\":800,\"status\":101,\"stop\":\"connected\"}}\n"
    )
}

fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).expect("the folder is ours");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("an ASCII path")
}

#[test]
fn a_page_is_written_and_its_sentence_printed() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str, content: &str| file(folder.path(), name, content);
    let (one, two) = (of("one.jsonl", &trace("U 1-1")), of("two.jsonl", &trace("U 1-2")));
    let jtl = of(
        "run.jtl",
        "timeStamp,elapsed,label,responseCode,threadName,success\n1795887319000,5,Order <b>,200,U 1-1,true\n",
    );
    let page = folder.path().join("page.html");
    let args = ["report", text(&one), text(&two), text(&jtl), "-o", text(&page)];
    // The second time it replaces its own page.
    for _ in 0..2 {
        let ended = run(&args);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let said = format!(
            "{}: All 2 users got in. The longest wait was 2.1 s (U 1-",
            text(&page)
        );
        assert!(ended.out.starts_with(&said), "{}", ended.out);
    }
    let html = fs::read_to_string(&page).unwrap();
    for part in [
        "one.jsonl, two.jsonl, run.jtl",
        "Order &lt;b&gt;",
        "The server throttles",
        "What the limit is",
        "only 4 attempts were seen",
    ] {
        assert!(html.contains(part), "{part} is not in the page");
    }
    let compared = run(&[
        "report",
        text(&one),
        "--before",
        text(&two),
        "--title",
        "Shift change",
        "-o",
        "-",
    ]);
    assert_eq!(compared.code, Some(0), "{}", compared.err);
    for part in ["<h1>Shift change</h1>", "Before: two.jsonl"] {
        assert!(compared.out.contains(part), "{part} is not in the page");
    }
}

#[test]
fn what_cannot_be_done_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str, content: &str| file(folder.path(), name, content);
    let good = of("good.jsonl", &trace("U 1-1"));
    let notes = of("notes.html", "<p>my notes</p>");
    let missing = folder.path().join("missing/page.html");
    let empty = of("empty.jsonl", "");
    for (args, code, said) in [
        (vec!["report"], 2, "TRACE"),
        (vec!["report", text(&empty)], 1, "is empty"),
        (
            vec!["report", text(&good), "-o", text(folder.path())],
            1,
            "is a folder; name a file in it",
        ),
        (
            vec!["report", text(&good), "-o", text(&missing)],
            1,
            "there is no folder",
        ),
        (
            vec!["report", text(&good), "-o", text(&notes)],
            1,
            "is there already, and was not written by this command; name another file",
        ),
        (
            vec!["report", text(&good), "--before", text(&missing), "-o", "-"],
            1,
            "there is no such file",
        ),
    ] {
        let ended = run(&args);
        assert_eq!(ended.code, Some(code), "{args:?}: {}", ended.err);
        assert!(ended.err.contains(said), "{args:?}: {}", ended.err);
    }
    assert_eq!(fs::read_to_string(&notes).unwrap(), "<p>my notes</p>");
}

#[test]
fn the_page_tells_what_to_set_where_the_limit_is_known() {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../find/tests/traces/go-xrate.jsonl.gz");
    let page = run(&["report", text(&traces), "-o", "-"]);
    assert_eq!(page.code, Some(0), "{}", page.err);
    for part in [
        "What to set",
        "wsb.shared.mode=pace",
        "simulated: 0.0 of 200 users lost",
        "Ramp-up ",
        "ws-backoff tune --limit",
    ] {
        assert!(page.out.contains(part), "{part} is not in the page");
    }
}
