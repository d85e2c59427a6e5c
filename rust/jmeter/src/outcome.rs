//! What a finished connect call reports to Java: numbers in places that never change, and texts one behind another. No JSON,
//! because thousands of connects a second come by here; only sub-results, which few ask for, are some.

use std::fmt::{self, Write as _};
use std::time::UNIX_EPOCH;

use backoff::StopReason;
use engine::ConnectDone;
use engine::codes::{CANCELLED, ErrorCode};
use engine::connecting::run::{AttemptRecord, ConnectRun, End};
use engine::connecting::spec::ConnectSpec;
use engine::connecting::timeline;
use engine::signs::Signs;
use engine::talking::figures::FIGURES;
use serde::Serialize;
use trace::micros_of;

use crate::connect::{ElapsedMode, ShownAs};
use crate::cures;
use crate::error_codes::{self, CLOSED, NO_STATUS, SPEC_INVALID};
use crate::values::Invalid;

/// The texts in their order; each may be empty. Heads have bare line feeds, as JMeter shows them.
pub const TEXTS: [&str; 12] = [
    // The response code, where no HTTP status stands for it.
    "code",
    "message",
    "requestHead",
    "responseHead",
    "body",
    "timeline",
    "url",
    // Why it ended.
    "stop",
    // As the server wrote them.
    "extensions",
    // Two lines for each `Set-Cookie` of each answer: the address that it came from, and the value.
    "setCookies",
    // What went wrong beside the connect itself, for the log.
    "warning",
    // With sub-results only: JSON, one object an attempt.
    "attempts",
];

/// The place of the first text's length in bytes; those of the others follow.
pub const FIRST_LENGTH: usize = FIGURES / 2;

/// For a number of what there was not.
const NONE: i64 = -1;

/// How a connect call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The socket is open.
    Connected = 0,
    /// The last answer was a refusal.
    Refused = 1,
    /// The last attempt had no answer.
    Failed = 2,
    /// JMeter's Stop.
    Cancelled = 3,
    /// The properties cannot be used: nothing was sent.
    Invalid = 4,
}

/// What a connect call gave.
#[derive(Debug)]
pub struct Connected {
    /// Times in microseconds. 0 the [`Ending`], 1 the status that is the response code (0: the code is a text),
    /// 2 elapsed, 3 waited, 4 connect, 5 latency, 6 bytes sent, 7 bytes of the answer's head, 8 of its body,
    /// 9 flags (1 waits are elapsed time, 2 sub-results), 10 attempts, 11 those that were throttled,
    /// 12 the last usable hint in ms, 13 the last answer's status (0: none), 14 the gate's rate in thousandths, 15 its queue
    /// (in 12, 14 and 15 -1: none), then the lengths of the texts.
    pub figures: [i64; FIGURES],
    /// The [`TEXTS`], one behind another.
    pub texts: String,
}

impl Connected {
    /// The result of a call; `log` is what Java is to log.
    pub fn new(spec: &ConnectSpec, shown: ShownAs, done: &ConnectDone, log: &str) -> Self {
        let run = &done.run;
        let last = run.last();
        let said = match run.end {
            End::Stopped(StopReason::Cancelled) => Said::coded(CANCELLED),
            _ => Said::by(last),
        };
        let mut texts = Texts::with_capacity(1024);
        texts.add(|out| said.put_code(out));
        texts.add(|out| out.push_str(said.message()));
        texts.add(|out| put_lines(out, &last.trace.request_head));
        texts.add(|out| put_lines(out, response_head(last)));
        texts.add(|out| put_body(out, last));
        texts.add(|out| put_story(out, run, &done.signs));
        texts.add(|out| put(out, &spec.dial.target));
        texts.add(|out| out.push_str(run.end.name()));
        texts.add(|out| out.push_str(&done.extensions));
        texts.add(|out| put_cookies(out, &run.set_cookies));
        texts.add(|out| out.push_str(log));
        if shown.subresults {
            texts.add(|out| put_attempts(out, run));
        }
        texts.behind(numbers(shown, run, said.status()))
    }

    /// The result of a call whose properties cannot be used.
    pub fn invalid(invalid: &Invalid, url: &str) -> Self {
        let said = Said::coded(SPEC_INVALID);
        let mut texts = Texts::with_capacity(0);
        texts.add(|out| said.put_code(out));
        texts.add(|out| out.push_str(said.message()));
        texts.skip(3);
        texts.add(|out| put(out, format_args!("{invalid}\nNothing was sent.\n")));
        texts.add(|out| out.push_str(url));
        texts.add(|out| out.push_str("invalid"));
        let mut numbers = [0; FIRST_LENGTH];
        numbers[0] = Ending::Invalid as i64;
        for place in [12, 14, 15] {
            numbers[place] = NONE;
        }
        texts.behind(numbers)
    }
}

