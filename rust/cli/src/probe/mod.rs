//! `probe`: finds out a server's limit by a short experiment of its own. Here: the command line, what is said before and meanwhile.

mod answer;
mod sockets;
mod stops;

use crate::find::{Which, observe, tell};
use crate::{Failure, StopToken};
use ::find::find;
use clap::Args;
use probe::{Budget, Ending, Probe, Short, Step, Try};
use sockets::{Answer, Sockets};
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stops::Stops;
use units::{DURATION_FORMS, format_duration, parse_duration};
use websocket::{Answers, Dial, Names, Sources, Target, Tls, TlsOptions, USUAL_TTL};

const AFTER_HELP: &str = "The experiment tries until the first refusal, then again and again at the times that tell most, with as
few tries as it can: about a hundred, in about a minute, for a limit of 50 in 10 seconds. It keeps to the budget and the
time, ends at once with Ctrl-C, with a 401 or 403, and when the server fails, and asks for --yes where the server is not on
this machine. Connections are closed as soon as they are of no use. Tries of others at the same time mislead it. What others
used before does not: it waits until that is over and begins anew, and says so where it cannot tell.

Examples:
  What is the limit of a server on this machine?
    ws-backoff serve --limit \"fixed-window limit=20 window=5s\" --duration 2m &
    ws-backoff probe ws://127.0.0.1:9001/
  A platform, with its token, and at most 150 upgrades:
    ws-backoff probe wss://example.com/ws -H \"Authorization: Bearer abc\" --budget 150 --yes
  The limit of plain requests:
    ws-backoff probe --http https://example.com/api/session --yes";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Where to: ws://, wss://, http:// or https://
    #[arg(value_name = "URL", value_parser = target)]
    url: Target,

    /// How many upgrades it may ask for at most
    #[arg(long, value_name = "NUMBER", default_value = "300", value_parser = clap::value_parser!(u32).range(10..=10_000))]
    budget: u32,

    /// How long it may take at most; an answer that is still to come is waited for
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    time: Duration,

    /// How long an answer is waited for
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = duration)]
    timeout: Duration,

    /// Send this header; repeatable
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,

    /// Send this cookie; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    cookie: Vec<String>,

    /// Ask for this subprotocol; repeatable
    #[arg(long, value_name = "NAME")]
    subprotocol: Vec<String>,

    /// Accept any certificate
    #[arg(long)]
    insecure: bool,

    /// Ask for no upgrade: plain GET requests, let in with a status of 200 to 299
    #[arg(long)]
    http: bool,

    /// Write the trace there, into a file with nothing in it [default: probe-<seconds since 1970>.jsonl]
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,

    /// Do it, also where the server is not on this machine
    #[arg(long)]
    yes: bool,

    /// Print the answer as JSON, in the form of `find`
    #[arg(long)]
    json: bool,

    /// Where the tries begin to differ; the same number makes the same choices
    #[arg(long, value_name = "NUMBER", default_value = "0")]
    seed: u64,
}

fn target(text: &str) -> Result<Target, String> {
    Target::parse(text).map_err(|error| error.to_string())
}

fn duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("allowed is more than 0".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; allowed are {DURATION_FORMS}")),
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| "allowed is NAME: VALUE".to_owned())?;
    let (name, value) = (name.trim(), value.trim());
    websocket::check_header(name, value).map_err(|error| error.to_string())?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(crate) fn run(options: &Options, stop: &StopToken) -> Result<(), Failure> {
    let what = noun(options.http);
    let host = options.url.host().trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    let worst = format!(
        "At most {} {what} in at most {}, up to 330 a second, and as many connections open at a time, to {}.",
        options.budget,
        format_duration(options.time),
        options.url
    );
    if !here && !options.yes {
        return Err(Failure(format!(
            "{worst}\nThis server is not on this machine: say --yes if its owner agrees."
        )));
    }
    let trace = options.trace.clone().unwrap_or_else(new_trace);
    is_free(&trace)?;
    progress(&worst);
    let budget = Budget {
        tries: options.budget,
        time: options.time,
    };
    let begun = SystemTime::now();
    let mut sockets = Sockets::open(dial(options)?, &trace, options.timeout, stop.clone())?;
    let mut probe = Probe::new(budget, options.seed);
    let ended = experiment(&mut probe, &mut sockets, options.http, stop);
    sockets.close()?;
    let made = probe.tries_made();
    progress(&match &ended {
        Ok(ending) => format!("{} {made} {what}; trace: {}", why(*ending), trace.display()),
        Err(reason) => format!(
            "Stopped after {made} {what}: {reason}; trace: {}",
            trace.display()
        ),
    });
    let candidates = probe.candidates();
    if let (Err(reason), true) = (&ended, candidates.is_empty()) {
        return Err(Failure(reason.clone()));
    }
    let begun = begun.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seen = observe(&[trace], &Which::default())?;
    let finding = answer::finding(find(&seen), &candidates, ended.as_ref().ok().copied(), begun);
    tell(&finding, &seen, options.json)?;
    ended.map(|_| ()).map_err(Failure)
}

