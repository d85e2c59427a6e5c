//! Threads that share a slab, in every order that there is.

// Helpers of tests may fail as tests do.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use models::slab::Slab;
use shuttle::scheduler::DfsScheduler;
use shuttle::{Config, Runner, thread};

/// Runs a model in all its orders; there is none that goes on without end.
fn in_every_order(model: impl Fn() + Send + Sync + 'static) {
    let orders = Runner::new(DfsScheduler::new(None, false), Config::new()).run(model);
    println!("{orders} orders");
    assert!(orders > 10, "only {orders} orders: the threads do not meet");
}

#[test]
fn a_value_is_taken_out_once_and_its_handle_never_finds_another() {
    in_every_order(|| {
        let slab = Arc::new(Slab::default());
        let old = slab.insert(Arc::new("old"));
        let first = thread::spawn({
            let slab = slab.clone();
            move || {
                let taken = slab.remove(old).is_some();
                let new = slab.insert(Arc::new("new"));
                assert_eq!(slab.get(new).as_deref(), Some(&"new"));
                taken
            }
        });
        let second = thread::spawn({
            let slab = slab.clone();
            move || slab.remove(old).is_some()
        });
        let found = slab.get(old);
        assert!(found.as_deref().is_none_or(|value| *value == "old"), "{found:?}");
        let taken = [first.join().unwrap(), second.join().unwrap()];
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
        assert!(slab.get(old).is_none());
        assert_eq!(slab.count(), 1);
    });
}

#[test]
fn a_drain_takes_each_value_that_nobody_else_has_taken() {
    in_every_order(|| {
        let slab = Arc::new(Slab::default());
        let handle = slab.insert(Arc::new(1));
        let comes = thread::spawn({
            let slab = slab.clone();
            move || slab.insert(Arc::new(2))
        });
        let goes = thread::spawn({
            let slab = slab.clone();
            move || slab.remove(handle)
        });
        let drained = slab.drain();
        let late = comes.join().unwrap();
        let removed = goes.join().unwrap();
        let left = slab.get(late);
        let mut all: Vec<i32> = drained
            .iter()
            .chain(&removed)
            .chain(&left)
            .map(|value| **value)
            .collect();
        all.sort_unstable();
        assert_eq!(all, [1, 2]);
        assert_eq!(slab.count(), usize::from(left.is_some()));
        // Whatever slots were freed are good for new ones, each for one.
        let handles = [slab.insert(Arc::new(3)), slab.insert(Arc::new(4))];
        assert_eq!(handles.map(|handle| *slab.get(handle).unwrap()), [3, 4]);
    });
}
