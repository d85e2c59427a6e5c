//! An axis: what it measures, from where to where, which values are marked, and how they are written.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// What one direction of a picture measures.
#[derive(Debug, Clone)]
pub struct Axis {
    name: String,
    scale: Scale,
    /// Instead of what the data say.
    least: Option<f64>,
    most: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    /// By powers of ten; values of 0 and below stand at its edge.
    Log(Values),
}

/// How the values of a logarithmic axis are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    Numbers,
    /// Seconds, written as people say durations.
    Durations,
}

impl Default for Axis {
    fn default() -> Self {
        Axis::linear("")
    }
}

impl Axis {
    /// From 0, or what is below it, to the largest value.
    #[must_use]
    pub fn linear(name: &str) -> Self {
        Axis::of(name, Scale::Linear)
    }

    /// From the least value above 0 to the largest, by powers of ten.
    #[must_use]
    pub fn log(name: &str) -> Self {
        Axis::of(name, Scale::Log(Values::Numbers))
    }

    /// Like [`log`](Self::log), for values in seconds, which are written as `10 ms`, `1 s`, `1 min`.
    #[must_use]
    pub fn durations(name: &str) -> Self {
        Axis::of(name, Scale::Log(Values::Durations))
    }

    fn of(name: &str, scale: Scale) -> Self {
        Axis {
            name: name.to_owned(),
            scale,
            least: None,
            most: None,
        }
    }

    /// Shows at least, and at most, from here to there.
    #[must_use]
    pub fn within(mut self, least: f64, most: f64) -> Self {
        (self.least, self.most) = (Some(least), Some(most));
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Lays the axis over these values, with `room` of its length free at the upper end.
    pub(crate) fn over(&self, values: impl Iterator<Item = f64>, room: f64) -> Laid {
        let usable =
            values.filter(|value| value.is_finite() && (self.scale == Scale::Linear || *value > 0.0));
        let (mut least, mut most) = usable
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
                (least.min(value), most.max(value))
            });
        if least > most {
            (least, most) = (1.0, 1.0);
        }
        if self.scale == Scale::Linear {
            (least, most) = (least.min(0.0), most.max(0.0));
        }
        let (least, most) = (self.least.unwrap_or(least), self.most.unwrap_or(most));
        let mut laid = Laid {
            scale: self.scale,
            from: 0.0,
            to: 0.0,
        };
        (laid.from, laid.to) = (laid.place(least), laid.place(most));
        match self.scale {
            Scale::Linear if laid.to <= laid.from => laid.to = laid.from + 1.0,
            // One value alone stands in the middle of a decade.
            Scale::Log(_) if laid.to - laid.from < 0.3 => {
                (laid.from, laid.to) = (laid.from - 0.5, laid.to + 0.5);
            }
            _ => {}
        }
        if self.most.is_none() {
            laid.to += (laid.to - laid.from) * room;
        }
        laid
    }
}

/// An axis over its values, as a coordinate of the drawing. What lies beyond an end stands at that end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Laid {
    scale: Scale,
    /// Places of the two ends.
    from: f64,
    to: f64,
}

impl Laid {
    /// Where a value stands, in units that grow evenly along the axis.
    fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Log(_) => value.max(f64::MIN_POSITIVE).log10(),
        }
    }

    /// What stands at a place.
    fn value(&self, place: f64) -> f64 {
        match self.scale {
            Scale::Linear => place,
            Scale::Log(_) => 10f64.powf(place),
        }
    }

    /// Whether the value lies between the ends; what has no logarithm stands at the lower one.
    pub(crate) fn shows(&self, value: f64) -> bool {
        let place = self.place(value);
        place <= self.to && (place >= self.from || (self.scale != Scale::Linear && value <= 0.0))
    }

    /// The values to mark, about as many as asked for.
    pub(crate) fn marks(&self, about: usize) -> Vec<f64> {
        let mut values = match self.scale {
            Scale::Linear => evenly(self.from, self.to, about),
            Scale::Log(Values::Numbers) => by_powers(self.from, self.to, about),
            Scale::Log(Values::Durations) => round_durations(self.from, self.to, about),
        };
        let edge = (self.to - self.from) * 1e-9;
        values.retain(|value| {
            let place = self.place(*value);
            place >= self.from - edge && place <= self.to + edge
        });
        values
    }

    pub(crate) fn text(&self, value: f64) -> String {
        match self.scale {
            Scale::Linear if value.abs() <= 1e-9 * (self.to - self.from) => number(0.0),
            Scale::Linear | Scale::Log(Values::Numbers) => number(value),
            Scale::Log(Values::Durations) => duration(value),
        }
    }
}

impl Ranged for Laid {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (first, last): (i32, i32)) -> i32 {
        let part = (self.place(*value) - self.from) / (self.to - self.from);
        let (first, last) = (f64::from(first), f64::from(last));
        #[allow(clippy::cast_possible_truncation)] // within the drawing
        {
            (first + part.clamp(0.0, 1.0) * (last - first)).round() as i32
        }
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.marks(hint.max_num_points())
    }

    fn range(&self) -> Range<f64> {
        self.value(self.from)..self.value(self.to)
    }
}

