//! A whole test run, as users do one: JMeter is started for it, works its loops off and ends. Its compiler has not seen the
//! code before, so this tells what a test of some minutes gets; the cases in turns tell what one of an hour gets.

use std::path::Path;
use std::time::{Duration, Instant};

use system::jmeter::{Finished, Home};
use system::{Error, Result};

use crate::arguments::Effort;
use crate::case::{Case, Client, Measure};
use crate::jvm;
use crate::plans;
use crate::progress::progress;
use crate::server::Server;
use crate::spread::figure;
use crate::turns::{Moment, Round, Rounds, figures};
use crate::usage;

/// Of the time between the first and the last operation the part that counts.
const FROM: f64 = 0.4;
const TO: f64 = 0.9;
/// How often server and client are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How long a run may take.
const LIMIT: Duration = Duration::from_secs(180);

/// Runs a case of so many operations to its end.
///
/// # Errors
/// When server or client cannot do its work.
pub fn run(case: &Case, operations: u32, effort: &Effort, home: &Home, folder: &Path) -> Result<Rounds> {
    let mut rounds = Rounds::new();
    for round in 0..effort.rounds as usize {
        for place in 0..case.clients.len() {
            let client = case.clients[(place + round) % case.clients.len()];
            let figures = one(case, client, operations, home, folder)?;
            progress(&format!(
                "{}: round {} of {}, {}: {}/s",
                case.name,
                round + 1,
                effort.rounds,
                client.name(),
                figure(figures.get(&Measure::Rate).copied().unwrap_or_default())
            ));
            rounds.entry(client).or_default().push(figures);
        }
    }
    Ok(rounds)
}

fn one(case: &Case, client: Client, operations: u32, home: &Home, folder: &Path) -> Result<Round> {
    let server = Server::start(case, folder)?;
    let each = operations / case.threads;
    let plan = plans::whole(case, client, &server, each);
    let running = jvm::jmeter(case, client, home, folder, &plan)?.start()?;
    let total = u64::from(each * case.threads);
    let begun = Instant::now();
    let mut moments = Vec::new();
    let mut resident: f64 = 0.0;
    loop {
        let counters = server.counters()?;
        let done = counters.operations(case.work);
        if done > 0 {
            moments.push(Moment {
                counters,
                client: usage::cpu(running.id())?,
                server: server.cpu()?,
            });
        }
        if done >= total {
            break;
        }
        if case.is_virtual() {
            resident = resident.max(usage::resident_mib(running.id())?);
        }
        if begun.elapsed() > LIMIT || running.ends_within(LOOK) {
            return Err(Error::Late {
                what: format!("operation {total} of {} (it made {done})", client.name()),
                limit: LIMIT,
                tail: String::new(),
            });
        }
    }
    let finished = running.finish(LIMIT)?;
    let steady = |share| at(&moments, share);
    let mut round = figures(case.work, steady(FROM), steady(TO));
    let all = figures(case.work, steady(0.0), steady(1.0));
    if let Some(&cpu) = all.get(&Measure::CpuUs) {
        round.insert(Measure::RunCpuUs, cpu);
    }
    if case.is_virtual() {
        round.insert(Measure::ResidentMib, resident);
        all_went_well(client, &finished)?;
    }
    if case.each_second {
        let samples = finished.samples()?;
        let echoes = samples.iter().filter(|sample| sample.label == plans::EXCHANGE);
        let mut shown: Vec<f64> = echoes.map(|sample| sample.elapsed_ms as f64).collect();
        shown.sort_by(f64::total_cmp);
        if let Some(&p99) = shown.get(shown.len() * 99 / 100) {
            round.insert(Measure::ShownP99Ms, p99);
        }
    }
    Ok(round)
}

/// A run in which samples failed says nothing, by JMeter's own count.
fn all_went_well(client: Client, finished: &Finished) -> Result<()> {
    let text = finished.ended.text();
    let whole = text.lines().rfind(|line| line.starts_with("summary ="));
    let count = whole.and_then(|line| line.split("Err:").nth(1)?.split_whitespace().next());
    if count == Some("0") {
        return Ok(());
    }
    Err(Error::Content {
        what: format!("JMeter's count of failed samples of {}", client.name()),
        why: whole.unwrap_or("there is none").to_owned(),
    })
}

/// The first moment behind this share of the time between the first and the last one.
fn at(moments: &[Moment], share: f64) -> &Moment {
    let time = |moment: &Moment| moment.counters.uptime_ms as f64;
    let (first, last) = (time(&moments[0]), time(&moments[moments.len() - 1]));
    let wanted = first + (last - first) * share;
    let place = moments.partition_point(|moment| time(moment) < wanted);
    &moments[place.min(moments.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Counters;

    #[test]
    fn the_steady_part_lies_between_two_shares_of_the_time() {
        let moments: Vec<Moment> = (0..=10)
            .map(|place| Moment {
                counters: Counters {
                    uptime_ms: 5_000 + 100 * place,
                    accepted: place,
                    refused: 0,
                    echoed: 0,
                    open: 0,
                    first_attempt_ms: None,
                    last_accepted_ms: None,
                },
                client: Duration::ZERO,
                server: Duration::ZERO,
            })
            .collect();
        for (share, accepted) in [(0.0, 0), (FROM, 4), (0.45, 5), (TO, 9), (1.0, 10)] {
            assert_eq!(at(&moments, share).counters.accepted, accepted, "{share}");
        }
    }
}
