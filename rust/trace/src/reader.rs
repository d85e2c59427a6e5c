//! Reads a trace line by line, and tells what cannot be read with its place; what a record means is not decided here.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use serde::Deserialize;

use crate::record::{AttemptRecord, ClosedRecord, EventRecord, Record, StartRecord};
use crate::{FORMAT, VERSION};

/// No line is so long; what is longer is skipped without being kept.
const LONGEST: u64 = 1 << 20;

/// So many lines at the beginning of which none can be read: this is something else.
const TRIED: u64 = 20;

/// Reads the records of a trace; an error names its line, and the reader goes on behind it unless it says otherwise.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    /// The last line's number, from 1.
    number: u64,
    /// A record was read.
    found: bool,
    /// The lines are of a version that is not known.
    foreign: bool,
    ended: bool,
    line: Vec<u8>,
}

/// What could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The source gives nothing more; nothing follows.
    #[error("line {line}: {source}")]
    Io {
        /// From 1.
        line: u64,
        /// Why.
        source: io::Error,
    },
    /// The line was skipped.
    #[error("line {line} is no record: {reason}")]
    Line {
        /// From 1.
        line: u64,
        /// Why not.
        reason: Unreadable,
    },
    /// All lines are skipped up to one that says a version that is known.
    #[error("line {line}: version {version} of the trace cannot be read, only {VERSION}")]
    Version {
        /// From 1.
        line: u64,
        /// The one that is not known.
        version: u64,
    },
    /// Nothing follows.
    #[error("not a trace: none of the first {0} lines is a record")]
    NotATrace(u64),
}

/// Why a line is no record.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The last one, without its end: its writer was stopped, or the disk was full.
    #[error("it is cut")]
    Cut,
    /// Not UTF-8.
    #[error("it is no text")]
    NotText,
    /// Longer than any line is.
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
    /// Another program's.
    #[error("it is of a trace of {0:?}")]
    Foreign(String),
    /// A number beyond [`crate::LARGEST`].
    #[error("its {0} is too large a number")]
    TooLarge(&'static str),
    /// Not JSON, or without a field that every record of its kind has.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

impl<R: BufRead> Reader<R> {
    /// Of a source that is at a file's beginning.
    pub fn new(source: R) -> Self {
        Reader {
            source,
            number: 0,
            found: false,
            foreign: false,
            ended: false,
            line: Vec::new(),
        }
    }

    /// The number of the line that was read last, from 1.
    pub fn line(&self) -> u64 {
        self.number
    }

    /// The next line, without its end. `None`: there is none.
    fn next_line(&mut self) -> io::Result<Option<Result<&str, Unreadable>>> {
        self.line.clear();
        let read = self
            .source
            .by_ref()
            .take(LONGEST)
            .read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let whole = self.line.last() == Some(&b'\n');
        if !whole && read as u64 == LONGEST {
            self.source.skip_until(b'\n')?;
            return Ok(Some(Err(Unreadable::TooLong)));
        }
        Ok(Some(match std::str::from_utf8(&self.line) {
            Ok(text) => Ok(text.trim_end_matches(['\n', '\r'])),
            Err(_) if !whole => Err(Unreadable::Cut),
            Err(_) => Err(Unreadable::NotText),
        }))
    }

    /// The end of all reading, with the last thing to say.
    fn end(&mut self, error: ReadError) -> Option<Result<Record<'static>, ReadError>> {
        self.ended = true;
        Some(Err(error))
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Record<'static>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let foreign = self.foreign;
            let read = match self.next_line() {
                Ok(Some(Ok(line))) if line.trim().is_empty() => continue,
                Ok(Some(line)) => line.and_then(|line| record(line, foreign)),
                Ok(None) => break,
                Err(source) => {
                    let line = self.number + 1;
                    return self.end(ReadError::Io { line, source });
                }
            };
            let line = self.number;
            match read {
                Ok(None) => {}
                Ok(Some(Record::Start(start))) if start.version != VERSION => {
                    (self.found, self.foreign) = (true, true);
                    let version = start.version;
                    return Some(Err(ReadError::Version { line, version }));
                }
                Ok(Some(record)) => {
                    if matches!(record, Record::Start(_)) {
                        self.foreign = false;
                    }
                    self.found = true;
                    return Some(Ok(record));
                }
                Err(_) if self.foreign => {}
                Err(_) if !self.found && line >= TRIED => return self.end(ReadError::NotATrace(line)),
                Err(Unreadable::Json(_)) if self.line.last() != Some(&b'\n') => {
                    let reason = Unreadable::Cut;
                    return Some(Err(ReadError::Line { line, reason }));
                }
                Err(reason) => return Some(Err(ReadError::Line { line, reason })),
            }
        }
        None
    }
}

/// What tells the kinds of lines apart.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, default)]
    trace: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    event: Option<Cow<'a, str>>,
}

/// Reads a line; `foreign`: only one that says what follows. `None`: it is none.
fn record(line: &str, foreign: bool) -> Result<Option<Record<'static>>, Unreadable> {
    let kind: Kind<'_> = serde_json::from_str(line)?;
    if let Some(format) = kind.trace {
        if format != FORMAT {
            return Err(Unreadable::Foreign(format.into_owned()));
        }
        let start: StartRecord<'static> = serde_json::from_str(line)?;
        return Ok(Some(Record::Start(start)));
    }
    if foreign {
        return Ok(None);
    }
    let record = match kind.event.as_deref() {
        None => Record::Attempt(serde_json::from_str::<AttemptRecord<'static>>(line)?),
        Some("closed") => Record::Closed(serde_json::from_str::<ClosedRecord<'static>>(line)?),
        Some(_) => Record::Event(serde_json::from_str::<EventRecord<'static>>(line)?),
    };
    match record.too_large() {
        Some(field) => Err(Unreadable::TooLarge(field)),
        None => Ok(Some(record)),
    }
}
