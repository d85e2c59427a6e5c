//! A plan as XML: its elements with the places where they stand, and edits of places, so that what no edit touches stays byte for byte.
//!
//! Not here: what an element of a plan means.

mod change;
mod charset;
mod edit;
mod plan;
mod tree;

#[cfg(test)]
mod tests;

pub(crate) use change::{Change, NewElement};
pub(crate) use plan::{ItemId, Plan, Property};

/// The largest file that is read, in bytes.
pub const LARGEST: usize = 32 << 20;
/// The most XML elements in a file.
pub const MOST_ELEMENTS: usize = 250_000;
/// The most XML elements inside each other.
pub const DEEPEST: usize = 500;

/// Why a file is not touched. The texts say what to do; the file is named by whoever has its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A charset that nobody knows.
    #[error(
        "its XML declaration names the charset {0:?}, which is not known; save the plan in JMeter, which writes UTF-8"
    )]
    Charset(String),
    /// Bytes that the charset does not allow, or that would not come back as they are.
    #[error("has bytes that are no {0}; save the plan in JMeter, which writes UTF-8")]
    Bytes(&'static str),
    /// Larger than [`LARGEST`].
    #[error("has {0} bytes; {LARGEST} are the most that is read")]
    TooLarge(usize),
    /// More than [`MOST_ELEMENTS`] or [`DEEPEST`].
    #[error(
        "line {line}: more than {MOST_ELEMENTS} XML elements, or more than {DEEPEST} inside each other; no plan needs that"
    )]
    TooMany {
        /// Where it was too much.
        line: usize,
    },
    /// A document type, which JMeter never writes and which can make a small file endless.
    #[error("line {line}: has a document type (<!DOCTYPE); JMeter writes none: take it out")]
    DocType {
        /// Where it stands.
        line: usize,
    },
    /// No XML.
    #[error("line {line}: is no well-formed XML: {why}; open the plan in JMeter and save it again")]
    Xml {
        /// Where reading ended.
        line: usize,
        /// What the XML reader says.
        why: String,
    },
    /// XML of something else.
    #[error("is no plan of JMeter: its root is <{0}>, a plan's is <jmeterTestPlan>")]
    NoPlan(String),
    /// A format that plans of today have not.
    #[error("is a plan of format {0:?}; save it in JMeter 3.0 or later, which writes 1.2")]
    Format(String),
}
