//! The `RateLimit` and `RateLimit-Policy` fields of draft-ietf-httpapi-ratelimit-headers, in the forms of its versions: up to 07 a
//! dictionary (`limit=40, remaining=0, reset=5`), then a list of policies (`"fast";r=0;t=5`).

use crate::hint::HintFault;
use sfv::{BareItem, Dictionary, Item, List, ListEntry, Parameters, Parser};
use std::time::Duration;

/// Fields beyond this are not read: real ones have one or two items.
const LONGEST_FIELD: usize = 4096;

/// How long to wait: the longest time among the policies without quota left (a client must satisfy all). `windows`: the
/// `RateLimit-Policy` field, which tells the length of a policy's window where the policy itself says no time.
///
/// # Errors
/// `NotRateLimit` for a malformed field (the draft: ignore it) or an item without an integer `r`; `QuotaLeft` when no policy is
/// used up; `NoTime` when one is and neither field says for how long; `Zero` and `Negative` for such a time.
pub(crate) fn wait(field: &str, windows: Option<&str>) -> Result<Duration, HintFault> {
    let policies = policies(field).ok_or(HintFault::NotRateLimit)?;
    let windows = windows.and_then(list).unwrap_or_default();
    let mut longest: Option<i64> = None;
    let mut used_up = false;
    for policy in policies {
        match policy.remaining {
            Some(0) => {}
            Some(1..) => continue,
            _ => return Err(HintFault::NotRateLimit),
        }
        used_up = true;
        let seconds = match policy.reset {
            Some(reset) => Some(integer(&reset).ok_or(HintFault::NotRateLimit)?),
            None => window(&windows, policy.name.as_ref()),
        };
        longest = longest.max(seconds);
    }
    match longest {
        None if used_up => Err(HintFault::NoTime),
        None => Err(HintFault::QuotaLeft),
        Some(0) => Err(HintFault::Zero),
        Some(reset) => u64::try_from(reset)
            .map(Duration::from_secs)
            .map_err(|_| HintFault::Negative),
    }
}

/// One policy of the `RateLimit` field.
struct Policy {
    /// What it is called in both fields: its name, up to version 07 its limit.
    name: Option<BareItem>,
    /// Quota left; `None`: not said, or no integer.
    remaining: Option<i64>,
    /// Seconds until the quota is restored, if it says so.
    reset: Option<BareItem>,
}

/// The policies of a field in either form; `None`: it has neither.
fn policies(field: &str) -> Option<Vec<Policy>> {
    if let Some(items) = list(field) {
        let policy = |item: Item| Policy {
            remaining: item.params.get("r").and_then(integer),
            reset: item.params.get("t").cloned(),
            name: Some(item.bare_item),
        };
        return Some(items.into_iter().map(policy).collect());
    }
    let fields: Dictionary = Parser::new(bounded(field)?).parse().ok()?;
    let value = |key: &str| match fields.get(key) {
        Some(ListEntry::Item(item)) => Some(item.bare_item.clone()),
        _ => None,
    };
    Some(vec![Policy {
        name: value("limit"),
        remaining: value("remaining").as_ref().and_then(integer),
        reset: value("reset"),
    }])
}

/// A list of items, without inner lists; at least one.
fn list(field: &str) -> Option<Vec<Item>> {
    let entries: List = Parser::new(bounded(field)?).parse().ok()?;
    let item = |entry| match entry {
        ListEntry::Item(item) => Some(item),
        ListEntry::InnerList(_) => None,
    };
    let items: Option<Vec<Item>> = entries.into_iter().map(item).collect();
    items.filter(|items| !items.is_empty())
}

fn bounded(field: &str) -> Option<&str> {
    (field.len() <= LONGEST_FIELD).then_some(field)
}

/// The length of the window of the policy of this name, in seconds.
fn window(windows: &[Item], name: Option<&BareItem>) -> Option<i64> {
    let length = |params: &Parameters| params.get("w").and_then(integer);
    let of_name = windows.iter().filter(|item| Some(&item.bare_item) == name);
    of_name.filter_map(|item| length(&item.params)).max()
}

