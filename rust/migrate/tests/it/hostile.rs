//! Plans that are large, deep or strange: moved or refused in bounded time.

use migrate::{DEEPEST, migrate};
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Ten times what is promised of a release build: a debug build on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(20);

fn plan(inner: &str) -> String {
    format!("<jmeterTestPlan version=\"1.2\"><hashTree>{inner}</hashTree></jmeterTestPlan>")
}

const CLASS: &str = "eu.luminis.jmeter.wssampler";

/// A While Controller around a part of a plan.
fn looping(condition: &str, inner: &str) -> String {
    let condition = condition.replace('"', "&quot;");
    format!(
        "<WhileController><stringProp name=\"WhileController.condition\">{condition}</stringProp></WhileController><hashTree>{inner}</hashTree>"
    )
}

/// An HTTP request with a script behind it.
fn scripted(script: &str) -> String {
    let script = script.replace('"', "&quot;");
    format!(
        "<HTTPSamplerProxy/><hashTree><JSR223PostProcessor><stringProp name=\"script\">{script}</stringProp></JSR223PostProcessor><hashTree/></hashTree>"
    )
}

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
    let retrier = "<nz.co.breakpoint.jmeter.modifiers.RetryPostProcessor><stringProp name=\"maxRetries\">3</stringProp>\
                   </nz.co.breakpoint.jmeter.modifiers.RetryPostProcessor><hashTree/>";
    let call = "<HTTPSamplerProxy/><hashTree/>";
    let extractor = "<RegexExtractor><stringProp name=\"RegexExtractor.refname\">v</stringProp></RegexExtractor><hashTree/>";
    for inner in [
        retrier.repeat(20_000),
        format!("{}{}", retrier.repeat(90), call.repeat(40_000)),
        looping("${__jexl3(\"${v}\" != \"x\")}", &format!("{}{}<ConstantTimer/><hashTree/>", extractor.repeat(16_000), call.repeat(16_000))),
        looping("${__jexl3(\"${v}\" != \"x\")}", &format!("{}{}<ConstantTimer/><hashTree/>", extractor.repeat(400), call.repeat(400))).repeat(100),
        looping(&format!("${{__jexl3(\"${{ok}}\" != \"{}\")}}", "x".repeat(10_000_000)), &scripted("vars.put('ok', prev.responseCode)")),
        looping("${__jexl3(\"${ok}\" != \"1\")}", &scripted(&format!("sleep(1) // ${{ok}} {}", "x".repeat(10_000_000)))),
        looping("${__jexl3(\"${ok}\" != \"1\")}", &scripted(&format!("if (prev.successful) vars.put('ok', '1'); sleep({}1{})", "(".repeat(7_000), ")".repeat(7_000)))),
        looping("${__jexl3(\"${ok}\" != \"1\")}", &scripted(&"for (a in [1, 2, 3]) ".repeat(39))).repeat(300),
        looping("${__jexl3(\"${ok}\" != \"1\")}", &scripted(&"def a = prev.responseHeaders + prev.responseHeaders; ".repeat(250))).repeat(300),
        looping("${__jexl3(\"${ok}\" != \"1\")}", &scripted(&format!("def a = 'x'; {} prev.successful", "a = a + a; ".repeat(300)))),
        looping("${__jexl3(\"${ok}\" != \"1\")}", &scripted("vars.put('ok', '${ok}${ok}'); prev.successful; sleep(1)")),
        looping("${__jexl3(\"${ok}\" != \"1\")}", &scripted("vars.put('ok', vars.get('ok') + vars.get('ok')); prev.successful; sleep(1)")).repeat(50),
        format!("{}{}", "<WhileController><stringProp name=\"WhileController.condition\">prev.successful</stringProp></WhileController><hashTree>".repeat(DEEPEST - 20), "</hashTree>".repeat(DEEPEST - 20)),
        looping(
            "${__jexl3(\"${ok}\" != \"1\")}",
            &scripted(&format!("def a = '{}'; prev.successful; def b = \"{}\"; sleep(1)", "x".repeat(4_000), "${a}".repeat(2_000))),
        ),
        looping(
            "${__jexl3(\"${ok}\" != \"1\")}",
            &scripted(&format!("prev.successful; sleep(1); {}", "'x' =~ '\\\\w{40}'; ".repeat(700))),
        ).repeat(50),
        looping(
            "${__jexl3(\"${ok}\" != \"1\")}",
            &scripted(&format!("prev.successful; def a = '{}'; sleep(1); {}", "x".repeat(9_000), "a.contains('y'); a.replace('x', 'xx'); a.split('x'); ".repeat(100))),
        ).repeat(50),
        looping(
            "${__jexl3(\"${ok}\" != \"1\")}",
            &scripted(&format!("def a = '{}'; def f(n) {{ f(n) }}; prev.successful; sleep(1); while (true) {{ f(1); for (;;) {{}} }}", "x".repeat(9_000))),
        ).repeat(50),
        read.repeat(48_000),
        open.repeat(32_000),
        format!("{}{}", filter.repeat(16_000), read.repeat(24_000)),
        format!("{}{}", header.repeat(4_000), open.repeat(8_000)),
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

/// What scripts are made of, in no order.
const PARTS: [&str; 66] = [
    "vars",
    "prev",
    ".",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "get",
    "put",
    "\"ok\"",
    "'n'",
    ",",
    ";",
    "\n",
    "if",
    "switch",
    "case",
    "default",
    "function",
    "do",
    "++",
    "\"${",
    "?.",
    "else",
    "for",
    "in",
    ":",
    "?",
    "!",
    "=",
    "==",
    "+",
    "-",
    "*",
    "/",
    "<",
    "<<",
    "**",
    "=~",
    "&&",
    "||",
    "sleep",
    "Thread",
    "1",
    "0.5",
    "99999999999",
    "def",
    "return",
    "break",
    "try",
    "catch",
    "finally",
    "new",
    "Random",
    "nextInt",
    "substring",
    "split",
    "responseHeaders",
    "successful",
    "${ok}",
    "\u{e4}",
    "->",
    "as int",
    "Math.pow",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn scripts_and_conditions_of_any_parts_end_without_a_panic(
        script in vec(0..PARTS.len(), 0..60),
        condition in vec(0..PARTS.len(), 0..20),
    ) {
        let text = |parts: &[usize]| parts.iter().map(|nth| PARTS[*nth]).collect::<Vec<_>>().join(" ");
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let script = scripted(&escaped(&format!("if (prev.successful) vars.put('ok', 'true')\n{}", text(&script))));
        for condition in ["${__jexl3(\"${ok}\" != \"true\")}".to_owned(), format!("${{__groovy({})}}", text(&condition))] {
            let done = migrate(plan(&looping(&escaped(&condition), &script)).as_bytes(), &|_| None);
            prop_assert!(done.is_ok());
        }
    }
}
