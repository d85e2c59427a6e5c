//! `migrate`: plans in, moved plans and a report out. Which files are read, where results go, and that nothing is lost on the way.

use crate::included::{self, Reading};
use crate::output::{self, Sort, fresh};
use crate::{Failure, complain, say};
use ::migrate::{File, Groups, LARGEST, Migration, html, markdown, migrate_beside, text};
use clap::{ArgGroup, Args};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Something stays that should go.
const LEFT: i32 = 3;
/// A file was not touched, or something could not be written.
const ERROR: i32 = 2;
/// A folder with more plans than that was hardly meant.
const MOST_FILES: usize = 10_000;
/// Old plans that are kept beside one.
const MOST_BACKUPS: usize = 100;
/// Folders inside each other that are gone into.
const DEEPEST: usize = 32;

#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP, after_help = "More: --help with examples.")]
#[command(group(ArgGroup::new("where").required(true).multiple(true).args(["out", "in_place", "dry_run"])))]
pub(crate) struct Options {
    /// Plans, and folders with plans (*.jmx, at any depth)
    #[arg(required = true, value_name = "PLAN.jmx|FOLDER")]
    plans: Vec<PathBuf>,

    /// Write the plans there, those without a change as well; a file that is there is not replaced
    #[arg(long, value_name = "FOLDER", conflicts_with = "in_place")]
    out: Option<PathBuf>,

    /// Replace the plans, and keep what they were beside them (PLAN.jmx.bak)
    #[arg(long)]
    in_place: bool,

    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,

    /// Make each Thread Group a `Virtual Thread Group (wsb)`, for thousands of users; JMeter must then run on Java 21 or newer
    #[arg(long = "virtual")]
    virtual_users: bool,

    /// Write the report there, too
    #[arg(long, value_name = "FILE.html|FILE.md", value_parser = report_file)]
    report: Option<PathBuf>,
}

const AFTER_HELP: &str = "Elements of jmeter-websocket-samplers (1.0 to 1.3.2) and of Maciej Zaleski's WebSocket sampler become those of ws-backoff.
Loops that try one sampler again, polling and jmeter-retrier become a Retry Controller (wsb), or the Connect's own retries; scripts in
files are read when they are in the plan's folder. What is not understood stays as it is, and the report says why; what
is not changed keeps its bytes. Samplers that may share a connection move together or not at all.

Examples:
  What would become of a folder of plans:
    ws-backoff migrate plans --dry-run --report moving.html
  The moved plans in another folder:
    ws-backoff migrate plans --out moved
  One plan where it is; the old one stays as login.jmx.bak:
    ws-backoff migrate login.jmx --in-place
  Thousands of users in one JVM, on Java 25:
    ws-backoff migrate login.jmx --virtual --out moved

Exit codes: 0 all moved, or nothing to move; 3 something was left; 2 a file is no plan, or cannot be read or written.";

fn report_file(name: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    match extension(&path).as_str() {
        "html" | "md" => Ok(path),
        _ => Err("its name must end in .html or .md".to_owned()),
    }
}

fn extension(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default();
    extension.to_string_lossy().to_ascii_lowercase()
}

/// Moves the plans, and gives the exit code.
pub(crate) fn run(options: &Options) -> i32 {
    match all(options) {
        Ok(code) => code,
        Err(failure) => {
            complain("error", &failure.0);
            ERROR
        }
    }
}

const REPORT: Sort = Sort {
    what: "the report",
    ours: |text| {
        let head = text.get(..text.len().min(400)).unwrap_or(text);
        head.starts_with("# Plans moved to ws-backoff\n")
            || head.contains("<title>Plans moved to ws-backoff</title>")
    },
};

