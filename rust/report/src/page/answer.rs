//! The part that comes first: who got in, how long it took, what was found out.

use std::fmt::Write as _;

use charts::{duration, number};
use maud::{Markup, html};

use super::words::Words;
use super::{Answer, Page, table};
use crate::run::Run;
use crate::tries::Outcome;

pub(super) fn part(page: &Page<'_>) -> Markup {
    let figures = figures(page.run);
    html! {
        p.lead.bad[page.run.main().users().lost > 0] { (page.run.sentence()) }
        @if let Some((_, before)) = page.before { p { "Before: " (before.sentence()) } }
        @if !page.answers.is_empty() {
            div.answers { @for answer in page.answers { (answered(answer)) } }
        }
        @if let Some((_, before)) = page.before { (compared(before, page.run)) }
        @else {
            dl.cards { @for (name, value) in figures { div { dt { (name) } dd { (value) } } } }
        }
    }
}

fn answered(answer: &Answer) -> Markup {
    html! {
        div.answer {
            h3 { (answer.question) }
            p { (answer.answer) }
            @if !answer.more.is_empty() { ul { @for line in &answer.more { li { (line) } } } }
            @if let Some(copy) = &answer.copy { pre tabindex="0" { (copy) } }
        }
    }
}

impl Run {
    /// The sentence to remember: who got in, who did not, and the longest wait.
    #[must_use]
    pub fn sentence(&self) -> String {
        let users = self.main().users();
        let words = Words::of(self);
        let whole = |count: u64| number(count as f64);
        let mut text = match users.all {
            0 => return "No attempt was made.".to_owned(),
            1 if users.is_in == 1 => format!("The one user {}", words.got_in),
            all if users.is_in == all => format!("All {} users {}", whole(all), words.got_in),
            all => format!("{} of {} users {}", whole(users.is_in), whole(all), words.got_in),
        };
        if users.lost > 0 {
            let _ = write!(text, ", {} {}", whole(users.lost), words.lost);
        }
        if users.trying > 0 {
            let _ = write!(
                text,
                ", {} {} still trying where the trace ends",
                whole(users.trying),
                if users.trying == 1 { "was" } else { "were" }
            );
        }
        text.push('.');
        if let Some((waited, user)) = self.main().longest.as_ref().filter(|(waited, _)| *waited > 0) {
            let waited = duration(*waited as f64 / 1e6);
            let _ = write!(text, " The longest wait was {waited} ({user}).");
        }
        text
    }
}

/// The figures that tell runs apart.
fn figures(run: &Run) -> Vec<(&'static str, String)> {
    let tries = run.main();
    let users = tries.users();
    let (calls, passed) = tries.calls();
    let per = |whole: u64| tries.attempts() as f64 / whole.max(1) as f64;
    let last_in = tries.last_in().zip(tries.first());
    let words = Words::of(run);
    let mut figures = vec![
        (words.is_in, number(users.is_in as f64)),
        (words.is_lost, number(users.lost as f64)),
    ];
    if let Some((last, first)) = last_in {
        figures.push((
            "the last of them after",
            duration(last.saturating_sub(first) as f64 / 1e6),
        ));
    }
    if calls > users.all {
        figures.push(("calls", number(calls as f64)));
        figures.push(("calls given up", number((calls - passed) as f64)));
    }
    figures.push(("attempts a call", number((per(calls) * 100.0).round() / 100.0)));
    figures.push(("throttled", number(run.outcome(Outcome::Throttled) as f64)));
    if tries.time_to.count() > 0 {
        figures.push(("half within", duration(tries.time_to.percentile(50.0))));
        figures.push(("95 % within", duration(tries.time_to.percentile(95.0))));
    }
    if tries.waited.count() > 0 {
        figures.push(("longest wait", duration(tries.waited.longest())));
    }
    figures.push(("most attempts in a second", number(tries.peak().round())));
    figures
}

/// The figures of two runs, side by side.
fn compared(before: &Run, now: &Run) -> Markup {
    let (then, now) = (figures(before), figures(now));
    let of = |figures: &[(&str, String)], name: &str| {
        let found = figures.iter().find(|(known, _)| *known == name);
        found.map_or_else(|| "-".to_owned(), |(_, value)| value.clone())
    };
    let mut names: Vec<&str> = now.iter().map(|(name, _)| *name).collect();
    for (name, _) in &then {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let row = |name: &str| {
        [name.to_owned(), of(&then, name), of(&now, name)]
            .map(super::cell)
            .to_vec()
    };
    table(
        "Figures of both runs",
        &["", "before", "now"],
        names.into_iter().map(row).collect(),
    )
}
