//! The command line: refuses a native library that its platform could not load, and says what it needs. The reading of files is in
//! `facts`, the judgement in `rules`. In no product.

mod facts;
mod rules;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Checks a native library: machine, what it needs of the system, its exports, and on macOS its signature.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// What the jar calls its platform, for example linux-x86_64-musl
    platform: rules::Platform,
    /// The library
    library: PathBuf,
}

/// All that can go wrong here.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}")]
    File(#[from] std::io::Error),
    #[error("it is no library that can be read: {0}")]
    Format(#[from] object::Error),
    #[error("{0}")]
    Unfit(String),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match check(&arguments) {
        Ok(needs) => {
            println!("{}: {needs}", arguments.platform);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!(
                "natives: {} for {}: {error}",
                arguments.library.display(),
                arguments.platform
            );
            ExitCode::FAILURE
        }
    }
}

fn check(arguments: &Arguments) -> Result<String, Error> {
    let facts = facts::read(&std::fs::read(&arguments.library)?)?;
    rules::judge(arguments.platform, &facts).map_err(Error::Unfit)
}
