//! What a picture is drawn on: letters, the heading, the legend, and the finished text; no axis and no data.

use std::borrow::Cow;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::tone::{Tone, dark_rules};

/// All is drawn this much larger than it is shown, as the backend knows whole units only.
const FINE: u32 = 4;
const FONT: &str = "sans-serif";
/// Letters of this font are at most about so wide, in parts of their size.
const WIDE: f64 = 0.56;

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(crate) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Units of the drawing for units of the picture.
pub(crate) fn fine(units: f64) -> i32 {
    #[allow(clippy::cast_possible_truncation)] // pictures are some thousand units wide
    {
        (units * f64::from(FINE)).round() as i32
    }
}

/// Letters of a size and a colour, set at a point by their middle, an end or an edge.
pub(crate) fn letters(size: f64, tone: Tone, h: HPos, v: VPos) -> TextStyle<'static> {
    // The backend divides sizes by this.
    let size = f64::from(fine(size)) * 1.24;
    (FONT, size).into_font().color(&tone.colour()).pos(Pos::new(h, v))
}

/// A line of a width in units of the picture.
pub(crate) fn stroke(tone: Tone, width: f64) -> ShapeStyle {
    tone.colour().stroke_width(fine(width).unsigned_abs())
}

/// About how wide a text is, in units of the picture.
pub(crate) fn width_of(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * WIDE
}

/// The text, or its beginning where it is too wide.
pub(crate) fn fitted(text: &str, size: f64, width: f64) -> Cow<'_, str> {
    if width_of(text, size) <= width {
        return text.into();
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some letters
    let fit = (width / size / WIDE) as usize;
    let kept: String = text.chars().take(fit.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end()).into()
}

/// What stands above the data: title, a line about it, and what the colours mean.
pub(crate) struct Head<'a> {
    pub(crate) title: &'a str,
    pub(crate) about: &'a str,
    pub(crate) legend: Vec<(&'a str, Tone)>,
}

const MARGIN: f64 = 10.0;
const TITLE: f64 = 15.0;
const ABOUT: f64 = 12.0;
const LEGEND: f64 = 12.0;
const SWATCH: f64 = 16.0;

impl Head<'_> {
    /// Draws it across the width; gives the height that it took.
    fn draw(&self, area: &Area<'_>, width: f64) -> Result<f64, DrawingAreaErrorKind<std::io::Error>> {
        let room = width - 2.0 * MARGIN;
        let at = |x: f64, y: f64| (fine(x), fine(y));
        let mut y = 6.0;
        if !self.title.is_empty() {
            let style = letters(TITLE, Tone::Ink, HPos::Left, VPos::Top);
            area.draw_text(&fitted(self.title, TITLE, room), &style, at(MARGIN, y))?;
            y += TITLE + 6.0;
        }
        if !self.about.is_empty() {
            let style = letters(ABOUT, Tone::Grey, HPos::Left, VPos::Top);
            area.draw_text(&fitted(self.about, ABOUT, room), &style, at(MARGIN, y))?;
            y += ABOUT + 6.0;
        }
        let mut x = MARGIN;
        for (name, tone) in &self.legend {
            let name = fitted(name, LEGEND, room - SWATCH);
            let wide = SWATCH + width_of(&name, LEGEND) + 10.0;
            if x > MARGIN && x + wide > width {
                (x, y) = (MARGIN, y + LEGEND + 6.0);
            }
            let box_of = [at(x, y + 3.0), at(x + SWATCH - 5.0, y + LEGEND - 2.0)];
            area.draw(&Rectangle::new(box_of, tone.colour().filled()))?;
            let style = letters(LEGEND, Tone::Ink, HPos::Left, VPos::Top);
            area.draw_text(&name, &style, at(x + SWATCH, y))?;
            x += wide;
        }
        if !self.legend.is_empty() {
            y += LEGEND + 6.0;
        }
        Ok(y)
    }
}

/// Draws a picture: its head, and below it what `body` draws into an area of which so much is taken at the top.
pub(crate) fn picture(
    (width, height): (u32, u32),
    head: &Head<'_>,
    body: impl FnOnce(&Area<'_>, f64) -> Drawn,
) -> Picture {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (width * FINE, height * FINE)).into_drawing_area();
        area.fill(&Tone::Paper.colour())
            .and_then(|()| head.draw(&area, f64::from(width)))
            .and_then(|taken| body(&area, taken))
            .and_then(|()| area.present())
            .expect("a text takes all, and its letters are measured without a font");
    }
    let title = head.title;
    let opened = text.find('>').map_or(0, |end| end + 1);
    Picture {
        opening: format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\" \
             role=\"img\" aria-label=\"{}\">",
            width * FINE,
            height * FINE,
            escaped(title),
        ),
        body: text.split_off(opened),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A finished picture.
#[derive(Debug, Clone)]
pub struct Picture {
    opening: String,
    body: String,
}

impl Picture {
    /// For the middle of an HTML page, which brings [`dark_rules`](crate::dark_rules).
    #[must_use]
    pub fn inline(&self) -> String {
        format!("{}{}", self.opening, self.body)
    }

    /// As a file of its own, that follows its reader's choice of dark or light.
    #[must_use]
    pub fn document(&self) -> String {
        let rules = dark_rules();
        format!(
            "{}\n<style>@media screen and (prefers-color-scheme:dark){{{rules}}}</style>{}",
            self.opening, self.body
        )
    }
}
