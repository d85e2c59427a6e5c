//! Records out of what the engine knows: hints, gates and attempts in the words of the trace. Not here: files and their threads.

use std::time::Duration;

use backoff::HintReading;
use trace::{AttemptRecord, GateRecord, HintRecord, Record, micros_of, milliseconds, since_1970};

use crate::connecting::run::{self, End, GateWait};
use crate::connecting::spec::ConnectSpec;

/// What a server asked for.
pub fn hint(hint: &HintReading) -> HintRecord<'_> {
    HintRecord {
        source: hint.source.to_string().into(),
        raw: (&hint.raw).into(),
        ms: hint.value.as_ref().ok().copied().map(milliseconds),
        ignored: hint.value.as_ref().err().map(|fault| fault.to_string().into()),
    }
}

/// A wait at a shared gate.
pub fn gate(gate: GateWait) -> GateRecord<'static> {
    GateRecord {
        mode: gate.mode.to_string().into(),
        waited_ms: milliseconds(gate.waited),
        rate: gate.state.rate,
        queue: gate.state.queue as u64,
        hold_ms: milliseconds(gate.state.hold),
    }
}

/// An attempt to connect; numbers are from 1.
pub fn attempt<'a>(
    spec: &'a ConnectSpec,
    target: &'a str,
    number: u64,
    attempt: &'a run::AttemptRecord,
) -> Record<'a> {
    let trace = &attempt.trace;
    let us = |length: Option<Duration>| length.map(micros_of);
    Record::Attempt(AttemptRecord {
        at: since_1970(trace.started),
        element: spec.element.into(),
        target: target.into(),
        user: (&*spec.user).into(),
        ordinal: spec.ordinal,
        attempt: number,
        dns_us: us(trace.dns),
        dns_queue_us: us(trace.dns_queue),
        tcp_us: us(trace.tcp),
        proxy_us: us(trace.proxy),
        tls_us: us(trace.tls),
        sent_us: us(trace.sent),
        head_us: us(trace.head),
        redirects: trace.redirects.len() as u64 + trace.challenges,
        total_us: micros_of(trace.total),
        stalled_us: us((!trace.stalled.is_zero()).then_some(trace.stalled)),
        status: attempt.status(),
        error: attempt.fault.as_ref().map(|fault| (&*fault.code).into()),
        class: attempt.class.map(|class| class.to_string().into()),
        hint: attempt.hint.as_ref().map(hint),
        gate: attempt.gate.map(gate),
        wait_ms: attempt.wait.map(milliseconds),
        waited_ms: attempt.wait.map(|_| milliseconds(attempt.waited)),
        stop: attempt.end.map(|end| End::name(end).into()),
    })
}
