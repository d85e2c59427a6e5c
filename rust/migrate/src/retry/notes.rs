//! What is said about a loop that moves: its waits and tries of before, how they come back, and mistakes in its scripts.

use super::codes::{FAILURES, NETWORK};
use super::found::Found;

/// A mistake of many scripts.
pub(super) const COMPARES_OBJECTS: &str = "it compares texts by == in BeanShell, which asks for the same object and is never true here; .equals() compares texts";

/// What changes, and what the scripts did not do.
pub(super) fn notes(found: &Found, varying: Option<&str>, shared_count: bool, named: &[&str]) -> Vec<String> {
    let limit = found
        .tries
        .map_or("no limit".to_owned(), |tries| format!("at most {tries} tries"));
    let mut notes = vec![format!(
        "it had {}, {limit}; now waits begin there, grow, are spread, obey the server's Retry-After, and end after 120 s in all \
         (wsb.retry.maxElapsed): a limit on tries loses users who come before a quota's window ends",
        waits(found, varying)
    )];
    notes.extend(hint(found));
    if let (Some(same), None, false) = (
        same(&found.waits, found.tries),
        varying,
        found.draws || found.obeys,
    ) {
        notes.push(format!("to wait as it did: {same}"));
    }
    if found.leads {
        notes.push("its timer also waited before the first try".to_owned());
    }
    if found.did.hides {
        notes.push("it hid failures by setSuccessful(true); wsb.retry.attemptsShown says how tries are shown that another one follows".to_owned());
    }
    if found.did.ignores {
        notes.push("it kept its tries out of reports by setIgnore()".to_owned());
    }
    if found.did.renames {
        notes.push(
            "it gave its samples other names or messages; now they keep those of the sampler".to_owned(),
        );
    }
    if found.did.compares_objects {
        notes.push(COMPARES_OBJECTS.to_owned());
    }
    if found.did.logs {
        notes.push("it wrote to the log".to_owned());
    }
    if shared_count {
        notes.push(
            "its Counter is one for all users, so that one user's tries counted as another one's".to_owned(),
        );
    }
    if let Some((text, has)) = &found.body {
        let what = if *has { "lacks" } else { "has" };
        notes.push(format!(
            "its script looked into the body; now a Response Assertion does, and a sample that {what} {text:?} is a failed one"
        ));
    }
    notes.push(statuses(found, named));
    notes
}

/// What became of the server's hints in its script.
fn hint(found: &Found) -> Option<String> {
    if let Some((line, why)) = &found.did.broke {
        return Some(format!(
            "its script ended with an error in its line {} and did no more: {why}",
            line + 1
        ));
    }
    if found.obeys {
        return Some("it waited for what Retry-After says, as ws-backoff does, with what is drawn on top (wsb.hint.jitter)".to_owned());
    }
    if let Some(wait) = found.hinted {
        return Some(format!(
            "where the answer had a Retry-After, it waited {wait:.0} ms whatever that said; now it waits as long as it says"
        ));
    }
    found.did.reads_headers.then(|| {
        "it read the answer's headers, and found no Retry-After in them when there was one".to_owned()
    })
}

fn waits(found: &Found, varying: Option<&str>) -> String {
    if let Some(varying) = varying {
        return format!("waits of {varying}");
    }
    if found.waits.iter().all(|wait| *wait < 0.5) && !found.draws {
        return "no waits of its own".to_owned();
    }
    let texts: Vec<String> = found
        .waits
        .iter()
        .take(4)
        .map(|wait| format!("{wait:.0}"))
        .collect();
    let more = if found.waits.len() > 4 { " ..." } else { "" };
    let drawn = if found.draws {
        " and a part that is drawn"
    } else {
        ""
    };
    format!("waits of {}{more} ms{drawn}", texts.join(", "))
}

/// Which failures are tried again, before and now.
fn statuses(found: &Found, named: &[&str]) -> String {
    let tried = |code: &&str| found.retried.contains(code);
    let mut says = if ["400", "404", "410", "418"].iter().all(tried) {
        "400, 401, 403, 404 and the like are final at once; with wsb.retry.transient=any they are tried again, too".to_owned()
    } else if ["500", "502", "503", "504", NETWORK].iter().all(tried) {
        "statuses from 500 on and failures of the network are tried again as before".to_owned()
    } else {
        let mut codes = vec!["429"];
        codes.extend(found.retried.iter().filter(|code| FAILURES.contains(code)));
        let only = match codes.split_last() {
            Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
            _ => "429".to_owned(),
        };
        format!(
            "it tried again after {only} only; now also after other statuses from 500 on and failures of the network (wsb.retry.transient)"
        )
    };
    if !named.is_empty() {
        let named = named.join(", ");
        says.push_str(&format!(
            "; after {named} it tries again as before, as its scripts name it"
        ));
    }
    if found.retried.contains(&"204") {
        says.push_str("; 201, 204 and the like were tried again, and are successes now");
    }
    says
}

/// The properties that wait as a script did, where its waits have a name.
fn same(waits: &[f64], tries: Option<usize>) -> Option<String> {
    let waits = &waits[..waits.len().min(8)];
    let first = *waits.first().filter(|first| **first >= 1.0)?;
    let follows = |of: &dyn Fn(f64) -> f64| {
        waits
            .iter()
            .zip(0_u8..)
            .all(|(wait, nth)| (wait - of(f64::from(nth))).abs() < 1.0)
    };
    let factor = waits.get(1).map_or(1.0, |second| second / first);
    let strategy = if follows(&|_| first) {
        "fixed".to_owned()
    } else if follows(&|nth| first * (nth + 1.0)) {
        "linear".to_owned()
    } else if factor > 1.0 && follows(&|nth| first * factor.powf(nth)) {
        format!("exponential wsb.retry.multiplier={factor}")
    } else {
        return None;
    };
    let most = tries.map_or(String::new(), |tries| format!(" wsb.retry.maxAttempts={tries}"));
    Some(format!(
        "wsb.retry.strategy={strategy} wsb.retry.base={first:.0}ms{most} wsb.hint.mode=ignore"
    ))
}
