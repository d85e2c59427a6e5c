//! Runs one command line at a time, and ends it when the JVM ends.

use std::sync::{Mutex, PoisonError};

use cli::StopToken;

use crate::failure::Failure;

/// The token of the command that runs.
static RUNNING: Mutex<Option<StopToken>> = Mutex::new(None);

/// Runs a command to its end; `args` is a JSON array of texts. Answers the exit code.
pub fn run(args: &[u8]) -> Result<i32, Failure> {
    let args: Vec<String> = serde_json::from_slice(args)?;
    let token = StopToken::default();
    {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_some() {
            return Err(Failure::CommandRuns);
        }
        *running = Some(token.clone());
    }
    let code = cli::run(args, || token);
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = None;
    Ok(code)
}

/// Asks the command to end; no command is no error.
pub fn stop() {
    if let Some(token) = &*RUNNING.lock().unwrap_or_else(PoisonError::into_inner) {
        token.stop();
    }
}
