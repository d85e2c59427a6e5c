//! When to try again, out of an element's properties.

use backoff::{BodyPattern, HintPolicy, HintSource, Policy, PolicyError};

use crate::values::{Invalid, Values};

/// The policy that an element's properties make.
pub(crate) fn policy(values: &Values) -> Result<Policy, Invalid> {
    let policy = Policy {
        strategy: values.choice("wsb.retry.strategy")?,
        base: values.duration("wsb.retry.base")?,
        cap: values.duration("wsb.retry.cap")?,
        multiplier: values.optional("wsb.retry.multiplier", "a number from 1 on")?,
        jitter: values.parse("wsb.retry.jitter", "a number from 0 to 1")?,
        table: values.durations("wsb.retry.table")?,
        transient_base: values.duration("wsb.retry.transientBase")?,
        max_elapsed: values.positive_duration("wsb.retry.maxElapsed")?,
        max_attempts: values.parse("wsb.retry.maxAttempts", "a whole number from 0 on; 0 is no limit")?,
        attempt_timeout: values.positive_duration("wsb.retry.attemptTimeout")?,
        throttle: values.parse("wsb.retry.throttle", STATUSES)?,
        transient: values.parse("wsb.retry.transient", STATUSES)?,
        hints: HintPolicy {
            mode: values.choice("wsb.hint.mode")?,
            jitter: values.choice("wsb.hint.jitter")?,
            max: values.positive_duration("wsb.hint.max")?,
            on_too_long: values.choice("wsb.hint.onTooLong")?,
            sources: hint_sources(values)?,
            body_pattern: values.optional::<BodyPattern>(
                "wsb.hint.bodyPattern",
                "a regular expression with a group for the number",
            )?,
        },
    };
    policy.check().map_err(|error| impossible(values, error))?;
    Ok(policy)
}

const STATUSES: &str = "HTTP statuses and ranges, close codes and the words network, timeout and any, with commas between them, as in 429,502-504,closed.1013,network";

fn hint_sources(values: &Values) -> Result<Vec<HintSource>, Invalid> {
    values
        .list("wsb.hint.sources")
        .map(|word| {
            word.parse().map_err(|_| {
                Invalid::new(
                    "wsb.hint.sources",
                    word,
                    "no source of hints",
                    HintSource::FORMS.join(", "),
                )
            })
        })
        .collect()
}

/// Figures that are fine each, but not together.
pub(super) fn impossible(values: &Values, error: PolicyError) -> Invalid {
    let key = if error.field.contains('.') {
        format!("wsb.{}", error.field)
    } else {
        format!("wsb.retry.{}", error.field)
    };
    let value = values.text(&key).to_owned();
    let problem = if value.is_empty() {
        "empty"
    } else {
        "not possible here"
    };
    Invalid::new(key, value, problem, error.allowed)
}