/// What is not the answer goes where it does not mix with it.
fn progress(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn noun(plain: bool) -> &'static str {
    if plain { "requests" } else { "upgrades" }
}

/// The trace where none is named: one of this run alone.
fn new_trace() -> PathBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    PathBuf::from(format!("probe-{}.jsonl", now.as_millis()))
}

/// A trace is written behind what is there, and what another server answered would be taken for this one's.
fn is_free(trace: &Path) -> Result<(), Failure> {
    match std::fs::metadata(trace) {
        Ok(about) if about.is_file() && about.len() > 0 => Err(Failure(format!(
            "{} is there already, and has something in it; name another file with --trace",
            trace.display()
        ))),
        _ => Ok(()),
    }
}

fn dial(options: &Options) -> Result<Dial, Failure> {
    let tls = TlsOptions {
        verify: !options.insecure,
        ..TlsOptions::default()
    };
    let mut headers = options.headers.clone();
    if !options.cookie.is_empty() {
        headers.push(("Cookie".to_owned(), options.cookie.join("; ")));
    }
    for name in &options.subprotocol {
        websocket::check_subprotocol(name)
            .map_err(|error| Failure(format!("--subprotocol {name}: {error}")))?;
    }
    Ok(Dial {
        target: options.url.clone(),
        headers,
        login: None,
        subprotocols: options.subprotocol.clone(),
        addresses: Vec::new(),
        names: Names::system(),
        name_ttl: USUAL_TTL,
        proxy: None,
        sources: Sources::default(),
        tls: Tls::new(&tls).map_err(|error| Failure(error.detail()))?,
        connect_timeout: options.timeout,
        max_redirects: 0,
        plain: options.http,
        compression: false,
        max_message: 1 << 20,
        answers: Answers::default(),
    })
}

/// Does it; how it ended, or why it had to stop.
fn experiment(
    probe: &mut Probe,
    sockets: &mut Sockets,
    plain: bool,
    stop: &StopToken,
) -> Result<Ending, String> {
    let what = noun(plain);
    let mut stops = Stops::default();
    loop {
        match probe.next(sockets.now()) {
            Step::Done(ending) => return Ok(ending),
            Step::Release(count) => {
                let at = sockets.now();
                probe.released(at, sockets.release(count));
                let _ = stop.wait(probe::NOTICED);
            }
            Step::Tries { legs, hold, purpose } => {
                let (seconds, made) = (sockets.now().as_secs_f64(), probe.tries_made());
                progress(&format!("{seconds:>6.1} s  {made:>4} {what}  {purpose}?"));
                for leg in legs {
                    take_in(probe, &mut stops, sockets.tries(leg))?;
                    if !hold || plain {
                        let at = sockets.now();
                        probe.released(at, sockets.release(u32::MAX));
                    }
                    if stop.wait(Duration::ZERO) {
                        return Err("asked to".to_owned());
                    }
                }
            }
        }
    }
}

fn take_in(probe: &mut Probe, stops: &mut Stops, answers: Vec<Answer>) -> Result<(), String> {
    let mut end = Ok(());
    for answer in answers {
        match stops.judge(&answer) {
            Ok(Some(verdict)) => probe.seen(Try {
                sent: answer.sent,
                answered: answer.answered,
                verdict,
            }),
            Ok(None) => probe.failed(),
            Err(why) => {
                probe.failed();
                end = Err(why);
            }
        }
    }
    end
}

fn why(ending: Ending) -> &'static str {
    match ending {
        Ending::Known => "Known after",
        Ending::Alike => "No further try would tell more, after",
        Ending::Beyond(Short::Tries) => "What would tell more takes more than the rest of the budget, after",
        Ending::Beyond(Short::Time) => "What would tell more takes more than the rest of the time, after",
        Ending::NoRefusal => "Nobody was refused in",
        Ending::Tries => "The budget is used up after",
        Ending::Time => "The time is over after",
        Ending::Unproven(Short::Tries) => "Not enough of the budget is left for all of the quota after",
        Ending::Unproven(Short::Time) => "Not enough of the time is left for all of the quota after",
        Ending::Strange => "No limit that is known here behaves so, after",
    }
}
