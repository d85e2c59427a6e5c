//! Turns on the machine: who may run beside whom. The test runner starts all tests at once; each first takes its turn.

use std::num::NonZero;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use Kind::{Alone, InIdleTime, Together, Waiting};

use crate::say;

/// How a test uses the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Waiting,
    Together,
    Alone,
    InIdleTime,
}

/// The most that wait side by side: each has a JVM with hundreds of threads.
const WAITING: usize = 3;

/// Who runs, and who wants to.
struct Machine {
    running: Vec<Kind>,
    queued: Vec<Kind>,
}

impl Machine {
    /// Whether one more of this kind may begin. Those that wait go first, those that want to be alone last.
    fn has_room_for(&self, kind: Kind, cores: usize) -> bool {
        let running = |kind| count(&self.running, kind);
        let queued = |kind| count(&self.queued, kind);
        if running(Alone) > 0 {
            return false;
        }
        match kind {
            InIdleTime => true,
            Waiting => running(Together) == 0 && running(Waiting) < WAITING,
            Together => queued(Waiting) == 0 && running(Waiting) + running(Together) < cores,
            Alone => self.running.is_empty() && queued(Alone) == self.queued.len(),
        }
    }
}

fn count(kinds: &[Kind], wanted: Kind) -> usize {
    kinds.iter().filter(|kind| **kind == wanted).count()
}

fn remove(kinds: &mut Vec<Kind>, gone: Kind) {
    let place = kinds.iter().position(|kind| *kind == gone);
    kinds.swap_remove(place.expect("it was put there when its turn was asked for"));
}

static MACHINE: Mutex<Machine> = Mutex::new(Machine {
    running: Vec::new(),
    queued: Vec::new(),
});
static CHANGED: Condvar = Condvar::new();

fn machine() -> MutexGuard<'static, Machine> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Turns of this length are told, for whoever wants the suite to be shorter.
const LONG: Duration = Duration::from_secs(20);

/// A turn, until it is dropped.
#[must_use]
pub struct Turn {
    kind: Kind,
    since: Instant,
}

impl Turn {
    fn of(kind: Kind) -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        let mut machine = machine();
        machine.queued.push(kind);
        while !machine.has_room_for(kind, cores) {
            machine = CHANGED.wait(machine).unwrap_or_else(PoisonError::into_inner);
        }
        remove(&mut machine.queued, kind);
        machine.running.push(kind);
        CHANGED.notify_all();
        Self {
            kind,
            since: Instant::now(),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        remove(&mut machine().running, self.kind);
        CHANGED.notify_all();
        let took = self.since.elapsed();
        if took >= LONG {
            let thread = std::thread::current();
            let test = thread.name().unwrap_or("a test");
            say!("{test} took {:.0} s {:?}", took.as_secs_f64(), self.kind);
        }
    }
}

/// For tests that wait for somebody's limits most of the time: some of them side by side, and none that computes before
/// there are fewer of them than cores.
pub fn waiting() -> Turn {
    Turn::of(Waiting)
}

/// For tests that compute and may share the machine: as many as it has cores, counting those that wait.
pub fn together() -> Turn {
    Turn::of(Together)
}

/// For tests that measure milliseconds: nothing of ours runs beside them.
pub fn alone() -> Turn {
    Turn::of(Alone)
}

/// For tests that compute for minutes and measure nothing: beside all that do not want to be alone, as everything that they
/// start is [nice](system::process::nice).
pub fn in_idle_time() -> Turn {
    Turn::of(InIdleTime)
}

#[test]
fn who_waits_goes_first_and_who_measures_goes_last_and_alone() {
    let cases: &[(&[Kind], &[Kind], &[Kind])] = &[
        // running, queued, who of the queued may begin on two cores
        (
            &[],
            &[Alone, Together, Waiting, InIdleTime],
            &[Waiting, InIdleTime],
        ),
        (&[Waiting, Waiting], &[Waiting, Together], &[Waiting]),
        (
            &[Waiting, Waiting, Waiting],
            &[Waiting, InIdleTime],
            &[InIdleTime],
        ),
        (&[Waiting, Waiting], &[Together, Alone], &[]),
        (&[Waiting], &[Together, Alone], &[Together]),
        (&[Waiting, Together], &[Together, Alone], &[]),
        (&[InIdleTime], &[Together, Alone], &[Together]),
        (&[Together], &[Together, Waiting, Alone], &[]),
        (&[Together], &[Together, Alone], &[Together]),
        (&[Together, Together], &[Together, InIdleTime], &[InIdleTime]),
        (&[InIdleTime], &[Alone], &[]),
        (&[], &[Alone, Alone], &[Alone, Alone]),
        (&[Alone], &[Alone, InIdleTime, Together, Waiting], &[]),
    ];
    for (running, queued, begin) in cases {
        let machine = Machine {
            running: running.to_vec(),
            queued: queued.to_vec(),
        };
        let may = queued.iter().filter(|kind| machine.has_room_for(**kind, 2));
        assert_eq!(
            may.copied().collect::<Vec<_>>(),
            *begin,
            "{running:?} run, {queued:?} want to"
        );
    }
}
