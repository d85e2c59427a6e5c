//! A running test in figures, for whoever looks: the line for the log, the JSON for the listener's table and chart, also out of a trace.
//! What is counted, and how, the engine decides.

mod endpoint;
mod metrics;
mod progress;

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::time::Duration;

use engine::Watcher;
use engine::watching::history::{History, Row};
use engine::watching::lengths::Lengths;
use engine::watching::moment::{Fate, GateFigures, Moment};
use engine::watching::replay::replay;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::runtime::Handle as Runtime;
use trace::{ClosedBy, milliseconds};

pub use endpoint::Endpoint;

/// More gates are not shown.
const MOST_GATES: usize = 20;

/// How often the log is told where nothing is set.
const PROGRESS: Duration = Duration::from_secs(10);

/// The settings of a test that begins, as users wrote them; empty where they did not.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BeginRequest {
    /// `wsb.progress`: a duration, or `off`.
    progress: String,
    /// `wsb.metrics.listen`: where the figures are served, in one of [`endpoint::FORMS`].
    metrics: String,
}

/// What is to be done in a test that began.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Begun {
    /// Between two lines for the log; 0: none.
    progress_ms: u64,
    /// What the log is to be told, a line each.
    notes: Vec<String>,
    /// What it is to be warned of, a line each.
    warnings: Vec<String>,
}

impl Begun {
    /// Reads the settings; what cannot be used is told, and as if it were not set.
    pub fn new(request: &BeginRequest) -> Self {
        let mut begun = Begun::default();
        let progress = match request.progress.as_str() {
            "" => PROGRESS,
            "off" => Duration::ZERO,
            text => units::parse_duration(text).unwrap_or_else(|error| {
                begun.warnings.push(format!(
                    "wsb.progress: {text:?} ({error}); allowed: off, or {}; every 10 s the log is told",
                    units::DURATION_FORMS
                ));
                PROGRESS
            }),
        };
        begun.progress_ms = u64::try_from(progress.as_millis()).unwrap_or(u64::MAX);
        begun
    }

    /// Serves the figures, if that is wanted; the test goes on without where it cannot be.
    pub fn serve(&mut self, request: &BeginRequest, runtime: &Runtime, watcher: Watcher) -> Option<Endpoint> {
        let at = request.metrics.as_str();
        if at.is_empty() {
            return None;
        }
        match Endpoint::open(at, runtime, watcher) {
            Ok(endpoint) => {
                self.notes.push(format!(
                    "The figures of connects are served at http://{}/metrics until the test ends",
                    endpoint.address
                ));
                Some(endpoint)
            }
            Err(error) => {
                self.warnings.push(format!(
                    "wsb.metrics.listen: {at:?} ({error}); allowed: an address of this machine with a port that nobody has, as {}; \
                     the test goes on without",
                    endpoint::FORMS
                ));
                None
            }
        }
    }
}

/// A question to the figures.
#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "camelCase", deny_unknown_fields)]
pub enum LiveQuestion {
    /// The line for the log; empty while nobody waits.
    Progress,
    /// The figures of the test that runs, or of the last one.
    Figures,
    /// Those of a test that left a trace.
    Trace {
        /// The trace.
        file: PathBuf,
    },
}

/// Answers a question, as JSON.
pub fn answer(question: LiveQuestion, watcher: &Watcher) -> Value {
    match question {
        LiveQuestion::Progress => json!({"line": progress::line(&watcher.moment()).unwrap_or_default()}),
        LiveQuestion::Figures => figures(&watcher.moment(), &watcher.history()),
        LiveQuestion::Trace { file } => of_trace(&file),
    }
}

fn of_trace(file: &std::path::Path) -> Value {
    let name = file.display();
    let opened = File::open(file).map_err(|error| format!("{name}: {error}"));
    let told = opened.and_then(|file| {
        replay(BufReader::new(file)).map_err(|error| {
            format!("{name}: {error}. A trace is what a test writes that is started with -Jwsb.trace=FILE")
        })
    });
    match told {
        Err(problem) => json!({"problem": problem}),
        Ok(told) => {
            let mut answer = figures(&told.moment, &told.history);
            if let Some((count, first)) = told.skipped {
                answer["warning"] = json!(format!("{count} lines of {name} were skipped: {first}"));
            }
            answer
        }
    }
}

fn figures(moment: &Moment, history: &History) -> Value {
    let crowd = &moment.crowd;
    let attempts: Value = Fate::ALL
        .iter()
        .map(|fate| (fate.name().to_owned(), json!(moment.attempts[*fate as usize])))
        .collect();
    let ends: Value = ClosedBy::ALL
        .iter()
        .map(|by| (by.name().to_owned(), json!(moment.ends[*by as usize])))
        .collect();
    let gates: Vec<Value> = busiest(moment)
        .into_iter()
        .map(|gate| {
            json!({
                "key": gate.key.trim_end(),
                "rate": gate.state.rate,
                "queue": gate.state.queue,
                "holdMs": milliseconds(gate.state.hold),
            })
        })
        .collect();
    json!({
        "atMs": milliseconds(moment.at),
        "users": crowd.users(),
        "connected": crowd.connected,
        "connecting": crowd.connecting,
        "waiting": crowd.waiting,
        "lost": crowd.lost,
        "held": crowd.held,
        "attempts": attempts,
        "rate": moment.rate,
        "hintMs": milliseconds(moment.hint),
        "connects": moment.connects,
        "ends": ends,
        "toConnect": lengths(&moment.to_connect),
        "waits": lengths(&moment.waits),
        "gates": gates,
        "history": history.rows().iter().map(row).collect::<Vec<_>>(),
    })
}

/// The gates that are shown, those first at which most wait: a plan may have one for each of its users.
fn busiest(moment: &Moment) -> Vec<&GateFigures> {
    let mut gates: Vec<&GateFigures> = moment.gates.iter().collect();
    gates.sort_by_key(|gate| std::cmp::Reverse(gate.state.queue));
    gates.truncate(MOST_GATES);
    gates
}

fn lengths(lengths: &Lengths) -> Value {
    json!({
        "count": lengths.count,
        "p50Ms": milliseconds(lengths.median),
        "p95Ms": milliseconds(lengths.p95),
        "maxMs": milliseconds(lengths.longest),
    })
}

/// In the order that the chart knows: time, connected, connecting, waiting, lost, held, attempts a second, gate's rate.
fn row(row: &Row) -> Value {
    let crowd = &row.crowd;
    json!([
        milliseconds(row.at),
        crowd.connected,
        crowd.connecting,
        crowd.waiting,
        crowd.lost,
        crowd.held,
        row.rate,
        row.gate,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_read_and_a_wrong_one_is_told_and_changes_nothing() {
        for (progress, expected, told) in [
            ("", 10_000, false),
            ("off", 0, false),
            ("30s", 30_000, false),
            ("1m", 60_000, false),
            ("soon", 10_000, true),
        ] {
            let request = BeginRequest {
                progress: progress.to_owned(),
                ..BeginRequest::default()
            };
            let begun = Begun::new(&request);
            assert_eq!(begun.progress_ms, expected, "{progress}");
            assert_eq!(!begun.warnings.is_empty(), told, "{begun:?}");
        }
    }

    #[test]
    fn a_file_that_is_no_trace_says_so_and_what_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.html");
        std::fs::write(&page, "<p>\n".repeat(50)).unwrap();
        for (file, expected) in [
            (page, "not a trace"),
            (folder.path().join("absent"), "No such file"),
            (folder.path().to_owned(), "directory"),
        ] {
            let answer = of_trace(&file);
            let problem = answer["problem"].as_str().unwrap();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
