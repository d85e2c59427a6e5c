//! `describe`: the elements' table of properties, codes and variables, for the build and for the README.

use crate::Failure;
use clap::{Args, ValueEnum};
use std::io::Write;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How to print the tables
    #[arg(long, value_name = "FORMAT", default_value = "markdown")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// One JSON object, as it is put into the jar
    Json,
    /// Tables, as they stand in the README
    Markdown,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let text = match options.format {
        Format::Json => jmeter::describe_json(),
        Format::Markdown => jmeter::describe_markdown(),
    };
    // Unlike a progress line, a table cut short must not pass for the whole.
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush());
    written.map_err(|error| Failure(format!("cannot print the tables: {error}")))
}
