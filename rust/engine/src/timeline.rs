//! A connect call in words: one line an attempt, then the sum. People read it in View Results Tree.

use std::fmt::Write as _;
use std::time::Duration;

use crate::run::{AttemptRecord, Run, Stop};

/// More attempts than this are shown as the first and the last ones.
const SHOWN_EACH_END: usize = 25;

/// The whole story of a run.
pub fn text(run: &Run) -> String {
    let mut out = String::new();
    let count = run.attempts.len();
    for (index, attempt) in run.attempts.iter().enumerate() {
        if count > 2 * SHOWN_EACH_END && (SHOWN_EACH_END..count - SHOWN_EACH_END).contains(&index) {
            if index == SHOWN_EACH_END {
                let _ = writeln!(out, "... {} attempts more ...", count - 2 * SHOWN_EACH_END);
            }
            continue;
        }
        line(&mut out, index + 1, attempt);
    }
    let _ = writeln!(
        out,
        "{} after {} attempt{} and {}, {} of it waiting",
        match run.stop {
            Stop::Connected => "connected".to_owned(),
            Stop::Cancelled => "cancelled".to_owned(),
            Stop::Policy(stop) => format!("gave up ({stop})"),
        },
        count,
        if count == 1 { "" } else { "s" },
        span(run.elapsed),
        span(run.waited()),
    );
    out
}

fn line(out: &mut String, number: usize, attempt: &AttemptRecord) {
    let _ = write!(
        out,
        "attempt {number} at +{:.3} s: ",
        attempt.offset.as_secs_f64()
    );
    match (&attempt.fault, &attempt.trace.answer) {
        (None, Some(answer)) => {
            let _ = write!(out, "{} {}", answer.status, answer.reason);
        }
        (Some(fault), Some(answer)) if fault.code == websocket::Code::UpgradeStatus.as_str() => {
            let _ = write!(out, "{} {}", answer.status, answer.reason);
        }
        (Some(fault), _) => {
            let _ = write!(out, "{}: {}", fault.code, fault.detail);
        }
        (None, None) => {}
    }
    let _ = write!(out, " after {}", span(attempt.trace.total));
    stages(out, attempt);
    if let Some(class) = attempt.class {
        let _ = write!(out, "; {class}");
    }
    if let Some(hint) = &attempt.hint {
        let _ = match &hint.value {
            Ok(value) => write!(out, "; hint {} {:?} = {}", hint.source, hint.raw, span(*value)),
            Err(fault) => write!(out, "; hint {} {:?} not used: {fault}", hint.source, hint.raw),
        };
    }
    if let Some(gate) = attempt.gate {
        let _ = write!(out, "; {} at the shared gate before it", span(gate.waited));
    }
    if let Some(wait) = attempt.wait {
        let _ = write!(out, "; waits {}", span(wait));
        if attempt.stop == Some(Stop::Cancelled) {
            let _ = write!(out, ", cancelled after {}", span(attempt.waited));
        }
    }
    out.push('\n');
}

/// The lengths of the stages that took place.
fn stages(out: &mut String, attempt: &AttemptRecord) {
    let trace = &attempt.trace;
    let named: Vec<String> = [
        ("dns", trace.dns),
        ("tcp", trace.tcp),
        ("proxy", trace.proxy),
        ("tls", trace.tls),
    ]
    .into_iter()
    .filter_map(|(name, length)| length.map(|length| format!("{name} {}", span(length))))
    .collect();
    if !named.is_empty() {
        let _ = write!(out, " ({})", named.join(", "));
    }
    for (status, location) in &trace.redirects {
        let _ = write!(out, "; redirected by {status} to {location}");
    }
}

/// A duration at a glance: microseconds below 1 ms, milliseconds below 1 s, then seconds.
fn span(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    if micros < 1_000.0 {
        format!("{micros:.0} us")
    } else if micros < 1e6 {
        format!("{:.1} ms", micros / 1e3)
    } else {
        format!("{:.3} s", micros / 1e6)
    }
}
