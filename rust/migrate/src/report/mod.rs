//! What became of plans, told to people: as text, as Markdown, and as one HTML page that needs nothing else.

mod page;

use crate::Migration;
use crate::ours::{BINARY_ASSERTION, RETRY};
use crate::told::{Entry, Outcome};
use std::fmt::Write;

pub use page::html;

/// One file and what came of it.
#[derive(Debug)]
pub struct File {
    /// How the user calls it.
    pub name: String,
    /// What came of it, or why it was not touched.
    pub result: Result<Migration, String>,
    /// Where the moved plan went, if it was written.
    pub written: Option<String>,
}

/// How many elements of each outcome.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    changed: usize,
    left: usize,
    noted: usize,
}

impl Counts {
    fn of(migration: &Migration) -> Self {
        let mut counts = Self::default();
        for entry in &migration.entries {
            match entry.outcome {
                Outcome::Left(_) => counts.left += 1,
                Outcome::Noted(_) => counts.noted += 1,
                Outcome::Moved(_) | Outcome::Removed(_) | Outcome::Changed(_) => counts.changed += 1,
            }
        }
        counts
    }
}

/// One sentence about a file.
fn sentence(file: &File) -> String {
    let migration = match &file.result {
        Ok(migration) => migration,
        Err(refusal) => return format!("not touched: {refusal}"),
    };
    let Counts { changed, left, .. } = Counts::of(migration);
    let elements = |count: usize| format!("{count} element{}", if count == 1 { "" } else { "s" });
    let mut sentence = match (changed, left) {
        (0, 0) => "nothing to move".to_owned(),
        (0, left) => format!("{} left, nothing moved", elements(left)),
        (changed, 0) => format!("{} moved, nothing left", elements(changed)),
        (changed, left) => format!("{} moved, {left} left", elements(changed)),
    };
    if let Some(written) = &file.written {
        let _ = write!(sentence, "; written to {written}");
    }
    sentence
}

/// What became of an element: a word, and the rest of the sentence.
fn outcome(outcome: &Outcome) -> (&'static str, &str) {
    match outcome {
        Outcome::Moved(into) => ("is now", into),
        Outcome::Removed(why) => ("taken out:", why),
        Outcome::Changed(how) => ("changed:", how),
        Outcome::Left(why) => ("LEFT:", why),
        Outcome::Noted(what) => ("note:", what),
    }
}

/// What is different from now on for every plan in which samplers of WebSockets have moved.
const GENERAL: [&str; 4] = [
    "A connection that the plan does not close is cut when its thread ends or another one is opened, as before (wsb.end=abort). Empty that field, and it is closed with code 1000.",
    "Failures have the code Non HTTP response code: <error code>, where theirs had Websocket I/O error or Sampler error.",
    "A refused upgrade keeps its headers and body; its message is the server's reason.",
    "A Connect that the plan did not repeat has wsb.retry.strategy=none: it tries once, as before. Empty that field, and it waits and tries again.",
];

/// Elements of the other plugins, whose entries say what is different.
const OTHERS: [&str; 4] = [
    " (WebSocketSampler)",
    " (WebSocketSendSampler)",
    " (WebSocketCollectorSampler)",
    " (ConfigTestElement)",
];

/// What counts for all of these files.
fn general(files: &[File]) -> &'static [&'static str] {
    // Of the samplers that share one connection a thread; others name what is different with each of them.
    let is_sampler = |entry: &Entry| match &entry.outcome {
        Outcome::Moved(into) => {
            !into.starts_with(RETRY)
                && into != BINARY_ASSERTION
                && !OTHERS.iter().any(|class| entry.element.ends_with(class))
        }
        _ => false,
    };
    let moved = files.iter().filter_map(|file| file.result.as_ref().ok());
    if moved.flat_map(|one| &one.entries).any(is_sampler) {
        &GENERAL
    } else {
        &[]
    }
}

/// Lines for a terminal.
#[must_use]
pub fn text(files: &[File]) -> String {
    let mut out = String::new();
    for file in files {
        let _ = writeln!(out, "{}: {}", file.name, sentence(file));
        let Ok(migration) = &file.result else {
            continue;
        };
        for entry in &migration.entries {
            let (word, rest) = outcome(&entry.outcome);
            let _ = writeln!(out, "  line {}: {} {word} {rest}", entry.line, entry.element);
            for note in &entry.notes {
                let _ = writeln!(out, "    {note}");
            }
        }
    }
    out
}

/// A page of Markdown.
#[must_use]
pub fn markdown(files: &[File]) -> String {
    let mut out = "# Plans moved to ws-backoff\n\n".to_owned();
    for general in general(files) {
        let _ = writeln!(out, "- {}", marked(general));
    }
    for file in files {
        let _ = writeln!(out, "\n## {}\n\n{}", marked(&file.name), marked(&sentence(file)));
        let Some(migration) = file.result.as_ref().ok().filter(|one| !one.entries.is_empty()) else {
            continue;
        };
        let _ = writeln!(
            out,
            "\n| line | element | what became of it | to know |\n|---|---|---|---|"
        );
        for entry in &migration.entries {
            let (word, rest) = outcome(&entry.outcome);
            let _ = writeln!(
                out,
                "| {} | {} | {word} {} | {} |",
                entry.line,
                marked(&entry.element),
                marked(rest),
                marked(&entry.notes.join("; "))
            );
        }
    }
    out
}

/// As text in a table of Markdown: nothing of it is markup.
fn marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '&' | '<' | '>' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}
