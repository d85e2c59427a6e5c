//! What the demo and the whole-system tests share: a real JMeter, the test server as its users start it, and the reading of
//! what both leave behind. Nothing here knows how the product works inside; it sees what a user sees.

pub mod chart;
pub mod codes;
pub mod finding;
pub mod herds;
pub mod jmeter;
pub mod jtl;
pub mod jtl_xml;
pub mod limiters;
pub mod peers;
pub mod plan;
pub mod platform;
pub mod process;
pub mod report;
pub mod repository;
pub mod serve;
pub mod soak;
pub mod trace;

use std::path::Path;
use std::time::Duration;

/// What can go wrong around a run. A failed sample is no error: it is a row of the result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file, a folder, a process or a socket.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with the path or address.
        what: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {limit:?}; the last lines were:\n{tail}")]
    Late {
        /// The event.
        what: String,
        /// How long it was waited for.
        limit: Duration,
        /// The end of the process's output.
        tail: String,
    },
    /// A process ended with an error.
    #[error("{what} ended with {status}; the last lines were:\n{tail}")]
    Ended {
        /// The process.
        what: String,
        /// Its exit status in words.
        status: String,
        /// The end of its output.
        tail: String,
    },
    /// A file or an answer that is not as agreed.
    #[error("{what}: {why}")]
    Content {
        /// The file or the address.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something that has to be built first.
    #[error("{0} is missing; `script/build` makes it")]
    NotBuilt(String),
}

/// This crate's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Names the path in an I/O error.
pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let what = path.display().to_string();
    move |source| Error::Io { what, source }
}

/// Names the action in an I/O error.
pub(crate) fn during(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
    let what = what.into();
    move |source| Error::Io { what, source }
}
