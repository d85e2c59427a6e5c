//! A finished connect call as JSON for Java: the sample's figures and texts, the variables, the attempts.

use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;

use crate::error_codes::{CANCELLED, ErrorCode, SPEC_INVALID};
use crate::run::{AttemptRecord, Run, Stop};
use crate::spec::{ConnectSpec, ElapsedMode, Invalid};
use crate::timeline;
use crate::variables::{
    ATTEMPTS, CONNECT_SAMPLER, GATE_QUEUE, HINT_MS, LAST_STATUS, RATE, STOP, THROTTLED, TIME_TO_CONNECT_MS,
    VARIABLES, WAITED_MS,
};

/// The result of one connect call; times in microseconds unless a name says otherwise.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectResult {
    outcome: &'static str,
    ok: bool,
    code: String,
    message: String,
    elapsed_us: u64,
    waited_us: u64,
    connect_us: u64,
    latency_us: u64,
    sent_bytes: u64,
    head_bytes: u64,
    body_bytes: u64,
    url: String,
    request_head: String,
    response_head: String,
    body: String,
    /// As the server wrote them; empty without.
    extensions: String,
    /// Each `Set-Cookie` of each answer, with the address that it came from.
    set_cookies: Vec<(String, String)>,
    timeline: String,
    /// What went wrong beside the connect itself, for the log; empty: nothing.
    warning: String,
    elapsed_mode: &'static str,
    subresults: bool,
    variables: serde_json::Map<String, serde_json::Value>,
    attempts: Vec<AttemptResult>,
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

impl ConnectResult {
    /// The result of a run.
    pub fn new(spec: &ConnectSpec, run: &Run) -> Self {
        let last = run.last();
        let (code, message) = match run.stop {
            Stop::Cancelled => coded(CANCELLED),
            _ => code_and_message(last),
        };
        ConnectResult {
            outcome: match (run.stop, last.status()) {
                (Stop::Connected, _) => "connected",
                (Stop::Cancelled, _) => "cancelled",
                (Stop::Policy(_), Some(_)) => "refused",
                (Stop::Policy(_), None) => "failed",
            },
            ok: run.stop == Stop::Connected,
            code,
            message,
            elapsed_us: micros(run.elapsed),
            waited_us: micros(run.waited()),
            connect_us: micros(last.connect_time()),
            latency_us: last.trace.head.map_or(0, micros),
            sent_bytes: last.trace.sent_bytes,
            head_bytes: last.trace.head_bytes,
            body_bytes: last.trace.body_bytes,
            url: spec.dial.target.to_string(),
            request_head: last.trace.request_head.clone(),
            response_head: response_head(last),
            body: body(last),
            extensions: run
                .connection
                .as_ref()
                .map(|open| open.extensions().to_owned())
                .unwrap_or_default(),
            set_cookies: set_cookies(spec, run),
            timeline: timeline::text(run),
            warning: String::new(),
            elapsed_mode: spec.elapsed.name(),
            subresults: spec.subresults,
            variables: variables(run),
            // Only sub-results need them; a refused user may have made hundreds.
            attempts: if spec.subresults {
                run.attempts.iter().map(AttemptResult::new).collect()
            } else {
                Vec::new()
            },
        }
    }

    /// The result of a call whose properties cannot be used.
    pub fn invalid(invalid: &Invalid, url: &str) -> Self {
        let (code, message) = coded(SPEC_INVALID);
        let variables = VARIABLES
            .iter()
            .filter(|variable| variable.elements.contains(&CONNECT_SAMPLER))
            .map(|variable| {
                let value = match variable.name {
                    ATTEMPTS | THROTTLED | WAITED_MS => "0",
                    STOP => "invalid",
                    _ => "",
                };
                (variable.name.to_owned(), value.into())
            })
            .collect();
        ConnectResult {
            outcome: "invalid",
            ok: false,
            code,
            message,
            elapsed_us: 0,
            waited_us: 0,
            connect_us: 0,
            latency_us: 0,
            sent_bytes: 0,
            head_bytes: 0,
            body_bytes: 0,
            url: url.to_owned(),
            request_head: String::new(),
            response_head: String::new(),
            body: String::new(),
            extensions: String::new(),
            set_cookies: Vec::new(),
            timeline: format!("{invalid}\nNothing was sent.\n"),
            warning: String::new(),
            elapsed_mode: ElapsedMode::Attempts.name(),
            subresults: false,
            variables,
            attempts: Vec::new(),
        }
    }

    /// Adds what Java is to log.
    pub fn warn(&mut self, warning: String) {
        self.warning = warning;
    }

