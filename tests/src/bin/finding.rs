//! Whether `ws-backoff find` tells the truth about random limits of the test server, each before users in a real JMeter.
//! `cargo run -p system --bin finding` after `script/build`; ten minutes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use limiter::LimitSpec;
use system::finding::{Case, Judged, Kept, Score, Verdict, draw, record};
use system::{Result, repository};

/// So many answers, in percent, are right at least.
const RIGHT: f64 = 90.0;
/// So many are wrong at most.
const WRONG: f64 = 2.0;

/// What `ws-backoff find` says of random limits, beside the truth
#[derive(Debug, Parser)]
#[command(name = "finding", version)]
struct Arguments {
    /// Limits, of all kinds in turn; each meets users of the default policy and of `pace`
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    limits: u16,
    /// Draws the limits; by default another one each time
    #[arg(long)]
    seed: Option<u64>,
    /// Only limits with this word in their text
    #[arg(long, default_value = "")]
    only: String,
    /// How many limits have their users at a time, in one JMeter
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=16))]
    side_by_side: u16,
    /// Leaves the traces with their truth there
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Judges the traces that --keep left there again, without JMeter
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["limits", "seed", "side_by_side", "keep"])]
    again: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("finding: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Judges all; whether the promise is kept.
fn run(arguments: &Arguments) -> Result<bool> {
    let mut score = Score::default();
    let wanted = |limit: &LimitSpec| limit.to_string().contains(&arguments.only);
    if let Some(folder) = &arguments.again {
        let kept = Kept::all(folder)?;
        judge(kept.iter().filter(|kept| wanted(&kept.limit)), &mut score)?;
    } else {
        let mut cases = drawn(arguments);
        cases.retain(|case| wanted(&case.limit));
        let folder = match &arguments.keep {
            Some(folder) => folder.clone(),
            None => repository::fresh_folder(&repository::build().join("finding"))?,
        };
        for set in cases.chunks(arguments.side_by_side.into()) {
            judge(record(set, &folder, |jmeter| jmeter)?.iter(), &mut score)?;
        }
    }
    println!("{score}");
    Ok(score.right() >= RIGHT && score.wrong() <= WRONG && score.near == score.figures)
}

fn drawn(arguments: &Arguments) -> Vec<Case> {
    let seed = arguments.seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.as_secs() % 1_000_000
    });
    println!("seed {seed}");
    draw(arguments.limits.into(), seed)
}

fn judge<'a>(all: impl Iterator<Item = &'a Kept>, score: &mut Score) -> Result<()> {
    for kept in all {
        let judged = kept.judge()?;
        score.add(&kept.limit, &judged.found, judged.verdict);
        println!("{}", line(kept, &judged));
    }
    Ok(())
}

fn line(kept: &Kept, judged: &Judged) -> String {
    let Judged { found, verdict } = judged;
    let mut line = format!(
        "{:11} {}, {}: {}",
        verdict.name(),
        kept.limit,
        kept.about,
        found.words()
    );
    for (name, near) in found.figures(&kept.limit) {
        if *verdict == Verdict::Named && !near {
            line += &format!("; {name} is too far off");
        }
    }
    line
}
