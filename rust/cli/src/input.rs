//! Files that commands read: traces and JTLs, plain or gzip, several of them, `-` for standard input; opened, told apart and read as a
//! stream. What their lines mean is not decided here.

use crate::Failure;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use trace::jtl::{JtlError, Row, Rows};
use trace::{ReadError, Reader, Record, Unreadable};

/// How often a line tells how far a long input is.
const PROGRESS: Duration = Duration::from_secs(3);

/// The clock is looked at once in so many items.
const LOOK: u64 = 4_096;

/// The begin of a file by which its kind is told.
const LOOKED_AT: u64 = 8_192;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// One line of an input.
#[derive(Debug)]
pub(crate) enum Item {
    /// Of a trace.
    Record(Box<Record<'static>>),
    /// Of a JTL.
    Row(Box<Row>),
}

/// What was read of all files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    /// Records of traces.
    pub(crate) records: u64,
    /// Rows of JTLs.
    pub(crate) rows: u64,
}

/// Reads the files one behind the other and shows each line with the number of its file. What can be read only in part counts as far
/// as it goes, and stderr says so; progress is told there, too.
pub(crate) fn read(files: &[PathBuf], mut each: impl FnMut(usize, Item)) -> Result<Lines, Failure> {
    let mut all = Lines::default();
    let mut begins: Vec<(String, Vec<u8>)> = Vec::new();
    for (nth, path) in files.iter().enumerate() {
        let name = name(path);
        let failed = |why: String| Failure(format!("{name}: {why}"));
        let (mut source, at, size) = open(path).map_err(failed)?;
        let begin = begin(&mut source).map_err(failed)?;
        if let Some((other, _)) = begins.iter().find(|(_, known)| is_same(known, &begin)) {
            return Err(failed(format!(
                "begins with the same lines as {other}, and would count twice; name each run's file once"
            )));
        }
        begins.push((name.clone(), begin));
        let mut progress = Progress::new(&name, at, size);
        let told = read_one(source, |item| {
            progress.one_more();
            match &item {
                Item::Record(_) => all.records += 1,
                Item::Row(_) => all.rows += 1,
            }
            each(nth, item);
        });
        for warning in told.map_err(failed)? {
            warn(&format!("{name}: {warning}"));
        }
    }
    Ok(all)
}

/// So many bytes of a file's begin tell it from others: a line of a trace or a JTL has a time and a user.
const TELLING: usize = 2_048;

/// The inflated begin of a file, which stays to be read.
fn begin(source: &mut Source) -> Result<Vec<u8>, String> {
    let filled = source.fill_buf().map_err(|error| unreadable(&error))?;
    Ok(filled[..filled.len().min(TELLING)].to_vec())
}

/// Whether two files begin alike, beyond the first line, which says only what they are.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let both = one.len().min(other.len());
    let lines = one[..both].iter().filter(|byte| **byte == b'\n').count();
    lines > 1 && one[..both] == other[..both]
}

fn name(path: &Path) -> String {
    match path.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => path.display().to_string(),
    }
}

fn warn(text: &str) {
    crate::complain("warning", text);
}

type Source = BufReader<Box<dyn Read>>;

/// The inflated content, a counter of the bytes that were read of the file, and its size if there is one.
fn open(path: &Path) -> Result<(Source, Arc<AtomicU64>, Option<u64>), String> {
    let at = Arc::new(AtomicU64::new(0));
    let (file, size): (Box<dyn Read>, _) = if path.as_os_str() == "-" {
        (Box::new(io::stdin()), None)
    } else {
        let cannot = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => {
                "there is no such file; a run writes one with -Jwsb.trace=FILE".to_owned()
            }
            _ => format!("cannot be read: {error}"),
        };
        let file = File::open(path).map_err(cannot)?;
        let about = file.metadata().map_err(cannot)?;
        if about.is_dir() {
            return Err("is a folder; name the files in it".to_owned());
        }
        (Box::new(file), Some(about.len()).filter(|size| *size > 0))
    };
    let counted = Counted {
        source: file,
        at: Arc::clone(&at),
    };
    let mut plain = BufReader::with_capacity(1 << 16, counted);
    let begin = plain
        .fill_buf()
        .map_err(|error| format!("cannot be read: {error}"))?;
    let inflated: Box<dyn Read> = if begin.starts_with(&GZIP) {
        Box::new(flate2::bufread::MultiGzDecoder::new(plain))
    } else {
        Box::new(plain)
    };
    Ok((BufReader::with_capacity(1 << 16, inflated), at, size))
}

