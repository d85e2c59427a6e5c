//! The figures of a comparison: what one run came to, as a table for people and as JSON for programs.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::jtl::{self, Sample};
use crate::serve::Stats;
use crate::{Result, at};

/// What one run came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Users of the plan.
    pub users: u32,
    /// Those that were connected in the end, counted in JMeter's result file.
    pub connected: usize,
    /// The rest, in percent of the users.
    pub failed_percent: f64,
    /// Upgrade requests that the server saw.
    pub attempts: u64,
    /// Those that it refused with its limit's status.
    pub refused: u64,
    /// Seconds from the server's first request to its last 101.
    pub last_connect_seconds: Option<f64>,
    /// Seconds that the limit alone demands.
    pub bound_seconds: Option<f64>,
    /// The server's busiest second.
    pub peak_attempts_per_second: u64,
    /// Seconds from the first start to each user's connect.
    #[serde(skip)]
    pub connect_times: Vec<f64>,
}

/// A line of the table: a name and a value for each run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What is counted, with its unit.
    pub name: &'static str,
    /// In the order of the runs.
    pub values: Vec<String>,
}

impl Outcome {
    /// Puts together what JMeter recorded and what the server counted.
    #[must_use]
    pub fn new(users: u32, samples: &[Sample], stats: &Stats, bound: Option<Duration>) -> Self {
        let connected = jtl::users_connected(samples);
        let lost = f64::from(users) - f64::from(u32::try_from(connected).expect("users of one machine"));
        Self {
            users,
            connected,
            failed_percent: (lost / f64::from(users) * 1_000.0).round() / 10.0,
            attempts: stats.attempts,
            refused: stats.refused,
            last_connect_seconds: stats.last_connect().map(|last| last.as_secs_f64()),
            bound_seconds: bound.map(|bound| bound.as_secs_f64()),
            peak_attempts_per_second: stats.peak_attempts_per_second,
            connect_times: jtl::connect_times(samples),
        }
    }
}

/// The table's lines for several runs of the same case.
#[must_use]
pub fn rows(outcomes: &[&Outcome]) -> Vec<Row> {
    let row = |name, value: fn(&Outcome) -> String| Row {
        name,
        values: outcomes.iter().map(|o| value(o)).collect(),
    };
    let seconds = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    let mut rows = vec![
        row("users connected", |o| format!("{} of {}", o.connected, o.users)),
        row("failed users, %", |o| format!("{:.1}", o.failed_percent)),
        row("attempts at the server", |o| o.attempts.to_string()),
        row("refused by the limit", |o| o.refused.to_string()),
        row("peak attempts a second", |o| {
            o.peak_attempts_per_second.to_string()
        }),
    ];
    let last = outcomes.iter().map(|o| seconds(o.last_connect_seconds)).collect();
    let bound = outcomes.iter().map(|o| seconds(o.bound_seconds)).collect();
    rows.push(Row {
        name: "last connect, s",
        values: last,
    });
    rows.push(Row {
        name: "bound by the limit for all, s",
        values: bound,
    });
    rows
}

/// The table as text, its columns aligned.
#[must_use]
pub fn table(names: &[&str], rows: &[Row]) -> String {
    let first = rows.iter().map(|row| row.name.len()).max().unwrap_or_default();
    let widths: Vec<usize> = names
        .iter()
        .enumerate()
        .map(|(column, name)| {
            rows.iter()
                .map(|row| row.values[column].len())
                .fold(name.len(), usize::max)
        })
        .collect();
    let line = |name: &str, cells: Vec<&str>| {
        let cells: String = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("  {cell:>width$}"))
            .collect();
        format!("{name:<first$}{cells}\n")
    };
    let mut out = line("", names.to_vec());
    out += &format!(
        "{}\n",
        "-".repeat(first + widths.iter().map(|width| width + 2).sum::<usize>())
    );
    for row in rows {
        out += &line(row.name, row.values.iter().map(String::as_str).collect());
    }
    out
}

/// Writes anything as JSON for people and programs.
///
/// # Errors
/// The file system's.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).expect("plain texts and numbers") + "\n";
    std::fs::write(path, text).map_err(at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        Outcome {
            users: 200,
            connected: 120,
            failed_percent: 40.0,
            attempts: 440,
            refused: 320,
            last_connect_seconds: Some(2.391),
            bound_seconds: None,
            peak_attempts_per_second: 131,
            connect_times: Vec::new(),
        }
    }

    #[test]
    fn columns_of_the_table_line_up() {
        let after = Outcome {
            connected: 200,
            failed_percent: 0.0,
            bound_seconds: Some(60.0),
            ..outcome()
        };
        let text = table(&["before", "after"], &rows(&[&outcome(), &after]));
        let widths: Vec<usize> = text.lines().map(str::len).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
        assert!(text.contains("120 of 200  200 of 200"), "{text}");
        assert!(
            text.contains("40.0") && text.contains("60.0") && text.contains("2.4"),
            "{text}"
        );
    }

    #[test]
    fn the_json_has_the_figures_without_the_curve() {
        let json = serde_json::to_value(outcome()).unwrap();
        assert_eq!(json["failedPercent"], 40.0);
        assert_eq!(json["boundSeconds"], serde_json::Value::Null);
        assert!(json.get("connectTimes").is_none());
    }
}
