//! How the figures of storms are told: a table for people, JSON for programs.

use crate::storm::Scene;
use limiter::LimitSpec;
use serde::Serialize;
use simulate::{Figures, Habit, Spread};
use units::format_duration;

/// Lines of cells, the first of each to the left and the others to the right, as wide as they must be.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cell = |(column, cell): (usize, &String)| match column {
            0 => format!("{cell:<width$}", width = widths[0]),
            _ => format!("{cell:>width$}", width = widths[column]),
        };
        let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// The heads of the columns of [`cells`].
pub(crate) fn heads(first: &str) -> [Vec<String>; 2] {
    let row = |words: [&str; 8]| words.map(str::to_owned).to_vec();
    [
        row([
            "",
            "",
            "",
            "all in",
            "attempts",
            "time to connect",
            "",
            "most attempts",
        ]),
        row([first, "lost", "", "after", "a user", "half", "95 %", "a second"]),
    ]
    .map(|mut row| {
        row.insert(7, if row[0].is_empty() { "" } else { "longest" }.to_owned());
        row
    })
}

/// One line of figures.
pub(crate) fn cells(name: String, users: usize, figures: &Figures) -> Vec<String> {
    let lost = figures.lost.mean;
    let share = match 100.0 * lost / users as f64 {
        0.0 => String::new(),
        share => format!("{share:.1} %"),
    };
    let times = figures
        .times_bound
        .map_or_else(String::new, |times| format!(" ({:.2}x)", times.mean));
    let after = match lost {
        0.0 => format!("{}{times}", about(figures.makespan)),
        _ => "never".to_owned(),
    };
    let seconds = |spread: Spread| format!("{:.1} s", spread.mean);
    vec![
        name,
        short(lost),
        share,
        after,
        format!("{:.2}", figures.attempts_per_user.mean),
        seconds(figures.median),
        seconds(figures.p95),
        seconds(figures.longest),
        short(figures.peak.mean),
    ]
}

/// Seconds with their spread, if it is worth a word.
fn about(spread: Spread) -> String {
    if spread.deviation < 0.05 {
        return format!("{:.1} s", spread.mean);
    }
    format!("{:.1} ±{:.1} s", spread.mean, spread.deviation)
}

/// Whole where it is.
fn short(number: f64) -> String {
    let tenths = (number * 10.0).round() / 10.0;
    format!("{tenths}")
}

/// A figure in the JSON: over the storms its mean, how far it spreads from storm to storm (standard deviation), its ends.
#[derive(Debug, Serialize)]
pub(crate) struct Number {
    mean: f64,
    deviation: f64,
    least: f64,
    most: f64,
}

impl From<Spread> for Number {
    fn from(spread: Spread) -> Self {
        // Microseconds are more than any of it is good for.
        let round = |value: f64| (value * 1e6).round() / 1e6;
        Self {
            mean: round(spread.mean),
            deviation: round(spread.deviation),
            least: round(spread.least),
            most: round(spread.most),
        }
    }
}

/// The figures of one way to try. Times in seconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Numbers {
    /// Users that did not get in.
    lost: Number,
    /// Of those, users that still tried when the storm was broken off.
    still_trying: Number,
    /// Until the last one was in, of those that got in.
    makespan_seconds: Number,
    /// The least that limit and starts ask for; null where nobody knows.
    bound_seconds: Option<Number>,
    /// The makespan as a multiple of it; null where somebody is lost or there is no bound.
    times_bound: Option<Number>,
    attempts_per_user: Number,
    /// Attempts that were refused, or not answered in time.
    refused: Number,
    /// From a user's start until it is in, of those who are.
    connect_seconds: Connect,
    peak_attempts_per_second: Number,
}

#[derive(Debug, Serialize)]
struct Connect {
    p50: Number,
    p95: Number,
    max: Number,
}

impl From<&Figures> for Numbers {
    fn from(figures: &Figures) -> Self {
        Self {
            lost: figures.lost.into(),
            still_trying: figures.trying.into(),
            makespan_seconds: figures.makespan.into(),
            bound_seconds: figures.bound.map(Into::into),
            times_bound: figures.times_bound.map(Into::into),
            attempts_per_user: figures.attempts_per_user.into(),
            refused: figures.refused.into(),
            connect_seconds: Connect {
                p50: figures.median.into(),
                p95: figures.p95.into(),
                max: figures.longest.into(),
            },
            peak_attempts_per_second: figures.peak.into(),
        }
    }
}

/// Who stormed against what, at the top of the JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Case {
    /// As `--limit` takes it.
    limit: String,
    users: usize,
    ramp_seconds: f64,
    round_trip_ms: f64,
    /// In words.
    refusal: String,
    hold_seconds: Option<f64>,
    schedule_seconds: Option<f64>,
    /// How many storms of each kind.
    seeds: u64,
}

impl Case {
    pub(crate) fn new(limit: &LimitSpec, scene: &Scene, seeds: u64) -> Self {
        Self {
            limit: limit.to_string(),
            users: scene.users,
            ramp_seconds: scene.ramp.as_secs_f64(),
            round_trip_ms: scene.round_trip.as_secs_f64() * 1e3,
            refusal: scene.refusal(),
            hold_seconds: scene.hold.map(|hold| hold.as_secs_f64()),
            schedule_seconds: scene.schedule.map(|schedule| schedule.as_secs_f64()),
            seeds,
        }
    }

    /// In a sentence.
    pub(crate) fn sentence(&self, scene: &Scene) -> String {
        format!(
            "{} against {}: {}, {} away; mean of {} storms",
            scene.arrival(),
            self.limit,
            self.refusal,
            format_duration(scene.round_trip),
            self.seeds,
        )
    }
}

/// One way to try and its figures.
#[derive(Debug, Serialize)]
pub(crate) struct Result {
    /// As `--policy` takes it.
    policy: String,
    #[serde(flatten)]
    numbers: Numbers,
}

impl Result {
    pub(crate) fn new(habit: &Habit, figures: &Figures) -> Self {
        Self {
            policy: habit.to_string(),
            numbers: figures.into(),
        }
    }
}
