//! Two hundred users at once before each of some limiters, side by side in one JMeter: who got in, when, and by how many
//! attempts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{HELD_MS, Limiter};
use crate::jmeter::{Finished, Home, Jmeter};
use crate::jtl::{self, Sample};
use crate::peers::Peer;
use crate::plan::{Group, Plan};
use crate::repository::fresh_folder;
use crate::serve::Serve;
use crate::{Error, Result};

/// Longest plan: users for themselves may take `wsb.retry.maxElapsed`, 120 s.
const LIMIT: Duration = Duration::from_secs(240);

/// How users try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each for itself, as by default.
    Alone,
    /// Behind a shared gate.
    Pace,
}

/// Both.
pub const MODES: [Mode; 2] = [Mode::Alone, Mode::Pace];

/// Users of one mode before one limiter, with one seed.
#[derive(Debug, Clone)]
struct Run {
    limiter: &'static Limiter,
    mode: Mode,
    round: u32,
}

/// How they fared.
#[derive(Debug, Clone)]
pub struct Fared {
    /// Before which one.
    pub limiter: &'static Limiter,
    /// How they tried.
    pub mode: Mode,
    /// Which round it was, from 1 on.
    pub round: u32,
    /// Users who never got in.
    pub lost: usize,
    /// Seconds until the last one was in.
    pub last: f64,
    /// The same as a multiple of the earliest.
    pub of_bound: f64,
    /// Attempts a user.
    pub attempts: f64,
}

/// Users before limiters.
#[derive(Debug)]
pub struct Storm {
    /// Users of each run.
    pub users: u32,
    /// For all files; emptied first.
    pub folder: PathBuf,
    runs: Vec<Run>,
}

impl Mode {
    /// The value of `wsb.shared.mode`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Alone => "off",
            Self::Pace => "pace",
        }
    }
}

impl Storm {
    /// Without runs.
    #[must_use]
    pub fn new(users: u32, folder: &Path) -> Self {
        Self {
            users,
            folder: folder.to_owned(),
            runs: Vec::new(),
        }
    }

    /// Adds rounds of users of one mode before one limiter; their number is the seed of their jitter.
    #[must_use]
    pub fn before(mut self, limiter: &'static Limiter, mode: Mode, rounds: u32) -> Self {
        self.runs
            .extend((1..=rounds).map(|round| Run { limiter, mode, round }));
        self
    }

    /// Lets all of them come, at most so many runs at a time, and tells of each set that is over with the run's `Finished`.
    ///
    /// # Errors
    /// When a limiter is not installed, or JMeter does not end well.
    pub fn run(
        &self,
        side_by_side: usize,
        setup: impl Fn(Jmeter) -> Jmeter,
        mut tell: impl FnMut(&[Fared], &Finished),
    ) -> Result<Vec<Fared>> {
        let folder = fresh_folder(&self.folder)?;
        let mut all = Vec::new();
        for (set, runs) in (1..).zip(self.runs.chunks(side_by_side.max(1))) {
            let own = fresh_folder(&folder.join(format!("set-{set}")))?;
            let finished = self.together(runs, &own, &setup)?;
            let samples = finished.samples()?;
            let fared = runs
                .iter()
                .map(|run| self.fared(run, &samples))
                .collect::<Result<Vec<_>>>()?;
            tell(&fared, &finished);
            all.extend(fared);
        }
        Ok(all)
    }

    /// Each before a limiter of its own, with a server of its own behind it.
    fn together(&self, runs: &[Run], folder: &Path, setup: impl Fn(Jmeter) -> Jmeter) -> Result<Finished> {
        let mut plan = Plan::default();
        let mut servers = Vec::new();
        for (number, run) in runs.iter().enumerate() {
            let serve = Serve::start(&["--limit", "none"])?;
            let own = fresh_folder(&folder.join(format!("limiter-{number}")))?;
            let peer = run.limiter.start(&own, serve.address())?;
            plan = plan.and(self.group(run, &peer));
            servers.push((peer, serve));
        }
        let plan = plan.write(&folder.join("plan.jmx"))?;
        let jmeter = Jmeter::new(&Home::assembled()?, &plan, &folder.join("run"))
            .property("sample_variables", "wsb.attempts");
        setup(jmeter).start()?.finish(LIMIT)?.succeeded()
    }

