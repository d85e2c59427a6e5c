//! The picture of a comparison: users connected over time, as SVG, and as an HTML page that needs nothing else.

use std::path::Path;
use std::time::Duration;

use charts::{Axis, Picture, Series, Tone};

use crate::report::Row;
use crate::{Result, at};

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
    std::fs::write(path, svg(chart).document()).map_err(at(path))
}

/// Writes a page with the picture and the table of figures, whose columns are named.
///
/// # Errors
/// The file system's.
pub fn write_html(path: &Path, chart: &Chart<'_>, names: &[&str], rows: &[Row]) -> Result<()> {
    std::fs::write(path, html(chart, names, rows)).map_err(at(path))
}

fn svg(chart: &Chart<'_>) -> Picture {
    let users = f64::from(chart.users);
    let end = last_second(chart);
    let mut picture = charts::Chart::new(chart.title)
        .about(chart.subtitle)
        .size(1_000, 560)
        .across(Axis::linear("seconds after the first user's first attempt").within(0.0, end))
        .up(Axis::linear("users connected"));
    for ((name, times), tone) in chart.series.iter().zip([Tone::Vermilion, Tone::Blue]) {
        let legend = format!("{name}: {} of {}", times.len(), chart.users);
        let counts = (1..).map(f64::from);
        let points = times.iter().copied().zip(counts);
        picture = picture.with(Series::steps(
            &legend,
            tone,
            std::iter::once((0.0, 0.0)).chain(points),
        ));
    }
    picture = picture.level(users, &format!("all {} users", chart.users));
    if let Some(bound) = chart.bound.filter(|bound| !bound.is_zero()) {
        let bound = bound.as_secs_f64();
        picture = picture.upright(bound, &format!("the limit's own bound, {bound:.0} s"));
    }
    picture.draw()
}

/// The right edge: a little behind the last event, so that a line that stays flat is seen to stay flat.
fn last_second(chart: &Chart<'_>) -> f64 {
    let lasts = chart.series.iter().filter_map(|(_, times)| times.last().copied());
    let bound = chart.bound.map(|bound| bound.as_secs_f64());
    lasts.chain(bound).fold(1.0, f64::max) * 1.06
}

fn html(chart: &Chart<'_>, names: &[&str], rows: &[Row]) -> String {
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
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>\n\
         body {{ font: 16px/1.5 sans-serif; color: #282c34; max-width: 1000px; margin: 2em auto; padding: 0 1em }}\n\
         svg {{ width: 100%; height: auto }}\n\
         table {{ border-collapse: collapse; margin: 1em 0 0 68px }}\n\
         th, td {{ padding: .25em 1.2em .25em 0; border-bottom: 1px solid #e1e4e9; text-align: right }}\n\
         th:first-child {{ text-align: left; font-weight: normal }}\n</style>\n</head>\n<body>\n{picture}\n\
         <table>\n<tr><th></th>{names}</tr>\n{body}</table>\n</body>\n</html>\n",
        title = escaped(chart.title),
        picture = svg(chart).inline(),
    )
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
        let picture = svg(&chart()).inline();
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
        let page = html(&chart(), &["before", "after"], &rows);
        assert!(page.contains("<svg") && page.contains("<td>3</td>"), "{page}");
        assert!(!page.contains("<script") && !page.contains("src="), "{page}");
    }
}
