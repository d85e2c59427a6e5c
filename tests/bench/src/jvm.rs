//! One JMeter of a case: started, brought to its gate, let through for a turn, ended.

use std::path::Path;
use std::time::Duration;

use system::jmeter::{Finished, Home, Jmeter, Running};
use system::jtl::Sample;
use system::plan::Plan;
use system::{Error, Result, repository};

use crate::case::{Case, Client, Work};
use crate::gate::Gate;
use crate::plans;
use crate::server::Server;
use crate::usage;

/// What `bin/jmeter` sets, with a heap of one size.
const JVM: [&str; 6] = [
    "-Xms1g",
    "-Xmx1g",
    "-XX:MaxMetaspaceSize=256m",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=100",
    "-XX:G1ReservePercent=20",
];
/// Memory that is touched for the first time costs as much as an echo does, and who makes less garbage would pay for it the longer.
const TOUCHED: &str = "-XX:+AlwaysPreTouch";
/// Where what is resident counts: a heap that grows as it is needed.
const GROWING: &str = "-Xms128m";
/// Without it the JDK sends a record more in each handshake, on which Nagle's algorithm then waits.
const TUNED: &str = "-Djdk.tls.client.useCompatibilityMode=false";
/// How long all threads may take to come to the gate.
const GATHER: Duration = Duration::from_secs(120);
/// How long a stopped JMeter may take to end.
const END: Duration = Duration::from_secs(60);

/// A JMeter whose threads wait at its gate.
pub struct Jvm {
    running: Running,
    gate: Gate,
    threads: u32,
}

impl Jvm {
    /// Starts a client of a case that goes in turns of `seconds`, and waits until all of its threads are at the gate.
    ///
    /// # Errors
    /// When JMeter does not start, or when threads do not come.
    pub fn start(
        case: &Case,
        client: Client,
        server: &Server,
        home: &Home,
        folder: &Path,
        seconds: u32,
    ) -> Result<Self> {
        let gate = Gate::open_port()?;
        let plan = plans::in_turns(case, client, server, gate.address(), seconds);
        let running = jmeter(case, client, home, folder, &plan)?.start()?;
        let jvm = Self {
            running,
            gate,
            threads: case.threads,
        };
        jvm.gather(GATHER)?;
        Ok(jvm)
    }

    /// JMeter's CPU time until now.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu(&self) -> Result<Duration> {
        usage::cpu(self.running.id())
    }

    /// Lets the threads go on.
    pub fn release(&self) {
        self.gate.release();
    }

    /// Waits until all threads are back at the gate.
    ///
    /// # Errors
    /// When they are not in time, or when JMeter has ended.
    pub fn gather(&self, limit: Duration) -> Result<()> {
        const LOOK: Duration = Duration::from_secs(2);
        let mut left = limit;
        while !self.gate.holds_within(self.threads, LOOK.min(left)) {
            left = left.saturating_sub(LOOK);
            if left.is_zero() || self.running.ends_within(Duration::ZERO) {
                let (held, threads) = (self.gate.held(), self.threads);
                return Err(Error::Content {
                    what: "JMeter".to_owned(),
                    why: format!("only {held} of {threads} threads wait for their turn"),
                });
            }
        }
        Ok(())
    }

    /// Tells JMeter to end.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn end(&self) -> Result<()> {
        self.running.stop_now()
    }

    /// Waits for JMeter's end and reads its result file, if it was to write one.
    ///
    /// # Errors
    /// When it does not end.
    pub fn wait(self, result_file: bool) -> Result<Vec<Sample>> {
        let finished = self.running.finish(END)?;
        if result_file {
            finished.samples()
        } else {
            Ok(Vec::new())
        }
    }
}

/// A JMeter that is ready to start: the same home, heap and settings for every client. All files go to `folder`.
///
/// # Errors
/// The file system's.
pub fn jmeter(case: &Case, client: Client, home: &Home, folder: &Path, plan: &Plan) -> Result<Jmeter> {
    let own = folder.join(client.slug());
    let path = plan.write(&folder.join(format!("{}.jmx", client.slug())))?;
    let mut jmeter = Jmeter::new(home, &path, &own);
    for option in JVM {
        jmeter = jmeter.jvm(option);
    }
    if case.is_virtual() {
        let java = repository::java_25().ok_or_else(|| Error::Content {
            what: "this machine".to_owned(),
            why: "no Java 25, which virtual users want".to_owned(),
        })?;
        jmeter = jmeter.java(java).jvm(GROWING);
    } else if case.work != Work::Idle {
        jmeter = jmeter.jvm(TOUCHED);
    }
    if client == Client::TheirsTuned {
        jmeter = jmeter.jvm(TUNED);
    }
    Ok(if case.result_file {
        jmeter
    } else {
        jmeter.without_results()
    })
}

/// Stops a run whose threads hold connections.
///
/// # Errors
/// When JMeter does not end.
pub fn stop(running: Running) -> Result<Finished> {
    running.stop_now()?;
    running.finish(END)
}
