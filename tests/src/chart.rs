//! The picture of a comparison: users connected over time, as SVG, and as an HTML page that needs nothing else.

use std::path::Path;
use std::time::Duration;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::report::Row;
use crate::{Error, Result, at};

const SIZE: (u32, u32) = (1_000, 560);
const INK: RGBColor = RGBColor(40, 44, 52);
const FAINT: RGBColor = RGBColor(225, 228, 233);
const BOUND: RGBColor = RGBColor(110, 118, 129);
/// Colours that people with any colour vision can tell apart.
const LINES: [RGBColor; 2] = [RGBColor(213, 94, 0), RGBColor(0, 114, 178)];
const FONT: &str = "sans-serif";

/// What is drawn.
#[derive(Debug, Clone)]
pub struct Chart<'a> {
    /// The heading.
    pub title: &'a str,
    /// The case in words, under the heading.
    pub subtitle: &'a str,
    /// How many users there are; the top of the picture.
    pub users: u32,
    /// When the last of them can be in at the earliest, by the server's limit alone.
    pub bound: Option<Duration>,
    /// At most two series, each with the seconds at which its users were connected, in order.
    pub series: Vec<(&'a str, Vec<f64>)>,
}

/// Writes the picture as SVG.
///
/// # Errors
/// The file system's.
pub fn write_svg(path: &Path, chart: &Chart<'_>) -> Result<()> {
    std::fs::write(path, svg(chart)?).map_err(at(path))
}

/// Writes a page with the picture and the table of figures, whose columns are named.
///
/// # Errors
/// The file system's.
pub fn write_html(path: &Path, chart: &Chart<'_>, names: &[&str], rows: &[Row]) -> Result<()> {
    std::fs::write(path, html(chart, names, rows)?).map_err(at(path))
}

fn svg(chart: &Chart<'_>) -> Result<String> {
    let mut out = String::new();
    let area = SVGBackend::with_string(&mut out, SIZE).into_drawing_area();
    draw(&area, chart)
        .and_then(|()| area.present())
        .map_err(|error| Error::Content {
            what: "the picture".to_owned(),
            why: error.to_string(),
        })?;
    drop(area);
    Ok(out)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type DrawError = DrawingAreaErrorKind<std::io::Error>;

fn draw(area: &Area<'_>, chart: &Chart<'_>) -> std::result::Result<(), DrawError> {
    area.fill(&WHITE)?;
    let heading = |size: i32| (FONT, size).into_font().color(&INK);
    area.draw_text(
        chart.title,
        &heading(24).pos(Pos::new(HPos::Left, VPos::Top)),
        (68, 16),
    )?;
    area.draw_text(
        chart.subtitle,
        &(FONT, 15)
            .into_font()
            .color(&BOUND)
            .pos(Pos::new(HPos::Left, VPos::Top)),
        (68, 48),
    )?;

    let end = last_second(chart);
    let top = f64::from(chart.users) * 1.12;
    let mut context = ChartBuilder::on(area)
        .margin_top(82)
        .margin_right(28)
        .margin_bottom(12)
        .margin_left(14)
        .x_label_area_size(48)
        .y_label_area_size(58)
        .build_cartesian_2d(0.0..end, 0.0..top)?;
    context
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(BOUND)
        .x_labels(12)
        .y_labels(8)
        .x_label_formatter(&|second| format!("{second:.0}"))
        .y_label_formatter(&|users| format!("{users:.0}"))
        .x_desc("seconds after the first user's first attempt")
        .y_desc("users connected")
        .label_style((FONT, 14).into_font().color(&INK))
        .axis_desc_style((FONT, 15).into_font().color(&INK))
        .draw()?;

    let users = f64::from(chart.users);
    let note = |h, v| (FONT, 14).into_font().color(&BOUND).pos(Pos::new(h, v));
    context.draw_series(DashedLineSeries::new(
        [(0.0, users), (end, users)],
        6,
        5,
        BOUND.stroke_width(1),
    ))?;
    context.draw_series([Text::new(
        format!("all {} users", chart.users),
        (end * 0.005, users + top * 0.012),
        note(HPos::Left, VPos::Bottom),
    )])?;
    if let Some(bound) = chart
        .bound
        .map(|bound| bound.as_secs_f64())
        .filter(|bound| *bound > 0.0)
    {
        context.draw_series(DashedLineSeries::new(
            [(bound, 0.0), (bound, top)],
            6,
            5,
            BOUND.stroke_width(1),
        ))?;
        let text = format!("the limit's own bound, {bound:.0} s");
        let (x, side) = if bound > end * 0.6 {
            (bound - end * 0.006, HPos::Right)
        } else {
            (bound + end * 0.006, HPos::Left)
        };
        context.draw_series([Text::new(text, (x, top * 0.995), note(side, VPos::Top))])?;
    }
    for (index, (name, times)) in chart.series.iter().enumerate() {
        let colour = LINES[index % LINES.len()];
        // Where two lines run together, the lower one still shows as a rim.
        let style = colour.stroke_width(if index == 0 { 7 } else { 3 });
        let legend = format!("{name}: {} of {}", times.len(), chart.users);
        context
            .draw_series(LineSeries::new(steps(times, end), style))?
            .label(legend)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 26, y)], style));
    }
    context
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .legend_area_size(34)
        .margin(10)
        .background_style(WHITE.mix(0.9))
        .border_style(FAINT)
        .label_font((FONT, 16).into_font().color(&INK))
        .draw()
}

