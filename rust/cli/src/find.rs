//! `find`: names the limit behind traces or result files, with its figures, and says what it cannot tell.

use crate::input::{self, Item};
use crate::output::{self, PICTURE};
use crate::told::table;
use crate::{Failure, say};
use charts::{Axis, Chart, Series, Tone};
use clap::Args;
use find::{Finding, Honesty, Observations, Outcome, find};
use limiter::{LimitSpec, Rule};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP, after_help = "More: --help with examples.")]
pub(crate) struct Options {
    /// Traces of -Jwsb.trace=FILE or JTLs in CSV, plain or gzip, of one JVM or of several; - reads standard input
    #[arg(required = true, value_name = "TRACE")]
    traces: Vec<PathBuf>,

    #[command(flatten)]
    which: Which,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// Print only the limit, as serve --limit takes it; fails where its kind or one of its figures is not known
    #[arg(long, conflicts_with = "json")]
    limit_only: bool,

    /// Draw the decisions over time there, with the limit's line
    #[arg(long, value_name = "FILE.svg")]
    picture: Option<PathBuf>,
}

/// Of several servers in the files.
#[derive(Debug, Default, Args)]
pub(crate) struct Which {
    /// Of several servers only this one, by its URL or host and port [default: that which refused most]; repeatable: together, where
    /// they share one limit
    #[arg(long = "target", value_name = "URL")]
    targets: Vec<String>,
}

const AFTER_HELP: &str = "A trace holds each attempt with the time between which the server decided; a JTL of any sampler does, too, but without
hints, and of a sample that tried several times only the last one: such rows tell nothing of a limit. Only kinds that explain the decisions are named. Where several do, the simplest is, and the others are
told; where figures stay open, it says which run would tell. Each server (scheme, host and port) is taken to have a limit of its own: of
several that were tried the answer is for the one that refused most, and names the others.

Examples:
  What a run met:
    jmeter -n -t plan.jmx -l result.jtl -Jwsb.trace=trace.jsonl
    ws-backoff find trace.jsonl
  Of several load generators:
    ws-backoff find generator-1.jsonl.gz generator-2.jsonl.gz --picture decisions.svg
  Of one of several servers that were tried:
    ws-backoff find trace.jsonl --target wss://chat.example.com
  To try the same limit again:
    ws-backoff serve --limit \"$(ws-backoff find --limit-only trace.jsonl)\"

Exit codes: 0, also where nobody can tell; 1 where an input cannot be read, or --limit-only has nothing to print.";

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    output::check_if_any(options.picture.as_ref(), &PICTURE)?;
    let observations = observe(&options.traces, &options.which)?;
    let finding = find(&observations);
    if let Some(path) = &options.picture {
        output::write(path, &PICTURE, &picture(&observations, &finding))?;
    }
    if options.limit_only {
        let limit = finding
            .limit_spec
            .as_ref()
            .ok_or_else(|| Failure(format!("no limit to print; {}", finding.sentence())))?;
        if let Some(guess) = guessed(&finding) {
            return Err(Failure(guess));
        }
        warn_of_others(&observations);
        if !finding.also_possible.is_empty() {
            let kinds: Vec<&str> = finding.also_possible.iter().map(|kind| kind.name()).collect();
            let text = format!(
                "as possible: {}; without --limit-only stands what would tell",
                kinds.join(", ")
            );
            crate::complain("warning", &text);
        }
        say(&limit.to_string())?;
        return Ok(());
    }
    tell(&finding, &observations, options.json)
}

/// Why the limit as text is no more than a guess.
fn guessed(finding: &Finding) -> Option<String> {
    let range = interval((&finding.guess()?.0, &finding.guess()?.1)).join(" is ");
    let tells = finding
        .cannot_tell
        .first()
        .map_or("a longer run would tell", String::as_str);
    Some(format!(
        "no limit to print: {range} as far as anybody can see; {tells}"
    ))
}

/// Prints what was found out.
pub(crate) fn tell(finding: &Finding, observations: &Observations, json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string(finding).map_err(|error| Failure(error.to_string()))?;
        say(&text)?;
    } else {
        lines(finding, observations)
            .iter()
            .try_for_each(|line| say(line))?;
    }
    Ok(())
}

/// Where the limit alone is told or taken.
pub(crate) fn warn_of_others(observations: &Observations) {
    if let Some(others) = observations.other_servers() {
        crate::complain("warning", &others);
    }
}

