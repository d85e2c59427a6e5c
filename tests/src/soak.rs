//! A long, hostile run: all elements in one plan against a server that misbehaves at random, and what must hold at its end. The
//! short form is a whole-system test, the long one `script/soak`.

mod standing;
mod verdict;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::jmeter::{Home, Jmeter, Running};
use crate::plan::{Group, Plan};
use crate::serve::{FAULTS, Serve, Stats};
use crate::{Error, Result, repository, trace};

use standing::{Standing, sockets_to, users_left};
pub use verdict::Verdict;

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
            let (standing, left) = (Standing::of(running.id())?, users_left(running.id(), &USERS)?);
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
