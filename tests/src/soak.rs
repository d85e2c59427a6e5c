//! A long, hostile run: all elements in one plan against a server that misbehaves at random, and what must hold at its end. The
//! short form is a whole-system test, the long one `script/soak`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::jmeter::{Finished, Home, Jmeter, Running};
use crate::jtl::Sample;
use crate::plan::{Group, Plan};
use crate::process::Process;
use crate::serve::{Serve, Stats};
use crate::{Error, Result, at, repository, trace};

/// All ways to misbehave but one: a redirect makes two requests of one attempt, and the counts could not agree.
const FAULTS: [&str; 21] = [
    "drip",
    "early-hints",
    "frame-with-101",
    "keep-alive-upgrade",
    "bad-accept",
    "bad-subprotocol",
    "bad-extension",
    "drop-after",
    "drip-refusal",
    "tarpit",
    "keep-open",
    "http10",
    "chunked",
    "no-length",
    "huge-headers",
    "huge-body",
    "endless-body",
    "silent",
    "reset",
    "half-close",
    "garbage",
];
/// Which part of the attempts meets one of them.
const FAULTED: f64 = 0.35;
/// A limit that the users meet all the time, so that there are throttles among the faults.
const LIMIT: &str = "token-bucket rate=400 burst=50";
/// How long an attempt may take; some faults never answer.
const ATTEMPT: &str = "300";
/// The limit of a message's wait.
const READ: &str = "200";
/// How much the process may grow after a third of the time, in KiB. The heap is there from the start; what grows are the JVM's
/// compiled code and its thread stacks. A 4 KiB buffer left behind by one in ten attempts would be more after a minute.
const GROWTH_KIB: u64 = 32 * 1024;
/// How long a user may need to end after the time is over: one sample.
const ENDING: Duration = Duration::from_secs(60);
/// How often progress is told.
const PROGRESS: Duration = Duration::from_secs(2);

/// Users by group, each with a path of its own.
const USERS: [(&str, u32); 4] = [("Talk", 12), ("Retry", 6), ("Once", 6), ("Pace", 6)];

/// A run of this length, whose faults are drawn with this seed.
#[derive(Debug, Clone)]
pub struct Soak {
    /// How long users come.
    pub time: Duration,
    /// For the faults, and the policies' jitter.
    pub seed: u64,
    /// For all files of the run; emptied first.
    pub folder: PathBuf,
}

/// How the process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    memory_kib: u64,
    /// Open files that are no sockets.
    files: usize,
}

/// What came of a run.
#[derive(Debug)]
pub struct Verdict {
    /// What was counted, for people.
    pub figures: Vec<String>,
    /// What does not hold; empty: all is well.
    pub faults: Vec<String>,
}

impl Soak {
    /// Runs it, telling of its progress.
    ///
    /// # Errors
    /// When something is not built, or the run does not start or end. What does not hold is in the verdict.
    pub fn run(&self, mut tell: impl FnMut(&str)) -> Result<Verdict> {
        repository::fresh_folder(&self.folder)?;
        let seed = self.seed.to_string();
        let faults = FAULTS.map(|fault| format!("{fault}:{:.4}", FAULTED / FAULTS.len() as f64));
        let mut options = vec![
            "--limit",
            LIMIT,
            "--retry-after",
            "ms",
            "--seed",
            &seed,
            "--drip-pace",
            "1ms",
        ];
        for fault in &faults {
            options.extend(["--fault", fault]);
        }
        let serve = Serve::start(&options)?;
        let running = self.jmeter(&serve)?.start()?;
        let begun = Instant::now();
        let early_at = self.time / 3;
        let mut early = None;
        let users: u32 = USERS.iter().map(|(_, users)| users).sum();
        loop {
            std::thread::sleep(PROGRESS.min(self.time / 10));
            let passed = begun.elapsed();
            let (standing, left) = (Standing::of(running.id())?, users_left(running.id())?);
            let stats = serve.stats()?;
            tell(&format!(
                "{:>4} s of {}: {:>7} attempts, {:>6} accepted, {:>6} faulted, {:>3} open, {left:>2} of {users} users, {} MiB",
                passed.as_secs(),
                self.time.as_secs(),
                stats.attempts,
                stats.accepted,
                stats.faulted,
                stats.open,
                standing.memory_kib / 1024,
            ));
            if early.is_none() && passed >= early_at {
                early = Some(standing);
            }
            if passed > self.time && left == 0 {
                break;
            }
            if passed > self.time + ENDING {
                return Err(Error::Content {
                    what: format!("{left} of {users} users"),
                    why: format!("have not ended {ENDING:?} after their time"),
                });
            }
            if running.ends_within(Duration::ZERO) {
                break;
            }
        }
        self.end(&serve, running, early)
    }

