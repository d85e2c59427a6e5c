//! The figures of a test that is over, out of its trace: read once from begin to end, in memory by the test's length and its users, not
//! by its attempts. Lines may stand in any order of time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::BufRead;
use std::time::Duration;

use backoff::StopReason;
use trace::{AttemptRecord, ClosedRecord, EventRecord, GateRecord, ReadError, Reader, Record};

use crate::watching::board::CONNECTED;
use crate::watching::history::{History, Row};
use crate::watching::lengths::Spread;
use crate::watching::moment::{Crowd, Fate, Moment};
use crate::watching::rate::LOOK_BACK;

/// Microseconds in a second.
const SECOND: u64 = 1_000_000;

/// What a trace tells.
#[derive(Debug)]
pub struct Replay {
    /// The figures at its end.
    pub moment: Moment,
    /// How they went.
    pub history: History,
    /// Lines that could not be read, and why the first of them.
    pub skipped: Option<(u64, ReadError)>,
}

/// Reads a trace.
///
/// # Errors
/// It is none, or of a version that is not known, or the source fails.
pub fn replay(source: impl BufRead) -> Result<Replay, ReadError> {
    let mut film = Film::default();
    let mut skipped: Option<(u64, ReadError)> = None;
    for record in Reader::new(source) {
        match record {
            Ok(record) => film.take(&record),
            Err(error @ ReadError::Line { .. }) => match &mut skipped {
                Some((count, _)) => *count += 1,
                None => skipped = Some((1, error)),
            },
            Err(error) => return Err(error),
        }
    }
    let (moment, history) = film.develop();
    Ok(Replay {
        moment,
        history,
        skipped,
    })
}

/// What a second changes.
#[derive(Debug, Default)]
struct Change {
    connected: i64,
    connecting: i64,
    waiting: i64,
    lost: i64,
    held: i64,
    attempts: u64,
    /// Until when the longest hint holds that came in it, microseconds since 1970.
    hinted: u64,
    /// When a gate's rate was last seen in it, and the rate.
    gate: Option<(u64, f64)>,
}

/// A place that a user is in for a while.
type Place = fn(&mut Change) -> &mut i64;

/// What was read so far.
#[derive(Default)]
struct Film {
    /// By second since 1970.
    changes: BTreeMap<u64, Change>,
    /// The figures that only grow.
    totals: Moment,
    to_connect: Spread,
    waits: Spread,
    /// When the connect of a user began that is being read.
    begins: HashMap<String, u64>,
    lost: HashSet<String>,
}

impl Film {
    fn take(&mut self, record: &Record<'_>) {
        match record {
            Record::Start(_) => {}
            Record::Attempt(attempt) => self.attempt(attempt),
            Record::Event(event) => self.event(event),
            Record::Closed(closed) => self.closed(closed),
        }
    }

    fn attempt(&mut self, attempt: &AttemptRecord<'_>) {
        let waiting: Place = |change| &mut change.waiting;
        let (at, end) = (attempt.at, attempt.at.saturating_add(attempt.total_us));
        let came = at.saturating_sub(self.gate(at, attempt.gate.as_ref(), waiting));
        let user = attempt.user.to_string();
        if attempt.attempt <= 1 {
            self.begins.insert(user.clone(), came);
        }
        let missed_its_turn = attempt.total_us == 0 && attempt.gate.is_some() && attempt.stop.is_some();
        if !missed_its_turn {
            self.made(attempt, end);
        }
        if let Some(pause) = attempt.waited_ms.map(micros) {
            self.stay(end, end.saturating_add(pause), waiting);
            self.waits.add(Duration::from_micros(pause));
        }
        if let Some(stop) = &attempt.stop {
            *self.totals.connects.entry(stop.to_string()).or_default() += 1;
            let begun = self.begins.remove(&user).unwrap_or(came);
            if stop == CONNECTED {
                self.to_connect
                    .add(Duration::from_micros(end.saturating_sub(begun)));
                self.change(end).connected += 1;
                if self.lost.remove(&user) {
                    self.change(end).lost -= 1;
                }
            } else if stop != StopReason::Cancelled.as_str() && self.lost.insert(user) {
                self.change(end).lost += 1;
            }
        }
    }

    fn made(&mut self, attempt: &AttemptRecord<'_>, end: u64) {
        self.stay(attempt.at, end, |change| &mut change.connecting);
        let fate = match (&attempt.error, &attempt.class) {
            (None, _) => Fate::Connected,
            (Some(_), class) => Fate::of(class.as_ref().and_then(|class| class.parse().ok())),
        };
        self.totals.attempts[fate as usize] += 1;
        let change = self.change(end);
        change.attempts += 1;
        if let Some(hint) = attempt.hint.as_ref().and_then(|hint| hint.ms) {
            change.hinted = change.hinted.max(end.saturating_add(micros(hint)));
        }
    }

