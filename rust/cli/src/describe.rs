//! `describe`: the elements' table of properties, codes and variables, for the build and for the reference.

use crate::{Failure, say_all};
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How to print the tables
    #[arg(long, value_name = "FORMAT", default_value = "markdown")]
    format: Format,

    /// Which page of the reference to print; all of them without it
    #[arg(long, value_name = "PAGE")]
    page: Option<Page>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// One JSON object, as it is put into the jar
    Json,
    /// Pages, as they stand in docs/reference
    Markdown,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Page {
    Properties,
    Variables,
    ErrorCodes,
}

impl From<Page> for jmeter::Page {
    fn from(page: Page) -> Self {
        match page {
            Page::Properties => Self::Properties,
            Page::Variables => Self::Variables,
            Page::ErrorCodes => Self::ErrorCodes,
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let text = match options.format {
        Format::Json => jmeter::describe_json(),
        Format::Markdown => match options.page {
            Some(page) => jmeter::Page::from(page).markdown(),
            None => jmeter::Page::ALL.map(jmeter::Page::markdown).join("\n"),
        },
    };
    say_all(&text)
}
