//! A run out of its records.

use trace::jtl::Row;
use trace::{AttemptRecord, EventRecord, Record};

use crate::bins::moment;
use crate::elements::Elements;
use crate::ends::Ends;
use crate::gates::Gates;
use crate::spread::Spread;
use crate::tries::{Ended, Outcome, Tries, Try};

/// The parts of an attempt, in their order.
#[derive(Debug, Default)]
pub(crate) struct Stages(pub(crate) [Spread; 6]);

impl Stages {
    pub(crate) const NAMES: [&'static str; 6] = [
        "name look-up",
        "queue before it",
        "TCP connect",
        "proxy",
        "TLS",
        "upgrade",
    ];

    fn take(&mut self, record: &AttemptRecord<'_>) {
        let upgrade = record.head_us.zip(record.sent_us);
        let lengths = [
            record.dns_us,
            record.dns_queue_us,
            record.tcp_us,
            record.proxy_us,
            record.tls_us,
            upgrade.map(|(head, sent)| head.saturating_sub(sent)),
        ];
        for (spread, length) in self.0.iter_mut().zip(lengths) {
            if let Some(length) = length {
                spread.add(length);
            }
        }
    }
}

/// What a run's page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Connects,
    Repeats,
    Samples,
}

/// What happened, counted from the records of one trace or of several.
#[derive(Debug, Default)]
pub struct Run {
    pub(crate) connects: Tries,
    pub(crate) repeats: Tries,
    pub(crate) samples: Tries,
    pub(crate) stages: Stages,
    pub(crate) ends: Ends,
    pub(crate) gates: Gates,
    pub(crate) elements: Elements,
    /// Of the JTL's samples.
    pub(crate) labels: Elements,
    /// The last moment that anything was seen, microseconds since 1970.
    last: u64,
    release: Option<String>,
}

impl Run {
    /// Nothing happened yet.
    #[must_use]
    pub fn new() -> Self {
        Run::default()
    }

    /// Counts a record; those of one call in their order, the others in any.
    pub fn take(&mut self, record: &Record<'_>) {
        match record {
            Record::Start(start) => {
                let release = start.release.as_deref();
                self.release = release.map(|release| release.chars().take(40).collect());
            }
            Record::Attempt(attempt) => self.attempt(attempt),
            Record::Event(event) => self.event(event),
            Record::Closed(closed) => {
                self.last = self.last.max(moment(closed.at));
                self.ends.take(closed);
            }
        }
    }

    /// Counts a row of a JTL, of any sampler.
    pub fn sample(&mut self, row: &Row) {
        let one = Try::of_sample(row);
        self.last = self.last.max(one.ended);
        let label = self.labels.named(&row.label);
        label.steps += 1;
        if let Some(ended) = self.samples.take(&one) {
            label.end(ended);
        }
    }

    fn attempt(&mut self, record: &AttemptRecord<'_>) {
        let one = Try::of_attempt(record);
        self.last = self.last.max(one.ended);
        self.stages.take(record);
        if let Some(gate) = &record.gate {
            self.gates.take(record.at, gate);
        }
        let ended = self.connects.take(&one);
        let class = if record.element.is_empty() {
            "ConnectSampler"
        } else {
            &record.element
        };
        let element = self.elements.of(class, &record.target);
        element.steps += 1;
        if let Some(ended) = ended {
            element.end(ended);
        }
    }

    fn event(&mut self, record: &EventRecord<'_>) {
        self.last = self.last.max(moment(record.at));
        if let Some(gate) = &record.gate {
            self.gates.take(record.at, gate);
        }
        let stopped = record.stop.is_some();
        let took = record.total_us.unwrap_or(0);
        let waited = record
            .waited_ms
            .or(record.gate.as_ref().map(|gate| gate.waited_ms));
        let waited = waited.map_or(0, crate::spread::micros);
        let over = |passed| Some(Ended { passed, took, waited });
        let ended = match &*record.event {
            "attempt" => self.repeats.take(&Try::of_event(record)),
            "fetched" | "waited" => over(true),
            "no-turn" | "no-sample" => {
                let stop = record.stop.as_deref().unwrap_or_default();
                self.repeats
                    .stop(&record.user, record.ordinal, stop, moment(record.at));
                over(false)
            }
            "failed" | "without" | "left" => over(false),
            "turn" => over(!stopped),
            _ => None,
        };
        let element = self.elements.of(&record.element, &record.name);
        element.steps += 1;
        if let Some(ended) = ended {
            element.end(ended);
        }
    }

    /// What the page is about: connects; or where there are none, what controllers repeated; or where there is no trace, samples.
    pub(crate) fn subject(&self) -> Subject {
        let made = |tries: &Tries| tries.attempts() > 0;
        match (made(&self.connects), made(&self.repeats), made(&self.samples)) {
            (true, ..) | (_, false, false) => Subject::Connects,
            (_, true, _) => Subject::Repeats,
            (_, _, true) => Subject::Samples,
        }
    }

    /// Its attempts.
    pub(crate) fn main(&self) -> &Tries {
        match self.subject() {
            Subject::Connects => &self.connects,
            Subject::Repeats => &self.repeats,
            Subject::Samples => &self.samples,
        }
    }

    /// How many users tried.
    #[must_use]
    pub fn users(&self) -> u64 {
        self.main().users().all
    }

    /// Nothing that could be told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.main().attempts() == 0 && self.elements.0.is_empty()
    }

    pub(crate) fn release(&self) -> Option<&str> {
        self.release.as_deref()
    }

    /// From the first attempt to the last moment, microseconds since 1970.
    pub(crate) fn span(&self) -> (u64, u64) {
        let first = self.main().first().unwrap_or(self.last);
        (first, self.last.max(first))
    }

    /// Attempts with this outcome.
    pub(crate) fn outcome(&self, outcome: Outcome) -> u64 {
        self.main().outcomes[outcome as usize]
    }
}
