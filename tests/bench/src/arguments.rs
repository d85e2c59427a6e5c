//! The command line of `script/bench`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Parser;
use system::repository;

use crate::case::{Case, Client};
use crate::cases;

/// The name of the part that runs the micro-benchmarks.
pub const MICRO: &str = "micro";

/// Ours, the WebSocket samplers 1.3.1 in the same JMeter, and a plain Rust client against one server, in turns.
#[derive(Debug, Parser)]
#[command(name = "script/bench", version)]
pub struct Arguments {
    /// A third of the cases with shorter turns, about 5 minutes
    #[arg(long)]
    quick: bool,
    /// Only this part: a case, else all whose names begin so, or micro; repeatable
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Turns of each client in each case; the medians count [default: 5; of connections held: 2, quick: 1]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// The folder for figures, picture and the runs' files; it is emptied first [default: build/bench]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// How this program calls itself for a process of its own: opens so many connections and holds them
    #[arg(long, hide = true, num_args = 2, value_names = ["ADDRESS", "NUMBER"])]
    pub hold: Vec<String>,
    /// Lists the parts and ends
    #[arg(long)]
    pub list: bool,
}

/// What is to be run.
#[derive(Debug)]
pub struct Choice {
    /// The cases in order.
    pub cases: Vec<Case>,
    /// Whether the micro-benchmarks run.
    pub micro: bool,
    /// How long and how often.
    pub effort: Effort,
    /// Where all files go.
    pub folder: PathBuf,
}

/// How long and how often is measured.
#[derive(Debug, Clone, Copy, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Effort {
    /// Whether it is the quick run.
    pub quick: bool,
    /// Turns of each client in a case with turns.
    pub rounds: u32,
    /// Runs of each client where connections are held.
    pub idle_rounds: u32,
    /// Seconds of a client's turn.
    pub turn_seconds: u32,
    /// JMeter works so many seconds at most before the first round, in turns of the same length.
    pub warm_up_seconds: u32,
    /// The same for connects over TLS, which are slow to warm up.
    pub tls_warm_up_seconds: u32,
}

impl Arguments {
    /// What the arguments ask for.
    pub fn choice(&self) -> Result<Choice, String> {
        let effort = Effort {
            quick: self.quick,
            rounds: self.rounds.unwrap_or(5),
            idle_rounds: self.rounds.unwrap_or(if self.quick { 1 } else { 2 }),
            turn_seconds: if self.quick { 1 } else { 2 },
            warm_up_seconds: if self.quick { 3 } else { 20 },
            tls_warm_up_seconds: if self.quick { 5 } else { 15 },
        };
        let all = cases::all();
        let mut chosen: BTreeSet<&str> = BTreeSet::new();
        for wanted in &self.only {
            let names = || all.iter().map(|case| case.name).chain([MICRO]);
            // What is a whole name means this part and no longer one.
            let exactly = names().any(|name| name == wanted);
            let found: Vec<&str> = names()
                .filter(|name| name == wanted || !exactly && name.starts_with(wanted))
                .collect();
            chosen.extend(&found);
            if found.is_empty() {
                return Err(format!("--only {wanted}: no such part; --list names them"));
            }
        }
        let micro = self.only.is_empty() || chosen.contains(MICRO);
        let cases = all
            .iter()
            .filter(|case| {
                if self.only.is_empty() {
                    // Whole runs take as long as all the others together.
                    !case.is_named_only() && (case.quick || !self.quick)
                } else {
                    chosen.contains(case.name)
                }
            })
            .cloned()
            .collect();
        Ok(Choice {
            cases,
            micro,
            effort,
            folder: self
                .out
                .clone()
                .unwrap_or_else(|| repository::build().join("bench")),
        })
    }
}

/// The parts as text, one a line.
pub fn list() -> String {
    let mut text = String::new();
    for case in cases::all() {
        let clients: Vec<&str> = case.clients.iter().copied().map(Client::name).collect();
        text += &format!(
            "{:<20} {} {:<44} {}\n",
            case.name,
            match (case.quick, case.is_named_only()) {
                (true, _) => "quick",
                (false, false) => "     ",
                (false, true) => "named",
            },
            case.about,
            clients.join(", ")
        );
    }
    text + &format!("{MICRO:<20} quick policy step, hint, gate step, properties, results: no server\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(line: &[&str]) -> Result<Choice, String> {
        Arguments::try_parse_from([&["bench"], line].concat())
            .unwrap()
            .choice()
    }

    #[test]
    fn the_choice_is_what_is_named_else_all_in_turns_or_the_quick_ones() {
        let names = |line: &[&str]| -> (Vec<&str>, bool) {
            let choice = choice(line).unwrap();
            (choice.cases.iter().map(|case| case.name).collect(), choice.micro)
        };
        assert_eq!(names(&["--only", "echo-64k"]), (vec!["echo-64k"], false));
        assert_eq!(names(&["--only", "connect-1"]), (vec!["connect-1"], false));
        assert_eq!(
            names(&["--quick", "--only", "idle", "--only", "micro"]),
            (vec!["idle-1000", "idle-5000"], true)
        );
        let (all, micro) = names(&[]);
        let in_turns = cases::all().iter().filter(|case| !case.is_named_only()).count();
        assert!(micro && all.len() == in_turns);
        let named = names(&["--only", "run-", "--only", "virtual"]).0;
        assert_eq!(named.len(), cases::all().len() - in_turns);
        assert!(names(&["--quick"]).0.len() < all.len());
    }

    #[test]
    fn rounds_hold_for_every_kind_of_case() {
        let effort = choice(&["--rounds", "7"]).unwrap().effort;
        assert_eq!((effort.rounds, effort.idle_rounds), (7, 7));
        assert!(choice(&[]).unwrap().effort.rounds >= 5);
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        assert!(choice(&["--only", "echo-7"]).unwrap_err().contains("--list"));
        assert!(Arguments::try_parse_from(["bench", "--rounds", "0"]).is_err());
    }
}
