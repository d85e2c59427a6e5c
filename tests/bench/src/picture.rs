//! The picture of a run: how many times as good as today's samplers ours are, case by case, and as the raw client.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use system::{Error, Result};

use crate::case::{Client, Measure};
use crate::results::{Outcome, Results};
use crate::spread::{Spread, figure};

const WIDTH: u32 = 1_000;
const TOP: u32 = 96;
const ROW: u32 = 40;
const BOTTOM: u32 = 56;
const INK: RGBColor = RGBColor(40, 44, 52);
const FAINT: RGBColor = RGBColor(225, 228, 233);
const GREY: RGBColor = RGBColor(110, 118, 129);
const FONT: &str = "sans-serif";
/// Colours that people with any colour vision can tell apart.
const AGAINST: [(Client, RGBColor); 2] = [
    (Client::Theirs, RGBColor(0, 114, 178)),
    (Client::Raw, RGBColor(213, 94, 0)),
];
/// What a case is judged by, the first that it has.
const JUDGED_BY: [Measure; 3] = [Measure::Rate, Measure::OpenP50Ms, Measure::ResidentMib];

/// A case's line in the picture.
struct Row<'a> {
    label: &'a str,
    measure: Measure,
    /// Above 1 is better, whatever is measured.
    bars: Vec<(usize, Spread)>,
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
    let text = svg(&rows, &subtitle(results)).map_err(|error| Error::Content {
        what: "the picture".to_owned(),
        why: error.to_string(),
    })?;
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
        .enumerate()
        .filter_map(|(place, (client, _))| {
            let spread = outcome.ratios.get(client)?.get(&measure)?;
            Some((place, better(measure, *spread)))
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

type DrawError = DrawingAreaErrorKind<std::io::Error>;

fn svg(rows: &[Row<'_>], subtitle: &str) -> std::result::Result<String, DrawError> {
    let count = u32::try_from(rows.len()).expect("there are not many cases");
    let mut out = String::new();
    let area = SVGBackend::with_string(&mut out, (WIDTH, TOP + count * ROW + BOTTOM)).into_drawing_area();
    area.fill(&WHITE)?;
    let text = |size: i32, colour: RGBColor, h: HPos, v: VPos| {
        (FONT, size).into_font().color(&colour).pos(Pos::new(h, v))
    };
    area.draw_text(
        "ws-backoff in JMeter against the WebSocket samplers 1.3.1, and against plain Rust",
        &text(22, INK, HPos::Left, VPos::Top),
        (24, 14),
    )?;
    area.draw_text(subtitle, &text(14, GREY, HPos::Left, VPos::Top), (24, 44))?;
    for (place, (client, colour)) in AGAINST.iter().enumerate() {
        let x = 24 + 260 * i32::try_from(place).expect("two");
        area.draw(&Rectangle::new([(x, 70), (x + 22, 82)], colour.filled()))?;
        let legend = format!("ours / {} (more is better)", client.name());
        area.draw_text(&legend, &text(14, INK, HPos::Left, VPos::Center), (x + 30, 76))?;
    }
    draw_bars(&area, rows)?;
    area.present()?;
    drop(area);
    Ok(out)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw_bars(area: &Area<'_>, rows: &[Row<'_>]) -> std::result::Result<(), DrawError> {
    let values = || {
        rows.iter()
            .flat_map(|row| row.bars.iter().map(|(_, spread)| spread))
    };
    let least = values().map(|spread| spread.min).fold(0.5, f64::min) * 0.8;
    let most = values().map(|spread| spread.max).fold(2.0, f64::max) * 1.8;
    let lines = rows.len() as f64;
    let mut context = ChartBuilder::on(area)
        .margin_top(TOP - 6)
        .margin_right(24)
        .margin_left(16)
        .x_label_area_size(40)
        .y_label_area_size(340)
        .build_cartesian_2d((least..most).log_scale(), lines..0.0)?;
    context
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(GREY)
        .x_label_formatter(&|ratio| figure(*ratio))
        .label_style((FONT, 13).into_font().color(&INK))
        .draw()?;
    context.draw_series([PathElement::new([(1.0, 0.0), (1.0, lines)], INK.stroke_width(1))])?;
    let label = |size: i32, colour: RGBColor, h: HPos| {
        (FONT, size)
            .into_font()
            .color(&colour)
            .pos(Pos::new(h, VPos::Center))
    };
    for (line, row) in rows.iter().enumerate() {
        let top = line as f64;
        let name = match row.measure {
            Measure::ResidentMib => format!("{}: memory", row.label),
            _ => row.label.to_owned(),
        };
        let (x, y) = context.backend_coord(&(least, top + 0.5));
        area.draw_text(&name, &label(13, INK, HPos::Right), (x - 8, y))?;
        for (place, spread) in &row.bars {
            let colour = AGAINST[*place].1;
            let from = top + 0.14 + 0.38 * *place as f64;
            let (near, far) = (spread.median.min(1.0), spread.median.max(1.0));
            let middle = from + 0.15;
            context.draw_series([Rectangle::new(
                [(near, from), (far, from + 0.3)],
                colour.mix(0.8).filled(),
            )])?;
            context.draw_series([PathElement::new(
                [(spread.min, middle), (spread.max, middle)],
                INK.stroke_width(1),
            )])?;
            let (x, y) = context.backend_coord(&(far.max(spread.max), middle));
            area.draw_text(&figure(spread.median), &label(12, INK, HPos::Left), (x + 6, y))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::outcome;

    #[test]
    fn each_case_has_its_bars_and_figures() {
        let outcome = outcome(&[200.0; 3], &[100.0; 3], &[400.0; 3]);
        let rows = [row(&outcome).unwrap()];
        let picture = svg(&rows, "three rounds").unwrap();
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
