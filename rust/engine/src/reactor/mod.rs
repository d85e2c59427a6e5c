//! Calls that do not block their callers: each is a future, polled first by the thread that makes it, and from then on, when its socket
//! is ready, its time has come or somebody wakes it, by the threads that [drive](Reactor::drive) the reactor. Whoever made it waits as
//! he likes, told by the ticket that he gave it.
//!
//! Not a tokio runtime: a message then costs one hand-over, from the thread that waits for all sockets and reads the answer to the one
//! that asked, where a runtime's worker would stand between the two. What takes processor time (TLS handshakes, names) runs in tokio all
//! the same, and a call waits for it as for anything else.

mod berth;
mod timers;

use std::any::Any;
use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use websocket::Readiness;

use crate::locks::lock;
use timers::Timers;

pub use berth::Berth;

/// What its caller calls a call by: his choice, no two under way alike.
pub type Ticket = u64;

/// The longest sleep where no call waits for a time.
const SLEEP: Duration = Duration::from_secs(1);

/// How long the calls that are left when the reactor is to stop are waited for, each of which was cancelled before; then they are
/// dropped, with all they hold.
const PATIENCE: Duration = Duration::from_secs(3);

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a call came to; a panic in it goes on in whoever takes it.
type Came<T> = Result<T, Box<dyn Any + Send>>;

/// See the file's sentence.
pub struct Reactor<T> {
    core: Arc<Core>,
    calls: Mutex<HashMap<Ticket, Arc<Call<T>>>>,
    /// Grows when all that drive it are to end.
    stops: AtomicU64,
    /// When it grew last.
    stopped: Mutex<Option<Instant>>,
}

/// What a call that waits has to do with the reactor.
struct Core {
    readiness: OnceLock<Readiness>,
    timers: Mutex<Timers>,
    /// Calls that somebody woke.
    woken: Mutex<Vec<Ticket>>,
}

struct Call<T> {
    core: Arc<Core>,
    ticket: Ticket,
    /// How often the reactor had been stopped by then.
    begun_after: u64,
    work: Mutex<Option<Work<T>>>,
    stage: AtomicU8,
    came: Mutex<Option<(Came<T>, Instant)>>,
}

/// Nobody polls it.
const IDLE: u8 = 0;
/// Somebody does.
const POLLED: u8 = 1;
/// Somebody does, and has to once more: it was woken meanwhile.
const AGAIN: u8 = 2;

/// What a call that was begun came to.
#[derive(Debug)]
pub enum Begun<T> {
    /// Done without a wait.
    Done(T),
    /// Under way; [`Reactor::drive`] will tell.
    Parked,
}

impl<T> Default for Reactor<T> {
    fn default() -> Self {
        Reactor {
            core: Arc::new(Core {
                readiness: OnceLock::new(),
                timers: Mutex::default(),
                woken: Mutex::default(),
            }),
            calls: Mutex::default(),
            stops: AtomicU64::new(0),
            stopped: Mutex::default(),
        }
    }
}

