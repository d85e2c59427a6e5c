//! The one shared tokio runtime: made when first needed, stopped at the end of a test.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use crate::locks::lock;

/// Threads that serve sockets and timers; the work itself runs on the callers' threads.
const WORKERS: usize = 2;
/// Name look-ups that may run side by side, those of one name having a lesser bound; a thread ends after some idle seconds.
const BLOCKING_THREADS: usize = 64;

/// A runtime, or none yet.
#[derive(Debug, Default)]
pub struct SharedRuntime(Mutex<Option<Arc<Runtime>>>);

impl SharedRuntime {
    /// The running one.
    ///
    /// # Errors
    /// The operating system gives no threads or no event queue.
    pub fn get(&self) -> io::Result<Arc<Runtime>> {
        let mut runtime = lock(&self.0);
        if let Some(running) = &*runtime {
            return Ok(running.clone());
        }
        let started = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("wsb-io")
            .enable_all()
            .build()?;
        Ok(runtime.insert(Arc::new(started)).clone())
    }

    /// Stops it, unless a call that hangs for longer than `patience` still holds it: a runtime must never end under a
    /// thread that blocks on it.
    pub fn stop(&self, patience: Duration) {
        let Some(mut runtime) = lock(&self.0).take() else {
            return;
        };
        let begun = Instant::now();
        loop {
            match Arc::try_unwrap(runtime) {
                Ok(last) => return last.shutdown_timeout(Duration::from_secs(1)),
                Err(_) if begun.elapsed() > patience => return,
                Err(held) => runtime = held,
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
