//! The product's trace file (`wsb.trace`): what the tests look at of it, all lines whole.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde::de::DeserializeOwned;
use trace::{Reader, Record};

use crate::{Error, Result, at};

/// One attempt as the client saw it.
pub type Attempt = trace::AttemptRecord<'static>;

/// What a controller or the timer did.
pub type Event = trace::EventRecord<'static>;

/// Reads the attempts to connect of a trace file.
///
/// # Errors
/// When it cannot be read or a line is not as agreed.
pub fn read(path: &Path) -> Result<Vec<Attempt>> {
    records(path, |record| match record {
        Record::Attempt(attempt) => Some(attempt),
        _ => None,
    })
}

/// Reads what controllers and timers did, of a trace file.
///
/// # Errors
/// As for [`read`].
pub fn events(path: &Path) -> Result<Vec<Event>> {
    records(path, |record| match record {
        Record::Event(event) => Some(event),
        _ => None,
    })
}

/// The lines of a trace that are about one address, with those that are about the file.
///
/// # Errors
/// When a line is not as agreed.
pub fn to(trace: &str, target: &str) -> Result<String> {
    let mut own = String::new();
    for (number, line) in (1..).zip(trace.lines()) {
        let fields: serde_json::Value = serde_json::from_str(line).map_err(|error| Error::Content {
            what: format!("line {number} of a trace"),
            why: error.to_string(),
        })?;
        if fields.get("trace").is_some() || fields["target"] == target {
            own += line;
            own.push('\n');
        }
    }
    Ok(own)
}

fn records<T>(path: &Path, wanted: fn(Record<'static>) -> Option<T>) -> Result<Vec<T>> {
    let reader = Reader::new(BufReader::new(File::open(path).map_err(at(path))?));
    let read = reader.map(|record| {
        let record = record.map_err(|error| Error::Content {
            what: path.display().to_string(),
            why: error.to_string(),
        });
        record.map(wanted)
    });
    read.filter_map(Result::transpose).collect()
}

/// Reads a file of JSON lines of another kind.
///
/// # Errors
/// When it cannot be read or a line is not as agreed.
pub fn json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let file = BufReader::new(File::open(path).map_err(at(path))?);
    let lines = (1..).zip(file.lines());
    let read = lines.map(|(number, line)| {
        let line = line.map_err(at(path))?;
        serde_json::from_str(&line).map_err(|error| Error::Content {
            what: format!("{} line {number}", path.display()),
            why: error.to_string(),
        })
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_targets_share_is_parted_by_their_addresses() {
        let start = trace::StartRecord::new("1");
        let start = Record::Start(start).line();
        let line = |target: &str| {
            let target = target.to_owned().into();
            Record::Attempt(Attempt {
                target,
                ..Attempt::default()
            })
            .line()
        };
        let (one, other) = (line("ws://h:1/"), line("ws://h:11/"));
        let all = format!("{start}{one}{other}{one}");
        assert_eq!(to(&all, "ws://h:1/").unwrap(), format!("{start}{one}{one}"));
        assert_eq!(to(&all, "ws://h:11/").unwrap(), format!("{start}{other}"));
        assert!(
            to("no JSON", "ws://h:1/")
                .unwrap_err()
                .to_string()
                .contains("line 1")
        );
    }

    #[test]
    fn a_line_is_read_and_a_wrong_one_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let good = r#"{"at":1,"target":"ws://h/","user":"U 1-1","ordinal":0,"attempt":1,"dnsUs":null,"tcpUs":80,"proxyUs":null,"tlsUs":null,"sentUs":100,"headUs":300,"totalUs":400,"status":429,"error":"upgrade.status","class":"throttle","hint":{"source":"retry-after","raw":"2","ms":2000.0,"ignored":null},"waitMs":2100.5,"waitedMs":2101.0,"stop":null}"#;
        let event = r#"{"at":1,"element":"RetryController","name":"n","user":"U 1-1","ordinal":0,"event":"attempt","attempt":2,"status":200,"stop":"succeeded"}"#;
        std::fs::write(file.path(), format!("{event}\n{good}\n{event}\n")).unwrap();
        let events = events(file.path()).unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!((events[1].attempt, events[1].status), (Some(2), Some(200)));
        let attempts = read(file.path()).unwrap();
        assert_eq!(attempts.len(), 1);
        assert_eq!(
            (attempts[0].status, attempts[0].wait_ms),
            (Some(429), Some(2100.5))
        );
        std::fs::write(file.path(), format!("{good}\nnot json\n")).unwrap();
        assert!(read(file.path()).unwrap_err().to_string().contains("line 2"));
    }
}
