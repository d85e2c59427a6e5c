//! `ws-backoff probe` before a limiter that other people wrote: what it says, beside what the limiter is, and what that took.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use limiter::LimitSpec;

use super::Limiter;
use crate::finding::{Found, Verdict};
use crate::repository::{fresh_folder, program};
use crate::serve::Serve;
use crate::{Error, Result, during, trace};

/// What came of an experiment.
#[derive(Debug, Clone)]
pub struct Probed {
    /// The answer.
    pub found: Found,
    /// What it is worth.
    pub verdict: Verdict,
    /// Each figure that was told by a narrow interval, and whether it is near the truth.
    pub figures: Vec<(&'static str, bool)>,
    /// Upgrades that it asked for.
    pub upgrades: u64,
    /// How long it took.
    pub took: Duration,
}

impl Limiter {
    /// Asks it by `ws-backoff probe` for at most so many upgrades; its files and the trace stay in `folder`, which is emptied first.
    ///
    /// # Errors
    /// When it is not installed, or `probe` fails.
    pub fn probe(&self, budget: u32, folder: &Path) -> Result<Probed> {
        let folder = fresh_folder(folder)?;
        let behind = Serve::start(&["--limit", "none"])?;
        let peer = self.start(&fresh_folder(&folder.join("limiter"))?, behind.address())?;
        let file = folder.join("probe.jsonl");
        let mut command = Command::new(program()?);
        command.args([
            "probe",
            &peer.url("/"),
            "--json",
            "--budget",
            &budget.to_string(),
            "--trace",
        ]);
        let begun = Instant::now();
        let output = command.arg(&file).output().map_err(during("ws-backoff probe"))?;
        let took = begun.elapsed();
        let found: Found = serde_json::from_slice(&output.stdout).map_err(|error| Error::Content {
            what: format!("ws-backoff probe before {}", self.name),
            why: format!("{error}: {}", String::from_utf8_lossy(&output.stderr)),
        })?;
        let truth: LimitSpec = self.limit.parse().expect("a test parses each");
        Ok(Probed {
            verdict: found.verdict(&truth),
            figures: found.figures(&truth),
            found,
            upgrades: trace::read(&file)?.iter().map(trace::Attempt::requests).sum(),
            took,
        })
    }
}
