//! Holding back at a rate that does not learn.

pub mod rate;