impl ValueFormatter<f64> for Laid {
    fn format_ext(&self, value: &f64) -> String {
        self.text(*value)
    }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn evenly(from: f64, to: f64, about: usize) -> Vec<f64> {
    let rough = (to - from) / about.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(rough);
    let first = (from / step - 1e-9).ceil();
    (0..=about * 3)
        .map(|index| (first + index as f64) * step)
        .take_while(|value| *value <= to + step * 1e-9)
        .collect()
}

/// Powers of ten between the two logarithms; with 2 and 5 of each where there are few, and only some where there are many.
fn by_powers(from: f64, to: f64, about: usize) -> Vec<f64> {
    let decades = to - from;
    let factors: &[f64] = if decades * 3.0 <= about as f64 {
        &[1.0, 2.0, 5.0]
    } else {
        &[1.0]
    };
    let every = (decades / about.max(1) as f64).ceil().max(1.0);
    let mut power = (from / every).floor() * every;
    let mut values = Vec::new();
    while power <= to {
        values.extend(factors.iter().map(|factor| factor * 10f64.powf(power)));
        power += every;
    }
    values
}

/// Durations that people say, in seconds; the steps are about alike on a logarithmic axis.
const SAID: [f64; 19] = [
    1e-5, 1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0,
    3_600.0, 36_000.0,
];

fn round_durations(from: f64, to: f64, about: usize) -> Vec<f64> {
    let gap = (to - from) / (about.max(1) + 1) as f64;
    let mut last = f64::NEG_INFINITY;
    let mut values = Vec::new();
    for value in SAID {
        let place = value.log10();
        if place >= from - 1e-9 && place <= to + 1e-9 && place - last >= gap {
            last = place;
            values.push(value);
        }
    }
    values
}

/// With as many digits as it needs, at most six behind the point, and thousands apart: `12,345.5`.
#[must_use]
pub fn number(value: f64) -> String {
    let plain = format!("{value:.6}");
    let plain = plain.trim_end_matches('0').trim_end_matches('.');
    let (whole, rest) = plain
        .split_once('.')
        .map_or((plain, ""), |(whole, rest)| (whole, rest));
    let (sign, digits) = whole
        .strip_prefix('-')
        .map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{point}{rest}")
}

/// Seconds as people say them, to two or three digits: `250 ms`, `1.5 s`, `2 min`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if !s.is_finite() => return "-".to_owned(),
        s if s.abs() < 5e-8 => return "0 s".to_owned(),
        s if s < 0.000_999_5 => (s * 1e6, "µs"),
        s if s < 0.999_5 => (s * 1e3, "ms"),
        s if s < 59.95 || (s < 119.5 && (s / 60.0).fract() > 1e-3) => (s, "s"),
        s if s < 3_570.0 => (s / 60.0, "min"),
        s => (s / 3_600.0, "h"),
    };
    let digits = if value < 9.95 { 1 } else { 0 };
    let text = format!("{value:.digits$}");
    format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis, values: &[f64], about: usize) -> Vec<String> {
        let laid = axis.over(values.iter().copied(), 0.0);
        laid.marks(about)
            .into_iter()
            .map(|value| laid.text(value))
            .collect()
    }

    #[test]
    fn marks_stand_at_round_values() {
        for (axis, values, about, marks) in [
            (Axis::linear(""), vec![0.0, 200.0], 4, "0 50 100 150 200"),
            (Axis::linear(""), vec![3.0, 7.3], 5, "0 2 4 6"),
            (
                Axis::linear(""),
                vec![0.001, 0.004],
                4,
                "0 0.001 0.002 0.003 0.004",
            ),
            (Axis::linear(""), vec![-10.0, 10.0], 4, "-10 -5 0 5 10"),
            (Axis::linear(""), vec![25_000.0], 3, "0 10,000 20,000"),
            (Axis::log(""), vec![1.0, 1_000.0], 4, "1 10 100 1,000"),
            (Axis::log(""), vec![0.5, 8.0], 6, "0.5 1 2 5"),
            (
                Axis::log(""),
                vec![1.0, 1e8],
                4,
                "1 100 10,000 1,000,000 100,000,000",
            ),
            (
                Axis::durations(""),
                vec![0.01, 60.0],
                4,
                "10 ms|100 ms|1 s|10 s|1 min",
            ),
            (
                Axis::durations(""),
                vec![1.0, 200.0],
                6,
                "1 s|3 s|10 s|30 s|2 min",
            ),
        ] {
            let separator = if marks.contains('|') { "|" } else { " " };
            assert_eq!(texts(&axis, &values, about).join(separator), marks, "{values:?}");
        }
    }

    #[test]
    fn an_axis_has_a_length_whatever_the_values_are() {
        let odd = [
            vec![],
            vec![0.0],
            vec![5.0, 5.0],
            vec![f64::NAN],
            vec![f64::INFINITY, -1.0],
            vec![1e-300],
        ];
        for axis in [
            Axis::linear(""),
            Axis::log(""),
            Axis::durations(""),
            Axis::log("").within(1.0, 1.0),
        ] {
            for values in &odd {
                let laid = axis.over(values.iter().copied(), 0.05);
                assert!(
                    laid.from < laid.to && (laid.to - laid.from).is_finite(),
                    "{axis:?} over {values:?}: {laid:?}"
                );
                assert!(
                    laid.place(0.0).is_finite() && laid.marks(5).len() < 40,
                    "{axis:?} over {values:?}"
                );
            }
        }
    }

    #[test]
    fn durations_are_written_as_people_say_them() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (0.000_25, "250 µs"),
            (0.001, "1 ms"),
            (0.0124, "12 ms"),
            (0.999_6, "1 s"),
            (1.46, "1.5 s"),
            (59.0, "59 s"),
            (60.0, "1 min"),
            (90.0, "90 s"),
            (150.0, "2.5 min"),
            (7_200.0, "2 h"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(duration(seconds), text, "{seconds}");
        }
    }
}
