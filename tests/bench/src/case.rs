//! What can be measured: the work, who does it, and what the project promises of it. The list itself is in `cases`.

use serde::Serialize;

/// One comparison: the same work by several clients, in turns, against one server.
#[derive(Debug, Clone)]
pub struct Case {
    /// As given to `--only`.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// What is done.
    pub work: Work,
    /// Each thread does it once a second, and no more.
    pub each_second: bool,
    /// Over TLS 1.3, the certificate verified where the client does that.
    pub tls: bool,
    /// JMeter threads, or threads or tasks of the raw client.
    pub threads: u32,
    /// In place of turns a whole test run of so many operations: JMeter starts anew for each round, cold, as its users start it.
    pub whole_run: Option<u32>,
    /// Who does it.
    pub clients: Vec<Client>,
    /// Which of ours the promises are about.
    pub subject: Client,
    /// Whether JMeter writes a result file (CSV) meanwhile.
    pub result_file: bool,
    /// Whether `--quick` has it.
    pub quick: bool,
    /// What is promised.
    pub targets: Vec<Target>,
}

/// The work of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Opens a connection and closes it with a close frame, again and again.
    Connect,
    /// Asks for an upgrade and is refused with 429, headers and body.
    Refused,
    /// Sends a text of so many bytes over an open connection and waits for its echo; with ours, so many times a sample.
    Echo {
        /// Bytes of the text.
        bytes: usize,
        /// Echoes in one of our samples.
        repeat: u32,
    },
    /// As [`Work::Connect`], but what counts is how long an opening takes, seen by the server and shown by JMeter.
    Opening,
    /// Opens as many connections as there are threads and holds them.
    Idle,
}

/// Who does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// The raw bound: a Rust program with a blocking thread for each connection.
    Raw,
    /// The raw bound without a thread each: tokio with one worker.
    RawAsync,
    /// Our samplers in JMeter.
    Ours,
    /// The same with virtual users.
    OursVirtual,
    /// The WebSocket samplers 1.3.1 in the same JMeter.
    Theirs,
    /// The same with the JVM's TLS flag that shortens their stall.
    TheirsTuned,
    /// They with our virtual users.
    TheirsVirtual,
    /// JMeter's threads with no connections.
    Threads,
}

impl Client {
    /// As in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Client::Raw => "raw",
            Client::RawAsync => "raw async",
            Client::Ours => "ours",
            Client::OursVirtual => "ours virtual",
            Client::Theirs => "1.3.1",
            Client::TheirsTuned => "1.3.1 tuned",
            Client::TheirsVirtual => "1.3.1 virtual",
            Client::Threads => "threads",
        }
    }

    /// As in file names.
    pub fn slug(self) -> &'static str {
        match self {
            Client::Raw => "raw",
            Client::RawAsync => "raw-async",
            Client::Ours => "ours",
            Client::OursVirtual => "ours-virtual",
            Client::Theirs => "theirs",
            Client::TheirsTuned => "theirs-tuned",
            Client::TheirsVirtual => "theirs-virtual",
            Client::Threads => "threads",
        }
    }

    /// Whether it uses our samplers.
    pub fn is_ours(self) -> bool {
        matches!(self, Client::Ours | Client::OursVirtual)
    }

    /// Whether its users are virtual threads.
    pub fn is_virtual(self) -> bool {
        matches!(self, Client::OursVirtual | Client::TheirsVirtual)
    }

    /// Whether it runs in JMeter.
    pub fn in_jmeter(self) -> bool {
        !matches!(self, Client::Raw | Client::RawAsync)
    }
}

/// A figure that a round gives for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Measure {
    /// Operations a second.
    Rate,
    /// The client's CPU for one operation.
    CpuUs,
    /// The same over a whole run, from its first operation on: the work of the JVM's compiler included.
    RunCpuUs,
    /// The server's CPU for one operation.
    ServerCpuUs,
    /// Half of the openings were not longer, from accept to the written 101, by the server's clock.
    OpenP50Ms,
    /// 90 % of them.
    OpenP90Ms,
    /// 99 % of them.
    OpenP99Ms,
    /// The median of JMeter's elapsed time (of the raw client: its own).
    ShownElapsedMs,
    /// The median of JMeter's connect time is off by so much from the time until the server had the request.
    ConnectOffMs,
    /// The median of JMeter's latency is off by so much from the time until the server had answered.
    LatencyOffMs,
    /// From the first request to the last 101.
    AllOpenMs,
    /// 99 % of JMeter's elapsed times of an echo.
    ShownP99Ms,
    /// Resident memory with all connections open; in a whole run the most.
    ResidentMib,
}

impl Case {
    /// Whether it is about virtual users; then all its clients run on a Java that has them.
    pub fn is_virtual(&self) -> bool {
        self.subject.is_virtual()
    }

    /// Whether it runs only where it is named: it takes long.
    pub fn is_named_only(&self) -> bool {
        self.whole_run.is_some() || self.is_virtual()
    }
}

impl Measure {
    /// As in the tables, with its unit.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Rate => "per second",
            Measure::CpuUs => "CPU us each",
            Measure::RunCpuUs => "CPU us each, whole run",
            Measure::ServerCpuUs => "server's CPU us each",
            Measure::OpenP50Ms => "open, p50 ms",
            Measure::OpenP90Ms => "open, p90 ms",
            Measure::OpenP99Ms => "open, p99 ms",
            Measure::ShownElapsedMs => "shown elapsed, ms",
            Measure::ConnectOffMs => "shown connect off by ms",
            Measure::LatencyOffMs => "shown latency off by ms",
            Measure::AllOpenMs => "all open after ms",
            Measure::ShownP99Ms => "shown elapsed, p99 ms",
            Measure::ResidentMib => "resident MiB",
        }
    }

    /// Whether more is better.
    pub fn grows(self) -> bool {
        self == Measure::Rate
    }
}

/// A promise about ours, judged by the median over the rounds.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Of which figure.
    pub measure: Measure,
    /// What of it.
    pub value: Value,
    /// How large it may or must be.
    pub bound: Bound,
}

/// What is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// Ours divided by another client's, round by round.
    Over(Client),
    /// Ours less another client's, round by round.
    Less(Client),
    /// Ours alone.
    Alone,
}

/// Where a value has to lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// There or above.
    AtLeast(f64),
    /// There or below.
    AtMost(f64),
}

impl Bound {
    /// Whether a value keeps it.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Bound::AtLeast(least) => value >= least,
            Bound::AtMost(most) => value <= most,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Bound::AtLeast(least) => write!(out, ">= {least}"),
            Bound::AtMost(most) => write!(out, "<= {most}"),
        }
    }
}