    /// What a controller or a timer holds a user for.
    fn event(&mut self, event: &EventRecord<'_>) {
        if !["attempt", "no-turn", "turn"].contains(&&*event.event) {
            return;
        }
        let held: Place = |change| &mut change.held;
        self.gate(event.at, event.gate.as_ref(), held);
        if let Some(pause) = event.waited_ms.map(micros) {
            let end = event.at.saturating_add(event.total_us.unwrap_or_default());
            self.stay(end, end.saturating_add(pause), held);
        }
    }

    fn closed(&mut self, closed: &ClosedRecord<'_>) {
        self.totals.ends[closed.by as usize] += 1;
        self.change(closed.at).connected -= 1;
    }

    /// Takes a wait at a gate that ended at this time; how long it was, in microseconds.
    fn gate(&mut self, at: u64, gate: Option<&GateRecord<'_>>, place: Place) -> u64 {
        let Some(gate) = gate else { return 0 };
        let waited = micros(gate.waited_ms);
        self.stay(at.saturating_sub(waited), at, place);
        self.waits.add(Duration::from_micros(waited));
        let change = self.change(at);
        if let Some(rate) = gate
            .rate
            .filter(|_| change.gate.is_none_or(|(seen, _)| seen <= at))
        {
            change.gate = Some((at, rate));
        }
        waited
    }

    fn stay(&mut self, from: u64, to: u64, place: Place) {
        *place(self.change(from)) += 1;
        *place(self.change(to)) -= 1;
    }

    fn change(&mut self, at: u64) -> &mut Change {
        self.changes.entry(at / SECOND).or_default()
    }

    /// All changes in their order: the figures at the end, and how they went.
    fn develop(self) -> (Moment, History) {
        let mut history = History::default();
        let begin = self.changes.keys().next().copied().unwrap_or_default();
        let mut scene = Scene::default();
        for (&second, change) in &self.changes {
            // The steps grow with the gaps, so even a time that cannot be true is reached in a few.
            while history.due() <= Duration::from_secs(second - begin) {
                let at = history.due();
                history.add(scene.row(at, begin, &self.changes));
            }
            scene.take(change);
        }
        let last = self.changes.keys().last().map_or(0, |last| last - begin + 1);
        let end = scene.row(Duration::from_secs(last), begin, &self.changes);
        history.add(end);
        let moment = Moment {
            at: end.at,
            crowd: end.crowd,
            rate: end.rate,
            hint: end.hint,
            to_connect: self.to_connect.lengths(),
            waits: self.waits.lengths(),
            ..self.totals
        };
        (moment, history)
    }
}

/// Where everybody is at one time.
#[derive(Debug, Default)]
struct Scene {
    all: Change,
}

impl Scene {
    fn take(&mut self, change: &Change) {
        self.all.connected += change.connected;
        self.all.connecting += change.connecting;
        self.all.waiting += change.waiting;
        self.all.lost += change.lost;
        self.all.held += change.held;
        self.all.hinted = self.all.hinted.max(change.hinted);
        self.all.gate = change.gate.or(self.all.gate);
    }

    fn row(&self, at: Duration, begin: u64, changes: &BTreeMap<u64, Change>) -> Row {
        // A trace that begins in the middle has ends without begins.
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        let second = begin + at.as_secs();
        let over = LOOK_BACK.min(at.as_secs().max(1));
        let recent = changes.range(second - over.min(second)..second);
        let attempts: u64 = recent.map(|(_, change)| change.attempts).sum();
        let hint = self.all.hinted.saturating_sub(second.saturating_mul(SECOND));
        Row {
            at,
            crowd: Crowd {
                connected: count(self.all.connected),
                connecting: count(self.all.connecting),
                waiting: count(self.all.waiting),
                lost: count(self.all.lost),
                held: count(self.all.held),
            },
            rate: attempts as f64 / over as f64,
            hint: Duration::from_micros(hint),
            gate: self.all.gate.map(|(_, rate)| rate),
        }
    }
}

/// Whole ones; a length that cannot be one counts as nothing.
fn micros(millis: f64) -> u64 {
    Duration::try_from_secs_f64(millis / 1_000.0).map_or(0, trace::micros_of)
}

#[cfg(test)]
mod tests;
