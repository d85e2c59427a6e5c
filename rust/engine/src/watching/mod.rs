//! Watching: what goes on in a test in numbers, while it runs and, out of a trace, afterwards. Not here: how the numbers are shown.

pub mod board;
pub mod history;
pub mod lengths;
pub mod moment;
pub mod overload;
pub mod rate;
pub mod replay;
