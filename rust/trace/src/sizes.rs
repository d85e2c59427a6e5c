//! Which numbers of a line are larger than any that was ever measured: such a line is broken, or another program's.

use crate::LARGEST;
use crate::record::{AttemptRecord, ClosedRecord, EventRecord, GateRecord, HintRecord, Record};

/// A field's name, and its number where there is one.
type Field = (&'static str, Option<f64>);

fn whole(name: &'static str, number: impl Into<Option<u64>>) -> Field {
    // Rounding moves none of them over the border.
    (name, number.into().map(|number| number as f64))
}

fn real(name: &'static str, number: impl Into<Option<f64>>) -> Field {
    (name, number.into())
}

fn first(fields: &[Field]) -> Option<&'static str> {
    let largest = LARGEST as f64;
    let large = |(_, number): &&Field| number.is_some_and(|number| number.abs() > largest);
    fields.iter().find(large).map(|(name, _)| *name)
}

impl Record<'_> {
    /// The first field whose number is larger than [`LARGEST`].
    pub(crate) fn too_large(&self) -> Option<&'static str> {
        match self {
            Record::Start(_) => None,
            Record::Attempt(attempt) => of_attempt(attempt),
            Record::Event(event) => of_event(event),
            Record::Closed(closed) => of_closed(closed),
        }
    }
}

fn of_attempt(attempt: &AttemptRecord<'_>) -> Option<&'static str> {
    let own = first(&[
        whole("at", attempt.at),
        whole("ordinal", attempt.ordinal),
        whole("attempt", attempt.attempt),
        whole("dnsUs", attempt.dns_us),
        whole("dnsQueueUs", attempt.dns_queue_us),
        whole("tcpUs", attempt.tcp_us),
        whole("proxyUs", attempt.proxy_us),
        whole("tlsUs", attempt.tls_us),
        whole("sentUs", attempt.sent_us),
        whole("headUs", attempt.head_us),
        whole("redirects", attempt.redirects),
        whole("totalUs", attempt.total_us),
        whole("stalledUs", attempt.stalled_us),
        real("waitMs", attempt.wait_ms),
        real("waitedMs", attempt.waited_ms),
    ]);
    own.or_else(|| of_parts(attempt.hint.as_ref(), attempt.gate.as_ref()))
}

fn of_event(event: &EventRecord<'_>) -> Option<&'static str> {
    let own = first(&[
        whole("at", event.at),
        whole("ordinal", event.ordinal),
        whole("attempt", event.attempt),
        whole("totalUs", event.total_us),
        real("waitMs", event.wait_ms),
        real("waitedMs", event.waited_ms),
    ]);
    own.or_else(|| of_parts(event.hint.as_ref(), event.gate.as_ref()))
}

fn of_closed(closed: &ClosedRecord<'_>) -> Option<&'static str> {
    first(&[
        whole("at", closed.at),
        whole("ordinal", closed.ordinal),
        real("openMs", closed.open_ms),
        whole("sentMessages", closed.sent_messages),
        whole("receivedMessages", closed.received_messages),
        whole("sentBytes", closed.sent_bytes),
        whole("receivedBytes", closed.received_bytes),
    ])
}

fn of_parts(hint: Option<&HintRecord<'_>>, gate: Option<&GateRecord<'_>>) -> Option<&'static str> {
    let hint = hint.and_then(|hint| first(&[real("hint.ms", hint.ms)]));
    let of_gate = |gate: &GateRecord<'_>| {
        first(&[
            real("gate.waitedMs", gate.waited_ms),
            real("gate.rate", gate.rate),
            whole("gate.queue", gate.queue),
            real("gate.holdMs", gate.hold_ms),
        ])
    };
    hint.or_else(|| gate.and_then(of_gate))
}
