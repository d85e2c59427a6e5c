//! Controls: what threads share between their samples besides connections and gates; how it is driven, adapters decide.

pub mod once;