/// What stands before the texts' lengths, see [`Connected::figures`].
fn numbers(shown: ShownAs, run: &ConnectRun, status: u16) -> [i64; FIRST_LENGTH] {
    let last = run.last();
    let ending = match (run.end, last.status()) {
        (End::Connected, _) => Ending::Connected,
        (End::Stopped(StopReason::Cancelled), _) => Ending::Cancelled,
        (End::Stopped(_), Some(_)) => Ending::Refused,
        (End::Stopped(_), None) => Ending::Failed,
    };
    let waits_are_elapsed = shown.elapsed == ElapsedMode::Total;
    let throttled = run
        .attempts
        .iter()
        .filter(|attempt| attempt.class == Some(backoff::Class::Throttle));
    let hint = run
        .attempts
        .iter()
        .rev()
        .find_map(|attempt| attempt.hint.as_ref().and_then(|hint| hint.value.as_ref().ok()));
    let gate = last.gate.map(|gate| gate.state);
    [
        ending as i64,
        status.into(),
        number(run.elapsed.as_micros()),
        number(run.waited().as_micros()),
        number(last.connect_time().as_micros()),
        number(last.trace.head.unwrap_or_default().as_micros()),
        number(last.trace.sent_bytes),
        number(last.trace.head_bytes),
        number(last.trace.body_bytes),
        i64::from(waits_are_elapsed) | i64::from(shown.subresults) << 1,
        number(run.made()),
        number(throttled.count()),
        hint.map_or(NONE, |hint| number(hint.as_millis())),
        last.status().unwrap_or_default().into(),
        gate.and_then(|gate| gate.rate).map_or(NONE, thousandths),
        gate.map_or(NONE, |gate| number(gate.queue)),
    ]
}

/// Whatever is more counts as the most that there is.
fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// Rates are numbers that a person set, or smaller.
#[allow(clippy::cast_possible_truncation)]
fn thousandths(rate: f64) -> i64 {
    (rate * 1e3).round() as i64
}

/// Texts that are being put one behind another.
struct Texts {
    out: String,
    lengths: [i64; TEXTS.len()],
    next: usize,
}

impl Texts {
    fn with_capacity(bytes: usize) -> Self {
        Texts {
            out: String::with_capacity(bytes),
            lengths: [0; TEXTS.len()],
            next: 0,
        }
    }

    /// The next text is what is appended.
    fn add(&mut self, append: impl FnOnce(&mut String)) {
        let before = self.out.len();
        append(&mut self.out);
        self.lengths[self.next] = number(self.out.len() - before);
        self.next += 1;
    }

    /// The next ones are empty.
    fn skip(&mut self, count: usize) {
        self.next += count;
    }