    /// Looks at the idle process, ends it, and judges.
    fn end(&self, serve: &Serve, running: Running, early: Option<Standing>) -> Result<Verdict> {
        let late = Standing::of(running.id());
        let sockets = sockets_to(running.id(), serve.address().port());
        let stats = settled(serve)?;
        running.stop_now()?;
        let finished = running.finish(ENDING)?;
        let mut verdict = Verdict {
            figures: Vec::new(),
            faults: Vec::new(),
        };
        match (early, late) {
            (Some(early), Ok(late)) => verdict.standing(early, late),
            _ => verdict.faults.push("the JVM ended before its time".to_owned()),
        }
        if !matches!(sockets, Ok(0)) {
            verdict
                .faults
                .push(format!("sockets to the server at the end: {sockets:?}"));
        }
        verdict.machine(&finished, &self.folder)?;
        let samples = finished.samples()?;
        verdict.codes(&samples)?;
        verdict.counts(&samples, &trace::read(&self.trace())?, &stats);
        Ok(verdict)
    }

    fn trace(&self) -> PathBuf {
        self.folder.join("trace.jsonl")
    }

    fn jmeter(&self, serve: &Serve) -> Result<Jmeter> {
        let plan = self.plan(serve).write(&self.folder.join("plan.jmx"))?;
        let run = Jmeter::new(&Home::assembled()?, &plan, &self.folder.join("run"))
            .property("wsb.trace", &self.trace().display())
            .property("sample_variables", "wsb.attempts");
        // A heap that is there from the start, so that only what is outside of it can grow.
        let options = [
            "-Xcheck:jni",
            "-Xms256m",
            "-Xmx256m",
            "-XX:+AlwaysPreTouch",
            "-XX:MaxMetaspaceSize=128m",
        ];
        Ok(options.into_iter().fold(run, Jmeter::jvm))
    }

