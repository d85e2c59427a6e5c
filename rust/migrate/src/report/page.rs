//! The report as one HTML page, without script and without anything from elsewhere; every text of a plan is escaped.

use super::{File, general, outcome, sentence};
use crate::told::Outcome;
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1a1a1a;--paper:#fff;--faint:#d8d8d8;--grey:#5a5a5a;--red:#a8320a}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8e8;--paper:#161616;--faint:#444;--grey:#a8a8a8;--red:#ff9d7a}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1200px;padding:0 clamp(.8rem,2vw,2rem) 2rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}
h1{font-size:1.6rem}h2{margin:2rem 0 .4rem;padding-top:.6rem;border-top:1px solid var(--faint);font-size:1.2rem}
table{border-collapse:collapse;font-size:.9rem;width:100%}
th,td{padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--faint);text-align:left;vertical-align:top}
th{color:var(--grey);font-weight:normal}
.left td{color:var(--red)}
.note{color:var(--grey)}
";

/// The page.
#[must_use]
pub fn html(files: &[File]) -> String {
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { "Plans moved to ws-backoff" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Plans moved to ws-backoff" }
                ul { @for general in general(files) { li { (general) } } }
                @for file in files { (section(file)) }
            }
        }
    };
    page.into_string()
}

fn section(file: &File) -> Markup {
    markup! {
        h2 { (file.name) }
        p { (sentence(file)) }
        @if let Some(migration) = file.result.as_ref().ok().filter(|one| !one.entries.is_empty()) {
            table {
                thead { tr { th { "line" } th { "element" } th { "what became of it" } } }
                tbody {
                    @for entry in &migration.entries {
                        tr class=[matches!(entry.outcome, Outcome::Left(_)).then_some("left")] {
                            td { (entry.line) }
                            td { (entry.element) }
                            td {
                                (outcome(&entry.outcome).0) " " (outcome(&entry.outcome).1)
                                @for note in &entry.notes { div class="note" { (note) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
