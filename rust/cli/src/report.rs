//! `report`: traces and result files in, one HTML page out. What is counted and how it is told is the work of the crate `report`.

use crate::find::Sources;
use crate::input::{self, Item};
use crate::output::{self, Sort};
use crate::{Failure, say};
use clap::Args;
use find::{Finding, Kind, Observations};
use limiter::Rule;
use report::{Answer, Cure, Page, Run};
use simulate::{Hint, Storm};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;
use tune::{Goal, Question, Setting};

const EXAMPLE: &str = "\
Example:
  jmeter -n -t plan.jmx -l run.jtl -Jwsb.trace=run.jsonl
  ws-backoff report run.jsonl run.jtl -o run.html
  ws-backoff report run.jsonl --before yesterday.jsonl

The page needs nothing else: it can be sent by mail, and opens without a network.

Exit codes: 0 the page was written, 1 it could not be, 2 the command line is wrong.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Options {
    /// Traces of a run (-Jwsb.trace=FILE), of several JVMs if there were several, and its result file (JTL, CSV); gzip or plain, `-` is
    /// standard input
    #[arg(required = true, value_name = "TRACE")]
    files: Vec<PathBuf>,
    /// A trace or a JTL of an earlier run, to stand beside this one; repeat it for several files
    #[arg(long, value_name = "TRACE")]
    before: Vec<PathBuf>,
    /// Where the page goes; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
    /// The heading of the page; else the first file's name
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let to_stdout = options.output.as_os_str() == "-";
    output::check_if_any(Some(&options.output), &PAGE)?;
    let (run, observations) = read(&options.files)?;
    let before = if options.before.is_empty() {
        None
    } else {
        Some((named(&options.before), read(&options.before)?.0))
    };
    let finding = find::find(&observations);
    let mut answers = vec![limit(&finding)];
    answers.extend(settings(&finding, run.users()));
    let title = options.title.clone().unwrap_or_else(|| named(&options.files));
    let page = Page {
        title: &title,
        run: &run,
        before: before.as_ref().map(|(name, run)| (name.as_str(), run)),
        answers: &answers,
        cure: &cure,
    };
    let html = page.html();
    if to_stdout {
        let mut out = io::stdout().lock();
        let written = out.write_all(html.as_bytes()).and_then(|()| out.flush());
        return written.map_err(|error| Failure(format!("cannot print the page: {error}")));
    }
    output::write(&options.output, &PAGE, &html)?;
    say(&format!("{}: {}", options.output.display(), run.sentence()))?;
    say(&finding.sentence())?;
    Ok(())
}

/// A page may replace a page, and nothing else.
const PAGE: Sort = Sort {
    what: "the page",
    ours: |text| text.contains("<meta name=\"generator\" content=\"ws-backoff "),
};

/// The run, and what it tells of a limit.
fn read(files: &[PathBuf]) -> Result<(Run, Observations), Failure> {
    let mut run = Run::new();
    let mut sources = Sources::default();
    input::read(files, |source, item| {
        match &item {
            Item::Record(record) => run.take(record),
            Item::Row(row) => run.sample(row),
        }
        sources.take(source, &item);
    })?;
    Ok((run, sources.chosen().0))
}

/// What the limit is, and what nobody can tell from this run.
fn limit(finding: &Finding) -> Answer {
    let sentence = finding.sentence();
    let mut more = Vec::new();
    if finding.limit_spec.is_some() {
        more.push(format!(
            "{} of {} decisions contradict it",
            finding.contradicted, finding.decisions
        ));
    }
    if !finding.also_possible.is_empty() {
        let kinds: Vec<&str> = finding.also_possible.iter().map(|kind| kind.name()).collect();
        more.push(format!("As possible: {}", kinds.join(", ")));
    }
    // The sentence says the first of them where the limit is not known.
    if !finding.likely_makers.is_empty() {
        more.push(format!("Looks like: {}", finding.likely_makers.join(", ")));
    }
    let untold = finding
        .cannot_tell
        .iter()
        .filter(|line| !sentence.contains(*line));
    more.extend(untold.cloned());
    more.extend(finding.notes.iter().cloned());
    Answer {
        question: "What the limit is".to_owned(),
        answer: sentence
            .strip_prefix("the limit: ")
            .unwrap_or(&sentence)
            .to_owned(),
        more,
        copy: finding.limit_spec.as_ref().map(ToString::to_string),
    }
}

/// Of more users no storms are looked at for a page.
const MOST_USERS: u64 = 1_000;
/// Over so many storms the figures go: a page must not take long.
const STORMS: u64 = 4;
/// What JMeter's threads take to start without a ramp-up.
const AT_ONCE: Duration = Duration::from_secs(1);

/// The settings for a limit that bites: of the plugin as it comes, with each kind of gate, the best; and the command that looks for
/// better ones, which takes longer than a page may.
fn settings(finding: &Finding, users: u64) -> Option<Answer> {
    let limit = finding
        .limit_spec
        .as_ref()
        .filter(|_| finding.kind != Kind::None)?;
    let command = format!("ws-backoff tune --limit \"{limit}\" --users {users}");
    let asked = Answer {
        question: "What to set".to_owned(),
        answer: "Settings for these users and this limit, their figures, and the ramp-up that needs no retry, by one command".to_owned(),
        more: Vec::new(),
        copy: Some(command.clone()),
    };
    // How long users stay is not known here, and a cap has no answer without.
    let cap = |limit: &limiter::Limit| matches!(limit.rule, Rule::Concurrency { .. });
    if limit.limits.iter().any(cap) || !(1..=MOST_USERS).contains(&users) {
        return Some(asked);
    }
    let mut storm = Storm::new(limit.clone(), usize::try_from(users).ok()?);
    storm.ramp = AT_ONCE;
    if finding.hints.given == 0 {
        storm.hint = Hint::None;
    }
    let question = Question {
        seeds: STORMS,
        ..Question::new(storm, Goal::Soonest)
    };
    let answer = tune::usual(&question, &mut || true)?;
    let told = |setting: &Setting| {
        let figures = &setting.figures;
        format!(
            "simulated: {:.1} of {users} users lost, all in after {:.1} s, {:.2} attempts a user",
            figures.lost.mean, figures.makespan.mean, figures.attempts_per_user.mean
        )
    };
    let best = answer.settings.iter().find(|one| one.kind != tune::Kind::Calm)?;
    let mut more = vec![told(best)];
    if let Some(calm) = answer.calm() {
        more.push(crate::tune::instruction(calm));
    }
    more.extend(answer.notes.iter().map(crate::tune::sentence));
    more.push(format!("For settings that are fitted to this limit: {command}"));
    let keys: Vec<String> = tune::properties(&best.habit)
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    Some(Answer {
        answer: crate::tune::instruction(best),
        more,
        copy: (!keys.is_empty()).then(|| keys.join("\n")),
        ..asked
    })
}

fn named(files: &[PathBuf]) -> String {
    let name = |path: &PathBuf| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    };
    files.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn cure(code: &str) -> Option<Cure> {
    // The number is the server's close code.
    let code = if code.starts_with("closed.") {
        "closed.<code>"
    } else {
        code
    };
    let known = jmeter::codes().iter().find(|known| known.code == code)?;
    Some(Cure {
        message: known.message,
        help: known.help,
    })
}
