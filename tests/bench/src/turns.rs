//! A case in rounds: in each round every client has its turn against the same server, while the others stand still.
//! JMeter is started once a client, and warmed up before the first round.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use system::Result;
use system::jmeter::Home;

use crate::arguments::Effort;
use crate::case::{Case, Client, Measure, Work};
use crate::jvm::Jvm;
use crate::opening::{self, Turn};
use crate::progress::progress;
use crate::raw::Raw;
use crate::server::{Counters, Server};
use crate::spread::figure;
use crate::usage;

/// Of each turn the part that counts: all threads are at work, none has stopped.
const FROM: f64 = 0.2;
const TO: f64 = 0.9;
/// How long a turn may go on behind its end: slow samples, on a busy machine.
const OVERTIME: Duration = Duration::from_secs(60);
/// So many operations, and the JVM's compiler has little left to do.
const WARM_CONNECTS: u64 = 60_000;
const WARM_TLS_CONNECTS: u64 = 10_000;
const WARM_ECHOES: u64 = 1_000_000;

/// The figures of a round.
pub type Round = BTreeMap<Measure, f64>;
/// Each client's rounds, in order.
pub type Rounds = BTreeMap<Client, Vec<Round>>;

/// Server and clients of one case.
struct Contest<'a> {
    case: &'a Case,
    effort: &'a Effort,
    server: Server,
    jvms: BTreeMap<Client, Jvm>,
}

/// The state of server and client at one time.
pub struct Moment {
    /// What the server counted.
    pub counters: Counters,
    /// The client's CPU time.
    pub client: Duration,
    /// The server's CPU time.
    pub server: Duration,
}

/// Runs a case to its end.
///
/// # Errors
/// When server or a client cannot do its work.
pub fn run(case: &Case, effort: &Effort, home: &Home, folder: &Path) -> Result<Rounds> {
    let mut contest = Contest {
        case,
        effort,
        server: Server::start(case, folder)?,
        jvms: BTreeMap::new(),
    };
    for client in case.clients.iter().copied().filter(|client| client.in_jmeter()) {
        progress(&format!("{}: starting {}", case.name, client.name()));
        let jvm = Jvm::start(case, client, &contest.server, home, folder, effort.turn_seconds)?;
        contest.jvms.insert(client, jvm);
        contest.warm_up(client)?;
    }
    let mut turns: BTreeMap<Client, Vec<Turn>> = BTreeMap::new();
    let mut rounds = Rounds::new();
    for round in 0..effort.rounds as usize {
        for place in 0..case.clients.len() {
            // Nobody is always the first, or always behind the same other.
            let client = case.clients[(place + round) % case.clients.len()];
            let (figures, turn) = contest.turn(client)?;
            progress(&format!(
                "{}: round {} of {}, {}: {}",
                case.name,
                round + 1,
                effort.rounds,
                client.name(),
                told(&figures, &turn)
            ));
            rounds.entry(client).or_default().push(figures);
            turns.entry(client).or_default().push(turn);
        }
    }
    // All at once: a JVM takes its time to end.
    for jvm in contest.jvms.values() {
        jvm.end()?;
    }
    let mut samples = BTreeMap::new();
    for (client, jvm) in contest.jvms {
        samples.insert(client, jvm.wait(case.result_file)?);
    }
    if case.work == Work::Opening {
        let log = contest.server.stop_and_read_log()?;
        return Ok(opening::rounds(&log, &samples, &turns));
    }
    Ok(rounds)
}

