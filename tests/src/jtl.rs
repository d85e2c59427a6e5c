//! JMeter's result file (CSV), row by row as typed samples.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::{Error, Result};

/// One row: a sample, or a sub-result where JMeter stores those.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// When the sample started, milliseconds since 1970.
    pub started_ms: u64,
    /// Milliseconds of work, without idle time.
    pub elapsed_ms: u64,
    /// The element's name.
    pub label: String,
    /// The response code.
    pub code: String,
    /// The response message.
    pub message: String,
    /// The thread: one virtual user.
    pub thread: String,
    /// Whether the sample passed.
    pub success: bool,
    /// Headers and body of the answer.
    pub bytes: u64,
    /// What was sent.
    pub sent_bytes: u64,
    /// Milliseconds to the first byte of the answer.
    pub latency_ms: u64,
    /// Milliseconds of waiting inside the sample.
    pub idle_ms: u64,
    /// Milliseconds to connect.
    pub connect_ms: u64,
    /// The columns of `sample_variables`, by variable name.
    pub variables: BTreeMap<String, String>,
}

impl Sample {
    /// When the sample ended, milliseconds since 1970.
    #[must_use]
    pub fn ended_ms(&self) -> u64 {
        self.started_ms + self.elapsed_ms + self.idle_ms
    }

    /// Elapsed and idle time: how long the sampler took.
    #[must_use]
    pub fn wall_ms(&self) -> u64 {
        self.elapsed_ms + self.idle_ms
    }

    /// A variable of this row as a number.
    ///
    /// # Panics
    /// When the run did not record it, or when it is no number: a test wants to see that.
    #[must_use]
    pub fn number(&self, variable: &str) -> f64 {
        let text = self
            .variables
            .get(variable)
            .unwrap_or_else(|| panic!("{variable} is not recorded in {self:?}"));
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is {text:?}, no number, in {self:?}"))
    }
}

/// Reads a result file. Columns may stand in any order; those that JMeter did not write count as 0 or empty.
///
/// # Errors
/// When the file cannot be read or a figure is no number.
pub fn read(path: &Path) -> Result<Vec<Sample>> {
    let wrong = |why: String| Error::Content {
        what: path.display().to_string(),
        why,
    };
    let mut reader = csv::Reader::from_path(path).map_err(|error| wrong(error.to_string()))?;
    let columns = reader
        .headers()
        .map_err(|error| wrong(error.to_string()))?
        .clone();
    let mut samples = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| wrong(error.to_string()))?;
        let fields: BTreeMap<&str, &str> = columns.iter().zip(row.iter()).collect();
        samples
            .push(sample(&fields).map_err(|column| wrong(format!("row {}: {column}", samples.len() + 1)))?);
    }
    Ok(samples)
}

/// What JMeter itself writes; every other column is a variable.
const OWN_COLUMNS: &[&str] = &[
    "timeStamp",
    "elapsed",
    "label",
    "responseCode",
    "responseMessage",
    "threadName",
    "dataType",
    "success",
    "failureMessage",
    "bytes",
    "sentBytes",
    "grpThreads",
    "allThreads",
    "URL",
    "Filename",
    "Latency",
    "IdleTime",
    "Connect",
    "Encoding",
    "SampleCount",
    "ErrorCount",
    "Hostname",
];

fn sample(fields: &BTreeMap<&str, &str>) -> std::result::Result<Sample, String> {
    let text = |column: &str| fields.get(column).copied().unwrap_or_default().to_owned();
    let number = |column: &str| match fields.get(column) {
        None => Ok(0),
        Some(text) => text.parse().map_err(|_| format!("{column} is {text:?}")),
    };
    Ok(Sample {
        started_ms: number("timeStamp")?,
        elapsed_ms: number("elapsed")?,
        label: text("label"),
        code: text("responseCode"),
        message: text("responseMessage"),
        thread: text("threadName"),
        success: text("success") == "true",
        bytes: number("bytes")?,
        sent_bytes: number("sentBytes")?,
        latency_ms: number("Latency")?,
        idle_ms: number("IdleTime")?,
        connect_ms: number("Connect")?,
        variables: fields
            .iter()
            .filter(|(column, _)| !OWN_COLUMNS.contains(column))
            .map(|(column, value)| ((*column).to_owned(), (*value).to_owned()))
            .collect(),
    })
}

