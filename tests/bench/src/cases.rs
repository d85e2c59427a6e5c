//! The list of cases, with what is promised of them.

use crate::case::Client::{Ours, OursVirtual, Raw, RawAsync, Theirs, TheirsTuned, TheirsVirtual, Threads};
use crate::case::{Bound, Case, Client, Measure, Target, Value, Work};

/// All of them, in the order in which they run.
pub fn all() -> Vec<Case> {
    let mut cases = connects();
    cases.extend(echoes());
    cases.extend(with_result_file());
    cases.extend(whole_runs());
    cases.extend(openings());
    cases.push(case("idle-1000", "1,000 connections held", Work::Idle, 1_000).quick());
    cases.push(case("idle-5000", "5,000 connections held", Work::Idle, 5_000));
    cases.extend(virtual_users());
    cases
}

fn connects() -> Vec<Case> {
    let connect = |name, about, threads| case(name, about, Work::Connect, threads);
    vec![
        connect("connect-1", "connect + close, 1 thread", 1),
        connect("connect-16", "connect + close, 16 threads", 16)
            .quick()
            .with(RawAsync)
            .at_least(Theirs, 1.6)
            .at_least(Raw, 0.75)
            .target(Measure::CpuUs, Value::Less(Raw), Bound::AtMost(25.0)),
        connect("connect-100", "connect + close, 100 threads", 100),
        connect("connect-tls-1", "connect + close over TLS, 1 thread", 1)
            .tls()
            .with(TheirsTuned),
        connect("connect-tls-16", "connect + close over TLS, 16 threads", 16)
            .tls()
            .quick()
            .with(TheirsTuned)
            .at_least(TheirsTuned, 3.3)
            .at_least(Raw, 0.85),
        connect("connect-tls-50", "connect + close over TLS, 50 threads", 50)
            .tls()
            .at_least(Theirs, 4.5)
            .at_least(Raw, 0.85),
        connect("connect-tls-100", "connect + close over TLS, 100 threads", 100).tls(),
        case("refused-16", "refused with 429, 16 threads", Work::Refused, 16)
            .quick()
            .at_least(Theirs, 1.3)
            .at_least(Raw, 0.7),
    ]
}

fn echoes() -> Vec<Case> {
    vec![
        echo("echo-1", "echo 32 B, 1 thread", 1, 32),
        echo("echo-10", "echo 32 B, 10 threads", 10, 32).promised(1.0),
        echo("echo-100", "echo 32 B, 100 threads", 100, 32)
            .quick()
            .with(RawAsync)
            .promised(1.05),
        echo("echo-500", "echo 32 B, 500 threads", 500, 32).promised(1.1),
        echo("echo-1000", "echo 32 B, 1,000 threads", 1_000, 32),
        echo("echo-tls-100", "echo 32 B over TLS, 100 threads", 100, 32)
            .tls()
            .quick()
            .at_least(Theirs, 1.6)
            .at_least(Raw, 0.8),
        echo("echo-1k", "echo 1 KiB, 10 threads", 10, 1 << 10),
        echo("echo-64k", "echo 64 KiB, 10 threads", 10, 64 << 10)
            .quick()
            .at_least(Theirs, 3.5)
            .at_least(Raw, 0.6),
        echo("echo-1m", "echo 1 MiB, 10 threads", 10, 1 << 20)
            .at_least(Theirs, 2.5)
            .at_least(Raw, 0.6),
        case(
            "repeat-100",
            "echo 32 B, ours 100 a sample, 100 threads",
            Work::Echo {
                bytes: 32,
                repeat: 100,
            },
            100,
        )
        .quick()
        .at_least(Theirs, 1.15)
        .at_least(Raw, 0.9),
    ]
}

fn with_result_file() -> Vec<Case> {
    let connect = case(
        "connect-16-csv",
        "connect + close, 16 threads, result file",
        Work::Connect,
        16,
    );
    let echo = echo("echo-100-csv", "echo 32 B, 100 threads, result file", 100, 32);
    [connect, echo]
        .map(|case| Case {
            result_file: true,
            clients: vec![Ours, Theirs],
            ..case
        })
        .into()
}

