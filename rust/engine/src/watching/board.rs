//! The board of a running test: whatever happens to connects and connections is counted here as it happens, by whichever thread it
//! happens to. Nobody waits for a reader.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use backoff::StopReason;
use tokio::time::sleep;
use trace::{ClosedBy, micros_of};

use crate::clock::Clock;
use crate::gates::gate::Gates;
use crate::locks::lock;
use crate::watching::history::{History, Row};
use crate::watching::lengths::Spread;
use crate::watching::moment::{Crowd, Fate, GateFigures, Moment};
use crate::watching::rate::Rate;

/// How a connect ends that opens its socket, in the words of the trace.
pub const CONNECTED: &str = "connected";

/// See the file's sentence. A test has one of its own: what an earlier test left changes nothing in it.
#[derive(Debug)]
pub struct Board {
    clock: Clock,
    /// Set when the test is over: the figures stand still from then on.
    ended: OnceLock<Duration>,
    connected: AtomicU64,
    connecting: AtomicU64,
    waiting: AtomicU64,
    held: AtomicU64,
    attempts: [AtomicU64; Fate::ALL.len()],
    rate: Rate,
    /// Until when the longest hint holds, in microseconds of the clock.
    hinted: AtomicU64,
    ends: [AtomicU64; ClosedBy::ALL.len()],
    to_connect: Spread,
    waits: Spread,
    connects: Mutex<BTreeMap<&'static str, u64>>,
    lost: Lost,
    history: Mutex<History>,
}

impl Default for Board {
    fn default() -> Self {
        Board {
            clock: Clock::start(),
            ended: OnceLock::new(),
            connected: AtomicU64::default(),
            connecting: AtomicU64::default(),
            waiting: AtomicU64::default(),
            held: AtomicU64::default(),
            attempts: Default::default(),
            rate: Rate::default(),
            hinted: AtomicU64::default(),
            ends: Default::default(),
            to_connect: Spread::default(),
            waits: Spread::default(),
            connects: Mutex::default(),
            lost: Lost::default(),
            history: Mutex::default(),
        }
    }
}

/// Users whose latest connect gave up; looked at without the lock where there are none.
#[derive(Debug, Default)]
struct Lost {
    count: AtomicUsize,
    users: Mutex<HashSet<Arc<str>>>,
}

impl Lost {
    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn add(&self, user: &Arc<str>) {
        let mut users = lock(&self.users);
        users.insert(user.clone());
        self.count.store(users.len(), Ordering::Relaxed);
    }

    fn remove(&self, user: &Arc<str>) {
        if self.count() > 0 {
            let mut users = lock(&self.users);
            users.remove(user);
            self.count.store(users.len(), Ordering::Relaxed);
        }
    }
}

/// Counts as one in a place of the board, until it is dropped.
#[derive(Debug)]
pub struct Stay<'a>(&'a AtomicU64);

impl<'a> Stay<'a> {
    fn begin(place: &'a AtomicU64) -> Self {
        place.fetch_add(1, Ordering::Relaxed);
        Stay(place)
    }
}

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts as one open connection, until it is dropped.
#[derive(Debug)]
pub struct Open(Arc<Board>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connected.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Board {
    /// A connect pauses, or waits at a gate.
    pub fn waits(&self) -> Stay<'_> {
        Stay::begin(&self.waiting)
    }

    /// An attempt is under way.
    pub fn connects(&self) -> Stay<'_> {
        Stay::begin(&self.connecting)
    }

    /// A controller or a timer holds its user.
    pub fn holds(&self) -> Stay<'_> {
        Stay::begin(&self.held)
    }

    /// A connection is open.
    pub fn opens(self: &Arc<Self>) -> Open {
        self.connected.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }

    /// A connection has ended.
    pub fn ended(&self, by: ClosedBy) {
        self.ends[by as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// An attempt has ended, with what its server asked for.
    pub fn attempted(&self, fate: Fate, hint: Option<Duration>) {
        self.attempts[fate as usize].fetch_add(1, Ordering::Relaxed);
        let now = self.clock.now();
        self.rate.count(now);
        if let Some(hint) = hint {
            let until = micros_of(now.saturating_add(hint));
            self.hinted.fetch_max(until, Ordering::Relaxed);
        }
    }

    /// A pause, or a wait at a gate, took so long.
    pub fn waited(&self, length: Duration) {
        self.waits.add(length);
    }

    /// A connect has opened its socket, so long after it began.
    pub fn got_in(&self, user: &Arc<str>, after: Duration) {
        self.finished(CONNECTED);
        self.to_connect.add(after);
        self.lost.remove(user);
    }

    /// A connect has ended without; a user who was stopped has lost nothing.
    pub fn stopped(&self, user: &Arc<str>, reason: StopReason) {
        self.finished(reason.as_str());
        if reason != StopReason::Cancelled {
            self.lost.add(user);
        }
    }

    fn finished(&self, end: &'static str) {
        *lock(&self.connects).entry(end).or_default() += 1;
    }

    /// The figures now, or as they were when the test ended.
    pub fn moment(&self, gates: &Gates) -> Moment {
        let now = self.clock.now();
        let at = self.ended.get().map_or(now, |&ended| ended.min(now));
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let connects = lock(&self.connects);
        Moment {
            at,
            crowd: Crowd {
                connected: read(&self.connected),
                connecting: read(&self.connecting),
                waiting: read(&self.waiting),
                lost: self.lost.count() as u64,
                held: read(&self.held),
            },
            attempts: self.attempts.each_ref().map(read),
            rate: self.rate.per_second(at),
            hint: Duration::from_micros(read(&self.hinted)).saturating_sub(at),
            connects: connects
                .iter()
                .map(|(end, &count)| ((*end).to_owned(), count))
                .collect(),
            ends: self.ends.each_ref().map(read),
            to_connect: self.to_connect.lengths(),
            waits: self.waits.lengths(),
            gates: gates.figures().into_iter().map(GateFigures::from).collect(),
        }
    }

    /// How the figures went.
    pub fn history(&self) -> History {
        lock(&self.history).clone()
    }

    /// Keeps the history, until it is dropped; needs a tokio runtime.
    pub async fn watch(self: Arc<Self>, gates: Arc<Gates>) {
        loop {
            let due = lock(&self.history).due();
            sleep(due.saturating_sub(self.clock.now())).await;
            self.note(&gates);
        }
    }

    /// The test is over; nothing is to be told of the gates afterwards.
    pub fn end(&self, gates: &Gates) {
        self.note(gates);
        // A second end changes nothing.
        let _ = self.ended.set(self.clock.now());
    }

    fn note(&self, gates: &Gates) {
        let row = Row::of(&self.moment(gates));
        lock(&self.history).add(row);
    }
}
