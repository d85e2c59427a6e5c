//! The engine's slab and gate, compiled from the engine's own files, on locks and tasks whose order shuttle chooses: the tests of
//! this crate try them in all interleavings, or in thousands.
//!
//! Shuttle rather than loom: the gate is async, and tokio can be watched by loom only if the whole build is made with `cfg(loom)`.
//! So what the gate takes from tokio is here anew, as little as it needs, with shuttle's locks below it; time goes on when a test
//! says so. The name `tokio` in the gate's file means this crate, and `crate::locks` in both files shuttle's locks.

extern crate self as tokio;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use shuttle::rand::{Rng, thread_rng};

pub mod locks {
    //! What `engine::locks` is there.
    pub use shuttle::sync::{Mutex, MutexGuard};
}

pub mod sync;
pub mod time;

// Under `cfg(test)` the two files would bring tests of their own, which need the real tokio.
#[cfg(not(test))]
#[path = "../../engine/src/gates/crowd.rs"]
pub mod crowd;
#[cfg(not(test))]
#[path = "../../engine/src/gates/gate.rs"]
pub mod gate;
#[cfg(not(test))]
#[path = "../../engine/src/gates/shelf.rs"]
mod shelf;
#[cfg(not(test))]
#[allow(clippy::len_without_is_empty)] // the engine asks how many there are, nothing else
#[path = "../../engine/src/slab.rs"]
pub mod slab;

/// Starts a task, as `tokio::spawn`.
pub fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    shuttle::future::spawn(task);
}

/// Waits for the first of two futures, as far as the gate uses `tokio::select!`.
#[macro_export]
macro_rules! select {
    (() = $first:expr => {} () = $second:expr => {}) => {
        $crate::first_of($first, $second).await
    };
}

/// Waits for the first of two futures; which one is asked first is shuttle's choice.
pub async fn first_of(first: impl Future<Output = ()>, second: impl Future<Output = ()>) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|cx| {
        let second_first = thread_rng().gen_bool(0.5);
        let mut ready = second_first && second.as_mut().poll(cx).is_ready();
        ready = ready || first.as_mut().poll(cx).is_ready();
        ready = ready || (!second_first && second.as_mut().poll(cx).is_ready());
        if ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
