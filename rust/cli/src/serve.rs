//! `serve`: runs the test server until it is stopped, and tells what happens meanwhile.

use crate::output::{cannot_write, write_at_once};
use crate::{Failure, StopToken, say};
use clap::Args;
use limiter::LimitSpec;
use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use testbed::{Config, Fault, FaultShare, PathLimit, Refusal, RetryAfter, Server, Stats, TokenConfig};
use units::{DURATION_FORMS, format_duration, parse_duration};

/// How often a line tells the progress, while there is any.
const PROGRESS: Duration = Duration::from_secs(2);

/// The server gives up on what takes this long.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

const LIMIT_HELP: &str = "Who is let in: one of
  \"token-bucket rate=50 burst=50\"       50 at once, then 50 a second
  \"fixed-window limit=120 window=60s\"   120 in each minute, counted from its first attempt
  \"fixed-window limit=120 window=60s clock=aligned offset=5s\"
                                        120 in each minute of the wall clock, from its 5th second
  \"sliding-window limit=50 window=10s\"  50 in any 10 seconds
  \"sliding-counter limit=50 window=10s\" the same as gateways reckon it: two counters, the window
                                        before by the share that is left of it
  \"sliding-counter limit=60 window=5s clock=first\"
                                        the same on no clock: windows begin with an attempt that
                                        comes when two of them went by without one; with
                                        reject-counts=true as HAProxy's http_req_rate
  \"queue rate=10 burst=50 delay=5\"      10 a second; up to 50 ahead of that are answered late, but
                                        for the first 5 (nginx limit_req without nodelay)
  \"concurrency limit=20\"                20 at a time
  \"none\"
With reject-counts=true behind a bucket or a window, refused attempts count, too:
a client that hammers gets nothing more. With block=30s whoever is refused is refused for
so long, and so are all others; then it begins anew. Several at once stand with a + between them,
\"token-bucket rate=10 burst=10 + fixed-window limit=120 window=60s\": what one of them
refuses takes nothing of the others, unless refusals count there.";

const BODY_HELP: &str = "Body of a refusal; {seconds} and {ms} in it become the time after which to come back
[default: a short JSON text]";

#[derive(Debug, Args)]
#[command(after_long_help = after_help(), after_help = "More: --help with all faults, units and examples.")]
pub(crate) struct Options {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9001", value_parser = address)]
    listen: SocketAddr,

    /// Who is let in
    #[arg(long, value_name = "LIMIT", default_value = "none", long_help = LIMIT_HELP)]
    limit: LimitSpec,

    /// A limit of its own for a path and those below it; repeatable, the longest path that covers a request decides
    ///
    /// First the path, then the limit as for --limit: "/oauth/token token-bucket rate=5 burst=10". Attempts there do not
    /// count for --limit, which decides on all other paths.
    #[arg(long, value_name = "PATH LIMIT")]
    limit_at: Vec<PathLimit>,

    /// How a refusal says when to come back: seconds, date, ms, none, zero, wrong
    ///
    /// seconds and date are a Retry-After, ms is a retry-after-ms, zero is "Retry-After: 0", wrong is "Retry-After: soon".
    /// Where nobody can know (a concurrency limit, a fault) it says 1 second.
    #[arg(long, value_name = "FORM", default_value = "seconds")]
    retry_after: RetryAfter,

    /// Status of a refusal, 400 to 599
    #[arg(long, value_name = "STATUS", default_value = "429", value_parser = status, allow_negative_numbers = true)]
    status: u16,

    /// How a refused upgrade is refused: answer, reset, close, silence, accept:CODE
    ///
    /// answer is an answer with --status, reset a TCP reset, close the end of the connection without an answer, silence
    /// nothing at all, accept:1013 a 101 and at once a close frame with this code (1000 to 4999).
    #[arg(long, value_name = "WAY", default_value = "answer")]
    refuse_by: Refusal,

    /// Leave the connection open after a refusal, as most servers do
    ///
    /// Without it the server ends the connection first.
    #[arg(long)]
    keep_alive_refusals: bool,

    /// Body of a refusal
    #[arg(long, value_name = "TEXT", long_help = BODY_HELP)]
    body: Option<String>,