    fn group(&self, run: &Run, peer: &Peer) -> Group {
        let label = run.label();
        let (url, seed) = (peer.url("/"), run.round.to_string());
        let properties = [
            ("wsb.url", url.as_str()),
            ("wsb.shared.mode", run.mode.name()),
            ("wsb.retry.seed", &seed),
        ];
        let group = Group::new(&label, self.users).connect(&label, &properties);
        if run.limiter.quota.is_held() {
            return group.pause(&HELD_MS.to_string()).sampler("Close", "leave", &[]);
        }
        group
    }

    fn fared(&self, run: &Run, samples: &[Sample]) -> Result<Fared> {
        let label = run.label();
        let own: Vec<Sample> = samples
            .iter()
            .filter(|sample| sample.label == label)
            .cloned()
            .collect();
        let users = self.users as usize;
        if own.len() != users {
            return Err(Error::Content {
                what: label,
                why: format!("has {} samples of {users} users", own.len()),
            });
        }
        let times = jtl::connect_times(&own);
        let last = times.last().copied().unwrap_or(f64::INFINITY);
        let attempts: f64 = own.iter().map(|sample| sample.number("wsb.attempts")).sum();
        Ok(Fared {
            limiter: run.limiter,
            mode: run.mode,
            round: run.round,
            lost: users - times.len(),
            last,
            of_bound: last / run.limiter.quota.bound(self.users),
            attempts: attempts / f64::from(self.users),
        })
    }
}

impl Run {
    fn label(&self) -> String {
        format!(
            "{}, {}, round {}",
            self.limiter.name,
            self.mode.name(),
            self.round
        )
    }
}

/// The mean of rounds before one limiter in one mode, and what of its promise they miss.
#[must_use]
pub fn misses(rounds: &[Fared]) -> Vec<String> {
    let Some(first) = rounds.first() else {
        return Vec::new();
    };
    let promise = first.limiter.kind.promise(first.mode);
    let lost: usize = rounds.iter().map(|round| round.lost).sum();
    let figures = [
        (
            mean(rounds, |round| round.of_bound),
            promise.of_bound,
            "x the bound",
        ),
        (mean(rounds, |round| round.attempts), promise.attempts, "attempts"),
    ];
    let too_much = figures
        .into_iter()
        .filter(|(seen, most, _)| seen > most)
        .map(|(seen, most, what)| format!("{seen:.2} {what}, promised {most:.2}"));
    let none_in = (lost > 0).then(|| format!("{lost} lost"));
    none_in.into_iter().chain(too_much).collect()
}

/// The mean of a figure over rounds; NaN without any.
pub fn mean(rounds: &[Fared], figure: impl Fn(&Fared) -> f64) -> f64 {
    rounds.iter().map(figure).sum::<f64>() / rounds.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fared(lost: usize, of_bound: f64, attempts: f64) -> Fared {
        let limiter = Limiter::named("nginx limit_conn 20, 503").unwrap();
        Fared {
            limiter,
            mode: Mode::Pace,
            round: 1,
            lost,
            last: 0.0,
            of_bound,
            attempts,
        }
    }

    #[test]
    fn a_promise_is_kept_by_the_mean_and_by_nobody_lost() {
        assert_eq!(misses(&[fared(0, 1.25, 1.2), fared(0, 1.34, 1.2)]), [""; 0]);
        assert_eq!(
            misses(&[fared(0, 1.25, 1.2), fared(1, 1.45, 1.5)]),
            [
                "1 lost",
                "1.35 x the bound, promised 1.30",
                "1.35 attempts, promised 1.30"
            ]
        );
    }
}
