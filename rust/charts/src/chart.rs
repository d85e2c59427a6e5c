//! Series over two axes, and the bounds that stand among them.

use std::collections::HashSet;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use crate::axis::{Axis, Laid};
use crate::paper::{self, Area, Drawn, Head, Picture, fine, letters, stroke, width_of};
use crate::tone::Tone;

const LABEL: f64 = 11.5;
/// Room for the letters below the axis across, and left of the one up.
const BELOW: f64 = 40.0;

/// A picture of series over two axes.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    title: String,
    about: String,
    size: Option<(u32, u32)>,
    across: Axis,
    up: Axis,
    series: Vec<Series>,
    bounds: Vec<Bound>,
}

/// Values that belong together.
#[derive(Debug, Clone)]
pub struct Series {
    name: String,
    tone: Tone,
    shape: Shape,
    points: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Line,
    Dashes,
    Steps,
    Points,
    Bars,
}

/// A line through the whole picture.
#[derive(Debug, Clone)]
struct Bound {
    at: f64,
    upright: bool,
    text: String,
}

impl Series {
    /// Values joined by a line; in order along the axis across.
    pub fn line(name: &str, tone: Tone, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Series::of(name, tone, Shape::Line, points)
    }

    /// The same, for what a model says.
    pub fn dashes(name: &str, tone: Tone, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Series::of(name, tone, Shape::Dashes, points)
    }

    /// Values that hold until the next one; the last one holds to the edge.
    pub fn steps(name: &str, tone: Tone, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Series::of(name, tone, Shape::Steps, points)
    }

    /// Values alone.
    pub fn points(name: &str, tone: Tone, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Series::of(name, tone, Shape::Points, points)
    }

    /// Bars up from 0, each from its place across to that of the next one; the last of them is not drawn. Those of a later series stand on
    /// those of the earlier ones at the same places.
    pub fn bars(name: &str, tone: Tone, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Series::of(name, tone, Shape::Bars, points)
    }

    fn of(name: &str, tone: Tone, shape: Shape, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let usable = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
        Series {
            name: name.to_owned(),
            tone,
            shape,
            points: points.into_iter().filter(usable).collect(),
        }
    }
}

impl Chart {
    /// Without a title: `""`.
    #[must_use]
    pub fn new(title: &str) -> Self {
        Chart {
            title: title.to_owned(),
            ..Chart::default()
        }
    }

    /// A line in smaller letters under the title.
    #[must_use]
    pub fn about(mut self, about: &str) -> Self {
        about.clone_into(&mut self.about);
        self
    }

