//! Plans that are large, deep or strange: moved or refused in bounded time.

use migrate::{DEEPEST, migrate};
use std::time::{Duration, Instant};

/// Ten times what is promised of a release build: a debug build on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(20);

fn plan(inner: &str) -> String {
    format!("<jmeterTestPlan version=\"1.2\"><hashTree>{inner}</hashTree></jmeterTestPlan>")
}

const CLASS: &str = "eu.luminis.jmeter.wssampler";

#[test]
fn plans_that_were_made_to_be_slow_are_done_in_time() {
    let filter = format!(
        "<{CLASS}.TextFrameFilter><stringProp name=\"comparisonType\">NotContains</stringProp></{CLASS}.TextFrameFilter><hashTree/>"
    );
    let read = format!("<{CLASS}.SingleReadWebSocketSampler/><hashTree/>");
    let open = format!(
        "<{CLASS}.OpenWebSocketSampler><stringProp name=\"server\">h</stringProp></{CLASS}.OpenWebSocketSampler><hashTree/>"
    );
    let header = "<HeaderManager><collectionProp name=\"HeaderManager.headers\"><elementProp><stringProp name=\"Header.name\">\
                  Sec-WebSocket-Extensions</stringProp><stringProp name=\"Header.value\">permessage-deflate</stringProp></elementProp>\
                  </collectionProp></HeaderManager><hashTree/>";
    let nested = |count: usize| {
        let open = "<LoopController/><hashTree>".repeat(count);
        format!("{open}{read}{}", "</hashTree>".repeat(count))
    };
    for inner in [
        read.repeat(120_000),
        open.repeat(80_000),
        format!("{}{}", filter.repeat(40_000), read.repeat(60_000)),
        format!("{}{}", header.repeat(10_000), open.repeat(20_000)),
        nested(DEEPEST - 10),
        format!("<a>{}</a>", "&#65;".repeat(1_000_000)),
        format!("<a b=\"{}\"/>", "x".repeat(5_000_000)),
    ] {
        let from = Instant::now();
        let done = migrate(plan(&inner).as_bytes(), &|_| None);
        assert!(done.is_ok(), "{:?}", done.err());
        assert!(
            from.elapsed() < LIMIT,
            "{:?} for {}",
            from.elapsed(),
            &inner[..80.min(inner.len())]
        );
    }
}

#[test]
fn plans_beyond_the_bounds_are_refused_in_time() {
    for inner in [
        "<a/>".repeat(250_000),
        "<hashTree>".repeat(10_000),
        "<a>".repeat(3_000_000),
    ] {
        let from = Instant::now();
        let refusal = migrate(plan(&inner).as_bytes(), &|_| None)
            .unwrap_err()
            .to_string();
        assert!(refusal.contains("more than"), "{refusal}");
        assert!(from.elapsed() < LIMIT);
    }
}
