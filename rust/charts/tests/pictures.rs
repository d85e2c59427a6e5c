//! Pictures as their readers get them: what is written, what is drawn, how long the text is.

#![allow(clippy::unwrap_used)] // of texts that the test itself has drawn

use charts::{Axis, Bar, Chart, Rows, Series, Tone};

fn count(text: &str, what: &str) -> usize {
    text.matches(what).count()
}

/// The corners of the one line of this colour that is not dashed.
fn line(picture: &str, tone: Tone) -> Vec<(i32, i32)> {
    let stroke = format!("stroke=\"{}\"", tone.light());
    let line = picture
        .lines()
        .find(|line| line.starts_with("<polyline") && line.contains(&stroke))
        .unwrap_or_else(|| panic!("no line of {tone:?} in {picture}"));
    let points = line.split("points=\"").nth(1).unwrap().trim_end_matches("\"/>");
    points
        .split_whitespace()
        .map(|spot| {
            let (x, y) = spot.split_once(',').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        })
        .collect()
}

fn chart() -> Chart {
    Chart::new("Users & \"limits\"")
        .about("3 users <script>alert(1)</script>")
        .across(Axis::linear("seconds"))
        .up(Axis::linear("users connected"))
        .with(Series::steps(
            "after",
            Tone::Blue,
            [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (61.5, 3.0)],
        ))
        .level(3.0, "all 3 users")
        .upright(60.0, "the bound, 60 s")
}

#[test]
fn a_picture_says_what_it_shows_and_lets_no_text_out_of_its_place() {
    let picture = chart().draw().inline();
    for text in [
        "Users &amp; &quot;limits&quot;",
        "&lt;script&gt;",
        "users connected",
        "seconds",
        "after",
        "all 3 users",
        "the bound, 60 s",
    ] {
        assert!(picture.contains(text), "{text} is not in {picture}");
    }
    assert!(!picture.contains("<script"), "{picture}");
}

#[test]
fn steps_are_level_between_their_values_and_to_the_edge() {
    let spots = line(&chart().draw().inline(), Tone::Blue);
    assert!(spots.len() > 5, "{spots:?}");
    for pair in spots.windows(2) {
        let ((x, y), (next_x, next_y)) = (pair[0], pair[1]);
        assert!(x == next_x || y == next_y, "a slope in {spots:?}");
        assert!(next_x >= x && next_y <= y, "backwards, or down: {spots:?}");
    }
}

#[test]
fn a_logarithmic_axis_has_its_decades_at_equal_distances() {
    let picture = Chart::new("")
        .across(Axis::linear("users"))
        .up(Axis::durations("wait"))
        .with(Series::line(
            "",
            Tone::Blue,
            [(0.0, 0.001), (1.0, 0.1), (2.0, 10.0)],
        ))
        .draw()
        .inline();
    let spots = line(&picture, Tone::Blue);
    let rises = [spots[0].1 - spots[1].1, spots[1].1 - spots[2].1];
    assert!((rises[0] - rises[1]).abs() <= 1 && rises[0] > 100, "{spots:?}");
    assert!(picture.contains("100 ms"), "{picture}");
}

#[test]
fn bars_of_two_series_stand_one_on_the_other() {
    let picture = Chart::new("")
        .with(Series::bars(
            "in",
            Tone::Blue,
            [(0.0, 2.0), (1.0, 2.0), (2.0, 0.0)],
        ))
        .with(Series::bars(
            "refused",
            Tone::Vermilion,
            [(0.0, 1.0), (1.0, 0.0), (2.0, 0.0)],
        ))
        .draw()
        .inline();
    let bars = |tone: Tone| -> Vec<(i32, i32)> {
        let fill = format!("fill=\"{}\"", tone.light());
        let rects = picture
            .lines()
            .filter(|line| line.starts_with("<rect") && line.contains(&fill));
        let figure = |line: &str, name: &str| -> i32 {
            let rest = line.split(&format!(" {name}=\"")).nth(1).unwrap();
            rest.split('"').next().unwrap().parse().unwrap()
        };
        rects
            .map(|line| (figure(line, "y"), figure(line, "height")))
            .collect()
    };
    // The first of each colour is its box in the legend.
    let (blue, red) = (bars(Tone::Blue), bars(Tone::Vermilion));
    assert_eq!((blue.len(), red.len()), (3, 2), "{picture}");
    let ((top, height), (red_top, red_height)) = (blue[1], red[1]);
    assert!((red_top + red_height - top).abs() <= 1, "{blue:?} {red:?}");
    assert!((height - 2 * red_height).abs() <= 2, "{blue:?} {red:?}");
}

