//! Rows of a JMeter result file (JTL, CSV) as samples, for commands that take any sampler's results; what a sample means for a limit
//! is not decided here.
//!
//! The columns are those of JMeter's `jmeter.save.saveservice.*` properties, in any order, and found by their names in the first row.

use std::io::{self, Read};

use csv::{Reader, ReaderBuilder, StringRecord};
use serde::Deserialize;

use crate::LARGEST;

/// What JMeter writes before a response code that is none of HTTP.
const NON_HTTP: &str = "Non HTTP response code: ";

/// Without these nothing can be said about a sample.
const NEEDED: [&str; 3] = ["timeStamp", "elapsed", "responseCode"];

/// A longer row is no row of a JTL; as of a trace's lines.
const LONGEST: usize = 1 << 20;

/// Those that `jmeter.save.saveservice.default_delimiter` is set to.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A sample. Times in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// When it started, since 1970.
    pub time_stamp: u64,
    /// Of work, without idle time.
    pub elapsed: u64,
    /// The sampler's name.
    #[serde(default)]
    pub label: String,
    /// The response code as it stands there: a status, or [`Row::failure`].
    #[serde(rename = "responseCode")]
    pub code: String,
    /// The response message.
    #[serde(default, rename = "responseMessage")]
    pub message: String,
    /// One virtual user; empty where the column is missing.
    #[serde(default, rename = "threadName")]
    pub thread: String,
    /// Whether it passed, where the column says it.
    #[serde(default)]
    pub success: Option<bool>,
    /// To the first byte of the answer; 0 where there was none.
    #[serde(default, rename = "Latency")]
    pub latency: Option<u64>,
    /// To connect.
    #[serde(default, rename = "Connect")]
    pub connect: Option<u64>,
    /// Of waiting inside the sample.
    #[serde(default, rename = "IdleTime")]
    pub idle_time: Option<u64>,
    /// Where the request went, if the sampler says it.
    #[serde(default, rename = "URL")]
    pub url: Option<String>,
    /// What the variable of our elements said, where it is a column: a number, but "null" where nothing was connected before.
    #[serde(default, rename = "wsb.attempts")]
    pub attempts: String,
    /// Likewise, the label of the sample that connected.
    #[serde(default, rename = "wsb.sample")]
    pub connected: Option<String>,
}

impl Row {
    /// Whether it may stand for several attempts, of which a JTL tells the last one only.
    #[must_use]
    pub fn may_hide_attempts(&self) -> bool {
        // Rows of other samplers repeat the variables of their thread, and a transaction's idle time is that of timers.
        let repeated = self.connected.as_ref().is_some_and(|label| *label != self.label);
        if repeated || self.message.starts_with("Number of samples in transaction") {
            return false;
        }
        let waited = self.idle_time.is_some_and(|idle| idle > 0);
        self.attempts
            .parse::<u64>()
            .map_or(waited, |attempts| attempts > 1)
    }

    /// The first column whose number is none of milliseconds.
    fn no_time(&self) -> Option<&'static str> {
        let times = [
            ("timeStamp", Some(self.time_stamp)),
            ("elapsed", Some(self.elapsed)),
            ("Latency", self.latency),
            ("Connect", self.connect),
            ("IdleTime", self.idle_time),
        ];
        let wrong = |(_, time): &(&str, Option<u64>)| time.is_some_and(|time| time > LARGEST / 1_000);
        times.into_iter().find(wrong).map(|(column, _)| column)
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.code
            .parse()
            .ok()
            .filter(|status| (100..600).contains(status))
    }

    /// What JMeter says where there was no status: an exception's name, or a code of a plugin's own.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        match self.status() {
            Some(_) => None,
            None => Some(self.code.strip_prefix(NON_HTTP).unwrap_or(&self.code)),
        }
    }
}

/// Why a JTL, or a row of it, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JtlError {
    /// The first row names no columns.
    #[error(
        "the first row must name the columns (timeStamp,elapsed,...): set jmeter.save.saveservice.print_field_names=true"
    )]
    NoHeader,
    /// Nothing can be said without it.
    #[error("the column {0} is missing: set jmeter.save.saveservice.{property}=true", property = property(.0))]
    Column(&'static str),
    /// The row was skipped, the reader goes on.
    #[error("line {line}: {reason}")]
    Row {
        /// From 1.
        line: u64,
        /// Why.
        reason: String,
    },
    /// The last row ends in its middle.
    #[error("line {line} is cut")]
    Cut {
        /// From 1.
        line: u64,
    },
    /// The source gives nothing more.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What JMeter calls the setting of a column.
fn property(column: &str) -> &'static str {
    match column {
        "timeStamp" => "timestamp_format=ms and ...time",
        "elapsed" => "time",
        _ => "response_code",
    }
}