/// Counts what is read.
struct Counted {
    source: Box<dyn Read>,
    at: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        self.at.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Reads one file, and gives what has to be said about it.
fn read_one(mut source: impl BufRead, each: impl FnMut(Item)) -> Result<Vec<String>, String> {
    // What a pipe gives at first may be a few bytes.
    let mut begin = Vec::new();
    let looked = source.by_ref().take(LOOKED_AT).read_to_end(&mut begin);
    if begin.is_empty() {
        return match looked {
            Err(error) => Err(unreadable(&error)),
            Ok(_) => Err("is empty; was anything connected while -Jwsb.trace=FILE was set?".to_owned()),
        };
    }
    let text = String::from_utf8_lossy(&begin);
    let first = text.lines().find(|line| !line.trim().is_empty());
    let first = first
        .unwrap_or_default()
        .trim_start_matches('\u{feff}')
        .to_owned();
    let delimiter = trace::jtl::delimiter(&first);
    let whole = Read::chain(io::Cursor::new(begin), source);
    match delimiter {
        _ if first.trim_start().starts_with('<') => Err(
            "is XML; a JTL must be CSV (jmeter.save.saveservice.output_format=csv, which is JMeter's default)"
                .to_owned(),
        ),
        Some(delimiter) if !first.starts_with('{') => rows(Rows::new(whole, delimiter), each),
        _ => records(Reader::new(whole), each),
    }
}

/// Counts what could not be read, and remembers the first.
#[derive(Default)]
struct Skipped {
    count: u64,
    first: Option<String>,
    ended: Option<String>,
}

impl Skipped {
    fn add(&mut self, why: String) {
        self.count += 1;
        self.first.get_or_insert(why);
    }

    /// What to say, where `read` lines could be used.
    fn told(self, read: u64, none: &str) -> Result<Vec<String>, String> {
        if read == 0 {
            let why = self.ended.or(self.first);
            return Err(why.map_or_else(|| none.to_owned(), |why| format!("{none} ({why})")));
        }
        let skipped = self.first.map(|first| {
            format!(
                "{} lines could not be read and do not count, the first: {first}",
                self.count
            )
        });
        Ok(skipped.into_iter().chain(self.ended).collect())
    }
}

const CUT: &str = "ends in the middle of a line: what was read counts, what followed is missing";

fn records(reader: Reader<impl BufRead>, mut each: impl FnMut(Item)) -> Result<Vec<String>, String> {
    let mut skipped = Skipped::default();
    let mut read = 0;
    for record in reader {
        match record {
            Ok(record) => {
                read += u64::from(!matches!(record, Record::Start(_)));
                each(Item::Record(Box::new(record)));
            }
            Err(error @ ReadError::Version { .. }) => {
                return Err(format!("{error}; use the release that wrote it"));
            }
            Err(error @ ReadError::NotATrace(_)) => {
                return Err(format!(
                    "{error}; give a file of -Jwsb.trace=FILE, or a JTL in CSV with its row of names"
                ));
            }
            Err(ReadError::Line {
                reason: Unreadable::Cut,
                ..
            }) => skipped.ended = Some(CUT.to_owned()),
            Err(ReadError::Io { line, source }) => skipped.ended = Some(broken(line, &source)),
            Err(error @ ReadError::Line { .. }) => skipped.add(error.to_string()),
        }
    }
    skipped.told(
        read,
        "has no record in it; give a file of -Jwsb.trace=FILE, or a JTL in CSV with its row of names",
    )
}

fn rows(
    opened: Result<Rows<impl Read>, JtlError>,
    mut each: impl FnMut(Item),
) -> Result<Vec<String>, String> {
    let mut skipped = Skipped::default();
    let (mut read, mut line) = (0, 1);
    for row in opened.map_err(|error| error.to_string())? {
        line += 1;
        match row {
            Ok(row) => {
                read += 1;
                each(Item::Row(Box::new(row)));
            }
            Err(JtlError::Cut { .. }) => skipped.ended = Some(CUT.to_owned()),
            Err(JtlError::Io(source)) => skipped.ended = Some(broken(line, &source)),
            Err(error) => skipped.add(error.to_string()),
        }
    }
    skipped.told(read, "has no row in it")
}

/// Of a file of which nothing can be read, mostly a gzip that was cut in its first bytes, or is none behind them.
fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => format!(
            "begins as a gzip of which nothing can be read ({error}); copy it anew, or give the file as it was before it was packed"
        ),
        _ => format!("cannot be read: {error}"),
    }
}

