//! A connect call in words: one line an attempt, then the sum. People read it in View Results Tree.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::time::Duration;

use backoff::{Finding, StopReason};

use crate::connecting::run::{AttemptRecord, ConnectRun, End};

/// More attempts than this are shown as the first and the last ones.
const SHOWN_EACH_END: usize = 25;

/// Appends the whole story of a run.
pub fn write(out: &mut String, run: &ConnectRun) {
    let count = run.attempts.len();
    for (index, attempt) in run.attempts.iter().enumerate() {
        if count > 2 * SHOWN_EACH_END && (SHOWN_EACH_END..count - SHOWN_EACH_END).contains(&index) {
            if index == SHOWN_EACH_END {
                let _ = writeln!(out, "... {} attempts more ...", count - 2 * SHOWN_EACH_END);
            }
            continue;
        }
        line(out, index + 1, attempt);
    }
    let _ = writeln!(
        out,
        "{} after {} attempt{} and {}, {} of it waiting",
        match run.end {
            End::Connected => Cow::from("connected"),
            End::Stopped(StopReason::Cancelled) => "cancelled".into(),
            End::Stopped(reason) => format!("gave up ({reason})").into(),
        },
        count,
        if count == 1 { "" } else { "s" },
        Span(run.elapsed),
        Span(run.waited()),
    );
}

fn line(out: &mut String, number: usize, attempt: &AttemptRecord) {
    let _ = write!(out, "attempt {number} at +{}: ", Seconds(attempt.offset));
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
    let _ = write!(out, " after {}", Span(attempt.trace.total));
    stages(out, attempt);
    if let Some(class) = attempt.class {
        let _ = write!(out, "; {class}");
    }
    if let Some(hint) = &attempt.hint {
        let _ = match &hint.value {
            Ok(value) => write!(out, "; hint {} {:?} = {}", hint.source, hint.raw, Span(*value)),
            Err(fault) => write!(out, "; hint {} {:?} not used: {fault}", hint.source, hint.raw),
        };
    }
    if let Some(gate) = attempt.gate {
        let _ = write!(out, "; {} at the shared gate before it", Span(gate.waited));
    }
    out.push_str(match attempt.found {
        Some(Finding::Flow(_)) => "; waits by what all users see",
        Some(Finding::Queue(_)) => "; the server queues",
        Some(Finding::LockedOut(found)) if found.proven => "; its users lock each other out and line up",
        Some(Finding::LockedOut(_)) => "; next to nobody is let in and its users line up",
        None => "",
    });
    if let Some(wait) = attempt.wait {
        let _ = write!(out, "; waits {}", Span(wait));
        if attempt.end == Some(End::Stopped(StopReason::Cancelled)) {
            let _ = write!(out, ", cancelled after {}", Span(attempt.waited));
        }
    }
    out.push('\n');
}

/// The lengths of the stages that took place.
fn stages(out: &mut String, attempt: &AttemptRecord) {
    let trace = &attempt.trace;
    let mut before = " (";
    for (name, length) in [
        ("dns", trace.dns),
        ("tcp", trace.tcp),
        ("proxy", trace.proxy),
        ("tls", trace.tls),
    ] {
        if let Some(length) = length {
            let _ = write!(out, "{before}{name} {}", Span(length));
            before = ", ";
        }
    }
    if before == ", " {
        out.push(')');
    }
    for (status, location) in &trace.redirects {
        let _ = write!(out, "; redirected by {status} to {location}");
    }
    match trace.challenges {
        0 => {}
        1 => out.push_str("; a challenge for a login answered"),
        count => {
            let _ = write!(out, "; {count} challenges for a login answered");
        }
    }
}

/// A duration at a glance: microseconds below 1 ms, milliseconds below 1 s, then seconds. Without floats, whose digits cost
/// more than all the rest of a timeline.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_nanos().saturating_add(500) / 1_000;
        match micros {
            0..1_000 => write!(f, "{micros} us"),
            1_000..999_950 => {
                let tenths = (micros + 50) / 100;
                write!(f, "{}.{} ms", tenths / 10, tenths % 10)
            }
            _ => write!(f, "{}", Seconds(self.0)),
        }
    }
}

/// To the millisecond.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_micros().saturating_add(500) / 1_000;
        write!(f, "{}.{:03} s", millis / 1_000, millis % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_rounded_in_the_unit_that_fits() {
        for (nanos, expected) in [
            (0, "0 us"),
            (1_499, "1 us"),
            (999_499, "999 us"),
            (999_500, "1.0 ms"),
            (1_250_000, "1.3 ms"),
            (999_900_000, "999.9 ms"),
            (999_960_000, "1.000 s"),
            (61_234_500_000, "61.235 s"),
        ] {
            assert_eq!(Span(Duration::from_nanos(nanos)).to_string(), expected);
        }
    }
}
