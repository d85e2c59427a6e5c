//! One line of progress, on standard error, so that standard output holds the tables alone.

use std::sync::OnceLock;
use std::time::Instant;

/// Says what goes on, with the minutes and seconds since the first line.
pub fn progress(text: &str) {
    static START: OnceLock<Instant> = OnceLock::new();
    let seconds = START.get_or_init(Instant::now).elapsed().as_secs();
    eprintln!("{:>3}:{:02}  {text}", seconds / 60, seconds % 60);
}
