//! The policy as text: what is read, what is written, and what a wrong text is told.

use backoff::{
    BodyPattern, HintJitter, HintMode, HintPolicy, HintSource, POLICY_FORMS, Policy, PolicyTextError,
    Strategy, TooLong,
};
use proptest::prelude::*;
use proptest::strategy::Strategy as Generator;
use std::time::Duration;

fn policy(text: &str) -> Policy {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_strategy_alone_has_the_defaults() {
    for (name, strategy) in Strategy::NAMES.iter().zip(Strategy::ALL) {
        if *strategy == Strategy::Table {
            continue;
        }
        let expected = Policy {
            strategy: *strategy,
            ..Policy::default()
        };
        assert_eq!(policy(name), expected);
        assert_eq!(expected.to_string(), *name);
    }
    assert_eq!(Policy::default().to_string(), "decorrelated");
}

#[test]
fn every_field_has_its_word() {
    let text = "table base=250ms cap=1m multiplier=1.5 jitter=0.25 table=1s,5s,30000 transient-base=100ms \
        max-elapsed=5m max-attempts=7 attempt-timeout=10s throttle=429,closed.1013,timeout transient=5xx,network hint=replace \
        hint-jitter=proportional hint-max=1h hint-on-too-long=clamp hint-sources=retry-after,body \
        hint-body-pattern=in:(\\d+)s";
    let expected = Policy {
        strategy: Strategy::Table,
        base: Duration::from_millis(250),
        cap: seconds(60),
        multiplier: Some(1.5),
        jitter: 0.25,
        table: vec![seconds(1), seconds(5), seconds(30)],
        transient_base: Duration::from_millis(100),
        max_elapsed: seconds(300),
        max_attempts: 7,
        attempt_timeout: seconds(10),
        throttle: "429,closed.1013,timeout".parse().unwrap(),
        transient: "5xx,network".parse().unwrap(),
        hints: HintPolicy {
            mode: HintMode::Replace,
            jitter: HintJitter::Proportional,
            max: seconds(3_600),
            on_too_long: TooLong::Clamp,
            sources: vec![HintSource::RetryAfter, HintSource::Body],
            body_pattern: Some("in:(\\d+)s".parse().unwrap()),
        },
    };
    assert_eq!(policy(text), expected);
    assert_eq!(expected.to_string(), text.replace("30000", "30s"));
}

#[test]
fn words_stand_in_any_order_and_spacing() {
    let expected = Policy {
        base: seconds(2),
        cap: seconds(20),
        ..Policy::default()
    };
    for text in [
        "decorrelated base=2s cap=20s",
        "  Decorrelated\tcap=20s\n  base=2000 ",
        "decorrelated base=\"2 s\" cap=\"20s\" hint-mode=FLOOR",
    ] {
        assert_eq!(policy(text), expected, "{text}");
    }
}

#[test]
fn only_what_differs_is_written_and_the_alternate_form_is_whole() {
    for (text, written) in [
        (
            "decorrelated base=1s cap=30s max-elapsed=120s max-attempts=0 hint=floor hint-jitter=growing",
            "decorrelated",
        ),
        ("full base=1500 cap=90s", "full base=1.5s cap=90s"),
        ("additive multiplier=2", "additive multiplier=2"),
        ("fixed base=1000.001ms", "fixed base=1000.001ms"),
        (
            "fixed throttle=none hint=ignore hint-sources=none",
            "fixed throttle=none hint=ignore hint-sources=none",
        ),
        (
            "fixed hint-body-pattern=\"a (\\d+) \"\"s\"\"\"",
            "fixed hint-body-pattern=\"a (\\d+) \"\"s\"\"\"",
        ),
        (
            "fixed hint-body-pattern=\"(\\d+)s\" jitter=0.5",
            "fixed hint-body-pattern=(\\d+)s",
        ),
    ] {
        assert_eq!(policy(text).to_string(), written, "{text}");
    }
    assert_eq!(
        format!("{:#}", Policy::default()),
        "decorrelated base=1s cap=30s jitter=0.5 transient-base=250ms max-elapsed=2m max-attempts=0 attempt-timeout=20s \
        throttle=429,503 transient=408,425,500,502-504,network,timeout hint=floor hint-jitter=growing hint-max=3m \
        hint-on-too-long=fail hint-sources=retry-after-ms,x-ms-retry-after-ms,retry-after,ratelimit,inin-ratelimit-reset,\
        x-ratelimit-reset,ratelimit-reset,body"
    );
}

#[test]
fn the_forms_that_help_shows_are_policies() {
    for form in POLICY_FORMS {
        policy(form);
    }
}

#[test]
fn a_wrong_text_is_told_with_word_value_and_what_is_allowed() {
    for (text, parts) in [
        (
            "",
            vec![
                "first word must name the strategy",
                "\"\" is none of",
                "decorrelated-v2",
            ],
        ),
        ("base=1s", vec!["first word", "\"base=1s\" is none of"]),
        ("fulll base=1s", vec!["\"fulll\" is none of: none, fixed"]),
        (
            "full bass=1s",
            vec![
                "\"bass=1s\" is not for a policy",
                "base, cap, multiplier",
                "hint-body-pattern",
            ],
        ),
        (
            "full maxElapsed=1s",
            vec!["\"maxElapsed=1s\" is not for a policy", "max-elapsed"],
        ),
        ("full base", vec!["\"base\" is not for a policy", "name=value"]),
        ("full base =1s", vec!["\"base\" is not for a policy"]),
        ("full =1s", vec!["\"=1s\" is not for a policy"]),
        (
            "full strategy=fixed",
            vec!["\"strategy=fixed\" is not for a policy"],
        ),
        ("full seed=7", vec!["seed is not for a policy", "beside"]),
        ("full base=1s base=2s", vec!["base stands twice"]),
        ("full hint=floor hint-mode=floor", vec!["hint stands twice"]),
        (
            "full base=",
            vec!["base=\"\" is not allowed", "milliseconds (1500)"],
        ),
        (
            "full base=soon",
            vec!["base=\"soon\" is not allowed: soon is not a duration; allowed: milliseconds"],
        ),
        ("full base=-1s", vec!["base=\"-1s\"", "negative"]),
        (
            "full base=31s",
            vec!["base=\"31s\" is not allowed: it does not fit; allowed: at most the cap, 30s"],
        ),
        ("full multiplier=0.5", vec!["multiplier=\"0.5\"", "1 to 1000"]),
        (
            "full multiplier=1e2",
            vec!["multiplier=\"1e2\"", "not a plain number"],
        ),
        (
            "full jitter=NaN",
            vec!["jitter=\"NaN\"", "not a plain number", "0 to 1"],
        ),
        ("full jitter=1.5", vec!["jitter=\"1.5\"", "0 to 1"]),
        ("table", vec!["table=\"an empty table\"", "1s,5s,30s"]),
        ("table table=1s,,2s", vec!["table=\"1s,,2s\"", "not a duration"]),
        (
            "table table=1s,soon",
            vec!["table=\"1s,soon\"", "soon is not a duration"],
        ),
        ("full max-elapsed=0", vec!["max-elapsed=\"0ms\"", "more than 0ms"]),
        (
            "full max-attempts=-1",
            vec!["max-attempts=\"-1\"", "0 is no limit"],
        ),
        (
            "full max-attempts=4294967296",
            vec!["max-attempts=\"4294967296\"", "4294967295"],
        ),
        (
            "full throttle=429,closed.99",
            vec!["throttle=\"429,closed.99\"", "outside closed.1000 to closed.4999"],
        ),
        (
            "full throttle=teapot",
            vec!["throttle=\"teapot\"", "no status", "5xx"],
        ),
        (
            "full transient=600",
            vec!["transient=\"600\"", "outside 200 to 599", "network and timeout"],
        ),
        (
            "full hint=floot",
            vec!["hint=\"floot\"", "one of floor, replace, ignore"],
        ),
        (
            "full hint-jitter=wide",
            vec!["hint-jitter=\"wide\"", "growing, proportional, none"],
        ),
        (
            "full hint-on-too-long=cry",
            vec!["hint-on-too-long=\"cry\"", "fail, clamp, ignore"],
        ),
        ("full hint-max=0", vec!["hint-max=\"0ms\"", "more than 0ms"]),
        (
            "full hint-sources=retry-aftre",
            vec![
                "hint-sources=\"retry-aftre\"",
                "\"retry-aftre\" is no source",
                "retry-after-ms",
            ],
        ),
        (
            "full hint-sources=body,body",
            vec!["hint-sources=\"body twice\"", "every source once"],
        ),
        (
            "full hint-sources=none",
            vec!["hint-sources=\"an empty list\"", "hint.mode ignore"],
        ),
        (
            "full hint-body-pattern=\\d+",
            vec!["hint-body-pattern=", "no group for the number"],
        ),
        (
            "full hint-body-pattern=\"(a",
            vec!["hint-body-pattern: the quotation marks do not match"],
        ),
        (
            "full base=\"1s\"cap=2s",
            vec!["base: the quotation marks do not match"],
        ),
        (
            "full base=\"1s\"\"",
            vec!["base: the quotation marks do not match"],
        ),
    ] {
        let error = text.parse::<Policy>().expect_err(text).to_string();
        for part in parts {
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

#[test]
fn a_long_wrong_text_has_a_short_message() {
    let long = "x".repeat(100_000);
    for text in [
        long.clone(),
        format!("full {long}"),
        format!("full base={long}"),
        format!("full table={long}"),
    ] {
        let error: PolicyTextError = text.parse::<Policy>().unwrap_err();
        assert!(error.to_string().len() < 1_000, "{error}");
    }
}

/// Whole microseconds up to 366 days, all magnitudes alike.
fn durations() -> impl Generator<Value = Duration> {
    (0..=45_u32, any::<u64>())
        .prop_map(|(bits, value)| Duration::from_micros(value >> (63 - bits)).min(units::LONGEST))
}

fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Generator<Value = T> {
    proptest::sample::select(all)
}

fn statuses(words: &'static str) -> impl Generator<Value = String> {
    proptest::collection::vec((200..600_u16, 0..30_u16), 0..6).prop_map(move |ranges| {
        let range = |(first, width): (u16, u16)| format!("{first}-{}", (first + width).min(599));
        let mut parts: Vec<String> = ranges.into_iter().map(range).collect();
        parts.extend((!words.is_empty()).then(|| words.to_owned()));
        if parts.is_empty() {
            "none".to_owned()
        } else {
            parts.join(",")
        }
    })
}

prop_compose! {
    fn hint_policies()(
        mode in one_of(HintMode::ALL),
        jitter in one_of(HintJitter::ALL),
        max in durations(),
        on_too_long in one_of(TooLong::ALL),
        sources in proptest::sample::subsequence(HintSource::ALL.to_vec(), 0..=8).prop_shuffle(),
        pattern in proptest::option::of("[a-z\" =\\t\u{fc}]{0,12}\\(\\\\d\\+\\)[a-z\" =\\n]{0,12}"),
    ) -> HintPolicy {
        let mode = if sources.is_empty() { HintMode::Ignore } else { mode };
        let body_pattern = pattern.map(|pattern| pattern.parse::<BodyPattern>().expect("it has a group"));
        HintPolicy { mode, jitter, max: max.max(Duration::from_micros(1)), on_too_long, sources, body_pattern }
    }
}

prop_compose! {
    fn policies()(
        strategy in one_of(Strategy::ALL),
        cap in durations(),
        others in proptest::array::uniform4(durations()),
        multiplier in proptest::option::of(1.0..=1000.0_f64),
        jitter in 0.0..=1.0_f64,
        table in proptest::collection::vec(durations(), 1..5),
        max_attempts in any::<u32>(),
        throttle in statuses(""),
        transient in statuses("network,timeout"),
        hints in hint_policies(),
    ) -> Policy {
        let [base, transient_base, max_elapsed, attempt_timeout] = others;
        let least = Duration::from_micros(1);
        Policy {
            strategy, base: base.min(cap), cap, multiplier, jitter, transient_base, max_attempts, hints,
            table: table.into_iter().map(|entry| entry.min(cap)).collect(),
            max_elapsed: max_elapsed.max(least), attempt_timeout: attempt_timeout.max(least),
            throttle: throttle.parse().expect("a set of codes"), transient: transient.parse().expect("a set"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_legal_policy_reads_back_from_its_text(policy in policies()) {
        prop_assert_eq!(policy.check(), Ok(()));
        for text in [policy.to_string(), format!("{policy:#}")] {
            prop_assert_eq!(text.parse::<Policy>(), Ok(policy.clone()), "{}", text);
        }
    }

    #[test]
    fn no_text_panics_and_what_is_read_is_legal(text in "(full|table|none)?( ?(base|cap|table|hint|hint-sources|jitter)?=?\"?[0-9a-z.,\" \u{fc}]{0,6}){0,5}") {
        if let Ok(policy) = text.parse::<Policy>() {
            prop_assert_eq!(policy.check(), Ok(()));
            prop_assert_eq!(policy.to_string().parse::<Policy>(), Ok(policy));
        }
    }
}
