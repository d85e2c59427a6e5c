//! Reads the signs of a run: what its attempts look like together.

use backoff::{FailureKind, Finding, HttpAnswer, Seen, Sign, Smell, StopReason};

use crate::connecting::run::{AttemptRecord, ConnectRun, End};
use crate::connecting::spec::ConnectSpec;
use crate::signs::Signs;

/// What a run smells of; where it was cancelled, or where the socket is open, only what all users found out together.
pub fn of(spec: &ConnectSpec, run: &ConnectRun) -> Signs {
    let smells = if matches!(run.end, End::Connected | End::Stopped(StopReason::Cancelled)) {
        Vec::new()
    } else {
        let made = run.attempts.iter().filter(|attempt| attempt.made);
        let signs: Vec<Sign<'_>> = made.map(sign).collect();
        backoff::smells(&spec.policy, &signs)
    };
    let found = || run.attempts.iter().rev().filter_map(|attempt| attempt.found);
    let mut signs = Signs {
        smells,
        found: found()
            .find(|found| !matches!(found, Finding::Flow(_)))
            .or(found().next()),
        max_elapsed: spec.policy.max_elapsed,
    };
    let smell = match signs.found {
        Some(Finding::Queue(_)) => Some(Smell::Queue),
        Some(Finding::LockedOut(_)) => Some(Smell::RefusalsCount),
        Some(Finding::Flow(_)) | None => None,
    };
    signs
        .smells
        .extend(smell.filter(|smell| !signs.smells.contains(smell)));
    signs
}

fn sign(attempt: &AttemptRecord) -> Sign<'_> {
    let failure = |attempt: &AttemptRecord| {
        let code = attempt.fault.as_ref().map(|fault| &*fault.code);
        let known = websocket::Code::ALL
            .iter()
            .find(|known| Some(known.as_str()) == code);
        match known.map(|known| known.kind()) {
            Some(websocket::Kind::Timeout) => FailureKind::Timeout,
            Some(websocket::Kind::Network) => FailureKind::Network,
            _ => FailureKind::Fatal,
        }
    };
    Sign {
        seen: match &attempt.trace.answer {
            Some(answer) => Seen::Answer(HttpAnswer {
                status: answer.status,
                headers: &answer.headers,
                body: &answer.body,
                now: attempt.trace.started,
            }),
            None => Seen::Failure(failure(attempt)),
        },
        redirects: attempt.trace.redirects.len(),
        took: attempt.trace.total,
        hint: attempt.usable_hint(),
        waited: attempt.end.is_none().then_some(attempt.waited),
    }
}