impl<T: Send + 'static> Reactor<T> {
    /// Begins a call on the calling thread, which polls it once.
    ///
    /// # Errors
    /// The system has no descriptors left to wait with.
    pub fn begin<F>(&self, ticket: Ticket, call: impl FnOnce(Berth) -> F) -> io::Result<Begun<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        self.core.ready()?;
        let work = Box::pin(call(Berth::new(self.core.clone(), ticket)));
        let call = Arc::new(Call {
            core: self.core.clone(),
            ticket,
            begun_after: self.stops(),
            work: Mutex::new(Some(work)),
            stage: AtomicU8::new(IDLE),
            came: Mutex::new(None),
        });
        // First, so that whatever wakes it finds it.
        lock(&self.calls).insert(ticket, call.clone());
        if !call.poll() {
            return Ok(Begun::Parked);
        }
        // Not by `take`: a stop may have given it up in the midst of this.
        lock(&self.calls).remove(&ticket);
        let came = lock(&call.came).take();
        match came.expect("it is done, and nobody was told").0 {
            Ok(came) => Ok(Begun::Done(came)),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Takes what a call came to, and how long ago that was; `None`: it is under way, or nobody made it.
    ///
    /// # Panics
    /// Where the call did.
    pub fn take(&self, ticket: Ticket) -> Option<(T, Duration)> {
        let mut calls = lock(&self.calls);
        let (came, at) = lock(&calls.get(&ticket)?.came).take()?;
        calls.remove(&ticket);
        drop(calls);
        match came {
            Ok(came) => Some((came, at.elapsed())),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// How often the reactor was stopped; from when it is asked on, no stop passes [`Reactor::drive`] by.
    pub fn stops(&self) -> u64 {
        self.stops.load(Ordering::SeqCst)
    }

    /// Serves calls on the calling thread until some are done, and puts their tickets into `done`, which is not empty. `None`: the
    /// reactor was stopped since [`stops`](Reactor::stops) were counted, whether anybody drove it then or not, and the calls of before
    /// are over, or given up. Several threads may drive it; each call is told to one.
    ///
    /// # Errors
    /// The system has no descriptors left to wait with.
    pub fn drive(&self, stops: u64, done: &mut [Ticket]) -> io::Result<Option<usize>> {
        let readiness = self.core.ready()?;
        let mut ready = Vec::new();
        let mut tickets: Vec<Ticket> = Vec::new();
        loop {
            tickets.extend(self.core.woken());
            self.core.expire(&mut tickets, Instant::now());
            let is_stopped = self.stops() != stops;
            let is_over = is_stopped && self.is_over();
            if is_over {
                // Its own may have been woken long ago, and only be heard of now; those of the next test are for the next one of
                // those that drive it.
                readiness.wait(Duration::ZERO, &mut ready);
                tickets.append(&mut ready);
                let (own, others): (Vec<_>, Vec<_>) =
                    tickets.drain(..).partition(|ticket| self.is_of_before(*ticket));
                self.core.wake_all(&others);
                tickets = own;
            }
            let count = self.poll_some(&tickets, done);
            tickets.clear();
            if count > 0 {
                return Ok(Some(count));
            }
            if is_over {
                self.give_up();
                return Ok(None);
            }
            let sleep = if is_stopped {
                Duration::from_millis(10)
            } else {
                SLEEP
            };
            let sleep = self.core.sleep_at_most(sleep);
            readiness.wait(sleep, &mut ready);
            self.core.is_awake();
            tickets.append(&mut ready);
        }
    }

    /// Whether the calls that were begun before the last stop are done, or were waited for long enough, however busy the next test is.
    fn is_over(&self) -> bool {
        if lock(&self.stopped).is_some_and(|at| at.elapsed() >= PATIENCE) {
            return true;
        }
        let stops = self.stops();
        !lock(&self.calls)
            .values()
            .any(|call| call.begun_after < stops && !call.is_done())
    }

    /// Whether a call was begun before the last stop.
    fn is_of_before(&self, ticket: Ticket) -> bool {
        let stops = self.stops();
        lock(&self.calls)
            .get(&ticket)
            .is_some_and(|call| call.begun_after < stops)
    }

    /// Goes on with calls until as many are done as `done` has room for; how many are. The rest is woken again.
    fn poll_some(&self, tickets: &[Ticket], done: &mut [Ticket]) -> usize {
        let mut count = 0;
        for (place, &ticket) in tickets.iter().enumerate() {
            if count == done.len() {
                self.core.wake_all(&tickets[place..]);
                break;
            }
            if self.poll(ticket) {
                done[count] = ticket;
                count += 1;
            }
        }
        count
    }

    /// Drops the calls that their cancels did not end: nobody will serve them any more.
    fn give_up(&self) {
        let stops = self.stops();
        let mut abandoned = Vec::new();
        lock(&self.calls).retain(|_, call| {
            let goes_on = call.begun_after >= stops || call.is_done();
            if !goes_on {
                abandoned.push(call.clone());
            }
            goes_on
        });
        for call in abandoned {
            call.abandon();
        }
    }

    /// Goes on with a call. True: it is done, and was not before.
    fn poll(&self, ticket: Ticket) -> bool {
        let call = lock(&self.calls).get(&ticket).cloned();
        call.is_some_and(|call| call.poll())
    }

    /// Has all that drive it end, once the calls that are under way have.
    pub fn stop(&self) {
        *lock(&self.stopped) = Some(Instant::now());
        self.stops.fetch_add(1, Ordering::SeqCst);
        self.core.rouse();
    }

    /// How many calls are under way, or were not taken yet.
    pub fn calls(&self) -> usize {
        lock(&self.calls).len()
    }
}

impl<T> Call<T> {
    /// Polls it, unless another thread does: then that one does so once more. True: it is done, and was not before.
    fn poll(self: &Arc<Self>) -> bool
    where
        T: Send + 'static,
    {
        loop {
            match self.change(IDLE, POLLED) {
                Ok(_) => return self.poll_as_owner(),
                Err(POLLED) if self.change(POLLED, AGAIN).is_ok() => return false,
                Err(POLLED) => {} // its owner has just let go
                Err(_) => return false,
            }
        }
    }

    fn is_done(&self) -> bool {
        lock(&self.came).is_some()
    }

    /// Nobody will poll it again; what it holds is given back.
    fn abandon(&self) {
        let work = lock(&self.work).take();
        // Whoever would have to hear of a panic has been told already that his call is over.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(work)));
    }

    fn change(&self, from: u8, to: u8) -> Result<u8, u8> {
        self.stage
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
    }

    /// A call that is done stays with its last owner, so that nobody polls it again.
    fn poll_as_owner(self: &Arc<Self>) -> bool
    where
        T: Send + 'static,
    {
        let waker = Waker::from(self.clone());
        let mut context = Context::from_waker(&waker);
        let mut work = lock(&self.work);
        let Some(future) = work.as_mut() else {
            return false;
        };
        loop {
            let came = match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context))) {
                Ok(Poll::Ready(came)) => Ok(came),
                Err(panic) => Err(panic),
                Ok(Poll::Pending) => {
                    if self.change(POLLED, IDLE).is_ok() {
                        return false;
                    }
                    self.stage.store(POLLED, Ordering::Release);
                    continue;
                }
            };
            let at = Instant::now();
            // What it held is given back before anybody is told.
            let done = work.take();
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(done)));
            *lock(&self.came) = Some((dropped.and(came), at));
            return true;
        }
    }
}

