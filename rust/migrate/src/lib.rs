//! Moves JMeter plans to ws-backoff: a plan's bytes in, the moved plan's bytes out, with what became of each element and why.
//!
//! What is not understood stays as it is and is told. What no change names keeps its bytes: comments, unknown elements, indentation, line
//! ends, charset.
//!
//! Pure: no file, no clock. Not here: which files are read and where results go (`cli`).

mod address;
mod behind;
mod blazemeter;
mod groups;
mod incumbent;
mod jmx;
mod ours;
mod pace;
mod report;
mod retrier;
mod retry;
mod scripts;
mod slots;
mod together;
mod told;
mod zaleski;

pub use groups::Groups;
pub use jmx::{DEEPEST, LARGEST, MOST_ELEMENTS, Refusal};
pub use report::{File, html, markdown, text};
pub use told::{Entry, Outcome};

use jmx::{Change, Plan};

/// What came of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The moved plan; none where nothing is to be changed.
    pub plan: Option<Vec<u8>>,
    /// What became of its elements, in the order of the file.
    pub entries: Vec<Entry>,
}

impl Migration {
    /// Whether something stays that should go.
    #[must_use]
    pub fn leaves_something(&self) -> bool {
        let left = |entry: &Entry| matches!(entry.outcome, Outcome::Left(_));
        self.entries.iter().any(left)
    }
}

/// Reads a file that a plan names, for as far as the caller lets it: its bytes, or none.
pub type Files<'a> = dyn Fn(&str) -> Option<Vec<u8>> + 'a;

/// The files that a plan includes, by the names that it has for them.
///
/// # Errors
/// What is no plan, or cannot be read.
pub fn included(bytes: &[u8]) -> Result<Vec<String>, Refusal> {
    let plan = Plan::read(bytes)?;
    Ok(incumbent::included(&plan))
}

/// What keeps samplers of a plan where they are, and with them those that may meet them on a connection, if there is something.
///
/// # Errors
/// What is no plan, or cannot be read.
pub fn kept_by(bytes: &[u8], files: &Files) -> Result<Option<String>, Refusal> {
    let plan = Plan::read(bytes)?;
    Ok(incumbent::kept_by(&plan, files))
}

/// Moves a plan; scripts that it has in files come from `files`.
///
/// # Errors
/// What is no plan, or cannot be read.
pub fn migrate(bytes: &[u8], files: &Files) -> Result<Migration, Refusal> {
    migrate_beside(bytes, files, None, Groups::Threads)
}

/// The same for a plan that includes others or is included: samplers stay that may share a connection with one that is `kept` there.
/// `groups` says what becomes of thread groups.
///
/// # Errors
/// What is no plan, or cannot be read.
pub fn migrate_beside(
    bytes: &[u8],
    files: &Files,
    kept: Option<&str>,
    groups: Groups,
) -> Result<Migration, Refusal> {
    let plan = Plan::read(bytes)?;
    let mut change = Change::of(&plan);
    let mut entries = Vec::new();
    let mut found = incumbent::survey(&plan, files, kept);
    let loops = retry::survey(&plan, &found, files);
    let retriers = retrier::survey(&plan);
    retry::apply(&plan, &loops, &mut found, &mut change, &mut entries);
    retrier::apply(&plan, &retriers, &mut found, &mut change, &mut entries);
    zaleski::apply(&plan, &zaleski::survey(&plan, files), &mut change, &mut entries);
    blazemeter::apply(
        &plan,
        &blazemeter::survey(&plan, files),
        &mut change,
        &mut entries,
    );
    pace::offer(&plan, &mut entries);
    incumbent::apply(&plan, &found, &loops.taken(), files, &mut change, &mut entries);
    if groups == Groups::Virtual {
        groups::convert(&plan, &mut change, &mut entries);
    }
    entries.sort_by_key(|entry| entry.line);
    Ok(Migration {
        plan: change.done(),
        entries,
    })
}