/// How many different users have a passed sample. A user with failed tries and one passed counts once, as connected: that
/// is the question of a load test, and no row count of the file answers it.
#[must_use]
pub fn users_connected(samples: &[Sample]) -> usize {
    samples
        .iter()
        .filter(|sample| sample.success)
        .map(|sample| &sample.thread)
        .collect::<BTreeSet<_>>()
        .len()
}

/// Seconds from the first start to each user's first passed sample, in order of time.
#[must_use]
pub fn connect_times(samples: &[Sample]) -> Vec<f64> {
    first_successes(samples, |_| true)
}

/// Seconds from the first start of all to each user's first passed sample with this label, in order of time.
#[must_use]
pub fn times_of(samples: &[Sample], label: &str) -> Vec<f64> {
    first_successes(samples, |sample| sample.label == label)
}

fn first_successes(samples: &[Sample], counts: impl Fn(&Sample) -> bool) -> Vec<f64> {
    let Some(start) = samples.iter().map(|sample| sample.started_ms).min() else {
        return Vec::new();
    };
    let mut by_user: BTreeMap<&str, u64> = BTreeMap::new();
    for sample in samples.iter().filter(|sample| sample.success && counts(sample)) {
        let ended = sample.ended_ms();
        by_user
            .entry(&sample.thread)
            .and_modify(|first| *first = ended.min(*first))
            .or_insert(ended);
    }
    let mut times: Vec<u64> = by_user.into_values().map(|ended| ended - start).collect();
    times.sort_unstable();
    // Milliseconds of a run fit a double exactly.
    times
        .into_iter()
        .map(|ms| std::time::Duration::from_millis(ms).as_secs_f64())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect,\"wsb.attempts\",\"wsb.stop\"\n\
        1000,4,Connect,429,Too Many Requests,Agents 1-1,text,false,\"a, \"\"b\"\"\",150,160,2,2,null,3,0,1,1,no-retry\n\
        1010,6,Connect,101,Switching Protocols,Agents 1-2,text,true,,129,161,2,2,null,5,2500,1,3,connected\n\
        1600,5,Connect,101,Switching Protocols,Agents 1-1,text,true,,129,160,2,2,null,3,0,1,1,connected\n\
        1700,5,Connect,101,Switching Protocols,Agents 1-1,text,true,,129,160,2,2,null,3,0,1,1,connected\n";

    fn samples() -> Vec<Sample> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), FILE).unwrap();
        read(file.path()).unwrap()
    }

    #[test]
    fn every_column_is_read() {
        let sample = &samples()[1];
        let expected = Sample {
            started_ms: 1_010,
            elapsed_ms: 6,
            label: "Connect".to_owned(),
            code: "101".to_owned(),
            message: "Switching Protocols".to_owned(),
            thread: "Agents 1-2".to_owned(),
            success: true,
            bytes: 129,
            sent_bytes: 161,
            latency_ms: 5,
            idle_ms: 2_500,
            connect_ms: 1,
            variables: [("wsb.attempts", "3"), ("wsb.stop", "connected")]
                .map(|(k, v)| (k.into(), v.into()))
                .into(),
        };
        assert_eq!(sample, &expected);
        assert_eq!(sample.ended_ms(), 3_516);
    }

    #[test]
    fn a_user_counts_once_and_from_the_first_success() {
        let samples = samples();
        assert_eq!(samples.len(), 4);
        assert_eq!(users_connected(&samples), 2);
        assert_eq!(connect_times(&samples), [0.605, 2.516]);
        assert_eq!(times_of(&samples, "Connect"), [0.605, 2.516]);
        assert!(times_of(&samples, "Close").is_empty());
    }

    #[test]
    fn a_figure_that_is_no_number_is_an_error_with_its_row() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "timeStamp,elapsed\n1,2\n3,soon\n").unwrap();
        let error = read(file.path()).unwrap_err().to_string();
        assert!(error.contains("row 2: elapsed is \"soon\""), "{error}");
    }
}
