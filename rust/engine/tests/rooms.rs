//! The rooms of this crate: none reaches back into one that needs it, and none knows who drives them.

// Helpers of tests may fail as tests do.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Words of those who drive the engine, and why each must not stand here.
const FOREIGN: &[(&str, &str)] = &[
    ("JMeter", "the adapter knows it"),
    ("java.", "names of exceptions are the adapter's"),
    ("Non HTTP", "how a code is shown is the adapter's"),
    ("README", "it tells of elements"),
    ("wsb.", "keys and variables are the adapter's"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
}

/// Every file of the crate by its path in `src`, with its text.
fn files() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    let named = found.into_iter().map(|path| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(&path).unwrap())
    });
    named.collect()
}

/// The room, or the root's piece, that a file belongs to.
fn room(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// What each room names of others, tests apart: they may look everywhere.
fn arrows(files: &BTreeMap<String, String>) -> BTreeMap<String, BTreeSet<String>> {
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, text) in files {
        let from = room(file);
        if from == "lib" || file.ends_with("tests.rs") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for behind in line.split("crate::").skip(1) {
                let word = |c: char| !c.is_ascii_lowercase() && c != '_';
                let to = behind.split(word).next().unwrap();
                if !to.is_empty() && to != from {
                    arrows.entry(from.to_owned()).or_default().insert(to.to_owned());
                }
            }
        }
    }
    arrows
}

/// The rooms of a way that comes back to where it began.
fn cycle(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn walk(
        at: &str,
        arrows: &BTreeMap<String, BTreeSet<String>>,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> bool {
        if let Some(begin) = way.iter().position(|room| room == at) {
            way.drain(..begin);
            way.push(at.to_owned());
            return true;
        }
        if done.contains(at) {
            return false;
        }
        way.push(at.to_owned());
        if arrows
            .get(at)
            .into_iter()
            .flatten()
            .any(|to| walk(to, arrows, way, done))
        {
            return true;
        }
        way.pop();
        done.insert(at.to_owned());
        false
    }
    let mut done = BTreeSet::new();
    arrows.keys().find_map(|room| {
        let mut way = Vec::new();
        walk(room, arrows, &mut way, &mut done).then_some(way)
    })
}

#[test]
fn no_room_reaches_back_into_one_that_needs_it() {
    let arrows = arrows(&files());
    let rooms = ["connecting", "talking", "keeping", "tracing"];
    assert!(rooms.iter().all(|room| arrows.contains_key(*room)), "{arrows:#?}");
    assert_eq!(cycle(&arrows), None, "{arrows:#?}");
}

#[test]
fn a_way_back_is_found() {
    let arrow = |from: &str, to: &[&str]| (from.to_owned(), to.iter().map(|to| (*to).to_owned()).collect());
    let mut some = BTreeMap::from([arrow("a", &["b", "d"]), arrow("b", &["d"]), arrow("c", &["a"])]);
    assert_eq!(cycle(&some), None);
    some.extend([arrow("d", &["e"]), arrow("e", &["b"])]);
    assert_eq!(cycle(&some).unwrap(), ["b", "d", "e", "b"]);
    let text = "use crate::keeping::slot;\n// crate::talking\nlet x: crate::gates::Gate;\n#[cfg(test)]\nuse crate::tests;";
    let found = super_arrows("connecting/run.rs", text);
    assert_eq!(found, ["gates", "keeping"]);
}

fn super_arrows(file: &str, text: &str) -> Vec<String> {
    let files = BTreeMap::from([(file.to_owned(), text.to_owned())]);
    arrows(&files).into_values().flatten().collect()
}

#[test]
fn no_room_knows_who_drives_it() {
    let adapter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jmeter/src/keys/mod.rs");
    let table = std::fs::read_to_string(adapter).unwrap();
    let classes: BTreeSet<&str> = table
        .split('"')
        .filter(|word| {
            let kinds = ["Sampler", "Controller", "Timer", "Defaults"];
            kinds.iter().any(|kind| word.ends_with(kind)) && word.chars().all(char::is_alphabetic)
        })
        .collect();
    assert!(classes.len() > 5, "the table names its elements: {classes:?}");
    let mut found = Vec::new();
    for (file, text) in files() {
        for (number, line) in (1..).zip(text.lines()) {
            let words = FOREIGN
                .iter()
                .map(|(word, _)| *word)
                .chain(classes.iter().copied());
            found.extend(
                words
                    .filter(|word| line.contains(word))
                    .map(|word| format!("{file}:{number}: {word}")),
            );
        }
    }
    assert!(found.is_empty(), "{FOREIGN:#?}\n{found:#?}");
}
