//! One thread that serves all connections which nobody is using: it answers pings, sends keep-alive pings, notices ends and
//! dead peers, and queues what servers push.
//!
//! A connection is adopted when it was not used from one tick to the next, and given back without a word: whoever calls
//! takes its lock, which the keeper holds for microseconds only and never while a call is under way. So samples in quick
//! succession do not pay for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use websocket::{Interest, Readiness};

use crate::keeping::live::Live;
use crate::keeping::slot::Slot;
use crate::locks::lock;
use crate::notices::{Notice, Notices};

/// A connection is adopted after one to two of these without use, its end is noticed at once from then on: within 100 ms
/// in all.
const TICK: Duration = Duration::from_millis(40);

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
    pub fn add(&self, slot: &Arc<Slot>, notices: &Arc<Notices>) {
        let mut inbox = lock(&self.shared.inbox);
        inbox.new.push(Arc::downgrade(slot));
        let asleep = std::mem::take(&mut inbox.asleep);
        drop(inbox);
        if asleep {
            self.shared.news.notify_one();
        }
        let mut thread = lock(&self.thread);
        if thread.is_none() {
            let (shared, notices) = (self.shared.clone(), notices.clone());
            *thread = std::thread::Builder::new()
                .name("wsb-keeper".to_owned())
                .spawn(move || {
                    if let Ok(readiness) = Readiness::new() {
                        let mut books = Books::new(readiness);
                        go_on_after_panics(&mut books, &notices, |books| books.keep(&shared));
                    }
                })
                .ok();
        }
    }

    /// Tells the thread to end, without waiting for it.
    pub fn halt(&self) {
        lock(&self.shared.inbox).stop = true;
        self.shared.news.notify_one();
    }

    /// Ends the thread; a later [`Keeper::add`] starts another one.
    pub fn stop(&self) {
        let mut thread = lock(&self.thread);
        if let Some(running) = thread.take() {
            self.halt();
            // It can only have panicked; then it has ended too.
            let _ = running.join();
        }
        *lock(&self.shared.inbox) = Inbox::default();
    }
}

/// A defect at one connection must not end the keeping of all: it is told, and the others are kept on.
fn go_on_after_panics(books: &mut Books, notices: &Notices, keep: impl Fn(&mut Books)) {
    while let Err(panic) = catch_unwind(AssertUnwindSafe(|| keep(books))) {
        let text = panic
            .downcast_ref::<&'static str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a text".to_owned());
        notices.tell(Notice::Text(format!(
            "the keeper of idle connections failed (a defect, please report it): {text}; one connection is not kept any more"
        )));
        if !books.start_again() {
            return;
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
    /// The one that is being looked after.
    at: Option<usize>,
}

struct Entry {
    slot: Weak<Slot>,
    /// Which socket of the slot's was made known to the readiness.
    known: Option<u64>,
    /// A report is asked for.
    armed: bool,
    /// Calls that had ended when it was last looked at.
    uses: u32,
    /// When keep-alive has something to do, as far as was known when it was last looked at; the news since then put it off.
    due: Option<Instant>,
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
            at: None,
        }
    }

    /// After a panic: without the connection that it happened at, all others as if they were new. False: the system has no
    /// readiness left.
    fn start_again(&mut self) -> bool {
        let Ok(readiness) = Readiness::new() else {
            return false;
        };
        self.readiness = readiness;
        self.again.clear();
        if let Some(place) = self.at.take() {
            self.forget(place);
        }
        for entry in self.entries.iter_mut().flatten() {
            (entry.armed, entry.known) = (false, None);
        }
        true
    }

    fn keep(&mut self, shared: &Shared) {
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
            self.at = Some(token);
            let fate = entry.tick(token as u64, now, &self.readiness);
            self.follow(token, fate);
        }
        self.at = None;
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
        self.at = Some(place);
        let fate = entry.attend(&slot, &mut live, token, &self.readiness);
        drop(live);
        self.at = None;
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
            due: Some(Instant::now()), // nobody knows yet
        }
    }

    fn tick(&mut self, token: u64, now: Instant, readiness: &Readiness) -> Fate {
        let Some(slot) = self.slot.upgrade() else {
            return Fate::Forget;
        };
        let is_due = self.due.is_some_and(|due| now >= due);
        let uses = slot.uses();
        if uses != self.uses {
            self.uses = uses;
            // Its user may have read more than one message from the socket: no report would come for the rest.
            self.armed = false;
            if !is_due {
                return Fate::Keep;
            }
        } else if self.armed && !is_due {
            return Fate::Keep;
        }
        // Whoever is in a call keeps it alive himself.
        let Some(mut live) = slot.try_live() else {
            return Fate::Keep;
        };
        self.attend(&slot, &mut live, token, readiness)
    }

    /// Reads what is there, does what keep-alive asks for, then asks for the next report. An ended connection is kept until its
    /// socket is given back.
    fn attend(&mut self, slot: &Slot, live: &mut Option<Live>, token: u64, readiness: &Readiness) -> Fate {
        let Some(live) = live else {
            return Fate::Forget;
        };
        self.armed = false;
        let is_behind = live.look(|| !slot.is_in_call());
        if !is_behind && !slot.is_in_call() {
            live.keep_alive();
        }
        if !live.connection.is_open() {
            live.kept = !live.settle();
            return if live.kept { Fate::Keep } else { Fate::Forget };
        }
        self.due = live.due();
        if slot.is_in_call() {
            return Fate::Keep; // the caller that waits for the lock goes on reading
        }
        if is_behind {
            return Fate::Again;
        }
        let known = self.known == Some(live.serial);
        // Of a violation that is held back no report tells; the next ticks look after it.
        self.armed = !live.connection.is_held()
            && readiness
                .arm(token, &live.connection, Interest::Read, known)
                .is_ok();
        self.known = Some(live.serial);
        Fate::Keep
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_panic_at_one_connection_is_told_and_the_others_are_kept_on() {
        let slots = [Arc::new(Slot::default()), Arc::new(Slot::default())];
        let mut books = Books::new(Readiness::new().unwrap());
        for slot in &slots {
            let mut entry = Entry::new(Arc::downgrade(slot));
            (entry.armed, entry.known) = (true, Some(0));
            books.entries.push(Some(entry));
        }
        let notices = Notices::default();
        let rounds = Cell::new(0);
        go_on_after_panics(&mut books, &notices, |books| {
            rounds.set(rounds.get() + 1);
            if rounds.get() == 1 {
                books.at = Some(1);
                panic!("at number {}", 1);
            }
            assert!(books.entries[1].is_none(), "it would panic again and again");
            let other = books.entries[0].as_ref().unwrap();
            assert!(
                !other.armed && other.known.is_none(),
                "the new readiness knows no socket"
            );
        });
        assert_eq!(rounds.get(), 2);
        let told = notices.take();
        assert!(
            matches!(&told[..], [Notice::Text(text)] if text.contains("at number 1; one connection")),
            "{told:?}"
        );
    }
}
