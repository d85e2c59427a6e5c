//! A process as the operating system sees it: memory, files, sockets, threads.

use std::path::PathBuf;

/// A running process, by its id.
pub struct Seen {
    folder: PathBuf,
}

impl Seen {
    pub fn new(id: u32) -> Self {
        Self {
            folder: PathBuf::from(format!("/proc/{id}")),
        }
    }

    /// Resident memory in KiB.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(self.folder.join("status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// What its open files are.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.join("fd")).unwrap();
        let links = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        links.map(|link| link.to_string_lossy().into_owned()).collect()
    }

    /// The numbers of its open files.
    pub fn file_numbers(&self) -> Vec<usize> {
        let entries = std::fs::read_dir(self.folder.join("fd")).unwrap();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.map(|name| name.parse().unwrap()).collect()
    }

    /// Its TCP sockets that lead to this port, in whatever state.
    pub fn sockets_to(&self, port: u16) -> usize {
        let table = std::fs::read_to_string(self.folder.join("net/tcp")).unwrap();
        let remote = format!(":{port:04X}");
        let leads_there = |columns: &Vec<&str>| columns[2].ends_with(&remote);
        let rows = table
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().collect())
            .filter(leads_there);
        let inodes: std::collections::HashSet<String> =
            rows.map(|columns| format!("socket:[{}]", columns[9])).collect();
        self.files().iter().filter(|file| inodes.contains(*file)).count()
    }

    /// The names of its threads.
    pub fn threads(&self) -> Vec<String> {
        let tasks = std::fs::read_dir(self.folder.join("task")).unwrap();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        names.map(|name| name.trim_end().to_owned()).collect()
    }

    /// How many of its threads have a name that begins so.
    pub fn threads_called(&self, start: &str) -> usize {
        self.threads()
            .iter()
            .filter(|name| name.starts_with(start))
            .count()
    }

    /// CPU time of the threads with this name until now, in seconds.
    pub fn cpu_of(&self, thread: &str) -> f64 {
        // What the kernel counts in, on every Linux that people use (`getconf CLK_TCK`).
        const TICKS: f64 = 100.0;
        let tasks = std::fs::read_dir(self.folder.join("task")).unwrap();
        let stats = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
        let own = stats.filter(|stat| stat.contains(&format!("({thread})")));
        own.map(|stat| {
            // After the name: state, parent and so on; user and system time are the 12th and 13th.
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
        })
        .sum::<f64>()
            / TICKS
    }
}
