//! The Retry Post-Processor of tilln's jmeter-retrier (1.0): the samplers that it counts for get a Retry controller around them, a
//! Connect its own retries, with the same figures.

use crate::incumbent::Survey;
use crate::jmx::{Change, ItemId, Plan};
use crate::ours;
use crate::scripts::is_sampler;
use crate::slots;
use crate::told::{Entry, Outcome};
use std::collections::BTreeMap;

const CLASS: &str = "nz.co.breakpoint.jmeter.modifiers.RetryPostProcessor";
/// More of them, and more samplers for one of them, are not looked at.
const MOST: usize = 100;
/// Waits of a table, where a limit on retries does not say how many.
const LONGEST_TABLE: u32 = 10;

/// What becomes of each of them.
#[derive(Debug, Default)]
pub(crate) struct Retriers(BTreeMap<ItemId, Result<Retrier, String>>);

#[derive(Debug)]
struct Retrier {
    samplers: Vec<ItemId>,
    policy: Vec<(&'static str, String)>,
    notes: Vec<String>,
}

pub(crate) fn survey(plan: &Plan) -> Retriers {
    let all: Vec<ItemId> = plan
        .items()
        .filter(|item| plan.class(*item) == CLASS && plan.runs(*item))
        .collect();
    let mut retriers = Retriers::default();
    for item in &all {
        if all.len() > MOST {
            retriers
                .0
                .insert(*item, Err(format!("more than {MOST} of them are in the plan")));
            continue;
        }
        retriers.0.insert(*item, one(plan, *item, &all));
    }
    retriers
}

fn one(plan: &Plan, item: ItemId, all: &[ItemId]) -> Result<Retrier, String> {
    let samplers: Vec<ItemId> = plan
        .items()
        .filter(|sampler| {
            plan.runs(*sampler) && is_sampler(plan.class(*sampler)) && plan.counts_for(item, *sampler)
        })
        .take(MOST + 1)
        .collect();
    if samplers.len() > MOST {
        return Err(format!("it counts for more than {MOST} samplers"));
    }
    for other in all.iter().filter(|other| **other != item) {
        if let Some(sampler) = samplers.iter().find(|sampler| plan.counts_for(*other, **sampler)) {
            return Err(format!(
                "{} (line {}) counts for {}, too",
                plan.name(*other),
                plan.line(*other),
                plan.name(*sampler)
            ));
        }
    }
    let mut notes = Vec::new();
    let policy = policy(plan, item, &mut notes)?;
    Ok(Retrier {
        samplers: if policy.is_empty() { Vec::new() } else { samplers },
        policy,
        notes,
    })
}

/// A property in either of the forms in which JMeter stores it.
fn value(plan: &Plan, item: ItemId, key: &str) -> String {
    let xml = plan.xml();
    let plain = plan.value_or(item, key, "");
    let double = xml.children(plan.node(item)).find_map(|node| {
        let field = |wanted: &str| {
            xml.children(node)
                .find(|field| xml.name(*field) == wanted)
                .map(|field| xml.value(field))
        };
        (xml.name(node) == "doubleProp" && field("name")? == key).then(|| field("value"))?
    });
    double.unwrap_or(plain).trim().to_owned()
}

/// A number, or what is there where it is none.
fn number(plan: &Plan, item: ItemId, key: &str) -> Result<f64, String> {
    match value(plan, item, key).as_str() {
        "" => Ok(0.0),
        text => text
            .parse()
            .map_err(|_| format!("its {key} is {text:?}, which is no number")),
    }
}

/// The same figures as a policy of ours; none where it was off.
fn policy(plan: &Plan, item: ItemId, notes: &mut Vec<String>) -> Result<Vec<(&'static str, String)>, String> {
    let retries = number(plan, item, "maxRetries")?;
    if retries == 0.0 {
        return Ok(Vec::new());
    }
    let pause = number(plan, item, "pauseMilliseconds")?;
    let jitter = number(plan, item, "jitter")?.abs();
    let backoff = value(plan, item, "backoff");
    let kind = backoff.strip_prefix("backoff.").unwrap_or(&backoff);
    let base = if pause < 1.0 {
        notes.push(
            "it did not wait at all; now it waits 1 ms, which is far too short for a server that throttles"
                .to_owned(),
        );
        1.0
    } else {
        pause
    };
    let mut policy = strategy(kind, (retries, base, jitter), notes)?;
    let mut set = |key: &'static str, value: String| policy.push((key, value));
    set("wsb.retry.base", format!("{base}ms"));
    set("wsb.retry.transientBase", format!("{base}ms"));
    if retries > 0.0 {
        set("wsb.retry.maxAttempts", format!("{}", retries + 1.0));
    }
    set("wsb.retry.maxElapsed", "1d".to_owned());
    if value(plan, item, "retryAfter") != "true" {
        set("wsb.hint.mode", "ignore".to_owned());
    }
    policy.extend(condition(plan, item)?);
    notes.push("no wait is longer than 30 s now (wsb.retry.cap)".to_owned());
    Ok(policy)
}

/// How its waits grow, from so many retries, a base in milliseconds and a jitter.
fn strategy(
    kind: &str,
    (retries, base, jitter): (f64, f64, f64),
    notes: &mut Vec<String>,
) -> Result<Vec<(&'static str, String)>, String> {
    let mut policy = Vec::new();
    let mut set = |key: &'static str, value: String| policy.push((key, value));
    match (kind, jitter > 0.0) {
        ("NONE" | "", false) => set("wsb.retry.strategy", "fixed".to_owned()),
        ("LINEAR", _) => {
            set("wsb.retry.strategy", "linear".to_owned());
            if jitter > 0.0 {
                notes.push(format!(
                    "it drew up to {jitter} of its pause on top; this strategy draws nothing"
                ));
            }
        }
        ("EXPONENTIAL", false) => set("wsb.retry.strategy", "exponential".to_owned()),
        // pause * multiplier^n, and up to the factor of the pause on top: the same formula.
        ("EXPONENTIAL" | "NONE" | "", true) if jitter <= 2.0 => {
            set("wsb.retry.strategy", "additive".to_owned());
            set("wsb.retry.jitter", (jitter / 2.0).to_string());
            if kind != "EXPONENTIAL" {
                set("wsb.retry.multiplier", "1".to_owned());
            }
        }
        ("POLYNOMIAL", _) => {
            let most = if retries > 0.0 {
                retries
            } else {
                f64::from(LONGEST_TABLE)
            };
            let waits = (1..=LONGEST_TABLE).map(f64::from).take_while(|nth| *nth <= most);
            let table: Vec<String> = waits.map(|nth| format!("{}ms", base * nth * nth)).collect();
            set("wsb.retry.strategy", "table".to_owned());
            set("wsb.retry.table", table.join(","));
            if most > f64::from(LONGEST_TABLE) || jitter > 0.0 {
                notes.push(format!(
                    "its waits grow for {LONGEST_TABLE} retries, and nothing is drawn"
                ));
            }
        }
        _ => {
            return Err(format!(
                "its backoff {kind:?} with the jitter {jitter} has no strategy of ours"
            ));
        }
    }
    Ok(policy)
}

/// After which results it tries again.
fn condition(plan: &Plan, item: ItemId) -> Result<Vec<(&'static str, String)>, String> {
    let part = value(plan, item, "responsePart");
    let part = part.strip_prefix("responsePart.").unwrap_or(&part);
    let pattern = value(plan, item, "errorPattern");
    if pattern.is_empty() {
        return Ok(vec![("wsb.retry.transient", "any".to_owned())]);
    }
    let codes = (part == "RESPONSE_CODE").then(|| codes(&pattern)).flatten();
    let codes = codes.ok_or_else(|| {
        format!("it tries again when {part} has {pattern:?}; ours take codes of failures alone")
    })?;
    // One list for both, as all else is final.
    Ok(vec![
        ("wsb.retry.throttle", codes.clone()),
        ("wsb.retry.transient", codes),
    ])
}

/// The statuses of a pattern such as `429|5..`, as ours are written.
fn codes(pattern: &str) -> Option<String> {
    let pattern = pattern.trim_start_matches('^').trim_end_matches('$');
    let pattern = pattern
        .strip_prefix('(')
        .and_then(|inner| inner.strip_suffix(')'))
        .unwrap_or(pattern);
    let one = |code: &str| -> Option<String> {
        let first = code.chars().next().filter(|first| ['4', '5'].contains(first))?;
        match code.get(1..)? {
            ".." | "\\d\\d" | "\\d{2}" | "[0-9][0-9]" | "[0-9]{2}" => Some(format!("{first}00-{first}99")),
            rest if rest.len() == 2 && rest.chars().all(|c| c.is_ascii_digit()) => Some(code.to_owned()),
            _ => None,
        }
    };
    let all: Option<Vec<String>> = pattern.split('|').map(one).collect();
    all.map(|all| all.join(","))
}

/// Makes the changes, and tells them.
pub(crate) fn apply(
    plan: &Plan,
    retriers: &Retriers,
    theirs: &mut Survey,
    change: &mut Change,
    told: &mut Vec<Entry>,
) {
    for (item, retrier) in &retriers.0 {
        let retrier = match retrier {
            Ok(retrier) => retrier,
            Err(why) => {
                told.push(Entry::of(plan, *item, Outcome::Left(why.clone())));
                continue;
            }
        };
        change.remove(*item);
        told.push(if retrier.samplers.is_empty() {
            let why = "it had no retries, or no sampler".to_owned();
            Entry::of(plan, *item, Outcome::Removed(why))
        } else {
            replace(plan, *item, retrier, theirs, change)
        });
    }
}

/// Has its samplers tried again by ours.
fn replace(plan: &Plan, item: ItemId, retrier: &Retrier, theirs: &mut Survey, change: &mut Change) -> Entry {
    let (connects, others): (Vec<ItemId>, Vec<ItemId>) = retrier
        .samplers
        .iter()
        .copied()
        .partition(|sampler| theirs.connects(plan, *sampler));
    for sampler in &connects {
        theirs.try_again(*sampler, retrier.policy.clone());
    }
    for sampler in &others {
        let mut element = ours::retry();
        element.properties.clone_from(&retrier.policy);
        element = element
            .with("wsb.retry.failedAssertions", "fatal")
            .with("wsb.retry.attemptsShown", "ignore");
        let name = plan.name(*sampler);
        // A controller may take the sampler by its name.
        let name = if slots::is_counted(plan, *sampler) {
            name
        } else {
            format!("{name}, again")
        };
        change.wrap(*sampler, &name, &element);
    }
    let names = |samplers: &[ItemId]| {
        let names: Vec<String> = samplers.iter().map(|sampler| plan.name(*sampler)).collect();
        names.join(", ")
    };
    let outcome = if others.is_empty() {
        Outcome::Removed(format!("{} tries again by itself", names(&connects)))
    } else {
        Outcome::Moved(format!("{} around {}", ours::RETRY, names(&others)))
    };
    let mut notes = retrier.notes.clone();
    notes.push("its tries were parts of one sample with -retry behind its label; now there is one sample under the label itself, and waits are not in its time".to_owned());
    if !others.is_empty() {
        notes.push("only the last try is shown (wsb.retry.attemptsShown); timers, pre-processors and assertions are met by each".to_owned());
    }
    Entry::of(plan, item, outcome).with(notes)
}