/// Of a file that cannot be read to its end, mostly a gzip that was cut.
fn broken(line: u64, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "is cut in the middle: what was read counts".to_owned(),
        _ => format!("cannot be read from line {line} on: {error}; what was read counts"),
    }
}

/// Tells how far a long input is.
struct Progress<'a> {
    name: &'a str,
    at: Arc<AtomicU64>,
    size: Option<u64>,
    items: u64,
    told: Instant,
}

impl<'a> Progress<'a> {
    fn new(name: &'a str, at: Arc<AtomicU64>, size: Option<u64>) -> Self {
        Self {
            name,
            at,
            size,
            items: 0,
            told: Instant::now(),
        }
    }

    fn one_more(&mut self) {
        self.items += 1;
        if self.items % LOOK != 0 || self.told.elapsed() < PROGRESS {
            return;
        }
        self.told = Instant::now();
        let line = progress(self.items, self.at.load(Ordering::Relaxed), self.size);
        let _ = writeln!(io::stderr(), "{}: {line}", self.name);
    }
}

fn progress(items: u64, at: u64, size: Option<u64>) -> String {
    let read = format!("{items} lines, {} MiB", at >> 20);
    match size {
        Some(size) => format!(
            "{read} of {} ({} %)",
            size >> 20,
            100 * at.min(size) / size.max(1)
        ),
        None => read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTEMPT: &str =
        r#"{"at":7,"target":"ws://h/","user":"U 1-1","ordinal":0,"attempt":1,"totalUs":9,"status":101}"#;
    const START: &str = r#"{"trace":"ws-backoff","version":1,"release":"0.1.0"}"#;
    const JTL: &str = "timeStamp,elapsed,responseCode\n1,2,101\n3,4,429\n";

    fn gzip(text: &str) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    }

    fn file(folder: &Path, content: &[u8]) -> PathBuf {
        let path = folder.join("input");
        std::fs::write(&path, content).unwrap();
        path
    }

    #[test]
    fn traces_and_jtls_are_told_apart_plain_and_packed() {
        let folder = tempfile::tempdir().unwrap();
        let trace = format!("{START}\n{ATTEMPT}\n{ATTEMPT}\n");
        for (text, records, rows) in [
            (trace.as_str(), 3, 0),
            (ATTEMPT, 1, 0),
            (JTL, 0, 2),
            (&format!("\u{feff}{JTL}"), 0, 2),
        ] {
            for content in [
                text.as_bytes().to_vec(),
                gzip(text),
                [gzip(text), Vec::new()].concat(),
            ] {
                let path = file(folder.path(), &content);
                let other = folder.path().join("other");
                let at_another_time = ATTEMPT.replace("\"at\":7", "\"at\":8");
                std::fs::write(&other, format!("{START}\n{at_another_time}\n")).unwrap();
                let mut seen = Vec::new();
                let read = read(&[path, other], |nth, _| seen.push(nth)).unwrap();
                assert_eq!((read.records - 2, read.rows), (records, rows), "{text}");
                let of_second = seen.iter().filter(|nth| **nth == 1).count();
                assert_eq!(of_second, 2);
            }
        }
    }

    #[test]
    fn a_run_that_is_given_twice_would_count_twice() {
        let folder = tempfile::tempdir().unwrap();
        let lines = format!("{START}\n{ATTEMPT}\n{ATTEMPT}\n");
        let path = file(folder.path(), lines.as_bytes());
        let packed = folder.path().join("packed.gz");
        std::fs::write(&packed, gzip(&lines)).unwrap();
        let longer = folder.path().join("longer");
        std::fs::write(&longer, format!("{lines}{ATTEMPT}\n")).unwrap();
        for again in [&path, &packed, &longer] {
            let error = read(&[path.clone(), again.clone()], |_, _| {}).unwrap_err();
            assert!(error.0.contains("begins with the same lines as"), "{error}");
        }
        let other = folder.path().join("other");
        let at_another_time = lines.replace("\"at\":7", "\"at\":8");
        std::fs::write(&other, at_another_time).unwrap();
        read(&[path, other], |_, _| {}).unwrap();
    }

    #[test]
    fn what_cannot_be_used_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let lines = |line: &str| format!("{line}\n").repeat(30);
        for (content, said) in [
            (String::new(), "is empty; was anything connected"),
            (lines("some log line"), "not a trace: none of the first 20 lines"),
            (
                "hello".to_owned(),
                "has no record in it; give a file of -Jwsb.trace=FILE",
            ),
            (format!("{START}\n"), "has no record in it"),
            (
                START.replace(":1,", ":7,"),
                "version 7 of the trace cannot be read, only 1; use the release",
            ),
            (
                "<?xml version=\"1.0\"?>\n<testResults>".to_owned(),
                "is XML; a JTL must be CSV",
            ),
            ("timeStamp,elapsed,responseCode\n".to_owned(), "has no row in it"),
            (
                "timeStamp,label\n1,x\n".to_owned(),
                "the column elapsed is missing",
            ),
        ] {
            let path = file(folder.path(), content.as_bytes());
            let Failure(told) = read(&[path], |_, _| {}).unwrap_err();
            assert!(told.contains(said), "{content}: {told}");
        }
        for (path, said) in [
            (
                folder.path().join("missing"),
                "there is no such file; a run writes one with -Jwsb.trace=FILE",
            ),
            (folder.path().to_owned(), "is a folder"),
        ] {
            let Failure(told) = read(&[path], |_, _| {}).unwrap_err();
            assert!(told.contains(said), "{told}");
        }
    }

    #[test]
    fn a_gzip_that_was_cut_in_its_first_bytes_or_is_none_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let whole = gzip(&format!("{START}\n{ATTEMPT}\n"));
        let broken = [&whole[..10], &[0xff; 40]].concat();
        for content in [&whole[..5], &whole[..15], &broken] {
            let path = file(folder.path(), content);
            let Failure(told) = read(&[path], |_, _| {}).unwrap_err();
            assert!(told.contains("begins as a gzip"), "{told}");
            assert!(told.contains("copy it anew"), "{told}");
        }
    }

    #[test]
    fn what_is_cut_counts_as_far_as_it_goes() {
        let many = format!("{ATTEMPT}\n").repeat(5_000);
        let told = |content: &[u8]| {
            let mut count = 0;
            let folder = tempfile::tempdir().unwrap();
            let (source, ..) = open(&file(folder.path(), content)).unwrap();
            let told = read_one(source, |_| count += 1).unwrap();
            (count, told)
        };
        let (count, warnings) = told(format!("{ATTEMPT}\n{}", &ATTEMPT[..50]).as_bytes());
        assert_eq!((count, warnings), (1, vec![CUT.to_owned()]));
        let (count, warnings) = told(format!("{JTL}5,6").as_bytes());
        assert_eq!((count, warnings), (2, vec![CUT.to_owned()]));
        let packed = gzip(&many);
        let (count, warnings) = told(&packed[..packed.len() / 2]);
        assert!(count > 1_000 && count < 5_000, "{count}");
        assert_eq!(warnings, ["is cut in the middle: what was read counts"]);
        let (count, warnings) = told(format!("{ATTEMPT}\n{{}}\nx\n{ATTEMPT}\n").as_bytes());
        assert_eq!(count, 2);
        assert!(
            warnings[0].starts_with("2 lines could not be read"),
            "{warnings:?}"
        );
    }

    #[test]
    fn progress_says_how_much_is_left() {
        let mib = 1 << 20;
        assert_eq!(
            progress(4_096, 5 * mib, Some(20 * mib)),
            "4096 lines, 5 MiB of 20 (25 %)"
        );
        assert_eq!(progress(4_096, 5 * mib, None), "4096 lines, 5 MiB");
    }
}
