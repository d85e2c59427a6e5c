//! The simulator against reality: the same users, limit and policy in `ws-backoff simulate` and in a real JMeter against the real test
//! server, and the figures side by side. `cargo run -p system --bin reality` after `script/build`; twenty minutes.

use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::Parser;
use serde_json::Value;
use system::herds::{Herd, Served, side_by_side};
use system::{Error, Result, repository};

/// No run takes longer, whatever its limit.
const LONGEST_RUN: Duration = Duration::from_secs(400);
/// To the server and back, on one machine.
const ROUND_TRIP: &str = "1ms";
/// So many are simulated for each storm in JMeter, which begin as it did on the server's clock.
const SEEDS: &str = "20";
/// So many users may be lost more or less.
const LOST: f64 = 2.0;
/// So far, as a share, may makespan and attempts be apart.
const APART: f64 = 0.1;

/// What `ws-backoff simulate` says against what a real JMeter does.
#[derive(Debug, Parser)]
#[command(name = "reality", version)]
struct Arguments {
    /// Only the limits with this word in them
    #[arg(long, default_value = "")]
    only: String,
    /// Users of each storm
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    users: u32,
    /// JMeter's ramp-up, in seconds
    #[arg(long, default_value_t = 4)]
    ramp: u32,
    /// Storms of each kind in one JMeter, each against a server of its own; their mean counts
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=10))]
    storms: u32,
}

/// A limit, and how its server refuses.
struct Case {
    limit: &'static str,
    /// As `serve` and `simulate` both take them.
    refusal: &'static [&'static str],
    /// How long a user stays, where that matters.
    hold_ms: Option<u32>,
}

