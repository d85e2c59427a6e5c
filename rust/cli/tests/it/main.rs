//! The program `ws-backoff` as a child process, and the library's `run` as the JVM calls it.

#[cfg(test)]
mod command_line;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod files;
#[cfg(test)]
mod find;
#[cfg(test)]
mod import;
#[cfg(test)]
mod migrate;
#[cfg(test)]
mod probe;
#[cfg(test)]
mod program;
#[cfg(test)]
mod report;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod simulate;
#[cfg(test)]
mod tune;
