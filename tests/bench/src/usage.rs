//! What a process has used so far, as Linux counts it under `/proc`.

use std::path::PathBuf;
use std::time::Duration;

use system::{Error, Result};

/// CPU time of a process, all threads, user and system.
///
/// # Errors
/// When there is no such process.
pub fn cpu(process: u32) -> Result<Duration> {
    let text = read(process, "stat")?;
    let ticks = cpu_ticks(&text).ok_or_else(|| wrong(process, "stat"))?;
    Ok(Duration::from_secs_f64(
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
    ))
}

/// Resident memory of a process, MiB.
///
/// # Errors
/// When there is no such process.
pub fn resident_mib(process: u32) -> Result<f64> {
    let text = read(process, "status")?;
    number(&text, "VmRSS:")
        .map(|kib| kib as f64 / 1_024.0)
        .ok_or_else(|| wrong(process, "status"))
}

/// How many threads a process has.
///
/// # Errors
/// When there is no such process.
pub fn threads(process: u32) -> Result<u64> {
    let text = read(process, "status")?;
    number(&text, "Threads:").ok_or_else(|| wrong(process, "status"))
}

/// The 14th and the 15th field; the second one, the name in brackets, may hold blanks.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").trim().parse().ok()
}

fn read(process: u32, file: &str) -> Result<String> {
    let path = path(process, file);
    std::fs::read_to_string(&path).map_err(|source| Error::Io {
        what: path.display().to_string(),
        source,
    })
}

fn path(process: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{process}/{file}"))
}

fn wrong(process: u32, file: &str) -> Error {
    Error::Content {
        what: path(process, file).display().to_string(),
        why: "not as Linux writes it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_any_name() {
        let stat = "17 (a ) b) S 1 17 17 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 900";
        assert_eq!(cpu_ticks(stat), Some(300));
        let status = "Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t3\n";
        assert_eq!(
            (number(status, "VmRSS:"), number(status, "Threads:")),
            (Some(2_048), Some(3))
        );
        assert_eq!(cpu_ticks("nothing"), None);
    }

    #[test]
    fn this_process_uses_something() {
        let own = std::process::id();
        assert!(resident_mib(own).unwrap() > 0.5);
        assert!(cpu(own).is_ok() && threads(own).unwrap() > 0);
        assert!(cpu(u32::MAX).is_err());
    }
}
