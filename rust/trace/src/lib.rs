//! The trace record: written by the engine, read by tests and commands.
