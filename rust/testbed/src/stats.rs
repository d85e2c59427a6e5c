//! What the server has seen: totals and a history by the second, as `GET /stats` answers them.

use serde::Serialize;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How many seconds the history keeps, the latest ones.
const KEPT: usize = 3_600;
/// How many paths have figures of their own.
const PATHS: usize = 256;
/// The name for all paths beyond those.
const OTHER_PATHS: &str = "(others)";

/// A snapshot of all figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Milliseconds since the server began to listen.
    pub uptime_ms: u64,
    /// Requests that asked for an upgrade, well or badly, and plain ones; but not for this server's own pages.
    pub attempts: u64,
    /// Attempts that were answered with a 101 (a strange one too) or a 200.
    pub accepted: u64,
    /// Attempts that were answered with another status, by a limit, a fault, for a bad request or for want of a token.
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
    /// Path by path, in the order of their first attempts: the first 255 of them, and all others together.
    pub paths: Vec<PathStats>,
    /// Where a path gives tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenStats>,
}

/// The attempts on one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PathStats {
    /// Without the query.
    pub path: String,
    /// As [`Stats::attempts`].
    pub attempts: u64,
    /// As [`Stats::accepted`].
    pub accepted: u64,
    /// As [`Stats::refused`].
    pub refused: u64,
    /// When the first attempt came, in Unix milliseconds.
    pub first_attempt_ms: Option<u64>,
    /// When the latest attempt was let in, in Unix milliseconds.
    pub last_accepted_ms: Option<u64>,
    /// The most attempts within one second of the history.
    pub peak_attempts_per_second: u64,
}

/// The requests for tokens and those without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenStats {
    /// Tokens given.
    pub issued: u64,
    /// The most requests for one that the server had in hand at a time, refused ones included: from the end of the request's
    /// head to the beginning of the answer.
    pub most_at_once: u64,
    /// Attempts elsewhere that were answered with 401, as they had no token that is good.
    pub unauthorized: u64,
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
    places: HashMap<String, usize>,
    paths: Vec<PathTally>,
}

/// Which entry of [`Ledger::paths`] an attempt belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(usize);

#[derive(Debug)]
struct PathTally {
    stats: PathStats,
    /// The second of its latest attempt, and how many came in it.
    latest: (u64, u64),
}

impl Ledger {
    fn place(&mut self, path: &str) -> Place {
        let path = path.split('?').next().unwrap_or(path);
        if let Some(place) = self.places.get(path) {
            return Place(*place);
        }
        let path = if self.paths.len() < PATHS - 1 {
            path
        } else {
            OTHER_PATHS
        };
        let paths = &mut self.paths;
        let place = *self.places.entry(path.to_owned()).or_insert_with(|| {
            paths.push(PathTally::new(path));
            paths.len() - 1
        });
        Place(place)
    }

    fn path(&mut self, place: Place) -> &mut PathTally {
        &mut self.paths[place.0]
    }

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

impl PathTally {
    fn new(path: &str) -> Self {
        Self {
            stats: PathStats {
                path: path.to_owned(),
                attempts: 0,
                accepted: 0,
                refused: 0,
                first_attempt_ms: None,
                last_accepted_ms: None,
                peak_attempts_per_second: 0,
            },
            latest: (0, 0),
        }
    }

    fn attempt(&mut self, second: u64) {
        self.latest = match self.latest {
            (latest, count) if latest == second => (latest, count + 1),
            _ => (second, 1),
        };
        let stats = &mut self.stats;
        stats.attempts += 1;
        stats.peak_attempts_per_second = stats.peak_attempts_per_second.max(self.latest.1);
        stats
            .first_attempt_ms
            .get_or_insert_with(|| unix_micros(SystemTime::now()) / 1_000);
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
    pub(crate) fn attempt(&self, path: &str) -> (u64, Place) {
        let mut ledger = self.ledger();
        let now = Instant::now();
        ledger.first.get_or_insert_with(|| (now, SystemTime::now()));
        let second = ledger.second(now);
        second.attempts += 1;
        let Second { second, attempts, .. } = *second;
        ledger.peak_attempts = ledger.peak_attempts.max(attempts);
        ledger.attempts += 1;
        let place = ledger.place(path);
        ledger.path(place).attempt(second);
        (ledger.attempts - 1, place)
    }

    pub(crate) fn faulted(&self) {
        self.ledger().faulted += 1;
    }

    pub(crate) fn refused(&self, place: Place) {
        let mut ledger = self.ledger();
        ledger.refused += 1;
        ledger.path(place).stats.refused += 1;
        ledger.second(Instant::now()).refused += 1;
    }

    /// Counts an attempt that was let in; one that opens a WebSocket also as open until [`Tally::closed`].
    pub(crate) fn accepted(&self, place: Place, opens: bool) {
        let mut ledger = self.ledger();
        ledger.accepted += 1;
        if opens {
            ledger.open += 1;
            ledger.peak_open = ledger.peak_open.max(ledger.open);
        }
        let now = SystemTime::now();
        ledger.last_accepted = Some(now);
        let stats = &mut ledger.path(place).stats;
        stats.accepted += 1;
        stats.last_accepted_ms = Some(unix_micros(now) / 1_000);
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

    pub(crate) fn snapshot(&self, held: u64, token: Option<TokenStats>) -> Stats {
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
            paths: ledger.paths.iter().map(|path| path.stats.clone()).collect(),
            token,
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
        let (_, place) = tally.attempt("/a?b");
        tally.accepted(place, true);
        let (ordinal, place) = tally.attempt("/a");
        assert_eq!(ordinal, 1);
        tally.refused(place);
        tally.closed();
        tally.echoed();
        let json = serde_json::to_value(tally.snapshot(0, None)).unwrap();
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
        let path = &json["paths"][0];
        assert_eq!((&path["path"], &path["attempts"]), (&"/a".into(), &2.into()));
        assert_eq!((&path["accepted"], &path["refused"]), (&1.into(), &1.into()));
        assert_eq!(path["peakAttemptsPerSecond"], 2);
        assert!(path["firstAttemptMs"].as_u64() <= path["lastAcceptedMs"].as_u64());
        assert!(json.get("token").is_none());
    }

    #[test]
    fn a_plain_answer_opens_nothing() {
        let tally = Tally::new();
        let (_, place) = tally.attempt("/");
        tally.accepted(place, false);
        let stats = tally.snapshot(0, None);
        assert_eq!((stats.accepted, stats.open, stats.peak_open), (1, 0, 0));
    }

    #[test]
    fn paths_without_end_share_one_entry() {
        let tally = Tally::new();
        for n in 0..1_000 {
            tally.attempt(&format!("/agents/{n}"));
        }
        tally.attempt("/agents/7");
        let paths = tally.snapshot(0, None).paths;
        assert_eq!(paths.len(), PATHS);
        assert_eq!((paths[7].path.as_str(), paths[7].attempts), ("/agents/7", 2));
        let others = paths.last().unwrap();
        assert_eq!((others.path.as_str(), others.attempts), (OTHER_PATHS, 745));
    }

    #[test]
    fn the_peak_of_a_path_is_that_of_its_busiest_second() {
        let mut path = PathTally::new("/");
        for second in [0, 0, 0, 1, 2, 2] {
            path.attempt(second);
        }
        assert_eq!(path.stats.peak_attempts_per_second, 3);
    }
}
