//! One thread that serves all connections which nobody is using: it answers pings, sends keep-alive pings, notices ends and
//! dead peers, and queues what servers push.
//!
//! A connection is adopted when it was not used from one tick to the next, and given back without a word: whoever calls
//! takes its lock, which the keeper holds for microseconds only and never while a call is under way. So samples in quick
//! succession do not pay for it.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use websocket::{Code, MessageKind, Outgoing, Readiness};

use crate::failure::Failure;
use crate::keeping::slot::{Live, Slot, lock};

/// A connection is adopted after one to two of these without use, its end is noticed at once from then on: within 100 ms
/// in all.
const TICK: Duration = Duration::from_millis(40);

/// Messages read from one socket before the others have their turn.
const AT_ONCE: usize = 64;

/// What a keep-alive ping carries.
const PING: &[u8] = b"keep-alive";

/// The keeper of one engine. Its thread lives from the first connection to [`Keeper::stop`], or to the end of this value.
#[derive(Default)]
pub struct Keeper {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    news: Condvar,
}

#[derive(Default)]
struct Inbox {
    new: Vec<Weak<Slot>>,
    /// The thread has nothing to keep, and waits for news. Else it looks by itself: a wake-up would be a system call.
    asleep: bool,
    stop: bool,
}

impl Keeper {
    /// Takes a connection into the books. Without a thread (the system gives none) connections are not kept, that is all.
    pub fn add(&self, slot: &Arc<Slot>) {
        let mut inbox = lock(&self.shared.inbox);
        inbox.new.push(Arc::downgrade(slot));
        let asleep = std::mem::take(&mut inbox.asleep);
        drop(inbox);
        if asleep {
            self.shared.news.notify_one();
        }
        let mut thread = lock(&self.thread);
        if thread.is_none() {
            let shared = self.shared.clone();
            *thread = std::thread::Builder::new()
                .name("wsb-keeper".to_owned())
                .spawn(move || {
                    if let Ok(readiness) = Readiness::new() {
                        Books::new(readiness).keep(&shared);
                    }
                })
                .ok();
        }
    }

    /// Ends the thread; a later [`Keeper::add`] starts another one.
    pub fn stop(&self) {
        let mut thread = lock(&self.thread);
        if let Some(running) = thread.take() {
            lock(&self.shared.inbox).stop = true;
            self.shared.news.notify_one();
            // It can only have panicked; then it has ended too.
            let _ = running.join();
            *lock(&self.shared.inbox) = Inbox::default();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop();
    }
}

/// All connections of the keeper, by token.
struct Books {
    readiness: Readiness,
    entries: Vec<Option<Entry>>,
    free: Vec<usize>,
    /// Tokens to serve once the others had their turn.
    again: Vec<u64>,
}

struct Entry {
    slot: Weak<Slot>,
    /// Which socket of the slot's was made known to the readiness.
    known: Option<u64>,
    /// A report is asked for.
    armed: bool,
    /// Calls that had ended when it was last looked at.
    uses: u32,
    /// When a ping is due.
    ping_at: Option<Instant>,
    /// When the pong must be here.
    pong_by: Option<Instant>,
}

/// What is to become of an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Keep,
    /// More of it has been read from its socket than was looked at, of which no report will tell.
    Again,
    Forget,
}

impl Books {
    fn new(readiness: Readiness) -> Self {
        Books {
            readiness,
            entries: Vec::new(),
            free: Vec::new(),
            again: Vec::new(),
        }
    }

    fn keep(mut self, shared: &Shared) {
        let mut ready = Vec::new();
        let mut next_tick = Instant::now() + TICK;
        loop {
            let mut now = Instant::now();
            if now >= next_tick {
                if !self.take_in(shared) {
                    return;
                }
                self.tick(Instant::now());
                now = Instant::now(); // it may have slept for minutes
                next_tick = now + TICK;
            }
            let patience = if self.again.is_empty() {
                next_tick.saturating_duration_since(now)
            } else {
                Duration::ZERO
            };
            self.readiness.wait(patience, &mut ready);
            ready.append(&mut self.again);
            ready.sort_unstable();
            ready.dedup();
            for &token in &ready {
                self.serve(token);
            }
        }
    }

    /// Takes new connections in; sleeps while there are none at all. False: the end.
    fn take_in(&mut self, shared: &Shared) -> bool {
        let mut inbox = lock(&shared.inbox);
        while inbox.new.is_empty() && !inbox.stop && self.free.len() == self.entries.len() {
            inbox.asleep = true;
            inbox = shared.news.wait(inbox).unwrap_or_else(PoisonError::into_inner);
        }
        inbox.asleep = false;
        let (new, stop) = (std::mem::take(&mut inbox.new), inbox.stop);
        drop(inbox);
        for slot in new {
            let entry = Some(Entry::new(slot));
            match self.free.pop() {
                Some(place) => self.entries[place] = entry,
                None => self.entries.push(entry),
            }
        }
        !stop
    }

    /// Looks after all: adopts those that were not used since the last tick, and keeps the times of pings.
    fn tick(&mut self, now: Instant) {
        for token in 0..self.entries.len() {
            let Some(entry) = &mut self.entries[token] else {
                continue;
            };
            let fate = entry.tick(token as u64, now, &mut self.readiness);
            self.follow(token, fate);
        }
    }