const fn case(limit: &'static str, refusal: &'static [&'static str]) -> Case {
    Case {
        limit,
        refusal,
        hold_ms: None,
    }
}

const CASES: [Case; 12] = [
    case("token-bucket rate=10 burst=20", &[]),
    case(
        "token-bucket rate=20 burst=1",
        &["--status", "503", "--retry-after", "none"],
    ),
    case("token-bucket rate=15 burst=50", &["--refuse-by", "reset"]),
    case("fixed-window limit=120 window=30s", &[]),
    case("fixed-window limit=50 window=10s", &["--retry-after", "none"]),
    case(
        "fixed-window limit=40 window=5s clock=aligned",
        &["--retry-after", "date"],
    ),
    case("sliding-window limit=50 window=10s", &[]),
    case("sliding-window limit=40 window=5s", &["--retry-after", "none"]),
    case("sliding-counter limit=40 window=5s", &["--retry-after", "ms"]),
    case(
        "queue rate=10 burst=50",
        &["--status", "503", "--retry-after", "none"],
    ),
    case(
        "token-bucket rate=20 burst=20 + fixed-window limit=100 window=20s",
        &[],
    ),
    Case {
        limit: "concurrency limit=20",
        refusal: &["--status", "503", "--retry-after", "none"],
        hold_ms: Some(1_500),
    },
];

/// A way to try: as `simulate` takes it, and as properties of the sampler.
struct Way {
    text: &'static str,
    properties: &'static [(&'static str, &'static str)],
}

const WAYS: [Way; 2] = [
    Way {
        text: "decorrelated",
        properties: &[],
    },
    Way {
        text: "pace",
        properties: &[("wsb.shared.mode", "pace")],
    },
];

/// What is compared.
#[derive(Debug, Clone, Copy)]
struct Figures {
    lost: f64,
    makespan: f64,
    attempts: f64,
}

impl Figures {
    fn mean(storms: &[Figures]) -> Figures {
        let mean = |figure: fn(&Figures) -> f64| storms.iter().map(figure).sum::<f64>() / storms.len() as f64;
        Figures {
            lost: mean(|one| one.lost),
            makespan: mean(|one| one.makespan),
            attempts: mean(|one| one.attempts),
        }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("reality: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Compares all; whether they agree.
fn run(arguments: &Arguments) -> Result<bool> {
    println!(
        "{} users over {} s; mean of {} storms in JMeter, of {SEEDS} simulated for each; a star is more than {LOST} users or {} % apart",
        arguments.users,
        arguments.ramp,
        arguments.storms,
        APART * 100.0
    );
    println!(
        "{:66} {:12} {:>13} {:>19} {:>15}",
        "limit", "policy", "lost", "makespan, s", "attempts a user"
    );
    let mut agree = true;
    for case in CASES.iter().filter(|case| case.limit.contains(&arguments.only)) {
        for way in &WAYS {
            let (real, clocks) = real(arguments, case, way)?;
            let storms: Result<Vec<Figures>> = clocks
                .into_iter()
                .map(|clock| simulated(arguments, case, way, clock))
                .collect();
            let simulated = Figures::mean(&storms?);
            let (line, well) = compared(case, way, real, simulated);
            println!("{line}");
            agree &= well;
        }
    }
    Ok(agree)
}

/// One JMeter with a thread group for each storm: the mean, and what the clock showed at the first attempt of each.
fn real(arguments: &Arguments, case: &Case, way: &Way) -> Result<(Figures, Vec<Duration>)> {
    let words = [&["--limit", case.limit][..], case.refusal].concat();
    let herd = Herd {
        serve: words.into_iter().map(str::to_owned).collect(),
        users: arguments.users,
        ramp_seconds: arguments.ramp,
        hold_ms: case.hold_ms.unwrap_or(0),
        properties: way
            .properties
            .iter()
            .map(|(key, value)| (*key, (*value).to_owned()))
            .collect(),
    };
    let herds = vec![herd; arguments.storms as usize];
    let folder = repository::build().join("reality");
    let (_, served) = side_by_side(&herds, &folder, LONGEST_RUN, |jmeter| jmeter.jvm("-Xmx512m"))?;
    let users = f64::from(arguments.users);
    let figures = |one: &Served| Figures {
        lost: users - one.stats.accepted as f64,
        makespan: one.stats.last_connect().map_or(0.0, |last| last.as_secs_f64()),
        attempts: one.stats.attempts as f64 / users,
    };
    let storms: Vec<Figures> = served.iter().map(figures).collect();
    let clocks = served.iter().filter_map(|one| one.stats.first_attempt_ms);
    Ok((
        Figures::mean(&storms),
        clocks.map(Duration::from_millis).collect(),
    ))
}

fn simulated(arguments: &Arguments, case: &Case, way: &Way, clock: Duration) -> Result<Figures> {
    let number = |value: u32| value.to_string();
    let (users, ramp) = (number(arguments.users), format!("{}s", arguments.ramp));
    // Of the wall clock only what lies in a window matters, and all of theirs are whole minutes or fit into one.
    let clock = format!("{}ms", clock.as_millis() % 60_000);
    let mut command = Command::new(repository::program()?);
    command.args([
        "simulate", "--json", "--seeds", SEEDS, "--limit", case.limit, "--policy", way.text,
    ]);
    command.args([
        "--users",
        &users,
        "--ramp",
        &ramp,
        "--round-trip",
        ROUND_TRIP,
        "--clock",
        &clock,
    ]);
    command.args(case.refusal);
    if let Some(hold) = case.hold_ms {
        command.args(["--hold", &number(hold)]);
    }
    let output = command.output().map_err(|source| Error::Io {
        what: "ws-backoff simulate".to_owned(),
        source,
    })?;
    let told: Value = serde_json::from_slice(&output.stdout).map_err(|error| Error::Content {
        what: "ws-backoff simulate".to_owned(),
        why: format!("{error}: {}", String::from_utf8_lossy(&output.stderr)),
    })?;
    let mean = |figure: &str| told["results"][0][figure]["mean"].as_f64().unwrap_or(f64::NAN);
    Ok(Figures {
        lost: mean("lost"),
        makespan: mean("makespanSeconds"),
        attempts: mean("attemptsPerUser"),
    })
}

/// The line, and whether the figures agree.
fn compared(case: &Case, way: &Way, real: Figures, simulated: Figures) -> (String, bool) {
    let near = |real: f64, simulated: f64| (real - simulated).abs() <= APART * simulated;
    let lost = (real.lost - simulated.lost).abs() <= LOST;
    let makespan = near(real.makespan, simulated.makespan);
    let attempts = near(real.attempts, simulated.attempts);
    let star = |well: bool| if well { ' ' } else { '*' };
    let line = format!(
        "{:66} {:12} {:>5.1} {:>5.1}{} {:>8.2} {:>8.2}{} {:>6.2} {:>6.2}{}",
        name(case),
        way.text,
        real.lost,
        simulated.lost,
        star(lost),
        real.makespan,
        simulated.makespan,
        star(makespan),
        real.attempts,
        simulated.attempts,
        star(attempts),
    );
    (line, lost && makespan && attempts)
}

fn name(case: &Case) -> String {
    let words = case.refusal.iter().filter(|word| !word.starts_with("--"));
    let refusal: Vec<&str> = words.copied().collect();
    format!(
        "{}{}{}",
        case.limit,
        if refusal.is_empty() { "" } else { ", " },
        refusal.join(" ")
    )
}