/// Whatever a call waits for that is no socket and no time wakes it so.
impl<T: Send> Wake for Call<T> {
    fn wake(self: Arc<Self>) {
        self.core.wake(self.ticket);
    }
}

impl Core {
    fn ready(&self) -> io::Result<&Readiness> {
        if let Some(readiness) = self.readiness.get() {
            return Ok(readiness);
        }
        let made = Readiness::new()?;
        Ok(self.readiness.get_or_init(|| made))
    }

    fn wake(&self, ticket: Ticket) {
        lock(&self.woken).push(ticket);
        self.rouse();
    }

    fn wake_all(&self, tickets: &[Ticket]) {
        lock(&self.woken).extend(tickets);
        self.rouse();
    }

    /// Ends the sleep of one that drives the reactor.
    fn rouse(&self) {
        if let Some(readiness) = self.readiness.get() {
            readiness.wake();
        }
    }

    fn woken(&self) -> Vec<Ticket> {
        std::mem::take(&mut lock(&self.woken))
    }

    fn expire(&self, tickets: &mut Vec<Ticket>, now: Instant) {
        lock(&self.timers).expire(tickets, now);
    }

    /// How long to sleep: to the next call's time, and not at all while some were woken.
    fn sleep_at_most(&self, longest: Duration) -> Duration {
        let mut timers = lock(&self.timers);
        let sleep = timers.sleep_from(Instant::now(), longest);
        drop(timers);
        if lock(&self.woken).is_empty() {
            sleep
        } else {
            Duration::ZERO
        }
    }

    fn is_awake(&self) {
        lock(&self.timers).is_awake();
    }
}