    /// A socket has something to read.
    fn serve(&mut self, token: u64) {
        let Ok(place) = usize::try_from(token) else {
            return;
        };
        let Some(Some(entry)) = self.entries.get_mut(place) else {
            return;
        };
        entry.armed = false;
        let Some(slot) = entry.slot.upgrade() else {
            return self.forget(place);
        };
        // In use again: the tick after its last use takes it back.
        let Some(mut live) = slot.try_live() else {
            return;
        };
        let fate = entry.attend(&slot, &mut live, token, &mut self.readiness);
        drop(live);
        self.follow(place, fate);
    }

    fn follow(&mut self, place: usize, fate: Fate) {
        match fate {
            Fate::Keep => {}
            Fate::Again => self.again.push(place as u64),
            Fate::Forget => self.forget(place),
        }
    }

    fn forget(&mut self, place: usize) {
        self.entries[place] = None;
        self.free.push(place);
    }
}

impl Entry {
    fn new(slot: Weak<Slot>) -> Self {
        let uses = slot.upgrade().map_or(0, |slot| slot.uses());
        Entry {
            slot,
            known: None,
            armed: false,
            uses,
            ping_at: None,
            pong_by: None,
        }
    }

    fn tick(&mut self, token: u64, now: Instant, readiness: &mut Readiness) -> Fate {
        let Some(slot) = self.slot.upgrade() else {
            return Fate::Forget;
        };
        let uses = slot.uses();
        if uses != self.uses {
            self.uses = uses;
            // Its user may have read more than one message from the socket: no report would come for the rest.
            self.armed = false;
            self.ping_at = None;
            self.pong_by = None;
            return Fate::Keep;
        }
        let due = |at: Option<Instant>| at.is_some_and(|at| now >= at);
        if self.armed && !due(self.ping_at) && !due(self.pong_by) {
            return Fate::Keep;
        }
        let Some(mut live) = slot.try_live() else {
            return Fate::Keep;
        };
        if !self.armed {
            return self.attend(&slot, &mut live, token, readiness);
        }
        let Some(live) = &mut *live else {
            return Fate::Forget;
        };
        self.time(live, now)
    }

    /// Reads what is there, then asks for the next report.
    fn attend(
        &mut self,
        slot: &Slot,
        live: &mut Option<Live>,
        token: u64,
        readiness: &mut Readiness,
    ) -> Fate {
        let Some(live) = live else {
            return Fate::Forget;
        };
        match self.drain(slot, live) {
            Fate::Keep => {}
            fate => return fate,
        }
        let known = self.known == Some(live.serial);
        self.armed = readiness.arm(token, &live.connection, known).is_ok();
        self.known = Some(live.serial);
        Fate::Keep
    }

    /// Reads what has come, to the queue. `Forget`: the connection has ended.
    fn drain(&mut self, slot: &Slot, live: &mut Live) -> Fate {
        let mut fate = Fate::Again;
        for _ in 0..AT_ONCE {
            match live.connection.poll() {
                Ok(Some(message)) => {
                    self.alive(live);
                    if !message.kind.is_control() {
                        live.queue.push(message);
                    }
                }
                Ok(None) => {
                    fate = Fate::Keep;
                    break;
                }
                // What it says now no later call can find out; a close frame stays with the connection.
                Err(error) => {
                    if !live.connection.is_open() && live.connection.close_info().is_none() {
                        live.verdict = Some(Failure::of(&error, &live.connection));
                    }
                    live.note_end();
                }
            }
            // The caller that waits for the lock goes on reading.
            if !live.connection.is_open() || slot.is_in_call() {
                fate = Fate::Keep;
                break;
            }
        }
        live.note_end();
        live.kept = live.connection.is_open();
        if live.kept && self.ping_at.is_none() && self.pong_by.is_none() {
            self.alive(live);
        }
        if live.kept { fate } else { Fate::Forget }
    }

    /// The peer has shown itself, or its time starts now.
    fn alive(&mut self, live: &Live) {
        let keep_alive = live.keeping.keep_alive;
        self.pong_by = None;
        self.ping_at = (!keep_alive.is_zero()).then(|| Instant::now() + keep_alive);
    }

    /// Sends the ping that is due, or gives up a peer whose pong is overdue.
    fn time(&mut self, live: &mut Live, now: Instant) -> Fate {
        if self.pong_by.is_some_and(|by| now >= by) {
            let detail = format!(
                "no answer to a keep-alive ping within {} ms",
                live.keeping.pong_timeout.as_millis()
            );
            live.verdict = Some(Failure::coded(Code::ConnectionLost, detail));
            live.connection.abort();
        } else {
            // What cannot be sent at once shows a peer that does not read; the missing pong tells.
            let _ = live
                .connection
                .send(&Outgoing::new(MessageKind::Ping, PING), Duration::ZERO);
            self.pong_by = Some(now + live.keeping.pong_timeout);
            self.ping_at = None;
        }
        live.note_end();
        live.kept = live.connection.is_open();
        if live.kept { Fate::Keep } else { Fate::Forget }
    }
}
