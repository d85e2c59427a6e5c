//! How another thread ends a command: a signal handler, or the JVM's shutdown hook.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Stops a running command, from any thread. Clones stop the same command.
#[derive(Debug, Clone, Default)]
pub struct StopToken(Arc<State>);

#[derive(Debug, Default)]
struct State {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl StopToken {
    /// A token that is not stopped.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the command to end. It stays stopped.
    pub fn stop(&self) {
        *self.0.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }

    /// Waits at most `timeout` for the stop; whether it came.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> bool {
        let stopped = self.0.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .0
            .changed
            .wait_timeout_while(stopped, timeout, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_from_another_thread_ends_the_wait() {
        let token = StopToken::new();
        let other = token.clone();
        let thread = std::thread::spawn(move || other.stop());
        assert!(token.wait(Duration::from_secs(10)));
        thread.join().unwrap();
        assert!(token.wait(Duration::ZERO));
    }

    #[test]
    fn without_a_stop_the_wait_times_out() {
        assert!(!StopToken::new().wait(Duration::from_millis(1)));
    }
}