    /// In pixels; letters keep their size. 760 times 400 unless said.
    #[must_use]
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = Some((width.max(200), height.max(150)));
        self
    }

    /// The axis from left to right.
    #[must_use]
    pub fn across(mut self, axis: Axis) -> Self {
        self.across = axis;
        self
    }

    /// The axis from bottom to top.
    #[must_use]
    pub fn up(mut self, axis: Axis) -> Self {
        self.up = axis;
        self
    }

    /// Draws this, too, before those that come later. Without a name it is not in the legend.
    #[must_use]
    pub fn with(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// A dashed line across at this value.
    #[must_use]
    pub fn level(self, at: f64, text: &str) -> Self {
        self.bound(at, false, text)
    }

    /// A dashed line up at this value.
    #[must_use]
    pub fn upright(self, at: f64, text: &str) -> Self {
        self.bound(at, true, text)
    }

    fn bound(mut self, at: f64, upright: bool, text: &str) -> Self {
        if at.is_finite() {
            let text = text.to_owned();
            self.bounds.push(Bound { at, upright, text });
        }
        self
    }

    /// The picture.
    #[must_use]
    pub fn draw(&self) -> Picture {
        let named = self.series.iter().filter(|series| !series.name.is_empty());
        let head = Head {
            title: &self.title,
            about: &self.about,
            legend: named.map(|series| (series.name.as_str(), series.tone)).collect(),
        };
        let size = self.size.unwrap_or((760, 400));
        paper::picture(size, &head, |area, taken| self.body(area, size, taken))
    }

    fn body(&self, area: &Area<'_>, size: (u32, u32), taken: f64) -> Drawn {
        let stacked = stacked(&self.series);
        let bounds = |upright| {
            let those = self.bounds.iter().filter(move |bound| bound.upright == upright);
            those.map(|bound| bound.at)
        };
        let points = || stacked.iter().flat_map(|(_, bars)| bars.iter());
        let across = self
            .across
            .over(points().map(|bar| bar.x).chain(bounds(true)), 0.02);
        let up = self.up.over(
            points().flat_map(|bar| [bar.low, bar.high]).chain(bounds(false)),
            0.08,
        );

        let marks_up = (size.1 / 45) as usize;
        let widest = up
            .marks(marks_up)
            .into_iter()
            .map(|value| width_of(&up.text(value), LABEL));
        let left = widest.fold(0.0, f64::max) + 34.0;
        // Letters of neighbours must not touch.
        let wide = across
            .marks(4)
            .into_iter()
            .map(|value| width_of(&across.text(value), LABEL));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some tens
        let marks_across = ((f64::from(size.0) - left) / (wide.fold(0.0, f64::max) + 36.0)).max(1.0) as usize;
        let mut context = ChartBuilder::on(area)
            .margin_top(fine(taken + 4.0))
            .margin_right(fine(22.0))
            .margin_bottom(fine(2.0))
            .margin_left(fine(4.0))
            .x_label_area_size(fine(BELOW))
            .y_label_area_size(fine(left))
            .build_cartesian_2d(across, up)?;
        context
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(stroke(Tone::Faint, 1.0))
            .axis_style(stroke(Tone::Grey, 1.0))
            .set_all_tick_mark_size(fine(4.0))
            .x_labels(marks_across)
            .y_labels(marks_up)
            .x_desc(self.across.name())
            .y_desc(self.up.name())
            .label_style(letters(LABEL, Tone::Ink, HPos::Center, VPos::Center))
            .axis_desc_style(letters(LABEL, Tone::Grey, HPos::Center, VPos::Center))
            .draw()?;
        let to_spot = |x, y| context.backend_coord(&(x, y));
        let frame = Frame {
            area,
            across,
            to_spot: &to_spot,
        };
        for (series, bars) in &stacked {
            let seen = |bar: &&Bar| across.shows(bar.x) || matches!(series.shape, Shape::Steps | Shape::Bars);
            let bars: Vec<Bar> = bars.iter().filter(seen).copied().collect();
            frame.series(series, &bars)?;
        }
        for bound in &self.bounds {
            frame.bound(bound)?;
        }
        Ok(())
    }
}

/// A value, and for bars where they stand.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bar {
    x: f64,
    low: f64,
    high: f64,
}

/// The series' values, bars one on top of the other.
fn stacked(series: &[Series]) -> Vec<(&Series, Vec<Bar>)> {
    let mut heights = std::collections::HashMap::<u64, f64>::new();
    let mut placed = |series: &Series| {
        let mut bar = |(x, y): &(f64, f64)| {
            let mut low = *y;
            if series.shape == Shape::Bars {
                let height = heights.entry(x.to_bits()).or_insert(0.0);
                low = *height;
                *height += y;
            }
            let high = if series.shape == Shape::Bars { low + y } else { *y };
            Bar { x: *x, low, high }
        };
        series.points.iter().map(&mut bar).collect()
    };
    series.iter().map(|series| (series, placed(series))).collect()
}

type Spot = (i32, i32);

/// Where the data are drawn.
struct Frame<'a, 'b> {
    area: &'a Area<'b>,
    across: Laid,
    to_spot: &'a dyn Fn(f64, f64) -> Spot,
}

impl Frame<'_, '_> {
    fn series(&self, series: &Series, bars: &[Bar]) -> Drawn {
        let spots = || bars.iter().map(|bar| (self.to_spot)(bar.x, bar.high));
        let style = stroke(series.tone, 2.0);
        match series.shape {
            Shape::Line => self.area.draw(&PathElement::new(thinned(spots()), style)),
            Shape::Dashes => self.dashes(thinned(spots()), stroke(series.tone, 1.5)),
            Shape::Steps => {
                let (edge, _) = (self.to_spot)(f64::INFINITY, 0.0);
                let stairs = thinned(stairs(spots(), edge));
                self.area.draw(&PathElement::new(stairs, style))
            }
            Shape::Points => {
                let distinct: HashSet<Spot> = spots().map(|(x, y)| (x / 4 * 4, y / 4 * 4)).collect();
                let mut distinct: Vec<Spot> = distinct.into_iter().collect();
                distinct.sort_unstable();
                let filled = series.tone.colour().filled();
                let draw = |spot| self.area.draw(&Circle::new(spot, fine(2.0), filled));
                distinct.into_iter().try_for_each(draw)
            }
            Shape::Bars => self.bars(series.tone, bars),
        }
    }

