//! The crates that are simulated in virtual time stay without I/O, clock and threads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Beside each other in one folder.
const PURE: [&str; 12] = [
    "backoff",
    "charts",
    "conversation",
    "find",
    "limiter",
    "migrate",
    "probe",
    "recording",
    "report",
    "simulate",
    "trace",
    "tune",
];

/// Crates that open sockets or files, start threads, or ask the system for the time.
const IMPURE: [&str; 13] = [
    "async-io",
    "chrono",
    "hyper",
    "mio",
    "openssl",
    "polling",
    "rayon",
    "reqwest",
    "rustix",
    "rustls",
    "socket2",
    "tokio",
    "tungstenite",
];

/// What a source of theirs must not say outside its tests.
const CALLS: [&str; 10] = [
    "Instant::now",
    "SystemTime::now",
    "std::thread",
    "thread::",
    "std::net",
    "std::fs",
    "std::process",
    "std::env",
    "File::",
    ".elapsed()",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The packages of the lock file, with those that each names.
fn packages(lock: &str) -> BTreeMap<&str, Vec<&str>> {
    lock.split("[[package]]")
        .skip(1)
        .map(|package| {
            let quoted = |line: &'static str| {
                let rest = package.split_once(line).expect("each package has one").1;
                rest.split('"').next().expect("a text has an end")
            };
            let dependencies = package
                .split_once("dependencies = [")
                .map_or("", |(_, rest)| rest.split(']').next().expect("a list has an end"));
            // A name, and a version behind it where there are several.
            let names = dependencies
                .split('"')
                .skip(1)
                .step_by(2)
                .filter_map(|dependency| dependency.split(' ').next());
            (quoted("name = \""), names.collect())
        })
        .collect()
}

/// The crates that a manifest names for what is shipped, not for its tests.
fn shipped(manifest: &str) -> Vec<&str> {
    let dependencies = manifest.split_once("[dependencies]").map_or("", |(_, rest)| rest);
    dependencies
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn no_crate_below_them_does_input_or_output() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let packages = packages(&lock);
    assert!(
        packages["websocket"].contains(&"tokio"),
        "the lock file is understood"
    );
    for name in PURE {
        let manifest = fs::read_to_string(root().join("rust").join(name).join("Cargo.toml")).unwrap();
        let mut below: Vec<&str> = shipped(&manifest);
        let mut seen = BTreeSet::new();
        while let Some(package) = below.pop() {
            assert!(!IMPURE.contains(&package), "{name} depends on {package}");
            if seen.insert(package) {
                // A workspace's own member: what only its tests need stands in the lock file, too.
                if !PURE.contains(&package) {
                    below.extend(&packages[package]);
                }
            }
        }
    }
}

/// All files of Rust below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_source_of_theirs_looks_at_a_clock_or_touches_the_system() {
    for name in PURE {
        let mut found = Vec::new();
        sources(&root().join("rust").join(name).join("src"), &mut found);
        assert!(!found.is_empty(), "{name}");
        for path in found {
            let text = fs::read_to_string(&path).unwrap();
            let shipped = text.split("#[cfg(test)]").next().unwrap();
            for (number, line) in shipped.lines().enumerate() {
                let said = CALLS.iter().find(|call| line.contains(**call));
                let comment = line.trim_start().starts_with("//");
                assert!(
                    said.is_none() || comment,
                    "{}:{}: {line}",
                    path.display(),
                    number + 1
                );
            }
        }
    }
}
