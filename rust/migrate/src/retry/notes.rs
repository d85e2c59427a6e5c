//! What is said about a loop that moves: its waits and tries of before, how they come back, and mistakes in its script.

use super::script::Retries;

/// What changes, and what the script did not do.
pub(super) fn notes(found: &Retries, tries: Option<f64>, pause: Option<f64>) -> Vec<String> {
    let waits = found.waits.as_ref().map(|waits| {
        let texts: Vec<String> = waits.iter().take(4).map(|wait| format!("{wait:.0}")).collect();
        format!(
            "waits of {} ... ms{}",
            texts.join(", "),
            if found.draws {
                " and a part that is drawn"
            } else {
                ""
            }
        )
    });
    let limit = tries.map_or("no limit".to_owned(), |tries| format!("at most {tries:.0} tries"));
    let script = [
        waits.unwrap_or_else(|| "waits that cannot be told".to_owned()),
        limit,
    ]
    .join(", ");
    let mut notes = vec![format!(
        "it had {script}; now waits begin there, grow, are spread, obey the server's Retry-After, and end after 120 s in all \
         (wsb.retry.maxElapsed): a limit on tries loses users who come before a quota's window ends"
    )];
    if found.invents {
        notes.push("it called prev.getResponseHeader, which JMeter does not have: it ended with an error there, and never waited".to_owned());
    }
    if let Some(Some(same)) = found
        .waits
        .as_ref()
        .filter(|_| !found.draws)
        .map(|waits| same(waits, tries))
    {
        notes.push(format!("to wait as it did: {same}"));
    }
    if pause.is_some() {
        notes.push("its timer also waited before the first try".to_owned());
    }
    if found.hides {
        notes.push("it hid failures by setSuccessful(true); wsb.retry.attemptsShown says how tries are shown that another one follows".to_owned());
    }
    if found.logs {
        notes.push("it wrote to the log".to_owned());
    }
    notes.push(
        "400, 401, 403, 404 and the like are final at once; with wsb.retry.transient=any they are tried again, too"
            .to_owned(),
    );
    notes
}

/// The properties that wait as a script did, where its waits have a name.
fn same(waits: &[f64], tries: Option<f64>) -> Option<String> {
    let (first, second) = (*waits.first()?, *waits.get(1)?);
    let follows = |of: &dyn Fn(f64) -> f64| {
        waits
            .iter()
            .zip(0_u8..)
            .all(|(wait, nth)| (wait - of(f64::from(nth))).abs() < 1.0)
    };
    let factor = second / first;
    let strategy = if first <= 0.0 {
        return None;
    } else if follows(&|_| first) {
        "fixed".to_owned()
    } else if follows(&|nth| first * (nth + 1.0)) {
        "linear".to_owned()
    } else if follows(&|nth| first * factor.powf(nth)) {
        format!("exponential wsb.retry.multiplier={factor}")
    } else {
        return None;
    };
    let most = tries.map_or(String::new(), |tries| {
        format!(" wsb.retry.maxAttempts={tries:.0}")
    });
    Some(format!(
        "wsb.retry.strategy={strategy} wsb.retry.base={first:.0}ms{most} wsb.hint.mode=ignore"
    ))
}
