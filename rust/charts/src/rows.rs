//! Names one below the other, each with bars along one axis.

use plotters::coord::ranged1d::Ranged;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use crate::axis::Axis;
use crate::paper::{self, Area, Drawn, Head, Picture, fine, fitted, letters, stroke, width_of};
use crate::tone::Tone;

const LABEL: f64 = 12.0;
const BELOW: f64 = 40.0;
/// Height of a bar, with the gap to the next one.
const BAR: f64 = 15.0;
/// More height for each name.
const BETWEEN: f64 = 9.0;

/// A picture of bars, in lines that have names.
#[derive(Debug, Clone)]
pub struct Rows {
    title: String,
    about: String,
    width: u32,
    along: Axis,
    /// From where bars grow, where that is not the axis' beginning.
    base: Option<f64>,
    legend: Vec<(String, Tone)>,
    rows: Vec<(String, Vec<Bar>)>,
}

/// A bar along the axis.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Its colour.
    pub tone: Tone,
    /// Its end.
    pub value: f64,
    /// A thin line through it, from here to there.
    pub spread: Option<(f64, f64)>,
    /// What is written at its end.
    pub text: String,
}

impl Rows {
    /// Along this axis.
    #[must_use]
    pub fn new(title: &str, along: Axis) -> Self {
        Rows {
            title: title.to_owned(),
            about: String::new(),
            width: 760,
            along,
            base: None,
            legend: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// A line in smaller letters under the title.
    #[must_use]
    pub fn about(mut self, about: &str) -> Self {
        about.clone_into(&mut self.about);
        self
    }

    /// In pixels; the height follows from what is drawn. 760 unless said.
    #[must_use]
    pub fn width(mut self, width: u32) -> Self {
        self.width = width.max(200);
        self
    }

    /// Bars grow from this value, to either side, and a line stands there.
    #[must_use]
    pub fn from(mut self, base: f64) -> Self {
        self.base = Some(base);
        self
    }

    /// What a colour means.
    #[must_use]
    pub fn meaning(mut self, name: &str, tone: Tone) -> Self {
        self.legend.push((name.to_owned(), tone));
        self
    }

    /// A name and its bars, below those before.
    #[must_use]
    pub fn row(mut self, name: &str, bars: Vec<Bar>) -> Self {
        let usable = |bar: &Bar| bar.value.is_finite();
        let bars = bars.into_iter().filter(usable).collect();
        self.rows.push((name.to_owned(), bars));
        self
    }

    /// The picture.
    #[must_use]
    pub fn draw(&self) -> Picture {
        let head = Head {
            title: &self.title,
            about: &self.about,
            legend: self
                .legend
                .iter()
                .map(|(name, tone)| (name.as_str(), *tone))
                .collect(),
        };
        // A head of three lines, and the axis.
        let height = self.heights().fold(70.0 + BELOW, |sum, row| sum + row);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some thousand at most
        let size = (self.width, height.ceil() as u32);
        paper::picture(size, &head, |area, taken| self.body(area, taken))
    }

    fn heights(&self) -> impl Iterator<Item = f64> {
        self.rows
            .iter()
            .map(|(_, bars)| bars.len().max(1) as f64 * BAR + BETWEEN)
    }

    fn body(&self, area: &Area<'_>, taken: f64) -> Drawn {
        let width = f64::from(self.width);
        let ends = |bar: &Bar| {
            let (low, high) = bar.spread.unwrap_or((bar.value, bar.value));
            [bar.value, low, high]
        };
        let bars = || self.rows.iter().flat_map(|(_, bars)| bars);
        // The least bar must be seen where the axis does not begin at 0.
        let below = |bar: &Bar| bar.value / 3.0;
        let written = bars().map(|bar| width_of(&bar.text, LABEL)).fold(0.0, f64::max) + 10.0;
        let named = self.rows.iter().map(|(name, _)| width_of(name, LABEL));
        let left = (named.fold(0.0, f64::max) + 14.0).min(width * 0.45);
        // So much of the axis is free for what is written at the longest bar.
        let room = (written / (width - left - written - 30.0).max(60.0)).min(2.0);
        let laid = self.along.over(
            bars().flat_map(ends).chain(self.base).chain(bars().map(below)),
            room,
        );
        let end: f64 = self.heights().sum();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some tens
        let fit = ((width - left) / 75.0).max(1.0) as usize;
        let mut context = ChartBuilder::on(area)
            .margin_top(fine(taken + 2.0))
            .margin_right(fine(18.0))
            .margin_bottom(fine(2.0))
            .x_label_area_size(fine(BELOW))
            .y_label_area_size(fine(left))
            .build_cartesian_2d(laid, end.max(1.0)..0.0)?;
        context
            .configure_mesh()
            .disable_y_mesh()
            .y_labels(0)
            .light_line_style(TRANSPARENT)
            .bold_line_style(stroke(Tone::Faint, 1.0))
            .axis_style(stroke(Tone::Grey, 1.0))
            .set_all_tick_mark_size(fine(4.0))
            .x_labels(fit)
            .x_desc(self.along.name())
            .label_style(letters(LABEL, Tone::Ink, HPos::Center, VPos::Center))
            .axis_desc_style(letters(LABEL, Tone::Grey, HPos::Center, VPos::Center))
            .draw()?;
        let base = self.base.unwrap_or(laid.range().start);
        let spot = |value: f64, y: f64| context.backend_coord(&(value, y));
        let mut top = 0.0;
        for ((name, bars), height) in self.rows.iter().zip(self.heights()) {
            let (x, y) = spot(f64::NEG_INFINITY, top + height / 2.0);
            let style = letters(LABEL, Tone::Ink, HPos::Right, VPos::Center);
            area.draw_text(&fitted(name, LABEL, left - 8.0), &style, (x - fine(7.0), y))?;
            for (index, bar) in bars.iter().enumerate() {
                let from = top + BETWEEN / 2.0 + index as f64 * BAR;
                let (low, high) = (base.min(bar.value), base.max(bar.value));
                let corners = [spot(low, from + 1.0), spot(high, from + BAR - 1.0)];
                area.draw(&Rectangle::new(corners, bar.tone.colour().filled()))?;
                let mut last = high;
                if let Some((low, high)) = bar.spread {
                    last = last.max(high);
                    let line = [spot(low, from + BAR / 2.0), spot(high, from + BAR / 2.0)];
                    area.draw(&PathElement::new(line, stroke(Tone::Ink, 1.0)))?;
                }
                let (x, y) = spot(last, from + BAR / 2.0);
                let style = letters(LABEL, Tone::Ink, HPos::Left, VPos::Center);
                area.draw_text(&bar.text, &style, (x + fine(5.0), y))?;
            }
            top += height;
        }
        if self.base.is_some() {
            let line = [spot(base, 0.0), spot(base, end)];
            area.draw(&PathElement::new(line, stroke(Tone::Ink, 1.0)))?;
        }
        Ok(())
    }
}
