//! `simulate`: lets users storm against a limit in virtual time, and tells what comes of each way to try.

use crate::curves::{self, Course};
use crate::output::{self, JSON, PICTURE};
use crate::storm::{self, LIMIT_HELP, Progress, Scene, storms};
use crate::told::{self, Case, cells, heads, table};
use crate::{Failure, StopToken, say};
use clap::Args;
use limiter::LimitSpec;
use serde::Serialize;
use simulate::{Figures, HABIT_FORMS, Habit};
use std::path::PathBuf;

/// What is compared where nothing is asked for: the loop of today, the plugin as it comes, and its gate.
const USUAL: [&str; 3] = ["fixed=500ms tries=3", "decorrelated", "pace"];

const AFTER_HELP: &str =
    "A way to try is a policy as its properties say it, a shared gate with its figures (pace,
pause, observe), both with a + between them, or the loop of a script: fixed=500ms tries=3
pauses 500 ms after each failure and tries three times after the first, hints unread.

A multiple in brackets is that of the bound: no way to try gets all in sooner than the
limit, and the ramp-up, allow. A storm lasts until all are in or have given up, a week at most.

Examples:
  The loop of a script, the plugin's defaults, and its shared gate, side by side:
    ws-backoff simulate --limit \"fixed-window limit=120 window=60s\"
  A gateway that answers 503 without a hint, two policies:
    ws-backoff simulate --limit \"token-bucket rate=10 burst=20\" --status 503 --retry-after none \\
      --policy \"full base=500ms cap=10s\" --policy \"decorrelated cap=10s + pace rate=10\"
  Two load generators on one quota, 100 users each:
    ws-backoff simulate --limit \"token-bucket rate=20 burst=20\" --processes 2 --users 100 --policy pace
  A cap on connections at a time, each open for 90 s:
    ws-backoff simulate --limit \"concurrency limit=100\" --hold 90s --retry-after none

Exit codes: 0, 1 when stopped or a file cannot be written, 2 for a wrong command line.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Who is let in
    #[arg(long, value_name = "LIMIT", long_help = LIMIT_HELP)]
    limit: LimitSpec,

    #[command(flatten)]
    scene: Scene,

    /// How many JVMs have so many users each, all on this limit, with a gate of their own; as in a distributed test
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = clap::value_parser!(u8).range(1..=50), allow_negative_numbers = true)]
    processes: u8,

    /// How the users try; repeatable, one line each
    #[arg(long = "policy", value_name = "POLICY", long_help = policy_help(), value_parser = habit)]
    habits: Vec<Habit>,

    /// How many storms of each kind, with other chances each
    #[arg(long, value_name = "NUMBER", default_value = "20", value_parser = storm::seeds, allow_negative_numbers = true)]
    seeds: u64,

    /// Draw users connected and attempts a second over time there
    #[arg(long, value_name = "FILE.svg")]
    picture: Option<PathBuf>,

    /// Write the figures there as JSON, or print them in place of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
}

impl Options {
    fn habits(&self) -> Result<Vec<Habit>, Failure> {
        if self.habits.is_empty() {
            return USUAL.iter().map(|text| habit(text).map_err(Failure)).collect();
        }
        Ok(self.habits.clone())
    }
}

fn policy_help() -> String {
    format!(
        "How the users try; repeatable, one line each [default: {}]\n\n  {}",
        USUAL.map(|text| format!("\"{text}\"")).join(", "),
        HABIT_FORMS.join("\n  ")
    )
}

pub(crate) fn habit(text: &str) -> Result<Habit, String> {
    text.parse()
        .map_err(|error: simulate::HabitError| error.to_string())
}

/// The JSON.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    case: &'a Case,
    processes: u8,
    results: Vec<told::Result>,
}

pub(crate) fn run(options: &Options, stop: &StopToken) -> Result<(), Failure> {
    let Options {
        limit,
        scene,
        seeds,
        processes,
        ..
    } = options;
    output::check_if_any(options.json.as_ref(), &JSON)?;
    output::check_if_any(options.picture.as_ref(), &PICTURE)?;
    let mut storm = scene.storm(limit.clone())?;
    storm.processes = (*processes).into();
    let users = storm.processes * scene.users;
    let habits = options.habits()?;
    let all = habits.len() * usize::try_from(*seeds).unwrap_or(usize::MAX);
    let mut progress = Progress::new(stop, Some(all));
    let mut figures = Vec::new();
    for habit in &habits {
        figures.push(Figures::of(&storms(&storm, habit, *seeds, &mut progress)?));
    }
    let case = Case::new(limit, scene, *seeds);
    if options.json.as_deref() != Some("-".as_ref()) {
        let mut rows = heads("how users try").to_vec();
        for (habit, figures) in habits.iter().zip(&figures) {
            rows.push(cells(habit.to_string(), users, figures));
        }
        if *processes > 1 {
            say(&format!(
                "{processes} JVMs on one limit, each with a gate of its own; in each of them:"
            ))?;
        }
        say(&case.sentence(scene))?;
        say(&bound(figures.first()))?;
        table(&rows).iter().try_for_each(|line| say(line))?;
        for (habit, figures) in habits.iter().zip(&figures) {
            if figures.trying.most > 0.0 {
                say(&format!(
                    "\n{habit}: {:.1} of those lost try still when the storm is broken off, after a week.",
                    figures.trying.mean
                ))?;
            }
        }
    }
    if let Some(path) = &options.json {
        let results = habits.iter().zip(&figures);
        let results = results
            .map(|(habit, figures)| told::Result::new(habit, figures))
            .collect();
        let told = Told {
            case: &case,
            processes: *processes,
            results,
        };
        output::write_json(path, &told)?;
    }
    if let Some(path) = &options.picture {
        let courses: Vec<Course> = habits
            .iter()
            .map(|habit| Course::of(&storm, habit, habit.to_string()))
            .collect();
        let each = if *processes > 1 {
            format!("{processes} JVMs, each with ")
        } else {
            String::new()
        };
        let title = format!("{each}{} against {limit}", scene.arrival());
        let about = format!("{}; one storm each", scene.refusal());
        let picture = curves::draw(&title, &about, users, &courses);
        output::write(path, &PICTURE, &picture)?;
    }
    Ok(())
}

/// What nobody can beat.
pub(crate) fn bound(figures: Option<&Figures>) -> String {
    match figures.and_then(|figures| figures.bound) {
        Some(bound) => format!(
            "Nobody can have all in sooner than {:.1} s after the first start.\n",
            bound.mean
        ),
        None => "Nobody can tell when all could be in: this limit never lets them.\n".to_owned(),
    }
}
