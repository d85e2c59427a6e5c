//! What must hold at the end of a soak, and what does not.

use std::collections::BTreeMap;
use std::path::Path;

use super::standing::Standing;
use super::{GROWTH_KIB, USERS};
use crate::codes::Codes;
use crate::jmeter::Finished;
use crate::jtl::Sample;
use crate::serve::Stats;
use crate::{Result, at, trace};

/// What came of a run.
#[derive(Debug)]
pub struct Verdict {
    /// What was counted, for people.
    pub figures: Vec<String>,
    /// What does not hold; empty: all is well.
    pub faults: Vec<String>,
}

impl Verdict {
    /// Memory and files.
    pub(super) fn standing(&mut self, early: Standing, late: Standing) {
        self.figures.push(format!(
            "memory {} MiB after a third, {} MiB at the end; files {} and {}",
            early.memory_kib / 1024,
            late.memory_kib / 1024,
            early.files,
            late.files
        ));
        if late.memory_kib > early.memory_kib + GROWTH_KIB {
            self.faults.push(format!(
                "the memory grew from {} KiB to {} KiB",
                early.memory_kib, late.memory_kib
            ));
        }
        if late.files > early.files {
            self.faults.push(format!(
                "{} files are open, {} were after a third",
                late.files, early.files
            ));
        }
    }

    /// What the JVM and JMeter say.
    pub(super) fn machine(&mut self, finished: &Finished, folder: &Path) -> Result<()> {
        if !finished.ended.status.success() {
            self.faults
                .push(format!("JMeter ended with {}", finished.ended.status));
        }
        let suspicious = |text: &str| {
            text.contains("WARNING in native")
                || text.contains("FATAL ERROR in native")
                || text.starts_with("WARNING: JNI")
                || text.contains("panicked at")
        };
        let lines = finished.ended.lines.iter().map(|line| &line.text);
        self.faults
            .extend(lines.filter(|text| suspicious(text)).take(5).cloned());
        let crashed = std::fs::read_dir(folder.join("run")).map_err(at(folder))?;
        let names = crashed.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
        self.faults
            .extend(names.filter(|name| name.starts_with("hs_err")));
        let log = finished.log()?;
        let errors = log
            .lines()
            .filter(|line| line.contains(" ERROR ") || line.contains("Exception"));
        self.faults
            .extend(errors.take(5).map(|line| format!("in the log: {line}")));
        for (name, users) in USERS {
            let ended = log.matches(&format!("Thread finished: {name} ")).count();
            if ended != users as usize {
                self.faults
                    .push(format!("{ended} of {users} threads of {name} came to their end"));
            }
        }
        Ok(())
    }

    /// Each sample has a code that is a status, or stands in the product's table.
    pub(super) fn codes(&mut self, samples: &[Sample]) -> Result<()> {
        let known = Codes::described()?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for sample in samples {
            *counts.entry(&sample.code).or_default() += 1;
        }
        for (code, count) in &counts {
            if !known.knows(code) {
                self.faults.push(format!(
                    "{count} samples have the code {code:?}, which nobody knows"
                ));
            }
        }
        let list: Vec<String> = counts
            .iter()
            .map(|(code, count)| format!("{code} x{count}"))
            .collect();
        self.figures
            .push(format!("{} samples: {}", samples.len(), list.join(", ")));
        if counts.len() < 8 {
            self.faults.push(format!(
                "only {} different codes: the faults did not reach the users",
                counts.len()
            ));
        }
        Ok(())
    }

    /// The attempts of the samples, of the trace and of the server. An attempt that ended before its request was sent is none for
    /// the server, and one that followed a redirect is one more for each.
    pub(super) fn counts(&mut self, samples: &[Sample], traced: &[trace::Attempt], stats: &Stats) {
        let connects = samples.iter().filter(|sample| sample.label == "Connect");
        let in_samples: u64 = connects
            .filter_map(|sample| sample.variables.get("wsb.attempts")?.parse::<u64>().ok())
            .sum();
        let requests: u64 = traced.iter().map(trace::Attempt::requests).sum();
        let redirects: u64 = traced.iter().map(|attempt| attempt.redirects).sum();
        self.figures.push(format!(
            "attempts: {in_samples} in samples, {} in the trace; requests: {requests} in the trace, {redirects} of them redirected, \
             {} at the server",
            traced.len(),
            stats.attempts
        ));
        if redirects == 0 {
            self.faults.push("no attempt was redirected".to_owned());
        }
        if in_samples != traced.len() as u64 {
            self.faults.push(format!(
                "{in_samples} attempts in samples, {} in the trace",
                traced.len()
            ));
        }
        if requests != stats.attempts {
            self.faults.push(format!(
                "{requests} requests were sent, the server counted {}",
                stats.attempts
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(traced: &[trace::Attempt], samples: &[Sample], at_server: u64) -> Vec<String> {
        let mut verdict = Verdict {
            figures: Vec::new(),
            faults: Vec::new(),
        };
        let stats: Stats = serde_json::from_str(&format!(
            r#"{{"attempts":{at_server},"accepted":0,"refused":0,"faulted":0,"echoed":0,"open":0,"peakOpen":0,"firstAttemptMs":null,
            "lastAcceptedMs":null,"peakAttemptsPerSecond":0,"history":[],"paths":[],"token":null}}"#,
        ))
        .expect("it is as the server writes it");
        verdict.counts(samples, traced, &stats);
        verdict.faults
    }

    #[test]
    fn counts_that_differ_by_one_are_a_fault() {
        let attempt = |sent: &str, redirects: u64| -> trace::Attempt {
            serde_json::from_str(&format!(
                r#"{{"at":1,"target":"ws://h/","user":"U","ordinal":0,"attempt":1,"sentUs":{sent},"totalUs":2,"redirects":{redirects}}}"#
            ))
            .expect("it is as the client writes it")
        };
        // Three requests of one, one of another, none of one that was never sent, one of one whose second hop was not.
        let traced = [
            attempt("1", 2),
            attempt("1", 0),
            attempt("null", 0),
            attempt("null", 1),
        ];
        let samples = [Sample {
            label: "Connect".to_owned(),
            variables: [("wsb.attempts".to_owned(), "4".to_owned())].into(),
            ..Sample::default()
        }];
        assert_eq!(verdict(&traced, &samples, 5), Vec::<String>::new());
        assert_eq!(verdict(&traced, &samples, 4).len(), 1);
        assert_eq!(verdict(&traced[1..3], &samples, 1).len(), 2, "no redirect");
    }
}
