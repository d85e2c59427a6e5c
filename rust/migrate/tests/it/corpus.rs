//! The plans of `tests/migrate`: each is moved to what stands beside it (`NAME.moved`), or stays as it is where nothing does; the
//! report is `NAME.txt`.

use migrate::{File, markdown, migrate, text};
use std::fs;
use std::path::{Path, PathBuf};

/// All plans of the corpus.
pub(crate) fn plans() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/migrate");
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let files = folders
        .filter(|path| path.is_dir())
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path());
    let mut plans: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "jmx"))
        .collect();
    plans.sort();
    assert!(plans.len() >= 30, "{}", plans.len());
    plans
}

#[test]
fn each_plan_becomes_what_stands_beside_it() {
    for path in plans() {
        let bytes = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let migration = migrate(&bytes, &|_| None).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let expected = fs::read(path.with_extension("moved")).ok();
        assert!(
            migration.plan == expected,
            "{name} is not what is expected, but\n{}",
            String::from_utf8_lossy(migration.plan.as_deref().unwrap_or_default())
        );
        let file = File {
            name: name.clone(),
            result: Ok(migration),
            written: None,
        };
        let report = fs::read_to_string(path.with_extension("txt")).unwrap_or_default();
        assert_eq!(text(&[file]), report, "{name}");
    }
}

#[test]
fn a_moved_plan_is_moved_no_further() {
    for path in plans() {
        let Ok(moved) = fs::read(path.with_extension("moved")) else {
            continue;
        };
        let again = migrate(&moved, &|_| None).unwrap();
        assert_eq!(again.plan, None, "{}", path.display());
        let left = path.file_name().unwrap().to_string_lossy().starts_with("left-");
        assert!(
            left || again.entries.is_empty() || again.leaves_something(),
            "{}",
            path.display()
        );
    }
}

#[test]
fn the_report_says_what_becomes_of_every_element_of_theirs() {
    for path in plans() {
        let bytes = fs::read(&path).unwrap();
        let migration = migrate(&bytes, &|_| None).unwrap();
        // UTF-16, too: NUL stands between its letters.
        let text = String::from_utf8_lossy(&bytes).replace('\0', "");
        let theirs: usize = [
            "<eu.luminis.jmeter",
            "<JMeter.plugins.functional",
            "<nz.co.breakpoint",
            "<blazemeter.jmeter.plugins.websocket",
        ]
        .iter()
        .map(|begin| text.matches(begin).count())
        .sum();
        let told = |name: &str| {
            migration
                .entries
                .iter()
                .filter(|entry| entry.element.contains(name))
                .count()
        };
        let known = [
            "WebSocketSampler)",
            "PingPongSampler)",
            "FrameFilter)",
            "BinaryContentAssertion)",
            "RetryPostProcessor)",
            "WebSocketSendSampler)",
            "WebSocketCollectorSampler)",
        ];
        let frames = migration
            .entries
            .iter()
            .any(|entry| entry.element.contains("WhileController"));
        let entries: usize = known.iter().map(|name| told(name)).sum();
        assert!(
            entries == theirs || frames,
            "{}: {entries} of {theirs}",
            path.display()
        );
        let file = File {
            name: "a|b*.jmx".to_owned(),
            result: Ok(migration),
            written: None,
        };
        let page = markdown(&[file]);
        assert!(page.contains("## a&#124;b&#42;.jmx"), "{page}");
    }
}
