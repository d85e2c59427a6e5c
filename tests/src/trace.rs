//! The product's trace file (`wsb.trace`): JSON lines, one an attempt to connect, others for what controllers and the timer do.
//! Only what the tests look at is read.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, Result, at};

/// One attempt as the client saw it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// When it started, microseconds since 1970.
    pub at: u64,
    /// The address that the user connected to.
    pub target: String,
    /// Who connected: JMeter's thread name.
    pub user: String,
    /// How many connects the user made before.
    pub ordinal: u64,
    /// From 1.
    pub attempt: u64,
    /// Microseconds of the TCP connect.
    pub tcp_us: Option<u64>,
    /// Microseconds of the TLS handshake.
    pub tls_us: Option<u64>,
    /// Microseconds from the start until the request was written.
    pub sent_us: Option<u64>,
    /// Microseconds from the start to the first byte of the answer.
    pub head_us: Option<u64>,
    /// How many redirects it followed; each was a request of its own.
    #[serde(default)]
    pub redirects: u64,
    /// Microseconds of the whole attempt.
    pub total_us: u64,
    /// The answer's status.
    pub status: Option<u16>,
    /// The error code, if the attempt failed.
    pub error: Option<String>,
    /// What the policy took the failure for.
    pub class: Option<String>,
    /// What the server asked for.
    pub hint: Option<Hint>,
    /// The planned wait after this attempt, milliseconds.
    pub wait_ms: Option<f64>,
    /// The wait that was made, milliseconds.
    pub waited_ms: Option<f64>,
    /// Why the connect ended after this attempt.
    pub stop: Option<String>,
}

impl Attempt {
    /// How many requests reached the network: one for each redirect, and the last one if it was sent.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.redirects + u64::from(self.sent_us.is_some())
    }
}

/// What a controller or the timer did.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Class name of the element.
    pub element: String,
    /// What was done.
    pub event: String,
    /// Whose thread did it.
    pub user: String,
    /// From 1.
    pub attempt: Option<u64>,
    /// The status of the sample that decided.
    pub status: Option<u16>,
    /// What the policy took a failure for.
    pub class: Option<String>,
    /// What the server asked for.
    pub hint: Option<Hint>,
    /// The planned wait after it, milliseconds.
    pub wait_ms: Option<f64>,
    /// The wait that was made, milliseconds.
    pub waited_ms: Option<f64>,
    /// Why nothing follows.
    pub stop: Option<String>,
}

/// A hint of the server.
#[derive(Debug, Clone, Deserialize)]
pub struct Hint {
    /// The header that gave it.
    pub source: String,
    /// Its text.
    pub raw: String,
    /// Its value, if usable.
    pub ms: Option<f64>,
}

/// Reads the attempts to connect of a trace file.
///
/// # Errors
/// When it cannot be read or a line is not as agreed.
pub fn read(path: &Path) -> Result<Vec<Attempt>> {
    lines(path, |line| line.get("event").is_none())
}

/// Reads what controllers and timers did, of a trace file.
///
/// # Errors
/// As for [`read`].
pub fn events(path: &Path) -> Result<Vec<Event>> {
    lines(path, |line| line.get("event").is_some())
}

/// Reads a file of JSON lines.
///
/// # Errors
/// When it cannot be read or a line is not as agreed.
pub fn json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    lines(path, |_| true)
}

fn lines<T: DeserializeOwned>(path: &Path, wanted: fn(&Value) -> bool) -> Result<Vec<T>> {
    let text = std::fs::read_to_string(path).map_err(at(path))?;
    let parse = |(number, line): (usize, &str)| {
        let value = serde_json::from_str(line);
        let value = value.map(|value| Some(value).filter(wanted));
        let read = value.and_then(|value| value.map(serde_json::from_value).transpose());
        read.map_err(|error| Error::Content {
            what: format!("{} line {}", path.display(), number + 1),
            why: error.to_string(),
        })
    };
    let parsed = text.lines().enumerate().map(parse);
    parsed.filter_map(Result::transpose).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
