//! The page: its frame, its style, and the order of its parts.

mod answer;
mod pictures;
mod tables;
mod words;

use std::fmt::Write as _;

use charts::{Tone, dark_rules};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::run::Run;

/// Stands in the head of every page, and nowhere else.
pub const GENERATOR: &str = concat!("ws-backoff ", env!("CARGO_PKG_VERSION"), " report");

/// A question and what was found, for the top of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// In a few words: "What the limit is".
    pub question: String,
    /// The sentence to remember.
    pub answer: String,
    /// More to know.
    pub more: Vec<String>,
    /// To copy, as it is: settings, a command.
    pub copy: Option<String>,
}

/// What is known about an error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cure {
    /// What it means.
    pub message: &'static str,
    /// What to do.
    pub help: &'static str,
}

/// All that goes onto a page.
pub struct Page<'a> {
    /// The heading; the files' names, or the test plan's.
    pub title: &'a str,
    /// The run that it is about.
    pub run: &'a Run,
    /// An earlier run to compare it with, and its name.
    pub before: Option<(&'a str, &'a Run)>,
    /// What was found out beside what was counted.
    pub answers: &'a [Answer],
    /// Looks up an error code.
    pub cure: &'a dyn Fn(&str) -> Option<Cure>,
}

impl std::fmt::Debug for Page<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Page")
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}

/// The parts, and the anchors that lead to them.
const PARTS: [(&str, &str); 8] = [
    ("answer", "Answer"),
    ("time", "Over time"),
    ("lengths", "How long it took"),
    ("hints", "Hints"),
    ("ends", "Ends of connections"),
    ("errors", "Errors and cures"),
    ("elements", "Elements"),
    ("samples", "Samples"),
];

impl Page<'_> {
    /// The page as one HTML file that needs nothing else: no network, no script.
    #[must_use]
    pub fn html(&self) -> String {
        let parts = [
            answer::part(self),
            self.part(pictures::over_time),
            self.part(pictures::lengths),
            self.part(tables::hints),
            self.part(tables::ends),
            self.part(tables::errors),
            self.part(tables::elements),
            self.part(tables::samples),
        ];
        let shown = || PARTS.iter().zip(&parts).filter(|(_, part)| !part.0.is_empty());
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="generator" content=(GENERATOR);
                    title { (self.title) " - ws-backoff report" }
                    // Nothing may be loaded, whatever a trace has smuggled in.
                    meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                    style { (PreEscaped(style())) }
                }
                body {
                    header {
                        h1 { (self.title) }
                        p.about { (words::about(self.run)) }
                        nav aria-label="Parts of this page" {
                            @for ((anchor, name), _) in shown() { a href={ "#" (anchor) } { (name) } }
                        }
                    }
                    main {
                        @for ((anchor, name), part) in shown() {
                            section id=(anchor) aria-labelledby={ (anchor) "-title" } {
                                h2 id={ (anchor) "-title" } { (name) }
                                (part)
                            }
                        }
                    }
                    footer { p { "ws-backoff " (env!("CARGO_PKG_VERSION")) } }
                }
            }
        };
        page.into_string()
    }

    /// A part of this run, beside the same part of the run before if there is one.
    fn part(&self, of: impl Fn(&Page<'_>, &Run) -> Markup) -> Markup {
        let now = of(self, self.run);
        let Some((name, before)) = self.before else {
            return now;
        };
        let then = of(self, before);
        if now.0.is_empty() && then.0.is_empty() {
            return now;
        }
        html! {
            div.runs {
                div.run { h3 { "Before: " (name) } (or_none(&then)) }
                div.run { h3 { "Now: " (self.title) } (or_none(&now)) }
            }
        }
    }
}

fn or_none(part: &Markup) -> Markup {
    html! { @if part.0.is_empty() { p { "Nothing of this was seen." } } @else { (part) } }
}

/// A table that scrolls by itself where it is too wide, by keyboard, too.
fn table(name: &str, heads: &[&str], rows: Vec<Vec<Markup>>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(name) {
            table {
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (index, cell) in row.into_iter().enumerate() {
                                @if index == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A text in a cell.
fn cell(text: impl AsRef<str>) -> Markup {
    html! { (text.as_ref()) }
}

/// A number in a cell.
fn count(number: u64) -> Markup {
    cell(charts::number(number as f64))
}

/// A length in a cell.
fn length(seconds: f64) -> Markup {
    cell(charts::duration(seconds))
}

/// A picture, and its figures behind a word that opens them.
fn figure(picture: &charts::Picture, figures: &Markup) -> Markup {
    html! {
        figure {
            (PreEscaped(picture.inline()))
            @if !figures.0.is_empty() {
                details { summary { "Figures" } (figures) }
            }
        }
    }
}

/// The page's own rules, with the pictures' colours.
fn style() -> String {
    let colours = |of: fn(Tone) -> String| {
        let names = [
            ("ink", Tone::Ink),
            ("grey", Tone::Grey),
            ("faint", Tone::Faint),
            ("paper", Tone::Paper),
            ("blue", Tone::Blue),
            ("red", Tone::Vermilion),
        ];
        names.iter().fold(String::new(), |mut rules, (name, tone)| {
            let _ = write!(rules, "--{name}:{};", of(*tone));
            rules
        })
    };
    format!(
        ":root{{{}}}@media screen and (prefers-color-scheme:dark){{:root{{{}}}{}}}{}",
        colours(Tone::light),
        colours(Tone::dark),
        dark_rules(),
        include_str!("page/style.css")
    )
}
