//! Writes one page with a picture of each kind, to look at: `cargo run -p charts --example gallery > gallery.html`.

use charts::{Axis, Bar, Chart, Rows, Series, Tone, dark_rules};

fn main() {
    let pictures: String = [connected(), decisions(), outcomes(), stages()].concat();
    println!(
        "<!doctype html><meta charset=\"utf-8\"><title>Pictures</title><style>body{{margin:1em}}@media (prefers-color-scheme:dark){{\
         body{{background:{}}}{}}}</style>{pictures}",
        Tone::Paper.dark(),
        dark_rules(),
    );
}

fn connected() -> String {
    let before = (0..120).map(|user| (f64::from(user) * 0.01, f64::from(user)));
    let after = (0..200).map(|user| {
        (
            f64::from(user) * 0.01 + f64::from(user / 120) * 60.0,
            f64::from(user),
        )
    });
    Chart::new("Users connected, before and after")
        .about("200 users, fixed window of 120 in 60 s")
        .across(Axis::linear("seconds after the first user's first attempt"))
        .up(Axis::linear("users connected"))
        .with(Series::steps("before: 120 of 200", Tone::Vermilion, before))
        .with(Series::steps("after: 200 of 200", Tone::Blue, after))
        .level(200.0, "all 200 users")
        .upright(60.0, "the limit's own bound, 60 s")
        .draw()
        .inline()
}

fn decisions() -> String {
    let passed = (0..60).map(|index| (f64::from(index) * 0.5, 0.01 + 0.002 * f64::from(index % 7)));
    let refused = (0..400).map(|index| (f64::from(index) * 0.07, 0.1 * 1.013f64.powi(index)));
    Chart::new("Waits")
        .size(480, 280)
        .across(Axis::linear("seconds"))
        .up(Axis::durations("pause"))
        .with(Series::points("let in", Tone::Blue, passed))
        .with(Series::points("refused", Tone::Vermilion, refused))
        .with(Series::dashes(
            "model",
            Tone::Grey,
            (0..30).map(|second| (f64::from(second), 0.05 * f64::from(second + 1))),
        ))
        .draw()
        .inline()
}

fn outcomes() -> String {
    let seconds = || (0..60).map(f64::from);
    Chart::new("Attempts a second, by outcome")
        .size(480, 280)
        .across(Axis::linear("seconds"))
        .up(Axis::linear("attempts a second"))
        .with(Series::bars(
            "connected",
            Tone::Blue,
            seconds().map(|s| (s, 2.0 + (s / 5.0).sin())),
        ))
        .with(Series::bars(
            "refused",
            Tone::Vermilion,
            seconds().map(|s| (s, 40.0 / (1.0 + s))),
        ))
        .draw()
        .inline()
}

fn stages() -> String {
    let bar = |tone, value, low, high| Bar {
        tone,
        value,
        spread: Some((low, high)),
        text: charts::duration(value),
    };
    Rows::new(
        "Stages of an attempt",
        Axis::durations("median, with 5 % and 95 %"),
    )
    .width(480)
    .row("DNS", vec![bar(Tone::Blue, 0.0004, 0.0001, 0.02)])
    .row("TCP", vec![bar(Tone::Blue, 0.0012, 0.001, 0.004)])
    .row("TLS", vec![bar(Tone::Blue, 0.021, 0.015, 0.09)])
    .row("upgrade", vec![bar(Tone::Blue, 0.3, 0.002, 4.0)])
    .draw()
    .inline()
}