/// Reads the rows of a JTL; an error of a row does not end it.
#[derive(Debug)]
pub struct Rows<R> {
    reader: Reader<Bounded<R>>,
    header: StringRecord,
    row: StringRecord,
    /// What came of reading into `row` already.
    ahead: Option<Result<bool, csv::Error>>,
    ended: bool,
}

/// A source that gives no more than [`LONGEST`] bytes for one row: behind a quote that nobody closes, a row is the rest of the file.
#[derive(Debug)]
struct Bounded<R> {
    source: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other(format!(
                "a row is longer than {LONGEST} bytes; is a quote not closed?"
            )));
        }
        let most = into.len().min(self.left);
        let read = self.source.read(&mut into[..most])?;
        self.left -= read;
        Ok(read)
    }
}

/// Which sign stands between the columns of this first line; `None`: it names none of those that every JTL has.
#[must_use]
pub fn delimiter(first_line: &str) -> Option<u8> {
    let names = |delimiter: &u8| {
        let mut columns = first_line
            .trim_start_matches('\u{feff}')
            .split(char::from(*delimiter));
        columns.any(|name| NEEDED.contains(&name.trim().trim_matches('"')))
    };
    DELIMITERS.into_iter().find(names)
}

impl<R: Read> Rows<R> {
    /// Of a source at its beginning, with this sign between the columns ([`delimiter`]).
    ///
    /// # Errors
    /// [`JtlError::NoHeader`], [`JtlError::Column`], and what the source gives.
    pub fn new(source: R, delimiter: u8) -> Result<Self, JtlError> {
        let mut reader = ReaderBuilder::new().delimiter(delimiter).from_reader(Bounded {
            source,
            left: LONGEST,
        });
        let header = reader.headers().map_err(not_read)?.clone();
        let has = |column: &str| header.iter().any(|name| name == column);
        if !NEEDED.into_iter().any(has) {
            return Err(JtlError::NoHeader);
        }
        if let Some(missing) = NEEDED.into_iter().find(|column| !has(column)) {
            return Err(JtlError::Column(missing));
        }
        Ok(Self {
            reader,
            header,
            row: StringRecord::new(),
            ahead: None,
            ended: false,
        })
    }
}

/// An error that is not of one row alone.
fn not_read(error: csv::Error) -> JtlError {
    let text = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => JtlError::Io(error),
        _ => JtlError::Row {
            line: 1,
            reason: text,
        },
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<Row, JtlError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.ahead.take();
        match read.unwrap_or_else(|| self.read_ahead()) {
            Ok(false) => {
                self.ended = true;
                None
            }
            Ok(true) => {
                let line = self.row.position().map_or(0, csv::Position::line);
                let row = self.row.deserialize(Some(&self.header));
                Some(match row {
                    Ok(row) => row_in_time(line, row),
                    Err(error) => Err(wrong(line, &error)),
                })
            }
            Err(error) => Some(Err(self.unread(error))),
        }
    }
}

impl<R: Read> Rows<R> {
    fn read_ahead(&mut self) -> Result<bool, csv::Error> {
        self.reader.get_mut().left = LONGEST;
        self.reader.read_record(&mut self.row)
    }

    fn unread(&mut self, error: csv::Error) -> JtlError {
        let line = error.position().unwrap_or(self.reader.position()).line();
        let reason = match error.into_kind() {
            csv::ErrorKind::Io(error) => {
                self.ended = true;
                return JtlError::Io(error);
            }
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => {
                let read = self.read_ahead();
                let next = self.ahead.insert(read);
                if len < expected_len && matches!(next, Ok(false)) {
                    return JtlError::Cut { line };
                }
                format!("{len} columns where the first row names {expected_len}")
            }
            csv::ErrorKind::Utf8 { .. } => "it is no text".to_owned(),
            other => format!("{other:?}"),
        };
        JtlError::Row { line, reason }
    }
}

fn row_in_time(line: u64, row: Row) -> Result<Row, JtlError> {
    match row.no_time() {
        Some(column) => Err(JtlError::Row {
            line,
            reason: format!(
                "{column} is no time in milliseconds: set jmeter.save.saveservice.timestamp_format=ms"
            ),
        }),
        None => Ok(row),
    }
}

fn wrong(line: u64, error: &csv::Error) -> JtlError {
    let mut reason = error.to_string();
    if let csv::ErrorKind::Deserialize { err, .. } = error.kind() {
        reason = err.kind().to_string();
        if err.field() == Some(0) {
            reason.push_str(" (times must be numbers: set jmeter.save.saveservice.timestamp_format=ms)");
        }
    }
    JtlError::Row { line, reason }
}
