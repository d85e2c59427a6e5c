//! One page about what happened: the records of a trace, or of two, in one pass into figures, and the figures as HTML that needs nothing
//! else.
//!
//! Here lives what is counted and how it is told. Not here: where records come from, what the limit is and what to set ([`Answer`]s that
//! are handed in), and what can be done about an error code (a [`Cure`], likewise).
//!
//! Pure: no file, no clock. Memory does not grow with the number of attempts: times are counted in slots that grow coarser, lengths in
//! histograms, and of the rest there are as many as there are users; what a hostile trace could make endless (codes, elements, hints)
//! is folded into one rest. Every text of a trace is escaped.

mod bins;
mod elements;
mod ends;
mod gates;
mod page;
mod run;
mod spread;
mod tries;

pub use page::{Answer, Cure, GENERATOR, Page};
pub use run::Run;
