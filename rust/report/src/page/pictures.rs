//! The parts that are drawn.

use charts::{Axis, Bar, Chart, Rows, Series, Tone, duration};
use maud::{Markup, html};

use super::words::Words;
use super::{Page, count, figure, length, table};
use crate::run::{Run, Stages};
use crate::spread::Spread;
use crate::tries::Outcome;

const SIZE: (u32, u32) = (440, 290);
/// Slots across a picture.
const SLOTS: u64 = 110;
const SECOND: u64 = 1_000_000;

/// Time from a run's first attempt on, in a unit that suits its length.
struct Clock {
    origin: u64,
    unit: f64,
    name: &'static str,
}

impl Clock {
    fn of(run: &Run) -> Self {
        let (origin, last) = run.span();
        let (unit, name) = match (last - origin) / SECOND {
            0..=900 => (1e6, "seconds since the first attempt"),
            901..=36_000 => (6e7, "minutes since the first attempt"),
            _ => (3.6e9, "hours since the first attempt"),
        };
        Clock { origin, unit, name }
    }

    fn at(&self, micros: u64) -> f64 {
        (micros as f64 - self.origin as f64) / self.unit
    }

    fn axis(&self) -> Axis {
        Axis::linear(self.name)
    }
}

fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Passed => Tone::Blue,
        Outcome::Throttled => Tone::Vermilion,
        Outcome::Transient => Tone::Amber,
        Outcome::Fatal => Tone::Purple,
        Outcome::Other => Tone::Grey,
    }
}

/// Users who were in at least once, over time; before each of them a moment with as many as until then.
fn users_in(run: &Run, clock: &Clock) -> Vec<(f64, f64)> {
    let mut sum = 0;
    let mut points = vec![(0.0, 0.0)];
    for (begin, moment) in run.main().moments.iter() {
        sum += moment.first_in;
        if moment.first_in > 0 {
            points.push((clock.at(begin).max(0.0), sum as f64));
        }
    }
    let (_, last) = run.span();
    points.push((clock.at(last), sum as f64));
    points
}

/// Connections that were open, over time, as far as their ends are known.
fn open(run: &Run, clock: &Clock) -> Vec<(f64, f64)> {
    let mut open = 0.0;
    let mut points = Vec::new();
    for (begin, change) in run.ends.changes.iter() {
        open += change.opened as f64 - change.closed as f64;
        points.push((clock.at(begin).max(0.0), f64::max(open, 0.0)));
    }
    points
}

pub(super) fn over_time(page: &Page<'_>, run: &Run) -> Markup {
    side_by_side([connected(page, run), attempts(run), gate(run)])
}

pub(super) fn lengths(_: &Page<'_>, run: &Run) -> Markup {
    let tries = run.main();
    let words = Words::of(run);
    let waits = lengths_of(
        "Waits",
        "pauses and turns of a call together",
        Tone::Vermilion,
        &tries.waited,
    );
    side_by_side([
        lengths_of(words.time, "waits included", Tone::Blue, &tries.time_to),
        if tries.waited.longest() > 0.0 {
            waits
        } else {
            html! {}
        },
        stages(run),
    ])
}

/// Pictures in a grid; nothing where there are none.
fn side_by_side<const N: usize>(pictures: [Markup; N]) -> Markup {
    if pictures.iter().all(|picture| picture.0.is_empty()) {
        return html! {};
    }
    html! { div.pictures { @for picture in pictures { (picture) } } }
}

fn connected(page: &Page<'_>, run: &Run) -> Markup {
    let users = run.main().users();
    if users.all == 0 {
        return html! {};
    }
    let clock = Clock::of(run);
    let words = Words::of(run);
    let mut chart = Chart::new(words.users)
        .size(SIZE.0, SIZE.1)
        .across(clock.axis())
        .up(Axis::linear("users"));
    if let Some((_, before)) = page.before.filter(|(_, before)| !std::ptr::eq(*before, run)) {
        let then = users_in(
            before,
            &Clock {
                origin: before.span().0,
                ..Clock::of(run)
            },
        );
        chart = chart.with(Series::steps("before", Tone::Grey, then));
    }
    let open = open(run, &clock);
    if !open.is_empty() {
        chart = chart.with(Series::steps("open connections", Tone::Green, open));
    }
    let chart = chart
        .with(Series::steps(words.is_in, Tone::Blue, users_in(run, &clock)))
        .level(users.all as f64, &format!("all {} users", users.all));
    figure(&chart.draw(), &html! {})
}

