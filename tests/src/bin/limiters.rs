//! Real limiters for people: `script/limiters` installs and builds what they need and calls it.

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use system::finding::Verdict;
use system::limiters::{Fared, Limiter, MODES, Storm, mean, misses};
use system::repository;

/// Two hundred users at once before each of the limiters that other people wrote
#[derive(Debug, Parser)]
#[command(name = "limiters")]
struct Arguments {
    /// Users before each
    #[arg(long, value_name = "N", default_value = "200", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    users: u32,
    /// How often; the mean counts
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// Only those with this in their name; repeatable
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// How many have their users at a time
    #[arg(long, value_name = "N", default_value = "6", value_parser = clap::value_parser!(u16).range(1..=16))]
    side_by_side: u16,
    /// Asks each by `ws-backoff probe`, in place of users before it
    #[arg(long, conflicts_with_all = ["users", "rounds", "side_by_side"])]
    probe: bool,
    /// Names all and ends
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let wanted = |limiter: &&Limiter| {
        arguments.only.is_empty() || arguments.only.iter().any(|part| limiter.name.contains(part))
    };
    let chosen: Vec<&'static Limiter> = Limiter::all().filter(wanted).collect();
    if arguments.list {
        for limiter in chosen {
            println!("{:14} {}", limiter.kind.name(), limiter.name);
        }
        return ExitCode::SUCCESS;
    }
    let folder = repository::build().join("limiters");
    if arguments.probe {
        return probe_all(&chosen, &folder);
    }
    let mut storm = Storm::new(arguments.users, &folder);
    for limiter in &chosen {
        for mode in MODES {
            storm = storm.before(limiter, mode, arguments.rounds);
        }
    }
    let tell = |fared: &[Fared], _: &_| {
        for one in fared {
            eprintln!(
                "{}, {}, round {}: {} lost, {:.1} s, {:.2} attempts",
                one.limiter.name,
                one.mode.name(),
                one.round,
                one.lost,
                one.last,
                one.attempts
            );
        }
    };
    match storm.run(arguments.side_by_side.into(), |jmeter| jmeter, tell) {
        Ok(all) => table(&chosen, &all),
        Err(why) => {
            eprintln!("limiters: {why}");
            ExitCode::FAILURE
        }
    }
}

/// A line for each limiter and mode: the mean of its rounds, and what they miss.
fn table(chosen: &[&'static Limiter], all: &[Fared]) -> ExitCode {
    println!(
        "{:14} {:62} {:4} {:>4} {:>7} {:>6} {:>8}",
        "kind", "limiter", "gate", "lost", "last s", "x", "attempts"
    );
    let mut missed = 0;
    for limiter in chosen {
        for mode in MODES {
            let rounds: Vec<Fared> = all
                .iter()
                .filter(|one| one.limiter.name == limiter.name && one.mode == mode)
                .cloned()
                .collect();
            let lost: usize = rounds.iter().map(|round| round.lost).sum();
            let misses = misses(&rounds);
            missed += usize::from(!misses.is_empty());
            println!(
                "{:14} {:62} {:4} {lost:>4} {:>7.1} {:>6.2} {:>8.2}{}",
                limiter.kind.name(),
                limiter.name,
                mode.name(),
                mean(&rounds, |round| round.last),
                mean(&rounds, |round| round.of_bound),
                mean(&rounds, |round| round.attempts),
                if misses.is_empty() {
                    String::new()
                } else {
                    format!(" * {}", misses.join("; "))
                }
            );
        }
    }
    println!("{missed} of {} promises missed.", chosen.len() * MODES.len());
    if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Upgrades that an experiment may ask for.
const BUDGET: u32 = 300;

/// A line for each limiter: what it is, what `probe` says of it, and what that took.
fn probe_all(chosen: &[&'static Limiter], folder: &Path) -> ExitCode {
    println!(
        "{:11} {:>8} {:>6} limiter: what it is: what probe says",
        "verdict", "upgrades", "s"
    );
    let (mut right, mut far, mut over) = (0, 0, 0);
    for limiter in chosen {
        let probed = match limiter.probe(BUDGET, folder) {
            Ok(probed) => probed,
            Err(why) => {
                eprintln!("limiters: {why}");
                return ExitCode::FAILURE;
            }
        };
        right += usize::from(matches!(probed.verdict, Verdict::Named | Verdict::Possible));
        over += usize::from(probed.upgrades > BUDGET.into());
        let mut line = probed.found.words();
        for (figure, _) in probed.figures.iter().filter(|(_, near)| !near) {
            far += 1;
            line += &format!("; {figure} is too far off");
        }
        println!(
            "{:11} {:>8} {:>6.1} {}: {}: {line}",
            probed.verdict.name(),
            probed.upgrades,
            probed.took.as_secs_f64(),
            limiter.name,
            limiter.limit
        );
    }
    println!(
        "{right} of {} right; {far} figures too far off; {over} over the budget of {BUDGET}",
        chosen.len()
    );
    if right == chosen.len() && far + over == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
