//! What the server has seen: totals and a history by the second, as `GET /stats` answers them.

use serde::Serialize;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How many seconds the history keeps, the latest ones.
const KEPT: usize = 3_600;

/// A snapshot of all figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Milliseconds since the server began to listen.
    pub uptime_ms: u64,
    /// Requests that asked for an upgrade, well or badly.
    pub attempts: u64,
    /// Attempts that were answered with a 101, a strange one too.
    pub accepted: u64,
    /// Attempts that were answered with another status, by the limit, a fault, or for a bad request.
    pub refused: u64,
    /// Attempts that a fault struck; they are among the accepted, the refused, or (without an answer) neither.
    pub faulted: u64,
    /// Messages sent back to their senders.
    pub echoed: u64,
    /// WebSockets open now.
    pub open: u64,
    /// The most that were open at a time.
    pub peak_open: u64,
    /// Connections that a slow or silent fault holds now.
    pub held: u64,
    /// Connections that could not be accepted, as for a lack of file descriptors.
    pub accept_errors: u64,
    /// When the first attempt came, in Unix milliseconds.
    pub first_attempt_ms: Option<u64>,
    /// When the latest attempt was let in, in Unix milliseconds.
    pub last_accepted_ms: Option<u64>,
    /// The most attempts within one second of the history.
    pub peak_attempts_per_second: u64,
    /// Second by second from the first attempt to the latest event; at most the latest hour.
    pub history: Vec<Second>,
}

/// One second of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Second {
    /// Which second, counted from the first attempt.
    pub second: u64,
    /// Attempts in it.
    pub attempts: u64,
    /// Attempts let in in it.
    pub accepted: u64,
    /// Attempts refused in it.
    pub refused: u64,
    /// WebSockets open at its end.
    pub open: u64,
}

/// The counters. One short lock an event; nothing is done under it but additions. Echoes come too often for a lock.
#[derive(Debug)]
pub(crate) struct Tally {
    started: Instant,
    echoed: AtomicU64,
    ledger: Mutex<Ledger>,
}

#[derive(Debug, Default)]
struct Ledger {
    first: Option<(Instant, SystemTime)>,
    last_accepted: Option<SystemTime>,
    attempts: u64,
    accepted: u64,
    refused: u64,
    faulted: u64,
    open: u64,
    peak_open: u64,
    accept_errors: u64,
    peak_attempts: u64,
    history: VecDeque<Second>,
}

impl Ledger {
    /// The history's entry for `now`. Threads may come a little out of order; then the latest entry takes it.
    fn second(&mut self, now: Instant) -> &mut Second {
        let first = self.first.map_or(now, |(first, _)| first);
        let second = now.saturating_duration_since(first).as_secs();
        let empty = |second, open| Second {
            second,
            attempts: 0,
            accepted: 0,
            refused: 0,
            open,
        };
        let latest = self
            .history
            .back()
            .map_or_else(|| second.saturating_sub(1), |latest| latest.second);
        let kept = KEPT as u64;
        for missing in (latest + 1).max(second.saturating_sub(kept))..=second {
            self.history.push_back(empty(missing, self.open));
        }
        if self.history.is_empty() {
            self.history.push_back(empty(second, self.open));
        }
        while self.history.len() > KEPT {
            self.history.pop_front();
        }
        self.history
            .back_mut()
            .expect("an entry was just pushed, or stood there")
    }
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            echoed: AtomicU64::new(0),
            ledger: Mutex::default(),
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since the server began: the limiter's time.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Counts an attempt and gives its ordinal, from 0.
    pub(crate) fn attempt(&self) -> u64 {
        let mut ledger = self.ledger();
        let now = Instant::now();
        ledger.first.get_or_insert_with(|| (now, SystemTime::now()));
        let second = ledger.second(now);
        second.attempts += 1;
        let attempts = second.attempts;
        ledger.peak_attempts = ledger.peak_attempts.max(attempts);
        ledger.attempts += 1;
        ledger.attempts - 1
    }

    pub(crate) fn faulted(&self) {
        self.ledger().faulted += 1;
    }

    pub(crate) fn refused(&self) {
        let mut ledger = self.ledger();
        ledger.refused += 1;
        ledger.second(Instant::now()).refused += 1;
    }