fn attempts(run: &Run) -> Markup {
    let words = Words::of(run);
    let clock = Clock::of(run);
    let (width, even) = run.main().moments.even(SLOTS, SECOND);
    if even.is_empty() {
        return html! {};
    }
    let seconds = width as f64 / 1e6;
    let mut chart = Chart::new(words.attempts)
        .size(SIZE.0, SIZE.1)
        .across(clock.axis())
        .up(Axis::linear("a second"));
    let mut rows = Vec::new();
    for outcome in Outcome::ALL {
        let all = run.outcome(outcome);
        if all == 0 {
            continue;
        }
        let place = outcome as usize;
        let bars = even
            .iter()
            .map(|(begin, moment)| (clock.at(*begin), moment.attempts[place] as f64 / seconds));
        let end = even.last().map(|(begin, _)| (clock.at(begin + width), 0.0));
        chart = chart.with(Series::bars(
            words.outcome(outcome),
            tone(outcome),
            bars.chain(end),
        ));
        let share = 100.0 * all as f64 / run.main().attempts() as f64;
        rows.push(vec![
            super::cell(words.outcome(outcome)),
            count(all),
            super::cell(format!("{share:.1} %")),
        ]);
    }
    let figures = table("Attempts by outcome", &["outcome", "attempts", "share"], rows);
    figure(&chart.draw(), &figures)
}

const PERCENTILES: [f64; 5] = [50.0, 90.0, 95.0, 99.0, 100.0];

fn percentiles(name: &str, spread: &Spread) -> Markup {
    let row = |percent: f64| {
        let words = if percent < 100.0 {
            format!("{percent:.0} % within")
        } else {
            "longest".to_owned()
        };
        vec![super::cell(words), length(spread.percentile(percent))]
    };
    table(name, &["of all", "length"], PERCENTILES.map(row).to_vec())
}

fn lengths_of(title: &str, across: &str, tone: Tone, spread: &Spread) -> Markup {
    if spread.count() == 0 {
        return html! {};
    }
    let middle = spread.percentile(50.0);
    let chart = Chart::new(title)
        .size(SIZE.0, SIZE.1)
        .across(Axis::durations(across))
        .up(Axis::linear("calls"))
        .with(Series::bars("", tone, spread.slots()))
        .upright(middle, &format!("half within {}", duration(middle)));
    figure(&chart.draw(), &percentiles(title, spread))
}

fn stages(run: &Run) -> Markup {
    let seen = || {
        Stages::NAMES
            .iter()
            .zip(&run.stages.0)
            .filter(|(_, spread)| spread.count() > 0)
    };
    if seen().next().is_none() {
        return html! {};
    }
    let mut rows = Rows::new(
        "Stages of an attempt",
        Axis::durations("median; the line from 5 % to 95 %"),
    )
    .width(SIZE.0);
    for (name, spread) in seen() {
        let median = spread.percentile(50.0);
        let bar = Bar {
            tone: Tone::Blue,
            value: median,
            spread: Some((spread.percentile(5.0), spread.percentile(95.0))),
            text: duration(median),
        };
        rows = rows.row(name, vec![bar]);
    }
    let figures = seen().map(|(name, spread)| {
        let lengths = [5.0, 50.0, 95.0, 99.0, 100.0].map(|percent| length(spread.percentile(percent)));
        [super::cell(name), count(spread.count())]
            .into_iter()
            .chain(lengths)
            .collect()
    });
    let heads = ["stage", "attempts", "5 %", "median", "95 %", "99 %", "longest"];
    let figures = table("Stages", &heads, figures.collect());
    figure(&rows.draw(), &figures)
}

fn gate(run: &Run) -> Markup {
    let clock = Clock::of(run);
    let looks = || {
        run.gates
            .looks
            .iter()
            .map(|(begin, look)| (clock.at(begin).max(0.0), look))
    };
    if looks().next().is_none() {
        return html! {};
    }
    let rates: Vec<(f64, f64)> = looks()
        .filter_map(|(at, look)| Some((at, look.rate()?)))
        .collect();
    let queues = looks().map(|(at, look)| (at, look.queue as f64));
    let chart = |title: &str, up: &str| {
        Chart::new(title)
            .size(SIZE.0, SIZE.1)
            .across(clock.axis())
            .up(Axis::linear(up))
    };
    let rate = chart("The gate's rate", "turns a second").with(Series::steps("", Tone::Blue, rates.clone()));
    let queue = chart("Users in the gate's queue", "users").with(Series::steps("", Tone::Amber, queues));
    let waits = percentiles("Waits at the gate", &run.gates.waits);
    html! {
        @if !rates.is_empty() { (figure(&rate.draw(), &html! {})) }
        (figure(&queue.draw(), &waits))
    }
}
