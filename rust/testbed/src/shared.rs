//! What all connections share: limits, tokens, faults, figures, log; and what an attempt occupies of it.

use crate::answers::Answer;
use crate::config::{Config, PathLimit};
use crate::fault::{Chooser, Fault};
use crate::log::{Line, Log};
use crate::stats::{Place, Stats, Tally, unix_micros};
use crate::token::Mint;
use limiter::{Decision, Limiter};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many connections slow and silent faults may hold at a time; further ones are closed at once.
const MOST_HELD: u64 = 4_096;

/// One for the server.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) log: Option<Log>,
    pub(crate) chooser: Chooser,
    pub(crate) mint: Option<Mint>,
    pub(crate) tally: Tally,
    /// The longest paths first.
    own_limits: Vec<(PathLimit, Mutex<Limiter>)>,
    limiter: Mutex<Limiter>,
    /// Of the server's begin, since 1970: the limits' clock starts there, as windows may lie on the wall clock.
    began: Duration,
    /// The longest that a limit keeps an answer back.
    longest_delay: Duration,
    held: AtomicU64,
}

impl Shared {
    pub(crate) fn new(config: Config, log: Option<Log>) -> Self {
        let mut own_limits: Vec<_> = config
            .limits_at
            .iter()
            .map(|own| (own.clone(), Mutex::new(Limiter::new(&own.limit))))
            .collect();
        own_limits.sort_by_key(|(own, _)| std::cmp::Reverse(own.path.len()));
        let longest_delay = own_limits
            .iter()
            .map(|(own, _)| &own.limit)
            .chain([&config.limit])
            .map(limiter::LimitSpec::longest_delay)
            .max()
            .unwrap_or_default();
        Self {
            own_limits,
            limiter: Mutex::new(Limiter::new(&config.limit)),
            began: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            longest_delay,
            chooser: Chooser::new(config.seed, config.faults.clone()),
            mint: config.token.clone().map(Mint::new),
            tally: Tally::new(),
            held: AtomicU64::new(0),
            config,
            log,
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let token = self.mint.as_ref().map(Mint::stats);
        self.tally.snapshot(self.held.load(Ordering::Relaxed), token)
    }

    pub(crate) fn accept_failed(&self) {
        self.tally.accept_failed();
    }

    /// Since the server began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.tally.elapsed()
    }

    /// Where tokens are given, if they are at this path.
    pub(crate) fn mint_at(&self, path: &str) -> Option<&Mint> {
        let path = without_query(path);
        self.mint.as_ref().filter(|mint| mint.config.path == path)
    }

    /// How long an answer may take: the patience, and what the limits add to it.
    pub(crate) fn patience(&self) -> Duration {
        self.config.patience.saturating_add(self.longest_delay)
    }

    /// On the limits' clock.
    fn limits_now(&self) -> Duration {
        self.began + self.elapsed()
    }

    /// Looks at the token, then asks the limit of the path: a seat, or why there is none.
    pub(crate) fn admit(self: &Arc<Self>, path: &str, bearer: Option<&str>) -> Result<Seat, Denied> {
        let path = without_query(path);
        if let Some(mint) = self.mint.as_ref().filter(|mint| mint.config.path != path)
            && !mint.admits(bearer, self.elapsed())
        {
            // RFC 6750 section 3.1: no error code where there was no token at all.
            let why = if bearer.is_some() {
                " error=\"invalid_token\", error_description=\"not given here, or expired\""
            } else {
                " realm=\"ws-backoff\""
            };
            let answer = Answer::bare(401).with(&format!("WWW-Authenticate: Bearer{why}\r\n"));
            return Err(Denied::NoToken(answer));
        }
        let place = self.own_limits.iter().position(|(own, _)| own.covers(path));
        let mut limiter = self.limiter(place);
        // Read under the lock, so that the limit sees time in order.
        let seat = |delay| Seat {
            shared: Arc::clone(self),
            place,
            delay,
            open: false,
        };
        match limiter.try_pass(self.limits_now()) {
            Decision::Pass => Ok(seat(Duration::ZERO)),
            Decision::PassLate { delay } => Ok(seat(delay)),
            Decision::Reject { retry_in } => {
                Err(Denied::Throttled(Answer::throttled(&self.config, retry_in)))
            }
        }
    }

    fn limiter(&self, place: Option<usize>) -> MutexGuard<'_, Limiter> {
        let limiter = place.map_or(&self.limiter, |place| &self.own_limits[place].1);
        limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place among the held connections, if there is one left.
    pub(crate) fn hold(&self) -> Option<Held<'_>> {
        let before = self.held.fetch_add(1, Ordering::Relaxed);
        let held = Held(self);
        (before < MOST_HELD).then_some(held)
    }
}

/// Why an attempt gets no seat.
#[derive(Debug)]
pub(crate) enum Denied {
    /// It has no token that is good.
    NoToken(Answer),
    /// Its limit is used up. Whether it sees the answer is the configuration's.
    Throttled(Answer),
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

/// Counts a connection as held for as long as it lives.
pub(crate) struct Held<'a>(&'a Shared);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What an attempt that its limit let in occupies: until its answer begins, or until its WebSocket has ended.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) shared: Arc<Shared>,
    /// Which of the own limits let it in; `None`: the one for all.
    place: Option<usize>,
    /// How long the limit keeps the answer back.
    pub(crate) delay: Duration,
    pub(crate) open: bool,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.open {
            self.shared.tally.closed();
        }
        self.shared.limiter(self.place).release(self.shared.limits_now());
    }
}

/// An attempt on its way to an answer: it is counted, and gets its line in the log with the answer, or without one when
/// it is dropped.
pub(crate) struct Attempt {
    shared: Arc<Shared>,
    place: Place,
    line: Option<Line>,
    /// Whether it asks for a token and has no answer yet.
    fetches: bool,
}

impl Attempt {
    /// Counts it; gives its ordinal, too.
    pub(crate) fn begin(shared: &Arc<Shared>, path: &str, line: Option<Line>) -> (Self, u64) {
        let (ordinal, place) = shared.tally.attempt(path);
        let mint = shared.mint_at(path);
        if let Some(mint) = mint {
            mint.fetch_begins();
        }
        let attempt = Self {
            shared: Arc::clone(shared),
            place,
            line,
            fetches: mint.is_some(),
        };
        (attempt, ordinal)
    }

    pub(crate) fn struck_by(&mut self, fault: Fault) {
        self.shared.tally.faulted();
        if let Some(line) = &mut self.line {
            line.fault = Some(fault.name());
        }
    }

    /// To be called when the answer is on its way.
    pub(crate) fn answered(&mut self, status: u16) {
        match status {
            101 | 200 => self.shared.tally.accepted(self.place, status == 101),
            _ => self.shared.tally.refused(self.place),
        }
        self.fetched();
        self.write(Some(status));
    }

    /// To be called when it is refused in another way than by an answer; `status`: what was answered nevertheless.
    pub(crate) fn refused(&mut self, status: Option<u16>) {
        self.shared.tally.refused(self.place);
        self.fetched();
        self.write(status);
    }

    fn fetched(&mut self) {
        let fetched = std::mem::take(&mut self.fetches);
        if let Some(mint) = self.shared.mint.as_ref().filter(|_| fetched) {
            mint.fetch_ends();
        }
    }

    fn write(&mut self, status: Option<u16>) {
        if let (Some(log), Some(mut line)) = (&self.shared.log, self.line.take()) {
            line.status = status;
            line.answered_us = status.map(|_| unix_micros(SystemTime::now()));
            log.write(line);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.fetched();
        self.write(None);
    }
}
