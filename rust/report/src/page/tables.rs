//! The parts that are tables.

use charts::{duration, number};
use maud::{Markup, html};

use super::words::{self, Words};
use super::{Page, cell, count, length, table};
use crate::run::{Run, Subject};
use crate::tries::{Fault, Hints, Outcome};

pub(super) fn hints(_: &Page<'_>, run: &Run) -> Markup {
    let hints = &run.main().hints;
    if hints.is_empty() {
        let asked = run.subject() != Subject::Samples;
        return if asked && run.outcome(Outcome::Throttled) > 0 {
            html! { p { "The server throttled, and never said for how long: no hint came with a refusal." } }
        } else {
            html! {}
        };
    }
    let row = |(source, hints): (&str, &Hints)| {
        let lengths = if hints.lengths.count() > 0 {
            let (half, longest) = (hints.lengths.percentile(50.0), hints.lengths.longest());
            format!("{}, at most {}", duration(half), duration(longest))
        } else {
            "-".to_owned()
        };
        let unused = hints.ignored.as_deref().map_or_else(String::new, |why| {
            let unused = hints.given - hints.lengths.count();
            format!("{} ({why})", number(unused as f64))
        });
        vec![
            cell(source),
            count(hints.given),
            cell(lengths),
            count(hints.obeyed),
            count(hints.early),
            count(hints.refused_again),
            cell(unused),
        ]
    };
    let heads = [
        "where",
        "given",
        "half of them",
        "obeyed",
        "came earlier",
        "obeyed, refused again",
        "not usable",
    ];
    let rows = hints.sorted(|hints| hints.given).into_iter().map(row).collect();
    html! {
        p.note {
            "Obeyed: the next attempt came no earlier than the server had asked. Whoever obeyed and was refused again was given too short a \
             hint, or came with too many others."
        }
        (table("Hints", &heads, rows))
    }
}

pub(super) fn ends(_: &Page<'_>, run: &Run) -> Markup {
    if run.ends.reasons.is_empty() {
        return html! {};
    }
    let sorted = run.ends.reasons.sorted(|reason| reason.count);
    let rows = sorted.into_iter().map(|(name, reason)| {
        vec![
            cell(name),
            count(reason.count),
            length(reason.open.percentile(50.0)),
            length(reason.open.longest()),
            count(reason.sent),
            count(reason.received),
        ]
    });
    let heads = [
        "why",
        "connections",
        "half open for",
        "longest",
        "messages sent",
        "received",
    ];
    table("Ends of connections", &heads, rows.collect())
}

/// Text that may break into lines.
fn wide(text: &str) -> Markup {
    html! { div.wide { (text) } }
}

fn cure(page: &Page<'_>, code: &str, outcome: Option<Outcome>) -> String {
    if let Ok(status) = code.parse() {
        let outcome = outcome.unwrap_or(Outcome::Other);
        return words::status(status, outcome, page.run.subject()).to_owned();
    }
    let known = (page.cure)(code);
    known.map_or_else(String::new, |cure| {
        format!("{}. {}", cure.message.trim_end_matches('.'), cure.help)
    })
}

/// Reasons to stop that say nothing more.
const UNTOLD: [&str; 4] = ["connected", "succeeded", "sampled", "failed"];

pub(super) fn errors(page: &Page<'_>, run: &Run) -> Markup {
    let tries = run.main();
    let names = Words::of(run);
    let fault = |(code, fault): (&str, &Fault)| {
        let code_text = if code.is_empty() { "(no code)" } else { code };
        vec![
            cell(code_text),
            count(fault.count),
            cell(fault.outcome.map_or("", |outcome| names.outcome(outcome))),
            count(fault.last),
            wide(&cure(page, code, fault.outcome)),
        ]
    };
    let failed = |reason: &str| !UNTOLD.contains(&reason);
    let stops: Vec<Vec<Markup>> = tries
        .stops
        .sorted(|count| *count)
        .into_iter()
        .filter(|(reason, _)| failed(reason))
        .map(|(reason, calls)| vec![cell(reason), count(*calls), wide(words::stop(reason))])
        .collect();
    if tries.faults.is_empty() && stops.is_empty() {
        return html! {};
    }
    let faults = tries
        .faults
        .sorted(|fault| fault.count)
        .into_iter()
        .map(fault)
        .collect();
    html! {
        (table("Errors", &["code", "attempts", "taken for", "ended a call", "what it is, and what to do"], faults))
        @if !stops.is_empty() {
            h3 { "Why calls were given up" }
            (table("Reasons", &["reason", "calls", "what to do"], stops))
        }
    }
}

pub(super) fn elements(_: &Page<'_>, run: &Run) -> Markup {
    let elements = &run.elements.0;
    if elements.is_empty() {
        return html! {};
    }
    let rows = elements
        .sorted(|element| element.steps)
        .into_iter()
        .map(|(name, element)| {
            vec![
                wide(name),
                count(element.steps),
                count(element.passed),
                count(element.failed),
                length(element.took.percentile(50.0)),
                length(element.took.percentile(95.0)),
                length(element.waited.percentile(95.0)),
                length(element.waited.longest()),
            ]
        });
    let heads = [
        "element",
        "attempts or turns",
        "ended well",
        "gave up",
        "half took",
        "95 % took",
        "95 % waited",
        "longest wait",
    ];
    table("Elements", &heads, rows.collect())
}

pub(super) fn samples(_: &Page<'_>, run: &Run) -> Markup {
    if run.labels.0.is_empty() {
        return html! {};
    }
    let rows = run
        .labels
        .0
        .sorted(|label| label.steps)
        .into_iter()
        .map(|(name, label)| {
            vec![
                wide(name),
                count(label.steps),
                count(label.failed),
                length(label.took.percentile(50.0)),
                length(label.took.percentile(95.0)),
                length(label.took.longest()),
                length(label.waited.longest()),
            ]
        });
    let heads = [
        "label",
        "samples",
        "failed",
        "half took",
        "95 % took",
        "longest",
        "longest idle",
    ];
    html! {
        p.note { "From the JTL, all samplers; times are of samples that passed, without their idle time." }
        (table("Samples", &heads, rows.collect()))
    }
}