/// The right edge: a little behind the last event, so that a line that stays flat is seen to stay flat.
fn last_second(chart: &Chart<'_>) -> f64 {
    let lasts = chart.series.iter().filter_map(|(_, times)| times.last().copied());
    let bound = chart.bound.map(|bound| bound.as_secs_f64());
    lasts.chain(bound).fold(1.0, f64::max) * 1.06
}

/// A staircase: one user more at each time, level until the right edge.
fn steps(times: &[f64], end: f64) -> Vec<(f64, f64)> {
    let mut points = vec![(0.0, 0.0)];
    let mut count = 0.0;
    for time in times {
        points.push((*time, count));
        count += 1.0;
        points.push((*time, count));
    }
    points.push((end, count));
    points
}

fn html(chart: &Chart<'_>, names: &[&str], rows: &[Row]) -> Result<String> {
    let names: String = names
        .iter()
        .map(|name| format!("<th>{}</th>", escaped(name)))
        .collect();
    let body: String = rows
        .iter()
        .map(|row| {
            let cells: String = row
                .values
                .iter()
                .map(|value| format!("<td>{}</td>", escaped(value)))
                .collect();
            format!("<tr><th>{}</th>{cells}</tr>\n", escaped(row.name))
        })
        .collect();
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>\n\
         body {{ font: 16px/1.5 sans-serif; color: #282c34; max-width: 1000px; margin: 2em auto; padding: 0 1em }}\n\
         svg {{ width: 100%; height: auto }}\n\
         table {{ border-collapse: collapse; margin: 1em 0 0 68px }}\n\
         th, td {{ padding: .25em 1.2em .25em 0; border-bottom: 1px solid #e1e4e9; text-align: right }}\n\
         th:first-child {{ text-align: left; font-weight: normal }}\n</style>\n</head>\n<body>\n{picture}\n\
         <table>\n<tr><th></th>{names}</tr>\n{body}</table>\n</body>\n</html>\n",
        title = escaped(chart.title),
        picture = svg(chart)?,
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Chart<'static> {
        Chart {
            title: "Users & limits",
            subtitle: "3 users, fixed window of 2 in 60 s",
            users: 3,
            bound: Some(Duration::from_secs(60)),
            series: vec![("before", vec![0.1, 0.2]), ("after", vec![0.1, 0.2, 61.5])],
        }
    }

    #[test]
    fn the_picture_says_what_it_shows() {
        let picture = svg(&chart()).unwrap();
        for text in [
            "Users &amp; limits",
            "users connected",
            "seconds after",
            "before: 2 of 3",
            "after: 3 of 3",
            "own bound, 60 s",
        ] {
            assert!(picture.contains(text), "{text} is not in {picture}");
        }
    }

    #[test]
    fn a_line_steps_up_at_each_user_and_stays() {
        assert_eq!(
            steps(&[1.0, 2.0], 5.0),
            [
                (0.0, 0.0),
                (1.0, 0.0),
                (1.0, 1.0),
                (2.0, 1.0),
                (2.0, 2.0),
                (5.0, 2.0)
            ]
        );
    }

    #[test]
    fn the_edge_lies_behind_everything() {
        assert!((last_second(&chart()) - 61.5 * 1.06).abs() < 1e-9);
        assert!(
            (last_second(&Chart {
                bound: None,
                series: Vec::new(),
                ..chart()
            }) - 1.06)
                .abs()
                < 1e-9
        );
    }

    #[test]
    fn the_page_stands_alone() {
        let rows = [Row {
            name: "users connected",
            values: vec!["2".into(), "3".into()],
        }];
        let page = html(&chart(), &["before", "after"], &rows).unwrap();
        assert!(page.contains("<svg") && page.contains("<td>3</td>"), "{page}");
        assert!(!page.contains("<script") && !page.contains("src="), "{page}");
    }
}