/// Reads traces and result files as what clients saw.
pub(crate) fn observe(files: &[PathBuf], which: &Which) -> Result<Observations, Failure> {
    let mut sources = Sources::default();
    input::read(files, |source, item| sources.take(source, &item))?;
    let (mut observations, left) = sources.chosen();
    if left > 0 {
        crate::complain(
            "warning",
            &format!(
                "{left} rows of result files do not count: the traces beside them hold the same attempts with more about each; \
                 to judge by the rows, leave the traces away"
            ),
        );
    }
    for target in &which.targets {
        if !observations.ask_for(target) {
            return Err(no_server(target, &observations));
        }
    }
    Ok(observations)
}

fn no_server(target: &str, observations: &Observations) -> Failure {
    let servers = observations.servers();
    let known = match servers.len() {
        0 => "no address is told there; a JTL has them with jmeter.save.saveservice.url=true".to_owned(),
        1..=SERVERS_TOLD => format!("there are {}", servers.join(", ")),
        many => format!(
            "there are {}, and {} more",
            servers[..SERVERS_TOLD].join(", "),
            many - SERVERS_TOLD
        ),
    };
    Failure(format!(
        "--target {target}: nothing of this server is in these files; {known}"
    ))
}

/// What traces tell and what result files do, apart: of one run both tell the same attempts.
#[derive(Default)]
pub(crate) struct Sources {
    of_traces: Observations,
    of_rows: Observations,
    rows: u64,
}

impl Sources {
    pub(crate) fn take(&mut self, source: usize, item: &Item) {
        match item {
            Item::Record(record) => self.of_traces.add_record(source, record),
            Item::Row(row) => {
                self.of_rows.add_row(source, row);
                self.rows += 1;
            }
        }
    }

    /// The traces, and the rows only where no trace has an attempt; with how many rows are left aside.
    pub(crate) fn chosen(self) -> (Observations, u64) {
        if self.of_traces.decisions().is_empty() && self.rows > 0 {
            (self.of_rows, 0)
        } else {
            (self.of_traces, self.rows)
        }
    }
}

fn lines(finding: &Finding, observations: &Observations) -> Vec<String> {
    let mut rows = vec![
        vec!["kind".to_owned(), finding.kind.name().to_owned()],
        vec![
            "decisions".to_owned(),
            format!(
                "{} seen, {} contradict it",
                finding.decisions, finding.contradicted
            ),
        ],
    ];
    rows.extend(finding.intervals.iter().map(interval));
    if !finding.also_possible.is_empty() {
        let kinds: Vec<&str> = finding.also_possible.iter().map(|kind| kind.name()).collect();
        rows.push(vec!["as possible".to_owned(), kinds.join(", ")]);
    }
    if let Some(second) = &finding.second {
        rows.push(vec!["beside it".to_owned(), second.kind.name().to_owned()]);
        rows.extend(second.figures.intervals.iter().map(interval));
        let kinds: Vec<&str> = second.also_possible.iter().map(|kind| kind.name()).collect();
        if !kinds.is_empty() {
            rows.push(vec!["as possible".to_owned(), kinds.join(", ")]);
        }
    }
    if let Some(each) = &finding.each_user {
        rows.push(vec!["as text, of each".to_owned(), format!("\"{}\"", each.limit)]);
    }
    if let Some(limit) = &finding.limit_spec {
        rows.push(vec!["as text".to_owned(), format!("\"{limit}\"")]);
    }
    rows.push(vec!["hints".to_owned(), hints(finding)]);
    if !finding.likely_makers.is_empty() {
        rows.push(vec!["looks like".to_owned(), finding.likely_makers.join(", ")]);
    }
    let mut lines = vec![finding.sentence(), String::new()];
    lines.extend(table_left(&rows));
    let mut told = |head: &str, texts: Vec<String>| {
        if !texts.is_empty() {
            lines.push(String::new());
            lines.push(head.to_owned());
            lines.extend(texts.into_iter().map(|text| format!("  {text}")));
        }
    };
    told("What it cannot tell:", finding.cannot_tell.clone());
    let ruled_out = finding.ruled_out.iter();
    told(
        "What it is not:",
        ruled_out
            .map(|out| format!("{}: {}", out.kind.name(), out.reason))
            .collect(),
    );
    let mut notes = finding.notes.clone();
    if observations.aside() > 0 {
        notes.push(match observations.aside() {
            1 => "1 attempt says nothing of a limit: it did not reach the server, or failed otherwise"
                .to_owned(),
            aside => format!(
                "{aside} attempts say nothing of a limit: they did not reach the server, or failed otherwise"
            ),
        });
    }
    told("Besides:", notes);
    lines
}