/// What a test of a minute gets, JMeter's start and the work of its compiler included.
fn whole_runs() -> Vec<Case> {
    let run = |case: Case, operations| Case {
        whole_run: Some(operations),
        clients: vec![Ours, Theirs],
        ..case
    };
    let connects = case(
        "run-connect-16",
        "60,000 x connect + close, 16 threads",
        Work::Connect,
        16,
    );
    let refused = case(
        "run-refused-16",
        "60,000 x refused with 429, 16 threads",
        Work::Refused,
        16,
    );
    let cpu = |case: Case| case.target(Measure::RunCpuUs, Value::Over(Theirs), Bound::AtMost(0.82));
    vec![
        run(connects, 60_000).at_least(Theirs, 1.3),
        run(refused, 60_000).at_least(Theirs, 1.3),
        cpu(run(
            echo("run-echo-100", "1.2 million echoes of 32 B, 100 threads", 100, 32),
            1_200_000,
        ))
        .at_least(Theirs, 1.05),
        run(
            echo("run-echo-500", "600,000 echoes of 32 B, 500 threads", 500, 32),
            600_000,
        )
        .at_least(Theirs, 1.1),
        run(
            echo(
                "run-echo-tls-100",
                "600,000 echoes of 32 B over TLS, 100 threads",
                100,
                32,
            )
            .tls(),
            600_000,
        )
        .at_least(Theirs, 1.6),
        run(
            echo(
                "run-echo-64k",
                "100,000 echoes of 64 KiB, 10 threads",
                10,
                64 << 10,
            ),
            100_000,
        )
        .at_least(Theirs, 3.5),
    ]
}

fn openings() -> Vec<Case> {
    let opening = |name, about, threads| Case {
        result_file: true,
        ..case(name, about, Work::Opening, threads)
    };
    let open = Measure::OpenP50Ms;
    vec![
        opening("opening-1", "time to open, 1 thread", 1).shown(),
        opening("opening-16", "time to open, 16 threads", 16),
        opening("opening-tls-1", "time to open over TLS, 1 thread", 1)
            .tls()
            .quick()
            .with(TheirsTuned)
            .target(open, Value::Over(TheirsTuned), Bound::AtMost(0.2))
            .target(open, Value::Over(Theirs), Bound::AtMost(0.02))
            .target(open, Value::Over(Raw), Bound::AtMost(1.5))
            .shown(),
    ]
}

/// Users as virtual threads, beside the same on platform threads and on the same Java.
fn virtual_users() -> Vec<Case> {
    let on_both = |case: Case, operations| Case {
        whole_run: operations,
        clients: vec![Ours, OursVirtual, Theirs, TheirsVirtual],
        subject: OursVirtual,
        ..case
    };
    let echoes = |name, about, users, operations| on_both(echo(name, about, users, 32), Some(operations));
    let work = |name, about, work, users, operations| on_both(case(name, about, work, users), operations);
    let costs =
        |case: Case, measure, other, share| case.target(measure, Value::Over(other), Bound::AtMost(share));
    let echo_500 = echoes(
        "virtual-echo-500",
        "800,000 echoes of 32 B, 500 users",
        500,
        800_000,
    )
    .at_least(Theirs, 1.35)
    .at_least(TheirsVirtual, 1.35);
    let echo_500 = costs(echo_500, Measure::CpuUs, Theirs, 0.65);
    let echo_5000 = echoes(
        "virtual-echo-5000",
        "a million echoes of 32 B, 5,000 users",
        5_000,
        1_000_000,
    )
    .at_least(Theirs, 1.4)
    .at_least(TheirsVirtual, 1.15);
    let echo_5000 = [
        (Measure::CpuUs, Theirs, 0.6),
        (Measure::CpuUs, TheirsVirtual, 0.85),
        (Measure::ResidentMib, Theirs, 0.4),
        (Measure::ResidentMib, TheirsVirtual, 0.65),
    ]
    .into_iter()
    .fold(echo_5000, |case, (measure, other, share)| {
        costs(case, measure, other, share)
    });
    let each_second = echoes(
        "virtual-second-10000",
        "10,000 users, an echo each second, a minute",
        10_000,
        600_000,
    );
    let each_second = costs(each_second, Measure::RunCpuUs, Theirs, 0.6)
        .target(Measure::ShownP99Ms, Value::Alone, Bound::AtMost(50.0))
        .target(Measure::ResidentMib, Value::Alone, Bound::AtMost(900.0));
    vec![
        echoes(
            "virtual-echo-100",
            "400,000 echoes of 32 B, 100 users",
            100,
            400_000,
        ),
        costs(echo_500, Measure::CpuUs, TheirsVirtual, 0.65),
        echo_5000,
        Case {
            each_second: true,
            result_file: true,
            ..each_second
        },
        work(
            "virtual-connect-500",
            "60,000 x connect + close, 500 users",
            Work::Connect,
            500,
            Some(60_000),
        ),
        work(
            "virtual-idle-10000",
            "10,000 connections held",
            Work::Idle,
            10_000,
            None,
        ),
    ]
}

