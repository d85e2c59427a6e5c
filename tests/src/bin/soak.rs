//! The long, hostile run for people: `script/soak` builds what it needs and calls it.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use system::repository;
use system::soak::Soak;

/// All elements in a real JMeter against a server that misbehaves at random
#[derive(Debug, Parser)]
#[command(name = "soak")]
struct Arguments {
    /// How long users come
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    minutes: u64,
    /// Draws the faults and the policies' jitter
    #[arg(long, value_name = "S", default_value = "1")]
    seed: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let soak = Soak {
        time: Duration::from_secs(arguments.minutes * 60),
        seed: arguments.seed,
        folder: repository::build().join("soak"),
    };
    match soak.run(|line| println!("{line}")) {
        Ok(verdict) => {
            for figure in &verdict.figures {
                println!("{figure}");
            }
            for fault in &verdict.faults {
                println!("!! {fault}");
            }
            if verdict.faults.is_empty() {
                println!("All holds (seed {}).", arguments.seed);
                return ExitCode::SUCCESS;
            }
            println!(
                "{} things do not hold (seed {}).",
                verdict.faults.len(),
                arguments.seed
            );
            ExitCode::FAILURE
        }
        Err(why) => {
            eprintln!("soak: {why}");
            ExitCode::FAILURE
        }
    }
}
