//! Runs the program and keeps what it printed.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
#[cfg(unix)]
use std::time::{Duration, Instant};

pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ws-backoff"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub fn run(args: &[&str]) -> Ended {
    let output = command(args).output().unwrap();
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs it to its end with nowhere to print to.
#[cfg(target_os = "linux")]
pub fn run_on_a_full_disk(args: &[&str]) -> Ended {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(args).stdout(full).output().unwrap();
    Ended {
        code: output.status.code(),
        out: String::new(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Whether Ctrl-C's signal ends it at once, although it waits for its input.
#[cfg(target_os = "linux")]
pub fn dies_of_a_signal(args: &[&str]) -> bool {
    use std::os::unix::process::ExitStatusExt;
    // A shell has what it starts in the background ignore the signal, and whatever that starts.
    let mut child = Command::new("env")
        .args(["--default-signal=INT", env!("CARGO_BIN_EXE_ws-backoff")])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // It has begun to read when it has taken all of what no pipe holds.
    let mut input = child.stdin.take().unwrap();
    let _ = std::io::Write::write_all(&mut input, &[b'\n'; 1 << 20]);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let asked = Instant::now();
    while asked.elapsed() < Duration::from_secs(20) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.signal() == Some(2);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    let _ = child.wait();
    false
}

/// Runs it, stops it by Ctrl-C's signal when it has run for `time`, and gives how long it took to end from then on.
#[cfg(unix)]
pub fn interrupt_after(time: Duration, args: &[&str]) -> (Ended, Duration) {
    let child = command(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(time);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let asked = Instant::now();
    let output = child.wait_with_output().unwrap();
    let ended = Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    (ended, asked.elapsed())
}

/// A running `serve`, killed when it is dropped.
pub struct Serve {
    child: Child,
    out: BufReader<ChildStdout>,
    pub first_line: String,
    pub addr: SocketAddr,
}

impl Serve {
    pub fn start(args: &[&str]) -> Self {
        let mut child = command(&["serve", "--listen", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first_line = String::new();
        out.read_line(&mut first_line).unwrap();
        let addr = first_line
            .split("://")
            .nth(1)
            .and_then(|rest| rest.split(' ').next())
            .map(str::parse);
        let addr = addr.unwrap_or_else(|| panic!("{first_line}")).unwrap();
        Self {
            child,
            out,
            first_line,
            addr,
        }
    }

    #[cfg(unix)]
    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits for its end: the exit code and what it printed after the first line.
    pub fn wait(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // After `wait` there is nothing left to kill, and that is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
