//! The commands of ws-backoff. The program `ws-backoff` runs them, and the jar's `Main` through the native library.
//!
//! Here live command lines, what is printed and exit codes, a file a command. Not here: what a command does beyond that, which is the
//! work of `testbed`, `jmeter` and the crates below them.

mod curves;
mod dashboard;
mod describe;
mod find;
mod import;
mod included;
mod input;
mod migrate;
mod output;
mod probe;
mod report;
mod serve;
mod simulate;
mod stop;
mod storm;
mod told;
mod tune;

pub use stop::StopToken;

use clap::{Parser, Subcommand};
use std::borrow::Cow;
use std::io::Write;

/// Exit code when a command could not do its work.
const FAILED: i32 = 1;

/// Load tests WebSockets from JMeter against servers that push back: the commands beside the JMeter plugin.
#[derive(Debug, Parser)]
#[command(
    name = "ws-backoff",
    version,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a server for WebSockets and plain HTTP that throttles and misbehaves on request
    Serve(Box<serve::Options>),
    /// Let users storm against a limit in virtual time, and tell what comes of each way to try
    Simulate(Box<simulate::Options>),
    /// Write one HTML page about what a trace tells: who got in, how long it took, what the limit is
    Report(report::Options),
    /// Name the limit behind traces of a run: its kind, its figures, and what cannot be told
    Find(find::Options),
    /// Find settings worth having against a limit, and the ramp-up that needs no retry
    Tune(Box<tune::Options>),
    /// Find out the limit of a server by a short experiment
    Probe(Box<probe::Options>),
    /// Move JMeter plans from other WebSocket samplers, and from retry loops in scripts, to ws-backoff
    Migrate(migrate::Options),
    /// Make a JMeter plan of a recorded WebSocket conversation (HAR)
    Import(import::Options),
    /// Print the lines that put graphs of the connects into JMeter's HTML dashboard
    Dashboard(dashboard::Options),
    /// Print all properties, error codes and variables of the JMeter elements
    Describe(describe::Options),
}

/// Why a command failed: one text that says what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failure(String);

/// Runs one command line, without the program's name in front, and blocks until the command has ended.
///
/// Output goes to stdout, errors to stderr. A command with an end of its own asks `stop` for a token, and ends early, and in order,
/// when that is stopped; the others just work to their end. Gives the exit code: 0 for success and `--help`, 1 for a command that
/// failed, 2 for a command line that is wrong; `migrate` has codes of its own.
#[must_use]
pub fn run(args: Vec<String>, stop: impl FnOnce() -> StopToken) -> i32 {
    let name = "ws-backoff".to_owned();
    let cli = match Cli::try_parse_from(std::iter::once(name).chain(args)) {
        Ok(cli) => cli,
        Err(told) => {
            let _ = told.print();
            return told.exit_code();
        }
    };
    let done = match cli.command {
        Command::Serve(options) => serve::run(*options, &stop()),
        Command::Simulate(options) => simulate::run(&options, &stop()),
        Command::Report(options) => report::run(&options),
        Command::Find(options) => find::run(&options),
        Command::Tune(options) => tune::run(&options, stop),
        Command::Probe(options) => probe::run(&options, &stop()),
        Command::Migrate(options) => return migrate::run(&options),
        Command::Import(options) => import::run(&options),
        Command::Dashboard(options) => dashboard::run(&options),
        Command::Describe(options) => describe::run(&options),
    };
    match done {
        Ok(()) => 0,
        Err(failure) => {
            complain("error", &failure.0);
            FAILED
        }
    }
}

/// Prints a line at once. A closed pipe is not worth an error: whoever reads has read enough.
fn say(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", harmless(line)).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure(format!("cannot print the text: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says what is wrong where it does not mix with answers.
fn complain(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "{what}: {}", harmless(why));
}

/// Without what a terminal takes for a command: labels and headers are those of others. In JSON it is the same text.
fn harmless(text: &str) -> Cow<'_, str> {
    let harms = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    if !text.contains(harms) {
        return text.into();
    }
    let shown = |letter: char| match letter {
        letter if harms(letter) => format!("\\u{:04x}", u32::from(letter)),
        letter => letter.to_string(),
    };
    text.chars().map(shown).collect()
}

/// Prints a text whose reader needs all of it: unlike a progress line, one that is cut short must not pass for the whole.
fn say_all(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush());
    written.map_err(|error| Failure(format!("cannot print the text: {error}")))
}
