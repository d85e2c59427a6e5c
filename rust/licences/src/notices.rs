//! The notices file: a list of packages with their licences, then every licence text once, with the packages it belongs to.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::packages::Package;
use crate::{Error, policy};

/// How licence files are called, in lower case; what follows is free (`LICENSE-MIT`, `COPYING.txt`).
const FILE_NAMES: &[&str] = &[
    "license",
    "licence",
    "copying",
    "copyright",
    "notice",
    "unlicense",
];

/// The notices of these packages, the same text for the same packages.
pub fn write(packages: &[Package]) -> Result<String, Error> {
    let mut out = String::from(
        "Software of others that is linked into the native library of ws-backoff.\n\
         First the packages with their licences, then the licence texts.\n\n",
    );
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages {
        let name = format!("{} {}", package.name, package.version);
        let license = package.license.as_deref().unwrap_or("no licence expression");
        writeln!(out, "{name}: {license}").expect("a String takes everything");
        for text in texts_of(package)? {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    // Ordered by the first package that has the text, so that a new package moves little in the file.
    let mut texts: Vec<(Vec<String>, String)> =
        texts.into_iter().map(|(text, names)| (names, text)).collect();
    texts.sort();
    for (names, text) in texts {
        let rule = "=".repeat(100);
        write!(out, "\n{rule}\n{}\n{rule}\n\n{text}\n", names.join(", ")).expect("a String takes everything");
    }
    Ok(out)
}

/// The licence texts in a package's folder; without any, the known text of its licence.
fn texts_of(package: &Package) -> Result<Vec<String>, Error> {
    let folder = package.manifest_path.parent().unwrap_or(Path::new("."));
    let mut texts = Vec::new();
    for file in files_of(folder, package.license_file.as_deref())? {
        let bytes = std::fs::read(&file).map_err(|source| failed(&file, source))?;
        texts.push(
            String::from_utf8_lossy(&bytes)
                .replace("\r\n", "\n")
                .trim()
                .to_owned(),
        );
    }
    if texts.is_empty() {
        texts.push(known_text(package)?);
    }
    Ok(texts)
}

fn files_of(folder: &Path, named: Option<&Path>) -> Result<Vec<PathBuf>, Error> {
    let mut files: Vec<PathBuf> = named.map(|file| folder.join(file)).into_iter().collect();
    for entry in std::fs::read_dir(folder).map_err(|source| failed(folder, source))? {
        let path = entry.map_err(|source| failed(folder, source))?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().to_lowercase())
            .unwrap_or_default();
        if path.is_file() && FILE_NAMES.iter().any(|start| name.starts_with(start)) {
            files.push(path);
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// The published text of the first allowed licence of the package's expression.
fn known_text(package: &Package) -> Result<String, Error> {
    let none = || Error::NoText(format!("{} {}", package.name, package.version));
    let expression = policy::parse(package.license.as_deref().ok_or_else(none)?).map_err(|_| none())?;
    let id = expression
        .requirements()
        .filter(|wanted| policy::allows(&wanted.req))
        .find_map(|wanted| wanted.req.license.id())
        .ok_or_else(none)?;
    Ok(format!(
        "(The package has no licence file; this is the published text of {}.)\n\n{}",
        id.name,
        id.text().trim()
    ))
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::File {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &Path, name: &str, license: &str) -> Package {
        let mut packages = crate::packages::parse(include_str!("../fixtures/metadata.json")).unwrap();
        let mut package = packages.swap_remove(0);
        package.name = name.to_owned();
        package.license = Some(license.to_owned());
        package.manifest_path = folder.join(name).join("Cargo.toml");
        package
    }

    #[test]
    fn a_text_stands_once_with_all_its_packages() {
        let folder = tempfile::tempdir().unwrap();
        for (name, file, text) in [
            ("a", "LICENSE", "Same.\r\n"),
            ("b", "LICENCE.txt", "Same.\n"),
            ("c", "COPYING", "Other."),
        ] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join(file), text).unwrap();
            std::fs::write(folder.path().join(name).join("README.md"), "not a licence").unwrap();
        }
        let packages = ["a", "b", "c"].map(|name| package(folder.path(), name, "MIT"));
        let text = write(&packages).unwrap();
        assert_eq!(text.matches("Same.").count(), 1, "{text}");
        assert!(
            text.contains("a 1.0.0, b 1.0.0\n") && text.contains("Other."),
            "{text}"
        );
        assert!(!text.contains("not a licence"), "{text}");
        assert_eq!(text, write(&packages).unwrap());
    }

    #[test]
    fn a_package_without_a_file_gets_the_published_text() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bare")).unwrap();
        let text = write(&[package(folder.path(), "bare", "GPL-3.0-only OR ISC")]).unwrap();
        assert!(
            text.contains("the published text of ISC") && text.contains("Permission to use, copy, modify"),
            "{text}"
        );
    }

    #[test]
    fn a_package_without_any_text_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bare")).unwrap();
        assert!(matches!(
            write(&[package(folder.path(), "bare", "LicenseRef-Own")]),
            Err(Error::NoText(_))
        ));
    }
}