impl Contest<'_> {
    /// Turns that do not count, until enough is done or the time is over.
    fn warm_up(&self, client: Client) -> Result<()> {
        let connects = !matches!(self.case.work, Work::Echo { .. });
        let (enough, seconds) = match (connects, self.case.tls) {
            (false, _) => (WARM_ECHOES, self.effort.warm_up_seconds),
            (true, false) => (WARM_CONNECTS, self.effort.warm_up_seconds),
            (true, true) => (WARM_TLS_CONNECTS, self.effort.tls_warm_up_seconds),
        };
        let before = self.server.counters()?.operations(self.case.work);
        let mut done = 0;
        for _ in 0..seconds.div_ceil(self.effort.turn_seconds) {
            self.jvms[&client].release();
            self.jvms[&client].gather(self.length() + OVERTIME)?;
            done = self.server.counters()?.operations(self.case.work) - before;
            if done >= enough {
                break;
            }
        }
        progress(&format!(
            "{}: {} is warm after {}",
            self.case.name,
            client.name(),
            figure(done as f64)
        ));
        Ok(())
    }

    fn length(&self) -> Duration {
        Duration::from_secs(self.effort.turn_seconds.into())
    }

    /// One turn, and what it gave.
    fn turn(&self, client: Client) -> Result<(Round, Turn)> {
        let from = SystemTime::now();
        let start = Instant::now();
        let raw = if let Some(jvm) = self.jvms.get(&client) {
            jvm.release();
            None
        } else {
            Some(Raw::start(client, self.case, &self.server, self.length()))
        };
        sleep_until(start + self.length().mul_f64(FROM));
        let first = self.moment(client)?;
        sleep_until(start + self.length().mul_f64(TO));
        let last = self.moment(client)?;
        let openings = match raw {
            Some(raw) => raw.finish()?,
            None => {
                self.jvms[&client].gather(self.length() + OVERTIME)?;
                Vec::new()
            }
        };
        let turn = Turn {
            from,
            to: SystemTime::now(),
            openings,
        };
        Ok((figures(self.case.work, &first, &last), turn))
    }

    fn moment(&self, client: Client) -> Result<Moment> {
        Ok(Moment {
            counters: self.server.counters()?,
            client: match self.jvms.get(&client) {
                Some(jvm) => jvm.cpu()?,
                None => usage::cpu(std::process::id())?,
            },
            server: self.server.cpu()?,
        })
    }
}

/// What happened between two moments, as figures.
pub fn figures(work: Work, first: &Moment, last: &Moment) -> Round {
    let operations = (last.counters.operations(work) - first.counters.operations(work)) as f64;
    let seconds = (last.counters.uptime_ms - first.counters.uptime_ms) as f64 / 1_000.0;
    let each = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64() * 1e6 / operations;
    let mut round = Round::from([(Measure::Rate, operations / seconds)]);
    // Of nothing there is no share.
    if operations > 0.0 {
        round.insert(Measure::CpuUs, each(first.client, last.client));
        round.insert(Measure::ServerCpuUs, each(first.server, last.server));
    }
    round
}

fn told(figures: &Round, turn: &Turn) -> String {
    let rate = figures.get(&Measure::Rate).copied().unwrap_or_default();
    let length = turn.to.duration_since(turn.from).unwrap_or_default();
    format!("{}/s ({:.1} s)", figure(rate), length.as_secs_f64())
}

fn sleep_until(time: Instant) {
    std::thread::sleep(time.saturating_duration_since(Instant::now()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(uptime_ms: u64, echoed: u64, cpu_ms: u64) -> Moment {
        Moment {
            counters: Counters {
                uptime_ms,
                accepted: 100,
                refused: 0,
                echoed,
                open: 100,
                first_attempt_ms: None,
                last_accepted_ms: None,
            },
            client: Duration::from_millis(2 * cpu_ms),
            server: Duration::from_millis(cpu_ms),
        }
    }

    #[test]
    fn a_round_is_what_happened_between_two_moments() {
        let work = Work::Echo { bytes: 32, repeat: 1 };
        let round = figures(work, &moment(1_000, 500, 100), &moment(3_000, 10_500, 600));
        assert!((round[&Measure::Rate] - 5_000.0).abs() < 1e-9);
        assert!((round[&Measure::CpuUs] - 100.0).abs() < 1e-9);
        assert!((round[&Measure::ServerCpuUs] - 50.0).abs() < 1e-9);
        let idle = figures(work, &moment(1_000, 7, 1), &moment(2_000, 7, 1));
        assert_eq!(idle, Round::from([(Measure::Rate, 0.0)]));
    }
}
