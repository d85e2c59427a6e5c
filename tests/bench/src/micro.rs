//! The parts that need no server, measured by criterion in `benches/micro.rs`: run here, so that their figures stand beside
//! the others.

use std::process::Command;
use std::time::Duration;

use serde::Serialize;
use system::process::Process;
use system::repository;
use system::{Error, Result};

/// Building them included.
const LIMIT: Duration = Duration::from_secs(900);

/// One part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Micro {
    /// What is done.
    pub name: String,
    /// How long it takes, nanoseconds.
    pub nanos: f64,
    /// Within so much.
    pub spread: f64,
}

/// Runs them all.
///
/// # Errors
/// When they do not compile, or fail.
pub fn run(quick: bool) -> Result<Vec<Micro>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let seconds = if quick { ["0.3", "1"] } else { ["1", "3"] };
    let mut command = Command::new(cargo);
    command
        .current_dir(repository::root())
        .args([
            "bench", "--quiet", "--locked", "-p", "bench", "--bench", "micro", "--",
        ])
        .args(["--output-format", "bencher", "--noplot"])
        .args(["--warm-up-time", seconds[0], "--measurement-time", seconds[1]]);
    let ended = Process::start("cargo bench", &mut command)?.wait(LIMIT)?;
    if !ended.status.success() {
        return Err(Error::Ended {
            what: "cargo bench".to_owned(),
            status: ended.status.to_string(),
            tail: ended.text(),
        });
    }
    Ok(ended.lines.iter().filter_map(|line| read(&line.text)).collect())
}

/// A line such as `test policy step ... bench:         123 ns/iter (+/- 4)`.
fn read(line: &str) -> Option<Micro> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... bench:")?;
    let (nanos, rest) = rest.split_once("ns/iter")?;
    let spread = rest.trim().strip_prefix("(+/- ")?.strip_suffix(')')?;
    let number = |text: &str| text.trim().replace(',', "").parse().ok();
    Some(Micro {
        name: name.trim().to_owned(),
        nanos: number(nanos)?,
        spread: number(spread)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_criterion_are_read() {
        let line = "test policy/after a hint ... bench:       1,234 ns/iter (+/- 56)";
        let expected = Micro {
            name: "policy/after a hint".to_owned(),
            nanos: 1_234.0,
            spread: 56.0,
        };
        assert_eq!(read(line), Some(expected));
        assert_eq!(read("running 3 tests"), None);
    }
}