    fn bars(&self, tone: Tone, bars: &[Bar]) -> Drawn {
        for pair in bars.windows(2) {
            let (bar, next) = (pair[0], pair[1]);
            let (left, top) = (self.to_spot)(bar.x, bar.high);
            let (right, foot) = (self.to_spot)(next.x, bar.low);
            if top < foot && left < right {
                let gap = i32::from(right - left > fine(3.0)) * fine(0.75);
                let corners = [(left, top), (right - gap, foot)];
                self.area.draw(&Rectangle::new(corners, tone.colour().filled()))?;
            }
        }
        Ok(())
    }

    fn dashes(&self, spots: Vec<Spot>, style: ShapeStyle) -> Drawn {
        let (dash, gap) = (fine(5.0), fine(4.0));
        self.area.draw(&plotters::element::DashedPathElement::new(
            spots, dash, gap, style,
        ))
    }

    fn bound(&self, bound: &Bound) -> Drawn {
        if bound.upright && !self.across.shows(bound.at) {
            return Ok(());
        }
        let style = stroke(Tone::Grey, 1.0);
        let (left, low) = (self.to_spot)(f64::NEG_INFINITY, f64::NEG_INFINITY);
        let (right, high) = (self.to_spot)(f64::INFINITY, f64::INFINITY);
        let near = fine(4.0);
        if bound.upright {
            let (x, _) = (self.to_spot)(bound.at, 0.0);
            self.dashes(vec![(x, low), (x, high)], style)?;
            let (side, x) = if x - left > (right - left) / 2 {
                (HPos::Right, x - near)
            } else {
                (HPos::Left, x + near)
            };
            let style = letters(LABEL, Tone::Grey, side, VPos::Top);
            self.area.draw_text(&bound.text, &style, (x, high))
        } else {
            let (_, y) = (self.to_spot)(0.0, bound.at);
            self.dashes(vec![(left, y), (right, y)], style)?;
            let style = letters(LABEL, Tone::Grey, HPos::Left, VPos::Bottom);
            self.area.draw_text(&bound.text, &style, (left + near, y))
        }
    }
}

/// A staircase through the spots, level until the edge.
fn stairs(spots: impl Iterator<Item = Spot>, edge: i32) -> impl Iterator<Item = Spot> {
    let mut level = None;
    let corners = spots.flat_map(move |(x, y)| {
        let before = level.replace(y).unwrap_or(y);
        [(x, before), (x, y)]
    });
    let mut last = None;
    corners
        .map(Some)
        .chain(std::iter::once(None))
        .filter_map(move |spot| {
            let spot = spot.or_else(|| last.map(|(_, y)| (edge, y)));
            last = spot;
            spot
        })
}

/// The same line to the eye: in each column only where it comes in, its lowest and highest spot, and where it leaves.
fn thinned(spots: impl Iterator<Item = Spot>) -> Vec<Spot> {
    let mut kept: Vec<Spot> = Vec::new();
    let mut column: Option<Column> = None;
    for spot in spots {
        match &mut column {
            Some(open) if open.x == spot.0 => open.take(spot.1),
            _ => {
                if let Some(full) = column.replace(Column::begun(spot)) {
                    full.into_spots(&mut kept);
                }
            }
        }
    }
    if let Some(full) = column {
        full.into_spots(&mut kept);
    }
    kept
}

struct Column {
    x: i32,
    first: i32,
    least: i32,
    most: i32,
    last: i32,
}

impl Column {
    fn begun((x, y): Spot) -> Self {
        Column {
            x,
            first: y,
            least: y,
            most: y,
            last: y,
        }
    }

    fn take(&mut self, y: i32) {
        (self.least, self.most) = (self.least.min(y), self.most.max(y));
        self.last = y;
    }

    fn into_spots(self, kept: &mut Vec<Spot>) {
        let between = |y: &i32| *y != self.first && *y != self.last;
        let extremes = [self.least, self.most].into_iter().filter(between);
        kept.push((self.x, self.first));
        kept.extend(extremes.map(|y| (self.x, y)));
        if self.last != self.first {
            kept.push((self.x, self.last));
        }
    }
}
