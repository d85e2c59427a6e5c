//! The tables of keys, error codes and variables as JSON (for the jar) and as Markdown (the pages of docs/reference).

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::keys::{KEYS, Key, SECTIONS};
use crate::error_codes::codes;
use crate::variables::VARIABLES;

/// All tables as JSON; the Java side makes its panels, tooltips and schema from it.
#[must_use]
pub fn describe_json() -> String {
    let sections: Vec<Value> = SECTIONS
        .iter()
        .map(|s| json!({"id": s.id, "title": s.title}))
        .collect();
    let keys: Vec<Value> = KEYS.iter().map(key_json).collect();
    let codes: Vec<Value> = codes()
        .iter()
        .map(|c| json!({"code": c.code, "message": c.message, "help": c.help, "kind": c.kind}))
        .collect();
    let variables: Vec<Value> = VARIABLES
        .iter()
        .map(|v| json!({"name": v.name, "help": v.help, "elements": v.elements}))
        .collect();
    let all = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "abi": crate::ABI,
        "sections": sections,
        "keys": keys,
        "codes": codes,
        "variables": variables,
    });
    serde_json::to_string_pretty(&all).expect("plain texts and numbers") + "\n"
}

fn key_json(key: &Key) -> Value {
    json!({
        "key": key.name,
        "section": key.section,
        "label": key.label,
        "type": key.kind.name(),
        "default": key.shown_default(),
        "value": key.default,
        "choices": key.choices,
        "help": key.help,
        "elements": key.elements,
        "own": key.own,
    })
}

/// A page of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Keys by section, with their labels in the panels, defaults and words.
    Properties,
    /// What samples leave in variables.
    Variables,
    /// Codes of failed samples, with their cures.
    ErrorCodes,
}

impl Page {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Properties, Self::Variables, Self::ErrorCodes];

    /// The page as Markdown, from its title on.
    #[must_use]
    pub fn markdown(self) -> String {
        match self {
            Self::Properties => properties(),
            Self::Variables => variables(),
            Self::ErrorCodes => error_codes(),
        }
    }
}

fn properties() -> String {
    let mut out = "# Properties\n\n\
        Every property is stored as text, so `${variables}` work everywhere; empty means the default. Durations: `1500` (ms), `250ms`, `1.5s`, `2m`, `1h`.\n\
        A wrong value fails the sample at once and names the key, the value and what is allowed; nothing is sent.\n"
        .to_owned();
    for section in SECTIONS {
        let _ = write!(
            out,
            "\n## {}\n\n| property | in the panel | default | what it does |\n|---|---|---|---|\n",
            section.title
        );
        for key in KEYS.iter().filter(|key| key.section == section.id) {
            let default = if key.shown_default().is_empty() {
                "-"
            } else {
                key.shown_default()
            };
            let words = if key.choices.is_empty() {
                String::new()
            } else {
                format!(" One of `{}`.", key.choices.join("` `"))
            };
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {}{} |",
                key.name,
                cell(key.label),
                cell(default),
                cell(key.help),
                words
            );
        }
    }
    out
}

fn variables() -> String {
    let mut out = "# Variables\n\n\
        What an element leaves for those that come after it in the thread, and for the columns that `sample_variables` names.\n\n\
        | variable | what it holds |\n|---|---|\n"
        .to_owned();
    for variable in VARIABLES {
        let _ = writeln!(out, "| `{}` | {} |", variable.name, cell(variable.help));
    }
    out
}

fn error_codes() -> String {
    let mut out = "# Error codes\n\n\
        A failed sample has one of them behind `Non HTTP response code: `, unless the server answered with a status of its own.\n\n\
        | code | message | what to do |\n|---|---|---|\n"
        .to_owned();
    for code in codes() {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} |",
            code.code,
            cell(code.message),
            cell(code.help)
        );
    }
    out
}

/// A text that does not break out of its table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