    fn behind(self, numbers: [i64; FIRST_LENGTH]) -> Connected {
        let mut figures = [0; FIGURES];
        figures[..FIRST_LENGTH].copy_from_slice(&numbers);
        figures[FIRST_LENGTH..][..TEXTS.len()].copy_from_slice(&self.lengths);
        Connected {
            figures,
            texts: self.out,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptResult {
    started_ms: u64,
    elapsed_us: u64,
    wait_us: u64,
    ok: bool,
    code: String,
    message: String,
    connect_us: u64,
    latency_us: u64,
    sent_bytes: u64,
    head_bytes: u64,
    body_bytes: u64,
    request_head: String,
    response_head: String,
    body: String,
}

impl AttemptResult {
    fn new(attempt: &AttemptRecord) -> Self {
        let said = Said::by(attempt);
        let since_epoch = attempt
            .trace
            .started
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let text = |append: &dyn Fn(&mut String)| {
            let mut out = String::new();
            append(&mut out);
            out
        };
        AttemptResult {
            started_ms: micros_of(since_epoch) / 1_000,
            elapsed_us: micros_of(attempt.trace.total),
            wait_us: micros_of(attempt.waited),
            ok: attempt.fault.is_none(),
            code: match said.status() {
                0 => text(&|out| said.put_code(out)),
                status => status.to_string(),
            },
            message: said.message().to_owned(),
            connect_us: micros_of(attempt.connect_time()),
            latency_us: attempt.trace.head.map_or(0, micros_of),
            sent_bytes: attempt.trace.sent_bytes,
            head_bytes: attempt.trace.head_bytes,
            body_bytes: attempt.trace.body_bytes,
            request_head: text(&|out| put_lines(out, &attempt.trace.request_head)),
            response_head: text(&|out| {
                put_lines(out, response_head(attempt));
                put_cut(out, attempt);
            }),
            body: text(&|out| put_body(out, attempt)),
        }
    }
}

/// JMeter's response code and message: the server's own, or a code of the table and its constant text.
enum Said<'a> {
    Server(u16, &'a str),
    Code(&'a str, &'static str),
}

impl<'a> Said<'a> {
    fn by(attempt: &'a AttemptRecord) -> Self {
        match (&attempt.fault, &attempt.trace.answer) {
            (Some(fault), Some(answer)) if fault.code == websocket::Code::UpgradeStatus.as_str() => {
                Said::Server(answer.status, &answer.reason)
            }
            (None, Some(answer)) => Said::Server(answer.status, &answer.reason),
            (Some(fault), _) => Said::Code(&fault.code, fault.message),
            (None, None) => unreachable!("an open socket has its 101"),
        }
    }

    fn coded(code: ErrorCode) -> Self {
        Said::Code(code.code, code.message)
    }

    /// 0 where it was not the server that spoke.
    fn status(&self) -> u16 {
        match self {
            Said::Server(status, _) => *status,
            Said::Code(..) => 0,
        }
    }

    /// In the form that JMeter itself gives to failures without an HTTP status.
    fn put_code(&self, out: &mut String) {
        if let Said::Code(code, _) = self {
            // Close codes stand by themselves, as those of message samples do.
            if !code.starts_with(CLOSED) {
                out.push_str(NO_STATUS);
            }
            out.push_str(code);
        }
    }

    fn message(&self) -> &'a str {
        match self {
            Said::Server(_, reason) => reason,
            Said::Code(_, message) => message,
        }
    }
}

fn put(out: &mut String, shown: impl fmt::Display) {
    write!(out, "{shown}").expect("a String takes everything");
}

/// The run in words, what can be done about its failure, and what it smells like.
fn put_story(out: &mut String, run: &ConnectRun, signs: &Signs) {
    timeline::write(out, run);
    put_cut(out, run.last());
    if let Some(fault) = run.curable() {
        let help = error_codes::help(&fault.code).unwrap_or_default();
        put(out, format_args!("{}: {help}\n", fault.code));
    }
    for &smell in &signs.smells {
        put(out, format_args!("{}\n", cures::smell(smell, signs)));
    }
    let is_final = run.end == End::Stopped(StopReason::Fatal) && run.last().status() == Some(403);
    if is_final && signs.smells.is_empty() {
        out.push_str(PLAIN_403);
    }
}

/// Only who knows the server can tell what such an answer means.
const PLAIN_403: &str = "A 403 is final by default. Where it is this server's way to say \"too many\", let it count as a throttle: wsb.retry.throttle=429,503,403\n";

/// A head, its lines ended by bare line feeds.
fn put_lines(out: &mut String, head: &str) {
    for (index, line) in head.split("\r\n").enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str(line);
    }
}

fn response_head(attempt: &AttemptRecord) -> &str {
    attempt.trace.answer.as_ref().map_or("", |answer| &answer.head)
}

fn put_body(out: &mut String, attempt: &AttemptRecord) {
    let Some(answer) = &attempt.trace.answer else {
        return;
    };
    out.push_str(&String::from_utf8_lossy(&answer.body));
}

/// The body is the server's own words; that it had more of them is ours.
fn put_cut(out: &mut String, attempt: &AttemptRecord) {
    if attempt
        .trace
        .answer
        .as_ref()
        .is_some_and(|answer| answer.body_cut)
    {
        out.push_str("the answer's body was longer and is cut\n");
    }
}

/// Of all attempts and their redirects in order, so that the last one wins where two set the same cookie.
pub fn put_cookies(out: &mut String, set_cookies: &[(String, String)]) {
    for (from, cookie) in set_cookies {
        put(out, format_args!("{from}\n{cookie}\n"));
    }
}

fn put_attempts(out: &mut String, run: &ConnectRun) {
    let attempts: Vec<AttemptResult> = run.attempts.iter().map(AttemptResult::new).collect();
    out.push_str(&serde_json::to_string(&attempts).expect("plain texts and numbers"));
}