fn all(options: &Options) -> Result<i32, Failure> {
    output::check_if_any(options.report.as_ref(), &REPORT)?;
    let sources = sources(options)?;
    let paths: Vec<&Path> = sources.iter().map(|source| source.path.as_path()).collect();
    let kept = included::kept(
        &paths,
        &Reading {
            plan: &|path| read(path).ok(),
            beside: &beside_plan,
        },
    );
    let files: Vec<File> = sources
        .iter()
        .map(|source| {
            let own = fs::canonicalize(&source.path).ok();
            let kept = own.and_then(|own| kept.get(&own));
            one(options, source, kept.map(String::as_str))
        })
        .collect();
    say(text(&files).trim_end())?;
    if let Some(report) = &options.report {
        let page = if extension(report) == "md" {
            markdown(&files)
        } else {
            html(&files)
        };
        output::write(report, &REPORT, &page)?;
    }
    let codes = files.iter().map(|file| match &file.result {
        Ok(migration) if migration.leaves_something() => LEFT,
        Ok(_) => 0,
        Err(_) => ERROR,
    });
    // An error counts for more than something that was left.
    let rank = |code: &i32| [0, LEFT, ERROR].iter().position(|one| one == code);
    Ok(codes.max_by_key(rank).unwrap_or(0))
}

fn one(options: &Options, source: &Source, kept: Option<&str>) -> File {
    let moved = read(&source.path).and_then(|bytes| {
        let files = |name: &str| beside_plan(&source.path, name);
        let groups = if options.virtual_users {
            Groups::Virtual
        } else {
            Groups::Threads
        };
        let migration =
            migrate_beside(&bytes, &files, kept, groups).map_err(|refusal| refusal.to_string())?;
        let written = if options.dry_run {
            None
        } else {
            write(options, source, &bytes, &migration)?
        };
        Ok((migration, written))
    });
    let (result, written) = match moved {
        Ok((migration, written)) => (Ok(migration), written),
        Err(why) => (Err(why), None),
    };
    File {
        name: source.path.display().to_string(),
        result,
        written,
    }
}

/// A plan to read, and where its result goes below the folder for results.
#[derive(Debug)]
struct Source {
    path: PathBuf,
    below: PathBuf,
}

/// All plans that are named, and those in folders that are named; none twice, and no two for one result.
fn sources(options: &Options) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    // Results of an earlier run in a folder of plans are no plans to move.
    let out = options.out.as_ref().and_then(|out| fs::canonicalize(out).ok());
    for named in &options.plans {
        let about = fs::metadata(named)
            .map_err(|error| Failure(format!("{}: {}", named.display(), cannot("read", &error))))?;
        if about.is_dir() {
            let before = sources.len();
            in_folder(named, Path::new(""), 0, out.as_deref(), &mut sources)?;
            if sources.len() == before {
                return Err(Failure(format!("{}: has no plan (*.jmx) in it", named.display())));
            }
        } else {
            let name = named.file_name().unwrap_or_default();
            sources.push(Source {
                path: named.clone(),
                below: name.into(),
            });
        }
    }
    let mut results: BTreeMap<&Path, &Path> = BTreeMap::new();
    for source in &sources {
        let other = results.insert(&source.below, &source.path);
        if let Some(other) = other.filter(|_| options.out.is_some()) {
            return Err(Failure(format!(
                "{} and {} would both be written as {}; move them one after the other",
                other.display(),
                source.path.display(),
                source.below.display()
            )));
        }
    }
    Ok(sources)
}

fn in_folder(
    folder: &Path,
    below: &Path,
    depth: usize,
    out: Option<&Path>,
    sources: &mut Vec<Source>,
) -> Result<(), Failure> {
    if out.is_some() && fs::canonicalize(folder).ok().as_deref() == out {
        return Ok(());
    }
    let read = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries =
        read.map_err(|error| Failure(format!("{}: {}", folder.display(), cannot("read", &error))))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, below) = (entry.path(), below.join(entry.file_name()));
        let kind = entry
            .file_type()
            .map_err(|error| Failure(format!("{}: {}", path.display(), cannot("read", &error))))?;
        // A link to a folder may lead back here.
        if kind.is_dir() && depth < DEEPEST {
            in_folder(&path, &below, depth + 1, out, sources)?;
        } else if !kind.is_dir() && extension(&path) == "jmx" {
            sources.push(Source { path, below });
        }
        if sources.len() > MOST_FILES {
            return Err(Failure(format!(
                "{}: more than {MOST_FILES} plans",
                folder.display()
            )));
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let about = fs::metadata(path).map_err(|error| cannot("read", &error))?;
    if !about.is_file() {
        return Err("is no file".to_owned());
    }
    // One byte more than is taken, for the refusal to say so; never more of a file that grows.
    let most = LARGEST as u64 + 1;
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| cannot("read", &error))?;
    let read = file.take(most).read_to_end(&mut bytes);
    read.map_err(|error| cannot("read", &error))?;
    Ok(bytes)
}