    /// As UTF-8 JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain texts and numbers")
    }
}

impl AttemptResult {
    fn new(attempt: &AttemptRecord) -> Self {
        let (code, message) = code_and_message(attempt);
        let since_epoch = attempt
            .trace
            .started
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        AttemptResult {
            started_ms: micros(since_epoch) / 1_000,
            elapsed_us: micros(attempt.trace.total),
            wait_us: micros(attempt.waited),
            ok: attempt.fault.is_none(),
            code,
            message,
            connect_us: micros(attempt.connect_time()),
            latency_us: attempt.trace.head.map_or(0, micros),
            sent_bytes: attempt.trace.sent_bytes,
            head_bytes: attempt.trace.head_bytes,
            body_bytes: attempt.trace.body_bytes,
            request_head: attempt.trace.request_head.clone(),
            response_head: response_head(attempt),
            body: body(attempt),
        }
    }
}

/// JMeter's response code and message: the server's own, or a code of the table behind the words that JMeter users know.
fn code_and_message(attempt: &AttemptRecord) -> (String, String) {
    match (&attempt.fault, &attempt.trace.answer) {
        (Some(fault), Some(answer)) if fault.code == websocket::Code::UpgradeStatus.as_str() => {
            (answer.status.to_string(), answer.reason.clone())
        }
        (None, Some(answer)) => (answer.status.to_string(), answer.reason.clone()),
        (Some(fault), _) => (non_http(fault.code), fault.message.to_owned()),
        (None, None) => unreachable!("an open socket has its 101"),
    }
}

fn coded(code: ErrorCode) -> (String, String) {
    (non_http(code.code), code.message.to_owned())
}

/// The form that JMeter itself gives to failures without an HTTP status.
fn non_http(code: &str) -> String {
    format!("Non HTTP response code: {code}")
}

fn response_head(attempt: &AttemptRecord) -> String {
    attempt
        .trace
        .answer
        .as_ref()
        .map(|answer| answer.head.clone())
        .unwrap_or_default()
}

fn body(attempt: &AttemptRecord) -> String {
    let Some(answer) = &attempt.trace.answer else {
        return String::new();
    };
    let mut text = String::from_utf8_lossy(&answer.body).into_owned();
    if answer.body_cut {
        text.push_str("\n[cut here]");
    }
    text
}

/// Of all attempts in order, so that the last one wins where two set the same cookie.
fn set_cookies(spec: &ConnectSpec, run: &Run) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for attempt in &run.attempts {
        let Some(answer) = &attempt.trace.answer else {
            continue;
        };
        let mut cookies = answer.header("set-cookie").peekable();
        if cookies.peek().is_none() {
            continue;
        }
        let target = attempt
            .trace
            .redirects
            .iter()
            .fold(spec.dial.target.clone(), |target, (_, location)| {
                target.join(location).unwrap_or(target)
            });
        let url = target.to_string();
        found.extend(cookies.map(|cookie| (url.clone(), cookie.to_owned())));
    }
    found
}

fn variables(run: &Run) -> serde_json::Map<String, serde_json::Value> {
    let throttled = run
        .attempts
        .iter()
        .filter(|a| a.class == Some(backoff::Class::Throttle))
        .count();
    let hint = run
        .attempts
        .iter()
        .rev()
        .find_map(|a| a.hint.as_ref().and_then(|hint| hint.value.as_ref().ok()));
    let connected = run.stop == Stop::Connected;
    let gate = run.last().gate;
    let values = [
        (ATTEMPTS, run.made().to_string()),
        (THROTTLED, throttled.to_string()),
        (WAITED_MS, run.waited().as_millis().to_string()),
        (
            TIME_TO_CONNECT_MS,
            if connected {
                run.elapsed.as_millis().to_string()
            } else {
                String::new()
            },
        ),
        (
            HINT_MS,
            hint.map(|hint| hint.as_millis().to_string()).unwrap_or_default(),
        ),
        (STOP, run.stop.name()),
        (
            RATE,
            gate.and_then(|gate| gate.state.rate)
                .map(|rate| format!("{rate:.3}"))
                .unwrap_or_default(),
        ),
        (
            GATE_QUEUE,
            gate.map(|gate| gate.state.queue.to_string()).unwrap_or_default(),
        ),
        (
            LAST_STATUS,
            run.last()
                .status()
                .map(|status| status.to_string())
                .unwrap_or_default(),
        ),
    ];
    values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

/// Whole microseconds; 584,000 years fit.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