fn integer(value: &BareItem) -> Option<i64> {
    value.as_integer().map(i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use HintFault::{Negative, NoTime, NotRateLimit, QuotaLeft, Zero};
    use proptest::prelude::*;

    #[test]
    fn reads_the_field_as_the_draft_says() {
        for (field, expected) in [
            (r#""default";r=0;t=30"#, Ok(30)),
            (r#"  "default" ;r=0;t=30"#, Err(NotRateLimit)),
            (r#""default"; r=0;  t=30  "#, Ok(30)),
            (r#""default";t=30;r=0"#, Ok(30)),
            (
                r#""default";r=0;t=30;pk=:Y2xpZW50:;x;y=?0;z="a\"b\\";w=1.5;v=-7;u=*tok/en:"#,
                Ok(30),
            ),
            (r#""burst";r=0;t=5, "daily";r=0;t=3600"#, Ok(3600)),
            ("\"burst\";r=0;t=5\t,\t\"daily\";r=12;t=3600", Ok(5)),
            (r#"default;r=0;t=7"#, Ok(7)),
            (r#""a;r=0;t=9, b";r=0;t=1"#, Ok(1)),
            (r#""default";r=3;r=0;t=4"#, Ok(4)),
            (r#""default";r=50;t=30"#, Err(QuotaLeft)),
            (r#""default";r=50"#, Err(QuotaLeft)),
            (r#""default";r=0;t=0"#, Err(Zero)),
            (r#""default";r=0;t=-5"#, Err(Negative)),
        ] {
            assert_eq!(wait(field, None), expected.map(Duration::from_secs), "{field}");
        }
    }

    #[test]
    fn reads_the_dictionary_of_earlier_drafts() {
        for (field, expected) in [
            ("limit=100, remaining=0, reset=30", Ok(30)),
            ("limit=40,remaining=0,reset=5", Ok(5)),
            ("limit=100;w=60, remaining=0;x, reset=30", Ok(30)),
            ("reset=7, remaining=0", Ok(7)),
            ("limit=100, remaining=3, reset=30", Err(QuotaLeft)),
            ("limit=100, remaining=0, reset=0", Err(Zero)),
            ("limit=100, remaining=0", Err(NoTime)),
        ] {
            assert_eq!(wait(field, None), expected.map(Duration::from_secs), "{field}");
        }
    }

    #[test]
    fn a_policy_without_a_time_takes_the_length_of_its_window() {
        let tomcat = r#""fast-1";q=41;w=4"#;
        for (field, windows, expected) in [
            (r#""fast-1";r=0"#, tomcat, Ok(4)),
            (r#""fast-1";r=0;t=2"#, tomcat, Ok(2)),
            (r#""fast-1";r=3"#, tomcat, Err(QuotaLeft)),
            (r#""slow-1";r=0"#, tomcat, Err(NoTime)),
            (r#""slow-1";r=0, "fast-1";r=0"#, tomcat, Ok(4)),
            (
                r#""fast-1";r=0, "day";r=9"#,
                r#""day";q=1000;w=86400, "fast-1";q=41;w=4"#,
                Ok(4),
            ),
            (r#""fast-1";r=0"#, r#""fast-1";q=41;w=0.5"#, Err(NoTime)),
            (r#""fast-1";r=0"#, "nonsense nonsense", Err(NoTime)),
            (r#""fast-1";r=0"#, r#""fast-1";w=-4"#, Err(Negative)),
            ("limit=40, remaining=0", "40;w=5, 1000;w=3600", Ok(5)),
        ] {
            assert_eq!(
                wait(field, Some(windows)),
                expected.map(Duration::from_secs),
                "{field} {windows}"
            );
        }
    }

    #[test]
    fn ignores_what_is_malformed() {
        for field in [
            "",
            " ",
            "limit=100, reset=30",
            "limit=100, remaining=a, reset=30",
            "limit=100, remaining=0, reset=3.5",
            "limit=100, remaining=-1, reset=30",
            "limit=100, remaining=0, reset=30,",
            "Limit=100, Remaining=0, Reset=30",
            r#""default";t=30"#,
            r#""default""#,
            r#""default";r;t=30"#,
            r#""default";r=0.0;t=30"#,
            r#""default";r=0;t=30.5"#,
            r#""default";r=0;t="30""#,
            r#""default";r=-1;t=30"#,
            r#""default";r=0;t=30,"#,
            r#""default";r=0;t=30 x"#,
            r#""default";r=0;t=1234567890123456"#,
            r#""default";r=0;t=99999999999999999999999999999999999"#,
            r#""default";R=0;T=30"#,
            r#""default";r=0;t=-"#,
            r#""default";r=0;t="#,
            r#""default;r=0;t=30"#,
            r#""d\x";r=0;t=30"#,
            r#""default";r=0;t=30;pk=:###:"#,
            r#"("a" "b");r=0;t=30"#,
            "\"d\u{e9}\";r=0;t=30",
            "30",
        ] {
            assert_eq!(wait(field, None), Err(NotRateLimit), "{field}");
        }
        assert_eq!(
            wait(&format!("\"{}\";r=0;t=3", "x".repeat(5000)), None),
            Err(NotRateLimit)
        );
    }

    proptest! {
        #[test]
        fn never_panics(field in r#"[ -~\t]{0,60}|("[a-z]{0,3}"(;[rt]=-?[0-9.]{0,17}){0,3},? ?){0,3}"#) {
            let _ = wait(&field, Some(&field));
        }
    }
}