fn case(name: &'static str, about: &'static str, work: Work, threads: u32) -> Case {
    Case {
        name,
        about,
        work,
        each_second: false,
        tls: false,
        threads,
        clients: match work {
            Work::Idle => vec![RawAsync, Threads, Ours, Theirs],
            _ => vec![Raw, Ours, Theirs],
        },
        subject: Ours,
        result_file: false,
        whole_run: None,
        quick: false,
        targets: Vec::new(),
    }
}

fn echo(name: &'static str, about: &'static str, threads: u32, bytes: usize) -> Case {
    case(name, about, Work::Echo { bytes, repeat: 1 }, threads)
}

impl Case {
    fn quick(self) -> Self {
        Self { quick: true, ..self }
    }

    fn tls(self) -> Self {
        Self { tls: true, ..self }
    }

    fn with(mut self, client: Client) -> Self {
        self.clients.push(client);
        self.clients.sort();
        self
    }

    fn target(mut self, measure: Measure, value: Value, bound: Bound) -> Self {
        self.targets.push(Target {
            measure,
            value,
            bound,
        });
        self
    }

    /// Our rate, as a share of another client's.
    fn at_least(self, other: Client, share: f64) -> Self {
        self.target(Measure::Rate, Value::Over(other), Bound::AtLeast(share))
    }

    /// What is promised of small echoes: the rate against theirs, its CPU, and the rate against raw.
    fn promised(self, share: f64) -> Self {
        self.at_least(Theirs, share)
            .target(Measure::CpuUs, Value::Over(Theirs), Bound::AtMost(0.82))
            .at_least(Raw, 0.8)
    }

    /// What JMeter shows agrees with the server's clock.
    fn shown(self) -> Self {
        [Measure::ConnectOffMs, Measure::LatencyOffMs]
            .into_iter()
            .fold(self, |case, measure| {
                case.target(measure, Value::Alone, Bound::AtMost(1.0))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_case_has_a_name_of_its_own_and_clients_to_compare() {
        let cases = all();
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), cases.len());
        for case in &cases {
            assert!(
                case.clients.contains(&Ours) && case.clients.contains(&Theirs),
                "{}",
                case.name
            );
        }
        let quick = cases.iter().filter(|case| case.quick).count();
        assert!((5..cases.len()).contains(&quick), "{quick}");
    }

    #[test]
    fn a_promise_against_a_client_is_made_where_that_client_runs() {
        for case in all() {
            for target in &case.targets {
                assert!(case.clients.contains(&case.subject), "{}", case.name);
                if let Value::Over(other) | Value::Less(other) = target.value {
                    assert!(case.clients.contains(&other), "{}: {target:?}", case.name);
                }
            }
        }
    }
}
