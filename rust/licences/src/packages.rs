//! What cargo says about the dependencies: name, version, licence and folder of each. No judgement here.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use crate::Error;

/// What the jar has libraries for (`script/package`).
const TARGETS: [&str; 7] = [
    "x86_64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-gnu",
    "aarch64-unknown-linux-musl",
    "x86_64-pc-windows-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
];

/// One package that is not our own.
#[derive(Debug, Clone, Deserialize)]
pub struct Package {
    /// As on the registry.
    pub name: String,
    /// As locked.
    pub version: String,
    /// The SPDX expression, if the package gives one.
    pub license: Option<String>,
    /// A licence file that the package names, relative to its folder.
    pub license_file: Option<PathBuf>,
    /// Where it lies on this machine.
    pub manifest_path: PathBuf,
    /// The registry; none for a package of this workspace.
    source: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// Every locked package from outside the workspace, for any platform and purpose, in order of name and version.
pub fn dependencies() -> Result<Vec<Package>, Error> {
    parse(&cargo(&["metadata", "--format-version", "1", "--locked"])?)
}

/// The packages of cargo's metadata that come from elsewhere.
pub fn parse(metadata: &str) -> Result<Vec<Package>, Error> {
    let Metadata { mut packages } = serde_json::from_str(metadata)?;
    packages.retain(|package| package.source.is_some());
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(packages)
}

/// Those of `all` that are linked into `package` on any of these, as one jar is for all: normal dependencies, and none that only run
/// while building (build scripts, macros, tests).
pub fn linked_into(package: &str, all: Vec<Package>) -> Result<Vec<Package>, Error> {
    let targets = TARGETS.iter().flat_map(|target| ["--target", target]);
    let asked = [
        "tree",
        "--locked",
        "--package",
        package,
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ];
    let tree = cargo(&asked.into_iter().chain(targets).collect::<Vec<_>>())?;
    pick(&tree, all)
}

/// Those of `all` that stand in the lines `name vVERSION ...` of cargo's tree.
pub fn pick(tree: &str, all: Vec<Package>) -> Result<Vec<Package>, Error> {
    let mut wanted = BTreeSet::new();
    for line in tree.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(version)) = (words.next(), words.next()) else {
            continue;
        };
        // Our own packages are followed by their folder; they have no notice of their own.
        if words.next().is_some_and(|place| place.starts_with("(/")) {
            continue;
        }
        wanted.insert((name.to_owned(), version.trim_start_matches('v').to_owned()));
    }
    let picked: Vec<Package> = all
        .into_iter()
        .filter(|package| wanted.remove(&(package.name.clone(), package.version.clone())))
        .collect();
    match wanted.pop_first() {
        Some((name, version)) => Err(Error::Unknown(format!("{name} {version}"))),
        None => Ok(picked),
    }
}

fn cargo(arguments: &[&str]) -> Result<String, Error> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(Error::Start)?;
    if !output.status.success() {
        return Err(Error::Cargo {
            command: arguments.join(" "),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_the_workspace_are_left_out() {
        let packages = parse(include_str!("../fixtures/metadata.json")).unwrap();
        let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        assert_eq!(
            names,
            ["copyleft", "either", "nameless", "old-style", "partly", "plain"]
        );
    }

    #[test]
    fn the_tree_picks_what_is_linked_and_no_more() {
        let all = parse(include_str!("../fixtures/metadata.json")).unwrap();
        let tree = "ours v0.1.0 (/somewhere/ours)\nplain v1.0.0\neither v2.1.0\nplain v1.0.0 (*)\n";
        let picked = pick(tree, all).unwrap();
        let names: Vec<&str> = picked.iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["either", "plain"]);
    }

    #[test]
    fn a_package_that_only_the_tree_knows_is_an_error() {
        let all = parse(include_str!("../fixtures/metadata.json")).unwrap();
        assert!(matches!(pick("plain v9.9.9\n", all), Err(Error::Unknown(name)) if name == "plain 9.9.9"));
    }
}