/// The largest script that is read, in bytes.
const LARGEST_SCRIPT: u64 = 1 << 20;

/// A file that a plan names by a relative path: nothing outside of the plan's folder is read, whatever a plan says.
fn beside_plan(plan: &Path, name: &str) -> Option<Vec<u8>> {
    let folder = plan.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
    let file = fs::canonicalize(folder.join(name)).ok()?;
    let about = fs::metadata(&file).ok()?;
    let read = file.starts_with(&folder) && about.is_file() && about.len() <= LARGEST_SCRIPT;
    if read { fs::read(file).ok() } else { None }
}

/// Writes the result, and says where.
fn write(
    options: &Options,
    source: &Source,
    old: &[u8],
    migration: &Migration,
) -> Result<Option<String>, String> {
    if let Some(folder) = &options.out {
        let path = folder.join(&source.below);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .map_err(|error| format!("{}: {}", parent.display(), cannot("make", &error)))?;
        write_new(&path, migration.plan.as_deref().unwrap_or(old), &source.path)?;
        return Ok(Some(path.display().to_string()));
    }
    let Some(new) = &migration.plan else {
        return Ok(None);
    };
    let about = fs::metadata(&source.path).map_err(|error| cannot("write", &error))?;
    if about.permissions().readonly() {
        return Err("is read-only, and is not replaced; take --out, or make it writable".to_owned());
    }
    // A link stays a link. All that may fail for want of space comes before the backup, so that no run leaves one for nothing.
    let target = fs::canonicalize(&source.path).map_err(|error| cannot("write", &error))?;
    let fresh = fresh(&target, new, Some(&target)).map_err(|error| cannot("write", &error))?;
    let backup = keep(&source.path, old)?;
    fresh.persist(&target).map_err(|error| {
        let _ = fs::remove_file(&backup);
        cannot("write", &error.error)
    })?;
    let (path, backup) = (source.path.display(), backup.display());
    Ok(Some(format!("{path}; what it was is in {backup}")))
}

/// Writes a file that is not there yet: all of it or nothing, for nobody else to read than those who may read the plan.
fn write_new(path: &Path, bytes: &[u8], like: &Path) -> Result<(), String> {
    let fresh = fresh(path, bytes, Some(like))
        .map_err(|error| format!("{}: {}", path.display(), cannot("write", &error)))?;
    let written = fresh.persist_noclobber(path);
    written.map(drop).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => format!("{} is there already, and is not replaced", path.display()),
        _ => format!("{}: {}", path.display(), cannot("write", &error.error)),
    })
}

/// The path with something behind its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Keeps the old plan beside it, under a name that is free.
fn keep(path: &Path, old: &[u8]) -> Result<PathBuf, String> {
    let numbered = (1..MOST_BACKUPS).map(|nth| format!(".bak{nth}"));
    let mut names = std::iter::once(".bak".to_owned()).chain(numbered);
    let free = names.find_map(|ending| {
        let backup = beside(path, &ending);
        fs::symlink_metadata(&backup).is_err().then_some(backup)
    });
    let backup = free.ok_or_else(|| format!("has {MOST_BACKUPS} backups beside it; clear up first"))?;
    write_new(&backup, old, path)?;
    Ok(backup)
}

fn cannot(what: &str, error: &io::Error) -> String {
    format!("cannot {what} it: {error}")
}