#[test]
fn a_million_values_make_a_small_picture() {
    let many = || {
        (0..1_000_000u32).map(|index| {
            (
                f64::from(index),
                f64::from(index.wrapping_mul(2_654_435_761) >> 8),
            )
        })
    };
    let picture = Chart::new("many")
        .with(Series::line("line", Tone::Blue, many()))
        .with(Series::steps("steps", Tone::Green, many()))
        .draw();
    assert!(picture.inline().len() < 300_000, "{}", picture.inline().len());
    let points = Chart::new("points")
        .size(480, 280)
        .with(Series::points(
            "points",
            Tone::Vermilion,
            (0..1_000_000u32).map(|index| (f64::from(index), 1.0)),
        ))
        .draw();
    assert!(points.inline().len() < 300_000, "{}", points.inline().len());
}

#[test]
fn nothing_to_draw_is_drawn_as_nothing() {
    let odd = [
        vec![],
        vec![(0.0, f64::NAN)],
        vec![(f64::INFINITY, 1.0)],
        vec![(5.0, 5.0)],
        vec![(-1.0, 0.0)],
    ];
    for points in odd {
        for axis in [Axis::linear("x"), Axis::log("x"), Axis::durations("x")] {
            for shape in [
                Series::line,
                Series::dashes,
                Series::steps,
                Series::points,
                Series::bars,
            ] {
                let picture = Chart::new("odd")
                    .across(axis.clone())
                    .up(axis.clone())
                    .with(shape("", Tone::Blue, points.clone()))
                    .upright(f64::NAN, "nowhere")
                    .draw()
                    .document();
                assert!(picture.trim_end().ends_with("</svg>"), "{picture}");
            }
        }
    }
    let rows = Rows::new("none", Axis::log("x")).draw().document();
    assert!(rows.trim_end().ends_with("</svg>"), "{rows}");
}

#[test]
fn rows_have_their_names_their_bars_and_what_is_written_at_them() {
    let bar = |tone, value, text: &str| Bar {
        tone,
        value,
        spread: Some((value / 2.0, value * 2.0)),
        text: text.to_owned(),
    };
    let picture = Rows::new("Ratios", Axis::log("times"))
        .about("three rounds")
        .meaning("ours / theirs", Tone::Blue)
        .from(1.0)
        .row(
            "connect",
            vec![bar(Tone::Blue, 2.0, "2.00"), bar(Tone::Vermilion, 0.5, "0.50")],
        )
        .row(
            "a name that is far too long for the room that a picture has for the names of its rows",
            vec![],
        )
        .draw()
        .inline();
    for text in [
        "Ratios",
        "three rounds",
        "ours / theirs",
        "connect",
        "2.00",
        "0.50",
        "a name that",
        "…",
    ] {
        assert!(picture.contains(text), "{text} is not in {picture}");
    }
    assert_eq!(count(&picture, "</svg>"), 1);
}

#[test]
fn a_document_is_whole_and_turns_dark_by_itself() {
    let document = chart().draw().document();
    assert!(document.starts_with("<svg xmlns="), "{document}");
    assert_eq!(count(&document, "prefers-color-scheme:dark"), 1);
    assert_eq!(count(&chart().draw().inline(), "<style"), 0);
}