    /// Each group is a way to use the elements; the last one keeps the JVM for the last look.
    fn plan(&self, serve: &Serve) -> Plan {
        let seconds = u32::try_from(self.time.as_secs()).unwrap_or(u32::MAX);
        let seed = self.seed.to_string();
        let shared = [
            ("wsb.retry.attemptTimeout", ATTEMPT),
            ("wsb.readTimeout", READ),
            ("wsb.close.timeout", READ),
            ("wsb.retry.strategy", "full"),
            ("wsb.retry.base", "5"),
            ("wsb.retry.transientBase", "5"),
            ("wsb.retry.cap", "50"),
            ("wsb.retry.maxAttempts", "3"),
            ("wsb.retry.seed", &seed),
            ("wsb.hint.mode", "ignore"),
        ];
        let once = [("wsb.retry.strategy", "none")];
        let group = |name: &str, inner: &dyn Fn(Group, &str) -> Group| {
            let users = USERS
                .iter()
                .find(|(known, _)| *known == name)
                .map_or(1, |(_, users)| *users);
            let url = serve.url(&format!("/{}", name.to_lowercase()));
            let body = inner(Group::new("body", 1), &url);
            Group::new(name, users).defaults(&shared).during(seconds, &body)
        };
        let talk = group("Talk", &|body, url| {
            body.connect("Connect", &[("wsb.url", url)])
                .sampler("Exchange", "Exchange", &[("wsb.payload", "hello")])
                .sampler("Send", "Send", &[("wsb.payload", "hello")])
                .sampler("Receive", "Receive", &[])
                .sampler("Ping", "Ping", &[])
                .sampler("Close", "Close", &[])
        });
        let retry = group("Retry", &|body, url| {
            let attempt = Group::new("attempt", 1).connect("Connect", &[("wsb.url", url), once[0]]);
            body.controller("Retry", "Try", &[("wsb.retry.maxAttempts", "4")], &attempt)
                .sampler("Close", "Close", &[])
        });
        let single = group("Once", &|body, url| {
            let fetch = Group::new("fetch", 1).connect("Connect", &[("wsb.url", url), once[0]]);
            let wanted = [
                ("wsb.once.variables", "wsb.attempts"),
                ("wsb.once.ttl", "20"),
                ("wsb.once.timeout", "2s"),
            ];
            body.pause("10")
                .controller("Once", "One for all", &wanted, &fetch)
                .sampler("Ping", "Ping", &[])
                .sampler("Close", "Close", &[])
        });
        let pace = group("Pace", &|body, url| {
            body.pace(&[("wsb.pace.mode", "pace")])
                .connect("Connect", &[("wsb.url", url), once[0]])
                .sampler("Close", "Close", &[("wsb.close.abort", "true")])
        });
        let last = Group::new("Last", 1).pause("86400000");
        [talk, retry, single, pace, last]
            .into_iter()
            .fold(Plan::default(), Plan::and)
    }
}

