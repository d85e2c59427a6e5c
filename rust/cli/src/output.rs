//! Files that a command writes: all of a file or nothing of it, and in the place of nothing but an older one of the same command.

use crate::{Failure, say};
use serde::Serialize;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A larger file is none of ours.
const LARGEST: u64 = 1 << 26;

/// What is written.
pub(crate) struct Sort {
    /// With its article, for messages.
    pub(crate) what: &'static str,
    /// Whether a text is such a one, which may be replaced.
    pub(crate) ours: fn(&str) -> bool,
}

pub(crate) const PICTURE: Sort = Sort {
    what: "the picture",
    ours: |text| {
        text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=")
            && text.contains(" role=\"img\" aria-label=")
            && text.contains("\n<style>@media screen and (prefers-color-scheme:dark){")
    },
};

/// Figures of `simulate` and `tune`.
pub(crate) const JSON: Sort = Sort {
    what: "the JSON",
    ours: |text| {
        let value: Option<serde_json::Value> = serde_json::from_str(text).ok();
        value.is_some_and(|value| {
            let has = |key| value.get(key).is_some();
            has("limit") && has("seeds") && (has("results") || has("settings"))
        })
    },
};

/// Before time is spent on what goes there: whether it can be written, as far as that is to be seen.
pub(crate) fn check(path: &Path, sort: &Sort) -> Result<(), Failure> {
    let no = |why: &str| Err(cannot_write(sort.what, path, why));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return no(&format!("there is no folder {}", folder.display()));
    }
    let Ok(about) = fs::metadata(path) else {
        return Ok(());
    };
    if about.is_dir() {
        return no("is a folder; name a file in it");
    }
    // Nothing is lost by a device or a pipe.
    if !about.is_file() || about.len() == 0 {
        return Ok(());
    }
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
    match read {
        Ok(_) if (sort.ours)(&text) => Ok(()),
        Ok(_) => no(FOREIGN),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => no(FOREIGN),
        Err(error) => no(&error.to_string()),
    }
}

const FOREIGN: &str = "is there already, and was not written by this command; name another file";

/// The same for one that may not be asked for, or printed.
pub(crate) fn check_if_any(path: Option<&PathBuf>, sort: &Sort) -> Result<(), Failure> {
    match path {
        Some(path) if path != Path::new("-") => check(path, sort),
        _ => Ok(()),
    }
}

/// Writes a file that a person asked for.
pub(crate) fn write(path: &Path, sort: &Sort, text: &str) -> Result<(), Failure> {
    check(path, sort)?;
    write_at_once(path, text).map_err(|error| cannot_write(sort.what, path, &error.to_string()))
}

/// Writes a file, or prints its text where the path is `-`.
pub(crate) fn write_or_say(path: &Path, sort: &Sort, text: &str) -> Result<(), Failure> {
    if path == Path::new("-") {
        return say(text.trim_end());
    }
    write(path, sort, text)
}

/// Writes JSON there; `-` is the output.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).expect("plain texts and numbers") + "\n";
    write_or_say(path, &JSON, &text)
}

/// Writes a file so that a reader sees all of it or nothing, and a full disk leaves what was there.
pub(crate) fn write_at_once(path: &Path, text: &str) -> io::Result<()> {
    let about = fs::metadata(path).ok();
    if about.as_ref().is_some_and(|about| !about.is_file()) {
        return fs::write(path, text);
    }
    // A link stays a link, and what one may do with the file stays so, too.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let fresh = fresh(&target, text.as_bytes(), about.is_some().then_some(&*target))?;
    fresh.persist(&target).map(drop).map_err(|error| error.error)
}

/// The bytes in a file beside that path under a name of its own, safe on the disk; with the mode of another file, and its owner where
/// the system lets us, or else as any new file has them.
pub(crate) fn fresh(path: &Path, bytes: &[u8], like: Option<&Path>) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    #[cfg_attr(not(unix), allow(unused_mut, reason = "elsewhere files have no mode to set"))]
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    if like.is_none() {
        use std::os::unix::fs::PermissionsExt;
        // The umask takes from it what it takes from all.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut fresh = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    fresh.write_all(bytes)?;
    if let Some(about) = like.map(fs::metadata).transpose()? {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, fchown};
            let _ = fchown(fresh.as_file(), Some(about.uid()), Some(about.gid()));
        }
        // Behind the owner, as a new owner takes bits away.
        fresh.as_file().set_permissions(about.permissions())?;
    }
    fresh.as_file().sync_all()?;
    Ok(fresh)
}

pub(crate) fn cannot_write(what: &str, path: &Path, why: &str) -> Failure {
    Failure(format!("cannot write {what} {}: {why}", path.display()))
}
