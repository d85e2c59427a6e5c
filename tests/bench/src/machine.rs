//! On what was measured: the machine, and the versions of all that took part.

use std::path::Path;
use std::process::Command;

use serde::Serialize;
use system::jmeter::Home;
use system::repository;

/// The machine.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// The processor's name.
    pub cpu: String,
    /// The kernel's release.
    pub kernel: String,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Processes that ran or wanted to in the minute before, on average.
    pub load_before: f64,
}

/// What took part.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Versions {
    /// Ours.
    pub ws_backoff: String,
    /// The commit that this was built from, as far as it is known.
    pub commit: String,
    /// JMeter.
    pub jmeter: String,
    /// The WebSocket samplers of today.
    pub samplers: String,
    /// The first line of `java -version`.
    pub java: String,
}

impl Machine {
    /// This one, now.
    pub fn this() -> Self {
        let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim_start_matches([' ', '\t', ':']).trim().to_owned())
        };
        let memory = after(&file("/proc/meminfo"), "MemTotal").unwrap_or_default();
        let kib: u64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
        let load = file("/proc/loadavg");
        Self {
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            cpu: after(&file("/proc/cpuinfo"), "model name").unwrap_or_default(),
            kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
            memory_mib: kib / 1_024,
            load_before: load
                .split(' ')
                .next()
                .and_then(|load| load.parse().ok())
                .unwrap_or_default(),
        }
    }

    /// Whether something else keeps it busy, so that figures say little.
    pub fn busy(&self) -> bool {
        self.load_before > 0.3 * self.cores as f64
    }
}

impl Versions {
    /// Those of this home.
    pub fn of(home: &Home) -> Self {
        Self {
            ws_backoff: version_in(&home.extensions(), "ws-backoff-"),
            commit: commit(),
            jmeter: version_in(&home.extensions(), "ApacheJMeter_core-"),
            samplers: version_in(&home.extensions(), "jmeter-websocket-samplers-"),
            java: java(),
        }
    }
}

/// A jar carries its version in its name.
fn version_in(folder: &Path, start: &str) -> String {
    repository::only_jar(folder, start)
        .ok()
        .and_then(|jar| Some(jar.file_stem()?.to_str()?.strip_prefix(start)?.to_owned()))
        .unwrap_or_default()
}

fn commit() -> String {
    let mut git = Command::new("git");
    git.arg("-C").arg(repository::root());
    first_line(git.args(["describe", "--always", "--dirty"]))
}

fn java() -> String {
    first_line(Command::new("java").arg("-version"))
}

/// Of either output; empty when there is no such program, or when it fails.
fn first_line(command: &mut Command) -> String {
    let Some(output) = command.output().ok().filter(|output| output.status.success()) else {
        return String::new();
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says_what_it_is() {
        let machine = Machine::this();
        assert!(machine.cores > 0 && !machine.kernel.is_empty() && machine.memory_mib > 0);
        let idle = Machine {
            load_before: 0.0,
            ..machine.clone()
        };
        let busy = Machine {
            load_before: 100.0 * machine.cores as f64,
            ..machine
        };
        assert!(busy.busy() && !idle.busy());
    }

    #[test]
    fn what_is_not_there_has_no_version() {
        assert_eq!(version_in(Path::new("/nowhere"), "x-"), "");
        assert_eq!(first_line(&mut Command::new("no-such-program-here")), "");
        assert_eq!(first_line(Command::new("sh").args(["-c", "echo no; exit 1"])), "");
    }
}
