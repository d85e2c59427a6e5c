//! Results as text: a table of figures, one of promises, one of the parts without a server; Markdown that reads well as it is.

use crate::case::{Client, Measure};
use crate::micro::Micro;
use crate::results::{Outcome, Results};
use crate::spread::{Spread, figure};

/// What a table has of each client; the rest stands in `results.json`.
struct Columns {
    shown: &'static [Client],
    /// By which the subject's figures are divided.
    against: [Client; 2],
    beside: &'static [Client],
}

/// Of ours on platform threads.
const PLATFORM: Columns = Columns {
    shown: &[Client::Raw, Client::Ours, Client::Theirs],
    against: [Client::Theirs, Client::Raw],
    beside: &[Client::RawAsync, Client::TheirsTuned, Client::Threads],
};
/// Of virtual users.
const VIRTUAL: Columns = Columns {
    shown: &[Client::OursVirtual, Client::Theirs, Client::TheirsVirtual],
    against: [Client::Theirs, Client::TheirsVirtual],
    beside: &[Client::Ours],
};

/// All tables.
pub fn all(results: &Results) -> String {
    let mut text = head(results);
    if !results.cases.is_empty() {
        for (subject, columns) in [(Client::Ours, &PLATFORM), (Client::OursVirtual, &VIRTUAL)] {
            let cases = results.cases.iter().filter(|outcome| outcome.subject == subject);
            let table = figures(columns, cases);
            if !table.is_empty() {
                text += &format!("\n{table}");
            }
        }
        text += &format!("\n{}", promises(&results.cases));
    }
    if !results.micro.is_empty() {
        text += &format!("\n{}", micro(&results.micro));
    }
    for outcome in &results.cases {
        for note in &outcome.notes {
            text += &format!("\n{}: {note}", outcome.name);
        }
    }
    if results.cases.iter().any(|outcome| outcome.subject.is_virtual()) {
        text +=
            "\nCases of virtual users: all their clients ran on Java 25, with a heap of 128 MiB to 1 GiB.";
    }
    if results.effort.quick {
        text +=
            "\nA quick run: the JVMs were still warming up in its rounds, which costs the slower ones most.";
    }
    if results.machine.busy() {
        text += &format!(
            "\nThe machine was busy before the run (load {:.1} on {} cores): take no figure for more than a hint.",
            results.machine.load_before, results.machine.cores
        );
    }
    text
}

fn head(results: &Results) -> String {
    let (machine, versions) = (&results.machine, &results.versions);
    format!(
        "{}, {} cores of {}, kernel {}; {}\nws-backoff {} ({}), JMeter {}, WebSocket samplers {}\n\
         Medians of {} rounds in turns (of held connections: {}), least and most in brackets; client and server share the machine.\n",
        results.began,
        machine.cores,
        machine.cpu,
        machine.kernel,
        versions.java,
        versions.ws_backoff,
        versions.commit,
        versions.jmeter,
        versions.samplers,
        results.effort.rounds,
        results.effort.idle_rounds,
    )
}

fn figures<'a>(columns: &Columns, outcomes: impl Iterator<Item = &'a Outcome>) -> String {
    let mut head = vec!["work".to_owned(), "figure".to_owned()];
    head.extend(columns.shown.iter().map(|client| client.name().to_owned()));
    head.extend(columns.against.map(|other| format!("ours / {}", other.name())));
    head.push("others".to_owned());
    let mut rows = vec![head];
    for outcome in outcomes {
        let mut measures: Vec<Measure> = outcome
            .spreads
            .values()
            .flat_map(|spreads| spreads.keys().copied())
            .filter(|measure| *measure != Measure::ServerCpuUs)
            .collect();
        measures.sort();
        measures.dedup();
        for (place, measure) in measures.into_iter().enumerate() {
            let about = if place == 0 { outcome.about } else { "" };
            rows.push(figure_row(columns, outcome, about, measure));
        }
    }
    aligned(&rows)
}

fn figure_row(columns: &Columns, outcome: &Outcome, about: &str, measure: Measure) -> Vec<String> {
    let spread = |client: Client| {
        outcome
            .spreads
            .get(&client)
            .and_then(|spreads| spreads.get(&measure))
    };
    let ratio = |client: Client| {
        let spread = outcome
            .ratios
            .get(&client)
            .and_then(|ratios| ratios.get(&measure));
        spread.map_or("-".to_owned(), with_range)
    };
    let mut row = vec![about.to_owned(), measure.name().to_owned()];
    let cell = |client: &Client| spread(*client).map_or("-".to_owned(), with_range);
    row.extend(columns.shown.iter().map(cell));
    row.extend(columns.against.map(ratio));
    let others: Vec<String> = columns
        .beside
        .iter()
        .copied()
        .filter_map(|client| Some(format!("{} {}", client.name(), figure(spread(client)?.median))))
        .collect();
    row.push(others.join(", "));
    row
}

fn promises(outcomes: &[Outcome]) -> String {
    let mut rows = vec![["work", "promise", "seen", "kept"].map(str::to_owned).to_vec()];
    for outcome in outcomes {
        for target in &outcome.targets {
            rows.push(vec![
                outcome.about.to_owned(),
                target.promise.clone(),
                with_range(&target.value),
                if target.kept { "yes" } else { "NO" }.to_owned(),
            ]);
        }
    }
    aligned(&rows)
}

fn micro(parts: &[Micro]) -> String {
    let mut rows = vec![["part", "ns each", "+/-"].map(str::to_owned).to_vec()];
    rows.extend(
        parts
            .iter()
            .map(|part| vec![part.name.clone(), figure(part.nanos), figure(part.spread)]),
    );
    aligned(&rows)
}

/// `1.23 (1.10-1.30)`; without the brackets where they say nothing.
pub fn with_range(spread: &Spread) -> String {
    let [median, min, max] = [spread.median, spread.min, spread.max].map(figure);
    if min == max {
        median
    } else {
        format!("{median} ({min}-{max})")
    }
}

/// A Markdown table whose columns line up; the first row is its head. Nothing of no rows.
fn aligned(rows: &[Vec<String>]) -> String {
    if rows.len() < 2 {
        return String::new();
    }
    let width = |column: usize| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths.fold(3, usize::max)
    };
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let line = |row: &[String]| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!(" {cell:<width$} "))
            .collect();
        format!("|{}|\n", cells.join("|"))
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text = line(&rows[0]) + &line(&rule);
    for row in &rows[1..] {
        text += &line(row);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::outcome;

    #[test]
    fn a_row_has_figures_and_ratios() {
        let text = figures(
            &PLATFORM,
            [outcome(&[200.0, 210.0, 190.0], &[100.0; 3], &[400.0; 3])].iter(),
        );
        assert!(text.contains("| 200 (190-210)"), "{text}");
        assert!(text.contains("| 2.00 (1.90-2.10)"), "{text}");
        let widths: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    }

    #[test]
    fn promises_say_whether_they_were_kept() {
        let text = promises(&[outcome(&[200.0; 3], &[100.0; 3], &[400.0; 3])]);
        assert!(
            text.contains("per second, ours / 1.3.1: >= 1.6") && text.contains("| yes"),
            "{text}"
        );
        assert!(
            text.contains("per second, ours / raw: >= 0.75") && text.contains("| NO"),
            "{text}"
        );
        assert_eq!(promises(&[]), "");
    }
}
