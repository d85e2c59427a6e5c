//! The picture of a run: how many times as good as today's samplers ours are, case by case, and as the raw client.

use std::path::Path;

use charts::{Axis, Bar, Rows, Tone};
use system::{Error, Result};

use crate::case::{Client, Measure};
use crate::results::{Outcome, Results};
use crate::spread::{Spread, figure};

const AGAINST: [(Client, Tone); 2] = [(Client::Theirs, Tone::Blue), (Client::Raw, Tone::Vermilion)];
/// What a case is judged by, the first that it has.
const JUDGED_BY: [Measure; 3] = [Measure::Rate, Measure::OpenP50Ms, Measure::ResidentMib];

/// A case's line in the picture.
struct Row<'a> {
    label: &'a str,
    measure: Measure,
    /// Above 1 is better, whatever is measured.
    bars: Vec<(Tone, Spread)>,
}

/// Writes the picture as SVG; nothing is written where nothing can be compared.
///
/// # Errors
/// The file system's.
pub fn write(path: &Path, results: &Results) -> Result<bool> {
    let rows: Vec<Row> = results.cases.iter().filter_map(row).collect();
    if rows.is_empty() {
        return Ok(false);
    }
    let text = svg(&rows, &subtitle(results));
    std::fs::write(path, text).map_err(|source| Error::Io {
        what: path.display().to_string(),
        source,
    })?;
    Ok(true)
}

fn subtitle(results: &Results) -> String {
    format!(
        "medians of ratios, {} rounds in turns, with least and most; {} cores, {}",
        results.effort.rounds, results.machine.cores, results.began
    )
}

fn row(outcome: &Outcome) -> Option<Row<'_>> {
    let measure = JUDGED_BY
        .into_iter()
        .find(|measure| outcome.ratios.values().any(|ratios| ratios.contains_key(measure)))?;
    let bars = AGAINST
        .iter()
        .filter_map(|(client, tone)| {
            let spread = outcome.ratios.get(client)?.get(&measure)?;
            Some((*tone, better(measure, *spread)))
        })
        .filter(|(_, spread)| spread.min > 0.0 && spread.max.is_finite())
        .collect::<Vec<_>>();
    (!bars.is_empty()).then_some(Row {
        label: outcome.about,
        measure,
        bars,
    })
}

/// Turned so that more is better.
fn better(measure: Measure, spread: Spread) -> Spread {
    if measure.grows() {
        return spread;
    }
    Spread {
        median: 1.0 / spread.median,
        min: 1.0 / spread.max,
        max: 1.0 / spread.min,
    }
}

fn svg(rows: &[Row<'_>], subtitle: &str) -> String {
    let title = "ws-backoff in JMeter against the WebSocket samplers 1.3.1, and against plain Rust";
    let mut picture = Rows::new(title, Axis::log("times as good"))
        .about(subtitle)
        .width(1_000)
        .from(1.0);
    for (client, tone) in AGAINST {
        picture = picture.meaning(&format!("ours / {} (more is better)", client.name()), tone);
    }
    for row in rows {
        let name = match row.measure {
            Measure::ResidentMib => format!("{}: memory", row.label),
            _ => row.label.to_owned(),
        };
        let bar = |(tone, spread): &(Tone, Spread)| Bar {
            tone: *tone,
            value: spread.median,
            spread: Some((spread.min, spread.max)),
            text: figure(spread.median),
        };
        picture = picture.row(&name, row.bars.iter().map(bar).collect());
    }
    picture.draw().document()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::outcome;

    #[test]
    fn each_case_has_its_bars_and_figures() {
        let outcome = outcome(&[200.0; 3], &[100.0; 3], &[400.0; 3]);
        let rows = [row(&outcome).unwrap()];
        let picture = svg(&rows, "three rounds");
        for text in [
            "connect + close, 16 threads",
            "2.00",
            "0.50",
            "three rounds",
            "ours / 1.3.1",
        ] {
            assert!(picture.contains(text), "{text} is not in {picture}");
        }
    }

    #[test]
    fn less_time_and_memory_are_better() {
        let spread = Spread {
            median: 0.5,
            min: 0.25,
            max: 1.0,
        };
        let turned = better(Measure::OpenP50Ms, spread);
        assert_eq!((turned.median, turned.min, turned.max), (2.0, 1.0, 4.0));
        assert_eq!(better(Measure::Rate, spread), spread);
    }
}