impl Verdict {
    /// Memory and files.
    fn standing(&mut self, early: Standing, late: Standing) {
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
    fn machine(&mut self, finished: &Finished, folder: &Path) -> Result<()> {
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
    fn codes(&mut self, samples: &[Sample]) -> Result<()> {
        let known = known_codes()?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for sample in samples {
            *counts.entry(&sample.code).or_default() += 1;
        }
        for (code, count) in &counts {
            if !is_known(code, &known) {
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
    /// the server.
    fn counts(&mut self, samples: &[Sample], traced: &[trace::Attempt], stats: &Stats) {
        let connects = samples.iter().filter(|sample| sample.label == "Connect");
        let in_samples: u64 = connects
            .filter_map(|sample| sample.variables.get("wsb.attempts")?.parse::<u64>().ok())
            .sum();
        let sent = traced.iter().filter(|attempt| attempt.sent_us.is_some()).count() as u64;
        self.figures.push(format!(
            "attempts: {in_samples} in samples, {} in the trace, {sent} of them sent, {} at the server",
            traced.len(),
            stats.attempts
        ));
        if in_samples != traced.len() as u64 {
            self.faults.push(format!(
                "{in_samples} attempts in samples, {} in the trace",
                traced.len()
            ));
        }
        if sent != stats.attempts {
            self.faults.push(format!(
                "{sent} attempts were sent, the server counted {}",
                stats.attempts
            ));
        }
    }
}

impl Standing {
    fn of(process: u32) -> Result<Self> {
        let path = PathBuf::from(format!("/proc/{process}/status"));
        let status = std::fs::read_to_string(&path).map_err(at(&path))?;
        let memory = status.lines().find(|line| line.starts_with("VmRSS:"));
        let memory = memory.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        let links = links(process)?;
        Ok(Self {
            memory_kib: memory.ok_or_else(|| Error::Content {
                what: path.display().to_string(),
                why: "no VmRSS".to_owned(),
            })?,
            files: links.iter().filter(|link| !link.starts_with("socket:")).count(),
        })
    }
}

/// What a process has open.
fn links(process: u32) -> Result<Vec<String>> {
    let folder = PathBuf::from(format!("/proc/{process}/fd"));
    let entries = std::fs::read_dir(&folder).map_err(at(&folder))?;
    let links = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    Ok(links.map(|link| link.to_string_lossy().into_owned()).collect())
}

/// The sockets of a process that lead to this port, in whatever state.
fn sockets_to(process: u32, port: u16) -> Result<usize> {
    let path = PathBuf::from(format!("/proc/{process}/net/tcp"));
    let table = std::fs::read_to_string(&path).map_err(at(&path))?;
    let remote = format!(":{port:04X}");
    let rows = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let inodes: BTreeSet<String> = rows
        .filter(|columns| columns.len() > 9 && columns[2].ends_with(&remote))
        .map(|columns| format!("socket:[{}]", columns[9]))
        .collect();
    Ok(links(process)?
        .iter()
        .filter(|link| inodes.contains(*link))
        .count())
}

/// How many threads of our groups are alive; JMeter names them after their group.
fn users_left(process: u32) -> Result<usize> {
    let folder = PathBuf::from(format!("/proc/{process}/task"));
    let tasks = std::fs::read_dir(&folder).map_err(at(&folder))?;
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    let ours = |name: &String| {
        USERS
            .iter()
            .any(|(group, _)| name.starts_with(&format!("{group} ")))
    };
    Ok(names.filter(ours).count())
}

/// The server's figures when nobody comes any more.
fn settled(serve: &Serve) -> Result<Stats> {
    let mut last = serve.stats()?;
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let now = serve.stats()?;
        if now.attempts == last.attempts {
            return Ok(now);
        }
        last = now;
    }
}

#[derive(Deserialize)]
struct Described {
    codes: Vec<Code>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

/// The product's table of codes, without the two that mean a defect or a broken installation.
fn known_codes() -> Result<BTreeSet<String>> {
    let mut command = Command::new(repository::program()?);
    command.args(["describe", "--format", "json"]);
    let text = Process::start("describe", &mut command)?.wait(ENDING)?.text();
    let described: Described = serde_json::from_str(&text).map_err(|error| Error::Content {
        what: "describe --format json".to_owned(),
        why: error.to_string(),
    })?;
    let codes = described.codes.into_iter().map(|code| code.code);
    Ok(codes
        .filter(|code| !code.starts_with("native.") && code != "spec.invalid")
        .collect())
}

fn is_known(code: &str, known: &BTreeSet<String>) -> bool {
    let number = |text: &str, digits| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(own) = code.strip_prefix("Non HTTP response code: ") {
        return known.contains(own);
    }
    number(code, 3)
        || number(code, 4)
        || code.strip_prefix("closed.").is_some_and(|code| number(code, 4))
        || code == "No message"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_statuses_close_codes_or_of_the_table() {
        let known: BTreeSet<String> = ["tcp.refused".to_owned()].into();
        for good in [
            "101",
            "429",
            "1000",
            "closed.1011",
            "No message",
            "Non HTTP response code: tcp.refused",
        ] {
            assert!(is_known(good, &known), "{good}");
        }
        for bad in [
            "",
            "tcp.refused",
            "Non HTTP response code: java.net.SocketException",
            "closed.",
            "12345",
        ] {
            assert!(!is_known(bad, &known), "{bad}");
        }
    }

    #[test]
    fn counts_that_differ_by_one_are_a_fault() {
        let mut verdict = Verdict {
            figures: Vec::new(),
            faults: Vec::new(),
        };
        let stats: Stats = serde_json::from_str(
            r#"{"attempts":1,"accepted":0,"refused":0,"faulted":0,"open":0,"peakOpen":0,"firstAttemptMs":null,
            "lastAcceptedMs":null,"peakAttemptsPerSecond":0,"history":[],"paths":[],"token":null}"#,
        )
        .expect("it is as the server writes it");
        verdict.counts(&[], &[], &stats);
        assert_eq!(verdict.faults.len(), 1, "{:?}", verdict.faults);
    }
}
