//! The tables of keys, error codes and variables as JSON (for the jar) and as Markdown (for the README).

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
        "choices": key.choices,
        "help": key.help,
        "elements": key.elements,
    })
}

/// The tables as Markdown, a heading each.
#[must_use]
pub fn describe_markdown() -> String {
    let mut out = String::new();
    for section in SECTIONS {
        let _ = writeln!(
            out,
            "#### {}\n\n| property | default | what it does |\n|---|---|---|",
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
                "| `{}` | {} | {}{} |",
                key.name,
                cell(default),
                cell(key.help),
                words
            );
        }
        out.push('\n');
    }
    out.push_str("#### Variables\n\n| variable | what it holds |\n|---|---|\n");
    for variable in VARIABLES {
        let _ = writeln!(out, "| `{}` | {} |", variable.name, cell(variable.help));
    }
    out.push_str("\n#### Error codes\n\n| code | message | what to do |\n|---|---|---|\n");
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