    /// Counts a 101, and the WebSocket as open until [`Tally::closed`].
    pub(crate) fn accepted(&self) {
        let mut ledger = self.ledger();
        ledger.accepted += 1;
        ledger.open += 1;
        ledger.peak_open = ledger.peak_open.max(ledger.open);
        ledger.last_accepted = Some(SystemTime::now());
        let open = ledger.open;
        let second = ledger.second(Instant::now());
        second.accepted += 1;
        second.open = open;
    }

    pub(crate) fn closed(&self) {
        let mut ledger = self.ledger();
        ledger.open -= 1;
        let open = ledger.open;
        ledger.second(Instant::now()).open = open;
    }

    /// Counts a message that was sent back.
    pub(crate) fn echoed(&self) {
        self.echoed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn accept_failed(&self) {
        self.ledger().accept_errors += 1;
    }

    pub(crate) fn snapshot(&self, held: u64) -> Stats {
        let ledger = self.ledger();
        Stats {
            uptime_ms: u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX),
            attempts: ledger.attempts,
            accepted: ledger.accepted,
            refused: ledger.refused,
            faulted: ledger.faulted,
            echoed: self.echoed.load(Ordering::Relaxed),
            open: ledger.open,
            peak_open: ledger.peak_open,
            held,
            accept_errors: ledger.accept_errors,
            first_attempt_ms: ledger.first.map(|(_, at)| unix_micros(at) / 1_000),
            last_accepted_ms: ledger.last_accepted.map(|at| unix_micros(at) / 1_000),
            peak_attempts_per_second: ledger.peak_attempts,
            history: ledger.history.iter().copied().collect(),
        }
    }
}

/// Microseconds since 1970; 0 before.
pub(crate) fn unix_micros(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH)
        .map_or(0, |age| u64::try_from(age.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ledger whose first attempt came at the returned instant.
    fn ledger() -> (Ledger, Instant) {
        let now = Instant::now();
        (
            Ledger {
                first: Some((now, SystemTime::now())),
                ..Ledger::default()
            },
            now,
        )
    }

    #[test]
    fn seconds_count_from_the_first_attempt_and_have_no_gaps() {
        let (mut ledger, start) = ledger();
        ledger.second(start).attempts += 1;
        ledger.open = 4;
        ledger.second(start + Duration::from_millis(3_500)).attempts += 2;
        let seen: Vec<_> = ledger
            .history
            .iter()
            .map(|s| (s.second, s.attempts, s.open))
            .collect();
        assert_eq!(seen, [(0, 1, 0), (1, 0, 4), (2, 0, 4), (3, 2, 4)]);
    }

    #[test]
    fn the_history_keeps_the_latest_hour() {
        let (mut ledger, start) = ledger();
        ledger.second(start);
        ledger.second(start + Duration::from_secs(4_000)).attempts += 1;
        ledger.second(start + Duration::from_secs(1_000_000)).attempts += 1;
        assert_eq!(ledger.history.len(), KEPT);
        assert_eq!(ledger.history.back().unwrap().second, 1_000_000);
        assert_eq!(
            ledger.history.front().unwrap().second,
            1_000_000 - KEPT as u64 + 1
        );
    }

    #[test]
    fn an_event_that_comes_late_goes_to_the_latest_second() {
        let (mut ledger, start) = ledger();
        ledger.second(start + Duration::from_secs(2)).attempts += 1;
        ledger.second(start).attempts += 1;
        assert_eq!(
            ledger.history.back().map(|s| (s.second, s.attempts)),
            Some((2, 2))
        );
    }

    #[test]
    fn the_json_has_the_promised_names() {
        let tally = Tally::new();
        tally.attempt();
        tally.accepted();
        tally.attempt();
        tally.refused();
        tally.closed();
        tally.echoed();
        let json = serde_json::to_value(tally.snapshot(0)).unwrap();
        for (name, value) in [
            ("attempts", 2),
            ("accepted", 1),
            ("refused", 1),
            ("faulted", 0),
            ("echoed", 1),
            ("open", 0),
            ("peakOpen", 1),
        ] {
            assert_eq!(json[name], value, "{name}");
        }
        assert_eq!(json["peakAttemptsPerSecond"], 2);
        assert!(json["firstAttemptMs"].as_u64() <= json["lastAcceptedMs"].as_u64());
        assert_eq!(
            json["history"],
            serde_json::json!([{"second": 0, "attempts": 2, "accepted": 1, "refused": 1, "open": 0}])
        );
    }
}
