//! Connections that are only held: how soon all are open, and the memory that they take.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use system::jmeter::Home;
use system::process::Process;
use system::{Error, Result};

use crate::arguments::Effort;
use crate::case::{Case, Client, Measure};
use crate::jvm;
use crate::plans;
use crate::progress::progress;
use crate::raw::HOLDING;
use crate::server::{Counters, Server};
use crate::spread::figure;
use crate::turns::{Round, Rounds};
use crate::usage;

/// How long all connections may take to open.
const OPEN: Duration = Duration::from_secs(120);
/// From the last 101 until memory is read: threads have gone to sleep.
const SETTLE: Duration = Duration::from_millis(1_500);
/// Threads without connections are seen to be there by their number.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a case to its end: each client is started anew in each round.
///
/// # Errors
/// When connections do not open.
pub fn run(case: &Case, effort: &Effort, home: &Home, folder: &Path) -> Result<Rounds> {
    let mut rounds = Rounds::new();
    for round in 0..effort.idle_rounds {
        for client in case.clients.iter().copied() {
            let server = Server::start(case, folder)?;
            let figures = if client.in_jmeter() {
                in_jmeter(case, client, &server, home, folder)?
            } else {
                raw(case, &server)?
            };
            let told: Vec<String> = figures
                .iter()
                .map(|(measure, value)| format!("{} {}", measure.name(), figure(*value)))
                .collect();
            progress(&format!(
                "{}: round {} of {}, {}: {}",
                case.name,
                round + 1,
                effort.idle_rounds,
                client.name(),
                told.join(", ")
            ));
            rounds.entry(client).or_default().push(figures);
        }
    }
    Ok(rounds)
}

fn in_jmeter(case: &Case, client: Client, server: &Server, home: &Home, folder: &Path) -> Result<Round> {
    let plan = plans::holding(case, client, server);
    let running = jvm::jmeter(case, client, home, folder, &plan)?.start()?;
    let mut figures = if client == Client::Threads {
        until("threads", || {
            Ok(usage::threads(running.id())? >= case.threads.into())
        })?;
        Round::new()
    } else {
        all_open(case, server)?
    };
    std::thread::sleep(SETTLE);
    figures.insert(Measure::ResidentMib, usage::resident_mib(running.id())?);
    jvm::stop(running)?;
    Ok(figures)
}

fn raw(case: &Case, server: &Server) -> Result<Round> {
    let own = std::env::current_exe().map_err(|source| Error::Io {
        what: "finding this program".to_owned(),
        source,
    })?;
    let mut command = Command::new(own);
    command
        .arg("--hold")
        .args([server.address().to_string(), case.threads.to_string()]);
    let process = Process::start("the raw client", &mut command)?;
    process.wait_for_line(HOLDING, OPEN)?;
    let mut figures = all_open(case, server)?;
    figures.insert(Measure::ResidentMib, usage::resident_mib(process.id())?);
    Ok(figures)
}

/// Waits for the last connection, and tells how long all took by the server's clock.
fn all_open(case: &Case, server: &Server) -> Result<Round> {
    until("connections", || {
        Ok(server.counters()?.open >= case.threads.into())
    })?;
    let Counters {
        first_attempt_ms,
        last_accepted_ms,
        ..
    } = server.counters()?;
    let length = last_accepted_ms
        .zip(first_attempt_ms)
        .map_or(0, |(last, first)| last.saturating_sub(first));
    Ok(Round::from([(Measure::AllOpenMs, length as f64)]))
}

fn until(what: &str, mut there: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + OPEN;
    while !there()? {
        if Instant::now() > deadline {
            return Err(Error::Late {
                what: format!("the last of the {what}"),
                limit: OPEN,
                tail: String::new(),
            });
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}
