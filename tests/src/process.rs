//! A child process whose lines can be waited for, and which never outlives its owner.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::{Error, Result, during};

/// A command for a program that computes when nobody else wants to.
pub fn nice(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("nice");
    command.args(["-n", "19"]).arg(program);
    command
}

/// A running program. Dropping it kills it.
pub struct Process {
    name: String,
    child: Child,
    output: Arc<Output>,
    readers: Vec<JoinHandle<()>>,
}

/// A line of a program's output, and when it came.
#[derive(Debug, Clone)]
pub struct Line {
    /// When it was read.
    pub at: Instant,
    /// Without the line's end.
    pub text: String,
}

/// How a program ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// When both of its outputs were closed.
    pub at: Instant,
    /// All it printed, both outputs in order of arrival.
    pub lines: Vec<Line>,
}

impl Ended {
    /// All output as one text.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines
            .iter()
            .map(|line| line.text.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

#[derive(Default)]
struct Output {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<Line>,
    open: usize,
    closed_at: Option<Instant>,
}

impl Process {
    /// Starts a program and reads both of its outputs; its input is empty.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: impl Into<String>, command: &mut Command) -> Result<Self> {
        let name = name.into();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(during(format!("starting {name}")))?;
        let output = Arc::new(Output::default());
        output.lock().open = 2;
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let readers = vec![read(stdout, &output), read(stderr, &output)];
        Ok(Self {
            name,
            child,
            output,
            readers,
        })
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line that contains `part`; lines printed before the call count.
    ///
    /// # Errors
    /// When it does not come in time, or when the program closes its output before.
    pub fn wait_for_line(&self, part: &str, limit: Duration) -> Result<Line> {
        let deadline = Instant::now() + limit;
        let mut state = self.output.lock();
        let mut seen = 0;
        loop {
            if let Some(line) = state.lines[seen..].iter().find(|line| line.text.contains(part)) {
                return Ok(line.clone());
            }
            seen = state.lines.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.open == 0 {
                let what = format!("the line {part:?} of {}", self.name);
                return Err(Error::Late {
                    what,
                    limit,
                    tail: tail(&state.lines),
                });
            }
            state = self
                .output
                .news
                .wait_timeout(state, left)
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until the program has ended.
    ///
    /// # Errors
    /// When it has not ended in time; it is killed then.
    pub fn wait(mut self, limit: Duration) -> Result<Ended> {
        self.wait_closed(limit)?;
        let status = self
            .child
            .wait()
            .map_err(during(format!("waiting for {}", self.name)))?;
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader does not panic");
        }
        let mut state = self.output.lock();
        let at = state.closed_at.expect("both outputs are closed");
        let lines = std::mem::take(&mut state.lines);
        Ok(Ended { status, at, lines })
    }

    /// Waits until the program has closed its outputs, without taking it away; false while it still runs.
    #[must_use]
    pub fn ends_within(&self, limit: Duration) -> bool {
        self.wait_closed(limit).is_ok()
    }

    fn wait_closed(&self, limit: Duration) -> Result<()> {
        let state = self.output.lock();
        let (state, _) = self
            .output
            .news
            .wait_timeout_while(state, limit, |state| state.open > 0)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if state.open > 0 {
            return Err(Error::Late {
                what: format!("the end of {}", self.name),
                limit,
                tail: tail(&state.lines),
            });
        }
        Ok(())
    }

    /// Asks it to end (SIGTERM).
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn terminate(&self) -> Result<()> {
        let id = self.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        let sent = sent.map_err(during(format!("ending {}", self.name)))?;
        if sent.success() {
            return Ok(());
        }
        Err(Error::Content {
            what: format!("SIGTERM for {}", self.name),
            why: sent.to_string(),
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn read(pipe: impl Read + Send + 'static, output: &Arc<Output>) -> JoinHandle<()> {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n') {
            let Ok(bytes) = line else { break };
            let text = String::from_utf8_lossy(&bytes).trim_end_matches('\r').to_owned();
            output.lock().lines.push(Line {
                at: Instant::now(),
                text,
            });
            output.news.notify_all();
        }
        let mut state = output.lock();
        state.open -= 1;
        state.closed_at = Some(Instant::now());
        output.news.notify_all();
    })
}

/// The last lines, for an error message.
fn tail(lines: &[Line]) -> String {
    let first = lines.len().saturating_sub(15);
    lines[first..]
        .iter()
        .map(|line| format!("  {}", line.text))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        Process::start("sh", Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn lines_of_both_outputs_are_seen() {
        let process = shell("echo one; echo two >&2; exit 3");
        assert_eq!(
            process.wait_for_line("wo", Duration::from_secs(5)).unwrap().text,
            "two"
        );
        let ended = process.wait(Duration::from_secs(5)).unwrap();
        assert_eq!(ended.status.code(), Some(3));
        assert_eq!(ended.lines.len(), 2, "{}", ended.text());
    }

    #[test]
    fn a_line_that_never_comes_is_an_error_that_shows_the_output() {
        let error = shell("echo hello")
            .wait_for_line("bye", Duration::from_secs(5))
            .unwrap_err();
        assert!(error.to_string().contains("hello"), "{error}");
    }

    #[test]
    fn a_process_that_does_not_end_is_killed() {
        let process = shell("echo ready; exec sleep 600");
        process.wait_for_line("ready", Duration::from_secs(5)).unwrap();
        let id = process.id();
        assert!(matches!(
            process.wait(Duration::from_millis(50)),
            Err(Error::Late { .. })
        ));
        assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
    }

    #[test]
    fn terminate_reaches_the_process() {
        let process = shell("echo ready; exec sleep 600");
        process.wait_for_line("ready", Duration::from_secs(5)).unwrap();
        process.terminate().unwrap();
        let ended = process.wait(Duration::from_secs(5)).unwrap();
        assert_eq!(ended.status.code(), None, "ended by the signal");
    }
}