    /// How long a plain request takes that is let in
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = delay, allow_negative_numbers = true)]
    delay: Duration,

    /// Give an access token at this path: {"access_token":"...","expires_in":5,"token_type":"Bearer"}
    #[arg(long, value_name = "PATH", value_parser = token_path)]
    token_path: Option<String>,

    /// How long a token is good, at least 1s
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = token_ttl, allow_negative_numbers = true)]
    token_ttl: Duration,

    /// How long it takes to give a token
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = delay, allow_negative_numbers = true)]
    token_delay: Duration,

    /// Answer 401 to all others, upgrades too, that have no "Authorization: Bearer" with a token that is good
    ///
    /// No limit sees them. / and /stats need no token.
    #[arg(long, requires = "token_path")]
    token_required: bool,

    /// Speak TLS (wss, https), with a certificate made at start for localhost, 127.0.0.1 and ::1
    #[arg(long)]
    tls: bool,

    /// Write the certificate there, in PEM, for clients that verify
    #[arg(long, value_name = "FILE", requires = "tls")]
    cert_out: Option<PathBuf>,

    /// Misbehave towards a share of the attempts (0 to 1, without one: all); repeatable
    #[arg(long = "fault", value_name = "KIND[:SHARE]")]
    faults: Vec<FaultShare>,

    /// Decides which attempts the faults strike
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = seed, allow_negative_numbers = true)]
    seed: u64,

    /// Pause between two bytes of the dripping faults
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = duration, allow_negative_numbers = true)]
    drip_pace: Duration,

    /// Write one JSON line an attempt there
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Write HOST:PORT there once the server listens; removed at the end
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,

    /// End after this time; without it, at SIGTERM or Ctrl-C
    #[arg(long, value_name = "TIME", value_parser = duration, allow_negative_numbers = true)]
    duration: Option<Duration>,

    /// Threads that serve [default: as many as cores]
    #[arg(long, value_name = "NUMBER", value_parser = workers, allow_negative_numbers = true)]
    workers: Option<usize>,
}

fn after_help() -> String {
    let mut text = format!("Times: {DURATION_FORMS}.\n\nFaults:\n");
    for fault in Fault::ALL.iter().chain([&Fault::Random]) {
        text.push_str(&format!("  {:<20}{}\n", fault.name(), fault.help()));
    }
    text.push_str(
        "Faults that let in ask the limit first; all others strike whatever it says. Shares that
sum up to more than 1 are scaled down: --fault drip --fault silent is half and half.
Plain requests but HEAD are struck, too: by drip, early-hints, drop-after and all that
do not let in.

Plain requests (GET, POST ...) are under the same limits as upgrades and are answered on
any path with 200 and a short JSON text, or with the same refusal. Connections stay open,
bodies up to 16 MiB are read and forgotten.

Examples:
  A platform with a quota of 120 upgrades a minute:
    ws-backoff serve --limit \"fixed-window limit=120 window=60s\"
  A gateway that answers 503 without a word when to come back:
    ws-backoff serve --limit \"token-bucket rate=10 burst=20\" --status 503 --retry-after none
  A platform that says it in the body only:
    ws-backoff serve --limit \"token-bucket rate=5 burst=5\" --retry-after none \\
      --body \"Retry the request in [{seconds}] seconds\"
  A gateway that resets what is too much, another one that answers late:
    ws-backoff serve --limit \"token-bucket rate=10 burst=20\" --refuse-by reset
    ws-backoff serve --limit \"queue rate=10 burst=400\"
  One attempt in ten never gets an answer, one in twenty is reset:
    ws-backoff serve --fault silent:0.1 --fault reset:0.05
  A login: a token endpoint that storms, a REST call and the upgrade, each under its limit:
    ws-backoff serve --limit \"fixed-window limit=120 window=60s\" \\
      --limit-at \"/oauth/token token-bucket rate=5 burst=10\" \\
      --limit-at \"/api token-bucket rate=20 burst=20\" \\
      --token-path /oauth/token --token-ttl 30s --token-delay 200ms --token-required
  TLS, on a free port that a script reads from a file:
    ws-backoff serve --listen 127.0.0.1:0 --port-file port.txt --tls --cert-out ca.pem

While it runs: GET /stats on the same port answers JSON, also path by path; GET / says
what this is. Neither counts.",
    );
    text
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let forms = "HOST:PORT, as 127.0.0.1:9001, [::1]:9001 or localhost:0";
    let resolved = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; allowed is {forms}"))?
        .next();
    resolved.ok_or_else(|| format!("the host has no address; allowed is {forms}"))
}

pub(crate) fn status(text: &str) -> Result<u16, String> {
    let status = text.parse().ok().filter(|status| (400..=599).contains(status));
    status.ok_or_else(|| "allowed is a status that refuses, 400 to 599".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| format!("{error}; allowed are {DURATION_FORMS}"))
}

fn delay(text: &str) -> Result<Duration, String> {
    let delay = duration(text)?;
    if delay < LONGEST_DELAY {
        return Ok(delay);
    }
    Err(format!("allowed is less than {}", format_duration(LONGEST_DELAY)))
}

fn token_path(text: &str) -> Result<String, String> {
    let sound = text.starts_with('/') && !text.contains(['?', '#', ' ']) && !["/", "/stats"].contains(&text);
    sound
        .then(|| text.to_owned())
        .ok_or_else(|| "allowed is a path as /oauth/token, but neither / nor /stats".to_owned())
}

