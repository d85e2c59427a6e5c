//! A process as the operating system sees it: memory, files, sockets, and the users among its threads.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::{Error, Result, at};

/// How a process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Resident memory.
    pub(super) memory_kib: u64,
    /// Open files that are no sockets.
    pub(super) files: usize,
}

impl Standing {
    /// As it is now.
    pub(super) fn of(process: u32) -> Result<Self> {
        let path = PathBuf::from(format!("/proc/{process}/status"));
        let status = std::fs::read_to_string(&path).map_err(at(&path))?;
        let memory = status.lines().find(|line| line.starts_with("VmRSS:"));
        let memory = memory.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        let links = links(process)?;
        Ok(Self {
            memory_kib: memory.ok_or_else(|| Error::Content {
                what: path.display().to_string(),
                why: "no VmRSS".to_owned(),
            })?,
            files: links.iter().filter(|link| !link.starts_with("socket:")).count(),
        })
    }
}

/// What a process has open.
fn links(process: u32) -> Result<Vec<String>> {
    let folder = PathBuf::from(format!("/proc/{process}/fd"));
    let entries = std::fs::read_dir(&folder).map_err(at(&folder))?;
    let links = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    Ok(links.map(|link| link.to_string_lossy().into_owned()).collect())
}

/// The sockets of a process that lead to this port, in whatever state.
pub(super) fn sockets_to(process: u32, port: u16) -> Result<usize> {
    let path = PathBuf::from(format!("/proc/{process}/net/tcp"));
    let table = std::fs::read_to_string(&path).map_err(at(&path))?;
    let remote = format!(":{port:04X}");
    let rows = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let inodes: BTreeSet<String> = rows
        .filter(|columns| columns.len() > 9 && columns[2].ends_with(&remote))
        .map(|columns| format!("socket:[{}]", columns[9]))
        .collect();
    Ok(links(process)?
        .iter()
        .filter(|link| inodes.contains(*link))
        .count())
}

/// How many threads of these groups are alive; JMeter names them after their group.
pub(super) fn users_left(process: u32, groups: &[(&str, u32)]) -> Result<usize> {
    let folder = PathBuf::from(format!("/proc/{process}/task"));
    let tasks = std::fs::read_dir(&folder).map_err(at(&folder))?;
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    let ours = |name: &String| {
        let of = |(group, _): &(&str, u32)| name.starts_with(&format!("{group} "));
        groups.iter().any(of)
    };
    Ok(names.filter(ours).count())
}
