//! What plans say of response codes and messages of another plugin: said of ours where that is sure, else told, else not touched.

use crate::loops::{Spelling, after, element, http, if_asked, open, sampler_script};
use crate::others::{THEIRS, ask, moved};

/// An assertion: what it looks at, how, and the text.
fn assertion(field: &str, kind: &str, text: &str) -> String {
    format!(
        "<ResponseAssertion testname=\"Assert\"><collectionProp name=\"Asserion.test_strings\"><stringProp name=\"1\">{text}</stringProp>\
         </collectionProp><stringProp name=\"Assertion.test_field\">Assertion.{field}</stringProp>\
         <intProp name=\"Assertion.test_type\">{kind}</intProp></ResponseAssertion><hashTree/>"
    )
}

fn read(inner: &str) -> String {
    element(
        &format!("{THEIRS}.SingleReadWebSocketSampler"),
        "Read",
        &[("optional", "true")],
        inner,
    )
}

fn script(text: &str) -> String {
    after(Spelling::Groovy, text)
}

#[test]
fn codes_are_ours_where_they_are_asked_for() {
    let bean = |text: &str| {
        element(
            "BeanShellAssertion",
            "Bean",
            &[("BeanShellAssertion.query", text)],
            "",
        )
    };
    for (inner, now) in [
        (ask(true, &assertion("response_code", "8", "101")), ">200<"),
        (assertion("response_code", "8", "101") + &ask(true, ""), ">200<"),
        (ask(true, &assertion("response_code", "2", "^101$")), ">^200$<"),
        (ask(true, &assertion("response_code", "12", "101")), ">200<"),
        (
            ask(true, &assertion("response_message", "16", "Switching Protocols")),
            ">OK<",
        ),
        (
            ask(
                true,
                &script("if (prev.responseCode != '101') prev.setSuccessful(false)"),
            ),
            "!= &apos;200&apos;",
        ),
        (
            ask(true, &script("vars.put('code', prev.responseCode)"))
                + &if_asked("${__jexl3(\"${code}\" == \"101\")}", &http("")),
            "== &quot;200&quot;",
        ),
        (
            open("") + &read(&bean("Failure = !ResponseCode.equals(\"No response\");")),
            "equals(&quot;No message&quot;)",
        ),
        (
            open("") + &read(&assertion("response_code", "8", "No response")),
            ">No message<",
        ),
        (
            open("") + &http("") + &read("") + &assertion("response_code", "8", "No response"),
            ">No message<",
        ),
    ] {
        let (plan, said) = moved(&inner, &|_| None);
        assert!(
            plan.as_ref().is_some_and(|plan| plan.contains(now)),
            "{now}:\n{plan:?}\n{said}"
        );
        assert!(!said.contains("LEFT"), "{said}");
    }
}

#[test]
fn what_may_have_another_answer_is_told_and_stays() {
    for (inner, asked) in [
        (
            open(&assertion("response_message", "16", "unexpected status 429")),
            "unexpected status 429",
        ),
        (
            open("")
                + &ask(
                    false,
                    &assertion("response_message", "16", "there is no connection"),
                ),
            "there is no connection",
        ),
        (
            ask(true, &assertion("request_data", "16", "Request data")),
            "what was sent",
        ),
        (
            open(&script(
                "if (!prev.getSamplerData().contains('Connect URL')) prev.setSuccessful(false)",
            )),
            "amplerData",
        ),
        (
            open("")
                + &read(&script(
                    "if (prev.responseCode.contains('I/O error')) vars.put('t', 'yes')",
                )),
            "I/O error",
        ),
        (
            open(&script(
                "if (prev.responseMessage.contains('429')) vars.put('t', 'yes')",
            )),
            "responseMessage",
        ),
        (
            ask(
                true,
                &script("if (prev.responseCode.toInteger() == 101) vars.put('t', 'yes')"),
            ),
            "101",
        ),
        (
            ask(true, &script("if (prev.isResponseCodeOK()) vars.put('t', 'yes')")),
            "esponseCodeOK",
        ),
        (
            open("") + &ask(true, "") + &assertion("response_code", "8", "101"),
            "101",
        ),
        (
            ask(true, "") + &http("") + &script("if (prev.responseCode == '101') vars.put('t', 'yes')"),
            "101",
        ),
        (
            open("") + &ask(true, "") + &if_asked("${__jexl3(\"${code}\" == \"101\")}", &http("")),
            "101",
        ),
        (
            ask(true, &assertion("response_code", "8", "${expected}")),
            "${expected}",
        ),
        (ask(true, &assertion("response_code", "8", "200")), "200"),
        (
            ask(true, "")
                + &sampler_script(
                    Spelling::Groovy,
                    "if (vars.get('code') == 'Got: 101') log.info('x')",
                ),
            "101",
        ),
    ] {
        let (plan, said) = moved(&inner, &|_| None);
        let told = said.lines().find(|line| line.contains("LEFT to look at"));
        assert!(
            plan.is_some() && told.is_some_and(|told| told.contains(asked)),
            "{asked}:\n{said}"
        );
    }
    let files = |_: &str| Some(b"if (prev.responseCode == '101') vars.put('t', 'yes')".to_vec());
    let in_file = element(
        "JSR223PostProcessor",
        "In a file",
        &[("filename", "codes.groovy")],
        "",
    );
    let (plan, said) = moved(&ask(true, &in_file), &files);
    assert!(
        plan.is_some() && said.contains("LEFT to look at: its script is in the file codes.groovy"),
        "{said}"
    );
}

#[test]
fn what_looks_at_something_else_is_not_touched() {
    for inner in [
        open("") + &http(&assertion("response_data", "16", "No response")),
        open("") + &http(&assertion("response_code", "16", "No response")),
        ask(true, &assertion("response_data", "8", "101")),
        ask(true, &assertion("response_code", "2", "101|200")),
        open("") + &ask(false, &assertion("response_message", "16", "OK")),
        open(&assertion("response_code", "8", "101")),
        open(&assertion("response_message", "16", "Switching Protocols")),
        open(&script("log.info('No response: ' + prev.responseMessage.trim())")),
        open("")
            + &http(&script(
                "if (prev.responseMessage.contains('x')) vars.put('a', '101')",
            )),
    ] {
        let (plan, said) = moved(&inner, &|_| None);
        assert!(
            plan.is_some() && !said.contains("LEFT") && !said.contains("Changed"),
            "{said}"
        );
    }
}

#[test]
fn an_assertion_that_asks_a_close_for_its_code_is_told() {
    let close =
        |inner: &str| open("") + &element(&format!("{THEIRS}.CloseWebSocketSampler"), "Close", &[], inner);
    for (kind, text, told) in [
        ("16", "1000", true),
        ("2", "1000: bye", true),
        ("8", "bye", true),
        ("16", "bye", false),
    ] {
        let (plan, said) = moved(&close(&assertion("response_data", kind, text)), &|_| None);
        assert!(plan.is_some(), "{said}");
        assert_eq!(
            said.contains("in what a Close shows"),
            told,
            "{kind} {text}: {said}"
        );
    }
    let (_, said) = moved(
        &(close("") + &ask(false, &assertion("response_data", "16", "1000"))),
        &|_| None,
    );
    assert!(!said.contains("in what a Close shows"), "{said}");
}