/// What the decisions do not exclude of a figure.
fn interval((name, [low, high]): (&&'static str, &[f64; 2])) -> Vec<String> {
    let unit = match *name {
        "ratePerSecond" => " a second",
        "windowMs" | "blockMs" => " ms",
        _ => "",
    };
    let range = if high.is_infinite() {
        format!("at least {}", figure(*low))
    } else if (high - low).abs() < 1e-9 {
        figure(*low)
    } else {
        format!("{} to {}", figure(*low), figure(*high))
    };
    vec![(*name).to_owned(), format!("{range}{unit}")]
}

/// Names to the left, and texts beside them.
fn table_left(rows: &[Vec<String>]) -> Vec<String> {
    let names: Vec<Vec<String>> = rows.iter().map(|row| vec![row[0].clone()]).collect();
    let names = table(&names);
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let line = |(name, row): (&String, &Vec<String>)| format!("{name:<width$}  {}", row[1]);
    names.iter().zip(rows).map(line).collect()
}

fn figure(value: f64) -> String {
    let digits = if value >= 1_000.0 { 0 } else { 3 };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn hints(finding: &Finding) -> String {
    let hints = &finding.hints;
    let sources = hints.sources.join(", ");
    let given = format!(
        "{} of {} refusals had one ({sources})",
        hints.given, hints.refusals
    );
    match hints.honesty {
        Honesty::Absent => "none".to_owned(),
        Honesty::Honest => format!("{given}, honest"),
        Honesty::TooShort => format!("{given}, too short: who waits so long is refused again"),
        Honesty::TooLong => format!("{given}, longer than it takes"),
        Honesty::Unknown => given,
    }
}

/// So many servers a message names.
const SERVERS_TOLD: usize = 20;

/// The most points of a kind that a picture can show.
const MOST_POINTS: usize = 4_000;

/// Decisions over time: each at the count of those that were let in up to then; and what the limit allows at most.
fn picture(observations: &Observations, finding: &Finding) -> String {
    let decisions = observations.decisions();
    let origin = decisions.iter().map(|one| one.sent).min().unwrap_or_default();
    let seconds = |micros: u64| micros.saturating_sub(origin) as f64 / 1e6;
    let step = decisions.len().div_ceil(MOST_POINTS).max(1);
    let (mut passed, mut refused, mut count) = (Vec::new(), Vec::new(), 0_u32);
    for (nth, one) in decisions.iter().enumerate() {
        let is_in = one.outcome == Outcome::Passed;
        count += u32::from(is_in);
        if nth % step == 0 {
            let points = if is_in { &mut passed } else { &mut refused };
            points.push((seconds(one.answered), f64::from(count)));
        }
    }
    let end = decisions.last().map_or(0.0, |one| seconds(one.answered));
    let mut chart = Chart::new("Who was let in")
        .about(&finding.sentence())
        .across(Axis::durations("time"))
        .up(Axis::linear("let in so far"))
        .with(Series::points("refused", Tone::Vermilion, refused))
        .with(Series::points("let in", Tone::Green, passed));
    if let Some(line) = finding
        .limit_spec
        .as_ref()
        .and_then(|limit| most(limit, end, f64::from(count)))
    {
        chart = chart.with(Series::dashes("the most that the limit allows", Tone::Ink, line));
    }
    chart.draw().document()
}

/// The most that a limit lets in since its begin, as far as that hangs on the time alone.
fn most(limit: &LimitSpec, end: f64, top: f64) -> Option<Vec<(f64, f64)>> {
    let steps = |limit: u32, window: f64| {
        let mut points = vec![(0.0, 0.0)];
        let (mut at, mut allowed) = (0.0, 0.0);
        while at <= end && allowed < 1.2 * top && window > 0.0 {
            points.push((at, allowed));
            allowed += f64::from(limit);
            points.push((at, allowed));
            at += window;
        }
        points.push((end.min(at), allowed));
        points
    };
    // Where refusals block, what is let in hangs on when users try.
    let first = limit.limits.first().filter(|limit| limit.block.is_none())?;
    match first.rule {
        Rule::TokenBucket { rate, burst, .. } => {
            let burst = f64::from(burst);
            let until = ((1.2 * top - burst) / rate).clamp(0.0, end);
            Some(vec![(0.0, burst), (until, burst + rate * until)])
        }
        Rule::FixedWindow { limit, window, .. }
        | Rule::SlidingWindow { limit, window }
        | Rule::SlidingCounter { limit, window, .. } => Some(steps(limit, window.as_secs_f64())),
        Rule::Queue { rate, .. } => Some(vec![(0.0, 0.0), (end, rate * end)]),
        Rule::Concurrency { .. } | Rule::Unlimited => None,
    }
}
