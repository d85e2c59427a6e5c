//! The demo: the same users with today's plan and with ours, in a real JMeter against the test server, then the figures
//! side by side. `script/demo` builds what it needs and calls it.

mod case;
mod story;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use clap::Parser;
use serde::Serialize;
use system::chart::{self, Chart};
use system::jmeter::{Home, Jmeter, Running};
use system::report::{self, Outcome};
use system::serve::{Serve, Stats};
use system::{Error, Result, repository};

use case::{Arguments, Case, Job};

/// How often progress is printed.
const PROGRESS: Duration = Duration::from_secs(2);
/// How often it is printed while nothing changes.
const QUIET_PROGRESS: Duration = Duration::from_secs(10);
/// No run of the demo takes longer, whatever its limit.
const LONGEST_RUN: Duration = Duration::from_secs(900);

/// One of the two runs.
struct Plan {
    name: &'static str,
    about: &'static str,
    file: &'static str,
    /// Whether it has our sampler, with its variables and its trace.
    ours: bool,
}

const BEFORE: Plan = Plan {
    name: "before",
    about: "WebSocket samplers 1.3.1 in a BeanShell loop: 500 ms, three retries",
    file: "before.jmx",
    ours: false,
};
const AFTER: Plan = Plan {
    name: "after",
    about: "one WebSocket Connect sampler",
    file: "after.jmx",
    ours: true,
};

fn main() -> ExitCode {
    let done = Arguments::parse().job().and_then(|job| {
        let done = match &job {
            Job::Connects(case) => run(case),
            Job::Story(story) => story.run(),
        };
        done.map_err(|error| error.to_string())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("demo: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(case: &Case) -> Result<()> {
    let folder = repository::fresh_folder(&case.folder)?;
    println!("{case}\n");
    let before = measure(case, &BEFORE, &Home::with_incumbent()?, &folder)?;
    let after = measure(case, &AFTER, &Home::assembled()?, &folder)?;

    let rows = report::rows(&[&before, &after]);
    let names = [BEFORE.name, AFTER.name];
    println!("{}", report::table(&names, &rows));
    let title = format!("{} users, {}", case.users, case.arrival());
    let subtitle = format!(
        "server: {}; policy of the sampler: {}; one run each in JMeter 5.6.3",
        case.limit, case.policy
    );
    let chart = Chart {
        title: &title,
        subtitle: &subtitle,
        users: case.users,
        bound: case.bound(),
        series: vec![
            (
                "before: BeanShell loop, 500 ms, three retries",
                before.connect_times.clone(),
            ),
            ("after: one Connect sampler", after.connect_times.clone()),
        ],
    };
    let [svg, html, summary] =
        ["connected.svg", "connected.html", "summary.json"].map(|name| folder.join(name));
    chart::write_svg(&svg, &chart)?;
    chart::write_html(&html, &chart, &names, &rows)?;
    report::write_json(
        &summary,
        &Summary {
            case,
            before: &before,
            after: &after,
        },
    )?;
    tell_files(&folder);
    tell_answer(&folder)
}

/// Asks the commands about the trace of our plan: which limit it met, and a page about the run.
fn tell_answer(folder: &Path) -> Result<()> {
    let own = folder.join(AFTER.name);
    let (trace, page) = (own.join("trace.jsonl"), folder.join("report.html"));
    let found = answer(Command::new(repository::program()?).arg("find").arg(&trace))?;
    let mut report = Command::new(repository::program()?);
    report.arg("report").arg(&trace).arg(own.join("samples.jtl"));
    answer(report.arg("--title=after.jmx").arg("-o").arg(&page))?;
    println!("report      {} (open it)\n", shown(&page));
    println!("{}", found.lines().next().unwrap_or_default());
    Ok(())
}

/// What a command prints.
fn answer(command: &mut Command) -> Result<String> {
    let what = format!("{command:?}");
    let output = command.output().map_err(|source| Error::Io {
        what: what.clone(),
        source,
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Error::Content { what, why })
}

/// Says where the pictures, the figures and the dashboards are.
fn tell_files(folder: &Path) {
    let at = |name: &str| shown(&folder.join(name));
    println!(
        "picture     {}\n            {}",
        at("connected.html"),
        at("connected.svg")
    );
    println!("figures     {}", at("summary.json"));
    println!("dashboard   {}", at("after/dashboard/index.html"));
    println!(
        "            {} (today's plan, for comparison)",
        at("before/dashboard/index.html")
    );
}

#[derive(Serialize)]
struct Summary<'a> {
    case: &'a Case,
    before: &'a Outcome,
    after: &'a Outcome,
}

/// Runs one plan against a server of its own.
fn measure(case: &Case, plan: &Plan, home: &Home, folder: &Path) -> Result<Outcome> {
    println!("{}: {}", plan.name, plan.about);
    let serve = Serve::start(&["--limit", &case.limit.to_string()])?;
    let own = folder.join(plan.name);
    let mut jmeter = Jmeter::new(home, &repository::plan(plan.file), &own)
        .dashboard()
        .property("users", &case.users)
        .property("rampup", &case.ramp_up_seconds())
        .property("host", &serve.address().ip())
        .property("port", &serve.address().port())
        .property("url", &serve.url("/agents"));
    if plan.ours {
        jmeter = jmeter
            .property("sample_variables", VARIABLES)
            .property("wsb.trace", &own.join("trace.jsonl").display());
    }
    for (key, value) in case.policy.properties() {
        jmeter = jmeter.property(&key, value);
    }
    let running = jmeter.start()?;
    watch(&running, &serve, "connected")?;
    let stats = serve.stats()?;
    let finished = running.finish(LONGEST_RUN)?.succeeded()?;
    println!();
    Ok(Outcome::new(
        case.users,
        &finished.samples()?,
        &stats,
        case.bound(),
    ))
}

/// Columns of the after plan's result file.
const VARIABLES: &str = "wsb.attempts,wsb.throttled,wsb.waitedMs,wsb.timeToConnectMs,wsb.stop";

/// Prints how far the run is until its last user is done; then JMeter makes the dashboard. `accepted` is the word for what
/// the server let in.
fn watch(running: &Running, serve: &Serve, accepted: &str) -> Result<()> {
    let deadline = Instant::now() + LONGEST_RUN;
    let mut printed: Option<(u64, Instant)> = None;
    while !running.plan_ends_within(PROGRESS) && Instant::now() < deadline {
        let stats = serve.stats()?;
        // While all wait there is little to say.
        if printed.is_none_or(|(attempts, at)| attempts != stats.attempts || at.elapsed() >= QUIET_PROGRESS) {
            progress(&stats, accepted);
            printed = Some((stats.attempts, Instant::now()));
        }
    }
    progress(&serve.stats()?, accepted);
    Ok(())
}

fn progress(stats: &Stats, accepted: &str) {
    println!(
        "  {:5.1} s   {:4} attempts   {:4} {accepted}   {:4} refused",
        stats.since_first_attempt().as_secs_f64(),
        stats.attempts,
        stats.accepted,
        stats.refused
    );
}

/// A path as one would type it from here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}
