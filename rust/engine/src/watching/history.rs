//! How the figures went: a row a second, bounded by making the steps longer.

use std::time::Duration;

use crate::watching::moment::{Crowd, Moment};

/// No more rows are kept: a picture has no more columns.
pub const MOST_ROWS: usize = 600;

/// Some figures at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Row {
    /// Since the test began.
    pub at: Duration,
    /// Where users were.
    pub crowd: Crowd,
    /// Attempts a second, lately.
    pub rate: f64,
    /// How much longer the longest hint held.
    pub hint: Duration,
    /// The rate of the gate at which most waited.
    pub gate: Option<f64>,
}

impl Row {
    /// Of a moment.
    pub fn of(moment: &Moment) -> Self {
        Row {
            at: moment.at,
            crowd: moment.crowd,
            rate: moment.rate,
            hint: moment.hint,
            gate: moment.busiest().and_then(|gate| gate.state.rate),
        }
    }
}

/// See the file's sentence.
#[derive(Debug, Clone)]
pub struct History {
    rows: Vec<Row>,
    step: Duration,
}

impl Default for History {
    fn default() -> Self {
        History {
            rows: Vec::new(),
            step: Duration::from_secs(1),
        }
    }
}

impl History {
    /// The rows, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// When the next row is wanted.
    pub fn due(&self) -> Duration {
        self.rows.last().map_or(self.step, |last| last.at + self.step)
    }

    /// Takes a row, later than those before it.
    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
        if self.rows.len() == MOST_ROWS {
            let mut index = 0;
            self.rows.retain(|_| {
                index += 1;
                index % 2 == 0
            });
            self.step *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_test_has_longer_steps_and_never_more_rows() {
        let mut history = History::default();
        let day = Duration::from_secs(86_400);
        while history.due() <= day {
            let at = history.due();
            history.add(Row { at, ..Row::default() });
            assert!(history.rows().len() <= MOST_ROWS);
        }
        let rows = history.rows();
        assert!(rows.len() >= MOST_ROWS / 2, "{}", rows.len());
        assert!(rows.is_sorted_by(|one, next| one.at < next.at));
        let steps: Vec<Duration> = rows.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
        assert!(steps.iter().all(|step| *step == steps[0]), "{steps:?}");
        assert!(day - rows[rows.len() - 1].at < steps[0]);
    }
}
