//! How often the answer is right: over traces of real limiters whose truth is known, or over storms in virtual time against limits drawn
//! at random. Prints a line for each answer that is not just right, and the counts; fails where the promise is missed: 90 % right, at
//! most 2 % wrong.
//!
//! Right is an answer that names the kind, or names another one and tells that this one explains as much; and that says whether
//! refusals count as they do, or that it cannot tell.

mod clocks;
mod double;
mod each;
mod served;
mod storms;
mod traces;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "accuracy storms|double|each|clocks [LIMITS of each kind, 5] [SEED, 1] | accuracy served [LIMITS, 5] [SEED, 1] [FORM] | accuracy traces [FOLDER] [TRUTH, FOLDER/truth.txt]";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |nth: usize, without: u64| words.get(nth).map_or(Ok(without), |word| word.parse());
    let score = match words.first().map(String::as_str) {
        Some(world @ ("storms" | "double" | "each" | "clocks")) => match (number(1, 5), number(2, 1)) {
            (Ok(limits), Ok(seed)) => Ok(match world {
                "storms" => storms::score(limits, seed),
                "double" => double::score(limits, seed),
                "each" => each::score(limits, seed),
                _ => clocks::score(limits, seed),
            }),
            _ => Err(USAGE.to_owned()),
        },
        Some("served") => {
            let (Ok(limits), Ok(seed)) = (number(1, 5), number(2, 1)) else {
                eprintln!("{USAGE}");
                return ExitCode::FAILURE;
            };
            let (wrong, all) = served::score(limits, seed, words.get(3).map(String::as_str));
            println!("wrong {wrong} of {all}");
            return if 50 * wrong <= all {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            };
        }
        Some("traces") => {
            let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
            let folder = words.get(1).map_or(own, PathBuf::from);
            let truth = words.get(2).map_or(folder.join("truth.txt"), PathBuf::from);
            traces::score(&folder, &truth)
        }
        _ => Err(USAGE.to_owned()),
    };
    match score {
        Ok(score) => {
            println!("{}", score.line());
            if score.is_kept() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
