//! A jar on another platform: `script/test-platform` fetches a Java for it and calls this.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use system::platform::{Trial, folder};

/// The elements in a JMeter on another platform's Java
#[derive(Debug, Parser)]
#[command(name = "platform")]
struct Arguments {
    /// As the jar calls it, for example linux-x86_64-musl
    platform: String,
    /// The program `java` for it
    #[arg(long, value_name = "FILE")]
    java: PathBuf,
    /// The plugin
    #[arg(long, value_name = "FILE")]
    jar: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let trial = Trial {
        java: arguments.java,
        jar: arguments.jar,
        folder: folder(&arguments.platform),
    };
    let begun = Instant::now();
    match trial.run() {
        Ok(outcome) => {
            println!(
                "{}: {} samples passed, {} attempts were refused first, {:.0} s",
                arguments.platform,
                outcome.samples,
                outcome.refused,
                begun.elapsed().as_secs_f64()
            );
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{}: {why}", arguments.platform);
            ExitCode::FAILURE
        }
    }
}