fn token_ttl(text: &str) -> Result<Duration, String> {
    let ttl = duration(text)?;
    if ttl >= Duration::from_secs(1) {
        return Ok(ttl);
    }
    Err("allowed is at least 1s".to_owned())
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("allowed is a whole number, 0 to {}", u64::MAX))
}

fn workers(text: &str) -> Result<usize, String> {
    let workers = text.parse().ok().filter(|workers| (1..=1024).contains(workers));
    workers.ok_or_else(|| "allowed is a number of threads, 1 to 1024".to_owned())
}

pub(crate) fn run(options: Options, stop: &StopToken) -> Result<(), Failure> {
    raise_open_files();
    let Options {
        cert_out,
        port_file,
        duration,
        limit,
        ..
    } = options;
    let server = Server::start(Config {
        listen: options.listen,
        limit: limit.clone(),
        limits_at: options.limit_at,
        delay: options.delay,
        token: options.token_path.map(|path| TokenConfig {
            path,
            ttl: options.token_ttl,
            delay: options.token_delay,
            required: options.token_required,
        }),
        retry_after: options.retry_after,
        status: options.status,
        refusal: options.refuse_by,
        keep_alive_refusals: options.keep_alive_refusals,
        body: options.body,
        tls: options.tls,
        faults: options.faults,
        seed: options.seed,
        log: options.log,
        workers: options.workers,
        drip_pace: options.drip_pace,
        ..Config::default()
    })
    .map_err(|error| Failure(error.to_string()))?;
    let begun = server.stats();
    if let (Some(path), Some(certificate)) = (&cert_out, server.certificate_pem()) {
        write_at_once(path, certificate)
            .map_err(|error| cannot_write("the certificate", path, &error.to_string()))?;
    }
    let port_file = port_file
        .map(|path| PortFile::write(path, server.addr()))
        .transpose()?;
    let (url, scheme) = (server.url(), if options.tls { "https" } else { "http" });
    say(&format!(
        "listening on {url}  limit: {limit}  stats: {scheme}://{}/stats",
        server.addr()
    ))?;

    let watched = watch(&server, begun, duration, stop);
    drop(port_file);
    server.stop();
    watched?;
    say(&summary(&server.stats()))?;
    match server.log_error() {
        None => Ok(()),
        Some(error) => Err(Failure(format!("the log is not complete: {error}"))),
    }
}

/// Prints what happened since `before`, again and again, until the stop or the end of `duration`. A line that cannot be printed is an
/// error at that end: whoever runs a test against the server wants it to go on.
fn watch(
    server: &Server,
    mut before: Stats,
    duration: Option<Duration>,
    stop: &StopToken,
) -> Result<(), Failure> {
    let started = Instant::now();
    let mut printed = Ok(());
    loop {
        let left = duration.map_or(PROGRESS, |duration| {
            duration.saturating_sub(started.elapsed()).min(PROGRESS)
        });
        if left.is_zero() || stop.wait(left) {
            return printed;
        }
        let now = server.stats();
        if (now.attempts, now.open) != (before.attempts, before.open) {
            printed = printed.and(say(&progress(&now, &before)));
        }
        before = now;
    }
}

fn progress(now: &Stats, before: &Stats) -> String {
    let new = |now: u64, before: u64| format!("{now} (+{})", now - before);
    format!(
        "{:>5} s  attempts {}  accepted {}  refused {}  open {}",
        now.uptime_ms / 1_000,
        new(now.attempts, before.attempts),
        new(now.accepted, before.accepted),
        new(now.refused, before.refused),
        now.open
    )
}

fn summary(stats: &Stats) -> String {
    format!(
        "stopped after {}: attempts {}, accepted {}, refused {}, faulted {}, most open {}, most attempts in a second {}",
        format_duration(Duration::from_millis(stats.uptime_ms)),
        stats.attempts,
        stats.accepted,
        stats.refused,
        stats.faulted,
        stats.peak_open,
        stats.peak_attempts_per_second
    )
}

/// A load test opens more sockets than the 1,024 that many shells allow by default.
#[cfg(unix)]
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where the system takes no higher one, the old one stays, and the statistics count what could not be accepted.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
}

#[cfg(not(unix))]
fn raise_open_files() {}

/// The file that tells scripts where the server listens, for as long as it does.
struct PortFile(PathBuf);

impl PortFile {
    fn write(path: PathBuf, addr: SocketAddr) -> Result<Self, Failure> {
        write_at_once(&path, &format!("{addr}\n"))
            .map_err(|error| cannot_write("the port file", &path, &error.to_string()))?;
        Ok(Self(path))
    }
}

impl Drop for PortFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
