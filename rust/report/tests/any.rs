//! Whatever a trace says, a page comes of it.

use proptest::prelude::*;
use report::{Page, Run};
use trace::{AttemptRecord, GateRecord, HintRecord, Record};

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(-1.0),
        Just(f64::MAX),
        Just(f64::NAN),
        Just(f64::INFINITY),
        0.0..1e6
    ]
}

fn moment() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(u64::MAX),
        1_795_887_319_000_000..1_795_890_319_000_000u64
    ]
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop_oneof![
        prop::sample::select(words).prop_map(str::to_owned),
        ".{0,8}"
    ])
}

prop_compose! {
    fn attempt()(
        at in moment(), total_us in moment(), user in 0..4u8, ordinal in 0..2u64, number in 1..4u64, length in number(),
        status in prop::option::of(any::<u16>()), error in word(&["upgrade.status", "tcp.refused", "closed.1013"]),
        class in word(&["throttle", "transient", "fatal"]), stop in word(&["connected", "max-elapsed"]),
        hint in prop::option::of(number()), gate in prop::option::of(number()), stage in prop::option::of(any::<u64>()),
    ) -> Record<'static> {
        Record::Attempt(AttemptRecord {
            at,
            target: "ws://h/".into(),
            user: format!("U {user}").into(),
            ordinal,
            attempt: number,
            total_us,
            dns_us: stage,
            head_us: stage,
            sent_us: Some(7),
            status,
            error: error.map(Into::into),
            class: class.map(Into::into),
            stop: stop.map(Into::into),
            waited_ms: Some(length),
            hint: hint.map(|ms| HintRecord { source: "retry-after".into(), raw: "x".into(), ms: Some(ms), ignored: None }),
            gate: gate.map(|rate| GateRecord { mode: "pace".into(), waited_ms: length, rate: Some(rate), queue: 3, hold_ms: 0.0 }),
            ..AttemptRecord::default()
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn every_trace_has_a_page(records in prop::collection::vec(attempt(), 0..40)) {
        let mut run = Run::new();
        for record in &records {
            run.take(record);
        }
        let page = Page { title: "any", run: &run, before: None, answers: &[], cure: &|_| None }.html();
        prop_assert!(page.ends_with("</html>") && page.len() < 3_000_000);
        prop_assert!(!page.contains("NaN") && !page.contains(">inf"), "a number that is none is shown");
    }
}
